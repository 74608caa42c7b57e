//! Periods: digits and a unit in lower case, which pyhocon reads as a span of time.
//!
//! Milliseconds become a `timedelta`, all others a `relativedelta` of dateutil. What matters here is how
//! Python shows them, because anything next to a period turns it into text: `5s-A` is
//! `relativedelta(seconds=+5)-A`.

use crate::number::{INTEGER_DIGITS, divide, multiply, show_general, trimmed};

/// A unit of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Days,
    Hours,
    Microseconds,
    Milliseconds,
    Minutes,
    Months,
    Nanoseconds,
    Seconds,
    Weeks,
    Years,
}

/// Longer spellings before their beginnings.
const SPELLINGS: [(&str, Unit); 36] = [
    ("nanoseconds", Unit::Nanoseconds),
    ("nanosecond", Unit::Nanoseconds),
    ("nanos", Unit::Nanoseconds),
    ("nano", Unit::Nanoseconds),
    ("ns", Unit::Nanoseconds),
    ("microseconds", Unit::Microseconds),
    ("microsecond", Unit::Microseconds),
    ("micros", Unit::Microseconds),
    ("micro", Unit::Microseconds),
    ("us", Unit::Microseconds),
    ("milliseconds", Unit::Milliseconds),
    ("millisecond", Unit::Milliseconds),
    ("millis", Unit::Milliseconds),
    ("milli", Unit::Milliseconds),
    ("ms", Unit::Milliseconds),
    ("seconds", Unit::Seconds),
    ("second", Unit::Seconds),
    ("s", Unit::Seconds),
    ("minutes", Unit::Minutes),
    ("minute", Unit::Minutes),
    ("months", Unit::Months),
    ("month", Unit::Months),
    ("mo", Unit::Months),
    ("m", Unit::Minutes),
    ("hours", Unit::Hours),
    ("hour", Unit::Hours),
    ("h", Unit::Hours),
    ("weeks", Unit::Weeks),
    ("week", Unit::Weeks),
    ("w", Unit::Weeks),
    ("days", Unit::Days),
    ("day", Unit::Days),
    ("d", Unit::Days),
    ("years", Unit::Years),
    ("year", Unit::Years),
    ("y", Unit::Years),
];

impl Unit {
    /// The longest spelling at the start of a text, with its length.
    pub(super) fn at_start(text: &str) -> Option<(usize, Self)> {
        let (spelling, unit) = SPELLINGS
            .iter()
            .find(|(spelling, _)| text.starts_with(spelling))?;
        Some((spelling.len(), *unit))
    }
}

/// A span of time.
#[derive(Debug)]
pub(super) struct Period {
    /// How Python shows it; `None` where showing it is an error.
    pub(super) shown: Option<String>,
    /// Whether it counts as false in Python.
    pub(super) is_zero: bool,
}

/// What Python makes of it; `None` where it throws, which it does for numbers beyond its bounds.
pub(super) fn read(digits: &str, unit: Unit) -> Option<Period> {
    if digits.len() > INTEGER_DIGITS {
        return None;
    }
    let count = trimmed(digits);
    let mut parts = Parts::default();
    match unit {
        Unit::Milliseconds => return timedelta(&count),
        Unit::Nanoseconds => {
            // Divided as floats, so large numbers lose digits.
            let microseconds: f64 = format!("{count}e-3").parse().ok()?;
            if microseconds.is_infinite() {
                return None;
            }
            parts.carry(&format!("{:.0}", microseconds.trunc()), 0)?;
        }
        Unit::Microseconds => parts.carry(&count, 0)?,
        Unit::Seconds => parts.carry(&count, 1)?,
        Unit::Minutes => parts.carry(&count, 2)?,
        Unit::Hours => parts.carry(&count, 3)?,
        Unit::Days => parts.days = count,
        Unit::Weeks => parts.days = multiply(&count, 7),
        Unit::Months => {
            bounded(&count, 11)?;
            let (years, months) = divide(&count, 12);
            parts.years = years;
            parts.months = months;
        }
        Unit::Years => parts.years = count,
    }
    Some(parts.show())
}

/// The fields of a `relativedelta`. Only days and years can be large.
#[derive(Default)]
struct Parts {
    years: String,
    months: u64,
    days: String,
    hours: u64,
    minutes: u64,
    seconds: u64,
    microseconds: u64,
}

impl Parts {
    /// Fills the fields from microseconds (0), seconds (1), minutes (2) or hours (3) upward.
    fn carry(&mut self, count: &str, from: usize) -> Option<()> {
        let mut count = count.to_owned();
        let fields = [
            (&mut self.microseconds, 1_000_000),
            (&mut self.seconds, 60),
            (&mut self.minutes, 60),
            (&mut self.hours, 24),
        ];
        for (field, size) in fields.into_iter().skip(from) {
            bounded(&count, size - 1)?;
            (count, *field) = divide(&count, size);
        }
        self.days = count;
        Some(())
    }

    fn show(&self) -> Period {
        let fields = [
            ("years", self.years.clone()),
            ("months", self.months.to_string()),
            ("days", self.days.clone()),
            ("hours", self.hours.to_string()),
            ("minutes", self.minutes.to_string()),
            ("seconds", self.seconds.to_string()),
            ("microseconds", self.microseconds.to_string()),
        ];
        let set = fields
            .iter()
            .filter(|(_, digits)| !matches!(digits.as_str(), "" | "0"));
        let shown: Option<Vec<String>> = set
            .map(|(name, digits)| Some(format!("{name}={}", show_general(digits)?)))
            .collect();
        Period {
            is_zero: shown.as_ref().is_some_and(Vec::is_empty),
            shown: shown.map(|shown| format!("relativedelta({})", shown.join(", "))),
        }
    }
}

/// dateutil takes the sign of what is over the limit as a float, which fails beyond its range.
fn bounded(count: &str, limit: u64) -> Option<()> {
    let is_over = count.parse::<u64>().map_or(true, |count| count > limit);
    let is_finite = count.parse::<f64>().is_ok_and(f64::is_finite);
    (!is_over || is_finite).then_some(())
}

fn timedelta(milliseconds: &str) -> Option<Period> {
    let count: u64 = milliseconds.parse().ok()?;
    let days = count / 86_400_000;
    if days > 999_999_999 {
        return None;
    }
    let seconds = count / 1000 % 86_400;
    let fraction = match count % 1000 {
        0 => String::new(),
        milliseconds => format!(".{milliseconds:03}000"),
    };
    let prefix = match days {
        0 => String::new(),
        1 => "1 day, ".to_owned(),
        days => format!("{days} days, "),
    };
    let clock = format!(
        "{}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    );
    Some(Period {
        shown: Some(format!("{prefix}{clock}{fraction}")),
        is_zero: count == 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_take_the_longest_spelling() {
        assert_eq!(Unit::at_start("mo"), Some((2, Unit::Months)));
        assert_eq!(Unit::at_start("msx"), Some((2, Unit::Milliseconds)));
        assert_eq!(Unit::at_start("m x"), Some((1, Unit::Minutes)));
        assert_eq!(Unit::at_start("S"), None);
    }

    #[test]
    fn periods_are_shown_as_python_shows_them() {
        for (digits, unit, shown) in [
            ("06", Unit::Days, "relativedelta(days=+6)"),
            (
                "90",
                Unit::Seconds,
                "relativedelta(minutes=+1, seconds=+30)",
            ),
            ("2", Unit::Weeks, "relativedelta(days=+14)"),
            ("13", Unit::Months, "relativedelta(years=+1, months=+1)"),
            ("7", Unit::Nanoseconds, "relativedelta()"),
            ("0", Unit::Years, "relativedelta()"),
            ("10", Unit::Milliseconds, "0:00:00.010000"),
            ("86400000", Unit::Milliseconds, "1 day, 0:00:00"),
            ("1234567", Unit::Days, "relativedelta(days=+1.23457e+06)"),
        ] {
            assert_eq!(read(digits, unit).unwrap().shown.as_deref(), Some(shown));
        }
        assert!(read(&"9".repeat(400), Unit::Seconds).is_none());
        assert_eq!(read(&"9".repeat(400), Unit::Days).unwrap().shown, None);
        assert!(read("99999999999999999999", Unit::Milliseconds).is_none());
    }
}
