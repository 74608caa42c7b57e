use std::path::Path;

use super::*;
use crate::error::Error;

fn read(text: &str) -> Result<Arc<Node>, Error> {
    parse(Path::new("t.yml"), text)
}

fn message(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn merge_keys_give_way_to_what_stands_there() {
    let root =
        read("a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  x: 0\n  <<: [*a, *b]\n").unwrap();
    let c = root.get("c").unwrap().value;
    let seen: Vec<_> = c
        .fields()
        .iter()
        .map(|field| {
            (
                field.key.text().unwrap().to_owned(),
                field.value.text().unwrap().to_owned(),
                field.merged,
            )
        })
        .collect();
    let expected = [("x", "0", false), ("y", "1", true), ("z", "2", true)];
    assert_eq!(
        seen,
        expected.map(|(k, v, m)| (k.to_owned(), v.to_owned(), m))
    );
}

#[test]
fn a_quoted_merge_key_is_a_key() {
    let root = read("a: {\"<<\": {x: 1}}").unwrap();
    assert_eq!(root.get("a").unwrap().value.fields().len(), 1);
    assert!(root.get("a").unwrap().value.get("x").is_none());
}

#[test]
fn spans_cover_what_is_written() {
    let text = "a: &x\n  b: 'c'\n  d: |\n    e\n\nf: !t [1,\n 2]\n";
    let root = read(text).unwrap();
    let a = root.get("a").unwrap().value;
    assert_eq!(
        &text[a.start as usize..a.end as usize],
        "b: 'c'\n  d: |\n    e"
    );
    assert_eq!(a.anchor().unwrap().0, "x");
    assert_eq!(&text[a.anchor().unwrap().1], "&x");
    let f = root.get("f").unwrap().value;
    assert_eq!(
        &text[f.start_with_properties()..f.end as usize],
        "!t [1,\n 2]"
    );
}

#[test]
fn refusals_name_the_place() {
    assert_eq!(
        message("a: 1\nb: 2\n\"a\": 3\n"),
        "t.yml:3:1: this key is already in the mapping"
    );
    assert!(message("a: [1\nb: 2").starts_with("t.yml:2:"));
    assert!(message("a: *b\n").contains("anchor that is not there"));
    assert!(message("a: 1\n---\nb: 2\n").contains("second document"));
    assert_eq!(
        message("a: 1\n...\nb: 2\n"),
        "t.yml:3:1: what follows `...` has to begin with `---`"
    );
    assert!(read("a: 1\n...\n# b\n").is_ok());
    assert!(message(&"[".repeat(200)).contains("nested deeper than 128"));
    assert!(message(&"- ".repeat(200)).contains("nested deeper than 128"));
    let help = |text: &str| parse(Path::new("f"), text).unwrap_err().help().unwrap();
    assert!(!help(&"[".repeat(200)).contains("refuses"));
    assert!(help("a: [").contains("refuses"));
    assert!(message("a: &a\n  b: *a\n").contains("alias"));
    assert!(message("a:\n  <<: 1\n").contains("merge key"));
}

#[test]
fn refusals_are_whole_and_hold_nothing_of_the_file() {
    for (text, expected) in [
        ("a: [1\n", "1:4: unclosed bracket '['"),
        ("a: {b: [c}\n", "1:8: mismatched bracket '[' closed by '}'"),
        (
            "a: [1\nb: [2]]\n",
            "2:2: illegal placement of ':' indicator",
        ),
        (
            "{a: b c: d}\n",
            "1:8: while parsing a flow mapping, did not find expected ',' or '}'",
        ),
        ("a: !handle!b c\n", "1:4: the handle wasn't declared"),
        ("a: @secret\n", "1:4: unexpected character"),
    ] {
        assert_eq!(message(text), format!("t.yml:{expected}"), "{text}");
    }
}

#[test]
fn a_key_that_is_there_twice_is_refused_however_many_there_are() {
    for count in [2, 15, 16, 17, 18, 40] {
        let line = |number: usize| format!("key{number}: 1\n");
        let text: String = (0..count).map(line).collect();
        assert!(read(&text).is_ok());
        for again in [0, count / 2, count - 1] {
            let place = format!("t.yml:{}:1: this key", count + 1);
            assert!(message(&(text.clone() + &line(again))).starts_with(&place));
            // Kubernetes takes the last of each.
            let twice = text.clone() + &line(again) + &line(again) + &line(again);
            let read = parse_part_last(Path::new("t.yml"), &twice, 0..twice.len());
            let (documents, repeated) = read.unwrap();
            assert_eq!(documents[0].entries().unwrap().len(), count);
            assert_eq!(repeated.len(), 3);
        }
    }
}

#[test]
fn alias_bombs_are_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let items = vec![format!("*a{}", level - 1); 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    assert!(message(&text).contains("excessive aliasing"));
}

#[test]
fn an_empty_file_is_null() {
    assert!(read("").unwrap().is_null());
    assert!(read("# only a comment\n").unwrap().is_null());
}

#[test]
fn a_colon_before_the_end_of_an_entry_in_brackets_belongs_to_its_text() {
    let said = |text: &str| -> Vec<String> {
        let root = read(text).unwrap();
        let list = root.get("x").unwrap().value.clone();
        let texts = list.items().unwrap().iter();
        texts
            .map(|one| match one.scalar() {
                Some(scalar) => format!("{} {}", scalar.text(), &text[one.range()]),
                None => {
                    let key = |field: &Field<'_>| field.key.text().unwrap().to_owned();
                    let keys = one.fields().iter().map(key).collect::<Vec<_>>();
                    format!("{{{}}}", keys.join(" "))
                }
            })
            .collect()
    };
    // So does `docker compose config`.
    assert_eq!(said("x: [v:]"), ["v: v:"]);
    assert_eq!(said("x: [a :,b]"), ["a : a :", "b b"]);
    assert_eq!(
        said("x: [{a:}, \"q\":, ? w:, c: ]"),
        ["{a:}", "{q}", "{w:}", "{c}"]
    );
    for text in [
        "x: [?a]",
        "x: [a?b]",
        "x: {?a: b}",
        "x: [&m v:]",
        "x: [:a]",
        "x: [a, ::]",
        "x: {:a: b}",
    ] {
        assert!(message(text).ends_with(READ_OTHERWISE), "{text}");
    }
    assert!(read("x: ?a\n").is_ok());
    assert!(read("x: [a:b, \":c\"]\ny: :a\n").is_ok());
    for text in ["x: [!t, b]", "x: [a, !t]", "x: {a: !t}"] {
        assert!(message(text).ends_with(TAG), "{text}");
    }
    assert!(read("x: [!t , b, !t ]\ny: !<a,b> c\n").is_ok());
}

#[test]
fn tabs_and_directives_are_taken_where_compose_takes_them() {
    for text in [
        "x:\n-\ta\n",
        "x:\n- \ta\n",
        "x:\n  - -\ta\n",
        "x:\n  a: b\n\t\n  c: d\n",
        "x:\n  a: b\n \t# c\n  c: d\n",
        "x:\n  a: 'b'\n    \t\n  c: d\n",
        "x:\n  \t\n  a: b\n",
        "%YAML 1.2\n---\nx: a\n",
        "%FOO a\n---\nx: a\n",
    ] {
        assert!(read(text).is_err(), "{text:?}");
    }
    for text in [
        "x:\ta\ny: \tb\t\nz: c\t# d\n",
        "x: |\n  a\n  \tb\n  -\tc\n",
        "x: \"a\n\tb\"\n",
        "x: a\n  \tb\n \t\ny: c\n",
        "x: a -\tb\n",
        "%YAML 1.1\n---\nx: a\n",
        "%TAG !e! !\n---\nx: !e!reset a\n",
    ] {
        assert!(read(text).is_ok(), "{text:?}");
    }
}

#[test]
fn tags_are_found_where_compose_finds_them() {
    let text = "x-a: !reset {b: &f !reset {}}\nservices:\n  a: &a\n    environment: {<<: *f, A: !reset x}\n    \
                labels: {<<: [{L: !override x}]}\n  b: *a\n  c: !override {ports: !reset []}\n";
    let root = read(text).unwrap();
    let tags = tags::Tags::of(&root).unwrap_or_default();
    // Held against docker compose in `tests/oracles`.
    assert_eq!(
        tags.below(&[]),
        [
            "services.a.environment",
            "services.a.environment.A",
            "services.a.labels.0.L",
            "services.b.labels.0.L",
            "services.c",
            "x-a"
        ]
    );
    let services = root.get("services").unwrap().value.clone();
    let of = |name: &str, key: &str| services.get(name).unwrap().value.get(key).is_some();
    assert!(of("c", "ports") && of("b", "labels"));
    let environment = services.get("b").unwrap().value.get("environment").unwrap();
    assert!(environment.value.fields().is_empty());
}
