//! A compiled program: what `compile` makes and the run wing reads. Plain data, shared by no one while it is made and
//! never changed afterwards.
//!
//! # Slots and words
//! A register (*slot*) and a word of memory are 64 bits. A value of a type occupies `RType::words` consecutive slots
//! in a frame, and the same words in memory (struct fields, boxes, map entries, channel buffers, globals): copying
//! is word by word.
//! - Scalars: one word. A scalar *register* holds the 64-bit extension of its value (sign or zero; `bool` 0 or 1;
//!   `float32` is held as the `f64` of the same value).
//! - A word of *memory*, and a word of a struct or array value that lies in a frame, holds a scalar at its own
//!   width in the low bytes (`float32` as its 4 bytes, `complex64` as two of them); the bytes above are undefined. It is
//!   read with the `Ld`/`Ext` op and written with the `St` op (or `Mov`, `NarrowF32`) of its `Mem` kind.
//! - Arrays of scalars (also the backing store of slices) are packed at the element's own width and padded to a whole
//!   word; other arrays are the sum of their elements.
//! - `string`: one word, 0 for "" or the address of a string object `{data pointer, length}`.
//! - slice: one word, 0 for nil or the address of a header object `{data pointer, length, capacity | OWNED}`.
//! - pointer (may point inside an object), map, chan, func (address of a closure object): one word, 0 is nil.
//! - interface: one word, see [`iface`].
//! - `complex128`: two words (real, imaginary as f64 bits); `complex64`: one word.
//!
//! # Slice headers
//! A header never changes, with one exception: a header whose OWNED mark is set is referred to by exactly one variable,
//! field or element, and `x = append(x, v)` (`AppendOwn`) may raise its length in place. Only `AppendOwn` makes owned
//! headers. Whoever copies a slice value out of a variable, field, element, dereference, map entry or interface
//! (alone or as a part of a struct or array) into a second place emits `Disown` for each slice in it; results of
//! calls, literals, conversions, `make` and slicing are fresh and need none. Ops that copy elements in bulk
//! (`append`, `copy`, map iteration, growth) disown the slices inside those elements themselves.
//!
//! # Frames
//! `slot 0 .. R` results, `R .. R+A` parameters (receiver first), slot `R+A` the closure when called through a
//! function value; then the *pointer region* (every slot with a fixed kind, zeroed at entry), then scalars,
//! temporaries and call windows. Slot -1 holds the return address. A call's window at slot `a` of the caller
//! is the callee's slot 0; `a-1` must be free, and nothing live may lie at or above `a-1` but the arguments. Results
//! are left at `a ..`. The collector looks at `ptr_map` slots below the window (of a caller) or at all of them (of the
//! top frame), never at the scalar region: a pointer may stay in a window only up to the next safepoint. Safepoints
//! are calls, backward jumps and every op marked as one in the table.

use crate::base::grow::Grow;

/// Index into [`Program::funcs`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct FuncIdx(pub u32);

/// Index into [`Program::types`]. 0 is no type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Default)]
pub struct RTypeId(pub u32);

impl RTypeId {
    pub const NONE: RTypeId = RTypeId(0);
}

/// How a scalar lies in memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Mem {
    I8,
    I16,
    I32,
    U8,
    U16,
    U32,
    F32,
    /// One whole word.
    W,
    /// Several words (or none), `RType::words` of them.
    N,
}

impl Mem {
    /// Bytes of a packed array's element; 0 for `N` (then 8 times the words).
    pub const fn bytes(self) -> u32 {
        match self {
            Mem::I8 | Mem::U8 => 1,
            Mem::I16 | Mem::U16 => 2,
            Mem::I32 | Mem::U32 | Mem::F32 => 4,
            Mem::W => 8,
            Mem::N => 0,
        }
    }
}

/// Go's reflect.Kind, same order and numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    Invalid,
    Bool,
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Uintptr,
    Float32,
    Float64,
    Complex64,
    Complex128,
    Array,
    Chan,
    Func,
    Interface,
    Map,
    Pointer,
    Slice,
    String,
    Struct,
    UnsafePointer,
}

/// The slot of `reflect.call`'s frame where its callee's window begins.
pub const REFLECT_WINDOW: u32 = 8;

/// How a value of a type lies in an interface word.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Boxing {
    /// The value is one pointer-like word and is the payload itself (pointer, map, chan, func, string, slice).
    Direct,
    /// Signed integers: inline where 48 bits hold it, else a box of one word.
    Int,
    /// Unsigned integers and bool, likewise.
    Uint,
    /// float64 (and float32 as f64): inline where the low 16 bits of the f64 are zero, else a box of one word.
    Float,
    /// A box with a copy of the words; never changed. A type of no words has payload 0.
    Words,
    /// Interfaces themselves are never boxed.
    Never,
}

/// The interface word: bit 63 *inline*, bits 62..48 the type, bits 47..0 the payload (a pointer, or with *inline* the
/// value). 0 is the nil interface.
pub mod iface {
    pub const INLINE: u64 = 1 << 63;
    pub const PAYLOAD: u64 = (1 << 48) - 1;
    pub const TYPE_SHIFT: u32 = 48;

    /// The type's index; 0 for nil.
    #[inline(always)]
    pub fn type_of(word: u64) -> u32 {
        ((word >> TYPE_SHIFT) & 0x7fff) as u32
    }
}

/// One runtime type.
#[derive(Clone, Debug)]
pub struct RType {
    pub kind: Kind,
    pub boxing: Boxing,
    pub mem: Mem,
    /// Words of a value in a frame, in a box, as a struct field or array element of kind `N`.
    pub words: u32,
    /// Which of the words hold pointers or interfaces.
    pub ptr_map: BitMap,
    /// As `%T` and reflect print it, e.g. `main.T`, `[]int`, `map[string]*main.T`.
    pub name: String,
    /// For a declared type: its bare name with type arguments, and its package's path.
    pub named: Option<(String, String)>,
    /// May be compared with `==` without a run-time panic being certain.
    pub comparable: bool,
    /// Element type of arrays, slices, pointers, channels, maps.
    pub elem: RTypeId,
    /// Key type of maps.
    pub key: RTypeId,
    /// Length of arrays.
    pub len: u64,
    /// 0 both, 1 send only, 2 receive only.
    pub chan_dir: u8,
    pub fields: Vec<RField>,
    /// Of functions.
    pub params: Vec<RTypeId>,
    pub results: Vec<RTypeId>,
    pub variadic: bool,
    /// Method set of a type that is no interface, sorted by id.
    pub methods: Vec<RMethod>,
    /// Method ids of an interface, sorted.
    pub iface_methods: Vec<MethodId>,
    /// `*T`, where the program has it.
    pub ptr_to: RTypeId,
    /// Type without its name, where the program has it.
    pub underlying: RTypeId,
    /// Of function types: the body of functions that `reflect.MakeFunc` makes, where the program uses it.
    pub stub: Option<FuncIdx>,
}

impl RType {
    /// A type without parts: not comparable, of no words.
    pub fn of_kind(kind: Kind) -> RType {
        RType {
            kind,
            boxing: Boxing::Never,
            mem: Mem::W,
            words: 0,
            ptr_map: BitMap::default(),
            name: String::new(),
            named: None,
            comparable: false,
            elem: RTypeId::NONE,
            key: RTypeId::NONE,
            len: 0,
            chan_dir: 0,
            fields: Vec::new(),
            params: Vec::new(),
            results: Vec::new(),
            variadic: false,
            methods: Vec::new(),
            iface_methods: Vec::new(),
            ptr_to: RTypeId::NONE,
            underlying: RTypeId::NONE,
            stub: None,
        }
    }
}

#[derive(Clone, Debug)]
pub struct RField {
    pub name: String,
    /// Empty for exported fields.
    pub pkg: String,
    pub ty: RTypeId,
    /// Offset in words.
    pub offset: u32,
    pub embedded: bool,
    pub exported: bool,
    pub tag: String,
}

/// Index into [`Program::methods`]: one for each (name, package if unexported, signature).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub struct MethodId(pub u32);

#[derive(Clone, Debug)]
pub struct MethodName {
    pub name: String,
    /// Empty for exported names.
    pub pkg: String,
    /// The signature as printed, e.g. `func() string`.
    pub sig: String,
    pub sig_type: RTypeId,
}

#[derive(Clone, Copy, Debug)]
pub struct RMethod {
    pub id: MethodId,
    pub func: FuncIdx,
    /// The function takes the payload as its receiver; otherwise it is a wrapper that takes the whole interface word.
    pub direct: bool,
}

/// A set of small numbers.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct BitMap(pub Vec<u64>);

impl BitMap {
    pub fn set(&mut self, i: usize) {
        if self.0.len() <= i / 64 {
            self.0.resize(i / 64 + 1, 0);
        }
        self.0[i / 64] |= 1 << (i % 64);
    }
    #[inline]
    pub fn get(&self, i: usize) -> bool {
        self.0.get(i / 64).is_some_and(|w| w >> (i % 64) & 1 != 0)
    }
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|w| *w == 0)
    }
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().enumerate().flat_map(|(i, &w)| {
            let mut w = w;
            std::iter::from_fn(move || {
                (w != 0).then(|| {
                    let bit = w.trailing_zeros() as usize;
                    w &= w - 1;
                    i * 64 + bit
                })
            })
        })
    }
}

/// A constant of the pool (`LdK`), turned into a word when the program is loaded.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Constant {
    Word(u64),
    Str(std::sync::Arc<[u8]>),
    /// The function value of a top-level function (a closure object without captures).
    Func(FuncIdx),
    /// An interface holding a constant string of the given type.
    StrIface(RTypeId, std::sync::Arc<[u8]>),
}

/// Marks the position of an instruction whose index has an unsigned 64-bit type: for the text of its panic. Sources
/// are too small for positions to have this bit.
pub const UNSIGNED_INDEX: u32 = 1 << 31;

/// In the extra word of `SliceOf` and `SliceArr`, above the type: there is a third index.
pub const SLICE_MAX: u64 = 1 << 31;
/// Also there: the low bound has an unsigned 64-bit type; the bits below are for the high and the third one.
pub const SLICE_UNSIGNED: u64 = 1 << 30;
/// The type in that word.
pub const SLICE_TYPE: u64 = (1 << 28) - 1;

#[derive(Clone, Debug, Default)]
pub struct Function {
    /// As Go spells it in tracebacks: `main.main`, `main.(*T).Method`, `main.main.func1`, `main.Map[...]`.
    pub name: String,
    /// First instruction, an index into `Program::code`. The word before it is the [`FrameHeader`].
    pub entry: u32,
    /// One past its last word.
    pub end: u32,
    pub frame_slots: u32,
    pub results: u32,
    pub params: u32,
    /// Frame slots that hold pointers or interfaces: parameters and the pointer region.
    pub ptr_map: BitMap,
    /// `(code index of the first word, source position)`, ascending; each holds until the next.
    pub lines: Vec<(u32, u32)>,
    /// Parts of the code that belong to inlined functions, by where they begin; of those in each other the outer one first.
    pub inlined: Vec<Inlined>,
    /// Position of the function's name or `func` keyword.
    pub pos: u32,
    /// Not shown in tracebacks (wrappers).
    pub hidden: bool,
    /// The function ends by `RetDefer`.
    pub has_defer: bool,
    /// Code index of its `RetDefer` epilogue, where a recovered panic goes on.
    pub defer_return: u32,
    /// Names of the parameters' types for nothing but the traceback's argument list are not kept.
    pub package: String,
}

/// Code that stands in place of a call: code indices of its first word and one past the last, whose it is, and the source
/// position of the call.
#[derive(Clone, Copy, Debug)]
pub struct Inlined {
    pub begin: u32,
    pub end: u32,
    pub func: FuncIdx,
    pub pos: u32,
}

/// The number of a frame is the code index where it stands. In three bits from this one on: it stands at the call of what is
/// inlined from the code index on, the n-th of the bodies there from the outermost. Profiles use the bits above.
const INLINED_CALL: u32 = 27;

/// The word before a function's entry: slots of its frame and the range to be zeroed.
#[derive(Clone, Copy)]
pub struct FrameHeader {
    pub slots: u32,
    pub zero_start: u16,
    pub zero_len: u16,
}

impl FrameHeader {
    pub fn pack(self) -> u64 {
        self.slots as u64 | (self.zero_start as u64) << 32 | (self.zero_len as u64) << 48
    }
    #[inline(always)]
    pub fn unpack(word: u64) -> FrameHeader {
        FrameHeader { slots: word as u32, zero_start: (word >> 32) as u16, zero_len: (word >> 48) as u16 }
    }
}

/// One case of a `Select`.
#[derive(Clone, Copy, Debug)]
pub struct SelectCase {
    pub send: bool,
    /// Slot of the channel.
    pub chan: u16,
    /// Send: slot of the value. Receive: slot that takes the value.
    pub value: u16,
    /// Receive: slot that takes `ok`; `NO_SLOT` for none.
    pub ok: u16,
}

/// No slot: the value of a receive (or its `ok`) is not wanted.
pub const NO_SLOT: u16 = u16::MAX;

#[derive(Clone, Debug, Default)]
pub struct Select {
    pub cases: Vec<SelectCase>,
    pub has_default: bool,
    pub pos: u32,
}

/// A native function that the program calls: found in the registry by name when the program is loaded.
#[derive(Clone, Debug)]
pub struct NativeRef {
    /// `path.Name` or `path.Type.Name`, e.g. `strings.Index`, `sync.Mutex.Lock`.
    pub name: String,
    /// Slots of results and parameters.
    pub results: u32,
    pub params: u32,
}

/// What a `Slice*`/`Make*`/`Append*` op needs to know of an element type.
#[derive(Clone, Debug, Default)]
pub struct Program {
    pub code: Vec<u64>,
    pub funcs: Vec<Function>,
    /// Indices of `funcs` in the order of their code.
    pub order: Vec<u32>,
    pub consts: Vec<Constant>,
    /// Entry 0 is a placeholder. Behind those of the compiler are those that `reflect` makes.
    pub types: Grow<RType>,
    pub methods: Vec<MethodName>,
    pub selects: Vec<Select>,
    pub natives: Vec<NativeRef>,
    /// Words of package-level variables.
    pub global_words: u32,
    pub global_ptrs: BitMap,
    /// Capture-object shapes of closures: words after the function word, and which hold pointers (bit 0 is the first
    /// capture).
    pub closures: Vec<ClosureShape>,
    /// Initialises packages, then runs `main.main`.
    pub entry: Option<FuncIdx>,
    /// What is counted of a package under test; the counters are among the package-level variables.
    pub coverage: Option<super::cover::Coverage>,
    /// The release of Go, 1.N, that the program is written for.
    pub release: u32,
    /// `(package path, type name)` to type, for natives that make values of a standard package's types.
    pub well_known: Vec<(String, RTypeId)>,
}

/// The number by which programs know a place in the code, as from `runtime.Callers`. Go's are the addresses behind calls, from
/// which many programs subtract one: both numbers mean the same place.
pub fn pc_of(code_index: u32) -> u64 {
    code_index as u64 * 2 + 2
}

/// Likewise the number of a function's first instruction.
pub fn entry_pc(code_index: u32) -> u64 {
    pc_of(code_index) - 1
}

/// The code index that such a number means.
pub fn index_of(pc: u64) -> Option<u32> {
    u32::try_from(pc.checked_sub(1)? / 2).ok()
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClosureShape {
    pub func: FuncIdx,
    pub captures: u32,
    pub ptr_map: BitMap,
}

impl Program {
    pub fn ty(&self, id: RTypeId) -> &RType {
        &self.types[id.0 as usize]
    }

    /// The function whose code holds a code index.
    pub fn func_at(&self, code: u32) -> Option<&Function> {
        let i = self.order.partition_point(|&f| self.funcs[f as usize].entry <= code);
        let f = &self.funcs[self.order[i.checked_sub(1)?] as usize];
        (code < f.end).then_some(f)
    }

    /// The function of a frame and its source position.
    pub fn frame_at(&self, frame: u32) -> Option<(&Function, u32)> {
        let (at, nth) = (frame & ((1 << INLINED_CALL) - 1), (frame >> INLINED_CALL) as usize);
        let func = self.func_at(at)?;
        let bodies: Vec<&Inlined> = func.inlined_at(at).collect();
        let (around, pos) = match nth.checked_sub(1) {
            Some(n) => (&bodies[..n], bodies.get(n)?.pos),
            None => (&bodies[..], func.pos_at(at)),
        };
        Some((around.last().map_or(func, |i| &self.funcs[i.func.0 as usize]), pos))
    }

    /// Fills `order`.
    pub fn sort_funcs(&mut self) {
        self.order = (0..self.funcs.len() as u32).collect();
        self.order.sort_by_key(|&f| self.funcs[f as usize].entry);
    }
}

impl Function {
    /// Source position of a code index.
    pub fn pos_at(&self, code: u32) -> u32 {
        self.line_at(code) & !UNSIGNED_INDEX
    }

    /// What is inlined around a code index, outermost first.
    fn inlined_at(&self, code: u32) -> impl Iterator<Item = &Inlined> {
        let i = self.inlined.partition_point(|i| i.begin <= code);
        self.inlined[..i].iter().filter(move |i| code < i.end)
    }

    /// The frames that one of this function stands for at a code index, innermost first.
    pub fn frames_at(&self, code: u32) -> impl Iterator<Item = u32> + use<> {
        let mut calls: Vec<u32> =
            self.inlined_at(code).zip(1..).map(|(i, nth)| i.begin | nth << INLINED_CALL).collect();
        calls.reverse();
        std::iter::once(code).chain(calls)
    }

    /// Whether the instruction there uses an index of an unsigned 64-bit type.
    pub fn unsigned_index_at(&self, code: u32) -> bool {
        self.line_at(code) & UNSIGNED_INDEX != 0
    }

    fn line_at(&self, code: u32) -> u32 {
        let i = self.lines.partition_point(|l| l.0 <= code);
        if i == 0 { self.pos } else { self.lines[i - 1].1 }
    }
}
