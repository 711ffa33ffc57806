//! The leftmost-longest match, which `Longest` and the POSIX functions ask for: all threads of the automaton run side
//! by side, and of those that began first the one that ends last wins.
use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::StateID;

type Slots = Vec<Option<usize>>;

/// The threads at one place of the text, each state at most once, in order of preference.
struct Threads {
    list: Vec<(StateID, Slots)>,
    seen: Vec<bool>,
}

impl Threads {
    fn new(states: usize) -> Threads {
        Threads { list: Vec::new(), seen: vec![false; states] }
    }

    fn clear(&mut self) {
        self.list.clear();
        self.seen.fill(false);
    }

    /// Follows everything that takes no byte from a state.
    fn add(&mut self, nfa: &NFA, text: &[u8], at: usize, start: StateID, slots: Slots) {
        let mut stack = vec![(start, slots)];
        while let Some((id, mut slots)) = stack.pop() {
            if std::mem::replace(&mut self.seen[id.as_usize()], true) {
                continue;
            }
            match nfa.state(id) {
                State::Look { look, next } => {
                    if nfa.look_matcher().matches(*look, text, at) {
                        stack.push((*next, slots));
                    }
                }
                State::Union { alternates } => {
                    for alt in alternates.iter().rev() {
                        stack.push((*alt, slots.clone()));
                    }
                }
                State::BinaryUnion { alt1, alt2 } => {
                    stack.push((*alt2, slots.clone()));
                    stack.push((*alt1, slots));
                }
                State::Capture { next, slot, .. } => {
                    if let Some(s) = slots.get_mut(slot.as_usize()) {
                        *s = Some(at);
                    }
                    stack.push((*next, slots));
                }
                State::Fail => {}
                _ => self.list.push((id, slots)),
            }
        }
    }
}

/// The places of the match's groups from `from` on.
pub fn search(nfa: &NFA, text: &[u8], from: usize, groups: usize) -> Option<Slots> {
    let mut now = Threads::new(nfa.states().len());
    let mut next = Threads::new(nfa.states().len());
    let mut found: Option<Slots> = None;
    let mut at = from;
    loop {
        let boundary = at == text.len() || text[at] & 0xc0 != 0x80;
        if found.is_none() && boundary {
            now.add(nfa, text, at, nfa.start_anchored(), vec![None; groups * 2]);
        }
        if now.list.is_empty() && (found.is_some() || at >= text.len()) {
            return found;
        }
        next.clear();
        for (id, slots) in now.list.drain(..) {
            if found.as_ref().is_some_and(|f| f[0] < slots[0]) {
                continue;
            }
            let to = match nfa.state(id) {
                State::Match { .. } => {
                    if found.as_ref().is_none_or(|f| f[1] < Some(at) || f[0] > slots[0]) {
                        found = Some(slots);
                    }
                    continue;
                }
                _ if at >= text.len() => None,
                State::ByteRange { trans } => trans.matches_byte(text[at]).then_some(trans.next),
                State::Sparse(s) => s.matches_byte(text[at]),
                State::Dense(d) => d.matches_byte(text[at]),
                _ => None,
            };
            if let Some(to) = to {
                next.add(nfa, text, at + 1, to, slots);
            }
        }
        if at >= text.len() {
            return found;
        }
        std::mem::swap(&mut now, &mut next);
        at += 1;
    }
}
