//! What the three programs have in common on a terminal: `-h`, `-V`, `-q` and `--color`, how wide a line is, and how an error
//! looks.
//!
//! Each program says the rest of its command line itself.

pub mod general;
pub mod talk;
pub mod version;
pub mod wrap;
