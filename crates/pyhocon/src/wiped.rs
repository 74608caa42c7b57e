//! Text that may be a secret.

use std::fmt;

use zeroize::Zeroizing;

/// Text of a configuration, any of which may be a secret.
///
/// It is wiped when dropped and shows nothing of itself in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct WipedText(Zeroizing<String>);

impl WipedText {
    /// Takes over `text`. No copy is made, so there is none to wipe elsewhere.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. The caller answers for where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text itself, still wiped when dropped.
    pub fn into_inner(self) -> Zeroizing<String> {
        self.0
    }

    /// Whether there is no character at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for WipedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WipedText(redacted)")
    }
}

impl From<&str> for WipedText {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let text = WipedText::from("MARK-ME");
        assert_eq!(
            format!("{text:?} {:?}", Some(&text)),
            "WipedText(redacted) Some(WipedText(redacted))"
        );
    }
}
