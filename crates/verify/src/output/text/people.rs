//! Who will be cut off: the clients of files, and who is at a running server.

use clearml_secure_cli::wrap::wrapped;
use clearml_secure_core::shown::escape;

use super::looked_at;
use crate::client::{Client, Pair};
use crate::report::Report;

/// The clients that a rotation leaves as they are, one a line, and then each server. The others are findings.
pub(super) fn text(reports: &[Report], width: usize) -> String {
    let mut out = String::new();
    let clients = reports.iter().flat_map(Report::clients);
    let is_left = |client: &&Client| matches!(client.pair, Pair::New(_) | Pair::Own);
    let clients: Vec<&Client> = clients.filter(is_left).collect();
    let line = |client: &Client| {
        let container = client
            .container
            .as_deref()
            .map(|name| format!("container {name} "));
        let container = container.unwrap_or_default();
        format!("{}: {container}{}", client.place, client.pair.words())
    };
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
