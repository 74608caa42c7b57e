//! Items of a list that go. What is written around them stays, but for the comma and the comment on their own line.

use std::ops::Range;

use crate::edit::Edit;
use crate::yaml::lines::line_start;

/// The edits that take items out of the list in these bytes; all items are given, and which of them go.
pub(super) fn of(
    text: &str,
    list: &Range<usize>,
    items: &[Range<usize>],
    removed: &[usize],
) -> Vec<Edit> {
    let mut cuts: Vec<Range<usize>> = Vec::new();
    let mut index = 0;
    while index < items.len() {
        let first = index;
        index += 1;
        if !removed.contains(&first) {
            continue;
        }
        if let Some(lines) = own_lines(text, list, items, first) {
            cuts.push(lines);
            continue;
        }
        // Its neighbors that go too, with nothing but a comma between them.
        while index < items.len()
            && removed.contains(&index)
            && is_comma(&text[items[index - 1].end..items[index].start])
        {
            index += 1;
        }
        cuts.push(run(text, list, items, first..index));
    }
    cuts.into_iter()
        .map(|cut| Edit::replace(cut, String::new()))
        .collect()
}

/// The lines of an item that shares none of them with another.
fn own_lines(
    text: &str,
    list: &Range<usize>,
    items: &[Range<usize>],
    index: usize,
) -> Option<Range<usize>> {
    let item = &items[index];
    let start = line_start(text, item.start);
    let end = item.end + text[item.end..].find('\n')? + 1;
    let before = index
        .checked_sub(1)
        .map_or(list.start + 1, |before| items[before].end);
    let after = items
        .get(index + 1)
        .map_or(list.end - 1, |after| after.start);
    let behind = text[item.end..end]
        .trim_start_matches([' ', '\t', '\r', ','])
        .trim();
    let is_own = before <= start
        && end <= after
        && text[start..item.start].trim().is_empty()
        && (behind.is_empty() || behind.starts_with(['#', '/']));
    is_own.then_some(start..end)
}

/// Neighbors on one line, and the comma that is one too many without them.
fn run(text: &str, list: &Range<usize>, items: &[Range<usize>], run: Range<usize>) -> Range<usize> {
    let (start, end) = (items[run.start].start, items[run.end - 1].end);
    let before = run.start.checked_sub(1).map(|before| items[before].end);
    let after = items.get(run.end).map(|after| after.start);
    match (before, after) {
        (_, Some(after)) if is_comma(&text[end..after]) => start..after,
        (Some(before), _) if is_comma(&text[before..start]) => before..end,
        _ => {
            let rest = &text[end..list.end];
            let comma = rest.trim_start_matches([' ', '\t']);
            let blanks = rest.len() - comma.len();
            start
                ..end
                    + if comma.starts_with(',') {
                        blanks + 1
                    } else {
                        0
                    }
        }
    }
}

/// Whether there is nothing but a comma and blanks.
fn is_comma(text: &str) -> bool {
    text.trim_matches([' ', '\t']).trim_matches(',').is_empty()
}
