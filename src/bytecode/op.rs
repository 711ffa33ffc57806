//! The one opcode table: enum, names, operand formats and documentation come from it.
//!
//! ```text
//!  63      48 47      32 31      16 15       0
//! +----------+----------+----------+----------+
//! |    c     |    b     |    a     |    op    |
//! +----------+----------+----------+----------+
//! ```
//! `R[x]` is slot x of the frame, an `N`-word value at x is `R[x..]`. In the format, one letter a field: `r` slot,
//! `w` slot that begins a call window, `i` signed immediate, `u` unsigned immediate, `t` type, `j` jump in words relative to the next
//! instruction (past extra words), `_` unused. A capital takes b and c together as 32 bits: `I` signed immediate,
//! `U` index, `J` jump, `F` jump to a function's entry relative to the next instruction. `+n` says that n
//! more words follow the instruction. An `r` field may hold `NO_SLOT` only where the text says so.
//!
//! Notes: (1) safepoint: the G may be preempted or parked here, so no pointer may lie in a window. (2) may panic.
//! (3) a backward jump: counts the budget. (4) `m(x)` is the memory at address x; a nil address panics.

macro_rules! op_table {
    ($($name:ident $format:literal $doc:literal)*) => {
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(u16)]
        #[rustfmt::skip]
        pub enum Op { $(#[doc = $doc] $name),* }

        /// All opcodes in order: `(op, name, format, meaning)`.
        pub const TABLE: &[(Op, &str, &str, &str)] = &[$((Op::$name, stringify!($name), $format, $doc)),*];

        /// Calls a macro with every opcode's name, in order.
        macro_rules! for_each_op { ($mac:ident) => { $mac! { $($name)* } }; }
    };
}

op_table! {
    // ---- moves and constants
    Nop "___" "nothing"
    Mov "rr_" "R[a] = R[b]"
    Mov2 "rr_" "R[a..a+2] = R[b..b+2]"
    MovN "rru" "R[a..a+c] = R[b..b+c]; the ranges may overlap"
    LdI "rI" "R[a] = I"
    LdK "rU" "R[a] = K[U]"
    ZeroN "ru_" "R[a..a+b] = 0"
    LdG "rU" "R[a] = G[U] (one whole word)"
    StG "rU" "G[U] = R[a] (one whole word)"
    GAddr "rU" "R[a] = address of G[U]"
    // ---- integers, 64 bits wrapping; narrower types are brought back by Ext ops
    Add "rrr" "R[a] = R[b] + R[c]"
    Sub "rrr" "R[a] = R[b] - R[c]"
    Mul "rrr" "R[a] = R[b] * R[c]"
    DivI "rrr" "R[a] = R[b] / R[c], signed; (2) integer divide by zero"
    DivU "rrr" "R[a] = R[b] / R[c], unsigned; (2)"
    RemI "rrr" "R[a] = R[b] % R[c], signed; (2)"
    RemU "rrr" "R[a] = R[b] % R[c], unsigned; (2)"
    And "rrr" "R[a] = R[b] & R[c]"
    Or "rrr" "R[a] = R[b] | R[c]"
    Xor "rrr" "R[a] = R[b] ^ R[c]"
    AndNot "rrr" "R[a] = R[b] &^ R[c]"
    Shl "rrr" "R[a] = R[b] << R[c], count unsigned: 0 from 64 on"
    ShrI "rrr" "R[a] = R[b] >> R[c], signed value, count unsigned"
    ShrU "rrr" "R[a] = R[b] >> R[c], unsigned value, count unsigned"
    ChkShift "r__" "(2) negative shift amount if R[a] < 0"
    AddK "rri" "R[a] = R[b] + c"
    RsbK "rri" "R[a] = c - R[b]"
    MulK "rri" "R[a] = R[b] * c"
    Mac "rrr" "R[a] = R[a] + R[b] * R[c]"
    DivIK "rri" "R[a] = R[b] / c, signed; c is not 0"
    RemIK "rri" "R[a] = R[b] % c, signed; c is not 0"
    DivP2 "rru" "R[a] = R[b] / 2^c, signed; 0 < c < 63"
    RemP2 "rru" "R[a] = R[b] % 2^c, signed; 0 < c < 63"
    DivM "rru+1" "R[a] = R[b] / d, signed; the extra word and c, a shift, are d's multiplier"
    RemM "rru+2" "R[a] = R[b] % d, signed; likewise, and d in the second extra word"
    DivUK "rru" "R[a] = R[b] / c, unsigned; c is not 0"
    RemUK "rru" "R[a] = R[b] % c, unsigned; c is not 0"
    AddL "rr_+1" "R[a] = R[b] + the extra word"
    MulL "rr_+1" "R[a] = R[b] * the extra word"
    AndL "rr_+1" "R[a] = R[b] & the extra word"
    OrL "rr_+1" "R[a] = R[b] | the extra word"
    XorL "rr_+1" "R[a] = R[b] ^ the extra word"
    AndK "rri" "R[a] = R[b] & c"
    OrK "rri" "R[a] = R[b] | c"
    XorK "rri" "R[a] = R[b] ^ c (c = -1: bitwise not)"
    ShlK "rru" "R[a] = R[b] << c; c < 64"
    ShrIK "rru" "R[a] = R[b] >> c, signed; c < 64"
    ShrUK "rru" "R[a] = R[b] >> c, unsigned; c < 64"
    Neg "rr_" "R[a] = -R[b]"
    Not "rr_" "R[a] = !R[b] (bool)"
    ExtI8 "rr_" "R[a] = sign extension of R[b]'s low 8 bits"
    ExtI16 "rr_" "R[a] = sign extension of R[b]'s low 16 bits"
    ExtI32 "rr_" "R[a] = sign extension of R[b]'s low 32 bits"
    ExtU8 "rr_" "R[a] = R[b]'s low 8 bits"
    ExtU16 "rr_" "R[a] = R[b]'s low 16 bits"
    ExtU32 "rr_" "R[a] = R[b]'s low 32 bits"
    // ---- floats: f64; float32 arithmetic is f64 arithmetic and RoundF32
    AddF "rrr" "R[a] = R[b] + R[c]"
    SubF "rrr" "R[a] = R[b] - R[c]"
    MulF "rrr" "R[a] = R[b] * R[c]"
    DivF "rrr" "R[a] = R[b] / R[c]"
    MacF "rrr" "R[a] = R[a] + R[b] * R[c], rounded twice"
    MsbF "rrr" "R[a] = R[a] - R[b] * R[c], rounded twice"
    NegF "rr_" "R[a] = -R[b]"
    RoundF32 "rr_" "R[a] = R[b] rounded to float32, held as f64"
    WidenF32 "rr_" "R[a] = f64 of the 4 bytes in R[b] (read a float32 word of a struct or array in the frame)"
    NarrowF32 "rr_" "R[a] = 4 bytes of the float32 of R[b] (write such a word)"
    I2F "rr_" "R[a] = float64 of the signed R[b]"
    U2F "rr_" "R[a] = float64 of the unsigned R[b]"
    I2F32 "rr_" "R[a] = float32 of the signed R[b] (one rounding), held as f64"
    U2F32 "rr_" "R[a] = float32 of the unsigned R[b] (one rounding), held as f64"
    F2I "rr_" "R[a] = signed integer of R[b], as Go on amd64 for what does not fit"
    F2U "rr_" "R[a] = unsigned integer of R[b], as Go on amd64 for what does not fit"
    SqrtF "rr_" "R[a] = sqrt(R[b])"
    AbsF "rr_" "R[a] = |R[b]|"
    FloorF "rr_" "R[a] = floor(R[b])"
    CeilF "rr_" "R[a] = ceil(R[b])"
    TruncF "rr_" "R[a] = trunc(R[b])"
    // ---- complex128 at two slots
    AddC "rrr" "R[a..] = R[b..] + R[c..]"
    SubC "rrr" "R[a..] = R[b..] - R[c..]"
    MulC "rrr" "R[a..] = R[b..] * R[c..]"
    DivC "rrr" "R[a..] = R[b..] / R[c..], as Go's complex128 division"
    EqC "rrr" "R[a] = R[b..] == R[c..]"
    WidenC64 "rr_" "R[a..a+2] = complex128 of the complex64 word R[b]"
    NarrowC64 "rr_" "R[a] = complex64 word of R[b..b+2]"
    // ---- comparisons to bool
    Eq "rrr" "R[a] = R[b] == R[c] (integers, bools, pointers, channels)"
    Ne "rrr" "R[a] = R[b] != R[c]"
    LtI "rrr" "R[a] = R[b] < R[c], signed"
    LeI "rrr" "R[a] = R[b] <= R[c], signed"
    LtU "rrr" "R[a] = R[b] < R[c], unsigned"
    LeU "rrr" "R[a] = R[b] <= R[c], unsigned"
    EqK "rri" "R[a] = R[b] == c"
    NeK "rri" "R[a] = R[b] != c"
    EqF "rrr" "R[a] = R[b] == R[c]"
    NeF "rrr" "R[a] = R[b] != R[c]"
    LtF "rrr" "R[a] = R[b] < R[c]"
    LeF "rrr" "R[a] = R[b] <= R[c]"
    EqS "rrr" "R[a] = R[b] == R[c], strings"
    NeS "rrr" "R[a] = R[b] != R[c], strings"
    LtS "rrr" "R[a] = R[b] < R[c], strings"
    LeS "rrr" "R[a] = R[b] <= R[c], strings"
    EqIface "rrr" "R[a] = R[b] == R[c], interfaces; (2) comparing uncomparable type"
    EqT "rrr+1" "R[a] = value R[b..] == value R[c..] of the type in the extra word; (2)"
    // ---- jumps; a jump backward is one of the L ops
    Jmp "_J" "jump"
    JT "rJ" "if R[a] jump"
    JF "rJ" "if !R[a] jump"
    JLt "rrj" "if R[a] < R[b] jump, signed"
    JLe "rrj" "if R[a] <= R[b] jump, signed"
    JLtU "rrj" "if R[a] < R[b] jump, unsigned"
    JLeU "rrj" "if R[a] <= R[b] jump, unsigned"
    JEq "rrj" "if R[a] == R[b] jump"
    JNe "rrj" "if R[a] != R[b] jump"
    JLtK "rij" "if R[a] < b jump, signed"
    JLeK "rij" "if R[a] <= b jump, signed"
    JGtK "rij" "if R[a] > b jump, signed"
    JGeK "rij" "if R[a] >= b jump, signed"
    JEqK "rij" "if R[a] == b jump"
    JNeK "rij" "if R[a] != b jump"
    JLtX "r_j+1" "if R[a] < the extra word jump, signed"
    JLeX "r_j+1" "if R[a] <= the extra word jump, signed"
    JGtX "r_j+1" "if R[a] > the extra word jump, signed"
    JGeX "r_j+1" "if R[a] >= the extra word jump, signed"
    JEqX "r_j+1" "if R[a] == the extra word jump"
    JNeX "r_j+1" "if R[a] != the extra word jump"
    JLtF "rrj" "if R[a] < R[b] jump"
    JLeF "rrj" "if R[a] <= R[b] jump"
    JNltF "rrj" "if !(R[a] < R[b]) jump"
    JNleF "rrj" "if !(R[a] <= R[b]) jump"
    JEqF "rrj" "if R[a] == R[b] jump"
    JNeF "rrj" "if R[a] != R[b] jump"
    JEqS "rrj" "if R[a] == R[b] jump, strings"
    JNeS "rrj" "if R[a] != R[b] jump, strings"
    JIs "rtj" "if the interface R[a] holds exactly type b jump"
    JIsNot "rtj" "if the interface R[a] does not hold exactly type b jump"
    Loop "_J" "(1)(3) jump back"
    LT "rJ" "(1)(3) if R[a] jump back"
    LF "rJ" "(1)(3) if !R[a] jump back"
    LLt "rrj" "(1)(3) if R[a] < R[b] jump back, signed"
    LLe "rrj" "(1)(3) if R[a] <= R[b] jump back, signed"
    LLtU "rrj" "(1)(3) if R[a] < R[b] jump back, unsigned"
    LLeU "rrj" "(1)(3) if R[a] <= R[b] jump back, unsigned"
    LEq "rrj" "(1)(3) if R[a] == R[b] jump back"
    LNe "rrj" "(1)(3) if R[a] != R[b] jump back"
    LLtK "rij" "(1)(3) if R[a] < b jump back, signed"
    LLeK "rij" "(1)(3) if R[a] <= b jump back, signed"
    LGtK "rij" "(1)(3) if R[a] > b jump back, signed"
    LGeK "rij" "(1)(3) if R[a] >= b jump back, signed"
    LEqK "rij" "(1)(3) if R[a] == b jump back"
    LNeK "rij" "(1)(3) if R[a] != b jump back"
    LLtX "r_j+1" "(1)(3) if R[a] < the extra word jump back, signed"
    LLeX "r_j+1" "(1)(3) if R[a] <= the extra word jump back, signed"
    LGtX "r_j+1" "(1)(3) if R[a] > the extra word jump back, signed"
    LGeX "r_j+1" "(1)(3) if R[a] >= the extra word jump back, signed"
    LEqX "r_j+1" "(1)(3) if R[a] == the extra word jump back"
    LNeX "r_j+1" "(1)(3) if R[a] != the extra word jump back"
    LIncLtX "r_j+1" "(1)(3) R[a] += 1; if R[a] < the extra word jump back, signed"
    LIncLtLen "rrj" "(1)(3) R[a] += 1; if R[a] < len of slice R[b] jump back"
    LIncLtStr "rrj" "(1)(3) R[a] += 1; if R[a] < len of string R[b] jump back"
    LIncLt "rrj" "(1)(3) R[a] += 1; if R[a] < R[b] jump back, signed"
    LIncLe "rrj" "(1)(3) R[a] += 1; if R[a] <= R[b] jump back, signed"
    LIncLtK "rij" "(1)(3) R[a] += 1; if R[a] < b jump back, signed"
    LNextW "rrj" "(1)(3) of a loop over slice R[b]: R[a+1] += 1; if R[a+1] < R[a], R[a+2] = its word element R[a+1], jump back"
    LNextU8 "rrj" "(1)(3) the same with u8 elements"
    LNextI32 "rrj" "(1)(3) the same with i32 elements"
    // ---- memory through pointers; c is an offset in bytes
    NilChk "r__" "(2) nil pointer dereference if R[a] is 0"
    LdI8 "rru" "R[a] = i8 m(R[b] + c); (2)"
    LdI16 "rru" "R[a] = i16 m(R[b] + c); (2)"
    LdI32 "rru" "R[a] = i32 m(R[b] + c); (2)"
    LdU8 "rru" "R[a] = u8 m(R[b] + c); (2)"
    LdU16 "rru" "R[a] = u16 m(R[b] + c); (2)"
    LdU32 "rru" "R[a] = u32 m(R[b] + c); (2)"
    LdF32 "rru" "R[a] = f32 m(R[b] + c); (2)"
    LdW "rru" "R[a] = word m(R[b] + c); (2)"
    LdN "rru+1" "R[a..a+n] = words m(R[b] + c ..), n in the extra word; (2)"
    StI8 "rru" "m(R[b] + c) = low byte of R[a]; (2) (also for u8 and bool)"
    StI16 "rru" "m(R[b] + c) = low 16 bits of R[a]; (2)"
    StI32 "rru" "m(R[b] + c) = low 32 bits of R[a]; (2)"
    StF32 "rru" "m(R[b] + c) = f32 of R[a]; (2)"
    StW "rru" "m(R[b] + c) = R[a]; (2)"
    StN "rru+1" "words m(R[b] + c ..) = R[a..a+n], n in the extra word; (2)"
    AddM "rru" "word m(R[b] + c) += R[a]; (2)"
    AddMF "rru" "float64 m(R[b] + c) += R[a]; (2)"
    SubMF "rru" "float64 m(R[b] + c) -= R[a]; (2)"
    IncM "iru" "word m(R[b] + c) += a; (2)"
    Lea "rr_+1" "R[a] = R[b] + byte offset in the extra word; (2) if R[b] is nil"
    LdB "rru+1" "R[a..] = n bytes m(R[b] + c ..), n in the extra word, the rest of the last word 0; (2)"
    StB "rru+1" "n bytes m(R[b] + c ..) = those of R[a..], n in the extra word; (2)"
    CopyB "rr_+1" "n bytes m(R[a] ..) = those of m(R[b] ..), n in the extra word, overlapping allowed; (2)"
    CopyN "rr_+1" "words m(R[a] ..) = words m(R[b] ..), n in the extra word, overlapping allowed; (2)"
    // ---- elements. Slice headers {data, len, cap}; (2) index out of range
    IxI8 "rrr" "R[a] = i8 element R[c] of slice R[b]"
    IxI16 "rrr" "R[a] = i16 element R[c] of slice R[b]"
    IxI32 "rrr" "R[a] = i32 element R[c] of slice R[b]"
    IxU8 "rrr" "R[a] = u8 element R[c] of slice R[b]"
    IxU16 "rrr" "R[a] = u16 element R[c] of slice R[b]"
    IxU32 "rrr" "R[a] = u32 element R[c] of slice R[b]"
    IxF32 "rrr" "R[a] = f32 element R[c] of slice R[b]"
    IxW "rrr" "R[a] = word element R[c] of slice R[b]"
    Ix2W "rrr+1" "R[a] = word element R[x] of the slice that is element R[c] of slice R[b]; x is the extra word"
    Ix2U8 "rrr+1" "the same with u8 elements"
    IxWK "rru" "R[a] = word element c of slice R[b]"
    SxWK "rru" "word element c of slice R[b] = R[a]"
    AddX "rrr" "word element R[c] of slice R[b] += R[a]"
    AddXF "rrr" "float64 element R[c] of slice R[b] += R[a]"
    SubXF "rrr" "float64 element R[c] of slice R[b] -= R[a]"
    IncX "irr" "word element R[c] of slice R[b] += a"
    IxN "rrr+1" "R[a..a+n] = n-word element R[c] of slice R[b], n in the extra word"
    SxI8 "rrr" "byte element R[c] of slice R[b] = R[a]"
    SxI16 "rrr" "16-bit element R[c] of slice R[b] = R[a]"
    SxI32 "rrr" "32-bit element R[c] of slice R[b] = R[a]"
    SxF32 "rrr" "f32 element R[c] of slice R[b] = R[a]"
    SxW "rrr" "word element R[c] of slice R[b] = R[a]"
    SxN "rrr+1" "n-word element R[c] of slice R[b] = R[a..a+n], n in the extra word"
    IxAddr "rrr+1" "R[a] = address of element R[c] of slice R[b]; element bytes in the extra word"
    IxStr "rrr" "R[a] = byte R[c] of string R[b]"
    ChkIx "rr_" "(2) index out of range [R[a]] with length R[b]: unless R[a] < R[b], unsigned"
    ChkIxK "rU" "(2) index out of range unless R[a] < U (unsigned)"
    ArrAddr "rrr+1" "R[a] = R[b] + R[c] * (element bytes: low 32 bits of the extra word); (2) unless R[c] < length (high 32 bits), or R[b] nil"
    // arrays that lie in the frame at slot b; the extra word: low 32 bits length, high 32 bits words an element (Mem::N)
    FxI8 "rrr+1" "R[a] = i8 element R[c] of the array at slot b; (2)"
    FxI16 "rrr+1" "likewise i16"
    FxI32 "rrr+1" "likewise i32"
    FxU8 "rrr+1" "likewise u8"
    FxU16 "rrr+1" "likewise u16"
    FxU32 "rrr+1" "likewise u32"
    FxF32 "rrr+1" "likewise f32"
    FxW "rrr+1" "likewise one word"
    FxN "rrr+1" "R[a..a+n] = n-word element R[c] of the array at slot b"
    FsI8 "rrr+1" "byte element R[c] of the array at slot b = R[a]; (2)"
    FsI16 "rrr+1" "likewise 16 bits"
    FsI32 "rrr+1" "likewise 32 bits"
    FsF32 "rrr+1" "likewise f32"
    FsW "rrr+1" "likewise one word"
    FsN "rrr+1" "n-word element R[c] of the array at slot b = R[a..a+n]"
    // ---- lengths
    LenSlice "rr_" "R[a] = len of slice R[b]"
    CapSlice "rr_" "R[a] = cap of slice R[b]"
    LenStr "rr_" "R[a] = len of string R[b]"
    LenMap "rr_" "R[a] = len of map R[b]"
    LenChan "rr_" "R[a] = len of channel R[b]"
    CapChan "rr_" "R[a] = cap of channel R[b]"
    // ---- strings
    Concat "rrr" "R[a] = R[b] + R[c], strings"
    ConcatN "rru" "R[a] = R[b] + ... + R[b+c-1], strings"
    SubStr "rrr" "R[a] = R[b][R[c] : R[c+1]]; (2)"
    StrOfRune "rr_" "R[a] = string(rune R[b])"
    StrOfBytes "rr_" "R[a] = string([]byte R[b])"
    BytesOfStr "rr_" "R[a] = []byte(string R[b])"
    StrOfRunes "rr_" "R[a] = string([]rune R[b])"
    RunesOfStr "rr_" "R[a] = []rune(string R[b])"
    RangeStr "rrr+1" "decode the rune of string R[b] at byte R[c]: R[a] = rune, R[a+1] = index after it; at the end jump by the extra word (signed)"
    // ---- allocation; types in the extra word or U
    New "rU" "R[a] = address of a new zero value of type U"
    MkSlice "rrr+1" "R[a] = make([]T, R[b], R[c]), T in the extra word; (2)"
    SliceLit "rU+1" "R[a] = new slice of the extra word's length and capacity, element type U, zeroed"
    SliceArr "rrr+1" "R[a] = slice of the array at address R[b]; R[c], R[c+1], R[c+2] = lo, hi, max; extra word: element type and `SLICE_` flags, in the high 32 bits the length; (2)"
    SliceOf "rrr+1" "R[a] = R[b][lo:hi:max] of slice R[b]; R[c..c+3] = lo, hi, max; extra word: element type and `SLICE_` flags; (2)"
    SliceToArr "rr_+1" "R[a] = address of slice R[b]'s data as an array pointer; extra word: length; (2)"
    Append "rrr+1" "R[a] = append(R[b], value R[c..]) of the element type in the extra word"
    AppendSlice "rrr+1" "R[a] = append(R[b], R[c]...), element type in the extra word"
    AppendStr "rrr" "R[a] = append([]byte R[b], string R[c]...)"
    CopySlice "rrr+1" "R[a] = copy(R[b], R[c]), element type in the extra word; a may be NO_SLOT"
    CopyStr "rrr" "R[a] = copy([]byte R[b], string R[c]); a may be NO_SLOT"
    ClearSlice "r__+1" "clear(slice R[a]), element type in the extra word"
    AppendOwn "r_r+1" "R[a] = append(R[a], value R[c..]): in place if R[a]'s header is owned, else into a new owned header"
    Disown "rr_" "R[a] = R[b], a slice that may be 0, whose header loses its owned mark: see program.rs"
    DisownT "r__+1" "every slice in the value at address R[a], of the type in the extra word, loses its owned mark"
    // ---- maps; the map type in the extra word
    MkMap "rr_+1" "R[a] = make(map, R[b]) (size hint)"
    MapGet "rrr+1" "R[a..] = R[b][key R[c..]], zero value if absent; (2) unhashable key"
    MapGet2 "rrr+1" "likewise, and the bool right behind the value's words; (2)"
    MapSet "rrr+1" "R[b][key R[c..]] = R[a..]; (2) nil map, unhashable key"
    MapDel "rr_+1" "delete(R[a], key R[b..]); (2)"
    MapClear "r__+1" "clear(map R[a])"
    MapIter "rr_+1" "R[a] = new iterator object over map R[b] (pointer slot)"
    MapNext "rrr+2" "advance iterator R[a]; R[b..] = key, R[c..] = value (either may be NO_SLOT); first extra word the map type, at the end jump by the second (signed)"
    // ---- interfaces
    IfP "rrt" "R[a] = interface of direct value R[b], type c"
    IfI "rrt" "R[a] = interface of signed integer R[b], type c"
    IfU "rrt" "R[a] = interface of unsigned integer or bool R[b], type c"
    IfF "rrt" "R[a] = interface of float R[b] (f64), type c"
    IfN "rrt" "R[a] = interface of the words R[b..], type c, boxed"
    UnP "rr_" "R[a] = direct value of interface R[b]"
    UnI "rr_" "R[a] = signed integer of interface R[b]"
    UnU "rr_" "R[a] = unsigned integer or bool of interface R[b]"
    UnF "rr_" "R[a] = float of interface R[b]"
    UnN "rrt" "R[a..] = words of interface R[b] holding type c"
    AssertT "rt_+1" "(2) interface conversion unless R[a] holds exactly type b; the extra word: static interface type of R[a]"
    AssertI "rt_+1" "(2) interface conversion unless R[a]'s type implements interface type b; extra word: static type"
    IsT "rrt" "R[a] = R[b] holds exactly type c"
    IsI "rrt" "R[a] = R[b]'s type implements interface type c (false for nil)"
    // ---- functions
    Call "wF" "(1) call the function at F with window a; (2) stack overflow"
    CallC "wru" "(1) call closure R[b] with window a; the closure goes to R[a+c]; (2) nil"
    CallI "wru+2" "(1) call a method of interface R[b] with window a; the receiver goes to R[a+c]; extra words: method id, inline cache; (2) nil"
    CallN "wuu" "(1) call native b with window a; c result slots; (2)"
    CallR "w__" "(1) call the function of the reflect.Value in R[1..3] with the packed arguments at R[3] with window a; (2) nil"
    Ret "___" "return; results lie in R[0..]"
    RetW "r__" "R[0] = R[a]; return"
    MkClosure "rr_+1" "R[a] = new closure of shape (extra word), captures R[b..]"
    LdCap "rur" "R[a] = capture word b of the closure in slot c"
    Go "wuu+1" "start a G at the function given by the extra word (index), copying c parameter slots from R[a+b..] (b = its result slots)"
    GoC "wru" "start a G on closure R[b] whose window is a; c = result slots | parameter slots << 8"
    Defer "r__" "push closure R[a] (no parameters, results ignored) on the frame's defers; (2) at run if nil"
    DeferTok "r__" "R[a] = a token (an integer) that names this frame's list of defers, for DeferTo"
    DeferTo "rr_" "push closure R[a] on the defers of the live frame with token R[b] (defer inside a range-over-func body)"
    RetDefer "___" "(1) run the frame's defers, last first, then go on with the next instruction"
    Recover "r__" "R[a] = recover(), as called by this frame"
    Panic "r__" "(1)(2) panic with interface R[a]"
    PanicRt "_U" "(1)(2) panic with a runtime.Error whose text is the string K[U]"
    // ---- channels
    MkChan "rr_+1" "R[a] = make(chan T, R[b]); T in the extra word; (2) size out of range"
    Send "rr_" "(1) R[a] <- value R[b..]; (2) send on closed channel"
    Recv "rru" "(1) R[a..] = <-R[b]; a may be NO_SLOT; c = 1: and the bool right behind the value's words (or in R[a+0] if the element has no words)"
    Close "r__" "close(R[a]); (2)"
    Select "rU" "(1) R[a] = index of the case of select table U that proceeded; -1: default; (2)"
    Forever "___" "(1) park for ever (select {})"
    // ---- natives with a short way; the loader puts them in the place of `CallN`, which does the rest
    MuLock "wuu" "(1) call native b, (*sync.Mutex).Lock, with window a; (2)"
    MuUnlock "wuu" "likewise (*sync.Mutex).Unlock"
    WgAdd "wuu" "likewise (*sync.WaitGroup).Add"
    WgDone "wuu" "likewise (*sync.WaitGroup).Done"
    AtLoad "wuu" "likewise an atomic load of a word"
    AtStore "wuu" "likewise an atomic store of a word"
    AtAdd "wuu" "likewise an atomic addition to a word"
    AtCas "wuu" "likewise an atomic compare-and-swap of a word"
    Gosched "wuu" "likewise runtime.Gosched"
    // ---- miscellany
    Count "uU" "G[U] = G[U] + 1, atomically; with a = 1 it only becomes 1"
    PrintW "rtu" "builtin print of R[a..] as runtime type b; c: 0 plain, 1 preceded by a space, 2 newline only"
    Unreachable "___" "our own bug if reached"
    Halt "___" "the program's end: main has returned"
    GExit "___" "a G's first function has returned"
    PanicRet "___" "a deferred call run by a panic has returned"
    PanicText "___" "the Error or String method of an uncaught panic's value has returned its text in R[0]"
}

impl Op {
    pub const COUNT: usize = TABLE.len();

    #[inline]
    pub fn from_word(word: u64) -> Option<Op> {
        TABLE.get(word as u16 as usize).map(|t| t.0)
    }

    pub fn name(self) -> &'static str {
        TABLE[self as usize].1
    }

    pub fn format(self) -> &'static str {
        TABLE[self as usize].2
    }

    /// Calls a native, as `CallN` does.
    pub fn calls_native(self) -> bool {
        use Op::*;
        matches!(self, CallN | MuLock | MuUnlock | WgAdd | WgDone | AtLoad | AtStore | AtAdd | AtCas | Gosched)
    }

    /// The short way to call a native: `CallN` if it has none.
    pub fn short_way(native: &str) -> Op {
        match native {
            "sync.Mutex.Lock" => Op::MuLock,
            "sync.Mutex.Unlock" => Op::MuUnlock,
            "sync.WaitGroup.Add" => Op::WgAdd,
            "sync.WaitGroup.Done" => Op::WgDone,
            "sync/atomic.LoadInt64" | "sync/atomic.LoadUint64" | "sync/atomic.LoadUintptr" | "sync/atomic.anyLoad" => {
                Op::AtLoad
            }
            "sync/atomic.StoreInt64" | "sync/atomic.StoreUint64" | "sync/atomic.StoreUintptr" => Op::AtStore,
            "sync/atomic.AddInt64" | "sync/atomic.AddUint64" | "sync/atomic.AddUintptr" => Op::AtAdd,
            "sync/atomic.CompareAndSwapInt64"
            | "sync/atomic.CompareAndSwapUint64"
            | "sync/atomic.CompareAndSwapUintptr" => Op::AtCas,
            "runtime.Gosched" => Op::Gosched,
            _ => Op::CallN,
        }
    }

    /// Words after the instruction.
    pub fn extra(self) -> usize {
        EXTRA[self as usize] as usize
    }
}

/// The number of words after each opcode's instruction: the digit behind a `+` in its format.
pub static EXTRA: [u8; TABLE.len()] = {
    let mut extra = [0; TABLE.len()];
    let mut op = 0;
    while op < TABLE.len() {
        if let [.., b'+', digit] = TABLE[op].2.as_bytes() {
            extra[op] = *digit - b'0';
        }
        op += 1;
    }
    extra
};

/// Encodes an instruction with three 16-bit operands.
pub fn abc(op: Op, a: u16, b: u16, c: u16) -> u64 {
    op as u64 | (a as u64) << 16 | (b as u64) << 32 | (c as u64) << 48
}

/// Encodes an instruction with a 32-bit operand in b and c.
pub fn ax(op: Op, a: u16, x: i32) -> u64 {
    op as u64 | (a as u64) << 16 | (x as u32 as u64) << 32
}

pub fn a(word: u64) -> u16 {
    (word >> 16) as u16
}
pub fn b(word: u64) -> u16 {
    (word >> 32) as u16
}
pub fn c(word: u64) -> u16 {
    (word >> 48) as u16
}
pub fn x(word: u64) -> i32 {
    (word >> 32) as i32
}
