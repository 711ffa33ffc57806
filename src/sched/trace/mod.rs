//! What the scheduler does, event by event, for `gmpl trace`. Here is the table of events; `record` is how a P writes them down
//! without a lock, `collect` who keeps the newest, `steps` slow motion, `points` where the scheduler says what it does.
//!
//! Recording is off unless asked for. Then it costs nothing but the branches that marking and seeds need anyway: see
//! `P::unusual`.
pub mod collect;
mod points;
pub mod record;
pub mod steps;

/// What a field of an event means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Meaning {
    /// A goroutine's number; 0: none.
    G,
    P,
    /// A code index.
    Place,
    Count,
    /// A [`WaitReason`](crate::sched::wait::WaitReason).
    Reason,
    /// A [`Cause`].
    Cause,
    /// A [`Phase`].
    Phase,
}

/// A kind of event: its name, its fields in the order of the columns, and a sentence for people with the fields in braces.
pub struct Info {
    pub name: &'static str,
    pub fields: &'static [(&'static str, Meaning)],
    pub sentence: &'static str,
}

macro_rules! events {
    ($($name:ident($($field:ident: $meaning:ident),*) $sentence:literal)*) => {
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Kind { $($name),* }

        pub const TABLE: &[Info] = &[$(Info {
            name: stringify!($name),
            fields: &[$((stringify!($field), Meaning::$meaning)),*],
            sentence: $sentence,
        }),*];
    };
}

// A field is one of the columns of `Event`: g, by, at, n, why.
events! {
    Create(g: G, by: G, at: Place, n: Place) "{by} starts {g} at {at}: it is to run {n}"
    Start(g: G, by: Count, n: Count) "{g} begins to run on {p}; {n} more wait in the queue of {p}, {by} in the global queue"
    Preempt(g: G, at: Place) "{g} makes way at {at}: its time slice is over, and others wait"
    Yield(g: G, at: Place) "{g} makes way of its own accord at {at}"
    Park(g: G, at: Place, why: Reason) "{g} parks at {at}: {why}"
    End(g: G) "{g} ends"
    Ready(g: G, by: G, at: Place, why: Cause) "{g} may go on: {why}"
    Steal(g: G, by: P, n: Count) "{p} has nothing to do and steals {n} of the goroutines that wait for {by}, {g} first"
    HandOff(g: G, by: P) "{g} is locked to the thread of {by}: {p} hands it over"
    GlobalPut(by: Count, n: Count) "{n} goroutines go to the global queue, which has {by} now"
    GlobalGet(by: Count, n: Count) "{p} takes {n} goroutines from the global queue, which has {by} now"
    Idle() "{p} has nothing to run: its thread sleeps"
    Wake() "the thread of {p} is awake and looks for work"
    ThreadStart() "a thread is started for {p}"
    JobStart(g: G) "what {g} called blocks: it runs on a thread without a P"
    JobEnd(g: G) "what {g} called is done"
    StopBegin() "the world is to stop: each P comes to a halt at its next safepoint"
    StopEnd() "the world goes on"
    Collect(why: Phase) "garbage collection: {why}"
    Timer() "a timer fires, seen by {p}"
    Procs(n: Count) "GOMAXPROCS is {n} now"
    Finish() "the run ends"
}

macro_rules! texts {
    ($(#[$doc:meta])* $name:ident $($case:ident $text:literal)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum $name { $($case),* }

        impl $name {
            pub const TEXTS: &'static [&'static str] = &[$($text),*];
        }
    };
}

texts! {
    /// Who readies a G.
    Cause
    G "{by} woke it at {at}"
    Timer "a timer fired"
    Net "what it waited for came from outside"
    Job "the blocking call is done"
}

texts! {
    /// Of a collection.
    Phase
    Begin "begins, with the world stopped"
    Mark "marking begins, while the program runs"
    End "is done"
}

/// Nobody's P, in [`Event::p`].
pub const NO_P: u16 = u16::MAX;

/// An event, whatever its kind: columns that its kind does not have are 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// Nanoseconds of the run.
    pub time: i64,
    pub g: u64,
    pub by: u64,
    pub at: u32,
    pub n: u32,
    pub kind: Kind,
    pub why: u8,
    pub p: u16,
}

impl Event {
    pub fn new(kind: Kind) -> Event {
        Event { time: 0, g: 0, by: 0, at: 0, n: 0, kind, why: 0, p: NO_P }
    }

    pub fn info(&self) -> &'static Info {
        &TABLE[self.kind as usize]
    }

    /// The value of a field.
    pub fn field(&self, name: &str) -> u64 {
        match name {
            "g" => self.g,
            "by" => self.by,
            "at" => self.at as u64,
            "n" => self.n as u64,
            _ => self.why as u64,
        }
    }
}
