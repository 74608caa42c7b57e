//! hocon.
