//! `develop.watch`: what `docker compose watch` copies into a container that runs.

use super::attribute::counting;
use super::{Part, Project, volume};
use crate::container::{HostPath, Mount, MountSource};
use crate::knowable::Knowable;
use crate::yaml::Node;

/// What is copied into a service's containers, and where to.
pub(super) fn of_service(project: &Project, parts: &[Part]) -> Vec<Mount> {
    let mut synced = Vec::new();
    for (part, field) in counting(parts, "develop") {
        let watched = field.value.get("watch");
        let items = watched
            .iter()
            .flat_map(|watched| watched.value.seen_items());
        synced.extend(items.filter_map(|item| of_item(project, part, item)));
    }
    synced
}

fn of_item(project: &Project, part: &Part, item: &Node) -> Option<Mount> {
    let document = &project.documents[part.document];
    let told = |key: &str| Some(volume::told(project, document, item.get(key)?.value));
    let is_sync = match told("action")? {
        Knowable::Known(action) => action.starts_with("sync"),
        Knowable::Unknown(_) => true,
    };
    let target = told("target").filter(|_| is_sync)?;
    let host = |path: String| {
        let whole = volume::joined(&document.folder, &path);
        MountSource::Bind(HostPath::new(path, whole))
    };
    Some(Mount {
        source: told("path")?.map(host),
        target: target.and_then(|path| volume::target(&format!("/{path}"))),
        span: item.span(part.source),
        is_interpolated: false,
    })
}
