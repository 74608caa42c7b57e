//! Values know where they were written, also those that an `include` brings.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::collections::HashMap;

use pyhocon::{Context, Include, Included, Lookup, Object, Tag, parse};

/// The texts behind the names, each with its place among them as its tag.
fn read(text: &str, files: &[(&str, &str)]) -> Object {
    let all: HashMap<&str, (usize, &str)> = files
        .iter()
        .enumerate()
        .map(|(at, (name, text))| (*name, (at, *text)))
        .collect();
    let include = |include: &Include<'_>| match all.get(include.name) {
        Some((at, text)) => Included::Known {
            file: include.path(),
            text: (*text).to_owned().into(),
            tag: Some(Tag(u32::try_from(*at).unwrap())),
        },
        None => Included::Absent,
    };
    let environment = |_: &str| Lookup::Unset;
    parse(text, &Context::new(&environment, &include)).unwrap()
}

/// What is written where the value of a path is: in which text, and the bytes there.
fn written<'a>(
    tree: &Object,
    path: &str,
    text: &'a str,
    files: &[(&'a str, &'a str)],
) -> (&'a str, &'a str) {
    let node = tree.get(path).unwrap();
    match &node.written {
        Some(place) => {
            let (name, text) = files[place.tag.0 as usize];
            assert!(text.get(place.span.clone()).is_some());
            assert!(text_of(node.span.clone(), TEXT).starts_with("include"));
            (name, &text[place.span.clone()])
        }
        None => ("", &text[node.span.clone()]),
    }
}

fn text_of(span: std::ops::Range<usize>, text: &str) -> &str {
    text.get(span).unwrap()
}

const TEXT: &str = "own: here\ninclude \"a\"\nlast: ${in_b}\nbelow {\n\tinclude \"c\"\n}\nown2: 2";

#[test]
fn every_value_has_the_place_in_its_text() {
    let files = [
        ("a", "\tin_a: one\ninclude \"b\"\nlist: [x, yy]\nown2: 1\n"),
        ("b", "\n\nin_b: \"two words\"\ndeep.er {z: 1}"),
        ("c", "k: ${own}-${in_a}\ndeep: {v: é, w: null}"),
    ];
    let tree = read(TEXT, &files);
    for (path, expected) in [
        ("own", ("", "here")),
        ("in_a", ("a", "one")),
        ("in_b", ("b", "\"two words\"")),
        ("deep.er.z", ("b", "1")),
        ("list", ("a", "[x, yy]")),
        ("below.k", ("c", "${own}-${in_a}")),
        ("below.deep.v", ("c", "é")),
        ("below.deep.w", ("c", "null")),
        ("last", ("", "${in_b}")),
        ("own2", ("", "2")),
    ] {
        assert_eq!(written(&tree, path, TEXT, &files), expected, "{path}");
    }
}

#[test]
fn a_fault_in_an_included_text_is_at_the_include() {
    for (text, broken) in [
        ("a: 1\ninclude \"a\"\n", "k: {"),
        ("a: 1\ninclude \"a\"\n", "k: ${none}"),
        ("a: 1\ninclude \"a\"\n", "k: x\nk: ${k}{a: 1}"),
    ] {
        let include = |include: &Include<'_>| Included::Known {
            file: include.path(),
            text: broken.to_owned().into(),
            tag: Some(Tag(0)),
        };
        let environment = |_: &str| Lookup::Unset;
        let fault = parse(text, &Context::new(&environment, &include)).unwrap_err();
        assert_eq!(&text[fault.offset..fault.offset + 7], "include", "{broken}");
    }
}
