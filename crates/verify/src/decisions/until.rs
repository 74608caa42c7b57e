//! The last day on which something is accepted. After it, it counts again.

use time::{Date, Month, OffsetDateTime};

/// A day of the calendar, by UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Until(Date);

impl Until {
    /// A date such as `2027-01-31`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        let mut number = |digits: usize| {
            let part = parts.next().filter(|part| part.len() == digits)?;
            part.bytes()
                .all(|byte| byte.is_ascii_digit())
                .then(|| part.parse::<u16>().ok())?
        };
        let (year, month, day) = (number(4)?, number(2)?, number(2)?);
        let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
        Date::from_calendar_date(year.into(), month, u8::try_from(day).ok()?)
            .ok()
            .map(Self)
    }

    /// Whether the day is over.
    pub(crate) fn is_over(self) -> bool {
        self.0 < OffsetDateTime::from(std::time::SystemTime::now()).date()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_days() {
        for text in [
            "",
            "2027",
            "2027-1-31",
            "2027-02-30",
            "2027-01-31x",
            "31.01.2027",
        ] {
            assert_eq!(Until::parse(text), None, "{text}");
        }
        assert!(Until::parse("2020-02-29").is_some_and(Until::is_over));
        assert!(!Until::parse("9999-12-31").is_some_and(Until::is_over));
    }
}
