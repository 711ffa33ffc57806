//! Random graphs against a model; limits; release.
use super::*;
use crate::bytecode::program::BitMap;
use std::collections::HashMap;
use std::sync::Arc;

fn heap(max: usize) -> Arc<Heap> {
    Arc::new(
        Heap::new(Config {
            max_bytes: Some(max),
            machine_bytes: || usize::MAX,
            memory_limit: usize::MAX,
            gc_percent: 100,
            markers: 4,
            min_heap_bytes: 1 << 20,
        })
        .unwrap(),
    )
}

/// SplitMix64.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (*state ^ *state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

#[test]
fn interior_pointers_lead_to_their_object() {
    let h = heap(usize::MAX);
    let mut c = Cache::new(h.clone());
    for words in [1usize, 2, 3, 5, 7, 31, 33, 100, 1000, 1024, 1025, 5000, 100_000] {
        let p = c.alloc_bytes(words * 8) as u64;
        for at in [0, words * 8 / 2, words * 8 - 1] {
            let (base, size) = h.find_object(p + at as u64).unwrap();
            assert_eq!(base as u64, p);
            assert!(size >= words);
        }
    }
    assert!(h.find_object(8).is_none());
}

#[test]
fn random_graphs_survive_exactly() {
    for seed in 0..20u64 {
        let h = heap(usize::MAX);
        let mut c = Cache::new(h.clone());
        let mut rng = seed;
        let mut roots: Vec<u64> = vec![0; 32];
        // Object to (id, its links); word 0 holds the id, the rest links.
        let mut model: HashMap<u64, (u64, Vec<u64>)> = HashMap::new();
        let mut id = 0;
        for round in 0..30 {
            for _ in 0..300 {
                let links = 1 + (next(&mut rng) % 9) as usize;
                let large = next(&mut rng) % 50 == 0;
                let words = if large { 1100 + links } else { 1 + links };
                let mut map = BitMap::default();
                (1..=links).for_each(|i| map.set(i));
                let p = c.alloc(h.shape(words, &map));
                assert!(!p.is_null());
                id += 1;
                let mut targets = vec![];
                unsafe {
                    for i in 0..words {
                        assert_eq!(*p.add(i), 0, "fresh objects are zero");
                    }
                    *p = id;
                    for i in 1..=links {
                        let t = roots[(next(&mut rng) % 32) as usize];
                        *p.add(i) = t;
                        targets.push(t);
                    }
                }
                model.insert(p as u64, (id, targets));
                roots[(next(&mut rng) % 32) as usize] = p as u64;
            }
            for _ in 0..8 {
                roots[(next(&mut rng) % 32) as usize] = 0;
            }
            c.flush();
            h.collect(&mut |m| roots.iter().for_each(|&r| m.word(r)));
            let mut live: HashMap<u64, (u64, Vec<u64>)> = HashMap::new();
            let mut todo: Vec<u64> = roots.clone();
            while let Some(p) = todo.pop() {
                if p != 0 && !live.contains_key(&p) {
                    let entry = model[&p].clone();
                    assert!(h.is_marked(p), "seed {seed} round {round}");
                    unsafe {
                        assert_eq!(*(p as *const u64), entry.0);
                        for (i, t) in entry.1.iter().enumerate() {
                            assert_eq!(*(p as *const u64).add(i + 1), *t);
                        }
                    }
                    todo.extend(&entry.1);
                    live.insert(p, entry);
                }
            }
            for p in model.keys() {
                if !live.contains_key(p) {
                    assert!(!h.find_object(*p).is_some() || !h.is_marked(*p));
                }
            }
            model = live;
        }
    }
}

#[test]
fn the_limit_gives_null_and_a_collection_helps() {
    let h = heap(8 << 20);
    let mut c = Cache::new(h.clone());
    let mut n = 0;
    while !c.alloc_bytes(1000).is_null() {
        n += 1;
        assert!(n < 100_000);
    }
    assert!(h.should_collect());
    c.flush();
    h.collect(&mut |_| {});
    assert!(!h.should_collect());
    assert!(!c.alloc_bytes(1000).is_null());
    assert!(c.alloc_bytes(1 << 40).is_null());
}

#[test]
fn garbage_is_reused() {
    let h = heap(usize::MAX);
    let mut c = Cache::new(h.clone());
    for _ in 0..2_000_000 {
        assert!(!c.alloc_bytes(64).is_null());
        if h.should_collect() {
            c.flush();
            h.collect(&mut |_| {});
        }
    }
    assert!(h.stats().heap_sys_bytes < 8 << 20, "{:?}", h.stats());
    assert!(h.stats().num_gc > 20);
}

#[test]
#[cfg(feature = "hostile")]
fn a_missed_root_is_found() {
    let h = heap(usize::MAX);
    let mut c = Cache::new(h.clone());
    let object = c.alloc_bytes(64) as u64;
    let other = c.alloc_bytes(64) as u64;
    for roots in [[other, 0], [other, object]] {
        c.flush();
        let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            h.collect(&mut |m| {
                m.place(|| "a test".into());
                roots.iter().for_each(|&r| m.word(r));
            });
        }));
        assert_eq!(found.is_err(), roots[1] != 0);
    }
}
