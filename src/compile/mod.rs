//! Checked tree to bytecode, in one pass over each function: code is generated straight into the slots where values
//! are wanted. Only what the program can reach is compiled: functions, instances of generic functions, method tables
//! and initialisers of standard packages are made when something asks for them.
//!
//! Rules the files of this room keep:
//! - `expr(e, None)` gives a slot that holds the value, perhaps a variable's own; `expr(e, Some(r))` puts a copy there, and
//!   writes `r` only after every operand has been read.
//! - A pointer lies in a scalar slot (a call window) only up to the next safepoint; `held` moves it to a pointer slot.
//! - Slices copied out of a place that may own their header are disowned (see `bytecode::program`).
mod arith;
mod assign;
mod builtin;
mod call;
mod closure;
mod cond;
mod conv;
pub mod cover;
mod divide;
mod emit;
mod expr;
mod func;
mod init;
mod inline;
mod iter;
mod lit;
mod lvalue;
mod method;
mod order;
mod range;
mod regs;
pub mod session;
mod spawn;
mod stmt;
mod switch;
mod types;

use crate::base::diag::Diagnostics;
use crate::base::intern::{Interner, Sym};
use crate::bytecode::program::*;
use crate::syntax::ast::{Ast, ExprId, FuncId};
use crate::types::info::{Info, ObjId, ObjKind, PkgId};
use crate::types::instantiate::Subst;
use crate::types::lookup::MethodEntry;
use crate::types::ty::{Type, TypeId};
use func::FuncState;
use regs::MapId;
use rustc_hash::{FxHashMap, FxHashSet};
use std::rc::Rc;

/// A method by name, package (if unexported) and signature.
type MethodKey = (Sym, PkgId, TypeId);

/// What a function index was made for.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// A declared function or method with its type arguments.
    Decl(ObjId, Vec<TypeId>),
    /// The method of a type as a function whose first parameter is the receiver, or (`boxed`) an interface holding it.
    Wrapper { recv: TypeId, boxed: bool, target: call::Target },
    /// The function of a method value: the receiver is captured.
    Bound { recv: TypeId, call: BoundCall },
}

/// What a method value calls.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum BoundCall {
    Func(FuncRef),
    Iface(MethodId),
}

/// A variable that a closure holds.
#[derive(Clone, Copy, Debug)]
pub struct Capture {
    obj: ObjId,
    ty: TypeId,
    /// The box's address, not the value.
    by_ref: bool,
}

/// A function whose code is still to be made.
pub enum Work {
    Decl {
        idx: FuncIdx,
        obj: ObjId,
        func: FuncId,
        subst: Subst,
    },
    /// A native as a function of its own, where its address is wanted.
    Native {
        idx: FuncIdx,
        native: u32,
        recv: Option<TypeId>,
        sig: TypeId,
    },
    Lit {
        idx: FuncIdx,
        func: FuncId,
        sig: TypeId,
        subst: Subst,
        captures: Vec<Capture>,
    },
    Wrapper {
        idx: FuncIdx,
        recv: TypeId,
        boxed: bool,
        target: call::Target,
    },
    Bound {
        idx: FuncIdx,
        recv: TypeId,
        call: BoundCall,
        sig: TypeId,
    },
    Thunk {
        idx: FuncIdx,
        call: spawn::Deferred,
        args: Vec<TypeId>,
    },
    /// The body of functions of this type that reflection makes.
    Stub {
        idx: FuncIdx,
        sig: TypeId,
    },
}

/// How a declared function is reached.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FuncRef {
    Code(FuncIdx),
    Native(u32),
}

pub struct Compiler<'a> {
    ast: &'a Ast,
    info: &'a mut Info,
    names: &'a Interner,
    diags: &'a mut Diagnostics,
    prog: Program,
    f: FuncState,
    call_fixes: Vec<(u32, FuncIdx)>,
    // types
    lays: FxHashMap<TypeId, types::Lay>,
    field_memo: FxHashMap<TypeId, Rc<[(TypeId, u32)]>>,
    maps: Vec<BitMap>,
    map_ids: FxHashMap<BitMap, MapId>,
    rtypes: FxHashMap<TypeId, RTypeId>,
    rtype_order: Vec<TypeId>,
    // methods
    reached: FxHashSet<TypeId>,
    new_reached: Vec<TypeId>,
    method_ids: FxHashMap<MethodKey, MethodId>,
    new_method_ids: Vec<MethodKey>,
    /// Methods of reached types that no interface has asked for yet.
    waiting_methods: FxHashMap<MethodKey, Vec<(TypeId, MethodEntry)>>,
    // functions
    work: Vec<Work>,
    funcs: FxHashMap<Key, FuncIdx>,
    native_ids: FxHashMap<String, u32>,
    analysis: closure::Analysis,
    /// Whether calls of a function are inlined.
    small: FxHashMap<FuncId, Option<inline::Small>>,
    /// By expression: 1 has no safepoint, 2 has one.
    safe_memo: Vec<u8>,
    // constants and variables
    const_ids: FxHashMap<Constant, u32>,
    shape_ids: FxHashMap<ClosureShape, u32>,
    globals: FxHashMap<ObjId, u32>,
    /// Initialisers of standard packages by the variables they set, until they are compiled.
    lazy_inits: FxHashMap<ObjId, (PkgId, usize)>,
    wanted_inits: Vec<(PkgId, usize)>,
    done_inits: Vec<(PkgId, usize, FuncIdx)>,
    /// Ways out of loops over functions, numbered through the program.
    exit_count: i32,
    any: TypeId,
    error: TypeId,
    /// Values are looked into at run time: what can be reached through pointers has method tables too.
    reflects: bool,
    /// Exported methods of types that reach interfaces are called by name.
    keeps_methods: bool,
    /// Runtime types below this number have their stubs.
    stubbed: usize,
    /// Blocks that are counted.
    cover: Option<cover::Cover>,
}

/// Compiles a checked program, and counts blocks of it. Limits that it exceeds are reported.
pub fn compile(
    ast: &Ast,
    info: &mut Info,
    names: &Interner,
    cover: Option<cover::Cover>,
    diags: &mut Diagnostics,
) -> Program {
    let mut c = new_compiler(ast, info, names, diags);
    c.begin_cover(cover);
    c.look_at_imports();
    c.program();
    c.prog
}

/// A compiler that has compiled nothing.
fn new_compiler<'a>(ast: &'a Ast, info: &'a mut Info, names: &'a Interner, diags: &'a mut Diagnostics) -> Compiler<'a> {
    let any = info.types.empty_interface();
    let error = error_type(info, names).unwrap_or(any);
    let mut one = BitMap::default();
    one.set(0);
    Compiler {
        ast,
        info,
        names,
        diags,
        prog: Program { types: vec![RType::of_kind(Kind::Invalid)].into(), ..Program::default() },
        f: FuncState::default(),
        call_fixes: Vec::new(),
        lays: FxHashMap::default(),
        field_memo: FxHashMap::default(),
        maps: vec![BitMap::default(), one.clone()],
        map_ids: FxHashMap::from_iter([(BitMap::default(), MapId::NONE), (one, MapId::ONE)]),
        rtypes: FxHashMap::default(),
        rtype_order: Vec::new(),
        reached: FxHashSet::default(),
        new_reached: Vec::new(),
        method_ids: FxHashMap::default(),
        new_method_ids: Vec::new(),
        waiting_methods: FxHashMap::default(),
        work: Vec::new(),
        funcs: FxHashMap::default(),
        native_ids: FxHashMap::default(),
        analysis: closure::Analysis::default(),
        small: FxHashMap::default(),
        safe_memo: vec![0; ast.exprs.len()],
        const_ids: FxHashMap::default(),
        shape_ids: FxHashMap::default(),
        globals: FxHashMap::default(),
        lazy_inits: FxHashMap::default(),
        wanted_inits: Vec::new(),
        done_inits: Vec::new(),
        exit_count: 0,
        any,
        error,
        reflects: false,
        keeps_methods: false,
        stubbed: 0,
        cover: None,
    }
}

/// The predeclared type `error`.
fn error_type(info: &Info, names: &Interner) -> Option<TypeId> {
    let name = names.lookup("error")?;
    info.objects
        .iter()
        .find(|o| o.pkg == PkgId::NONE && o.name == name && matches!(o.kind, ObjKind::TypeName))
        .map(|o| o.ty)
}

impl Compiler<'_> {
    /// Compiles all that has been asked for, and what that asks for.
    fn drain(&mut self) {
        loop {
            if let Some(w) = self.work.pop() {
                self.run(w);
            } else if !self.wanted_inits.is_empty() {
                self.lazy_init();
            } else if !self.fill_methods() && !self.fill_stubs() {
                break;
            }
        }
    }

    fn run(&mut self, work: Work) {
        match work {
            Work::Decl { idx, obj, func, subst } => self.decl_body(idx, obj, func, subst),
            Work::Native { idx, native, recv, sig } => self.native_body(idx, native, recv, sig),
            Work::Lit { idx, func, sig, subst, captures } => self.lit_body(idx, func, sig, subst, captures),
            Work::Wrapper { idx, recv, boxed, target } => self.wrapper_body(idx, recv, boxed, target),
            Work::Bound { idx, recv, call, sig } => self.bound_body(idx, recv, call, sig),
            Work::Thunk { idx, call, args } => self.thunk_body(idx, call, args),
            Work::Stub { idx, sig } => self.stub_body(idx, sig),
        }
    }

    /// A new function; its code comes later.
    fn new_func(&mut self, name: String, pos: u32, package: String, hidden: bool) -> FuncIdx {
        let idx = FuncIdx(self.prog.funcs.len() as u32);
        self.prog.funcs.push(Function { name, pos, package, hidden, ..Function::default() });
        idx
    }

    /// The package path and the receiver's name, for names of functions.
    fn func_name(&self, obj: ObjId) -> (String, String, String) {
        let o = self.info.obj(obj);
        let path = if o.pkg == PkgId::NONE { "main".to_string() } else { self.pkg_path(o.pkg) };
        let name = self.names.name(o.name);
        let ObjKind::Func(f) = &o.kind else { return (format!("{path}.{name}"), String::new(), path) };
        match f.recv {
            None => {
                let dots = if f.tparams.is_empty() { "" } else { "[...]" };
                ([&path, ".", name, dots].concat(), [&path, ".", name].concat(), path)
            }
            Some(r) => {
                let base = match self.info.types.get(r.base) {
                    Type::Named(n) => self.names.name(self.info.types.named(*n).name),
                    _ => "",
                };
                let dots = if f.tparams.is_empty() { "" } else { "[...]" };
                let shown = if r.pointer {
                    [&path, ".(*", base, dots, ").", name].concat()
                } else {
                    [&path, ".", base, dots, ".", name].concat()
                };
                (shown, [&path, ".", base, ".", name].concat(), path)
            }
        }
    }

    /// The substitution under which a declared function's body is compiled.
    fn func_subst(&self, obj: ObjId, targs: &[TypeId]) -> Subst {
        match &self.info.obj(obj).kind {
            ObjKind::Func(f) => {
                let params: Vec<_> = f.tparams.iter().chain(&f.method_tparams).copied().collect();
                Subst::new(&params, targs)
            }
            _ => Subst::default(),
        }
    }

    /// A declared function; its body will be compiled. `targs`: the receiver's type arguments, then its own.
    fn func_ref(&mut self, obj: ObjId, targs: Vec<TypeId>) -> FuncRef {
        let (native, func) = match &self.info.obj(obj).kind {
            ObjKind::Func(f) => (f.native, f.func),
            _ => (false, None),
        };
        if native {
            let (_, plain, _) = self.func_name(obj);
            if plain == "reflect.call" {
                let id = self.native_id(obj, plain);
                return FuncRef::Code(self.native_code(obj, targs, id));
            }
            return FuncRef::Native(self.native_id(obj, plain));
        }
        FuncRef::Code(self.func_code(obj, targs, func))
    }

    fn func_code(&mut self, obj: ObjId, targs: Vec<TypeId>, func: Option<FuncId>) -> FuncIdx {
        let key = Key::Decl(obj, targs);
        if let Some(&idx) = self.funcs.get(&key) {
            return idx;
        }
        let Key::Decl(_, targs) = &key else { return FuncIdx(0) };
        let subst = self.func_subst(obj, targs);
        let (name, _, path) = self.func_name(obj);
        let pos = self.info.obj(obj).span.lo;
        let idx = self.new_func(name, pos, path, false);
        self.funcs.insert(key, idx);
        if let Some(func) = func {
            self.work.push(Work::Decl { idx, obj, func, subst });
        }
        idx
    }

    fn native_id(&mut self, obj: ObjId, name: String) -> u32 {
        if let Some(&id) = self.native_ids.get(&name) {
            return id;
        }
        let id = self.prog.natives.len() as u32;
        let sig = self.info.obj(obj).ty;
        let (params, results) = match self.info.types.get(sig).clone() {
            Type::Func(f) => (f.params.clone(), f.results.clone()),
            _ => (Vec::new(), Vec::new()),
        };
        let recv = matches!(&self.info.obj(obj).kind, ObjKind::Func(f) if f.recv.is_some());
        let params = params.iter().map(|&t| self.lay(t).slots).sum::<u32>() + recv as u32;
        let results = results.iter().map(|&t| self.lay(t).slots).sum();
        self.prog.natives.push(NativeRef { name: name.clone(), results, params });
        self.native_ids.insert(name, id);
        id
    }

    /// A declared function as code, natives wrapped.
    fn func_code_of(&mut self, obj: ObjId, targs: Vec<TypeId>) -> FuncIdx {
        match self.func_ref(obj, targs.clone()) {
            FuncRef::Code(idx) => idx,
            FuncRef::Native(native) => self.native_code(obj, targs, native),
        }
    }

    /// A native as code.
    fn native_code(&mut self, obj: ObjId, targs: Vec<TypeId>, native: u32) -> FuncIdx {
        let key = Key::Decl(obj, targs);
        if let Some(&idx) = self.funcs.get(&key) {
            return idx;
        }
        let (name, _, path) = self.func_name(obj);
        let idx = self.new_func(name, self.info.obj(obj).span.lo, path, true);
        self.funcs.insert(key, idx);
        let sig = self.info.obj(obj).ty;
        let recv = match &self.info.obj(obj).kind {
            ObjKind::Func(f) => f.recv,
            _ => None,
        };
        let recv = recv.map(|r| if r.pointer { self.info.types.pointer(r.base) } else { r.base });
        self.work.push(Work::Native { idx, native, recv, sig });
        idx
    }

    fn constant(&mut self, c: Constant) -> i32 {
        if let Some(&id) = self.const_ids.get(&c) {
            return id as i32;
        }
        let id = self.prog.consts.len() as u32;
        self.prog.consts.push(c.clone());
        self.const_ids.insert(c, id);
        id as i32
    }

    fn shape(&mut self, s: ClosureShape) -> u32 {
        if let Some(&id) = self.shape_ids.get(&s) {
            return id;
        }
        let id = self.prog.closures.len() as u32;
        self.prog.closures.push(s.clone());
        self.shape_ids.insert(s, id);
        id
    }

    /// Word offset of a package-level variable.
    fn global(&mut self, obj: ObjId) -> u32 {
        if let Some(&at) = self.globals.get(&obj) {
            return at;
        }
        let l = self.lay(self.info.obj(obj).ty);
        let at = self.prog.global_words;
        let map = self.maps[l.map.0 as usize].clone();
        map.iter().for_each(|i| self.prog.global_ptrs.set(at as usize + i));
        self.prog.global_words += l.words;
        self.globals.insert(obj, at);
        if let Some(init) = self.lazy_inits.get(&obj) {
            self.wanted_inits.push(*init);
        }
        at
    }

    fn ty(&mut self, e: ExprId) -> TypeId {
        self.sub(self.info.type_of(e))
    }
}
