//! `# clearml-verify: ignore[rule] reason`, on the line of a finding or the line above.

use clearml_secure_core::shown::escape;
use clearml_secure_core::source::{Place, Sources, Span};

use crate::decisions::retired;
use crate::finding::Finding;
use crate::pages;
use crate::report::described::Described;
use crate::report::lines::Lines;

const MARK: &str = "clearml-verify: ignore[";

/// Findings, and what comments say of them.
#[derive(Default)]
pub(crate) struct Silenced {
    pub(crate) kept: Vec<Finding>,
    pub(crate) silenced: Vec<Finding>,
    /// Comments that silence nothing because they give no reason or no rule, or are at another line.
    pub(crate) remarks: Vec<String>,
}

/// Parts the findings that a comment silences from the others.
pub(crate) fn silence(deployment: &Described, findings: Vec<Finding>) -> Silenced {
    let marks = marks(deployment);
    if marks.is_empty() {
        return Silenced {
            kept: findings,
            ..Silenced::default()
        };
    }
    let lines = Lines::of(deployment);
    let (silenced, kept) = findings.into_iter().partition(|finding| {
        let comments = finding.span.map(|span| lines.comments(span));
        let mut reasons = comments.iter().flatten();
        reasons.any(|comment| reason(comment, finding.rule).is_some_and(|text| !text.is_empty()))
    });
    let mut silenced = Silenced {
        kept,
        silenced,
        remarks: Vec::new(),
    };
    for mark in marks {
        let comment = lines.comment(mark).and_then(named);
        let remarks = comment.map(|comment| silenced.faults(&deployment.sources, mark, comment));
        silenced.remarks.extend(remarks.into_iter().flatten());
    }
    silenced.remarks.sort();
    silenced.remarks.dedup();
    silenced
}

/// Where the texts of a deployment have the words that make a comment silence something.
fn marks(deployment: &Described) -> Vec<Span> {
    let mut marks = Vec::new();
    for (source, range) in deployment.ranges() {
        let found = deployment.sources.text(source)[range.clone()].match_indices(MARK);
        marks.extend(found.map(|(at, _)| Span {
            source,
            start: range.start + at,
            end: range.start + at + MARK.len(),
        }));
    }
    marks
}

impl Silenced {
    /// Why a comment does not do what it says.
    fn faults(&self, sources: &Sources, mark: Span, (rules, reason): (&str, &str)) -> Vec<String> {
        let place = sources.place(mark);
        let ids = pages::ids();
        let (known, unknown): (Vec<&str>, Vec<&str>) = rules
            .split(',')
            .map(str::trim)
            .partition(|name| ids.contains(name));
        let mut faults: Vec<String> = unknown
            .into_iter()
            .map(|name| match retired::why(name) {
                Some(why) => format!("{place}: {why}; remove it from the comment here"),
                None => format!(
                    "{place}: the comment here ignores {}, which is no rule; {}",
                    escape(name),
                    pages::meant(name)
                ),
            })
            .collect();
        for rule in known {
            if reason.is_empty() {
                faults.push(format!(
                    "{place}: the comment that ignores {rule} gives no reason, so it does not count"
                ));
            } else if let Some(other) = self.missed(sources, mark, rule) {
                faults.push(format!(
                    "{place}: the comment here ignores {rule}, which is not found on its line or the next one, but at {other}"
                ));
            }
        }
        faults
    }

    /// The next finding of a rule in the file of a comment, or the one before, where that silences none.
    fn missed(&self, sources: &Sources, mark: Span, rule: &str) -> Option<Place> {
        let line = sources.place(mark).line;
        let of_rule = |findings: &[Finding]| -> Vec<Place> {
            let spans = findings.iter().filter(|one| one.rule == rule);
            let spans = spans.filter_map(|one| one.span.filter(|span| span.source == mark.source));
            spans.map(|span| sources.place(span)).collect()
        };
        let is_used = |place: &Place| place.line == line || place.line == line + 1;
        match of_rule(&self.silenced).iter().any(is_used) {
            true => None,
            false => of_rule(&self.kept)
                .into_iter()
                .min_by_key(|place| (place.line < line, place.line.abs_diff(line))),
        }
    }
}

/// The rules that a comment names, and its reason.
fn named(comment: &str) -> Option<(&str, &str)> {
    let (_, rest) = comment.split_once(MARK)?;
    let (rules, reason) = rest.split_once(']')?;
    Some((rules, reason.trim()))
}

/// The reason of a comment that names the rule: empty where it gives none.
fn reason<'a>(comment: &'a str, rule: &str) -> Option<&'a str> {
    let (rules, reason) = named(comment)?;
    let mut rules = rules.split(',');
    rules.any(|name| name.trim() == rule).then_some(reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_required() {
        assert_eq!(
            reason("a: b # clearml-verify: ignore[x, y] tested by hand", "y"),
            Some("tested by hand")
        );
        assert_eq!(reason("# clearml-verify: ignore[x]", "x"), Some(""));
        assert_eq!(reason("# clearml-verify: ignore[x] why", "z"), None);
    }
}
