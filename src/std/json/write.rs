//! Values as JSON, where their types have no methods to ask. The gmpl half makes a plan of such a type: what the fields of
//! its structs are called and which are left out when empty; the rest is known from the types themselves. Whatever is not
//! plain after all (what an interface holds, NaNs, what lies too deep) is left to the gmpl half, and nothing has been written.
use super::scan;
use crate::base::limits::LONG_BYTES;
use crate::bytecode::program::{Kind, RTypeId};
use crate::std::{buffer, long, small};
use crate::value::map;
use crate::value::native::{Cx, NativeResult, Outcome, Trap};
use crate::value::number::float_text;
use crate::value::reflect::{Loc, Place, resolve};

/// Answers of `writePlain` other than where to go on.
const DONE: i64 = -1;
/// Nothing of this value should be tried again.
const NOT_PLAIN: i64 = -2;
/// It is too much for one call; its parts may not be.
const TOO_LONG: i64 = -3;

/// Values lie in each other at most so deep.
const MAX_DEPTH: usize = 200;
/// After so many bytes other goroutines may run.
const PART_BYTES: usize = LONG_BYTES / 4;

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What the words of a plan mean. A plan has nodes, each at an offset in its code.
mod node {
    /// A number, bool or string.
    pub const LEAF: u64 = 0;
    /// A pointer, slice, array, or map with strings as keys; then the element's node.
    pub const ELEM: u64 = 1;
    /// Then the number of fields, and of each: how many indexes lead to it, these, its key's number, flags, its node.
    pub const STRUCT: u64 = 2;
    pub const BYTES: u64 = 3;
    pub const INTERFACE: u64 = 4;

    pub const OMIT_EMPTY: u64 = 1;
    pub const QUOTED: u64 = 2;
}

enum Stop {
    Answer(i64),
    Trap(Trap),
}

struct Writer<'a, 'b> {
    cx: &'a Cx<'b>,
    code: &'a [[u8; 8]],
    keys: &'a [u64],
    html: bool,
    out: Vec<u8>,
}

/// `writePlain(e *encoder, v reflect.Value, code []int, keys []string, from int, html bool) int`: appends to the first field of
/// the encoder. Of a slice it writes from an element on, and answers where to go on unless it is done.
pub fn write_plain(cx: &mut Cx) -> NativeResult {
    let keys = crate::std::strings::string_words(cx, 4);
    let (code, from, html) = (cx.packed_view(3, 8).as_chunks().0, cx.uint(5) as usize, cx.bool(6));
    let out = cx.side.take_text();
    let Some(loc) = resolve(cx.env, (cx.word(1), cx.word(2))) else {
        cx.set_int(0, NOT_PLAIN);
        return Ok(Outcome::Done);
    };
    let field = cx.words_at(0, 1)?.as_ptr() as *mut u64;
    let mut writer = Writer { cx, code, keys: &keys, html, out };
    let list = loc.t(writer.cx.env).kind == Kind::Slice && matches!(writer.at(0), Ok(node::ELEM));
    let answer = match list {
        true => writer.part(loc, from),
        false => writer.value(loc, 0, false, 0).map(|()| DONE),
    };
    let out = writer.out;
    let answer = match answer {
        Ok(answer) => {
            // SAFETY: the address of a slice of bytes, the first field of a live encoder.
            unsafe { buffer::append(cx, field, &out)? };
            answer
        }
        Err(Stop::Answer(answer)) => answer,
        Err(Stop::Trap(trap)) => return Err(trap),
    };
    cx.side.give_text(out);
    cx.set_int(0, answer);
    Ok(Outcome::Done)
}

impl Writer<'_, '_> {
    /// A word of the plan.
    fn at(&self, i: usize) -> Result<u64, Stop> {
        self.code.get(i).map(|w| u64::from_ne_bytes(*w)).ok_or(Stop::Answer(NOT_PLAIN))
    }

    fn text(&mut self, s: &str) {
        self.out.extend_from_slice(s.as_bytes());
    }

    fn string(&mut self, s: &[u8], quoted: bool) -> Result<(), Stop> {
        let most = long::most(self.cx);
        let ok = if quoted {
            let mut once = Vec::new();
            scan::quote(s, self.html, most, &mut once) && scan::quote(&once, false, most, &mut self.out)
        } else {
            scan::quote(s, self.html, most, &mut self.out)
        };
        if ok { Ok(()) } else { Err(Stop::Trap(Trap::OutOfMemory)) }
    }

    fn scalar(&mut self, s: &str, quoted: bool) {
        let quote = if quoted { "\"" } else { "" };
        self.text(quote);
        self.text(s);
        self.text(quote);
    }

    /// Elements of a slice, from one on.
    fn part(&mut self, loc: Loc, from: usize) -> Result<i64, Stop> {
        let word = loc.word(self.cx.env);
        if word == 0 {
            self.text("null");
            return Ok(DONE);
        }
        let (elem, child) = (loc.t(self.cx.env).elem, self.at(1)? as usize);
        let step = self.cx.env.types[elem.0 as usize].elem_bytes;
        let p = self.cx.slice_of(word);
        if from == 0 {
            self.text("[");
        }
        for i in from..p.len {
            if i > 0 {
                self.text(",");
            }
            self.value(inside(elem, p.data.wrapping_add(i * step)), child, false, 1)?;
            if self.out.len() > PART_BYTES && i + 1 < p.len {
                return Ok(i as i64 + 1);
            }
        }
        self.text("]");
        Ok(DONE)
    }

    fn list(&mut self, elem: RTypeId, data: *mut u8, len: usize, child: usize, depth: usize) -> Result<(), Stop> {
        let step = self.cx.env.types[elem.0 as usize].elem_bytes;
        self.text("[");
        for i in 0..len {
            if i > 0 {
                self.text(",");
            }
            self.value(inside(elem, data.wrapping_add(i * step)), child, false, depth)?;
        }
        self.text("]");
        Ok(())
    }

    fn value(&mut self, loc: Loc, node: usize, quoted: bool, depth: usize) -> Result<(), Stop> {
        if depth > MAX_DEPTH {
            return Err(Stop::Answer(NOT_PLAIN));
        }
        if self.out.len() > LONG_BYTES {
            return Err(Stop::Answer(TOO_LONG));
        }
        let t = loc.t(self.cx.env);
        match self.at(node)? {
            node::LEAF => self.leaf(loc, quoted),
            node::ELEM => {
                let child = self.at(node + 1)? as usize;
                if t.kind == Kind::Array {
                    let Place::At(p) = loc.place else { return Err(Stop::Answer(NOT_PLAIN)) };
                    return self.list(t.elem, p, t.len as usize, child, depth + 1);
                }
                let word = loc.word(self.cx.env);
                match t.kind {
                    _ if word == 0 => self.text("null"),
                    Kind::Pointer => return self.value(inside(t.elem, word as *mut u8), child, quoted, depth + 1),
                    Kind::Slice => {
                        let p = self.cx.slice_of(word);
                        return self.list(t.elem, p.data, p.len, child, depth + 1);
                    }
                    Kind::Map => return self.map(loc, word, child, depth + 1),
                    _ => return Err(Stop::Answer(NOT_PLAIN)),
                }
                Ok(())
            }
            node::STRUCT => self.structure(loc, node, depth + 1),
            node::BYTES => {
                let word = loc.word(self.cx.env);
                if word == 0 {
                    self.text("null");
                    return Ok(());
                }
                let bytes = self.cx.view_of(word);
                if bytes.len() > LONG_BYTES {
                    return Err(Stop::Answer(TOO_LONG));
                }
                let text = small::base64_text(BASE64, b'='.into(), bytes);
                self.text("\"");
                self.out.extend_from_slice(&text);
                self.text("\"");
                Ok(())
            }
            node::INTERFACE => self.interface(loc, node, quoted, depth + 1),
            _ => Err(Stop::Answer(NOT_PLAIN)),
        }
    }

    fn leaf(&mut self, loc: Loc, quoted: bool) -> Result<(), Stop> {
        let kind = loc.t(self.cx.env).kind;
        let word = loc.word(self.cx.env);
        match kind {
            Kind::String => return self.string(self.cx.str_of(word), quoted),
            Kind::Bool => self.scalar(if word != 0 { "true" } else { "false" }, quoted),
            Kind::Int | Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => {
                let n = word as i64;
                if n < 0 && !quoted {
                    self.text("-");
                    self.digits(n.unsigned_abs());
                } else if quoted {
                    self.scalar(&n.to_string(), true);
                } else {
                    self.digits(n as u64);
                }
            }
            Kind::Float32 | Kind::Float64 => {
                let (f, narrow) = (f64::from_bits(word), kind == Kind::Float32);
                if !f.is_finite() {
                    return Err(Stop::Answer(NOT_PLAIN));
                }
                let a = f.abs();
                let far = match narrow {
                    false => a != 0.0 && !(1e-6..1e21).contains(&a),
                    true => a != 0.0 && !(1e-6..1e21).contains(&(a as f32)),
                };
                let mut text = float_text(f, if far { b'e' } else { b'f' }, -1, narrow);
                let n = text.len();
                if far && n >= 4 && &text[n - 4..n - 1] == "e-0" {
                    text.remove(n - 2);
                }
                self.scalar(&text, quoted);
            }
            Kind::Uint | Kind::Uint8 | Kind::Uint16 | Kind::Uint32 | Kind::Uint64 | Kind::Uintptr => {
                self.scalar(&word.to_string(), quoted);
            }
            _ => return Err(Stop::Answer(NOT_PLAIN)),
        }
        Ok(())
    }

    fn digits(&mut self, mut n: u64) {
        let mut text = [0; 20];
        let mut at = text.len();
        loop {
            at -= 1;
            text[at] = b'0' + (n % 10) as u8;
            n /= 10;
            if n == 0 {
                break;
            }
        }
        self.out.extend_from_slice(&text[at..]);
    }

    fn structure(&mut self, loc: Loc, node: usize, depth: usize) -> Result<(), Stop> {
        let Place::At(base) = loc.place else { return Err(Stop::Answer(NOT_PLAIN)) };
        let mut at = node + 2;
        let mut next = b'{';
        for _ in 0..self.at(node + 1)? {
            let mut field = inside(loc.ty, base);
            let path = self.at(at)? as usize;
            for k in 0..path {
                let index = self.at(at + 1 + k)? as usize;
                let Some(f) = field.t(self.cx.env).fields.get(index) else { return Err(Stop::Answer(NOT_PLAIN)) };
                let Place::At(p) = field.place else { return Err(Stop::Answer(NOT_PLAIN)) };
                field = inside(f.ty, p.wrapping_add(8 * f.offset as usize));
            }
            at += 1 + path;
            let (key, flags, child) = (self.at(at)? as usize, self.at(at + 1)?, self.at(at + 2)? as usize);
            at += 3;
            if flags & node::OMIT_EMPTY != 0 && self.is_empty(&field) {
                continue;
            }
            self.out.push(next);
            next = b',';
            let Some(key) = self.keys.get(key + usize::from(!self.html)) else {
                return Err(Stop::Answer(NOT_PLAIN));
            };
            self.out.extend_from_slice(self.cx.str_of(*key));
            self.value(field, child, flags & node::QUOTED != 0, depth)?;
        }
        if next == b'{' {
            self.out.push(next);
        }
        self.out.push(b'}');
        Ok(())
    }

    fn is_empty(&self, loc: &Loc) -> bool {
        let t = loc.t(self.cx.env);
        match t.kind {
            Kind::Array => t.len == 0,
            Kind::Struct => false,
            Kind::Slice => self.cx.slice_of(loc.word(self.cx.env)).len == 0,
            // SAFETY: a map word.
            Kind::Map => unsafe { map::len(loc.word(self.cx.env) as *const u64) == 0 },
            _ => loc.word(self.cx.env) == 0,
        }
    }

    fn map(&mut self, loc: Loc, word: u64, child: usize, depth: usize) -> Result<(), Stop> {
        let t = loc.t(self.cx.env);
        let Some(Some(mt)) = self.cx.env.map_types.at(loc.ty.0 as usize) else {
            return Err(Stop::Answer(NOT_PLAIN));
        };
        // SAFETY: a map word of this type.
        if unsafe { map::len(word as *const u64) } > LONG_BYTES {
            return Err(Stop::Answer(TOO_LONG));
        }
        // SAFETY: likewise.
        let entries = unsafe { map::entries(word as *const u64, mt.key_words as usize, mt.val_words as usize) };
        let mut list: Vec<_> = entries.iter().map(|(k, v)| (self.cx.str_of(k[0]), v)).collect();
        list.sort_unstable_by_key(|(k, _)| *k);
        let mut next = b'{';
        for (key, words) in list {
            self.out.push(next);
            next = b',';
            self.string(key, false)?;
            self.text(":");
            let place = match words[..] {
                [word] if self.cx.rtype(t.elem).mem.bytes() != 0 => Place::Word(word),
                _ => Place::At(words.as_ptr() as *mut u8),
            };
            self.value(Loc { ty: t.elem, place, flag: 0 }, child, false, depth)?;
        }
        if next == b'{' {
            self.out.push(next);
        }
        self.out.push(b'}');
        Ok(())
    }

    /// What an interface holds: the types that have no name and cannot have methods.
    fn interface(&mut self, loc: Loc, node: usize, quoted: bool, depth: usize) -> Result<(), Stop> {
        let word = loc.word(self.cx.env);
        if word == 0 {
            self.text("null");
            return Ok(());
        }
        let Some(held) = resolve(self.cx.env, (word, 0)) else { return Err(Stop::Answer(NOT_PLAIN)) };
        let t = held.t(self.cx.env);
        let of_any = || {
            let e = self.cx.rtype(t.elem);
            e.kind == Kind::Interface && e.iface_methods.is_empty()
        };
        match t.kind {
            _ if t.named.is_some() => Err(Stop::Answer(NOT_PLAIN)),
            Kind::Slice if of_any() => {
                let word = held.word(self.cx.env);
                if word == 0 {
                    self.text("null");
                    return Ok(());
                }
                let p = self.cx.slice_of(word);
                self.list(t.elem, p.data, p.len, node, depth)
            }
            Kind::Map if of_any() => {
                let key = self.cx.rtype(t.key);
                let word = held.word(self.cx.env);
                match word {
                    _ if key.kind != Kind::String => Err(Stop::Answer(NOT_PLAIN)),
                    0 => {
                        self.text("null");
                        Ok(())
                    }
                    _ => self.map(held, word, node, depth),
                }
            }
            _ => self.leaf(held, quoted),
        }
    }
}

fn inside(ty: RTypeId, at: *mut u8) -> Loc {
    Loc { ty, place: Place::At(at), flag: 0 }
}
