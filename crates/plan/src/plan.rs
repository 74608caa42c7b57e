//! From a deployment and a keyset to edits. Pure: no file is read or written here.
//!
//! First [`wanted`] decides which variable of which service gets which value. A value that stands in the file
//! is replaced where it stands, if everybody who gets it from there is meant to have the new one. All others
//! are added to the service's own `environment`, in whatever shape that is ([`container`]).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use clearml_secure_core::deployment::Composed;
use clearml_secure_core::edit::{Edit, Edits};
use clearml_secure_core::instance::Instance;
use clearml_secure_core::keyset::Keyset;
use clearml_secure_core::secret::Secret;
use clearml_secure_core::setting::{Server, Setting};
use clearml_secure_core::version::Version;
use clearml_secure_core::yaml::Node;
use clearml_secure_core::yaml::as_json::as_json;
use zeroize::Zeroizing;

use crate::extensions::Extensions;
use crate::intended::{Change, Intended, IntendedPort};
use crate::ports::Ports;
use crate::refusal::Refusal;
use crate::target::{Others, Target};
use crate::wanted::Values;
use crate::written::{Written, standing};
use crate::{container, merging, overlay, ports, wanted};

/// What is asked for beside the keyset.
#[derive(Clone, Copy, Default)]
pub struct Asked {
    /// What is to become of the ports.
    pub ports: Ports,
    /// The file stays as it is, and a document is merged over it.
    pub is_overlay: bool,
    /// A value may replace a reference to one of an env file.
    pub is_literal: bool,
    /// Values that protect nothing are meant.
    pub allows_weak: bool,
    /// Only ports are to change: the keyset is empty.
    pub is_of_ports: bool,
}

/// What to do to the file, and what to say about it.
pub struct Plan {
    /// Replacements of byte ranges, sorted, none overlapping another.
    pub edits: Vec<Edit>,
    /// The document that is merged over the file instead.
    pub overlay: Option<Zeroizing<String>>,
    /// Every variable that is to have a value, changed or not.
    pub intended: Vec<Intended>,
    /// Every place that is to say something else about ports.
    pub ports: Vec<IntendedPort>,
    /// The services whose ports change because those of a service that they extend do.
    pub inheriting_ports: Vec<String>,
    /// Every variable of the env file that the compose file takes a value from.
    pub taken: Vec<(String, Secret)>,
    /// Settings of the keyset that no server of the deployment reads.
    pub unused: Vec<Unused>,
}

/// A setting of the keyset that no server of the deployment reads.
pub struct Unused {
    /// The setting.
    pub setting: Setting,
    /// The API server's version, which does not know it; none where there is no API server.
    pub version: Option<Version>,
}

impl Plan {
    /// Whether all is as it was asked for.
    pub fn is_idle(&self) -> bool {
        self.edits.is_empty()
            && self.ports.is_empty()
            && self.intended.iter().all(|one| one.change == Change::Kept)
    }
}

/// Works out the edits of the deployment's first file, with the values in the last env file that is named.
///
/// # Errors
/// A shape that cannot be edited without changing what others get; the reason says what to do.
pub(crate) fn plan(
    deployment: &Composed,
    keyset: &Keyset,
    asked: Asked,
    others: Others<'_>,
) -> Result<Plan, Refusal> {
    let document = &deployment.project.documents[0];
    let extensions = Extensions::of(deployment);
    // What is merged over the file comes after `extends`, and reaches no inheritor.
    let reaches_inheritors = (!asked.is_overlay).then_some(&extensions);
    let values = match others.env_files {
        [_, ..] => Values::InEnvFile,
        [] if asked.is_literal || asked.is_overlay => Values::Literal,
        [] => Values::LiteralBesideReferences,
    };
    let (wanted, taken) = wanted::wanted(deployment, keyset, values, reaches_inheritors)?;
    let mut target = Target {
        deployment,
        source: document.source,
        text: deployment.sources.text(document.source),
        others,
        wanted: &wanted,
        extensions: &extensions,
        merging: merging::of(deployment, document.source),
        aliased: HashSet::new(),
        aliased_values: HashMap::new(),
        anchors: HashSet::new(),
        set_apart: Vec::new(),
        new_environments: HashSet::new(),
        list_aliases: Vec::new(),
        split_lists: Vec::new(),
        new_items: HashMap::new(),
        written_out: HashSet::new(),
        edited: HashSet::new(),
    };
    if asked.is_overlay {
        let overlay = overlay::plan(&target, asked.ports)?;
        return Ok(Plan {
            edits: Vec::new(),
            overlay: Some(overlay.text),
            intended: overlay.intended,
            ports: overlay.ports,
            inheriting_ports: Vec::new(),
            taken,
            unused: unused(deployment, keyset),
        });
    }
    let documents = deployment.project.documents.iter();
    let roots: Vec<&Arc<Node>> = documents
        .filter(|document| document.source == target.source)
        .map(|document| &document.root)
        .collect();
    for root in &roots {
        target.note_aliases(root);
    }
    let standing = standing(deployment, &wanted);
    let mut edits = Edits::default();
    // First, because a line that both add behind belongs to the ports before it.
    let (ports, inheriting_ports) = ports::plan(&target, asked.ports, &mut edits)?;
    let mut written = Written::of(&target, &roots, &standing);
    let mut intended = Vec::new();
    for (service, variables) in &wanted {
        let service = &deployment.project.services[*service];
        let additions =
            written.replace(&mut target, service, variables, &mut intended, &mut edits)?;
        if !additions.is_empty() {
            container::add(&mut target, service, &additions, &mut edits)?;
        }
    }
    container::keep_inheritors(&mut target, &mut edits)?;
    for start in &written.values {
        target.refuse_other_users(*start, &written.values)?;
    }
    Ok(Plan {
        edits: as_json(deployment.sources.text(deployment.first), edits.in_order()),
        overlay: None,
        intended,
        ports,
        inheriting_ports,
        taken,
        unused: unused(deployment, keyset),
    })
}

fn unused(deployment: &Composed, keyset: &Keyset) -> Vec<Unused> {
    let mut unused = Vec::new();
    for setting in clearml_secure_core::setting::SETTINGS {
        if keyset.get(setting).is_none()
            || deployment
                .instances
                .iter()
                .any(|instance| instance.reads(setting))
        {
            continue;
        }
        let apiserver = deployment.of(Server::Apiserver).next();
        let version = apiserver.and_then(Instance::known_version);
        unused.push(Unused { setting, version });
    }
    unused
}
