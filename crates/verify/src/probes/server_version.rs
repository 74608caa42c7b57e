//! The server does not tell its version.
//!
//! **What**: nothing that the server answers tells its version, and it is not one that keeps it to itself.
//!
//! **Why**: without it, nobody can say whether a published weakness is in the server. A version that is known is no finding:
//! `vulnerable-version` compares it with what is published.
//!
//! **Fix**: name the API server itself with `--api`, not what is in front of it.
//!
//! **Asks**: server.info. From 2.3 on it answers only who is logged in; then a token tells the version, if there is one: of
//! a login with `--keys` or a published pair, or one that anybody can make.
//!
//! **References**: docs/clearml.md#finding-the-version.

use super::Probe;
use crate::live::{Release, Seen, Site, not_told, release};

pub(crate) struct ServerVersion;

impl Probe for ServerVersion {
    fn id(&self) -> &'static str {
        "server-version"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let Some(api) = &site.api else {
            return;
        };
        if release(site) == Release::Unknown {
            not_told(api, seen);
        }
    }
}
