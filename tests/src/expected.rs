//! What a deployment must look like after injection, said independently of the programs.
//!
//! The programs decide what a service is and edit text; here, the decision is made a second time and with less
//! thought, on what Docker Compose says the services are, and its view before is held against its view after: everything
//! that it says of a project is the same, except what was asked for, and that is exactly so.

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
    /// Reads none that are secret, and publishes a port.
    Webserver,
}

/// What inject was asked for besides the keyset.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asked {
    /// No port of a database is published.
    pub closes: bool,
    /// The servers are published on this address.
    pub bind: Option<&'static str>,
}

const AGENT_KEY: &str = "secure.credentials.services_agent.user_key";
const AGENT_SECRET: &str = "secure.credentials.services_agent.user_secret";

/// The raw variables of an agent, and the setting that each holds.
const RAW: [(&str, &str); 2] = [
    ("CLEARML_API_ACCESS_KEY", AGENT_KEY),
    ("CLEARML_API_SECRET_KEY", AGENT_SECRET),
];

/// Holds one view of a project against another. The error says what is wrong, without a secret.
pub fn check(before: &Value, after: &Value, keyset: &Keyset, asked: &Asked) -> Result<(), String> {
    if around_services(before) != around_services(after) {
        return Err("changed outside the services".to_owned());
    }
    let (before, after) = (services(before)?, services(after)?);
    let names = |services: &Map<String, Value>| services.keys().cloned().collect::<BTreeSet<_>>();
    if names(before) != names(after) {
        return Err("the services are not the same".to_owned());
    }
    let version = server_version(before);
    for (name, old) in before {
        let (new, roles) = (&after[name], roles(name, old));
        check_others(old, new).map_err(|why| format!("{name}: {why}"))?;
        check_ports(old, new, &roles, asked).map_err(|why| format!("{name}: {why}"))?;
        let expected = expected(&roles, [self::version(image(old)), version], keyset);
        check_environment(old, new, &expected, keyset).map_err(|why| format!("{name}: {why}"))?;
    }
    Ok(())
}

/// All of a project but its services. An extension is nothing that compose makes.
fn around_services(view: &Value) -> Value {
    let mut view = view.clone();
    if let Some(keys) = view.as_object_mut() {
        keys.retain(|key, _| key != "services" && !key.starts_with("x-"));
    }
    view
}

/// All of a service but its environment and its ports.
fn check_others(old: &Value, new: &Value) -> Result<(), String> {
    let others = |service: &Value| without(service, &["environment", "ports"]);
    let (old, new) = (others(old), others(new));
    if old == new {
        return Ok(());
    }
    let keys = old.as_object().into_iter().chain(new.as_object());
    let keys = keys
        .flat_map(Map::keys)
        .filter(|key| old[*key] != new[*key]);
    Err(format!("changed at {:?}", keys.collect::<BTreeSet<_>>()))
}

/// The ports are the old ones, on the address that was asked for at a server, and none at a database.
fn check_ports(
    old: &Value,
    new: &Value,
    roles: &BTreeSet<Role>,
    asked: &Asked,
) -> Result<(), String> {
    let (mut old_ports, new_ports) = (ports(old), ports(new));
    let is_server = [Role::Apiserver, Role::Fileserver, Role::Webserver]
        .iter()
        .any(|role| roles.contains(role));
    if asked.closes && is_database(image(old)) {
        old_ports.clear();
    }
    if let Some(address) = asked.bind.filter(|_| is_server) {
        for port in &mut old_ports {
            port.insert("host_ip".to_owned(), address.into());
        }
    }
    let shown = |ports: &[Map<String, Value>]| -> BTreeSet<String> {
        let shown = |port: &Map<String, Value>| Value::from(port.clone()).to_string();
        ports.iter().map(shown).collect()
    };
    let (expected, found) = (shown(&old_ports), shown(&new_ports));
    if expected == found {
        return Ok(());
    }
    Err(format!("publishes {found:?}, not {expected:?}"))
}

fn ports(service: &Value) -> Vec<Map<String, Value>> {
    let ports = service["ports"].as_array().into_iter().flatten();
    ports.filter_map(|port| port.as_object().cloned()).collect()
}

fn is_database(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or_default();
    ["redis", "mongo", "elasticsearch"]
        .iter()
        .any(|database| name.starts_with(database))
}

/// The settings that services read, as pairs of a service and a path.
pub fn needed<'k>(view: &Value, keyset: &'k Keyset) -> Vec<(String, &'k str)> {
    let Ok(services) = services(view) else {
        return Vec::new();
    };
    let version = server_version(services);
    let needed = services.iter().flat_map(|(name, service)| {
        let mut roles = roles(name, service);
        // Its account may be its own.
        roles.remove(&Role::OtherAgent);
        let versions = [self::version(image(service)), version];
        let paths = expected(&roles, versions, keyset).into_keys();
        paths.map(|path| (name.clone(), path))
    });
    needed.collect()
}

/// The variable that a service takes a setting from, and its value. A variable without one is the shell's, and there is
/// none.
pub fn winner<'s>(service: &'s Value, path: &str, keyset: &Keyset) -> Option<(&'s str, &'s str)> {
    let variables = service["environment"].as_object()?;
    let text = |name: &'s str| Some((name, variables.get(name)?.as_str()?));
    if image(service).contains("agent") {
        let (raw, _) = RAW.iter().find(|(_, raw)| *raw == path)?;
        return text(variables.get_key_value(*raw)?.0);
    }
    spellings(service, path, keyset)
        .into_iter()
        .filter_map(text)
        .next_back()
}

/// The names under which a service is given a setting. In the order of the alphabet, TRAINS__ before CLEARML__, the last one
/// wins; the old image knows the old prefix alone.
fn spellings<'s>(service: &'s Value, path: &str, keyset: &Keyset) -> Vec<&'s str> {
    let is_trains = image(service).contains("/trains:");
    let variables = service["environment"].as_object();
    let named = |prefix: &str| {
        let names = variables.into_iter().flat_map(Map::keys);
        names
            .filter(|name| name.starts_with(prefix) && setting_of(name, keyset) == Some(path))
            .map(String::as_str)
            .collect::<Vec<_>>()
    };
    let mut names = named("TRAINS__");
    if !is_trains {
        names.extend(named("CLEARML__"));
    }
    names
}

fn server_version(services: &Map<String, Value>) -> Option<Version> {
    services
        .iter()
        .filter(|(name, service)| roles(name, service).contains(&Role::Apiserver))
        .find_map(|(_, service)| version(image(service)))
}

/// The settings that a service must have, by path. With its own version, and that of the API server, which decides whether an
/// agent has an account.
fn expected<'k>(
    roles: &BTreeSet<Role>,
    [own, api]: [Option<Version>; 2],
    keyset: &'k Keyset,
) -> BTreeMap<&'k str, &'k str> {
    let is_known = |path: &str, version: Option<Version>| {
        let before = |limit: Version| version.is_some_and(|version| version < limit);
        // Before 1.16 the file server asked nobody for a name; before 1.11 there was no agent account.
        !(path.contains(".fileserver.") && before((1, 16, 0))
            || path.contains(".services_agent.") && before((1, 11, 0)))
    };
    let is_needed = |path: &str| {
        roles.iter().any(|role| match role {
            Role::Apiserver => is_known(path, own),
            Role::Fileserver => path.contains(".fileserver.") && is_known(path, own),
            Role::AsyncDelete => path == "secure.auth.token_secret",
            Role::AgentServices | Role::OtherAgent => {
                path.contains(".services_agent.") && is_known(path, api)
            }
            Role::Webserver => false,
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
        let values = |service: &Value| -> Vec<Value> {
            let names = spellings(service, path, keyset).into_iter();
            names
                .map(|name| service["environment"][name].clone())
                .collect()
        };
        let (was, is) = (values(old), values(new));
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
    let ran = words(&service["entrypoint"]) + " " + &words(&service["command"]);
    let by_word = |text: &str| -> BTreeSet<Role> {
        text.split(|c: char| c.is_whitespace() || "\"'&;".contains(c))
            .filter_map(|word| match word {
                "apiserver" => Some(Role::Apiserver),
                "fileserver" => Some(Role::Fileserver),
                "webserver" => Some(Role::Webserver),
                "jobs.async_urls_delete" | "async_delete" | "async-delete" => {
                    Some(Role::AsyncDelete)
                }
                _ => None,
            })
            .collect()
    };
    match (is_servers_image(image), ran.trim().is_empty()) {
        (true, true) => by_word(name),
        (true, false) => by_word(&ran),
        // An image of any name that runs a word of ClearML's is a copy of it, where something else tells so, too. Anything may
        // be called a web server.
        (false, _) => {
            let mut roles = by_word(&commands(&ran));
            roles.remove(&Role::Webserver);
            if !is_given(service) {
                let called = by_word(name);
                roles.retain(|role| called.contains(role));
            }
            roles
        }
    }
}

/// Whether a service has variables that only ClearML's servers read.
fn is_given(service: &Value) -> bool {
    let variables = service["environment"].as_object().into_iter().flatten();
    let mut names = variables.map(|(name, _)| name);
    names.any(|name| {
        ["CLEARML__", "TRAINS__"]
            .iter()
            .any(|start| name.starts_with(start))
    })
}

/// The words that begin a command, and what Python is told to run. Whatever else a program is told is its own affair.
fn commands(ran: &str) -> String {
    const BEGINS: [&str; 8] = ["", "&&", "||", ";", "exec", "--", "-c", "-m"];
    let words: Vec<&str> = ran.split_whitespace().collect();
    let before = |at: usize| at.checked_sub(1).map_or("", |at| words[at]);
    let is_first = |at: &usize| {
        let before = before(*at);
        BEGINS.contains(&before) || before.ends_with([';', '&'])
    };
    let first = (0..words.len()).filter(is_first).map(|at| words[at]);
    first.collect::<Vec<_>>().join(" ")
}

fn is_servers_image(image: &str) -> bool {
    ["clearml/server", "allegroai/clearml", "allegroai/trains"]
        .iter()
        .any(|known| image.contains(known))
}

type Version = (u32, u32, u32);

/// The server's version, where the image's tag says it. Everything named trains is older than 1.0.
fn version(image: &str) -> Option<Version> {
    if image.contains("allegroai/trains") {
        return Some((0, 0, 0));
    }
    // The tag of another image is no version of the server.
    if !is_servers_image(image) {
        return None;
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
    let variables = service["environment"].as_object().into_iter().flatten();
    variables
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// All but some of its keys.
fn without(value: &Value, dropped: &[&str]) -> Value {
    let mut value = value.clone();
    if let Some(keys) = value.as_object_mut() {
        keys.retain(|key, _| !dropped.contains(&key.as_str()));
    }
    value
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
        assert_eq!(check(&before, &after, &keyset(), &Asked::default()), Ok(()));
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
            check(
                &before,
                &view(&environment, &json!({})),
                &keyset(),
                &Asked::default(),
            )
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
        assert!(
            check(&before, &leak, &keyset(), &Asked::default()).is_err(),
            "a leak to redis"
        );
    }

    #[test]
    fn all_that_compose_says_is_compared_but_what_was_asked_for() {
        let mut before = view(&json!({"TZ": "UTC"}), &json!({}));
        before["services"]["redis"]["ports"] = json!([{"target": 6379, "published": "6379"}]);
        before["services"]["apiserver"]["command"] = json!(["apiserver"]);
        before["services"]["apiserver"]["ports"] = json!([{"target": 8008, "published": "8008"}]);
        let mut after = before.clone();
        after["services"]["apiserver"]["environment"] = injected();
        let asked = Asked {
            closes: true,
            bind: Some("127.0.0.1"),
        };
        let verdict = |after: &Value, asked: &Asked| check(&before, after, &keyset(), asked);
        assert_eq!(verdict(&after, &Asked::default()), Ok(()));
        assert!(verdict(&after, &asked).is_err(), "the ports are as before");
        let mut bound = after.clone();
        bound["services"]["apiserver"]["ports"][0]["host_ip"] = json!("127.0.0.1");
        bound["services"]["redis"]["ports"] = Value::Null;
        assert_eq!(verdict(&bound, &asked), Ok(()));
        assert!(verdict(&bound, &Asked::default()).is_err(), "nobody asked");
        for (pointer, value) in [
            ("/services/redis/labels", json!({"a": "b"})),
            ("/services/apiserver/command", json!([])),
            ("/volumes", json!({"data": {}})),
        ] {
            let mut changed = after.clone();
            let (above, key) = pointer.rsplit_once('/').unwrap();
            changed.pointer_mut(above).unwrap()[key] = value;
            assert!(verdict(&changed, &Asked::default()).is_err(), "{pointer}");
        }
    }

    #[test]
    fn a_copy_of_the_image_is_told_by_what_it_runs() {
        let run = |name: &str, command: &str, variable: &str| {
            let environment = json!({variable: "1"});
            let service =
                json!({"image": "example/app:1", "command": [command], "environment": environment});
            roles(name, &service)
        };
        let fileserver = BTreeSet::from([Role::Fileserver]);
        assert_eq!(run("fileserver", "fileserver", "A"), fileserver);
        assert_eq!(run("app", "fileserver", "CLEARML__a__b"), fileserver);
        assert_eq!(run("app", "fileserver", "A"), BTreeSet::new());
        assert_eq!(run("app", "app", "A"), BTreeSet::new());
        assert_eq!(run("app", "webserver", "CLEARML__a__b"), BTreeSet::new());
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
        assert_eq!(version("example/app:1"), None);
        assert_eq!(version("allegroai/trains:latest"), Some((0, 0, 0)));
    }
}
