//! Blocking natives run here: extra OS threads (Ms without a P), started when a job finds none idle, reused, and ended
//! when they have been idle for a while.
use crossbeam_channel::{Receiver, Sender, unbounded};
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

pub type Job = Box<dyn FnOnce() + Send>;

const IDLE_LIFE: Duration = Duration::from_secs(5);

struct Shared {
    jobs: Receiver<Job>,
    /// Threads waiting for a job, less jobs sent to them.
    idle: AtomicUsize,
    threads: AtomicUsize,
}

pub struct Jobs {
    send: Sender<Job>,
    shared: Arc<Shared>,
    /// Jobs whose G has not been readied yet.
    pub in_flight: AtomicUsize,
    pub max_threads: AtomicUsize,
    /// Whether jobs that end still find their VM.
    open: Arc<RwLock<bool>>,
}

impl Default for Jobs {
    fn default() -> Self {
        let (send, jobs) = unbounded();
        Jobs {
            send,
            shared: Arc::new(Shared { jobs, idle: AtomicUsize::new(0), threads: AtomicUsize::new(0) }),
            in_flight: AtomicUsize::new(0),
            max_threads: AtomicUsize::new(crate::base::limits::MAX_THREADS),
            open: Arc::new(RwLock::new(true)),
        }
    }
}

impl Jobs {
    pub fn threads(&self) -> usize {
        self.shared.threads.load(SeqCst)
    }

    pub fn idle_threads(&self) -> usize {
        self.shared.idle.load(SeqCst)
    }

    /// From now on no job does anything more in the VM.
    pub fn close(&self) {
        *self.open.write() = false;
    }

    /// Whether the VM is still there; held while a job touches it.
    pub fn open(&self) -> Arc<RwLock<bool>> {
        self.open.clone()
    }

    /// Runs the job soon on some thread. `false`: the limit of threads is reached, to which `others` count too, or the
    /// system gives no thread.
    pub fn submit(&self, job: Job, others: impl FnOnce() -> usize) -> bool {
        let idle = self.shared.idle.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1)).is_ok();
        if !idle {
            if self.shared.threads.fetch_add(1, SeqCst) + others() >= self.max_threads.load(SeqCst) {
                self.shared.threads.fetch_sub(1, SeqCst);
                return false;
            }
            let shared = self.shared.clone();
            let started = std::thread::Builder::new().name("gmpl-job".into()).stack_size(256 << 10).spawn(move || {
                loop {
                    match shared.jobs.recv_timeout(IDLE_LIFE) {
                        Ok(job) => {
                            job();
                            shared.idle.fetch_add(1, SeqCst);
                        }
                        // A job may have been promised to this thread just now: then it stays.
                        Err(crossbeam_channel::RecvTimeoutError::Timeout) => {
                            if shared.idle.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1)).is_ok() {
                                break;
                            }
                        }
                        Err(crossbeam_channel::RecvTimeoutError::Disconnected) => break,
                    }
                }
                shared.threads.fetch_sub(1, SeqCst);
            });
            if started.is_err() {
                self.shared.threads.fetch_sub(1, SeqCst);
                return false;
            }
        }
        self.send.send(job).is_ok()
    }
}
