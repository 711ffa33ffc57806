//! A terminal with a session in it: a pty, and a screen that knows what a line editor writes.
use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The machine may be busy.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Terminal {
    keys: Option<File>,
    reader: Option<std::thread::JoinHandle<()>>,
    gone: Arc<AtomicBool>,
    bytes: Receiver<Vec<u8>>,
    pub child: Child,
    pub screen: Screen,
    /// All that was written, as it came.
    pub raw: Vec<u8>,
    pub started: Instant,
}

/// How a session is started.
pub struct Options<'a> {
    pub columns: u16,
    pub rows: u16,
    pub args: &'a [&'a str],
    pub env: &'a [(&'a str, &'a str)],
    pub history: Option<PathBuf>,
    /// Hang-ups are ignored, as behind `nohup`.
    pub nohup: bool,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options { columns: 80, rows: 200, args: &[], env: &[], history: None, nohup: false }
    }
}

/// Held while a terminal is made and given to its process: another that is started meanwhile would inherit its ends, and it
/// would not vanish.
static STARTING: Mutex<()> = Mutex::new(());

fn pty(columns: u16, rows: u16) -> (File, OwnedFd) {
    let (mut master, mut slave) = (0, 0);
    let size = libc::winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the call writes two numbers; both descriptors are new and have no other owner.
    unsafe {
        let made = libc::openpty(&mut master, &mut slave, std::ptr::null_mut(), std::ptr::null(), &size);
        assert_eq!(made, 0, "openpty: {}", std::io::Error::last_os_error());
        libc::fcntl(master, libc::F_SETFD, libc::FD_CLOEXEC);
        (File::from_raw_fd(master), OwnedFd::from_raw_fd(slave))
    }
}

impl Terminal {
    /// Starts `gmpl` and waits for the first prompt.
    pub fn start(options: Options) -> Terminal {
        let mut t = Terminal::spawn(options);
        t.prompt();
        t
    }

    pub fn spawn(options: Options) -> Terminal {
        let starting = STARTING.lock().unwrap_or_else(|e| e.into_inner());
        let (master, slave) = pty(options.columns, options.rows);
        let stream = || Stdio::from(slave.try_clone().expect("a descriptor"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_gmpl"));
        command.args(options.args).stdin(stream()).stdout(stream()).stderr(stream());
        command.env("TERM", "xterm").env_remove("NO_COLOR");
        command.env("GMPL_HISTORY", options.history.unwrap_or_default());
        command.envs(options.env.iter().copied());
        // SAFETY: only calls of the system, between fork and exec.
        unsafe {
            command.pre_exec(move || {
                // However the tests themselves were started.
                libc::signal(libc::SIGHUP, if options.nohup { libc::SIG_IGN } else { libc::SIG_DFL });
                libc::setsid();
                libc::ioctl(0, libc::TIOCSCTTY, 0);
                Ok(())
            });
        }
        let started = Instant::now();
        let child = command.spawn().expect("gmpl starts");
        drop((command, slave));
        drop(starting);
        let (sender, bytes) = channel();
        let mut master_out = master.try_clone().expect("a descriptor");
        let gone = Arc::new(AtomicBool::new(false));
        let end = gone.clone();
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while !end.load(SeqCst) {
                let mut poll = libc::pollfd { fd: master_out.as_raw_fd(), events: libc::POLLIN, revents: 0 };
                // SAFETY: one structure, of a descriptor that this thread owns.
                if unsafe { libc::poll(&mut poll, 1, 20) } <= 0 {
                    continue;
                }
                match master_out.read(&mut buffer) {
                    Ok(n @ 1..) if sender.send(buffer[..n].to_vec()).is_ok() => {}
                    _ => break,
                }
            }
        });
        let screen = Screen::new(options.columns as usize);
        Terminal { keys: Some(master), reader: Some(reader), gone, bytes, child, screen, raw: Vec::new(), started }
    }

    /// How the terminal treats what is typed and shown.
    #[allow(dead_code, reason = "one of the tests asks")]
    pub fn modes(&self) -> (libc::tcflag_t, libc::tcflag_t, libc::tcflag_t) {
        let fd = self.keys.as_ref().expect("a terminal").as_raw_fd();
        // SAFETY: the call fills the structure it is given.
        let modes = unsafe {
            let mut modes = std::mem::zeroed();
            assert_eq!(libc::tcgetattr(fd, &mut modes), 0);
            modes
        };
        (modes.c_iflag, modes.c_oflag, modes.c_lflag)
    }

    pub fn keys(&mut self, keys: &str) {
        self.keys.as_mut().expect("a terminal").write_all(keys.as_bytes()).expect("keys are taken");
    }

    /// Waits until the screen is as wanted.
    #[track_caller]
    pub fn until(&mut self, what: &str, mut wanted: impl FnMut(&Screen) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !wanted(&self.screen) {
            match self.bytes.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(bytes) => {
                    self.screen.write(&bytes);
                    self.raw.extend(bytes);
                }
                Err(why) => panic!("{what}: {why}; the screen:\n{}", self.screen.text()),
            }
        }
    }

    /// Waits for a prompt with nothing behind it.
    #[track_caller]
    pub fn prompt(&mut self) {
        self.until("a prompt", |s| s.line() == ">>>");
    }

    /// Gives an input; returns what is shown until the next prompt.
    #[track_caller]
    pub fn input(&mut self, text: &str) -> String {
        self.screen.clear();
        self.keys(text);
        self.keys("\r");
        // The input's own line first, then the prompt on a later one.
        self.until("the next prompt", |s| s.row > 0 && s.line() == ">>>");
        let text = self.screen.text();
        let mut lines: Vec<&str> = text.lines().collect();
        lines.pop();
        lines[1..].join("\n")
    }

    /// Waits for the end.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the child can be waited for") {
                // What it has written last.
                while let Ok(bytes) = self.bytes.recv_timeout(Duration::from_secs(1)) {
                    self.screen.write(&bytes);
                    self.raw.extend(bytes);
                }
                return status;
            }
            assert!(Instant::now() < end, "it does not end; the screen:\n{}", self.screen.text());
            match self.bytes.recv_timeout(Duration::from_millis(5)) {
                Ok(bytes) => {
                    self.screen.write(&bytes);
                    self.raw.extend(bytes);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => std::thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// The terminal's window is closed: nobody has its other end any more.
    pub fn vanish(&mut self) {
        self.gone.store(true, SeqCst);
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        self.keys = None;
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.gone.store(true, SeqCst);
    }
}

/// What a terminal would show: all rows since the last clear.
pub struct Screen {
    width: usize,
    rows: Vec<Vec<char>>,
    pub row: usize,
    column: usize,
    /// The rows and the cursor below a screen that is shown for a while.
    below: Option<(Vec<Vec<char>>, usize, usize)>,
    /// The beginning of a sequence, or of a character.
    rest: VecDeque<u8>,
}

impl Screen {
    fn new(width: usize) -> Screen {
        Screen { width, rows: vec![Vec::new()], row: 0, column: 0, below: None, rest: VecDeque::new() }
    }

    /// Keeps the row of the cursor only.
    pub fn clear(&mut self) {
        self.rows = vec![std::mem::take(&mut self.rows[self.row])];
        self.row = 0;
    }

    /// The row of the cursor.
    pub fn line(&self) -> String {
        self.rows[self.row].iter().collect::<String>().trim_end().to_string()
    }

    pub fn text(&self) -> String {
        let row = |r: &Vec<char>| r.iter().collect::<String>().trim_end().to_string();
        self.rows.iter().map(row).collect::<Vec<_>>().join("\n")
    }

    pub fn has(&self, line: &str) -> bool {
        self.text().lines().any(|l| l == line)
    }

    fn put(&mut self, c: char) {
        if self.column == self.width {
            self.line_feed();
            self.column = 0;
        }
        let row = &mut self.rows[self.row];
        row.resize(row.len().max(self.column + 1), ' ');
        row[self.column] = c;
        self.column += 1;
    }

    fn line_feed(&mut self) {
        self.row += 1;
        if self.row == self.rows.len() {
            self.rows.push(Vec::new());
        }
    }

    fn write(&mut self, bytes: &[u8]) {
        self.rest.extend(bytes);
        let text: Vec<u8> = std::mem::take(&mut self.rest).into();
        let mut at = 0;
        while at < text.len() {
            let used = self.step(&text[at..]);
            if used == 0 {
                self.rest.extend(&text[at..]);
                return;
            }
            at += used;
        }
    }

    /// Takes one character or sequence; returns its length, 0 if its end is missing.
    fn step(&mut self, text: &[u8]) -> usize {
        match text[0] {
            b'\r' => self.column = 0,
            b'\n' => self.line_feed(),
            0x07 => {}
            0x08 => self.column = self.column.saturating_sub(1),
            0x1b => {
                if text.len() < 2 {
                    return 0;
                }
                assert_eq!(text[1], b'[', "a sequence that this terminal does not know");
                let Some(end) = text[2..].iter().position(|b| (0x40..0x7f).contains(b)) else { return 0 };
                let parameters = std::str::from_utf8(&text[2..2 + end]).expect("ASCII");
                self.sequence(parameters, text[2 + end]);
                return end + 3;
            }
            first => {
                let len = match first {
                    0..0x80 => 1,
                    0x80..0xe0 => 2,
                    0xe0..0xf0 => 3,
                    _ => 4,
                };
                if text.len() < len {
                    return 0;
                }
                let c = std::str::from_utf8(&text[..len]).expect("UTF-8");
                c.chars().for_each(|c| self.put(c));
                return len;
            }
        }
        1
    }

    fn sequence(&mut self, parameters: &str, end: u8) {
        let n = parameters.parse().unwrap_or(1);
        match end {
            b'H' => {
                let (row, column) = parameters.split_once(';').unwrap_or(("1", "1"));
                let number = |n: &str| n.parse::<usize>().unwrap_or(1) - 1;
                (self.row, self.column) = (number(row), number(column));
                self.rows.resize(self.rows.len().max(self.row + 1), Vec::new());
            }
            b'h' if parameters == "?1049" => {
                self.below = Some((std::mem::replace(&mut self.rows, vec![Vec::new()]), self.row, self.column));
                (self.row, self.column) = (0, 0);
            }
            b'l' if parameters == "?1049" => {
                (self.rows, self.row, self.column) = self.below.take().expect("a screen below");
            }
            b'A' => self.row = self.row.saturating_sub(n),
            b'B' => (0..n).for_each(|_| self.line_feed()),
            b'C' => self.column = (self.column + n).min(self.width - 1),
            b'D' => self.column = self.column.saturating_sub(n),
            b'K' => self.rows[self.row].truncate(self.column),
            b'J' => {
                self.rows[self.row].truncate(self.column);
                self.rows.truncate(self.row + 1);
            }
            // Colours, and modes.
            b'm' | b'h' | b'l' => {}
            _ => panic!("a sequence that this terminal does not know: {parameters}{}", end as char),
        }
    }
}
