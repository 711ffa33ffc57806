//! Tests of the door on real folders: what leads out, what is held, what is granted.
use super::*;
use std::os::unix::fs::symlink;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let dir = std::env::temp_dir().join(format!("gmpl-door-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&dir);
        std::fs::create_dir_all(dir.join("in/sub")).unwrap();
        std::fs::create_dir_all(dir.join("out")).unwrap();
        std::fs::write(dir.join("in/file"), "in").unwrap();
        std::fs::write(dir.join("out/file"), "out").unwrap();
        Folder(dir.canonicalize().unwrap())
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn is_denied(r: Result<Place>) -> bool {
    r.is_err_and(|e| Denied::code_of(&e).is_some())
}

#[test]
fn links_and_dots_lead_nowhere_else() {
    let dir = Folder::new("links");
    symlink(dir.at("out/file"), dir.at("in/absolute")).unwrap();
    symlink("../out", dir.at("in/relative")).unwrap();
    symlink("file", dir.at("in/near")).unwrap();
    symlink("loop", dir.at("in/loop")).unwrap();
    let door = Door::new(Permissions::none().allow_read([dir.at("in")]));
    let place = |name: &str, follow| door.place(&dir.at(name), Use::Read, follow);
    let text = |name: &str| std::fs::read_to_string(place(name, true).unwrap().target().unwrap()).unwrap();
    for name in ["in/file", "in/near", "in/sub/../file", "in/./sub/.././near", "in//file"] {
        assert_eq!(text(name), "in", "{name}");
    }
    for name in ["out/file", "in/../out/file", "in/absolute", "in/relative/file", "in/relative", "out/none", "."] {
        assert!(is_denied(place(name, true)), "{name}");
    }
    // The link itself may be looked at.
    let link = place("in/absolute", false).unwrap();
    assert_eq!(std::fs::read_link(link.entry()).unwrap(), dir.at("out/file"));
    let error = |name| place(name, true).err().and_then(|e| e.raw_os_error());
    assert_eq!(error("in/loop"), Some(libc::ELOOP));
    assert_eq!(error("in/file/x"), Some(libc::ENOTDIR));
    assert_eq!(error("in/file/.."), Some(libc::ENOTDIR));
    assert_eq!(error("in/none/x"), Some(libc::ENOENT));
    // What is not there has a place all the same.
    assert!(!place("in/none", true).unwrap().is_held());
}

#[test]
fn magic_links_are_read_like_others() {
    let dir = Folder::new("magic");
    let door = Door::new(Permissions::none().allow_read_all());
    let place = |name: &str| door.place(Path::new(name), Use::Read, true);
    for name in ["/proc/self/environ", "/proc/self/mem", "/proc/self", "/proc"] {
        assert!(is_denied(place(name)), "{name}");
    }
    // Through the process's root one comes to files like any.
    let name = format!("/proc/self/root{}", dir.at("in/file").display());
    assert_eq!(std::fs::read_to_string(place(&name).unwrap().target().unwrap()).unwrap(), "in");
    let narrow = Door::new(Permissions::none().allow_read([dir.at("in")]));
    assert!(is_denied(narrow.place(Path::new(&name), Use::Read, true)));
    let named = Door::new(Permissions::none().allow_read(["/proc/self/status"]));
    assert!(named.place(Path::new("/proc/self/status"), Use::Read, true).is_ok());
}

#[test]
fn what_is_reached_is_what_was_asked_about() {
    let dir = Folder::new("held");
    let door = Door::new(Permissions::none().allow_read([dir.at("in")]));
    let place = door.place(&dir.at("in/file"), Use::Read, true).unwrap();
    std::fs::remove_file(dir.at("in/file")).unwrap();
    symlink(dir.at("out/file"), dir.at("in/file")).unwrap();
    assert_eq!(std::fs::read_to_string(place.target().unwrap()).unwrap(), "in");
}

#[test]
fn grants_follow_links_and_wait_for_files() {
    let dir = Folder::new("grants");
    symlink(dir.at("in"), dir.at("alias")).unwrap();
    let p = Permissions::none().allow_read([dir.at("alias/sub/..")]).allow_write([dir.at("later/x")]);
    let door = Door::new(p);
    assert!(door.place(&dir.at("in/file"), Use::Read, true).is_ok());
    assert!(door.place(&dir.at("alias/file"), Use::Read, true).is_ok());
    assert!(is_denied(door.place(&dir.at("in/file"), Use::Write, true)));
    assert!(door.place(&dir.at("later"), Use::Look, true).is_ok());
    std::fs::create_dir(dir.at("later")).unwrap();
    assert!(door.place(&dir.at("later/x"), Use::Write, true).is_ok());
    assert!(is_denied(door.place(&dir.at("later/y"), Use::Write, true)));
}

#[test]
fn nothing_becomes_readable_by_being_moved() {
    let dir = Folder::new("move");
    let p = Permissions::none().allow_read([dir.at("in/sub")]).allow_write([dir.at(".")]);
    let door = Door::new(p);
    let moves = |from: &str, to: &str| door.places_to_move(&dir.at(from), &dir.at(to)).is_ok();
    assert!(moves("in/file", "in/other") && moves("in/sub/a", "out/a"));
    assert!(!moves("out/file", "in/sub/file") && !moves("out", "in"));
}

#[test]
fn an_open_door_asks_nothing() {
    let door = Door::new(Permissions::all());
    assert!(
        matches!(door.place(Path::new("/x/../y"), Use::Change, true), Ok(Place::Named(p)) if p == Path::new("/x/../y"))
    );
}
