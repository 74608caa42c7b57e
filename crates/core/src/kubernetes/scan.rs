//! Where the values of a JSON text begin and end, however deep it is nested: nothing is built of it.

use std::ops::Range;

/// The values that follow each other from an offset to the end; none where the text is no JSON.
pub(super) fn values(text: &str, start: usize) -> Option<Vec<Range<usize>>> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at = blanks(bytes, start);
    while at < bytes.len() {
        let end = value(bytes, at)?;
        found.push(at..end);
        at = blanks(bytes, end);
    }
    Some(found)
}

/// The text of a key of an object, where it has one without escapes.
pub(super) fn text_of(text: &str, object: Range<usize>, key: &str) -> Option<String> {
    let value = &text[entry(text, object, key)?];
    let inner = value.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains('\\')).then(|| inner.to_owned())
}

/// The items of the array at a key of an object.
pub(super) fn items(text: &str, object: Range<usize>, key: &str) -> Option<Vec<Range<usize>>> {
    let bytes = text.as_bytes();
    let array = entry(text, object, key)?;
    if bytes[array.start] != b'[' {
        return None;
    }
    let mut found = Vec::new();
    let mut at = blanks(bytes, array.start + 1);
    while bytes.get(at)? != &b']' {
        let end = value(bytes, at)?;
        found.push(at..end);
        at = blanks(bytes, end);
        if bytes.get(at)? == &b',' {
            at = blanks(bytes, at + 1);
        }
    }
    Some(found)
}

/// The last value of a key of an object.
fn entry(text: &str, object: Range<usize>, key: &str) -> Option<Range<usize>> {
    let bytes = &text.as_bytes()[..object.end];
    if bytes.get(object.start)? != &b'{' {
        return None;
    }
    let mut found = None;
    let mut at = blanks(bytes, object.start + 1);
    while bytes.get(at)? == &b'"' {
        let end = string(bytes, at)?;
        let is_meant = &text[at + 1..end - 1] == key;
        at = blanks(bytes, end);
        if bytes.get(at)? != &b':' {
            return None;
        }
        let start = blanks(bytes, at + 1);
        let end = value(bytes, start)?;
        if is_meant {
            found = Some(start..end);
        }
        at = blanks(bytes, end);
        if bytes.get(at)? == &b',' {
            at = blanks(bytes, at + 1);
        }
    }
    found
}

fn blanks(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// The end of the value that begins here.
fn value(bytes: &[u8], start: usize) -> Option<usize> {
    let mut open: Vec<u8> = Vec::new();
    let mut at = start;
    loop {
        match bytes.get(at)? {
            b'"' => at = string(bytes, at)?,
            byte @ (b'{' | b'[') => {
                open.push(*byte);
                at += 1;
            }
            byte @ (b'}' | b']') => {
                // Of each pair the second is two behind the first.
                if open.pop()? + 2 != *byte {
                    return None;
                }
                at += 1;
            }
            b',' | b':' if !open.is_empty() => at += 1,
            byte if byte.is_ascii_whitespace() => at += 1,
            byte if byte.is_ascii_alphanumeric() || b"+-.".contains(byte) => at = word(bytes, at),
            _ => return None,
        }
        if open.is_empty() {
            return Some(at);
        }
    }
}

fn word(bytes: &[u8], mut at: usize) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    while bytes.get(at).is_some_and(is_part) {
        at += 1;
    }
    at
}

/// The end of the text in quotes that begins here.
fn string(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_however_deep_they_are() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let text = format!(
            "{{\"a\\\"b\": {deep}, \"kind\": \"List\", \"items\": [1, {{\"kind\": \"Pod\"}}, \"]\"]}}\n{{}}"
        );
        let found = values(&text, 0).expect("it is JSON");
        assert_eq!(found.len(), 2);
        assert_eq!(
            text_of(&text, found[0].clone(), "kind").as_deref(),
            Some("List")
        );
        let items = items(&text, found[0].clone(), "items").expect("there are some");
        let texts: Vec<&str> = items.iter().map(|item| &text[item.clone()]).collect();
        assert_eq!(texts, ["1", "{\"kind\": \"Pod\"}", "\"]\""]);
        assert_eq!(
            text_of(&text, items[1].clone(), "kind").as_deref(),
            Some("Pod")
        );
    }

    #[test]
    fn what_is_no_json_has_no_values() {
        for text in [
            "{",
            "{\"a\": ]",
            "{\"a",
            "{a: {b}} # c",
            "]",
            "{\"a\": \"\\",
        ] {
            assert_eq!(values(text, 0), None, "{text}");
        }
        assert_eq!(text_of("{\"a\" 1}", 0..7, "a"), None);
        assert_eq!(items("{\"a\": 1}", 0..8, "a"), None);
    }
}
