//! What to do about an error, where its message alone says only what is wrong: one sentence for each of the mistakes that
//! newcomers make most. The texts are Go's, so they are told apart by them. What the checker itself knows better (a near
//! name, say) is left as it is.
use crate::base::diag::{Diagnostic, Diagnostics, Severity};

/// Adds help to the errors that have none.
pub fn add_help(diags: &mut Diagnostics) {
    for d in diags.list.iter_mut().filter(|d| d.severity == Severity::Error && d.help.is_none()) {
        d.help = help(d);
    }
}

/// The text between two parts of a message.
fn between<'m>(message: &'m str, before: &str, after: &str) -> Option<&'m str> {
    let rest = &message[message.find(before)? + before.len()..];
    Some(&rest[..rest.find(after)?])
}

fn help(d: &Diagnostic) -> Option<String> {
    let m = d.message.as_str();
    let fixed = |text: &str| Some(text.to_string());
    match d.code {
        "unused-variable" => {
            let name = m.rsplit(' ').next().unwrap_or("it");
            Some(format!("use it, take it out, or write _ = {name} for now"))
        }
        "unused-import" => fixed("take the import out (or write _ before it to keep what it does when it starts)"),
        "missing-return" => fixed("every way through the function ends in a return: add one at the end, or a panic"),
        "unused-result" if m.starts_with("append(") => fixed("append returns the longer slice: s = append(s, ...)"),
        "unused-result" if m.contains(" == ") => fixed("to assign, write = instead of =="),
        "unused-result" => fixed("assign the value to a variable, or to _"),
        "condition" => {
            fixed("a condition is a bool: write x != 0, s != \"\", p != nil; to compare, write == instead of =")
        }
        "assignment-count" if m.ends_with("returns 2 values") => {
            fixed("take both: v, err := f(); _ takes what is not wanted")
        }
        "assignment-count" => fixed("one variable for each value; _ takes what is not wanted"),
        "return-count" if m.contains("want ()") => fixed("give the function a result type, or return without a value"),
        "return-count" => fixed("return one value for each result of the function, nil for no error"),
        "mismatched-types" if m.contains("untyped nil") => {
            fixed("only pointers, slices, maps, channels, functions and interfaces can be nil")
        }
        _ if m.ends_with("(slice can only be compared to nil)") => fixed("compare their elements: slices.Equal(a, b)"),
        _ if m.ends_with("(map can only be compared to nil)") => fixed("compare their entries: maps.Equal(a, b)"),
        "mismatched-types" => match between(m, "mismatched types ", " and ") {
            Some(ty) if !ty.contains(' ') => {
                Some(format!("Go converts nothing by itself: convert one side, as in {ty}(x)"))
            }
            _ => fixed("Go converts nothing by itself: convert one side, as in float64(x)"),
        },
        "constant-overflow" if m.contains("truncated") => {
            fixed("convert the variable, not the constant: float64(x) * 1.5")
        }
        "map-key" => fixed("a key must be comparable: use a string, a number, an array or a struct of such"),
        "not-a-call" => fixed("add the parentheses of a call: go f()"),
        "channel" if m.contains("receive-only") => fixed("declare it as chan T or chan<- T where it is sent to"),
        "channel" if m.contains("send-only") => fixed("declare it as chan T or <-chan T where it is received from"),
        _ if m.contains("has pointer receiver)") => {
            fixed("take its address: &T{...}, or let the method have a value receiver")
        }
        _ if m.contains("does not implement error") => {
            fixed("make an error of the text: errors.New(text) or fmt.Errorf(...)")
        }
        _ if m.contains("missing method ") => {
            let method = between(m, "missing method ", ")").unwrap_or("the method");
            Some(format!("declare it: func (x T) {}(...)", method.lines().next().unwrap_or(method)))
        }
        _ if m.contains("(untyped string constant)") && m.contains(" as int value") => {
            fixed("for the number in a string: n, err := strconv.Atoi(s)")
        }
        _ if m.contains(" as string value") && m.contains("type int)") => {
            fixed("for its digits: strconv.Itoa(n) or fmt.Sprint(n)")
        }
        _ if m.ends_with("permits only one iteration variable") => fixed("write for x := range ... { }"),
        _ if [" length)", " size)", " len)"].iter().any(|end| m.ends_with(&format!("has no field or method{end}"))) => {
            fixed("len(x) is the length of strings, slices, maps and channels")
        }
        _ if m.ends_with("has no field or method append)") => fixed("append is a function: s = append(s, v)"),
        _ if m.contains("need type assertion") => fixed("ask for the type: v, ok := x.(T)"),
        "assignment" if m.contains(" value in ") && m.contains("variable of type ") => {
            let wanted = between(m, ") as ", " value in ").filter(|t| !t.contains(['(', ' ', '*', '[']));
            let basic = wanted.filter(|t| t.starts_with("int") || t.starts_with("uint") || t.starts_with("float"));
            basic.map(|t| format!("convert it: {t}(...)"))
        }
        "assignment" if m.starts_with("cannot assign to") && m.contains("neither addressable nor a map index") => {
            fixed(
                "only variables, fields, elements and entries of maps can be assigned: no constant, and no byte of a string \
                 (b := []byte(s))",
            )
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::span::Span;

    fn said(code: &'static str, message: &str) -> Option<String> {
        let mut diags = Diagnostics::default();
        diags.push(Diagnostic::error(code, Span::NONE, message));
        add_help(&mut diags);
        diags.list[0].help.clone()
    }

    #[test]
    fn help_names_what_the_message_names() {
        assert!(said("unused-variable", "declared and not used: n").unwrap().ends_with("_ = n for now"));
        let mixed = "invalid operation: x * y (mismatched types int and float64)";
        assert!(said("mismatched-types", mixed).unwrap().ends_with("int(x)"));
        let arg = "cannot use n (variable of type int) as float64 value in argument to math.Sqrt";
        assert_eq!(said("assignment", arg).as_deref(), Some("convert it: float64(...)"));
        let shape = "T does not implement Shape (missing method Area)";
        assert!(said("assignment", shape).unwrap().contains("func (x T) Area(...)"));
        let compared = "invalid operation: a == b (slice can only be compared to nil)";
        assert!(said("mismatched-types", compared).unwrap().contains("slices.Equal"));
        let length = "s.length undefined (type string has no field or method length)";
        assert!(said("unknown-field", length).unwrap().contains("len(x)"));
        assert_eq!(said("redeclared", "x redeclared in this block"), None);
    }

    #[test]
    fn help_that_is_there_stays() {
        let mut diags = Diagnostics::default();
        diags.push(Diagnostic::error("missing-return", Span::NONE, "missing return").help("mine"));
        add_help(&mut diags);
        assert_eq!(diags.list[0].help.as_deref(), Some("mine"));
    }
}
