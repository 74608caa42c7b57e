//! Tunnels of which is read what they lead to: each proxy of frpc by itself, and autossh with its image's variables. The port
//! at which that comes in is one of the other end, and none of these containers.

use serde_json::Value;

use super::address::Address;
use super::condition::Holds;
use super::files::{File, Files};
use super::hop::{How, Rule, Target};
use super::mention::{SSH_MODE, is_tunnel, passes_on, programs};
use super::spoken::Spoken;
use super::variables::Variables;
use crate::container::Container;

/// Kinds of which the other end takes bytes as they are.
const CLEAR: [&str; 3] = ["http", "tcp", "tcpmux"];
/// Kinds for those alone who have a key of it.
const FOR_VISITORS: [&str; 3] = ["stcp", "sudp", "xtcp"];
/// The other ones.
const OTHERS: [&str; 2] = ["https", "udp"];

/// What a container's configuration tells of the tunnels in it.
pub(super) enum Told {
    /// There is none here, or the container has none of these tunnels.
    Nothing,
    /// Something of it is not read: the addresses in it count.
    Part,
    /// Whom each of them leads to.
    All(Vec<Rule>),
}

/// What its files, its options and its variables say.
pub(super) fn told(
    container: &Container,
    files: &Files,
    spoken: Spoken,
    variables: &Variables<'_>,
) -> Told {
    let is_run = |program: &str| programs(container).any(|name| name == program);
    if is_run("autossh") {
        let rule = of_variables(container, spoken, variables);
        return rule.map_or(Told::Nothing, |rule| Told::All(vec![rule]));
    }
    if !is_run("frpc") {
        return Told::Nothing;
    }
    // Another program in the container may pass on what no file of this one names.
    if programs(container).any(|name| name != "frpc" && passes_on(name)) {
        return Told::Part;
    }
    if let Some(kind) = kind_of_command(container) {
        return of_options(container, kind).map_or(Told::Part, |rule| Told::All(vec![rule]));
    }
    let mut rules = Vec::new();
    for file in files_read(container, files) {
        match of_text(&file.path, &variables.expanded(&file.text)) {
            Some(found) => rules.extend(found),
            None => return Told::Part,
        }
    }
    match (
        files.texts.is_empty(),
        files.hides_configuration(container, false),
    ) {
        (true, _) => Told::Nothing,
        (false, true) => Told::Part,
        (false, false) => Told::All(rules.into_iter().flatten().collect()),
    }
}

/// What frpc reads: all that there is where one of its files includes others.
fn files_read<'a>(container: &Container, files: &'a Files) -> Vec<&'a File> {
    let read = files.read_by(container, |_| false);
    match read.iter().any(|file| file.text.contains("include")) {
        true => files.texts.iter().collect(),
        false => read,
    }
}

/// The kind of the one proxy that its command is told: `frpc tcp -l 9200`.
fn kind_of_command(container: &Container) -> Option<&str> {
    let mut words = container.words.iter().map(String::as_str);
    words
        .find(|word| !word.starts_with('-') && word.rsplit('/').next() != Some("frpc"))
        .filter(|word| is_kind(word))
}

fn is_kind(kind: &str) -> bool {
    [&CLEAR[..], &FOR_VISITORS, &OTHERS]
        .iter()
        .any(|kinds| kinds.contains(&kind))
}

/// `frpc tcp -i mongo -l 27017 -r 9200`.
fn of_options(container: &Container, kind: &str) -> Option<Rule> {
    let first = |names: [&'static str; 3]| {
        let mut values = names.into_iter().flat_map(|name| container.option(name));
        values.next()
    };
    let host = first(["-i", "--local-ip", "--local_ip"]);
    let port = first(["-l", "--local-port", "--local_port"])?;
    rule(kind, host, port)
}

/// `SSH_TARGET_HOST` and `SSH_TARGET_PORT`. What the other end speaks, `SSH_BIND_IP` or `-R` says.
fn of_variables(container: &Container, spoken: Spoken, variables: &Variables<'_>) -> Option<Rule> {
    // The last two say where it listens, and for whom.
    let names = [
        "SSH_TARGET_HOST",
        "SSH_TARGET_PORT",
        SSH_MODE,
        "SSH_BIND_IP",
    ];
    let [host, port, ..] = names.map(|name| variables.text(name));
    let address = format!("{}:{}", host?, port?);
    let proxy = Rule {
        at: None,
        is_loopback: false,
        how: How::Bytes,
        is_tls: spoken == Spoken::Tls,
        sends_away: Holds::Never,
        to: vec![Address::of(&address)?.into()],
    };
    // What its command names comes beside the variables.
    let has_way = container.words.iter().any(|word| word.contains(':'));
    (is_tunnel(container) && !has_way).then_some(proxy)
}

/// What each proxy of a file leads to, nothing for one that takes no connections. None where one of them is not read whole.
fn of_text(path: &str, text: &str) -> Option<Vec<Option<Rule>>> {
    // A template of frp's, of which the environment of its process decides.
    if text.contains("{{") {
        return None;
    }
    let is_ini = |line: &str| line.trim() == "[common]";
    if text.lines().any(is_ini) {
        return of_ini(text);
    }
    let value: Value = match path.rsplit_once('.') {
        Some((_, "json")) => serde_json::from_str(text).ok()?,
        Some((_, "yaml" | "yml")) => serde_yaml::from_str(text).ok()?,
        _ => toml::from_str(text)
            .ok()
            .or_else(|| serde_yaml::from_str(text).ok())?,
    };
    match value.get("proxies") {
        // Sections with numbers alone are TOML as well.
        None => {
            let mut parts = value.as_object()?.values();
            let has_proxy = parts.any(|part| part.get("local_port").is_some());
            (!has_proxy).then(Vec::new)
        }
        Some(proxies) => {
            let is_started = |proxy: &&Value| {
                let names = value.get("start").and_then(Value::as_array);
                let is_named =
                    |names: &Vec<Value>| proxy.get("name").is_some_and(|name| names.contains(name));
                names.is_none_or(|names| names.is_empty() || is_named(names))
                    && proxy.get("enabled").and_then(Value::as_bool) != Some(false)
            };
            let all = proxies.as_array()?.iter();
            all.filter(is_started).map(of_value).collect()
        }
    }
}

fn of_value(proxy: &Value) -> Option<Option<Rule>> {
    let text = |name| match proxy.get(name) {
        None => Some(None),
        Some(value) => value.as_str().map(Some),
    };
    if proxy.get("plugin").is_some() {
        return None;
    }
    let port = proxy.get("localPort")?.as_u64()?.to_string();
    let mut rule = of_proxy(text("type")?, text("localIP")?, &port)?;
    // The other end asks for a password, of HTTP alone.
    let asks = text("type")? == Some("http") && proxy.get("httpPassword").is_some();
    for target in rule.iter_mut().flat_map(|rule| &mut rule.to) {
        target.is_guarded |= asks;
    }
    Some(rule)
}

/// A file with a section for each proxy, and `local_ip` and `local_port` in it.
fn of_ini(text: &str) -> Option<Vec<Option<Rule>>> {
    let mut sections: Vec<(&str, Vec<(&str, &str)>)> = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        match line
            .strip_prefix('[')
            .and_then(|line| line.strip_suffix(']'))
        {
            Some(name) => sections.push((name.trim(), Vec::new())),
            None => {
                let (name, value) = line.split_once(['=', ':'])?;
                let (_, pairs) = sections.last_mut()?;
                pairs.push((name.trim(), value.trim()));
            }
        }
    }
    sections.retain(|(name, _)| *name != "common");
    let rules = sections.iter().map(|(name, pairs)| {
        let value = |wanted| Some(pairs.iter().rfind(|(name, _)| *name == wanted)?.1);
        if value("role") == Some("visitor") {
            return Some(None);
        }
        let is_whole = !name.starts_with("range:") && value("plugin").is_none();
        let port = value("local_port").filter(|_| is_whole)?;
        of_proxy(value("type"), value("local_ip"), port)
    });
    rules.collect()
}

/// Whom a proxy leads to. Bytes of TCP are its kind unless it says otherwise.
fn of_proxy(kind: Option<&str>, host: Option<&str>, port: &str) -> Option<Option<Rule>> {
    match kind.unwrap_or("tcp") {
        "udp" => Some(None),
        kind if is_kind(kind) => rule(kind, host, port).map(Some),
        _ => None,
    }
}

fn rule(kind: &str, host: Option<&str>, port: &str) -> Option<Rule> {
    let port: u16 = port.parse().ok()?;
    let host = host.filter(|host| !host.is_empty()).unwrap_or("127.0.0.1");
    let target = Target {
        address: Address::of(&format!("{host}:{port}"))?,
        is_guarded: FOR_VISITORS.contains(&kind),
    };
    Some(Rule {
        at: None,
        is_loopback: false,
        how: How::Bytes,
        is_tls: !CLEAR.contains(&kind),
        sends_away: Holds::Never,
        to: vec![target],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(path: &str, text: &str) -> Option<Vec<(String, u16, bool)>> {
        let rules = of_text(path, text)?;
        let shown = rules.into_iter().flatten().map(|rule| {
            let address = &rule.to[0].address;
            (
                address.host.clone().unwrap(),
                address.port.unwrap(),
                rule.is_tls,
            )
        });
        Some(shown.collect())
    }

    #[test]
    fn proxies_are_read_in_each_kind_of_file() {
        for (path, text) in [
            (
                "/frpc.toml",
                "[[proxies]]\ntype = \"tcp\"\nlocalIP = \"a\"\nlocalPort = 1\nremotePort = 9200\n\
                 [proxies.healthCheck]\ntype = \"http\"\n[[proxies]]\ntype = \"stcp\"\nlocalPort = 2\n",
            ),
            (
                "/frpc.ini",
                "[common]\nserver_port = 7000\n[x]\nlocal_ip = a\nlocal_port = 1\nremote_port = 9200\n\
                 [y]\ntype = stcp\nlocal_port = 2\n[u]\ntype = udp\nlocal_port = 53\n",
            ),
            (
                "/frpc.yaml",
                "serverPort: 7000\nproxies:\n- name: x\n  type: http\n  customDomains:\n  - a.example\n  localIP: a\n  localPort: 1 # here\n  healthCheck:\n    type: tcp\n- type: https\n  localPort: 2\n",
            ),
            (
                "/frpc.json",
                "{\"proxies\": [{\"type\": \"tcpmux\", \"localIP\": \"a\", \"localPort\": 1}, {\"type\": \"xtcp\", \"localPort\": 2}]}",
            ),
        ] {
            let expected = [
                ("a".to_owned(), 1, false),
                ("127.0.0.1".to_owned(), 2, true),
            ];
            assert_eq!(shown(path, text).as_deref(), Some(&expected[..]), "{text}");
        }
    }

    #[test]
    fn a_file_of_which_one_proxy_is_not_read_is_not_read_whole() {
        let known = "[[proxies]]\ntype = \"tcp\"\nlocalIP = \"a\"\nlocalPort = 1\n";
        for other in [
            "[[proxies]]\ntype = \"tcp\"\n[proxies.plugin]\ntype = \"https2http\"\nlocalAddr = \"b:2\"\n",
            "[[proxies]]\ntype = \"tcp\"\n",
            "[[proxies]]\ntype = \"new\"\nlocalPort = 2\n",
            "[[proxies]]\nlocalIP = \"{{ .Envs.H }}\"\nlocalPort = 2\n",
            "[[proxies]]\nlocalIP = \"$H\"\nlocalPort = 2\n",
            "[[proxies]]\nlocalPort = \"2\"\n",
            "[[proxies]]\nlocalPort = 2, 3\n",
        ] {
            assert_eq!(
                shown("/f.toml", &format!("{known}{other}")),
                None,
                "{other}"
            );
        }
        let known = "[common]\nserver_port = 1\n[a]\nlocal_ip = a\nlocal_port = 1\n";
        for other in [
            "[range:b]\nlocal_port = 2-3,4\n",
            "[b]\nplugin = socks5\n",
            "[b]\nplugin = http_proxy\nlocal_port = 2\n",
            "[b]\ntype = tcp\n",
            "[b]\nlocal_port = 2\nwhat is this\n",
        ] {
            assert_eq!(shown("/f.ini", &format!("{known}{other}")), None, "{other}");
        }
        assert_eq!(shown("/f.yaml", "proxies: {a: 1}\n"), None);
        // A part of an INI file that another one includes.
        assert_eq!(
            shown("/es.ini", "[es]\nlocal_port = 9200\nremote_port = 9200\n"),
            None
        );
    }
}
