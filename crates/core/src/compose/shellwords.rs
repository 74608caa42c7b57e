//! A command that is written as one text, as words: the way compose splits it, which is not quite a shell's.

/// The words. What compose refuses is none.
///
/// Compose takes quotes and backslashes as a shell does, and stops at the first operator outside of them: of `a; b` only
/// `a` is run. Nothing is expanded.
pub(super) fn split(text: &str) -> Option<Vec<String>> {
    Some(split_off(text)?.0)
}

/// What it drops: all from an operator of a shell on.
pub(super) fn dropped(text: &str) -> Option<&str> {
    let is_operator = |c: char| ";&|".contains(c) || c.is_whitespace();
    let rest = split_off(text)?.1.trim_start_matches(is_operator);
    (!rest.is_empty()).then_some(rest)
}

fn split_off(text: &str) -> Option<(Vec<String>, &str)> {
    let mut words = Words::default();
    let mut chars = text.chars();
    let mut rest = "";
    while let Some(c) = chars.next() {
        match (c, words.quote) {
            ('\\', Quote::None | Quote::Double) => words.push(chars.next()?),
            ('\'', Quote::None) => words.open(Quote::Single),
            ('"', Quote::None) => words.open(Quote::Double),
            ('`', Quote::None) => {
                words.open(Quote::Back);
                words.push(c);
            }
            ('(', Quote::None) if words.ends_with_dollar() => {
                words.open(Quote::Dollar);
                words.push(c);
            }
            ('(', Quote::None) => return None,
            (';' | '&' | '|' | '<' | '>', Quote::None) => {
                rest = chars.as_str();
                break;
            }
            ('\'', Quote::Single) | ('"', Quote::Double) => words.quote = Quote::None,
            ('`', Quote::Back) | (')', Quote::Dollar) => {
                words.quote = Quote::None;
                words.push(c);
            }
            (c, Quote::None) if c.is_whitespace() => words.end(),
            (c, _) => words.push(c),
        }
    }
    if words.quote != Quote::None {
        return None;
    }
    words.end();
    Some((words.done, rest))
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Quote {
    Back,
    Dollar,
    Double,
    #[default]
    None,
    Single,
}

#[derive(Default)]
struct Words {
    done: Vec<String>,
    /// The word that is read; quotes make one of nothing.
    word: Option<String>,
    quote: Quote,
}

impl Words {
    fn open(&mut self, quote: Quote) {
        self.quote = quote;
        self.word.get_or_insert_default();
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_default().push(c);
    }

    fn end(&mut self) {
        self.done.extend(self.word.take());
    }

    fn ends_with_dollar(&self) -> bool {
        self.word.as_ref().is_some_and(|word| word.ends_with('$'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observed with Docker Compose 2.40.
    #[test]
    fn words_are_those_of_compose() {
        for (text, words) in [
            ("a b; c d", &["a", "b"][..]),
            ("a && b", &["a"]),
            (
                "a 'b c' \"d $X e\" f\\ g \\\"h",
                &["a", "b c", "d $X e", "f g", "\"h"],
            ),
            (
                "sh -c \"export A=1 && exec b\" x>y z",
                &["sh", "-c", "export A=1 && exec b", "x"],
            ),
            ("a `b c` $(d e)x | f", &["a", "`b c`", "$(d e)x"]),
            ("  a\tb\n c  ", &["a", "b", "c"]),
            ("a '' \"\" b", &["a", "", "", "b"]),
        ] {
            let split = split(text).unwrap_or_default();
            assert_eq!(split, words, "{text}");
        }
        assert_eq!(split("a \"b"), None);
        assert_eq!(split("a (b)"), None);
    }
}
