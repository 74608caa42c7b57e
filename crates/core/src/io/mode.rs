//! Who may read a file that is written.

/// Who may read a file that takes the place of another. One that is new is private.
#[derive(Clone, Copy, PartialEq)]
pub enum Mode {
    /// Anyone who could read the one before: mode and access control list are kept.
    Keep,
    /// Its owner only.
    Private,
}
