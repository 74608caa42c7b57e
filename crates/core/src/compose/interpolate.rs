//! Interpolation as compose does it.
