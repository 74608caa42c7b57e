//! What go-yaml makes of a scalar, and what text compose makes of that.
//!
//! The types were compared with `docker stack config`, which prints what go-yaml decoded.

/// The tag of a merge key.
pub(super) const MERGE: &str = "!!merge";

/// A scalar as go-yaml decodes it.
#[derive(Clone, Debug, PartialEq)]
pub enum Typed {
    /// `!!binary`.
    Binary,
    /// `true`, `True`, `TRUE`, `false`, `False`, `FALSE`; nothing else.
    Bool(bool),
    /// With a point or an exponent, or a number too large for 64 bits.
    Float(f64),
    /// Decimal, `0x`, `0o`, `0b`, and a leading zero for octal; underscores are dropped.
    Integer(i128),
    /// Nothing, `~`, `null`, `Null`, `NULL`.
    Null,
    /// Any other text.
    Text,
    /// A date, as Go prints it.
    Timestamp(String),
}

impl Typed {
    /// The text that compose puts into the environment where this is not [`Typed::Text`]: Go's `fmt.Sprint`.
    /// `None` where the scalar's own text counts, and for null.
    pub fn rewritten(&self) -> Option<String> {
        match self {
            Self::Bool(value) => Some(value.to_string()),
            Self::Float(value) => Some(go_float(*value)),
            Self::Integer(value) => Some(value.to_string()),
            Self::Timestamp(text) => Some(text.clone()),
            Self::Binary | Self::Null | Self::Text => None,
        }
    }
}

/// A tag as people write it: `!!str` for the core schema, `!reset` for compose's own.
pub(super) fn tag_text(handle: &str, suffix: &str) -> String {
    match handle.strip_prefix("tag:yaml.org,2002:") {
        Some(rest) => format!("!!{rest}{suffix}"),
        None => format!("{handle}{suffix}"),
    }
}

/// The type of a scalar. `plain` is false for quoted and block scalars.
pub fn resolve(text: &str, plain: bool, tag: Option<&str>) -> Typed {
    match tag {
        None if plain => resolve_plain(text),
        Some("!!null" | "!!bool" | "!!int" | "!!float" | "!!timestamp") => resolve_plain(text),
        Some("!!binary") => Typed::Binary,
        _ => Typed::Text,
    }
}

fn resolve_plain(text: &str) -> Typed {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Typed::Null,
        "true" | "True" | "TRUE" => return Typed::Bool(true),
        "false" | "False" | "FALSE" => return Typed::Bool(false),
        ".nan" | ".NaN" | ".NAN" => return Typed::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Typed::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Typed::Float(f64::NEG_INFINITY),
        _ => {}
    }
    match text.as_bytes()[0] {
        b'.' if is_float(text) => text.parse().map_or(Typed::Text, Typed::Float),
        b'+' | b'-' | b'0'..=b'9' => {
            if let Some(date) = timestamp(text) {
                return Typed::Timestamp(date);
            }
            let bare: String = text.chars().filter(|c| *c != '_').collect();
            if let Some(value) = integer(&bare) {
                return Typed::Integer(value);
            }
            if is_float(&bare) {
                return bare.parse().map_or(Typed::Text, |value: f64| {
                    // Go refuses to read a number out of range, and the text stays text.
                    if value.is_finite() {
                        Typed::Float(value)
                    } else {
                        Typed::Text
                    }
                });
            }
            Typed::Text
        }
        _ => Typed::Text,
    }
}

/// Go's `ParseInt` with base 0, within 64 bits signed or unsigned.
fn integer(text: &str) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    let value = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let value = if negative { -value } else { value };
    // Go reads an unsigned number only without a sign.
    let unsigned = !text.starts_with(['+', '-']) && value <= i128::from(u64::MAX);
    (i64::try_from(value).is_ok() || unsigned).then_some(value)
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, the numbers that go-yaml takes for floats.
fn is_float(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_is_right = match mantissa.split_once('.') {
        Some(("", fraction)) => !fraction.is_empty() && digits(fraction),
        Some((whole, fraction)) => digits(whole) && digits(fraction),
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_is_right = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    mantissa_is_right && exponent_is_right
}

/// Go's `fmt.Sprint` of a float: the shortest digits, with an exponent below 1e-4 and from 1e6 on.
fn go_float(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if !(-4..6).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    format!("{value}")
}

/// A date that go-yaml takes for one, as Go prints it: `2024-01-02 00:00:00 +0000 UTC`.
fn timestamp(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    if bytes.len() < 8 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
        return None;
    }
    let mut scanner = Scanner(text);
    let year = scanner.number(4, 4)?;
    scanner.literal('-')?;
    let month = scanner.number(1, 2)?;
    scanner.literal('-')?;
    let day = scanner.number(1, 2)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day == 0 || day > days {
        return None;
    }
    if scanner.0.is_empty() {
        return Some(format!("{year:04}-{month:02}-{day:02} 00:00:00 +0000 UTC"));
    }
    let separator = scanner.0.chars().next()?;
    if !matches!(separator, 'T' | 't' | ' ') {
        return None;
    }
    scanner.literal(separator)?;
    let hour = scanner.number(1, 2)?;
    scanner.literal(':')?;
    let minute = scanner.number(1, 2)?;
    scanner.literal(':')?;
    let second = scanner.number(1, 2)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut fraction = String::new();
    if scanner.literal('.').is_some() {
        let digits: String = scanner.0.chars().take_while(char::is_ascii_digit).collect();
        scanner.0 = &scanner.0[digits.len()..];
        if digits.is_empty() {
            return None;
        }
        let kept = digits[..digits.len().min(9)].trim_end_matches('0');
        if !kept.is_empty() {
            fraction = format!(".{kept}");
        }
    }
    let zone = match (separator, scanner.0) {
        (' ', "") | ('T' | 't', "Z") => "+0000 UTC".to_owned(),
        ('T' | 't', offset) => {
            let (hours, minutes) = offset.get(1..)?.split_once(':')?;
            let is_number =
                |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            if !offset.starts_with(['+', '-']) || !is_number(hours) || !is_number(minutes) {
                return None;
            }
            let zone = format!("{}{hours}{minutes}", &offset[..1]);
            if zone.ends_with("0000") {
                "+0000 UTC".to_owned()
            } else {
                format!("{zone} {zone}")
            }
        }
        _ => return None,
    };
    Some(format!(
        "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}{fraction} {zone}"
    ))
}

struct Scanner<'a>(&'a str);

impl Scanner<'_> {
    fn number(&mut self, least: usize, most: usize) -> Option<u32> {
        let length = self
            .0
            .bytes()
            .take(most)
            .take_while(u8::is_ascii_digit)
            .count();
        if length < least {
            return None;
        }
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        digits.parse().ok()
    }

    fn literal(&mut self, c: char) -> Option<()> {
        self.0 = self.0.strip_prefix(c)?;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each pair was printed by `docker stack config`.
    #[test]
    fn environment_text_is_what_go_prints() {
        let pairs = [
            ("1000000.0", "1e+06"),
            ("12E5", "1.2e+06"),
            ("010", "8"),
            ("1_000", "1000"),
            ("08", "8"),
            ("1.10", "1.1"),
            ("0x1F", "31"),
            (".5", "0.5"),
            ("123456789012345678901234567890", "1.2345678901234568e+29"),
            ("+5", "5"),
            ("-0", "0"),
            ("0b11", "3"),
            ("0o17", "15"),
            ("1e-7", "1e-07"),
            ("123456.7", "123456.7"),
            ("1234567.8", "1.2345678e+06"),
            ("12345678901234567890", "12345678901234567890"),
            ("2024-01-01", "2024-01-01 00:00:00 +0000 UTC"),
            (
                "2024-1-2T3:4:5.5+02:00",
                "2024-01-02 03:04:05.5 +0200 +0200",
            ),
            ("2024-1-2 3:4:5.50", "2024-01-02 03:04:05.5 +0000 UTC"),
            ("2024-1-2T3:4:5Z", "2024-01-02 03:04:05 +0000 UTC"),
            ("1e21", "1e+21"),
            ("-1_0", "-10"),
            ("0.0001", "0.0001"),
            ("0.00001", "1e-05"),
            ("0b_1", "1"),
            ("0x_1F", "31"),
            ("999999.5", "999999.5"),
            ("21e20", "2.1e+21"),
            ("123456789.0", "1.23456789e+08"),
            ("5.", "5"),
            ("+.5", "0.5"),
            ("1__0", "10"),
            ("0_", "0"),
        ];
        for (text, expected) in pairs {
            assert_eq!(
                resolve(text, true, None).rewritten().as_deref(),
                Some(expected),
                "{text}"
            );
        }
        for text in [
            "yes",
            "on",
            "y",
            "2024-02-30",
            "0o8",
            "0b2",
            "_1",
            "1e400",
            "0x",
            "1.2.3",
            "--1",
            "12:30",
        ] {
            assert_eq!(resolve(text, true, None), Typed::Text, "{text}");
        }
    }

    #[test]
    fn quotes_and_tags_decide() {
        assert_eq!(resolve("010", false, None), Typed::Text);
        assert_eq!(resolve("010", true, Some("!!str")), Typed::Text);
        assert_eq!(resolve("null", false, None), Typed::Text);
        assert_eq!(resolve("", true, None), Typed::Null);
    }
}
