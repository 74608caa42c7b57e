//! Places in the texts of includes.
//!
//! While a text is parsed a place is one number. Those of an included text are behind all of the text that includes it, so
//! that a value knows where it was written however it is copied and joined, and nothing else has to know.

use std::ops::Range;

use crate::parse::LIMIT;
use crate::tree::{Tag, Written};

/// The texts that includes have brought so far.
#[derive(Default)]
pub(crate) struct Texts(Vec<Text>);

/// One of them.
struct Text {
    /// The place of its first byte.
    start: usize,
    length: usize,
    /// The bytes of the `include` in the text that was asked for.
    include: (usize, usize),
    tag: Option<Tag>,
}

impl Texts {
    /// Takes over a text; the place of its first byte.
    pub(crate) fn add(
        &mut self,
        length: usize,
        include: (usize, usize),
        tag: Option<Tag>,
    ) -> usize {
        let behind = |text: &Text| text.start + text.length + 1;
        let start = self.0.last().map_or(LIMIT + 1, behind);
        self.0.push(Text {
            start,
            length,
            include,
            tag,
        });
        start
    }

    /// The place in the text that was asked for: that of the `include`, where another brought it.
    pub(crate) fn outside(&self, place: usize) -> usize {
        self.text(place).map_or(place, |text| text.include.0)
    }

    /// The same of both ends, and where it was really written.
    pub(crate) fn place(&self, start: usize, end: usize) -> (Range<usize>, Option<Written>) {
        let Some(text) = self.text(start) else {
            let end = self.text(end).map_or(end, |text| text.include.1);
            return (start..end, None);
        };
        let written = text.tag.map(|tag| {
            let start = start - text.start;
            let end = end.saturating_sub(text.start).clamp(start, text.length);
            let span = start..end;
            Written { tag, span }
        });
        (text.include.0..text.include.1, written)
    }

    fn text(&self, place: usize) -> Option<&Text> {
        let before = self.0.partition_point(|text| text.start <= place);
        self.0.get(before.checked_sub(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_an_included_text_is_found_again() {
        let mut texts = Texts::default();
        let first = texts.add(10, (3, 7), Some(Tag(5)));
        let second = texts.add(0, (8, 9), None);
        let third = texts.add(4, (3, 7), Some(Tag(6)));
        let written = |tag, span| {
            Some(Written {
                tag: Tag(tag),
                span,
            })
        };
        assert_eq!(texts.place(2, 4), (2..4, None));
        assert_eq!(
            texts.place(first + 1, first + 10),
            (3..7, written(5, 1..10))
        );
        assert_eq!(texts.place(second, second), (8..9, None));
        assert_eq!(texts.place(third, third + 4), (3..7, written(6, 0..4)));
        // What was joined of two texts begins in the first.
        assert_eq!(texts.place(first + 1, third), (3..7, written(5, 1..10)));
        assert_eq!(texts.place(1, third), (1..7, None));
        assert_eq!([texts.outside(2), texts.outside(third + 2)], [2, 3]);
    }
}
