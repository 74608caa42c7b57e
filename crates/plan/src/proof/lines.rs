//! Part 3: every byte outside the edited lines is the same, in the same order.

use clearml_secure_core::edit::Edit;

use super::Broken;

/// Holds the texts against each other.
pub(crate) fn check(before: &str, after: &str, edits: &[Edit]) -> Result<(), Broken> {
    let mut from = 0;
    let mut at = 0;
    for edit in edits.iter().map(Some).chain([None]) {
        let (start, end) = match edit {
            Some(edit) => (
                before[..edit.range.start]
                    .rfind('\n')
                    .map_or(0, |newline| newline + 1),
                before[edit.range.end..]
                    .find('\n')
                    .map_or(before.len(), |newline| edit.range.end + newline + 1),
            ),
            None => (before.len(), before.len()),
        };
        if start > from {
            let kept = &before[from..start];
            let position = line_wise(after, at, kept).ok_or(Broken::Lines)?;
            at = position + kept.len();
        }
        from = from.max(end);
    }
    Ok(())
}

/// Where some whole lines stand in a text, from a byte on.
fn line_wise(text: &str, mut from: usize, lines: &str) -> Option<usize> {
    loop {
        let at = from + text.get(from..)?.find(lines)?;
        if at == 0 || text[..at].ends_with('\n') {
            return Some(at);
        }
        // An empty line in front of others is also found at the end of what was put there.
        from = at + text[at..].find('\n')? + 1;
    }
}
