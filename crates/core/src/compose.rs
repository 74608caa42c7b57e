//! Compose files.
pub mod interpolate;
