//! Small programs of two or three threads, each of which plays Ms that run Gs. A G that parks is *ready* once its waker says
//! so: an atomic flag of the model, which the waker sets where the scheduler would put the G on a queue.
use crate::sched::g::G;
use loom::sync::atomic::{AtomicBool, Ordering::*};
use loom::sync::{Arc, Notify};

mod chan;
mod idle;
mod queue;
mod sema;

fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 20_000;
    builder.check(model);
}

/// What the threads of a model share. Its Gs have the ids 0 and up; `ready[id]` is set by whoever readies one, who then rings its
/// bell, so that no thread of a model ever spins for a G.
struct World<T> {
    what: T,
    ready: Vec<AtomicBool>,
    bells: Vec<Notify>,
}

// SAFETY: the kernels' own rules are what is being checked.
unsafe impl<T> Send for World<T> {}
unsafe impl<T> Sync for World<T> {}

impl<T> World<T> {
    fn new(gs: usize, what: T) -> Arc<World<T>> {
        let ready = (0..gs).map(|_| AtomicBool::new(false)).collect();
        Arc::new(World { what, ready, bells: (0..gs).map(|_| Notify::new()).collect() })
    }

    fn wake(&self, g: *mut G) {
        // SAFETY: the waker owns the G it has taken off a queue.
        let id = unsafe { (*g).id } as usize;
        assert!(!self.ready[id].swap(true, SeqCst), "readied twice");
        self.bells[id].notify();
    }

    /// Waits as a G does that has parked; loom reports a deadlock if nobody ever readies it.
    fn sleep(&self, id: usize) {
        while !self.ready[id].swap(false, SeqCst) {
            self.bells[id].wait();
        }
    }
}

fn new_g(id: usize) -> *mut G {
    Box::into_raw(Box::new(G::for_model(id as u64)))
}

/// # Safety
/// From `new_g`, no longer used.
unsafe fn free(g: *mut G) {
    drop(unsafe { Box::from_raw(g) });
}
