//! A rule's text as it is in docs/rules.md, without the example files.

use maud::{Markup, html};

use crate::pages;

/// The paragraphs about a rule.
pub(super) fn text(rule: &str) -> Markup {
    let page = pages::page(rule).unwrap_or_default();
    html! {
        @for paragraph in paragraphs(page) {
            p { (inline(&paragraph)) }
        }
    }
}

/// Paragraphs of prose: what is between fences, and the line that announces it, are left out.
fn paragraphs(page: &str) -> Vec<String> {
    let mut paragraphs = Vec::new();
    let mut is_code = false;
    let mut lines: Vec<&str> = Vec::new();
    // The heading is the rule's name.
    for line in page.lines().skip(1).chain([""]) {
        if line.starts_with("```") {
            is_code = !is_code;
        } else if line.trim().is_empty() && !is_code {
            let is_label = matches!(lines[..], ["Bad:" | "Good:"]);
            if !lines.is_empty() && !is_label {
                paragraphs.push(lines.join(" "));
            }
            lines.clear();
        } else if !is_code {
            lines.push(line);
        }
    }
    paragraphs
}

/// `**strong**` and `` `code` ``; the template escapes the rest.
fn inline(text: &str) -> Markup {
    html! {
        @for (number, part) in text.split("**").enumerate() {
            @if number % 2 == 1 {
                strong { (part) }
            } @else {
                @for (number, part) in part.split('`').enumerate() {
                    @if number % 2 == 1 { code { (part) } } @else { (part) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rules_text_is_prose() {
        let page = "## x\n\nFirst\nline.\n\n**What**: `a` <b>.\n\nBad:\n\n```yaml\na: b\n\nc: d\n```\n\n**Fix**: it.";
        assert_eq!(
            paragraphs(page),
            ["First line.", "**What**: `a` <b>.", "**Fix**: it."]
        );
        assert_eq!(
            inline("**What**: `a` <b>.").into_string(),
            "<strong>What</strong>: <code>a</code> &lt;b&gt;."
        );
    }
}
