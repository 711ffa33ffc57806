//! `gmpl prof`: shows a profile, gmpl's own or one of Go's, in the terminal or as a page with a flame graph.
mod page;
mod source;
mod table;

use super::{answer, complain, status, terminal};
use crate::profile::graph::{self, View};
use crate::profile::pprof::Profile;
use std::path::PathBuf;

#[derive(clap::Args)]
#[command(after_help = "\
Without more it prints the functions by what they took themselves (flat) and with what they called (cum), as
`go tool pprof -top` does.

Examples:
  gmpl run --cpuprofile cpu.pprof prog.gm
  gmpl prof cpu.pprof
  gmpl prof cpu.pprof --list 'main\\.parse'
  gmpl prof mem.pprof --sample alloc_space --tree
  gmpl prof cpu.pprof --html cpu.html")]
pub struct Args {
    /// A profile in pprof's format, or - for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Which kind of sample to show: cpu, alloc_space, inuse_space, delay...
    #[arg(long, value_name = "NAME")]
    sample: Option<String>,
    /// Print who called whom, as a tree
    #[arg(long, group = "what")]
    tree: bool,
    /// Print the source of the functions that match, each line with what it took
    #[arg(long, value_name = "REGEX", group = "what")]
    list: Option<String>,
    /// Write a page with a flame graph, which needs nothing but a browser
    #[arg(long, value_name = "FILE", group = "what")]
    html: Option<PathBuf>,
    /// Lines of the table; 0: all
    #[arg(long, value_name = "N", default_value_t = 40)]
    rows: usize,
}

/// A profile of more bytes than this is none of a program.
const MAX_BYTES: u64 = 256 << 20;

pub fn run(args: Args) -> i32 {
    match show(&args) {
        Ok(text) => answer(&text),
        Err(e) => {
            complain(&e);
            status::FAILED
        }
    }
}

fn read(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let from: Box<dyn Read> = match path.as_os_str() == "-" {
        true => Box::new(std::io::stdin()),
        false => Box::new(std::fs::File::open(path)?),
    };
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > MAX_BYTES {
        true => Err(std::io::Error::other(format!("it is larger than {} MB", MAX_BYTES >> 20))),
        false => Ok(bytes),
    }
}

fn show(args: &Args) -> Result<String, String> {
    let name = args.file.display();
    let bytes = read(&args.file).map_err(|e| format!("cannot read {name}: {}", terminal::why(&e)))?;
    let profile = Profile::decode(&bytes).map_err(|e| format!("{name}: {e}"))?;
    let value = graph::find_kind(&profile, args.sample.as_deref()).map_err(|e| format!("{name}: {e}"))?;
    let view = View { profile: &profile, value };
    if let Some(regex) = &args.list {
        return source::list(&view, regex);
    }
    if let Some(path) = &args.html {
        let page = page::page(&view, &name.to_string());
        std::fs::write(path, page).map_err(|e| format!("cannot write {}: {}", path.display(), terminal::why(&e)))?;
        return Ok(String::new());
    }
    Ok(if args.tree { table::tree(&view) } else { table::top(&view, args.rows) })
}
