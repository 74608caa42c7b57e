//! known.
