//! What `-V` prints: the version, the commit it was built from, and how old the built-in lists are.

/// The version of all programs, and what they were built from. `lists` are the built-in ones with the dates of their last
/// change.
pub fn text(lists: &[(&str, &str)]) -> String {
    let commit = option_env!("CLEARML_SECURE_COMMIT").map(str::to_owned);
    let lists = lists.iter().map(|(name, date)| format!("{name} {date}"));
    let all: Vec<String> = commit.into_iter().chain(lists).collect();
    format!("{} ({})", env!("CARGO_PKG_VERSION"), all.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_their_dates() {
        let text = text(&[("defaults", "2026-01-02")]);
        assert!(text.starts_with(env!("CARGO_PKG_VERSION")), "{text}");
        assert!(text.ends_with("defaults 2026-01-02)"), "{text}");
    }
}
