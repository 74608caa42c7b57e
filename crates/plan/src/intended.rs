//! What a plan means to say, variable by variable and port by port. The proof allows this and nothing else.

use crate::wanted::Wanted;
use clearml_secure_core::compose::Service;
use clearml_secure_core::container::Variable;
use clearml_secure_core::setting::Setting;

/// One variable of one service, and what the container is to get.
pub struct Intended {
    /// The service's name.
    pub service: String,
    /// The variable's name, as it stands or will stand.
    pub name: String,
    /// What the compose file says, before YAML's quotes.
    pub written: String,
    /// The setting; none for what else an API server reads.
    pub setting: Option<Setting>,
    /// Whether the container is to have none, although a service that it extends does.
    pub is_withheld: bool,
    /// What is done.
    pub change: Change,
}

/// What is done to a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was not there, or only by way of something shared with others.
    Added,
    /// It has the value already.
    Kept,
    /// It stands there with another value.
    Replaced,
    /// It would come from a service that this one extends, and is taken away.
    Withheld,
    /// It came from a service that this one extends, and is written here as it was.
    Inherited,
}

impl Intended {
    /// With whether the file that is edited says it already and another one wins, where it says anything of that name.
    pub(crate) fn of(one: &Wanted, service: &Service, stands: Option<bool>) -> Self {
        let found = variable(service, &one.name);
        Self {
            service: service.name.clone(),
            name: one.name.clone(),
            written: one.written.clone(),
            setting: one.setting,
            is_withheld: one.is_withheld(),
            change: if one.is_withheld() && !one.is_right(found) {
                Change::Withheld
            } else if one.is_inherited() {
                Change::Inherited
            } else if stands == Some(true) || one.has(found) && one.is_right(found) {
                Change::Kept
            } else if stands.is_some() || one.is_right(found) {
                Change::Replaced
            } else {
                Change::Added
            },
        }
    }
}

/// One place at which the file comes to say something else about ports.
pub struct IntendedPort {
    /// Of the service, or of its entry: `services/redis/ports`, `services/apiserver/ports/0`.
    pub path: String,
    /// What stands there then; none for an empty list.
    pub text: Option<String>,
    /// Whether the service publishes just what it did.
    pub is_kept: bool,
}

/// An entry of a list of ports that is written again.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum NewPort {
    /// In the short form.
    Short(String),
    /// The keys and values of one that has no short form.
    Long(Vec<(String, String)>),
}

impl NewPort {
    /// As an item of a list.
    pub(crate) fn written(&self) -> String {
        match self {
            Self::Short(text) => format!("\"{text}\""),
            Self::Long(fields) => {
                let fields: Vec<String> = { fields.iter() }
                    .map(|(key, value)| format!("{key}: \"{value}\""))
                    .collect();
                format!("{{{}}}", fields.join(", "))
            }
        }
    }
}

impl IntendedPort {
    /// No port of a service.
    pub(crate) fn none(service: &Service) -> Self {
        Self {
            path: format!("services/{}/ports", service.name),
            text: None,
            is_kept: false,
        }
    }

    /// The service that it is of.
    pub fn service(&self) -> &str {
        let below = self.path.strip_prefix("services/").unwrap_or(&self.path);
        below.split('/').next().unwrap_or(below)
    }

    /// The same at a service that merges the other one.
    pub(crate) fn at(&self, service: &Service, other: &Service) -> Self {
        let from = format!("services/{}/", service.name);
        let rest = self.path.strip_prefix(&from).unwrap_or(&self.path);
        Self {
            path: format!("services/{}/{rest}", other.name),
            text: self.text.clone(),
            is_kept: self.is_kept,
        }
    }

    /// These entries, which are all that a service has.
    pub(crate) fn these(service: &Service, entries: Vec<NewPort>) -> Vec<Self> {
        let mut these = Vec::new();
        for (number, entry) in entries.into_iter().enumerate() {
            let path = format!("services/{}/ports/{number}", service.name);
            match entry {
                NewPort::Short(text) => these.push(Self {
                    path,
                    text: Some(text),
                    is_kept: false,
                }),
                NewPort::Long(fields) => {
                    these.extend(fields.into_iter().map(|(key, value)| Self {
                        path: format!("{path}/{key}"),
                        text: Some(value),
                        is_kept: key != "host_ip",
                    }))
                }
            }
        }
        these
    }
}

/// The variable of a service by that name.
pub(crate) fn variable<'a>(service: &'a Service, name: &str) -> Option<&'a Variable> {
    let mut variables = service.environment.iter();
    variables.find(|variable| variable.name == name)
}
