//! Exact constants: integers of any size, rationals, floats of high precision, complex numbers, strings, booleans.
use num_bigint::BigInt;
use num_rational::BigRational;

/// A constant's value. Integers that fit are `Int`; a float constant is an exact rational as long as numerator and
/// denominator stay small enough (see the limits), as Go does.
#[derive(Clone, PartialEq, Debug)]
pub enum Const {
    Bool(bool),
    /// Go strings may hold any bytes.
    Str(std::sync::Arc<[u8]>),
    Int(BigInt),
    Float(BigRational),
    Complex(BigRational, BigRational),
}
