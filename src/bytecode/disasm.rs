//! Readable listings of a compiled program: functions in order of their code, each instruction with its operands, source
//! lines between.
use super::op::{self, Op};
use super::program::{Constant, Function, Program};
use crate::base::span::SourceMap;
use std::fmt::Write;

/// Appends the listing of a whole program.
pub fn disassemble(program: &Program, sources: &SourceMap, out: &mut String) {
    for &f in &program.order {
        function(program, &program.funcs[f as usize], sources, out);
        out.push('\n');
    }
}

fn function(program: &Program, f: &Function, sources: &SourceMap, out: &mut String) {
    let place = sources.locate(f.pos).map_or(String::new(), |(file, line, _)| format!("  {file}:{line}"));
    let _ = writeln!(
        out,
        "func {}  results {}, params {}, frame {}{place}",
        f.name, f.results, f.params, f.frame_slots
    );
    let mut at = f.entry;
    let mut last_line = 0;
    while at < f.end {
        let pos = f.pos_at(at);
        if let Some((file, line, _)) = sources.locate(pos)
            && line != last_line
        {
            last_line = line;
            let text = sources.find(pos).map_or("", |s| s.line_text(line)).trim();
            let _ = writeln!(out, "  ; {file}:{line}: {text}");
        }
        let word = program.code[at as usize];
        let Some(op) = Op::from_word(word) else {
            let _ = writeln!(out, "  {at:6}  ?? {word:#018x}");
            at += 1;
            continue;
        };
        let next = at + 1 + op.extra() as u32;
        let _ = writeln!(out, "  {at:6}  {:12}{}", op.name(), operands(program, op, word, at, next));
        at = next;
    }
}

fn operands(program: &Program, op: Op, word: u64, at: u32, next: u32) -> String {
    let mut parts: Vec<String> = Vec::new();
    let format = op.format().split('+').next().unwrap_or("");
    for (i, letter) in format.chars().enumerate() {
        let field = [op::a(word), op::b(word), op::c(word)][i.min(2)];
        let x = op::x(word);
        match letter {
            'r' if field == u16::MAX => parts.push("-".into()),
            'r' => parts.push(format!("r{field}")),
            'w' => parts.push(format!("w{field}")),
            'i' => parts.push((field as i16).to_string()),
            'u' => parts.push(field.to_string()),
            't' => parts.push(type_name(program, field as u32)),
            'j' => parts.push(format!("-> {}", next as i64 + field as i16 as i64)),
            'I' => parts.push(x.to_string()),
            'U' => parts.push(match op {
                Op::LdK | Op::PanicRt => constant(program, x as u32),
                Op::New | Op::SliceLit => type_name(program, x as u32),
                _ => (x as u32).to_string(),
            }),
            'J' => parts.push(format!("-> {}", next as i64 + x as i64)),
            'F' => {
                let entry = (next as i64 + x as i64) as u32;
                let name = program.func_at(entry).map_or("?", |f| f.name.as_str());
                parts.push(name.to_string());
            }
            _ => {}
        }
    }
    if op == Op::CallN {
        parts[1] = program.natives[op::b(word) as usize].name.clone();
    }
    for i in 0..op.extra() {
        let extra = program.code[at as usize + 1 + i];
        parts.push(match (op, i) {
            (Op::MkSlice | Op::MkChan | Op::MkMap | Op::MapGet | Op::MapGet2 | Op::MapSet | Op::MapDel, 0)
            | (Op::Append | Op::AppendOwn | Op::AppendSlice | Op::CopySlice | Op::MapClear, 0)
            | (Op::AssertT | Op::AssertI | Op::EqT | Op::SliceOf, 0) => type_name(program, extra as u32),
            (Op::CallI, 0) => program.methods.get(extra as usize).map_or("?".into(), |m| m.name.clone()),
            (Op::Go, 0) => program.funcs.get(extra as usize).map_or("?".into(), |f| f.name.clone()),
            _ => format!("#{:#x}", extra),
        });
    }
    parts.join(", ")
}

fn type_name(program: &Program, id: u32) -> String {
    program.types.get(id as usize).map_or("?".into(), |t| format!("<{}>", t.name))
}

fn constant(program: &Program, i: u32) -> String {
    match program.consts.get(i as usize) {
        Some(Constant::Word(w)) => format!("{} ({})", *w as i64, f64::from_bits(*w)),
        Some(Constant::Str(s) | Constant::StrIface(_, s)) => format!("{:?}", String::from_utf8_lossy(s)),
        Some(Constant::Func(f)) => program.funcs.get(f.0 as usize).map_or("?".into(), |f| f.name.clone()),
        None => "?".into(),
    }
}
