//! Shell text that says what it is meant to say, whatever files are called.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::shown::escape;

/// One comment line: nothing in the text ends it.
pub fn comment(text: &str) -> String {
    format!("# {}\n", escape(text))
}

/// A path as one word that no program takes for an option, and that does nothing to the terminal it is shown on.
pub fn quoted(path: &Path) -> String {
    let bytes = path.as_os_str().as_bytes();
    let is_option = bytes.starts_with(b"-") && bytes != b"-";
    let folder = if is_option { "./" } else { "" };
    folder.to_owned() + &word(bytes)
}

/// Bytes as one word of a shell.
fn word(bytes: &[u8]) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+:@%,".contains(byte);
    let mut out = String::new();
    if !bytes.is_empty() && bytes.iter().all(is_plain) {
        out.push_str(&String::from_utf8_lossy(bytes));
        return out;
    }
    out.push('\'');
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\'' => out.push_str("'\\''"),
                '\n' => out.push('\n'),
                _ if escape(c.encode_utf8(&mut [0; 4])) == c.to_string() => out.push(c),
                _ => octal(c.to_string().as_bytes(), &mut out),
            }
        }
        octal(chunk.invalid(), &mut out);
    }
    out.push('\'');
    out
}

/// An option with a value that is no path: one that begins with a dash has to be behind `=`.
pub fn option(flag: &str, value: &str) -> String {
    let separator = if value.starts_with('-') { '=' } else { ' ' };
    format!("{flag}{separator}{}", word(value.as_bytes()))
}

/// Bytes that cannot be shown, written by printf between two quoted parts.
fn octal(bytes: &[u8], out: &mut String) {
    if bytes.is_empty() {
        return;
    }
    out.push_str("'\"$(printf '");
    for byte in bytes {
        out.push_str(&format!("\\{byte:03o}"));
    }
    out.push_str("')\"'");
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::process::Command;

    use super::*;

    #[test]
    fn a_shell_reads_every_name_as_it_is() {
        let names: [&[u8]; 9] = [
            b"docker-compose.yml",
            b"-rf",
            b"a b'c\"d$(e)`f`\\g",
            b"two\nlines\n",
            b"\x1b[31mred",
            b"not \xff text",
            "r\u{202e}tl \u{e9}".as_bytes(),
            b"*?[a]~#&;|<>",
            b"",
        ];
        for name in names {
            let word = quoted(Path::new(OsStr::from_bytes(name)));
            assert!(!word.contains(['\u{1b}', '\u{202e}']), "{word:?}");
            let script = format!("printf '%s.' {word}");
            let output = Command::new("sh").args(["-c", &script]).output().unwrap();
            let said = output.stdout.strip_suffix(b".").unwrap();
            let said = said.strip_prefix(b"./").unwrap_or(said);
            assert_eq!(said, name, "{word:?}");
        }
    }

    #[test]
    fn nothing_ends_a_comment() {
        assert_eq!(comment("a\nrm -rf\r/"), "# a\\u{a}rm -rf\\u{d}/\n");
    }
}
