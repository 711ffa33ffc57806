//! Where a program's output goes while the terminal shows something else: it is kept, its end is shown in a pane, and all of it is printed
//! afterwards.
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io::Write;

/// Bytes that are kept for afterwards.
const MOST: usize = 64 << 20;

#[derive(Default)]
struct Kept {
    /// In order; `true`: to standard error.
    pieces: VecDeque<(bool, Vec<u8>)>,
    bytes: usize,
    lost: usize,
    closed: bool,
}

#[derive(Default)]
pub struct Pane(Mutex<Kept>);

impl Pane {
    /// Keeps output. `false`: the terminal is its own again.
    pub fn put(&self, is_error: bool, bytes: &[u8]) -> bool {
        let mut kept = self.0.lock();
        if kept.closed {
            return false;
        }
        match kept.pieces.back_mut() {
            Some((error, piece)) if *error == is_error && piece.len() < 1 << 16 => piece.extend_from_slice(bytes),
            _ => kept.pieces.push_back((is_error, bytes.to_vec())),
        }
        kept.bytes += bytes.len();
        while kept.bytes > MOST {
            let Some((_, piece)) = kept.pieces.pop_front() else { break };
            kept.bytes -= piece.len();
            kept.lost += piece.len();
        }
        true
    }

    /// The last lines, without what would move the cursor.
    pub fn tail(&self, lines: usize) -> Vec<String> {
        let kept = self.0.lock();
        let (mut bytes, mut ends) = (VecDeque::new(), 0);
        'all: for (_, piece) in kept.pieces.iter().rev() {
            for &b in piece.iter().rev() {
                ends += (b == b'\n') as usize;
                if ends > lines || bytes.len() > lines * 1000 {
                    break 'all;
                }
                bytes.push_front(b);
            }
        }
        let text = String::from_utf8_lossy(bytes.make_contiguous()).replace('\t', "    ");
        let plain = |l: &str| l.chars().filter(|c| !c.is_control()).collect();
        let all: Vec<String> = text.lines().map(plain).collect();
        all[all.len().saturating_sub(lines)..].to_vec()
    }

    /// Prints what was kept; from now on nothing is.
    pub fn print(&self) {
        let mut kept = self.0.lock();
        kept.closed = true;
        if kept.lost > 0 {
            let _ = writeln!(std::io::stderr(), "gmpl: the first {} bytes of the output were not kept", kept.lost);
        }
        for (is_error, piece) in kept.pieces.drain(..) {
            let _ = match is_error {
                true => std::io::stderr().write_all(&piece),
                false => std::io::stdout().write_all(&piece).and_then(|()| std::io::stdout().flush()),
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_the_last_lines() {
        let pane = Pane::default();
        assert!(pane.put(false, b"one\ntwo\n") && pane.put(true, b"th\x1b[2Jree\nfo") && pane.put(false, b"ur"));
        assert_eq!(pane.tail(2), ["th[2Jree", "four"]);
        assert_eq!(pane.tail(9), ["one", "two", "th[2Jree", "four"]);
    }
}
