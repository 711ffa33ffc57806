//! The commands of a session: lines that begin with a colon.
use super::{Next, Repl};
use crate::base::diag::Diagnostics;
use crate::cli::{doc, status};
use crate::vm::source;
use std::path::Path;

/// Name, argument, what it does.
pub const COMMANDS: &[(&str, &str, &str)] = &[
    ("type", "EXPR", "the type of an expression, or what a name stands for"),
    ("doc", "NAME", "what a package or a name in it is for: strings, strings.Cut"),
    ("names", "", "all that the session has declared"),
    ("goroutines", "[ID]", "the goroutines: what each does or waits for, and where"),
    ("disasm", "FUNC", "the bytecode of a function"),
    ("time", "[INPUT]", "the time an input takes; alone: of each input from now on"),
    ("load", "FILE", "run the statements and declarations of a file"),
    ("save", "FILE", "write the inputs so far into a file, as a script"),
    ("reset", "", "forget everything: variables, types, goroutines"),
    ("help", "", "this text"),
    ("quit", "", "end (as Ctrl-D)"),
];

impl Repl {
    pub(super) fn command(&mut self, text: &str) -> Next {
        let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        let found: Vec<&str> =
            COMMANDS.iter().map(|c| c.0).filter(|c| c.starts_with(name) && !name.is_empty()).collect();
        let exact = found.iter().copied().find(|c| *c == name);
        let Some(name) = exact.or((found.len() == 1).then(|| found[0])) else {
            let near = COMMANDS.iter().map(|c| (strsim::damerau_levenshtein(c.0, name), c.0)).min();
            match near.filter(|n| n.0 <= 2) {
                Some((_, near)) => self.error(format!("there is no command :{name}; did you mean :{near}?")),
                None => self.error(format!("there is no command :{name}; :help lists those there are")),
            }
            return Next::Input;
        };
        match name {
            "type" => self.show_type(rest),
            "doc" => match doc::find((!rest.is_empty()).then_some(rest)) {
                Ok(text) => self.say(&text),
                Err(e) => match self.session.borrow().describe(rest) {
                    Some(text) => self.say(&format!("{text}\n")),
                    None => self.error(e),
                },
            },
            "names" => self.show_names(),
            "goroutines" => self.show_goroutines(rest),
            "disasm" => match self.session.borrow().disassemble(rest) {
                Some(text) => self.say(&text),
                None => self.error(format!("no function {rest} has been compiled (it is, once something uses it)")),
            },
            "time" if rest.is_empty() => {
                self.timing = !self.timing;
                self.say(if self.timing { "times are shown\n" } else { "times are not shown any more\n" });
            }
            "time" => {
                let before = std::mem::replace(&mut self.timing, true);
                let next = self.input(rest);
                self.timing = before;
                return next;
            }
            "load" => return self.load(Path::new(rest)),
            "save" => self.save(rest),
            "reset" => {
                self.session.borrow_mut().reset();
                self.say("everything is forgotten\n");
            }
            "quit" => return Next::End(status::OK),
            _ => self.help(),
        }
        Next::Input
    }

    fn help(&self) {
        let mut text = String::from(
            "An input is an expression, whose value is shown with its type, or statements and declarations as in a\n\
             script. A name may be declared again. Standard packages need no import. Goroutines go on while the\n\
             prompt waits. Ctrl-C stops the running input, Tab completes, Ctrl-R searches, Ctrl-D ends.\n\n",
        );
        for (name, arg, what) in COMMANDS {
            let usage = format!(":{name} {arg}");
            text.push_str(&format!("  {usage:<18} {what}\n"));
        }
        self.say(&text);
    }

    fn show_type(&mut self, text: &str) {
        if let Some(known) = self.session.borrow().describe(text) {
            return self.say(&format!("{known}\n"));
        }
        let mut diags = Diagnostics::default();
        let types = self.session.borrow_mut().type_of(text, &mut diags);
        match types.as_deref() {
            Some([one]) => self.say(&format!("{one}\n")),
            Some(list) => self.say(&format!("({})\n", list.join(", "))),
            None if diags.has_errors() => self.report(&diags),
            None => self.error(format!("{text} has no value")),
        }
    }

    fn show_names(&self) {
        let mut list = self.session.borrow().names();
        list.sort();
        let text: String = list.iter().map(|c| format!("{}\n", c.what)).collect();
        self.say(&text);
    }

    fn show_goroutines(&self, id: &str) {
        let list = self.session.borrow().goroutines();
        if let Ok(id) = id.parse::<u64>() {
            match list.iter().find(|g| g.id == id) {
                Some(g) => self.say(&g.text),
                None => self.error(format!("there is no goroutine {id}")),
            }
            return;
        }
        if list.is_empty() {
            return self.say("no goroutines\n");
        }
        for g in list {
            // The first line says what it does, the next two where it is.
            let mut lines = g.text.lines();
            let head = lines.next().unwrap_or("").trim_end_matches(':');
            let func = lines.next().unwrap_or("").trim_end_matches("(...)");
            let place = lines.next().unwrap_or("").trim();
            self.say(&format!("{head} {func} {place}\n"));
        }
    }

    /// Runs a file as one input.
    pub(super) fn load(&mut self, path: &Path) -> Next {
        match source::Files::read(path, &Default::default()) {
            Ok(files) => {
                for (_, text) in files.files {
                    if let end @ Next::End(_) = self.input(&without_package(&text)) {
                        return end;
                    }
                }
            }
            Err(e) => self.error(e),
        }
        Next::Input
    }

    fn save(&self, path: &str) {
        if path.is_empty() {
            return self.error(":save needs the name of a file");
        }
        let session = self.session.borrow();
        let text: String = session.inputs.iter().map(|i| format!("{i}\n")).collect();
        match std::fs::write(path, text) {
            Ok(()) => self.say(&format!("{} inputs written to {path}\n", session.inputs.len())),
            Err(e) => self.error(format!("{path}: {}", crate::cli::terminal::why(&e))),
        }
    }
}

/// A file's text with the package clause blanked out: places stay what they are.
fn without_package(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut found = false;
    for line in text.split_inclusive('\n') {
        if !found && line.starts_with("package ") {
            found = true;
            out.extend(line.chars().map(|c| if c == '\n' { c } else { ' ' }));
        } else {
            out.push_str(line);
        }
    }
    out
}
