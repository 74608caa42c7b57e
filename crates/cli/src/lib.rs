//! What the three programs have in common on a terminal: `-h`, `-V`, `-q` and `--color`, how wide a line is, how an error
//! looks, and that neither a crash nor a signal
//! leaves keys behind.
//!
//! Each program says the rest of its command line itself.

pub mod core_dump;
pub mod general;
pub mod interrupt;
pub mod talk;
pub mod version;
pub mod wrap;
