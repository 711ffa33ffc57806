//! A session's compiler: what one input was compiled to is there for the next. The program only grows. Numbers of
//! functions, types, constants, natives, methods and shapes, code indices and offsets of variables stay what they are;
//! old entries change in one way only: a type gets further methods and links to types that did not exist.
use super::closure::Analysis;
use super::func::FuncState;
use super::regs::MapId;
use super::types::Lay;
use super::*;

macro_rules! kept {
    ($($field:ident: $ty:ty,)*) => {
        /// A compiler between two inputs.
        pub struct Session {
            $($field: $ty,)*
            /// Packages whose initialisers are known.
            opened: FxHashSet<PkgId>,
            /// Initialisers of standard packages that have been run.
            initialised: usize,
        }

        impl Session {
            fn new(c: Compiler) -> Session {
                Session { $($field: c.$field,)* opened: FxHashSet::default(), initialised: 0 }
            }

            /// Takes the compiler's state out, to be put back by [`Session::put`].
            fn compiler<'a>(
                &mut self,
                ast: &'a Ast,
                info: &'a mut Info,
                names: &'a Interner,
                diags: &'a mut Diagnostics,
            ) -> Compiler<'a> {
                let mut c = new_compiler(ast, info, names, diags);
                $(std::mem::swap(&mut c.$field, &mut self.$field);)*
                c
            }

            fn put(&mut self, c: Compiler) {
                $(self.$field = c.$field;)*
            }
        }
    };
}

kept! {
    prog: Program,
    f: FuncState,
    call_fixes: Vec<(u32, FuncIdx)>,
    lays: FxHashMap<TypeId, Lay>,
    field_memo: FxHashMap<TypeId, Rc<[(TypeId, u32)]>>,
    maps: Vec<BitMap>,
    map_ids: FxHashMap<BitMap, MapId>,
    rtypes: FxHashMap<TypeId, RTypeId>,
    rtype_order: Vec<TypeId>,
    reached: FxHashSet<TypeId>,
    new_reached: Vec<TypeId>,
    method_ids: FxHashMap<MethodKey, MethodId>,
    new_method_ids: Vec<MethodKey>,
    waiting_methods: FxHashMap<MethodKey, Vec<(TypeId, MethodEntry)>>,
    work: Vec<Work>,
    funcs: FxHashMap<Key, FuncIdx>,
    native_ids: FxHashMap<String, u32>,
    analysis: Analysis,
    small: FxHashMap<FuncId, Option<inline::Small>>,
    safe_memo: Vec<u8>,
    const_ids: FxHashMap<Constant, u32>,
    shape_ids: FxHashMap<ClosureShape, u32>,
    globals: FxHashMap<ObjId, u32>,
    lazy_inits: FxHashMap<ObjId, (PkgId, usize)>,
    wanted_inits: Vec<(PkgId, usize)>,
    done_inits: Vec<(PkgId, usize, FuncIdx)>,
    exit_count: i32,
    reflects: bool,
    keeps_methods: bool,
    stubbed: usize,
}

/// Compiles one more input of a session: the statements in `Info::script`, and what they reach that is not compiled yet.
/// The program's entry is the function that runs the input. After an error (a limit was exceeded) the session is of no
/// use any more.
pub fn compile_input(
    session: &mut Option<Session>,
    ast: &Ast,
    info: &mut Info,
    names: &Interner,
    diags: &mut Diagnostics,
    main: PkgId,
    attached: &[ObjId],
) -> Program {
    if session.is_none() {
        let mut c = new_compiler(ast, info, names, diags);
        c.reflects = true;
        c.known_to_natives();
        *session = Some(Session::new(c));
    }
    let Some(kept) = session.as_mut() else { return Program::default() };
    let packages = info.packages.len() as u32;
    let new: Vec<PkgId> = (0..packages).map(PkgId).filter(|&p| p != main && kept.opened.insert(p)).collect();
    let initialised = kept.initialised;
    let mut c = kept.compiler(ast, info, names, diags);
    c.look_at_imports();
    c.safe_memo.resize(ast.exprs.len(), 0);
    let mut list = Vec::new();
    for &pkg in &new {
        c.open_package(pkg);
    }
    c.offer_attached(attached);
    for pkg in new.into_iter().chain([main]) {
        let package = c.info.pkg(pkg);
        if !package.std && !package.inits.is_empty() {
            let all = 0..package.inits.len();
            list.push((pkg, c.init_func(pkg, all)));
        }
        for obj in c.info.pkg(pkg).init_funcs.clone() {
            list.push((pkg, c.func_code_of(obj, Vec::new())));
        }
    }
    let script = c.script(main);
    c.drain();
    // Variables of standard packages come first: nothing in them depends on the input.
    c.done_inits[initialised..].sort();
    let mut calls: Vec<FuncIdx> = c.done_inits[initialised..].iter().map(|d| d.2).collect();
    calls.extend(list.into_iter().map(|(_, f)| f));
    calls.push(script);
    c.entry_function(&calls);
    c.link();
    let initialised = c.done_inits.len();
    let program = c.prog.clone();
    kept.put(c);
    kept.initialised = initialised;
    program
}

impl Session {
    /// The code of the functions that have this name, or end in it.
    pub fn functions_named(&self, name: &str) -> Vec<Function> {
        let wanted = format!("main.{name}");
        let named = |f: &&Function| f.name == wanted || f.name == name || f.name.starts_with(&format!("{wanted}.func"));
        self.prog.funcs.iter().filter(|f| f.end > f.entry).filter(named).cloned().collect()
    }

    pub fn program(&self) -> &Program {
        &self.prog
    }
}
