//! What to do first: the worst findings, with what fixes them.

use maud::{Markup, html};

use crate::finding::Severity;
use crate::output::group::{Together, together};
use crate::report::Report;

/// So many steps can be kept in mind.
const STEPS: usize = 3;

/// The steps, if there is anything to do.
pub(super) fn steps(reports: &[Report]) -> Markup {
    let groups = reports.iter().enumerate().flat_map(|(number, report)| {
        let groups = together(&report.findings).into_iter();
        groups.map(move |group| (number, group))
    });
    let mut groups: Vec<(usize, Together<'_>)> = groups
        .filter(|(_, group)| group.severity() != Severity::Note)
        .collect();
    groups.sort_by_key(|(_, group)| group.severity());
    let is_unseen = reports.iter().any(|report| !report.unknown.is_empty());
    if groups.is_empty() && !is_unseen {
        return html! {};
    }
    html! {
        section.first {
            h2 { "What to do first" }
            ol {
                @for (number, group) in groups.iter().take(STEPS) {
                    li {
                        a href={ "#" (id(*number, group)) } { (group.title()) }
                        (help(group.help()))
                    }
                }
                @if groups.len() < STEPS && is_unseen {
                    li { "Look at what is not checked: it may hide anything." }
                }
            }
        }
    }
}

/// What fixes something: sentences, and commands to copy.
pub(super) fn help(text: &str) -> Markup {
    let (commands, words): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.starts_with("  "));
    let commands: Vec<&str> = commands.into_iter().map(str::trim).collect();
    html! {
        p { "Fix: " (words.join(" ")) }
        @if !commands.is_empty() {
            pre { (commands.join("\n")) }
        }
    }
}

/// The name of a group of findings on the page: its first place tells it from others of the rule.
pub(super) fn id(number: usize, group: &Together<'_>) -> String {
    let place = group.places().first().and_then(|place| place.spot);
    let start = place.map_or(0, |spot| spot.span.start);
    format!("{}-{number}-{}-{start}", group.rule(), group.severity())
}
