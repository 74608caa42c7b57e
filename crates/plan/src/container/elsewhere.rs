//! A service that the edited file does not name: another file has it, which is included or merged. Which command edits that one.

use std::ptr;

use clearml_secure_core::compose::{Part, Service};
use clearml_secure_core::shell::quoted;
use clearml_secure_core::source::{HIDDEN, SourceId};

use super::escaped;
use crate::OVERRIDE_FILE;
use crate::env_file::options;
use crate::foreign::variable;
use crate::refusal::Refusal;
use crate::target::Target;

/// A file that has servers, and the files that are merged over it with more about them.
#[derive(PartialEq)]
struct Home {
    base: SourceId,
    merged: Vec<SourceId>,
}

/// The service is defined in a file that the edited one includes, or that is merged over it.
pub(super) fn in_another_file(target: &Target<'_>, service: &Service) -> Refusal {
    let sources = &target.deployment.sources;
    let name = match own_parts(target, service).next() {
        Some(part) => part.name,
        None => service.name_span,
    };
    let message = format!(
        "service {} is defined in this file, not in {}",
        escaped(&service.name),
        escaped(&sources.path(target.source).to_string_lossy())
    );
    let (message, help) = match commands(target) {
        Some(commands) => (
            format!("{message}, so this file must change too"),
            format!(
                "run this first, then this command again:\n  {}",
                commands.join("\n  ")
            ),
        ),
        None => (
            format!("{message}, and no edit of one file is enough"),
            format!(
                "put the keys into a file that overrides all others:\n  {}",
                override_command(target)
            ),
        ),
    };
    Refusal {
        place: sources.place(name),
        message,
        help,
    }
}

/// What the documents of a project say of a service, from the first that gives it something to run: a file that only changes
/// it is no deployment by itself.
fn own_parts<'a>(target: &'a Target<'_>, service: &'a Service) -> impl Iterator<Item = &'a Part> {
    let project = &target.deployment.project;
    let is_whole = |part: &&Part| {
        let document = &project.documents[part.document];
        project.whole_documents().any(|one| ptr::eq(one, document))
    };
    service
        .parts
        .iter()
        .filter(is_whole)
        .skip_while(|part| !part.runs())
}

/// The commands that edit the other files, one for each; none where a merged file has a server or a value of its own, where a
/// path may not be shown, or where one of these runs would be refused: by itself, a file has another `.env`, and other files
/// merged over it.
fn commands(target: &Target<'_>) -> Option<Vec<String>> {
    let homes = homes(target)?;
    let is_merged = |one: &Home| homes.iter().any(|home| home.merged.contains(&one.base));
    let sources = &target.deployment.sources;
    let mut ids = homes
        .iter()
        .flat_map(|home| home.merged.iter().chain([&home.base]));
    let is_hidden = |id: &SourceId| {
        let name = sources.name(*id).to_string_lossy();
        name == HIDDEN || name.contains('$')
    };
    let is_refused = |home: &Home| {
        let files: Vec<SourceId> = [home.base].iter().chain(&home.merged).copied().collect();
        !target.others.accept(&files)
    };
    if homes.iter().any(is_merged) || ids.any(is_hidden) || homes.iter().any(is_refused) {
        return None;
    }
    let command = |home: &Home| {
        format!(
            "{} -i {}",
            start(target, &home.merged),
            quoted(sources.path(home.base))
        )
    };
    Some(homes.iter().map(command).collect())
}

/// Where the servers are that the edited file does not name; none where one file is not enough for one of them.
fn homes(target: &Target<'_>) -> Option<Vec<Home>> {
    let deployment = target.deployment;
    let mut homes: Vec<Home> = Vec::new();
    for (index, variables) in target.wanted {
        let service = &deployment.project.services[*index];
        let is_wrong = variables
            .iter()
            .any(|one| !one.is_right(variable(deployment, *index, &one.name)));
        let is_here = service
            .parts
            .iter()
            .any(|part| part.source == target.source);
        if is_here || !is_wrong {
            continue;
        }
        let mut files = own_parts(target, service).map(|part| part.source);
        let base = files.next()?;
        let mut merged: Vec<SourceId> = files.filter(|file| *file != base).collect();
        merged.dedup();
        // Such a line would win over what comes into the file below it.
        let is_beaten = |name: &str| {
            let found = variable(deployment, *index, name);
            found.is_some_and(|found| merged.contains(&found.span.source))
        };
        if variables.iter().any(|one| is_beaten(&one.name)) {
            return None;
        }
        match homes.iter_mut().find(|home| home.base == base) {
            Some(home) if home.merged.len() >= merged.len() => {}
            Some(home) => home.merged = merged,
            None => homes.push(Home { base, merged }),
        }
    }
    Some(homes)
}

/// The run that leaves all files as they are.
fn override_command(target: &Target<'_>) -> String {
    let project = &target.deployment.project;
    let (sources, merged) = (&target.deployment.sources, &project.files[1..]);
    format!(
        "{}{} --override -o {OVERRIDE_FILE} {}",
        start(target, merged),
        target.others.port_options,
        quoted(sources.path(target.source))
    )
}

fn start(target: &Target<'_>, merged: &[SourceId]) -> String {
    let mut command = "clearml-inject -k KEYS".to_owned();
    for file in merged {
        let path = target.deployment.sources.path(*file);
        command.push_str(&format!(" --merge {}", quoted(path)));
    }
    command.push_str(&options(target.others.env_files.iter()));
    command
}
