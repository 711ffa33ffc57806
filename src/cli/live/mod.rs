//! `gmpl run --watch`: a live view of the scheduler in the terminal while the program runs, and slow motion.
//!
//! The view has a thread of its own. Whatever ends the run, it is told so before the process ends: the terminal is put back, then the
//! program's output and last words are printed.
mod view;

use super::{complain, terminal};
use crate::vm::host::ProcessHost;
use crate::vm::pane::Pane;
use crate::vm::trace::Recorder;
use crate::vm::{Handle, Vm};
use crossbeam_channel::{Receiver, Sender, bounded};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, poll, read};
use ratatui::crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode};
use ratatui::crossterm::{cursor, execute};
use signal_hook::consts::SIGINT;
use std::io::{Stdout, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Speed {
    /// As fast as it runs
    Live,
    /// One scheduling decision at a time
    Slow,
}

/// How often the view is drawn.
const FRAME: Duration = Duration::from_millis(100);
/// How long the end of the run waits for the view's.
const PATIENCE: Duration = Duration::from_secs(2);
/// Events recorded for the view.
pub const EVENTS: usize = 4096;
/// Decisions a second that slow motion can make by itself.
const RATES: [u32; 8] = [1, 2, 4, 8, 16, 32, 64, 128];

/// The view of one run.
struct Live {
    handle: Handle,
    recorder: Recorder,
    pane: Arc<Pane>,
    title: String,
    /// In slow motion: by itself, and so many of `RATES`.
    slow: Option<Slow>,
    over: Arc<AtomicBool>,
}

struct Slow {
    goes: bool,
    rate: usize,
    last: Instant,
}

/// Shows the run until it ends. `false`: it cannot be shown, which has been said.
pub fn attach(speed: Speed, vm: &Vm, host: &Arc<ProcessHost>, title: &str) -> bool {
    let Some(recorder) = vm.recorder() else { return false };
    let screen = match begin() {
        Ok(screen) => screen,
        Err(e) => {
            end();
            complain(&format!("--watch: {}", terminal::why(&e)));
            return false;
        }
    };
    let pane = Arc::new(Pane::default());
    host.show_in(pane.clone());
    let over = Arc::new(AtomicBool::new(false));
    let live = Live {
        handle: vm.handle(),
        recorder,
        pane: pane.clone(),
        title: title.into(),
        slow: (speed == Speed::Slow).then(|| Slow { goes: false, rate: 1, last: Instant::now() }),
        over: over.clone(),
    };
    let (gone, has_gone): (Sender<()>, Receiver<()>) = bounded(0);
    let (steps, ending) = (vm.recorder(), over.clone());
    host.when_ended(move || {
        over.store(true, SeqCst);
        let _ = has_gone.recv_timeout(PATIENCE);
        end();
        pane.print();
    });
    // Ctrl-C and SIGTERM are to be answered from the start.
    crate::value::env::Host::lasts(&**host);
    let watch = move || {
        let _gone = gone;
        let shown = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| live.run(screen)));
        // The run goes on, and nobody could let it any more.
        if (shown.is_err() || !ending.load(SeqCst))
            && let Some(steps) = steps.as_ref().and_then(Recorder::steps)
        {
            steps.open();
        }
    };
    let spawned = std::thread::Builder::new().name("gmpl-live".into()).spawn(watch);
    if let Err(e) = &spawned {
        host.do_last_things();
        complain(&format!("--watch: {}", terminal::why(e)));
    }
    spawned.is_ok()
}

type Screen = Terminal<CrosstermBackend<Stdout>>;

fn begin() -> std::io::Result<Screen> {
    terminal::leave_input()?;
    enable_raw_mode()?;
    execute!(stdout(), EnterAlternateScreen, cursor::Hide)?;
    Terminal::new(CrosstermBackend::new(stdout()))
}

/// Puts the terminal back.
fn end() {
    let _ = execute!(stdout(), LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
}

impl Live {
    fn run(mut self, mut screen: Screen) {
        let mut drawn: Option<Instant> = None;
        while !self.over.load(SeqCst) {
            if drawn.is_none_or(|d| d.elapsed() >= FRAME) {
                if screen.draw(|frame| view::draw(&self, frame)).is_err() {
                    return;
                }
                drawn = Some(Instant::now());
            }
            match poll(Duration::from_millis(20)) {
                Ok(true) => match read() {
                    Ok(Event::Key(key)) => {
                        self.key(key);
                        drawn = None;
                    }
                    Ok(_) => drawn = None,
                    Err(_) => return,
                },
                Ok(false) => {}
                Err(_) => return,
            }
            if let Some(slow) = &mut self.slow
                && slow.goes
                && slow.last.elapsed() >= Duration::from_secs(1) / RATES[slow.rate]
            {
                slow.last = Instant::now();
                self.step();
            }
        }
    }

    /// Lets the next decision be carried out.
    fn step(&self) {
        if let Some(steps) = self.recorder.steps() {
            steps.allow();
        }
    }

    fn key(&mut self, key: KeyEvent) {
        match (key.code, &mut self.slow) {
            (KeyCode::Char('c'), _) if key.modifiers.contains(KeyModifiers::CONTROL) => interrupt(),
            (KeyCode::Char('q'), _) => interrupt(),
            (KeyCode::Char(' '), Some(slow)) => {
                slow.goes = false;
                self.step();
            }
            (KeyCode::Enter, Some(slow)) => slow.goes = !slow.goes,
            (KeyCode::Char('+' | '='), Some(slow)) => {
                slow.rate = (slow.rate + slow.goes as usize).min(RATES.len() - 1);
                slow.goes = true;
            }
            (KeyCode::Char('-'), Some(slow)) => slow.rate = slow.rate.saturating_sub(1),
            _ => {}
        }
    }
}

/// As Ctrl-C on a terminal that is not ours.
fn interrupt() {
    let _ = signal_hook::low_level::raise(SIGINT);
}
