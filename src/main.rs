//! The `gmpl` command.
//!
//! On Linux the C library calls `main` itself. What Rust's own start would do before is to ignore broken pipes, which is done
//! here too, to see that the standard streams are open, likewise, and to find out where the stack lies, for a message: that
//! costs as much as reading a small program.
#![cfg_attr(all(target_os = "linux", target_env = "gnu"), no_main)]

#[cfg(all(target_os = "linux", target_env = "gnu"))]
// SAFETY: the only function of this name; the C library calls it once.
#[unsafe(no_mangle)]
pub extern "C" fn main() -> libc::c_int {
    // SAFETY: no other thread is there yet. A stream that is closed is opened, lest a file of the program's take its number.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
        for stream in 0..3 {
            if libc::fcntl(stream, libc::F_GETFD) == -1 && libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) == -1 {
                libc::abort();
            }
        }
    }
    const PANICKED: libc::c_int = 101;
    let status = std::panic::catch_unwind(|| gmpl::cli::main(std::env::args_os().collect())).unwrap_or(PANICKED);
    std::process::exit(status)
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn main() {
    let status = gmpl::cli::main(std::env::args_os().collect());
    std::process::exit(status);
}
