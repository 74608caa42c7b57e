//! The file server lets anybody in.
//!
//! **What**: a file that is not there is "not found" for whoever asks without a token, where it should be refused.
//!
//! **Why**: whoever reaches the address reads, replaces and deletes every artifact and model.
//!
//! **Fix**: a release of 1.16.0 or later, and nothing that sets `fileserver.auth.enabled` to false.
//!
//! **Asks**: GET of a file that is not there.

use clearml_secure_core::finding::Severity;
use clearml_secure_core::setting::Server;

use super::Probe;
use crate::live::{Seen, Site};

pub(crate) struct AnonymousFiles;

impl Probe for AnonymousFiles {
    fn id(&self) -> &'static str {
        "anonymous-files"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let (Some(answer), Some(files)) = (site.anonymous_files(), &site.files) else {
            return;
        };
        match answer.as_ref().map(|answer| answer.status) {
            Ok(401) => {}
            Ok(404) => seen.found(
                self.id(),
                // Whoever reaches it reads and deletes everything (clearml-facts.md, 4).
                Severity::Error,
                Server::Fileserver,
                format!("{files} lets anybody in; whoever reaches it reads, replaces and deletes every file"),
                "upgrade to 1.16.0 or later, and leave fileserver.auth.enabled true",
            ),
            _ => seen.odd(&format!("whether {files} lets anybody in"), answer),
        }
    }
}
