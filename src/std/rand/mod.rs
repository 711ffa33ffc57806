//! Natives of `math/rand` and `math/rand/v2`: the global generator draws from the VM's decision source; seeded
//! generators give Go's sequences.
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap};

mod lagged;
mod ziggurat;

pub const NATIVES: &[NativeEntry] = &[
    ("crypto/rand.fill", fill),
    ("hash/maphash.random", random),
    ("math/rand.expAccept", exp_accept),
    ("math/rand.expTry", exp_try),
    ("math/rand.laggedSource.Int63", |cx| lagged_next(cx, u64::MAX >> 1)),
    ("math/rand.laggedSource.Seed", lagged_seed),
    ("math/rand.laggedSource.Uint64", |cx| lagged_next(cx, u64::MAX)),
    ("math/rand.normAccept", norm_accept),
    ("math/rand.normTry", norm_try),
    ("math/rand.random", random),
    ("math/rand.release", release),
    ("math/rand.uniform", uniform),
    ("math/rand/v2.chachaBlock", chacha_block),
    ("math/rand/v2.expAccept", exp_accept),
    ("math/rand/v2.expTry", exp_try),
    ("math/rand/v2.normAccept", norm_accept),
    ("math/rand/v2.normTry", norm_try),
    ("math/rand/v2.random", random),
    ("math/rand/v2.uniform", uniform),
];

/// `fill(b []byte) bool`: with the system's randomness; in a seeded run, with the seed's. `false`: it may not have any.
fn fill(cx: &mut Cx) -> NativeResult {
    cx.set_bool(0, cx.env.door.shows_randomness());
    if !cx.env.door.shows_randomness() {
        return Ok(Outcome::Done);
    }
    let mut b = vec![0u8; cx.slice(0).len];
    if cx.side.sched().decide.seeded() {
        for chunk in b.chunks_mut(8) {
            let word = (cx.env.random)().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    } else {
        let mut done = 0;
        while done < b.len() {
            let rest = &mut b[done..];
            // SAFETY: writes at most the bytes there are.
            let n = unsafe { libc::getrandom(rest.as_mut_ptr().cast(), rest.len(), 0) };
            if n >= 0 {
                done += n as usize;
            } else if std::io::Error::last_os_error().kind() != std::io::ErrorKind::Interrupted {
                return Err(Trap::Fatal("crypto/rand: failed to read random data".into()));
            }
        }
    }
    cx.copy_into_bytes(0, &b);
    Ok(Outcome::Done)
}

/// `release() int`
fn release(cx: &mut Cx) -> NativeResult {
    cx.set_int(0, cx.env.program.release as i64);
    Ok(Outcome::Done)
}

/// `random() uint64`
fn random(cx: &mut Cx) -> NativeResult {
    let v = (cx.env.random)();
    cx.set_word(0, v);
    Ok(Outcome::Done)
}

/// `uniform(n uint64) uint64`: below n, which is not 0 (Lemire's method).
fn uniform(cx: &mut Cx) -> NativeResult {
    let n = cx.uint(0).max(1);
    let draw = || (cx.env.random)() as u128 * n as u128;
    let mut wide = draw();
    if (wide as u64) < n {
        let floor = n.wrapping_neg() % n;
        while (wide as u64) < floor {
            wide = draw();
        }
    }
    cx.set_word(0, (wide >> 64) as u64);
    Ok(Outcome::Done)
}

const LEN: usize = 607;
const TAP: usize = 273;
/// The words of a `laggedSource`: tap, feed, then the register.
const STATE_WORDS: usize = LEN + 2;

/// `(*laggedSource).Seed(seed int64)`
fn lagged_seed(cx: &mut Cx) -> NativeResult {
    const MODULUS: i64 = (1 << 31) - 1;
    let s = cx.words_at(0, STATE_WORDS)?;
    s[0].set(0);
    s[1].set((LEN - TAP) as u64);
    let mut x = cx.int(1).rem_euclid(MODULUS) as u64;
    if x == 0 {
        x = 89482311;
    }
    let mut next = || {
        x = x * 48271 % MODULUS as u64;
        x
    };
    (0..20).for_each(|_| {
        next();
    });
    for (i, word) in lagged::STATE.iter().enumerate() {
        let mixed = next() << 40 ^ next() << 20 ^ next();
        s[i + 2].set(mixed ^ word);
    }
    Ok(Outcome::Done)
}

fn lagged_next(cx: &mut Cx, mask: u64) -> NativeResult {
    let s = cx.words_at(0, STATE_WORDS)?;
    let step = |i: u64| if i == 0 || i > LEN as u64 { LEN as u64 - 1 } else { i - 1 };
    let (tap, feed) = (step(s[0].get()), step(s[1].get()));
    s[0].set(tap);
    s[1].set(feed);
    let feed = &s[feed as usize + 2];
    let x = feed.get().wrapping_add(s[tap as usize + 2].get());
    feed.set(x);
    cx.set_word(0, x & mask);
    Ok(Outcome::Done)
}

/// `normTry(j int32, strip int) (x float64, inside bool)`
fn norm_try(cx: &mut Cx) -> NativeResult {
    let (j, i) = (cx.int(0) as i32, cx.uint(1) as usize & 127);
    cx.set_float(0, j as f64 * ziggurat::NORMAL_W[i] as f64);
    cx.set_bool(1, j.unsigned_abs() < ziggurat::NORMAL_K[i]);
    Ok(Outcome::Done)
}

/// `normAccept(strip int, u, density float32) bool`: whether a point of the strip lies under the curve.
fn norm_accept(cx: &mut Cx) -> NativeResult {
    accept(cx, &ziggurat::NORMAL_F)
}

/// `expTry(j uint32, strip int) (x float64, inside bool)`
fn exp_try(cx: &mut Cx) -> NativeResult {
    let (j, i) = (cx.uint(0) as u32, cx.uint(1) as usize & 255);
    cx.set_float(0, j as f64 * ziggurat::EXP_W[i] as f64);
    cx.set_bool(1, j < ziggurat::EXP_K[i]);
    Ok(Outcome::Done)
}

/// `expAccept(strip int, u, density float32) bool`
fn exp_accept(cx: &mut Cx) -> NativeResult {
    accept(cx, &ziggurat::EXP_F)
}

fn accept(cx: &mut Cx, f: &[f32]) -> NativeResult {
    let (i, u, density) = (cx.uint(0) as usize, cx.float(1) as f32, cx.float(2) as f32);
    let ok = (1..f.len()).contains(&i) && f[i] + u * (f[i - 1] - f[i]) < density;
    cx.set_bool(0, ok);
    Ok(Outcome::Done)
}

/// `chachaBlock(seed *[4]uint64, buf *[32]uint64, counter uint32)`: four interleaved ChaCha8 blocks, of which the key
/// alone is added in at the end.
fn chacha_block(cx: &mut Cx) -> NativeResult {
    let (seed, buf) = (cx.words_at(0, 4)?, cx.words_at(1, 32)?);
    let key = std::array::from_fn(|i| seed[i].get());
    for (to, word) in buf.iter().zip(chacha(key, cx.uint(2) as u32)) {
        to.set(word);
    }
    Ok(Outcome::Done)
}

fn chacha(key: [u64; 4], counter: u32) -> [u64; 32] {
    let mut rows = [[0u32; 4]; 16];
    for lane in 0..4 {
        let mut b = [0u32; 16];
        b[..4].copy_from_slice(&[0x61707865, 0x3320646e, 0x79622d32, 0x6b206574]);
        for i in 0..8 {
            b[4 + i] = (key[i / 2] >> (32 * (i % 2))) as u32;
        }
        b[12] = counter.wrapping_add(lane as u32);
        let start = b;
        for _ in 0..4 {
            for [w, x, y, z] in [
                [0, 4, 8, 12],
                [1, 5, 9, 13],
                [2, 6, 10, 14],
                [3, 7, 11, 15],
                [0, 5, 10, 15],
                [1, 6, 11, 12],
                [2, 7, 8, 13],
                [3, 4, 9, 14],
            ] {
                quarter(&mut b, w, x, y, z);
            }
        }
        for i in 0..16 {
            let add = if (4..12).contains(&i) { start[i] } else { 0 };
            rows[i][lane] = b[i].wrapping_add(add);
        }
    }
    std::array::from_fn(|i| {
        let row = &rows[i / 2];
        let k = i % 2 * 2;
        row[k] as u64 | (row[k + 1] as u64) << 32
    })
}

fn quarter(b: &mut [u32; 16], w: usize, x: usize, y: usize, z: usize) {
    for (first, second) in [(16, 12), (8, 7)] {
        b[w] = b[w].wrapping_add(b[x]);
        b[z] = (b[z] ^ b[w]).rotate_left(first);
        b[y] = b[y].wrapping_add(b[z]);
        b[x] = (b[x] ^ b[y]).rotate_left(second);
    }
}
