//! Snippets that a Caddyfile imports with arguments: `import proxy mongo-express:8081`.

/// Snippets in snippets in snippets are no more than this.
const DEEPEST: usize = 4;
const MOST_BYTES: usize = 1 << 20;

/// The text with the lines of a snippet in place of each line that imports it with arguments.
pub(super) fn with_arguments(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..DEEPEST {
        if !text.contains("{args") {
            break;
        }
        text = once(&text);
    }
    text
}

fn once(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::new();
    for line in &lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        let inner = match &words[..] {
            ["import", name, arguments @ ..] if !arguments.is_empty() => {
                snippet(&lines, name).map(|inner| (inner, arguments))
            }
            _ => None,
        };
        match inner.filter(|_| out.len() < MOST_BYTES) {
            Some((inner, arguments)) => {
                out.extend(inner.iter().map(|line| filled(line, arguments) + "\n"));
            }
            None => out.extend([line, "\n"]),
        }
    }
    out
}

/// The lines between the braces of `(NAME) {`.
fn snippet<'a>(lines: &'a [&'a str], name: &str) -> Option<&'a [&'a str]> {
    let head = format!("({name})");
    let is_head = |line: &&str| {
        let mut words = line.split_whitespace();
        words.next() == Some(&*head) && words.next() == Some("{")
    };
    let start = lines.iter().position(is_head)? + 1;
    let mut depth = 1_usize;
    for (at, line) in lines[start..].iter().enumerate() {
        let line = line.trim();
        depth -= usize::from(line.starts_with('}'));
        if depth == 0 {
            return Some(&lines[start..start + at]);
        }
        depth += usize::from(line.ends_with('{'));
    }
    None
}

/// A line with arguments in it: `{args[0]}`, `{args.0}` and `{args[:]}`.
fn filled(line: &str, arguments: &[&str]) -> String {
    if !line.contains("{args") {
        return line.to_owned();
    }
    let all = arguments.join(" ");
    let mut line = line.replace("{args[:]}", &all).replace("{args[0:]}", &all);
    for (at, argument) in arguments.iter().enumerate() {
        let argument = argument.trim_matches('"');
        line = line.replace(&format!("{{args[{at}]}}"), argument);
        line = line.replace(&format!("{{args.{at}}}"), argument);
    }
    line
}
