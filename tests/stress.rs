//! Programs made at random from concurrent parts whose results are known when they are made: each must print them, on any
//! number of processors and while the collector is at work, and must end. A run that takes too long is a hang.
//!
//! `GMPL_STRESS_SECONDS=seconds` goes on with new seeds until that time is over, `GMPL_STRESS_SEED=n` begins with that seed.
//! The program that failed stays in the target folder's `tmp`.
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Far more than any of them takes on a loaded machine.
const LIMIT: &str = "60s";

/// Seeds for every run of the tests.
const SEEDS: std::ops::Range<u64> = 1..7;

struct Rng(u64);

impl Rng {
    /// splitmix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In `low..=high`.
    fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    fn capacity(&mut self) -> u64 {
        [0, 0, 1, 2, 7, 64][self.within(0, 5) as usize]
    }

    /// A statement that lets others run, or takes a moment, or makes garbage.
    fn pause(&mut self) -> String {
        match self.within(0, 7) {
            0 => "runtime.Gosched()".into(),
            1 => format!("time.Sleep({} * time.Microsecond)", self.within(0, 300)),
            2 => format!("for k := 0; k < {}; k++ {{ _ = k }}", self.within(1, 20_000)),
            3 => format!("keep(make([]int, {}))", self.within(1, 200)),
            4 => format!("<-time.After({} * time.Microsecond)", self.within(1, 300)),
            _ => String::new(),
        }
    }
}

/// The body of a function that returns an int, and that int.
fn part(r: &mut Rng) -> (String, u64) {
    let (n, m, c) = (r.within(1, 60), r.within(1, 12), r.capacity());
    let (a, b) = (r.pause(), r.pause());
    let sum = n * (n + 1) / 2;
    match r.within(0, 10) {
        // Fan in.
        0 => (
            format!(
                "ch := make(chan int, {c}); var wg sync.WaitGroup
                for w := 0; w < {m}; w++ {{ wg.Add(1); go func() {{ defer wg.Done(); for i := 1; i <= {n}; i++ {{ ch <- i; {a} }} }}() }}
                go func() {{ wg.Wait(); close(ch) }}()
                s := 0; for v := range ch {{ s += v; {b} }}
                return s"
            ),
            m * sum,
        ),
        // Fan out and in.
        1 => (
            format!(
                "in, out := make(chan int, {c}), make(chan int); var wg sync.WaitGroup
                for w := 0; w < {m}; w++ {{ wg.Add(1); go func() {{ defer wg.Done(); for v := range in {{ {a}; out <- v * 2 }} }}() }}
                go func() {{ for i := 1; i <= {n}; i++ {{ in <- i; {b} }}; close(in); wg.Wait(); close(out) }}()
                s := 0; for v := range out {{ s += v }}
                return s"
            ),
            2 * sum,
        ),
        // A pipeline.
        2 => (
            format!(
                "first := make(chan int, {c}); var last <-chan int = first
                for w := 0; w < {m}; w++ {{ next := make(chan int, {c}); from := last
                    go func() {{ for v := range from {{ next <- v + 1; {a} }}; close(next) }}(); last = next }}
                go func() {{ for i := 1; i <= {n}; i++ {{ first <- i }}; close(first) }}()
                s := 0; for v := range last {{ s += v; {b} }}
                return s"
            ),
            sum + m * n,
        ),
        // Two channels selected from, until both are closed.
        3 => (
            format!(
                "x, y := make(chan int, {c}), make(chan int)
                send := func(ch chan int) {{ for i := 1; i <= {n}; i++ {{ ch <- i; {a} }}; close(ch) }}
                go send(x); go send(y)
                s := 0; p, q := x, y
                for p != nil || q != nil {{ select {{
                    case v, ok := <-p: if !ok {{ p = nil }}; s += v
                    case v, ok := <-q: if !ok {{ q = nil }}; s += v
                    case <-time.After(time.Hour): return -1
                }}; {b} }}
                return s"
            ),
            2 * sum,
        ),
        // Selects against selects.
        4 => (
            format!(
                "x, y := make(chan int, {c}), make(chan int); done := make(chan int)
                for w := 0; w < {m}; w++ {{ go func() {{ for i := 0; i < {n}; i++ {{ select {{ case x <- 1: case y <- 1: }}; {a} }}; done <- 0 }}() }}
                s, ended := 0, 0
                for ended < {m} {{ select {{ case v := <-x: s += v; case v := <-y: s += v; case <-done: ended++ }} }}
                for len(x) > 0 {{ s += <-x }}
                return s"
            ),
            n * m,
        ),
        // A mutex.
        5 => (
            format!(
                "var mu sync.Mutex; var wg sync.WaitGroup; s := 0
                for w := 0; w < {m}; w++ {{ wg.Add(1); go func() {{ defer wg.Done(); for i := 0; i < {n}; i++ {{ mu.Lock(); t := s; {a}; s = t + 1; mu.Unlock(); {b} }} }}() }}
                wg.Wait(); return s"
            ),
            n * m,
        ),
        // Readers and writers.
        6 => (
            format!(
                "var mu sync.RWMutex; var wg sync.WaitGroup; s, t := 0, 0; bad := 0
                for w := 0; w < {m}; w++ {{
                    wg.Add(2)
                    go func() {{ defer wg.Done(); for i := 0; i < {n}; i++ {{ mu.Lock(); s++; {a}; t++; mu.Unlock() }} }}()
                    go func() {{ defer wg.Done(); for i := 0; i < {n}; i++ {{ mu.RLock(); same := s == t; {b}; mu.RUnlock(); if !same {{ mu.Lock(); bad++; mu.Unlock() }} }} }}()
                }}
                wg.Wait(); return s + t + 1000000*bad"
            ),
            2 * n * m,
        ),
        // A bounded queue with condition variables.
        7 => (
            format!(
                "var mu sync.Mutex; full, empty := sync.NewCond(&mu), sync.NewCond(&mu); var q []int; s := 0; var wg sync.WaitGroup
                for w := 0; w < {m}; w++ {{
                    wg.Add(2)
                    go func() {{ defer wg.Done(); for i := 1; i <= {n}; i++ {{ mu.Lock(); for len(q) >= {limit} {{ full.Wait() }}; q = append(q, i); empty.Signal(); mu.Unlock(); {a} }} }}()
                    go func() {{ defer wg.Done(); for i := 1; i <= {n}; i++ {{ mu.Lock(); for len(q) == 0 {{ empty.Wait() }}; s += q[0]; q = q[1:]; full.Signal(); mu.Unlock(); {b} }} }}()
                }}
                wg.Wait(); return s",
                limit = c + 1
            ),
            m * sum,
        ),
        // A tree of Gs.
        8 => {
            let depth = r.within(1, 8);
            (
                format!(
                    "var tree func(d int) int
                    tree = func(d int) int {{ if d == 0 {{ {a}; return 1 }}; ch := make(chan int, {})
                        go func() {{ ch <- tree(d - 1) }}(); go func() {{ {b}; ch <- tree(d - 1) }}(); return <-ch + <-ch }}
                    return tree({depth})",
                    c.min(2)
                ),
                1 << depth,
            )
        }
        // Timers, stopped and not, and a broadcast by closing.
        9 => (
            format!(
                "start := make(chan struct{{}}); out := make(chan int, {c})
                for w := 0; w < {m}; w++ {{ go func() {{ <-start; t := time.NewTimer(time.Hour); {a}
                    select {{ case <-t.C: out <- 1000; case <-time.After({} * time.Microsecond): t.Stop(); out <- 1 }} }}() }}
                time.AfterFunc({} * time.Microsecond, func() {{ close(start) }})
                s := 0; for w := 0; w < {m}; w++ {{ s += <-out; {b} }}
                return s",
                r.within(1, 2000),
                r.within(1, 2000)
            ),
            m,
        ),
        // A token goes round a ring.
        _ => (
            format!(
                "first := make(chan int, 1); from := first
                for w := 0; w < {m}; w++ {{ to := make(chan int, {c}); f := from
                    go func() {{ for v := range f {{ {a}; to <- v + 1 }}; close(to) }}(); from = to }}
                s := 0; for i := 0; i < {n}; i++ {{ first <- s; s = <-from; {b} }}
                close(first); for range from {{ }}
                return s"
            ),
            n * m,
        ),
    }
}

/// The program of a seed, and what it prints.
fn program(seed: u64) -> (String, String) {
    let mut r = Rng(seed);
    let mut text = String::from(
        "package main\n\nimport (\n\t\"fmt\"\n\t\"runtime\"\n\t\"sync\"\n\t\"time\"\n)\n\nvar kept [16][]int\nvar keptMu sync.Mutex\n\n\
         func keep(x []int) { keptMu.Lock(); kept[len(x)%16] = x; keptMu.Unlock() }\n\n",
    );
    let parts = r.within(1, 8);
    let mut expected = String::new();
    for i in 0..parts {
        let (body, result) = part(&mut r);
        text += &format!("func part{i}() int {{\n{body}\n}}\n\n");
        expected += &format!("{i} {result}\n");
    }
    text += "func main() {\n\truntime.Gosched()\n\t_ = time.Now()\n\tvar wg sync.WaitGroup\n";
    text += &format!("\tvar results [{parts}]int\n");
    for i in 0..parts {
        text += &format!("\twg.Add(1)\n\tgo func() {{ defer wg.Done(); results[{i}] = part{i}() }}()\n");
    }
    text += "\twg.Wait()\n\tfor i, r := range results { fmt.Println(i, r) }\n}\n";
    (text, expected)
}

fn run(seed: u64) {
    let (text, expected) = program(seed);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("stress-{seed}.gm"));
    std::fs::write(&path, text).expect("the program is written");
    for procs in ["1", "2", "3", "8"] {
        for (name, value) in [("GMPL_STRESS", ""), ("GMPLDEBUG", "gcconcurrent=1"), ("GOGC", "1")] {
            let out = Command::new(env!("CARGO_BIN_EXE_gmpl"))
                .args(["run", "--timeout", LIMIT])
                .arg(&path)
                .env("GOMAXPROCS", procs)
                .env(name, value)
                .stdin(Stdio::null())
                .output()
                .expect("gmpl starts");
            let good = out.status.success() && out.stdout == expected.as_bytes();
            assert!(
                good,
                "seed {seed}, {}, GOMAXPROCS={procs} {name}={value}: {:?}\n{}{}expected:\n{expected}",
                path.display(),
                out.status,
                String::from_utf8_lossy(&out.stdout),
                String::from_utf8_lossy(&out.stderr)
            );
        }
    }
    std::fs::remove_file(&path).expect("the program is there");
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|v| v.parse().ok())
}

#[test]
fn concurrent_programs_end_with_their_results() {
    let start = Instant::now();
    let first = number("GMPL_STRESS_SEED").unwrap_or(SEEDS.start);
    let seconds = Duration::from_secs(number("GMPL_STRESS_SECONDS").unwrap_or(0));
    let mut seed = first;
    while seed - first < SEEDS.end - SEEDS.start || start.elapsed() < seconds {
        run(seed);
        seed += 1;
    }
    println!("{} seeds", seed - first);
}
