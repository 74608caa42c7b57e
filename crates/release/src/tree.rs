//! Files that go into an archive, and the archive: the same bytes for the same files, whatever the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};

/// Files by their paths, without a slash in front.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, Entry>,
}

/// Which folders an archive names.
#[derive(Clone, Copy)]
pub(crate) enum Folders<'f> {
    /// None: they are made for the files in them.
    None,
    /// Those of the files, and these, which are empty.
    AllAnd(&'f [&'f str]),
}

#[derive(Clone, Debug)]
struct Entry {
    mode: u32,
    bytes: Vec<u8>,
}

impl Tree {
    /// A file that is read.
    pub(crate) fn add(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.insert(path.into(), 0o644, bytes.into());
    }

    /// A file that is run.
    pub(crate) fn add_program(&mut self, path: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.insert(path.into(), 0o755, bytes.into());
    }

    fn insert(&mut self, path: String, mode: u32, bytes: Vec<u8>) {
        self.files.insert(path, Entry { mode, bytes });
    }

    /// The files and their bytes, in order.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let files = self.files.iter();
        files.map(|(path, entry)| (path.as_str(), entry.bytes.as_slice()))
    }

    /// An archive of all files below `root`, which is nothing or ends with a slash.
    pub(crate) fn tar(&self, root: &str, folders: Folders<'_>, seconds: u64) -> Vec<u8> {
        let mut archive = Builder::new(Vec::new());
        for folder in self.folders(root, folders) {
            append(&mut archive, &folder, 0o755, &[], seconds);
        }
        for (path, entry) in &self.files {
            let path = format!("{root}{path}");
            append(&mut archive, &path, entry.mode, &entry.bytes, seconds);
        }
        // A vector takes everything.
        archive.into_inner().unwrap_or_default()
    }

    /// The folders that are in an archive by themselves, the outer ones first. They end with a slash.
    fn folders(&self, root: &str, folders: Folders<'_>) -> BTreeSet<String> {
        let Folders::AllAnd(empty) = folders else {
            return BTreeSet::new();
        };
        let files = self.files.keys().map(String::as_str);
        let paths = files.chain(empty.iter().copied());
        let paths = paths.map(|path| format!("{root}{path}"));
        let folders = paths.flat_map(|path| {
            let ends = path.match_indices('/').map(|(at, _)| at + 1);
            ends.map(|end| path[..end].to_owned()).collect::<Vec<_>>()
        });
        folders.collect()
    }
}

fn append(archive: &mut Builder<Vec<u8>>, path: &str, mode: u32, bytes: &[u8], seconds: u64) {
    let mut header = Header::new_ustar();
    header.set_entry_type(match path.ends_with('/') {
        true => EntryType::Directory,
        false => EntryType::Regular,
    });
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(seconds);
    header.set_size(bytes.len() as u64);
    // What they are called here does not go with the numbers elsewhere; root is 0 everywhere.
    drop(
        header
            .set_username("root")
            .and(header.set_groupname("root")),
    );
    // `append_data` would take the leading `./` away, which dpkg and lintian expect.
    let name = &mut header.as_old_mut().name;
    assert!(path.len() <= name.len(), "{path}");
    name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_cksum();
    drop(archive.append(&header, bytes));
}

/// Compressed, with neither a name nor a time in it.
pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    drop(encoder.write_all(bytes));
    encoder.finish().unwrap_or_default()
}
