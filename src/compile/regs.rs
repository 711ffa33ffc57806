//! Slots of the function being compiled. Fixed slots (results, parameters, the closure), the pointer region and the
//! scalars are numbered apart; `emit` maps them to the frame when the function ends.
//!
//! Scalars are a stack, so that call windows lie on top of all that is live. A pointer slot has one kind for the whole
//! function: freed ranges are reused only for the same pointer bitmap. Everything taken since a `Mark` is given back
//! together.
use crate::bytecode::program::BitMap;
use rustc_hash::FxHashMap;

/// A virtual slot: fixed, of the pointer region, or scalar.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub struct Reg(pub u32);

const PTR: u32 = 1 << 28;
const SCALAR: u32 = 1 << 29;

impl Reg {
    /// `NO_SLOT` in the finished code.
    pub const NONE: Reg = Reg(u32::MAX);

    pub fn fixed(i: u32) -> Reg {
        Reg(i)
    }
    pub fn ptr(i: u32) -> Reg {
        Reg(PTR | i)
    }
    pub fn scalar(i: u32) -> Reg {
        Reg(SCALAR | i)
    }
    /// The slot `n` further on.
    pub fn add(self, n: u32) -> Reg {
        Reg(self.0 + n)
    }
    pub fn is_scalar(self) -> bool {
        self != Reg::NONE && self.0 & SCALAR != 0
    }
    pub fn is_ptr(self) -> bool {
        self != Reg::NONE && self.0 & PTR != 0
    }
    /// Number within its region.
    pub fn index(self) -> u32 {
        self.0 & (PTR - 1)
    }
}

/// An interned pointer bitmap; 0 has no pointers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, Default)]
pub struct MapId(pub u32);

impl MapId {
    pub const NONE: MapId = MapId(0);
    /// One word that is a pointer.
    pub const ONE: MapId = MapId(1);
}

#[derive(Clone, Copy)]
pub struct Mark {
    top: u32,
    log: usize,
}

#[derive(Default)]
pub struct Regs {
    /// Results, parameters and the closure slot.
    pub fixed: u32,
    /// Which of them hold pointers.
    pub fixed_ptrs: BitMap,
    pub ptr_len: u32,
    pub ptr_bits: BitMap,
    free: FxHashMap<(MapId, u32), Vec<u32>>,
    log: Vec<(u32, MapId, u32)>,
    pub top: u32,
    pub max: u32,
    /// A call window may begin at this scalar slot, which is `top`: the slot below it is free for the link.
    pub free_link: Option<u32>,
}

impl Regs {
    pub fn mark(&self) -> Mark {
        Mark { top: self.top, log: self.log.len() }
    }

    pub fn release(&mut self, mark: Mark) {
        self.top = mark.top;
        self.release_ptrs(mark);
    }

    /// Gives back the pointer slots taken since the mark, and leaves the scalars.
    pub fn release_ptrs(&mut self, mark: Mark) {
        for (at, map, n) in self.log.drain(mark.log.min(self.log.len())..) {
            self.free.entry((map, n)).or_default().push(at);
        }
    }

    pub fn set_top(&mut self, top: u32) {
        self.top = top;
        self.max = self.max.max(top);
    }

    pub fn scalars(&mut self, n: u32) -> Reg {
        let r = Reg::scalar(self.top);
        self.set_top(self.top + n);
        r
    }

    /// A range of `n` slots with the given pointers.
    pub fn range(&mut self, map: MapId, bits: &BitMap, n: u32) -> Reg {
        if map == MapId::NONE {
            return self.scalars(n);
        }
        let at = match self.free.get_mut(&(map, n)).and_then(Vec::pop) {
            Some(at) => at,
            None => {
                let at = self.ptr_len;
                for i in bits.iter() {
                    self.ptr_bits.set(at as usize + i);
                }
                self.ptr_len += n;
                at
            }
        };
        self.log.push((at, map, n));
        Reg::ptr(at)
    }
}
