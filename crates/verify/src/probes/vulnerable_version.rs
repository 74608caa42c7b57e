//! The version of the server has a published weakness.
//!
//! **What**: the version that the server tells is one that a CVE record names.
//!
//! **Why**: anyone can read how to use it.
//!
//! **Fix**: upgrade.
//!
//! **Asks**: what `server-version` does. From 2.3 on a server may keep its version to itself: then only a record of such a version
//! leaves something not checked.

use crate::advisory::{self, Advisory};
use crate::finding::Severity;

use super::Probe;
use crate::live::{Release, Seen, Site, not_told, release};

pub(crate) struct VulnerableVersion;

impl Probe for VulnerableVersion {
    fn id(&self) -> &'static str {
        "vulnerable-version"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let Some(api) = &site.api else {
            return;
        };
        let version = match release(site) {
            Release::Told(version) => version,
            // It is no older, so what was fixed by then is not in it.
            Release::Kept => {
                let is_open = |advisory: &&Advisory| advisory.before > Release::KEPT_SINCE;
                if let Some(advisory) = advisory::all().iter().find(is_open) {
                    seen.unknown(
                        &format!("whether {api} has {}", advisory.id),
                        "the server does not tell its version",
                    );
                }
                return;
            }
            // `server-version` says the same, and is left out by some.
            Release::Unknown => return not_told(api, seen),
        };
        let known = || {
            let all = advisory::all().iter();
            all.filter(|advisory| version < advisory.before)
        };
        let Some(fixed) = known().map(|advisory| advisory.before).max() else {
            return;
        };
        for advisory in known() {
            seen.found(
                // Somebody gets in, by way of a user at the least.
                Severity::Error,
                advisory.server,
                format!(
                    "{api} is version {version}, which has the published weakness {}: {}",
                    advisory.id, advisory.what
                ),
                &format!("upgrade to {fixed} or later"),
            );
        }
    }
}
