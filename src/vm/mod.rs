//! The wiring of the two wings: from source files to a compiled program, and from a program to a run.
//!
//! A [`Vm`] shares nothing with any other: many may live in one process.
pub mod constraint;
pub mod host;
pub mod machine;
pub mod module;
pub mod pane;
mod prune;
pub mod session;
pub mod source;
mod stack;
pub mod trace;

use crate::base::diag::{Diagnostic, Diagnostics, Severity};
use crate::base::intern::Interner;
use crate::base::limits;
use crate::base::span::SourceMap;
use crate::bytecode::cover::CoverMode;
use crate::bytecode::program::Program;
use crate::compile::cover::Cover;
pub use crate::door::Permissions;
use crate::heap::{Concurrent, Config, Heap};
use crate::interp::ctx::{Exit, Rt};
pub use crate::interp::limits::LimitOptions;
pub use crate::interp::watch::{Handle, WatchOptions};
use crate::interp::{load, run};
pub use crate::profile::record::{Kind as ProfileKind, WantedProfiles};
pub use crate::sched::trace::record::Wanted;
use crate::syntax::ast::Ast;
use crate::types::check::{CheckOptions, check_program};
use crate::types::load::{PackageGraph, load_program};
use crate::value::env::Host;
use source::{Files, PackageLoader};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What the front wing made of a program.
pub struct Compiled {
    /// `None` when there were errors.
    pub program: Option<Program>,
    pub sources: Arc<SourceMap>,
    pub diagnostics: Diagnostics,
}

/// Options of the front wing.
#[derive(Clone, Copy, Default)]
pub struct CompileOptions {
    /// Unused names of scripts are errors.
    pub strict: bool,
    /// Warn of what is legal and most likely wrong.
    pub vet: bool,
    /// Stop after checking.
    pub check_only: bool,
    /// Count which blocks run of the first of `Files::packages`, its tests left out.
    pub cover: Option<CoverMode>,
    /// How much of the standard packages is compiled.
    pub packages: StdPackages,
    /// The process ends when the program does: what is small is not given back before, piece by piece.
    pub for_process: bool,
}

/// How much of the standard packages is compiled; for tests of what is left out.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum StdPackages {
    /// What the program reaches; if it has errors, whole packages.
    #[default]
    Reached,
    OnlyReached,
    Whole,
}

/// A tree of more expressions than this is given back before the program runs, since its memory counts.
const SMALL_TREE: usize = 20_000;

/// Compiles the files of one program, on a stack that is large enough for every tree that the parser lets through.
pub fn compile(files: Files, options: CompileOptions) -> Compiled {
    match stack::on_large(limits::FRONT_STACK_BYTES, options.for_process, move || compile_here(files, options)) {
        Ok(compiled) => compiled,
        Err(e) => {
            let mut diagnostics = Diagnostics::default();
            diagnostics.push(Diagnostic::error(
                "no-memory",
                crate::base::span::Span::NONE,
                format!("cannot reserve memory for the compiler's stack: {e}"),
            ));
            Compiled { program: None, sources: Arc::default(), diagnostics }
        }
    }
}

fn compile_here(files: Files, options: CompileOptions) -> Compiled {
    if options.packages != StdPackages::Whole
        && let Some(pruned) = source::prune(&files)
    {
        let loader = PackageLoader::of(&files, Some(pruned));
        let compiled = compile_with(&files, &loader, options);
        if options.packages == StdPackages::OnlyReached || !compiled.diagnostics.has_errors() {
            return compiled;
        }
    }
    compile_with(&files, &PackageLoader::of(&files, None), options)
}

fn compile_with(files: &Files, loader: &PackageLoader, options: CompileOptions) -> Compiled {
    let mut sources = SourceMap::default();
    let mut names = Interner::default();
    let mut ast = Ast::default();
    let mut diagnostics = Diagnostics::default();
    let mut main_files = Vec::new();
    for (name, text) in &files.files {
        let id = sources.add(name.clone(), text.clone());
        crate::syntax::parse_file(id, &sources, &mut names, &mut ast, &mut diagnostics);
        main_files.push(ast.files.len() - 1);
    }
    let release = source::release_of(files.module.as_ref());
    ast.set_release(0, release);
    let parse = crate::syntax::parse_file;
    let graph = load_program(&main_files, loader, parse, &mut sources, &mut names, &mut ast, &mut diagnostics);
    let mut program = None;
    if !diagnostics.has_hard_errors() {
        let check = CheckOptions { strict: options.strict, loader: Some(loader), programs: !files.packages.is_empty() };
        let mut info = check_program(&main_files, &ast, &graph, &mut names, &sources, check, &mut diagnostics);
        if options.vet {
            crate::types::vet::vet(&main_files, &ast, &info, &names, &sources, &mut diagnostics);
        }
        if !options.check_only {
            require_program(&ast, &main_files, &names, &mut diagnostics);
        }
        if !diagnostics.has_errors() && !options.check_only {
            let cover = options.cover.map(|mode| blocks(mode, files, &graph, &ast, &names, &sources));
            let mut compiled = crate::compile::compile(&ast, &mut info, &names, cover, &mut diagnostics);
            compiled.release = release;
            if !diagnostics.has_errors() {
                program = Some(compiled);
            }
        }
        if options.for_process && ast.exprs.len() < SMALL_TREE {
            std::mem::forget(info);
        }
    }
    if options.vet && diagnostics.lacks_packages_only() {
        // Warnings need no more than what is there; errors would only follow from what is missing.
        let known = diagnostics.list.len();
        let check = CheckOptions { strict: options.strict, loader: Some(loader), programs: false };
        let info = check_program(&main_files, &ast, &graph, &mut names, &sources, check, &mut diagnostics);
        crate::types::vet::vet(&main_files, &ast, &info, &names, &sources, &mut diagnostics);
        let later = diagnostics.list.split_off(known);
        diagnostics.list.extend(later.into_iter().filter(|d| d.severity == Severity::Warning));
    }
    if options.for_process && ast.exprs.len() < SMALL_TREE {
        std::mem::forget((ast, names, main_files));
    }
    Compiled { program, sources: Arc::new(sources), diagnostics }
}

/// The blocks of the package under test.
fn blocks(
    mode: CoverMode,
    files: &Files,
    graph: &PackageGraph,
    ast: &Ast,
    names: &Interner,
    sources: &SourceMap,
) -> Cover {
    let mut cover = Cover::new(mode);
    let path = files.packages.first().map_or("", |p| p.0.as_str());
    let package = graph.packages.iter().find(|p| names.name(p.path) == path);
    for &f in package.iter().flat_map(|p| &p.files) {
        let file = &ast.files[f];
        let source = sources.file(file.id);
        let name = std::path::Path::new(&source.name);
        if let Some(last) = name.file_name().filter(|_| !source::is_test(name)) {
            cover.add_file(file, source, ast, format!("{path}/{}", last.display()));
        }
    }
    cover
}

/// Reports files that are a package for others to import.
fn require_program(ast: &Ast, files: &[usize], names: &Interner, diagnostics: &mut Diagnostics) {
    let clause = files.iter().find_map(|&f| ast.files[f].package).filter(|p| names.name(p.name) != "main");
    if let Some(clause) = clause {
        let message = format!("package {} is not a main package", names.name(clause.name));
        let help = "a program begins with `package main`, or is a script without a package clause";
        diagnostics.push(Diagnostic::error("not-main", clause.span, message).help(help));
    }
}

/// Options of a run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Logical processors, up to [`limits::MAX_PROCS`]. A seeded run uses one and shows the program this number.
    pub procs: usize,
    /// CPUs of the machine: as many threads mark at most.
    pub cpus: usize,
    /// Replay: all choices and all time follow from this number.
    pub seed: Option<u64>,
    /// The portable driver instead of tail calls.
    pub portable: bool,
    /// Print which instructions were executed, at the end; slower.
    pub opcode_profile: bool,
    /// Bytes the VM may hold: heap, stacks, goroutines. `None`: most of what the machine has.
    pub max_memory: Option<usize>,
    /// Bytes one goroutine's stack may hold.
    pub max_stack: usize,
    /// GOGC.
    pub gc_percent: i64,
    /// GOMEMLIMIT: collections come more often above it.
    pub memory_limit: usize,
    /// Goroutines, instructions, time, output.
    pub limits: LimitOptions,
    /// What the program may reach of the outside: nothing, unless it is granted here.
    pub permissions: Permissions,
    /// A line to standard error for each collection.
    pub gctrace: bool,
    /// How long the world was stopped, to standard error at the end.
    pub gcpauses: bool,
    /// Whether collections mark while the program runs; `None`: when the heap is large.
    pub concurrent: Option<bool>,
    /// List the goroutines that can never run again when `main` returns, and end with status 3 if there are any.
    pub leaks: bool,
    /// What is to be recorded of the scheduler; see [`Vm::recorder`].
    pub trace: Option<Wanted>,
    /// What the run tells about itself while it goes on.
    pub watch: WatchOptions,
    /// Profiles that are to be written when the run ends.
    pub profiles: Option<WantedProfiles>,
    /// CPU profiles count instructions instead of time, as they do with a seed.
    pub by_instructions: bool,
}

impl Default for RunOptions {
    fn default() -> Self {
        // The system is asked once: it takes ten calls to look at the control groups.
        let cpus = std::thread::available_parallelism().map_or(1, |n| n.get());
        RunOptions {
            procs: cpus,
            cpus,
            seed: None,
            portable: false,
            opcode_profile: false,
            max_memory: None,
            max_stack: limits::MAX_STACK_SLOTS * 8,
            gc_percent: 100,
            memory_limit: usize::MAX,
            limits: LimitOptions::default(),
            permissions: Permissions::none(),
            gctrace: false,
            gcpauses: false,
            concurrent: None,
            leaks: false,
            trace: None,
            watch: WatchOptions::default(),
            profiles: None,
            by_instructions: false,
        }
    }
}

/// A program ready to run, once.
pub struct Vm {
    rt: Box<Rt>,
}

impl Vm {
    /// # Errors
    /// The system gives no memory, or the program needs a native that does not exist (our bug).
    pub fn new(
        program: Program,
        sources: Arc<SourceMap>,
        host: Arc<dyn Host>,
        options: &RunOptions,
    ) -> Result<Vm, String> {
        Ok(Vm { rt: new_rt(program, sources, host, options, false)? })
    }

    /// For other threads to ask something of the run.
    pub fn handle(&self) -> Handle {
        self.rt.handle.clone()
    }

    /// For what the run records, if it does.
    pub fn recorder(&self) -> Option<trace::Recorder> {
        trace::Recorder::of(&self.rt)
    }

    /// Runs the program to its end.
    pub fn run(mut self) -> Exit {
        run::run(&mut self.rt)
    }

    /// As [`Vm::run`], in a process that ends with it: the memory is left to the system.
    pub fn run_and_keep(self) -> Exit {
        run::run(Box::leak(self.rt))
    }
}

fn new_rt(
    program: Program,
    sources: Arc<SourceMap>,
    host: Arc<dyn Host>,
    options: &RunOptions,
    session: bool,
) -> Result<Box<Rt>, String> {
    let heap = Heap::new(Config {
        max_bytes: options.max_memory,
        machine_bytes: machine::memory,
        memory_limit: options.memory_limit,
        gc_percent: options.gc_percent,
        markers: options.procs.min(options.cpus),
        min_heap_bytes: 4 << 20,
    })
    .map_err(|e| format!("cannot reserve memory for the heap: {e}"))?;
    let output_full = Arc::new(AtomicBool::new(false));
    let host: Arc<dyn Host> = match options.limits.output {
        Some(max) => Arc::new(host::Bounded::new(host, max, output_full.clone())),
        None => host,
    };
    let load_options = load::Options {
        procs: options.procs,
        seed: options.seed,
        portable: options.portable,
        opcode_profile: options.opcode_profile,
        max_stack_slots: options.max_stack / 8,
        session,
        limits: options.limits.clone(),
        permissions: options.permissions.clone(),
        output_full,
        gctrace: options.gctrace,
        gcpauses: options.gcpauses,
        concurrent: match options.concurrent {
            Some(true) => Concurrent::Always,
            // A collection at every safepoint is made at once.
            None if !limits::HOSTILE => Concurrent::Large,
            _ => Concurrent::Never,
        },
        leaks: options.leaks,
        trace: options.trace,
        watch: options.watch,
        profiles: options.profiles.clone(),
        by_instructions: options.by_instructions,
    };
    let natives = crate::std::natives();
    load::load(program, &natives, host, Arc::new(heap), sources, &load_options)
}
