//! Items of a list of variables.

/// The name of `NAME=value` or `NAME`.
pub(crate) fn name_of(item: &str) -> &str {
    item.split_once('=').map_or(item, |(name, _)| name)
}
