//! Where the parts of a server are: ClearML's three layouts, each confirmed by what answers there.

use rayon::prelude::*;

use super::{Answer, Client, Failure, Given, host};

/// The addresses of a server's parts, or why there is none.
pub(super) struct Found {
    pub(super) api: Result<String, Failure>,
    pub(super) files: Result<String, Failure>,
    pub(super) web: Result<String, Failure>,
}

/// How a part is told by its answer.
struct Part {
    /// What is asked.
    path: &'static str,
    is_it: fn(&Answer) -> bool,
    port: u16,
    label: &'static str,
    folder: &'static str,
}

const API: Part = Part {
    path: "/debug.ping",
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
    is_it: |answer| answer.status == 200 && answer.text().to_ascii_lowercase().contains("clearml"),
    port: 8080,
    label: "app",
    folder: "",
};

/// Finds the parts; what the user names is taken if it answers as that part.
pub(super) fn find(client: &Client, given: &Given) -> Found {
    let parts = [
        (&API, &given.api),
        (&FILES, &given.files),
        (&WEB, &given.web),
    ];
    let mut found: Vec<Result<String, Failure>> = parts
        .par_iter()
        .map(|(part, named)| {
            let candidates = match named {
                Some(url) => vec![url.trim_end_matches('/').to_owned()],
                None => candidates(&given.target, part),
            };
            first(client, part, &candidates)
        })
        .collect();
    let mut next = || found.pop().unwrap_or_else(|| Err(Failure(String::new())));
    let (web, files, api) = (next(), next(), next());
    Found { api, files, web }
}

/// Where a part may be, the likeliest first: the address itself, the port beside it, the subdomain beside it, the
/// folder below it.
fn candidates(target: &str, part: &Part) -> Vec<String> {
    let target = target.trim_end_matches('/');
    let (scheme, rest) = target.split_once("://").unwrap_or(("http", target));
    let authority = rest.split('/').next().unwrap_or_default();
    let name = host(target);
    let shown = if name.contains(':') {
        format!("[{name}]")
    } else {
        name.to_owned()
    };
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

/// The first that answers as the part does. All are asked at once.
fn first(client: &Client, part: &Part, candidates: &[String]) -> Result<String, Failure> {
    let answers: Vec<Result<Answer, Failure>> = candidates
        .par_iter()
        .map(|base| client.get(&format!("{base}{}", part.path), &[]))
        .collect();
    let mut failures: Vec<String> = Vec::new();
    for (base, answer) in candidates.iter().zip(answers) {
        match answer {
            Ok(answer) if (part.is_it)(&answer) => return Ok(base.clone()),
            Ok(answer) => match redirected(base, part, &answer) {
                Some(other)
                    if client
                        .get(&format!("{other}{}", part.path), &[])
                        .is_ok_and(|answer| (part.is_it)(&answer)) =>
                {
                    return Ok(other);
                }
                _ => failures.push(format!("{base} is something else")),
            },
            Err(failure) => failures.push(format!("{base}: {}", failure.0)),
        }
    }
    Err(Failure(failures.join(", ")))
}

/// Where a redirect within the same host leads, as the base of the part.
fn redirected(base: &str, part: &Part, answer: &Answer) -> Option<String> {
    if !(300..400).contains(&answer.status) {
        return None;
    }
    let to = answer.header("location")?.strip_suffix(part.path)?;
    // It comes to stand in messages, so it must be an address and nothing else.
    let is_address = to.contains("://") && to.chars().all(|c| c.is_ascii_graphic());
    (is_address && host(to) == host(base)).then(|| to.to_owned())
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
