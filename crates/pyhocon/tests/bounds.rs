//! What is refused because it would take more memory than a configuration is worth.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use pyhocon::{Cause, Context, Value, is_self_contained, parse};

/// A first line, and forty that each have the line before twice.
fn doubled(first: &str, twice: impl Fn(usize) -> String) -> String {
    let more = (1..=40).map(|level| format!("a{level} = {}\n", twice(level - 1)));
    format!("a0 = {first}\n{}", more.collect::<String>())
}

fn cause(text: &str) -> Option<Cause> {
    parse(text, &Context::EMPTY).err().map(|fault| fault.cause)
}

#[test]
fn substitutions_that_double_and_double_are_refused() {
    for text in [
        doubled("\"a text\"", |at| format!("${{a{at}}}${{a{at}}}")),
        doubled("[x, x]", |at| format!("${{a{at}}} ${{a{at}}}")),
        doubled("{x: 1}", |at| format!("{{l: ${{a{at}}}, r: ${{a{at}}}}}")),
        doubled("[x]", |at| format!("[${{a{at}}}, ${{a{at}}}]")),
    ] {
        assert_eq!(cause(&text), Some(Cause::TooLarge), "{text}");
    }
}

#[test]
fn a_text_may_have_four_mebibytes() {
    let of = |length: usize| format!("a = \"{}\"", "x".repeat(length - "a = \"\"".len()));
    let tree = parse(&of(4 << 20), &Context::EMPTY).unwrap();
    assert!(matches!(&tree.get("a").unwrap().value, Value::String(_)));
    assert_eq!(cause(&of((4 << 20) + 1)), Some(Cause::TooLarge));
}

/// As many users of a web login as nobody has by hand, beside a substitution.
#[test]
fn ten_thousand_users_are_read() {
    let user = |number| format!("{{username: u{number}, password: \"p {number}\", name: n}}\n");
    let users: String = (0..10_000).map(user).collect();
    let text = format!("name = x\nusers: [\n{users}]\nother = ${{name}}\n");
    assert!(!is_self_contained(&text));
    let tree = parse(&text, &Context::EMPTY).unwrap();
    assert!(matches!(&tree.get("users").unwrap().value, Value::Array(all) if all.len() == 10_000));
}

#[test]
fn what_has_no_substitution_and_no_include_is_self_contained() {
    for text in ["a = 1", "a { b: \"$x\" }", "# nothing"] {
        assert!(is_self_contained(text), "{text}");
    }
    for text in ["a = ${b}", "a += 1", "include \"b\"", "InClude file(b)"] {
        assert!(!is_self_contained(text), "{text}");
    }
}
