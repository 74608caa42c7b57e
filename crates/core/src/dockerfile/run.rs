//! Whether a `RUN` may change what a server is configured with.

use super::parse::Instruction;
use crate::knowable::Reason;

/// The folders of ClearML's images, which hold the servers, their defaults and their configuration.
const FOLDERS: [&str; 2] = ["/opt/clearml", "/opt/trains"];

/// Why a `RUN` in this working directory may change the configuration.
pub(super) fn may_configure(instruction: &Instruction, folder: Option<&str>) -> Option<Reason> {
    let documents = instruction
        .heredocs
        .iter()
        .map(|heredoc| heredoc.text.as_str());
    let texts = std::iter::once(instruction.rest.text.as_str()).chain(documents);
    let is_inside = folder.is_none_or(|folder| FOLDERS.iter().any(|own| folder.starts_with(own)));
    texts
        .flat_map(|text| text.split(['\n', ';', '&', '|']))
        .any(|command| names_configuration(command, is_inside))
        .then(|| Reason::from("a RUN of its Dockerfile may change the configuration"))
}

/// Whether one command names the configuration, and does more than look at it or give it an owner.
fn names_configuration(command: &str, is_inside: bool) -> bool {
    /// What writes no text into a file.
    const HARMLESS: [&str; 11] = [
        "apk", "apt", "apt-get", "cat", "chgrp", "chmod", "chown", "echo", "ls", "mkdir", "test",
    ];
    let first = command.split_whitespace().next().unwrap_or_default();
    if HARMLESS.contains(&first) && !command.contains('>') {
        return false;
    }
    let separator = |c: char| {
        c.is_whitespace() || matches!(c, '"' | '\'' | '=' | ':' | '>' | '<' | '(' | ')' | ',')
    };
    command
        .split(separator)
        .any(|word| is_configuration(word, is_inside))
}

fn is_configuration(word: &str, is_inside: bool) -> bool {
    if word.contains("CLEARML_") || word.contains("TRAINS_") {
        return true;
    }
    let is_elsewhere =
        word.starts_with('/') && !word.contains("..") && !word.contains(['$', '*', '?', '[']);
    if FOLDERS.iter().any(|folder| word.contains(folder)) {
        return true;
    }
    let has_config_part = word.split('/').any(|part| part == "config");
    !is_elsewhere && (word.contains(".conf") || is_inside && has_config_part)
}
