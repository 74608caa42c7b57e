//! The sites behind a target: one for each address of its name.

use std::env;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use clearml_secure_core::shown::escape;

use super::asked::Asked;
use super::{Failure, Given, MOST_ADDRESSES, Seen, Site, find, host, together};
use crate::address::is_loopback;

impl Site {
    /// Finds the parts of a server at each address that its names have. The first has the most of them; what is not there
    /// is said to be unseen.
    pub(crate) fn find_all(given: &Given, seen: &mut Seen) -> Vec<Arc<Self>> {
        let count = addresses(given);
        if count > MOST_ADDRESSES {
            seen.unknown(
                &format!(
                    "{} more addresses of {}",
                    count - MOST_ADDRESSES,
                    given.target
                ),
                &format!(
                    "at most {MOST_ADDRESSES} are asked: name the others as targets of their own"
                ),
            );
        }
        if count <= 1 {
            return vec![Arc::new(Self::find(given, None, seen))];
        }
        let places: Vec<usize> = (0..count.min(MOST_ADDRESSES)).collect();
        let mut found = together(&places, |place| {
            let client = given.client.at(*place);
            let at = client.address(host(&given.target)).ok();
            let given = Given {
                client,
                ..given.clone()
            };
            let mut seen = Seen::default();
            (Self::find(&given, at, &mut seen), seen)
        });
        found.sort_by_key(|(site, _)| site.missing());
        let is_found = found.iter().any(|(site, _)| site.missing() < 3);
        // Where nobody listens there is no part to be looked at, if somebody does elsewhere.
        let is_left = |site: &Self| is_found && site.is_deserted;
        let deserted = found.iter().filter(|(site, _)| is_left(site));
        let deserted: Vec<IpAddr> = deserted.filter_map(|(site, _)| site.at).collect();
        found.retain(|(site, _)| !is_left(site));
        if !is_found {
            found.truncate(1);
        }
        let is_one = found.len() == 1;
        let mut sites = Vec::new();
        let mut all = Vec::new();
        for (mut site, seen) in found {
            if sites.is_empty() {
                site.deserted.clone_from(&deserted);
            }
            if is_one {
                site.at = None;
            }
            all.push((site.at, seen));
            sites.push(Arc::new(site));
        }
        let all = Seen::of_all(all);
        seen.remarks.extend(all.remarks);
        seen.unseen.extend(all.unseen);
        sites
    }

    /// How many of its parts are not there.
    fn missing(&self) -> usize {
        let parts = [&self.api, &self.files, &self.web];
        parts.into_iter().filter(|part| part.is_none()).count()
    }

    /// Finds the parts of a server.
    fn find(given: &Given, at: Option<IpAddr>, seen: &mut Seen) -> Self {
        let asked = Asked::default();
        let find::Found {
            api,
            files,
            web,
            remarks,
        } = find::find(given, &asked);
        seen.remarks.extend(remarks);
        let parts = [
            ("API server", "--api", &api),
            ("file server", "--files", &files),
            ("web server", "--web", &web),
        ];
        let missing = parts.map(|(.., found)| found.as_ref().err());
        let is_deserted = missing
            .iter()
            .all(|one| one.is_some_and(Failure::is_nobody));
        if is_deserted {
            let reason = nobody(&given.target, &missing);
            seen.unknown(
                &given.target,
                &format!("{reason}{}", without_a_proxy(&given.target)),
            );
        } else if let Some(reason) = same(&given.target, &missing) {
            seen.unknown(
                &given.target,
                &format!("{reason}{}", without_a_proxy(&given.target)),
            );
        } else {
            for (name, option, found) in parts {
                if let Err(failure) = found {
                    seen.unknown(
                        &format!("the {name} of {}", given.target),
                        &format!("{failure}; if it is elsewhere: {option} URL"),
                    );
                }
            }
        }
        Self {
            client: given.client.clone(),
            target: given.target.clone(),
            named: [&given.web, &given.api, &given.files].map(Clone::clone),
            api: api.ok(),
            files: files.ok(),
            web: web.ok(),
            release: OnceLock::new(),
            keys: given.keys.clone(),
            old_keys: given.old_keys.clone(),
            allow_plain_http: given.allow_plain_http,
            at,
            is_deserted,
            deserted: Vec::new(),
            asked,
            invented: OnceLock::new(),
            anonymous: OnceLock::new(),
            ways_in: OnceLock::new(),
        }
    }
}

/// Why no part of a server is there, and what to do.
fn nobody(target: &str, missing: &[Option<&Failure>]) -> String {
    let failures = || missing.iter().flatten();
    let mut tried: Vec<&str> = failures()
        .flat_map(|failure| &failure.tried)
        .map(String::as_str)
        .collect();
    tried.sort_unstable();
    tried.dedup();
    if tried.is_empty() {
        let reason = failures().next().map(ToString::to_string);
        return format!("{}. Check the address", reason.unwrap_or_default());
    }
    let name = host(target);
    let mut ports: Vec<u16> = tried.iter().filter_map(|url| port(url, name)).collect();
    ports.sort_unstable();
    let reason = if ports.len() == tried.len() {
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        format!("at {name} (connection refused on {})", ports.join(", "))
    } else {
        format!("(connection refused at {})", tried.join(", "))
    };
    format!(
        "nothing answers {reason}. Is the server running? If it is elsewhere: --api URL --files URL --web URL"
    )
}

/// That a server is asked directly, where this machine is told to ask others through a proxy.
fn without_a_proxy(target: &str) -> String {
    const VARIABLES: [&str; 6] = [
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "HTTP_PROXY",
        "http_proxy",
    ];
    let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
    let set = VARIABLES.into_iter().find(is_set);
    let set = set.filter(|_| !is_loopback(target));
    set.map_or_else(String::new, |name| {
        format!(". {name} is set and not used, so that keys go to the server alone")
    })
}

/// Why no part of a server is there, where one answer says it of all of them: that of a proxy, or a certificate.
fn same(target: &str, missing: &[Option<&Failure>; 3]) -> Option<String> {
    let [Some(api), Some(files), Some(web)] = missing else {
        return None;
    };
    let is_same = api.answers == files.answers && api.answers == web.answers;
    let [answer] = &api.answers[..] else {
        return None;
    };
    let answer = answer
        .strip_prefix(&format!("{target}: "))
        .unwrap_or(answer);
    let mut tried = [&api.tried[..], &files.tried, &web.tried].concat();
    tried.sort_unstable();
    tried.dedup();
    let reason = find::in_all(&[answer.to_owned()], &tried);
    is_same.then(|| {
        format!(
            "{}; if it is elsewhere: --api URL --files URL --web URL",
            escape(&reason)
        )
    })
}

/// The port of an address without a path, if it is one of this host.
fn port(url: &str, name: &str) -> Option<u16> {
    let (scheme, authority) = url.split_once("://")?;
    match authority.strip_prefix(name)? {
        "" if scheme == "https" => Some(443),
        "" => Some(80),
        rest => rest.strip_prefix(':')?.parse().ok(),
    }
}

/// How many addresses the names of a server have, of the one with the most.
fn addresses(given: &Given) -> usize {
    let named = [&given.api, &given.files, &given.web];
    let urls = named.into_iter().flatten().chain([&given.target]);
    let counts = urls.filter_map(|url| Some(given.client.addresses(host(url)).ok()?.len()));
    counts.max().unwrap_or(0)
}
