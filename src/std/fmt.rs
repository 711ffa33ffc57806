//! Natives of `fmt`. Formatting walks values by runtime type, in two passes: the first finds the values whose methods
//! (Error, String, GoString, Format) must be called; the gmpl half calls them; the second formats with the texts they
//! gave. When the first pass finds none, its text is the result.
use super::{long, number};
use crate::bytecode::program::{Kind, Mem, RType, RTypeId, iface};
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap, load};
use crate::value::{map, reflect, slice, string};
use std::io::Write as _;

pub const NATIVES: &[NativeEntry] = &[
    ("fmt.format", format),
    ("fmt.printOut", print_out),
    ("fmt.wrapArgs", wrap_args),
    ("fmt.call", call_of_write_error),
    ("fmt.isNilPointer", is_nil_pointer),
    ("fmt.basic", basic),
    ("fmt.assign", assign),
];

/// Which function formats.
const SPRINT: i64 = 0;
const SPRINTLN: i64 = 1;

/// What must be called for a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Method {
    Error = 1,
    String = 2,
    GoString = 3,
    Format = 4,
}

#[derive(Clone, Copy, Default)]
struct Flags {
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%+v`, `%#v`
    plus_v: bool,
    sharp_v: bool,
    width: Option<i64>,
    prec: Option<i64>,
}

struct Call {
    word: u64,
    method: Method,
    verb: u32,
    flags: Flags,
}

/// The texts the methods gave: `(text, write as it is)`.
type Texts = Vec<(Vec<u8>, bool)>;

struct Printer<'a, 'b> {
    cx: &'a mut Cx<'b>,
    out: Vec<u8>,
    f: Flags,
    calls: Vec<Call>,
    texts: Option<Texts>,
    next_text: usize,
    failed: Option<Trap>,
    /// `Errorf`: `%w` is `%v`.
    wrap: bool,
}

/// Arguments of most calls, and words of most arguments.
const FEW_ARGS: usize = 8;
const FEW_WORDS: usize = 4;

/// `format(kind int, f string, a []any, texts []string, raw []bool) (s string, vals []any, infos []int)`
fn format(cx: &mut Cx) -> NativeResult {
    let (kind, f) = (cx.int(0), cx.str(1));
    let n = cx.slice(2).len;
    let (mut few, many);
    let args: &[u64] = if n <= FEW_ARGS {
        few = [0; FEW_ARGS];
        (0..n).for_each(|i| few[i] = cx.slice_word(2, i));
        &few[..n]
    } else {
        many = (0..n).map(|i| cx.slice_word(2, i)).collect::<Vec<u64>>();
        &many
    };
    let texts = if cx.word(3) == 0 {
        None
    } else {
        let n = cx.slice(3).len;
        let raw = cx.slice(4);
        let text = |i: usize| {
            // SAFETY: `raw` has as many bytes as there are texts.
            let is_raw = i < raw.len && unsafe { *raw.data.add(i) != 0 };
            (cx.str_of(cx.slice_word(3, i)).to_vec(), is_raw)
        };
        Some((0..n).map(text).collect())
    };
    let out = cx.side.take_text();
    let mut p =
        Printer { cx, out, f: Flags::default(), calls: Vec::new(), texts, next_text: 0, failed: None, wrap: kind == 3 };
    match kind {
        SPRINT => p.print(args),
        SPRINTLN => p.println(args),
        _ => p.printf(f, args),
    }
    let (out, calls, failed) = (p.out, p.calls, p.failed);
    if let Some(trap) = failed {
        return Err(trap);
    }
    if calls.is_empty() {
        let set = cx.set_str(0, &out);
        cx.side.give_text(out);
        set?;
        cx.set_word(1, 0);
        cx.set_word(2, 0);
        return Ok(Outcome::Done);
    }
    let words: Vec<u64> = calls.iter().map(|c| c.word).collect();
    let mut infos = Vec::new();
    for c in &calls {
        let flag = |on: bool, bit: u64| if on { 1 << bit } else { 0 };
        let f = c.flags;
        let bits = flag(f.minus, 0)
            | flag(f.plus || f.plus_v, 1)
            | flag(f.sharp || f.sharp_v, 2)
            | flag(f.space, 3)
            | flag(f.zero, 4);
        infos.push(c.method as u64 | bits << 8 | (c.verb as u64) << 16);
        infos.push(f.width.unwrap_or(-1) as u64);
        infos.push(f.prec.unwrap_or(-1) as u64);
    }
    cx.set_word(0, 0);
    let vals = cx.new_words(&words, true)?;
    cx.set_word(1, vals);
    let infos = cx.new_words(&infos, false)?;
    cx.set_word(2, infos);
    Ok(Outcome::Done)
}

/// `printOut(s string)`: appends to standard output.
fn print_out(cx: &mut Cx) -> NativeResult {
    let s = cx.str(0);
    let ok = cx.env.host.stdout(s).is_ok();
    cx.set_bool(0, ok);
    Ok(Outcome::Done)
}

/// What `call` is in a program whose values have no methods that printing calls (`vm/prune.rs`): then the only one with such
/// a method is the error of this package itself.
fn call_of_write_error(cx: &mut Cx) -> NativeResult {
    cx.set_str(0, b"write /dev/stdout: error")?;
    cx.set_bool(1, false);
    Ok(Outcome::Done)
}

/// `isNilPointer(v any) bool`
fn is_nil_pointer(cx: &mut Cx) -> NativeResult {
    let w = cx.word(0);
    let t = cx.rtype(cx.iface_type(w));
    let nil = t.kind == Kind::Pointer && w & iface::PAYLOAD == 0;
    cx.set_bool(0, nil);
    Ok(Outcome::Done)
}

/// `basic(arg any) (kind string, pointer bool)`: the kind of scalar or string that a pointer leads to.
fn basic(cx: &mut Cx) -> NativeResult {
    let w = cx.word(0);
    let t = cx.rtype(cx.iface_type(w));
    let pointer = t.kind == Kind::Pointer && w & iface::PAYLOAD != 0;
    let kind = if pointer { cx.rtype(t.elem).kind } else { Kind::Struct };
    let name = match kind {
        Kind::Bool => "bool",
        Kind::Int => "int",
        Kind::Int8 => "int8",
        Kind::Int16 => "int16",
        Kind::Int32 => "int32",
        Kind::Int64 => "int64",
        Kind::Uint => "uint",
        Kind::Uint8 => "uint8",
        Kind::Uint16 => "uint16",
        Kind::Uint32 => "uint32",
        Kind::Uint64 => "uint64",
        Kind::Uintptr => "uintptr",
        Kind::Float32 => "float32",
        Kind::Float64 => "float64",
        Kind::String => "string",
        _ => "",
    };
    cx.set_str(0, name.as_bytes())?;
    cx.set_bool(1, pointer);
    Ok(Outcome::Done)
}

/// `assign(arg any, i int64, f float64, str string)`: stores what fits the scalar or string that a pointer leads to.
fn assign(cx: &mut Cx) -> NativeResult {
    let w = cx.word(0);
    let t = cx.rtype(cx.iface_type(w));
    let addr = (w & iface::PAYLOAD) as *mut u8;
    if t.kind != Kind::Pointer || addr.is_null() {
        return Ok(Outcome::Done);
    }
    let elem = cx.rtype(t.elem);
    let value = match elem.kind {
        Kind::Float32 | Kind::Float64 => cx.word(2),
        Kind::String => cx.word(3),
        Kind::Struct | Kind::Array | Kind::Complex64 | Kind::Complex128 | Kind::Interface => return Ok(Outcome::Done),
        _ => cx.word(1),
    };
    // SAFETY: the interface holds a pointer to a live value of the element type, which is one scalar or string.
    unsafe {
        crate::value::native::overwrite(cx.env, elem, addr);
        crate::value::native::store(elem, addr, &[value])
    };
    Ok(Outcome::Done)
}

/// `wrapArgs(f string, n int) []int`: indices of the operands of `%w`.
fn wrap_args(cx: &mut Cx) -> NativeResult {
    let (f, n) = (cx.str(0), cx.int(1) as usize);
    let mut found = Vec::new();
    let mut parse = Parse { f, i: 0, arg: 0, n, reordered: false };
    while let Some(piece) = parse.next(&mut |_| None) {
        if let Piece::Verb { verb: 0x77, arg: Ok(i), .. } = piece {
            found.push(i as u64);
        }
    }
    found.sort_unstable();
    let w = cx.new_words(&found, false)?;
    cx.set_word(0, w);
    Ok(Outcome::Done)
}

/// What a format string is made of.
enum Piece<'f> {
    Text(&'f [u8]),
    Verb { verb: u32, flags: Flags, arg: Result<usize, &'static str>, star: Vec<&'static str> },
    NoVerb,
}

/// Walks a format string.
struct Parse<'f> {
    f: &'f [u8],
    i: usize,
    arg: usize,
    n: usize,
    reordered: bool,
}

impl<'f> Parse<'f> {
    fn number(&mut self) -> Option<i64> {
        let start = self.i;
        let mut v: i64 = 0;
        while let Some(d) = self.f.get(self.i).filter(|c| c.is_ascii_digit()) {
            if v > 1_000_000 {
                // Too large: the format ends here.
                self.i = self.f.len();
                return None;
            }
            v = v * 10 + (d - b'0') as i64;
            self.i += 1;
        }
        (self.i > start).then_some(v)
    }

    /// `[n]`: `Err` when it is bad.
    fn index(&mut self) -> Result<bool, ()> {
        if self.f.get(self.i) != Some(&b'[') {
            return Ok(false);
        }
        self.reordered = true;
        if self.f.len() - self.i < 3 {
            self.i += 1;
            return Err(());
        }
        let Some(close) = self.f[self.i..].iter().position(|&c| c == b']') else {
            self.i += 1;
            return Err(());
        };
        let end = self.i + close;
        self.i += 1;
        let v = self.number();
        let ok = self.i == end;
        self.i = end + 1;
        match v {
            Some(v) if ok && v >= 1 && v as usize <= self.n => {
                self.arg = v as usize - 1;
                Ok(true)
            }
            _ => Err(()),
        }
    }

    fn next(&mut self, int_arg: &mut dyn FnMut(usize) -> Option<i64>) -> Option<Piece<'f>> {
        if self.i >= self.f.len() {
            return None;
        }
        let rest = &self.f[self.i..];
        let text = memchr::memchr(b'%', rest).unwrap_or(rest.len());
        if text > 0 {
            self.i += text;
            return Some(Piece::Text(&rest[..text]));
        }
        self.i += 1;
        let mut flags = Flags::default();
        let mut star = Vec::new();
        let mut bad_index = false;
        loop {
            match self.f.get(self.i) {
                Some(b'#') => flags.sharp = true,
                Some(b'0') => flags.zero = true,
                Some(b'+') => flags.plus = true,
                Some(b'-') => flags.minus = true,
                Some(b' ') => flags.space = true,
                _ => break,
            }
            self.i += 1;
        }
        let mut after_index = match self.index() {
            Ok(b) => b,
            Err(()) => {
                bad_index = true;
                false
            }
        };
        if self.f.get(self.i) == Some(&b'*') {
            self.i += 1;
            match int_arg(self.arg).filter(|v| v.abs() <= 1_000_000) {
                Some(w) if w < 0 => {
                    flags.minus = true;
                    flags.zero = false;
                    flags.width = Some(-w);
                }
                Some(w) => flags.width = Some(w),
                None => star.push("%!(BADWIDTH)"),
            }
            self.arg += 1;
            after_index = false;
        } else {
            flags.width = self.number();
            if after_index && flags.width.is_some() {
                bad_index = true;
            }
        }
        if self.f.get(self.i) == Some(&b'.') {
            self.i += 1;
            if after_index {
                bad_index = true;
            }
            match self.index() {
                Ok(b) => after_index = b,
                Err(()) => bad_index = true,
            }
            if self.f.get(self.i) == Some(&b'*') {
                self.i += 1;
                match int_arg(self.arg).filter(|v| v.abs() <= 1_000_000) {
                    Some(p) if p >= 0 => flags.prec = Some(p),
                    Some(_) => star.push("%!(BADPREC)"),
                    None => star.push("%!(BADPREC)"),
                }
                self.arg += 1;
                after_index = false;
            } else {
                flags.prec = Some(self.number().unwrap_or(0));
            }
        }
        if !after_index {
            match self.index() {
                Ok(_) => {}
                Err(()) => bad_index = true,
            }
        }
        if self.i >= self.f.len() {
            return Some(Piece::NoVerb);
        }
        let (verb, width) = string::decode_rune(&self.f[self.i..]);
        self.i += width;
        if verb == b'%' as u32 {
            return Some(Piece::Text(b"%"));
        }
        let arg = if bad_index {
            Err("(BADINDEX)")
        } else if self.arg >= self.n {
            Err("(MISSING)")
        } else {
            self.arg += 1;
            Ok(self.arg - 1)
        };
        Some(Piece::Verb { verb, flags, arg, star })
    }
}

impl Printer<'_, '_> {
    fn print(&mut self, args: &[u64]) {
        let mut was_string = false;
        for (i, &a) in args.iter().enumerate() {
            let is_string = a != 0 && self.kind(a) == Kind::String;
            if i > 0 && !is_string && !was_string {
                self.out.push(b' ');
            }
            self.arg(a, b'v' as u32);
            was_string = is_string;
        }
    }

    fn println(&mut self, args: &[u64]) {
        for (i, &a) in args.iter().enumerate() {
            if i > 0 {
                self.out.push(b' ');
            }
            self.arg(a, b'v' as u32);
        }
        self.out.push(b'\n');
    }

    fn printf(&mut self, f: &[u8], args: &[u64]) {
        let types = &self.cx.env.program.types;
        let mut int_arg = |i: usize| {
            let w = *args.get(i)?;
            match types[iface::type_of(w) as usize].kind {
                // SAFETY: the word names its own type.
                Kind::Int | Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => {
                    Some(unsafe { crate::value::iface::as_int(w) })
                }
                Kind::Uint | Kind::Uint8 | Kind::Uint16 | Kind::Uint32 | Kind::Uint64 | Kind::Uintptr => {
                    i64::try_from(unsafe { crate::value::iface::as_uint(w) }).ok()
                }
                _ => None,
            }
        };
        let mut parse = Parse { f, i: 0, arg: 0, n: args.len(), reordered: false };
        while let Some(piece) = parse.next(&mut int_arg) {
            match piece {
                Piece::Text(t) => self.out.extend_from_slice(t),
                Piece::NoVerb => self.out.extend_from_slice(b"%!(NOVERB)"),
                Piece::Verb { verb, flags, arg, star } => {
                    star.iter().for_each(|s| self.out.extend_from_slice(s.as_bytes()));
                    self.f = flags;
                    match arg {
                        Err(what) => {
                            self.out.extend_from_slice(b"%!");
                            string::encode_rune(verb as i64, &mut self.out);
                            self.out.extend_from_slice(what.as_bytes());
                        }
                        Ok(i) => {
                            let mut verb = verb;
                            if verb == b'w' as u32 && self.wrap && self.is_error(args[i]) {
                                verb = b'v' as u32;
                            }
                            if verb == b'v' as u32 {
                                if self.f.sharp {
                                    self.f.sharp = false;
                                    self.f.sharp_v = true;
                                }
                                if self.f.plus {
                                    self.f.plus = false;
                                    self.f.plus_v = true;
                                }
                            }
                            self.arg(args[i], verb);
                        }
                    }
                }
            }
        }
        self.f = Flags::default();
        if !parse.reordered && parse.arg < args.len() {
            self.out.extend_from_slice(b"%!(EXTRA ");
            for (k, &a) in args[parse.arg..].iter().enumerate() {
                if k > 0 {
                    self.out.extend_from_slice(b", ");
                }
                if a == 0 {
                    self.out.extend_from_slice(b"<nil>");
                } else {
                    let name = self.cx.rtype(self.cx.iface_type(a)).name.clone();
                    self.out.extend_from_slice(name.as_bytes());
                    self.out.push(b'=');
                    self.arg(a, b'v' as u32);
                }
            }
            self.out.push(b')');
        }
    }

    fn is_error(&self, word: u64) -> bool {
        word != 0 && self.has_method(self.cx.rtype(self.cx.iface_type(word)), "Error", "func() string")
    }

    fn kind(&self, word: u64) -> Kind {
        self.cx.rtype(self.cx.iface_type(word)).kind
    }

    /// One operand.
    fn arg(&mut self, word: u64, verb: u32) {
        let v = char::from_u32(verb).unwrap_or('\0');
        if word == 0 {
            match v {
                'T' | 'v' => self.pad(b"<nil>"),
                _ => self.bad_verb(verb, None),
            }
            return;
        }
        let ty = self.cx.iface_type(word);
        if v == 'T' {
            let name = self.cx.rtype(ty).name.clone();
            self.fmt_s(name.as_bytes(), 's');
            return;
        }
        let (mut few, many);
        let t = self.cx.rtype(ty);
        let value: &[u64] = if t.words as usize <= FEW_WORDS {
            few = [0; FEW_WORDS];
            self.cx.unbox_into(word, &mut few);
            &few[..t.words.max(1) as usize]
        } else {
            many = self.cx.unbox(word);
            &many
        };
        if v == 'p' {
            self.fmt_pointer(t, value, verb);
            return;
        }
        if let &[inner, flag] = value
            && t.named.as_ref().is_some_and(|n| n.0 == "Value" && n.1 == "reflect")
            && flag & (reflect::METHOD | reflect::MADE) == 0
        {
            return self.held(reflect::resolve(self.cx.env, (inner, flag)), verb);
        }
        if self.methods(word, t, verb) {
            return;
        }
        self.value(ty, value, verb, 0, true);
    }

    /// What a `reflect.Value` holds is formatted in its place.
    fn held(&mut self, loc: Option<reflect::Loc>, verb: u32) {
        let Some(loc) = loc else {
            return self.out.extend_from_slice(b"<invalid reflect.Value>");
        };
        let (t, v) = (self.cx.rtype(loc.ty), loc.words(self.cx.env));
        let own = loc.flag & reflect::ANY_READ_ONLY == 0;
        if own && !t.methods.is_empty() {
            match self.cx.box_value(loc.ty, &v) {
                Ok(word) if self.methods(word, t, verb) => return,
                Ok(_) => {}
                Err(trap) => {
                    self.failed = Some(trap);
                    return;
                }
            }
        }
        self.value(loc.ty, &v, verb, 0, own);
    }

    /// Whether the type has a method `name` of this signature.
    fn has_method(&self, t: &RType, name: &str, sig: &str) -> bool {
        let program = &self.cx.env.program;
        t.methods.iter().any(|m| {
            let method = &program.methods[m.id.0 as usize];
            method.name == name && method.sig == sig
        })
    }

    /// Has the value's own method format it, if there is one.
    fn methods(&mut self, word: u64, t: &RType, verb: u32) -> bool {
        if t.methods.is_empty() {
            return false;
        }
        let v = char::from_u32(verb).unwrap_or('\0');
        let method = if self.has_method(t, "Format", "func(fmt.State, int32)") {
            Some(Method::Format)
        } else if self.f.sharp_v {
            self.has_method(t, "GoString", "func() string").then_some(Method::GoString)
        } else if matches!(v, 'v' | 's' | 'x' | 'X' | 'q') {
            if self.has_method(t, "Error", "func() string") {
                Some(Method::Error)
            } else if self.has_method(t, "String", "func() string") {
                Some(Method::String)
            } else {
                None
            }
        } else {
            None
        };
        let Some(method) = method else { return false };
        match &self.texts {
            None => self.calls.push(Call { word, method, verb, flags: self.f }),
            Some(texts) => {
                let (text, raw) = texts.get(self.next_text).cloned().unwrap_or_default();
                self.next_text += 1;
                if raw {
                    self.out.extend_from_slice(&text);
                } else if method == Method::GoString {
                    self.fmt_s(&text, 's');
                } else {
                    self.fmt_string(&text, verb);
                }
            }
        }
        true
    }

    fn bad_verb(&mut self, verb: u32, value: Option<(RTypeId, &[u64])>) {
        self.out.extend_from_slice(b"%!");
        string::encode_rune(verb as i64, &mut self.out);
        self.out.push(b'(');
        match value {
            Some((ty, v)) => {
                let name = self.cx.rtype(ty).name.clone();
                self.out.extend_from_slice(name.as_bytes());
                self.out.push(b'=');
                let v = v.to_vec();
                self.value(ty, &v, b'v' as u32, 0, false);
            }
            None => self.out.extend_from_slice(b"<nil>"),
        }
        self.out.push(b')');
    }

    /// Prints a value in register words. `own`: it may be handed to its methods.
    fn value(&mut self, ty: RTypeId, v: &[u64], verb: u32, depth: u32, own: bool) {
        if self.failed.is_some() {
            return;
        }
        let t = self.cx.rtype(ty);
        if depth > 0 && own && !t.methods.is_empty() {
            match self.cx.box_value(ty, v) {
                Ok(word) => {
                    if self.methods(word, t, verb) {
                        return;
                    }
                }
                Err(trap) => {
                    self.failed = Some(trap);
                    return;
                }
            }
        }
        if depth > 400 {
            self.out.extend_from_slice(b"...");
            return;
        }
        let c = char::from_u32(verb).unwrap_or('\0');
        match t.kind {
            Kind::Bool => match c {
                't' | 'v' => self.pad(if v[0] != 0 { b"true" } else { b"false" }),
                _ => self.bad_verb(verb, Some((ty, v))),
            },
            Kind::Int | Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => {
                self.fmt_integer(ty, v, v[0], true, verb)
            }
            Kind::Uint | Kind::Uint8 | Kind::Uint16 | Kind::Uint32 | Kind::Uint64 | Kind::Uintptr => {
                self.fmt_integer(ty, v, v[0], false, verb)
            }
            Kind::Float32 => self.fmt_float_verb(ty, v, f64::from_bits(v[0]), true, verb),
            Kind::Float64 => self.fmt_float_verb(ty, v, f64::from_bits(v[0]), false, verb),
            Kind::Complex64 => {
                let (re, im) = (f32::from_bits(v[0] as u32) as f64, f32::from_bits((v[0] >> 32) as u32) as f64);
                self.fmt_complex(ty, v, re, im, true, verb);
            }
            Kind::Complex128 => {
                let (re, im) = (f64::from_bits(v[0]), f64::from_bits(v[1]));
                self.fmt_complex(ty, v, re, im, false, verb);
            }
            Kind::String => {
                let s = self.cx.str_of(v[0]);
                if matches!(c, 'v' | 's' | 'x' | 'X' | 'q') {
                    self.fmt_string(s, verb)
                } else {
                    self.bad_verb(verb, Some((ty, v)))
                }
            }
            Kind::Map => self.fmt_map(t, v[0], verb, depth, own),
            Kind::Struct => {
                if self.f.sharp_v {
                    self.out.extend_from_slice(t.name.as_bytes());
                }
                self.out.push(b'{');
                for (i, f) in t.fields.iter().enumerate() {
                    if i > 0 {
                        self.out.extend_from_slice(if self.f.sharp_v { b", " } else { b" " });
                    }
                    if self.f.plus_v || self.f.sharp_v {
                        self.out.extend_from_slice(f.name.as_bytes());
                        self.out.push(b':');
                    }
                    let ft = self.cx.rtype(f.ty);
                    let mut words = vec![0; ft.words.max(1) as usize];
                    if (f.offset as usize) < v.len() {
                        // SAFETY: the field lies within the struct's words.
                        unsafe { load(ft, v.as_ptr().add(f.offset as usize) as *const u8, &mut words) };
                    }
                    self.field(f.ty, &words, verb, depth + 1, own && f.exported);
                }
                self.out.push(b'}');
            }
            Kind::Interface => {
                if v[0] == 0 {
                    if self.f.sharp_v {
                        self.out.extend_from_slice(t.name.as_bytes());
                        self.out.extend_from_slice(b"(nil)");
                    } else {
                        self.out.extend_from_slice(b"<nil>");
                    }
                } else {
                    let inner = self.cx.iface_type(v[0]);
                    let words = self.cx.unbox(v[0]);
                    self.value(inner, &words, verb, depth + 1, own);
                }
            }
            Kind::Slice | Kind::Array => self.fmt_list(t, v, verb, depth, own),
            Kind::Pointer => {
                if depth == 0 && v[0] != 0 {
                    let elem = self.cx.rtype(t.elem);
                    if matches!(elem.kind, Kind::Array | Kind::Slice | Kind::Struct | Kind::Map) {
                        let mut words = vec![0; elem.words.max(1) as usize];
                        if elem.words > 0 {
                            // SAFETY: the pointer leads to a live value of its element type.
                            unsafe { load(elem, v[0] as *const u8, &mut words) };
                        }
                        self.out.push(b'&');
                        self.value(t.elem, &words, verb, depth + 1, own);
                        return;
                    }
                }
                self.fmt_pointer(t, v, verb);
            }
            Kind::Chan | Kind::Func | Kind::UnsafePointer => self.fmt_pointer(t, v, verb),
            Kind::Invalid => self.out.extend_from_slice(b"<invalid reflect.Value>"),
        }
    }

    /// A struct field: an interface in it is looked into.
    fn field(&mut self, ty: RTypeId, v: &[u64], verb: u32, depth: u32, own: bool) {
        let t = self.cx.rtype(ty);
        if t.kind == Kind::Interface && v[0] != 0 {
            let inner = self.cx.iface_type(v[0]);
            let words = self.cx.unbox(v[0]);
            self.value(inner, &words, verb, depth, own);
        } else {
            self.value(ty, v, verb, depth, own);
        }
    }

    fn elements(&self, t: &RType, v: &[u64]) -> (*const u8, usize, usize) {
        let elem = self.cx.rtype(t.elem);
        let step = if elem.mem == Mem::N { elem.words as usize * 8 } else { elem.mem.bytes() as usize };
        if t.kind == Kind::Array {
            (v.as_ptr() as *const u8, t.len as usize, step)
        } else {
            // SAFETY: a slice word.
            let p = unsafe { slice::parts(v[0]) };
            self.cx.will_look_at(p.len * step);
            (p.data, p.len, step)
        }
    }

    fn fmt_list(&mut self, t: &RType, v: &[u64], verb: u32, depth: u32, own: bool) {
        let c = char::from_u32(verb).unwrap_or('\0');
        let elem = self.cx.rtype(t.elem);
        let (data, len, step) = self.elements(t, v);
        if elem.kind == Kind::Uint8 && matches!(c, 's' | 'q' | 'x' | 'X') {
            // SAFETY: `len` packed bytes.
            let bytes: Vec<u8> = (0..len).map(|i| unsafe { *data.add(i) }).collect();
            self.fmt_string(&bytes, verb);
            return;
        }
        let sharp = self.f.sharp_v;
        if sharp {
            let bytes = depth == 0 && t.named.is_none() && t.name == "[]uint8";
            self.out.extend_from_slice(if bytes { b"[]byte" } else { t.name.as_bytes() });
            if t.kind == Kind::Slice && v[0] == 0 {
                self.out.extend_from_slice(b"(nil)");
                return;
            }
            self.out.push(b'{');
        } else {
            if c == 'p' && t.kind == Kind::Slice {
                self.fmt_pointer(t, v, verb);
                return;
            }
            self.out.push(b'[');
        }
        let mut words = vec![0; elem.words.max(1) as usize];
        for i in 0..len {
            if i > 0 {
                self.out.extend_from_slice(if sharp { b", " } else { b" " });
            }
            words.fill(0);
            if step > 0 {
                // SAFETY: element i of the list.
                unsafe { load(elem, data.add(i * step), &mut words) };
            }
            if sharp && elem.kind == Kind::Uint8 && depth == 0 && elem.named.is_none() {
                let text = format!("{:#x}", words[0]);
                self.out.extend_from_slice(text.as_bytes());
                continue;
            }
            self.field(t.elem, &words, verb, depth + 1, own);
        }
        self.out.push(if sharp { b'}' } else { b']' });
    }

    fn fmt_map(&mut self, t: &RType, m: u64, verb: u32, depth: u32, own: bool) {
        let sharp = self.f.sharp_v;
        if sharp {
            self.out.extend_from_slice(t.name.as_bytes());
            if m == 0 {
                self.out.extend_from_slice(b"(nil)");
                return;
            }
            self.out.push(b'{');
        } else {
            self.out.extend_from_slice(b"map[");
        }
        let (kt, vt) = (self.cx.rtype(t.key), self.cx.rtype(t.elem));
        // SAFETY: a map word of this type.
        let mut entries = unsafe { map::entries(m as *const u64, kt.words as usize, vt.words as usize) };
        let cx = &*self.cx;
        entries.sort_by(|a, b| compare_keys(cx, t.key, &a.0, &b.0));
        for (i, (key, value)) in entries.iter().enumerate() {
            if i > 0 {
                self.out.extend_from_slice(if sharp { b", " } else { b" " });
            }
            self.field(t.key, key, verb, depth + 1, own);
            self.out.push(b':');
            self.field(t.elem, value, verb, depth + 1, own);
        }
        self.out.push(if sharp { b'}' } else { b']' });
    }

    fn fmt_pointer(&mut self, t: &RType, v: &[u64], verb: u32) {
        let u = match t.kind {
            // SAFETY: a slice word.
            Kind::Slice => unsafe { slice::parts(v[0]).data as u64 },
            Kind::Pointer | Kind::Chan | Kind::Func | Kind::Map | Kind::UnsafePointer => v[0],
            _ => {
                let ty = self.cx.env.program.types.iter().position(|x| std::ptr::eq(x, t)).unwrap_or(0);
                self.bad_verb(verb, Some((RTypeId(ty as u32), v)));
                return;
            }
        };
        match char::from_u32(verb).unwrap_or('\0') {
            'v' => {
                if self.f.sharp_v {
                    self.out.push(b'(');
                    self.out.extend_from_slice(t.name.as_bytes());
                    self.out.extend_from_slice(b")(");
                    if u == 0 {
                        self.out.extend_from_slice(b"nil");
                    } else {
                        self.out.extend_from_slice(format!("{u:#x}").as_bytes());
                    }
                    self.out.push(b')');
                } else if u == 0 {
                    self.pad(b"<nil>");
                } else {
                    let sharp = self.f.sharp;
                    self.f.sharp = !sharp;
                    self.fmt_int(u, false, 16, 'v', false);
                    self.f.sharp = sharp;
                }
            }
            'p' => {
                let sharp = self.f.sharp;
                self.f.sharp = !sharp;
                self.fmt_int(u, false, 16, 'x', false);
                self.f.sharp = sharp;
            }
            'b' => self.fmt_int(u, false, 2, 'b', false),
            'o' => self.fmt_int(u, false, 8, 'o', false),
            'd' => self.fmt_int(u, false, 10, 'd', false),
            'x' => self.fmt_int(u, false, 16, 'x', false),
            'X' => self.fmt_int(u, false, 16, 'X', true),
            _ => {
                let ty = self.cx.env.program.types.iter().position(|x| std::ptr::eq(x, t)).unwrap_or(0);
                self.bad_verb(verb, Some((RTypeId(ty as u32), v)));
            }
        }
    }

    fn fmt_integer(&mut self, ty: RTypeId, v: &[u64], u: u64, signed: bool, verb: u32) {
        match char::from_u32(verb).unwrap_or('\0') {
            'v' => {
                if self.f.sharp_v && !signed {
                    let sharp = std::mem::replace(&mut self.f.sharp, true);
                    self.fmt_int(u, false, 16, 'v', false);
                    self.f.sharp = sharp;
                } else {
                    self.fmt_int(u, signed, 10, 'v', false);
                }
            }
            'd' => self.fmt_int(u, signed, 10, 'd', false),
            'b' => self.fmt_int(u, signed, 2, 'b', false),
            'o' | 'O' => self.fmt_int(u, signed, 8, if verb == b'O' as u32 { 'O' } else { 'o' }, false),
            'x' => self.fmt_int(u, signed, 16, 'x', false),
            'X' => self.fmt_int(u, signed, 16, 'X', true),
            'c' => {
                let mut out = Vec::new();
                let r = if signed || u <= i64::MAX as u64 { u as i64 } else { -1 };
                string::encode_rune(r, &mut out);
                self.pad(&out);
            }
            'q' => {
                let r = u32::try_from(u).ok().filter(|r| char::from_u32(*r).is_some()).unwrap_or(0xFFFD);
                let mut out = vec![b'\''];
                number::quote_rune_into(r, b'\'', self.f.plus, &mut out);
                out.push(b'\'');
                self.pad(&out);
            }
            'U' => self.fmt_unicode(u),
            _ => self.bad_verb(verb, Some((ty, v))),
        }
    }

    fn fmt_unicode(&mut self, u: u64) {
        let prec = self.f.prec.unwrap_or(4).max(4) as usize;
        let digits = format!("{u:X}");
        let mut out = b"U+".to_vec();
        out.extend(std::iter::repeat_n(b'0', prec.saturating_sub(digits.len())));
        out.extend_from_slice(digits.as_bytes());
        if self.f.sharp
            && let Some(c) = u32::try_from(u).ok().and_then(char::from_u32)
            && number::is_print(c)
        {
            out.extend_from_slice(b" '");
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            out.push(b'\'');
        }
        let zero = std::mem::replace(&mut self.f.zero, false);
        self.pad(&out);
        self.f.zero = zero;
    }

    fn fmt_int(&mut self, u: u64, signed: bool, base: u32, verb: char, upper: bool) {
        let negative = signed && (u as i64) < 0;
        let magnitude = if negative { (u as i64).unsigned_abs() } else { u };
        let f = &self.f;
        if base == 10 && !(f.plus | f.space | f.zero) && f.width.is_none() && f.prec.is_none() {
            let sign = if negative { "-" } else { "" };
            let _ = write!(self.out, "{sign}{magnitude}");
            return;
        }
        let mut digits = match base {
            2 => format!("{magnitude:b}"),
            8 => format!("{magnitude:o}"),
            16 if upper => format!("{magnitude:X}"),
            16 => format!("{magnitude:x}"),
            _ => magnitude.to_string(),
        };
        let mut prec = 0;
        if let Some(p) = self.f.prec {
            prec = p as usize;
            if p == 0 && magnitude == 0 {
                let zero = std::mem::replace(&mut self.f.zero, false);
                self.pad_spaces(self.f.width.unwrap_or(0) as usize);
                self.f.zero = zero;
                return;
            }
        } else if self.f.zero
            && !self.f.minus
            && let Some(w) = self.f.width
        {
            prec = w as usize;
            if negative || self.f.plus || self.f.space {
                prec = prec.saturating_sub(1);
            }
        }
        while digits.len() < prec {
            let add = prec - digits.len();
            digits = "0".repeat(add) + &digits;
        }
        let mut out = String::new();
        if negative {
            out.push('-');
        } else if self.f.plus {
            out.push('+');
        } else if self.f.space {
            out.push(' ');
        }
        if self.f.sharp {
            match base {
                2 => out.push_str("0b"),
                8 if !digits.starts_with('0') => out.push('0'),
                16 => out.push_str(if upper { "0X" } else { "0x" }),
                _ => {}
            }
        }
        if verb == 'O' {
            out.push_str("0o");
        }
        out.push_str(&digits);
        let zero = std::mem::replace(&mut self.f.zero, false);
        self.pad(out.as_bytes());
        self.f.zero = zero;
    }

    fn fmt_float_verb(&mut self, ty: RTypeId, v: &[u64], x: f64, bits32: bool, verb: u32) {
        match char::from_u32(verb).unwrap_or('\0') {
            'v' => self.fmt_float(x, bits32, b'g', -1),
            c @ ('b' | 'g' | 'G' | 'x' | 'X') => {
                let prec = self.f.prec.unwrap_or(-1) as i32;
                self.fmt_float(x, bits32, c as u8, prec)
            }
            c @ ('f' | 'e' | 'E') => self.fmt_float(x, bits32, c as u8, 6),
            'F' => self.fmt_float(x, bits32, b'f', 6),
            _ => self.bad_verb(verb, Some((ty, v))),
        }
    }

    fn fmt_float(&mut self, x: f64, bits32: bool, verb: u8, default_prec: i32) {
        let text = self.float_body(x, bits32, verb, default_prec);
        let (sign, digits) = text.split_at(1);
        if digits == "Inf" || digits == "NaN" {
            let zero = std::mem::replace(&mut self.f.zero, false);
            let bare = digits == "NaN" && !self.f.space && !self.f.plus;
            self.pad(if bare { digits.as_bytes() } else { text.as_bytes() });
            self.f.zero = zero;
            return;
        }
        // A sign in front of padding with zeros.
        let show_sign = self.f.plus || sign != "+";
        if show_sign
            && self.f.zero
            && !self.f.minus
            && let Some(w) = self.f.width
            && w as usize > text.len()
        {
            self.out.extend_from_slice(sign.as_bytes());
            let width = self.f.width.replace(w - 1);
            self.pad(digits.as_bytes());
            self.f.width = width;
            return;
        }
        self.pad(if show_sign { text.as_bytes() } else { digits.as_bytes() });
    }

    /// The number with a sign (or space) always in front.
    fn float_body(&mut self, x: f64, bits32: bool, verb: u8, default_prec: i32) -> String {
        let prec = self.f.prec.map_or(default_prec, |p| p as i32);
        let mut text = number::float_text(x, verb, prec, bits32);
        if !text.starts_with(['-', '+']) {
            text.insert(0, '+');
        }
        if self.f.space && text.starts_with('+') && !self.f.plus {
            text.replace_range(0..1, " ");
        }
        if x.is_infinite() || x.is_nan() {
            return text;
        }
        if self.f.sharp && verb != b'b' {
            text = self.sharp_float(text, verb, prec);
        }
        text
    }

    /// `%#g` and friends keep the point and trailing zeros.
    fn sharp_float(&self, text: String, verb: u8, prec: i32) -> String {
        let mut digits = match verb {
            b'v' | b'g' | b'G' => {
                if prec == -1 {
                    6
                } else {
                    prec
                }
            }
            b'x' | b'X' => {
                if prec == -1 {
                    6
                } else {
                    prec
                }
            }
            _ => 0,
        };
        let (head, tail) = match text.find(['e', 'E', 'p']) {
            Some(i) if !matches!(verb, b'x' | b'X') || text.as_bytes()[i] == b'p' => text.split_at(i),
            _ => (text.as_str(), ""),
        };
        let mut out = String::new();
        let mut saw_dot = false;
        let mut saw_nonzero = false;
        for (i, c) in head.char_indices() {
            out.push(c);
            if i == 0 {
                continue;
            }
            if c == '.' {
                saw_dot = true;
            } else {
                saw_nonzero |= c != '0';
                if saw_nonzero {
                    digits -= 1;
                }
            }
        }
        if !saw_dot {
            if head.len() == 2 && head.ends_with('0') {
                digits -= 1;
            }
            out.push('.');
        }
        if matches!(verb, b'g' | b'G' | b'x' | b'X' | b'v') {
            while digits > 0 {
                out.push('0');
                digits -= 1;
            }
        }
        out + tail
    }

    fn fmt_complex(&mut self, ty: RTypeId, v: &[u64], re: f64, im: f64, bits32: bool, verb: u32) {
        let c = char::from_u32(verb).unwrap_or('\0');
        if !matches!(c, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            self.bad_verb(verb, Some((ty, v)));
            return;
        }
        let plus = self.f.plus;
        self.out.push(b'(');
        self.fmt_float_verb(ty, v, re, bits32, verb);
        self.f.plus = true;
        self.fmt_float_verb(ty, v, im, bits32, verb);
        self.f.plus = plus;
        self.out.extend_from_slice(b"i)");
    }

    fn fmt_string(&mut self, s: &[u8], verb: u32) {
        match char::from_u32(verb).unwrap_or('\0') {
            'v' if self.f.sharp_v => self.fmt_q(s),
            'v' | 's' => self.fmt_s(s, 's'),
            'q' => self.fmt_q(s),
            'x' => self.fmt_hex(s, false),
            'X' => self.fmt_hex(s, true),
            _ => self.fmt_s(s, 's'),
        }
    }

    fn fmt_s(&mut self, s: &[u8], _: char) {
        let s = self.truncate(s);
        self.pad(s);
    }

    fn truncate<'s>(&self, s: &'s [u8]) -> &'s [u8] {
        let Some(mut n) = self.f.prec else { return s };
        let mut i = 0;
        while i < s.len() {
            if n == 0 {
                return &s[..i];
            }
            n -= 1;
            i += string::decode_rune(&s[i..]).1;
        }
        s
    }

    fn fmt_q(&mut self, s: &[u8]) {
        let s = self.truncate(s);
        let plain = |s: &[u8]| {
            std::str::from_utf8(s).is_ok_and(|t| {
                t.chars().all(|c| c != '`' && c != '\u{FEFF}' && c != '\u{7F}' && (c >= ' ' || c == '\t'))
            })
        };
        if self.f.sharp && plain(s) {
            let mut out = vec![b'`'];
            out.extend_from_slice(s);
            out.push(b'`');
            self.pad(&out);
            return;
        }
        let most = long::most(self.cx);
        let mut out = self.begin_text();
        let fits = number::quote(s, b'"', self.f.plus, most, &mut out);
        self.end_text(out, fits);
    }

    fn fmt_hex(&mut self, s: &[u8], upper: bool) {
        let n = self.f.prec.map_or(s.len(), |p| s.len().min(p as usize));
        let most = long::most(self.cx);
        let each = 2 + usize::from(self.f.space) * (1 + 2 * usize::from(self.f.sharp));
        if n.saturating_mul(each) > most {
            self.failed = Some(Trap::OutOfMemory);
            return;
        }
        let mut out = self.begin_text();
        out.reserve(n * each);
        let (prefix, digits) = if upper { (b"0X", b"0123456789ABCDEF") } else { (b"0x", b"0123456789abcdef") };
        for (i, b) in s[..n].iter().enumerate() {
            if self.f.space && i > 0 {
                out.push(b' ');
            }
            if self.f.sharp && (self.f.space || i == 0) {
                out.extend_from_slice(prefix);
            }
            out.extend_from_slice(&[digits[*b as usize >> 4], digits[*b as usize & 15]]);
        }
        self.end_text(out, true);
    }

    /// Where a text is made that may be long: behind what there is, unless it is to be padded.
    fn begin_text(&mut self) -> Vec<u8> {
        if self.f.width.is_some() { Vec::new() } else { std::mem::take(&mut self.out) }
    }

    fn end_text(&mut self, text: Vec<u8>, fits: bool) {
        if !fits {
            self.failed = Some(Trap::OutOfMemory);
        }
        if self.f.width.is_some() {
            self.pad(&text);
        } else {
            self.out = text;
        }
    }

    fn pad_spaces(&mut self, n: usize) {
        self.out.resize(self.out.len() + n, b' ');
    }

    fn pad(&mut self, s: &[u8]) {
        let Some(width) = self.f.width.filter(|w| *w > 0) else {
            self.out.extend_from_slice(s);
            return;
        };
        let len = rune_count(s);
        let n = (width as usize).saturating_sub(len);
        if self.f.minus {
            self.out.extend_from_slice(s);
            self.pad_spaces(n);
        } else {
            let fill = if self.f.zero { b'0' } else { b' ' };
            self.out.resize(self.out.len() + n, fill);
            self.out.extend_from_slice(s);
        }
    }
}

fn rune_count(s: &[u8]) -> usize {
    let (mut n, mut i) = (0, 0);
    while i < s.len() {
        i += string::decode_rune(&s[i..]).1;
        n += 1;
    }
    n
}

/// The order in which fmt prints map keys.
fn compare_keys(cx: &Cx, ty: RTypeId, a: &[u64], b: &[u64]) -> std::cmp::Ordering {
    use std::cmp::Ordering::*;
    let t = cx.rtype(ty);
    let float = |x: f64, y: f64| match (x.is_nan(), y.is_nan()) {
        (true, true) => Equal,
        (true, false) => Less,
        (false, true) => Greater,
        _ => x.partial_cmp(&y).unwrap_or(Equal),
    };
    match t.kind {
        Kind::Int | Kind::Int8 | Kind::Int16 | Kind::Int32 | Kind::Int64 => (a[0] as i64).cmp(&(b[0] as i64)),
        Kind::String => cx.str_of(a[0]).cmp(cx.str_of(b[0])),
        Kind::Float32 | Kind::Float64 => float(f64::from_bits(a[0]), f64::from_bits(b[0])),
        Kind::Complex128 => {
            float(f64::from_bits(a[0]), f64::from_bits(b[0])).then(float(f64::from_bits(a[1]), f64::from_bits(b[1])))
        }
        Kind::Struct => {
            for f in &t.fields {
                let ft = cx.rtype(f.ty);
                let get = |v: &[u64]| {
                    let mut w = vec![0; ft.words.max(1) as usize];
                    // SAFETY: the field lies within the struct's words.
                    unsafe { load(ft, v.as_ptr().add(f.offset as usize) as *const u8, &mut w) };
                    w
                };
                let order = compare_keys(cx, f.ty, &get(a), &get(b));
                if order != Equal {
                    return order;
                }
            }
            Equal
        }
        Kind::Array => {
            let elem = cx.rtype(t.elem);
            let step = if elem.mem == Mem::N { elem.words as usize * 8 } else { elem.mem.bytes() as usize };
            for i in 0..t.len as usize {
                let get = |v: &[u64]| {
                    let mut w = vec![0; elem.words.max(1) as usize];
                    // SAFETY: the element lies within the array's words.
                    unsafe { load(elem, (v.as_ptr() as *const u8).add(i * step), &mut w) };
                    w
                };
                let order = compare_keys(cx, t.elem, &get(a), &get(b));
                if order != Equal {
                    return order;
                }
            }
            Equal
        }
        Kind::Interface => {
            if a[0] == 0 || b[0] == 0 {
                return (a[0] != 0).cmp(&(b[0] != 0));
            }
            let (ta, tb) = (cx.iface_type(a[0]), cx.iface_type(b[0]));
            if ta != tb {
                return ta.0.cmp(&tb.0);
            }
            compare_keys(cx, ta, &cx.unbox(a[0]), &cx.unbox(b[0]))
        }
        _ => a[0].cmp(&b[0]),
    }
}
