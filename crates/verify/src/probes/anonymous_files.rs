//! The file server asks nobody for a token.
//!
//! **What**: a file that is not there is "not found" for anyone who asks without a token, where ClearML's file server
//! refuses; and an upload without a file is taken.
//!
//! **Why**: anyone who can reach the address reads, replaces and deletes every artifact and model.
//!
//! **Fix**: a release of 1.16.0 or later, and nothing that sets `fileserver.auth.enabled` to false.
//!
//! **Asks**: GET of a file that is not there. Only where that is "not found", GET / and then a PUT without content, to
//! tell ClearML's file server from any other: it answers `OK`, calls itself `clearml` (or a proxy gives its own name
//! instead), and refuses every PUT. Only then it sends an upload of nothing, a POST without parts, which shows that
//! anybody may write and leaves nothing behind. A refusal is asked for on six further connections: a load balancer may have
//! several servers behind it. A server that is not known to be ClearML's is listed as not checked.

use clearml_secure_core::setting::Server;

use super::Probe;
use crate::finding::Severity;
use crate::live::{AGAIN, Seen, Site};

pub(crate) struct AnonymousFiles;

impl Probe for AnonymousFiles {
    fn id(&self) -> &'static str {
        "anonymous-files"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let (Some(all), Some(files)) = (site.anonymous_files(), &site.files) else {
            return;
        };
        let what = format!("whether {files} asks for a token");
        match &all.answer {
            Ok(answer) if answer.is_of_files() && answer.status == 401 => return,
            Ok(answer) if answer.is_of_files() && answer.status == 404 => {}
            answer => return seen.odd(&what, answer),
        }
        if let Err(reason) = is_clearml(site, files) {
            return seen.unknown(&what, &reason);
        }
        // The answer is the list of what was written (docs/clearml.md#file-server-answers).
        let wrote = |answer: &crate::live::Answer| {
            answer.status == 200 && answer.page().is_some_and(|page| page.is_empty_list)
        };
        // Of several servers one of those that let in may get the next question.
        let tries = if all.is_divided { AGAIN } else { 1 };
        let upload = |_| site.client.afresh().post_nothing(&format!("{files}/"));
        let mut uploads: Vec<_> = Vec::new();
        for upload in (0..tries).map(upload) {
            uploads.push(upload);
            if matches!(uploads.last(), Some(Ok(answer)) if wrote(answer)) {
                break;
            }
        }
        let can = match uploads.last() {
            Some(Ok(answer)) if wrote(answer) => "can read, replace and delete every file",
            other => {
                // Something in front may keep uploads out.
                if let Some(other) = other
                    && !matches!(other, Ok(answer) if matches!(answer.status, 401 | 403 | 405))
                {
                    seen.odd(&format!("whether anyone can write to {files}"), other);
                }
                "can read every file"
            }
        };
        let who = all.whose(
            "it asks nobody for a token",
            "several servers answer there, and some ask nobody for a token",
        );
        seen.found(
            // Anyone who reaches it has everything (docs/clearml.md#any-token-opens-every-file).
            Severity::Error,
            Server::Fileserver,
            format!("anyone who can reach {files} {can}: {who}"),
            "upgrade to 1.16.0 or later, and do not set fileserver.auth.enabled to false",
        );
    }
}

/// Whether it is ClearML's file server (docs/clearml.md#file-server-answers). The web server's proxy puts its own name in
/// place of the file server's.
fn is_clearml(site: &Site, files: &str) -> Result<(), String> {
    let other = |sign: &str| {
        Err(format!(
            "it refuses nobody, but may not be ClearML's file server: {sign}"
        ))
    };
    let top = format!("{files}/");
    match site.get(&top, &[]) {
        Err(failure) => return Err(failure.to_string()),
        Ok(answer) => {
            let is_ok = answer.status == 200 && answer.page().is_some_and(|page| page.is_ok);
            if !is_ok {
                return other("it does not answer OK at /");
            }
            let is_named = answer.head.is_clearml || answer.head.is_renamed && site.api.is_some();
            if !is_named {
                return other("it does not call itself clearml");
            }
        }
    }
    match site.client.put_nothing(&top) {
        Err(failure) => Err(failure.to_string()),
        Ok(answer) if answer.status == 405 => Ok(()),
        Ok(_) => other("it does not refuse PUT"),
    }
}
