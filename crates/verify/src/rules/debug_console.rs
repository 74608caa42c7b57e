//! A server has a page that runs Python.
//!
//! **What**: `apiserver.debug` or `fileserver.debug` is true, in any form that Python takes for true, or the command has
//! `--debug`, and the server does not run under gunicorn.
//!
//! **Why**: Werkzeug serves its interactive debugger at `/console`, on the port of the server. A PIN of nine digits is all that
//! keeps anyone who can reach it from running programs in the container, where the keys and the network of the databases are. Each
//! error brings a page of its own, with the values of its variables.
//!
//! bad: tests/fixtures/rules/debug-console/bad.yml
//!
//! good: tests/fixtures/rules/debug-console/good.yml
//!
//! **Fix**: remove the line: it is false by default.
//!
//! **References**: docs/clearml.md#debug-console; Werkzeug, "Debugging Applications".

use clearml_secure_core::container::Container;
use clearml_secure_core::effective::Switch;
use clearml_secure_core::knowable::Knowable;
use clearml_secure_core::setting::Server;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};

/// One PIN away from everything (docs/clearml.md#debug-console).
const SEVERITY: Severity = Severity::Error;

/// The switch of each server.
const SWITCHES: [(Server, &str); 2] = [
    (Server::Apiserver, "apiserver.debug"),
    (Server::Fileserver, "fileserver.debug"),
];

pub(crate) struct DebugConsole;

impl Rule for DebugConsole {
    fn id(&self) -> &'static str {
        "debug-console"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for (reader, path) in SWITCHES {
            for server in case.servers(reader) {
                let container = case
                    .deployment
                    .service(&case.deployment.instances[server.instance]);
                let Switch { is_on, span } = server.switch(case.deployment, path);
                let is_asked_for = has_argument(container);
                if is_on != Knowable::Known(true) && !is_asked_for
                    || is_under_gunicorn(container, reader)
                {
                    continue;
                }
                let message = format!(
                    "{} serves a debugger at /console: anyone who guesses its PIN can run programs in the container",
                    case.name(server)
                );
                let finding = if is_asked_for {
                    case.finding(SEVERITY, server, message, "remove --debug from the command")
                } else {
                    let help = format!("remove the line, or set {path} to false");
                    case.finding(SEVERITY, server, message, &help)
                        .at(span)
                        .fixed_by(case.configure(server, path, "false"))
                };
                findings.push(finding);
            }
        }
    }
}

/// Whether the program itself is started, with `--debug`. The image's own script passes nothing on.
fn has_argument(container: &Container) -> bool {
    let mut words = container.words.iter().map(String::as_str);
    let is_program = |word: &str| word == "apiserver.server" || word.ends_with("server.py");
    words.clone().any(is_program) && words.any(|word| word == "--debug")
}

/// Whether a variable lets the image's script start the server under gunicorn, which has no debugger.
fn is_under_gunicorn(container: &Container, server: Server) -> bool {
    let (name, needed) = match server {
        Server::Fileserver => ("FILESERVER_USE_GUNICORN", Some("true")),
        _ => ("CLEARML_USE_GUNICORN", None),
    };
    let mut variables = container.environment.iter();
    let value = variables.find(|variable| variable.name == name);
    let value = value.and_then(|variable| variable.value.known());
    value.is_some_and(|value| {
        let value = value.expose();
        needed.map_or(!value.is_empty(), |needed| value == needed)
    })
}
