//! What has come of the findings of an earlier run, for people who read a text.

use crate::since::{LISTED, Line, Listed, Trend, lines};

/// Findings that are new or fixed: which of the two, the first of them, and how many more there are.
pub(super) fn changes(trend: &Trend) -> [(&'static str, Vec<Line>, usize); 2] {
    let fixed = trend.fixed.iter().take(LISTED).map(Listed::then);
    let more = |count: usize| count.saturating_sub(LISTED);
    [
        ("new", lines(trend.listed.iter().cloned()), more(trend.new)),
        ("fixed", lines(fixed), more(trend.fixed.len())),
    ]
}
