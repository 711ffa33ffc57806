//! The whole program: initialisation of packages, the entry function, what natives need to know.
use super::Compiler;
use super::closure::{self, Body};
use super::lvalue::Place;
use super::regs::Reg;
use crate::base::intern::Sym;
use crate::base::span::Span;
use crate::bytecode::op::Op;
use crate::bytecode::program::*;
use crate::syntax::ast::*;
use crate::types::info::*;
use crate::types::instantiate::Subst;
use crate::types::ty::{Type, TypeId};
use rustc_hash::{FxHashMap, FxHashSet};

/// The package whose types the interpreter makes itself: run-time errors.
const RUNTIME_PACKAGE: &str = "internal/rt";

/// A script's variables beyond this number are global: all that is in slots must fit a frame.
const MAX_SCRIPT_LOCALS: usize = 4096;

impl Compiler<'_> {
    pub fn program(&mut self) {
        self.known_to_natives();
        let mut inits: Vec<Option<FuncIdx>> = vec![None; self.info.packages.len()];
        for p in 0..self.info.packages.len() {
            let pkg = PkgId(p as u32);
            self.open_package(pkg);
        }
        for (p, init) in inits.iter_mut().enumerate() {
            let pkg = PkgId(p as u32);
            if !self.info.pkg(pkg).std && !self.info.pkg(pkg).inits.is_empty() {
                self.static_first(p);
                *init = Some(self.init_func(pkg, 0..self.info.pkg(pkg).inits.len()));
            }
        }
        let main = self.main_funcs();
        let mut funcs = Vec::new();
        for p in 0..self.info.packages.len() {
            let list = self.info.packages[p].init_funcs.clone();
            for (i, obj) in list.into_iter().enumerate() {
                let idx = self.func_code_of(obj, Vec::new());
                let path = self.pkg_path(PkgId(p as u32));
                self.prog.funcs[idx.0 as usize].name = format!("{path}.init.{i}");
                funcs.push((p, idx));
            }
        }
        self.drain();
        self.done_inits.sort();
        self.entry(&inits, &funcs, main);
        self.link();
    }

    /// What the interpreter and natives look for.
    pub fn known_to_natives(&mut self) {
        self.rtype(TypeId::STRING);
        self.rtype(TypeId::UINT8);
        self.rtype_iface(self.error);
        for name in ["Error", "String"] {
            if let Some(sym) = self.names.lookup(name) {
                let sig = self.info.types.func(Vec::new(), vec![TypeId::STRING], false);
                self.method_id(sym, PkgId::NONE, sig);
            }
        }
    }

    /// Notes the initialisers of a standard package, and makes the types of the run-time system's own.
    pub fn open_package(&mut self, pkg: PkgId) {
        if self.info.pkg(pkg).std {
            for (i, init) in self.info.pkg(pkg).inits.iter().enumerate() {
                for obj in init.lhs.iter().flatten() {
                    self.lazy_inits.insert(*obj, (pkg, i));
                }
            }
        }
        if self.pkg_path(pkg) == RUNTIME_PACKAGE {
            let all: Vec<TypeId> = self.type_names(pkg);
            for t in all {
                self.rtype_iface(t);
                let pointer = self.info.types.pointer(t);
                self.rtype_iface(pointer);
            }
        }
    }

    /// Links what has been compiled, when every function has its place.
    pub fn link(&mut self) {
        self.link_calls();
        self.link_types();
        self.prog.well_known.clear();
        for (&t, &id) in &self.rtypes {
            if let Type::Named(n) = self.info.types.get(t)
                && let d = self.info.types.named(*n)
                && d.pkg != PkgId::NONE
                && self.info.pkg(d.pkg).std
            {
                self.prog.well_known.push((self.names.name(self.info.pkg(d.pkg).path).to_string(), id));
            }
        }
        self.prog.well_known.sort_by_key(|w| w.1);
        self.prog.sort_funcs();
    }

    /// As under Go, variables whose values need no code to run have them before any code runs. It shows where an
    /// initialiser uses a variable in a way that the order of initialisation does not see.
    fn static_first(&mut self, package: usize) {
        let inits = std::mem::take(&mut self.info.packages[package].inits);
        let mut known = FxHashSet::default();
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        for init in inits {
            match init.lhs[..] {
                [obj] if self.is_static(init.rhs, &known) => {
                    known.extend(obj);
                    first.push(init);
                }
                _ => rest.push(init),
            }
        }
        first.extend(rest);
        self.info.packages[package].inits = first;
    }

    fn is_static(&self, e: ExprId, known: &FxHashSet<ObjId>) -> bool {
        let e = self.ast.unparen(e);
        if self.info.consts.contains_key(&e) {
            return true;
        }
        match &self.ast.expr(e).kind {
            ExprKind::Ident(_) => self.info.uses.get(&e).is_some_and(|o| match self.info.obj(*o).kind {
                ObjKind::Nil | ObjKind::Func(_) => true,
                _ => known.contains(o),
            }),
            ExprKind::FuncLit(_) => true,
            ExprKind::Unary { op: UnaryOp::Addr, x } => {
                let x = self.ast.unparen(*x);
                matches!(self.ast.expr(x).kind, ExprKind::Composite { .. }) && self.is_static(x, known)
            }
            ExprKind::Composite { elems, .. } => {
                let ty = self.info.type_of(e);
                !matches!(self.info.types.underlying(ty), Type::Map(..))
                    && elems.iter().all(|el| self.is_static(el.value, known))
            }
            _ => false,
        }
    }

    /// The declared types of a package that are not generic.
    fn type_names(&self, pkg: PkgId) -> Vec<TypeId> {
        let mut out: Vec<TypeId> = self
            .info
            .pkg(pkg)
            .scope
            .values()
            .filter_map(|&o| {
                let o = self.info.obj(o);
                let n = self.info.types.as_named(o.ty)?;
                (matches!(o.kind, ObjKind::TypeName) && self.info.types.named(n).tparams.is_empty()).then_some(o.ty)
            })
            .collect();
        out.sort();
        out
    }

    /// What is called after everything has been initialized: a program's `main`, a script's statements. A script that only
    /// declares is as a program: its `main` is called then.
    fn main_funcs(&mut self) -> Vec<FuncIdx> {
        let Some(pkg) = self.info.packages.len().checked_sub(1) else { return Vec::new() };
        let pkg = PkgId(pkg as u32);
        let is_script =
            self.info.pkg(pkg).files.iter().any(|&f| self.ast.files.get(f).is_some_and(|f| f.package.is_none()));
        let only_declares =
            self.info.script.iter().all(|&s| matches!(self.ast.stmt(s).kind, StmtKind::Decl(_) | StmtKind::Empty));
        let main = self.names.lookup("main").and_then(|n| self.info.pkg(pkg).scope.get(&n).copied());
        let main = main.filter(|&obj| {
            let (params, results, _) = self.signature(self.info.obj(obj).ty);
            matches!(self.info.obj(obj).kind, ObjKind::Func(_)) && params.is_empty() && results.is_empty()
        });
        let mut list = Vec::new();
        if is_script && !(self.info.script.is_empty() && main.is_some()) {
            self.script_locals(pkg);
            list.push(self.script(pkg));
        }
        if let Some(main) = main.filter(|_| only_declares) {
            list.push(self.func_code_of(main, Vec::new()));
        }
        list
    }

    /// Makes those variables of a script local to its statements that no declared function speaks of.
    fn script_locals(&mut self, pkg: PkgId) {
        let ast = self.ast;
        let mut declared: Vec<(u32, ObjId)> = Vec::new();
        for &s in &self.info.script {
            let names: Vec<u32> = match &ast.stmt(s).kind {
                StmtKind::Define { lhs, .. } => lhs.iter().map(|&l| ast.span(l).lo).collect(),
                StmtKind::Decl(Decl::Var(specs)) => specs.iter().flat_map(|s| &s.names).map(|n| n.span.lo).collect(),
                _ => continue,
            };
            declared.extend(names.into_iter().filter_map(|at| Some((at, *self.info.defs.get(&at)?))));
        }
        declared.truncate(MAX_SCRIPT_LOCALS);
        let mut local: FxHashMap<ObjId, u32> = declared
            .into_iter()
            .filter(|&(_, obj)| matches!(self.info.obj(obj).kind, ObjKind::Global))
            .map(|(at, obj)| (obj, at))
            .collect();
        let mut funcs = Vec::new();
        for &f in &self.info.pkg(pkg).files {
            for item in ast.files.get(f).iter().flat_map(|f| &f.items) {
                if let TopItem::Func(f) = item {
                    funcs.push(ast.func(*f).span);
                }
            }
        }
        funcs.sort_by_key(|f| f.lo);
        for (&e, obj) in &self.info.uses {
            let Some(&at) = local.get(obj) else { continue };
            let here = ast.span(e).lo;
            let before = funcs.partition_point(|f| f.lo <= here);
            if here < at || before.checked_sub(1).is_some_and(|i| here < funcs[i].hi) {
                local.remove(obj);
            }
        }
        for obj in local.into_keys() {
            self.info.objects[obj.0 as usize].kind = ObjKind::Local;
        }
    }

    pub fn script(&mut self, pkg: PkgId) -> FuncIdx {
        let stmts = self.info.script.clone();
        closure::top(self.ast, self.info, &mut self.analysis, pkg, &[], &stmts);
        let path = self.pkg_path(pkg);
        let pos = stmts.first().map_or(0, |&s| self.ast.stmt(s).span.lo);
        let idx = self.new_func(format!("{path}.main"), pos, path, false);
        self.begin(idx, Body::Top(pkg), pkg, Subst::default());
        self.fixed_slots(&[], &[], false);
        self.result_variables(&Signature { params: Vec::new(), results: Vec::new(), span: Span::NONE });
        self.block_stmts(&stmts);
        let span = stmts.last().map_or(Span::NONE, |&s| self.ast.stmt(s).span);
        self.end_function(span);
        idx
    }

    /// A function that sets some of a package's variables.
    pub fn init_func(&mut self, pkg: PkgId, range: std::ops::Range<usize>) -> FuncIdx {
        let exprs: Vec<ExprId> = self.info.pkg(pkg).inits[range.clone()].iter().map(|i| i.rhs).collect();
        closure::top(self.ast, self.info, &mut self.analysis, pkg, &exprs, &[]);
        let path = self.pkg_path(pkg);
        let pos = exprs.first().map_or(0, |&e| self.ast.span(e).lo);
        let idx = self.new_func(format!("{path}.init"), pos, path, false);
        self.begin(idx, Body::Top(pkg), pkg, Subst::default());
        self.fixed_slots(&[], &[], false);
        for i in range {
            let init = &self.info.pkg(pkg).inits[i];
            let (lhs, rhs) = (init.lhs.clone(), init.rhs);
            self.set_pos(self.ast.span(rhs).lo);
            let mark = self.f.regs.mark();
            let values = if let &[one] = &lhs[..] {
                let ty = match one {
                    Some(obj) => self.info.obj(obj).ty,
                    None => {
                        let own = self.ty(rhs);
                        self.info.types.default_type(own)
                    }
                };
                if ty == TypeId::UNTYPED_NIL { Vec::new() } else { vec![(self.value(rhs, ty), ty)] }
            } else {
                self.multi_values(rhs)
            };
            for (obj, (r, from)) in lhs.iter().zip(values) {
                if let Some(obj) = *obj
                    && self.info.obj(obj).name != Sym::BLANK
                {
                    let ty = self.info.obj(obj).ty;
                    let at = self.global(obj);
                    self.store_as(Place::Global(at), ty, r, from);
                }
            }
            self.f.regs.release(mark);
        }
        self.end_function(Span::new(pos, pos + 1));
        idx
    }

    /// Compiles the initialiser of a standard package's variable that something uses.
    pub fn lazy_init(&mut self) {
        let Some((pkg, i)) = self.wanted_inits.pop() else { return };
        if self.done_inits.iter().any(|d| (d.0, d.1) == (pkg, i)) {
            return;
        }
        let idx = self.init_func(pkg, i..i + 1);
        self.done_inits.push((pkg, i, idx));
    }

    fn entry(&mut self, inits: &[Option<FuncIdx>], funcs: &[(usize, FuncIdx)], main: Vec<FuncIdx>) {
        let mut list = Vec::new();
        for (p, init) in inits.iter().enumerate() {
            list.extend(self.done_inits.iter().filter(|d| d.0 == PkgId(p as u32)).map(|d| d.2));
            list.extend(*init);
            list.extend(funcs.iter().filter(|f| f.0 == p).map(|f| f.1));
        }
        list.extend(main);
        self.entry_function(&list);
    }

    /// The function that a run, or an input of a session, begins with: it calls all of these.
    pub fn entry_function(&mut self, list: &[FuncIdx]) {
        let idx = self.new_func("runtime.main".to_string(), 0, "runtime".to_string(), true);
        self.begin(idx, Body::Top(PkgId::NONE), PkgId::NONE, Subst::default());
        self.fixed_slots(&[], &[], false);
        let base = self.begin_window(0, 0);
        let w = Reg::scalar(base);
        for &f in list {
            self.f.code.call(w, f);
        }
        self.f.code.plain(Op::Ret);
        self.finish_code(idx, Span::NONE);
        self.prog.entry = Some(idx);
    }
}
