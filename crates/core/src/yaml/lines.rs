//! Lines, their ends and their indentation.

/// The start of the line that holds a byte.
pub fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// The end of the line that holds a byte, before its line break.
pub fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
    at + line.strip_suffix('\r').unwrap_or(line).len()
}

/// The column of a byte, in bytes, a byte order mark not counted.
pub fn column(text: &str, at: usize) -> usize {
    text[line_start(text, at)..at]
        .trim_start_matches('\u{feff}')
        .len()
}

/// The blanks in front of the first other character of a byte's line.
pub fn indentation(text: &str, at: usize) -> usize {
    let line = text[line_start(text, at)..].trim_start_matches('\u{feff}');
    line.len() - line.trim_start_matches(' ').len()
}

/// The line break of the line that holds a byte, or of the first line where that one has none.
pub fn line_break(text: &str, at: usize) -> &'static str {
    let is_crlf = |newline: usize| text[..newline].ends_with('\r');
    match text[at..]
        .find('\n')
        .map(|newline| at + newline)
        .or_else(|| text.find('\n'))
    {
        Some(newline) if is_crlf(newline) => "\r\n",
        _ => "\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_before_their_break() {
        let text = "\u{feff}a: 1\r\n  b: 2\r\nc";
        assert_eq!(&text[line_start(text, 12)..line_end(text, 12)], "  b: 2");
        assert_eq!((column(text, 3), indentation(text, 12)), (0, 2));
        assert_eq!(line_break(text, text.len()), "\r\n");
    }
}
