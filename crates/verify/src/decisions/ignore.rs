//! `# clearml-verify: ignore[rule] reason`, on the line of a finding or the line above.

use clearml_secure_core::source::{Sources, Span};

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
    /// Comments that silence nothing because they give no reason or no rule.
    pub(crate) remarks: Vec<String>,
}

/// Parts the findings that a comment silences from the others.
pub(crate) fn silence(deployment: &Described, findings: Vec<Finding>) -> Silenced {
    let sources = &deployment.sources;
    let mut remarks = Vec::new();
    if !deployment.texts().any(|text| text.contains(MARK)) {
        return Silenced {
            kept: findings,
            ..Silenced::default()
        };
    }
    let lines = Lines::of(deployment);
    let (kept, silenced) = findings.into_iter().partition(|finding| {
        let Some(span) = finding.span else {
            return true;
        };
        for comment in lines.comments(span) {
            match reason(comment, finding.rule) {
                Some("") => remarks.push(missing_reason(sources, span, finding.rule)),
                Some(_) => return false,
                None => remarks.extend(unknown_rules(sources, span, comment)),
            }
        }
        true
    });
    remarks.sort();
    remarks.dedup();
    Silenced {
        kept,
        silenced,
        remarks,
    }
}

/// The reason of a comment that names the rule: empty where it gives none.
fn reason<'a>(comment: &'a str, rule: &str) -> Option<&'a str> {
    let (_, rest) = comment.split_once(MARK)?;
    let (rules, reason) = rest.split_once(']')?;
    rules
        .split(',')
        .any(|name| name.trim() == rule)
        .then(|| reason.trim())
}

/// Names in a comment that are no rule's.
fn unknown_rules(sources: &Sources, span: Span, comment: &str) -> Vec<String> {
    let named = comment
        .split_once(MARK)
        .and_then(|(_, rest)| rest.split_once(']'));
    let Some((names, _)) = named else {
        return Vec::new();
    };
    let ids = pages::ids();
    names
        .split(',')
        .map(str::trim)
        .filter(|name| !ids.contains(name))
        .map(|name| {
            let place = sources.place(span);
            retired::why(name).map_or_else(
                || {
                    let meant = pages::meant(name);
                    format!("{place}: the comment here ignores {name}, which is no rule; {meant}")
                },
                |why| format!("{place}: {why}; remove it from the comment here"),
            )
        })
        .collect()
}

fn missing_reason(sources: &Sources, span: Span, rule: &str) -> String {
    format!(
        "{}: the comment that ignores {rule} gives no reason, so it does not count",
        sources.place(span)
    )
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
