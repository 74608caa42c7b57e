//! Numbers as Python reads and shows them.

use crate::text::digit;

/// Python refuses to read longer integers since 3.9.14; pyhocon then reads a float.
pub(super) const INTEGER_DIGITS: usize = 4300;

/// A number of a text.
pub(super) enum Number {
    Integer(String),
    Float(f64),
}

/// Reads what [`super::scan::Scanner::number`] found.
pub(super) fn read(text: &str) -> Number {
    // Allocated once, and all of it ASCII: any digit of Unicode counts.
    let mut ascii = String::with_capacity(text.len());
    ascii.extend(
        text.chars()
            .map(|c| digit(c).map_or(c, |digit| char::from(b'0' + digit))),
    );
    let digits = ascii.trim_start_matches(['+', '-']);
    let is_integer = digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_integer && digits.len() <= INTEGER_DIGITS {
        let significant = digits.trim_start_matches('0');
        return Number::Integer(match significant {
            "" => "0".to_owned(),
            _ if ascii.starts_with('-') => format!("-{significant}"),
            _ => significant.to_owned(),
        });
    }
    // Both round to the nearest double; what is too large is infinite in both.
    Number::Float(ascii.parse().unwrap_or(f64::INFINITY))
}

/// `repr` of a Python float.
pub(super) fn show_float(value: f64) -> String {
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let (sign, digits, exponent) = parts(format!("{value:e}"));
    let shown = if !(-4..16).contains(&exponent) {
        scientific(&digits, exponent)
    } else if exponent < 0 {
        format!(
            "0.{}{digits}",
            "0".repeat(exponent.unsigned_abs() as usize - 1)
        )
    } else {
        let whole = exponent as usize + 1;
        match digits.split_at_checked(whole) {
            Some((whole, "")) => format!("{whole}.0"),
            Some((whole, fraction)) => format!("{whole}.{fraction}"),
            None => format!("{digits:0<whole$}.0"),
        }
    };
    format!("{sign}{shown}")
}

/// `format(value, "+g")` of a Python integer that is not negative; `None` where Python overflows.
pub(super) fn show_general(digits: &str) -> Option<String> {
    let value: f64 = digits.parse().ok()?;
    if value.is_infinite() {
        return None;
    }
    let (_, mantissa, exponent) = parts(format!("{value:.5e}"));
    let mantissa = mantissa.trim_end_matches('0');
    if exponent < 6 {
        return Some(format!(
            "+{mantissa:0<width$}",
            width = exponent as usize + 1
        ));
    }
    Some(format!("+{}", scientific(mantissa, exponent)))
}

/// Sign, digits without the point, exponent of Rust's scientific notation.
fn parts(shown: String) -> (&'static str, String, i32) {
    let (sign, rest) = match shown.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", shown.as_str()),
    };
    let (mantissa, exponent) = rest.split_once('e').unwrap_or((rest, "0"));
    (
        sign,
        mantissa.replace('.', ""),
        exponent.parse().unwrap_or(0),
    )
}

fn scientific(digits: &str, exponent: i32) -> String {
    let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, ""));
    let point = if rest.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{first}{point}{rest}e{sign}{:02}", exponent.abs())
}

/// Divides decimal digits: quotient and remainder.
pub(super) fn divide(digits: &str, by: u64) -> (String, u64) {
    let mut quotient = String::with_capacity(digits.len());
    let mut remainder = 0;
    for byte in digits.bytes() {
        let value = remainder * 10 + u64::from(byte - b'0');
        quotient.push(char::from(b'0' + (value / by) as u8));
        remainder = value % by;
    }
    (trimmed(&quotient), remainder)
}

/// Multiplies decimal digits.
pub(super) fn multiply(digits: &str, by: u32) -> String {
    let mut product = Vec::with_capacity(digits.len() + 10);
    let mut carry = 0;
    for byte in digits.bytes().rev() {
        carry += u32::from(byte - b'0') * by;
        product.push(char::from(b'0' + (carry % 10) as u8));
        carry /= 10;
    }
    while carry > 0 {
        product.push(char::from(b'0' + (carry % 10) as u8));
        carry /= 10;
    }
    trimmed(&product.iter().rev().collect::<String>())
}

/// Decimal digits without leading zeros.
pub(super) fn trimmed(digits: &str) -> String {
    match digits.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_shown_as_python_shows_them() {
        for (value, shown) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (12e5, "1200000.0"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-123.456, "-123.456"),
            (5e-324, "5e-324"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(show_float(value), shown);
        }
    }

    #[test]
    fn general_format_has_six_digits() {
        for (digits, shown) in [
            ("6", "+6"),
            ("100000", "+100000"),
            ("999999", "+999999"),
            ("1000000", "+1e+06"),
            ("1234567", "+1.23457e+06"),
            ("9999995", "+1e+07"),
        ] {
            assert_eq!(show_general(digits).unwrap(), shown);
        }
        assert_eq!(show_general(&"9".repeat(309)), None);
    }

    #[test]
    fn long_arithmetic() {
        assert_eq!(divide("1000001", 60), ("16666".to_owned(), 41));
        assert_eq!(multiply("142857", 7), "999999");
        assert_eq!(multiply("0", 7), "0");
    }
}
