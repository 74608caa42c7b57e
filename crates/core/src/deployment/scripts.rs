//! The scripts that a command starts: what is in them is told by the command.

use std::fs;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::compose::service::plain_words;
use crate::container::{Container, MountSource};
use crate::container_path::{cleaned, relative};
use crate::io::read_text;
use crate::knowable::Knowable;

/// No larger file is read for it.
const LARGEST: u64 = 64 << 10;

/// A container with the words of its scripts behind those of its command.
pub(super) fn with_scripts(container: &Arc<Container>) -> Arc<Container> {
    let paths = container.words.iter().filter(|word| word.starts_with('/'));
    let scripts = paths.filter_map(|path| text(container, &cleaned(path)));
    let words: Vec<String> = scripts.flat_map(|text| words(&text)).collect();
    if words.is_empty() {
        return Arc::clone(container);
    }
    let mut with_words = Container::clone(container);
    with_words.words.extend(words);
    Arc::new(with_words)
}

/// Those of its lines that are no comments.
fn words(script: &str) -> Vec<String> {
    let lines = script.lines().map(str::trim);
    let lines = lines.filter(|line| !line.starts_with('#'));
    lines.flat_map(plain_words).collect()
}

/// The text of a script at a path of a container, where it is on this machine. A mount hides what is copied.
pub(super) fn text(container: &Container, path: &str) -> Option<Zeroizing<String>> {
    let mut mounts = container.mounts.iter().chain(&container.copies);
    let text = mounts.find_map(|mount| {
        let rest = relative(path, mount.target.known()?)?;
        match mount.source.known()? {
            MountSource::Bind(host) => {
                let path = match rest {
                    "" => host.path.clone(),
                    rest => host.path.join(rest),
                };
                let is_small = fs::metadata(&path).is_ok_and(|file| file.len() <= LARGEST);
                let is_there = is_small && host.has(&path) == Knowable::Known(true);
                is_there.then(|| read_text(&path).ok())?
            }
            MountSource::Text(file) => rest.is_empty().then(|| file.text.clone()),
            MountSource::Folder(folder) => {
                let mut files = folder.files.iter();
                Some(files.find(|(name, _)| name == rest)?.1.text.clone())
            }
            _ => None,
        }
    })?;
    text.starts_with("#!").then_some(text)
}
