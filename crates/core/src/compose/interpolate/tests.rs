use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// The variables of the tables.
fn lookup(name: &str) -> Option<String> {
    let value = match name {
        "A" => "va",
        "EMPTY" => "",
        "DOLLAR" => "$A",
        "a_1" => "small",
        "\u{17f}" => "long s",
        "\u{212a}" => "kelvin",
        _ => return None,
    };
    Some(value.to_owned())
}

fn text(template: &str) -> String {
    match interpolate(template, &lookup) {
        Ok(done) => done.text.to_string(),
        Err(error) => match error.required {
            Some(name) => format!("{} requires {name}", error.offset),
            None => format!("{} refused", error.offset),
        },
    }
}

/// Texts, and what compose-go 2.13 makes of them; numbers are ours.
const TEXTS: &[(&str, &str)] = &[
    ("", ""),
    ("plain {} % ü", "plain {} % ü"),
    // Values.
    ("$A", "va"),
    ("${A}", "va"),
    ("x$A-y", "xva-y"),
    ("$A$A${A}", "vavava"),
    ("$AB", ""),
    ("$a_1é", "smallé"),
    ("$a", ""),
    ("${NONE}|$NONE|", "||"),
    ("$EMPTY|${EMPTY}|", "||"),
    ("$DOLLAR", "$A"),
    ("$\u{17f}${\u{212a}}", "long skelvin"),
    // Dollars.
    ("$$", "$"),
    ("$$A $$$A $$$$A", "$A $va $$A"),
    ("$", "$"),
    ("a$", "a$"),
    ("$9", "$9"),
    ("100$ x", "100$ x"),
    ("$é", "$é"),
    ("$-$}", "$-$}"),
    ("$$${A}", "$va"),
    // Defaults.
    ("${A:-b}${A-b}", "vava"),
    ("${NONE:-b}${NONE-b}", "bb"),
    ("${EMPTY:-b}", "b"),
    ("${EMPTY-b}", ""),
    ("${NONE:-}${NONE-}", ""),
    ("${NONE:--}${NONE--b}", "--b"),
    ("${NONE:-a:-b?c+d}", "a:-b?c+d"),
    ("${NONE-$A}", "va"),
    ("${NONE-${NONE:-${NONE:-$A}}}", "va"),
    ("${NONE:-$$A}", "$A"),
    ("${NONE:-$DOLLAR}", "$A"),
    ("${NONE:-ü}", "ü"),
    // Alternatives.
    ("${A:+b}${A+b}", "bb"),
    ("${NONE:+b}${NONE+b}", ""),
    ("${EMPTY:+b}", ""),
    ("${EMPTY+b}", "b"),
    ("${A:+${NONE:-c}}", "c"),
    // Required.
    ("${A:?e}${A?e}${EMPTY?e}", "vava"),
    ("x${NONE:?e}", "1 requires NONE"),
    ("${NONE?}", "0 requires NONE"),
    ("${EMPTY:?e}", "0 requires EMPTY"),
    ("${A}${NONE:-${NONE?}}", "12 requires NONE"),
    ("${NONE:?${x.y}}", "8 refused"),
    ("${NONE:?$NONE}", "0 requires NONE"),
    // Refused.
    ("${", "0 refused"),
    ("${}", "0 refused"),
    ("a${X", "1 refused"),
    ("${X:-", "0 refused"),
    ("${x.y}", "0 refused"),
    ("${ X }", "0 refused"),
    ("${X }", "0 refused"),
    ("${X:=d}", "0 refused"),
    ("${X:}", "0 refused"),
    ("${X:d}", "0 refused"),
    ("${X=d}", "0 refused"),
    ("${9}", "0 refused"),
    ("${X#d}", "0 refused"),
    ("${!X}", "0 refused"),
    ("${${A}}", "0 refused"),
    ("ü${NONE:-${x.y}}", "10 refused"),
    ("$A${", "2 refused"),
    ("$${", "${"),
    ("$${x.y}", "${x.y}"),
    // What is not used is not looked at.
    ("${A:-${x.y}}", "va"),
    ("${A:-${NONE:?e}}", "va"),
    ("${NONE:+${x.y}}", ""),
    ("${A?${x.y}}", "va"),
    // Braces.
    ("${NONE:-{}}", "{}"),
    ("${NONE:-{\"a\":{}}}", "{\"a\":{}}"),
    ("${NONE:-{a}}", "{a}"),
    ("${NONE:-{}}${A}", "11 refused"),
    ("${NONE:-}}", "}"),
    ("${A}}", "va}"),
    ("${NONE:-{}", "{"),
    ("${NONE:-{x} y}", "{x} y"),
    ("${NONE:-{{}}}", "{{}}"),
    ("${NONE-x} y}", "x y}"),
    // Lines.
    ("${NONE:-a\n}", "0 refused"),
    ("${NONE:-a}\n}", "a\n}"),
    ("${NONE:-a\r}", "a\r"),
    ("$A\n${NONE:-b}\n$A", "va\nb\nva"),
];

#[test]
fn texts_become_what_compose_makes_of_them() {
    for &(template, expected) in TEXTS {
        assert_eq!(text(template), expected, "{template:?}");
    }
}

#[test]
fn each_use_says_where_and_how() {
    let done = interpolate("ü$A ${EMPTY:-$NONE}${EMPTY-$A}${A:+${A}}${A?e}", &lookup).unwrap();
    let describe = |used: &Variable| {
        let Variable {
            name,
            span,
            form,
            outcome,
            depth,
        } = used;
        format!("{name} {span:?} {form:?} {outcome:?} {depth}")
    };
    let uses: Vec<_> = done.variables.iter().map(describe).collect();
    assert_eq!(
        uses,
        [
            "A 2..4 Plain Value 0",
            "EMPTY 5..20 Default { or_empty: true } Fallback 0",
            "NONE 14..19 Plain Unset 1",
            "EMPTY 20..31 Default { or_empty: false } Empty 0",
            "A 31..41 Alternative { or_empty: true } Fallback 0",
            "A 36..40 Braced Value 1",
            "A 41..47 Required { or_empty: false } Value 0",
        ]
    );
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| "${N:-".repeat(depth) + &"}".repeat(depth);
    assert_eq!(text(&nested(64)), "");
    assert_eq!(text(&nested(65)), "320 refused");
    assert_eq!(text(&nested(100_000)), "320 refused");
}

#[test]
fn values_are_bounded() {
    let big = |_: &str| Some("x".repeat(1 << 19));
    assert!(interpolate("$A$A", &big).is_ok());
    assert_eq!(interpolate("$A$A$A", &big).unwrap_err().offset, 4);
}

#[test]
fn time_grows_with_the_length_only() {
    let start = Instant::now();
    for part in [
        "${N:-x}",
        "${N:-{",
        "$A}",
        "${N:-$",
        "${N:-}\n",
        "$",
        "{}",
        "${A:-${x.y}}",
    ] {
        let long = part.repeat(200_000);
        for template in [long.clone(), "${N:-".to_owned() + &long + &"}".repeat(1000)] {
            drop(interpolate(&template, &|name| {
                (name == "A").then(String::new)
            }));
        }
    }
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn debug_and_errors_show_no_value() {
    let mark = |_: &str| Some("MARK-ME".to_owned());
    let done = interpolate("MARK-ME $A", &mark).unwrap();
    assert_eq!(*done.text, "MARK-ME MARK-ME");
    assert!(!format!("{done:?}").contains("MARK"));
    for template in ["${MARK-ME", "${A:+${N.MARK-ME}}", "MARK-ME${=MARK-ME}"] {
        let error = interpolate(template, &mark).unwrap_err();
        assert!(!format!("{error:?}").contains("MARK"));
    }
}

#[test]
fn escape_copies_only_what_it_changes() {
    assert!(matches!(escape("a{b}"), Cow::Borrowed("a{b}")));
    assert_eq!(escape("$${A}$"), "$$$${A}$$");
}

proptest! {
    #[test]
    fn escape_is_undone(text in ".*|([$]|[{}:?A-]|.|\n)*") {
        let done = interpolate(&escape(&text), &lookup).unwrap();
        prop_assert_eq!(&*done.text, &text);
        prop_assert!(done.variables.is_empty());
    }

    #[test]
    fn nothing_panics_and_spans_are_right(template in "([$]|[$][{]|[{}]|:?[-+?]|[ABé]|\n)*") {
        match interpolate(&template, &|name| (name == "A").then(|| "v".to_owned())) {
            Ok(done) => for used in done.variables {
                let written = &template[used.span];
                let inner = written.trim_start_matches('$').trim_start_matches('{');
                prop_assert!(written.starts_with('$') && inner.starts_with(&used.name));
                prop_assert_eq!(written.ends_with('}'), used.form != Form::Plain);
            },
            Err(error) => prop_assert_eq!(template.get(error.offset..error.offset + 2), Some("${")),
        }
    }
}
