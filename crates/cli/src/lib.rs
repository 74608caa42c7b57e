//! What the three programs have in common on a terminal: `-h`, `-V`, `-q` and `--color`, how wide a line is, how an error
//! looks, and that a crash leaves no keys behind.
//!
//! Each program says the rest of its command line itself.

pub mod core_dump;
pub mod general;
pub mod talk;
pub mod version;
pub mod wrap;
