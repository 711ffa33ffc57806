//! Compares with results of Go: lines of `name arguments results`, floats as their bits in hexadecimal.
use super::*;

fn check(line: &str) -> Option<String> {
    let mut words = line.split(' ');
    let name = words.next()?;
    let w: Vec<u64> = words.map(|w| u64::from_str_radix(w, 16).unwrap()).collect();
    let f = |i: usize| f64::from_bits(w[i]);
    let unary: fn(f64) -> f64 = match name {
        "Acos" => trig::acos,
        "Acosh" => explog::acosh,
        "Asin" => trig::asin,
        "Asinh" => explog::asinh,
        "Atan" => trig::atan,
        "Atanh" => explog::atanh,
        "Cbrt" => float::cbrt,
        "Ceil" => f64::ceil,
        "Cos" => trig::cos,
        "Cosh" => explog::cosh,
        "Erf" => special::erf,
        "Erfc" => special::erfc,
        "Erfinv" => special::erfinv,
        "Exp" => explog::exp,
        "Exp2" => explog::exp2,
        "Expm1" => explog::expm1,
        "Floor" => f64::floor,
        "Gamma" => special::gamma,
        "J0" => bessel::j0,
        "J1" => bessel::j1,
        "Log" => explog::log,
        "Log10" => explog::log10,
        "Log1p" => explog::log1p,
        "Log2" => explog::log2,
        "Logb" => float::logb,
        "Round" => float::round,
        "RoundToEven" => f64::round_ties_even,
        "Sin" => trig::sin,
        "Sinh" => explog::sinh,
        "Tan" => trig::tan,
        "Tanh" => explog::tanh,
        "Trunc" => f64::trunc,
        "Y0" => bessel::y0,
        "Y1" => bessel::y1,
        "Lgamma" => |x| special::lgamma(x).0,
        "LgammaSign" => |x| special::lgamma(x).1 as f64,
        "Frexp" => |x| float::frexp(x).0,
        "FrexpExp" => |x| float::frexp(x).1 as f64,
        "Ilogb" => |x| float::ilogb(x) as f64,
        "ModfInt" => |x| float::modf(x).0,
        "ModfFrac" => |x| float::modf(x).1,
        "SincosSin" => |x| trig::sin_cos(x).0,
        "SincosCos" => |x| trig::sin_cos(x).1,
        "Pow10" => |x| float::pow10(x as i64),
        _ => {
            let v = match name {
                "Atan2" => trig::atan2(f(0), f(1)),
                "Dim" => float::dim(f(0), f(1)),
                "Hypot" => float::hypot(f(0), f(1)),
                "Max" => float::max(f(0), f(1)),
                "Min" => float::min(f(0), f(1)),
                "Mod" => float::fmod(f(0), f(1)),
                "Nextafter" => float::nextafter(f(0), f(1)),
                "Pow" => float::pow(f(0), f(1)),
                "Remainder" => float::remainder(f(0), f(1)),
                "Ldexp" => float::ldexp(f(0), f(1) as i64),
                "Jn" => bessel::jn(f(0) as i64, f(1)),
                "Yn" => bessel::yn(f(0) as i64, f(1)),
                _ => panic!("{name}"),
            };
            return differs(line, v, f(2));
        }
    };
    differs(line, unary(f(0)), f(1))
}

fn differs(line: &str, got: f64, want: f64) -> Option<String> {
    let same = got.to_bits() == want.to_bits() || got.is_nan() && want.is_nan();
    (!same).then(|| format!("{line}: got {got} want {want}"))
}

#[test]
fn results_are_gos() {
    let more = std::env::var("GMPL_MATH_CASES").ok().and_then(|f| std::fs::read_to_string(f).ok());
    let cases = include_str!("cases.txt");
    let bad: Vec<String> = cases.lines().chain(more.iter().flat_map(|m| m.lines())).filter_map(check).collect();
    let mut names: Vec<&str> = bad.iter().map(|b| b.split(' ').next().unwrap()).collect();
    names.dedup();
    assert!(bad.is_empty(), "{} differ: {names:?}\n{}", bad.len(), bad[..bad.len().min(40)].join("\n"));
}
