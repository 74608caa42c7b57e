//! A line of the table: what was measured, and whether it keeps its bound.

use std::fmt;

/// What a figure must be.
#[derive(Clone, Copy)]
pub(super) enum Bound {
    AtLeast(f64),
    AtMost(f64),
    /// It is there to be compared.
    None,
}

/// A line of the table.
pub(super) struct Row {
    pub(super) work: String,
    figure: f64,
    unit: &'static str,
    bound: Bound,
    /// What our program took, and the other one, in words.
    pub(super) ours: String,
    pub(super) theirs: String,
    /// The command lines.
    pub(super) how: String,
    /// What it is spent on, where it is more than its bound.
    pub(super) why: &'static str,
}

impl Row {
    /// Of two times in seconds: how many times theirs ours is, where that has a most, and how many times ours theirs is
    /// otherwise.
    pub(super) fn ratio(work: impl Into<String>, (ours, theirs): (f64, f64), bound: Bound) -> Self {
        let figure = match bound {
            Bound::AtMost(_) => ours / theirs,
            Bound::AtLeast(_) | Bound::None => theirs / ours,
        };
        Self {
            theirs: duration(theirs),
            ours: duration(ours),
            ..Self::new(work.into(), figure, "", bound)
        }
    }

    /// Of a time alone.
    pub(super) fn seconds(work: String, seconds: f64, most: f64) -> Self {
        Self::new(work, seconds, " s", Bound::AtMost(most))
    }

    /// Of a peak of memory.
    pub(super) fn megabytes(work: String, megabytes: f64, most: f64) -> Self {
        Self::new(work, megabytes, " MB", Bound::AtMost(most))
    }

    fn new(work: String, figure: f64, unit: &'static str, bound: Bound) -> Self {
        Self {
            work,
            figure,
            unit,
            bound,
            ours: String::new(),
            theirs: String::new(),
            how: String::new(),
            why: "",
        }
    }

    /// With the command lines.
    pub(super) fn by(self, how: impl Into<String>) -> Self {
        Self {
            how: how.into(),
            ..self
        }
    }

    /// With what it is spent on, which the page says where the bound is missed. Instructions are counted with callgrind, memory
    /// with heaptrack: both say the same on every machine.
    pub(super) fn because(self, why: &'static str) -> Self {
        Self { why, ..self }
    }

    pub(super) fn holds(&self) -> bool {
        match self.bound {
            Bound::AtLeast(least) => self.figure >= least,
            Bound::AtMost(most) => self.figure <= most,
            Bound::None => true,
        }
    }

    pub(super) fn measured(&self) -> String {
        format!("{}{}", number(self.figure), self.unit)
    }

    pub(super) fn bound(&self) -> String {
        match self.bound {
            Bound::AtLeast(least) => format!("at least {least}{}", self.unit),
            Bound::AtMost(most) => format!("at most {most}{}", self.unit),
            Bound::None => "none".to_owned(),
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.holds() { "" } else { "  MISSED" };
        write!(
            f,
            "{:62} {:>10} {:>10}  {}, {}{mark}",
            self.work,
            self.ours,
            self.theirs,
            self.measured(),
            self.bound()
        )
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        long if long >= 1.0 => format!("{} s", number(long)),
        short => format!("{} ms", number(short * 1e3)),
    }
}

/// With three figures.
fn number(value: f64) -> String {
    let digits = match value {
        large if large >= 100.0 => 0,
        middle if middle >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_its_most_or_under_its_least_does_not_hold() {
        let holds = |times, bound| Row::ratio("", times, bound).holds();
        assert!(holds((1.0, 2.0), Bound::AtMost(0.5)));
        assert!(!holds((1.1, 2.0), Bound::AtMost(0.5)));
        assert!(holds((1.0, 3.0), Bound::AtLeast(3.0)));
        assert!(!holds((1.0, 2.9), Bound::AtLeast(3.0)));
        assert!(!Row::megabytes(String::new(), 64.1, 64.0).holds());
    }

    #[test]
    fn figures_are_short() {
        let row = Row::ratio("a / b", (0.0046, 0.11), Bound::AtLeast(60.0));
        assert_eq!(
            [row.measured(), row.bound(), row.ours, row.theirs],
            ["23.9", "at least 60", "4.60 ms", "110 ms"]
        );
    }
}
