//! What to do about the failures that concurrent programs, and newcomers' ones, have most: a line of help under the last
//! words of a run. The texts above it are Go's.
use super::unwind::extra;
use crate::sched::g::G;
use crate::sched::wait::WaitReason;
use crate::sync::chan::Chan;
use crate::sync::sema;

/// How a message begins (behind `panic: `, `fatal error: ` and `runtime error: `), and what helps.
const FAILURES: &[(&str, &str)] = &[
    (
        "close of closed channel",
        "close a channel in one place: where its only sender ends, or after wg.Wait() for all of them",
    ),
    ("close of nil channel", "make it first: ch := make(chan T)"),
    (
        "send on closed channel",
        "only who sends closes, after the last send; with several senders, after wg.Wait() for all of them",
    ),
    ("assignment to entry in nil map", "make the map first: m := make(map[K]V), or m := map[K]V{}"),
    (
        "invalid memory address or nil pointer dereference",
        "a pointer, interface or function is nil here: give it a value (p := &T{}), or look at err or p != nil before",
    ),
    (
        "index out of range",
        "indexes go from 0 to len-1: write for i := range s, compare with i < len(s), or append to make it longer",
    ),
    ("slice bounds out of range", "in s[i:j], 0 <= i <= j <= len(s) must hold: look at len(s) before"),
    ("integer divide by zero", "ask whether the divisor is 0 before"),
    ("interface conversion: ", "ask before: v, ok := x.(T), or switch v := x.(type) { ... }"),
    ("hash of unhashable type", "a key must be comparable: use a string, a number, an array or a struct of such"),
    ("sync: negative WaitGroup counter", "one Done for each Add(1); wg.Go(f) counts by itself"),
    ("sync: WaitGroup misuse", "call Add before the goroutine starts, or use wg.Go(f)"),
    (
        "sync: unlock of unlocked mutex",
        "Unlock once for each Lock: write defer mu.Unlock() right behind mu.Lock(), and never copy a mutex",
    ),
    ("sync: Unlock of unlocked RWMutex", "Unlock once for each Lock, RUnlock once for each RLock; never copy a mutex"),
    ("sync: RUnlock of unlocked RWMutex", "RUnlock once for each RLock, Unlock once for each Lock; never copy a mutex"),
    ("concurrent map ", "lock a sync.Mutex around the map's uses, let one goroutine own it, or take a sync.Map"),
    ("stack overflow", "a function calls itself without end: look for the case in which it should stop"),
    ("go of nil func value", "the function is nil: give it a value before the go statement"),
];

/// Adds help to the last words of a goroutine.
pub fn add(out: &mut Vec<u8>) {
    let help = {
        let text = String::from_utf8_lossy(out);
        // The last of several panics, one under the other, is what went wrong in the end.
        let head = text.split("\n\n").next().unwrap_or("");
        let said = head.lines().filter_map(|l| {
            let l = l.trim_start_matches('\t');
            l.strip_prefix("panic: ").or(l.strip_prefix("fatal error: "))
        });
        let what = said.last().map(|l| l.strip_prefix("runtime error: ").unwrap_or(l));
        what.and_then(|what| FAILURES.iter().find(|f| what.starts_with(f.0)).map(|f| f.1))
    };
    if let Some(help) = help {
        line(help, out);
    }
}

fn line(help: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("\nhelp: {help}\n").as_bytes());
}

/// Different waits of one deadlock that are helped with.
const MAX_WAITS: usize = 3;

/// Adds help to the report of a deadlock of these Gs, those listed first first.
///
/// # Safety
/// No G runs, and none will.
pub unsafe fn add_for_waits(gs: &[*mut G], out: &mut Vec<u8>) {
    let mut said: Vec<&str> = Vec::new();
    for &g in gs {
        // SAFETY: the caller vouches for it.
        if let Some(help) = unsafe { for_wait(g) }
            && !said.contains(&help)
            && said.len() < MAX_WAITS
        {
            said.push(help);
        }
    }
    for (i, help) in said.into_iter().enumerate() {
        match i {
            0 => line(help, out),
            _ => out.extend_from_slice(format!("      {help}\n").as_bytes()),
        }
    }
}

/// # Safety
/// The G waits.
unsafe fn for_wait(g: *mut G) -> Option<&'static str> {
    // SAFETY: what it waits on is known by its reason, and stays where it is.
    unsafe {
        let on = (*g).node.on as *const u64;
        Some(match (*g).wait_reason() {
            WaitReason::ChanSend if (*(on as *const Chan)).capacity() == 0 => {
                "a send waits until another goroutine receives: start the receiver before (go ...), or make room: make(chan T, n)"
            }
            WaitReason::ChanSend => {
                "the channel is full: receive in another goroutine, or let the sender stop: select { case ch <- v: case <-ctx.Done(): }"
            }
            WaitReason::ChanReceive => {
                "nobody will send: start the sender before (go ...), and close the channel after the last value; then range ends"
            }
            WaitReason::ChanReceiveNil | WaitReason::ChanSendNil => "the channel was never made: ch = make(chan T)",
            WaitReason::Select if extra(g).waiting.channels().is_empty() => return None,
            WaitReason::Select => {
                "none of the cases can come: close the channel that ends the loop, or add case <-ctx.Done() or <-time.After(d)"
            }
            WaitReason::SelectNoCases => "select {} waits for ever: wait for something, as wg.Wait() or <-done",
            WaitReason::MutexLock if *on.add(1) == (*g).id => {
                "a Mutex cannot be locked twice: unlock it before the call that locks it again, or let that call expect it locked"
            }
            WaitReason::MutexLock => {
                "write defer mu.Unlock() right behind mu.Lock(), and lock several mutexes in the same order everywhere"
            }
            WaitReason::RWMutexLock | WaitReason::RWMutexRLock if sema::rw_readers(*on) > 0 => {
                "RUnlock before Lock: a reader's lock cannot become a writer's, and waits behind a writer that waits"
            }
            WaitReason::RWMutexLock | WaitReason::RWMutexRLock => {
                "write defer mu.Unlock() right behind mu.Lock(): an RWMutex cannot be locked twice"
            }
            WaitReason::WaitGroupWait => {
                "one Done for each Add(1): wg.Go(f) counts by itself, else write defer wg.Done() at the head of the goroutine"
            }
            WaitReason::CondWait => {
                "call Signal or Broadcast after each change, and wait in a loop that asks: for !ready { c.Wait() }"
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn advised(text: &str) -> String {
        let mut out = text.as_bytes().to_vec();
        add(&mut out);
        String::from_utf8(out).unwrap()[text.len()..].to_string()
    }

    #[test]
    fn the_last_panic_is_helped_with() {
        let text = "panic: mine\n\tpanic: close of closed channel\n\ngoroutine 1 [running]:\n";
        assert!(advised(text).starts_with("\nhelp: close a channel in one place"));
        let text = "runtime: goroutine stack exceeds 1-byte limit\nfatal error: stack overflow\n\ngoroutine 1\n";
        assert!(advised(text).starts_with("\nhelp: a function calls itself"));
        assert_eq!(advised("panic: mine\n\ngoroutine 1 [running]:\npanic: index out of range\n"), "");
    }
}
