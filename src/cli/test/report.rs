//! Runs the processes of packages and prints what came of them, in the order of the packages.
use super::binary::BUILD_FAILED;
use super::cover;
use super::json::Converter;
use super::packages::Package;
use super::{Launch, seeds};
use crate::cli::{complain, status, terminal};
use parking_lot::{Condvar, Mutex};
use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::*};
use std::time::{Duration, Instant};

/// How long a process that has ended may keep its output open: others that it started may hold it.
const OUTPUT_PATIENCE: Duration = Duration::from_secs(5);

/// What a package printed, and whether it failed.
struct Outcome {
    text: Vec<u8>,
    /// Reports of mistakes, for standard error.
    reports: Vec<u8>,
    failed: bool,
    /// The lines of a coverage profile.
    blocks: String,
}

/// Where a package's output goes as it comes.
enum Sink {
    /// To standard output.
    Stream,
    /// To be shown at the end.
    Keep(Vec<u8>),
    /// To standard output, as events.
    Json(Box<Converter>),
}

impl Sink {
    fn write(&mut self, bytes: &[u8]) {
        match self {
            Sink::Stream => show(bytes),
            Sink::Keep(text) => text.extend_from_slice(bytes),
            Sink::Json(converter) => show(&converter.write(bytes)),
        }
    }
}

fn show(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// Tests all packages; returns the exit status.
pub fn all(launch: &Launch, packages: &[Package], mut profile: Option<File>) -> i32 {
    let local = launch.args.packages.is_empty();
    let at_once =
        launch.args.packages_at_once.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, |n| n.get()));
    let slots: Mutex<Vec<Option<Outcome>>> = Mutex::new(packages.iter().map(|_| None).collect());
    let (next, filled, stop) = (AtomicUsize::new(0), Condvar::new(), AtomicBool::new(false));
    let mut failed = false;
    std::thread::scope(|scope| {
        let work = || loop {
            let i = next.fetch_add(1, SeqCst);
            let Some(package) = packages.get(i) else { return };
            let skipped = Outcome { text: Vec::new(), reports: Vec::new(), failed: false, blocks: String::new() };
            let outcome = if stop.load(SeqCst) { skipped } else { one(launch, package, packages.len(), local) };
            if outcome.failed && launch.args.failfast == Some(true) {
                stop.store(true, SeqCst);
            }
            slots.lock()[i] = Some(outcome);
            filled.notify_all();
        };
        for _ in 0..at_once.clamp(1, packages.len()) {
            if std::thread::Builder::new().spawn_scoped(scope, work).is_err() {
                work();
            }
        }
        for i in 0..packages.len() {
            let mut all = slots.lock();
            while all[i].is_none() {
                filled.wait(&mut all);
            }
            let Some(outcome) = all[i].take() else { continue };
            drop(all);
            let _ = std::io::stderr().lock().write_all(&outcome.reports);
            show(&outcome.text);
            failed |= outcome.failed;
            if let Some(file) = &mut profile
                && let Err(e) = file.write_all(outcome.blocks.as_bytes())
            {
                complain(&format!("cannot write the coverage profile: {}", terminal::why(&e)));
                failed = true;
                profile = None;
            }
        }
    });
    if failed && !launch.args.is_json() && !local {
        show(b"FAIL\n");
    }
    if failed { status::COMPILE_ERROR } else { status::OK }
}

/// Tests one package.
fn one(launch: &Launch, package: &Package, packages: usize, local: bool) -> Outcome {
    let args = &launch.args;
    // As Go: what is local or measures is shown as it comes; so is all of a single package that shows passes.
    let streams = local || args.bench.is_some();
    let copies = args.shows_passes() && (packages == 1 || args.packages_at_once == Some(1));
    let mut sink = match () {
        _ if args.is_json() => {
            let converter = Converter::new(&package.path);
            show(&converter.start());
            Sink::Json(Box::new(converter))
        }
        _ if streams || copies => Sink::Stream,
        _ => Sink::Keep(Vec::new()),
    };
    let done = test(launch, package, &mut sink, streams && !args.is_json());
    let text = match sink {
        Sink::Keep(text) => text,
        Sink::Stream => Vec::new(),
        Sink::Json(mut converter) => {
            show(&converter.close(done.failed, done.built.then_some(()).is_none()));
            Vec::new()
        }
    };
    let blocks = launch.cover_profile(package).map_or(String::new(), |path| cover::blocks(&path));
    Outcome { text, reports: done.reports, failed: done.failed, blocks }
}

struct Done {
    failed: bool,
    built: bool,
    reports: Vec<u8>,
}

/// Runs the package's process and writes all but the reports of mistakes; `unseen`: as in Go, what was printed is not
/// looked at.
fn test(launch: &Launch, package: &Package, sink: &mut Sink, unseen: bool) -> Done {
    let path = &package.path;
    if let Some(why) = &package.broken {
        sink.write(format!("FAIL\t{path} [setup failed]\n").as_bytes());
        return Done { failed: true, built: false, reports: format!("# {path}\n{why}\n").into_bytes() };
    }
    let start = Instant::now();
    let ended = match run_process(launch, package, sink) {
        Ok(ended) => ended,
        Err(e) => {
            complain(&format!("{path}: {}", terminal::why(&e)));
            return Done { failed: true, built: true, reports: Vec::new() };
        }
    };
    if let Some(reports) = ended.reports {
        sink.write(format!("FAIL\t{path} [build failed]\n").as_bytes());
        let head = format!("# {path}\n").into_bytes();
        return Done { failed: true, built: false, reports: [head, reports].concat() };
    }
    if !package.has_tests() {
        let line = match launch.args.cover.mode() {
            Some(_) => format!("\t{path}\t\tcoverage: 0.0% of statements\n"),
            None => format!("?   \t{path}\t[no test files]\n"),
        };
        sink.write(line.as_bytes());
        return Done { failed: false, built: true, reports: Vec::new() };
    }
    let time = format!("{:.3}s", start.elapsed().as_secs_f64());
    let (out, args) = (if unseen { &[][..] } else { &ended.output[..] }, &launch.args);
    let broken = !out.is_empty() && !out.ends_with(b"\n");
    let fine = ended.status.is_some_and(|s| s.success());
    if fine {
        let norun = memchr::memmem::find(out, b"testing: warning: no tests to run\n")
            .is_some_and(|i| i == 0 || out[i - 1] == b'\n');
        let norun = if norun { " [no tests to run]" } else { "" };
        if !args.shows_passes()
            && let Sink::Keep(text) = sink
            && args.seeds.is_none()
        {
            text.clear();
        }
        if broken {
            sink.write(b"\n");
        }
        let covered = if args.cover.mode().is_some() { cover::summary(out) } else { String::new() };
        sink.write(format!("ok  \t{path}\t{time}{covered}{norun}\n").as_bytes());
    } else {
        use std::os::unix::process::ExitStatusExt;
        if ended.killed {
            sink.write(
                format!("*** Test killed: ran too long ({:?}).\n", args.kill_after().unwrap_or_default()).as_bytes(),
            );
        }
        if ended.open {
            sink.write(format!("*** Test I/O incomplete {OUTPUT_PATIENCE:?} after exiting.\n").as_bytes());
        }
        let code = ended.status.and_then(|s| s.code());
        if code.is_none() || out.is_empty() {
            let text = match (code, ended.status.and_then(|s| s.signal())) {
                (Some(code), _) => format!("exit status {code}\n"),
                (None, Some(signal)) => format!("signal: {}\n", signal_name(signal)),
                (None, None) => "unknown exit status\n".into(),
            };
            sink.write(text.as_bytes());
        } else if broken {
            sink.write(b"\n");
        }
        let mark = if args.is_json() { "\x16" } else { "" };
        sink.write(format!("{mark}FAIL\t{path}\t{time}\n").as_bytes());
    }
    Done { failed: !fine, built: true, reports: Vec::new() }
}

/// A signal as Go names it.
fn signal_name(signal: i32) -> String {
    match signal {
        libc::SIGHUP => "hangup".into(),
        libc::SIGINT => "interrupt".into(),
        libc::SIGQUIT => "quit".into(),
        libc::SIGILL => "illegal instruction".into(),
        libc::SIGABRT => "aborted".into(),
        libc::SIGBUS => "bus error".into(),
        libc::SIGSEGV => "segmentation fault".into(),
        libc::SIGKILL => "killed".into(),
        libc::SIGPIPE => "broken pipe".into(),
        libc::SIGTERM => "terminated".into(),
        n => format!("signal {n}"),
    }
}

struct Ended {
    output: Vec<u8>,
    status: Option<ExitStatus>,
    /// What the compiler has to say, if the package has mistakes.
    reports: Option<Vec<u8>>,
    killed: bool,
    /// Somebody still held its output.
    open: bool,
}

/// Starts the package's process, writes its output as it comes, and waits for its end.
fn run_process(launch: &Launch, package: &Package, sink: &mut Sink) -> std::io::Result<Ended> {
    let (mut reader, writer) = std::io::pipe()?;
    let mut arguments = launch.arguments(package);
    let mut command = Command::new(&launch.exe);
    if !package.has_tests() {
        arguments.push("--check".into());
    } else if let Some(script) = launch.script(package, &arguments) {
        arguments.extend(["--argv0".into(), script.into()]);
    }
    if let Some(n) = launch.args.seeds {
        arguments.extend(["--seeds".into(), n.to_string().into()]);
        arguments.extend(["--replay".into(), seeds::replay(&launch.args, package).into()]);
    }
    arguments.push("--".into());
    arguments.extend(launch.args.test_flags().into_iter().map(Into::into));
    if let Some(path) = launch.cover_profile(package) {
        arguments
            .insert(arguments.len() - launch.args.args.len(), format!("-test.coverprofile={}", path.display()).into());
    }
    let full = std::fs::canonicalize(&package.dir)?;
    command.args(arguments).current_dir(&full).env("PWD", &full).stdin(Stdio::null());
    command.stdout(writer.try_clone()?).stderr(writer);
    let mut child = command.spawn()?;
    // Its copies of the pipe's end go: the pipe is to end with the process.
    drop(command);
    let (send, chunks) = crossbeam_channel::unbounded::<Vec<u8>>();
    std::thread::spawn(move || {
        let mut buf = [0; 16 << 10];
        while let Ok(n @ 1..) = reader.read(&mut buf) {
            if send.send(buf[..n].to_vec()).is_err() {
                return;
            }
        }
    });
    let deadline = launch.args.kill_after().map(|d| Instant::now() + d);
    let mut ended = Ended { output: Vec::new(), status: None, reports: None, killed: false, open: false };
    let mut held = None;
    loop {
        match chunks.recv_timeout(Duration::from_millis(100)) {
            Ok(chunk) => {
                ended.output.extend_from_slice(&chunk);
                // Mistakes come first, and alone.
                let failed = ended.output.len() < BUILD_FAILED.len() && BUILD_FAILED.starts_with(&ended.output)
                    || ended.output.starts_with(BUILD_FAILED);
                if !failed {
                    sink.write(&chunk);
                }
            }
            Err(crossbeam_channel::RecvTimeoutError::Disconnected) => break,
            Err(crossbeam_channel::RecvTimeoutError::Timeout) => {
                if child.try_wait()?.is_some() {
                    let since = *held.get_or_insert_with(Instant::now);
                    ended.open = since.elapsed() >= OUTPUT_PATIENCE;
                    if ended.open {
                        break;
                    }
                } else if deadline.is_some_and(|d| Instant::now() >= d) && !ended.killed {
                    child.kill()?;
                    ended.killed = true;
                }
            }
        }
    }
    ended.status = Some(child.wait()?);
    if let Some(reports) = ended.output.strip_prefix(BUILD_FAILED) {
        ended.reports = Some(reports.to_vec());
    }
    Ok(ended)
}
