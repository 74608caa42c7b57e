//! Where each entry of a text stands, for an editor of the text.
//!
//! The tree says what a text means, and has one value for a key that is set three times. Here are all three.

use std::ops::Range;
use std::sync::Arc;

/// Every entry of a text, in its order.
#[derive(Default)]
pub struct Outline {
    /// They are in the order of their keys.
    pub entries: Vec<OutlineEntry>,
    /// Where an `include` stands.
    pub includes: Vec<usize>,
    /// The braces around the whole text, if it has some, with what is between them.
    pub braces: Option<Range<usize>>,
    /// The keys that the parser is below.
    above: Vec<Arc<str>>,
    /// How many lists it is in: what is in them has no path.
    lists: usize,
}

/// A key with its value.
pub struct OutlineEntry {
    /// All steps from the top of the text.
    pub path: Vec<Arc<str>>,
    /// The first byte of the key.
    pub at: usize,
    /// The bytes of the value.
    pub value: Range<usize>,
    /// What the value is written as.
    pub form: Form,
}

/// What a value is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `[…]` and nothing else.
    List,
    /// Substitutions, several objects or lists one behind the other, `+=`.
    Joined,
    /// `{…}` and nothing else.
    Object,
    /// Text, number and the like, one or several.
    Scalar,
}

impl Outline {
    /// The parser is at a key. What it gets back, [`Self::leave`] takes.
    pub(super) fn enter(&mut self, steps: &[Arc<str>]) -> usize {
        let depth = self.above.len();
        self.above.extend_from_slice(steps);
        depth
    }

    /// The parser is behind the value of the key.
    pub(super) fn leave(&mut self, depth: usize, at: usize, value: Range<usize>, form: Form) {
        if self.lists == 0 {
            self.entries.push(OutlineEntry {
                path: self.above.clone(),
                at,
                value,
                form,
            });
        }
        self.above.truncate(depth);
    }

    pub(super) fn enter_list(&mut self) {
        self.lists += 1;
    }

    pub(super) fn leave_list(&mut self) {
        self.lists -= 1;
    }
}
