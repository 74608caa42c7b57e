//! What has come of the findings of an earlier run, for people who read a text.

use crate::since::{LISTED, Trend};

/// A finding that is new or fixed: which of the two, where, and the rule. What the file says is as it is there.
pub(super) type Change<'a> = (&'static str, String, &'a str);

/// The first of those that are new and of those that are fixed, and how many more there are of each.
pub(super) fn changes(trend: &Trend) -> Vec<(Vec<Change<'_>>, usize)> {
    let new = trend.listed.iter();
    let new = new.map(|(place, rule)| ("new", place.clone(), *rule));
    let fixed = trend.fixed.iter().take(LISTED);
    let fixed = fixed.map(|entry| ("fixed", entry.at(), entry.rule.as_str()));
    vec![
        (new.collect(), trend.new.saturating_sub(LISTED)),
        (fixed.collect(), trend.fixed.len().saturating_sub(LISTED)),
    ]
}
