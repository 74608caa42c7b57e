//! Apache's httpd: `<VirtualHost>`, `ProxyPass` and `RewriteRule … [P]`.

mod access;

use self::access::{Access, Kind};
use crate::deployment::exposure::address::{Address, is_loopback};
use crate::deployment::exposure::condition::{Holds, fits_all};
use crate::deployment::exposure::files::File;
use crate::deployment::exposure::hop::{How, Rule, Target};

/// One `<VirtualHost>`, or all that stands outside of any.
#[derive(Debug, Default)]
struct Host {
    /// Each with whether it is one of the loopback address alone.
    ports: Vec<(u16, bool)>,
    has_tls: bool,
    /// Without `RewriteEngine on` no rule counts.
    is_rewriting: bool,
    sends_away: Holds,
    /// Those before the next rule: whether one of them that end in `[OR]` is met, and whether all others are.
    any_of: Option<Holds>,
    conditions: Option<Holds>,
    /// A rule lets some requests go past all that follow.
    lets_some_go: bool,
    access: Access,
    /// Each with its path.
    to: Vec<(String, Address)>,
}

/// What the files say; none where none of them passes anything on.
pub(super) fn rules(files: &[&File], variable: &dyn Fn(&str) -> String) -> Option<Vec<Rule>> {
    let mut global = Host::default();
    let mut hosts: Vec<Host> = Vec::new();
    let mut is_inside = false;
    let mut defined: Vec<(String, String)> = Vec::new();
    for file in files {
        // A line that ends in a backslash goes on in the next one.
        for line in file.text.replace("\\\n", " ").lines() {
            let mut line = variable(line.trim());
            for (name, value) in &defined {
                line = line.replace(name, value);
            }
            let words: Vec<&str> = line
                .split_whitespace()
                .map(|word| word.trim_matches('"'))
                .collect();
            let Some(first) = words.first().map(|word| word.to_ascii_lowercase()) else {
                continue;
            };
            if let ("define", [_, name, value]) = (first.as_str(), &words[..]) {
                defined.push((format!("${{{name}}}"), (*value).to_owned()));
            } else if first == "<virtualhost" {
                let addresses = words[1..].iter().map(|word| word.trim_end_matches('>'));
                let ports = addresses.filter_map(port);
                hosts.push(Host {
                    ports: ports.collect(),
                    ..Host::default()
                });
                is_inside = true;
            } else if first == "</virtualhost>" {
                is_inside = false;
            } else {
                let host = hosts
                    .last_mut()
                    .filter(|_| is_inside)
                    .unwrap_or(&mut global);
                add(&first, &words, host);
            }
        }
    }
    let is_whole = |file: &&File| {
        let includes = |line: &str| line.trim().to_ascii_lowercase().starts_with("include");
        file.path.ends_with("/httpd.conf") && !file.text.lines().any(includes)
    };
    let has_any = !hosts.is_empty() || !global.to.is_empty() || files.iter().any(is_whole);
    if global.ports.is_empty() {
        global.ports.push((80, false));
    }
    let none = Access::default();
    let with_outer = hosts.iter().map(|host| (host, &global.access));
    let rules = with_outer
        .chain([(&global, &none)])
        .flat_map(|(host, outer)| {
            let target = |(path, address): &(String, Address)| Target {
                address: address.clone(),
                is_guarded: host.access.covers(outer, path, host.has_tls),
            };
            let to: Vec<Target> = host.to.iter().map(target).collect();
            let global = &global;
            host.ports.iter().map(move |(at, is_loopback)| Rule {
                at: Some(*at..=*at),
                is_loopback: *is_loopback || global.is_loopback(*at),
                how: How::Requests,
                is_tls: host.has_tls,
                sends_away: host.sends_away,
                to: to.clone(),
            })
        });
    has_any.then(|| rules.collect())
}

impl Host {
    /// Whether only the loopback address is told for a port.
    fn is_loopback(&self, at: u16) -> bool {
        let mut told = self.ports.iter().filter(|(port, _)| *port == at).peekable();
        told.peek().is_some() && told.all(|(_, is_loopback)| *is_loopback)
    }

    /// Adds `RewriteRule EXPRESSION TO [FLAGS]`.
    fn rewrite(&mut self, words: &[&str]) {
        let conditions = self.conditions.take().unwrap_or(Holds::Always);
        let conditions = conditions.and(self.any_of.take().unwrap_or(Holds::Always));
        let [_, expression, to, flags @ ..] = words else {
            return;
        };
        let flags = flags.join("").to_ascii_uppercase();
        let flags: Vec<&str> = flags.trim_matches(['[', ']']).split(',').collect();
        let is = |names: &[&str]| {
            let mut flags = flags
                .iter()
                .map(|flag| flag.split('=').next().unwrap_or(flag));
            flags.any(|flag| names.contains(&flag))
        };
        if is(&["R", "REDIRECT"]) {
            let is_of_all = fits_all(expression) && to.starts_with("https://");
            if is_of_all && self.is_rewriting && !self.lets_some_go && self.access.is_of_all() {
                self.sends_away = self.sends_away.or(conditions);
            }
        } else {
            let is_last = is(&["L", "LAST", "END", "P", "PROXY"]);
            let is_met = conditions != Holds::Never && !expression.contains("well-known");
            self.lets_some_go |= is_last && is_met;
            self.pass(literal(expression), &words[2..]);
        }
    }

    /// Adds those of some words that are whom it passes on to.
    fn pass(&mut self, path: &str, words: &[&str]) {
        let there = words.iter().filter(|word| word.contains("://"));
        let addresses = there.filter_map(|word| {
            let start = word.split(['$', '%']).next()?;
            match start.ends_with("://") {
                true => Some(Address::untold()),
                false => Address::of(start),
            }
        });
        self.to.extend(addresses.map(|to| (path.to_owned(), to)));
    }

    /// Adds `RewriteCond WHAT PATTERN [FLAGS]`.
    fn condition(&mut self, words: &[&str]) {
        let holds = match words {
            [_, what, pattern, ..] => holds(what, pattern, &self.ports),
            _ => Holds::Sometimes,
        };
        let flags = words
            .get(3..)
            .unwrap_or_default()
            .join("")
            .to_ascii_uppercase();
        let has_or = flags
            .trim_matches(['[', ']'])
            .split(',')
            .any(|flag| ["OR", "ORNEXT"].contains(&flag));
        let any_of = self.any_of.take().map_or(holds, |before| before.or(holds));
        match has_or {
            true => self.any_of = Some(any_of),
            false => {
                self.conditions = Some(self.conditions.map_or(any_of, |before| before.and(any_of)))
            }
        }
    }
}

/// `80`, `*:80`, `127.0.0.1:80`.
fn port(address: &str) -> Option<(u16, bool)> {
    let port = address.rsplit(':').next()?.parse().ok()?;
    Some((port, is_loopback(address)))
}

/// The path that all are or are below that an expression fits: of `^/api(.*)$`, which also fits `/apis`, that is `/`.
fn literal(expression: &str) -> &str {
    let text = expression.strip_prefix('^').unwrap_or_default();
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "/-_".contains(c)));
    let (path, rest) = text.split_at(end.unwrap_or(text.len()));
    let ends_there = ["$", "(/", "/?$"].iter().any(|end| rest.starts_with(end));
    match path.rfind('/') {
        Some(at) if !ends_there => &path[..=at],
        _ => path,
    }
}

/// A section begins or ends.
fn section(kind: &str, words: &[&str], host: &mut Host) {
    let kind = kind.trim_end_matches('>');
    let of_if = |words: &[&str]| match words {
        [what, operator @ ("==" | "!=" | "-eq" | "-ne"), value] => {
            let value = value.trim_matches('\'');
            let sign = if operator.starts_with(['!']) || *operator == "-ne" {
                "!="
            } else {
                "="
            };
            holds(what, &[sign, value].concat(), &host.ports)
        }
        _ => Holds::Sometimes,
    };
    let rest: Vec<&str> = words[1..]
        .iter()
        .map(|word| word.trim_matches(['>', '"']))
        .collect();
    let kind = match (kind, &rest[..]) {
        ("location", ["~", expression]) | ("locationmatch", [expression]) => {
            Kind::Expression(fits_all(expression))
        }
        ("location", [path]) => Kind::Path((*path).to_owned()),
        ("proxy", ["*"]) => Kind::Proxy,
        ("if", condition) => Kind::If(of_if(condition)),
        ("requireall", _) => Kind::All,
        ("requireany", _) => Kind::Any,
        ("requirenone", _) => Kind::None,
        ("ifmodule" | "ifdefine" | "ifversion" | "ifdirective" | "ifsection" | "iffile", _) => {
            Kind::Nothing
        }
        _ if kind.starts_with('/') => return host.access.close(),
        _ => Kind::Other,
    };
    host.access.open(kind);
}

fn add(first: &str, words: &[&str], host: &mut Host) {
    if let Some(kind) = first.strip_prefix('<') {
        return section(kind, words, host);
    }
    match first {
        "listen" => host.ports.extend(words.get(1).and_then(|word| port(word))),
        "sslengine" => {
            host.has_tls |= words
                .get(1)
                .is_some_and(|word| word.eq_ignore_ascii_case("on"))
        }
        "proxypass" | "proxypassmatch" => {
            // Within a `<Location>` it names no path.
            let own = words.get(1).filter(|word| !word.contains("://"));
            let path = match own {
                Some(path) if first == "proxypassmatch" => literal(path).to_owned(),
                Some(path) => (*path).to_owned(),
                None => host.access.path().to_owned(),
            };
            host.pass(&path, words);
        }
        "balancermember" => host.pass("", words),
        // It passes on to any address that it is asked for.
        "proxyrequests"
            if words
                .get(1)
                .is_some_and(|word| word.eq_ignore_ascii_case("on")) =>
        {
            host.to.push((String::new(), Address::untold()));
        }
        "rewriteengine" => {
            host.is_rewriting = words
                .get(1)
                .is_some_and(|word| word.eq_ignore_ascii_case("on"))
        }
        "rewriterule" => host.rewrite(words),
        "rewritecond" => host.condition(words),
        "require" => host.access.require(&words[1..]),
        "order" | "allow" | "deny" | "satisfy" => host.access.old(words),
        "sslverifyclient" => host.access.certificate(words.get(1) == Some(&"require")),
        // Outside of a section, what is passed on comes first (docs/clearml.md#proxies).
        "redirect" | "redirectmatch" => {
            let leads_to_tls = words
                .last()
                .is_some_and(|word| word.starts_with("https://"));
            let is_of_all = words
                .iter()
                .any(|word| *word == "/" || word.starts_with('^') && fits_all(word));
            let is_of_all = is_of_all || words.len() == 2;
            if leads_to_tls && is_of_all {
                host.sends_away = host.sends_away.or(host.access.of_section());
            }
        }
        _ => {}
    }
}

/// Whether a variable of a request without TLS is what a pattern says: `=text`, or a regular expression; `!` negates it.
fn holds(what: &str, pattern: &str, ports: &[(u16, bool)]) -> Holds {
    let what = what.to_ascii_lowercase();
    let (is_negated, pattern) = match pattern.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let is = |value: &str| match pattern.strip_prefix('=') {
        Some(text) => Holds::of(value == text.trim_matches('"')),
        None => Holds::found(value, pattern),
    };
    let holds = match what.as_str() {
        "%{https}" => is("off"),
        "%{request_scheme}" => is("http"),
        "%{server_port}" => {
            let ports = ports.iter().map(|(port, _)| is(&port.to_string()));
            ports
                .reduce(|one, other| if one == other { one } else { Holds::Sometimes })
                .unwrap_or_else(|| is("80"))
        }
        // A request that no proxy has passed on has no such header.
        _ if what.starts_with("%{http:x-forwarded-") => is(""),
        "%{server_name}" | "%{http_host}" | "%{http:host}" => match is("") {
            Holds::Always if !pattern.starts_with('=') => Holds::Always,
            _ => Holds::ByName,
        },
        _ if pattern.contains("well-known") => Holds::Never,
        _ => Holds::Sometimes,
    };
    holds.negated_if(is_negated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    fn read(text: &str) -> Option<Vec<(u16, bool)>> {
        let file = File {
            path: "/etc/apache2/a.conf".to_owned(),
            text: Zeroizing::new(text.to_owned()),
        };
        let rules = rules(&[&file], &str::to_owned)?;
        let is_left = |rule: &&Rule| !rule.to.is_empty() && rule.sends_away != Holds::Always;
        let with = rules.iter().filter(is_left);
        Some(
            with.map(|rule| (*rule.at.as_ref().unwrap().start(), rule.is_tls))
                .collect(),
        )
    }

    fn host(port: u16, inner: &str) -> String {
        format!("<VirtualHost *:{port}>\n{inner}\n</VirtualHost>\n")
    }

    /// What is left of a host at port 80 that redirects.
    fn left(is_for_all: bool) -> Option<Vec<(u16, bool)>> {
        Some((!is_for_all).then_some((80, false)).into_iter().collect())
    }

    #[test]
    fn virtual_hosts_are_read() {
        let pass = "ProxyPass / http://apiserver:8008/";
        assert_eq!(read(&host(80, pass)), Some(vec![(80, false)]));
        assert_eq!(
            read(&host(443, &format!("SSLEngine on\n{pass}"))),
            Some(vec![(443, true)])
        );
        assert_eq!(
            read(&host(80, "Redirect permanent / https://a/")),
            Some(vec![])
        );
        assert_eq!(
            read(&format!("Listen 8008\n{pass}")),
            Some(vec![(8008, false)])
        );
        assert_eq!(read("LoadModule x y\n"), None);
        let sent = "RewriteEngine on\nRewriteRule ^ https://a%{REQUEST_URI} [R=301,L]";
        for (conditions, is_for_all) in [
            (&["%{HTTPS} !=on"][..], true),
            (&["%{HTTPS} off"], true),
            (&["%{HTTPS} =off [NC]"], true),
            (&["%{HTTPS} !^on$"], true),
            (&["%{HTTPS} on"], false),
            (&["%{HTTPS} =on"], false),
            (&["%{HTTPS} !off"], false),
            (&["%{SERVER_PORT} 80"], true),
            (&["%{SERVER_PORT} !^443$"], true),
            (&["%{SERVER_PORT} 443"], false),
            (&["%{REQUEST_SCHEME} =https"], false),
            (&["%{HTTP:X-Forwarded-Proto} !https"], true),
            (&["%{REQUEST_URI} !^/.well-known/"], true),
            (&["%{HTTP:X-Forwarded-Proto} =http"], false),
            (&["%{REQUEST_URI} ^/login"], false),
            (&["%{SERVER_NAME} =a"], false),
            (&["%{HTTPS} on [OR]", "%{SERVER_PORT} 80"], true),
            (&["%{HTTPS} off [OR]", "%{REQUEST_URI} ^/login"], true),
            (&["%{HTTPS} off", "%{REQUEST_URI} ^/login"], false),
        ] {
            let lines: String = conditions
                .iter()
                .map(|one| format!("RewriteCond {one}\n"))
                .collect();
            let text = host(80, &format!("{lines}{sent}\n{pass}"));
            assert_eq!(read(&text), left(is_for_all), "{conditions:?}");
        }
        let some = host(80, &format!("{}\n{pass}", sent.replace('^', "^/login")));
        assert_eq!(read(&some), Some(vec![(80, false)]));
    }

    #[test]
    fn a_redirect_counts_where_nothing_wins_over_it() {
        let pass = "ProxyPass / http://apiserver:8008/";
        for (inner, is_for_all) in [
            ("Redirect permanent / https://a/", false),
            (
                "<Location />\nRedirect permanent / https://a/\n</Location>",
                true,
            ),
            (
                "<Location /x>\nRedirect permanent / https://a/\n</Location>",
                false,
            ),
            (
                "<If \"%{HTTPS} == 'off'\">\nRedirect permanent / https://a/\n</If>",
                true,
            ),
            (
                "<If \"%{HTTPS} == 'on'\">\nRedirect permanent / https://a/\n</If>",
                false,
            ),
            ("RewriteRule ^ https://a%{REQUEST_URI} [R,L]", false),
            (
                "<IfModule mod_rewrite.c>\nRewriteEngine On\nRewriteRule ^ https://a%{REQUEST_URI} [R,L]\n</IfModule>",
                true,
            ),
            (
                "RewriteEngine on\nRewriteRule ^/api - [L]\nRewriteRule ^ https://a%{REQUEST_URI} [R,L]",
                false,
            ),
            (
                "RewriteEngine on\nRewriteRule ^ \\\n https://a%{REQUEST_URI} [R,L]",
                true,
            ),
        ] {
            let text = host(80, &format!("{inner}\n{pass}"));
            assert_eq!(read(&text), left(is_for_all), "{inner}");
        }
    }

    #[test]
    fn a_guard_counts_where_it_covers_the_target() {
        let pass = "ProxyPass /es http://es:9200/";
        for (inner, is_guarded) in [
            ("<Location />\nRequire valid-user\n</Location>", true),
            (
                "<Location /es>\nAuthType Basic\nRequire valid-user\n</Location>",
                true,
            ),
            ("<Location \"/es/\">\nRequire valid-user\n</Location>", true),
            ("<Location /e>\nRequire valid-user\n</Location>", false),
            (
                "<Location /admin>\nRequire ip 10.0.0.0/8\n</Location>",
                false,
            ),
            ("<Location />\nAuthType Basic\n</Location>", false),
            (
                "<Location />\nOrder Deny,Allow\nDeny from all\nAllow from 10.0.0.0/8\n</Location>",
                true,
            ),
            (
                "<Location />\nOrder allow,deny\nAllow from 10.0.0.0/8\n</Location>",
                true,
            ),
            (
                "<Location />\n<IfModule mod_access_compat.c>\nDeny from all\n</IfModule>\n</Location>",
                true,
            ),
            (
                "<Location />\nOrder allow,deny\nAllow from all\n</Location>",
                false,
            ),
            (
                "<Location />\nDeny from all\nAllow from all\n</Location>",
                false,
            ),
            (
                "<Location />\nDeny from all\nSatisfy Any\nRequire all granted\n</Location>",
                false,
            ),
            (
                "<Location />\nRequire valid-user\n</Location>\n<Location /es/open>\nRequire all granted\n</Location>",
                false,
            ),
            (
                "<Location />\nRequire valid-user\nRequire all granted\n</Location>",
                false,
            ),
            (
                "<Location />\n<RequireAll>\nRequire all granted\nRequire not ip 10.0.0.1\n</RequireAll>\n</Location>",
                false,
            ),
            (
                "<Location />\n<RequireAll>\nRequire all granted\nRequire valid-user\n</RequireAll>\n</Location>",
                true,
            ),
            (
                "<Location />\n<Limit POST>\nRequire valid-user\n</Limit>\n</Location>",
                false,
            ),
            ("<Proxy *>\nRequire ip 10.0.0.0/8\n</Proxy>", true),
            (
                "<Proxy *>\nRequire ip 10.0.0.0/8\n</Proxy>\n<Location />\nRequire all granted\n</Location>",
                false,
            ),
            ("<Directory />\nRequire valid-user\n</Directory>", false),
            ("SSLVerifyClient require", false),
            ("SSLEngine on\nSSLVerifyClient require", true),
            (
                "SSLEngine on\n<Location /admin>\nSSLVerifyClient require\n</Location>",
                false,
            ),
        ] {
            let file = File {
                path: "/etc/apache2/a.conf".to_owned(),
                text: Zeroizing::new(format!(
                    "<VirtualHost *:80>\n{inner}\n{pass}\n</VirtualHost>"
                )),
            };
            let rules = rules(&[&file], &str::to_owned).unwrap();
            assert_eq!(rules[0].to[0].is_guarded, is_guarded, "{inner}");
        }
    }

    /// Observed with httpd 2.4.
    #[test]
    fn a_guard_covers_all_that_an_expression_fits_and_all_hosts() {
        let closed = "Require valid-user";
        for (outer, inner, is_guarded) in [
            ("", "ProxyPassMatch ^/es/(.*)$ http://es:9200/$1", true),
            ("", "ProxyPassMatch ^/es(/.*)?$ http://es:9200$1", true),
            // And `/es_search`.
            ("", "ProxyPassMatch ^/es(.*)$ http://es:9200/$1", false),
            ("", "RewriteRule ^/es(.*)$ http://es:9200/$1 [P]", false),
            (
                "<Location /es/open>\nRequire all granted\n</Location>",
                "ProxyPass /es http://es:9200",
                false,
            ),
        ] {
            let location = format!("<Location /es>\n{closed}\n</Location>");
            let file = File {
                path: "/etc/apache2/a.conf".to_owned(),
                text: Zeroizing::new(format!(
                    "{outer}\n<VirtualHost *:80>\n{inner}\n{location}\n</VirtualHost>"
                )),
            };
            let rules = rules(&[&file], &str::to_owned).unwrap();
            assert_eq!(rules[0].to[0].is_guarded, is_guarded, "{inner}");
        }
    }
}
