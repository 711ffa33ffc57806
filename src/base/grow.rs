//! A table that is made whole and may get some entries more while others read it. Entries never move and never
//! change, so an index that somebody was given stays good.
use std::ops::{Deref, DerefMut, Index};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

const CHUNK: usize = 64;
const CHUNKS: usize = 64;

/// Dereferences to the entries of the beginning; indexing reaches the later ones as well.
pub struct Grow<T> {
    base: Vec<T>,
    /// Where later entries begin, if not right behind the beginning.
    start: Option<usize>,
    later: Arc<Later<T>>,
}

type Chunk<T> = Box<[OnceLock<T>]>;

struct Later<T> {
    chunks: OnceLock<Box<[OnceLock<Chunk<T>>]>>,
    len: AtomicUsize,
}

impl<T> Grow<T> {
    /// Adds an entry behind all others; gives its index, or `None` when there is no more room. Callers that need
    /// several tables in step hold a lock of their own.
    pub fn push_extra(&self, value: T) -> Option<usize> {
        let at = self.later.len.load(Ordering::Acquire);
        if at >= CHUNK * CHUNKS {
            return None;
        }
        let chunks = self.later.chunks.get_or_init(|| (0..CHUNKS).map(|_| OnceLock::new()).collect());
        let chunk = chunks[at / CHUNK].get_or_init(|| (0..CHUNK).map(|_| OnceLock::new()).collect());
        if chunk[at % CHUNK].set(value).is_err() {
            return None;
        }
        self.later.len.store(at + 1, Ordering::Release);
        Some(self.start() + at)
    }

    /// Entries of the beginning and later ones.
    pub fn total(&self) -> usize {
        self.start() + self.later.len.load(Ordering::Acquire)
    }

    fn start(&self) -> usize {
        self.start.unwrap_or(self.base.len())
    }

    /// Leaves room for a longer beginning: later entries get the indexes from `start` on.
    pub fn begin_later_at(&mut self, start: usize) {
        self.start = Some(start);
    }

    /// Has the same later entries as another table.
    pub fn share_later(&mut self, other: &Grow<T>) {
        self.start = other.start;
        self.later = other.later.clone();
    }

    /// The entry, wherever it is.
    #[inline(always)]
    pub fn at(&self, i: usize) -> Option<&T> {
        match self.base.get(i) {
            Some(v) => Some(v),
            None => self.later(i.checked_sub(self.start())?),
        }
    }

    #[cold]
    #[inline(never)]
    fn later(&self, i: usize) -> Option<&T> {
        self.later.chunks.get()?.get(i / CHUNK)?.get()?.get(i % CHUNK)?.get()
    }

    pub fn base(&self) -> &[T] {
        &self.base
    }
}

impl<T> Index<usize> for Grow<T> {
    type Output = T;

    #[inline(always)]
    fn index(&self, i: usize) -> &T {
        match self.at(i) {
            Some(v) => v,
            None => panic!("no entry {i} in a table of {}", self.total()),
        }
    }
}

impl<T> std::ops::IndexMut<usize> for Grow<T> {
    fn index_mut(&mut self, i: usize) -> &mut T {
        &mut self.base[i]
    }
}

impl<T> From<Vec<T>> for Grow<T> {
    fn from(base: Vec<T>) -> Grow<T> {
        Grow { base, start: None, later: Arc::new(Later { chunks: OnceLock::new(), len: AtomicUsize::new(0) }) }
    }
}

impl<T> FromIterator<T> for Grow<T> {
    fn from_iter<I: IntoIterator<Item = T>>(iter: I) -> Grow<T> {
        iter.into_iter().collect::<Vec<T>>().into()
    }
}

impl<T> Default for Grow<T> {
    fn default() -> Grow<T> {
        Vec::new().into()
    }
}

/// A copy of the beginning.
impl<T: Clone> Clone for Grow<T> {
    fn clone(&self) -> Grow<T> {
        self.base.clone().into()
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Grow<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.base.fmt(f)
    }
}

impl<T> Deref for Grow<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.base
    }
}

impl<T> DerefMut for Grow<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.base
    }
}

#[cfg(test)]
mod tests {
    use super::Grow;

    #[test]
    fn later_entries_follow_the_first() {
        let g: Grow<usize> = (0..10).collect();
        for i in 10..200 {
            assert_eq!(g.push_extra(i), Some(i));
        }
        assert!((0..200).all(|i| g[i] == i));
        assert_eq!((g.total(), g.at(200)), (200, None));
    }
}
