//! What the commands want to know of the terminal, if there is one.
use std::io::IsTerminal;

/// When reports are coloured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    #[default]
    Auto,
    Always,
    Never,
}

impl Colour {
    pub fn on_stderr(self) -> bool {
        self.on(std::io::stderr().is_terminal())
    }

    pub fn on_stdout(self) -> bool {
        self.on(std::io::stdout().is_terminal())
    }

    fn on(self, terminal: bool) -> bool {
        let wanted = || {
            std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
                && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
        };
        match self {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => terminal && wanted(),
        }
    }
}

/// Standard input is typed by somebody.
pub fn is_input() -> bool {
    std::io::stdin().is_terminal()
}

/// Somebody sees what is printed.
pub fn is_output() -> bool {
    std::io::stdout().is_terminal()
}

/// From now on standard input has ended, if it was the terminal: its keys are for others.
pub fn leave_input() -> std::io::Result<()> {
    if is_input() {
        let nothing = std::fs::File::open("/dev/null")?;
        // SAFETY: both descriptors are open, and stay so.
        if unsafe { libc::dup2(std::os::fd::AsRawFd::as_raw_fd(&nothing), libc::STDIN_FILENO) } < 0 {
            return Err(std::io::Error::last_os_error());
        }
    }
    Ok(())
}

/// Columns of the terminal that reports go to.
pub fn width() -> Option<usize> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: the call fills the structure it is given.
    let known = unsafe { libc::ioctl(libc::STDERR_FILENO, libc::TIOCGWINSZ, &mut size) } == 0 && size.ws_col > 0;
    known.then_some(size.ws_col as usize)
}

/// The system's words for an error, without the number.
pub fn why(e: &std::io::Error) -> String {
    let text = e.to_string();
    match text.find(" (os error") {
        Some(i) => text[..i].to_string(),
        None => text,
    }
}
