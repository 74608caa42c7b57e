//! For programs: `{"version": 1, "settings": {…}, "users": […]}`.

use serde::de::IgnoredAny;
use zeroize::Zeroizing;

use super::model::{self, Item, Node, VERSION};
use super::{Fault, Keyset, push_quoted};
use crate::secret::Secret;

/// How deep values may stand in each other; a keyset has three levels.
const DEPTH_LIMIT: usize = 128;

pub(super) fn write(keyset: &Keyset, out: &mut String) {
    out.push_str("{\n  \"version\": ");
    out.push_str(&VERSION.to_string());
    out.push_str(",\n  \"settings\": {");
    for (index, (setting, value)) in keyset.entries().enumerate() {
        out.push_str(if index == 0 { "\n    " } else { ",\n    " });
        push_quoted(out, setting.path());
        out.push_str(": ");
        push_quoted(out, value.expose());
    }
    out.push_str("\n  },\n  \"users\": [");
    for (index, user) in keyset.users().iter().enumerate() {
        out.push_str(if index == 0 { "\n    " } else { ",\n    " });
        out.push_str("{\"username\": ");
        push_quoted(out, &user.username);
        out.push_str(", \"name\": ");
        push_quoted(out, &user.name);
        out.push_str(", \"password_hash\": ");
        push_quoted(out, user.password_hash.expose());
        out.push('}');
    }
    // Present even when empty, so that a program that reads it needs no second case.
    out.push_str(if keyset.users().is_empty() {
        "]\n}\n"
    } else {
        "\n  ]\n}\n"
    });
}

pub(super) fn read(text: &str) -> Result<Keyset, Fault> {
    match parse(text) {
        Ok(root) => model::read(&root),
        Err(fault) => Err(second(text).unwrap_or(fault)),
    }
}

/// What `clearml-keygen --count` writes is a keyset on each line.
fn second(text: &str) -> Option<Fault> {
    let first = text.trim_start_matches('\u{feff}').trim_start();
    let (line, rest) = first.split_once('\n')?;
    let is_whole = |line: &str| serde_json::from_str::<IgnoredAny>(line).is_ok();
    let offset = text.len() - rest.trim_start().len();
    let next = rest.trim_start().lines().next()?;
    (is_whole(line) && is_whole(next)).then(|| {
        Fault::new(
            offset,
            "a second keyset begins here, and only one can be used",
        )
        .help("take one line of the file:\n  sed -n 1p FILE | clearml-keygen --from - -o keys.env")
    })
}

/// The text as a tree that knows where everything stands.
///
/// serde_json says what is no JSON, but neither where an entry stands nor that one stands there twice. So the
/// tree is made here, of a text that is known to be good.
pub(super) fn parse(text: &str) -> Result<Node, Fault> {
    let start = text.len() - text.trim_start_matches('\u{feff}').len();
    let body = &text[start..];
    serde_json::from_str::<IgnoredAny>(body).map_err(|error| {
        if error.is_eof() {
            return Fault::new(text.trim_end().len(), "the JSON is incomplete");
        }
        let offset = start + offset(body, error.line(), error.column());
        Fault::new(offset, "this is not JSON")
    })?;
    let mut reader = Reader {
        text,
        at: start,
        depth: 0,
    };
    reader.value().ok_or_else(|| {
        let what = match reader.depth {
            0..DEPTH_LIMIT => "this is not JSON".to_owned(),
            _ => format!("nested deeper than {DEPTH_LIMIT}"),
        };
        Fault::new(reader.at.min(text.len()), what)
    })
}

/// serde_json's columns count bytes, from 1; column 0 is the line's end.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let lines = text.split_inclusive('\n').take(line.saturating_sub(1));
    let offset = lines.map(str::len).sum::<usize>() + column.saturating_sub(1);
    text.floor_char_boundary(offset)
}

/// Goes through a text that is JSON. `None` is for what cannot happen then, and for what is nested too deep.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// In how many values this one stands.
    depth: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> Option<Node> {
        self.skip_space();
        let at = self.at;
        if self.depth == DEPTH_LIMIT {
            return None;
        }
        self.depth += 1;
        let item = match self.text.as_bytes().get(at)? {
            b'{' => self.map()?,
            b'[' => self.list()?,
            b'"' => Item::Text(self.string()?),
            _ => self.word(),
        };
        self.depth -= 1;
        Some(Node { at, item })
    }

    fn map(&mut self) -> Option<Item> {
        let mut entries = Vec::new();
        self.at += 1;
        while !self.take(b'}') {
            let key = self.value()?;
            self.take(b':');
            entries.push((key, self.value()?));
            self.take(b',');
        }
        Some(Item::Map(entries))
    }

    fn list(&mut self) -> Option<Item> {
        let mut items = Vec::new();
        self.at += 1;
        while !self.take(b']') {
            items.push(self.value()?);
            self.take(b',');
        }
        Some(Item::List(items))
    }

    fn string(&mut self) -> Option<Secret> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.text.as_bytes().get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let written = self.text.get(start..self.at)?;
        let inner = &written[1..written.len() - 1];
        if !inner.contains('\\') {
            return Some(Secret::from(inner));
        }
        // serde_json undoes escapes in a buffer of its own that nobody wipes; generated values have none.
        serde_json::from_str(written).ok().map(Secret::new)
    }

    fn word(&mut self) -> Item {
        let rest = &self.text[self.at..];
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '-' | '.'))
            .unwrap_or(rest.len());
        // Moving on in any case is what ends the loops above.
        self.at += end.max(1);
        match &rest[..end] {
            "true" | "false" => Item::Other("true or false"),
            "null" => Item::Nothing,
            number => Item::Integer(Zeroizing::new(number.to_owned()).parse().ok()),
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let is_there = self.text.as_bytes().get(self.at) == Some(&byte);
        self.at += usize::from(is_there);
        is_there
    }

    fn skip_space(&mut self) {
        let rest = &self.text[self.at.min(self.text.len())..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }
}
