//! A running pyhocon.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use pyhocon::{Context, Fault, Include, Included, Lookup, Node, Object, Value};
use serde_json::{Value as Json, json};

use crate::oracles::Conversation;

/// One text to read in both ways.
pub(crate) struct Case {
    /// `None` for a file.
    pub(crate) path: Option<String>,
    pub(crate) text: String,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) files: BTreeMap<String, String>,
}

pub(crate) struct Oracle(Conversation);

impl Oracle {
    pub(crate) fn start(python: &Path) -> Self {
        let script =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oracles/pyhocon_oracle.py");
        Self(Conversation::start(Command::new(python).arg(script)).unwrap())
    }

    /// What pyhocon reads: a tagged tree, or the name of an exception.
    pub(crate) fn ask(&mut self, case: &Case, whole: bool) -> Result<Json, String> {
        self.answer(&json!({
            "mode": if case.path.is_some() { "variable" } else { "file" },
            "path": case.path,
            "text": case.text,
            "env": case.environment,
            "files": case.files,
            "whole": whole,
        }))
    }

    /// Whether Python takes the value of a variable for true.
    pub(crate) fn truth(&mut self, path: &str, text: &str) -> Result<Json, String> {
        self.answer(&json!({ "mode": "variable", "path": path, "text": text, "truth": true }))
    }

    fn answer(&mut self, question: &Json) -> Result<Json, String> {
        let line = self.0.ask(&question.to_string());
        let mut answer: Json = serde_json::from_str(&line).unwrap();
        match answer["error"].as_str() {
            Some(error) => Err(error.to_owned()),
            None => Ok(answer["ok"].take()),
        }
    }
}

impl Case {
    /// What this crate reads.
    pub(crate) fn read(&self) -> Result<Object, Fault> {
        let environment = |name: &str| known(self.environment.get(name));
        let include = |include: &Include<'_>| brought(include, self.files.get(&include.path()));
        self.read_in(&Context::new(&environment, &include))
    }

    /// The same, with the caller's answers.
    pub(crate) fn read_in(&self, context: &Context<'_>) -> Result<Object, Fault> {
        match &self.path {
            Some(path) => pyhocon::parse_variable(path, &self.text, context),
            None => pyhocon::parse(&self.text, context),
        }
    }

    /// What this crate reads, in the oracle's form.
    pub(crate) fn ours(&self) -> Result<Json, String> {
        let text = &self.text;
        match self.read() {
            Ok(object) => {
                check_spans(&object, text);
                match Value::Object(object.clone()).unknown() {
                    // Addresses, packages and patterns: the test lets pyhocon follow none of them either.
                    Some(reason) => Err(reason.to_owned()),
                    None => Ok(tagged_object(&object)),
                }
            }
            Err(fault) => {
                assert!(
                    fault.offset <= text.len(),
                    "offset {} in {text:?}",
                    fault.offset
                );
                Err(format!("{:?}: {}", fault.cause, fault.message))
            }
        }
    }
}

pub(crate) fn known(value: Option<&String>) -> Lookup {
    match value {
        Some(value) => Lookup::Known(value.clone().into()),
        None => Lookup::Unset,
    }
}

pub(crate) fn brought(include: &Include<'_>, text: Option<&String>) -> Included {
    match text {
        Some(text) => Included::Known {
            file: include.path(),
            text: text.clone().into(),
            tag: None,
        },
        None => Included::Absent,
    }
}

fn check_spans(object: &Object, text: &str) {
    for (_, node) in object.iter() {
        check_span(node, text);
    }
}

fn check_span(node: &Node, text: &str) {
    assert!(
        text.get(node.span.clone()).is_some(),
        "span {:?} in {text:?}",
        node.span
    );
    match &node.value {
        Value::Array(nodes) => nodes.iter().for_each(|node| check_span(node, text)),
        Value::Object(object) => check_spans(object, text),
        _ => {}
    }
}

fn tagged_object(object: &Object) -> Json {
    let entries: Vec<Json> = object
        .iter()
        .map(|(key, node)| json!([key, tagged(&node.value)]))
        .collect();
    json!({ "object": entries })
}

fn tagged(value: &Value) -> Json {
    match value {
        Value::Array(nodes) => {
            json!({ "list": nodes.iter().map(|node| tagged(&node.value)).collect::<Vec<_>>() })
        }
        Value::Boolean(value) => json!({ "boolean": value }),
        Value::Float(value) => json!({ "float": python_repr(*value) }),
        Value::Include => json!({ "include": true }),
        Value::Integer(digits) => json!({ "integer": digits.expose() }),
        Value::Null => json!({ "null": true }),
        Value::Object(object) => tagged_object(object),
        Value::Period { shown, .. } => json!({ "period": shown.expose() }),
        Value::String(text) => json!({ "text": text.expose() }),
        Value::Unknown(reason) => panic!("everything is known here: {reason}"),
    }
}

/// Equal where the bits are; the notation does not matter, for it is read back.
fn python_repr(value: f64) -> String {
    format!("{:016x}", value.to_bits())
}

/// Puts floats of the oracle into the same form.
pub(crate) fn normalise(json: &mut Json) {
    match json {
        Json::Array(items) => items.iter_mut().for_each(normalise),
        Json::Object(map) => {
            if let Some(shown) = map.get("float").and_then(Json::as_str) {
                let value: f64 = shown.parse().unwrap();
                map.insert("float".to_owned(), json!(python_repr(value)));
            } else {
                map.values_mut().for_each(normalise);
            }
        }
        _ => {}
    }
}
