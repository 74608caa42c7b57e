//! Who may read a file that is written.

/// Who may read a file that takes the place of another. One that is new is private, unless it is for anyone.
#[derive(Clone, Copy, PartialEq)]
pub enum Mode {
    /// Anyone, and it belongs to the user that writes it: numbers that a program of another user collects.
    Anyone,
    /// Anyone who could read the one before: mode and access control list are kept.
    Keep,
    /// Its owner only.
    Private,
}
