//! A server has a page that runs Python.
//!
//! **What**: `/console` of the API server or the file server is the interactive debugger of its framework.
//!
//! **Why**: a PIN of nine digits is all that keeps anyone who can reach the port from running programs in the container,
//! where the keys and the network of the databases are.
//!
//! **Fix**: remove `apiserver.debug`, `fileserver.debug` or `--debug`, and restart the server.
//!
//! **Asks**: GET /console, on two further connections as well; where that is refused, once more with `Host: localhost`, which gets anyone past the debugger's own
//! check.

use clearml_secure_core::setting::Server;

use super::Probe;
use crate::finding::Severity;
use crate::live::{Answer, Client, Door, Failure, OF_MANY, Seen, Site, Throughout, together};

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
        for ((server, address), all) in parts.into_iter().zip(answers) {
            let (Some(address), Some(all)) = (address, all) else {
                continue;
            };
            let is = all.whose(
                "is an interactive debugger",
                "is an interactive debugger of some of the servers that answer there",
            );
            match all.answer.as_ref().map(door) {
                Ok(Door::Open) => seen.found(
                    // One PIN away from everything (docs/clearml.md#debug-console).
                    Severity::Error,
                    server,
                    format!("anyone who guesses a PIN can run programs in the container: {address}/console {is}"),
                    &format!("remove {server}.debug and --debug, and restart {server}"),
                ),
                Ok(Door::Closed) => {}
                _ => seen.odd(
                    &format!("whether {address} serves a debugger"),
                    &all.answer,
                ),
            }
        }
    }
}

fn ask(site: &Site, address: &str) -> Option<Throughout> {
    let url = format!("{address}/console");
    let first = by_any_name(|headers| site.get(&url, headers));
    let again = |client: &Client| by_any_name(|headers| client.get(&url, headers));
    Some(site.throughout(OF_MANY, first, again, door))
}

/// The answer for the server's name, or where it is distrusted for one of the machine's own: a debugger takes anyone's word for
/// that.
fn by_any_name(
    get: impl Fn(&[(&str, &str)]) -> Result<Answer, Failure>,
) -> Result<Answer, Failure> {
    let answer = get(&[]);
    let is_distrusted =
        matches!(&answer, Ok(answer) if answer.status == 400 && answer.envelope().is_none());
    match is_distrusted {
        true => get(&[("Host", "localhost")]),
        false => answer,
    }
}

fn door(answer: &Answer) -> Door {
    match answer.status {
        200 if answer.page().is_some_and(|page| page.is_debugger) => Door::Open,
        // As the API server answers any path that is no endpoint, and the file server any file that is not there.
        _ if answer.complaint().is_some() => Door::Closed,
        401 | 404 if answer.is_of_files() => Door::Closed,
        _ => Door::Unclear,
    }
}
