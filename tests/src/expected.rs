//! What a deployment must look like after injection, said independently of the programs.
//!
//! The programs decide what a service is and edit text; here, the decision is made a second time and with less
//! thought, on what a compose oracle says the services are, and the oracle's view before is held against its
//! view after.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::keyset::Keyset;

/// What a service runs. One service can run several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Reads all twelve settings.
    Apiserver,
    /// Reads its own account.
    Fileserver,
    /// Signs its own token.
    AsyncDelete,
    /// Takes the account of `services_agent`, raw.
    AgentServices,
    /// Some other agent: it may be given that account, and nothing else.
    OtherAgent,
}

const AGENT_KEY: &str = "secure.credentials.services_agent.user_key";
const AGENT_SECRET: &str = "secure.credentials.services_agent.user_secret";

/// The raw variables of an agent, and the setting that each holds.
const RAW: [(&str, &str); 2] = [
    ("CLEARML_API_ACCESS_KEY", AGENT_KEY),
    ("CLEARML_API_SECRET_KEY", AGENT_SECRET),
];

/// Holds one view of the services against another. The error says what is wrong, without a secret.
pub fn check(before: &Value, after: &Value, keyset: &Keyset) -> Result<(), String> {
    let (before, after) = (services(before)?, services(after)?);
    let names = |services: &Map<String, Value>| services.keys().cloned().collect::<BTreeSet<_>>();
    if names(before) != names(after) {
        return Err("the services are not the same".to_owned());
    }
    let version = before
        .iter()
        .filter(|(name, service)| roles(name, service).contains(&Role::Apiserver))
        .find_map(|(_, service)| version(image(service)));
    for (name, old) in before {
        let new = &after[name];
        if without_environment(old) != without_environment(new) {
            return Err(format!("{name}: changed outside the environment"));
        }
        let expected = expected(&roles(name, old), version, keyset);
        check_environment(old, new, &expected, keyset).map_err(|why| format!("{name}: {why}"))?;
    }
    Ok(())
}

/// The settings that a service must have, by path.
fn expected<'k>(
    roles: &BTreeSet<Role>,
    version: Option<Version>,
    keyset: &'k Keyset,
) -> BTreeMap<&'k str, &'k str> {
    let before = |limit: Version| version.is_some_and(|version| version < limit);
    let is_needed = |path: &str| {
        // Before 1.16 the file server asked nobody for a name; before 1.11 there was no agent account.
        if path.contains(".fileserver.") && before((1, 16, 0))
            || path.contains(".services_agent.") && before((1, 11, 0))
        {
            return false;
        }
        roles.iter().any(|role| match role {
            Role::Apiserver => true,
            Role::Fileserver => path.contains(".fileserver."),
            Role::AsyncDelete => path == "secure.auth.token_secret",
            Role::AgentServices | Role::OtherAgent => path.contains(".services_agent."),
        })
    };
    keyset
        .values
        .iter()
        .filter(|(path, _)| is_needed(path))
        .map(|(path, value)| (path.as_str(), value.as_str()))
        .collect()
}

fn check_environment(
    old: &Value,
    new: &Value,
    expected: &BTreeMap<&str, &str>,
    keyset: &Keyset,
) -> Result<(), String> {
    let (old_variables, new_variables) = (environment(old), environment(new));
    let is_agent = image(old).contains("agent");
    let is_trains = image(old).contains("/trains:");
    let raw_setting = |name: &str| {
        RAW.iter()
            .find(|(raw, _)| is_agent && *raw == name)
            .map(|(_, path)| *path)
    };
    let others = |variables: &BTreeMap<String, Value>| -> BTreeMap<String, Value> {
        variables
            .iter()
            .filter(|(name, _)| setting_of(name, keyset).is_none() && raw_setting(name).is_none())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    if others(&old_variables) != others(&new_variables) {
        return Err("a variable that is no setting changed".to_owned());
    }
    if is_agent {
        let is_required = image(old).contains("agent-services");
        for (name, path) in RAW {
            let (old, new) = (old_variables.get(name), new_variables.get(name));
            let value = expected.get(path).map(|value| Value::from(*value));
            let is_right = match &value {
                Some(value) => new == Some(value) || (!is_required && old == new),
                None => old == new,
            };
            if !is_right {
                return Err(format!("{name} is not what it must be"));
            }
        }
        return Ok(());
    }
    for path in keyset.values.keys() {
        // In the order of the alphabet, TRAINS__ before CLEARML__, the last one wins; the old image knows the
        // old prefix alone.
        let spellings = |variables: &BTreeMap<String, Value>| -> Vec<Value> {
            ["TRAINS__", "CLEARML__"]
                .iter()
                .filter(|prefix| !is_trains || **prefix == "TRAINS__")
                .flat_map(|prefix| {
                    variables
                        .iter()
                        .filter(|(name, _)| {
                            name.starts_with(prefix) && setting_of(name, keyset) == Some(path)
                        })
                        .map(|(_, value)| value.clone())
                        .collect::<Vec<_>>()
                })
                .collect()
        };
        let (was, is) = (spellings(&old_variables), spellings(&new_variables));
        match expected.get(path.as_str()) {
            Some(value) if is.last() != Some(&Value::from(*value)) => {
                return Err(format!("{path} is not the keyset's"));
            }
            Some(_) => {}
            None if was != is => return Err(format!("{path} changed, and does not belong here")),
            None => {}
        }
    }
    Ok(())
}

/// The setting that a variable holds: prefixes in upper case alone, the rest in any.
fn setting_of<'k>(name: &str, keyset: &'k Keyset) -> Option<&'k str> {
    let rest = name
        .strip_prefix("CLEARML__")
        .or_else(|| name.strip_prefix("TRAINS__"))?;
    let path = rest.to_lowercase().replace("__", ".");
    keyset
        .values
        .get_key_value(&path)
        .map(|(path, _)| path.as_str())
}

/// What a service is, by what it runs and, where that is left to the image, by its name.
pub fn roles(name: &str, service: &Value) -> BTreeSet<Role> {
    let image = image(service);
    if image.contains("agent-services") {
        return BTreeSet::from([Role::AgentServices]);
    }
    if image.contains("clearml-agent") {
        return BTreeSet::from([Role::OtherAgent]);
    }
    let is_server = ["clearml/server", "allegroai/clearml", "allegroai/trains"]
        .iter()
        .any(|known| image.contains(known));
    if !is_server {
        return BTreeSet::new();
    }
    let ran = words(&service["entrypoint"]) + " " + &words(&service["command"]);
    let by_word = |text: &str| -> BTreeSet<Role> {
        text.split(|c: char| c.is_whitespace() || "\"'&;".contains(c))
            .filter_map(|word| match word {
                "apiserver" => Some(Role::Apiserver),
                "fileserver" => Some(Role::Fileserver),
                "jobs.async_urls_delete" | "async_delete" | "async-delete" => {
                    Some(Role::AsyncDelete)
                }
                _ => None,
            })
            .collect()
    };
    if ran.trim().is_empty() {
        by_word(name)
    } else {
        by_word(&ran)
    }
}

type Version = (u32, u32, u32);

/// The server's version, where the image's tag says it. Everything named trains is older than 1.0.
fn version(image: &str) -> Option<Version> {
    if image.contains("allegroai/trains") {
        return Some((0, 0, 0));
    }
    let tag = image.rsplit('/').next()?.split_once(':')?.1;
    let mut numbers = tag
        .split(['.', '-'])
        .map_while(|number| number.parse().ok());
    Some((
        numbers.next()?,
        numbers.next()?,
        numbers.next().unwrap_or(0),
    ))
}

fn services(view: &Value) -> Result<&Map<String, Value>, String> {
    view["services"]
        .as_object()
        .ok_or_else(|| "the oracle saw no services".to_owned())
}

fn image(service: &Value) -> &str {
    service["image"].as_str().unwrap_or_default()
}

/// A command or an entrypoint, which is a text or a list of texts.
fn words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(words).collect::<Vec<_>>().join(" "),
        _ => String::new(),
    }
}

fn environment(service: &Value) -> BTreeMap<String, Value> {
    service["environment"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            // A container's environment is text: 6379 and "6379" are the same there.
            let value = match value {
                Value::Number(number) => Value::from(number.to_string()),
                value => value.clone(),
            };
            (name.clone(), value)
        })
        .collect()
}

fn without_environment(service: &Value) -> Value {
    let mut service = service.clone();
    if let Some(keys) = service.as_object_mut() {
        keys.remove("environment");
    }
    service
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keyset() -> Keyset {
        let values = [
            "secure.http.session_secret.apiserver",
            "secure.auth.token_secret",
            "secure.credentials.fileserver.user_key",
        ];
        Keyset {
            text: String::new(),
            values: values
                .iter()
                .map(|path| ((*path).to_owned(), format!("new {path}")))
                .collect(),
        }
    }

    fn view(apiserver: &Value, redis: &Value) -> Value {
        json!({"services": {
            "apiserver": {"image": "clearml/server:2.3.0", "environment": apiserver},
            "redis": {"image": "redis:7", "environment": redis},
        }})
    }

    fn injected() -> Value {
        json!({
            "TZ": "UTC",
            "CLEARML__SECURE__HTTP__SESSION_SECRET__APISERVER": "new secure.http.session_secret.apiserver",
            "CLEARML__secure__auth__token_secret": "new secure.auth.token_secret",
            "CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_KEY": "new secure.credentials.fileserver.user_key",
        })
    }

    #[test]
    fn a_right_result_is_right() {
        let before = view(&json!({"TZ": "UTC"}), &json!({}));
        let after = view(&injected(), &json!({}));
        assert_eq!(check(&before, &after, &keyset()), Ok(()));
    }

    #[test]
    fn whatever_is_wrong_is_found() {
        let before = view(&json!({"TZ": "UTC"}), &json!({}));
        let broken = |name: &str, value: Option<&str>| {
            let mut environment = injected();
            match value {
                Some(value) => environment[name] = value.into(),
                None => drop(environment.as_object_mut().unwrap().remove(name)),
            }
            check(&before, &view(&environment, &json!({})), &keyset())
        };
        assert!(broken("TZ", None).is_err(), "a lost variable");
        assert!(broken("NEW", Some("1")).is_err(), "a new variable");
        let token = "CLEARML__secure__auth__token_secret";
        assert!(broken(token, None).is_err(), "a missing setting");
        let winner = "CLEARML__secure__auth__token_SECRET";
        assert_eq!(broken(winner, Some("old")), Ok(()), "upper case loses");
        let winner = "CLEARML__securf";
        assert!(broken(winner, Some("old")).is_err(), "an invented name");
        let leak = view(
            &injected(),
            &json!({"CLEARML__SECURE__AUTH__TOKEN_SECRET": "new secure.auth.token_secret"}),
        );
        assert!(check(&before, &leak, &keyset()).is_err(), "a leak to redis");
    }

    #[test]
    fn old_images_have_fewer_settings() {
        assert_eq!(version("allegroai/clearml:1.13.1"), Some((1, 13, 1)));
        assert_eq!(
            version("registry:5000/clearml/server:2.3.0-1"),
            Some((2, 3, 0))
        );
        assert_eq!(version("registry:5000/clearml/server"), None);
        assert_eq!(version("clearml/server:latest"), None);
        assert_eq!(version("allegroai/trains:latest"), Some((0, 0, 0)));
    }
}
