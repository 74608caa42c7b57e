//! Proxies that lead wherever those who come in want, and whether they ask these for a password.

use super::files::Files;
use super::mention::programs;
use crate::container::Container;

/// What they are called; `gost` is other things as well.
const NAMES: [&str; 8] = [
    "3proxy",
    "danted",
    "dante",
    "go-socks5-proxy",
    "microsocks",
    "privoxy",
    "sockd",
    "tinyproxy",
];
/// Whether a container is such a proxy. Squid is one unless it is told whom to stand before.
pub(super) fn is_one(container: &Container, files: &Files) -> bool {
    programs(container).any(|name| match name {
        "squid" => !files
            .texts
            .iter()
            .any(|file| squid_is_before_others(&file.text)),
        name => NAMES.contains(&name),
    })
}

/// Whether a container may be one whose files have to be read for that.
pub(super) fn has_name(container: &Container) -> bool {
    programs(container).any(|name| name == "squid" || NAMES.contains(&name))
}

/// Whether it is one that asks nobody, as far as its files are read.
pub(super) fn is_open(container: &Container, files: &Files) -> bool {
    let is_gost = programs(container).any(|name| name == "gost");
    let asks_for_target = |word: &String| {
        let word = word.trim_start_matches("-L").trim_start_matches('=');
        // With a name and a password before it, it asks for them.
        !word.contains('@')
            && (word.starts_with("socks") || word.starts_with("http") || word.starts_with(':'))
    };
    let is_open =
        |name: &str| (name == "squid" || NAMES.contains(&name)) && !asks(name, container, files);
    is_one(container, files) && programs(container).any(is_open)
        || is_gost && container.words.iter().any(asks_for_target)
}

/// Whether one of these proxies asks those who come in for a password.
fn asks(name: &str, container: &Container, files: &Files) -> bool {
    let texts = || files.texts.iter().map(|file| file.text.as_str());
    match name {
        "3proxy" => texts().any(three_proxy_asks),
        "dante" | "danted" | "sockd" => texts().any(dante_asks),
        "go-socks5-proxy" => {
            let password = container.known_variable("PROXY_PASSWORD");
            password.is_some_and(|password| !password.expose().is_empty())
        }
        "microsocks" => container.option("-P").next().is_some(),
        "squid" => texts().any(squid_asks),
        "tinyproxy" => texts().any(tinyproxy_asks),
        _ => false,
    }
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

/// `http_port 80 accel`, and servers that it is told.
fn squid_is_before_others(text: &str) -> bool {
    lines(text).any(|words| match words[0] {
        "http_port" | "https_port" => words[1..]
            .iter()
            .any(|word| ["accel", "vhost"].contains(word) || word.starts_with("defaultsite=")),
        name => name == "cache_peer",
    })
}

/// The first `http_access` that fits counts: those who are let in need a name of `acl NAME proxy_auth …`.
fn squid_asks(text: &str) -> bool {
    // What only squid's own container is.
    const OWN: [&str; 3] = ["localhost", "manager", "to_localhost"];
    let mut asking: Vec<&str> = Vec::new();
    let mut asks = false;
    for words in lines(text) {
        match words[..] {
            ["acl", name, "proxy_auth" | "proxy_auth_regex", ..] => asking.push(name),
            ["http_access", "deny", no]
                if no.strip_prefix('!').is_some_and(|no| asking.contains(&no)) =>
            {
                return true;
            }
            ["http_access", "deny", "all"] => return asks,
            ["http_access", "allow", ref lists @ ..] => {
                let is_asked = lists.iter().any(|list| asking.contains(list));
                asks |= is_asked;
                if !is_asked && !lists.iter().any(|list| OWN.contains(list)) {
                    return false;
                }
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
        assert!(!asks("http_access deny all\n"));
        assert!(squid_is_before_others("http_port 80 accel vhost\n"));
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
