//! What a run has recorded (`RunOptions::trace`), in terms of the program's text.
use crate::base::span::SourceMap;
use crate::bytecode::program::Program;
use crate::interp::ctx::Rt;
use crate::sched::trace::record::{Taken, Trace};
use crate::sched::trace::steps::Steps;
use crate::sched::trace::{Event, Meaning};
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// For asking a run what it has recorded, also while it goes on, and after it.
pub struct Recorder {
    trace: Arc<Trace>,
    program: Arc<Program>,
    sources: Arc<SourceMap>,
    procs: usize,
}

/// A line of the program in a function.
pub struct Place {
    /// Its number among the files; `None`: it is a standard package's.
    pub file: Option<usize>,
    /// `prog.gm:12`.
    pub text: String,
    pub line: u32,
    pub function: String,
}

/// A recording. The events' places are numbers into `places`, from 1.
pub struct Recorded {
    pub taken: Taken,
    pub places: Vec<Place>,
    /// Name and text of each of the program's own files.
    pub files: Vec<(String, String)>,
    /// How many Ps the run began with.
    pub procs: usize,
}

impl Recorder {
    pub(super) fn of(rt: &Rt) -> Option<Recorder> {
        let trace = rt.sched.trace.clone()?;
        let (program, sources) = (Arc::clone(&rt.program), Arc::clone(&rt.sources));
        Some(Recorder { trace, program, sources, procs: rt.sched.procs() })
    }

    /// What has been recorded so far.
    pub fn take(&self) -> Recorded {
        self.resolve(self.trace.take())
    }

    /// In slow motion: the last events.
    pub fn recent(&self) -> Recorded {
        let events = self.steps().map_or(Vec::new(), Steps::recent);
        self.resolve(Taken { events, remembered: Vec::new(), dropped: 0, lost: 0, from: 0, end: 0, seeded: false })
    }

    /// Lets a run in slow motion go on.
    pub fn steps(&self) -> Option<&Steps> {
        self.trace.steps.as_ref()
    }

    fn resolve(&self, taken: Taken) -> Recorded {
        let own = |name: &str| !name.starts_with("$std/");
        let files: Vec<_> = self.sources.files().filter(|f| own(&f.name)).collect();
        let mut recorded = Recorded {
            taken,
            places: Vec::new(),
            files: files.iter().map(|f| (f.name.clone(), f.text.clone())).collect(),
            procs: self.procs,
        };
        let mut known: FxHashMap<(u32, bool), u32> = FxHashMap::default();
        let places = &mut recorded.places;
        let mut number = |code: u32, begins: bool| {
            *known.entry((code, begins)).or_insert_with(|| {
                let Some(place) = self.place(code, begins, &recorded.files) else { return 0 };
                places.push(place);
                places.len() as u32
            })
        };
        let mut resolve = |e: &mut Event| {
            for (name, _) in e.info().fields.iter().filter(|f| f.1 == Meaning::Place) {
                // What a goroutine is to run is named by the function's first instruction.
                match *name {
                    "at" => e.at = number(e.at, false),
                    _ => e.n = number(e.n, true),
                }
            }
        };
        recorded.taken.remembered.iter_mut().for_each(&mut resolve);
        recorded.taken.events.iter_mut().for_each(&mut resolve);
        recorded
    }

    fn place(&self, code: u32, begins: bool, files: &[(String, String)]) -> Option<Place> {
        let function = self.program.func_at(code).filter(|_| code != 0)?;
        let pos = if begins { function.pos } else { function.pos_at(code) };
        let function = function.name.clone();
        Some(match self.sources.locate(pos) {
            Some((name, line, _)) => {
                Place { file: files.iter().position(|f| f.0 == name), text: format!("{name}:{line}"), line, function }
            }
            None => Place { file: None, text: function.clone(), line: 0, function },
        })
    }
}
