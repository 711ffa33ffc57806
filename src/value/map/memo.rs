//! Entries found lately, by the words of their keys: for who stores to one next (`m[k]++`), and for strings that are looked up
//! again and again, whose bytes need not be hashed then.
//!
//! What is remembered is checked before use, so it may be out of date; but it must be forgotten before anything is freed, so
//! that an address is no other table's or string's. Each M has its own. Rejected: the hash in the string object; it would be a word
//! more for each string, few of which are keys.
use super::table::{self, Entry};
use super::{KeyKind, MapType};
use crate::value::slice::load;
use std::ptr::null_mut;

/// A power of two; all of them are forgotten at each collection.
const PLACES: usize = 64;

#[derive(Clone, Copy)]
struct Memo {
    table: *const u64,
    key: u64,
    /// The key as the entry has it: a string that is equal may lie elsewhere.
    stored: u64,
    /// Its value; the key is the word before.
    value: *mut u64,
}

const NONE: Memo = Memo { table: null_mut(), key: 0, stored: 0, value: null_mut() };

pub struct Memos([Memo; PLACES]);

impl Default for Memos {
    fn default() -> Memos {
        Memos([NONE; PLACES])
    }
}

/// Where an entry is remembered. Strings lie 16 bytes apart or more.
#[inline(always)]
fn place(key: u64) -> usize {
    (key ^ key >> 4) as usize % PLACES
}

impl Memos {
    /// Remembers an entry with a one-word key.
    #[inline(always)]
    pub(super) unsafe fn note(&mut self, t: &MapType, table: *const u64, key: *const u64, e: &Entry) {
        unsafe {
            // Where keys are not stored, looking again is as quick.
            if t.kind != KeyKind::Other && !table::is_dense(table) {
                let stored = load(e.value.sub(1));
                self.0[place(*key)] = Memo { table, key: *key, stored, value: e.value };
            }
        }
    }

    /// The value of a key in a table, if it is remembered and its entry lives.
    #[inline(always)]
    pub(super) unsafe fn value(&self, t: &MapType, table: *const u64, key: *const u64) -> Option<*mut u64> {
        unsafe {
            if t.kind == KeyKind::Other {
                return None;
            }
            let memo = &self.0[place(*key)];
            let lives = memo.table == table
                && memo.key == *key
                && load(memo.value.sub(2)) & table::STATE == table::LIVE
                && load(memo.value.sub(1)) == memo.stored;
            lives.then_some(memo.value)
        }
    }
}
