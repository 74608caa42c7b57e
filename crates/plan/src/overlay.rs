//! A document that docker compose merges over the file: nothing but what has to be said anew.
//!
//! Compose merges `environment` name by name, whatever form it has in the file, and adds `ports` up unless they carry
//! one of its tags. So no shape of the file is in the way here, and nobody else gets what stands in the document.

use clearml_secure_core::yaml::Typed;
use clearml_secure_core::yaml::scalar::resolve;
use zeroize::Zeroizing;

use crate::intended::{Intended, IntendedPort, variable};
use crate::ports::{self, NewPorts, Ports};
use crate::refusal::Refusal;
use crate::target::Target;
use crate::value;
use crate::wanted::Wanted;

/// The document, and what it is to do.
pub(crate) struct Overlay {
    pub(crate) text: Zeroizing<String>,
    pub(crate) intended: Vec<Intended>,
    pub(crate) ports: Vec<IntendedPort>,
}

/// Works out the document.
pub(crate) fn plan(target: &Target<'_>, ports: Ports) -> Result<Overlay, Refusal> {
    let mut lines: Vec<String> = Vec::new();
    let (mut intended, mut intended_ports) = (Vec::new(), Vec::new());
    for (index, service) in target.deployment.project.services.iter().enumerate() {
        let of_service = target.wanted.get(&index).map(Vec::as_slice);
        let mut missing: Vec<&Wanted> = Vec::new();
        for one in of_service.unwrap_or_default() {
            let found = variable(service, &one.name);
            if !one.is_right(found) {
                missing.push(one);
            }
            intended.push(Intended::of(one, service, found.map(|_| false)));
        }
        let new_ports = ports::anew(target, index, ports)?;
        if missing.is_empty() && new_ports.is_none() {
            continue;
        }
        let mut line = |text: String| lines.push(text);
        line(format!("  {}:", key(&service.name)));
        if !missing.is_empty() {
            line("    environment:".to_owned());
        }
        for one in missing {
            line(format!("      {}: {}", one.name, value::scalar(one)));
        }
        match new_ports {
            None => {}
            Some(NewPorts::None) => {
                line("    ports: !reset []".to_owned());
                intended_ports.push(IntendedPort::none(service));
            }
            Some(NewPorts::These(these)) => {
                line("    ports: !override".to_owned());
                for one in &these {
                    line(format!("      - {}", one.written()));
                }
                intended_ports.extend(IntendedPort::these(service, these));
            }
        }
    }
    let services = if lines.is_empty() {
        "services: {}"
    } else {
        "services:"
    };
    lines.insert(0, version(target) + services);
    lines.push(String::new());
    Ok(Overlay {
        text: Zeroizing::new(lines.join("\n")),
        intended,
        ports: intended_ports,
    })
}

/// The version of the file's format: compose before 2 merges only files that name the same one, and later ones ignore it.
fn version(target: &Target<'_>) -> String {
    let root = &target.deployment.project.documents[0].root;
    let version = root.get("version").and_then(|field| field.value.text());
    let is_number = |text: &&str| text.chars().all(|c| c.is_ascii_digit() || c == '.');
    version
        .filter(is_number)
        .map_or_else(String::new, |text| format!("version: \"{text}\"\n"))
}

/// A service's name as a key: `8` and `on` would be no text without quotes, or not for every parser.
fn key(name: &str) -> String {
    let is_plain = name.len() > 3
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && resolve(name, true, None) == Typed::Text;
    if is_plain {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', "''"))
    }
}
