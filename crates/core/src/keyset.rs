//! keyset.
