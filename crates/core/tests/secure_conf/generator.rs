//! Files as people write a `secure.conf`: settings in every spelling, among other things.

use clearml_secure_core::setting::{SETTINGS, Setting};

/// A file with holes where the values of settings are.
pub(crate) struct File {
    pieces: Vec<String>,
    /// Which setting the hole behind each piece is of, and its value as it is written.
    holes: Vec<(Setting, String)>,
}

pub(crate) struct Generator {
    state: u64,
}

/// What else is in such files. None of it is read as a setting.
const OTHER: &[&str] = &[
    "redis { fileserver { password: \"p#w\", db = 8 } }",
    "redis.apiserver.password = ${E}",
    "elastic { user: ${?NOBODY}, password: \"x\" \"y\" }",
    "storage { aws { s3 { credentials: [{host: \"h:9000\", key: minio, secret: \"a$b\"}, {key: k}] } } }",
    "# } auth.token_secret: \"not this one\" {",
    "// users: [ {",
    "note: \"\"\"auth { token_secret: \"x\" }\"\"\"",
    "ttl: 10 days\nnumber: 007\nbig: 1e400\ntruth: TRUE\nnothing: null",
    "words: one two  three",
    "list: [1, 2, \"3\"\n 4, [5]]",
    "more: [a]\nmore += [b]",
    "base { x: 1 }\nderived: ${base} { y: 2 }",
    "credentials { mine { role: user, user_key: a, user_secret: \"b\" } }",
    "credentials.tests.role: user",
    "credentials { apiserver { role: \"system\", display_name: \"it's me\" } }",
    "\"quoted.key\": \"auth.token_secret: x\"",
    "a.b.c: \"\\\"\\\\\\n\"",
    "umlaut: \"äöü 漢 🔑\"",
    "",
];

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed | 1 }
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        // xorshift64*
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        (self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % count
    }

    pub(crate) fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    pub(crate) fn file(&mut self) -> File {
        let line_end = self.one(&["\n", "\n", "\r\n"]);
        let mut file = File::new();
        let mut settings: Vec<Setting> =
            SETTINGS.into_iter().filter(|_| self.below(4) > 0).collect();
        for index in (1..settings.len()).rev() {
            settings.swap(index, self.below(index + 1));
        }
        let has_braces = self.below(3) == 0;
        if has_braces {
            file.push(self.one(&["{", "{ ", "  {\n", "# mine\n{ // all of it\n"]));
        }
        // The first key tells the format, so it must be one that a keyset is about.
        file.push("http { }\n");
        for setting in settings {
            self.setting(&mut file, setting);
            for _ in 0..self.below(3) {
                let other = self.one(OTHER);
                if !file.has(other) {
                    file.push(other);
                    file.push("\n");
                }
            }
        }
        if has_braces {
            file.end_here();
            file.push(self.one(&["}", "}\n", "}\n# the end\n", "} // the end"]));
        } else {
            file.push(self.one(&["", "# the end", "# the end\n", "\n\n"]));
            file.end_here();
        }
        for piece in &mut file.pieces {
            *piece = piece.replace('\n', line_end);
        }
        file
    }

    fn setting(&mut self, file: &mut File, setting: Setting) {
        let path = setting.path().strip_prefix("secure.").unwrap();
        let steps: Vec<&str> = path.split('.').collect();
        // Some steps in one key, each of the rest in braces of its own.
        let dotted = 1 + self.below(steps.len());
        let braces = steps.len() - dotted;
        let indent = self.one(&["", "  ", "\t"]);
        for step in &steps[..braces] {
            let step = if self.below(4) == 0 {
                format!("\"{step}\"")
            } else {
                (*step).to_owned()
            };
            file.push(indent);
            file.push(&step);
            file.push(self.one(&[" {", "{", ": {", " = {\n", " {\n    ", " { # a\n"]));
        }
        file.push(&steps[braces..].join("."));
        file.push(self.one(&[": ", "=", " = ", ":", " : \n  ", ": # why\n "]));
        let value = self.value();
        file.hole(setting, value);
        file.push(self.one(&["", " ", " # old", " // \"old\"", ","]));
        file.push("\n");
        for _ in 0..braces {
            file.push(self.one(&["}", "  }", "\n}"]));
        }
        file.push("\n");
    }

    fn value(&mut self) -> String {
        let text = format!("old{}", self.below(1_000_000));
        match self.below(5) {
            0 => text,
            1 => format!("{text} {text}"),
            2 => format!("\"\"\"{text}\"\"\""),
            3 => format!("\"{text}\\\\ #$ \\\"\""),
            _ => format!("\"{text}\""),
        }
    }
}

impl File {
    fn new() -> Self {
        Self {
            pieces: vec![String::new()],
            holes: Vec::new(),
        }
    }

    fn push(&mut self, text: &str) {
        self.pieces.last_mut().unwrap().push_str(text);
    }

    fn hole(&mut self, setting: Setting, value: String) {
        self.holes.push((setting, value));
        self.pieces.push(String::new());
    }

    fn has(&self, text: &str) -> bool {
        !text.is_empty() && self.pieces.iter().any(|piece| piece.contains(text))
    }

    /// New lines come here, in front of the last piece.
    fn end_here(&mut self) {
        self.pieces.push(String::new());
    }

    /// As it is.
    pub(crate) fn text(&self) -> String {
        let [before, after] = self.around(&|_| None);
        before + &after
    }

    /// What is in front of new lines and what is behind, with values in place of those that are there.
    pub(crate) fn around(&self, value: &dyn Fn(Setting) -> Option<String>) -> [String; 2] {
        let mut parts = [String::new(), String::new()];
        for (index, piece) in self.pieces.iter().enumerate() {
            let is_last = index + 1 == self.pieces.len();
            let part = &mut parts[usize::from(is_last)];
            part.push_str(piece);
            if let Some((setting, old)) = self.holes.get(index) {
                part.push_str(&value(*setting).unwrap_or_else(|| old.clone()));
            }
        }
        parts
    }
}
