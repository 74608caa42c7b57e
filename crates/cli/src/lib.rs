//! What the three programs have in common on a terminal: `-h` and `-V`, colors, how wide a line is, and how an error looks.
//!
//! Each program says the rest of its command line itself.

pub mod wrap;
