//! Assignability, conversions, and whether a type implements an interface.
use super::check::*;
use super::constant::Const;
use super::info::*;
use super::lookup::{self, Missing};
use super::operand::Operand;
use super::print;
use super::ty::*;

impl Checker<'_> {
    // --- methods and interfaces

    /// Makes sure the methods a selection may find in `ty` have their signatures.
    pub fn ensure_methods(&mut self, ty: TypeId) {
        if self.all_resolved {
            return;
        }
        let mut seen: Vec<TypeId> = Vec::new();
        let mut work = vec![ty];
        while let Some(t) = work.pop() {
            let t = self.t().deref(t).0;
            if seen.contains(&t) {
                continue;
            }
            seen.push(t);
            if let Some(n) = self.t().as_named(t) {
                let origin = self.t().named(n).origin.unwrap_or(n);
                for i in 0..self.t().named(origin).methods.len() {
                    let m = self.t().named(origin).methods[i];
                    if self.aux[m.0 as usize].state == State::Unresolved {
                        self.resolve(m);
                    }
                }
            }
            if let Type::Struct(fields) = self.t().underlying(t) {
                work.extend(fields.iter().filter(|f| f.embedded).map(|f| f.ty));
            }
        }
    }

    pub fn missing_method(&mut self, ty: TypeId, iface: TypeId, all: bool) -> Option<(IfaceMethod, Missing)> {
        if self.t().interface_of(iface).is_none_or(|i| i.methods.is_empty()) {
            return None;
        }
        self.ensure_methods(ty);
        let names = &*self.names;
        let found = lookup::missing_method(&mut self.info, names, ty, iface, all, &mut |_, a, b| a == b);
        if found.is_some() && self.has_invalid_embedded(ty) {
            return None;
        }
        found
    }

    /// An embedded field has an invalid type: it might have had the method.
    fn has_invalid_embedded(&self, ty: TypeId) -> bool {
        let mut seen: Vec<TypeId> = Vec::new();
        let mut work = vec![ty];
        while let Some(t) = work.pop() {
            let t = self.t().deref(t).0;
            if seen.contains(&t) {
                continue;
            }
            seen.push(t);
            if let Type::Struct(fields) = self.t().underlying(t) {
                for f in fields.iter().filter(|f| f.embedded) {
                    if f.ty == TypeId::INVALID {
                        return true;
                    }
                    work.push(f.ty);
                }
            }
        }
        false
    }

    fn is_interface_pointer(&self, ty: TypeId) -> bool {
        match self.t().underlying(ty) {
            Type::Pointer(e) => self.t().is_interface_like(*e),
            _ => false,
        }
    }

    fn interface_pointer_error(&self, ty: TypeId) -> String {
        match self.t().underlying(ty) {
            Type::Pointer(e) if self.t().is_tparam(*e) => {
                format!("type {} is pointer to type parameter, not type parameter", self.ts(ty))
            }
            _ => format!("type {} is pointer to interface, not interface", self.ts(ty)),
        }
    }

    /// The explanation in parentheses after `T does not implement I`.
    pub fn missing_cause(&self, ty: TypeId, iface: TypeId, m: &IfaceMethod, missing: &Missing) -> String {
        let name = self.name(m.name);
        let have_want = |have_name: &str, have: TypeId| {
            format!("\n\t\thave {have_name}{}\n\t\twant {name}{}", self.sig_string(have), self.sig_string(m.sig))
        };
        match missing {
            Missing::NotFound if self.is_interface_pointer(ty) => format!("({})", self.interface_pointer_error(ty)),
            Missing::NotFound if self.is_interface_pointer(iface) => {
                format!("({})", self.interface_pointer_error(iface))
            }
            Missing::NotFound => format!("(missing method {name})"),
            Missing::WrongName { name: have, sig } => {
                format!("(missing method {name}){}", have_want(self.name(*have), *sig))
            }
            Missing::Unexported => format!("(unexported method {name})"),
            Missing::WrongSignature { have } => {
                if self.sig_string(*have) == self.sig_string(m.sig) {
                    let style = print::Style::Runtime;
                    let have = print::signature_string(&self.info, self.names, *have, style);
                    let want = print::signature_string(&self.info, self.names, m.sig, style);
                    if have == want {
                        return format!("(wrong type for method {name})");
                    }
                    return format!("(wrong type for method {name})\n\t\thave {name}{have}\n\t\twant {name}{want}");
                }
                format!("(wrong type for method {name}){}", have_want(name, *have))
            }
            Missing::Ambiguous => format!("(ambiguous selector {}.{name})", self.ts(ty)),
            Missing::PointerReceiver => format!("(method {name} has pointer receiver)"),
            Missing::Field => format!("({}.{name} is a field, not a method)", self.ts(ty)),
            Missing::Generic => format!("(generic method {name} cannot satisfy an interface method)"),
        }
    }

    /// `ty` implements interface `iface`, or satisfies it as a constraint. If not, `cause` says why.
    pub fn implements(&mut self, ty: TypeId, iface: TypeId, constraint: bool, cause: &mut String) -> bool {
        let under = self.t().underlying_id(ty);
        if under == TypeId::INVALID || self.t().underlying_id(iface) == TypeId::INVALID {
            return true;
        }
        if let Type::Pointer(e) = self.t().get(under)
            && self.t().underlying_id(*e) == TypeId::INVALID
        {
            return true;
        }
        let verb = if constraint { "satisfy" } else { "implement" };
        let Some(i) = self.t().interface_of(iface).cloned().filter(|_| !self.t().is_tparam(iface)) else {
            let detail = if self.is_interface_pointer(iface) {
                self.interface_pointer_error(iface)
            } else {
                format!("{} is not an interface", self.ts(iface))
            };
            *cause = format!("{} does not {verb} {} ({detail})", self.ts(ty), self.ts(iface));
            return false;
        };
        if Types::is_empty_interface(&i) {
            return true;
        }
        let own = self.t().interface_of(ty).cloned();
        if own.as_ref().and_then(|o| o.terms.as_ref()).is_some_and(|t| t.is_empty()) {
            return true;
        }
        if i.terms.as_ref().is_some_and(|t| t.is_empty()) {
            *cause = format!("cannot {verb} {} (empty type set)", self.ts(iface));
            return false;
        }
        if let Some((m, missing)) = self.missing_method(ty, iface, true) {
            let why = self.missing_cause(ty, iface, &m, &missing);
            *cause = format!("{} does not {verb} {} {why}", self.ts(ty), self.ts(iface));
            return false;
        }
        if let Some(terms) = &i.terms {
            if let Some(own) = own {
                if !self.t().terms_subset(own.terms.as_deref(), Some(terms)) {
                    *cause = format!("{} does not {verb} {}", self.ts(ty), self.ts(iface));
                    return false;
                }
            } else if !terms.iter().any(|t| self.t().term_includes(t, ty)) {
                let alt = terms.iter().find(|t| {
                    !t.tilde
                        && self.t().underlying_id(t.ty) == t.ty
                        && self.t().term_includes(&Term { tilde: true, ty: t.ty }, ty)
                });
                let detail = match alt {
                    Some(t) => format!("possibly missing ~ for {} in {}", self.ts(t.ty), self.ts(iface)),
                    None => {
                        let list = print::terms_string(&self.info, self.names, terms, self.style());
                        format!("{} missing in {list}", self.ts(ty))
                    }
                };
                *cause = format!("{} does not {verb} {} ({detail})", self.ts(ty), self.ts(iface));
                return false;
            }
        }
        let needs_comparable = i.comparable;
        if needs_comparable && !self.t().comparable(ty, false) && !(constraint && self.comparable(ty)) {
            *cause = format!("{} does not {verb} comparable", self.ts(ty));
            return false;
        }
        true
    }

    // --- assignability

    /// `x` may be assigned to a variable of type `target`. If not, `cause` may say why.
    pub fn assignable(&mut self, x: &Operand, target: TypeId, cause: &mut String) -> bool {
        if !x.ok() || x.ty == TypeId::INVALID || target == TypeId::INVALID || x.ty == target {
            return true;
        }
        let v = x.ty;
        let (vu, tu) = (self.t().underlying_id(v), self.t().underlying_id(target));
        if vu == TypeId::INVALID || tu == TypeId::INVALID {
            return true;
        }
        let (vp, tp) = (self.t().is_tparam(v), self.t().is_tparam(target));
        if self.t().is_untyped(vu) {
            if tp {
                return self.t().all(target, |t| t.is_some_and(|(t, _)| self.implicit_type(x, t).is_ok()));
            }
            return self.implicit_type(x, target).is_ok();
        }
        if vu == tu && (!self.t().has_name(v) || !self.t().has_name(target)) && !vp && !tp {
            return true;
        }
        if (self.t().is_interface(target) && !tp) || self.is_interface_pointer(tu) {
            if self.implements(v, target, false, cause) {
                return true;
            }
            if !vp {
                return false;
            }
            cause.clear();
        }
        if self.t().is_interface(v) && !vp && self.implements(target, v, false, &mut String::new()) {
            *cause = "need type assertion".into();
            return false;
        }
        if let (Type::Chan(Dir::Both, ve), Type::Chan(_, te)) = (self.t().get(vu), self.t().get(tu))
            && ve == te
        {
            return !self.t().has_name(v) || !self.t().has_name(target);
        }
        if !vp && !tp {
            return false;
        }
        if !self.t().has_name(v) && tp {
            let Some(list) = self.t().type_set(target) else { return false };
            return list.iter().all(|&t| {
                let ok = self.assignable(x, t, cause);
                if !ok {
                    let what = format!("cannot assign {} to {} (in {})", self.ts(v), self.ts(t), self.ts(target));
                    *cause = if cause.is_empty() { what } else { format!("{what}\n\t{cause}") };
                }
                ok
            });
        }
        if vp && !self.t().has_name(target) {
            let Some(list) = self.t().type_set(v) else { return false };
            return list.iter().all(|&t| {
                let y = Operand { ty: t, ..x.clone() };
                let ok = self.assignable(&y, target, cause);
                if !ok {
                    let what = format!("cannot assign {} (in {}) to {}", self.ts(t), self.ts(v), self.ts(target));
                    *cause = if cause.is_empty() { what } else { format!("{what}\n\t{cause}") };
                }
                ok
            });
        }
        false
    }

    // --- conversions

    /// `target(x)`
    pub fn conversion(&mut self, x: &mut Operand, target: TypeId) {
        let constant = x.mode == Mode::Const;
        let const_target = self.t().basic(target, |b| b.is_const_type());
        let mut cause = String::new();
        let ok = if constant && const_target {
            match self.const_conversion(x, target) {
                Some(v) => {
                    x.val = Some(v);
                    true
                }
                None => {
                    let int = |c: &Self, t| c.t().basic(t, |b| b.is_integer());
                    if int(self, x.ty) && int(self, target) {
                        let val = x.val.as_ref().map(Const::show).unwrap_or_default();
                        let message = format!(
                            "cannot convert {} to type {} (overflows)",
                            self.operand_string(x),
                            self.ts(target)
                        );
                        let _ = message;
                        let message = format!("constant {val} overflows {}", self.ts(target));
                        self.err("constant-overflow", self.operand_span(x), message);
                        x.invalidate();
                        return;
                    }
                    false
                }
            }
        } else if constant && self.t().is_tparam(target) {
            let ok = match self.t().type_set(target) {
                None => {
                    cause = format!("{} does not contain specific types", self.ts(target));
                    false
                }
                Some(list) => list.iter().all(|&t| {
                    if self.t().basic(x.ty, |b| b.is_string()) && self.t().is_bytes_or_runes(t) {
                        return true;
                    }
                    if self.const_conversion(x, t).is_some() {
                        return true;
                    }
                    let int = |c: &Self, t| c.t().basic(t, |b| b.is_integer());
                    cause = if int(self, x.ty) && int(self, t) {
                        let val = x.val.as_ref().map(Const::show).unwrap_or_default();
                        format!("constant {val} overflows {} (in {})", self.ts(t), self.ts(target))
                    } else {
                        format!(
                            "cannot convert {} to type {} (in {})",
                            self.operand_string(x),
                            self.ts(t),
                            self.ts(target)
                        )
                    };
                    false
                }),
            };
            x.mode = Mode::Value;
            ok
        } else if self.convertible(x, target, &mut cause) {
            x.mode = Mode::Value;
            true
        } else {
            false
        };
        if !ok {
            let mut message = format!("cannot convert {} to type {}", self.operand_string(x), self.ts(target));
            if !cause.is_empty() {
                message = format!("{message}: {cause}");
            }
            self.err("conversion", self.operand_span(x), message);
            x.invalidate();
            return;
        }
        if self.t().is_untyped(x.ty) {
            let mut final_ = target;
            let is_iface = self.t().is_interface(target);
            if x.ty == TypeId::UNTYPED_NIL {
            } else if is_iface || constant && !const_target {
                final_ = self.t().default_type(x.ty);
            } else if constant
                && self.t().basic(x.ty, |b| b.is_integer())
                && self.t().all_basic(target, |b| b.is_string())
            {
                // the number keeps its kind, but the compiler wants to see a typed constant
                final_ = self.t().default_type(x.ty);
                let fits = x.expr.and_then(|e| self.info.consts.get(&e)).and_then(Const::to_i64).is_some();
                if !fits {
                    final_ = x.ty;
                }
            }
            if let Some(e) = x.expr {
                self.update_type(e, final_, true);
            }
        }
        if x.mode != Mode::Const {
            x.val = None;
        }
        x.ty = target;
    }

    /// The value of constant `x` converted to basic type `target`.
    fn const_conversion(&self, x: &Operand, target: TypeId) -> Option<Const> {
        let b = self.t().as_basic(target)?;
        let v = x.val.as_ref()?;
        if let Ok(v) = v.represent(b)
            && self.same_constant_kind(x.ty, b)
        {
            return Some(v);
        }
        if self.t().basic(x.ty, |b| b.is_integer()) && b.is_string() {
            let c = v.to_i64().and_then(|i| u32::try_from(i).ok()).and_then(char::from_u32);
            return Some(Const::str(c.unwrap_or('\u{fffd}').encode_utf8(&mut [0; 4])));
        }
        None
    }

    fn same_constant_kind(&self, from: TypeId, to: Basic) -> bool {
        match self.t().as_basic(from) {
            Some(b) => {
                (b.is_numeric() && to.is_numeric())
                    || (b.is_string() && to.is_string())
                    || (b.is_boolean() && to.is_boolean())
            }
            None => false,
        }
    }

    fn convertible(&mut self, x: &Operand, target: TypeId, cause: &mut String) -> bool {
        if self.assignable(x, target, cause) {
            return true;
        }
        let v = x.ty;
        let (vu, tu) = (self.t().underlying_id(v), self.t().underlying_id(target));
        let (vp, tp) = (self.t().is_tparam(v), self.t().is_tparam(target));
        if !vp && !tp {
            let (a, b) = (self.types().strip_tags(vu), self.types().strip_tags(tu));
            if a == b {
                return true;
            }
            if let (Type::Pointer(a), Type::Pointer(b)) = (self.t().get(v).clone(), self.t().get(target).clone())
                && !self.t().is_tparam(a)
                && !self.t().is_tparam(b)
            {
                let (a, b) = (self.t().underlying_id(a), self.t().underlying_id(b));
                let (a, b) = (self.types().strip_tags(a), self.types().strip_tags(b));
                if a == b {
                    return true;
                }
            }
            if let (Type::Basic(a), Type::Basic(b)) = (self.t().get(vu), self.t().get(tu)) {
                let real = |b: &Basic| b.is_integer() || b.is_float();
                if real(a) && real(b) || a.is_complex() && b.is_complex() {
                    return true;
                }
                if a.is_integer() && b.is_string() {
                    return true;
                }
            }
            let string = |t: &Types, u: TypeId| t.basic(u, |b| b.is_string());
            if self.t().is_bytes_or_runes(vu) && string(self.t(), tu)
                || string(self.t(), vu) && self.t().is_bytes_or_runes(tu)
            {
                return true;
            }
            if let Type::Slice(elem) = self.t().get(vu) {
                let elem = *elem;
                match self.t().get(tu) {
                    Type::Array(e, _) if *e == elem => return true,
                    Type::Pointer(a) => {
                        if let Type::Array(e, _) = self.t().underlying(*a)
                            && *e == elem
                        {
                            return true;
                        }
                    }
                    _ => {}
                }
            }
            return false;
        }
        let sources = if vp { self.t().type_set(v) } else { Some(vec![v]) };
        let targets = if tp { self.t().type_set(target) } else { Some(vec![target]) };
        let (Some(sources), Some(targets)) = (sources, targets) else { return false };
        for &s in &sources {
            let y = Operand { ty: s, ..x.clone() };
            for &t in &targets {
                if !self.convertible(&y, t, cause) {
                    let from = if vp { format!("{} (in {})", self.ts(s), self.ts(v)) } else { self.ts(s) };
                    let to = if tp { format!("{} (in {})", self.ts(t), self.ts(target)) } else { self.ts(t) };
                    let what = format!("cannot convert {from} to type {to}");
                    *cause = if cause.is_empty() { what } else { format!("{what}\n\t{cause}") };
                    return false;
                }
            }
        }
        true
    }

    // --- what all types of a type set have in common

    /// The underlying type all types of `ty`'s type set share (channels may differ in direction); the type's own
    /// underlying type if it is no type parameter.
    pub fn common_under(&self, ty: TypeId) -> Result<TypeId, String> {
        let Type::TypeParam(p) = self.t().get(ty) else { return Ok(self.t().underlying_id(ty)) };
        match self.t().constraint(*p).and_then(|i| i.terms.as_ref()) {
            None => Err("no specific type".into()),
            Some(terms) => self.common_of(terms),
        }
    }

    pub fn common_under_terms(&self, terms: &[Term]) -> Option<TypeId> {
        self.common_of(terms).ok()
    }

    fn common_of(&self, terms: &[Term]) -> Result<TypeId, String> {
        let mut common: Option<(TypeId, TypeId)> = None;
        let mut fault = String::new();
        terms.iter().all(|t| {
            let (t, u) = (t.ty, self.t().underlying_id(t.ty));
            let Some((ct, cu)) = common else {
                common = Some((t, u));
                return true;
            };
            if let (Type::Chan(cd, ce), Type::Chan(d, e)) = (self.t().get(cu), self.t().get(u)) {
                if ce != e {
                    fault = format!("channels {} and {} have different element types", self.ts(ct), self.ts(t));
                    return false;
                }
                if cd == d {
                } else if *cd == Dir::Both {
                    common = Some((t, u));
                } else if *d != Dir::Both {
                    fault = format!("channels {} and {} have conflicting directions", self.ts(ct), self.ts(t));
                    return false;
                }
                return true;
            }
            if cu != u {
                fault = format!("{} and {} have different underlying types", self.ts(ct), self.ts(t));
                return false;
            }
            true
        });
        match common {
            Some((_, u)) if fault.is_empty() => Ok(u),
            _ => Err(fault),
        }
    }

    pub fn ptr_error(&self, ty: TypeId) -> Option<String> {
        self.is_interface_pointer(ty).then(|| self.interface_pointer_error(ty))
    }
}
