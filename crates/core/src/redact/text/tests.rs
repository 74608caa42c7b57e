#![allow(clippy::unwrap_used, reason = "a test says where it stopped")]
use std::path::Path;

use super::scalars::HARMLESS;
use super::*;

#[test]
fn harmless_keys_are_sorted_to_be_searched() {
    assert!(HARMLESS.is_sorted());
}

const COMPOSE: &str = r##"# MARKED
x-old: &old {PASSWORD: MARKED, image: "redis:7"}
services:
  api:   # MARKED
    image: "reg/x:1" # MARKED
    build: {args: {KEY: MARKED}}
    labels: ["a=MARKED", MARKED]
    command: redis-server --requirepass MARKED
    environment:
      - "A=MAR\x4bED MARKED"
      - B=MARKED
      - "C\x3dMARKED"
      - NAME
      - 'D MARKED'
      - E=${VALUE:-MARKED}
    ports: ["8080:80"]
  two:
    environment: {A: MARKED, "B": 'MARKED # MARKED', C:MARKED: x, D: "${V}", path: MARKED}
    labels: {name: MARKED}
    healthcheck:
      test: |
        curl -u x:MARKED
"##;

fn shown(text: &str, lines: &Text<'_>) -> String {
    let lines = (0..=text.matches('\n').count()).map(|index| lines.nth_line(index));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn of_a_compose_file_names_and_harmless_values_are_shown() {
    let root = crate::yaml::parse(Path::new("x"), COMPOSE).unwrap();
    let text = Text::of_yaml(COMPOSE, vec![root.clone()]);
    let shown = shown(COMPOSE, &text);
    assert!(!shown.contains("MARKED"), "{shown}");
    for kept in [
        "image: \"reg/x:1\"",
        "[\"8080:80\"]",
        "- B=***",
        "- NAME",
        "E=${VALUE",
        "D: \"${V}",
    ] {
        assert!(shown.contains(kept), "{kept} in {shown}");
    }
    let comment = |part: &str| text.comment(COMPOSE.find(part).unwrap());
    assert_eq!(comment("  api"), Some("# MARKED"));
    assert_eq!(comment("\"B\": 'MARKED"), None);
}

#[test]
fn names_of_secrets_and_their_keys_are_shown() {
    const VALUES: &str = "clearml: {existingSecret: old, apiserverKey: MARKED}\nextraEnvs:\n- valueFrom: {secretKeyRef: {name: old, key: first}}\n- key: MARKED\n";
    let root = crate::yaml::parse(Path::new("x"), VALUES).unwrap();
    let shown = shown(VALUES, &Text::of_yaml(VALUES, vec![root.clone()]));
    assert!(!shown.contains("MARKED"), "{shown}");
    assert!(shown.contains("existingSecret: old,"), "{shown}");
    assert!(shown.contains("{name: old, key: first}"), "{shown}");
}

#[test]
fn of_other_files_first_names_are_shown() {
    for (written, expected) in [
        ("A=MARKED # x", "A=********"),
        ("export A = MARKED", "export A = ********"),
        ("tests { user_key: MARKED }", "tests { ********"),
        ("  \"a.b\": MARKED", "  \"a.b\": ********"),
        ("MARKED", "********"),
        ("  MARKED again", "  ********"),
    ] {
        assert_eq!(Text::of_lines(written).whole_line(0), expected);
    }
}

#[test]
fn what_a_finding_is_about_is_found_again() {
    let root = crate::yaml::parse(Path::new("x"), COMPOSE).unwrap();
    let text = Text::of_yaml(COMPOSE, vec![root.clone()]);
    let at = |part: &str| {
        let start = COMPOSE.find(part).unwrap();
        let line = text.line(start..start + part.len());
        line.text[line.range].to_owned()
    };
    assert_eq!(at("B=MARKED"), "B=********");
    assert_eq!(at("reg/x:1"), "reg/x:1");
    assert_eq!(at("\"B\": 'MARKED # MARKED'"), "\"B\": ********");
    let long = format!("a: [{}b, c]", "\"x\", ".repeat(4000));
    let root = crate::yaml::parse(Path::new("x"), &long).unwrap();
    let text = Text::of_yaml(&long, vec![root.clone()]);
    let line = text.line(long.len() - 6..long.len() - 5);
    assert!(line.text.len() < 400 && line.text.starts_with('…'));
}

#[test]
fn what_yaml_takes_for_a_tag_or_an_anchor_may_be_a_value() {
    const WRITTEN: &str = "environment:\n  A: !MARKED\n  B: &MARKED\n  C: !MARKED false\n  D: &used kept\n  E: *used\n  F: !!str x\n  G: &a1 !MARKED x\n  list: [!MARKED x, &MARKED y]\nports: !reset []\n";
    let root = crate::yaml::parse(Path::new("x"), WRITTEN).unwrap();
    let shown = shown(WRITTEN, &Text::of_yaml(WRITTEN, vec![root.clone()]));
    assert!(!shown.contains("MARKED"), "{shown}");
    for kept in [
        "A: ***",
        "D: &used",
        "E: *used",
        "F: !!str",
        "ports: !reset",
    ] {
        assert!(shown.contains(kept), "{kept} in {shown}");
    }
}

#[test]
fn where_nothing_is_replaced_a_reference_is_a_value() {
    const INSPECTED: &str = r#"[{"Config": {"Env": ["A=${MARKED}", "MARKED", "B=\"${MARKED}\""]}, "value": "${MARKED}"}]"#;
    let root = crate::yaml::parse(Path::new("x"), INSPECTED).unwrap();
    for text in [
        Text::of_yaml(INSPECTED, vec![root.clone()]),
        Text::of_lines(INSPECTED),
    ] {
        let shown = shown(INSPECTED, &text.without_references());
        assert!(!shown.contains("MARKED"), "{shown}");
    }
}

#[test]
fn what_no_node_has_is_masked() {
    const TWICE: &str = "a: MARKED\na: x\nb: {image: \"MARKED\", image: y}\nc: {value: [MARKED, 'MARKED'], value: z}\nd: |2-\n    text\n";
    let whole = 0..TWICE.len();
    let (roots, _) = crate::yaml::parse_part_last(Path::new("x"), TWICE, whole).unwrap();
    let shown = shown(TWICE, &Text::of_yaml(TWICE, roots));
    assert!(!shown.contains("MARKED"), "{shown}");
    for kept in ["image: y}", "b: {", "d: |2-"] {
        assert!(shown.contains(kept), "{kept} in {shown}");
    }
}

#[test]
fn what_looks_like_a_sign_and_may_be_a_secret_is_masked() {
    const HIDDEN: &str = "a: &used # MARKED\n  b: !!str # MARKED\n    v\nc: [*used]\nd: !!MARKED\ncommand: [\"--secret\", \"MARKED=\", 'MARKED==', --flag=value]\nenvironment:\n- !!str # MARKED\n  X=v\n- Y=\n";
    let root = crate::yaml::parse(Path::new("x"), HIDDEN).unwrap();
    let text = shown(HIDDEN, &Text::of_yaml(HIDDEN, vec![root]));
    assert!(!text.contains("MARKED"), "{text}");
    for kept in ["&used #", "b: !!str #", "[*used]", "--flag=***", "- Y="] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
    const TWICE: &str = "a: {value: MARKED>1234567, value: b}\n";
    let whole = 0..TWICE.len();
    let (roots, _) = crate::yaml::parse_part_last(Path::new("x"), TWICE, whole).unwrap();
    let text = shown(TWICE, &Text::of_yaml(TWICE, roots));
    assert!(!text.contains("MARKED") && !text.contains("123"), "{text}");
}
