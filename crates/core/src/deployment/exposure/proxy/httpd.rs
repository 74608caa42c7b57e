//! Apache's httpd: `<VirtualHost>`, `ProxyPass` and `RewriteRule … [P]`.

use super::fits_all;
use crate::deployment::exposure::address::{Address, is_loopback};
use crate::deployment::exposure::files::File;
use crate::deployment::exposure::hop::{How, Rule};

/// One `<VirtualHost>`, or all that stands outside of any.
#[derive(Clone, Debug, Default)]
struct Host {
    /// Each with whether it is one of the loopback address alone.
    ports: Vec<(u16, bool)>,
    has_tls: bool,
    redirects: bool,
    /// Whether the conditions before the next rule are met by each request without TLS.
    has_conditions_of_some: bool,
    is_guarded: bool,
    to: Vec<Address>,
}

/// What the files say; none where none of them passes anything on.
pub(super) fn rules(files: &[&File], variable: &dyn Fn(&str) -> String) -> Option<Vec<Rule>> {
    let mut global = Host::default();
    let mut hosts: Vec<Host> = Vec::new();
    let mut is_inside = false;
    for file in files {
        for line in file.text.lines() {
            let line = variable(line.trim());
            let words: Vec<&str> = line
                .split_whitespace()
                .map(|word| word.trim_matches('"'))
                .collect();
            let Some(first) = words.first().map(|word| word.to_ascii_lowercase()) else {
                continue;
            };
            if first == "<virtualhost" {
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
    let has_any = !hosts.is_empty() || !global.to.is_empty();
    if global.ports.is_empty() {
        global.ports.push((80, false));
    }
    let rules = hosts.iter().chain([&global]).flat_map(|host| {
        host.ports.iter().map(|(at, is_loopback)| Rule {
            at: Some(*at),
            is_loopback: *is_loopback || global.is_loopback(*at),
            how: How::Requests,
            is_tls: host.has_tls,
            is_guarded: host.is_guarded,
            to: match host.redirects && !host.has_tls {
                true => Vec::new(),
                false => host.to.clone(),
            },
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
}

/// `80`, `*:80`, `127.0.0.1:80`.
fn port(address: &str) -> Option<(u16, bool)> {
    let port = address.rsplit(':').next()?.parse().ok()?;
    Some((port, is_loopback(address)))
}

fn add(first: &str, words: &[&str], host: &mut Host) {
    match first {
        "listen" => host.ports.extend(words.get(1).and_then(|word| port(word))),
        "sslengine" => {
            host.has_tls |= words
                .get(1)
                .is_some_and(|word| word.eq_ignore_ascii_case("on"))
        }
        "proxypass" | "proxypassmatch" | "balancermember" | "rewriterule" => {
            let is_there = words.iter().filter(|word| word.contains("://"));
            let is_sent = first == "rewriterule"
                && words
                    .iter()
                    .any(|word| word.starts_with('[') && word.contains('R'));
            let is_of_some =
                first == "rewriterule" && std::mem::take(&mut host.has_conditions_of_some);
            let is_of_all = !is_of_some && words.get(1).is_some_and(|word| fits_all(word));
            match is_sent {
                true => {
                    let mut there = is_there.clone();
                    host.redirects |= is_of_all && there.any(|word| word.starts_with("https://"));
                }
                false => host.to.extend(
                    is_there.filter_map(|word| Address::of(word.split(['$', '%']).next()?)),
                ),
            }
        }
        "rewritecond" => host.has_conditions_of_some |= !fits_clear_text(words),
        "authtype" => host.is_guarded = true,
        "require" => host.is_guarded |= matches!(words.get(1), Some(&"ip" | &"host")),
        "sslverifyclient" => host.is_guarded |= words.get(1) == Some(&"require"),
        "redirect" | "redirectmatch" => {
            let leads_to_tls = words
                .last()
                .is_some_and(|word| word.starts_with("https://"));
            host.redirects |= leads_to_tls
                && words
                    .iter()
                    .any(|word| *word == "/" || word.starts_with('^') && fits_all(word));
        }
        _ => {}
    }
}

/// Whether a condition is met by each request without TLS, but for those with which certificates are got. The name of the
/// server is that of the host that has the condition.
fn fits_clear_text(words: &[&str]) -> bool {
    let [_, what, pattern, ..] = words else {
        return false;
    };
    let what = what.to_ascii_lowercase();
    match what.as_str() {
        "%{https}" | "%{server_port}" | "%{request_scheme}" | "%{server_name}" => true,
        // A request that no proxy has passed on has no such header.
        "%{http:x-forwarded-proto}" => pattern.starts_with('!') && pattern.contains("https"),
        _ => pattern.starts_with('!') && pattern.contains("well-known"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    #[test]
    fn virtual_hosts_are_read() {
        let read = |text: &str| {
            let file = File {
                path: "/etc/apache2/a.conf".to_owned(),
                text: Zeroizing::new(text.to_owned()),
            };
            let rules = rules(&[&file], &str::to_owned)?;
            let with: Vec<_> = rules.iter().filter(|rule| !rule.to.is_empty()).collect();
            Some(
                with.iter()
                    .map(|rule| (rule.at.unwrap(), rule.is_tls))
                    .collect::<Vec<_>>(),
            )
        };
        let host =
            |port: u16, inner: &str| format!("<VirtualHost *:{port}>\n{inner}\n</VirtualHost>\n");
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
        let sent = "RewriteRule ^ https://a%{REQUEST_URI} [R=301,L]";
        for (condition, is_for_all) in [
            ("%{HTTPS} !=on", true),
            ("%{HTTP:X-Forwarded-Proto} !https", true),
            ("%{REQUEST_URI} !^/.well-known/", true),
            ("%{HTTP:X-Forwarded-Proto} =http", false),
            ("%{REQUEST_URI} ^/login", false),
        ] {
            let text = host(80, &format!("RewriteCond {condition}\n{sent}\n{pass}"));
            let to = if is_for_all {
                vec![]
            } else {
                vec![(80, false)]
            };
            assert_eq!(read(&text), Some(to), "{condition}");
        }
        let some = host(80, &format!("{}\n{pass}", sent.replace('^', "^/login")));
        assert_eq!(read(&some), Some(vec![(80, false)]));
    }
}
