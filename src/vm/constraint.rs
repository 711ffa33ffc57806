//! Build constraints: which files of a folder belong to a package here. The rules are those of `go help buildconstraint`.
//!
//! Set are the system, the architecture, `unix`, `gmpl` (the compiler, as `runtime.Compiler` says), `purego` (what has an
//! implementation in another language is to use the one in Go), `appengine` and `safe` (likewise without package unsafe) and the releases up to
//! [`GO_RELEASE`]. `gc` and `cgo` are not.

use crate::base::limits::GO_RELEASE;

/// A `//go:build` line of more tokens than this is refused, as Go's: its parentheses nest.
const MAX_TOKENS: usize = 1000;

const SYSTEMS: &[&str] = &[
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "wasip1",
    "windows",
    "zos",
];

const ARCHITECTURES: &[&str] = &[
    "386",
    "amd64",
    "amd64p32",
    "arm",
    "armbe",
    "arm64",
    "arm64be",
    "loong64",
    "mips",
    "mipsle",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
];

/// This machine's system, as Go names it.
fn system() -> &'static str {
    match std::env::consts::OS {
        "macos" => "darwin",
        other => other,
    }
}

/// This machine's architecture, as Go names it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        "loongarch64" => "loong64",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
        "powerpc64" => "ppc64",
        other => other,
    }
}

/// The tags that are set besides those of the machine.
#[derive(Clone, Debug, Default)]
pub struct Tags {
    given: Vec<String>,
    /// The machine's architecture is none of those that Go knows.
    no_architecture: bool,
}

impl Tags {
    /// From lists like `a,b`, or `a b`.
    pub fn new(lists: &[String]) -> Tags {
        let words = lists.iter().flat_map(|l| l.split([',', ' '])).filter(|t| !t.is_empty());
        Tags { given: words.map(str::to_string).collect(), no_architecture: false }
    }

    /// As for the compiler that has an assembler.
    pub fn with_assembler(&self) -> Tags {
        let mut tags = self.clone();
        tags.given.push("gc".into());
        tags
    }

    /// As on a machine whose architecture is none of those that Go knows.
    pub fn without_architecture(&self) -> Tags {
        Tags { no_architecture: true, ..self.clone() }
    }

    fn is_set(&self, tag: &str) -> bool {
        let release = || tag.strip_prefix("go1.")?.parse::<u32>().ok();
        let machine = tag == system() || tag == architecture() && !self.no_architecture;
        let ours = machine || matches!(tag, "gmpl" | "purego" | "appengine" | "safe");
        ours || tag == "unix" && cfg!(unix)
            || release().is_some_and(|n| (1..=GO_RELEASE).contains(&n))
            || self.given.iter().any(|t| t == tag)
    }

    /// Whether a file is for this machine by its name: `_linux`, `_amd64` or `_linux_amd64` at its end, before `_test`.
    pub fn fit_name(&self, name: &str) -> bool {
        let stem = name.split('.').next().unwrap_or("");
        // A file that is called `linux.go` is for all.
        let Some((_, parts)) = stem.split_once('_') else { return true };
        let mut parts: Vec<&str> = parts.split('_').collect();
        parts.pop_if(|p| *p == "test");
        match parts[..] {
            [.., system, arch] if SYSTEMS.contains(&system) && ARCHITECTURES.contains(&arch) => {
                self.is_set(system) && self.is_set(arch)
            }
            [.., one] if SYSTEMS.contains(&one) || ARCHITECTURES.contains(&one) => self.is_set(one),
            _ => true,
        }
    }

    /// Whether a file is to be used by its `//go:build` line, or the older `// +build` lines where there is none.
    ///
    /// # Errors
    /// What is wrong with the line, as Go says it.
    pub fn fit_text(&self, text: &str) -> Result<bool, String> {
        let header = Header::of(text)?;
        match header.build {
            Some(expr) => self.expression(expr).map_err(|e| format!("parsing //go:build line: {e}")),
            None => Ok(header.plus.iter().all(|line| self.plus_line(line))),
        }
    }

    fn expression(&self, text: &str) -> Result<bool, String> {
        let mut parser = Parser { tokens: tokens(text)?, at: 0, tags: self };
        let value = parser.or()?;
        match parser.next() {
            Some(rest) => Err(format!("unexpected token {rest}")),
            None => Ok(value),
        }
    }

    /// `a,!b c`: a and not b, or c.
    fn plus_line(&self, line: &str) -> bool {
        let literal = |word: &str| {
            let (wanted, tag) = word.strip_prefix('!').map_or((true, word), |tag| (false, tag));
            !tag.is_empty() && tag.chars().all(in_tag) && self.is_set(tag) == wanted
        };
        line.split_whitespace().any(|words| words.split(',').all(literal))
    }
}

fn in_tag(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.'
}

/// What the comments before a file's first token say.
#[derive(Default)]
struct Header<'t> {
    /// The expression of the `//go:build` line.
    build: Option<&'t str>,
    /// The words of `// +build` lines that an empty line follows.
    plus: Vec<&'t str>,
}

impl<'t> Header<'t> {
    fn of(text: &'t str) -> Result<Header<'t>, String> {
        let mut header = Header::default();
        let (mut in_comment, mut confirmed, mut only_lines) = (false, 0, true);
        'lines: for line in text.trim_start_matches('\u{feff}').lines() {
            let mut rest = line.trim();
            if rest.is_empty() && !in_comment && only_lines {
                confirmed = header.plus.len();
            }
            if !in_comment && let Some(comment) = rest.strip_prefix("//") {
                let word = |text: &'t str, word| {
                    text.strip_prefix(word).filter(|t: &&str| t.is_empty() || t.starts_with([' ', '\t']))
                };
                if let Some(expr) = word(comment, "go:build")
                    && header.build.replace(expr).is_some()
                {
                    return Err("multiple //go:build comments".into());
                }
                if only_lines && let Some(words) = word(comment.trim_start(), "+build") {
                    header.plus.push(words);
                }
                continue;
            }
            while !rest.is_empty() && !rest.starts_with("//") || in_comment {
                if in_comment {
                    let Some((_, after)) = rest.split_once("*/") else { continue 'lines };
                    (rest, in_comment) = (after.trim_start(), false);
                } else if let Some(inside) = rest.strip_prefix("/*") {
                    (rest, in_comment, only_lines) = (inside, true, false);
                } else {
                    break 'lines;
                }
            }
        }
        header.plus.truncate(confirmed);
        Ok(header)
    }
}

/// Splits an expression into tags and signs.
fn tokens(text: &str) -> Result<Vec<&str>, String> {
    let mut list = Vec::new();
    let mut rest = text.trim();
    while let Some(c) = rest.chars().next() {
        let len = match c {
            '(' | ')' | '!' => 1,
            _ if rest.starts_with("&&") || rest.starts_with("||") => 2,
            c if in_tag(c) => rest.find(|c| !in_tag(c)).unwrap_or(rest.len()),
            c => return Err(format!("invalid syntax at {c}")),
        };
        list.push(&rest[..len]);
        if list.len() > MAX_TOKENS {
            return Err("build expression too large".into());
        }
        rest = rest[len..].trim_start();
    }
    Ok(list)
}

/// Evaluates while it parses. Both sides of an operator are read, whatever the first is.
struct Parser<'t> {
    tokens: Vec<&'t str>,
    at: usize,
    tags: &'t Tags,
}

impl<'t> Parser<'t> {
    fn next(&mut self) -> Option<&'t str> {
        let token = self.tokens.get(self.at).copied();
        self.at += 1;
        token
    }

    fn takes(&mut self, wanted: &str) -> bool {
        let is = self.tokens.get(self.at) == Some(&wanted);
        self.at += is as usize;
        is
    }

    fn or(&mut self) -> Result<bool, String> {
        let mut value = self.and()?;
        while self.takes("||") {
            value |= self.and()?;
        }
        Ok(value)
    }

    fn and(&mut self) -> Result<bool, String> {
        let mut value = self.not()?;
        while self.takes("&&") {
            value &= self.not()?;
        }
        Ok(value)
    }

    fn not(&mut self) -> Result<bool, String> {
        if !self.takes("!") {
            return self.atom();
        }
        if self.takes("!") {
            return Err("double negation not allowed".into());
        }
        Ok(!self.atom()?)
    }

    fn atom(&mut self) -> Result<bool, String> {
        match self.next() {
            Some("(") => {
                let value = self.or()?;
                if self.takes(")") { Ok(value) } else { Err("missing close paren".into()) }
            }
            Some(tag) if tag.starts_with(in_tag) => Ok(self.tags.is_set(tag)),
            Some(other) => Err(format!("unexpected token {other}")),
            None => Err("unexpected end of expression".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_have_the_values_and_errors_of_go() {
        let tags = Tags::new(&["a,b".into(), "c.d_1 é".into()]);
        for (text, value) in [
            ("a", true),
            ("!a", false),
            ("x || (a && !y)", true),
            ("a && x || b", true),
            ("x && a || y", false),
            ("! (x)", true),
            ("é && c.d_1", true),
            ("go1.1 && go1.27 && !go1.28 && !go1.0 && gmpl && !gc && !cgo && !ignore", true),
        ] {
            assert_eq!(tags.expression(text), Ok(value), "{text}");
        }
        for (text, error) in [
            ("a b", "unexpected token b"),
            ("a)", "unexpected token )"),
            ("!!a", "double negation not allowed"),
            ("(a", "missing close paren"),
            ("", "unexpected end of expression"),
            ("a &&", "unexpected end of expression"),
            ("&& a", "unexpected token &&"),
            ("()", "unexpected token )"),
            ("a & b", "invalid syntax at &"),
            ("a,b", "invalid syntax at ,"),
        ] {
            assert_eq!(tags.expression(text), Err(error.into()), "{text}");
        }
        assert!(tags.expression(&"(".repeat(100_000)).is_err());
    }

    #[test]
    fn only_lines_before_the_first_token_count() {
        let fits = |text| Tags::default().fit_text(text).unwrap();
        assert!(!fits("// Comment.\n\n//go:build ignore\n\npackage p\n"));
        assert!(!fits("//go:build ignore\npackage p\n"));
        assert!(!fits("\u{feff}/* a\n//go:build b\n*/ // c\n//go:build ignore\npackage p\n"));
        assert!(fits("package p\n//go:build ignore\n"));
        assert!(fits("/* x */ //go:build ignore\n\npackage p\n"));
        assert!(fits("//go:builder ignore\n\npackage p\n"));
        assert!(!fits("// +build ignore\n\npackage p\n"));
        assert!(fits("// +build ignore\npackage p\n"));
        assert!(fits("// +build gmpl,ignore go1.9,!ignore\n// +build !ignore\n\npackage p\n"));
        assert!(fits("//go:build gmpl\n// +build ignore\n\npackage p\n"));
        assert!(Tags::default().fit_text("//go:build a\n//go:build b\n").is_err());
    }

    #[test]
    fn names_say_for_which_machine_files_are() {
        let tags = Tags::default();
        let (system, arch) = (system(), architecture());
        for end in ["", "_x", "_test", &format!("_{system}"), &format!("_{arch}_test"), &format!("_{system}_{arch}")] {
            assert!(tags.fit_name(&format!("a{end}.go")), "{end}");
        }
        for end in ["plan9", "sparc64_test", "plan9_sparc64", &format!("plan9_{arch}"), &format!("{system}_sparc64")] {
            assert!(!tags.fit_name(&format!("a_{end}.gm")), "{end}");
        }
        assert!(tags.fit_name("plan9.go") && tags.fit_name("plan9_test.go") && tags.fit_name("a_plan9_x.go"));
        assert!(Tags::new(&["plan9".into()]).fit_name("a_plan9.go"));
    }
}
