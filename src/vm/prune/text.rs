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

/// What a standard package is called.
pub fn package_name(path: &str) -> &str {
    let mut parts = path.rsplit('/');
    let last = parts.next().unwrap_or(path);
    let version = last.strip_prefix('v').is_some_and(|v| v.bytes().all(|c| c.is_ascii_digit()));
    match path {
        "internal/rt" => "runtime",
        _ if version => parts.next().unwrap_or(last),
        _ => last,
    }
}

/// All imports of a file, as `(name, path)`. They come before anything else but the package clause.
pub fn imports_of(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches('\u{FEFF}');
    if rest.starts_with("#!") {
        rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
    }
    let is_path = |token: &str| token.starts_with(['"', '`']) && token.len() > 1;
    loop {
        match next_token(&mut rest) {
            ";" => {}
            "package" => drop(next_token(&mut rest)),
            "import" => {
                let mut token = next_token(&mut rest);
                let group = token == "(";
                if group {
                    token = next_token(&mut rest);
                }
                while !(group && token == ")") {
                    if token != ";" {
                        let name = if is_path(token) {
                            None
                        } else {
                            Some(std::mem::replace(&mut token, next_token(&mut rest)))
                        };
                        if !is_path(token) {
                            return found;
                        }
                        let path = &token[1..token.len() - 1];
                        found.push((name.unwrap_or_else(|| package_name(path)), path));
                    }
                    if !group {
                        break;
                    }
                    token = next_token(&mut rest);
                }
            }
            _ => return found,
        }
    }
}

/// Takes the next name, literal or other character from a text, without the space and comments before it; nothing at the
/// end.
fn next_token<'a>(text: &mut &'a str) -> &'a str {
    loop {
        *text = text.trim_start();
        let b = text.as_bytes();
        if b.is_empty() {
            return "";
        }
        let name = b.iter().take_while(|&&c| is_ident(c)).count();
        let end = if name > 0 { name } else { skip(b, 0).unwrap_or(1) };
        let (token, rest) = text.split_at(end);
        *text = rest;
        if !(token.starts_with("//") || token.starts_with("/*")) {
            return token;
        }
    }
}
