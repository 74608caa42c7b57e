//! Values that nobody can read anywhere, in place of those that the repository shows.
//!
//! What a fixture holds is public: the programs know each such value, and say so. A deployment that a test calls secure
//! therefore gets others, of the same length and kind of characters, as its file is copied to where the test runs.

/// What the repository shows: written by `cargo xtask docs`.
const SHOWN: &str = include_str!("../../crates/core/data/repository_values.txt");

/// The text with another value in place of each that the repository shows. A part of a value becomes the same part of
/// the other one, so that values that are similar or split stay so.
pub fn fresh(text: &str) -> String {
    let mut text = text.to_owned();
    let mut values: Vec<_> = SHOWN
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    // One may be the beginning of another.
    values.sort_by_key(|value| std::cmp::Reverse(value.len()));
    for shown in values {
        if text.contains(shown) {
            text = text.replace(shown, &other(shown));
        }
    }
    text
}

fn other(value: &str) -> String {
    value.bytes().map(other_sign).collect()
}

/// No sign stays what it is, and what is a capital letter, a small one or a digit is one again.
fn other_sign(sign: u8) -> char {
    let turned = |first: u8, count: u8, factor: u8| {
        let at = sign - first;
        first + (at * factor + 3) % count
    };
    char::from(match sign {
        b'A'..=b'Z' => turned(b'A', 26, 5),
        b'a'..=b'z' => turned(b'a', 26, 7),
        b'0'..=b'9' => turned(b'0', 10, 1),
        _ => sign,
    })
}
