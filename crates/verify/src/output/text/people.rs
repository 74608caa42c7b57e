//! Who will be cut off: the clients of files, and who is at a running server.

use clearml_secure_cli::wrap::wrapped;
use clearml_secure_core::shown::escape;

use super::looked_at;
use crate::report::Report;

/// The clients that a rotation leaves as they are, one a line, and then each server. The others are findings.
#[derive(Default)]
pub(super) struct People {
    clients: String,
    servers: String,
}

impl People {
    pub(super) fn add(&mut self, report: &Report, width: usize) {
        for client in report.clients_left() {
            let line = format!("{}: {}", client.place, client.words());
            self.clients
                .push_str(&(wrapped("", 2, &escape(&line), width) + "\n"));
        }
        let Some(people) = &report.people else {
            return;
        };
        self.servers
            .push_str(&format!("{}\n", escape(&looked_at(report))));
        for words in people.words() {
            self.servers
                .push_str(&(wrapped("  ", 4, &escape(&words), width) + "\n"));
        }
        self.servers.push('\n');
    }

    pub(super) fn text(&self) -> String {
        let end = if self.clients.is_empty() { "" } else { "\n" };
        format!("{}{end}{}", self.clients, self.servers)
    }
}
