//! Natives of `sort` and `slices`: sorting of ordered elements, and swaps in a slice of any type.
use super::long;
use crate::bytecode::program::{Kind, Mem, RTypeId, iface};
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome, Trap, load, overwrite, store};
use crate::value::slice::{self, Parts};
use crate::value::string;

pub const NATIVES: &[NativeEntry] = &[
    ("slices.sortOrdered", sort_ordered),
    ("sort.sliceLen", slice_len),
    ("sort.sortOrdered", sort_ordered),
    ("sort.swapElems", swap_elems),
];

/// The slice in interface parameter 0 and its element type.
fn boxed_slice(cx: &Cx) -> Option<(Parts, RTypeId)> {
    let word = cx.word(0);
    let t = cx.rtype(cx.iface_type(word));
    // A slice in an interface is its payload.
    (t.kind == Kind::Slice).then(|| (cx.slice_of(word & iface::PAYLOAD), t.elem))
}

/// `sliceLen(x any) (n int, kind string)`
fn slice_len(cx: &mut Cx) -> NativeResult {
    match boxed_slice(cx) {
        Some((p, _)) => {
            cx.set_int(0, p.len as i64);
            cx.set_word(1, 0);
        }
        None => {
            let word = cx.word(0);
            let kind = if word == 0 { Kind::Invalid } else { cx.rtype(cx.iface_type(word)).kind };
            cx.set_int(0, -1);
            let name = match kind {
                Kind::Invalid => "zero".into(),
                Kind::Pointer => "ptr".into(),
                Kind::UnsafePointer => "unsafe.Pointer".into(),
                k => format!("{k:?}").to_lowercase(),
            };
            cx.set_str(1, name.as_bytes())?;
        }
    }
    Ok(Outcome::Done)
}

/// `swapElems(x any, i, j int)`
fn swap_elems(cx: &mut Cx) -> NativeResult {
    let (i, j) = (cx.uint(1) as usize, cx.uint(2) as usize);
    let Some((p, elem)) = boxed_slice(cx) else { return Ok(Outcome::Done) };
    if i >= p.len || j >= p.len {
        return Err(Trap::Panic("reflect: slice index out of range".into()));
    }
    let t = cx.rtype(elem);
    let size = cx.env.types[elem.0 as usize].elem_bytes;
    // SAFETY: both elements lie in the slice; their words go through registers, so that no other G sees a part of one.
    unsafe {
        let (a, b) = (p.data.add(i * size), p.data.add(j * size));
        let words = t.words as usize;
        overwrite(cx.env, t, a);
        overwrite(cx.env, t, b);
        if t.mem == Mem::W {
            let (a, b) = (a as *mut u64, b as *mut u64);
            let (x, y) = (slice::load(a), slice::load(b));
            slice::store(a, y);
            slice::store(b, x);
        } else if words <= 8 {
            let (mut x, mut y) = ([0; 8], [0; 8]);
            load(t, a, &mut x[..words.max(1)]);
            load(t, b, &mut y[..words.max(1)]);
            store(t, a, &y[..words.max(1)]);
            store(t, b, &x[..words.max(1)]);
        } else {
            let (mut x, mut y) = (vec![0; words], vec![0; words]);
            load(t, a, &mut x);
            load(t, b, &mut y);
            store(t, a, &y);
            store(t, b, &x);
        }
    }
    Ok(Outcome::Done)
}

/// The elements of a slice, for a thread that sorts them while the G waits.
struct Elements(Parts);

// SAFETY: an address and lengths; the slice is a parameter of the waiting native, so it stays alive where it is.
unsafe impl Send for Elements {}

impl Elements {
    /// Reads the elements, sorts them and writes them back; whether they were sorted.
    ///
    /// # Safety
    /// It is a slice of `T`, which holds no pointers.
    unsafe fn sort<T: Copy>(self, sort: impl FnOnce(&mut [T]) -> bool) -> bool {
        let (data, len) = (self.0.data as *mut T, self.0.len);
        // SAFETY: the slice has `len` elements. The copy keeps the sort away from what other Gs write meanwhile.
        unsafe {
            let mut v: Vec<T> = (0..len).map(|i| data.add(i).read()).collect();
            let done = sort(&mut v);
            if done {
                for (i, x) in v.into_iter().enumerate() {
                    data.add(i).write(x);
                }
            }
            done
        }
    }
}

/// Sorts the elements, on another thread if they are many.
///
/// # Safety
/// It is a slice of `T`, which holds no pointers.
unsafe fn sort_as<T: Copy + 'static>(
    cx: &mut Cx,
    p: Parts,
    sort: impl FnOnce(&mut [T]) -> bool + Send + 'static,
) -> NativeResult {
    let elements = Elements(p);
    // SAFETY: the caller's.
    let work = move || unsafe { { elements }.sort(sort) };
    long::work(cx, p.len * size_of::<T>(), work, |cx, done| {
        cx.set_bool(0, *done);
        Ok(Outcome::Done)
    })
}

/// Sorts what has a total order.
///
/// # Safety
/// As [`sort_as`].
unsafe fn sort_all<T: Copy + Ord + 'static>(cx: &mut Cx, p: Parts) -> NativeResult {
    // SAFETY: the caller's.
    unsafe {
        sort_as::<T>(cx, p, |v| {
            v.sort_unstable();
            true
        })
    }
}

/// Sorts floats with NaNs first; false when the order of equal ones would show.
fn sort_floats<T: Copy + PartialOrd + Default>(v: &mut [T], negative: impl Fn(&T) -> bool) -> bool {
    let zero = T::default();
    let mut signs = (false, false);
    for x in v.iter().filter(|x| **x == zero) {
        if negative(x) { signs.0 = true } else { signs.1 = true }
    }
    if signs == (true, true) {
        return false;
    }
    // NaNs are told apart from the numbers only; their payloads do not show.
    v.sort_unstable_by(|a, b| {
        a.partial_cmp(b).unwrap_or_else(|| b.partial_cmp(b).is_some().cmp(&a.partial_cmp(a).is_some()).reverse())
    });
    true
}

/// Sorts a slice of strings, on another thread if they are many. A copy of the slice in the result's slot keeps them alive
/// meanwhile, whatever others write to the slice.
///
/// # Safety
/// It is one.
unsafe fn sort_strings(cx: &mut Cx, p: Parts) -> NativeResult {
    // SAFETY: the slice has `len` elements.
    let mut v: Vec<u64> = (0..p.len).map(|i| unsafe { slice::load((p.data as *const u64).add(i)) }).collect();
    let copy = cx.new_words(&v, true)?;
    cx.set_word(0, copy);
    let elements = Elements(p);
    let work = move || {
        // SAFETY: words of strings that are alive.
        v.sort_by(|a, b| unsafe { string::bytes(*a).cmp(string::bytes(*b)) });
        (elements, v)
    };
    const BYTES_EACH: usize = 32;
    long::work(cx, p.len * BYTES_EACH, work, |cx, (elements, v)| {
        let data = elements.0.data as *mut u64;
        // SAFETY: as above. Who marks must see what is overwritten.
        unsafe {
            if cx.env.heap.is_marking() {
                cx.env.heap.shade_words(data, v.len());
            }
            for (i, x) in v.iter().enumerate() {
                slice::store(data.add(i), *x);
            }
        }
        cx.set_bool(0, true);
        Ok(Outcome::Done)
    })
}

/// `sortOrdered(x any) bool`
fn sort_ordered(cx: &mut Cx) -> NativeResult {
    let Some((p, elem)) = boxed_slice(cx) else {
        cx.set_bool(0, false);
        return Ok(Outcome::Done);
    };
    if p.len < 2 {
        cx.set_bool(0, true);
        return Ok(Outcome::Done);
    }
    // SAFETY: the element's kind says how it lies in a packed array.
    unsafe {
        match cx.rtype(elem).kind {
            Kind::Int | Kind::Int64 => sort_all::<i64>(cx, p),
            Kind::Uint | Kind::Uint64 | Kind::Uintptr => sort_all::<u64>(cx, p),
            Kind::Int32 => sort_all::<i32>(cx, p),
            Kind::Uint32 => sort_all::<u32>(cx, p),
            Kind::Int16 => sort_all::<i16>(cx, p),
            Kind::Uint16 => sort_all::<u16>(cx, p),
            Kind::Int8 => sort_all::<i8>(cx, p),
            Kind::Uint8 => sort_all::<u8>(cx, p),
            Kind::Float64 => sort_as::<f64>(cx, p, |v| sort_floats(v, |x| x.is_sign_negative())),
            Kind::Float32 => sort_as::<f32>(cx, p, |v| sort_floats(v, |x| x.is_sign_negative())),
            Kind::String => sort_strings(cx, p),
            _ => {
                cx.set_bool(0, false);
                Ok(Outcome::Done)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sort_floats;

    #[test]
    fn nans_come_first() {
        let mut v = [2.0, f64::NAN, -1.0, f64::INFINITY, f64::NAN, 0.0];
        assert!(sort_floats(&mut v, |x| x.is_sign_negative()));
        assert!(v[0].is_nan() && v[1].is_nan());
        assert_eq!(v[2..], [-1.0, 0.0, 2.0, f64::INFINITY]);
        assert!(!sort_floats(&mut [0.0, -0.0], |x: &f64| x.is_sign_negative()));
    }
}
