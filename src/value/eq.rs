//! Equality and hashes of values, by runtime type.
//!
//! # Safety
//! Words and addresses hold values of the types they come with.
use super::iface as ifv;
use super::slice;
use super::string;
use crate::bytecode::program::{Boxing, Kind, Mem, Program, RType, RTypeId, iface};
use std::hash::Hasher;

/// `x == y` of two values in register words. `Err`: a text for a run-time panic.
///
/// # Safety
/// See the file's head.
pub unsafe fn values_eq(p: &Program, ty: RTypeId, x: *const u64, y: *const u64) -> Result<bool, String> {
    let t = p.ty(ty);
    unsafe {
        match t.kind {
            Kind::Struct | Kind::Array | Kind::Complex64 | Kind::Complex128 => {
                let mut later = Later::default();
                let eq = eq_at(p, t, x as *const u8, y as *const u8, &mut later)?;
                later.all(p, eq)
            }
            Kind::Float32 | Kind::Float64 => Ok(f64::from_bits(*x) == f64::from_bits(*y)),
            Kind::String => Ok(string::bytes(*x) == string::bytes(*y)),
            Kind::Interface => iface_eq(p, *x, *y),
            Kind::Slice | Kind::Map | Kind::Func => Err(format!("comparing uncomparable type {}", t.name)),
            _ => Ok(*x == *y),
        }
    }
}

/// Interfaces that lie too deep inside each other for the native stack wait here until those above are compared.
#[derive(Default)]
struct Later {
    depth: u32,
    pairs: Vec<(u64, u64)>,
}

/// Interfaces within interfaces that are compared, or hashed, by recursion.
const MAX_DEPTH: u32 = 100;

impl Later {
    /// What has been found so far, and whether all pairs that wait are equal as well.
    unsafe fn all(mut self, p: &Program, so_far: bool) -> Result<bool, String> {
        if !so_far {
            return Ok(false);
        }
        while let Some((x, y)) = self.pairs.pop() {
            self.depth = 0;
            if !unsafe { iface_eq_at(p, x, y, &mut self)? } {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// `x == y` of two interface words.
///
/// # Safety
/// See the file's head.
pub unsafe fn iface_eq(p: &Program, x: u64, y: u64) -> Result<bool, String> {
    let mut later = Later::default();
    unsafe {
        let eq = iface_eq_at(p, x, y, &mut later)?;
        later.all(p, eq)
    }
}

unsafe fn iface_eq_at(p: &Program, x: u64, y: u64, later: &mut Later) -> Result<bool, String> {
    let (tx, ty) = (iface::type_of(x), iface::type_of(y));
    if tx != ty {
        return Ok(false);
    }
    if tx == 0 {
        return Ok(true);
    }
    let t = &p.types[tx as usize];
    if !t.comparable {
        return Err(format!("comparing uncomparable type {}", t.name));
    }
    unsafe {
        match t.boxing {
            Boxing::Direct => match t.kind {
                Kind::String => Ok(x == y || string::bytes(x & iface::PAYLOAD) == string::bytes(y & iface::PAYLOAD)),
                Kind::Slice | Kind::Map | Kind::Func => Err(format!("comparing uncomparable type {}", t.name)),
                _ => Ok(x == y),
            },
            Boxing::Int => Ok(ifv::as_int(x) == ifv::as_int(y)),
            Boxing::Uint => Ok(ifv::as_uint(x) == ifv::as_uint(y)),
            Boxing::Float => Ok(ifv::as_float(x) == ifv::as_float(y)),
            Boxing::Never => Ok(x == y),
            Boxing::Words => {
                if t.words == 0 {
                    return Ok(true);
                }
                if later.depth >= MAX_DEPTH {
                    later.pairs.push((x, y));
                    return Ok(true);
                }
                later.depth += 1;
                let eq = eq_at(p, t, (x & iface::PAYLOAD) as *const u8, (y & iface::PAYLOAD) as *const u8, later);
                later.depth -= 1;
                eq
            }
        }
    }
}

/// Equality of two values in memory.
unsafe fn eq_at(p: &Program, t: &RType, x: *const u8, y: *const u8, later: &mut Later) -> Result<bool, String> {
    unsafe {
        match t.kind {
            Kind::Struct => {
                for f in &t.fields {
                    if f.name == "_" {
                        continue;
                    }
                    let at = f.offset as usize * 8;
                    if !eq_at(p, p.ty(f.ty), x.add(at), y.add(at), later)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Kind::Array => {
                let elem = p.ty(t.elem);
                let step = elem_bytes(elem);
                for i in 0..t.len as usize {
                    if !eq_at(p, elem, x.add(i * step), y.add(i * step), later)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Kind::Float32 => Ok(*(x as *const f32) == *(y as *const f32)),
            Kind::Float64 => Ok(*(x as *const f64) == *(y as *const f64)),
            Kind::Complex64 => {
                let (a, b) = (x as *const f32, y as *const f32);
                Ok(*a == *b && *a.add(1) == *b.add(1))
            }
            Kind::Complex128 => {
                let (a, b) = (x as *const f64, y as *const f64);
                Ok(*a == *b && *a.add(1) == *b.add(1))
            }
            Kind::String => {
                let (a, b) = (slice::load(x as *const u64), slice::load(y as *const u64));
                Ok(a == b || string::bytes(a) == string::bytes(b))
            }
            Kind::Interface => iface_eq_at(p, slice::load(x as *const u64), slice::load(y as *const u64), later),
            Kind::Slice | Kind::Map | Kind::Func => Err(format!("comparing uncomparable type {}", t.name)),
            _ => Ok(scalar(t.mem, x) == scalar(t.mem, y)),
        }
    }
}

/// Bytes of a value as an array element.
pub fn elem_bytes(t: &RType) -> usize {
    match t.mem {
        Mem::N => t.words as usize * 8,
        m => m.bytes() as usize,
    }
}

unsafe fn scalar(mem: Mem, at: *const u8) -> u64 {
    unsafe {
        match mem {
            Mem::I8 | Mem::U8 => *at as u64,
            Mem::I16 | Mem::U16 => *(at as *const u16) as u64,
            Mem::I32 | Mem::U32 | Mem::F32 => *(at as *const u32) as u64,
            _ => slice::load(at as *const u64),
        }
    }
}

/// Hash of a string's bytes.
#[inline]
pub fn hash_bytes(b: &[u8], seed: u64) -> u64 {
    let mut h = rustc_hash::FxHasher::default();
    h.write_u64(seed);
    h.write(b);
    mix(h.finish())
}

/// Spreads a word over all bits.
#[inline(always)]
pub fn mix(x: u64) -> u64 {
    let x = x.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    x ^ x >> 32
}

fn hash_float(v: f64, seed: u64) -> u64 {
    if v == 0.0 { mix(seed) } else { mix(v.to_bits() ^ seed) }
}

/// Hash of a value in register words. NaNs hash like one another.
///
/// # Errors
/// A text for a run-time panic.
///
/// # Safety
/// See the file's head.
pub unsafe fn hash_value(p: &Program, ty: RTypeId, x: *const u64, seed: u64) -> Result<u64, String> {
    let t = p.ty(ty);
    unsafe {
        match t.kind {
            Kind::Struct | Kind::Array | Kind::Complex64 | Kind::Complex128 => hash_at(p, t, x as *const u8, seed, 0),
            Kind::Float32 | Kind::Float64 => Ok(hash_float(f64::from_bits(*x), seed)),
            Kind::String => Ok(hash_bytes(string::bytes(*x), seed)),
            Kind::Interface => hash_iface(p, *x, seed, 0),
            Kind::Slice | Kind::Map | Kind::Func => Err(format!("hash of unhashable type {}", t.name)),
            _ => Ok(mix(*x ^ seed)),
        }
    }
}

unsafe fn hash_iface(p: &Program, w: u64, seed: u64, depth: u32) -> Result<u64, String> {
    let ty = iface::type_of(w);
    if ty == 0 {
        return Ok(mix(seed));
    }
    let t = &p.types[ty as usize];
    if !t.comparable {
        return Err(format!("hash of unhashable type {}", t.name));
    }
    let seed = seed ^ (ty as u64) << 40;
    unsafe {
        match t.boxing {
            Boxing::Direct => match t.kind {
                Kind::String => Ok(hash_bytes(string::bytes(w & iface::PAYLOAD), seed)),
                Kind::Slice | Kind::Map | Kind::Func => Err(format!("hash of unhashable type {}", t.name)),
                _ => Ok(mix(w & iface::PAYLOAD ^ seed)),
            },
            Boxing::Int => Ok(mix(ifv::as_int(w) as u64 ^ seed)),
            Boxing::Uint => Ok(mix(ifv::as_uint(w) ^ seed)),
            Boxing::Float => Ok(hash_float(ifv::as_float(w), seed)),
            Boxing::Never => Ok(mix(w ^ seed)),
            Boxing::Words if t.words == 0 => Ok(mix(seed)),
            // Equal values agree in what lies above.
            Boxing::Words if depth >= MAX_DEPTH => Ok(mix(seed)),
            Boxing::Words => hash_at(p, t, (w & iface::PAYLOAD) as *const u8, seed, depth + 1),
        }
    }
}

unsafe fn hash_at(p: &Program, t: &RType, x: *const u8, seed: u64, depth: u32) -> Result<u64, String> {
    unsafe {
        match t.kind {
            Kind::Struct => {
                let mut h = seed;
                for f in t.fields.iter().filter(|f| f.name != "_") {
                    h = hash_at(p, p.ty(f.ty), x.add(f.offset as usize * 8), h.rotate_left(5), depth)?;
                }
                Ok(mix(h))
            }
            Kind::Array => {
                let elem = p.ty(t.elem);
                let step = elem_bytes(elem);
                let mut h = seed;
                for i in 0..t.len as usize {
                    h = hash_at(p, elem, x.add(i * step), h.rotate_left(5), depth)?;
                }
                Ok(mix(h))
            }
            Kind::Float32 => Ok(hash_float(*(x as *const f32) as f64, seed)),
            Kind::Float64 => Ok(hash_float(*(x as *const f64), seed)),
            Kind::Complex64 => {
                let a = x as *const f32;
                Ok(hash_float(*a.add(1) as f64, hash_float(*a as f64, seed)))
            }
            Kind::Complex128 => {
                let a = x as *const f64;
                Ok(hash_float(*a.add(1), hash_float(*a, seed)))
            }
            Kind::String => Ok(hash_bytes(string::bytes(slice::load(x as *const u64)), seed)),
            Kind::Interface => hash_iface(p, slice::load(x as *const u64), seed, depth),
            Kind::Slice | Kind::Map | Kind::Func => Err(format!("hash of unhashable type {}", t.name)),
            _ => Ok(mix(scalar(t.mem, x) ^ seed)),
        }
    }
}
