//! Models of the concurrent kernels: the very files of `src/`, with atomics and locks that loom schedules in every order that
//! differs, up to a number of preemptions.
#[path = "../../src/base"]
mod base {
    pub mod atomics;
    pub mod limits;
}
#[path = "../../src/sched"]
mod sched {
    pub mod decide;
    pub mod g;
    pub mod idle;
    pub mod runq;
    pub mod solo;
    pub mod wait;
}
#[path = "../../src/sync"]
mod sync {
    pub mod chan;
    pub mod select;
    pub mod sema;
}

#[cfg(test)]
mod models;
