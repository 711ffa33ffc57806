//! Interned names. A `Sym` is only meaningful with the `Interner` that made it.
use rustc_hash::FxHashMap;
use std::sync::Arc;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord, Default)]
pub struct Sym(pub u32);

impl Sym {
    /// The empty name.
    pub const EMPTY: Sym = Sym(0);
    /// `_`
    pub const BLANK: Sym = Sym(1);
}

pub struct Interner {
    map: FxHashMap<Arc<str>, Sym>,
    names: Vec<Arc<str>>,
}

impl Default for Interner {
    fn default() -> Self {
        let mut interner = Interner { map: FxHashMap::default(), names: Vec::new() };
        assert_eq!(interner.intern(""), Sym::EMPTY);
        assert_eq!(interner.intern("_"), Sym::BLANK);
        interner
    }
}

impl Interner {
    pub fn intern(&mut self, name: &str) -> Sym {
        if let Some(&sym) = self.map.get(name) {
            return sym;
        }
        let sym = Sym(self.names.len() as u32);
        let name: Arc<str> = name.into();
        self.names.push(name.clone());
        self.map.insert(name, sym);
        sym
    }

    /// The symbol of a name that has been interned before.
    pub fn lookup(&self, name: &str) -> Option<Sym> {
        self.map.get(name).copied()
    }

    pub fn name(&self, sym: Sym) -> &str {
        &self.names[sym.0 as usize]
    }
}
