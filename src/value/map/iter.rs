//! Iterators walk the places of the table they began with, from a random one on and around. When the map has moved to another
//! table since, each key is looked up again.
use super::table;
use super::{COUNT, ITERATION_AND_WRITE, KeyKind, MapError, MapType, TABLE, WRITING, get};
use crate::bytecode::program::{BitMap, Program};
use crate::heap::{Cache, Heap, ShapeId};
use crate::value::slice::load;

/// Words of an iterator object.
const IT_MAP: usize = 0;
const IT_TABLE: usize = 1;
const IT_START: usize = 2;
/// The next place; with `WRAPPED` those before the start.
const IT_NEXT: usize = 3;
/// A key that the table does not store.
const IT_KEY: usize = 4;
const ITER_WORDS: usize = 5;
const WRAPPED: u64 = 1 << 63;

pub fn shape(heap: &Heap) -> ShapeId {
    heap.shape(ITER_WORDS, &BitMap(vec![1 << IT_MAP | 1 << IT_TABLE]))
}

/// A new iterator, which begins at a place that `random` chooses; null: no memory.
///
/// # Safety
/// See the module's head.
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
                let start = random % (table::limit(table as *const u64) as u64).max(1);
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
        let start = *it.add(IT_START) as usize;
        loop {
            let limit = table::limit(table);
            let mut next = *it.add(IT_NEXT);
            if next & WRAPPED == 0 && next >= limit as u64 {
                next = WRAPPED;
            }
            let place = (next & !WRAPPED) as usize;
            if next & WRAPPED != 0 && (place >= start || place >= limit) || load(m.add(COUNT)) == 0 {
                return Ok(None);
            }
            *it.add(IT_NEXT) = next + 1;
            let Some((key, value)) = t.at(table, place, it.add(IT_KEY)) else { continue };
            if load(m.add(TABLE)) as *const u64 == table {
                return Ok(Some((key, value)));
            }
            if let Some(now) = get(p, t, m, key)? {
                return Ok(Some((key, now)));
            }
            // A key that is not equal to itself cannot be looked up, nor deleted but by clear.
            if t.kind == KeyKind::Other && !t.same(p, key, key) {
                return Ok(Some((key, value)));
            }
        }
    }
}
