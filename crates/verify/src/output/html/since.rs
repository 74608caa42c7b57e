//! What has come of the findings of an earlier run.

use clearml_secure_core::shown::escape;
use maud::{Markup, html};

use crate::report::{Age, Report};
use crate::since::{FindingThen, Trend};

/// How many are new, still there and fixed, and which; none that is still there, for the page has them all.
pub(super) fn section(trend: &Trend, reports: &[Report]) -> Markup {
    let told = reports.iter().flat_map(|report| {
        let new = report.findings.iter();
        let new = new.filter(|told| told.age == Some(Age::New));
        new.map(move |told| (told, report))
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
                ul {
                    @for (told, report) in told {
                        li {
                            code {
                                @if let Some(spot) = &told.spot { (spot.place) } @else { (super::looked_at(report)) }
                            }
                            " " (told.rule)
                        }
                    }
                }
            }
            @if !trend.fixed.is_empty() {
                h3 { "Fixed" }
                ul {
                    @for entry in &trend.fixed {
                        li { (gone(entry)) }
                    }
                }
            }
            @if !trend.not_known.is_empty() {
                h3 { "Not known" }
                ul {
                    @for (entry, why) in &trend.not_known {
                        li { (gone(entry)) ": " (why.words()) }
                    }
                }
            }
        }
    }
}

/// A finding that only the earlier run has.
fn gone(entry: &FindingThen) -> Markup {
    html! { code { (entry.at()) } " " (escape(&entry.rule)) }
}
