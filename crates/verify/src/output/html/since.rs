//! What has come of the findings of an earlier run.

use clearml_secure_core::shown::escape;
use maud::{Markup, html};

use crate::report::{Age, Report};
use crate::since::{Line, Listed, Trend, lines};

/// How many are new, still there and fixed, and which; none that is still there, for the page has them all.
pub(super) fn section(trend: &Trend, reports: &[Report]) -> Markup {
    let new = reports.iter().flat_map(|report| {
        let new = report.findings.iter();
        let new = new.filter(|told| told.age == Some(Age::New));
        new.map(move |told| Listed::of(told, &super::looked_at(report)))
    });
    html! {
        section.since {
            h2 { "Since " (trend.name()) }
            p { (trend.words()) }
            @if let Some(caveat) = trend.caveat() {
                p { (caveat) }
            }
            @if trend.new > 0 {
                h3 { "New" }
                ul { (items(new, "")) }
            }
            @if !trend.fixed.is_empty() {
                h3 { "Fixed" }
                ul { (items(trend.fixed.iter().map(Listed::then), "")) }
            }
            @if !trend.not_known.is_empty() {
                h3 { "Not known" }
                ul {
                    @for (why, entries) in trend.doubts() {
                        (items(entries, &format!(": {}", why.words())))
                    }
                }
            }
        }
    }
}

/// An item for each that looks like no other.
fn items(all: impl IntoIterator<Item = Listed>, end: &str) -> Markup {
    html! {
        @for Line { place, rule, rest } in lines(all) {
            li { code { (place) } " " (escape(&rule)) (rest) (end) }
        }
    }
}
