//! Maps. A map object holds one pointer to its current table; a table is a dense array of entries in order of insertion
//! and, beyond eight entries, an index by hash: entry numbers, with as many bits of the hash above them as there is room for,
//! so that hardly an entry is looked at that is not the right one.
//!
//! Keys of one word that come one after the other (`base`, `base + 1`, ...) as the first entries of a table need no index: such a
//! key says where its entry is. They are not in the index; one that is deleted and comes again is.
//!
//! An index of integer keys begins where the key itself says, so that neighbours lie together in memory, until keys gather in too few
//! places: then it is made again by hash (`BY_KEY`).
//!
//! # Races
//! Readers take no lock. A table's arrays and its mask never change, entry numbers in the index are at most its
//! capacity, and every word of an entry is valid for its kind whenever it is read; so whatever racing writers do, a
//! reader stays inside live objects. While it writes, a writer leaves its place in the program (`who`, not 0) in the map;
//! who meets another's reports both.
//!
//! # Iteration
//! An iterator walks the entries of the table it began with, from a random place on and around. When the map has moved
//! to another table since, each key is looked up again.
//!
//! # Safety
//! Map words are valid; keys and values are register words of the map's types.
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
    /// Words of an entry: header, key, value.
    stride: usize,
    entry_ptrs: BitMap,
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

/// Words of a table object.
const ENTRIES: usize = 0;
const INDEX: usize = 1;
const MASK: usize = 2;
const CAP: usize = 3;
const USED: usize = 4;
/// The first key, and how many entries from the first on have keys in sequence; at most the capacity.
const BASE: usize = 5;
const SPAN: usize = 6;
/// Not 0: the search in the index begins at the key's low bits instead of the hash's.
const BY_KEY: usize = 7;
const TABLE_WORDS: usize = 8;

/// Places looked at for a new key, after which the index is made again by hash.
const MANY_TRIES: usize = 32;

/// Words of an iterator object.
const IT_MAP: usize = 0;
const IT_TABLE: usize = 1;
const IT_START: usize = 2;
/// Next entry number; with `WRAPPED` those before the start.
const IT_NEXT: usize = 3;
const ITER_WORDS: usize = 4;
const WRAPPED: u64 = 1 << 63;

/// An entry's header: hash in the high half, state below.
const LIVE: u64 = 1;
const DELETED: u64 = 2;
const STATE: u64 = 3;

/// Tables up to this size have no index.
const SMALL: usize = 8;

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
        let mut entry_ptrs = BitMap::default();
        for i in key.ptr_map.iter().filter(|&i| i < key.words as usize) {
            entry_ptrs.set(1 + i);
        }
        for i in elem.ptr_map.iter().filter(|&i| i < elem.words as usize) {
            entry_ptrs.set(1 + key.words as usize + i);
        }
        MapType {
            key_words: key.words,
            val_words: elem.words,
            val_slices: types[t.elem.0 as usize].slice_words.clone(),
            key: t.key,
            kind,
            integers: kind == KeyKind::Word && is_integer(key.kind),
            stride: 1 + key.words as usize + elem.words as usize,
            entry_ptrs,
            map_shape: heap.shape(MAP_WORDS, &BitMap(vec![1 << TABLE])),
            table_shape: heap.shape(TABLE_WORDS, &BitMap(vec![1 << ENTRIES | 1 << INDEX])),
            iter_shape: heap.shape(ITER_WORDS, &BitMap(vec![1 << IT_MAP | 1 << IT_TABLE])),
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

    #[inline(always)]
    unsafe fn same(&self, p: &Program, stored: *const u64, key: *const u64) -> bool {
        unsafe {
            match self.kind {
                KeyKind::Word => load(stored) == *key,
                KeyKind::Str => {
                    let s = load(stored);
                    s == *key || string::bytes(s) == string::bytes(*key)
                }
                KeyKind::Other => eq::values_eq(p, self.key, stored, key).unwrap_or(false),
            }
        }
    }

    /// The live entry of a key that is in sequence; null: it is not, or has been deleted.
    #[inline(always)]
    unsafe fn find_in_sequence(&self, table: *const u64, key: *const u64) -> *mut u64 {
        unsafe {
            if self.kind == KeyKind::Word {
                let at = (*key).wrapping_sub(load(table.add(BASE)));
                if at < load(table.add(SPAN)) {
                    let e = (load(table.add(ENTRIES)) as *mut u64).add(at as usize * self.stride);
                    if load(e) & STATE == LIVE && load(e.add(1)) == *key {
                        return e;
                    }
                }
            }
            null_mut()
        }
    }

    /// After entry number `n` has been written. `true`: it goes on with the sequence.
    #[inline(always)]
    unsafe fn extend_sequence(&self, table: *mut u64, n: usize, key: *const u64) -> bool {
        unsafe {
            if self.kind != KeyKind::Word || load(table.add(SPAN)) != n as u64 {
                return false;
            }
            if n == 0 {
                store(table.add(BASE), *key);
            }
            let follows = load(table.add(BASE)).wrapping_add(n as u64) == *key;
            if follows {
                store(table.add(SPAN), n as u64 + 1);
            }
            follows
        }
    }

    /// The live entry of a key in a table; null: none.
    #[inline(always)]
    unsafe fn find(&self, p: &Program, table: *const u64, hash: u64, key: *const u64) -> *mut u64 {
        unsafe {
            // One loop for each kind: what is compared is settled before.
            match self.kind {
                KeyKind::Word => {
                    let word = *key;
                    self.find_by(table, hash, self.begin(table, hash, key), |stored| load(stored) == word)
                }
                KeyKind::Str => {
                    let (word, bytes) = (*key, string::bytes(*key));
                    self.find_by(table, hash, hash, |stored| {
                        let s = load(stored);
                        s == word || string::bytes(s) == bytes
                    })
                }
                KeyKind::Other => self.find_by(table, hash, hash, |stored| self.same(p, stored, key)),
            }
        }
    }

    #[inline(always)]
    unsafe fn find_by(&self, table: *const u64, hash: u64, begin: u64, same: impl Fn(*const u64) -> bool) -> *mut u64 {
        unsafe {
            let entries = load(table.add(ENTRIES)) as *mut u64;
            let index = load(table.add(INDEX)) as *const u32;
            let tag = hash >> 32 << 32 | LIVE;
            if index.is_null() {
                let used = load(table.add(USED)) as usize;
                let mut e = entries;
                for _ in 0..used {
                    if load(e) == tag && same(e.add(1)) {
                        return e;
                    }
                    e = e.add(self.stride);
                }
                return null_mut();
            }
            let mask = load(table.add(MASK)) as usize;
            let mut i = begin as usize & mask;
            let bits = index_tag(hash, mask);
            // Racing writers may have filled every place.
            for _ in 0..=mask {
                let n = load_index(index.add(i));
                if n == 0 {
                    return null_mut();
                }
                if (n ^ bits) & !(mask as u32) == 0 {
                    let e = entries.add(((n & mask as u32) as usize).saturating_sub(1) * self.stride);
                    if load(e) == tag && same(e.add(1)) {
                        return e;
                    }
                }
                i = (i + 1) & mask;
            }
            null_mut()
        }
    }

    /// Where the search for a key in a table's index begins.
    #[inline(always)]
    unsafe fn begin(&self, table: *const u64, hash: u64, key: *const u64) -> u64 {
        unsafe { if self.integers && load(table.add(BY_KEY)) != 0 { *key } else { hash } }
    }

    /// A new table for at least `cap` entries; null: no memory.
    unsafe fn table(&self, cache: &mut Cache, cap: usize) -> *mut u64 {
        unsafe {
            let (cap, buckets) = if cap <= SMALL {
                (if cap <= 1 { 1 } else { cap.next_power_of_two() }, 0)
            } else {
                let Some(buckets) = (cap + cap / 2).checked_next_power_of_two() else { return null_mut() };
                if buckets > 1 << 31 {
                    return null_mut();
                }
                (buckets / 4 * 3, buckets)
            };
            let entries = cache.alloc_array(cap, self.stride, &self.entry_ptrs);
            let index = if buckets > 0 { cache.alloc_bytes(buckets * 4) } else { null_mut() };
            let table = cache.alloc(self.table_shape);
            if entries.is_null() || table.is_null() || (buckets > 0 && index.is_null()) {
                return null_mut();
            }
            *table.add(ENTRIES) = entries as u64;
            *table.add(INDEX) = index as u64;
            *table.add(MASK) = buckets.wrapping_sub(1) as u64;
            *table.add(CAP) = cap as u64;
            *table.add(BY_KEY) = self.integers as u64;
            table
        }
    }

    /// Enters entry number `n` (with its hash) into a table's index.
    unsafe fn enter(&self, table: *mut u64, hash: u64, key: *const u64, n: usize) {
        unsafe {
            if self.place(table, hash, self.begin(table, hash, key), n) > MANY_TRIES && load(table.add(BY_KEY)) != 0 {
                self.index_by_hash(table, n + 1);
            }
        }
    }

    /// Keys gather in too few places.
    #[cold]
    #[inline(never)]
    unsafe fn index_by_hash(&self, table: *mut u64, used: usize) {
        unsafe {
            store(table.add(BY_KEY), 0);
            std::ptr::write_bytes(load(table.add(INDEX)) as *mut u32, 0, load(table.add(MASK)) as usize + 1);
            let entries = load(table.add(ENTRIES)) as *const u64;
            for n in load(table.add(SPAN)) as usize..used {
                let e = entries.add(n * self.stride);
                if load(e) & STATE == LIVE {
                    let hash = mix(load(e.add(1)) ^ self.seed);
                    self.place(table, hash, hash, n);
                }
            }
        }
    }

    /// Puts an entry's number into the index; how many places were taken.
    unsafe fn place(&self, table: *mut u64, hash: u64, begin: u64, n: usize) -> usize {
        unsafe {
            let index = *table.add(INDEX) as *mut u32;
            if index.is_null() {
                return 0;
            }
            let mask = *table.add(MASK) as usize;
            let mut i = begin as usize & mask;
            let mut tries = 0;
            while load_index(index.add(i)) != 0 && tries <= mask {
                i = (i + 1) & mask;
                tries += 1;
            }
            (*(index.add(i) as *const std::sync::atomic::AtomicU32))
                .store(n as u32 + 1 | index_tag(hash, mask), Release);
            tries
        }
    }

    /// Moves a map's live entries to a table with room for more.
    unsafe fn grow(&self, cache: &mut Cache, p: &Program, m: *mut u64) -> Result<*mut u64, MapError> {
        unsafe {
            let old = load(m.add(TABLE)) as *mut u64;
            let count = load(m.add(COUNT)) as usize;
            let new = self.table(cache, if count < 2 { 2 * count + 1 } else { 2 * count });
            if new.is_null() {
                return Err(MapError::OutOfMemory);
            }
            if !old.is_null() {
                let from = load(old.add(ENTRIES)) as *const u64;
                let to = *new.add(ENTRIES) as *mut u64;
                let cap = *new.add(CAP) as usize;
                let used = load(old.add(USED)) as usize;
                let mut n = 0;
                for i in 0..used {
                    let e = from.add(i * self.stride);
                    // A racing writer may have added more than was counted.
                    if load(e) & STATE != LIVE || n >= cap {
                        continue;
                    }
                    let d = to.add(n * self.stride);
                    for k in 0..self.stride {
                        *d.add(k) = load(e.add(k));
                    }
                    if !self.extend_sequence(new, n, d.add(1)) {
                        // The header keeps only half of the hash.
                        let hash = self.hash(p, d.add(1))?;
                        self.enter(new, hash, d.add(1), n);
                    }
                    n += 1;
                }
                *new.add(USED) = n as u64;
            }
            self.overwrite(m.add(TABLE), 1);
            (*(m.add(TABLE) as *const AtomicU64)).store(new as u64, Release);
            Ok(new)
        }
    }
}

fn is_integer(kind: Kind) -> bool {
    use Kind::*;
    matches!(kind, Int | Int8 | Int16 | Int32 | Int64 | Uint | Uint8 | Uint16 | Uint32 | Uint64 | Uintptr)
}

/// The bits of a hash that stand above an entry number in an index with this mask: numbers are below the number of places.
#[inline(always)]
fn index_tag(hash: u64, mask: usize) -> u32 {
    (hash >> 32) as u32 & !(mask as u32)
}

/// The entry that was looked up last, for who stores to it next (`m[k]++`): its table, key word and its place in words. It is checked
/// before use, so it may be out of date; but it must be forgotten before anything is freed, so that its table's address is no
/// other's.
#[derive(Clone, Copy, Default)]
pub struct Memo {
    table: usize,
    key: u64,
    /// The key as the entry has it: a string that is equal may lie elsewhere.
    stored: u64,
    place: usize,
}

impl Memo {
    /// The live entry of a one-word key in a table, if it is the one remembered.
    #[inline(always)]
    unsafe fn entry(&self, t: &MapType, table: *const u64, key: *const u64) -> Option<*mut u64> {
        unsafe {
            let known = self.table == table as usize && t.kind != KeyKind::Other && self.key == *key;
            if !known {
                return None;
            }
            let e = (load(table.add(ENTRIES)) as *mut u64).add(self.place);
            (load(e) & STATE == LIVE && load(e.add(1)) == self.stored).then_some(e)
        }
    }
}

#[inline(always)]
unsafe fn load_index(at: *const u32) -> u32 {
    unsafe { (*(at as *const std::sync::atomic::AtomicU32)).load(Relaxed) }
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
    unsafe { get_and_note(p, t, m, key, &mut Memo::default()) }
}

/// As [`get`]; notes where the key was found.
///
/// # Errors
/// As [`get`].
///
/// # Safety
/// See the file's head.
#[inline(always)]
pub unsafe fn get_and_note(
    p: &Program,
    t: &MapType,
    m: *mut u64,
    key: *const u64,
    memo: &mut Memo,
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
        let mut e = t.find_in_sequence(table, key);
        if e.is_null() {
            e = t.find(p, table, t.hash(p, key)?, key);
        }
        if e.is_null() {
            return Ok(None);
        }
        if t.kind != KeyKind::Other {
            let offset = e as usize - load(table.add(ENTRIES)) as usize;
            *memo = Memo { table: table as usize, key: *key, stored: load(e.add(1)), place: offset / 8 };
        }
        Ok(Some(e.add(1 + t.key_words as usize)))
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
    memo: &Memo,
) -> Result<(), MapError> {
    unsafe {
        if m.is_null() {
            return Err(MapError::Plain("assignment to entry in nil map".into()));
        }
        let mut table = load(m.add(TABLE)) as *mut u64;
        let key_words = t.key_words as usize;
        if !table.is_null()
            && let Some(e) = memo.entry(t, table, key)
        {
            begin_write(m, who)?;
            t.overwrite(e.add(1), t.stride - 1);
            for i in 0..t.val_words as usize {
                store(e.add(1 + key_words + i), *value.add(i));
            }
            return end_write(m, who);
        }
        let hash = t.hash(p, key)?;
        begin_write(m, who)?;
        table = load(m.add(TABLE)) as *mut u64;
        if !table.is_null() {
            let mut e = t.find_in_sequence(table, key);
            if e.is_null() {
                e = t.find(p, table, hash, key);
            }
            if !e.is_null() {
                t.overwrite(e.add(1), t.stride - 1);
                // Keys that are equal may differ (0 and -0): Go keeps the old float key, but stores the new one's words.
                if t.kind == KeyKind::Other {
                    for i in 0..key_words {
                        store(e.add(1 + i), *key.add(i));
                    }
                }
                for i in 0..t.val_words as usize {
                    store(e.add(1 + key_words + i), *value.add(i));
                }
                return end_write(m, who);
            }
        }
        if table.is_null() || load(table.add(USED)) >= load(table.add(CAP)) {
            table = match t.grow(cache, p, m) {
                Ok(table) => table,
                Err(e) => {
                    let _ = end_write(m, who);
                    return Err(e);
                }
            };
        }
        let n = load(table.add(USED)) as usize;
        if n >= load(table.add(CAP)) as usize {
            return Err(MapError::Race(WRITES, 0));
        }
        let e = (load(table.add(ENTRIES)) as *mut u64).add(n * t.stride);
        // A racing writer may have been here before.
        t.overwrite(e.add(1), t.stride - 1);
        for i in 0..key_words {
            store(e.add(1 + i), *key.add(i));
        }
        for i in 0..t.val_words as usize {
            store(e.add(1 + key_words + i), *value.add(i));
        }
        (*(e as *const AtomicU64)).store(hash >> 32 << 32 | LIVE, Release);
        store(table.add(USED), n as u64 + 1);
        if !t.extend_sequence(table, n, key) {
            t.enter(table, hash, key, n);
        }
        store(m.add(COUNT), load(m.add(COUNT)) + 1);
        end_write(m, who)
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
        let mut e = null_mut();
        if !table.is_null() {
            e = t.find_in_sequence(table, key);
            if e.is_null() {
                e = t.find(p, table, hash, key);
            }
        }
        if !e.is_null() {
            t.overwrite(e.add(1), t.stride - 1);
            store(e, DELETED);
            for i in 1..t.stride {
                store(e.add(i), 0);
            }
            let count = load(m.add(COUNT)).saturating_sub(1);
            store(m.add(COUNT), count);
            if count == 0 {
                empty(table, t);
            }
        }
        end_write(m, who)
    }
}

/// All entries are deleted: the table starts over.
unsafe fn empty(table: *mut u64, t: &MapType) {
    unsafe {
        let entries = load(table.add(ENTRIES)) as *mut u64;
        let used = load(table.add(USED)) as usize;
        t.overwrite(entries, used * t.stride);
        for i in 0..used * t.stride {
            store(entries.add(i), 0);
        }
        store(table.add(USED), 0);
        store(table.add(SPAN), 0);
        let index = load(table.add(INDEX)) as *mut u32;
        if !index.is_null() {
            std::ptr::write_bytes(index, 0, load(table.add(MASK)) as usize + 1);
        }
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
            empty(table, t);
        }
        end_write(m, who)
    }
}

/// A new iterator, which begins at a place that `random` chooses; null: no memory.
///
/// # Safety
/// See the file's head.
pub unsafe fn iter_new(cache: &mut Cache, t: &MapType, m: *mut u64, random: u64) -> *mut u64 {
    unsafe {
        let it = cache.alloc(t.iter_shape);
        if it.is_null() {
            return it;
        }
        *it.add(IT_MAP) = m as u64;
        if !m.is_null() {
            let table = load(m.add(TABLE));
            *it.add(IT_TABLE) = table;
            if table != 0 {
                let used = load((table as *const u64).add(USED));
                let start = if used > 0 { random % used } else { 0 };
                *it.add(IT_START) = start;
                *it.add(IT_NEXT) = start;
            }
        }
        it
    }
}

/// The next entry's key and value words; `None`: the end.
///
/// # Errors
/// A writer is at work.
///
/// # Safety
/// `it` is an iterator over a map of this type; the words are copied at once.
pub unsafe fn iter_next(p: &Program, t: &MapType, it: *mut u64) -> Result<Option<(*const u64, *const u64)>, MapError> {
    unsafe {
        let m = *it.add(IT_MAP) as *mut u64;
        let table = *it.add(IT_TABLE) as *const u64;
        if m.is_null() || table.is_null() {
            return Ok(None);
        }
        let other = load(m.add(WRITING));
        if other != 0 {
            return Err(MapError::Race(ITERATION_AND_WRITE, other));
        }
        let entries = load(table.add(ENTRIES)) as *const u64;
        let start = *it.add(IT_START) as usize;
        loop {
            let mut next = *it.add(IT_NEXT);
            if next & WRAPPED == 0 && next >= load(table.add(USED)) {
                next = WRAPPED;
            }
            let at = (next & !WRAPPED) as usize;
            if next & WRAPPED != 0 && (at >= start || at >= load(table.add(USED)) as usize) {
                return Ok(None);
            }
            *it.add(IT_NEXT) = next + 1;
            let e = entries.add(at * t.stride);
            if load(e) & STATE != LIVE {
                continue;
            }
            let (key, value) = (e.add(1), e.add(1 + t.key_words as usize));
            if load(m.add(TABLE)) as *const u64 == table {
                return Ok(Some((key, value)));
            }
            if let Some(now) = get(p, t, m, key)? {
                return Ok(Some((key, now)));
            }
            // A key that is not equal to itself cannot be looked up, nor deleted but by clear.
            if t.kind == KeyKind::Other && !t.same(p, key, key) && load(m.add(COUNT)) > 0 {
                return Ok(Some((key, value)));
            }
        }
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
        let stride = 1 + key_words + val_words;
        let from = load(table.add(ENTRIES)) as *const u64;
        for i in 0..load(table.add(USED)) as usize {
            let e = from.add(i * stride);
            if load(e) & STATE == LIVE {
                let words = |at: usize, n: usize| {
                    let mut v: Vec<u64> = (0..n).map(|k| load(e.add(at + k))).collect();
                    v.resize(n.max(1), 0);
                    v
                };
                out.push((words(1, key_words), words(1 + key_words, val_words)));
            }
        }
        out
    }
}
