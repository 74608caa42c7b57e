//! What a container mounts, as far as it says where a configuration file comes from.

mod volumes_from;

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use zeroize::Zeroizing;

use super::attribute::{counting, is_on};
use super::{Document, Part, Project, Scope, interpolate, mount};
use crate::container::{FileText, HostPath, Mount, MountSource};
use crate::container_path;
use crate::knowable::Knowable;
use crate::source::{HIDDEN, names_only};
use crate::yaml::Node;

pub(super) use self::volumes_from::inherit;

/// The mounts of a service; a later one at the same target replaces an earlier one.
fn of_service(project: &Project, parts: &[Part]) -> Vec<Mount> {
    let mut volumes: Vec<Mount> = Vec::new();
    let mut targets = HashSet::new();
    for volume in short_and_long(project, parts) {
        put(&mut volumes, &mut targets, volume);
    }
    for section in ["tmpfs", "configs", "secrets"] {
        for (part, field) in counting(parts, section) {
            let scope = project.documents[part.document].scope;
            // `tmpfs` may be a single text.
            let is_one = section == "tmpfs" && field.value.items().is_none();
            let one = is_one.then_some(field.value);
            for item in field.value.seen_items().chain(one) {
                let reader = Reader { project, part };
                let (source, target) = match section {
                    "tmpfs" => reader.tmpfs(item),
                    _ => reader.file(section, item),
                };
                put(
                    &mut volumes,
                    &mut targets,
                    Mount {
                        source,
                        target,
                        span: item.span(part.source),
                        is_interpolated: project.holds_a_value(scope, item),
                    },
                );
            }
        }
    }
    if let Some((part, node)) = super::attribute::attribute(parts, "use_api_socket")
        && project.text_of(part, node).is_some_and(|text| is_on(&text))
    {
        // Compose gives the container the engine's own socket.
        volumes.push(Mount {
            source: Knowable::Known(MountSource::Bind(HostPath::new(SOCKET, SOCKET))),
            target: Knowable::Known(SOCKET.to_owned()),
            span: node.span(part.source),
            is_interpolated: false,
        });
    }
    volumes
}

/// What `volumes` says. One at a target that is written as that of an earlier one takes its place: what is in between wins over
/// both where its target is the same one, written in another way.
fn short_and_long(project: &Project, parts: &[Part]) -> Vec<Mount> {
    let mut mounts: Vec<Mount> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (part, field) in counting(parts, "volumes") {
        let scope = project.documents[part.document].scope;
        let reader = Reader { project, part };
        for item in field.value.seen_items() {
            let (source, target) = reader.volume(item);
            let mount = Mount {
                source,
                target,
                span: item.span(part.source),
                is_interpolated: project.holds_a_value(scope, item),
            };
            let written = reader.written_target(item);
            let earlier = written.as_ref().and_then(|written| places.get(written));
            match earlier {
                Some(at) => mounts[*at] = mount,
                None => {
                    places.extend(written.map(|written| (written, mounts.len())));
                    mounts.push(mount);
                }
            }
        }
    }
    mounts
}

const SOCKET: &str = "/var/run/docker.sock";

/// Adds a mount. Those at its target are looked for only if there may be one.
fn put(volumes: &mut Vec<Mount>, targets: &mut HashSet<String>, volume: Mount) {
    if let Some(target) = volume.target.known()
        && !targets.insert(target.clone())
    {
        volumes.retain(|known| known.target != volume.target);
    }
    volumes.push(volume);
}

/// Reads the mounts that one part has.
struct Reader<'a> {
    project: &'a Project,
    part: &'a Part,
}

/// What is mounted and where.
type Found = (Knowable<MountSource>, Knowable<String>);

const DRIVE: &str =
    "compose takes the one letter before its colon for a drive; give the volume a longer name";
/// Why a text is not known that compose refuses, such as one with `${NAME:?}`.
pub(super) const REFUSED: &str = "compose refuses it as long as a variable in it has no value";
/// Why a text is not known of which the shell may have a part. Without that, it is empty there.
pub const NO_VALUE: &str = "a variable in its path has no value in these files";

impl Reader<'_> {
    fn document(&self) -> &Document {
        &self.project.documents[self.part.document]
    }

    /// A text with its variables replaced; unknown where one of them has no value here, and the shell may have it.
    fn text(&self, node: &Node) -> Knowable<String> {
        told(self.project, self.document(), node)
    }

    /// `/run` or `/run:size=64m`.
    fn tmpfs(&self, item: &Node) -> Found {
        let text = self.text(item);
        let target = text.and_then(|text| target(text.split(':').next().unwrap_or(&text)));
        (Knowable::Known(MountSource::Empty), target)
    }

    /// The target of an item of `volumes`, not cleaned.
    fn written_target(&self, item: &Node) -> Option<String> {
        if item.entries().is_some() {
            return self.text(item.get("target")?.value).into_known();
        }
        let text = self.text(item).into_known()?;
        mount::split(&text).map(|(_, target)| target.to_owned())
    }

    fn volume(&self, item: &Node) -> Found {
        if item.entries().is_some() {
            return self.long(item);
        }
        let Knowable::Known(text) = self.text(item) else {
            return self.untold(item);
        };
        // What is no mount is said with the schema.
        let (source, path) = mount::split(&text).unwrap_or(("", &text));
        let target = match path.as_bytes() {
            // Compose takes a volume's name of one letter for a drive, which no container of Linux has.
            [_, b':', ..] => Knowable::unknown(DRIVE),
            _ => target(path),
        };
        match source {
            "" => (Knowable::Known(MountSource::Anonymous), target),
            source => (self.classified(source), target),
        }
    }

    /// A short form of which a variable has no value: the target may be told all the same.
    fn untold(&self, item: &Node) -> Found {
        let written = item.text().unwrap_or_default();
        // What follows the last variable: the rest of the path, and the target.
        let rest = written
            .rsplit_once('}')
            .and_then(|(_, rest)| rest.split_once(':'));
        let rest = rest.map(|(_, rest)| rest);
        let rest = rest.filter(|rest| rest.starts_with('/') && !rest.contains('$'));
        let target = rest.map_or(Knowable::unknown(NO_VALUE), |rest| {
            target(rest.split(':').next().unwrap_or(rest))
        });
        (Knowable::unknown(NO_VALUE), target)
    }

    fn long(&self, item: &Node) -> Found {
        let field = |key: &str| item.get(key).filter(|field| !field.value.is_null());
        let text = |key: &str| field(key).map(|field| self.text(field.value));
        let target = text("target").map_or(Knowable::unknown(NO_VALUE), |text| {
            text.and_then(|text| target(&text))
        });
        let kind = text("type").and_then(Knowable::into_known);
        let source = match (kind.as_deref(), text("source")) {
            (_, Some(Knowable::Unknown(reason))) => Knowable::Unknown(reason),
            (Some("bind"), Some(Knowable::Known(source))) => self.bind(&source),
            (Some("volume"), Some(Knowable::Known(source))) => self.named(&source),
            (None, Some(Knowable::Known(source))) => self.classified(&source),
            (Some("tmpfs"), _) => Knowable::Known(MountSource::Empty),
            (Some("volume") | None, None) => Knowable::Known(MountSource::Anonymous),
            _ => Knowable::unknown("a mount of this type cannot be looked into from here"),
        };
        let below = item
            .get("volume")
            .and_then(|field| field.value.get("subpath"));
        match below.map(|field| self.text(field.value)) {
            None => (source, target),
            Some(below) => (source.and_then(|source| within(source, below)), target),
        }
    }

    fn classified(&self, source: &str) -> Knowable<MountSource> {
        match mount::is_path(source) {
            true => self.bind(source),
            false => self.named(source),
        }
    }

    fn bind(&self, written: &str) -> Knowable<MountSource> {
        bind(self.document(), written)
    }

    /// A named volume can be a folder of the host all the same.
    fn named(&self, name: &str) -> Knowable<MountSource> {
        let field = |path: &[&str]| self.top_level("volumes", name, path);
        let option = |key: &str| field(&["driver_opts", key]);
        match field(&["driver"]) {
            None => {}
            Some((_, Knowable::Known(driver))) if driver == "local" => {}
            Some((_, Knowable::Known(_))) => {
                return Knowable::Known(MountSource::Named(name.to_owned()));
            }
            Some((_, Knowable::Unknown(reason))) => return Knowable::Unknown(reason),
        }
        let is_bind = match option("o") {
            None => false,
            Some((_, Knowable::Known(options))) => options
                .split(',')
                .any(|one| one == "bind" || one == "rbind"),
            Some((_, Knowable::Unknown(reason))) => return Knowable::Unknown(reason),
        };
        match option("device").filter(|_| is_bind) {
            Some((document, device)) => {
                device.and_then(|device| self.bind_at_top(("volumes", name), document, &device))
            }
            None => Knowable::Known(MountSource::Named(name.to_owned())),
        }
    }

    /// An item of `configs` or `secrets`.
    fn file(&self, section: &str, item: &Node) -> Found {
        let field = |key: &str| item.get(key).map(|field| self.text(field.value));
        let name = match item.entries() {
            Some(_) => field("source").unwrap_or(Knowable::unknown(NO_VALUE)),
            None => self.text(item),
        };
        let path = field("target").unwrap_or_else(|| name.clone());
        let target = path.and_then(|path| {
            target(&match section {
                _ if path.starts_with('/') => path,
                "secrets" => format!("/run/secrets/{path}"),
                _ => format!("/{path}"),
            })
        });
        (name.and_then(|name| self.content(section, &name)), target)
    }

    /// What a top-level config or secret holds.
    fn content(&self, section: &str, name: &str) -> Knowable<MountSource> {
        let entry = |key: &str| self.top_level(section, name, &[key]);
        let known = |text: String| {
            Knowable::Known(MountSource::Text(FileText {
                within: None,
                name: format!("{section}.{name}"),
                text: Zeroizing::new(text),
            }))
        };
        if let Some((document, file)) = entry("file") {
            return file.and_then(|file| self.bind_at_top((section, name), document, &file));
        }
        if let Some((_, text)) = entry("content") {
            return text.and_then(known);
        }
        if let Some((document, variable)) = entry("environment") {
            // An included file has variables of its own.
            let value = |name: &str| self.project.variable(document.scope, name);
            return variable.and_then(|name| match value(&name) {
                Some(text) => known(text.to_owned()),
                None => Knowable::unknown("its variable has no value in these files"),
            });
        }
        Knowable::Known(MountSource::Named(name.to_owned()))
    }

    /// A path below a top-level entry. One with variables is shown as it is written.
    fn bind_at_top(
        &self,
        (section, name): (&str, &str),
        document: &Document,
        path: &str,
    ) -> Knowable<MountSource> {
        if is_of_home(path) {
            return Knowable::unknown(HOME);
        }
        let said = self.project.said(section, name, &[]);
        let mut said = said.into_iter();
        let entry = said.find_map(|(own, entry)| std::ptr::eq(own, document).then_some(entry));
        let mut host = HostPath::new(path, joined(&document.folder, path));
        let holds_a_value = |node: &Node| self.project.holds_a_value(document.scope, node);
        if let Some(entry) = entry.filter(|entry| holds_a_value(entry)) {
            let field = |node: &'_ Node, key| Some(node.get(key)?.value.text()?.to_owned());
            let options = entry.get("driver_opts").map(|options| options.value);
            let written = field(entry, "file")
                .or_else(|| options.and_then(|options| field(options, "device")));
            host.written = names_only(written.as_deref().unwrap_or(HIDDEN));
        }
        Knowable::Known(MountSource::Bind(host))
    }

    /// A text below a top-level entry, of the last document that has it, and which that is.
    fn top_level(
        &self,
        section: &str,
        name: &str,
        path: &[&str],
    ) -> Option<(&Document, Knowable<String>)> {
        let said = self.project.said(section, name, path);
        let (document, node) = *said.first()?;
        Some((document, told(self.project, document, node)))
    }
}

/// Why a path is not known that compose starts at a home folder. It does so for what it mounts, and for env files.
pub(super) const HOME: &str =
    "`~` is the home folder of who runs docker compose, and the files do not say which that is";

/// Whether compose puts a home folder before a path.
pub(super) fn is_of_home(written: &str) -> bool {
    written.starts_with('~')
}

fn bind(document: &Document, written: &str) -> Knowable<MountSource> {
    if is_of_home(written) {
        return Knowable::unknown(HOME);
    }
    Knowable::Known(MountSource::Bind(HostPath::new(
        written,
        joined(&document.folder, written),
    )))
}

/// A path as compose makes it of a folder and what is written: `..` takes away the folder before it, also where that is a link.
pub(super) fn joined(folder: &Path, written: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for component in folder.join(written).components() {
        let goes_up = component == Component::ParentDir;
        match path.components().next_back() {
            Some(Component::Normal(_)) if goes_up => drop(path.pop()),
            Some(Component::RootDir) if goes_up => {}
            _ => path.push(component),
        }
    }
    path
}

/// A folder within what is mounted.
fn within(source: MountSource, below: Knowable<String>) -> Knowable<MountSource> {
    below.and_then(|below| {
        Knowable::Known(match source {
            MountSource::Bind(host) => MountSource::Bind(HostPath {
                path: host.path.join(&below),
                written: format!("{}/{below}", host.written),
                ..host
            }),
            other => other,
        })
    })
}

/// A text with its variables replaced; unknown where one of them has no value here.
pub(super) fn told(project: &Project, document: &Document, node: &Node) -> Knowable<String> {
    match node.text() {
        Some(text) => told_text(project, document.scope, text),
        None => Knowable::unknown(NO_VALUE),
    }
}

/// The same of a text in a document of this scope.
pub(super) fn told_text(project: &Project, scope: Scope, text: &str) -> Knowable<String> {
    told_or(NO_VALUE, project, scope, text)
}

/// The same with what is said of a text that is no path, where a variable in it has no value here.
pub(super) fn told_or(
    no_value: &'static str,
    project: &Project,
    scope: Scope,
    text: &str,
) -> Knowable<String> {
    let lookup = |name: &str| project.variable(scope, name).map(str::to_owned);
    let is_told = |used: &interpolate::Variable| used.outcome != interpolate::Outcome::Unset;
    match interpolate::interpolate(text, &lookup) {
        Ok(done) if done.variables.iter().all(is_told) => Knowable::Known(done.text.to_string()),
        Ok(_) => Knowable::unknown(no_value),
        Err(_) => Knowable::unknown(REFUSED),
    }
}

pub(super) fn target(path: &str) -> Knowable<String> {
    cleaned(path).map_or(Knowable::unknown(NO_VALUE), Knowable::Known)
}

/// A path of a container as compose cleans it: without `.`, `..` and double slashes. None for an empty one.
pub(crate) fn cleaned(path: &str) -> Option<String> {
    (!path.is_empty()).then(|| container_path::cleaned(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_host_are_cleaned() {
        for (folder, written, path) in [
            ("one/two", "../c", "one/c"),
            ("sub", "./c/", "sub/c"),
            ("", "./c", "./c"),
            ("", "../c", "../c"),
            ("../a", "../../c", "../../c"),
            ("/a", "../../c", "/c"),
            ("a", "/c", "/c"),
        ] {
            assert_eq!(joined(Path::new(folder), written), Path::new(path));
        }
    }

    #[test]
    fn paths_of_a_container_are_cleaned() {
        for (written, clean) in [
            ("/opt/clearml/config/", "/opt/clearml/config"),
            ("/opt//x/../clearml/./config", "/opt/clearml/config"),
            ("/../a", "/a"),
            ("/", "/"),
        ] {
            assert_eq!(cleaned(written).as_deref(), Some(clean), "{written}");
        }
        assert_eq!(cleaned(""), None);
    }
}
