//! The API server serves a debugger.
//!
//! **What**: `/console` is the interactive debugger of the API server's framework.
//!
//! **Why**: whoever has its PIN runs any program in the API server's container, which holds every secret. The PIN is made of
//! facts about the machine, and is printed in the log.
//!
//! **Fix**: take `apiserver.debug` out of the configuration, or set it to false, and restart apiserver.
//!
//! **Asks**: GET /console; where that is refused, once more with `Host: localhost`, by which anyone gets past the debugger's
//! own check.

use clearml_secure_core::setting::Server;

use super::Probe;
use crate::finding::Severity;
use crate::live::{Answer, Seen, Site};

pub(crate) struct Debugger;

impl Probe for Debugger {
    fn id(&self) -> &'static str {
        "debugger"
    }

    fn look(&self, site: &Site, seen: &mut Seen) {
        let (Some(mut answer), Some(api)) = (site.ask("console", &[]), &site.api) else {
            return;
        };
        // It trusts a name that only the machine itself has, and takes anyone's word for it.
        if matches!(&answer, Ok(answer) if answer.status == 400 && answer.envelope().is_none())
            && let Some(again) = site.ask("console", &[("Host", "localhost")])
        {
            answer = again;
        }
        match &answer {
            Ok(answer) if is_debugger(answer) => seen.found(
                // A guess away from everything (docs/clearml.md#debug-console).
                Severity::Error,
                Server::Apiserver,
                format!("{api}/console is an interactive debugger; whoever has its PIN runs any program there"),
                "take apiserver.debug out of the configuration, and restart apiserver",
            ),
            // As the API server answers any path that is no endpoint.
            Ok(answer) if answer.complaint().is_some() => {}
            _ => seen.odd(&format!("whether {api} serves a debugger"), &answer),
        }
    }
}

fn is_debugger(answer: &Answer) -> bool {
    answer.status == 200 && answer.page().is_some_and(|page| page.is_debugger)
}
