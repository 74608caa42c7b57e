//! Where the parts of a server are: ClearML's three layouts, each confirmed by what answers there.

use std::thread;
use std::time::{Duration, Instant};

use clearml_secure_core::setting::Server;

use super::asked::Asked;
use super::{Answer, Client, Failure, Given, Site, host, is_loopback, together};

/// How often a redirect is followed.
const HOPS: usize = 3;

/// How long to wait before a part that is starting is asked for again: a file server ends and is started anew until
/// the API server is there (docs/clearml.md#file-server-start). All of it stays within the bound of one request.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(1)];

/// The addresses of a server's parts, or why there is none.
pub(super) struct Found {
    pub(super) api: Result<String, Failure>,
    pub(super) files: Result<String, Failure>,
    pub(super) web: Result<String, Failure>,
    /// Which redirects were followed.
    pub(super) remarks: Vec<String>,
}

/// How a part is told by its answer.
struct Part {
    /// What is asked.
    path: &'static str,
    /// And what is said with it.
    headers: &'static [(&'static str, &'static str)],
    is_it: fn(&Answer) -> bool,
    port: u16,
    label: &'static str,
    folder: &'static str,
}

/// The call of the API server that everybody may make.
pub(super) const PING: &str = "/debug.ping";

/// An origin that nobody can have.
pub(super) const FOREIGN: &[(&str, &str)] = &[("Origin", FOREIGN_ORIGIN)];
pub(crate) const FOREIGN_ORIGIN: &str = "https://clearml-verify.invalid";

const API: Part = Part {
    path: PING,
    // `cors-reflection` says the same, so that its question is answered already.
    headers: FOREIGN,
    is_it: |answer| answer.json()["meta"]["endpoint"]["name"] == "debug.ping",
    port: 8008,
    label: "api",
    folder: "/api",
};

/// A file that no file server has.
pub(super) const NOT_THERE: &str = "/clearml-verify-asks-for-what-is-not-there";

/// A file that is not there is refused without a token, or not found; the web server has a page for every path.
const FILES: Part = Part {
    path: NOT_THERE,
    headers: &[],
    is_it: |answer| {
        matches!(answer.status, 401 | 404)
            && answer.header("access-control-allow-origin").is_some()
            && answer.json()["meta"].is_null()
    },
    port: 8081,
    label: "files",
    folder: "/files",
};

const WEB: Part = Part {
    path: "/",
    headers: &[],
    is_it: |answer| answer.status == 200 && answer.text().to_ascii_lowercase().contains("clearml"),
    port: 8080,
    label: "app",
    folder: "",
};

/// Finds the parts; what the user names is taken if it answers as that part.
pub(super) fn find(given: &Given, asked: &Asked) -> Found {
    let mut remarks = Vec::new();
    let parts = [
        (&API, &given.api),
        (&FILES, &given.files),
        (&WEB, &given.web),
    ];
    let found = together(&parts, |(part, named)| {
        let candidates = match named {
            Some(url) => vec![url.trim_end_matches('/').to_owned()],
            None => candidates(&given.target, part),
        };
        first(&given.client, asked, part, &candidates)
    });
    let mut parts = found.into_iter().map(|found| {
        let place = found?;
        if let Some(remark) = place.remark.filter(|remark| !remarks.contains(remark)) {
            remarks.push(remark);
        }
        Ok(place.base)
    });
    let mut next = || parts.next().unwrap_or_else(|| Err(Failure::new("")));
    let (api, files, web) = (next(), next(), next());
    drop(parts);
    Found {
        api,
        files,
        web,
        remarks,
    }
}

impl Site {
    /// Where the parts that are at an https:// address answer over http:// as well: on the port for it, and on the port
    /// that each part has by itself.
    pub(crate) fn in_clear(&self) -> Vec<(Server, String)> {
        let mut asked: Vec<(Server, &Part, String)> = Vec::new();
        for (server, part, address) in [
            (Server::Apiserver, &API, &self.api),
            (Server::Fileserver, &FILES, &self.files),
            (Server::Webserver, &WEB, &self.web),
        ] {
            let Some(rest) = address
                .as_deref()
                .and_then(|address| address.strip_prefix("https://"))
            else {
                continue;
            };
            // To this machine nobody is on the way.
            if is_loopback(rest) {
                continue;
            }
            let name = shown(host(rest));
            let folder = rest.find('/').map_or("", |at| &rest[at..]);
            asked.push((server, part, format!("http://{name}{folder}")));
            asked.push((server, part, format!("http://{name}:{}", part.port)));
        }
        let answers = together(&asked, |(_, part, base)| {
            self.get(&format!("{base}{}", part.path), part.headers)
        });
        let mut clear = Vec::new();
        for ((server, part, base), answer) in asked.into_iter().zip(answers) {
            // Where nobody answers, or is sent elsewhere, it is as it should be.
            if answer.is_ok_and(|answer| (part.is_it)(&answer)) {
                clear.push((server, base));
            }
        }
        clear
    }
}

/// Where a part may be, the likeliest first: the address itself, the port beside it, the subdomain beside it, the
/// folder below it.
fn candidates(target: &str, part: &Part) -> Vec<String> {
    let target = target.trim_end_matches('/');
    let (scheme, rest) = target.split_once("://").unwrap_or(("http", target));
    let authority = rest.split('/').next().unwrap_or_default();
    let name = host(target);
    let shown = shown(name);
    let mut all = vec![
        target.to_owned(),
        format!("{scheme}://{shown}:{}", part.port),
    ];
    let is_name = name.parse::<std::net::IpAddr>().is_err() && name.contains('.');
    if is_name {
        let domain = ["app.", "api.", "files."]
            .iter()
            .find_map(|label| name.strip_prefix(label));
        all.push(format!(
            "{scheme}://{}.{}",
            part.label,
            domain.unwrap_or(name)
        ));
    }
    all.push(format!("{scheme}://{authority}{}", part.folder));
    let mut unique: Vec<String> = Vec::new();
    for one in all {
        if !unique.contains(&one) {
            unique.push(one);
        }
    }
    unique
}

/// A host as it stands in an address.
fn shown(name: &str) -> String {
    if name.contains(':') {
        format!("[{name}]")
    } else {
        name.to_owned()
    }
}

/// Where a part is.
struct Place {
    base: String,
    /// If redirects led there.
    remark: Option<String>,
}

/// Why a part is not at an address.
struct NotHere {
    reason: String,
    /// It may be soon.
    is_starting: bool,
}

/// The first that answers as the part does. All are asked at once, and those again where somebody may be starting.
fn first(
    client: &Client,
    asked: &Asked,
    part: &Part,
    candidates: &[String],
) -> Result<Place, Failure> {
    let since = Instant::now();
    let within = client.timeout();
    let mut tried = together(candidates, |base| {
        follow(part, base, |url| {
            asked.once(url, part.headers, || client.get(url, part.headers))
        })
    });
    for pause in PAUSES {
        let starting: Vec<usize> = (0..tried.len())
            .filter(|at| matches!(&tried[*at], Err(not) if not.is_starting))
            .collect();
        let is_over = tried.iter().any(Result::is_ok) || since.elapsed() + pause > within;
        if is_over || starting.is_empty() {
            break;
        }
        thread::sleep(pause);
        let again = together(&starting, |at| {
            follow(part, &candidates[*at], |url| {
                asked.again(url, part.headers, || client.get(url, part.headers))
            })
        });
        for (at, again) in starting.into_iter().zip(again) {
            tried[at] = again;
        }
    }
    let mut reasons = Vec::new();
    for one in tried {
        match one {
            Ok(place) => return Ok(place),
            Err(not) => reasons.push(not.reason),
        }
    }
    Err(Failure::new(reasons.join(", ")))
}

/// Asks whether a part is at an address, and follows redirects within its host.
fn follow(
    part: &Part,
    base: &str,
    get: impl Fn(&str) -> Result<Answer, Failure>,
) -> Result<Place, NotHere> {
    let not = |reason: String| NotHere {
        reason,
        is_starting: false,
    };
    let start = format!("{base}{}", part.path);
    let mut url = start.clone();
    for _ in 0..=HOPS {
        let answer = get(&url).map_err(|failure| NotHere {
            reason: format!("{base}: {}", failure.reason),
            is_starting: failure.is_refused,
        })?;
        if (part.is_it)(&answer) {
            if url == start {
                return Ok(Place {
                    base: base.to_owned(),
                    remark: None,
                });
            }
            let found =
                base_of(&url, part).ok_or_else(|| not(format!("{base} is something else")))?;
            return Ok(Place {
                remark: Some(format!(
                    "{base} redirects to {found}, which is looked at instead"
                )),
                base: found,
            });
        }
        // What a proxy says of a part whose port is closed.
        if answer.status == 502 {
            return Err(NotHere {
                reason: format!("{base} is a proxy before nothing"),
                is_starting: true,
            });
        }
        let Some(to) = redirected(&url, &answer) else {
            return Err(not(format!("{base} is something else")));
        };
        if !host(&to).eq_ignore_ascii_case(host(&url)) {
            return Err(not(format!(
                "{base} redirects to another host, {}, which is not followed",
                host(&to)
            )));
        }
        url = to;
    }
    Err(not(format!("{base} redirects in circles")))
}

/// Where a redirect leads.
fn redirected(url: &str, answer: &Answer) -> Option<String> {
    if !(300..400).contains(&answer.status) {
        return None;
    }
    let to = answer.header("location")?;
    let (scheme, _) = url.split_once("://")?;
    let to = if to.starts_with("//") {
        format!("{scheme}:{to}")
    } else if to.starts_with('/') {
        format!("{}{to}", origin(url))
    } else {
        to.to_owned()
    };
    // It comes to stand in messages, so it must be an address and nothing else.
    let is_address = ["http://", "https://"]
        .iter()
        .any(|scheme| to.starts_with(scheme))
        && to.chars().all(|c| c.is_ascii_graphic() && c != '@');
    is_address.then_some(to)
}

/// Scheme, host and port of an address.
fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']);
    end.map_or(url, |end| &url[..start + end])
}

/// The address of a part that answered at another. A web server may have sent to one of its pages.
fn base_of(url: &str, part: &Part) -> Option<String> {
    let base = url.strip_suffix(part.path);
    let base = base.or_else(|| part.folder.is_empty().then(|| origin(url)));
    base.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_layouts_are_tried() {
        assert_eq!(
            candidates("http://localhost:8080/", &API),
            [
                "http://localhost:8080",
                "http://localhost:8008",
                "http://localhost:8080/api"
            ]
        );
        assert_eq!(
            candidates("https://app.ml.example.com", &FILES),
            [
                "https://app.ml.example.com",
                "https://app.ml.example.com:8081",
                "https://files.ml.example.com",
                "https://app.ml.example.com/files"
            ]
        );
        assert!(candidates("http://[::1]:8008", &WEB).contains(&"http://[::1]:8080".to_owned()));
    }
}
