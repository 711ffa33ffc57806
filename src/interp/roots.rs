//! What the collector starts from: globals, the stacks of all Gs, timers. The world is stopped.
use super::ctx::{Ctx, Rt};
use super::traceback;
use super::unwind::Extra;
use crate::bytecode::op::{self, Op};
use crate::heap::Marker;
use crate::sched::g::{G, Status};
use std::sync::atomic::Ordering::*;

/// Collects, unless another P is at it.
///
/// # Safety
/// At a safepoint of `cx`'s M, with the running G's state written back.
pub unsafe fn collect(cx: *mut Ctx) {
    unsafe {
        let rt = (*cx).rt();
        rt.sched.stop_the_world(&mut (*cx).p, || {
            for &other in rt.ctxs.lock().iter() {
                (*(other as *mut Ctx)).cache.flush();
            }
            rt.env.heap.collect(&mut |m| mark_roots(rt, m));
        });
    }
}

/// # Safety
/// The world is stopped.
pub unsafe fn mark_roots(rt: &Rt, m: &mut Marker) {
    unsafe {
        for i in rt.program.global_ptrs.iter() {
            m.word(rt.globals[i]);
        }
        rt.sched.timers.each_closure(&mut |w| m.word(w));
        rt.sched.slabs.each(&mut |g| {
            if (*g).status.load(Relaxed) != Status::Dead as u8 {
                mark_g(rt, g, m);
            }
        });
    }
}

unsafe fn mark_g(rt: &Rt, g: *mut G, m: &mut Marker) {
    unsafe {
        if !(*g).extra.is_null() {
            (*((*g).extra as *mut Extra)).roots(&mut |w| m.word(w));
        }
        m.conservative((*g).node.on as u64);
        // The innermost frame may wait in a native, whose window nobody else looks at.
        for at in [(*g).pc, (*g).pc.sub(1)] {
            let w = *at;
            if rt.program.func_at(rt.index_of(at)).is_some() && Op::from_word(w) == Some(Op::CallN) {
                let native = &rt.program.natives[op::b(w) as usize];
                let window = (*g).base.add(op::a(w) as usize);
                for i in 0..(native.results + native.params) as usize {
                    m.conservative(*window.add(i));
                }
            }
        }
        traceback::walk(rt, g, &mut |func, _, base| m.range(base, &func.ptr_map));
    }
}
