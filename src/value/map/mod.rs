//! Maps. A map object holds one pointer to its current table (`table`); when that is full, its entries move to a new one.
//!
//! # Races
//! Readers take no lock. A table's array and its length never change, and every word of an entry is valid for its kind
//! whenever it is read; so whatever racing writers do, a reader stays inside live objects. While it writes, a writer leaves its place in the program (`who`, not 0) in the map;
//! who meets another's reports both.
//!
//! # Safety
//! Map words are valid; keys and values are register words of the map's types.
mod iter;
mod memo;
mod table;

pub use iter::{iter_new, iter_next};
pub use memo::Memos;

use super::env::TypeInfo;
use super::eq::{self, mix};
use super::slice::{load, store};
use super::string;
use crate::bytecode::program::{BitMap, Kind, Mem, Program, RTypeId};
use crate::heap::{Cache, Heap, ShapeId};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU64, Ordering::*};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum KeyKind {
    /// One word, compared as it is.
    Word,
    Str,
    Other,
}

/// What operations on maps of one type need, made once.
pub struct MapType {
    pub key_words: u32,
    pub val_words: u32,
    /// Words of a value that hold slices.
    pub val_slices: Vec<u32>,
    key: RTypeId,
    kind: KeyKind,
    /// Keys are integers.
    integers: bool,
    /// Keys are integers or strings, and values are one word that holds no slice.
    quick: bool,
    /// Words of an entry: header, key, value.
    stride: usize,
    entry_pointers: BitMap,
    /// Likewise of a value.
    value_pointers: BitMap,
    map_shape: ShapeId,
    table_shape: ShapeId,
    iter_shape: ShapeId,
    seed: u64,
    /// For [`Heap::shade`].
    heap: *const Heap,
}

// SAFETY: the heap outlives the types of its maps, and is made for being shared.
unsafe impl Send for MapType {}
unsafe impl Sync for MapType {}

/// The place of a writer that is no instruction.
pub const NATIVE: u64 = 1;

#[derive(Debug)]
pub enum MapError {
    /// A `runtime error: ` panic.
    Panic(String),
    /// A run-time panic without that prefix.
    Plain(String),
    /// Another goroutine is writing; its `who`.
    Race(&'static str, u64),
    OutOfMemory,
}

const WRITES: &str = "concurrent map writes";
const READ_AND_WRITE: &str = "concurrent map read and map write";
const ITERATION_AND_WRITE: &str = "concurrent map iteration and map write";

/// Words of a map object.
const COUNT: usize = 0;
const WRITING: usize = 1;
const TABLE: usize = 2;
const MAP_WORDS: usize = 3;

impl MapType {
    pub fn new(heap: &Heap, program: &Program, types: &[TypeInfo], id: RTypeId, seed: u64) -> MapType {
        let t = program.ty(id);
        let (key, elem) = (program.ty(t.key), program.ty(t.elem));
        let kind = match key.kind {
            Kind::String => KeyKind::Str,
            Kind::Float32 | Kind::Float64 | Kind::Complex64 | Kind::Interface => KeyKind::Other,
            _ if key.words == 1 && key.mem != Mem::N => KeyKind::Word,
            _ => KeyKind::Other,
        };
        let (mut entry_pointers, mut value_pointers) = (BitMap::default(), BitMap::default());
        for i in key.ptr_map.iter().filter(|&i| i < key.words as usize) {
            entry_pointers.set(1 + i);
        }
        for i in elem.ptr_map.iter().filter(|&i| i < elem.words as usize) {
            entry_pointers.set(1 + key.words as usize + i);
            value_pointers.set(i);
        }
        MapType {
            key_words: key.words,
            val_words: elem.words,
            val_slices: types[t.elem.0 as usize].slice_words.clone(),
            key: t.key,
            kind,
            integers: is_integer(key.kind),
            quick: (is_integer(key.kind) || kind == KeyKind::Str)
                && elem.words == 1
                && types[t.elem.0 as usize].slice_words.is_empty(),
            stride: 1 + key.words as usize + elem.words as usize,
            entry_pointers,
            value_pointers,
            map_shape: heap.shape(MAP_WORDS, &BitMap(vec![1 << TABLE])),
            table_shape: heap.shape(table::TABLE_WORDS, &BitMap(vec![1 << table::ENTRIES | 1 << table::INDEX])),
            iter_shape: iter::shape(heap),
            seed,
            heap,
        }
    }

    /// Words of a table or map that are about to be overwritten.
    #[inline(always)]
    unsafe fn overwrite(&self, at: *const u64, words: usize) {
        unsafe {
            if (*self.heap).is_marking() {
                (*self.heap).shade_words(at, words);
            }
        }
    }

    #[inline(always)]
    unsafe fn hash(&self, p: &Program, key: *const u64) -> Result<u64, MapError> {
        unsafe {
            match self.kind {
                KeyKind::Word => Ok(mix(*key ^ self.seed)),
                KeyKind::Str => Ok(eq::hash_bytes(string::bytes(*key), self.seed)),
                KeyKind::Other => eq::hash_value(p, self.key, key, self.seed).map_err(MapError::Panic),
            }
        }
    }

    /// Of keys of other kinds than one word or a string.
    #[inline(always)]
    unsafe fn same(&self, p: &Program, stored: *const u64, key: *const u64) -> bool {
        unsafe { eq::values_eq(p, self.key, stored, key).unwrap_or(false) }
    }
}

fn is_integer(kind: Kind) -> bool {
    use Kind::*;
    matches!(kind, Int | Int8 | Int16 | Int32 | Int64 | Uint | Uint8 | Uint16 | Uint32 | Uint64 | Uintptr)
}

/// A new map; null: no memory.
///
/// # Safety
/// See the file's head.
pub unsafe fn new(cache: &mut Cache, t: &MapType, hint: usize) -> *mut u64 {
    unsafe {
        let m = cache.alloc(t.map_shape);
        if !m.is_null() && hint > 0 {
            // A hint is only a hint: an absurd one must not take memory.
            let table = t.table(cache, hint.min(1 << 26));
            if table.is_null() {
                return null_mut();
            }
            *m.add(TABLE) = table as u64;
        }
        m
    }
}

/// # Safety
/// See the file's head.
pub unsafe fn len(m: *const u64) -> usize {
    if m.is_null() { 0 } else { unsafe { load(m.add(COUNT)) as usize } }
}

/// The value's words; `None`: no such key.
///
/// # Errors
/// The key cannot be hashed, or a writer is at work.
///
/// # Safety
/// See the file's head.
pub unsafe fn get(p: &Program, t: &MapType, m: *mut u64, key: *const u64) -> Result<Option<*const u64>, MapError> {
    unsafe { get_with(p, t, m, key, None) }
}

/// As [`get`]; looks first among the entries found before, and notes what it finds.
///
/// # Errors
/// As [`get`].
///
/// # Safety
/// See the file's head.
#[inline(always)]
pub unsafe fn get_with(
    p: &Program,
    t: &MapType,
    m: *mut u64,
    key: *const u64,
    mut memos: Option<&mut Memos>,
) -> Result<Option<*const u64>, MapError> {
    unsafe {
        if m.is_null() || load(m.add(COUNT)) == 0 {
            if t.kind == KeyKind::Other {
                t.hash(p, key)?;
            }
            return Ok(None);
        }
        let other = load(m.add(WRITING));
        if other != 0 {
            return Err(MapError::Race(READ_AND_WRITE, other));
        }
        let table = (*(m.add(TABLE) as *const AtomicU64)).load(Acquire) as *const u64;
        if table.is_null() {
            return Ok(None);
        }
        if let Some(memos) = &memos
            && t.kind == KeyKind::Str
            && let Some(value) = memos.value(t, table, key)
        {
            return Ok(Some(value));
        }
        let found = t.find(p, table, t.hash(p, key)?, key);
        if let (Some(e), Some(memos)) = (&found, &mut memos) {
            memos.note(t, table, key, e);
        }
        Ok(found.map(|e| e.value.cast_const()))
    }
}

/// The value of a key that is quickly found: one word that holds no slice, of a map at which nobody writes, whose table is dense
/// or whose key is a string that was found before.
///
/// # Safety
/// See the file's head.
#[inline(always)]
pub unsafe fn find_quick<'a>(t: &MapType, m: *const u64, key: u64, memos: &Memos) -> Option<&'a AtomicU64> {
    unsafe {
        if !t.quick || m.is_null() || load(m.add(WRITING)) != 0 {
            return None;
        }
        let table = (*(m.add(TABLE) as *const AtomicU64)).load(Acquire) as *const u64;
        match t.kind {
            _ if table.is_null() => None,
            KeyKind::Str => memos.value(t, table, &key).map(|at| &*(at as *const AtomicU64)),
            _ => table::word_in_dense(table, key),
        }
    }
}

/// Stores to what [`find_quick`] has found. `false`: nothing is stored, since others write or mark.
///
/// # Safety
/// See the file's head.
#[inline(always)]
pub unsafe fn set_quick(t: &MapType, m: *mut u64, at: &AtomicU64, value: u64, who: u64) -> bool {
    unsafe {
        let flag = &*(m.add(WRITING) as *const AtomicU64);
        if (*t.heap).is_marking() || flag.load(Relaxed) != 0 {
            return false;
        }
        flag.store(who, Relaxed);
        at.store(value, Relaxed);
        let alone = flag.load(Relaxed) == who;
        if alone {
            flag.store(0, Relaxed);
        }
        // Who came between is met by [`set`].
        alone
    }
}

unsafe fn begin_write(m: *mut u64, who: u64) -> Result<(), MapError> {
    unsafe {
        let flag = &*(m.add(WRITING) as *const AtomicU64);
        // One look is enough to find most races, and costs nothing.
        let other = flag.load(Relaxed);
        if other != 0 {
            return Err(MapError::Race(WRITES, other));
        }
        flag.store(who, Relaxed);
        Ok(())
    }
}

unsafe fn end_write(m: *mut u64, who: u64) -> Result<(), MapError> {
    unsafe {
        let flag = &*(m.add(WRITING) as *const AtomicU64);
        let now = flag.load(Relaxed);
        if now != who {
            return Err(MapError::Race(WRITES, now));
        }
        flag.store(0, Relaxed);
        Ok(())
    }
}

/// `m[key] = value`.
///
/// # Errors
/// A nil map, a key that cannot be hashed, another writer, no memory.
///
/// # Safety
/// See the file's head.
pub unsafe fn set(
    cache: &mut Cache,
    p: &Program,
    t: &MapType,
    m: *mut u64,
    key: *const u64,
    value: *const u64,
    who: u64,
    memos: &Memos,
) -> Result<(), MapError> {
    unsafe {
        if m.is_null() {
            return Err(MapError::Plain("assignment to entry in nil map".into()));
        }
        let mut table = load(m.add(TABLE)) as *mut u64;
        if !table.is_null()
            && let Some(at) = memos.value(t, table, key)
        {
            begin_write(m, who)?;
            t.set_value(at, value);
            return end_write(m, who);
        }
        let hash = t.hash(p, key)?;
        begin_write(m, who)?;
        table = load(m.add(TABLE)) as *mut u64;
        if !table.is_null() {
            if let Some(e) = t.find(p, table, hash, key) {
                // Keys that are equal may differ (0 and -0): Go keeps the old float key, but stores the new one's words.
                if t.kind == KeyKind::Other {
                    let n = t.key_words as usize;
                    let at = e.value.sub(n);
                    t.overwrite(at, n);
                    for i in 0..n {
                        store(at.add(i), *key.add(i));
                    }
                }
                t.set_value(e.value, value);
                return end_write(m, who);
            }
        }
        let added = t.insert(cache, p, m, hash, key, value);
        if added.is_ok() {
            store(m.add(COUNT), load(m.add(COUNT)) + 1);
        }
        let ended = end_write(m, who);
        added.and(ended)
    }
}

impl MapType {
    #[inline(always)]
    unsafe fn set_value(&self, at: *mut u64, value: *const u64) {
        unsafe {
            self.overwrite(at, self.val_words as usize);
            for i in 0..self.val_words as usize {
                store(at.add(i), *value.add(i));
            }
        }
    }

    /// Writes an entry that is not there yet; the map grows for it.
    #[inline(always)]
    unsafe fn insert(
        &self,
        cache: &mut Cache,
        p: &Program,
        m: *mut u64,
        hash: u64,
        key: *const u64,
        value: *const u64,
    ) -> Result<(), MapError> {
        unsafe {
            let table = load(m.add(TABLE)) as *mut u64;
            if !table.is_null() && self.add(p, table, hash, key, value) {
                return Ok(());
            }
            let table = self.grow(cache, p, m, load(m.add(COUNT)) as usize, key)?;
            if self.add(p, table, hash, key, value) { Ok(()) } else { Err(MapError::Race(WRITES, 0)) }
        }
    }
}

/// `delete(m, key)`.
///
/// # Errors
/// A key that cannot be hashed, another writer.
///
/// # Safety
/// See the file's head.
pub unsafe fn delete(p: &Program, t: &MapType, m: *mut u64, key: *const u64, who: u64) -> Result<(), MapError> {
    unsafe {
        let hash = t.hash(p, key)?;
        if m.is_null() || load(m.add(COUNT)) == 0 {
            return Ok(());
        }
        begin_write(m, who)?;
        let table = load(m.add(TABLE)) as *mut u64;
        let found = if table.is_null() { None } else { t.find(p, table, hash, key) };
        if let Some(e) = found {
            t.remove(table, e.place);
            let count = load(m.add(COUNT)).saturating_sub(1);
            store(m.add(COUNT), count);
            if count == 0 {
                t.tidy(table);
            }
        }
        end_write(m, who)
    }
}

/// `clear(m)`.
///
/// # Errors
/// Another writer.
///
/// # Safety
/// See the file's head.
pub unsafe fn clear(t: &MapType, m: *mut u64, who: u64) -> Result<(), MapError> {
    unsafe {
        if m.is_null() || load(m.add(COUNT)) == 0 {
            return Ok(());
        }
        begin_write(m, who)?;
        store(m.add(COUNT), 0);
        let table = load(m.add(TABLE)) as *mut u64;
        if !table.is_null() {
            t.empty(table);
        }
        end_write(m, who)
    }
}

/// A copy of all entries, in no useful order.
///
/// # Safety
/// `m` is a map whose keys and values have so many words, or null.
pub unsafe fn entries(m: *const u64, key_words: usize, val_words: usize) -> Vec<(Vec<u64>, Vec<u64>)> {
    unsafe {
        let mut out = Vec::new();
        if m.is_null() {
            return out;
        }
        let table = load(m.add(TABLE)) as *const u64;
        if table.is_null() {
            return out;
        }
        let mut room = 0;
        for place in 0..table::limit(table) {
            if let Some((key, value)) = table::at(table, place, key_words, val_words, &raw mut room) {
                let words = |at: *const u64, n: usize| {
                    let mut v: Vec<u64> = (0..n).map(|k| load(at.add(k))).collect();
                    v.resize(n.max(1), 0);
                    v
                };
                out.push((words(key, key_words), words(value, val_words)));
            }
        }
        out
    }
}
