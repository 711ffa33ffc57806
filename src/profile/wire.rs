//! Protocol buffers' wire format, as far as pprof needs it, and gzip around it.
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::{TINFLStatus, decompress_to_vec_with_limit};

/// Writes a number in groups of seven bits, the lowest first.
pub fn varint(out: &mut Vec<u8>, mut v: u64) {
    while v >= 0x80 {
        out.push(v as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
}

/// A message being written. Fields with the value 0 are left out, as proto3 does.
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    fn varint(&mut self, v: u64) {
        varint(&mut self.0, v);
    }

    pub fn number(&mut self, field: u32, v: i64) {
        if v != 0 {
            self.varint((field as u64) << 3);
            self.varint(v as u64);
        }
    }

    pub fn bytes(&mut self, field: u32, v: &[u8]) {
        self.varint((field as u64) << 3 | 2);
        self.varint(v.len() as u64);
        self.0.extend_from_slice(v);
    }

    pub fn packed(&mut self, field: u32, vs: impl Iterator<Item = i64>) {
        let mut list = Writer::default();
        vs.for_each(|v| list.varint(v as u64));
        self.bytes(field, &list.0);
    }

    pub fn message(&mut self, field: u32, f: impl FnOnce(&mut Writer)) {
        let mut inner = Writer::default();
        f(&mut inner);
        self.bytes(field, &inner.0);
    }

    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// A field's value.
pub enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// What is wrong with a message.
const CUT: &str = "it ends in the middle of a message";
const WRONG: &str = "it is no message of this kind";

impl<'a> Value<'a> {
    pub fn number(&self) -> Result<u64, &'static str> {
        match self {
            Value::Number(n) => Ok(*n),
            Value::Bytes(_) => Err(WRONG),
        }
    }

    pub fn bytes(&self) -> Result<&'a [u8], &'static str> {
        match self {
            Value::Bytes(b) => Ok(b),
            Value::Number(_) => Err(WRONG),
        }
    }

    /// Calls `f` on the numbers of a repeated field, packed or not.
    pub fn numbers(&self, f: &mut dyn FnMut(u64)) -> Result<(), &'static str> {
        match self {
            Value::Number(n) => f(*n),
            Value::Bytes(b) => {
                let mut r = Reader(b);
                while !r.0.is_empty() {
                    f(r.varint()?);
                }
            }
        }
        Ok(())
    }
}

/// The fields of a message, one after the other.
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    fn varint(&mut self) -> Result<u64, &'static str> {
        let mut v = 0u64;
        for shift in (0..64).step_by(7) {
            let (&b, rest) = self.0.split_first().ok_or(CUT)?;
            self.0 = rest;
            v |= ((b & 0x7f) as u64) << shift;
            if b < 0x80 {
                return Ok(v);
            }
        }
        Err(WRONG)
    }

    fn take(&mut self, n: u64) -> Result<&'a [u8], &'static str> {
        let n = usize::try_from(n).ok().filter(|n| *n <= self.0.len()).ok_or(CUT)?;
        let (b, rest) = self.0.split_at(n);
        self.0 = rest;
        Ok(b)
    }

    /// The next field and its value. Fixed-size numbers, which pprof has none of, are given as bytes.
    pub fn field(&mut self) -> Result<Option<(u64, Value<'a>)>, &'static str> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Number(self.varint()?),
            1 => Value::Bytes(self.take(8)?),
            2 => {
                let n = self.varint()?;
                Value::Bytes(self.take(n)?)
            }
            5 => Value::Bytes(self.take(4)?),
            _ => return Err(WRONG),
        };
        Ok(Some((key >> 3, value)))
    }
}

/// Wraps bytes in gzip.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    out.extend(compress_to_vec(bytes, 6));
    out.extend(crc32(bytes).to_le_bytes());
    out.extend((bytes.len() as u32).to_le_bytes());
    out
}

pub fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1f, 0x8b])
}

/// Takes bytes out of gzip, at most `limit` of them.
pub fn gunzip(bytes: &[u8], limit: usize) -> Result<Vec<u8>, String> {
    let cut = || "it is cut off".to_string();
    let flags = *bytes.get(3).ok_or_else(cut)?;
    if bytes[2] != 8 {
        return Err("it is compressed in an unknown way".into());
    }
    let mut at = 10;
    if flags & 4 != 0 {
        let n = bytes.get(at..at + 2).ok_or_else(cut)?;
        at += 2 + u16::from_le_bytes([n[0], n[1]]) as usize;
    }
    // A name and a comment, which end with a zero.
    for flag in [8, 16] {
        if flags & flag != 0 {
            let rest = bytes.get(at..).ok_or_else(cut)?;
            at += memchr::memchr(0, rest).ok_or_else(cut)? + 1;
        }
    }
    at += if flags & 2 != 0 { 2 } else { 0 };
    let body = bytes.get(at..bytes.len().saturating_sub(8)).ok_or_else(cut)?;
    let out = decompress_to_vec_with_limit(body, limit).map_err(|e| match e.status {
        TINFLStatus::HasMoreOutput => format!("it unpacks to more than {} MB", limit >> 20),
        TINFLStatus::FailedCannotMakeProgress | TINFLStatus::NeedsMoreInput => cut(),
        _ => "its compressed data is damaged".into(),
    })?;
    let mut sums = crc32(&out).to_le_bytes().to_vec();
    sums.extend((out.len() as u32).to_le_bytes());
    match bytes.ends_with(&sums) {
        true => Ok(out),
        false => Err("its checksum is wrong".into()),
    }
}

/// The checksum of gzip.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |mut crc, &b| {
        crc ^= b as u32;
        for _ in 0..8 {
            crc = crc >> 1 ^ (0xEDB8_8320 & (crc & 1).wrapping_neg());
        }
        crc
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_comes_back_and_is_bounded() {
        let text = vec![7u8; 100_000];
        let packed = gzip(&text);
        assert_eq!(gunzip(&packed, 1 << 20).as_deref(), Ok(&text[..]));
        assert!(gunzip(&packed, 1000).unwrap_err().contains("more than"));
        for n in 0..packed.len() {
            assert!(gunzip(&packed[..n], 1 << 20).is_err(), "{n}");
        }
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }
}
