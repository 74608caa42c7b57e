//! Edits of a text, and the text with them.

use std::ops::Range;

/// One replacement.
#[derive(Clone)]
pub struct Edit {
    /// The bytes that go.
    pub range: Range<usize>,
    /// What comes.
    pub text: String,
}

impl Edit {
    /// Puts text in front of a byte.
    pub fn insert(at: usize, text: String) -> Self {
        Self::replace(at..at, text)
    }

    /// Puts text in the place of bytes.
    pub fn replace(range: Range<usize>, text: String) -> Self {
        Self { range, text }
    }

    /// What continues a line comes before what starts another one.
    fn starts_a_line(&self) -> bool {
        self.text.starts_with(['\n', '\r'])
    }
}

/// Edits in the making.
#[derive(Default)]
pub struct Edits {
    edits: Vec<Edit>,
    indents: Vec<Edit>,
}

impl Edits {
    /// Adds one.
    pub fn push(&mut self, edit: Edit) {
        self.edits.push(edit);
    }

    /// Moves the line that starts at a byte to the right. A line that another edit replaces is not there to be moved.
    pub fn indent(&mut self, line: usize, blanks: usize) {
        self.indents.push(Edit::insert(line, " ".repeat(blanks)));
    }

    /// What is put in front of a byte so far.
    pub fn inserted_at(&self, at: usize) -> impl Iterator<Item = &str> {
        let inserted = self.edits.iter().filter(move |edit| edit.range == (at..at));
        inserted.map(|edit| edit.text.as_str())
    }

    /// All of them, in the order of the text.
    pub fn in_order(self) -> Vec<Edit> {
        let Self { mut edits, indents } = self;
        edits.sort_by_key(|edit| (edit.range.start, edit.range.end, edit.starts_a_line()));
        let replaced: Vec<Range<usize>> = edits
            .iter()
            .map(|edit| edit.range.clone())
            .filter(|range| !range.is_empty())
            .collect();
        edits.extend(indents.into_iter().filter(|indent| {
            let at = indent.range.start;
            // Those that start before it; of ranges that do not overlap only the last can reach it.
            let earlier = replaced.partition_point(|range| range.start < at);
            replaced[..earlier]
                .last()
                .is_none_or(|range| range.end <= at)
        }));
        edits.sort_by_key(|edit| (edit.range.start, edit.range.end, edit.starts_a_line()));
        edits
    }
}

/// Two edits want the same bytes, or one wants bytes that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// Where, in bytes of the text before.
    pub at: usize,
}

/// The text with edits made that are in its order.
///
/// # Errors
/// Edits that overlap or leave the text: which of two intentions would win is not for chance to decide.
pub fn splice(text: &str, edits: &[Edit]) -> Result<String, Overlap> {
    let added: usize = edits.iter().map(|edit| edit.text.len()).sum();
    let mut out = String::with_capacity(text.len() + added);
    let mut at = 0;
    for edit in edits {
        let overlap = Overlap {
            at: edit.range.start.min(text.len()),
        };
        let kept = text.get(at..edit.range.start).ok_or(overlap)?;
        text.get(edit.range.clone()).ok_or(overlap)?;
        out.push_str(kept);
        out.push_str(&edit.text);
        at = edit.range.end;
    }
    out.push_str(text.get(at..).ok_or(Overlap { at: text.len() })?);
    Ok(out)
}

/// Where a byte of the text with edits made was before; for one that an edit brought, where that edit is.
pub fn origin(edits: &[Edit], at: usize) -> usize {
    let (mut added, mut removed) = (0, 0);
    for edit in edits {
        let start = edit.range.start + added - removed;
        if at < start {
            break;
        }
        if at < start + edit.text.len() {
            return edit.range.start;
        }
        added += edit.text.len();
        removed += edit.range.len();
    }
    at + removed - added
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edit(range: Range<usize>, text: &str) -> Edit {
        Edit::replace(range, text.to_owned())
    }

    #[test]
    fn edits_that_touch_are_made_in_their_order() {
        let mut edits = Edits::default();
        edits.push(edit(3..3, "\n  new: 2"));
        edits.push(edit(3..3, " 1"));
        edits.push(edit(0..2, "bb"));
        let edits = edits.in_order();
        assert_eq!(splice("aa:", &edits).unwrap(), "bb: 1\n  new: 2");
    }

    #[test]
    fn what_was_there_before_is_found_again() {
        let edits = [edit(0..2, "bbb"), edit(3..3, "xx"), edit(4..6, "")];
        assert_eq!(splice("aa:c--d", &edits).unwrap(), "bbb:xxcd");
        let origins: Vec<usize> = (0..8).map(|at| origin(&edits, at)).collect();
        assert_eq!(origins, [0, 0, 0, 2, 3, 3, 3, 6]);
    }

    #[test]
    fn a_line_that_is_replaced_is_not_moved() {
        let text = "a: |\n old\nb: 1\n";
        let mut edits = Edits::default();
        for line in [0, 5, 10] {
            edits.indent(line, 2);
        }
        edits.push(edit(3..4, "new"));
        edits.push(edit(4..9, ""));
        let edits = edits.in_order();
        assert_eq!(splice(text, &edits).unwrap(), "  a: new\n  b: 1\n");
    }

    #[test]
    fn edits_that_cannot_be_made_are_an_error() {
        let at = |text: &str, edits: &[Edit]| splice(text, edits).map(drop).unwrap_err().at;
        assert_eq!(at("abcd", &[edit(0..3, ""), edit(2..2, "x")]), 2);
        assert_eq!(at("abcd", &[edit(2..2, ""), edit(0..1, "x")]), 0);
        assert_eq!(at("abcd", &[edit(2..9, "")]), 2);
        assert_eq!(at("abcd", &[edit(7..9, "")]), 4);
        // In the middle of a character.
        assert_eq!(at("é", &[edit(1..2, "")]), 1);
        let backwards = Edit {
            range: Range { start: 3, end: 2 },
            text: String::new(),
        };
        assert_eq!(at("abcd", &[backwards]), 3);
    }

    /// What stays, what goes after it, and what comes instead.
    type Piece = (String, String, String);

    proptest! {
        /// Whatever the edits are, and in whatever order they were found, every other byte is the same and is found again.
        #[test]
        fn no_byte_outside_of_an_edit_changes(
            pieces in prop::collection::vec(("[aé\n]{1,4}", "[bü]{0,3}", "[cö\n]{0,3}"), 0..6).prop_shuffle(),
            end in "[aé\n]{0,3}",
            order in any::<prop::sample::Index>(),
        ) {
            let (mut before, mut after) = (String::new(), String::new());
            let (mut found, mut kept) = (Vec::new(), Vec::new());
            let pieces: Vec<Piece> = pieces;
            for (stays, goes, comes) in &pieces {
                kept.push((before.len()..before.len() + stays.len(), after.len()));
                before.push_str(stays);
                after.push_str(stays);
                found.push(edit(before.len()..before.len() + goes.len(), comes));
                before.push_str(goes);
                after.push_str(comes);
            }
            kept.push((before.len()..before.len() + end.len(), after.len()));
            before.push_str(&end);
            after.push_str(&end);
            let first = order.index(found.len() + 1);
            found.rotate_left(first);
            let mut edits = Edits::default();
            found.into_iter().for_each(|edit| edits.push(edit));
            let edits = edits.in_order();
            prop_assert_eq!(splice(&before, &edits), Ok(after));
            for (range, now) in kept {
                for (nth, byte) in range.enumerate() {
                    prop_assert_eq!(origin(&edits, now + nth), byte);
                }
            }
        }
    }
}
