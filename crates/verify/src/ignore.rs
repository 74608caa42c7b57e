//! `# clearml-verify: ignore[rule] reason`, on the line of a finding or the line above.

use clearml_secure_core::finding::Finding;
use clearml_secure_core::source::{Sources, Span};

const MARK: &str = "clearml-verify: ignore[";

/// Takes out the findings that a comment silences. The remarks name comments that silence nothing because
/// they give no reason.
pub(crate) fn silence(sources: &Sources, findings: Vec<Finding>) -> (Vec<Finding>, Vec<String>) {
    let mut remarks = Vec::new();
    let kept = findings
        .into_iter()
        .filter(|finding| {
            let Some(span) = finding.span else {
                return true;
            };
            let text = sources.text(span.source);
            let start = text[..span.start]
                .rfind('\n')
                .map_or(0, |newline| newline + 1);
            let end = text[span.start..]
                .find('\n')
                .map_or(text.len(), |newline| span.start + newline);
            let above = text[..start.saturating_sub(1)]
                .rfind('\n')
                .map_or(0, |newline| newline + 1);
            let own = &text[start..end];
            // A comment above counts only if nothing else stands on its line.
            let above = text
                .get(above..start)
                .filter(|line| line.trim_start().starts_with('#'));
            for line in [Some(own), above].into_iter().flatten() {
                match reason(line, finding.rule) {
                    Some("") => remarks.push(missing_reason(sources, span, finding.rule)),
                    Some(_) => return false,
                    None => {}
                }
            }
            true
        })
        .collect();
    remarks.sort();
    remarks.dedup();
    (kept, remarks)
}

/// The reason of a comment that names the rule: empty where it gives none.
fn reason<'a>(line: &'a str, rule: &str) -> Option<&'a str> {
    let comment = line.find('#').map(|at| &line[at..])?;
    let (_, rest) = comment.split_once(MARK)?;
    let (rules, reason) = rest.split_once(']')?;
    rules
        .split(',')
        .any(|name| name.trim() == rule)
        .then(|| reason.trim())
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
