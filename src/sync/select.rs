//! `select`: locks all its channels in address order, looks in random order for a case that can proceed, and otherwise
//! waits on all of them. The first waker wins `G::select_won`; the woken G takes its other nodes off.
use super::chan::{Chan, Received, Sent};
use crate::sched::decide::Rng;
use crate::sched::g::{G, WaitNode};
use std::sync::atomic::Ordering::*;

/// One case with its slots resolved.
#[derive(Clone, Copy)]
pub struct Case {
    pub send: bool,
    /// Null: never proceeds.
    pub chan: *mut Chan,
    pub value: *mut u64,
    pub ok: *mut u64,
}

pub enum Selected {
    /// This case proceeded; the G, if any, is to be readied.
    Case(usize, Option<*mut G>),
    /// A send case met a closed channel.
    Closed(usize),
    Default,
    /// The G waits: do not touch it.
    Parked,
}

/// What a parked select needs to be taken apart: kept in the G's extra state.
#[derive(Default)]
pub struct Waiting {
    nodes: Vec<WaitNode>,
    order: Vec<*mut Chan>,
    sends: Vec<bool>,
    shuffled: Vec<usize>,
}

impl Waiting {
    fn lock_order(&mut self, cases: &[Case]) {
        self.order.clear();
        self.order.extend(cases.iter().map(|c| c.chan).filter(|c| !c.is_null()));
        self.order.sort_unstable();
        self.order.dedup();
    }

    /// # Safety
    /// The channels are live.
    unsafe fn lock_all(&self) {
        for &ch in &self.order {
            unsafe { (*ch).lock() };
        }
    }

    unsafe fn unlock_all(&self) {
        for &ch in self.order.iter().rev() {
            unsafe { (*ch).unlock() };
        }
    }

    /// # Safety
    /// `g` is the running G, its state written back; the cases' slots lie in its stack; `self` belongs to it.
    pub unsafe fn select(
        &mut self,
        g: *mut G,
        cases: &[Case],
        has_default: bool,
        rng: &mut Rng,
        park: impl FnOnce(),
    ) -> Selected {
        unsafe {
            self.lock_order(cases);
            self.shuffled.clear();
            for i in 0..cases.len() {
                let j = rng.below(i as u32 + 1) as usize;
                self.shuffled.push(i);
                self.shuffled.swap(i, j);
            }
            self.lock_all();
            for &i in &self.shuffled {
                let c = cases[i];
                if c.chan.is_null() {
                    continue;
                }
                let proceeded = if c.send {
                    match (*c.chan).try_send_locked(c.value) {
                        Some(Sent::Woke(g)) => Some(Selected::Case(i, Some(g))),
                        Some(Sent::Closed) => Some(Selected::Closed(i)),
                        Some(_) => Some(Selected::Case(i, None)),
                        None => None,
                    }
                } else {
                    match (*c.chan).try_recv_locked(c.value, c.ok) {
                        Some(Received::Woke(g)) => Some(Selected::Case(i, Some(g))),
                        Some(_) => Some(Selected::Case(i, None)),
                        None => None,
                    }
                };
                if let Some(selected) = proceeded {
                    self.unlock_all();
                    return selected;
                }
            }
            if has_default {
                self.unlock_all();
                return Selected::Default;
            }
            (*g).select_won.store(0, Relaxed);
            self.nodes.clear();
            self.nodes.resize_with(cases.len(), WaitNode::new);
            self.sends.clear();
            park();
            for (i, c) in cases.iter().enumerate() {
                self.sends.push(c.send);
                let n = &raw mut self.nodes[i];
                (*n).g = g;
                (*n).value = c.value;
                (*n).ok = c.ok;
                (*n).on = c.chan as *mut u64;
                (*n).case = i as u32;
                (*n).select = true;
            }
            // Cases of the same channel are chosen from by chance as well.
            for &i in &self.shuffled {
                let c = cases[i];
                if !c.chan.is_null() {
                    let n = self.nodes.as_mut_ptr().add(i);
                    if c.send {
                        (*c.chan).senders.push(n);
                    } else {
                        (*c.chan).receivers.push(n);
                    }
                }
            }
            // Once a lock is released the G may be won and wait in `finish` for the others, and with the last one
            // it may go on and use `self` again: release from a list of our own.
            let mut few = [std::ptr::null_mut(); 8];
            let many;
            let order: &[*mut Chan] = if self.order.len() <= few.len() {
                few[..self.order.len()].copy_from_slice(&self.order);
                &few[..self.order.len()]
            } else {
                many = self.order.clone();
                &many
            };
            for &ch in order {
                (*ch).unlock();
            }
            Selected::Parked
        }
    }

    /// Takes the select off all its queues, for good. `false`: a case has been won.
    ///
    /// # Safety
    /// The world is stopped, and `g` waits in this select.
    pub unsafe fn forget(&mut self, g: *mut G) -> bool {
        unsafe {
            let open = (*g).select_won.compare_exchange(0, u32::MAX, AcqRel, Relaxed).is_ok();
            if open {
                self.finish(g);
            }
            open
        }
    }

    /// After the wake-up: takes the remaining nodes off their queues; returns the case that won.
    ///
    /// # Safety
    /// `g` is the running G, woken from this select.
    pub unsafe fn finish(&mut self, g: *mut G) -> usize {
        unsafe {
            self.lock_all();
            for i in 0..self.nodes.len() {
                let n = self.nodes.as_mut_ptr().add(i);
                if (*n).queued {
                    let ch = (*n).on as *mut Chan;
                    if self.sends[i] {
                        (*ch).senders.remove(n);
                    } else {
                        (*ch).receivers.remove(n);
                    }
                }
            }
            self.unlock_all();
            self.nodes.clear();
            (*g).select_won.load(Acquire) as usize - 1
        }
    }

    /// The stack from `old` to `end`, in which the cases' slots lie, has moved.
    pub fn resettle(&mut self, old: *mut u64, end: *mut u64, by: isize) {
        for n in &mut self.nodes {
            n.resettle(old, end, by);
        }
    }

    /// Bytes it holds.
    pub fn bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<WaitNode>() + self.order.capacity() * 8 + self.shuffled.capacity() * 9
    }

    /// The channels it waits on, for dumps.
    pub fn channels(&self) -> &[*mut Chan] {
        &self.order
    }
}
