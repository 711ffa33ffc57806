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
        // The rule: repeatedly take the first variable, in order of declaration, that depends on no uninitialised
        // one. That is a depth-first walk in source order where a variable's dependencies are its reachable variables
        // in source order.
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
        // each declaration (several variables may share one) once its dependencies are done
        let mut emitted: FxHashSet<u32> = FxHashSet::default();
        let mut done: FxHashSet<ObjId> = FxHashSet::default();
        let mut order: Vec<u32> = Vec::new();
        for &root in &objects {
            if !matches!(self.obj(root).kind, ObjKind::Global) || done.contains(&root) {
                continue;
            }
            // post-order without recursion; the dependencies of all variables of a declaration count
            let mut stack: Vec<(ObjId, usize)> = vec![(root, 0)];
            done.insert(root);
            while let Some((o, i)) = stack.last().copied() {
                let next = deps.get(&o).and_then(|l| l.get(i)).copied();
                match next {
                    Some(n) => {
                        if let Some(top) = stack.last_mut() {
                            top.1 += 1;
                        }
                        if done.insert(n) {
                            stack.push((n, 0));
                        }
                    }
                    None => {
                        stack.pop();
                        if matches!(self.obj(o).kind, ObjKind::Global)
                            && let Some(d) = self.aux[o.0 as usize].decl
                            && emitted.insert(d)
                        {
                            order.push(d);
                        }
                    }
                }
            }
        }
        let pkg = self.env.pkg;
        for d in order {
            let DeclKind::Var { lhs, init: Some(rhs), .. } = &self.decls[d as usize].kind else { continue };
            let lhs = lhs.iter().map(|&o| (self.obj(o).name != crate::base::intern::Sym::BLANK).then_some(o)).collect();
            let init = Init { lhs, rhs: *rhs };
            self.info.packages[pkg.0 as usize].inits.push(init);
        }
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
