//! As much of JSON as Perfetto's events are.
pub type Object = std::collections::HashMap<String, String>;

/// The objects of the array `traceEvents`; the text after is read, too. A value is its text.
pub fn events(text: &str) -> Vec<Object> {
    let mut parser = Parser { rest: text };
    let whole = parser.object();
    assert_eq!(parser.rest.trim(), "");
    let mut parser = Parser { rest: &whole["traceEvents"] };
    let mut events = Vec::new();
    parser.eat('[');
    loop {
        events.push(parser.object());
        if !parser.next(',') {
            break;
        }
    }
    parser.eat(']');
    events
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn next(&mut self, c: char) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(c);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn eat(&mut self, c: char) {
        assert!(self.next(c), "no {c} before {}", &self.rest[..self.rest.len().min(60)]);
    }

    fn object(&mut self) -> Object {
        let mut object = Object::new();
        self.eat('{');
        while !self.next('}') {
            let name = self.value();
            self.eat(':');
            let value = self.value().to_string();
            assert!(object.insert(name.trim_matches('"').to_string(), value).is_none(), "{name} twice");
            if !self.next(',') {
                self.eat('}');
                break;
            }
        }
        object
    }

    fn value(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        let start = self.rest;
        match start.chars().next() {
            Some('"') => {
                let mut escaped = true;
                let end = start.find(|c: char| {
                    let ends = c == '"' && !escaped;
                    escaped = !escaped && c == '\\';
                    ends
                });
                // The first quote is taken for an escaped one.
                self.rest = &start[end.expect("the end of a string") + 1..];
            }
            Some('{') => drop(self.object()),
            Some('[') => {
                self.eat('[');
                while !self.next(']') {
                    self.value();
                    self.next(',');
                }
            }
            _ => {
                let end = start.find([',', '}', ']']).expect("the end of a value");
                self.rest = &start[end..];
                let plain = start[..end].trim();
                assert!(plain.parse::<f64>().is_ok() || ["true", "false", "null"].contains(&plain), "{plain}");
            }
        }
        &start[..start.len() - self.rest.len()]
    }
}
