//! Where the parts of a server may be, by the address that the user has: ClearML's layouts.

use super::host;
use crate::address::{literal, port};

/// The pages of the web server, which are one and the same (docs/clearml.md#paths-through-the-web-server).
const PAGES: [&str; 21] = [
    "404",
    "annotations",
    "applications",
    "compare-experiments",
    "dashboard",
    "datasets",
    "endpoints",
    "enterprise",
    "error",
    "experiments",
    "index.html",
    "login",
    "logout",
    "models",
    "pipelines",
    "projects",
    "queues",
    "reports",
    "settings",
    "signup",
    "workers-and-queues",
];

/// The folder that the documentation's example puts the web server in (docs/clearml.md#paths-through-the-web-server).
const SUB_PATH: &str = "/clearml";

/// How many folders above the named one are tried.
const ABOVE: usize = 2;

/// A part of a server, as addresses name it.
pub(super) struct Named {
    pub(super) port: u16,
    pub(super) label: &'static str,
    pub(super) folder: &'static str,
}

/// Labels of the layout with subdomains, and others that are put before a domain.
const LABELS: [&str; 6] = ["app", "api", "files", "www", "web", "clearml"];

/// An address without what only the page in it knows: a question, a mark, and the name of a page.
pub(crate) fn base(url: &str) -> &str {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let start = origin(url).len();
    let mut at = start;
    for part in url[start..].split('/') {
        if PAGES.contains(&part) {
            return url[..at].trim_end_matches('/');
        }
        at += part.len() + 1;
    }
    url.trim_end_matches('/')
}

/// The ports of ClearML's layouts, and those that a scheme has anyway.
const USUAL_PORTS: [u16; 5] = [80, 443, 8008, 8080, 8081];

/// Where a part may be, the likeliest first: the address itself, the port beside it, the subdomain beside it, the
/// folder below it. Beside a port of somebody's own no other is: at ClearML's there may be another installation, and
/// what is found of that says nothing of the one that is named.
pub(super) fn candidates(target: &str, part: &Named) -> Vec<String> {
    let target = base(target);
    let (scheme, _) = target.split_once("://").unwrap_or(("http", target));
    let name = host(target);
    let own = port(target).filter(|port| !USUAL_PORTS.contains(port));
    let mut all = vec![target.to_owned()];
    if own.is_none() {
        all.push(format!("{scheme}://{}:{}", shown(name), part.port));
    }
    let is_name = literal(name).is_none() && name.contains('.');
    if is_name {
        let domain = ["app.", "api.", "files."]
            .iter()
            .find_map(|label| name.strip_prefix(label));
        all.push(format!(
            "{scheme}://{}.{}{}",
            part.label,
            domain.unwrap_or(name),
            own.map(|port| format!(":{port}")).unwrap_or_default()
        ));
    }
    all.push(format!("{target}{}", part.folder));
    unique(all)
}

/// Where it may be if it is at none of these: in the folders above, and in the usual one below.
pub(super) fn further(target: &str, part: &Named) -> Vec<String> {
    let target = base(target);
    let above = bases(target);
    let mut all: Vec<String> = above
        .iter()
        .map(|base| format!("{base}{}", part.folder))
        .collect();
    all.push(format!("{}{SUB_PATH}{}", origin(target), part.folder));
    all.extend(above.iter().map(|base| (*base).to_owned()));
    unique(all)
}

fn unique(all: Vec<String>) -> Vec<String> {
    let mut unique: Vec<String> = Vec::new();
    for one in all {
        if !unique.contains(&one) {
            unique.push(one);
        }
    }
    unique
}

/// The folders above an address, and the top.
fn bases(target: &str) -> Vec<&str> {
    let top = origin(target);
    let mut bases = Vec::new();
    let mut at = target;
    for _ in 0..ABOVE {
        match at.rfind('/').filter(|slash| *slash > top.len()) {
            Some(slash) => at = &at[..slash],
            None => break,
        }
        bases.push(at);
    }
    if target != top && bases.last() != Some(&top) {
        bases.push(top);
    }
    bases
}

/// Whether a part may be in a folder that a redirect leads to: one of those that are tried anyway. Any other may carry
/// anything.
pub(super) fn is_usual(target: &str, part: &Named, base: &str) -> bool {
    let path = |url: &str| url[origin(url).len()..].to_owned();
    let base = path(base);
    let all = [candidates(target, part), further(target, part)].concat();
    all.iter().any(|one| path(one) == base)
}

/// The name of a host that a redirect leads to, if it is known without the server: the same with another label before it,
/// or this machine.
pub(super) fn known_host<'a>(to: &'a str, from: &str) -> Option<&'a str> {
    let stem = |name: &str| {
        let name = name.to_ascii_lowercase();
        let stripped = LABELS.iter().find_map(|label| {
            name.strip_prefix(label)?
                .strip_prefix('.')
                .map(str::to_owned)
        });
        stripped.unwrap_or(name)
    };
    let is_known = to == to.to_ascii_lowercase() && (stem(to) == stem(from) || to == "localhost");
    is_known.then_some(to)
}

/// A host as it is written in an address.
pub(super) fn shown(name: &str) -> String {
    if name.contains(':') {
        format!("[{name}]")
    } else {
        name.to_owned()
    }
}

/// Scheme, host and port of an address.
pub(super) fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']);
    end.map_or(url, |end| &url[..start + end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: Named = Named {
        port: 8008,
        label: "api",
        folder: "/api",
    };
    const FILES: Named = Named {
        port: 8081,
        label: "files",
        folder: "/files",
    };
    const WEB: Named = Named {
        port: 8080,
        label: "app",
        folder: "",
    };

    #[test]
    fn the_layouts_are_tried() {
        let layouts: [(&str, &Named, &[&str]); 5] = [
            (
                "http://localhost:8080/",
                &API,
                &[
                    "http://localhost:8080",
                    "http://localhost:8008",
                    "http://localhost:8080/api",
                ],
            ),
            (
                "https://app.ml.example.com",
                &FILES,
                &[
                    "https://app.ml.example.com",
                    "https://app.ml.example.com:8081",
                    "https://files.ml.example.com",
                    "https://app.ml.example.com/files",
                ],
            ),
            (
                "http://127.1:8080",
                &API,
                &[
                    "http://127.1:8080",
                    "http://127.1:8008",
                    "http://127.1:8080/api",
                ],
            ),
            (
                "https://app.ml.example.com:8443",
                &API,
                &[
                    "https://app.ml.example.com:8443",
                    "https://api.ml.example.com:8443",
                    "https://app.ml.example.com:8443/api",
                ],
            ),
            (
                "http://127.0.0.1:9080",
                &FILES,
                &["http://127.0.0.1:9080", "http://127.0.0.1:9080/files"],
            ),
        ];
        for (target, part, expected) in layouts {
            assert_eq!(candidates(target, part), expected, "{target}");
        }
        assert!(candidates("http://[::1]:8008", &WEB).contains(&"http://[::1]:8080".to_owned()));
        let below = further("https://ml.example.com/tools/clearml/x", &API);
        for base in ["/tools/clearml", "/tools", "", "/clearml"] {
            let api = format!("https://ml.example.com{base}/api");
            assert!(below.contains(&api), "{api}");
        }
        assert_eq!(
            further("http://localhost:8080", &API),
            ["http://localhost:8080/clearml/api"]
        );
    }

    #[test]
    fn a_page_is_an_address_of_the_server() {
        for (url, expected) in [
            ("http://h:8080/dashboard", "http://h:8080"),
            ("http://h:8080/login?redirect=%2Fdashboard", "http://h:8080"),
            ("http://h:8080/#/x", "http://h:8080"),
            ("http://h:8080?x", "http://h:8080"),
            (
                "http://h/clearml/projects/*/experiments",
                "http://h/clearml",
            ),
            ("http://h/clearml/", "http://h/clearml"),
            ("http://h/tools//dashboard/", "http://h/tools"),
            ("http://h", "http://h"),
        ] {
            assert_eq!(base(url), expected, "{url}");
        }
    }

    #[test]
    fn of_a_redirect_only_what_is_known_is_said() {
        let target = "http://ml.example.com/tools";
        assert!(is_usual(target, &API, "https://ml.example.com/clearml/api"));
        assert!(is_usual(target, &API, "https://ml.example.com/tools/api"));
        assert!(is_usual(target, &WEB, "https://ml.example.com"));
        assert!(!is_usual(target, &API, "https://ml.example.com/SECRET"));
        assert_eq!(
            known_host("www.example.com", "example.com"),
            Some("www.example.com")
        );
        assert_eq!(known_host("localhost", "127.0.0.1"), Some("localhost"));
        for other in [
            "SECRET.example.com",
            "secret.example.com",
            "Example.com",
            "other.org",
        ] {
            assert_eq!(known_host(other, "example.com"), None, "{other}");
        }
    }
}
