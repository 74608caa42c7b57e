//! A server has a page that runs Python.
//!
//! **What**: `/console` of the API server or the file server is the interactive debugger of its framework.
//!
//! **Why**: a PIN of nine digits is all that keeps anyone who can reach the port from running programs in the container,
//! where the keys and the network of the databases are.
//!
//! **Fix**: remove `apiserver.debug`, `fileserver.debug` or `--debug`, and restart the server.
//!
//! **Asks**: GET /console; where that is refused, once more with `Host: localhost`, which gets anyone past the debugger's own
//! check.

use clearml_secure_core::setting::Server;

use super::Probe;
use crate::finding::Severity;
use crate::live::{Answer, Failure, Seen, Site, together};

pub(crate) struct DebugConsole;

impl Probe for DebugConsole {
    fn id(&self) -> &'static str {
        "debug-console"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let parts = [
            (Server::Apiserver, &site.api),
            (Server::Fileserver, &site.files),
        ];
        let answers = together(&parts, |(_, address)| ask(site, address.as_ref()?));
        for ((server, address), answer) in parts.into_iter().zip(answers) {
            let (Some(address), Some(answer)) = (address, answer) else {
                continue;
            };
            match &answer {
                Ok(answer) if is_debugger(answer) => seen.found(
                    // One PIN away from everything (docs/clearml.md#debug-console).
                    Severity::Error,
                    server,
                    format!("anyone who guesses a PIN can run programs in the container: {address}/console is an interactive debugger"),
                    &format!("remove {server}.debug and --debug, and restart {server}"),
                ),
                // As the API server answers any path that is no endpoint, and the file server any file that is not there.
                Ok(answer) if answer.complaint().is_some() => {}
                Ok(answer) if answer.is_of_files() && matches!(answer.status, 401 | 404) => {}
                _ => seen.odd(&format!("whether {address} serves a debugger"), &answer),
            }
        }
    }
}

fn ask(site: &Site, address: &str) -> Option<Result<Answer, Failure>> {
    let url = format!("{address}/console");
    let answer = site.get(&url, &[]);
    // It trusts names that only the machine itself has, and takes anyone's word for them.
    let is_distrusted =
        matches!(&answer, Ok(answer) if answer.status == 400 && answer.envelope().is_none());
    Some(match is_distrusted {
        true => site.get(&url, &[("Host", "localhost")]),
        false => answer,
    })
}

fn is_debugger(answer: &Answer) -> bool {
    answer.status == 200 && answer.page().is_some_and(|page| page.is_debugger)
}
