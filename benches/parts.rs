//! The parts of gmpl, each alone: `cargo bench`, or `cargo bench -- channel`. Programs are compiled once; what is timed is their
//! run, with the making of the VM, which `empty` shows alone.
use divan::Bencher;
use gmpl::base::diag::Diagnostics;
use gmpl::base::intern::Interner;
use gmpl::value::env::Host;
use gmpl::vm::source::Files;
use gmpl::vm::{CompileOptions, RunOptions, Vm, compile};
use std::sync::Arc;

fn main() {
    divan::main();
}

/// A large file of the standard library.
fn source() -> &'static str {
    gmpl::vm::source::std_files("math/big").iter().map(|f| f.2).max_by_key(|text| text.len()).unwrap_or_default()
}

#[divan::bench]
fn lexing(bencher: Bencher) {
    let text = source();
    bencher
        .counter(divan::counter::BytesCount::of_str(text))
        .bench(|| gmpl::syntax::lex::lex(text, 1, &mut Interner::default(), &mut Diagnostics::default()));
}

const PROGRAM: &str =
    "package main\nimport (\"fmt\"; \"sort\"; \"strings\")\nfunc main() {\n\twords := strings.Fields(\"b a\")
\tsort.Strings(words)\n\tfmt.Printf(\"%v\\n\", words)\n}\n";

#[divan::bench]
fn checking() {
    let options = CompileOptions { check_only: true, ..Default::default() };
    assert!(!compile(Files::one("main.gm", PROGRAM), options).diagnostics.has_errors());
}

#[divan::bench]
fn compiling() {
    assert!(compile(Files::one("main.gm", PROGRAM), CompileOptions::default()).program.is_some());
}

/// A host without an outside.
struct Nowhere;

impl Host for Nowhere {
    fn stdout(&self, _: &[u8]) -> std::io::Result<()> {
        Ok(())
    }
    fn flush_stdout(&self) -> std::io::Result<()> {
        Ok(())
    }
    fn stderr(&self, _: &[u8]) -> std::io::Result<()> {
        Ok(())
    }
    fn stdin(&self, _: &mut [u8]) -> std::io::Result<usize> {
        Ok(0)
    }
    fn args(&self) -> &[String] {
        &[]
    }
    fn env(&self, _: &str) -> Option<String> {
        None
    }
    fn environ(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Times a program whose main function has this body, after declarations.
fn run(bencher: Bencher, declarations: &str, body: &str) {
    let text = format!("package main\n{declarations}\nfunc main() {{\n{body}\n}}\n");
    let vm = || {
        let compiled = compile(Files::one("main.gm", text.as_str()), CompileOptions::default());
        let program = compiled.program.expect("a right program");
        let options = RunOptions { procs: 1, ..RunOptions::default() };
        Vm::new(program, compiled.sources, Arc::new(Nowhere), &options).expect("a VM")
    };
    bencher.with_inputs(vm).bench_values(|vm| assert_eq!(vm.run().status, 0));
}

#[divan::bench]
fn empty(bencher: Bencher) {
    run(bencher, "", "");
}

/// A million rounds of five instructions.
#[divan::bench]
fn dispatch(bencher: Bencher) {
    run(bencher, "", "x := 1\nfor i := 0; i < 1000000; i++ {\n\tx = x<<1 ^ i&7 + x>>3\n}\nif x == 0 {\n\tpanic(x)\n}");
}

#[divan::bench]
fn calls(bencher: Bencher) {
    let fib = "func fib(n int) int {\n\tif n < 2 {\n\t\treturn n\n\t}\n\treturn fib(n-1) + fib(n-2)\n}";
    run(bencher, fib, "fib(24)");
}

#[divan::bench]
fn element_access(bencher: Bencher) {
    run(
        bencher,
        "",
        "s := make([]int, 1000)\nfor r := 0; r < 500; r++ {\n\tfor i := range s {\n\t\ts[i] += s[(i+r)%1000]\n\t}\n}",
    );
}

#[divan::bench]
fn map(bencher: Bencher) {
    run(bencher, "", "m := map[int]int{}\nfor i := 0; i < 200000; i++ {\n\tm[i*7%5003] += i\n}");
}

#[divan::bench]
fn channel(bencher: Bencher) {
    let body = "c := make(chan int)\ngo func() {\n\tfor i := 0; i < 100000; i++ {\n\t\tc <- i\n\t}\n\tclose(c)\n}()\nfor range c {\n}";
    run(bencher, "", body);
}

#[divan::bench]
fn spawn(bencher: Bencher) {
    let body = "var wg sync.WaitGroup\nfor i := 0; i < 100000; i++ {\n\twg.Add(1)\n\tgo wg.Done()\n}\nwg.Wait()";
    run(bencher, "import \"sync\"", body);
}

#[divan::bench]
fn collection(bencher: Bencher) {
    let tree = "type T struct{ l, r *T }\nfunc tree(n int) *T {\n\tif n == 0 {\n\t\treturn &T{}\n\t}\n\treturn &T{tree(n - 1), tree(n - 1)}\n}";
    run(
        bencher,
        &format!("import \"runtime\"\n{tree}"),
        "t := tree(16)\nfor i := 0; i < 5; i++ {\n\truntime.GC()\n}\nif t == nil {\n\tpanic(t)\n}",
    );
}
