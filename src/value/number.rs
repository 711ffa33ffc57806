//! Floats as text, with Go's formats.

/// Decimal digits and the exponent of the first (`d.ddd` times ten to that), shortest that reads back the same.
pub fn shortest(v: f64, bits32: bool) -> (Vec<u8>, i32) {
    let text = if bits32 { format!("{:e}", v as f32) } else { format!("{v:e}") };
    let (mut digits, exp) = split(&text);
    // Where two such numbers are equally near, Go takes the even one and Rust the upper.
    if let Some(last) = digits.last_mut().filter(|d| **d & 1 == 1)
        && is_between(v, &text, exp)
    {
        *last -= 1;
    }
    (digits, exp)
}

/// Does v lie in the middle between the digits of `text` and what is one less in the last? Then twice v is an odd number of
/// units of that digit, of as many twos as it has.
fn is_between(v: f64, text: &str, exp: i32) -> bool {
    let bits = v.to_bits();
    let (fraction, exponent) = (bits & ((1 << 52) - 1), (bits >> 52 & 0x7ff) as i32);
    let (mut odd, mut twos) = if exponent == 0 { (fraction, -1074) } else { (fraction | 1 << 52, exponent - 1075) };
    if odd == 0 {
        return false;
    }
    twos += odd.trailing_zeros() as i32;
    odd >>= odd.trailing_zeros();
    let digits = text.bytes().take_while(|b| *b != b'e').filter(u8::is_ascii_digit);
    let (number, count) = digits.fold((0u128, 0), |(n, count), d| (n * 10 + (d - b'0') as u128, count + 1));
    let unit = exp - (count - 1);
    if twos != unit - 1 {
        return false;
    }
    let (twice, fives) = (2 * number - 1, 5u128.checked_pow(unit.unsigned_abs()));
    match fives {
        Some(fives) if unit >= 0 => twice.checked_mul(fives) == Some(odd as u128),
        Some(fives) => fives.checked_mul(odd as u128) == Some(twice),
        None => false,
    }
}

fn split(text: &str) -> (Vec<u8>, i32) {
    let (mantissa, exp) = text.split_once('e').unwrap_or((text, "0"));
    let digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    (digits, exp.parse().unwrap_or(0))
}

/// No float has more digits behind its first, or behind the point, than this; all after them are zeros.
const MAX_DIGITS: usize = 1100;

/// Appends zeros that a text with fewer than `prec` digits behind the point lacks.
fn pad(text: &mut String, prec: usize) {
    let zeros = prec.saturating_sub(MAX_DIGITS);
    text.extend(std::iter::repeat_n('0', zeros));
}

/// As [`shortest`], with so many digits behind the first.
fn rounded(v: f64, prec: usize) -> (Vec<u8>, i32) {
    let (mut digits, exp) = split(&format!("{v:.*e}", prec.min(MAX_DIGITS)));
    digits.resize(prec + 1, b'0');
    (digits, exp)
}

/// As strconv.AppendFloat for a value without sign that is finite. `prec` -1: shortest.
pub fn format_float(v: f64, fmt: u8, prec: i32, bits32: bool) -> String {
    match fmt {
        b'f' | b'F' => {
            if prec >= 0 {
                let mut text = format!("{v:.*}", (prec as usize).min(MAX_DIGITS));
                pad(&mut text, prec as usize);
                return text;
            }
            let (digits, exp) = shortest(v, bits32);
            plain(&digits, exp, 0)
        }
        b'e' | b'E' => {
            let (digits, exp) = if prec >= 0 { rounded(v, prec as usize) } else { shortest(v, bits32) };
            exponent(&digits, exp, fmt)
        }
        b'g' | b'G' => {
            let short = prec < 0;
            let (mut digits, exp) = match prec {
                ..0 => shortest(v, bits32),
                // Zeros at the end are not kept.
                _ => split(&format!("{v:.*e}", ((prec.max(1) - 1) as usize).min(MAX_DIGITS))),
            };
            if !short {
                while digits.len() > 1 && digits.last() == Some(&b'0') {
                    digits.pop();
                }
            }
            let mut eprec = prec.max(1);
            if eprec > digits.len() as i32 && digits.len() as i32 > exp {
                eprec = digits.len() as i32;
            }
            if short {
                eprec = 6;
            }
            if exp < -4 || exp >= eprec {
                return exponent(&digits, exp, fmt - 2);
            }
            plain(&digits, exp, 0)
        }
        b'x' | b'X' => hex_float(v, prec, fmt == b'X'),
        b'b' => {
            let bits = v.to_bits();
            let (mut mant, mut exp) = (bits & ((1 << 52) - 1), (bits >> 52 & 0x7ff) as i64);
            if bits32 {
                let b = (v as f32).to_bits();
                (mant, exp) = ((b & 0x7f_ffff) as u64, (b >> 23 & 0xff) as i64);
                if exp == 0 {
                    exp = 1
                } else {
                    mant |= 1 << 23
                }
                exp -= 127 + 23;
            } else {
                if exp == 0 {
                    exp = 1
                } else {
                    mant |= 1 << 52
                }
                exp -= 1023 + 52;
            }
            format!("{mant}p{exp:+}")
        }
        _ => format!("%{}", fmt as char),
    }
}

/// Digits without an exponent.
fn plain(digits: &[u8], exp: i32, _: i32) -> String {
    let mut out = String::new();
    if exp < 0 {
        out.push_str("0.");
        (1..-exp).for_each(|_| out.push('0'));
        out.extend(digits.iter().map(|&d| d as char));
        if digits == b"0" {
            return "0".into();
        }
        return out;
    }
    for i in 0..=(exp as usize).max(digits.len() - 1) {
        if i == exp as usize + 1 {
            out.push('.');
        }
        out.push(digits.get(i).map_or('0', |&d| d as char));
    }
    out
}

fn exponent(digits: &[u8], exp: i32, e: u8) -> String {
    let mut out = String::new();
    out.push(digits[0] as char);
    if digits.len() > 1 {
        out.push('.');
        out.extend(digits[1..].iter().map(|&d| d as char));
    }
    out.push(e as char);
    out.push(if exp < 0 { '-' } else { '+' });
    if exp.abs() < 10 {
        out.push('0');
    }
    out.push_str(&exp.abs().to_string());
    out
}

/// `0x1.8p+01`
fn hex_float(v: f64, prec: i32, upper: bool) -> String {
    let bits = v.to_bits();
    let mut mant = bits & ((1 << 52) - 1);
    let mut exp = (bits >> 52 & 0x7ff) as i64 - 1023;
    if v == 0.0 {
        exp = 0;
    } else if exp == -1023 {
        exp += 1;
        while mant & 1 << 52 == 0 {
            mant <<= 1;
            exp -= 1;
        }
    } else {
        mant |= 1 << 52;
    }
    // One digit before the point, 13 after.
    if (0..13).contains(&prec) {
        let shift = 52 - 4 * prec as u32;
        let half = 1u64 << (shift - 1);
        let rest = mant & ((1 << shift) - 1);
        mant >>= shift;
        if rest > half || rest == half && mant & 1 == 1 {
            mant += 1;
        }
        mant <<= shift;
        if mant & 1 << 53 != 0 {
            mant >>= 1;
            exp += 1;
        }
    }
    let mut frac = format!("{:013x}", mant & ((1 << 52) - 1));
    if prec < 0 {
        frac.truncate(frac.trim_end_matches('0').len());
    } else {
        while (frac.len() as i32) < prec {
            frac.push('0');
        }
        frac.truncate(prec as usize);
    }
    let dot = if frac.is_empty() { "" } else { "." };
    let text = format!("0x{}{dot}{frac}p{}{:02}", mant >> 52, if exp < 0 { '-' } else { '+' }, exp.abs());
    if upper { text.to_uppercase() } else { text }
}

/// As strconv.FormatFloat, signs and special values included.
pub fn float_text(v: f64, fmt: u8, prec: i32, bits32: bool) -> String {
    if v.is_nan() {
        return "NaN".into();
    }
    if v.is_infinite() {
        return if v > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    let text = format_float(v.abs(), fmt, prec, bits32);
    if v.is_sign_negative() { format!("-{text}") } else { text }
}
