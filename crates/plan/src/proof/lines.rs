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

/// Where some whole lines stand in a text, from a byte on. Only the lines of an edit are in front of them, so that there are few
/// places to try.
fn line_wise(text: &str, from: usize, lines: &str) -> Option<usize> {
    let rest = text.get(from..)?;
    let begins_here = from == 0 || text[..from].ends_with('\n');
    let further = rest.match_indices('\n').map(|(at, _)| from + at + 1);
    let mut places = begins_here.then_some(from).into_iter().chain(further);
    places.find(|at| text[*at..].starts_with(lines))
}
