//! What messages call a file of a mount whose path is written with variables, which may be values of an env file.

use std::path::Path;
use std::sync::Arc;

use crate::container::{Container, Mount, MountSource};
use crate::source::{HIDDEN, Sources, names_only};
use crate::yaml;
use crate::yaml::lines::column;

/// What is written for a path of the host, where the mount that has it is written with variables: `${DIR}/secure.conf`.
pub(super) fn name(
    containers: &[Arc<Container>],
    sources: &Sources,
    path: &Path,
) -> Option<String> {
    let mut mounts = containers.iter().flat_map(|container| &container.mounts);
    mounts.find_map(|mount| {
        let MountSource::Bind(host) = mount.source.known()? else {
            return None;
        };
        // That of a volume's device or of a config's file.
        let is_told = host.written == HIDDEN || host.written.contains('$');
        let below = path.strip_prefix(&host.path).ok()?;
        (mount.is_interpolated || is_told).then(|| {
            let written = match mount.is_interpolated {
                true => &written(sources, mount),
                false => &host.written,
            };
            let below = below.to_string_lossy();
            let whole = format!("{}/{below}", written.trim_end_matches('/'));
            names_only(if below.is_empty() { written } else { &whole })
        })
    })
}

/// What stands before the first colon that is in no reference, or what an item of more than one line says in a field of its own.
fn written(sources: &Sources, mount: &Mount) -> String {
    let text = sources.slice(mount.span);
    if text.contains('\n') || text.starts_with('{') {
        // Its first line is indented as the others are.
        let blanks = " ".repeat(column(sources.text(mount.span.source), mount.span.start));
        let item = yaml::parse(Path::new(HIDDEN), &format!("{blanks}{text}"));
        let source = item
            .iter()
            .find_map(|item| item.get("source")?.value.text());
        return source.unwrap_or(HIDDEN).to_owned();
    }
    let text = text.trim_matches(['"', '\'']);
    let mut depth = 0_usize;
    let end = text.bytes().position(|byte| {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        byte == b':' && depth == 0
    });
    end.map_or(HIDDEN, |end| &text[..end]).to_owned()
}
