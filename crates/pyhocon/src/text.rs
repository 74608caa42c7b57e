//! The text as pyhocon sees it, and Python's idea of characters.
//!
//! pyparsing replaces tabs by blanks before anything is parsed, also within quotes, so how many blanks a
//! tab becomes depends on its column.

use zeroize::Zeroizing;

/// A text with its tabs replaced, and the way back to the offsets of the original.
pub(super) struct Expanded {
    text: Zeroizing<String>,
    /// For each tab: one past its blanks here, one past it in the original.
    tabs: Vec<(u32, u32)>,
}

impl Expanded {
    /// Tab stops are eight columns apart; both line ends start a new line.
    pub(super) fn new(parts: &[&str]) -> Self {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let mut blanks = 0;
        let mut count = 0;
        let columns = |mut each: Box<dyn FnMut(char, usize) + '_>| {
            let mut column = 0;
            for c in parts.iter().flat_map(|part| part.chars()) {
                let width = if c == '\t' { 8 - column % 8 } else { 1 };
                column = if matches!(c, '\n' | '\r') {
                    0
                } else {
                    column + width
                };
                each(c, width);
            }
        };
        if parts.iter().any(|part| part.contains('\t')) {
            columns(Box::new(|c, width| {
                if c == '\t' {
                    blanks += width;
                    count += 1;
                }
            }));
        }
        // Allocated once: a text that grew would leave copies of the secrets in it behind.
        let mut text = Zeroizing::new(String::with_capacity(length + blanks));
        let mut tabs = Vec::with_capacity(count);
        if count == 0 {
            parts.iter().for_each(|part| text.push_str(part));
        } else {
            let mut original = 0_u32;
            columns(Box::new(|c, width| {
                if c == '\t' {
                    text.extend(std::iter::repeat_n(' ', width));
                    original += 1;
                    tabs.push((text.len() as u32, original));
                } else {
                    text.push(c);
                    original += c.len_utf8() as u32;
                }
            }));
        }
        Self { text, tabs }
    }

    /// The text without tabs.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where an offset of [`Self::text`] is in the original.
    pub(super) fn original(&self, offset: usize) -> usize {
        let next = self
            .tabs
            .partition_point(|(here, _)| *here as usize <= offset);
        let before = next.checked_sub(1).and_then(|index| self.tabs.get(index));
        let (here, there) =
            before.map_or((0, 0), |(here, there)| (*here as usize, *there as usize));
        let offset = there + (offset - here);
        // Within the blanks of a tab: the tab itself.
        match self.tabs.get(next) {
            Some((_, limit)) => offset.min(*limit as usize - 1),
            None => offset,
        }
    }
}

/// Whether `\s` of Python's regular expressions takes the character.
pub(super) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// The digit that Python's `\d` and `int()` take the character for: any decimal digit of Unicode.
pub(super) fn digit(c: char) -> Option<u8> {
    if c.is_ascii() {
        return c.is_ascii_digit().then(|| c as u8 - b'0');
    }
    let code = c as u32;
    let zero = ZEROS[..ZEROS.partition_point(|zero| *zero <= code)].last()?;
    u8::try_from(code - zero).ok().filter(|digit| *digit < 10)
}

/// The zeros beyond ASCII of Unicode 14, which Python 3.11 knows; the other nine digits follow each.
const ZEROS: &[u32] = &[
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6,
    0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50,
    0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
    0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650,
    0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50,
    0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tabs_become_blanks_and_offsets_lead_back() {
        let expanded = Expanded::new(&["a: ", "ä\tb\n\t\tc"]);
        assert_eq!(expanded.text(), "a: ä    b\n                c");
        assert_eq!(expanded.original(0), 0);
        for (here, there) in [
            (3, 3),
            (5, 5),
            (6, 5),
            (8, 5),
            (9, 6),
            (10, 7),
            (11, 8),
            (19, 9),
            (27, 10),
        ] {
            assert_eq!(expanded.original(here), there, "{here}");
        }
    }

    #[test]
    fn digits_are_those_of_unicode() {
        assert_eq!(digit('7'), Some(7));
        assert_eq!(digit('\u{663}'), Some(3));
        assert_eq!(digit('\u{ff19}'), Some(9));
        assert_eq!(digit('²'), None);
        assert_eq!(digit('a'), None);
    }

    #[test]
    fn spaces_are_those_of_python() {
        assert!(is_space('\u{1c}') && is_space('\u{a0}') && is_space('\u{85}'));
        assert!(!is_space('\u{200b}') && !is_space('\u{feff}'));
    }
}
