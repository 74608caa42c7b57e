//! Passwords and tokens can be sniffed.
//!
//! **What**: a part of the server answers over http:// at a public address, or beside https://. A name or an address
//! of a private network (`.corp`, `.ts.net`, `10.1.2.3`, …) counts only where https:// is there, too.
//!
//! **Why**: passwords, tokens and files can be sniffed and changed.
//!
//! **Fix**: a reverse proxy with TLS in front of all three, which sends http:// to https://, and no other way in: bind the
//! published ports to 127.0.0.1.
//!
//! **Asks**: where a part is at an https:// address, what it was found by, over http:// on port 80 and on the part's own
//! port (8080, 8008, 8081). No key is sent. A port where nothing answers is fine.

use clearml_secure_core::setting::Server;

use super::Probe;
use crate::address::{host, is_public, literal};
use crate::finding::Severity;
use crate::live::{Seen, Site};

/// It takes somebody on the way.
const SEVERITY: Severity = Severity::Warning;

pub(crate) struct PlainHttp;

impl Probe for PlainHttp {
    fn id(&self) -> &'static str {
        "plain-http"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        for (server, address) in [
            (Server::Apiserver, &site.api),
            (Server::Fileserver, &site.files),
            (Server::Webserver, &site.web),
        ] {
            let Some(address) = address else {
                continue;
            };
            if address.starts_with("http://") && is_elsewhere(host(address)) {
                seen.found(
                    SEVERITY,
                    server,
                    format!("passwords and tokens can be sniffed: {address} answers without TLS"),
                    "put a reverse proxy with TLS in front, and publish only its port",
                );
            }
        }
        let clear = site.in_clear();
        if site.client.is_over() {
            // A port that was not asked is not one where nobody answers.
            seen.unknown(
                &format!("whether {} answers without TLS", site.target),
                "the time for all requests ran out",
            );
        }
        for (server, address) in clear {
            seen.found(
                SEVERITY,
                server,
                format!("passwords and tokens can be sniffed: {address} answers without TLS, besides https://"),
                "redirect http:// to https://, and publish the servers' own ports on 127.0.0.1 only",
            );
        }
    }
}

/// Whether the way to a host may lead through networks of others; `0.0.0.0` says nothing about that.
fn is_elsewhere(host: &str) -> bool {
    is_public(host) || literal(host).is_some_and(|address| address.is_unspecified())
}
