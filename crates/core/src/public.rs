//! Whether a value is one that everybody can read somewhere, as it stands there or hardly changed.
//!
//! Somebody who is told that a value is public changes a letter of it, writes it twice, or encodes it; anyone who tries
//! public values tries these as well.

use std::sync::OnceLock;

use zeroize::Zeroizing;

use crate::known::{self, Class, Known};
use crate::placeholder;
use crate::strength::{bytes_of, is_little};

/// A public value, and what was done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Public {
    /// Which it is.
    pub known: &'static Known,
    /// What is different.
    pub change: Change,
}

/// What was done to a public value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Other small or capital letters, signs, quotes or spaces.
    Case,
    /// Base64 or hexadecimal digits of it.
    Encoded,
    /// Some characters are other ones, are added or are missing.
    Edited,
    /// Another public value is before or behind it.
    Joined,
    /// Nothing.
    None,
    /// It is a part of one.
    Part,
    /// Written several times.
    Repeated,
    /// Written from its end.
    Reversed,
}

impl Change {
    /// In words, behind what the public value is.
    pub fn text(self) -> &'static str {
        match self {
            Self::Case => ", in other letters or signs",
            Self::Encoded => ", encoded",
            Self::Edited => ", with a few characters changed",
            Self::Joined => ", with another public value beside it",
            Self::None => "",
            Self::Part => ", of which it is a part",
            Self::Repeated => ", written several times",
            Self::Reversed => ", written backwards",
        }
    }
}

/// Fewer letters and digits in a row may be the same by chance; 12 are 47 bits and more.
const SAME: usize = 12;

/// The public value that this is or was made of. What stands for one yet to be written is `placeholder::is_placeholder`.
pub fn of(value: &str) -> Option<Public> {
    let known = known::lookup(value).filter(|known| known.class != Class::Placeholder);
    if let Some(known) = known {
        return Some(Public {
            known,
            change: Change::None,
        });
    }
    // Words that say what to write here are those of many templates, and none of them changed.
    if placeholder::is_placeholder(value) {
        return None;
    }
    let text = plain(value);
    if let Some(public) = of_plain(&text) {
        return Some(public);
    }
    let backwards: Zeroizing<Vec<u8>> = Zeroizing::new(text.iter().rev().copied().collect());
    changed(&backwards, Change::Reversed).or_else(|| {
        let inner = bytes_of(value)?;
        let inner = plain(std::str::from_utf8(&inner).ok()?);
        changed(&inner, Change::Encoded)
    })
}

/// The same of a text without signs.
fn of_plain(text: &[u8]) -> Option<Public> {
    if text.len() < SAME {
        return None;
    }
    let once = &text[..period(text)];
    let change = match once.len() == text.len() {
        true => Change::Case,
        false => Change::Repeated,
    };
    if change == Change::Repeated {
        // What is too short to be told when a letter of it is changed is told when it is written twice.
        let mut all = known::all().iter();
        let known = all.find(|one| one.class != Class::Placeholder && *plain(one.value) == *once);
        if let Some(known) = known {
            return Some(Public { known, change });
        }
    }
    let mut edited = None;
    for (known, known_text) in wholes() {
        if *known_text == *once {
            return Some(Public { known, change });
        }
        if edited.is_none() {
            edited = edit(once, known_text).map(|change| Public { known, change });
        }
    }
    edited
}

/// A public value, and its letters and digits, which are nobody's secret.
type Whole = (&'static Known, Vec<u8>);

/// The public values that can be told when they are changed. A stand-in is a phrase, and one with a word more is another;
/// strength judges those.
fn wholes() -> &'static [Whole] {
    static WHOLES: OnceLock<Vec<Whole>> = OnceLock::new();
    let all = || {
        known::all()
            .iter()
            .map(|known| (known, letters(known.value).collect()))
    };
    let is_whole = |(known, text): &Whole| known.class != Class::Placeholder && text.len() >= SAME;
    WHOLES.get_or_init(|| all().filter(is_whole).collect())
}

fn changed(text: &[u8], change: Change) -> Option<Public> {
    of_plain(text).map(|Public { known, .. }| Public { known, change })
}

/// What was done to a public value, where a text is that but for what is added, missing or different in one place, and the rest
/// is worth nothing.
fn edit(text: &[u8], known: &[u8]) -> Option<Change> {
    let start = text.iter().zip(known).take_while(|(a, b)| a == b).count();
    let ends = text[start..].iter().rev().zip(known[start..].iter().rev());
    let end = ends.take_while(|(a, b)| a == b).count();
    if start + end >= SAME && is_rest_little(&[&text[start..text.len() - end]]) {
        return Some(Change::Edited);
    }
    if text.len() >= SAME && find(known, text).is_some() {
        return Some(Change::Part);
    }
    let at = find(text, known)?;
    let rest = [&text[..at], &text[at + known.len()..]];
    if is_rest_little(&rest) {
        return Some(Change::Edited);
    }
    let is_worthless = |rest: &&[u8]| is_rest_little(&[rest]) || of_plain(rest).is_some();
    rest.iter().all(is_worthless).then_some(Change::Joined)
}

/// Where a text has another. Nothing is prepared for it: they are too short for that.
fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    let first = part.first()?;
    let mut places = text.windows(part.len());
    places.position(|place| place.first() == Some(first) && place == part)
}

fn is_rest_little(rest: &[&[u8]]) -> bool {
    let rest = Zeroizing::new(rest.concat());
    std::str::from_utf8(&rest).is_ok_and(is_little)
}

/// The letters and digits of a text, small.
fn plain(text: &str) -> Zeroizing<Vec<u8>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    plain.extend(letters(text));
    plain
}

fn letters(text: &str) -> impl Iterator<Item = u8> {
    let bytes = text.bytes().filter(u8::is_ascii_alphanumeric);
    bytes.map(|byte| byte.to_ascii_lowercase())
}

/// The length of the shortest piece that, repeated, gives the text, also where the last one is cut.
fn period(text: &[u8]) -> usize {
    (1..=text.len() / 2)
        .find(|period| text.iter().zip(&text[*period..]).all(|(a, b)| a == b))
        .unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use base64::Engine;
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

    use super::*;
    use crate::generate::generate;
    use crate::setting::Kind;
    use crate::strength::weakness;

    /// The public values that are long enough to be changed and still be themselves.
    fn long() -> impl Iterator<Item = &'static str> {
        let all = known::all().iter();
        let long =
            all.filter(|known| known.class != Class::Placeholder && known.value.len() >= 2 * SAME);
        long.map(|known| known.value)
    }

    #[test]
    fn a_template_is_none_that_was_changed() {
        assert!(of("SomeRandomString").is_some());
        assert!(of("REPLACE-WITH-RANDOM-STRING").is_none());
    }

    #[test]
    fn a_public_value_is_known_however_it_is_changed() {
        assert!(long().count() > 40);
        for value in long() {
            let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
            let middle = (value.len() / 2..)
                .find(|at| value.is_char_boundary(*at))
                .unwrap();
            let (head, tail) = value.split_at(middle);
            let mut rest = tail.chars();
            let first = rest.next().unwrap();
            let rest = rest.as_str();
            for changed in [
                value.to_lowercase(),
                value.to_uppercase(),
                value.repeat(2),
                value.repeat(3),
                format!("{value}-{value}"),
                value.to_lowercase().repeat(2),
                value.chars().rev().collect(),
                format!(" {value} "),
                format!("\"{value}\""),
                format!("{value}!"),
                format!("{value}1"),
                format!("{value}-2024"),
                format!("x{value}"),
                format!("my-{value}-prod"),
                format!("{head}Q{rest}"),
                format!("{head}{rest}"),
                format!("{head}Q{first}{rest}"),
                format!("{head} {tail}"),
                BASE64_STANDARD.encode(value),
                BASE64_URL_SAFE_NO_PAD.encode(value),
                BASE64_STANDARD.encode(format!("{value}\n")),
                hex.to_uppercase(),
                hex,
            ] {
                // What is only digits in order is worth nothing in any form.
                let is_weak = || weakness(&changed, Kind::Secret).is_some();
                assert!(of(&changed).is_some() || is_weak(), "{value} {changed}");
            }
        }
    }

    #[test]
    fn two_public_values_in_a_row_are_public() {
        let mut known = known::all()
            .iter()
            .filter(|known| known.class == Class::Default && known.value.len() >= 2 * SAME)
            .map(|known| known.value);
        let (one, other) = (known.next().unwrap(), known.next().unwrap());
        for text in [format!("{one}-{other}"), format!("{other}{one}")] {
            assert_eq!(of(&text).map(|public| public.change), Some(Change::Joined));
        }
        let random = generate(Kind::Secret).unwrap();
        assert!(of(&format!("{one}-{}", random.expose())).is_none());
    }

    #[test]
    fn what_was_done_is_said() {
        let default = "Rq8FW84sSqVgq7WvBB_4EzNl9y8z8IGiDXX3C345_a5AZfcwZcwCIA";
        let change = |text: &str| of(text).map(|public| public.change);
        assert_eq!(change(default), Some(Change::None));
        assert_eq!(change(&default.to_lowercase()), Some(Change::Case));
        assert_eq!(change(&default.repeat(2)), Some(Change::Repeated));
        assert_eq!(change(&default.replace('9', "8")), Some(Change::Edited));
        assert_eq!(
            change(&BASE64_STANDARD.encode(default)),
            Some(Change::Encoded)
        );
        assert_eq!(change(&default[10..40]), Some(Change::Part));
        let reversed: String = default.chars().rev().collect();
        assert_eq!(change(&reversed), Some(Change::Reversed));
    }

    /// The files below a folder, or the file itself.
    fn texts(path: &Path) -> Vec<String> {
        let Ok(entries) = fs::read_dir(path) else {
            return fs::read_to_string(path).into_iter().collect();
        };
        let paths = entries.map(|entry| entry.unwrap().path());
        paths.flat_map(|path| texts(&path)).collect()
    }

    #[test]
    fn a_value_that_this_repository_shows_is_public() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let shown = ["tests/fixtures", "tests/cases", "docs", "README.md"];
        let texts = shown.into_iter().flat_map(|path| texts(&root.join(path)));
        let mut values = BTreeSet::new();
        for text in texts {
            let words = text.split(|sign: char| !sign.is_ascii_alphanumeric() && sign != '_');
            let is_capital = |word: &str| word.starts_with(|sign: char| sign.is_ascii_uppercase());
            // What clearml-keygen makes. No name of anything is as long and has capital letters and digits.
            for word in
                words.filter(|word| word.len() == 54 || word.len() == 30 && is_capital(word))
            {
                let has = |is: fn(&u8) -> bool| word.bytes().any(|byte| is(&byte));
                if has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase) && !word.contains('_') {
                    values.insert(word.to_owned());
                }
            }
        }
        assert!(values.len() > 20, "the fixtures are gone: {values:?}");
        for value in values {
            let is_weak = weakness(&value, Kind::Secret).is_some();
            assert!(of(&value).is_some() || is_weak, "cargo xtask docs: {value}");
        }
    }

    #[test]
    fn nothing_else_is_public() {
        for text in [
            "",
            "x",
            "an own text of somebody",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
        for kind in [Kind::Key, Kind::Secret] {
            for _ in 0..1_000 {
                assert_eq!(of(generate(kind).unwrap().expose()), None);
            }
        }
        // A value that only shares a beginning with a public one has enough of its own.
        let own = "Rq8FW84sSqVgq7WvkfP2mXw9LzT4hNc7JdYb3GsVe6QaUi1R";
        assert_eq!(of(own), None);
    }
}
