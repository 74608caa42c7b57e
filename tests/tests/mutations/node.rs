//! Trees of YAML whose scalars are as they are written.

use serde_yaml::Value;

#[derive(Clone)]
pub(crate) enum Node {
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
    /// A scalar, or any text of YAML in flow style.
    Raw(String),
}

impl Node {
    pub(crate) fn of(value: &Value) -> Self {
        match value {
            Value::Sequence(items) => Self::List(items.iter().map(Self::of).collect()),
            Value::Mapping(entries) => {
                let entries = entries.iter();
                let entry = |(key, value): (&Value, &Value)| {
                    (key.as_str().unwrap().to_owned(), Self::of(value))
                };
                Self::Map(entries.map(entry).collect())
            }
            Value::Null => Self::Raw("null".to_owned()),
            Value::String(text) => Self::Raw(quoted(text)),
            scalar => Self::Raw(serde_yaml::to_string(scalar).unwrap().trim().to_owned()),
        }
    }

    /// In flow style.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::List(items) => {
                let items: Vec<String> = items.iter().map(Self::text).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Map(entries) => {
                let entry =
                    |(key, value): &(String, Self)| format!("{}: {}", quoted(key), value.text());
                let entries: Vec<String> = entries.iter().map(entry).collect();
                format!("{{{}}}", entries.join(", "))
            }
            Self::Raw(text) => text.clone(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::List(items) => items.len(),
            Self::Map(entries) => entries.len(),
            Self::Raw(_) => 0,
        }
    }

    pub(crate) fn at(&self, place: usize) -> &Self {
        match self {
            Self::List(items) => &items[place],
            Self::Map(entries) => &entries[place].1,
            Self::Raw(_) => self,
        }
    }

    pub(crate) fn at_mut(&mut self, place: usize) -> &mut Self {
        match self {
            Self::List(items) => &mut items[place],
            Self::Map(entries) => &mut entries[place].1,
            Self::Raw(_) => self,
        }
    }

    /// What is at a path of places.
    pub(crate) fn below(&mut self, path: &[usize]) -> &mut Self {
        path.iter().fold(self, |node, place| node.at_mut(*place))
    }

    /// The path of everything below.
    pub(crate) fn paths(&self) -> Vec<Vec<usize>> {
        let mut paths = Vec::new();
        for place in 0..self.len() {
            paths.push(vec![place]);
            for mut path in self.at(place).paths() {
                path.insert(0, place);
                paths.push(path);
            }
        }
        paths
    }

    /// A path in words.
    pub(crate) fn words(&self, path: &[usize]) -> String {
        let Some((place, rest)) = path.split_first() else {
            return String::new();
        };
        let name = match self {
            Self::Map(entries) => entries[*place].0.clone(),
            _ => place.to_string(),
        };
        format!("{name} {}", self.at(*place).words(rest))
    }
}

pub(crate) fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

pub(crate) fn map(entries: Vec<(&str, Node)>) -> Node {
    let entries = entries.into_iter();
    Node::Map(
        entries
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}
