//! Edits to text.

use zeroize::Zeroizing;

use crate::plan::Edit;

/// The text with the edits made. They are sorted and do not overlap. The buffer is allocated once, since one
/// that grew would leave secrets behind.
pub(crate) fn splice(text: &str, edits: &[Edit]) -> Zeroizing<String> {
    let added: usize = edits.iter().map(|edit| edit.text.len()).sum();
    let mut out = Zeroizing::new(String::with_capacity(text.len() + added));
    let mut at = 0;
    for edit in edits {
        out.push_str(&text[at..edit.range.start]);
        out.push_str(&edit.text);
        at = edit.range.end;
    }
    out.push_str(&text[at..]);
    out
}
