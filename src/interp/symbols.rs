//! What the frames of a profile's stacks stand for: functions of the program, natives under Go's names, and what Go's
//! run-time system would be seen waiting in.
use super::ctx::Rt;
use crate::bytecode::program::{entry_pc, pc_of};
use crate::profile::build::Place;
use crate::profile::record::{NATIVE, WAIT};
use crate::sched::wait::WaitReason;

/// What a frame of a stack stands for.
pub fn place(rt: &Rt, frame: u32) -> Place {
    if frame & NATIVE != 0 {
        let name = rt.program.natives.get((frame & !NATIVE) as usize).map_or("?", |n| &n.name);
        return Place { function: go_name(name), address: pc_of(frame), entry: entry_pc(frame), ..Place::default() };
    }
    if frame & WAIT != 0 {
        let function = match WaitReason::from_u8(frame as u8) {
            WaitReason::ChanReceive | WaitReason::ChanReceiveNil => "runtime.chanrecv1",
            WaitReason::ChanSend | WaitReason::ChanSendNil => "runtime.chansend1",
            WaitReason::SelectNoCases => "runtime.block",
            _ => "runtime.selectgo",
        };
        return Place { function: function.into(), address: pc_of(frame), entry: entry_pc(frame), ..Place::default() };
    }
    let Some((func, pos)) = rt.program.frame_at(frame) else { return Place::default() };
    let line = |pos| rt.sources.locate(pos).map_or(("?", 0), |(file, line, _)| (file, line));
    let (file, line_number) = line(pos);
    Place {
        function: func.name.clone(),
        file: file.to_string(),
        line: line_number,
        start_line: line(func.pos).1,
        entry: entry_pc(func.entry),
        address: pc_of(frame),
    }
}

/// `sync.Mutex.Lock` as Go spells it: `sync.(*Mutex).Lock`.
fn go_name(native: &str) -> String {
    let at = native.rfind('/').map_or(0, |i| i + 1);
    let parts: Vec<&str> = native[at..].split('.').collect();
    match parts[..] {
        [package, ty, method] => format!("{}{package}.(*{ty}).{method}", &native[..at]),
        _ => native.to_string(),
    }
}
