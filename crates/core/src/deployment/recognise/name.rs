//! What services and images of ClearML's servers are called.

use crate::setting::Server;

/// A name without what ClearML's own begin with.
pub(in crate::deployment) fn bare(mut name: &str) -> &str {
    // To look for a prefix takes ten times as long with `trim_start_matches`, and every service is asked often.
    for prefix in ["clearml-", "trains-"] {
        while let Some(rest) = name.strip_prefix(prefix) {
            name = rest;
        }
    }
    name
}

/// The server that a service or an image of this name is.
pub(super) fn by_name(name: &str) -> Option<Server> {
    let plain = name.to_ascii_lowercase().replace(['_', '.'], "-");
    let plain = plain.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-');
    match bare(plain) {
        "apiserver" | "api-server" | "api" => Some(Server::Apiserver),
        "fileserver" | "file-server" | "files" | "fileserv" => Some(Server::Fileserver),
        "webserver" | "web-server" | "web" | "webapp" => Some(Server::Webserver),
        "async-delete" | "async-urls-delete" => Some(Server::AsyncDelete),
        "agent-services" => Some(Server::AgentServices),
        _ => None,
    }
}
