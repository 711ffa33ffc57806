//! Natives of the hash packages: the compression functions of MD5 (RFC 1321) and the SHA family (FIPS 180-4), and the
//! inner loops of FNV, CRC and Adler-32. The gmpl halves buffer and pad. Chaining values are words of their own,
//! also where they have 32 bits.
use super::long;
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome};

pub const NATIVES: &[NativeEntry] =
    &[
        ("crypto/md5.blocks", |cx| blocks::<4, 64>(cx, md5)),
        ("crypto/sha1.blocks", |cx| blocks::<5, 64>(cx, sha1)),
        ("crypto/sha256.blocks", |cx| blocks::<8, 64>(cx, sha256)),
        ("crypto/sha512.blocks", |cx| blocks::<8, 128>(cx, sha512)),
        ("hash/adler32.update", adler32),
        ("hash/crc32.update", crc32),
        ("hash/crc64.update", crc64),
        ("hash/fnv.update32", |cx| {
            let (s, a) = (cx.uint(0) as u32, cx.bool(2));
            fold(cx, 1, s, move |s, b| {
                if a { (s ^ b as u32).wrapping_mul(0x01000193) } else { s.wrapping_mul(0x01000193) ^ b as u32 }
            })
        }),
        ("hash/fnv.update64", |cx| {
            let (s, a) = (cx.uint(0), cx.bool(2));
            fold(cx, 1, s, move |s, b| {
                if a { (s ^ b as u64).wrapping_mul(0x100000001b3) } else { s.wrapping_mul(0x100000001b3) ^ b as u64 }
            })
        }),
        ("hash/maphash.hash", |cx| {
            let (seed, text) = (cx.uint(0), cx.str(1));
            long::work(cx, text.len(), move || hash64(seed, text), |cx, v| put(cx, *v))
        }),
    ];

fn put(cx: &mut Cx, v: u64) -> NativeResult {
    cx.set_word(0, v);
    Ok(Outcome::Done)
}

/// Result 0 = the sum of `[]byte` parameter `i`, byte by byte from `start` on.
fn fold<S: Copy + Send + Into<u64> + 'static>(
    cx: &mut Cx,
    i: usize,
    start: S,
    mut step: impl FnMut(S, u8) -> S + Send + 'static,
) -> NativeResult {
    let bytes: &[u8] = cx.bytes_view(i);
    long::work(cx, bytes.len(), move || bytes.iter().fold(start, |s, b| step(s, *b)), |cx, s| put(cx, (*s).into()))
}

/// A seeded hash of bytes for hash tables: multiplication folding, as in wyhash.
pub fn hash64(seed: u64, s: &[u8]) -> u64 {
    let fold = |a: u64, b: u64| {
        let wide = a as u128 * b as u128;
        (wide >> 64) as u64 ^ wide as u64
    };
    let mut h = fold(seed ^ 0xa0761d6478bd642f, 0xe7037ed1a0b428db ^ s.len() as u64);
    for chunk in s.chunks(8) {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        h = fold(h ^ u64::from_le_bytes(word), 0x8ebc6af09c88c6e3);
    }
    fold(h ^ 0x589965cc75374cc3, 0x1d8e4e27c47d124f)
}

/// `update(sum uint32, p []byte) uint32`
fn adler32(cx: &mut Cx) -> NativeResult {
    let sum = cx.uint(0) as u32;
    let bytes: &[u8] = cx.bytes_view(1);
    let work = move || {
        let (mut a, mut b) = (sum & 0xffff, sum >> 16);
        // So many bytes can be summed before 32 bits overflow.
        for chunk in bytes.chunks(5552) {
            for &byte in chunk {
                a += byte as u32;
                b += a;
            }
            a %= 65521;
            b %= 65521;
        }
        (b << 16 | a) as u64
    };
    long::work(cx, bytes.len(), work, |cx, v| put(cx, *v))
}

/// `update(crc uint32, tab []uint32, p []byte) uint32`
fn crc32(cx: &mut Cx) -> NativeResult {
    let (crc, table) = (cx.uint(0) as u32, cx.packed_view(1, 4));
    let (entries, _) = table.as_chunks::<4>();
    fold(cx, 2, crc, |crc, b| entries.get((crc as u8 ^ b) as usize).map_or(0, |e| u32::from_ne_bytes(*e)) ^ crc >> 8)
}

/// `update(crc uint64, tab []uint64, p []byte) uint64`
fn crc64(cx: &mut Cx) -> NativeResult {
    let (crc, table) = (cx.uint(0), cx.packed_view(1, 8));
    let (entries, _) = table.as_chunks::<8>();
    fold(cx, 2, crc, |crc, b| entries.get((crc as u8 ^ b) as usize).map_or(0, |e| u64::from_ne_bytes(*e)) ^ crc >> 8)
}

/// `blocks(h *[H]uint64, p []byte)`
fn blocks<const H: usize, const B: usize>(cx: &mut Cx, compress: fn(&mut [u64; H], &[u8; B])) -> NativeResult {
    let words = cx.words_at(0, H)?;
    let mut h: [u64; H] = std::array::from_fn(|i| words[i].get());
    let bytes: &[u8] = cx.bytes_view(1);
    let work = move || {
        let (whole, _) = bytes.as_chunks::<B>();
        whole.iter().for_each(|block| compress(&mut h, block));
        h
    };
    long::work(cx, bytes.len(), work, |cx, h| {
        for (to, w) in cx.words_at(0, H)?.iter().zip(h) {
            to.set(*w);
        }
        Ok(Outcome::Done)
    })
}

/// Adds 32-bit words into a chaining value.
fn add32<const H: usize>(h: &mut [u64; H], by: [u32; H]) {
    for (a, b) in h.iter_mut().zip(by) {
        *a = (*a as u32).wrapping_add(b) as u64;
    }
}

fn md5(h: &mut [u64; 4], block: &[u8; 64]) {
    const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];
    let w: [u32; 16] = std::array::from_fn(|i| {
        u32::from_le_bytes([block[4 * i], block[4 * i + 1], block[4 * i + 2], block[4 * i + 3]])
    });
    let [mut a, mut b, mut c, mut d] = h.map(|x| x as u32);
    for i in 0..64 {
        let (f, k) = match i / 16 {
            0 => (b & c | !b & d, i),
            1 => (d & b | !d & c, (5 * i + 1) % 16),
            2 => (b ^ c ^ d, (3 * i + 5) % 16),
            _ => (c ^ (b | !d), 7 * i % 16),
        };
        let t = a.wrapping_add(f).wrapping_add(MD5_K[i]).wrapping_add(w[k]);
        (a, d, c, b) = (d, c, b, b.wrapping_add(t.rotate_left(SHIFTS[i / 16][i % 4])));
    }
    add32(h, [a, b, c, d]);
}

fn big32(block: &[u8; 64]) -> [u32; 16] {
    std::array::from_fn(|i| u32::from_be_bytes([block[4 * i], block[4 * i + 1], block[4 * i + 2], block[4 * i + 3]]))
}

fn sha1(h: &mut [u64; 5], block: &[u8; 64]) {
    let mut w = [0u32; 80];
    w[..16].copy_from_slice(&big32(block));
    for i in 16..80 {
        w[i] = (w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16]).rotate_left(1);
    }
    let [mut a, mut b, mut c, mut d, mut e] = h.map(|x| x as u32);
    for (i, &word) in w.iter().enumerate() {
        let (f, k) = match i / 20 {
            0 => (b & c | !b & d, 0x5a827999),
            1 => (b ^ c ^ d, 0x6ed9eba1),
            2 => (b & c | b & d | c & d, 0x8f1bbcdc),
            _ => (b ^ c ^ d, 0xca62c1d6u32),
        };
        let t = a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(k).wrapping_add(word);
        (e, d, c, b, a) = (d, c, b.rotate_left(30), a, t);
    }
    add32(h, [a, b, c, d, e]);
}

fn sha256(h: &mut [u64; 8], block: &[u8; 64]) {
    let mut w = [0u32; 64];
    w[..16].copy_from_slice(&big32(block));
    for i in 16..64 {
        let (x, y) = (w[i - 15], w[i - 2]);
        let s0 = x.rotate_right(7) ^ x.rotate_right(18) ^ x >> 3;
        let s1 = y.rotate_right(17) ^ y.rotate_right(19) ^ y >> 10;
        w[i] = w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut z] = h.map(|x| x as u32);
    for i in 0..64 {
        let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let t1 = z.wrapping_add(s1).wrapping_add(e & f ^ !e & g).wrapping_add(SHA256_K[i]).wrapping_add(w[i]);
        let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let t2 = s0.wrapping_add(a & b ^ a & c ^ b & c);
        (z, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
    }
    add32(h, [a, b, c, d, e, f, g, z]);
}

fn sha512(h: &mut [u64; 8], block: &[u8; 128]) {
    let mut w = [0u64; 80];
    let (words, _) = block.as_chunks::<8>();
    for (to, word) in w.iter_mut().zip(words) {
        *to = u64::from_be_bytes(*word);
    }
    for i in 16..80 {
        let (x, y) = (w[i - 15], w[i - 2]);
        let s0 = x.rotate_right(1) ^ x.rotate_right(8) ^ x >> 7;
        let s1 = y.rotate_right(19) ^ y.rotate_right(61) ^ y >> 6;
        w[i] = w[i - 16].wrapping_add(s0).wrapping_add(w[i - 7]).wrapping_add(s1);
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut z] = *h;
    for i in 0..80 {
        let s1 = e.rotate_right(14) ^ e.rotate_right(18) ^ e.rotate_right(41);
        let t1 = z.wrapping_add(s1).wrapping_add(e & f ^ !e & g).wrapping_add(SHA512_K[i]).wrapping_add(w[i]);
        let s0 = a.rotate_right(28) ^ a.rotate_right(34) ^ a.rotate_right(39);
        let t2 = s0.wrapping_add(a & b ^ a & c ^ b & c);
        (z, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
    }
    for (x, y) in h.iter_mut().zip([a, b, c, d, e, f, g, z]) {
        *x = x.wrapping_add(y);
    }
}

/// The integer parts of 2^32 |sin(i)|.
const MD5_K: [u32; 64] = [
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8,
    0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340,
    0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6, 0xc33707d6, 0xf4d50d87,
    0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c,
    0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039,
    0xe6db99e5, 0x1fa27cf8, 0xc4ac5665, 0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92,
    0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb,
    0xeb86d391,
];

/// The fractions of the cube roots of the first 64 primes.
const SHA256_K: [u32; 64] = [
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
    0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
    0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
    0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
    0xc67178f2,
];

/// The fractions of the cube roots of the first 80 primes.
const SHA512_K: [u64; 80] = [
    0x428a2f98d728ae22,
    0x7137449123ef65cd,
    0xb5c0fbcfec4d3b2f,
    0xe9b5dba58189dbbc,
    0x3956c25bf348b538,
    0x59f111f1b605d019,
    0x923f82a4af194f9b,
    0xab1c5ed5da6d8118,
    0xd807aa98a3030242,
    0x12835b0145706fbe,
    0x243185be4ee4b28c,
    0x550c7dc3d5ffb4e2,
    0x72be5d74f27b896f,
    0x80deb1fe3b1696b1,
    0x9bdc06a725c71235,
    0xc19bf174cf692694,
    0xe49b69c19ef14ad2,
    0xefbe4786384f25e3,
    0x0fc19dc68b8cd5b5,
    0x240ca1cc77ac9c65,
    0x2de92c6f592b0275,
    0x4a7484aa6ea6e483,
    0x5cb0a9dcbd41fbd4,
    0x76f988da831153b5,
    0x983e5152ee66dfab,
    0xa831c66d2db43210,
    0xb00327c898fb213f,
    0xbf597fc7beef0ee4,
    0xc6e00bf33da88fc2,
    0xd5a79147930aa725,
    0x06ca6351e003826f,
    0x142929670a0e6e70,
    0x27b70a8546d22ffc,
    0x2e1b21385c26c926,
    0x4d2c6dfc5ac42aed,
    0x53380d139d95b3df,
    0x650a73548baf63de,
    0x766a0abb3c77b2a8,
    0x81c2c92e47edaee6,
    0x92722c851482353b,
    0xa2bfe8a14cf10364,
    0xa81a664bbc423001,
    0xc24b8b70d0f89791,
    0xc76c51a30654be30,
    0xd192e819d6ef5218,
    0xd69906245565a910,
    0xf40e35855771202a,
    0x106aa07032bbd1b8,
    0x19a4c116b8d2d0c8,
    0x1e376c085141ab53,
    0x2748774cdf8eeb99,
    0x34b0bcb5e19b48a8,
    0x391c0cb3c5c95a63,
    0x4ed8aa4ae3418acb,
    0x5b9cca4f7763e373,
    0x682e6ff3d6b2b8a3,
    0x748f82ee5defb2fc,
    0x78a5636f43172f60,
    0x84c87814a1f0ab72,
    0x8cc702081a6439ec,
    0x90befffa23631e28,
    0xa4506cebde82bde9,
    0xbef9a3f7b2c67915,
    0xc67178f2e372532b,
    0xca273eceea26619c,
    0xd186b8c721c0c207,
    0xeada7dd6cde0eb1e,
    0xf57d4f7fee6ed178,
    0x06f067aa72176fba,
    0x0a637dc5a2c898a6,
    0x113f9804bef90dae,
    0x1b710b35131c471b,
    0x28db77f523047d84,
    0x32caab7b40c72493,
    0x3c9ebe0a15c9bebc,
    0x431d67c49c100d4c,
    0x4cc5d4becb3e42b6,
    0x597f299cfc657e2a,
    0x5fcb6fab3ad6faec,
    0x6c44198c4a475817,
];
