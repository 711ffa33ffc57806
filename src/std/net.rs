//! Natives of `net`: sockets, which never block (see `files`), and looking names up, which is a job on another thread.
//!
//! An address goes between the halves as a family and a string of bytes: of AF_INET 4 bytes and a port in two, of
//! AF_INET6 16 bytes, a port in two and a scope in four, of AF_UNIX the name. Numbers have their high byte first.
use super::files::{self, Attempt, CLOSED, Open, attempt, errno, file, length, zero};
use super::os::block;
use crate::door::{Door, Place};
use crate::sched::netpoll::Side;
use crate::value::native::{Cx, NativeEntry, NativeResult, Outcome};
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::net::IpAddr;
use std::os::fd::{AsRawFd, FromRawFd};

pub const NATIVES: &[NativeEntry] = &[
    ("net.accept", accept),
    ("net.bind", bind),
    ("net.closeSocket", files::close),
    ("net.connect", connect),
    ("net.listen", listen),
    ("net.lookup", lookup),
    ("net.interfaces", interfaces),
    ("net.read", |cx| transfer(cx, Side::Read)),
    ("net.receiveFrom", receive_from),
    ("net.sendTo", send_to),
    ("net.setDeadline", files::set_deadline),
    ("net.setOption", set_option),
    ("net.shutdown", shutdown),
    ("net.socket", socket),
    ("net.socketName", socket_name),
    ("net.write", |cx| transfer(cx, Side::Write)),
];

/// A socket that is watched; `Err`: the results have been written.
macro_rules! socket_of {
    ($cx:ident, $open:ident, $poll:ident, $at:literal) => {
        let Ok($open) = file($cx, $cx.int(0)) else {
            $cx.set_int($at, CLOSED);
            return Ok(Outcome::Done);
        };
        let Some($poll) = $open.poll() else {
            $cx.set_int($at, libc::ENOTSOCK as i64);
            return Ok(Outcome::Done);
        };
    };
}

/// A system's address.
struct Address {
    storage: libc::sockaddr_storage,
    len: libc::socklen_t,
}

impl Address {
    fn empty() -> Address {
        // SAFETY: plain numbers.
        Address { storage: unsafe { std::mem::zeroed() }, len: size_of::<libc::sockaddr_storage>() as u32 }
    }

    fn pointer(&self) -> *const libc::sockaddr {
        (&raw const self.storage).cast()
    }

    fn pointer_mut(&mut self) -> *mut libc::sockaddr {
        (&raw mut self.storage).cast()
    }

    fn new(family: i64, b: &[u8]) -> Result<Address> {
        let mut a = Address::empty();
        let bad = || Error::from_raw_os_error(libc::EINVAL);
        // SAFETY: the storage is larger than each of these, and aligned for them.
        unsafe {
            match family as i32 {
                libc::AF_INET if b.len() == 6 => {
                    let s = &mut *(&raw mut a.storage).cast::<libc::sockaddr_in>();
                    s.sin_family = libc::AF_INET as u16;
                    s.sin_addr.s_addr = u32::from_ne_bytes([b[0], b[1], b[2], b[3]]);
                    s.sin_port = u16::from_ne_bytes([b[4], b[5]]);
                    a.len = size_of::<libc::sockaddr_in>() as u32;
                }
                libc::AF_INET6 if b.len() == 22 => {
                    let s = &mut *(&raw mut a.storage).cast::<libc::sockaddr_in6>();
                    s.sin6_family = libc::AF_INET6 as u16;
                    s.sin6_addr.s6_addr.copy_from_slice(&b[..16]);
                    s.sin6_port = u16::from_ne_bytes([b[16], b[17]]);
                    s.sin6_scope_id = u32::from_be_bytes([b[18], b[19], b[20], b[21]]);
                    a.len = size_of::<libc::sockaddr_in6>() as u32;
                }
                libc::AF_UNIX => {
                    let s = &mut *(&raw mut a.storage).cast::<libc::sockaddr_un>();
                    if b.len() >= s.sun_path.len() {
                        return Err(bad());
                    }
                    s.sun_family = libc::AF_UNIX as u16;
                    for (to, from) in s.sun_path.iter_mut().zip(b) {
                        *to = *from as libc::c_char;
                    }
                    let hidden = b.first() == Some(&b'@');
                    if hidden {
                        s.sun_path[0] = 0;
                    }
                    a.len = (2 + b.len() + usize::from(!hidden && !b.is_empty())) as u32;
                }
                _ => return Err(bad()),
            }
        }
        Ok(a)
    }

    /// An address that may be reached or, to be bound, used. Keep the place until that is done.
    fn allowed(door: &Door, family: i64, b: &[u8], bind: bool) -> Result<(Address, Option<Place>)> {
        if family as i32 == libc::AF_UNIX {
            let (name, place) = door.unix_socket(b, bind)?;
            return Ok((Address::new(family, &name)?, place));
        }
        let a = Address::new(family, b)?;
        match a.ip() {
            Some((ip, port)) => door.may_reach(ip, port)?,
            None => door.has_whole_network()?,
        }
        Ok((a, None))
    }

    fn ip(&self) -> Option<(IpAddr, u16)> {
        let (family, b) = self.parts();
        let port = |i: usize| u16::from_be_bytes([b[i], b[i + 1]]);
        match family as i32 {
            libc::AF_INET => Some((<[u8; 4]>::try_from(&b[..4]).ok()?.into(), port(4))),
            libc::AF_INET6 => Some((<[u8; 16]>::try_from(&b[..16]).ok()?.into(), port(16))),
            _ => None,
        }
    }

    /// As the program knows it.
    fn parts_for(&self, door: &Door) -> (i64, Vec<u8>) {
        let (family, b) = self.parts();
        if family as i32 == libc::AF_UNIX { (family, door.socket_name(b)) } else { (family, b) }
    }

    fn parts(&self) -> (i64, Vec<u8>) {
        let family = self.storage.ss_family as i32;
        let mut out = Vec::new();
        // SAFETY: as in `new`; the family says which it is.
        unsafe {
            match family {
                libc::AF_INET => {
                    let s = &*(&raw const self.storage).cast::<libc::sockaddr_in>();
                    out.extend(s.sin_addr.s_addr.to_ne_bytes());
                    out.extend(s.sin_port.to_ne_bytes());
                }
                libc::AF_INET6 => {
                    let s = &*(&raw const self.storage).cast::<libc::sockaddr_in6>();
                    out.extend(s.sin6_addr.s6_addr);
                    out.extend(s.sin6_port.to_ne_bytes());
                    out.extend(s.sin6_scope_id.to_be_bytes());
                }
                libc::AF_UNIX => {
                    let s = &*(&raw const self.storage).cast::<libc::sockaddr_un>();
                    out.extend(s.sun_path.iter().map(|&c| c as u8));
                    // A name that is no file's begins with a zero, also the empty one.
                    if out[0] == 0 {
                        out[0] = b'@';
                    }
                    out.truncate(out.iter().position(|&c| c == 0).unwrap_or(out.len()));
                }
                _ => {}
            }
        }
        (family as i64, out)
    }
}

fn error_result(cx: &mut Cx, at: usize, result: Result<()>) -> NativeResult {
    cx.set_int(at, result.err().map_or(0, |e| errno(&e)));
    Ok(Outcome::Done)
}

/// Many connections are many descriptors: as many as may be, as Go does when it starts.
fn raise_limit() {
    // SAFETY: plain numbers.
    unsafe {
        let mut limit: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0 && limit.rlim_cur < limit.rlim_max {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}

/// `socket(family, kind int) (fd, errno int)`
fn socket(cx: &mut Cx) -> NativeResult {
    let (family, kind) = (cx.int(0) as i32, cx.int(1) as i32);
    // Where it may go is asked when it goes there: at an address.
    if ![libc::AF_UNIX, libc::AF_INET, libc::AF_INET6].contains(&family)
        && let Err(e) = cx.env.door.has_whole_network()
    {
        cx.set_int(0, -1);
        return error_result(cx, 1, Err(e));
    }
    raise_limit();
    // SAFETY: plain numbers.
    let fd = unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK, 0) };
    new_socket(cx, fd)
}

/// Takes a new socket into the table, for results 0 and 1.
fn new_socket(cx: &mut Cx, fd: i32) -> NativeResult {
    if fd < 0 {
        cx.set_int(0, -1);
        cx.set_int(1, errno(&Error::last_os_error()));
        return Ok(Outcome::Done);
    }
    // SAFETY: a descriptor just made, which nobody else knows.
    let fd = files::add(cx, unsafe { File::from_raw_fd(fd) }, true);
    cx.set_int(0, fd);
    cx.set_int(1, 0);
    Ok(Outcome::Done)
}

/// `bind(fd, family int, address string) (errno int)`
fn bind(cx: &mut Cx) -> NativeResult {
    socket_of!(cx, open, _poll, 0);
    let result = Address::allowed(&cx.env.door, cx.int(1), cx.str(2), true).and_then(|(a, _place)| {
        // SAFETY: an address and its length.
        zero(unsafe { libc::bind(open.as_raw_fd(), a.pointer(), a.len) })
    });
    error_result(cx, 0, result)
}

/// `listen(fd, backlog int) (errno int)`
fn listen(cx: &mut Cx) -> NativeResult {
    socket_of!(cx, open, _poll, 0);
    // A socket without an address would get one of the system's choice.
    let mut own = Address::empty();
    // SAFETY: room for an address and its length.
    let named = zero(unsafe { libc::getsockname(open.as_raw_fd(), own.pointer_mut(), &mut own.len) });
    let allowed = named.and_then(|()| match own.ip() {
        Some((ip, port)) => cx.env.door.may_reach(ip, port),
        None => Ok(()),
    });
    // SAFETY: plain numbers.
    let result = allowed.and_then(|()| zero(unsafe { libc::listen(open.as_raw_fd(), cx.int(1) as i32) }));
    error_result(cx, 0, result)
}

/// The error that a socket holds.
fn pending_error(open: &Open) -> Result<()> {
    let (mut error, mut len) = (0i32, size_of::<i32>() as u32);
    // SAFETY: room for a number.
    zero(unsafe {
        libc::getsockopt(open.as_raw_fd(), libc::SOL_SOCKET, libc::SO_ERROR, (&raw mut error).cast(), &mut len)
    })?;
    if error == 0 { Ok(()) } else { Err(Error::from_raw_os_error(error)) }
}

/// `connect(fd, family int, address string) (errno int)`
fn connect(cx: &mut Cx) -> NativeResult {
    let mut again = cx.side.take_retry();
    socket_of!(cx, open, poll, 0);
    let (family, address, door) = (cx.int(1), cx.str(2), cx.env.door.clone());
    let mut operation = || {
        if !std::mem::replace(&mut again, true) {
            let (a, _place) = Address::allowed(&door, family, address, false)?;
            // SAFETY: an address and its length.
            return match zero(unsafe { libc::connect(open.as_raw_fd(), a.pointer(), a.len) }) {
                Err(e) if e.raw_os_error() == Some(libc::EINPROGRESS) => Err(ErrorKind::WouldBlock.into()),
                Err(e) if e.kind() == ErrorKind::Interrupted => Err(ErrorKind::WouldBlock.into()),
                // The listener's queue is full: an error here, as in Go.
                Err(e) if e.raw_os_error() == Some(libc::EAGAIN) => Err(FullQueue::error()),
                result => result,
            };
        }
        pending_error(&open)?;
        let mut peer = Address::empty();
        // SAFETY: room for an address and its length.
        match zero(unsafe { libc::getpeername(open.as_raw_fd(), peer.pointer_mut(), &mut peer.len) }) {
            Err(e) if e.raw_os_error() == Some(libc::ENOTCONN) => Err(ErrorKind::WouldBlock.into()),
            result => result,
        }
    };
    let code = match attempt(cx, poll, Side::Write, &mut operation) {
        Attempt::Parked => return Ok(Outcome::ParkedRetry),
        Attempt::Done(()) => 0,
        Attempt::Failed(code) if code == libc::EIO as i64 && family as i32 == libc::AF_UNIX => libc::EAGAIN as i64,
        Attempt::Failed(code) => code,
    };
    cx.set_int(0, code);
    Ok(Outcome::Done)
}

/// EAGAIN of a connection that is not to be waited for.
struct FullQueue;

impl FullQueue {
    fn error() -> Error {
        Error::other("the listener's queue is full")
    }
}

/// `accept(fd int) (fd, family int, address string, errno int)`
fn accept(cx: &mut Cx) -> NativeResult {
    cx.set_int(0, -1);
    cx.set_int(1, 0);
    cx.set_word(2, 0);
    socket_of!(cx, open, poll, 3);
    let mut peer = Address::empty();
    let operation = || {
        peer.len = size_of::<libc::sockaddr_storage>() as u32;
        // SAFETY: room for an address and its length.
        let fd = unsafe {
            libc::accept4(open.as_raw_fd(), peer.pointer_mut(), &mut peer.len, libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK)
        };
        match zero(fd) {
            // It has gone before it was accepted.
            Err(e) if e.kind() == ErrorKind::ConnectionAborted => Err(ErrorKind::Interrupted.into()),
            result => result.map(|()| fd),
        }
    };
    match attempt(cx, poll, Side::Read, operation) {
        Attempt::Parked => Ok(Outcome::ParkedRetry),
        Attempt::Failed(code) => {
            cx.set_int(3, code);
            Ok(Outcome::Done)
        }
        Attempt::Done(fd) => {
            // SAFETY: a descriptor just made.
            let fd = files::add(cx, unsafe { File::from_raw_fd(fd) }, true);
            let (family, address) = peer.parts_for(&cx.env.door);
            cx.set_int(0, fd);
            cx.set_int(1, family);
            cx.set_str(2, &address)?;
            cx.set_int(3, 0);
            Ok(Outcome::Done)
        }
    }
}

/// `read(fd int, b []byte) (n, errno int)`, `write(fd int, b []byte) (n, errno int)`
fn transfer(cx: &mut Cx, side: Side) -> NativeResult {
    cx.set_int(0, 0);
    socket_of!(cx, open, poll, 1);
    match side {
        Side::Read => files::read_polled(cx, &open, poll),
        Side::Write => files::write_polled(cx, &open, poll),
    }
}

/// `receiveFrom(fd int, b []byte) (n, family int, address string, errno int)`
fn receive_from(cx: &mut Cx) -> NativeResult {
    cx.set_int(0, 0);
    cx.set_int(1, 0);
    cx.set_word(2, 0);
    socket_of!(cx, open, poll, 3);
    let b = cx.slice(1);
    let mut from = Address::empty();
    let operation = || {
        from.len = size_of::<libc::sockaddr_storage>() as u32;
        // SAFETY: the slice's data has `len` bytes, which stay where they are while the native runs; room for an address.
        length(unsafe { libc::recvfrom(open.as_raw_fd(), b.data.cast(), b.len, 0, from.pointer_mut(), &mut from.len) })
    };
    match attempt(cx, poll, Side::Read, operation) {
        Attempt::Parked => return Ok(Outcome::ParkedRetry),
        Attempt::Failed(code) => cx.set_int(3, code),
        Attempt::Done(n) => {
            let (family, address) = from.parts_for(&cx.env.door);
            cx.set_str(2, &address)?;
            cx.set_int(0, n as i64);
            cx.set_int(1, family);
            cx.set_int(3, 0);
        }
    }
    Ok(Outcome::Done)
}

/// `sendTo(fd int, b []byte, family int, address string) (n, errno int)`; family 0: to the peer.
fn send_to(cx: &mut Cx) -> NativeResult {
    cx.set_int(0, 0);
    socket_of!(cx, open, poll, 1);
    let (b, family) = (cx.slice(1), cx.int(2));
    let to = match family {
        0 => Ok(None),
        _ => Address::allowed(&cx.env.door, family, cx.str(3), false).map(Some),
    };
    let to = match to {
        Ok(to) => to,
        Err(e) => return error_result(cx, 1, Err(e)),
    };
    let (address, len) = to.as_ref().map_or((std::ptr::null(), 0), |(a, _place)| (a.pointer(), a.len));
    // SAFETY: as in `receive_from`.
    let operation = || {
        length(unsafe {
            libc::sendto(open.as_raw_fd(), b.data.cast_const().cast(), b.len, libc::MSG_NOSIGNAL, address, len)
        })
    };
    match attempt(cx, poll, Side::Write, operation) {
        Attempt::Parked => return Ok(Outcome::ParkedRetry),
        Attempt::Failed(code) => cx.set_int(1, code),
        Attempt::Done(n) => {
            cx.set_int(0, n as i64);
            cx.set_int(1, 0);
        }
    }
    Ok(Outcome::Done)
}

/// `shutdown(fd, how int) (errno int)`
fn shutdown(cx: &mut Cx) -> NativeResult {
    socket_of!(cx, open, _poll, 0);
    // SAFETY: plain numbers.
    let result = zero(unsafe { libc::shutdown(open.as_raw_fd(), cx.int(1) as i32) });
    error_result(cx, 0, result)
}

/// `socketName(fd int, peer bool) (family int, address string, errno int)`
fn socket_name(cx: &mut Cx) -> NativeResult {
    cx.set_int(0, 0);
    cx.set_word(1, 0);
    socket_of!(cx, open, _poll, 2);
    let mut a = Address::empty();
    let (fd, to) = (open.as_raw_fd(), a.pointer_mut());
    // SAFETY: room for an address and its length.
    let result = zero(unsafe {
        match cx.bool(1) {
            true => libc::getpeername(fd, to, &mut a.len),
            false => libc::getsockname(fd, to, &mut a.len),
        }
    });
    if result.is_ok() {
        let (family, address) = a.parts_for(&cx.env.door);
        cx.set_int(0, family);
        cx.set_str(1, &address)?;
    }
    error_result(cx, 2, result)
}

/// `setOption(fd, what, value int) (errno int)`: see `fd.gm`.
fn set_option(cx: &mut Cx) -> NativeResult {
    socket_of!(cx, open, _poll, 0);
    let (what, value) = (cx.int(1), cx.int(2) as i32);
    let (level, option) = match what {
        0 => (libc::SOL_SOCKET, libc::SO_REUSEADDR),
        1 => (libc::IPPROTO_TCP, libc::TCP_NODELAY),
        2 => (libc::SOL_SOCKET, libc::SO_KEEPALIVE),
        3 => (libc::IPPROTO_TCP, libc::TCP_KEEPIDLE),
        4 => (libc::IPPROTO_TCP, libc::TCP_KEEPINTVL),
        5 => (libc::SOL_SOCKET, libc::SO_LINGER),
        6 => (libc::SOL_SOCKET, libc::SO_RCVBUF),
        7 => (libc::SOL_SOCKET, libc::SO_SNDBUF),
        8 => (libc::SOL_SOCKET, libc::SO_BROADCAST),
        _ => (libc::IPPROTO_IPV6, libc::IPV6_V6ONLY),
    };
    let linger = libc::linger { l_onoff: i32::from(value >= 0), l_linger: value.max(0) };
    let (data, len): (*const libc::c_void, usize) = match what {
        5 => ((&raw const linger).cast(), size_of::<libc::linger>()),
        _ => ((&raw const value).cast(), size_of::<i32>()),
    };
    // SAFETY: a value of the length that is said.
    let result = zero(unsafe { libc::setsockopt(open.as_raw_fd(), level, option, data, len as u32) });
    error_result(cx, 0, result)
}

/// `lookup(name string) (addresses []string, code int, text string)`: addresses as bytes; a code of getaddrinfo, or of a
/// refusal.
fn lookup(cx: &mut Cx) -> NativeResult {
    let asked = String::from_utf8_lossy(cx.str(0)).into_owned();
    if let Err(e) = cx.env.door.may_look_up(&asked) {
        cx.set_word(0, 0);
        cx.set_word(2, 0);
        return error_result(cx, 1, Err(e));
    }
    let name = std::ffi::CString::new(cx.str(0)).unwrap_or_default();
    block(
        move || {
            let mut found = Vec::new();
            // SAFETY: a terminated string; the list is followed to its end and given back.
            unsafe {
                let mut hints: libc::addrinfo = std::mem::zeroed();
                hints.ai_socktype = libc::SOCK_STREAM;
                let mut list: *mut libc::addrinfo = std::ptr::null_mut();
                let code = libc::getaddrinfo(name.as_ptr(), std::ptr::null(), &hints, &mut list);
                if code != 0 {
                    let text = std::ffi::CStr::from_ptr(libc::gai_strerror(code)).to_string_lossy().into_owned();
                    return Err((code, text));
                }
                let mut at = list;
                while !at.is_null() {
                    let mut a = Address::empty();
                    a.len = (*at).ai_addrlen.min(a.len);
                    std::ptr::copy_nonoverlapping((*at).ai_addr.cast::<u8>(), a.pointer_mut().cast(), a.len as usize);
                    let (family, bytes) = a.parts();
                    let len = if family as i32 == libc::AF_INET { 4 } else { 16 };
                    found.push(bytes[..len.min(bytes.len())].to_vec());
                    at = (*at).ai_next;
                }
                libc::freeaddrinfo(list);
            }
            Ok(found)
        },
        move |cx, r| {
            let ip = |b: &Vec<u8>| match b.len() {
                4 => <[u8; 4]>::try_from(&b[..]).ok().map(IpAddr::from),
                _ => <[u8; 16]>::try_from(&b[..]).ok().map(IpAddr::from),
            };
            cx.env.door.looked_up(&asked, r.iter().flatten().filter_map(ip));
            let (code, text) = r.as_ref().err().cloned().unwrap_or_default();
            cx.set_strs(0, &r.unwrap_or_default())?;
            cx.set_int(1, code as i64);
            cx.set_str(2, text.as_bytes())?;
            Ok(Outcome::Done)
        },
    )
}

/// `interfaces() (found []string, errno int)`: for each address of each interface its index in four bytes, flags in four,
/// the family in one, the name up to a zero, and address and mask.
fn interfaces(cx: &mut Cx) -> NativeResult {
    if let Err(e) = cx.env.door.has_whole_network() {
        cx.set_word(0, 0);
        return error_result(cx, 1, Err(e));
    }
    let mut found: Vec<Vec<u8>> = Vec::new();
    let mut list: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: the list is followed to its end and given back.
    unsafe {
        if let Err(e) = zero(libc::getifaddrs(&mut list)) {
            cx.set_word(0, 0);
            return error_result(cx, 1, Err(e));
        }
        let mut at = list;
        while !at.is_null() {
            let i = &*at;
            at = i.ifa_next;
            let family = if i.ifa_addr.is_null() { 0 } else { (*i.ifa_addr).sa_family as i32 };
            let mut out = Vec::new();
            out.extend(libc::if_nametoindex(i.ifa_name).to_be_bytes());
            out.extend(i.ifa_flags.to_be_bytes());
            out.push(family as u8);
            out.extend(std::ffi::CStr::from_ptr(i.ifa_name).to_bytes_with_nul());
            let (size, len) = match family {
                libc::AF_INET => (size_of::<libc::sockaddr_in>(), 4),
                libc::AF_INET6 => (size_of::<libc::sockaddr_in6>(), 16),
                _ => (0, 0),
            };
            for part in [i.ifa_addr, i.ifa_netmask] {
                if size > 0 && !part.is_null() {
                    let mut a = Address::empty();
                    std::ptr::copy_nonoverlapping(part.cast::<u8>(), a.pointer_mut().cast(), size);
                    a.storage.ss_family = family as u16;
                    out.extend(&a.parts().1[..len]);
                }
            }
            found.push(out);
        }
        libc::freeifaddrs(list);
    }
    cx.set_strs(0, &found)?;
    cx.set_int(1, 0);
    Ok(Outcome::Done)
}
