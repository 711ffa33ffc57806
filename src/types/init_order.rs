//! The order in which package-level variables are initialised.
use super::check::*;
use super::decl::DeclKind;
use super::info::*;
use crate::base::diag::Diagnostic;
use rustc_hash::{FxHashMap, FxHashSet};

impl Checker<'_> {
    /// Sorts the package's variable declarations by dependency, through functions and methods; cycles are reported.
    pub fn init_order(&mut self) {
        let objects = self.package_objects.clone();
        let rank: FxHashMap<ObjId, usize> = objects.iter().enumerate().map(|(i, &o)| (o, i)).collect();
        let mut deps: FxHashMap<ObjId, Vec<ObjId>> = FxHashMap::default();
        for &o in &objects {
            let Some(d) = self.aux[o.0 as usize].decl else { continue };
            let mut list: Vec<ObjId> =
                self.decls[d as usize].deps.iter().copied().filter(|x| rank.contains_key(x)).collect();
            list.sort_by_key(|x| rank[x]);
            deps.insert(o, list);
        }
        if self.report_init_cycles(&objects, &deps) {
            return;
        }
        let order = self.ready_first(&objects, &deps);
        let pkg = self.env.pkg;
        for d in order {
            let DeclKind::Var { lhs, init: Some(rhs), .. } = &self.decls[d as usize].kind else { continue };
            let lhs = lhs.iter().map(|&o| (self.obj(o).name != crate::base::intern::Sym::BLANK).then_some(o)).collect();
            let init = Init { lhs, rhs: *rhs };
            self.info.packages[pkg.0 as usize].inits.push(init);
        }
    }

    /// The declarations of variables, each time the first in the source that depends on no variable that is still to come.
    fn ready_first(&self, objects: &[ObjId], deps: &FxHashMap<ObjId, Vec<ObjId>>) -> Vec<u32> {
        let is_variable = |o: ObjId| matches!(self.obj(o).kind, ObjKind::Global);
        let decl = |o: ObjId| self.aux[o.0 as usize].decl;
        // Several variables may share a declaration; they have one initialiser.
        let mut declared: Vec<u32> = Vec::new();
        let mut of: FxHashMap<u32, Vec<ObjId>> = FxHashMap::default();
        for &o in objects.iter().filter(|&&o| is_variable(o)) {
            let Some(d) = decl(o) else { continue };
            let list = of.entry(d).or_default();
            if list.is_empty() {
                declared.push(d);
            }
            list.push(o);
        }
        // What each waits for: the variables it uses, itself or through functions.
        let mut waits: FxHashMap<u32, usize> = FxHashMap::default();
        let mut awaited: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        for &d in &declared {
            let mut seen: FxHashSet<ObjId> = FxHashSet::default();
            let mut needs: FxHashSet<u32> = FxHashSet::default();
            let mut stack = of[&d].clone();
            while let Some(o) = stack.pop() {
                for &next in deps.get(&o).into_iter().flatten() {
                    if !seen.insert(next) {
                        continue;
                    }
                    match decl(next).filter(|_| is_variable(next)) {
                        Some(other) if other != d => drop(needs.insert(other)),
                        Some(_) => {}
                        None => stack.push(next),
                    }
                }
            }
            waits.insert(d, needs.len());
            needs.iter().for_each(|&n| awaited.entry(n).or_default().push(d));
        }
        let place: FxHashMap<u32, usize> = declared.iter().enumerate().map(|(i, &d)| (d, i)).collect();
        let mut ready: std::collections::BTreeSet<usize> =
            declared.iter().enumerate().filter(|(_, d)| waits[d] == 0).map(|(i, _)| i).collect();
        let mut order = Vec::with_capacity(declared.len());
        while let Some(i) = ready.pop_first() {
            let d = declared[i];
            order.push(d);
            for other in awaited.remove(&d).unwrap_or_default() {
                let left = waits.entry(other).or_default();
                *left -= 1;
                if *left == 0 {
                    ready.insert(place[&other]);
                }
            }
        }
        order
    }

    /// Cycles through at least one variable or constant (functions alone may call each other). `true` if any.
    fn report_init_cycles(&mut self, objects: &[ObjId], deps: &FxHashMap<ObjId, Vec<ObjId>>) -> bool {
        // strongly connected components, without recursion (Tarjan)
        let mut index: FxHashMap<ObjId, usize> = FxHashMap::default();
        let mut low: FxHashMap<ObjId, usize> = FxHashMap::default();
        let mut on_stack: FxHashSet<ObjId> = FxHashSet::default();
        let mut stack: Vec<ObjId> = Vec::new();
        let mut components: Vec<Vec<ObjId>> = Vec::new();
        let empty: Vec<ObjId> = Vec::new();
        for &root in objects {
            if index.contains_key(&root) {
                continue;
            }
            let mut work: Vec<(ObjId, usize)> = vec![(root, 0)];
            while let Some((o, i)) = work.last().copied() {
                if i == 0 {
                    let n = index.len();
                    index.insert(o, n);
                    low.insert(o, n);
                    stack.push(o);
                    on_stack.insert(o);
                }
                let list = deps.get(&o).unwrap_or(&empty);
                if let Some(&next) = list.get(i) {
                    if let Some(top) = work.last_mut() {
                        top.1 += 1;
                    }
                    if !index.contains_key(&next) {
                        work.push((next, 0));
                    } else if on_stack.contains(&next) {
                        let l = low[&o].min(index[&next]);
                        low.insert(o, l);
                    }
                    continue;
                }
                work.pop();
                if let Some(&(parent, _)) = work.last() {
                    let l = low[&parent].min(low[&o]);
                    low.insert(parent, l);
                }
                if low[&o] == index[&o] {
                    let mut component = Vec::new();
                    while let Some(x) = stack.pop() {
                        on_stack.remove(&x);
                        component.push(x);
                        if x == o {
                            break;
                        }
                    }
                    components.push(component);
                }
            }
        }
        let mut found = false;
        for mut c in components {
            let value = |s: &Self, o: ObjId| matches!(s.obj(o).kind, ObjKind::Global | ObjKind::Const(_));
            let cyclic = c.len() > 1 || deps.get(&c[0]).is_some_and(|l| l.contains(&c[0]));
            if !cyclic || !c.iter().any(|&o| value(self, o)) {
                continue;
            }
            c.sort_by_key(|&o| self.obj(o).span.lo);
            let Some(start) = c.iter().copied().find(|&o| value(self, o)) else { continue };
            let members: FxHashSet<ObjId> = c.iter().copied().collect();
            let cycle = shortest_cycle(start, &members, deps);
            found = true;
            self.init_cycle_error(&cycle);
        }
        found
    }

    fn init_cycle_error(&mut self, cycle: &[ObjId]) {
        let name = |s: &Self, o: ObjId| s.name(s.obj(o).name).to_string();
        let span = self.obj(cycle[0]).span;
        let first = name(self, cycle[0]);
        if cycle.len() == 1 {
            self.err("initialization-cycle", span, format!("initialization cycle: {first} refers to itself"));
            return;
        }
        let mut d = Diagnostic::error("initialization-cycle", span, format!("initialization cycle for {first}"));
        for (i, &o) in cycle.iter().enumerate() {
            let next = cycle[(i + 1) % cycle.len()];
            d = d.related(self.obj(o).span, format!("{} refers to {}", name(self, o), name(self, next)));
        }
        self.report(d);
    }
}

/// A shortest way from `start` back to itself inside `members`.
fn shortest_cycle(start: ObjId, members: &FxHashSet<ObjId>, deps: &FxHashMap<ObjId, Vec<ObjId>>) -> Vec<ObjId> {
    let mut from: FxHashMap<ObjId, ObjId> = FxHashMap::default();
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(o) = queue.pop_front() {
        for &next in deps.get(&o).into_iter().flatten().filter(|x| members.contains(x)) {
            if next == start {
                let mut path = vec![o];
                let mut at = o;
                while at != start {
                    at = from[&at];
                    path.push(at);
                }
                path.reverse();
                return path;
            }
            from.entry(next).or_insert_with(|| {
                queue.push_back(next);
                o
            });
        }
    }
    vec![start]
}
