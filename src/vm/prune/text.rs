//! Looks at program text before it is parsed: what it imports, and which names it mentions. The build script, which makes
//! the index of the standard packages, reads them with the same eyes.

/// A name in a text, and what stands before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mention<'a> {
    /// On its own, or before a dot.
    Name(&'a str),
    /// `x.name`
    Of(&'a str, &'a str),
    /// Behind a dot that follows no simple name.
    Selected(&'a str),
}

/// The end of the comment, string or rune literal that begins at `at`; `None`: none begins there.
pub fn skip(b: &[u8], at: usize) -> Option<usize> {
    let until = |from: usize, end: &[u8]| {
        let rest = b.get(from..).unwrap_or(&[]);
        rest.windows(end.len()).position(|w| w == end).map_or(b.len(), |i| from + i + end.len())
    };
    match b[at] {
        b'/' if b.get(at + 1) == Some(&b'/') => {
            Some(b[at..].iter().position(|&c| c == b'\n').map_or(b.len(), |i| at + i))
        }
        b'/' if b.get(at + 1) == Some(&b'*') => Some(until(at + 2, b"*/")),
        b'`' => Some(until(at + 1, b"`")),
        q @ (b'"' | b'\'') => {
            let mut i = at + 1;
            while i < b.len() && b[i] != q && b[i] != b'\n' {
                i += if b[i] == b'\\' { 2 } else { 1 };
            }
            Some((i + 1).min(b.len()))
        }
        _ => None,
    }
}

pub fn is_ident(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_' || c >= 0x80
}

/// Calls `f` on every name, in order; on `x` also where `x.name` follows.
pub fn mentions<'a>(text: &'a str, f: &mut dyn FnMut(Mention<'a>)) {
    let b = text.as_bytes();
    let mut i = 0;
    // The name before, if a dot follows it; whether a dot stands before.
    let mut last: Option<&str> = None;
    let mut dot = false;
    while i < b.len() {
        if is_ident(b[i]) {
            let lo = i;
            while i < b.len() && is_ident(b[i]) {
                i += 1;
            }
            let name = &text[lo..i];
            f(match (dot, last) {
                (true, Some(from)) => Mention::Of(from, name),
                (true, None) => Mention::Selected(name),
                _ => Mention::Name(name),
            });
            last = if dot { None } else { Some(name) };
            dot = false;
        } else if let Some(end) = skip(b, i) {
            if b[i] != b'/' {
                (last, dot) = (None, false);
            }
            i = end;
        } else {
            match b[i] {
                b'.' if b[i..].starts_with(b"...") => {
                    (last, dot) = (None, false);
                    i += 2;
                }
                b'.' => dot = true,
                b' ' | b'\t' | b'\r' => {}
                b'\n' if dot => {}
                _ => (last, dot) = (None, false),
            }
            i += 1;
        }
    }
}

/// Whether a declaration's keyword stands here.
pub fn keyword(b: &[u8]) -> bool {
    match b.first() {
        Some(b'f') => b.starts_with(b"func "),
        Some(b't') => b.starts_with(b"type "),
        Some(b'v') => b.starts_with(b"var "),
        Some(b'c') => b.starts_with(b"const "),
        _ => false,
    }
}

/// The import that a line of an import declaration makes: what it is called, and its path.
pub fn import_spec(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    let line = line.strip_prefix("import ").unwrap_or(line);
    let (name, rest) = line.split_once('"')?;
    let (path, _) = rest.split_once('"')?;
    let name = name.trim();
    if !name.bytes().all(|c| is_ident(c) || c == b'.') {
        return None;
    }
    Some((if name.is_empty() { package_name(path) } else { name }, path))
}

/// What a standard package is called.
fn package_name(path: &str) -> &str {
    let mut parts = path.rsplit('/');
    let last = parts.next().unwrap_or(path);
    let version = last.strip_prefix('v').is_some_and(|v| v.bytes().all(|c| c.is_ascii_digit()));
    match path {
        "internal/rt" => "runtime",
        _ if version => parts.next().unwrap_or(last),
        _ => last,
    }
}

/// All imports of a file, as `(name, path)`.
pub fn imports_of(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut group = false;
    // Declarations follow the imports.
    text.lines().take_while(|line| !keyword(line.as_bytes())).filter_map(move |line| {
        if group {
            group = !line.starts_with(')');
            return import_spec(line).filter(|_| group);
        }
        if let Some(rest) = line.trim_start().strip_prefix("import") {
            if rest.trim_start().starts_with('(') {
                // `import ("fmt"; "os")` on one line is rare: its names are looked up as a script's are.
                group = !rest.contains(')');
                return None;
            }
            return import_spec(line.trim_start());
        }
        None
    })
}
