//! What is said of a text with unknown variables and files holds whatever they are: each text is read with them
//! unknown, and then with several contents for each.
//!
//! `CLEARML_SECURE_FUZZ=20` reads twenty times as many texts, `CLEARML_SECURE_SEED` other ones.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::use_debug,
    reason = "the helpers of a test may fail as the test does, and say what differs"
)]

#[path = "hocon_oracle/generator.rs"]
#[allow(dead_code, reason = "it is written for the tests against pyhocon")]
mod generator;
#[path = "hocon_oracle/oracle.rs"]
#[allow(dead_code, reason = "it is written for the tests against pyhocon")]
mod oracle;
#[path = "../../../tests/oracles/oracle.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod oracles;

use generator::Generator;
use oracle::{Case, brought, known};
use oracles::number;
use pyhocon::{Cause, Context, Include, Included, Lookup, Node, Object, Value};

const TEXTS: usize = 1_500;
/// How many contents each unknown thing is given.
const CONTENTS: usize = 6;

/// What stands in a text that refers to something unknown: the variable `H`, the file `h.conf`.
const LINES: &[&str] = &[
    "include \"h.conf\"",
    "include \"knows.conf\"",
    "a { include \"h.conf\" }",
    "a { x: 1, include \"h.conf\", y: 2 }",
    "b.c { include \"h.conf\", x: 1 }",
    "b.c: { x: 2 }",
    "a: ${H}",
    "a: ${?H}",
    "b: pre ${?H} post",
    "a.x: ${?H}",
    "a.x: ${H}\"quoted\"",
    "a: [1, ${?H}, 2]",
    "a: [${?H}]",
    "a: [include \"h.conf\"]",
    "a: [1] ${?H}",
    "a: {x: 1} ${?H}",
    "b: include \"h.conf\"",
    "a: ${b}",
    "b: ${?a}",
    "b: ${a.x}",
    "c: ${?b.c}",
    "c: ${a} {z: 1}",
    "c: ${?b} text",
    "a: {x: 1}",
    "a { y { z: 3 } }",
    "a.y: {w: 4}",
    "a: 5",
    "a: null",
    "a: [7]",
    "a += 1",
    "a: ${?a} [8]",
    "a: ${a} {v: 9}",
    "b: ${?b} x",
    "a.x: ${?a.x} x",
    "c: [${a}, ${?b}]",
    "b { c: ${a}, d: ${?H} }",
];

const TEXTS_OF_H: &[&str] = &[
    "",
    "a: 1",
    "a: text\nb: { c: { x: 8 } }",
    "x: 9\ny { z: 1 }",
    "a { x: {y: 2}, y: 6 }\nc: null",
    "c: ${?a}\nH: 3",
    "a += 2\nb: ${?b} h",
    "[1, 2]",
    "c { z: [] }\nb.d: true",
];

const VALUES_OF_H: &[&str] = &["", "text", "5s", "{x: 1}", "0"];

fn case(generator: &mut Generator) -> Case {
    let mut case = if generator.one_in(3) {
        generator.file()
    } else {
        let mut text = String::new();
        for _ in 0..2 + generator.below(5) {
            text.push_str(generator.pick(LINES));
            text.push('\n');
        }
        Case {
            text,
            ..generator.file()
        }
    };
    case.files.insert(
        "knows.conf".to_owned(),
        "a { x: 1 }\ninclude \"h.conf\"\nb: 2".to_owned(),
    );
    case
}

/// Which variables and files of a text are unknown.
struct Hidden {
    all_variables: bool,
    all_files: bool,
}

impl Hidden {
    fn variable(&self, name: &str) -> bool {
        self.all_variables || name == "H"
    }

    fn file(&self, path: &str) -> bool {
        self.all_files || path == "h.conf"
    }

    fn read(&self, case: &Case) -> Result<Object, pyhocon::Fault> {
        let environment = |name: &str| match self.variable(name) {
            true => Lookup::Unknown(format!("variable {name}")),
            false => known(case.environment.get(name)),
        };
        let include = |include: &Include<'_>| match self.file(&include.path()) {
            true => Included::Unknown(format!("file {}", include.name)),
            false => brought(include, case.files.get(&include.path())),
        };
        case.read_in(&Context::new(&environment, &include))
    }

    /// Reads it with some content for what is unknown.
    fn filled(&self, case: &Case, generator: &mut Generator) -> Result<Object, pyhocon::Fault> {
        let value = generator
            .below(VALUES_OF_H.len() + 1)
            .checked_sub(1)
            .map(|index| VALUES_OF_H[index].to_owned());
        let text = generator
            .below(TEXTS_OF_H.len() + 1)
            .checked_sub(1)
            .map(|index| TEXTS_OF_H[index].to_owned());
        let keeps = generator.one_in(3);
        let environment = |name: &str| match case.environment.get(name) {
            some if !self.variable(name) || keeps => known(some),
            _ => known(value.as_ref()),
        };
        let include = |include: &Include<'_>| match case.files.get(&include.path()) {
            some if !self.file(&include.path()) || keeps => brought(include, some),
            _ => brought(include, text.as_ref()),
        };
        case.read_in(&Context::new(&environment, &include))
    }
}

fn is_unknown(node: &Node) -> bool {
    matches!(node.value, Value::Unknown(_))
}

/// Whether an object may be something else as far as it says.
fn may_be_anything(object: &Object) -> bool {
    let below = |node: &Node| match &node.value {
        Value::Object(object) => may_be_anything(object),
        _ => is_unknown(node),
    };
    object.rest().is_some() && object.iter().all(|(_, node)| below(node))
}

/// Whether what is said of an object with unknown parts is true of one without.
fn holds(said: &Object, is: &Object) -> bool {
    let is_said = is.iter().all(|(key, node)| {
        said.get_key(key)
            .is_some_and(|said| holds_of(&said.value, &node.value))
    });
    let is_there = said.iter().all(|(key, node)| {
        let may_be_none = match &node.value {
            Value::Object(object) => may_be_anything(object),
            _ => is_unknown(node),
        };
        may_be_none || is.get_key(key).is_some()
    });
    is_said && is_there
}

fn holds_of(said: &Value, is: &Value) -> bool {
    match (said, is) {
        (Value::Unknown(_), _) => true,
        (Value::Object(said), Value::Object(is)) => holds(said, is),
        (Value::Object(said), _) => may_be_anything(said),
        (Value::Array(said), Value::Array(is)) => holds_of_list(said, is),
        (said, is) => said == is,
    }
}

/// An unknown item is any number of items.
fn holds_of_list(said: &[Node], is: &[Node]) -> bool {
    match said {
        [] => is.is_empty(),
        [first, rest @ ..] if is_unknown(first) => {
            (0..=is.len()).any(|count| holds_of_list(rest, &is[count..]))
        }
        [first, rest @ ..] => is.split_first().is_some_and(|(is, after)| {
            holds_of(&first.value, &is.value) && holds_of_list(rest, after)
        }),
    }
}

#[test]
fn what_is_said_holds_whatever_is_unknown() {
    let seed = number("CLEARML_SECURE_SEED", 0x5ec0_7e57);
    let count = TEXTS * number("CLEARML_SECURE_FUZZ", 1) as usize;
    let mut generator = Generator::new(seed);
    let (mut compared, mut unknown, mut wrong) = (0, 0, Vec::new());
    for _ in 0..count {
        let case = case(&mut generator);
        let hidden = Hidden {
            all_variables: generator.one_in(3),
            all_files: generator.one_in(3),
        };

        let said = hidden.read(&case);
        if said
            .as_ref()
            .is_err_and(|fault| fault.cause == Cause::TooLarge)
        {
            // It takes a second, and would with every content.
            continue;
        }

        for _ in 0..CONTENTS {
            let is = hidden.filled(&case, &mut generator);
            let holds = match (&said, &is) {
                (Ok(said), Ok(is)) => {
                    compared += 1;
                    holds(said, is)
                }
                (Err(_), Ok(_)) => false,
                // A fault that hangs on what is unknown.
                (_, Err(_)) => continue,
            };
            if !holds {
                wrong.push(format!(
                    "{:?}\n    said {said:?}\n    is   {is:?}",
                    case.text
                ));
                break;
            }
        }
        if let Ok(said) = said {
            unknown += usize::from(Value::Object(said).unknown().is_some());
        }
    }
    eprintln!(
        "{count} texts, {compared} comparisons, {unknown} texts with unknown values; seed {seed}"
    );
    let shown: Vec<&str> = wrong.iter().take(20).map(String::as_str).collect();
    assert!(
        wrong.is_empty(),
        "{} wrong\n{}",
        wrong.len(),
        shown.join("\n")
    );
    assert!(compared > count && unknown > count / 4);
}
