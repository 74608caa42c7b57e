//! Who will be cut off: the clients of files, and who is at a running server.

use clearml_secure_cli::wrap::wrapped;
use clearml_secure_core::shown::escape;

use super::looked_at;
use crate::client::Client;
use crate::report::Report;

/// The clients that a rotation leaves as they are, one a line, and then each server. The others are findings.
pub(super) fn text(reports: &[Report], width: usize) -> String {
    let mut out = String::new();
    let clients: Vec<&Client> = reports.iter().flat_map(Report::clients_left).collect();
    let line = |client: &Client| format!("{}: {}", client.place, client.words());
    for client in &clients {
        out.push_str(&(wrapped("", 2, &escape(&line(client)), width) + "\n"));
    }
    if !clients.is_empty() {
        out.push('\n');
    }
    for report in reports {
        let Some(people) = &report.people else {
            continue;
        };
        out.push_str(&format!("{}\n", escape(&looked_at(report))));
        for words in people.words() {
            out.push_str(&(wrapped("  ", 4, &escape(&words), width) + "\n"));
        }
        out.push('\n');
    }
    out
}
