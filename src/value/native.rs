//! The interface between natives (std) and the interpreter. A native reads its parameters and writes its results
//! through a [`Cx`]; it never calls back into bytecode and never blocks (a blocking job is handed over with
//! [`Outcome::Block`]). Nothing is collected while a native runs, so the words it holds stay valid.
use super::env::Env;
use super::{iface, slice, string};
use crate::base::limits::LONG_BYTES;
use crate::bytecode::program::{Boxing, Mem, RType, RTypeId};
use crate::heap::Cache;
use crate::sched::Sched;
use crate::sched::g::G;
use crate::sched::p::P;
use crate::sched::wait::WaitReason;
use crate::sched::world::Stopped;
use crate::sync::sema::SemaTable;

/// Why a native stopped.
#[derive(Debug)]
pub enum Trap {
    /// A Go run-time panic with a `runtime.Error` of this text (without `runtime error: `).
    Runtime(String),
    /// Likewise a `runtime.Error`, whose text has no prefix (`assignment to entry in nil map`).
    Plain(String),
    /// A Go panic whose value is a plain string.
    Panic(String),
    /// A Go panic whose value is this interface word.
    Value(u64),
    /// `fatal error: ` and this text: not recoverable.
    Fatal(String),
    /// The memory limit is reached.
    OutOfMemory,
    /// `os.Exit`.
    Exit(i32),
}

pub enum Outcome {
    /// The results are written.
    Done,
    /// Run the closure on a thread that may block; the G parks meanwhile. Its answer is run with a fresh `Cx` on the
    /// same parameters when the G goes on, and writes the results.
    Block(Box<dyn FnOnce() -> Finish + Send>),
    /// Likewise, but the closure runs on the G's own M while no other G runs.
    StopTheWorld(Box<dyn FnOnce(&Stopped) -> Finish + Send>),
    /// The G has been put on a wait queue by the native and goes on with the next instruction when it is readied.
    Parked,
    /// Likewise, but the native is called again when the G goes on.
    ParkedRetry,
    /// The results are written; the G gives its P up and goes on later.
    Yield,
    /// The results are written; collect garbage before going on.
    Collect,
    /// There was no memory for the results of a job: collect garbage, then run this.
    CollectFirst(Finish),
}

/// `Trap::Fatal` with this text is `runtime.Goexit`.
pub const GOEXIT: &str = "\0goexit";

pub type Finish = Box<dyn FnOnce(&mut Cx) -> Result<Outcome, Trap> + Send>;

pub type NativeResult = Result<Outcome, Trap>;

pub type Native = fn(&mut Cx) -> NativeResult;

/// A native by the name under which the gmpl half declares it: `path.Name` or `path.Type.Name`.
pub type NativeEntry = (&'static str, Native);

/// A native's view of its call. Parameters and results are counted in slots: a one-word value takes one, a
/// `complex128` two, a struct the sum of its fields. For methods the receiver is parameter 0.
pub struct Cx<'a> {
    window: *mut u64,
    results: usize,
    pub cache: &'a mut Cache,
    pub env: &'a Env,
    /// The scheduler's side of the call, for natives that park.
    pub side: &'a mut Side,
}

/// What a native that parks needs of the scheduler. Before it puts the G on a wait queue it sets `G::pc` and
/// `G::resume` through [`Side::park`]; afterwards it does not touch the G.
#[repr(C)]
pub struct Side {
    pub g: *mut G,
    pub p: *mut P,
    pub sema: *const SemaTable,
    /// For texts that are made and copied: taken, and given back with [`Side::give_text`].
    pub text: Vec<u8>,
}

/// `G::resume`: what a call of a native finds when its G goes on.
pub mod resume {
    /// A first call.
    pub const NONE: u8 = 0;
    /// The native parked the G and is called again.
    pub const RETRY: u8 = 1;
    /// A blocking job has ended: run its `Finish`.
    pub const FINISH: u8 = 2;
}

impl Side {
    pub fn sched(&self) -> &Sched {
        // SAFETY: the P of a running native, whose scheduler outlives it.
        unsafe { (*self.p).sched() }
    }

    pub fn sema(&self) -> &SemaTable {
        // SAFETY: the VM's table outlives its natives.
        unsafe { &*self.sema }
    }

    /// An empty buffer for a text.
    pub fn take_text(&mut self) -> Vec<u8> {
        let mut text = std::mem::take(&mut self.text);
        text.clear();
        text
    }

    /// Keeps a buffer for the next text, unless it has grown large.
    pub fn give_text(&mut self, text: Vec<u8>) {
        const KEPT_BYTES: usize = 64 << 10;
        if text.capacity() <= KEPT_BYTES {
            self.text = text;
        }
    }

    /// Whether this is the repeated call of a native that parked with `retry`.
    pub fn take_retry(&mut self) -> bool {
        // SAFETY: the running G.
        unsafe { std::mem::replace(&mut (*self.g).resume, resume::NONE) == resume::RETRY }
    }

    /// What a wait operation must run before it enqueues the G: marks it waiting, and says where it goes on.
    pub fn park(&self, reason: WaitReason, retry: bool) -> impl FnOnce() + use<> {
        let g = self.g;
        let p = self.p;
        // SAFETY: the running G, not yet on a queue.
        move || unsafe {
            if retry {
                (*g).resume = resume::RETRY;
            } else {
                (*g).pc = (*g).pc.add(1);
            }
            (*p).park(g, reason);
        }
    }

    /// Readies a G that a wait operation has handed out.
    pub fn ready(&mut self, g: *mut G) {
        // SAFETY: it was just taken off its queue.
        unsafe { (*self.p).ready(g) }
    }
}

impl<'a> Cx<'a> {
    /// # Safety
    /// `window` points to a call window with `results` result slots followed by the native's parameters.
    pub unsafe fn new(
        window: *mut u64,
        results: usize,
        cache: &'a mut Cache,
        env: &'a Env,
        side: &'a mut Side,
    ) -> Cx<'a> {
        Cx { window, results, cache, env, side }
    }

    /// Parameter `i` as a raw word.
    #[inline(always)]
    pub fn word(&self, i: usize) -> u64 {
        // SAFETY: the window holds all parameters.
        unsafe { *self.window.add(self.results + i) }
    }

    #[inline(always)]
    pub fn int(&self, i: usize) -> i64 {
        self.word(i) as i64
    }

    #[inline(always)]
    pub fn uint(&self, i: usize) -> u64 {
        self.word(i)
    }

    #[inline(always)]
    pub fn bool(&self, i: usize) -> bool {
        self.word(i) != 0
    }

    #[inline(always)]
    pub fn float(&self, i: usize) -> f64 {
        f64::from_bits(self.word(i))
    }

    /// The bytes of string parameter `i`. They stay valid for the native's whole run (nothing is collected).
    #[inline(always)]
    pub fn str<'b>(&self, i: usize) -> &'b [u8] {
        // SAFETY: the compiler put a string word here.
        let bytes = unsafe { string::bytes(self.word(i)) };
        self.will_look_at(bytes.len());
        bytes
    }

    /// So many bytes come before the next safepoint.
    #[inline(always)]
    pub fn will_look_at(&self, n: usize) {
        if n > LONG_BYTES {
            // SAFETY: the P of a running native.
            unsafe { (*self.side.p).expect_long() }
        }
    }

    /// The bytes of a string word.
    pub fn str_of<'b>(&self, word: u64) -> &'b [u8] {
        // SAFETY: the caller took the word from a string slot.
        let bytes = unsafe { string::bytes(word) };
        self.will_look_at(bytes.len());
        bytes
    }

    /// Data, length and capacity of slice parameter `i`.
    #[inline(always)]
    pub fn slice(&self, i: usize) -> slice::Parts {
        // SAFETY: the compiler put a slice word here.
        let parts = unsafe { slice::parts(self.word(i)) };
        self.will_look_at(parts.len);
        parts
    }

    /// Data, length and capacity of a slice word.
    pub fn slice_of(&self, word: u64) -> slice::Parts {
        // SAFETY: the caller took the word from a slice slot.
        let parts = unsafe { slice::parts(word) };
        self.will_look_at(parts.len);
        parts
    }

    /// The bytes of `[]byte` parameter `i` as they lie in memory, for natives that only look at them: when another G
    /// writes meanwhile, their answer is any answer.
    pub fn bytes_view<'b>(&self, i: usize) -> &'b [u8] {
        self.packed_view(i, 1)
    }

    /// Likewise the bytes of a `[]byte` word that a parameter leads to.
    pub fn view_of<'b>(&self, word: u64) -> &'b [u8] {
        let s = self.slice_of(word);
        if s.len == 0 {
            return &[];
        }
        // SAFETY: the header's data has at least `len` bytes, which stay alive for the native's whole run.
        unsafe { std::slice::from_raw_parts(s.data, s.len) }
    }

    /// Likewise the memory of a slice of packed scalars of `size` bytes.
    pub fn packed_view<'b>(&self, i: usize, size: usize) -> &'b [u8] {
        let s = self.slice(i);
        if s.len == 0 {
            return &[];
        }
        // SAFETY: the header's data has at least `len` elements, which stay alive for the native's whole run.
        unsafe { std::slice::from_raw_parts(s.data, s.len * size) }
    }

    /// The `n` words that pointer parameter `i` leads to: a struct or array of words. Goroutines that share it without
    /// a lock may tear its contents, never the memory around it.
    pub fn words_at<'b>(&self, i: usize, n: usize) -> Result<&'b [std::cell::Cell<u64>], Trap> {
        let p = self.word(i) as *const std::cell::Cell<u64>;
        if p.is_null() {
            return Err(Trap::Runtime("invalid memory address or nil pointer dereference".into()));
        }
        // SAFETY: the gmpl half declares a pointer to a value of at least `n` words, which stays alive for the
        // native's whole run.
        Ok(unsafe { std::slice::from_raw_parts(p, n) })
    }

    /// A copy of `[]byte` parameter `i` (a copy, since another G may write to it at any time).
    pub fn bytes(&self, i: usize) -> Vec<u8> {
        let s = self.slice(i);
        if s.len == 0 {
            return Vec::new();
        }
        // SAFETY: the header's data has at least `len` bytes.
        unsafe {
            let mut v = Vec::with_capacity(s.len);
            std::ptr::copy_nonoverlapping(s.data, v.as_mut_ptr(), s.len);
            v.set_len(s.len);
            v
        }
    }

    /// Copies `src` into the bytes of `[]byte` parameter `i`, as far as both reach; returns how many.
    pub fn copy_into_bytes(&mut self, i: usize, src: &[u8]) -> usize {
        let s = self.slice(i);
        let n = s.len.min(src.len());
        // SAFETY: the header's data has at least `len` bytes.
        unsafe { std::ptr::copy_nonoverlapping(src.as_ptr(), s.data, n) };
        n
    }

    /// Word element `k` of a slice of one-word elements (parameter `i`); the caller checks `k < len`.
    pub fn slice_word(&self, i: usize, k: usize) -> u64 {
        let s = self.slice(i);
        assert!(k < s.len);
        // SAFETY: checked.
        unsafe { slice::load((s.data as *const u64).add(k)) }
    }

    // ---- results

    #[inline(always)]
    pub fn set_word(&mut self, i: usize, v: u64) {
        debug_assert!(i < self.results);
        // SAFETY: the window holds all results.
        unsafe { *self.window.add(i) = v }
    }

    /// The address of result slot `i`, for who writes it while the G is parked.
    pub fn result_slot(&mut self, i: usize) -> *mut u64 {
        assert!(i < self.results);
        // SAFETY: the window holds all results.
        unsafe { self.window.add(i) }
    }

    #[inline(always)]
    pub fn set_int(&mut self, i: usize, v: i64) {
        self.set_word(i, v as u64)
    }

    #[inline(always)]
    pub fn set_bool(&mut self, i: usize, v: bool) {
        self.set_word(i, v as u64)
    }

    #[inline(always)]
    pub fn set_float(&mut self, i: usize, v: f64) {
        self.set_word(i, v.to_bits())
    }

    pub fn set_str(&mut self, i: usize, s: &[u8]) -> Result<(), Trap> {
        let w = self.new_str(s)?;
        self.set_word(i, w);
        Ok(())
    }

    /// Result `i` = `parent[lo..hi]` sharing its bytes, where `parent` is a string word.
    pub fn set_substr(&mut self, i: usize, parent: u64, lo: usize, hi: usize) -> Result<(), Trap> {
        let w = self.new_substr(parent, lo, hi)?;
        self.set_word(i, w);
        Ok(())
    }

    pub fn new_substr(&mut self, parent: u64, lo: usize, hi: usize) -> Result<u64, Trap> {
        // SAFETY: the assertion.
        unsafe {
            assert!(lo <= hi && hi <= string::len(parent));
            string::part(self.cache, self.env.string_view, parent, lo, hi).ok_or(Trap::OutOfMemory)
        }
    }

    pub fn new_str(&mut self, s: &[u8]) -> Result<u64, Trap> {
        string::new(self.cache, s).ok_or(Trap::OutOfMemory)
    }

    /// The address of a new object of one word that the collector does not follow.
    pub fn new_scalar(&mut self, word: u64) -> Result<u64, Trap> {
        let p = self.cache.alloc(self.env.scalar_box);
        if p.is_null() {
            return Err(Trap::OutOfMemory);
        }
        // SAFETY: a fresh object of one word.
        unsafe { *p = word };
        Ok(p as u64)
    }

    /// A new `[]byte`.
    pub fn new_bytes(&mut self, s: &[u8]) -> Result<u64, Trap> {
        let data = self.cache.alloc_bytes_uninit(s.len().max(1)) as *mut u8;
        if data.is_null() {
            return Err(Trap::OutOfMemory);
        }
        // SAFETY: fresh object of at least `s.len()` bytes.
        unsafe { std::ptr::copy_nonoverlapping(s.as_ptr(), data, s.len()) };
        slice::new(self.cache, self.env.slice_header, data, s.len(), s.len()).ok_or(Trap::OutOfMemory)
    }

    /// A new slice of `len` packed scalars, whose bytes are `b`.
    pub fn new_packed(&mut self, b: &[u8], len: usize) -> Result<u64, Trap> {
        let data = self.cache.alloc_bytes_uninit(b.len().max(1)) as *mut u8;
        if data.is_null() {
            return Err(Trap::OutOfMemory);
        }
        // SAFETY: fresh object of at least `b.len()` bytes.
        unsafe { std::ptr::copy_nonoverlapping(b.as_ptr(), data, b.len()) };
        slice::new(self.cache, self.env.slice_header, data, len, len).ok_or(Trap::OutOfMemory)
    }

    /// A new slice of one-word elements; `pointers`: they are strings, pointers, interfaces, slices, maps...
    pub fn new_words(&mut self, words: &[u64], pointers: bool) -> Result<u64, Trap> {
        let n = words.len();
        let data = if pointers {
            self.cache.alloc_array(n.max(1), 1, &crate::bytecode::program::BitMap(vec![1]))
        } else {
            self.cache.alloc_bytes(n.max(1) * 8)
        };
        if data.is_null() {
            return Err(Trap::OutOfMemory);
        }
        // SAFETY: fresh object of at least n words.
        unsafe { std::ptr::copy_nonoverlapping(words.as_ptr(), data, n) };
        slice::new(self.cache, self.env.slice_header, data as *mut u8, n, n).ok_or(Trap::OutOfMemory)
    }

    /// Result `i` = a new `[]string`.
    pub fn set_strs<S: AsRef<[u8]>>(&mut self, i: usize, parts: &[S]) -> Result<(), Trap> {
        let mut words = Vec::with_capacity(parts.len());
        for p in parts {
            words.push(self.new_str(p.as_ref())?);
        }
        let w = self.new_words(&words, true)?;
        self.set_word(i, w);
        Ok(())
    }

    // ---- interfaces and types

    pub fn rtype(&self, id: RTypeId) -> &'a RType {
        &self.env.program.types[id.0 as usize]
    }

    /// The type an interface word holds; `RTypeId::NONE` for nil.
    pub fn iface_type(&self, word: u64) -> RTypeId {
        RTypeId(crate::bytecode::program::iface::type_of(word))
    }

    /// The register words of the value an interface word holds (not nil).
    pub fn unbox(&self, word: u64) -> Vec<u64> {
        let mut out = vec![0; self.rtype(self.iface_type(word)).words.max(1) as usize];
        self.unbox_into(word, &mut out);
        out
    }

    /// Likewise, into at least so many words, and one.
    pub fn unbox_into(&self, word: u64, out: &mut [u64]) {
        let t = self.rtype(self.iface_type(word));
        assert!(out.len() >= t.words.max(1) as usize);
        // SAFETY: the word names its own type, and there is room for its words.
        unsafe { iface::unbox(word, t.boxing, t.words as usize, out.as_mut_ptr()) };
    }

    /// An interface word of type `ty` holding the register words `v`.
    pub fn box_value(&mut self, ty: RTypeId, v: &[u64]) -> Result<u64, Trap> {
        let t = self.rtype(ty);
        let word = match t.boxing {
            Boxing::Direct => Some(iface::direct(ty.0, v[0])),
            Boxing::Int => iface::int(self.cache, self.env.scalar_box, ty.0, v[0] as i64),
            Boxing::Uint => iface::uint(self.cache, self.env.scalar_box, ty.0, v[0]),
            Boxing::Float => iface::float(self.cache, self.env.scalar_box, ty.0, f64::from_bits(v[0])),
            Boxing::Never => Some(v[0]),
            Boxing::Words if t.words == 0 => Some(iface::direct(ty.0, 0)),
            Boxing::Words => {
                let p = self.cache.alloc(self.env.shape_of(ty));
                if p.is_null() {
                    return Err(Trap::OutOfMemory);
                }
                // SAFETY: fresh object of the type's words.
                unsafe { std::ptr::copy_nonoverlapping(v.as_ptr(), p, t.words as usize) };
                Some(iface::direct(ty.0, p as u64))
            }
        };
        word.ok_or(Trap::OutOfMemory)
    }

    /// Reads one value of a type from memory into register words (a scalar is extended to 64 bits).
    ///
    /// # Safety
    /// `addr` is the address of a value of type `t` in a live object.
    pub unsafe fn load(&self, t: &RType, addr: *const u8, out: &mut [u64]) {
        unsafe { load(t, addr, out) }
    }
}

/// Reads one value of a type from memory into register words.
///
/// # Safety
/// `addr` is the address of a value of type `t` in a live object.
pub unsafe fn load(t: &RType, addr: *const u8, out: &mut [u64]) {
    unsafe {
        match t.mem {
            Mem::I8 => out[0] = *(addr as *const i8) as i64 as u64,
            Mem::I16 => out[0] = *(addr as *const i16) as i64 as u64,
            Mem::I32 => out[0] = *(addr as *const i32) as i64 as u64,
            Mem::U8 => out[0] = *addr as u64,
            Mem::U16 => out[0] = *(addr as *const u16) as u64,
            Mem::U32 => out[0] = *(addr as *const u32) as u64,
            Mem::F32 => out[0] = (*(addr as *const f32) as f64).to_bits(),
            Mem::W => out[0] = slice::load(addr as *const u64),
            Mem::N => {
                for (i, w) in out.iter_mut().enumerate().take(t.words as usize) {
                    *w = slice::load((addr as *const u64).add(i));
                }
            }
        }
    }
}

/// A value in memory is about to be overwritten: who marks meanwhile must see what it holds.
///
/// # Safety
/// `addr` is the address of a value of type `t` in a live object.
pub unsafe fn overwrite(env: &Env, t: &RType, addr: *const u8) {
    if env.heap.is_marking() && matches!(t.mem, Mem::W | Mem::N) {
        // SAFETY: the caller's.
        unsafe { env.heap.shade_words(addr as *const u64, t.words as usize) }
    }
}

/// Writes one value of a type from register words to memory. In an object that others may see already, [`overwrite`]
/// comes first.
///
/// # Safety
/// `addr` is the address of a value of type `t` in a live object.
pub unsafe fn store(t: &RType, addr: *mut u8, v: &[u64]) {
    unsafe {
        match t.mem {
            Mem::I8 | Mem::U8 => *addr = v[0] as u8,
            Mem::I16 | Mem::U16 => *(addr as *mut u16) = v[0] as u16,
            Mem::I32 | Mem::U32 => *(addr as *mut u32) = v[0] as u32,
            Mem::F32 => *(addr as *mut f32) = f64::from_bits(v[0]) as f32,
            Mem::W => slice::store(addr as *mut u64, v[0]),
            Mem::N => {
                for (i, w) in v.iter().enumerate().take(t.words as usize) {
                    slice::store((addr as *mut u64).add(i), *w);
                }
            }
        }
    }
}
