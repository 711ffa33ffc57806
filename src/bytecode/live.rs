//! Which slots of a frame may still be read: a variable that nothing reads any more keeps nothing reachable.
//!
//! Too many slots may be named, never too few: every slot that an instruction ahead mentions counts, whether it is read or
//! written there, and an operand that may be more than one slot counts to the frame's end.
use super::op::{self, Op};
use super::program::{BitMap, Function, NO_SLOT, Program};
use rustc_hash::FxHashMap;

/// Remembers the answers by code index.
#[derive(Default)]
pub struct Live {
    known: FxHashMap<u32, BitMap>,
}

impl Live {
    /// Of the pointer slots of a function that goes on at a code index, those that may be read from there on.
    pub fn pointers(&mut self, program: &Program, f: &Function, from: u32) -> &BitMap {
        self.known.entry(from).or_insert_with(|| {
            let mut seen = Seen { slots: BitMap::default(), from: f.frame_slots as usize };
            mentions(program, f, from, &mut seen);
            let mut live = BitMap::default();
            f.ptr_map.iter().filter(|&i| i >= seen.from || seen.slots.get(i)).for_each(|i| live.set(i));
            live
        })
    }
}

/// These slots, and all from one on.
struct Seen {
    slots: BitMap,
    from: usize,
}

impl Seen {
    fn slot(&mut self, slot: u16, ranges: bool) {
        if slot == NO_SLOT {
        } else if ranges {
            self.from = self.from.min(slot as usize);
        } else {
            self.slots.set(slot as usize);
        }
    }
}

/// Follows the code from an index on.
fn mentions(program: &Program, f: &Function, from: u32, seen: &mut Seen) {
    let mut reached = BitMap::default();
    let mut todo = vec![from];
    if f.has_defer {
        todo.push(f.defer_return);
    }
    while let Some(mut at) = todo.pop() {
        while (f.entry..f.end).contains(&at) && !reached.get((at - f.entry) as usize) {
            reached.set((at - f.entry) as usize);
            let word = program.code[at as usize];
            let Some(op) = Op::from_word(word) else {
                // Not an instruction: nothing is known.
                seen.from = 0;
                return;
            };
            let next = at + 1 + op.extra() as u32;
            operands(program, f, word, op, seen);
            if let Some(to) = jump(program, at, next, word, op) {
                todo.push(to);
            }
            if matches!(op, Op::Ret | Op::RetW | Op::Jmp | Op::Loop | Op::Panic | Op::PanicRt | Op::Forever) {
                break;
            }
            at = next;
        }
    }
}

fn operands(program: &Program, f: &Function, word: u64, op: Op, seen: &mut Seen) {
    // The table's texts write `..` or name an array wherever an operand may be more than a slot.
    let text = op::TABLE[op as usize].3;
    let ranges = text.contains("..") || text.contains("slot") || text.contains("likewise") || text.contains("window");
    let fields = [op::a(word), op::b(word), op::c(word)];
    for (&letter, slot) in op.format().as_bytes().iter().take(3).zip(fields) {
        match letter {
            b'r' => seen.slot(slot, ranges),
            b'w' => seen.slot(slot, true),
            _ if letter.is_ascii_uppercase() => break,
            _ => {}
        }
    }
    match op {
        Op::Ret | Op::RetW | Op::RetDefer => (0..f.results as u16).for_each(|i| seen.slot(i, false)),
        Op::CallR => seen.slot(0, true),
        Op::Select => {
            for case in program.selects.get(op::x(word) as usize).into_iter().flat_map(|s| &s.cases) {
                seen.slot(case.chan, false);
                seen.slot(case.value, true);
                seen.slot(case.ok, false);
            }
        }
        _ => {}
    }
}

/// Where an instruction may go on besides the next.
fn jump(program: &Program, at: u32, next: u32, word: u64, op: Op) -> Option<u32> {
    let by = match (op, op.format().as_bytes()) {
        (Op::RangeStr, _) => *program.code.get(at as usize + 1)? as i64,
        (Op::MapNext, _) => *program.code.get(at as usize + 2)? as i64,
        (_, [_, _, b'j', ..]) => op::c(word) as i16 as i64,
        (_, [_, b'J', ..]) => op::x(word) as i64,
        _ => return None,
    };
    u32::try_from(next as i64 + by).ok()
}
