//! Mounts in their short form, as compose reads them.

/// The source, empty where there is none, and the target of `[source:]target[:mode]`; none where compose makes no mount of it.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    if text.len() == 1 || text.len() == 2 {
        return Some(("", text));
    }
    // One letter before a colon is a drive.
    let is_drive = |part: &str| {
        let mut chars = part.chars();
        chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none()
    };
    let mut parts: Vec<&str> = Vec::new();
    let mut start = 0;
    for (at, _) in text.match_indices(':') {
        if !is_drive(&text[start..at]) {
            parts.push(&text[start..at]);
            start = at + 1;
        }
    }
    parts.push(&text[start..]);
    if parts.len() > 3 || parts.iter().any(|part| part.is_empty()) {
        return None;
    }
    match parts[..] {
        [target] => Some(("", target)),
        [source, target, ..] => Some((source, target)),
        [] => None,
    }
}

/// Whether a source is a path of the host, and not the name of a volume. Of names, none has a colon: it is that of a drive.
pub(super) fn is_path(source: &str) -> bool {
    source.starts_with(['/', '.', '~', '\\']) || source.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Docker Compose 2.40 prints them.
    #[test]
    fn a_letter_before_a_colon_is_a_drive() {
        for (text, expected) in [
            ("/x", Some(("", "/x"))),
            ("data:/x:ro", Some(("data", "/x"))),
            ("v:/data", Some(("", "v:/data"))),
            ("a:b:/c", Some(("a:b", "/c"))),
            (r"c:\x:/y", Some((r"c:\x", "/y"))),
            ("data::/x", None),
            ("a1:b1:c1:d1", None),
        ] {
            assert_eq!(split(text), expected, "{text}");
        }
        assert!(is_path("a:b") && is_path("./x") && !is_path("data"));
    }
}
