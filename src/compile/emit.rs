//! The assembler: instructions of one function with virtual slots and labels, turned into final words when the function
//! is complete. Jumps that do not fit 16 bits become an inverted jump over a long one.
use super::Compiler;
use super::regs::Reg;
use crate::base::diag::Diagnostic;
use crate::base::limits::MAX_FRAME_SLOTS;
use crate::base::span::Span;
use crate::bytecode::op::{EXTRA, Op, TABLE};
use crate::bytecode::program::*;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Label(u32);

/// An instruction with virtual slots, or an extra word.
#[derive(Clone, Copy)]
enum Word {
    Ins {
        op: Op,
        a: u32,
        b: u32,
        c: u32,
    },
    Raw(u64),
    /// An extra word with the number of a slot.
    Slot(Reg),
}

const UNBOUND: u32 = u32::MAX;

/// A function of so many words may have jumps that do not fit 16 bits.
const FAR_JUMPS_FROM: usize = i16::MAX as usize;

/// A case of a `select`: is it a send, the slots of channel, value and ok.
pub type Arm = (bool, Reg, Reg, Reg);

#[derive(Default)]
pub struct Code {
    words: Vec<Word>,
    /// Word index of each label.
    labels: Vec<u32>,
    /// Jumps: index of the instruction (or extra word), label.
    jumps: Vec<(u32, Label)>,
    /// `Call`s: index of the instruction, callee.
    calls: Vec<(u32, FuncIdx)>,
    lines: Vec<(u32, u32)>,
    selects: Vec<(u32, Vec<Arm>)>,
    /// Code of inlined functions; the numbers are those of words.
    inlined: Vec<Inlined>,
    /// Source position of what is emitted next.
    pub pos: u32,
    /// The end cannot be reached from the instruction before.
    pub dead: bool,
    /// Where a label was bound last.
    last_bound: u32,
    defer_return: Option<Label>,
}

/// What the letters of an opcode's operand format say.
#[derive(Clone, Copy)]
struct Format {
    reg: [bool; 3],
    wide: bool,
    jump16: bool,
    jump32: bool,
    extra: usize,
}

static FORMATS: [Format; TABLE.len()] = {
    let mut formats = [Format { reg: [false; 3], wide: false, jump16: false, jump32: false, extra: 0 }; TABLE.len()];
    let mut op = 0;
    while op < TABLE.len() {
        formats[op] = format(TABLE[op].2.as_bytes(), EXTRA[op] as usize);
        op += 1;
    }
    formats
};

const fn format(letters: &[u8], extra: usize) -> Format {
    let b = letters[1];
    // Wide formats have no third letter.
    let c = if letters.len() > 2 { letters[2] } else { b'_' };
    let wide = b.is_ascii_uppercase();
    let reg = [matches!(letters[0], b'r' | b'w'), matches!(b, b'r' | b'w'), matches!(c, b'r' | b'w') && !wide];
    Format { reg, wide, jump16: c == b'j', jump32: b == b'J', extra }
}

/// The op that jumps when `op` does not, and whether a and b change places.
fn inverse(op: Op) -> Option<(Op, bool)> {
    use Op::*;
    Some(match op {
        JLt | LLt => (JLe, true),
        JLe | LLe => (JLt, true),
        JLtU | LLtU => (JLeU, true),
        JLeU | LLeU => (JLtU, true),
        JEq | LEq => (JNe, false),
        JNe | LNe => (JEq, false),
        JLtK | LLtK => (JGeK, false),
        JLeK | LLeK => (JGtK, false),
        JGtK | LGtK => (JLeK, false),
        JGeK | LGeK => (JLtK, false),
        JEqK | LEqK => (JNeK, false),
        JNeK | LNeK => (JEqK, false),
        JLtX | LLtX => (JGeX, false),
        JLeX | LLeX => (JGtX, false),
        JGtX | LGtX => (JLeX, false),
        JGeX | LGeX => (JLtX, false),
        JEqX | LEqX => (JNeX, false),
        JNeX | LNeX => (JEqX, false),
        JLtF => (JNltF, false),
        JLeF => (JNleF, false),
        JNltF => (JLtF, false),
        JNleF => (JLeF, false),
        JEqF => (JNeF, false),
        JNeF => (JEqF, false),
        JEqS => (JNeS, false),
        JNeS => (JEqS, false),
        JIs => (JIsNot, false),
        JIsNot => (JIs, false),
        JT | LT => (JF, false),
        JF | LF => (JT, false),
        _ => return None,
    })
}

/// The op for a jump backward.
fn backward(op: Op) -> Option<Op> {
    use Op::*;
    Some(match op {
        Jmp => Loop,
        JT => LT,
        JF => LF,
        JLt => LLt,
        JLe => LLe,
        JLtU => LLtU,
        JLeU => LLeU,
        JEq => LEq,
        JNe => LNe,
        JLtK => LLtK,
        JLeK => LLeK,
        JGtK => LGtK,
        JGeK => LGeK,
        JEqK => LEqK,
        JNeK => LNeK,
        JLtX => LLtX,
        JLeX => LLeX,
        JGtX => LGtX,
        JGeX => LGeX,
        JEqX => LEqX,
        JNeX => LNeX,
        _ => return None,
    })
}

impl Code {
    fn line(&mut self) {
        let at = self.words.len() as u32;
        if self.lines.last().is_none_or(|l| l.1 != self.pos) {
            match self.lines.last_mut() {
                Some(l) if l.0 == at => l.1 = self.pos,
                _ => self.lines.push((at, self.pos)),
            }
        }
    }

    fn push(&mut self, op: Op, a: u32, b: u32, c: u32) {
        self.line();
        self.dead = false;
        self.words.push(Word::Ins { op, a, b, c });
    }

    pub fn rrr(&mut self, op: Op, a: Reg, b: Reg, c: Reg) {
        self.push(op, a.0, b.0, c.0);
    }
    pub fn rr(&mut self, op: Op, a: Reg, b: Reg) {
        self.push(op, a.0, b.0, 0);
    }
    pub fn r(&mut self, op: Op, a: Reg) {
        self.push(op, a.0, 0, 0);
    }
    /// Third operand immediate.
    pub fn rri(&mut self, op: Op, a: Reg, b: Reg, c: i64) {
        self.push(op, a.0, b.0, c as u16 as u32);
    }
    /// First operand immediate; the third is a slot's number or unsigned.
    pub fn irr(&mut self, op: Op, a: i64, b: Reg, c: u32) {
        self.push(op, a as u16 as u32, b.0, c);
    }
    /// Second operand immediate.
    pub fn rir(&mut self, op: Op, a: Reg, b: i64, c: Reg) {
        self.push(op, a.0, b as u16 as u32, c.0);
    }
    /// Second and third operands immediate.
    pub fn rii(&mut self, op: Op, a: Reg, b: i64, c: i64) {
        self.push(op, a.0, b as u16 as u32, c as u16 as u32);
    }
    /// A 32-bit operand in b and c.
    pub fn rx(&mut self, op: Op, a: Reg, x: i32) {
        self.push(op, a.0, x as u32, 0);
    }
    pub fn plain(&mut self, op: Op) {
        self.push(op, 0, 0, 0);
        if matches!(op, Op::Ret | Op::Unreachable | Op::Forever) {
            self.dead = true;
        }
    }
    /// An extra word of the instruction before.
    pub fn extra(&mut self, word: u64) {
        self.words.push(Word::Raw(word));
    }
    /// An extra word that names a slot, with a source position of its own.
    pub fn extra_slot(&mut self, r: Reg) {
        self.line();
        self.words.push(Word::Slot(r));
    }
    /// An extra word that is a jump.
    pub fn extra_jump(&mut self, label: Label) {
        self.jumps.push((self.words.len() as u32, label));
        self.words.push(Word::Raw(0));
    }

    pub fn ret_word(&mut self, r: Reg) {
        self.push(Op::RetW, r.0, 0, 0);
        self.dead = true;
    }

    pub fn panic(&mut self, r: Reg) {
        self.push(Op::Panic, r.0, 0, 0);
        self.dead = true;
    }

    pub fn mov(&mut self, to: Reg, from: Reg) {
        if to != from {
            self.rr(Op::Mov, to, from);
        }
    }

    pub fn mov_n(&mut self, to: Reg, from: Reg, n: u32) {
        match n {
            _ if to == from => {}
            0 => {}
            1 => self.rr(Op::Mov, to, from),
            2 => self.rr(Op::Mov2, to, from),
            _ => self.rri(Op::MovN, to, from, n as i64),
        }
    }

    pub fn zero(&mut self, at: Reg, n: u32) {
        match n {
            0 => {}
            1 => self.rx(Op::LdI, at, 0),
            _ => self.push(Op::ZeroN, at.0, n, 0),
        }
    }

    pub fn label(&mut self) -> Label {
        self.labels.push(UNBOUND);
        Label(self.labels.len() as u32 - 1)
    }

    pub fn bind(&mut self, label: Label) {
        self.labels[label.0 as usize] = self.words.len() as u32;
        self.last_bound = self.words.len() as u32;
        self.dead = false;
    }

    pub fn is_bound(&self, label: Label) -> bool {
        self.labels[label.0 as usize] != UNBOUND
    }

    pub fn jump(&mut self, label: Label) {
        if self.dead {
            return;
        }
        let op = if self.is_bound(label) { Op::Loop } else { Op::Jmp };
        self.jumps.push((self.words.len() as u32, label));
        self.push(op, 0, 0, 0);
        self.dead = true;
    }

    /// A conditional jump, given as a forward one; `b` is a slot or an immediate as the op has it.
    fn branch(&mut self, op: Op, a: u32, b: u32, label: Label) {
        if !self.is_bound(label) {
            self.jumps.push((self.words.len() as u32, label));
            self.push(op, a, b, 0);
            return;
        }
        match (backward(op), inverse(op)) {
            (Some(back), _) => {
                self.jumps.push((self.words.len() as u32, label));
                self.push(back, a, b, 0);
            }
            (None, Some((inv, swap))) => {
                let over = self.label();
                let (a, b) = if swap { (b, a) } else { (a, b) };
                self.branch(inv, a, b, over);
                self.jump(label);
                self.bind(over);
            }
            (None, None) => unreachable!("every conditional jump has an inverse"),
        }
    }

    pub fn jump_if(&mut self, reg: Reg, sense: bool, label: Label) {
        self.branch(if sense { Op::JT } else { Op::JF }, reg.0, 0, label);
    }
    pub fn jump_rr(&mut self, op: Op, a: Reg, b: Reg, label: Label) {
        self.branch(op, a.0, b.0, label);
    }
    pub fn jump_rk(&mut self, op: Op, a: Reg, k: i64, label: Label) {
        self.branch(op, a.0, k as u16 as u32, label);
    }
    /// As [`Code::jump_rk`] with a constant of any size.
    pub fn jump_rx(&mut self, op: Op, a: Reg, k: i64, label: Label) {
        self.branch(op, a.0, 0, label);
        self.extra(k as u64);
    }
    pub fn loop_rx(&mut self, op: Op, a: Reg, k: i64, label: Label) {
        self.jumps.push((self.words.len() as u32, label));
        self.push(op, a.0, 0, 0);
        self.extra(k as u64);
    }

    /// Whether the instruction emitted last, with which control comes here for certain, is `op` into slot `d`: then it is
    /// taken back, and its operands are given.
    pub fn take_last(&mut self, op: Op, d: Reg) -> Option<(Reg, Reg)> {
        if self.dead || self.last_bound == self.words.len() as u32 {
            return None;
        }
        match *self.words.last()? {
            Word::Ins { op: o, a, b, c } if o == op && a == d.0 => {
                self.words.pop();
                while self.lines.last().is_some_and(|l| l.0 > self.words.len() as u32) {
                    self.lines.pop();
                }
                Some((Reg(b), Reg(c)))
            }
            _ => None,
        }
    }

    /// Takes back the `LdI` into slot `d`, if it was emitted last.
    pub fn take_constant(&mut self, d: Reg) -> bool {
        self.take_last(Op::LdI, d).is_some()
    }

    /// One of the `LInc` and `LNext` ops.
    pub fn loop_rr(&mut self, op: Op, a: Reg, b: Reg, label: Label) {
        self.jumps.push((self.words.len() as u32, label));
        self.push(op, a.0, b.0, 0);
    }
    pub fn loop_rk(&mut self, op: Op, a: Reg, k: i64, label: Label) {
        self.jumps.push((self.words.len() as u32, label));
        self.push(op, a.0, k as u16 as u32, 0);
    }

    pub fn call(&mut self, window: Reg, callee: FuncIdx) {
        self.calls.push((self.words.len() as u32, callee));
        self.push(Op::Call, window.0, 0, 0);
    }

    /// What comes next belongs to an inlined function.
    pub fn begin_inlined(&mut self) -> u32 {
        // Nothing is fused with what was before.
        self.last_bound = self.words.len() as u32;
        self.last_bound
    }

    /// The code from `begin` on belongs to a function that was called at a source position.
    pub fn end_inlined(&mut self, begin: u32, func: FuncIdx, pos: u32) {
        let end = self.words.len() as u32;
        self.last_bound = end;
        if begin < end {
            self.inlined.push(Inlined { begin, end, func, pos });
        }
    }

    /// The function's `RetDefer` is the next instruction.
    pub fn mark_defer_return(&mut self, label: Label) {
        self.defer_return = Some(label);
    }

    /// Select table `index` is this function's; its slots are mapped at the end.
    pub fn add_select(&mut self, index: u32, cases: Vec<Arm>) {
        self.selects.push((index, cases));
    }
}

impl Compiler<'_> {
    /// Puts the current function's code into the program.
    pub fn finish_code(&mut self, func: FuncIdx, span: Span) {
        let far_len = Reg::scalar(self.f.regs.max);
        self.f.regs.max += self.f.code.words.len().min(FAR_JUMPS_FROM) as u32 / FAR_JUMPS_FROM as u32;
        let (fixed, ptrs, scalars) = (self.f.regs.fixed, self.f.regs.ptr_len, self.f.regs.max);
        let slots = fixed as u64 + ptrs as u64 + scalars as u64;
        if slots > MAX_FRAME_SLOTS as u64 {
            let name = self.prog.funcs[func.0 as usize].name.clone();
            let text = format!(
                "function {name} needs {slots} slots for its variables, more than the {MAX_FRAME_SLOTS} of a frame"
            );
            self.diags.push(
                Diagnostic::error("frame-too-large", span, text).help("keep large arrays and structs behind pointers"),
            );
        }
        let map = |r: u32| -> u64 {
            let r = Reg(r);
            if r == Reg::NONE {
                NO_SLOT as u64
            } else if r.is_scalar() {
                (fixed + ptrs + r.index()) as u64 & 0xffff
            } else if r.is_ptr() {
                (fixed + r.index()) as u64 & 0xffff
            } else {
                r.0 as u64
            }
        };
        relax(&mut self.f.code, far_len);
        let code = &self.f.code;
        self.prog.code.push(
            FrameHeader { slots: slots as u32, zero_start: fixed as u16, zero_len: ptrs.min(u16::MAX as u32) as u16 }
                .pack(),
        );
        let entry = self.prog.code.len() as u32;
        for w in &code.words {
            let word = match *w {
                Word::Raw(w) => w,
                Word::Slot(r) => map(r.0),
                Word::Ins { op, a, b, c } => {
                    let f = &FORMATS[op as usize];
                    let field = |i: usize, v: u32| if f.reg[i] { map(v) } else { v as u64 & 0xffff };
                    let head = op as u64 | field(0, a) << 16;
                    if f.wide { head | (b as u64) << 32 } else { head | field(1, b) << 32 | field(2, c) << 48 }
                }
            };
            self.prog.code.push(word);
        }
        for &(at, label) in &code.jumps {
            let to = code.labels[label.0 as usize] as i64;
            let slot = &mut self.prog.code[entry as usize + at as usize];
            match code.words[at as usize] {
                Word::Ins { op, .. } => {
                    let f = &FORMATS[op as usize];
                    let by = to - (at as i64 + 1 + f.extra as i64);
                    if f.jump32 {
                        *slot |= (by as u32 as u64) << 32;
                    } else {
                        *slot |= (by as u16 as u64) << 48;
                    }
                }
                // the jump is always the last extra word
                Word::Raw(_) | Word::Slot(_) => *slot = (to - (at as i64 + 1)) as u64,
            }
        }
        for &(at, callee) in &code.calls {
            self.call_fixes.push((entry + at, callee));
        }
        for (index, cases) in &code.selects {
            let out = &mut self.prog.selects[*index as usize].cases;
            *out = cases
                .iter()
                .map(|&(send, chan, value, ok)| SelectCase {
                    send,
                    chan: map(chan.0) as u16,
                    value: map(value.0) as u16,
                    ok: map(ok.0) as u16,
                })
                .collect();
        }
        let mut ptr_map = self.f.regs.fixed_ptrs.clone();
        for i in self.f.regs.ptr_bits.iter() {
            ptr_map.set(fixed as usize + i);
        }
        let lines = code.lines.iter().map(|&(at, pos)| (entry + at, pos)).collect();
        let mut inlined: Vec<Inlined> =
            code.inlined.iter().map(|i| Inlined { begin: entry + i.begin, end: entry + i.end, ..*i }).collect();
        // Those within others were complete first.
        inlined.reverse();
        inlined.sort_by_key(|i| (i.begin, std::cmp::Reverse(i.end)));
        let defer_return = code.defer_return.map_or(0, |l| entry + code.labels[l.0 as usize]);
        let end = self.prog.code.len() as u32;
        let out = &mut self.prog.funcs[func.0 as usize];
        out.entry = entry;
        out.end = end;
        out.frame_slots = slots as u32;
        out.ptr_map = ptr_map;
        out.lines = lines;
        out.inlined = inlined;
        out.defer_return = defer_return;
        out.has_defer = code.defer_return.is_some();
    }

    /// Fills in the distances of calls, when every function has its place.
    pub fn link_calls(&mut self) {
        for (at, callee) in std::mem::take(&mut self.call_fixes) {
            let by = self.prog.funcs[callee.0 as usize].entry as i64 - (at as i64 + 1);
            self.prog.code[at as usize] |= (by as i32 as u32 as u64) << 32;
        }
    }
}

/// What an `LNext` op does to have the next element.
fn element_of_next(op: Op) -> Option<Op> {
    Some(match op {
        Op::LNextW => Op::IxW,
        Op::LNextU8 => Op::IxU8,
        Op::LNextI32 => Op::IxI32,
        _ => return None,
    })
}

/// Replaces 16-bit jumps whose target is too far away.
///
/// `far_len` is a slot that nothing else uses.
fn relax(code: &mut Code, far_len: Reg) {
    const NEAR: i64 = i16::MAX as i64;
    if code.words.len() < FAR_JUMPS_FROM {
        return;
    }
    // Everything may move apart by some words a jump: take the worst case at once.
    let mut long = vec![false; code.words.len()];
    let mut any = false;
    let slack = 1 + 3 * code.jumps.len() as i64;
    for &(at, label) in &code.jumps {
        let Word::Ins { op, .. } = code.words[at as usize] else { continue };
        let to = code.labels[label.0 as usize] as i64;
        if FORMATS[op as usize].jump16 && (to - at as i64).abs() + slack.min(NEAR / 2) >= NEAR / 2 {
            long[at as usize] = true;
            any = true;
        }
    }
    if !any {
        return;
    }
    let mut words = Vec::with_capacity(code.words.len() + code.jumps.len());
    let mut moved = Vec::with_capacity(code.words.len() + 1);
    let targets: rustc_hash::FxHashMap<u32, Label> = code.jumps.iter().copied().collect();
    let mut jumps = Vec::with_capacity(code.jumps.len());
    // labels made here: bound to final indices afterwards
    let mut skips: Vec<(u32, u32)> = Vec::new();
    let mut dropped: rustc_hash::FxHashSet<usize> = Default::default();
    for (i, w) in code.words.iter().enumerate() {
        moved.push(words.len() as u32);
        if dropped.contains(&i) {
            continue;
        }
        let at = i as u32;
        if !long[i] {
            if let Some(&l) = targets.get(&at) {
                jumps.push((words.len() as u32, l));
            }
            words.push(*w);
            continue;
        }
        let (Word::Ins { op, a, b, c }, Some(&label)) = (*w, targets.get(&at)) else { continue };
        if let Some(load) = element_of_next(op) {
            let (length, index, element) = (a, a + 1, a + 2);
            words.push(Word::Ins { op: Op::AddK, a: index, b: index, c: 1 });
            skips.push((words.len() as u32, words.len() as u32 + 3));
            words.push(Word::Ins { op: Op::JLe, a: length, b: index, c: 0 });
            words.push(Word::Ins { op: load, a: element, b, c: index });
            jumps.push((words.len() as u32, label));
            words.push(Word::Ins { op: Op::Loop, a: 0, b: 0, c: 0 });
            continue;
        }
        let back = code.labels[label.0 as usize] <= at;
        let far = if back { Op::Loop } else { Op::Jmp };
        let (mut op, mut b) = (op, b);
        if let Some(test) = match op {
            Op::LIncLt => Some(Op::JLt),
            Op::LIncLe => Some(Op::JLe),
            Op::LIncLtK => Some(Op::JLtK),
            Op::LIncLtX => Some(Op::JLtX),
            _ => None,
        } {
            words.push(Word::Ins { op: Op::AddK, a, b: a, c: 1 });
            op = test;
        }
        let mut a = a;
        if let Some(len) = match op {
            Op::LIncLtLen => Some(Op::LenSlice),
            Op::LIncLtStr => Some(Op::LenStr),
            _ => None,
        } {
            // The length has no slot: the loop's last test is split.
            words.push(Word::Ins { op: Op::AddK, a, b: a, c: 1 });
            words.push(Word::Ins { op: len, a: far_len.0, b, c: 0 });
            op = Op::JLt;
            b = far_len.0;
        }
        if let Some((inv, swap)) = inverse(op) {
            if swap {
                std::mem::swap(&mut a, &mut b);
            }
            skips.push((words.len() as u32, words.len() as u32 + 2));
            words.push(Word::Ins { op: inv, a, b, c });
            if FORMATS[inv as usize].extra > 0 {
                // the constant: its place in the old code is given up
                let k = code.words[i + 1];
                words.push(k);
                if let Some(s) = skips.last_mut() {
                    s.1 += 1;
                }
                dropped.insert(i + 1);
            }
            jumps.push((words.len() as u32, label));
            words.push(Word::Ins { op: far, a: 0, b: 0, c: 0 });
        } else {
            jumps.push((words.len() as u32, label));
            words.push(Word::Ins { op, a, b, c });
        }
    }
    moved.push(words.len() as u32);
    for l in &mut code.labels {
        if *l != UNBOUND {
            *l = moved[*l as usize];
        }
    }
    for l in &mut code.lines {
        l.0 = moved[l.0 as usize];
    }
    for i in &mut code.inlined {
        (i.begin, i.end) = (moved[i.begin as usize], moved[i.end as usize]);
    }
    for c in &mut code.calls {
        c.0 = moved[c.0 as usize];
    }
    for (at, to) in skips {
        code.labels.push(to);
        jumps.push((at, Label(code.labels.len() as u32 - 1)));
    }
    code.words = words;
    code.jumps = jumps;
}
