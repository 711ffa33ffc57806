//! A map's tables: where entries lie, how they are found, and how a map moves to a table with more room.
//!
//! An entry is a header (half of the key's hash, and its state), its key and its value. A table is one of three kinds:
//! - *small*: up to eight entries in order of insertion, looked at one after the other;
//! - *indexed*: entries in order of insertion, and an index by hash: entry numbers, with as many bits of the hash above them as there is
//!   room for, so that hardly an entry is looked at that is not the right one. Integer keys say themselves where the search in the
//!   index begins, so that neighbours lie together in memory, until they gather in too few places: then the index is made again by
//!   hash (`BY_HASH`). Rejected: entries in the places of the index; they take more memory, and growing costs more misses;
//! - *dense*: of integer keys that fill much of the range they lie in. The place is the key less `BASE`; entries have neither
//!   header nor key, and a bit for each place says whether one is there.
//!
//! Kind, arrays, number of places and base of a table never change, so whoever reads while others write stays inside.
use super::{KeyKind, MapError, MapType, TABLE, WRITES};
use crate::bytecode::program::Program;
use crate::heap::Cache;
use crate::value::eq::mix;
use crate::value::slice::{load, store};
use crate::value::string;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::*};

/// Words of a table object.
pub const ENTRIES: usize = 0;
/// The index; of a dense table, the bits.
pub const INDEX: usize = 1;
const KIND: usize = 2;
/// Places for entries.
const PLACES: usize = 3;
/// Places up to the last that was ever taken.
const USED: usize = 4;
const BASE: usize = 5;
/// Places of the index, less 1.
const MASK: usize = 6;
const BY_HASH: usize = 7;
pub const TABLE_WORDS: usize = 8;

const SMALL: u64 = 0;
const INDEXED: u64 = 1;
const DENSE: u64 = 2;

/// An entry's header: hash in the high half, state below; 0: nothing has been here.
pub const LIVE: u64 = 1;
const DELETED: u64 = 2;
pub const STATE: u64 = 3;

/// Places of the largest small table.
const SMALL_PLACES: usize = 8;

/// So many times as large as the number of keys is the range of keys in a dense table at most; it takes no more memory then than an
/// index and larger entries.
const SPARSE: u64 = 3;

/// Places to a word of bits.
const WORD: usize = u64::BITS as usize;

/// Places looked at for a new integer key, after which the index is made again by hash.
const MANY_TRIES: usize = 32;

/// A live entry: its place, and the first word of its value.
#[derive(Clone, Copy)]
pub struct Entry {
    pub place: usize,
    pub value: *mut u64,
}

#[inline(always)]
pub unsafe fn is_dense(table: *const u64) -> bool {
    unsafe { *table.add(KIND) == DENSE }
}

/// All entries lie at places before this.
#[inline(always)]
pub unsafe fn limit(table: *const u64) -> usize {
    unsafe { load(table.add(USED)).min(*table.add(PLACES)) as usize }
}

fn hash_half(hash: u64) -> u64 {
    hash >> 32 << 32
}

/// Whether an entry is at a place of a dense table.
#[inline(always)]
unsafe fn has(table: *const u64, place: usize) -> bool {
    unsafe { load((*table.add(INDEX) as *const u64).add(place / WORD)) >> (place % WORD) & 1 != 0 }
}

unsafe fn set_has(table: *const u64, place: usize, on: bool) {
    unsafe {
        let bits = (*table.add(INDEX) as *mut u64).add(place / WORD);
        let bit = 1 << (place % WORD);
        (*(bits as *const AtomicU64)).store(if on { load(bits) | bit } else { load(bits) & !bit }, Release);
    }
}

/// The place of a key in a dense table that has it.
#[inline(always)]
unsafe fn place_of(table: *const u64, key: u64) -> Option<usize> {
    unsafe {
        let place = key.wrapping_sub(*table.add(BASE));
        (place < *table.add(PLACES) && has(table, place as usize)).then_some(place as usize)
    }
}

/// The value of a key that a dense table has, of one word.
#[inline(always)]
pub unsafe fn word_in_dense<'a>(table: *const u64, key: u64) -> Option<&'a AtomicU64> {
    unsafe {
        let place = if is_dense(table) { place_of(table, key)? } else { return None };
        Some(&*(*table.add(ENTRIES) as *const AtomicU64).add(place))
    }
}

impl MapType {
    /// Words of an entry in this table.
    #[inline(always)]
    unsafe fn stride(&self, table: *const u64) -> usize {
        if unsafe { is_dense(table) } { self.val_words as usize } else { self.stride }
    }

    #[inline(always)]
    unsafe fn entry(&self, table: *const u64, place: usize) -> *mut u64 {
        unsafe { (*table.add(ENTRIES) as *mut u64).add(place * self.stride(table)) }
    }

    /// The live entry of a key; `None`: there is none.
    #[inline(always)]
    pub unsafe fn find(&self, p: &Program, table: *const u64, hash: u64, key: *const u64) -> Option<Entry> {
        unsafe {
            // One loop for each kind of key: what is compared is settled before.
            let place = match self.kind {
                KeyKind::Word => {
                    let word = *key;
                    if is_dense(table) {
                        return place_of(table, word).map(|place| Entry { place, value: self.entry(table, place) });
                    }
                    self.find_by(table, hash, self.begin(table, key, hash), |stored| load(stored) == word)
                }
                KeyKind::Str => {
                    let (word, bytes) = (*key, string::bytes(*key));
                    self.find_by(table, hash, hash, |stored| {
                        let s = load(stored);
                        s == word || string::bytes(s) == bytes
                    })
                }
                KeyKind::Other => self.find_by(table, hash, hash, |stored| self.same(p, stored, key)),
            };
            let value = |place| self.entry(table, place).add(1 + self.key_words as usize);
            place.map(|place| Entry { place, value: value(place) })
        }
    }

    #[inline(always)]
    unsafe fn find_by(
        &self,
        table: *const u64,
        hash: u64,
        begin: u64,
        same: impl Fn(*const u64) -> bool,
    ) -> Option<usize> {
        unsafe {
            let entries = *table.add(ENTRIES) as *mut u64;
            let head = hash_half(hash) | LIVE;
            if *table.add(KIND) == SMALL {
                let mut e = entries;
                for place in 0..limit(table) {
                    if load(e) == head && same(e.add(1)) {
                        return Some(place);
                    }
                    e = e.add(self.stride);
                }
                return None;
            }
            let index = *table.add(INDEX) as *const u32;
            let mask = *table.add(MASK) as usize;
            let mut i = begin as usize & mask;
            let bits = index_tag(hash, mask);
            // Racing writers may have filled every place.
            for _ in 0..=mask {
                let n = load_index(index.add(i));
                if n == 0 {
                    break;
                }
                if (n ^ bits) & !(mask as u32) == 0 {
                    let place = ((n & mask as u32) as usize).saturating_sub(1);
                    let e = entries.add(place * self.stride);
                    if load(e) == head && same(e.add(1)) {
                        return Some(place);
                    }
                }
                i = (i + 1) & mask;
            }
            None
        }
    }

    /// Where the search for a key in an index begins.
    #[inline(always)]
    unsafe fn begin(&self, table: *const u64, key: *const u64, hash: u64) -> u64 {
        unsafe { if self.integers && load(table.add(BY_HASH)) == 0 { *key } else { hash } }
    }

    /// Writes a new entry; `false`: there is no place for it.
    #[inline(always)]
    pub unsafe fn add(&self, p: &Program, table: *mut u64, mut hash: u64, key: *const u64, value: *const u64) -> bool {
        unsafe {
            let (places, used) = (*table.add(PLACES), load(table.add(USED)));
            let dense = is_dense(table);
            let place = if dense { (*key).wrapping_sub(*table.add(BASE)) } else { used };
            if place >= places {
                return false;
            }
            if self.kind == KeyKind::Other && !self.same(p, key, key) {
                // With a NaN in it, a key is found by nobody; all in one place they would be in each other's way.
                hash = mix(place ^ self.seed);
            }
            let e = self.entry(table, place as usize);
            // A racing writer may have been here before.
            self.overwrite(e, self.stride(table));
            let mut at = e;
            if !dense {
                at = at.add(1);
                for i in 0..self.key_words as usize {
                    store(at.add(i), *key.add(i));
                }
                at = at.add(self.key_words as usize);
            }
            for i in 0..self.val_words as usize {
                store(at.add(i), *value.add(i));
            }
            if dense {
                set_has(table, place as usize, true);
            } else {
                (*(e as *const AtomicU64)).store(hash_half(hash) | LIVE, Release);
            }
            if place >= used {
                store(table.add(USED), place + 1);
            }
            if *table.add(KIND) == INDEXED
                && self.enter(table, hash, self.begin(table, key, hash), place as usize) > MANY_TRIES
                && self.integers
                && load(table.add(BY_HASH)) == 0
            {
                self.index_by_hash(table, place as usize + 1);
            }
            true
        }
    }

    /// Puts an entry's number into the index; how many places were taken.
    unsafe fn enter(&self, table: *mut u64, hash: u64, begin: u64, n: usize) -> usize {
        unsafe {
            let index = *table.add(INDEX) as *mut u32;
            let mask = *table.add(MASK) as usize;
            let mut i = begin as usize & mask;
            let mut tries = 0;
            while load_index(index.add(i)) != 0 && tries <= mask {
                i = (i + 1) & mask;
                tries += 1;
            }
            (*(index.add(i) as *const AtomicU32)).store(n as u32 + 1 | index_tag(hash, mask), Release);
            tries
        }
    }

    /// Keys gather in too few places.
    #[cold]
    #[inline(never)]
    unsafe fn index_by_hash(&self, table: *mut u64, used: usize) {
        unsafe {
            store(table.add(BY_HASH), 1);
            std::ptr::write_bytes(*table.add(INDEX) as *mut u32, 0, *table.add(MASK) as usize + 1);
            for n in 0..used {
                let e = self.entry(table, n);
                if load(e) & STATE == LIVE {
                    let hash = mix(load(e.add(1)) ^ self.seed);
                    self.enter(table, hash, hash, n);
                }
            }
        }
    }

    /// Takes an entry out.
    pub unsafe fn remove(&self, table: *mut u64, place: usize) {
        unsafe {
            let e = self.entry(table, place);
            self.overwrite(e, self.stride(table));
            let mut words = 0..self.stride(table);
            if is_dense(table) {
                set_has(table, place, false);
            } else {
                store(e, DELETED);
                words.start = 1;
            }
            for i in words {
                store(e.add(i), 0);
            }
        }
    }

    /// All entries have been deleted: what is left of them is taken away, if that is worth the time.
    pub unsafe fn tidy(&self, table: *mut u64) {
        unsafe {
            if *table.add(KIND) == SMALL || load(table.add(USED)) >= *table.add(PLACES) / 4 {
                self.empty(table);
            }
        }
    }

    /// Takes all entries out.
    pub unsafe fn empty(&self, table: *mut u64) {
        unsafe {
            let entries = *table.add(ENTRIES) as *mut u64;
            let words = limit(table) * self.stride(table);
            self.overwrite(entries, words);
            for i in 0..words {
                store(entries.add(i), 0);
            }
            store(table.add(USED), 0);
            match *table.add(KIND) {
                SMALL => {}
                INDEXED => std::ptr::write_bytes(*table.add(INDEX) as *mut u32, 0, *table.add(MASK) as usize + 1),
                _ => std::ptr::write_bytes(
                    *table.add(INDEX) as *mut u64,
                    0,
                    (*table.add(PLACES) as usize).div_ceil(WORD),
                ),
            }
        }
    }

    /// Key and value of the entry at a place, if there is one. Keys that are not stored are written to `room`.
    #[inline(always)]
    pub unsafe fn at(&self, table: *const u64, place: usize, room: *mut u64) -> Option<(*const u64, *const u64)> {
        unsafe { at(table, place, self.key_words as usize, self.val_words as usize, room) }
    }

    // ---- growing

    /// A new table for at least so many entries; null: no memory.
    pub unsafe fn table(&self, cache: &mut Cache, entries: usize) -> *mut u64 {
        unsafe {
            if entries <= SMALL_PLACES {
                return self.new_table(cache, SMALL, entries.next_power_of_two());
            }
            let Some(slots) = (entries + entries.div_ceil(3)).checked_next_power_of_two().filter(|n| *n <= 1 << 31)
            else {
                return null_mut();
            };
            let table = self.new_table(cache, INDEXED, slots / 4 * 3);
            if !table.is_null() {
                *table.add(MASK) = slots as u64 - 1;
            }
            table
        }
    }

    unsafe fn new_table(&self, cache: &mut Cache, kind: u64, places: usize) -> *mut u64 {
        unsafe {
            let entries = match kind {
                DENSE => cache.alloc_array(places, self.val_words as usize, &self.value_pointers),
                _ => cache.alloc_array(places, self.stride, &self.entry_pointers),
            };
            let index = match kind {
                SMALL => null_mut(),
                INDEXED => cache.alloc_bytes(places / 3 * 16),
                _ => cache.alloc_bytes(places.div_ceil(WORD) * 8),
            };
            let table = cache.alloc(self.table_shape);
            if entries.is_null() || (index.is_null() && kind != SMALL) || table.is_null() {
                return null_mut();
            }
            *table.add(ENTRIES) = entries as u64;
            *table.add(INDEX) = index as u64;
            *table.add(PLACES) = places as u64;
            *table.add(KIND) = kind;
            table
        }
    }

    /// A dense table for so many keys: those of `old`, and `key`. `None`: they do not lie close enough.
    unsafe fn dense_table(&self, cache: &mut Cache, old: *const u64, count: u64, key: u64) -> Option<*mut u64> {
        unsafe {
            if count <= SMALL_PLACES as u64 {
                return None;
            }
            let (mut least, mut most) = (key as i64, key as i64);
            let mut ends = [0..limit(old), 0..0];
            if is_dense(old) {
                // Those between lie between.
                let first = (0..limit(old)).find(|&place| has(old, place)).unwrap_or(limit(old));
                ends = [first..limit(old).min(first + 1), limit(old).saturating_sub(1)..limit(old)];
            }
            for place in ends.into_iter().flatten() {
                let mut room = 0;
                if let Some((key, _)) = self.at(old, place, &raw mut room) {
                    let key = load(key) as i64;
                    (least, most) = (least.min(key), most.max(key));
                }
            }
            let range = (most as u64).wrapping_sub(least as u64);
            if range >= SPARSE * count {
                return None;
            }
            // Room is left where keys seem to go.
            let base = match key as i64 == least {
                true => (least as u64).wrapping_sub(count),
                false if 0 <= least && least as u64 <= count => 0,
                false => least as u64,
            };
            // So the bits of one dense table move to another word by word.
            let base = base.wrapping_sub(base.wrapping_sub(*old.add(BASE)) % WORD as u64);
            let places = (most as u64).wrapping_sub(base) + 1 + if key as i64 == least { 0 } else { count };
            let new = self.new_table(cache, DENSE, places as usize);
            if !new.is_null() {
                *new.add(BASE) = base;
            }
            Some(new)
        }
    }

    /// Moves the entries of a map of so many to a table with room for more, among them this key.
    #[cold]
    #[inline(never)]
    pub unsafe fn grow(
        &self,
        cache: &mut Cache,
        p: &Program,
        m: *mut u64,
        count: usize,
        key: *const u64,
    ) -> Result<*mut u64, MapError> {
        unsafe {
            let old = load(m.add(TABLE)) as *mut u64;
            let mut dense = None;
            if self.integers && !old.is_null() {
                dense = self.dense_table(cache, old, count as u64 + 1, *key);
            }
            let new = match dense {
                Some(table) => table,
                None => self.table(cache, if count < 2 { 2 * count + 1 } else { 2 * count }),
            };
            if new.is_null() {
                return Err(MapError::OutOfMemory);
            }
            match old.is_null() {
                true => {}
                false if is_dense(old) && is_dense(new) => self.move_dense(old, new),
                false => self.move_entries(p, old, new)?,
            }
            self.overwrite(m.add(TABLE), 1);
            (*(m.add(TABLE) as *const AtomicU64)).store(new as u64, Release);
            Ok(new)
        }
    }

    unsafe fn move_entries(&self, p: &Program, old: *const u64, new: *mut u64) -> Result<(), MapError> {
        unsafe {
            let mut room = 0;
            for place in 0..limit(old) {
                let Some((key, value)) = self.at(old, place, &raw mut room) else { continue };
                // The header keeps only half of the hash.
                let hash = if is_dense(new) { 0 } else { self.hash(p, key)? };
                if !self.add(p, new, hash, key, value) {
                    // A racing writer has added more than was counted.
                    return Err(MapError::Race(WRITES, 0));
                }
            }
            Ok(())
        }
    }

    /// Their bases lie whole words of bits apart.
    unsafe fn move_dense(&self, old: *const u64, new: *mut u64) {
        unsafe {
            let places = |table: *const u64| *table.add(PLACES) as usize;
            let ahead = (*old.add(BASE)).wrapping_sub(*new.add(BASE)) as i64 / WORD as i64;
            let (from, to) = (*old.add(INDEX) as *const u64, *new.add(INDEX) as *mut u64);
            for i in 0..places(old).div_ceil(WORD) {
                let bits = load(from.add(i));
                // A racing writer may have added keys that the new table has no place for.
                let Ok(at) = usize::try_from(i as i64 + ahead) else { continue };
                if bits == 0 || at >= places(new).div_ceil(WORD) {
                    continue;
                }
                let n = (places(new) - at * WORD).min(places(old) - i * WORD).min(WORD);
                let (source, target) = (self.entry(old, i * WORD), self.entry(new, at * WORD));
                for k in 0..n * self.val_words as usize {
                    *target.add(k) = load(source.add(k));
                }
                let bits = bits & u64::MAX >> (WORD - n);
                *to.add(at) = bits;
                *new.add(USED) = (at * WORD + WORD - bits.leading_zeros() as usize) as u64;
            }
        }
    }
}

#[inline(always)]
unsafe fn load_index(at: *const u32) -> u32 {
    unsafe { (*(at as *const AtomicU32)).load(Relaxed) }
}

/// The bits of a hash that stand above an entry number in an index with this mask: numbers are below the number of places.
#[inline(always)]
fn index_tag(hash: u64, mask: usize) -> u32 {
    (hash >> 32) as u32 & !(mask as u32)
}

/// As [`MapType::at`], of a map whose keys and values have so many words.
#[inline(always)]
pub unsafe fn at(
    table: *const u64,
    place: usize,
    key_words: usize,
    val_words: usize,
    room: *mut u64,
) -> Option<(*const u64, *const u64)> {
    unsafe {
        let entries = *table.add(ENTRIES) as *const u64;
        if is_dense(table) {
            *room = (*table.add(BASE)).wrapping_add(place as u64);
            return has(table, place).then(|| (room.cast_const(), entries.add(place * val_words)));
        }
        let e = entries.add(place * (1 + key_words + val_words));
        (load(e) & STATE == LIVE).then(|| (e.add(1), e.add(1 + key_words)))
    }
}
