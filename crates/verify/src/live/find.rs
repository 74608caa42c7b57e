//! Where the parts of a server are: ClearML's three layouts, each confirmed by what answers there.

use std::thread;
use std::time::{Duration, Instant};

use clearml_secure_core::setting::Server;

use crate::address::port;
use crate::words::and;

use super::answer::{Endpoint, FOREIGN_ORIGIN};
use super::asked::Asked;
use super::candidates::{self, Named, candidates, further, is_usual, known_host, origin, shown};
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
    named: Named,
}

/// The call of the API server that everybody may make.
pub(super) const PING: &str = "/debug.ping";

/// Says the origin that nobody can have.
pub(super) const FOREIGN: &[(&str, &str)] = &[("Origin", FOREIGN_ORIGIN)];

const API: Part = Part {
    path: PING,
    // `cors-reflection` says the same, so that its question is answered already.
    headers: FOREIGN,
    is_it: |answer| answer.fine(Endpoint::Ping).is_some(),
    named: Named {
        port: 8008,
        label: "api",
        folder: "/api",
    },
};

/// A file that no file server has.
pub(super) const NOT_THERE: &str = "/clearml-verify-asks-for-what-is-not-there";

/// A file that is not there is refused without a token, or not found; the web server has a page for every path.
const FILES: Part = Part {
    path: NOT_THERE,
    headers: &[],
    is_it: |answer| matches!(answer.status, 401 | 404) && answer.is_of_files(),
    named: Named {
        port: 8081,
        label: "files",
        folder: "/files",
    },
};

const WEB: Part = Part {
    path: "/",
    headers: &[],
    is_it: |answer| answer.status == 200 && answer.is_web(),
    named: Named {
        port: 8080,
        label: "app",
        folder: "",
    },
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
        let (likely, others) = match named {
            Some(url) => (vec![candidates::base(url).to_owned()], Vec::new()),
            None => (
                candidates(&given.target, &part.named),
                further(&given.target, &part.named),
            ),
        };
        first(&given.client, asked, part, likely, others)
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
            asked.push((server, part, format!("http://{name}:{}", part.named.port)));
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

/// Where a part is.
struct Place {
    base: String,
    /// If redirects led there.
    remark: Option<String>,
}

/// Why a part is not at an address.
struct NotHere {
    /// In words; none where something else answers.
    reason: Option<String>,
    /// Whether these are of the server that answers, in whatever folder, and do not name the address.
    is_of_origin: bool,
    /// It may be soon.
    is_starting: bool,
    /// Nobody is there.
    is_refused: bool,
}

impl NotHere {
    fn because(reason: String) -> Self {
        Self {
            reason: Some(reason),
            is_of_origin: false,
            is_starting: false,
            is_refused: false,
        }
    }
}

/// The first that answers as the part does. All likely ones are asked at once, then the others, and those again where
/// somebody may be starting.
fn first(
    client: &Client,
    asked: &Asked,
    part: &Part,
    likely: Vec<String>,
    others: Vec<String>,
) -> Result<Place, Failure> {
    let since = Instant::now();
    let within = client.timeout();
    let ask = |base: &String| {
        follow(part, base, |url| {
            asked.once(url, part.headers, || client.get(url, part.headers))
        })
    };
    let mut candidates = likely;
    let mut tried = together(&candidates, ask);
    if !tried.iter().any(Result::is_ok) {
        tried.extend(together(&others, ask));
        candidates.extend(others);
    }
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
    let mut missing = Vec::new();
    for (base, one) in candidates.into_iter().zip(tried) {
        match one {
            Ok(place) => return Ok(place),
            Err(not) => missing.push((base, not)),
        }
    }
    Err(nowhere(client, &missing))
}

/// Why a part is at none of the addresses: what several of them have in common is said once.
fn nowhere(client: &Client, missing: &[(String, NotHere)]) -> Failure {
    let is_deserted = missing.iter().all(|(_, not)| not.is_refused);
    let name = missing.first().map_or("", |(base, _)| host(base));
    if is_deserted && client.addresses(name).is_err() {
        return Failure::refused(format!("host {name} does not exist"), Vec::new());
    }
    let answering = missing.iter().filter(|(_, not)| !not.is_refused);
    let mut answers: Vec<String> = Vec::new();
    for (base, not) in answering.clone() {
        if let Some(reason) = &not.reason {
            // One server says the same in each of its folders.
            let answer = match not.is_of_origin {
                true => format!("{}: {reason}", origin(base)),
                false => reason.clone(),
            };
            if !answers.contains(&answer) {
                answers.push(answer);
            }
        }
    }
    let others = answering.filter(|(_, not)| not.reason.is_none());
    let others: Vec<&str> = others.map(|(base, _)| base.as_str()).collect();
    if !others.is_empty() {
        answers.push(format!("something else answers at {}", and(&others)));
    }
    let deserted = missing.iter().filter(|(_, not)| not.is_refused);
    let mut deserted: Vec<String> = deserted.map(|(base, _)| origin(base).to_owned()).collect();
    deserted.sort_unstable();
    deserted.dedup();
    let reason = in_all(&answers, &deserted);
    match is_deserted {
        true => Failure::refused(reason, deserted),
        false => Failure::answered(reason, answers, deserted),
    }
}

/// What was answered, and where nobody is.
pub(super) fn in_all(answers: &[String], deserted: &[String]) -> String {
    let nobody = (!deserted.is_empty()).then(|| format!("nothing listens at {}", and(deserted)));
    let reasons: Vec<String> = answers.iter().cloned().chain(nobody).collect();
    reasons.join("; ")
}

/// Asks whether a part is at an address, and follows redirects within its host.
fn follow(
    part: &Part,
    base: &str,
    get: impl Fn(&str) -> Result<Answer, Failure>,
) -> Result<Place, NotHere> {
    let not = NotHere::because;
    let start = format!("{base}{}", part.path);
    let mut url = start.clone();
    for _ in 0..=HOPS {
        let answer = get(&url).map_err(|failure| match url == start {
            // The address itself answers, so it is not said that nobody is there.
            false if failure.is_refused() => NotHere {
                is_starting: true,
                ..not(format!(
                    "{} redirects to {}, where nothing listens",
                    origin(base),
                    origin(&url)
                ))
            },
            _ => NotHere {
                reason: Some(failure.reason.clone()),
                is_of_origin: true,
                is_starting: failure.is_refused(),
                is_refused: failure.is_nobody(),
            },
        })?;
        if (part.is_it)(&answer) {
            if url == start {
                return Ok(Place {
                    base: base.to_owned(),
                    remark: None,
                });
            }
            let found = base_of(&url, base, part).ok_or_else(|| {
                not(format!(
                    "{base} redirects to another folder, which is not followed"
                ))
            })?;
            return Ok(Place {
                remark: Some(format!(
                    "{base} redirects to {found}, which is checked instead"
                )),
                base: found,
            });
        }
        // What a proxy says of a part whose port is closed.
        if answer.status == 502 {
            return Err(NotHere {
                reason: Some(format!(
                    "a proxy answers at {base}, but the server behind it does not"
                )),
                is_of_origin: false,
                is_starting: true,
                is_refused: false,
            });
        }
        let Some(to) = redirected(&url, &answer) else {
            return Err(something_else(base, &url, &answer));
        };
        if !host(&to).eq_ignore_ascii_case(host(&url)) {
            // Its name is the server's word, which may be anything.
            let name = known_host(host(&to), host(&url));
            let name = name.map(|name| format!(", {name}")).unwrap_or_default();
            return Err(NotHere {
                is_of_origin: true,
                ..not(format!(
                    "it redirects to another host{name}, which is not followed"
                ))
            });
        }
        url = to;
    }
    Err(not(format!("{base} redirects in circles")))
}

/// Why a part is not at an address that answers, or leads to what answers so.
fn something_else(base: &str, url: &str, answer: &Answer) -> NotHere {
    let is_kept_out =
        matches!(answer.status, 401 | 403 | 407 | 429 | 500..) || answer.head.is_packed;
    let (from, to) = (origin(base), origin(url));
    if !is_kept_out && from != to {
        let reason = format!("{from} redirects to a page of {to}: name that address instead");
        return NotHere::because(reason);
    }
    NotHere {
        reason: is_kept_out.then(|| answer.odd().to_string()),
        is_of_origin: true,
        is_starting: false,
        is_refused: false,
    }
}

/// Where a redirect leads.
fn redirected(url: &str, answer: &Answer) -> Option<String> {
    if !(300..400).contains(&answer.status) {
        return None;
    }
    let to = answer.head.location.as_ref()?;
    let (scheme, _) = url.split_once("://")?;
    let to = if to.starts_with("//") {
        format!("{scheme}:{to}")
    } else if to.starts_with('/') {
        format!("{}{to}", origin(url))
    } else {
        to.to_owned()
    };
    let is_address = ["http://", "https://"]
        .iter()
        .any(|scheme| to.starts_with(scheme))
        && to.chars().all(|c| c.is_ascii_graphic() && c != '@');
    is_address.then_some(to)
}

/// The address of a part that answered at another, in the words of the one that was asked. A web server may have sent to
/// one of its pages.
fn base_of(url: &str, asked: &str, part: &Part) -> Option<String> {
    let base = match part.named.folder {
        "" => candidates::base(url),
        _ => url.strip_suffix(part.path)?,
    };
    let (scheme, _) = base.split_once("://")?;
    let path = &base[origin(base).len()..];
    let port = match port(base) {
        Some(port) => format!(":{port}"),
        None => String::new(),
    };
    let found = format!("{scheme}://{}{port}{path}", shown(host(asked)));
    is_usual(asked, &part.named, &found).then_some(found)
}
