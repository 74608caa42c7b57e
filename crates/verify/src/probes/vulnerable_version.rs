//! The server is of a version with a published weakness.
//!
//! **What**: the version that the server tells is one that a CVE record names.
//!
//! **Why**: how it is done is published.
//!
//! **Fix**: upgrade.
//!
//! **Asks**: server.info. From 2.3 on it does not answer everybody; the records name none of those versions.

use clearml_secure_core::advisory;
use clearml_secure_core::finding::Severity;

use super::Probe;
use crate::live::{Release, Seen, Site};

pub(crate) struct VulnerableVersion;

impl Probe for VulnerableVersion {
    fn id(&self) -> &'static str {
        "vulnerable-version"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let Some(api) = &site.api else {
            return;
        };
        let version = match site.version {
            Release::Kept => return,
            Release::Told(version) => version,
            Release::Unknown => {
                return seen.unknown(
                    &format!("the version of {api}"),
                    "server.info does not tell it",
                );
            }
        };
        for advisory in advisory::all()
            .iter()
            .filter(|advisory| version < advisory.before)
        {
            seen.found(
                self.id(),
                // Somebody gets in, by way of a user at the least.
                Severity::Error,
                advisory.server,
                format!(
                    "{api} is version {version}, for which {} is published: {}",
                    advisory.id, advisory.what
                ),
                &format!("upgrade to {} or later", advisory.before),
            );
        }
    }
}
