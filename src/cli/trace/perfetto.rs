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

    fn name(&mut self, what: &str, lane: (u32, u32), name: &str) -> std::io::Result<()> {
        self.event(what, "M", lane, 0, &format!(",\"args\":{{\"name\":{}}}", quote(name)))
    }
}

/// What goes on in a P: the G that runs there and since when, and what its M does.
#[derive(Default)]
struct Lane {
    running: Option<(u64, i64)>,
    asleep: Option<i64>,
}

pub fn write(recorded: &Recorded, out: &mut impl Write) -> std::io::Result<()> {
    write!(out, "{{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")?;
    let mut w = Writer { recorded, out, some: false };
    let taken = &recorded.taken;
    let ps: BTreeSet<u16> = taken.events.iter().map(|e| e.p).filter(|&p| p != NO_P).collect();
    w.name("process_name", (PS, 0), "Ps: which goroutine runs where")?;
    w.name("process_name", (MS, 0), "Ms: threads")?;
    for &p in &ps {
        w.name("thread_name", (PS, p as u32), &format!("P{p}"))?;
        w.name("thread_name", (MS, p as u32), &format!("M{p}"))?;
    }
    let mut functions: FxHashMap<u64, u32> = FxHashMap::default();
    let created = taken.remembered.iter().chain(&taken.events).filter(|e| e.kind == Kind::Create);
    functions.extend(created.map(|e| (e.g, e.n)));
    let title = |g: u64| match functions.get(&g).and_then(|&n| recorded.places.get((n as usize).wrapping_sub(1))) {
        Some(place) => format!("g{g} {}", place.function),
        None => format!("g{g}"),
    };
    let mut lanes: BTreeMap<u16, Lane> = BTreeMap::new();
    // The arrow that leads to where a goroutine goes on.
    let mut arrows: FxHashMap<u64, u64> = FxHashMap::default();
    let mut jobs = Jobs::default();
    let (mut stopped, mut arrow) = (None, 0);
    for e in &taken.events {
        let lane = lanes.entry(e.p).or_default();
        let here = (PS, e.p as u32);
        match e.kind {
            Kind::Start => {
                lane.running = Some((e.g, e.time));
                if let Some(arrow) = arrows.remove(&e.g) {
                    let rest = format!(",\"cat\":\"wake\",\"id\":{arrow},\"bp\":\"e\"");
                    w.event("wake", "f", here, e.time, &rest)?;
                }
                let counter = format!(",\"args\":{{\"waiting\":{}}}", e.n);
                w.event(&format!("queue of P{}", e.p), "C", here, e.time, &counter)?;
                w.event("global queue", "C", (PS, 0), e.time, &format!(",\"args\":{{\"waiting\":{}}}", e.by))?;
            }
            Kind::Preempt | Kind::Yield | Kind::Park | Kind::End => {
                if let Some((g, since)) = lane.running.take() {
                    let args = format!("\"end\":{}", quote(&sentence(recorded, e)));
                    w.slice(&title(g), here, since, e.time, &args)?;
                    w.slice(&title(g), (MS, e.p as u32), since, e.time, "")?;
                }
            }
            Kind::Ready if e.by != 0 && lane.running.is_some() => {
                arrow += 1;
                arrows.insert(e.g, arrow);
                w.event("wake", "s", here, e.time, &format!(",\"cat\":\"wake\",\"id\":{arrow}"))?;
            }
            Kind::Idle => lane.asleep = Some(e.time),
            Kind::Wake => {
                if let Some(since) = lane.asleep.take() {
                    w.slice("sleeps", (MS, e.p as u32), since, e.time, "")?;
                }
            }
            Kind::JobStart => jobs.begin(e),
            Kind::JobEnd => {
                if let Some((thread, since)) = jobs.end(e) {
                    w.slice(&format!("a blocking call of g{}", e.g), (MS, JOBS + thread), since, e.time, "")?;
                }
            }
            Kind::StopBegin => stopped = Some(e.time),
            Kind::StopEnd => {
                if let Some(since) = stopped.take() {
                    w.slice("the world is stopped", (PS, JOBS), since, e.time, "")?;
                }
            }
            Kind::Steal | Kind::Collect | Kind::Timer | Kind::HandOff => {
                let text = quote(&sentence(recorded, e));
                let at = if e.p == NO_P { (PS, JOBS) } else { here };
                w.event(e.info().name, "i", at, e.time, &format!(",\"s\":\"t\",\"args\":{{\"what\":{text}}}"))?;
            }
            _ => {}
        }
    }
    for (p, lane) in lanes {
        if let Some((g, since)) = lane.running {
            w.slice(&title(g), (PS, p as u32), since, taken.end, "")?;
            w.slice(&title(g), (MS, p as u32), since, taken.end, "")?;
        }
        if let Some(since) = lane.asleep {
            w.slice("sleeps", (MS, p as u32), since, taken.end, "")?;
        }
    }
    for (g, thread, since) in jobs.rest() {
        w.slice(&format!("a blocking call of g{g}"), (MS, JOBS + thread), since, taken.end, "")?;
    }
    for thread in 0..jobs.threads() {
        w.name("thread_name", (MS, JOBS + thread), &format!("thread {} for blocking calls", thread + 1))?;
    }
    w.name("thread_name", (PS, JOBS), "the world")?;
    let dropped = taken.dropped;
    write!(w.out, "\n],\"otherData\":{{\"dropped\":{dropped},\"files\":{}}}}}\n", w.recorded.files.len())
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

    fn rest(&self) -> impl Iterator<Item = (u64, u32, i64)> + '_ {
        self.0.iter().enumerate().filter_map(|(thread, j)| j.map(|j| (j.0, thread as u32, j.1)))
    }

    fn threads(&self) -> u32 {
        self.0.len() as u32
    }
}
