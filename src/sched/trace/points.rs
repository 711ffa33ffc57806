//! Where the scheduler says what it does. All of it is called when `P::unusual` says that this P is recorded, or on ways that
//! are long anyway.
use super::{Cause, Event, Kind, Phase};
use crate::sched::Sched;
use crate::sched::g::{G, Status};
use crate::sched::p::P;
use crate::sched::wait::WaitReason;
use std::ptr::null_mut;

impl Sched {
    /// Writes down an event of a thread without a P, or about a P that is not the caller's.
    pub fn note(&self, event: Event) {
        if let Some(trace) = &self.trace {
            trace.note(self.decide.now(), event);
        }
    }

    pub fn note_collection(&self, phase: Phase) {
        self.note(Event { why: phase as u8, ..Event::new(Kind::Collect) });
    }

    /// A G is about to be put on the global queue, by a thread without a P.
    ///
    /// # Safety
    /// The caller has taken the G off what it waited on.
    pub unsafe fn note_readied(&self, g: *mut G, cause: Cause) {
        let g = unsafe { (*g).id };
        self.note(Event { g, why: cause as u8, ..Event::new(Kind::Ready) });
    }

    fn place(&self, g: *mut G) -> u32 {
        self.hooks().place(g)
    }
}

impl P {
    /// Writes down an event of this P.
    pub fn note(&self, event: Event) {
        if let Some(recording) = &self.recording {
            recording.write(self.sched().decide.now(), self.instructions(), Event { p: self.id as u16, ..event });
        }
    }

    /// The G that ran has left without a word: it has ended.
    fn note_left(&self) {
        let Some(recording) = &self.recording else { return };
        let (_, g) = recording.running();
        recording.set_running(null_mut(), 0);
        if g != 0 {
            self.note(Event { g, ..Event::new(Kind::End) });
        }
    }

    pub fn note_start(&self, g: *mut G) {
        let Some(recording) = &self.recording else { return };
        self.note_left();
        // SAFETY: the G is this M's.
        let id = unsafe { (*g).id };
        let (n, by) = (self.waiting() as u32, self.sched().global_len() as u64);
        self.note(Event { g: id, n, by, ..Event::new(Kind::Start) });
        recording.set_running(g, id);
        recording.hold();
    }

    /// The running G stops: it parks for a reason, or makes way.
    #[cold]
    #[inline(never)]
    pub fn note_stop(&self, g: *mut G, kind: Kind, reason: WaitReason) {
        let Some(recording) = &self.recording else { return };
        recording.set_running(null_mut(), 0);
        // SAFETY: the G is this M's until it is put where others find it.
        let id = unsafe { (*g).id };
        self.note(Event { g: id, at: self.sched().place(g), why: reason as u8, ..Event::new(kind) });
    }

    /// A G is about to be put on a queue, new if it was dead.
    #[cold]
    #[inline(never)]
    pub fn note_ready(&self, g: *mut G, cause: Cause) {
        let Some(recording) = &self.recording else { return };
        // SAFETY: the G is this M's.
        let (id, parent, made_at, status, entry) =
            unsafe { ((*g).id, (*g).parent, (*g).made_at, (*g).status(), (*g).pc) };
        if status == Status::Dead {
            let n = self.sched().hooks().code_index(entry);
            return self.note(Event { g: id, by: parent, at: made_at, n, ..Event::new(Kind::Create) });
        }
        let (by, at) = match recording.running() {
            (running, by) if cause == Cause::G && by != 0 => (by, self.sched().place(running)),
            _ => (0, 0),
        };
        self.note(Event { g: id, by, at, why: cause as u8, ..Event::new(Kind::Ready) });
    }

    /// The M has nothing to run.
    pub fn note_idle(&self) {
        self.note_left();
        self.note(Event::new(Kind::Idle));
    }
}
