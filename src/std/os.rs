//! Natives of `os`. What may block runs as a job on another thread.
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap};
use std::io::Write;

pub const NATIVES: &[NativeEntry] = &[
    ("os.Exit", |cx| Err(Trap::Exit(cx.int(0) as i32))),
    ("os.args", args),
    ("os.environ", environ),
    ("os.getenv", getenv),
    ("os.readFile", read_file),
    ("os.readStdin", read_stdin),
    ("os.remove", remove),
    ("os.write", write),
    ("os.writeFile", write_file),
];

fn args(cx: &mut Cx) -> NativeResult {
    let list = cx.env.host.args().to_vec();
    cx.set_strs(0, &list)?;
    Ok(Outcome::Done)
}

fn environ(cx: &mut Cx) -> NativeResult {
    let list = cx.env.host.environ();
    cx.set_strs(0, &list)?;
    Ok(Outcome::Done)
}

fn getenv(cx: &mut Cx) -> NativeResult {
    let name = String::from_utf8_lossy(cx.str(0)).into_owned();
    let value = cx.env.host.env(&name);
    cx.set_str(0, value.as_deref().unwrap_or("").as_bytes())?;
    cx.set_bool(1, value.is_some());
    Ok(Outcome::Done)
}

/// `write(fd int, b []byte) bool`
fn write(cx: &mut Cx) -> NativeResult {
    let bytes = cx.bytes(1);
    let host = &cx.env.host;
    let ok = match cx.int(0) {
        1 => host.stdout(&bytes).is_ok(),
        2 => host.stderr(&bytes).is_ok(),
        _ => false,
    };
    cx.set_bool(0, ok);
    Ok(Outcome::Done)
}

/// `readStdin(b []byte) int`: -1 on error.
fn read_stdin(cx: &mut Cx) -> NativeResult {
    let host = cx.env.host.clone();
    let len = cx.slice(0).len.min(1 << 20);
    // A prompt must be seen before its answer is waited for.
    let _ = host.flush_stdout();
    Ok(Outcome::Block(Box::new(move || {
        let mut buf = vec![0; len];
        let n = host.stdin(&mut buf);
        Box::new(move |cx: &mut Cx| {
            match n {
                Ok(n) => {
                    let n = cx.copy_into_bytes(0, &buf[..n]);
                    cx.set_int(0, n as i64);
                }
                Err(_) => cx.set_int(0, -1),
            }
            Ok(Outcome::Done)
        })
    })))
}

/// The text Go prints for a system error.
pub fn errno_text(e: &std::io::Error) -> String {
    match e.raw_os_error() {
        Some(code) => {
            let text = std::io::Error::from_raw_os_error(code).to_string();
            let text = text.split(" (os error").next().unwrap_or("");
            let mut chars = text.chars();
            chars.next().map_or(String::new(), |c| c.to_lowercase().chain(chars).collect())
        }
        None => e.to_string(),
    }
}

fn path(cx: &Cx, i: usize) -> std::path::PathBuf {
    use std::os::unix::ffi::OsStrExt;
    std::ffi::OsStr::from_bytes(cx.str(i)).into()
}

/// `readFile(name string) (data []byte, errno string)`
fn read_file(cx: &mut Cx) -> NativeResult {
    let name = path(cx, 0);
    Ok(Outcome::Block(Box::new(move || {
        let read = std::fs::read(&name);
        Box::new(move |cx: &mut Cx| {
            match read {
                Ok(data) => {
                    let w = cx.new_bytes(&data)?;
                    cx.set_word(0, w);
                    cx.set_word(1, 0);
                }
                Err(e) => {
                    cx.set_word(0, 0);
                    cx.set_str(1, errno_text(&e).as_bytes())?;
                }
            }
            Ok(Outcome::Done)
        })
    })))
}

/// An operation whose only result is an error's text.
fn done(result: std::io::Result<()>) -> crate::value::native::Finish {
    Box::new(move |cx: &mut Cx| {
        let text = result.err().map_or(String::new(), |e| errno_text(&e));
        cx.set_str(0, text.as_bytes())?;
        Ok(Outcome::Done)
    })
}

/// `writeFile(name string, data []byte, perm uint32, appending bool) (errno string)`
fn write_file(cx: &mut Cx) -> NativeResult {
    use std::os::unix::fs::OpenOptionsExt;
    let (name, data, perm, appending) = (path(cx, 0), cx.bytes(1), cx.uint(2) as u32, cx.bool(3));
    Ok(Outcome::Block(Box::new(move || {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(!appending).append(appending).mode(perm & 0o777);
        done(options.open(&name).and_then(|mut f| f.write_all(&data)))
    })))
}

/// `remove(name string) (errno string)`
fn remove(cx: &mut Cx) -> NativeResult {
    let name = path(cx, 0);
    Ok(Outcome::Block(Box::new(move || {
        done(std::fs::remove_file(&name).or_else(|e| std::fs::remove_dir(&name).map_err(|_| e)))
    })))
}
