//! Which version runs is decided at the next pull.
//!
//! **What**: a ClearML server's image has the tag `latest` or none.
//!
//! **Why**: the next pull may bring another version than the one that was checked, and a cached one may be old.
//! `clearml-verify` judges it as the newest version.
//!
//! bad: tests/fixtures/rules/floating-image/bad.yml
//!
//! good: tests/fixtures/rules/floating-image/good.yml
//!
//! **Fix**: write the tag of a release, such as `clearml/server:2.3.0`, and for the agent
//! `clearml/clearml-agent-services:1.3.4-92`.
//!
//! **References**: Docker, "Image tags".

use std::collections::HashSet;

use clearml_secure_core::setting::Server;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};
use crate::words::container;

/// Nothing is open because of it.
const SEVERITY: Severity = Severity::Note;

pub(crate) struct FloatingImage;

impl Rule for FloatingImage {
    fn id(&self) -> &'static str {
        "floating-image"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        let mut seen = HashSet::new();
        for instance in &case.deployment.instances {
            let service = case.deployment.service(instance);
            let Some(image) = service
                .known_image()
                .filter(|image| is_floating(&image.text))
            else {
                continue;
            };
            if !seen.insert(image.span) {
                continue;
            }
            findings.push(Draft::new(SEVERITY, format!(
                    "the next pull may bring another version: no release tag is on the image of {}",
                    container(service)
                ), help(instance.server))
.server(instance.server)
.at(image.span));
        }
    }
}

/// The agent's image is another one, with releases of its own.
fn help(server: Server) -> &'static str {
    match server {
        Server::AgentServices => {
            "pin a release, for example clearml/clearml-agent-services:1.3.4-92"
        }
        _ => "pin a release, for example clearml/server:2.3.0",
    }
}

fn is_floating(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or(image);
    !image.contains('@') && name.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}
