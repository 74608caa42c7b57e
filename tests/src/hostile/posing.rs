//! What stands in front of a server, or poses as one: redirects, captive portals, proxies, honeypots, half of a ClearML
//! server.

use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::server::{Request, always, answer, hold, send};
use super::{AS_IT_COMES, Hostile, NO_PART};

/// What is not known where logins and tokens get no answer of ClearML's.
const NO_KEYS: &[&str] = &[
    "whether a published pair logs in at",
    "accepts tokens that anyone can make",
    "whether the keyset's accounts log in at",
    "which token secret",
];

/// And where only tokens get none.
const NO_TOKENS: &[&str] = &["accepts tokens that anyone can make", "which token secret"];

pub(super) const ALL: &[&Hostile] = &[
    &Hostile::nobody("redirects to itself", |mut stream| {
        if let Some(request) = Request::read(&mut stream) {
            let to = format!("Location: {}\r\n", request.path);
            answer(&mut stream, "302 Found", &to, "");
        }
    }),
    &Hostile::nobody("redirects further and further", |mut stream| {
        if let Some(request) = Request::read(&mut stream) {
            let to = format!("Location: {}/x\r\n", request.path);
            answer(&mut stream, "301 Moved Permanently", &to, "");
        }
    }),
    &Hostile::nobody("redirects to another host", |stream| {
        always(
            stream,
            "302 Found",
            "Location: http://portal.example.com/login?x=1\r\n",
            "",
        );
    }),
    &Hostile::nobody("redirects to a file", |stream| {
        always(stream, "302 Found", "Location: file:///etc/passwd\r\n", "");
    }),
    &Hostile::nobody("redirects with a name and a password", |stream| {
        always(
            stream,
            "302 Found",
            "Location: http://jane:secret@127.0.0.1/\r\n",
            "",
        );
    }),
    &Hostile::nobody("redirects nowhere", |stream| {
        always(stream, "302 Found", "", "")
    }),
    &Hostile::nobody("redirects a long way", |mut stream| {
        if Request::read(&mut stream).is_some() {
            let to = format!("Location: /{}\r\n", "x".repeat(20_000));
            answer(&mut stream, "302 Found", &to, "");
        }
    }),
    &Hostile::nobody("a captive portal", |stream| {
        always(
            stream,
            "200 OK",
            "Content-Type: text/html\r\n",
            "<title>Hotel</title>Accept our terms.",
        );
    }),
    &Hostile {
        name: "a captive portal of a house with that name",
        serve: |stream| {
            always(
                stream,
                "200 OK",
                "",
                "<title>ClearML Inn</title>Accept our terms.",
            )
        },
        finds: &[],
        unknown: &["the API server of", "the file server of"],
    },
    &Hostile::nobody("a captive portal that wants a login", |stream| {
        always(
            stream,
            "511 Network Authentication Required",
            "",
            "<title>Wi-Fi</title>",
        );
    }),
    &Hostile::nobody("a proxy that wants a login", |stream| {
        always(
            stream,
            "401 Unauthorized",
            "WWW-Authenticate: Basic realm=\"ClearML\"\r\n",
            "",
        );
    }),
    &Hostile::nobody(
        "a proxy that wants a login, with everybody's origins",
        |stream| {
            let headers = "WWW-Authenticate: Basic\r\nAccess-Control-Allow-Origin: *\r\n";
            always(stream, "401 Unauthorized", headers, "");
        },
    ),
    &Hostile::nobody("a proxy that keeps out", |stream| {
        always(stream, "403 Forbidden", "", "Forbidden")
    }),
    &Hostile::nobody("a proxy for proxies", |stream| {
        always(stream, "407 Proxy Authentication Required", "", "");
    }),
    &Hostile::nobody("a proxy that has had enough", |stream| {
        always(stream, "429 Too Many Requests", "Retry-After: 60\r\n", "");
    }),
    &Hostile::nobody("a proxy in trouble", |stream| {
        always(stream, "500 Internal Server Error", "", "")
    }),
    &Hostile::nobody("a proxy without a server behind it", |stream| {
        always(stream, "502 Bad Gateway", "", "")
    }),
    &Hostile::nobody("a proxy that is busy", |stream| {
        always(stream, "503 Service Unavailable", "", "")
    }),
    &Hostile::nobody("a proxy that waits in vain", |stream| {
        always(stream, "504 Gateway Timeout", "", "")
    }),
    &Hostile::nobody("JSON of somebody else's", |stream| {
        always(
            stream,
            "200 OK",
            "",
            r#"{"status": "ok", "version": "1.0"}"#,
        );
    }),
    &Hostile::nobody("the frame without an endpoint", |stream| {
        always(
            stream,
            "200 OK",
            "",
            r#"{"meta": {"result_code": 200}, "data": {"valid": true, "token": "a.b.c"}}"#,
        );
    }),
    &Hostile {
        name: "a server that finds nothing",
        serve: |stream| {
            always(
                stream,
                "404 Not Found",
                "Access-Control-Allow-Origin: *\r\n",
                "",
            )
        },
        finds: &[],
        unknown: &["the API server of", "asks for a token", "the web server of"],
    },
    &Hostile {
        name: "a store of somebody else's that says OK and takes anything",
        serve: |mut stream| {
            if let Some(request) = Request::read(&mut stream) {
                let status = match (&*request.method, &*request.path) {
                    (_, "/") | ("PUT" | "POST", _) => "200 OK",
                    _ => "404 Not Found",
                };
                let headers = "server: clearml\r\nAccess-Control-Allow-Origin: *\r\n";
                answer(&mut stream, status, headers, "OK");
            }
        },
        finds: &[],
        unknown: &["the API server of", "asks for a token", "the web server of"],
    },
    &Hostile {
        name: "a honeypot that lets in anyone who comes",
        serve: |mut stream| {
            if let Some(request) = Request::read(&mut stream) {
                let name = request.path.trim_start_matches('/').to_owned();
                let identity = r#"{"identity": {"role": "system"}, "server_version": "2.3.0"}"#;
                let token = format!("a.{}.c", URL_SAFE_NO_PAD.encode(identity));
                let data = format!(
                    r#"{{"token": "{token}", "valid": true, "version": "2.3.0",
                    "basic": {{"enabled": true, "guest": {{"enabled": false}}}}}}"#
                );
                let body = framed(&name, 200, 0, "OK", &data);
                answer(
                    &mut stream,
                    "200 OK",
                    "server: clearml\r\nAccess-Control-Allow-Origin: *\r\n",
                    body,
                );
            }
        },
        finds: &[],
        unknown: &[
            "whether a published pair logs in at",
            "accepts tokens that anyone can make",
            "which token secret",
            "whether the keyset's accounts log in at",
        ],
    },
    &Hostile {
        name: "a honeypot that refuses anyone who comes",
        serve: |mut stream| {
            if let Some(request) = Request::read(&mut stream) {
                let body = framed(request.path.trim_start_matches('/'), 401, 30, "no", "{}");
                answer(
                    &mut stream,
                    "401 Unauthorized",
                    "server: clearml\r\nAccess-Control-Allow-Origin: *\r\n",
                    body,
                );
            }
        },
        finds: &[],
        unknown: super::NO_PART,
    },
    &Hostile {
        name: "a proxy that wants a login for logins",
        serve: |stream| {
            play(stream, &|request| {
                let wants = "WWW-Authenticate: Basic\r\n";
                is_of_keys(request).then(|| reply("401 Unauthorized", wants, "<title>401</title>"))
            });
        },
        // It is sent no keys any more, nor are its files.
        finds: &["open-login"],
        unknown: NO_KEYS,
    },
    &Hostile::playing(
        "a proxy that answers 401 to logins, without a word",
        |stream| {
            play(stream, &|request| {
                is_of_keys(request).then(|| reply("401 Unauthorized", "", ""))
            });
        },
        NO_KEYS,
    ),
    &Hostile::playing(
        "a proxy that keeps keys out",
        |stream| {
            play(stream, &|request| {
                is_of_keys(request).then(|| reply("403 Forbidden", "", "no"))
            });
        },
        NO_KEYS,
    ),
    &Hostile::playing(
        "a proxy that fails at logins",
        |stream| {
            play(stream, &|request| {
                is_of_keys(request).then(|| reply("500 Error", "", "no"))
            });
        },
        NO_KEYS,
    ),
    &Hostile::playing(
        "a server that fails at logins",
        |stream| {
            play(stream, &|request| {
                let body = framed(
                    request.path.trim_start_matches('/'),
                    500,
                    100,
                    "General data error",
                    "{}",
                );
                is_of_keys(request).then(|| reply("500 Error", "", &body))
            });
        },
        NO_KEYS,
    ),
    &Hostile::playing(
        "a proxy that keeps keys to itself",
        |stream| {
            play(stream, &|request| {
                let body = framed(
                    request.path.trim_start_matches('/'),
                    401,
                    20,
                    "Unauthorized (missing credentials)",
                    "{}",
                );
                is_of_keys(request).then(|| reply("401 Unauthorized", "", &body))
            });
        },
        NO_KEYS,
    ),
    &Hostile {
        name: "a server that packs what nobody asked it to pack",
        serve: |mut stream| {
            if let Some(request) = Request::read(&mut stream) {
                let plain = clearml(&request.path, request.header("authorization"));
                let plain = String::from_utf8_lossy(&plain);
                let (head, body) = plain.split_once("\r\n\r\n").unwrap_or_default();
                let packed = format!(
                    "{head}\r\nContent-Encoding: gzip\r\n\r\n{}",
                    "\u{1f}".repeat(body.len())
                );
                send(&mut stream, packed.into_bytes());
            }
        },
        finds: &[],
        unknown: NO_PART,
    },
    &Hostile {
        name: "a proxy that removes keys and tokens",
        serve: |mut stream| {
            if let Some(request) = Request::read(&mut stream) {
                send(&mut stream, clearml(&request.path, ""));
            }
        },
        finds: &["open-login"],
        unknown: &[
            "whether a published pair logs in at",
            "whether the keyset's accounts log in at",
            "accepts tokens that anyone can make",
            "which token secret",
        ],
    },
    &Hostile::playing(
        "a proxy that says yes to logins",
        |stream| {
            play(stream, &|request| {
                is_of_keys(request).then(|| reply("200 OK", "", "welcome"))
            });
        },
        NO_KEYS,
    ),
    &Hostile::playing(
        "a server that says a token is valid, without its frame",
        |stream| {
            play(stream, &|request| {
                let is_token = request.path == "/auth.validate_token";
                is_token.then(|| reply("200 OK", "", r#"{"data": {"valid": true}}"#))
            });
        },
        NO_TOKENS,
    ),
    &Hostile::playing(
        "a server that says a token is not valid, with 200",
        |stream| {
            play(stream, &|request| {
                let body = framed(
                    "auth.validate_token",
                    200,
                    0,
                    "OK",
                    r#"{"valid": false, "msg": "no"}"#,
                );
                (request.path == "/auth.validate_token").then(|| reply("200 OK", "", &body))
            });
        },
        NO_TOKENS,
    ),
    &Hostile::playing(
        "a server that says valid with the word for it",
        |stream| {
            play(stream, &|request| {
                let body = framed("auth.validate_token", 200, 0, "OK", r#"{"valid": "true"}"#);
                (request.path == "/auth.validate_token").then(|| reply("200 OK", "", &body))
            });
        },
        NO_TOKENS,
    ),
    &Hostile::playing(
        "a server that says another endpoint's name",
        |stream| {
            play(stream, &|request| {
                let body = framed("tasks.get_all", 200, 0, "OK", r#"{"valid": true}"#);
                (request.path == "/auth.validate_token").then(|| reply("200 OK", "", &body))
            });
        },
        NO_TOKENS,
    ),
    &Hostile::playing(
        "a server that does not answer about tokens",
        |mut stream| {
            if let Some(request) = Request::read(&mut stream) {
                match request.path == "/auth.validate_token" {
                    true => hold(&stream),
                    false => send(
                        &mut stream,
                        clearml(&request.path, request.header("authorization")),
                    ),
                }
            }
        },
        NO_TOKENS,
    ),
    &Hostile {
        name: "a proxy that has had enough of keys",
        serve: |stream| {
            play(stream, &|request| {
                if !request.header("authorization").is_empty() {
                    return Some(reply("429 Too Many Requests", "Retry-After: 600\r\n", ""));
                }
                let users = r#"{"basic": {"enabled": true, "guest": {"enabled": false}}}"#;
                let modes = || reply("200 OK", "", &framed(MODES, 200, 0, "OK", users));
                request.path.ends_with(MODES).then(modes)
            });
        },
        finds: &[],
        unknown: NO_KEYS,
    },
    &Hostile {
        name: "a server that calls everything a debugger's page",
        serve: |stream| {
            play(stream, &|request| {
                (request.path == "/console").then(|| reply("200 OK", "", "<title>Console</title>"))
            });
        },
        finds: AS_IT_COMES,
        unknown: &["serves a debugger"],
    },
];

const MODES: &str = "login.supported_modes";

/// Whether a request is about keys or tokens.
fn is_of_keys(request: &Request) -> bool {
    ["/auth.login", "/auth.validate_token"].contains(&&*request.path)
}

/// Plays ClearML, but for what is answered in another way.
pub(super) fn play(mut stream: TcpStream, other: &dyn Fn(&Request) -> Option<Vec<u8>>) {
    if let Some(request) = Request::read(&mut stream) {
        let bytes = other(&request)
            .unwrap_or_else(|| clearml(&request.path, request.header("authorization")));
        send(&mut stream, bytes);
    }
}

/// How a token begins that is not signed.
const UNSIGNED: &str = "Bearer eyJhbGciOiJub25l";

/// What a ClearML server with keys of its own says, all parts at one address, to somebody with a token or a pair, or without.
pub(super) fn clearml(path: &str, authorization: &str) -> Vec<u8> {
    let name = path.trim_start_matches('/');
    let has_credentials = !authorization.is_empty();
    // It names what is wrong with a token: of one without a signature not that.
    let wrong = match authorization.starts_with(UNSIGNED) {
        true => "The specified alg value is not allowed",
        false => "Signature verification failed",
    };
    let of_api = format!("Invalid token (invalid jwt token): reason={wrong}");
    let (code, subcode, message, data) = match name {
        "debug.ping" => (200, 0, "OK", r#"{"msg": "ClearML server"}"#),
        "login.supported_modes" => (
            200,
            0,
            "OK",
            r#"{"basic": {"enabled": false, "guest": {"enabled": false}}, "sso": {}, "sso_providers": []}"#,
        ),
        "auth.login" | "auth.validate_token" if !has_credentials => {
            (401, 20, "Unauthorized (missing credentials)", "{}")
        }
        "auth.login" => (401, 22, "Unauthorized (invalid credentials)", "{}"),
        "auth.validate_token" => (401, 30, of_api.as_str(), "{}"),
        "server.info" => (401, 20, "Unauthorized (missing credentials)", "{}"),
        "console" => (404, 0, "Unable to find endpoint", "{}"),
        "" => return reply("200 OK", "", "<title>ClearML</title>"),
        "credentials.json" | "configuration.json" => return reply("200 OK", "", "{}"),
        _ => {
            let headers = "server: clearml\r\nAccess-Control-Allow-Origin: *\r\n";
            let reason = match has_credentials {
                true => wrong,
                false => "Missing token",
            };
            return reply("401 Unauthorized", headers, reason);
        }
    };
    let status = match code {
        200 => "200 OK",
        401 => "401 Unauthorized",
        _ => "404 Not Found",
    };
    reply(
        status,
        "server: clearml\r\n",
        &framed(name, code, subcode, message, data),
    )
}

/// An answer in ClearML's frame.
pub(super) fn framed(name: &str, code: u16, subcode: u16, message: &str, data: &str) -> String {
    format!(
        r#"{{"meta": {{"id": "1", "trx": "1", "endpoint": {{"name": "{name}", "requested_version": "2.30", "actual_version": "1.0"}},
        "result_code": {code}, "result_subcode": {subcode}, "result_msg": "{message}", "error_stack": null, "error_data": {{}}}},
        "data": {data}}}"#
    )
}

/// An answer as it goes over the wire.
pub(super) fn reply(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
    .into_bytes()
}
