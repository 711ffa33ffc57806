//! Natives of `compress/flate`: streams that inflate and deflate, over `miniz_oxide`. A stream's state belongs to the VM
//! and is known by a number; it is out of the table while a native works with it, and goes away when its stream ends or
//! is closed.
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome};
use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, TDEFLStatus, compress, create_comp_flags_from_zip_params,
};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

pub const NATIVES: &[NativeEntry] = &[
    ("compress/flate.deflate", deflate),
    ("compress/flate.drop", |cx| {
        let id = cx.int(0);
        with_streams(cx, |s| s.open.remove(&id));
        Ok(Outcome::Done)
    }),
    ("compress/flate.inflate", inflate),
    ("compress/flate.newDeflater", |cx| {
        let level = cx.int(0);
        // Huffman coding only is a strategy of its own.
        let (level, strategy) = if level == -2 { (6, 2) } else { (level as i32, 0) };
        let flags = create_comp_flags_from_zip_params(level, -15, strategy);
        let id = add(cx, Stream::Deflate(Box::new(CompressorOxide::new(flags))));
        cx.set_int(0, id);
        Ok(Outcome::Done)
    }),
    ("compress/flate.newInflater", |cx| {
        let dict = cx.bytes(0);
        let mut inflater = Inflater {
            state: Box::new(DecompressorOxide::new()),
            window: vec![0; WINDOW].into_boxed_slice(),
            at: 0,
            ready: 0..0,
            status: MORE,
        };
        // The dictionary is what would have been written last.
        let dict = &dict[dict.len().saturating_sub(WINDOW)..];
        inflater.window[..dict.len()].copy_from_slice(dict);
        inflater.at = dict.len() % WINDOW;
        let id = add(cx, Stream::Inflate(inflater));
        cx.set_int(0, id);
        Ok(Outcome::Done)
    }),
];

const WINDOW: usize = 32768;

struct Inflater {
    state: Box<DecompressorOxide>,
    /// The last bytes written, around which the stream may copy.
    window: Box<[u8]>,
    at: usize,
    /// What is in the window and not yet handed out.
    ready: std::ops::Range<usize>,
    /// The status once that is handed out.
    status: i64,
}

enum Stream {
    Inflate(Inflater),
    Deflate(Box<CompressorOxide>),
}

#[derive(Default)]
struct Streams {
    open: rustc_hash::FxHashMap<i64, Stream>,
    last: i64,
}

fn with_streams<R>(cx: &Cx, f: impl FnOnce(&mut Streams) -> R) -> R {
    let mut state = cx.env.state.lock();
    let streams = state.entry("compress").or_insert_with(|| Box::new(Streams::default()));
    match streams.downcast_mut() {
        Some(streams) => f(streams),
        None => f(&mut Streams::default()),
    }
}

fn add(cx: &Cx, stream: Stream) -> i64 {
    with_streams(cx, |s| {
        s.last += 1;
        s.open.insert(s.last, stream);
        s.last
    })
}

const MORE: i64 = 0;
const END: i64 = 1;
const WRONG: i64 = 2;

/// `inflate(id int, in, out []byte) (read, written, status int)`
fn inflate(cx: &mut Cx) -> NativeResult {
    let id = cx.int(0);
    let input = cx.bytes(1);
    let (mut read, mut written, mut status) = (0, 0, WRONG);
    if let Some(Stream::Inflate(mut s)) = with_streams(cx, |s| s.open.remove(&id)) {
        if s.ready.is_empty() {
            let flags = inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
            let (answer, taken, made) = decompress(&mut s.state, &input, &mut s.window, s.at, flags);
            read = taken;
            s.ready = s.at..s.at + made;
            s.at = (s.at + made) % WINDOW;
            s.status = match answer {
                TINFLStatus::Done => END,
                TINFLStatus::NeedsMoreInput | TINFLStatus::HasMoreOutput => MORE,
                _ => WRONG,
            };
        }
        let from = s.ready.clone();
        written = cx.copy_into_bytes(2, &s.window[from]);
        s.ready.start += written;
        status = if s.ready.is_empty() { s.status } else { MORE };
        if status == MORE {
            with_streams(cx, |all| all.open.insert(id, Stream::Inflate(s)));
        }
    }
    cx.set_int(0, read as i64);
    cx.set_int(1, written as i64);
    cx.set_int(2, status);
    Ok(Outcome::Done)
}

/// `deflate(id int, in []byte, flush int) (out []byte, ok bool)`: flush 0 none, 1 to a byte's end, 2 the stream's end.
fn deflate(cx: &mut Cx) -> NativeResult {
    let id = cx.int(0);
    let input = cx.bytes(1);
    let flush = match cx.int(2) {
        0 => TDEFLFlush::None,
        1 => TDEFLFlush::Sync,
        _ => TDEFLFlush::Finish,
    };
    let mut out = Vec::new();
    let mut ok = false;
    if let Some(Stream::Deflate(mut s)) = with_streams(cx, |s| s.open.remove(&id)) {
        let mut rest = &input[..];
        loop {
            let start = out.len();
            out.resize(start + (64 << 10), 0);
            let (status, taken, made) = compress(&mut s, rest, &mut out[start..], flush);
            out.truncate(start + made);
            rest = &rest[taken..];
            match status {
                TDEFLStatus::Okay if made == 64 << 10 || !rest.is_empty() && taken + made > 0 => {}
                TDEFLStatus::Okay => {
                    ok = rest.is_empty() && cx.int(2) != 2;
                    break;
                }
                TDEFLStatus::Done => {
                    ok = true;
                    break;
                }
                _ => break,
            }
        }
        if cx.int(2) != 2 {
            with_streams(cx, |all| all.open.insert(id, Stream::Deflate(s)));
        }
    }
    let w = cx.new_bytes(&out)?;
    cx.set_word(0, w);
    cx.set_bool(1, ok);
    Ok(Outcome::Done)
}
