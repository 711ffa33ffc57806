//! Shapes: how large an object is and which of its words hold pointers.
use crate::bytecode::program::BitMap;
use rustc_hash::FxHashMap;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ShapeId(pub u32);

/// What the collector looks at in an object.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Scan {
    None,
    All,
    /// These words.
    Words(BitMap),
    /// Elements of so many words, with these pointers each.
    Elems(u32, BitMap),
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Shape {
    /// Words of an object; 0: large objects, which have their own size each.
    pub words: u32,
    pub scan: Scan,
}

/// All shapes of a heap, interned.
#[derive(Default)]
pub struct Shapes {
    pub list: Vec<Shape>,
    ids: FxHashMap<Shape, u32>,
}

impl Shapes {
    pub fn intern(&mut self, shape: Shape) -> ShapeId {
        if let Some(&id) = self.ids.get(&shape) {
            return ShapeId(id);
        }
        let id = self.list.len() as u32;
        self.list.push(shape.clone());
        self.ids.insert(shape, id);
        ShapeId(id)
    }
}

/// The simplest way to say which of `words` words hold pointers.
pub fn scan_of(words: usize, ptrs: &BitMap) -> Scan {
    let count = ptrs.iter().take_while(|&i| i < words).count();
    if count == 0 {
        Scan::None
    } else if count == words {
        Scan::All
    } else {
        Scan::Words(ptrs.clone())
    }
}

/// Words of cells for objects without a fixed size: exact up to 32, then steps of about an eighth.
pub const CLASS_WORDS: [u32; 66] = {
    let mut out = [0; 66];
    let mut i = 0;
    let mut w = 1u32;
    while i < 66 {
        out[i] = w;
        let step = if w < 32 {
            1
        } else {
            let s = w / 8;
            if s > 1 { s } else { 1 }
        };
        w += step;
        if w > MAX_SMALL_WORDS as u32 {
            w = MAX_SMALL_WORDS as u32;
        }
        i += 1;
    }
    out
};

/// Objects of more words are large.
pub const MAX_SMALL_WORDS: usize = 1024;

/// The class that holds `words` words.
#[inline]
pub fn class_of(words: usize) -> usize {
    if words <= 32 {
        return words.max(1) - 1;
    }
    CLASS_WORDS.partition_point(|&c| (c as usize) < words)
}
