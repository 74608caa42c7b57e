//! `--shard I/N`: which deployments and servers this run checks, and how many it leaves to the others.
//!
//! What decides is a digest of a name: of the path as it is given, or of the normal form of an address. So every machine
//! comes to the same, in whatever order it is given the targets, and nobody has to tell another what is done.

use std::collections::HashMap;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::address::normalized;
use crate::cli;

/// The part of a run in all that there is to check.
#[derive(Default)]
pub(crate) struct Share {
    /// None where there is one run, which checks everything.
    shard: Option<cli::Shard>,
    /// Each name, and whether it is of this shard.
    known: HashMap<[u8; 32], bool>,
}

impl Share {
    pub(crate) fn of(shard: Option<cli::Shard>) -> Self {
        Self {
            shard,
            known: HashMap::new(),
        }
    }

    /// Whether this run is one of several.
    pub(crate) fn is_part(&self) -> bool {
        self.shard.is_some()
    }

    /// Whether a file or folder is of this shard.
    pub(crate) fn has_file(&self, path: &Path) -> bool {
        self.has(&digest(&of_file(path)))
    }

    /// The same, and counts it, once however often it is asked about.
    pub(crate) fn takes_file(&mut self, path: &Path) -> bool {
        self.takes(&of_file(path))
    }

    /// Whether one of several deployments in a file is of this shard.
    pub(crate) fn takes_one_in(&mut self, path: &Path, name: &str) -> bool {
        self.takes(&[&of_file(path)[..], b"\0", name.as_bytes()].concat())
    }

    /// Whether a running server is.
    pub(crate) fn takes_server(&mut self, url: &str) -> bool {
        self.takes(normalized(url).as_bytes())
    }

    fn takes(&mut self, name: &[u8]) -> bool {
        let digest = digest(name);
        let is_ours = self.has(&digest);
        if self.is_part() {
            self.known.insert(digest, is_ours);
        }
        is_ours
    }

    fn has(&self, digest: &[u8; 32]) -> bool {
        let mut shards = self.shard.into_iter();
        shards.all(|shard| place(digest, shard.count) == shard.index)
    }

    /// What a person should know: how much is left to the other shards.
    pub(crate) fn remark(&self) -> Option<String> {
        let cli::Shard { index, count } = self.shard?;
        let (all, ours) = (self.known.len(), self.known.values());
        let all = match all {
            1 => "1 file or server".to_owned(),
            more => format!("{more} files and servers"),
        };
        Some(match ours.filter(|is_ours| **is_ours).count() {
            0 => format!("shard {index}/{count} has none of the {all}, so nothing was checked"),
            ours => format!(
                "shard {index}/{count} checks {ours} of {all}; the other shards check the rest"
            ),
        })
    }
}

fn digest(name: &[u8]) -> [u8; 32] {
    Sha256::digest(name).into()
}

/// The shard of a digest.
fn place(digest: &[u8; 32], count: u32) -> u32 {
    // A remainder of 128 bits favors no shard that anybody could notice.
    let mut number = [0; 16];
    number.copy_from_slice(&digest[..16]);
    let place = u128::from_be_bytes(number) % u128::from(count);
    u32::try_from(place).unwrap_or_default()
}

/// A path without what makes no difference: `./` and doubled slashes.
fn of_file(path: &Path) -> Vec<u8> {
    let parts = path.components();
    let plain: PathBuf = parts.filter(|part| *part != Component::CurDir).collect();
    plain.into_os_string().into_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(index: u32, count: u32) -> Share {
        Share::of(Some(cli::Shard { index, count }))
    }

    #[test]
    fn shards_are_disjoint_complete_and_equally_large() {
        const SHARDS: u32 = 8;
        let names: Vec<String> = (0..20_000)
            .map(|number| format!("fleet/host-{number:05}/docker-compose.yml"))
            .collect();
        let mut sizes = Vec::new();
        let mut met = vec![0; names.len()];
        for index in 0..SHARDS {
            let mut share = of(index, SHARDS);
            let mut size = 0;
            for (name, met) in names.iter().zip(&mut met) {
                if share.takes_file(Path::new(name)) {
                    *met += 1;
                    size += 1;
                }
            }
            sizes.push(size);
        }
        assert!(met.iter().all(|times| *times == 1));
        let mean = 20_000 / 8;
        let within = mean * 9 / 10..=mean * 11 / 10;
        assert!(sizes.iter().all(|size| within.contains(size)), "{sizes:?}");
    }

    #[test]
    fn the_digest_is_that_of_every_machine_and_release() {
        // The first 16 bytes of `printf NAME | sha256sum`, modulo 1000.
        for (name, expected) in [
            ("a/docker-compose.yml", A),
            ("./a//docker-compose.yml", A),
            ("/a/docker-compose.yml", ROOTED),
        ] {
            let ours: Vec<u32> = (0..1000)
                .filter(|index| of(*index, 1000).has_file(Path::new(name)))
                .collect();
            assert_eq!(ours, [expected], "{name}");
        }
    }

    const A: u32 = 958;
    const ROOTED: u32 = 656;

    #[test]
    fn every_spelling_of_an_address_is_of_one_shard() {
        for index in 0..7 {
            let mut share = of(index, 7);
            let ours = share.takes_server("https://clearml.example.com");
            assert_eq!(share.takes_server("https://CLEARML.example.com:443/"), ours);
        }
    }

    #[test]
    fn what_is_left_to_others_is_said() {
        let mut share = of(0, 1);
        share.takes_file(Path::new("a"));
        share.takes_file(Path::new("./a"));
        share.takes_server("http://a");
        let all = "shard 0/1 checks 2 of 2 files and servers; the other shards check the rest";
        assert_eq!(share.remark().as_deref(), Some(all));
        let none = "shard 1/2 has none of the 0 files and servers, so nothing was checked";
        assert_eq!(of(1, 2).remark().as_deref(), Some(none));
        assert_eq!(Share::default().remark(), None);
    }
}
