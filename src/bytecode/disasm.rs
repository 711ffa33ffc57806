//! Bytecode as text: each function with its code, operands as the table's formats say, source lines between.
use super::op::{self, Op};
use super::program::*;
use crate::base::span::SourceMap;
use std::fmt::{self, Write};

/// Writes the whole program.
///
/// # Errors
/// What `out` reports.
pub fn disassemble(program: &Program, sources: &SourceMap, out: &mut dyn Write) -> fmt::Result {
    let mut order: Vec<&Function> = program.funcs.iter().filter(|f| f.end > f.entry).collect();
    order.sort_by_key(|f| f.entry);
    for f in order {
        function(program, sources, f, out)?;
    }
    Ok(())
}

/// Writes one function.
///
/// # Errors
/// What `out` reports.
pub fn function(program: &Program, sources: &SourceMap, f: &Function, out: &mut dyn Write) -> fmt::Result {
    write!(out, "func {} results {} params {} slots {}", f.name, f.results, f.params, f.frame_slots)?;
    let pointers: Vec<String> = f.ptr_map.iter().map(|i| i.to_string()).collect();
    if !pointers.is_empty() {
        write!(out, " pointers {}", pointers.join(","))?;
    }
    if f.has_defer {
        write!(out, " defers {}", f.defer_return)?;
    }
    writeln!(out, "{}", if f.hidden { " hidden" } else { "" })?;
    let mut at = f.entry;
    let mut line = None;
    while at < f.end {
        let here = sources.locate(f.pos_at(at)).map(|(file, line, _)| (file.to_string(), line));
        if here != line {
            if let (Some((file, n)), Some(source)) = (&here, sources.find(f.pos_at(at))) {
                let whose = match program.frame_at(at) {
                    Some((of, _)) if of.entry != f.entry => format!(" (inlined {})", of.name),
                    _ => String::new(),
                };
                writeln!(out, "  ; {file}:{n}{whose}  {}", source.line_text(*n).trim())?;
            }
            line = here;
        }
        let word = program.code[at as usize];
        let Some(op) = Op::from_word(word) else {
            writeln!(out, "{at:6}  ?{word:#x}")?;
            at += 1;
            continue;
        };
        write!(out, "{at:6}  {:<10}", op.name())?;
        operands(program, f, at, word, op, out)?;
        writeln!(out)?;
        at += 1 + op.extra() as u32;
    }
    writeln!(out)
}

fn slot(out: &mut dyn Write, r: u16) -> fmt::Result {
    if r == NO_SLOT { write!(out, " -") } else { write!(out, " r{r}") }
}

fn operands(program: &Program, f: &Function, at: u32, word: u64, op: Op, out: &mut dyn Write) -> fmt::Result {
    let format = op.format().as_bytes();
    let next = at as i64 + 1 + op.extra() as i64;
    let fields = [op::a(word), op::b(word), op::c(word)];
    for (i, &letter) in format.iter().take(3).enumerate() {
        let v = fields[i];
        let wide = op::x(word);
        match letter {
            b'r' | b'w' => slot(out, v)?,
            b'i' => write!(out, " {}", v as i16)?,
            b'u' => write!(out, " {v}")?,
            b't' => type_name(program, v as u32, out)?,
            b'j' => write!(out, " ->{}", next + (v as i16) as i64)?,
            b'J' => write!(out, " ->{}", next + wide as i64)?,
            b'I' => write!(out, " {wide}")?,
            b'U' => index(program, op, wide as u32, out)?,
            b'F' => {
                let to = (at as i64 + 1 + wide as i64) as u32;
                match program.funcs.iter().find(|f| f.entry == to && f.end > f.entry) {
                    Some(f) => write!(out, " {}", f.name)?,
                    None => write!(out, " ->{to}")?,
                }
            }
            _ => {}
        }
        if letter.is_ascii_uppercase() {
            break;
        }
    }
    for k in 0..op.extra() as u32 {
        let Some(&w) = program.code.get((at + 1 + k) as usize).filter(|_| at + 1 + k < f.end) else { break };
        extra(program, op, k, w, next, out)?;
    }
    if op == Op::CallN
        && let Some(n) = program.natives.get(fields[1] as usize)
    {
        write!(out, " ; {}", n.name)?;
    }
    Ok(())
}

fn type_name(program: &Program, id: u32, out: &mut dyn Write) -> fmt::Result {
    match program.types.get(id as usize) {
        Some(t) if id != 0 => write!(out, " <{}>", t.name),
        _ => write!(out, " <{id}>"),
    }
}

fn index(program: &Program, op: Op, i: u32, out: &mut dyn Write) -> fmt::Result {
    match op {
        Op::LdK | Op::PanicRt => match program.consts.get(i as usize) {
            Some(Constant::Word(w)) => write!(out, " {w:#x} ({:?})", f64::from_bits(*w)),
            Some(Constant::Str(s)) => write!(out, " {:?}", String::from_utf8_lossy(s)),
            Some(Constant::Func(f)) => write!(out, " func {}", program.funcs[f.0 as usize].name),
            Some(Constant::StrIface(t, s)) => {
                type_name(program, t.0, out)?;
                write!(out, "({:?})", String::from_utf8_lossy(s))
            }
            None => write!(out, " k{i}"),
        },
        Op::LdG | Op::StG | Op::GAddr => write!(out, " g{i}"),
        Op::New | Op::SliceLit => type_name(program, i, out),
        Op::Select => {
            let Some(s) = program.selects.get(i as usize) else { return write!(out, " select {i}") };
            for c in &s.cases {
                write!(out, " {}", if c.send { "send" } else { "recv" })?;
                slot(out, c.chan)?;
                slot(out, c.value)?;
                if !c.send {
                    slot(out, c.ok)?;
                }
                write!(out, ";")?;
            }
            write!(out, "{}", if s.has_default { " default" } else { "" })
        }
        _ => write!(out, " {i}"),
    }
}

fn extra(program: &Program, op: Op, k: u32, w: u64, next: i64, out: &mut dyn Write) -> fmt::Result {
    use Op::*;
    match (op, k) {
        (RangeStr, 0) | (MapNext, 1) => write!(out, " ->{}", next + w as i64),
        (
            EqT | MkSlice | Append | AppendSlice | AppendOwn | CopySlice | ClearSlice | DisownT | MkMap | MapGet
            | MapGet2 | MapSet | MapDel | MapClear | MapIter | MapNext | MkChan | AssertT | AssertI,
            0,
        ) => type_name(program, w as u32, out),
        (SliceOf, 0) => type_name(program, (w & SLICE_TYPE) as u32, out),
        (SliceArr, 0) => {
            type_name(program, (w & SLICE_TYPE) as u32, out)?;
            write!(out, " len {}", w >> 32)
        }
        (CallI, 0) => match program.methods.get(w as usize) {
            Some(m) => write!(out, " .{}", m.name),
            None => write!(out, " .{w}"),
        },
        (CallI, _) => Ok(()),
        (Go, 0) => match program.funcs.get(w as usize) {
            Some(f) => write!(out, " {}", f.name),
            None => write!(out, " func {w}"),
        },
        (MkClosure, 0) => match program.closures.get(w as usize) {
            Some(c) => write!(out, " {} captures {}", program.funcs[c.func.0 as usize].name, c.captures),
            None => write!(out, " shape {w}"),
        },
        (Ix2W | Ix2U8, 0) => slot(out, w as u16),
        (ArrAddr, 0) => write!(out, " bytes {} len {}", w as u32, w >> 32),
        (FxI8 | FxI16 | FxI32 | FxU8 | FxU16 | FxU32 | FxF32 | FxW | FxN, 0)
        | (FsI8 | FsI16 | FsI32 | FsF32 | FsW | FsN, 0) => write!(out, " len {} words {}", w as u32, w >> 32),
        _ => write!(out, " {w}"),
    }
}
