//! Natives of the hash packages: sums and whole blocks of MD5 and the SHA family, and the inner loops of FNV, CRC and Adler-32.
//! The gmpl halves buffer and pad. Chaining values are words of their own, also where they have 32 bits.
use super::long;
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome};

pub const NATIVES: &[NativeEntry] =
    &[
        ("crypto/md5.blocks", |cx| blocks::<4, 64>(cx, md5)),
        ("crypto/md5.finish", |cx| finish::<4, 64>(cx, false, md5)),
        ("crypto/sha1.blocks", |cx| blocks::<5, 64>(cx, sha1)),
        ("crypto/sha1.finish", |cx| finish::<5, 64>(cx, true, sha1)),
        ("crypto/sha256.blocks", |cx| blocks::<8, 64>(cx, sha256)),
        ("crypto/sha256.finish", |cx| finish::<8, 64>(cx, true, sha256)),
        ("crypto/sha512.blocks", |cx| blocks::<8, 128>(cx, sha2::block_api::compress512)),
        ("crypto/sha512.finish", |cx| finish::<8, 128>(cx, true, sha2::block_api::compress512)),
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
    let (crc, table, bytes) = (cx.uint(0) as u32, cx.packed_view(1, 4), cx.bytes_view(2));
    let table: &[[u8; 4]] = table.as_chunks().0;
    let work = move || {
        if ieee().iter().zip(table).filter(|(a, b)| a.to_ne_bytes() == **b).count() == 256 {
            let mut hasher = crc32fast::Hasher::new_with_initial(!crc);
            hasher.update(bytes);
            return !hasher.finalize();
        }
        by_eight(crc, table, bytes)
    };
    long::work(cx, bytes.len(), work, |cx, v| put(cx, *v as u64))
}

/// The table of the polynomial that the crate knows.
const fn ieee() -> &'static [u32; 256] {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let (mut c, mut bit) = (i as u32, 0);
            while bit < 8 {
                c = c >> 1 ^ (0xedb88320 & (c & 1).wrapping_neg());
                bit += 1;
            }
            table[i] = c;
            i += 1;
        }
        table
    };
    &TABLE
}

/// A CRC of any table, eight bytes at a time where that pays for seven more tables; a table that a program has changed may
/// have entries that are not the sums of others, which they rest on.
fn by_eight(mut crc: u32, table: &[[u8; 4]], bytes: &[u8]) -> u32 {
    let mut tables = [[0u32; 256]; 8];
    for (to, from) in tables[0].iter_mut().zip(table) {
        *to = u32::from_ne_bytes(*from);
    }
    let first = tables[0];
    let (mut eights, mut rest) = (&[][..], bytes);
    if bytes.len() >= 4096
        && (1..256).all(|i| first[i] == first[i & (i - 1)] ^ first[i & i.wrapping_neg()] ^ first[0])
        && first[0] == 0
    {
        for k in 1..8 {
            for i in 0..256 {
                let c = tables[k - 1][i];
                tables[k][i] = first[(c & 0xff) as usize] ^ c >> 8;
            }
        }
        (eights, rest) = bytes.as_chunks::<8>();
    }
    for eight in eights {
        let word = u64::from_le_bytes(*eight) ^ crc as u64;
        crc = (0..8).fold(0, |c, k| c ^ tables[7 - k][(word >> (8 * k)) as usize & 0xff]);
    }
    rest.iter().fold(crc, |crc, b| first[(crc as u8 ^ b) as usize] ^ crc >> 8)
}

/// `update(crc uint64, tab []uint64, p []byte) uint64`
fn crc64(cx: &mut Cx) -> NativeResult {
    let (crc, table) = (cx.uint(0), cx.packed_view(1, 8));
    let (entries, _) = table.as_chunks::<8>();
    fold(cx, 2, crc, |crc, b| entries.get((crc as u8 ^ b) as usize).map_or(0, |e| u64::from_ne_bytes(*e)) ^ crc >> 8)
}

/// `blocks(h *[H]uint64, p []byte)`
fn blocks<const H: usize, const B: usize>(cx: &mut Cx, compress: fn(&mut [u64; H], &[[u8; B]])) -> NativeResult {
    let words = cx.words_at(0, H)?;
    let mut h: [u64; H] = std::array::from_fn(|i| words[i].get());
    let bytes: &[u8] = cx.bytes_view(1);
    let work = move || {
        compress(&mut h, bytes.as_chunks::<B>().0);
        h
    };
    long::work(cx, bytes.len(), work, |cx, h| {
        for (to, w) in cx.words_at(0, H)?.iter().zip(h) {
            to.set(*w);
        }
        Ok(Outcome::Done)
    })
}

/// Runs a compression function on chaining values of 32 bits.
fn narrow<const H: usize>(h: &mut [u64; H], compress: impl FnOnce(&mut [u32; H])) {
    let mut state = h.map(|x| x as u32);
    compress(&mut state);
    *h = state.map(u64::from);
}

/// `finish(h *[H]uint64, rest []byte, length uint64) []byte`: the padded rest of a text of so many bytes is taken in; the sum.
fn finish<const H: usize, const B: usize>(
    cx: &mut Cx,
    big_endian: bool,
    compress: fn(&mut [u64; H], &[[u8; B]]),
) -> NativeResult {
    let words = cx.words_at(0, H)?;
    let mut h: [u64; H] = std::array::from_fn(|i| words[i].get());
    let (rest, length) = (cx.bytes_view(1), cx.uint(2));
    let count = B / 8;
    let mut padded = [[0; B]; 2];
    let flat = padded.as_flattened_mut();
    let rest = &rest[..rest.len().min(B - 1)];
    flat[..rest.len()].copy_from_slice(rest);
    flat[rest.len()] = 0x80;
    let used = if rest.len() + 1 + count <= B { 1 } else { 2 };
    let bits = (length as u128) << 3;
    if big_endian {
        flat[used * B - 16..][..16].iter_mut().zip(bits.to_be_bytes()).skip(16 - count).for_each(|(to, b)| *to = b);
    } else {
        flat[used * B - 8..][..8].copy_from_slice(&(bits as u64).to_le_bytes());
    }
    compress(&mut h, &padded[..used]);
    let mut sum = Vec::with_capacity(H * 8);
    for w in h {
        match (B, big_endian) {
            (128, _) => sum.extend(w.to_be_bytes()),
            (_, true) => sum.extend((w as u32).to_be_bytes()),
            (_, false) => sum.extend((w as u32).to_le_bytes()),
        }
    }
    let w = cx.new_bytes(&sum)?;
    cx.set_word(0, w);
    Ok(Outcome::Done)
}

fn md5(h: &mut [u64; 4], blocks: &[[u8; 64]]) {
    narrow(h, |h| md5::block_api::compress(h, blocks));
}

fn sha1(h: &mut [u64; 5], blocks: &[[u8; 64]]) {
    narrow(h, |h| sha1::block_api::compress(h, blocks));
}

fn sha256(h: &mut [u64; 8], blocks: &[[u8; 64]]) {
    narrow(h, |h| sha2::block_api::compress256(h, blocks));
}
