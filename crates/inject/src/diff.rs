//! A unified diff in which no secret is shown.

use std::fmt::Write;
use std::path::Path;

use clearml_secure_core::deployment::Composed;
use clearml_secure_core::effective::Effective;
use clearml_secure_core::fingerprint::fingerprint;
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::redact::{Mark, Text};
use clearml_secure_core::secret::Secret;
use clearml_secure_core::setting::{SETTINGS, Setting};
use clearml_secure_core::yaml;
use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::{DiffOp, DiffTag};

/// Lines of context around a change.
const CONTEXT: usize = 3;

/// Two texts of one file.
pub(crate) struct Change<'a> {
    pub(crate) path: &'a Path,
    /// None where the file is new.
    pub(crate) before: Option<&'a str>,
    pub(crate) after: &'a str,
    /// Whether it is a compose file; any other has a name and a value on each line.
    pub(crate) is_compose: bool,
}

/// The fingerprints of a keyset's values, and of those that are in use: what tells one mask from another.
pub(crate) fn marks(deployment: &Composed, keyset: &Keyset) -> Vec<Mark> {
    let effective = Effective::of(deployment);
    let in_use = effective.readings().filter_map(|reading| {
        let text = reading.value.text()?;
        Some((reading.setting, text.clone()))
    });
    let new = SETTINGS
        .into_iter()
        .filter_map(|setting| Some((setting, keyset.get(setting)?.clone())));
    let mark = |(setting, secret): (Setting, Secret)| {
        let mark = fingerprint(&secret, setting.kind())?;
        Some((secret, mark))
    };
    in_use.chain(new).filter_map(mark).collect()
}

/// The difference between two texts, as `diff -u` writes it. Lines are compared as they are and shown masked.
pub(crate) fn unified(change: &Change<'_>, marks: &[Mark], color: bool) -> String {
    let before = change.before.unwrap_or_default();
    let (old, new) = (lines(before), lines(change.after));
    let masked = |text| {
        let masked = match change.is_compose {
            true => of_compose(text),
            false => Text::of_lines(text),
        };
        masked.with_marks(marks)
    };
    let (old_lines, new_lines) = (masked(before), masked(change.after));
    let path = change.path.to_string_lossy();
    let path = clearml_secure_core::shown::escape(&path);
    let mut out = String::new();
    for group in groups(&old, &new) {
        let (Some(first), Some(last)) = (group.first(), group.last()) else {
            continue;
        };
        if out.is_empty() {
            let old = change.before.map_or("/dev/null", |_| &path);
            let _ = write!(out, "--- {old}\n+++ {path}\n");
        }
        let of_old = first.old_range().start..last.old_range().end;
        let of_new = first.new_range().start..last.new_range().end;
        let _ = writeln!(
            out,
            "@@ -{},{} +{},{} @@",
            // An empty range counts from the line before it.
            of_old.start + usize::from(!of_old.is_empty()),
            of_old.len(),
            of_new.start + 1,
            of_new.len()
        );
        let mut write = |sign: char, line: String, whole: &str| {
            let start = match sign {
                '-' if color => "\u{1b}[31m",
                '+' if color => "\u{1b}[32m",
                _ => "",
            };
            let end = if start.is_empty() { "" } else { "\u{1b}[0m" };
            let _ = writeln!(out, "{start}{sign}{line}{end}");
            if !whole.ends_with('\n') {
                out.push_str("\\ No newline at end of file\n");
            }
        };
        for op in &group {
            let (tag, of_old, of_new) = op.as_tag_tuple();
            let is_equal = tag == DiffTag::Equal;
            for line in of_old {
                let sign = if is_equal { ' ' } else { '-' };
                write(sign, old_lines.nth_line(line), old[line]);
            }
            for line in of_new.filter(|_| !is_equal) {
                write('+', new_lines.nth_line(line), new[line]);
            }
        }
    }
    out
}

/// The lines of a text, each with its end.
fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// What is different, with the lines around it. This algorithm is asked for by itself, because `TextDiff` has five others,
/// which are a twentieth of this program.
fn groups(old: &[&str], new: &[&str]) -> Vec<Vec<DiffOp>> {
    let mut found = Compact::new(Replace::new(Capture::new()), old, new);
    let Ok(()) = myers::diff(&mut found, old, 0..old.len(), new, 0..new.len());
    found.into_inner().into_inner().into_grouped_ops(CONTEXT)
}

/// A text of which lines can be shown.
fn of_compose(text: &str) -> Text<'_> {
    // Both texts were parsed before; what cannot be parsed is shown name by name at the most.
    match yaml::parse_documents(Path::new("-"), text) {
        Ok(roots) => Text::of_yaml(text, roots),
        Err(_) => Text::of_lines(text),
    }
}
