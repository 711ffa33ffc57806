//! Natives of `sync`: thin faces of the semaphore table. The words of Mutex, RWMutex, WaitGroup and Cond are the first
//! words of their structs.
use crate::sched::wait::WaitReason;
use crate::sync::sema::{Acquire, GroupMisuse, SemaTable};
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub const NATIVES: &[NativeEntry] = &[
    ("sync.Mutex.Lock", mutex_lock),
    ("sync.Mutex.Unlock", mutex_unlock),
    ("sync.Mutex.TryLock", mutex_try_lock),
    ("sync.RWMutex.Lock", |cx| rw_lock(cx, true)),
    ("sync.RWMutex.RLock", |cx| rw_lock(cx, false)),
    ("sync.RWMutex.Unlock", |cx| rw_unlock(cx, true)),
    ("sync.RWMutex.RUnlock", |cx| rw_unlock(cx, false)),
    ("sync.RWMutex.TryLock", |cx| rw_try_lock(cx, true)),
    ("sync.RWMutex.TryRLock", |cx| rw_try_lock(cx, false)),
    ("sync.WaitGroup.Add", |cx| group_add(cx, None)),
    ("sync.WaitGroup.Done", |cx| group_add(cx, Some(-1))),
    ("sync.WaitGroup.Wait", group_wait),
    ("sync.notifyAdd", notify_add),
    ("sync.notifyWait", notify_wait),
    ("sync.notifyOne", |cx| notify(cx, false)),
    ("sync.notifyAll", |cx| notify(cx, true)),
    ("sync.processor", processor),
    ("sync.emptiedByCollector", emptied_by_collector),
];

/// Word `i` of the struct that the pointer in parameter 0 leads to.
fn word<'a>(cx: &Cx, i: usize) -> Result<&'a AtomicU64, Trap> {
    let p = cx.word(0) as *const AtomicU64;
    if p.is_null() {
        return Err(nil());
    }
    // SAFETY: the compiler passes a pointer to a live struct of at least two words.
    Ok(unsafe { &*p.add(i) })
}

fn nil() -> Trap {
    Trap::Runtime("invalid memory address or nil pointer dereference".into())
}

/// Notes in the lock's second word who holds it, for the report of a deadlock.
fn own(cx: &mut Cx) -> NativeResult {
    // SAFETY: the running G.
    let id = unsafe { (*cx.side.g).id };
    word(cx, 1)?.store(id, Relaxed);
    Ok(Outcome::Done)
}

fn mutex_lock(cx: &mut Cx) -> NativeResult {
    let w = word(cx, 0)?;
    let retry = cx.side.take_retry();
    // SAFETY: the P of the running native.
    let p = unsafe { &mut *cx.side.p };
    if !retry && !p.solo.is_solo() && !p.gives_way() {
        SemaTable::spin(w);
    }
    let (g, park) = (cx.side.g, cx.side.park(WaitReason::MutexLock, true));
    // SAFETY: the running G, whose pc is at this call.
    match unsafe { cx.side.sema().lock(w, g, retry, || cx.side.sched().decide.now(), park) } {
        Acquire::Acquired => own(cx),
        Acquire::Parked => Ok(Outcome::ParkedRetry),
    }
}

fn mutex_try_lock(cx: &mut Cx) -> NativeResult {
    let got = cx.side.sema().try_lock(word(cx, 0)?);
    if got {
        own(cx)?;
    }
    cx.set_bool(0, got);
    Ok(Outcome::Done)
}

fn mutex_unlock(cx: &mut Cx) -> NativeResult {
    let w = word(cx, 0)?;
    // SAFETY: a mutex word.
    match unsafe { cx.side.sema().unlock(w, || cx.side.sched().decide.now()) } {
        Ok(Some(g)) => cx.side.ready(g),
        Ok(None) => {}
        Err(()) => return Err(Trap::Fatal("sync: unlock of unlocked mutex".into())),
    }
    Ok(Outcome::Done)
}

fn rw_lock(cx: &mut Cx, write: bool) -> NativeResult {
    let w = word(cx, 0)?;
    let retry = cx.side.take_retry();
    let reason = if write { WaitReason::RWMutexLock } else { WaitReason::RWMutexRLock };
    let (g, park) = (cx.side.g, cx.side.park(reason, true));
    // SAFETY: the running G, whose pc is at this call.
    match unsafe { cx.side.sema().rw_lock(w, g, write, retry, park) } {
        Acquire::Acquired if write => own(cx),
        Acquire::Acquired => Ok(Outcome::Done),
        Acquire::Parked => Ok(Outcome::ParkedRetry),
    }
}

fn rw_try_lock(cx: &mut Cx, write: bool) -> NativeResult {
    let got = cx.side.sema().try_rw_lock(word(cx, 0)?, write);
    if got && write {
        own(cx)?;
    }
    cx.set_bool(0, got);
    Ok(Outcome::Done)
}

fn rw_unlock(cx: &mut Cx, write: bool) -> NativeResult {
    let w = word(cx, 0)?;
    let mut woken = Vec::new();
    // SAFETY: an RWMutex word.
    let done = unsafe { cx.side.sema().rw_unlock(w, write, |g| woken.push(g)) };
    woken.into_iter().for_each(|g| cx.side.ready(g));
    match done {
        Ok(()) => Ok(Outcome::Done),
        Err(()) if write => Err(Trap::Fatal("sync: Unlock of unlocked RWMutex".into())),
        Err(()) => Err(Trap::Fatal("sync: RUnlock of unlocked RWMutex".into())),
    }
}

fn group_add(cx: &mut Cx, delta: Option<i64>) -> NativeResult {
    let (n, waiters) = (word(cx, 0)?, word(cx, 1)?);
    let delta = delta.unwrap_or_else(|| cx.int(1));
    let mut woken = Vec::new();
    // SAFETY: a WaitGroup's words.
    let done = unsafe { cx.side.sema().group_add(n, waiters, delta, |g| woken.push(g)) };
    woken.into_iter().for_each(|g| cx.side.ready(g));
    done.map(|()| Outcome::Done).map_err(misuse)
}

fn group_wait(cx: &mut Cx) -> NativeResult {
    let (n, waiters) = (word(cx, 0)?, word(cx, 1)?);
    let retry = cx.side.take_retry();
    let (g, park) = (cx.side.g, cx.side.park(WaitReason::WaitGroupWait, true));
    // SAFETY: the running G, whose pc is at this call.
    match unsafe { cx.side.sema().group_wait(n, waiters, g, retry, park) } {
        Ok(Acquire::Acquired) => Ok(Outcome::Done),
        Ok(Acquire::Parked) => Ok(Outcome::ParkedRetry),
        Err(e) => Err(misuse(e)),
    }
}

fn misuse(e: GroupMisuse) -> Trap {
    Trap::Panic(e.text().into())
}

fn notify_add(cx: &mut Cx) -> NativeResult {
    let ticket = cx.side.sema().notify_add(word(cx, 0)?);
    cx.set_word(0, ticket);
    Ok(Outcome::Done)
}

fn notify_wait(cx: &mut Cx) -> NativeResult {
    let (w, ticket) = (word(cx, 0)?, cx.word(1));
    let (g, park) = (cx.side.g, cx.side.park(WaitReason::CondWait, false));
    // SAFETY: the running G, whose pc is at this call.
    match unsafe { cx.side.sema().notify_wait(w, ticket, g, park) } {
        Acquire::Acquired => Ok(Outcome::Done),
        Acquire::Parked => Ok(Outcome::Parked),
    }
}

fn notify(cx: &mut Cx, all: bool) -> NativeResult {
    let w = word(cx, 0)?;
    let mut woken = Vec::new();
    // SAFETY: a Cond's word.
    unsafe { cx.side.sema().notify(w, all, |g| woken.push(g)) };
    woken.into_iter().for_each(|g| cx.side.ready(g));
    Ok(Outcome::Done)
}

/// `processor() int`: the P that runs the G, now.
fn processor(cx: &mut Cx) -> NativeResult {
    // SAFETY: the P of a running native.
    let id = unsafe { (*cx.side.p).id };
    cx.set_int(0, id as i64);
    Ok(Outcome::Done)
}

/// `emptiedByCollector(p *Pool)`: `local` and `victim` are the first words.
fn emptied_by_collector(cx: &mut Cx) -> NativeResult {
    word(cx, 0)?;
    cx.env.heap.watch_pool(cx.word(0));
    Ok(Outcome::Done)
}
