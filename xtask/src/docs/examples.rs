//! The examples of a rule's page: a bad file and a good one. Both have all settings, so that nothing else is found in them;
//! what of these is the same in both says nothing of the rule, and is left out.

use std::collections::HashSet;

/// Fewer lines are shown.
const FEWEST: usize = 2;
/// Fewer characters are no secret.
const SHORTEST_SECRET: usize = 24;
/// What the files say of their values.
const PUBLIC: &str = "# Do not copy the values: they are public.";

/// A text without the lines of settings that another has as well.
pub(super) fn shortened(text: &str, other: &str) -> String {
    let lines: Vec<&str> = text.trim_end().lines().collect();
    let [ours, others] = [text, other].map(|text| text.lines().collect::<HashSet<&str>>());
    let different = ours.symmetric_difference(&others);
    let different: HashSet<&str> = different.filter_map(|line| setting(line)).collect();
    let is_same = |line: &str| {
        let is_its = match setting(line) {
            Some(name) => !different.contains(name),
            None => line.contains("secretKeyRef:") || has_secret(line),
        };
        is_its && others.contains(line)
    };
    // A name goes only with the value below it.
    let is_out = |at: &usize| {
        let below = lines.get(at + 1);
        let below = below.filter(|line| indent(line).len() > indent(lines[*at]).len());
        is_same(lines[*at]) && below.is_none_or(|line| is_same(line))
    };
    let mut shown = Vec::new();
    let places: Vec<usize> = (0..lines.len()).collect();
    for run in places.chunk_by(|a, b| is_out(a) == is_out(b)) {
        if is_out(&run[0]) && run.len() >= FEWEST {
            let (indent, many) = (indent(lines[run[0]]), run.len());
            shown.push(format!(
                "{indent}# … ({many} lines of settings, the same in both)"
            ));
        } else {
            shown.extend(run.iter().map(|at| lines[*at].to_owned()));
        }
    }
    if !shown.iter().any(|line| has_secret(line)) {
        shown.retain(|line| line != PUBLIC);
    }
    shown.join("\n")
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

/// The name of one of the twelve settings.
fn setting(line: &str) -> Option<&str> {
    let name = &line[line.find("CLEARML__SECURE__")?..];
    name.split([':', ' ']).next()
}

/// Whether a word is in it that is as long as a secret, and like one.
fn has_secret(line: &str) -> bool {
    let mut words = line.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| {
        let has = |is: fn(&u8) -> bool| word.as_bytes().iter().any(is);
        word.len() >= SHORTEST_SECRET && has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_shown_and_settings_that_do_not_are_counted() {
        let settings = |third: &str| {
            format!(
                "# Expected: x.\n{PUBLIC}\nenvironment:\n  CLEARML__SECURE__A: a\n  {third}\n  CLEARML__SECURE__C: c\n"
            )
        };
        let same = settings("CLEARML__SECURE__B: b");
        assert_eq!(
            shortened(&same, &same),
            "# Expected: x.\nenvironment:\n  # … (3 lines of settings, the same in both)"
        );
        let other =
            settings("CLEARML__SECURE__B: Td8VKqxryo1nIj7BRd03Q2ybv097SHzxgQA6TCvY4dhKMlRdZQ9QsT");
        assert_eq!(shortened(&other, &same), other.trim_end());
        let named =
            |value: &str| format!("- name: CLEARML__SECURE__A\n  value: {value}\n").repeat(2);
        assert_eq!(shortened(&named("a"), &named("b")), named("a").trim_end());
    }
}
