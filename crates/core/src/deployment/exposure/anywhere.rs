//! Proxies that lead wherever those who come in want, and whether they ask these for a password.

use serde_json::Value;

use super::files::{File, Files};
use super::mention::{programs, values};
use crate::container::Container;
use crate::knowable::Knowable;
use crate::secret::Secret;

/// What they are called.
const NAMES: [&str; 16] = [
    "3proxy",
    "cors-anywhere",
    "danted",
    "dante",
    "go-socks5-proxy",
    "microsocks",
    "mitmdump",
    "mitmproxy",
    "mitmweb",
    "polipo",
    "pproxy",
    "privoxy",
    "proxy.py",
    "sockd",
    "squid",
    "tinyproxy",
];
/// Those that are one where their file says so, and what says there that it asks for a password.
const BY_FILE: [(&str, &str, &[&str]); 2] = [
    ("caddy", "forward_proxy", &["basic_auth", "basicauth"]),
    ("envoy", "dynamic_forward_proxy", &[]),
];

/// What they are called.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter()
}

/// Whether a container is such a proxy. Squid is one unless it is told whom to stand before.
pub(super) fn is_one(container: &Container, files: &Files) -> bool {
    let leads_anywhere = |name: &str| match name {
        "squid" => !all("squid", container, files, squid_is_before_others),
        "mitmdump" | "mitmproxy" | "mitmweb" => !mode(container).starts_with("reverse"),
        name => NAMES.contains(&name),
    };
    programs(container).any(leads_anywhere)
}

/// Whether a container may be one whose files have to be read for that.
pub(super) fn has_name(container: &Container) -> bool {
    programs(container).any(|name| NAMES.contains(&name))
}

/// What mitmproxy is.
fn mode(container: &Container) -> &str {
    let told = |name| container.option(name).next();
    told("--mode").or_else(|| told("-m")).unwrap_or_default()
}

/// Whether it is one that asks nobody, as far as its files are read. glider, goproxy, gost, ncat and wstunnel are other things
/// as well.
pub(super) fn is_open(container: &Container, files: &Files) -> bool {
    let is_one = is_one(container, files);
    let is_open = |name: &str| match name {
        "glider" => glider_is_open(container, files),
        "goproxy" => goproxy_is_open(container),
        "gost" => gost_is_open(container, files),
        "ncat" => is_told(container, "--proxy-type") && !is_told(container, "--proxy-auth"),
        "wstunnel" => {
            let is_restricted = |word: &String| word.starts_with("--restrict");
            let mut words = container.words.iter();
            container.words.iter().any(|word| word == "server") && !words.any(is_restricted)
        }
        name if is_by_file(name, files) => true,
        name => is_one && NAMES.contains(&name) && !asks(name, container, files),
    };
    programs(container).any(is_open)
}

fn is_told(container: &Container, option: &str) -> bool {
    container.option(option).next().is_some()
}

fn is_by_file(name: &str, files: &Files) -> bool {
    let own = BY_FILE.iter().find(|(own, ..)| *own == name);
    own.is_some_and(|(_, is_one, asks)| {
        let has = |word: &str| files.texts.iter().any(|file| file.text.contains(word));
        has(is_one) && !asks.iter().any(|word| has(word))
    })
}

/// `-L relay://:8443`, and what its file says, which it looks for without a word as well.
fn gost_is_open(container: &Container, files: &Files) -> bool {
    let mut told = values(container, "-L").peekable();
    let has_file = values(container, "-C").next().is_some();
    let reads_file = has_file || told.peek().is_none();
    let is_open = || match files.texts.is_empty() {
        true => has_file,
        false => files.texts.iter().any(|file| gost_file_is_open(&file.text)),
    };
    told.any(gost_leads_anywhere) || reads_file && is_open()
}

/// `relay://:8443` does, and `tcp://:9999/redis:6379` leads there alone.
fn gost_leads_anywhere(address: &str) -> bool {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    // With a name and a password before it, or behind it, it asks for them.
    let asks = host.contains('@') || address.contains("?auth") || address.contains("&auth");
    !asks && (path.is_empty() || path.starts_with('?'))
}

/// Services that have nobody to lead to, and ask for nothing.
fn gost_file_is_open(text: &str) -> bool {
    let Ok(value) = serde_yaml::from_str::<Value>(text) else {
        return true;
    };
    let all = |name: &str| {
        value
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
    };
    let is_open = |service: &Value| {
        let names = ["auth", "auther", "authers"];
        let asks = |one: &Value| names.into_iter().any(|name| one.get(name).is_some());
        service.get("forwarder").is_none() && !service.get("handler").is_some_and(asks)
    };
    let mut old = all("ServeNodes").filter_map(Value::as_str);
    all("services").any(is_open) || old.any(gost_leads_anywhere)
}

/// `-listen :8443`, and `listen=:8443` in its file; `tcp://:80=host:80` leads there alone.
fn glider_is_open(container: &Container, files: &Files) -> bool {
    let leads_anywhere = |address: &str| !address.contains(['@', '=']);
    let told = |name| container.option(name);
    let lines = files.texts.iter().flat_map(|file| file.text.lines());
    let of_file = lines.filter_map(|line| line.trim().strip_prefix("listen="));
    let mut all = told("-listen").chain(told("--listen")).chain(of_file);
    let has_file = ["-config", "--config"]
        .into_iter()
        .any(|name| is_told(container, name));
    all.any(leads_anywhere) || has_file && files.texts.is_empty()
}

/// `goproxy http -p :8080`, with nothing that names who may come in.
fn goproxy_is_open(container: &Container) -> bool {
    const KINDS: [&str; 4] = ["http", "socks", "sps", "ss"];
    let is_kind = |word: &String| KINDS.contains(&word.as_str());
    let names_users = |name| is_told(container, name);
    container.words.iter().any(is_kind) && !["-a", "-F"].into_iter().any(names_users)
}

/// Whether one of these proxies asks those who come in for a password.
fn asks(name: &str, container: &Container, files: &Files) -> bool {
    match name {
        "3proxy" => all("3proxy", container, files, three_proxy_asks),
        "dante" | "danted" | "sockd" => {
            let mut names = ["danted", "sockd"].into_iter();
            names.any(|name| all(name, container, files, dante_asks))
        }
        "go-socks5-proxy" => {
            let value = |name| container.variable(name).map(|one| one.map(Secret::expose));
            let has_password =
                matches!(value("PROXY_PASSWORD"), Knowable::Known(Some(one)) if !one.is_empty());
            has_password && matches!(value("REQUIRE_AUTH"), Knowable::Known(None | Some("true")))
        }
        "microsocks" => is_told(container, "-P"),
        "mitmdump" | "mitmproxy" | "mitmweb" => is_told(container, "--proxyauth"),
        "pproxy" => container.words.iter().any(|word| word.contains('#')),
        "proxy.py" => is_told(container, "--basic-auth"),
        "squid" => all("squid", container, files, squid_asks),
        "tinyproxy" => all("tinyproxy", container, files, tinyproxy_asks),
        _ => false,
    }
}

/// Whether something is so in each file that a program reads, of which one has its name. What one of them includes is not read,
/// and may say otherwise.
fn all(name: &str, container: &Container, files: &Files, is_so: fn(&str) -> bool) -> bool {
    let is_own = |file: &str| {
        let ending = file.strip_prefix(name);
        ending.is_some_and(|ending| [".cfg", ".conf"].contains(&ending))
    };
    let read = files.read_by(container, is_own);
    let includes = |text: &str| lines(text).any(|words| words[0].starts_with("include"));
    let is_so = |file: &&File| is_so(&file.text) && !includes(&file.text);
    !read.is_empty() && read.iter().all(is_so)
}

/// The words of each line that is no comment.
fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = text.lines().map(|line| line.split_whitespace().collect());
    lines.filter(|words: &Vec<&str>| words.first().is_some_and(|word| !word.starts_with('#')))
}

/// `BasicAuth NAME PASSWORD`: tinyproxy serves nobody else then.
fn tinyproxy_asks(text: &str) -> bool {
    lines(text)
        .any(|words| matches!(words[..], [name, _, _] if name.eq_ignore_ascii_case("basicauth")))
}

/// `auth strong` counts for the services that are started after it.
fn three_proxy_asks(text: &str) -> bool {
    const SERVICES: [&str; 7] = ["auto", "ftppr", "pop3p", "proxy", "smtpp", "socks", "tlspr"];
    // Who comes in there is led to one host.
    const STRAIGHT: [&str; 2] = ["tcppm", "udppm"];
    let mut is_strong = false;
    let mut starts = false;
    for words in lines(text) {
        match words[0] {
            "auth" => {
                is_strong = words.contains(&"strong")
                    && words[1..]
                        .iter()
                        .all(|word| ["cache", "strong"].contains(word));
            }
            name if STRAIGHT.contains(&name) => return false,
            name if SERVICES.contains(&name) => {
                if !is_strong {
                    return false;
                }
                starts = true;
            }
            _ => {}
        }
    }
    starts
}

/// `socksmethod: username`, in old files `method:`, unless a rule has another one of its own.
fn dante_asks(text: &str) -> bool {
    const ASKING: [&str; 5] = ["bsdauth", "gssapi", "pam", "pam.username", "username"];
    let mut depth = 0_usize;
    let mut is_told = false;
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default();
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let name = name.rsplit('{').next().unwrap_or_default().trim();
        if ["method", "socksmethod"].contains(&name) {
            let methods = value.trim_end_matches(['}', ' ']).split_whitespace();
            let methods: Vec<&str> = methods.collect();
            if methods.is_empty() || !methods.iter().all(|method| ASKING.contains(method)) {
                return false;
            }
            is_told |= depth == 0 && !line.contains('{');
        }
        depth += line.matches('{').count();
        depth = depth.saturating_sub(line.matches('}').count());
    }
    is_told
}

/// `http_port 80 accel` at each of its ports. With `cache_peer` alone it asks another one, and leads anywhere.
fn squid_is_before_others(text: &str) -> bool {
    let is_accel =
        |word: &&str| ["accel", "vhost"].contains(word) || word.starts_with("defaultsite=");
    let mut ports = lines(text)
        .filter(|words| ["http_port", "https_port"].contains(&words[0]))
        .peekable();
    let is_so = |words: Vec<&str>| words.iter().any(is_accel) && !words.contains(&"allow-direct");
    ports.peek().is_some() && ports.all(is_so)
}

/// The first `http_access` that fits counts. Those who have given no name of `acl NAME proxy_auth …` are asked for one where a
/// line has it, before what comes behind it in the line.
fn squid_asks(text: &str) -> bool {
    // What only squid's own container is.
    const OWN: [&str; 3] = ["localhost", "manager", "to_localhost"];
    let mut asking: Vec<&str> = Vec::new();
    let mut asks = false;
    for words in lines(text) {
        let is_asked = |list: &&str| asking.contains(&list.trim_start_matches('!'));
        match words[..] {
            ["acl", name, "proxy_auth" | "proxy_auth_regex", ..] => asking.push(name),
            ["http_access", "deny", "all"] => return true,
            ["http_access", _, first, ..] if is_asked(&first) => return true,
            ["http_access", "allow", ref lists @ ..] if lists.iter().any(is_asked) => asks = true,
            ["http_access", "allow", ref lists @ ..]
                if !lists.iter().any(|list| OWN.contains(list)) =>
            {
                return false;
            }
            _ => {}
        }
    }
    asks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_proxy_asks_where_every_service_comes_after_it() {
        let is_asking = |text: &str| three_proxy_asks(text);
        assert!(is_asking(
            "users a:CL:b\nauth strong\nproxy -p3128\nsocks\n"
        ));
        assert!(is_asking("auth cache strong\nsocks -p1080\n"));
        assert!(!is_asking("proxy -p3128\nauth strong\nsocks\n"));
        assert!(!is_asking("auth strong\nproxy\nauth none\nsocks\n"));
        assert!(!is_asking("auth iponly strong\nproxy\n"));
        assert!(!is_asking(
            "auth strong\nproxy\nauth none\ntcppm 9200 elasticsearch 9200\n"
        ));
        assert!(!is_asking("#auth strong\nproxy\n"));
        assert!(!is_asking("auth strong\n"));
    }

    #[test]
    fn dante_asks_where_no_rule_says_otherwise() {
        assert!(dante_asks(
            "socksmethod: username\nsocks pass { from: 0/0 to: 0/0 }\n"
        ));
        assert!(dante_asks(
            "clientmethod: none\nsocksmethod: pam.username # all\n"
        ));
        assert!(!dante_asks("socksmethod: username none\n"));
        assert!(!dante_asks("#socksmethod: username\nclientmethod: none\n"));
        assert!(!dante_asks("socks pass {\n socksmethod: username\n}\n"));
        assert!(!dante_asks(
            "socksmethod: username\nsocks pass {\n socksmethod: none\n}\n"
        ));
        assert!(!dante_asks(
            "socksmethod: username\nsocks pass { socksmethod: none }\n"
        ));
    }

    #[test]
    fn squid_asks_where_nobody_else_is_let_in() {
        let auth = "acl users proxy_auth REQUIRED\n";
        let asks = |rules: &str| squid_asks(&format!("{auth}{rules}"));
        assert!(asks("http_access deny !users\nhttp_access allow all\n"));
        assert!(asks(
            "http_access allow localhost\nhttp_access allow users\nhttp_access deny all\n"
        ));
        assert!(asks("http_access allow ports users\n"));
        assert!(!asks(
            "http_access allow localnet\nhttp_access allow users\nhttp_access deny all\n"
        ));
        assert!(!asks("http_access allow all\nhttp_access deny !users\n"));
        assert!(asks("http_access allow users\nhttp_access allow all\n"));
        assert!(asks("http_access deny all\nhttp_access allow all\n"));
        assert!(!asks(
            "http_access deny CONNECT !users\nhttp_access allow all\n"
        ));
        assert!(!asks(""));
        assert!(squid_is_before_others("http_port 80 accel vhost\n"));
        assert!(!squid_is_before_others(
            "http_port 80 accel\nhttp_port 3128\ncache_peer x parent 80 0\n"
        ));
        assert!(!squid_is_before_others(
            "http_port 3128\n# cache_peer x parent 80 0\n"
        ));
    }

    #[test]
    fn tinyproxy_asks_where_a_line_says_so() {
        assert!(tinyproxy_asks("Port 8888\nBasicAuth jane secret\n"));
        assert!(tinyproxy_asks("  basicauth jane secret\n"));
        assert!(!tinyproxy_asks(
            "# BasicAuth jane secret\n#BasicAuth jane secret\n"
        ));
    }
}
