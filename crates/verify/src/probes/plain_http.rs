//! Passwords and tokens go over the network in clear.
//!
//! **What**: a part of the server is on another machine and answers over http://.
//!
//! **Why**: whoever is on the way reads and changes what goes by.
//!
//! **Fix**: a reverse proxy with TLS in front of all three, and no other way in.
//!
//! **Asks**: nothing; the addresses say it.

use clearml_secure_core::finding::Severity;
use clearml_secure_core::setting::Server;

use super::Probe;
use crate::live::{Seen, Site, is_loopback};

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
            if address.starts_with("http://") && !is_loopback(address) {
                seen.found(
                    self.id(),
                    // It takes somebody on the way.
                    Severity::Warning,
                    server,
                    format!("{address} answers without TLS; whoever is on the way reads passwords and tokens"),
                    "put a reverse proxy with TLS in front and publish nothing else",
                );
            }
        }
    }
}
