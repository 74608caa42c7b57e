//! Texts that are likely to be read in different ways.

mod pieces;
#[path = "../../../../tests/oracles/random.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod random;

use std::collections::BTreeMap;

use super::oracle::Case;
use pieces::{KEYS, PATHS, PLAIN, WORDS};
use random::Random;

pub(crate) struct Generator(Random);

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Random::new(seed))
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0.below(bound)
    }

    pub(crate) fn one_in(&mut self, count: usize) -> bool {
        self.0.one_in(count)
    }

    pub(crate) fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        self.0.pick(from)
    }

    fn characters(&mut self, alphabet: &str, length: usize) -> String {
        let alphabet: Vec<char> = alphabet.chars().collect();
        (0..length)
            .map(|_| alphabet[self.below(alphabet.len())])
            .collect()
    }

    /// A value of an environment variable.
    pub(crate) fn variable(&mut self) -> Case {
        let text = self.value();
        Case {
            path: Some(self.pick(PATHS).to_owned()),
            text,
            environment: environment(),
            files: if self.one_in(20) {
                files()
            } else {
                BTreeMap::new()
            },
        }
    }

    fn value(&mut self) -> String {
        const ANY: &str = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
        const SAFE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        match self.below(8) {
            0 => {
                let length = 1 + self.below(8);
                self.characters("0123456789smhdwyunoeE-_A .", length)
            }
            1 => {
                let length = 1 + self.below(12);
                self.characters(ANY, length)
            }
            2 => {
                let length = 1 + self.below(7);
                self.characters("\"\\ #a/5s$\n\t{}", length)
            }
            3 => {
                // A secret with something in it.
                let length = 4 + self.below(60);
                let mut text = self.characters(SAFE, length);
                for _ in 0..self.below(3) {
                    let at = match self.below(3) {
                        0 => 0,
                        1 => text.chars().count(),
                        _ => self.below(length),
                    };
                    let mut characters: Vec<char> = text.chars().collect();
                    let piece = if self.one_in(2) {
                        self.characters(ANY, 1)
                    } else {
                        self.pick(WORDS).to_owned()
                    };
                    characters.splice(at..at, piece.chars());
                    text = characters.into_iter().collect();
                }
                text
            }
            _ => (0..1 + self.below(6)).map(|_| self.pick(WORDS)).collect(),
        }
    }

    /// A `.conf` file.
    pub(crate) fn file(&mut self) -> Case {
        let mut text = String::new();
        match self.below(3) {
            0 => self.plain_file(&mut text),
            1 => self.references(&mut text),
            _ => self.wild_file(&mut text),
        }
        if self.one_in(6) {
            text = text.replace('\n', "\r\n");
        }
        if self.one_in(6) {
            text = text.replace("  ", "\t");
        }
        if self.one_in(9) {
            self.mutate(&mut text);
        }
        Case {
            path: None,
            text,
            environment: environment(),
            files: if self.one_in(3) {
                files()
            } else {
                BTreeMap::new()
            },
        }
    }

    /// What people write: sections, comments, lists, quotes.
    fn plain_file(&mut self, text: &mut String) {
        for _ in 0..1 + self.below(4) {
            let section = self.pick(&[
                "http",
                "auth",
                "credentials",
                "fixed_users",
                "\"a.b\"",
                "a.b",
            ]);
            text.push_str(section);
            text.push_str(self.pick(&[" {\n", ": {\n", " = {\n", "\n{\n", " { # section\n"]));
            for _ in 0..self.below(5) {
                text.push_str("    ");
                text.push_str(self.pick(&[
                    "# enabled: true\n",
                    "// users may log in\n",
                    "users: [\n  { username: \"jane\", name: \"Jane Doe\" }\n  { username: john }\n]\n",
                    "users = [{username: jane, password: \"1\"}, {username: john}]\n",
                    "cors { origins: \"*\", max_age = 3600 }\n",
                    "session { secret: \"V8gcW3En-_#$\" } # end\n",
                    "apiserver { role: \"system\", user_key: \"A\",\n user_secret: \"B\", }\n",
                    "-credentials { mine: x }\n",
                    "\"-credentials\" { mine: x }\n",
                    "secret: ${?E}\n",
                    "\n",
                ]));
                text.push_str("    ");
                text.push_str(self.pick(&[
                    "user_key",
                    "user_secret",
                    "enabled",
                    "a.b",
                    "\"c d\"",
                    "ip",
                    "port",
                ]));
                text.push_str(self.pick(&[": ", "=", " = ", ":"]));
                let value = match self.below(4) {
                    0 => self.pick(WORDS),
                    1 => "\"${E} # no comment\"",
                    2 => self.pick(&WORDS[8..46]),
                    _ => self.pick(PLAIN),
                };
                text.push_str(value);
                text.push_str(self.pick(&["\n", "\n", ",\n", "  # why\n", " // why\n"]));
            }
            text.push_str("}\n");
        }
    }

    /// Keys that refer to each other, to themselves and to what they override.
    fn references(&mut self, text: &mut String) {
        const NAMES: &[&str] = &["a", "b", "c", "d", "a.x", "b.x", "c.y", "a.x.y", "b.x.z"];
        let count = 2 + self.below(5);
        for _ in 0..count {
            let name = self.pick(NAMES);
            text.push_str(name);
            text.push_str(self.pick(&[": ", " = ", ": ", " += "]));
            let parts = if self.one_in(3) { 2 } else { 1 };
            for _ in 0..parts {
                match self.below(9) {
                    0..=3 => {
                        let optional = self.pick(&["", "?"]);
                        let other = self.pick(NAMES);
                        text.push_str(&format!("${{{optional}{other}}}"));
                    }
                    4 => {
                        let (key, other) = (self.pick(&["x", "y", "z"]), self.pick(NAMES));
                        text.push_str(&format!("{{ {key}: ${{?{other}}} }}"));
                    }
                    5 => {
                        let other = self.pick(NAMES);
                        text.push_str(&format!("[1, ${{?{other}}}]"));
                    }
                    6 => text.push_str(self.pick(&[
                        "{ x: 1 }",
                        "{ x: { y: 2 } }",
                        "[0]",
                        "{}",
                        "[]",
                        "[3, null]",
                    ])),
                    _ => text.push_str(
                        self.pick(&["1", "v", "\"w\"", "null", "0", "\"\"", "5s", "true", "${E}"]),
                    ),
                }
                text.push_str(self.pick(&["", " "]));
            }
            text.push('\n');
        }
    }

    fn wild_file(&mut self, text: &mut String) {
        if self.one_in(100) {
            text.push('\u{feff}');
        }
        let is_braced = self.one_in(6);
        if is_braced {
            text.push('{');
        }
        let tidy = !self.one_in(3);
        self.entries(text, 0, tidy);
        if is_braced {
            text.push('}');
        }
    }

    fn entries(&mut self, text: &mut String, depth: usize, tidy: bool) {
        let indent = "  ".repeat(depth);
        for _ in 0..self.below(5) + usize::from(depth == 0) {
            text.push_str(&indent);
            match self.below(14) {
                0 => text.push_str("# a comment, with: things {"),
                1 => text.push_str("// another = one"),
                2 if self.one_in(2) => {
                    let include = self.pick(&[
                        "include \"one.conf\"",
                        "include file(\"two.conf\")",
                        "include \"none.conf\"",
                        "include required(\"one.conf\")",
                        "include \"sub/three.conf\"",
                    ]);
                    text.push_str(include);
                }
                _ => self.entry(text, depth, tidy),
            }
            text.push_str(self.pick(&[
                "\n",
                "\n",
                "\n",
                "\n\n",
                ",\n",
                "\n,\n",
                " # end\n",
                " // end\n",
                ", ",
            ]));
        }
        text.push_str(&indent);
    }

    fn entry(&mut self, text: &mut String, depth: usize, tidy: bool) {
        let key = if tidy {
            self.pick(&KEYS[..13])
        } else {
            self.pick(KEYS)
        };
        text.push_str(key);
        if depth < 4 && self.one_in(4) {
            text.push_str(self.pick(&[" {", "{\n", ": {\n", " = {", " {\n"]));
            self.entries(text, depth + 1, tidy);
            text.push('}');
            if self.one_in(8) {
                text.push_str(" {b: 1}");
            }
            return;
        }
        text.push_str(self.pick(&[": ", ": ", ":", "=", " = ", " = ", " : ", " += ", "=\n  "]));
        self.conf_value(text, depth, tidy);
    }

    fn conf_value(&mut self, text: &mut String, depth: usize, tidy: bool) {
        match self.below(if depth < 4 { 10 } else { 8 }) {
            0 => text.push_str(self.pick(&[
                "${a}",
                "${?a}",
                "${b}",
                "${a.b}",
                "${?c}",
                "${E}",
                "${?E}",
                "${?missing}",
                "${c}",
                "${d}",
            ])),
            1 => {
                // Joined with something.
                let parts = 2 + self.below(2);
                for _ in 0..parts {
                    let part = self.pick(&[
                        "${a}",
                        "${?b}",
                        "${c.d}",
                        "${E}",
                        "x",
                        "\"y z\"",
                        "5s",
                        "true",
                        "null",
                        "7",
                        "{b: 2}",
                        "{c: ${a}}",
                        "[1]",
                        "[${b}]",
                        "[${?missing}, 2]",
                    ]);
                    text.push_str(part);
                    text.push_str(self.pick(&[" ", "", "  "]));
                }
            }
            2..=5 if tidy => text.push_str(self.pick(PLAIN)),
            8 => {
                text.push('[');
                for _ in 0..self.below(4) {
                    self.conf_value(text, depth + 1, tidy);
                    text.push_str(self.pick(&[", ", ",", "\n", ",\n", " # c\n"]));
                }
                text.push(']');
            }
            9 => {
                text.push('{');
                self.entries(text, depth + 1, tidy);
                text.push('}');
            }
            _ if tidy => text.push_str(self.pick(&WORDS[..45])),
            _ => {
                for _ in 0..1 + self.below(2) {
                    text.push_str(self.pick(WORDS));
                }
            }
        }
    }

    fn mutate(&mut self, text: &mut String) {
        let mut characters: Vec<char> = text.chars().collect();
        let at = self.below(characters.len() + 1);
        match self.below(3) {
            0 if at < characters.len() => {
                characters.remove(at);
            }
            1 => {
                let word = self.pick(WORDS);
                characters.splice(at..at, word.chars());
            }
            _ => characters.truncate(at),
        }
        *text = characters.into_iter().collect();
    }
}

fn environment() -> BTreeMap<String, String> {
    [
        ("E", "from env 5s"),
        ("F", ""),
        ("5s", "period"),
        ("c", "env c"),
        (" E ", "blanks"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

fn files() -> BTreeMap<String, String> {
    [
        ("one.conf", "b: 7\nc { d: ${?E}, e: [1, ${?missing}] }\n"),
        ("two.conf", "# two\n{ a: ${b}, d: null }"),
        ("sub/three.conf", "include \"four.conf\"\nd.e: 3"),
        ("sub/four.conf", "a { x: 1 }\nc += 4"),
        ("x", "q: 1"),
    ]
    .map(|(name, text)| (name.to_owned(), text.to_owned()))
    .into()
}
