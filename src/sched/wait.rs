//! Why a G waits: one reason for each kind of park, with the text Go prints.

macro_rules! wait_reasons {
    ($($name:ident $text:literal)*) => {
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum WaitReason { $($name),* }

        impl WaitReason {
            const ALL: &'static [(WaitReason, &'static str)] = &[$((WaitReason::$name, $text)),*];
        }
    };
}

wait_reasons! {
    None ""
    ChanReceive "chan receive"
    ChanSend "chan send"
    ChanReceiveNil "chan receive (nil chan)"
    ChanSendNil "chan send (nil chan)"
    Select "select"
    SelectNoCases "select (no cases)"
    Sleep "sleep"
    MutexLock "sync.Mutex.Lock"
    RWMutexRLock "sync.RWMutex.RLock"
    RWMutexLock "sync.RWMutex.Lock"
    WaitGroupWait "sync.WaitGroup.Wait"
    CondWait "sync.Cond.Wait"
    Semacquire "semacquire"
    Native "syscall"
    IoWait "IO wait"
    Coroutine "coroutine"
    SynctestRun "synctest.Run"
    SynctestWait "synctest.Wait"
}

impl WaitReason {
    pub fn text(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Those of all reasons, by number.
    pub fn texts() -> impl Iterator<Item = &'static str> {
        Self::ALL.iter().map(|r| r.1)
    }

    pub fn from_u8(n: u8) -> WaitReason {
        Self::ALL.get(n as usize).map_or(WaitReason::None, |r| r.0)
    }
}
