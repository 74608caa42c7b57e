//! The file server lets anybody in.
//!
//! **What**: a file that is not there is "not found" for whoever asks without a token, where it should be refused; and an
//! upload without a file is taken.
//!
//! **Why**: whoever reaches the address reads, replaces and deletes every artifact and model.
//!
//! **Fix**: a release of 1.16.0 or later, and nothing that sets `fileserver.auth.enabled` to false.
//!
//! **Asks**: GET of a file that is not there. Only where that is "not found" an upload of nothing follows, a POST without
//! parts, which shows that anybody may write and leaves nothing behind.

use clearml_secure_core::setting::Server;

use super::Probe;
use crate::finding::Severity;
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
        let uploaded = match answer.as_ref().map(|answer| answer.status) {
            Ok(401) => return,
            Ok(404) => site.client.post_nothing(&format!("{files}/")),
            _ => return seen.odd(&format!("whether {files} lets anybody in"), &answer),
        };
        // The answer is the list of what was written (docs/clearml.md#file-server-answers).
        let can = match &uploaded {
            Ok(answer) if answer.status == 200 && answer.text().trim() == "[]" => {
                "reads, replaces and deletes every file"
            }
            other => {
                // Something in front may keep uploads out.
                if !matches!(other, Ok(answer) if matches!(answer.status, 401 | 403 | 405)) {
                    seen.odd(&format!("whether {files} lets anybody write"), other);
                }
                "reads every file"
            }
        };
        seen.found(
            // Whoever reaches it has everything (docs/clearml.md#any-token-opens-every-file).
            Severity::Error,
            Server::Fileserver,
            format!("{files} lets anybody in; whoever reaches it {can}"),
            "upgrade to 1.16.0 or later, and leave fileserver.auth.enabled true",
        );
    }
}
