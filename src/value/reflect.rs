//! A `reflect.Value` in the VM: an interface word and a flag word. Without `INDIRECT` the interface holds the value;
//! with it, the interface holds a pointer to the place where the value lies. Whatever a race makes of the two words, they
//! name a live value of a known type, so nothing else has to be believed: each use resolves them anew.
use super::env::Env;
use super::iface as ifv;
use super::make_type::pointer_to;
use super::native::{Cx, Trap, load, overwrite, store};
use super::slice;
use crate::bytecode::program::{Boxing, FuncIdx, Kind, RType, RTypeId, iface};

/// The interface holds a pointer to the value.
pub const INDIRECT: u64 = 1;
/// The value may be set and its address taken.
pub const ADDRESSABLE: u64 = 2;
/// It came by way of an unexported field.
pub const READ_ONLY: u64 = 4;
/// It came by way of an unexported embedded field.
pub const EMBED_READ_ONLY: u64 = 8;
/// A method of the value in the interface: the index into its type's methods lies above.
pub const METHOD: u64 = 16;
/// Made by `MakeFunc`.
pub const MADE: u64 = 32;
pub const METHOD_SHIFT: u32 = 16;

pub const ANY_READ_ONLY: u64 = READ_ONLY | EMBED_READ_ONLY;

/// What a `reflect.Value` of function kind calls.
pub enum Callee {
    Closure(u64),
    Method { func: FuncIdx, receiver: u64, sig: RTypeId },
}

/// Where a value lies.
#[derive(Clone, Copy)]
pub enum Place {
    At(*mut u8),
    /// A register word.
    Word(u64),
}

/// A resolved `reflect.Value`.
#[derive(Clone, Copy)]
pub struct Loc {
    pub ty: RTypeId,
    pub place: Place,
    pub flag: u64,
}

/// The two words of a `reflect.Value`.
pub type Pair = (u64, u64);

/// The zero Value.
pub const ZERO: Pair = (0, 0);

/// What a Value stands for; `None` for the zero Value (and for what no program without races makes).
pub fn resolve(env: &Env, (word, flag): Pair) -> Option<Loc> {
    let ty = iface::type_of(word);
    if ty == 0 {
        return None;
    }
    let t = env.ty(ty);
    if flag & INDIRECT != 0 {
        let at = word & iface::PAYLOAD;
        if t.kind != Kind::Pointer || at == 0 {
            return None;
        }
        return Some(Loc { ty: t.elem, place: Place::At(at as *mut u8), flag });
    }
    let place = match t.boxing {
        Boxing::Words if t.words == 0 => Place::At(std::ptr::dangling_mut::<u64>() as *mut u8),
        Boxing::Words => Place::At((word & iface::PAYLOAD) as *mut u8),
        _ => {
            let mut v = 0;
            // SAFETY: the word names its own type, which has one word.
            unsafe { ifv::unbox(word, t.boxing, 1, &mut v) };
            Place::Word(v)
        }
    };
    Some(Loc { ty: RTypeId(ty), place, flag: flag & !ADDRESSABLE })
}

/// The function that a Value calls.
pub fn callee(env: &Env, word: u64, flag: u64) -> Option<Callee> {
    if flag & METHOD != 0 {
        let t = env.ty(iface::type_of(word));
        let m = t.methods.get((flag >> METHOD_SHIFT) as usize)?;
        let receiver = if m.direct { word & iface::PAYLOAD } else { word };
        let sig = env.program.methods[m.id.0 as usize].sig_type;
        return Some(Callee::Method { func: m.func, receiver, sig });
    }
    let loc = resolve(env, (word, flag))?;
    (env.ty(loc.ty.0).kind == Kind::Func).then(|| Callee::Closure(loc.word(env)))
}

impl Loc {
    pub fn t<'e>(&self, env: &'e Env) -> &'e RType {
        env.ty(self.ty.0)
    }

    /// The value's register words. Slices in it are shared from now on.
    pub fn words(&self, env: &Env) -> Vec<u64> {
        let t = self.t(env);
        let mut out = vec![0; t.words.max(1) as usize];
        match self.place {
            Place::Word(w) => out[0] = w,
            // SAFETY: the place of a value of this type.
            Place::At(p) => unsafe { load(t, p, &mut out) },
        }
        for &w in &env.types[self.ty.0 as usize].slice_words {
            // SAFETY: a slice word.
            unsafe { slice::disown(out[w as usize]) };
        }
        out
    }

    /// The one register word of a value that has one.
    pub fn word(&self, env: &Env) -> u64 {
        match self.place {
            Place::Word(w) => w,
            Place::At(p) => {
                let t = self.t(env);
                if t.words > 1 {
                    return 0;
                }
                let mut out = [0];
                // SAFETY: the place of a value of this type.
                unsafe { load(t, p, &mut out) };
                if t.kind == Kind::Slice {
                    // SAFETY: a slice word.
                    unsafe { slice::disown(out[0]) };
                }
                out[0]
            }
        }
    }

    /// The value in an interface; what an interface holds, itself.
    pub fn to_iface(&self, cx: &mut Cx) -> Result<u64, Trap> {
        let words = self.words(cx.env);
        cx.box_value(self.ty, &words)
    }

    /// The value as a Value of its own that is not addressable.
    pub fn copy(&self, cx: &mut Cx, flag: u64) -> Result<Pair, Trap> {
        let words = self.words(cx.env);
        of_words(cx, self.ty, &words, flag)
    }

    /// Stores register words where the value lies; only for addressable ones.
    pub fn set(&self, env: &Env, words: &[u64]) {
        if let Place::At(p) = self.place
            && self.flag & INDIRECT != 0
        {
            // SAFETY: the place of a value of this type; who calls has words of it.
            unsafe {
                overwrite(env, self.t(env), p);
                store(self.t(env), p, words)
            }
        }
    }

    /// The Value of a part of this one.
    pub fn part(&self, cx: &Cx, ty: RTypeId, at: *mut u8, flag: u64) -> Result<Pair, Trap> {
        at_place(cx.env, ty, at, flag | self.flag & (ADDRESSABLE | ANY_READ_ONLY))
    }
}

pub fn too_many_types() -> Trap {
    Trap::Panic("reflect: the program has too many types".into())
}

/// The Value of what lies at an address inside an object.
pub fn at_place(env: &Env, ty: RTypeId, at: *mut u8, flag: u64) -> Result<Pair, Trap> {
    let p = pointer_to(env, ty).ok_or_else(too_many_types)?;
    Ok((ifv::direct(p.0, at as u64), flag | INDIRECT))
}

/// The Value of register words, not addressable.
pub fn of_words(cx: &mut Cx, ty: RTypeId, words: &[u64], flag: u64) -> Result<Pair, Trap> {
    let t = cx.rtype(ty);
    let flag = flag & !(INDIRECT | ADDRESSABLE);
    if t.kind != Kind::Interface {
        return Ok((cx.box_value(ty, words)?, flag));
    }
    let p = new_at(cx, ty)?;
    // SAFETY: fresh memory of one word.
    unsafe { store(t, p, words) };
    at_place(cx.env, ty, p, flag)
}

/// Zeroed memory for a value of the type.
pub fn new_at(cx: &mut Cx, ty: RTypeId) -> Result<*mut u8, Trap> {
    let p = cx.cache.alloc(cx.env.shape_of(ty));
    if p.is_null() { Err(Trap::OutOfMemory) } else { Ok(p as *mut u8) }
}
