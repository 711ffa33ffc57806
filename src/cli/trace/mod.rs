//! `gmpl trace`: runs a program as `gmpl run` does and writes what its scheduler did, as a page, for Perfetto, or as text.
mod page;
mod perfetto;
pub mod text;

use super::terminal::{Colour, why};
use super::{complain, run, status};
use crate::vm::Vm;
use crate::vm::host::ProcessHost;
use crate::vm::trace::Recorded;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

#[derive(clap::Args)]
#[command(
    mut_arg("args", |a| a.trailing_var_arg(false).allow_hyphen_values(false).help("Arguments of the program; its flags come after --")),
    mut_arg("format", |a| a.long("reports")),
    mut_arg("watch", |a| a.hide(true)),
    after_help = concat!("\
Examples:
  gmpl trace prog.gm                     # writes trace.html, to be opened in a browser
  gmpl trace --seed 1 prog.gm -o t.html  # the same page every time
  gmpl trace --format perfetto prog.gm   # writes trace.json, for ui.perfetto.dev
  gmpl trace prog.gm -- -n 3             # flags of the program

The file is written however the program ends.

", super::statuses!())
)]
// clap names a group by the type; the one of `run` is in it.
#[group(id = "Trace")]
pub struct Args {
    /// The file to write [default: trace.html, trace.json or trace.txt]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// What to write
    #[arg(id = "kind", long = "format", value_enum, default_value_t, value_name = "FORMAT")]
    kind: Kind,
    /// Keep the newest so many events
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=100_000_000))]
    events: usize,
    #[command(flatten)]
    run: run::Args,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum Kind {
    /// A page for a browser, with all in it
    #[default]
    Html,
    /// JSON that Perfetto and chrome://tracing open
    Perfetto,
    /// A line for each event
    Text,
}

/// Where a run's recording is to go.
pub struct Request {
    path: PathBuf,
    kind: Kind,
    pub events: usize,
    failed: Arc<AtomicBool>,
}

/// The same, opened.
pub struct Sink {
    request: Request,
    file: File,
}

impl Request {
    /// To be called before the run. An error has been reported.
    pub fn open(self) -> Result<Sink, ()> {
        match File::create(&self.path) {
            Ok(file) => Ok(Sink { request: self, file }),
            Err(e) => Err(complain(&format!("cannot write {}: {}", self.path.display(), why(&e)))),
        }
    }
}

impl Sink {
    /// Has the recording written when the run ends, however it does.
    pub fn attach(self, vm: &Vm, host: &ProcessHost) {
        let Some(recorder) = vm.recorder() else { return };
        host.when_ended(move || {
            let recorded = recorder.take();
            if let Err(e) = self.write(&recorded) {
                let path = self.request.path.display();
                complain(&format!("the trace is lost: cannot write {path}: {}", why(&e)));
                self.request.failed.store(true, SeqCst);
            }
        });
    }

    fn write(&self, recorded: &Recorded) -> std::io::Result<()> {
        let mut out = BufWriter::new(&self.file);
        match self.request.kind {
            Kind::Html => page::write(recorded, &mut out),
            Kind::Perfetto => perfetto::write(recorded, &mut out),
            Kind::Text => text::write(recorded, &mut out),
        }?;
        out.flush()
    }
}

pub fn run(args: Args, colour: Colour) -> i32 {
    let name = match args.kind {
        Kind::Html => "trace.html",
        Kind::Perfetto => "trace.json",
        Kind::Text => "trace.txt",
    };
    let path = args.output.unwrap_or_else(|| name.into());
    let failed = Arc::new(AtomicBool::new(false));
    let request = Request { path, kind: args.kind, events: args.events, failed: failed.clone() };
    let ended = run::start(args.run, colour, Some(request));
    if failed.load(SeqCst) && ended == status::OK { status::FAILED } else { ended }
}
