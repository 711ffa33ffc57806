//! stub
use super::env::TypeInfo;
use crate::bytecode::program::{Program, RTypeId};
use crate::heap::{Cache, Heap};
pub struct MapType {
    pub key_words: u32,
    pub val_words: u32,
    pub val_slices: Vec<u32>,
}
pub enum MapError {
    Panic(String),
    Plain(String),
    Fatal(&'static str),
    OutOfMemory,
}
impl MapType {
    pub fn new(_heap: &Heap, _p: &Program, _types: &[TypeInfo], _id: RTypeId, _seed: u64) -> MapType {
        MapType { key_words: 1, val_words: 1, val_slices: vec![] }
    }
}
pub unsafe fn len(_m: *const u64) -> usize {
    0
}
pub unsafe fn new(_c: &mut Cache, _t: &MapType, _hint: usize) -> *mut u64 {
    std::ptr::null_mut()
}
pub unsafe fn get(_p: &Program, _t: &MapType, _m: *mut u64, _k: *const u64) -> Result<Option<*const u64>, MapError> {
    Ok(None)
}
pub unsafe fn set(
    _c: &mut Cache,
    _p: &Program,
    _t: &MapType,
    _m: *mut u64,
    _k: *const u64,
    _v: *const u64,
) -> Result<(), MapError> {
    Ok(())
}
pub unsafe fn delete(_p: &Program, _t: &MapType, _m: *mut u64, _k: *const u64) -> Result<(), MapError> {
    Ok(())
}
pub unsafe fn clear(_t: &MapType, _m: *mut u64) -> Result<(), MapError> {
    Ok(())
}
pub unsafe fn iter_new(_c: &mut Cache, _t: &MapType, _m: *mut u64, _r: u64) -> *mut u64 {
    std::ptr::null_mut()
}
pub unsafe fn iter_next(
    _p: &Program,
    _t: &MapType,
    _i: *mut u64,
) -> Result<Option<(*const u64, *const u64)>, MapError> {
    Ok(None)
}
