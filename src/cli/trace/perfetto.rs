//! A recording as Chrome trace events, which Perfetto opens: a process for the Ps, whose threads are the Ps with what runs there, and one
//! for the Ms. Arrows lead from who readies a goroutine to where it goes on.
use super::text::sentence;
use crate::base::render::quote;
use crate::sched::trace::{Event, Kind, NO_P};
use crate::vm::trace::Recorded;
use rustc_hash::FxHashMap;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

const PS: u32 = 1;
const MS: u32 = 2;
/// Threads without a P begin here.
const JOBS: u32 = 100_000;

struct Writer<'a, W: Write> {
    recorded: &'a Recorded,
    out: &'a mut W,
    some: bool,
    /// What goroutines run, as numbers of places.
    functions: FxHashMap<u64, u32>,
}

impl<W: Write> Writer<'_, W> {
    /// One event: its name, phase, process, thread and time, and the rest as it is.
    fn event(&mut self, name: &str, ph: &str, (pid, tid): (u32, u32), ns: i64, rest: &str) -> std::io::Result<()> {
        let comma = if std::mem::replace(&mut self.some, true) { "," } else { "" };
        let (us, rem) = (ns / 1000, ns % 1000);
        write!(self.out, "{comma}\n{{\"name\":{},\"ph\":\"{ph}\",\"pid\":{pid},\"tid\":{tid}", quote(name))?;
        write!(self.out, ",\"ts\":{us}.{rem:03}{rest}}}")
    }

    fn slice(&mut self, name: &str, lane: (u32, u32), from: i64, to: i64, args: &str) -> std::io::Result<()> {
        let took = to - from;
        let rest = format!(",\"dur\":{}.{:03},\"args\":{{{args}}}", took / 1000, took % 1000);
        self.event(name, "X", lane, from, &rest)
    }

    fn counter(&mut self, name: &str, lane: (u32, u32), ns: i64, n: u64) -> std::io::Result<()> {
        self.event(name, "C", lane, ns, &format!(",\"args\":{{\"waiting\":{n}}}"))
    }

    fn name(&mut self, what: &str, lane: (u32, u32), name: &str) -> std::io::Result<()> {
        self.event(what, "M", lane, 0, &format!(",\"args\":{{\"name\":{}}}", quote(name)))
    }
}

/// What goes on in a P: the G that runs there and since when, and since when its M sleeps.
#[derive(Default)]
struct Lane {
    running: Option<(u64, i64)>,
    asleep: Option<i64>,
}

/// What has begun and not ended.
#[derive(Default)]
struct Open {
    lanes: BTreeMap<u16, Lane>,
    /// The arrows that lead to where goroutines go on.
    arrows: FxHashMap<u64, u64>,
    arrow: u64,
    jobs: Jobs,
    stopped: Option<i64>,
}

pub fn write(recorded: &Recorded, out: &mut impl Write) -> std::io::Result<()> {
    write!(out, "{{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")?;
    let created = recorded.taken.remembered.iter().chain(&recorded.taken.events).filter(|e| e.kind == Kind::Create);
    let functions = created.map(|e| (e.g, e.n)).collect();
    let mut w = Writer { recorded, out, some: false, functions };
    let taken = &recorded.taken;
    w.name("process_name", (PS, 0), "Ps: which goroutine runs where")?;
    w.name("process_name", (MS, 0), "Ms: threads")?;
    let ps: BTreeSet<u16> = taken.events.iter().map(|e| e.p).filter(|&p| p != NO_P).collect();
    for p in ps {
        w.name("thread_name", (PS, p as u32), &format!("P{p}"))?;
        w.name("thread_name", (MS, p as u32), &format!("M{p}"))?;
    }
    w.name("thread_name", (PS, JOBS), "the world")?;
    let mut open = Open::default();
    for e in &taken.events {
        w.lane(&mut open, e)?;
        w.rest(&mut open, e)?;
    }
    w.end(open)?;
    let (dropped, lost) = (taken.dropped, taken.lost);
    writeln!(w.out, "\n],\"otherData\":{{\"dropped\":{dropped},\"lost\":{lost}}}}}")
}

impl<W: Write> Writer<'_, W> {
    /// What an event says of its P and M.
    fn lane(&mut self, open: &mut Open, e: &Event) -> std::io::Result<()> {
        let lane = open.lanes.entry(e.p).or_default();
        let (here, thread) = ((PS, e.p as u32), (MS, e.p as u32));
        match e.kind {
            Kind::Start => {
                lane.running = Some((e.g, e.time));
                if let Some(arrow) = open.arrows.remove(&e.g) {
                    let rest = format!(",\"cat\":\"wake\",\"id\":{arrow},\"bp\":\"e\"");
                    self.event("wake", "f", here, e.time, &rest)?;
                }
                self.counter(&format!("queue of P{}", e.p), here, e.time, e.n as u64)?;
                self.counter("global queue", (PS, 0), e.time, e.by)
            }
            Kind::Preempt | Kind::Yield | Kind::Park | Kind::End => {
                let Some((g, since)) = lane.running.take() else { return Ok(()) };
                let args = format!("\"end\":{}", quote(&sentence(self.recorded, e)));
                self.slice(&self.title(g), here, since, e.time, &args)?;
                self.slice(&self.title(g), thread, since, e.time, "")
            }
            Kind::Ready if e.by != 0 && lane.running.is_some() => {
                open.arrow += 1;
                open.arrows.insert(e.g, open.arrow);
                self.event("wake", "s", here, e.time, &format!(",\"cat\":\"wake\",\"id\":{}", open.arrow))
            }
            Kind::Idle => {
                lane.asleep = Some(e.time);
                Ok(())
            }
            Kind::Wake => match lane.asleep.take() {
                Some(since) => self.slice("sleeps", thread, since, e.time, ""),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Blocking calls, stops of the world, and what takes no time.
    fn rest(&mut self, open: &mut Open, e: &Event) -> std::io::Result<()> {
        match e.kind {
            Kind::JobStart => open.jobs.begin(e),
            Kind::JobEnd => {
                if let Some((thread, since)) = open.jobs.end(e) {
                    self.job(e.g, thread, since, e.time)?;
                }
            }
            Kind::StopBegin => open.stopped = Some(e.time),
            Kind::StopEnd => {
                if let Some(since) = open.stopped.take() {
                    self.slice("the world is stopped", (PS, JOBS), since, e.time, "")?;
                }
            }
            Kind::Steal | Kind::Collect | Kind::Timer | Kind::HandOff => {
                let text = quote(&sentence(self.recorded, e));
                let at = if e.p == NO_P { JOBS } else { e.p as u32 };
                let rest = format!(",\"s\":\"t\",\"args\":{{\"what\":{text}}}");
                self.event(e.info().name, "i", (PS, at), e.time, &rest)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// What has not ended does with the recording.
    fn end(&mut self, open: Open) -> std::io::Result<()> {
        let end = self.recorded.taken.end;
        for (p, lane) in open.lanes {
            if let Some((g, since)) = lane.running {
                self.slice(&self.title(g), (PS, p as u32), since, end, "")?;
                self.slice(&self.title(g), (MS, p as u32), since, end, "")?;
            }
            if let Some(since) = lane.asleep {
                self.slice("sleeps", (MS, p as u32), since, end, "")?;
            }
        }
        for (thread, job) in open.jobs.0.into_iter().enumerate() {
            let thread = thread as u32;
            self.name("thread_name", (MS, JOBS + thread), &format!("thread {} for blocking calls", thread + 1))?;
            if let Some((g, since)) = job {
                self.job(g, thread, since, end)?;
            }
        }
        Ok(())
    }

    fn job(&mut self, g: u64, thread: u32, from: i64, to: i64) -> std::io::Result<()> {
        self.slice(&format!("a blocking call of g{g}"), (MS, JOBS + thread), from, to, "")
    }

    fn title(&self, g: u64) -> String {
        match self.functions.get(&g).and_then(|&n| self.recorded.places.get((n as usize).wrapping_sub(1))) {
            Some(place) => format!("g{g} {}", place.function),
            None => format!("g{g}"),
        }
    }
}

/// Blocking calls that go on, each on the first thread that is free.
#[derive(Default)]
struct Jobs(Vec<Option<(u64, i64)>>);

impl Jobs {
    fn begin(&mut self, e: &Event) {
        let job = Some((e.g, e.time));
        match self.0.iter_mut().find(|j| j.is_none()) {
            Some(free) => *free = job,
            None => self.0.push(job),
        }
    }

    fn end(&mut self, e: &Event) -> Option<(u32, i64)> {
        let thread = self.0.iter().position(|j| j.is_some_and(|j| j.0 == e.g))?;
        self.0[thread].take().map(|j| (thread as u32, j.1))
    }
}
