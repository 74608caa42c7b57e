//! Servers that say whatever they were told: every header and every credential, in every field that there is.

use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::Hostile;
use super::posing::{clearml, framed, play, reply};
use super::server::Request;

/// What was heard of keys, by all of them: a server may say to one question what another brought.
static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// So many are kept.
const KEPT: usize = 40;

pub(super) const ALL: &[&Hostile] = &[
    &Hostile {
        name: "echoes keys as role and version",
        serve: |stream| {
            play(stream, &|request| {
                let (name, heard) = (request.path.trim_start_matches('/'), heard(request));
                (name == "auth.login" && is_ours(request)).then(|| {
                    let claims = format!(
                        r#"{{"identity": {{"role": "{heard}"}}, "server_version": "{heard}"}}"#
                    );
                    let data = format!(r#"{{"token": "x.{}.y"}}"#, URL_SAFE_NO_PAD.encode(claims));
                    reply("200 OK", "", &framed(name, 200, 0, &heard, &data))
                })
            });
        },
        finds: &["keys-not-applied", "open-login"],
        unknown: &[],
    },
    &Hostile {
        name: "echoes keys as version",
        serve: |stream| {
            play(stream, &|request| {
                let data = format!(r#"{{"version": "{}"}}"#, heard(request));
                let is_it = request.path == "/server.info";
                is_it.then(|| reply("200 OK", "", &framed("server.info", 200, 0, "OK", &data)))
            });
        },
        finds: &["keys-not-applied", "open-login"],
        unknown: &["the version of"],
    },
    &Hostile {
        name: "echoes keys in messages and names of everything",
        serve: |stream| {
            play(stream, &|request| {
                let heard = heard(request);
                let name = request.path.trim_start_matches('/');
                [
                    "auth.login",
                    "auth.validate_token",
                    "server.info",
                    "console",
                ]
                .contains(&name)
                .then(|| {
                    reply(
                        &format!("500 {heard}"),
                        &headers(&heard),
                        &framed(&heard, 500, 0, &heard, "{}"),
                    )
                })
            });
        },
        finds: &["keys-not-applied", "open-login"],
        unknown: &[
            "whether a published pair logs in at",
            "accepts tokens that anyone can make",
        ],
    },
    &Hostile {
        name: "echoes keys as ways to log in",
        serve: |stream| {
            play(stream, &|request| {
                let heard = heard(request);
                let data = format!(
                    r#"{{"basic": {{"enabled": true, "guest": {{"enabled": true, "name": "{heard}", "username": "{heard}", "password": "{heard}"}}}},
                    "sso": {{"{heard}": "{heard}"}}, "sso_providers": ["{heard}"]}}"#
                );
                (request.path == "/login.supported_modes").then(|| {
                    reply(
                        "200 OK",
                        &headers(&heard),
                        &framed("login.supported_modes", 200, 0, &heard, &data),
                    )
                })
            });
        },
        finds: &["guest-login", "keys-not-applied"],
        unknown: &[],
    },
    &Hostile {
        name: "echoes keys in the page and its files",
        serve: |stream| {
            play(stream, &|request| {
                let heard = heard(request);
                let body = match &*request.path {
                    "/" => format!("<title>ClearML {heard}</title>"),
                    "/configuration.json" => {
                        format!(r#"{{"{heard}": "{heard}", "secret": "{heard}"}}"#)
                    }
                    "/credentials.json" => {
                        format!(r#"{{"userKey": "{heard}", "userSecret": "{heard}"}}"#)
                    }
                    "/console" => format!("Interactive Console Werkzeug EVALEX {heard}"),
                    _ => return None,
                };
                Some(reply(&format!("200 {heard}"), &headers(&heard), &body))
            });
        },
        finds: &[
            "debug-console",
            "keys-not-applied",
            "open-login",
            "published-credential",
        ],
        unknown: &[],
    },
    &Hostile {
        name: "echoes keys where redirects lead",
        serve: |stream| {
            play(stream, &|request| {
                let heard = heard(request);
                let host = heard.replace(['/', '+', '=', ' ', ':'], "-");
                let to = match request.path.len() % 3 {
                    0 => format!("http://{host}.example.com/"),
                    1 => format!("/{host}{}", request.path),
                    _ => format!("http://127.0.0.1/{host}"),
                };
                (request.path != "/debug.ping" && request.path != "/")
                    .then(|| reply(&format!("302 {heard}"), &format!("Location: {to}\r\n"), ""))
            });
        },
        finds: &[],
        unknown: &[
            "the file server of",
            "whether a published pair logs in at",
            "accepts tokens that anyone can make",
        ],
    },
    &Hostile {
        name: "echoes keys of before where redirects lead to its parts",
        serve: |stream| {
            play(stream, &|request| {
                let folder = heard(request).replace(['/', '+', '=', ' ', ':', '.'], "-");
                if request.path == "/debug.ping" {
                    let to = format!("Location: /{folder}/debug.ping\r\n");
                    return Some(reply("302 Found", &to, ""));
                }
                // Its parts are below that folder, and in no other.
                let (_, rest) = request.path[1..].split_once('/')?;
                let is_usual = ["/api", "/files", "/clearml"]
                    .iter()
                    .any(|usual| request.path.starts_with(usual));
                (!is_usual).then(|| clearml(&format!("/{rest}"), request.header("authorization")))
            });
        },
        finds: &["keys-not-applied"],
        unknown: &["the API server of"],
    },
    &Hostile {
        name: "lets its own keys in and repeats them in the cookie",
        serve: |stream| {
            play(stream, &|request| {
                let name = request.path.trim_start_matches('/');
                (name == "auth.login" && is_ours(request)).then(|| {
                    let heard = heard(request);
                    let claims = r#"{"identity": {"role": "\u001b[31msystem\u202e"}, "server_version": "99999.1\u001b[0m"}"#;
                    let data = format!(r#"{{"token": "x.{}.y"}}"#, URL_SAFE_NO_PAD.encode(claims));
                    let cookie = format!("Set-Cookie: {heard}={heard}; {heard}\r\n").repeat(50);
                    reply("200 OK", &cookie, &framed(name, 200, 0, "OK", &data))
                })
            });
        },
        finds: &["keys-not-applied", "open-login"],
        unknown: &[],
    },
    &Hostile {
        name: "lets keys in, and is away where a random one is shown",
        serve: |stream| {
            play(stream, &|request| {
                let name = request.path.trim_start_matches('/');
                if name != "auth.login" || request.header("authorization").is_empty() {
                    return None;
                }
                let (_, secret) = pair(request)?;
                if secret.len() == INVENTED {
                    return Some(reply("503 Service Unavailable", "", "away"));
                }
                is_ours(request).then(|| {
                    let claims = r#"{"identity": {"role": "system"}, "server_version": "2.3.0"}"#;
                    let data = format!(r#"{{"token": "x.{}.y"}}"#, URL_SAFE_NO_PAD.encode(claims));
                    reply("200 OK", "", &framed(name, 200, 0, "OK", &data))
                })
            });
        },
        finds: &["keys-not-applied", "open-login"],
        unknown: &["whether the keyset's accounts log in at"],
    },
    &Hostile {
        name: "says control characters wherever it says anything",
        serve: |stream| {
            play(stream, &|request| {
                let evil = "\\u001b[2J\\u001b]0;owned\\u0007\\u202e";
                let name = request.path.trim_start_matches('/');
                ["auth.login", "auth.validate_token"]
                    .contains(&name)
                    .then(|| {
                        reply(
                            "500 \u{1b}[2J",
                            "X: \u{1b}[2J\r\n",
                            &framed(evil, 500, 0, evil, "{}"),
                        )
                    })
            });
        },
        finds: &["keys-not-applied", "open-login"],
        unknown: &["whether a published pair logs in at"],
    },
    &Hostile {
        name: "secrets in what is almost JSON",
        serve: |stream| {
            play(stream, &|request| {
                let body = match &*request.path {
                    "/configuration.json" => r#"{"adminSecret": "abc", /* why */}"#,
                    "/credentials.json" => "\u{feff}{\"userKey\": \"a\", \"userSecret\": \"b\"}",
                    _ => return None,
                };
                Some(reply("200 OK", "", body))
            });
        },
        finds: &["keys-not-applied", "open-login", "published-credential"],
        unknown: &["serves credentials"],
    },
    &Hostile {
        name: "JSON as deep as it is long",
        serve: |stream| {
            play(stream, &|request| {
                let deep = "[".repeat(60_000);
                let body = match &*request.path {
                    "/configuration.json" => format!("{{\"a\": {deep}"),
                    "/auth.login" | "/auth.validate_token" => deep,
                    _ => return None,
                };
                Some(reply("200 OK", "", &body))
            });
        },
        finds: &["keys-not-applied", "open-login"],
        unknown: &[
            "whether a published pair logs in at",
            "accepts tokens that anyone can make",
        ],
    },
    &Hostile {
        name: "JSON with every name twice, and in no encoding",
        serve: |stream| {
            play(stream, &|request| {
                let name = request.path.trim_start_matches('/');
                let once = framed(name, 200, 0, "OK", r#"{"valid": true}"#);
                let twice = once.replace("\"valid\": true", "\"valid\": true, \"valid\": true");
                (name == "auth.validate_token").then(|| reply("200 OK", "", &twice))
            });
        },
        finds: &["keys-not-applied", "open-login"],
        unknown: &["accepts tokens that anyone can make"],
    },
    &Hostile {
        name: "as many answers as fit, as large as may be",
        serve: |stream| {
            play(stream, &|request| {
                let name = request.path.trim_start_matches('/');
                let fill = "0,".repeat(31_000) + "0";
                let body = framed(name, 401, 22, "no", &format!("{{\"x\": [{fill}]}}"));
                (name == "auth.login").then(|| reply("401 Unauthorized", "", &body))
            });
        },
        finds: &["keys-not-applied", "open-login"],
        unknown: &[],
    },
];

/// Something of what was said so far: the credentials of this request, or else of another.
fn heard(request: &Request) -> String {
    let mut all = HEARD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, said)) = request.header("authorization").split_once(' ') {
        if all.len() < KEPT {
            all.extend([said.to_owned(), decoded(said)]);
        }
        return decoded(said);
    }
    all.last().cloned().unwrap_or_default()
}

/// A secret that clearml-verify invents is as long as this.
const INVENTED: usize = 64;

/// Whether it is the login of an account of a keyset: longer than any published pair, or than none.
fn is_ours(request: &Request) -> bool {
    let published = include_str!("../../../crates/core/data/known_defaults.toml");
    let (key, secret) = pair(request).unwrap_or_default();
    secret.len() != INVENTED && !key.is_empty() && !published.contains(&secret)
}

/// The key and the secret of a login.
fn pair(request: &Request) -> Option<(String, String)> {
    let (_, said) = request.header("authorization").split_once(' ')?;
    let pair = decoded(said);
    let (key, secret) = pair.split_once(':')?;
    Some((key.to_owned(), secret.to_owned()))
}

/// Headers that repeat something.
fn headers(heard: &str) -> String {
    format!(
        "Server: {heard}\r\nX-Echo: {heard}\r\nSet-Cookie: {heard}={heard}; Secure\r\nAccess-Control-Allow-Origin: {heard}\r\n\
         WWW-Authenticate-Echo: {heard}\r\n"
    )
}

/// The text that base64 stands for; itself where it is none.
fn decoded(text: &str) -> String {
    let bytes = STANDARD.decode(text).ok();
    let decoded = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.unwrap_or_else(|| text.to_owned())
}
