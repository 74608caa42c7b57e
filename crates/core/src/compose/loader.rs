//! The one door to files: whatever compose would open is opened here, once, and a text that is given by hand (an
//! edited one, or standard input) takes the place of what is on the disk. Nor is the disk asked twice what there is at a path.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::io::{read_text, real};
use crate::source::{SharedText, SourceId, Sources};

/// Opens files, each once.
#[derive(Clone, Default)]
pub struct Loader {
    /// By the path that was asked for.
    asked: HashMap<PathBuf, SourceId>,
    /// By the file that a path leads to.
    real: HashMap<PathBuf, SourceId>,
    /// What there is at paths of the host.
    kinds: HashMap<PathBuf, Kind>,
}

/// What there is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Folder,
    /// Nothing, or what cannot be seen.
    Nothing,
    /// A file, or something that may become one.
    Other,
}

impl Loader {
    /// Puts a text in the place of a file, which need not be there.
    pub fn give(
        &mut self,
        sources: &mut Sources,
        path: &Path,
        text: impl Into<SharedText>,
    ) -> SourceId {
        let source = sources.add(path, text);
        let file = real(path);
        // Standard input is called by what might be a file's name.
        if path != Path::new("-") && path.is_file() {
            sources.set_file(source, file.clone());
        }
        self.asked.insert(path.to_owned(), source);
        self.real.insert(file, source);
        source
    }

    /// The text of a file.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn open(&mut self, sources: &mut Sources, path: &Path) -> Result<SourceId, Error> {
        if let Some(source) = self.asked.get(path) {
            return Ok(*source);
        }
        let file = real(path);
        let source = match self.real.get(&file) {
            Some(source) => *source,
            None => {
                let text = read_text(path)?;
                let source = sources.add(path, text);
                sources.set_file(source, file.clone());
                self.real.insert(file, source);
                source
            }
        };
        self.asked.insert(path.to_owned(), source);
        Ok(source)
    }

    /// The same of a file. Where a value of an env file is in its path, messages call it what is written, unless it is named
    /// elsewhere.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn open_written(
        &mut self,
        sources: &mut Sources,
        path: &Path,
        written: Option<&str>,
    ) -> Result<SourceId, Error> {
        let before = sources.ids().count();
        let source = self.open(sources, path)?;
        if let Some(written) = written.filter(|_| sources.ids().count() > before) {
            sources.call(source, written);
        }
        Ok(source)
    }

    /// What there is at a path of the host.
    pub fn kind(&mut self, path: &Path) -> Kind {
        if let Some(kind) = self.kinds.get(path) {
            return *kind;
        }
        let kind = match path.metadata() {
            Ok(metadata) if metadata.is_dir() => Kind::Folder,
            Ok(_) => Kind::Other,
            Err(_) => Kind::Nothing,
        };
        self.kinds.insert(path.to_owned(), kind);
        kind
    }

    /// Whether there is a file, or a text in its place.
    pub fn is_file(&self, path: &Path) -> bool {
        self.asked.contains_key(path) || self.real.contains_key(&real(path)) || path.is_file()
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;

    #[test]
    fn a_given_text_is_found_by_every_path_to_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yml");
        std::fs::write(&path, "old").unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        let mut sources = Sources::new();
        let mut loader = Loader::default();
        let given = loader.give(&mut sources, &path, Zeroizing::new("new".to_owned()));
        let roundabout = folder.path().join("sub/../a.yml");
        let opened = loader.open(&mut sources, &roundabout).unwrap();
        assert_eq!(opened, given);
        assert_eq!(sources.text(opened), "new");
        assert_eq!(sources.file(opened), Some(&*real(&path)));
        let input = loader.give(&mut sources, Path::new("-"), Zeroizing::default());
        assert_eq!(sources.file(input), None);
        let missing = folder.path().join("b.yml");
        assert!(!loader.is_file(&missing));
        assert_eq!(loader.kind(&missing), Kind::Nothing);
        assert_eq!(loader.kind(&folder.path().join("sub")), Kind::Folder);
        assert_eq!(loader.kind(&path), Kind::Other);
        loader.give(&mut sources, &missing, Zeroizing::new(String::new()));
        assert!(loader.is_file(&folder.path().join("sub/../b.yml")));
    }
}
