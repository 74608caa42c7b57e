use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

fn lookup(name: &str) -> Option<String> {
    match name {
        "ENV" => Some("from env".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

/// What a file sets, `NAME=value` with `|` between, or where it is refused.
fn set(parsed: Result<Vec<Entry>, Fault>) -> String {
    let entries = match parsed {
        Ok(entries) => entries,
        Err(error) => return format!("{} refused", error.offset),
    };
    let with_value = |entry: Entry| Some((entry.name, entry.value?));
    let last: BTreeMap<_, _> = entries.into_iter().filter_map(with_value).collect();
    let lines: Vec<_> = last
        .iter()
        .map(|(name, value)| format!("{name}={}", value.expose()))
        .collect();
    lines.join("|")
}

/// Files, and what compose-go 2.13 reads in them; numbers are ours.
const FILES: &[(&str, &str)] = &[
    ("", ""),
    (" \n\t\n# c\n  # d", ""),
    ("A1=b", "A1=b"),
    ("A1=b\nB1=c\n", "A1=b|B1=c"),
    ("A1=b\r\nB1=c\r\n", "A1=b|B1=c"),
    ("\u{feff}A1=b", "A1=b"),
    ("\u{feff}\u{feff}A1=b", "3 refused"),
    ("A1=b\nA1=c", "A1=c"),
    // Names.
    ("export A1=b", "A1=b"),
    ("  export\t A1=b", "A1=b"),
    ("exported=b", "exported=b"),
    ("export=b", "export=b"),
    ("export =b", "=b"),
    ("export ", "7 refused"),
    ("export\nA1=b", "A1=b"),
    ("A1 = b", "A1=b"),
    ("A1: b", "A1=b"),
    ("A1:b=c", "A1=b=c"),
    ("A1=b:c", "A1=b:c"),
    ("a.b-c[0]_=d", "a.b-c[0]_=d"),
    ("1=b", "1=b"),
    ("Ä中²=b", "Ä中²=b"),
    ("A1 B1=c", "2 refused"),
    ("A1\tB1=c", "A1\tB1=c"),
    ("A1$=c", "2 refused"),
    ("A1=b\n\"B1\"=c", "5 refused"),
    ("=b", "=b"),
    // Names alone.
    ("ENV\n", "ENV=from env"),
    ("ENV # c\n", "4 refused"),
    ("export ENV\r\nEMPTY\n", "EMPTY=|ENV=from env"),
    ("NONE\n", ""),
    ("A1=b\nA1\n", "A1=b"),
    ("NONE", "=NONE"),
    ("A1 B1", "=A1 B1"),
    // Unquoted values.
    ("A1=", "A1="),
    ("A1=\nB1=", "A1=|B1="),
    ("A1=  b c  ", "A1=b c"),
    ("A1=b#c", "A1=b#c"),
    ("A1=b #c", "A1=b"),
    ("A1=b\t#c", "A1=b\t#c"),
    ("A1= # c", "A1=# c"),
    ("A1=#c", "A1=#c"),
    ("A1=b\"c\"", "A1=b\"c\""),
    ("A1=b\\n\\$'", "A1=b\\n\\$'"),
    ("A1=ü\u{a0}\u{2003}", "A1=ü"),
    ("A1=b=c==", "A1=b=c=="),
    // Single quotes.
    ("A1=''", "A1="),
    ("A1=' b # c '", "A1= b # c "),
    ("A1='$ENV $$ \\n \"'", "A1=$ENV $$ \\n \""),
    ("A1='it\\'s'", "A1=it's"),
    ("A1='b\\\\'", "A1=b\\\\"),
    ("A1='b\\'", "3 refused"),
    ("A1='b\nc'\nB1=d", "A1=b\nc|B1=d"),
    ("A1='b\r\nc'", "A1=b\r\nc"),
    ("A1='it''s'", "7 refused"),
    // Double quotes.
    ("A1=\"\"", "A1="),
    ("A1=\" b # c '\"", "A1= b # c '"),
    (
        "A1=\"\\a\\b\\f\\n\\r\\t\\v\\\\\\\"\"",
        "A1=\u{7}\u{8}\u{c}\n\r\t\u{b}\\\"",
    ),
    ("A1=\"\\c\\x41\\u0041\\'\\ü\"", "A1=\\c\\x41\\u0041\\'\\ü"),
    ("A1=\"\\0101\\01011\\0377\"", "A1=AA1ÿ"),
    (
        "A1=\"\\0\\01\\012\\0400\\0189\\09\"",
        "A1=\\\\1\\12\\400\\189\\9",
    ),
    ("A1=\"\\$ENV\\\\$ENV\"", "A1=$ENV\\from env"),
    ("A1=\"\\0044ENV\"", "A1=from env"),
    ("A1=\"b\nc\"", "A1=b\nc"),
    ("A1=\"b\\\nc\"", "A1=b\\\nc"),
    ("A1=\"b", "3 refused"),
    ("A1=\"b\nB1=c", "3 refused"),
    ("A1=\"b\\\"", "3 refused"),
    // After the closing quote.
    ("A1=\"b\" # c", "A1=b"),
    ("A1=\"b\"# c", "A1=b"),
    ("A1='b' B1=c", "A1=b|B1=c"),
    ("A1='b'c", "=c|A1=b"),
    ("A1='b'c\nB1=d", "A1=b|B1=d"),
    // Variables.
    ("A1=$ENV-${ENV}", "A1=from env-from env"),
    ("A1=b\nB1=$A1", "A1=b|B1=b"),
    ("B1=$A1\nA1=b", "A1=b|B1="),
    ("ENV=own\nB1=$ENV", "B1=from env|ENV=own"),
    ("A1=b\nA1=c$A1", "A1=cb"),
    ("A1=${NONE:-d}${EMPTY:-e}${EMPTY-f}", "A1=de"),
    ("A1=${NONE:-a #b}", "3 refused"),
    ("A1=\"${NONE:-a #b}\"", "A1=a #b"),
    ("A1=\"${NONE:-\\\"b\\\"}\"", "A1=\"b\""),
    ("A1=$$ENV", "A1=$ENV"),
    ("A1=b$", "A1=b$"),
    ("A1=b${x.y}", "4 refused"),
    ("A1=\"\\t${x.y}\"", "6 refused"),
    ("A1=${NONE?e}", "3 refused"),
    ("A1='$'\nB1=${A1}ENV", "A1=$|B1=$ENV"),
    ("A1.x=b\nB1=$A1.x", "A1.x=b|B1=.x"),
];

#[test]
fn files_set_what_compose_reads_in_them() {
    for &(text, expected) in FILES {
        assert_eq!(set(parse(text, &lookup)), expected, "{text:?}");
    }
}

#[test]
fn raw_files_set_what_docker_reads_in_them() {
    // The right side is what `docker stack config` 28.2 gave for an `env_file`; numbers are ours. (Of an empty
    // value it makes the environment's afterwards, which compose does not do.)
    let table = [
        ("", ""),
        (" \n # c\n\n", ""),
        ("A1=b\nB1=c", "A1=b|B1=c"),
        ("A1=b\r\nB1=c\r", "A1=b|B1=c"),
        ("\u{feff} \u{a0}A1=b", "A1=b"),
        ("A1=\"b\"\nB1='c'", "A1=\"b\"|B1='c'"),
        ("A1= b # c ", "A1= b # c "),
        ("A1=$ENV$$\\n", "A1=$ENV$$\\n"),
        ("A1=b=c", "A1=b=c"),
        ("A1=", "A1="),
        ("A1=b\nA1=c", "A1=c"),
        ("ENV\nNONE\nEMPTY", "EMPTY=|ENV=from env"),
        ("é$.'\u{a0}=b", "é$.'\u{a0}=b"),
        ("A1: b", "3 refused"),
        ("export A1=b", "6 refused"),
        ("A1 =b", "2 refused"),
        ("A1=b\n=c", "5 refused"),
    ];
    for (text, expected) in table {
        assert_eq!(set(parse_raw(text, &lookup)), expected, "{text:?}");
    }
    let line = |length: usize| format!("A1={}\nB1=c", "x".repeat(length - 3));
    assert!(parse_raw(&line(65_535), &lookup).is_ok());
    assert_eq!(parse_raw(&line(65_536), &lookup).unwrap_err().offset, 0);
}

#[test]
fn entries_know_where_they_stand() {
    let text = "\u{feff}# ü\nexport A1 = b$ENV # c\nENV\nB1: \"\\t\\\"${NONE:-$A1}\\$\"\nNONE\n";
    let entries = parse(text, &lookup).unwrap();
    let mut seen = String::new();
    for entry in &entries {
        let written = &text[entry.value_span.clone()];
        let name = &text[entry.name_span.clone()];
        let quote = entry.quote.unwrap_or('-');
        writeln!(seen, "{name} {quote} {written}").unwrap();
        for used in &entry.variables {
            writeln!(seen, "    {} in {}", used.name, &written[used.span.clone()]).unwrap();
        }
    }
    let expected = [
        "A1 - b$ENV",
        "    ENV in $ENV",
        "ENV - ",
        "B1 \" \"\\t\\\"${NONE:-$A1}\\$\"",
        "    NONE in ${NONE:-$A1}",
        "    A1 in $A1",
        "NONE - ",
        "",
    ];
    assert_eq!(seen, expected.join("\n"));
}

#[test]
fn earlier_files_come_last() {
    let earlier = |name: &str| Some(format!("earlier {name}"));
    let text = "A1=own\nB1=$A1, $ENV, $C1\nC1\n";
    assert_eq!(
        set(parse_after(text, &lookup, &earlier)),
        "A1=own|B1=own, from env, earlier C1"
    );
}

#[test]
fn growth_and_time_are_bounded() {
    let start = Instant::now();
    let mut doubling = "V0=xxxxxxxx\n".to_owned();
    for line in 1..60 {
        writeln!(doubling, "V{line}=$V{0}$V{0}", line - 1).unwrap();
    }
    assert!(parse(&doubling, &lookup).is_err());
    let mut many = format!("A1={}\n", "x".repeat(1 << 20));
    many.push_str(&"B1=$A1\n".repeat(17));
    assert!(parse(&many, &lookup).is_err());
    for part in [
        "A1=\"\\n\"\n",
        "A1='",
        "A1=$A1\n",
        "# \n",
        "A1\n",
        "\\",
        " #",
        "\"\\0",
        "A1=\"$A1\\t\"",
        " \n",
    ] {
        let long = part.repeat(100_000);
        drop(parse(&long, &lookup));
        drop(parse_raw(&long, &lookup));
        drop(parse(&format!("A1=\"{long}"), &lookup));
    }
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn debug_and_errors_show_no_value() {
    let entries = parse("A1=MARK\nB1='MARK'\n", &lookup).unwrap();
    assert!(!format!("{entries:?}").contains("MARK"));
    for text in [
        "A1=\"MARK",
        "A1=${MARK!}",
        "A1=MARK ${A1?MARK!}",
        "MARK!=",
        "MARK MARK=",
    ] {
        let error = parse(text, &lookup).unwrap_err();
        assert!(!format!("{error:?}").contains("MARK"), "{text}");
    }
    for text in ["=MARK", "MARK MARK"] {
        let error = parse_raw(text, &lookup).unwrap_err();
        assert!(!format!("{error:?}").contains("MARK"), "{text}");
    }
}

#[test]
fn values_are_written_with_as_few_quotes_as_will_do() {
    let table = [
        ("", Some("''")),
        ("aB3_-./:@%+,=", Some("aB3_-./:@%+,=")),
        ("a b", Some("'a b'")),
        ("#a", Some("'#a'")),
        ("~", Some("'~'")),
        ("$A `x` \"y\" \\n", Some("'$A `x` \"y\" \\n'")),
        ("a\\\\", Some("'a\\\\'")),
        ("a\\", Some("\"a\\\\\"")),
        ("it's $5 \"x\" \\n", Some("\"it's \\$5 \\\"x\\\" \\\\n\"")),
        ("a\nb\r\n", Some("'a\nb\r\n'")),
        ("ü", Some("'ü'")),
        ("it's `x`", None),
        ("`x`\\", None),
        ("a\0b", None),
    ];
    for (value, expected) in table {
        assert_eq!(quote(value).as_deref(), expected, "{value:?}");
    }
}

fn any_value() -> impl Strategy<Value = String> {
    "[A-Za-z0-9]{0,54}|(?s).{0,12}|([\\\\'\"$`{}#~ \t\r\n!&;()*?=a0né])*"
}

proptest! {
    #[test]
    fn what_was_quoted_is_read_back(value in any_value(), rest in "|\r\n|\nB1=c") {
        if let Some(written) = quote(&value) {
            let entries = parse(&format!("A1={written}{rest}"), &|_| Some("x".to_owned())).unwrap();
            prop_assert_eq!(entries[0].value.as_ref().unwrap().expose(), &value);
            prop_assert!(entries[0].variables.is_empty());
        } else {
            prop_assert!(value.contains(['`', '\0']));
        }
    }

    #[test]
    fn nothing_panics_and_spans_are_right(
        text in "(\u{feff})?(A1|B|=|:|export |\\\\[0-7]{0,3}|\\\\|\\$[A{]?|[}'\"# \n\té]|\r\n)*",
    ) {
        drop(parse_raw(&text, &lookup));
        match parse(&text, &lookup) {
            Ok(entries) => for entry in entries {
                prop_assert_eq!(&text[entry.name_span], &entry.name);
                let written = &text[entry.value_span];
                for used in entry.variables {
                    prop_assert!(written[used.span].contains(&used.name));
                }
            },
            Err(error) => prop_assert!(text.get(error.offset..).is_some()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn a_shell_reads_what_was_quoted(values in prop::collection::vec(any_value(), 100)) {
        let quoted = |value: &String| Some((quote(value)?, value.clone()));
        let values: Vec<_> = values.iter().filter_map(quoted).collect();
        let folder = tempfile::tempdir().unwrap();
        let mut file = String::new();
        let mut script = ". ./env\n".to_owned();
        let mut expected = String::new();
        for (at, (written, value)) in values.iter().enumerate() {
            writeln!(file, "V{at}={written}").unwrap();
            writeln!(script, "printf '%s\\0' \"$V{at}\"").unwrap();
            expected += &format!("{value}\0");
        }
        std::fs::write(folder.path().join("env"), file).unwrap();
        let output = Command::new("/bin/sh")
            .args(["-euc", &script])
            .current_dir(folder.path())
            .output()
            .unwrap();
        prop_assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        prop_assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    }
}
