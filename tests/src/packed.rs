//! What is released, as files: packed by the test from programs that stand in, or a release that was made, which
//! `CLEARML_SECURE_DIST` names.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tempfile::TempDir;

use crate::docker::link_statically;

/// The version of everything here.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The programs; the script over them is released with them.
pub const PROGRAMS: [&str; 3] = ["clearml-keygen", "clearml-inject", "clearml-verify"];
/// The time of every file that a test packs: 2026-01-02, 03:04:05 UTC.
pub const SECONDS: u64 = 1_767_323_045;

/// A release in a folder.
pub struct Packed {
    pub folder: PathBuf,
    /// Whether the programs in it are ours and no stand-ins.
    pub is_real: bool,
    _made: Option<TempDir>,
}

impl Packed {
    /// The one that was made, or one of stand-ins, which tests that run at once share; none where none can be built.
    pub fn get() -> Result<Arc<Self>, String> {
        static SHARED: Mutex<Weak<Packed>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(released) = shared.upgrade() {
            return Ok(released);
        }
        let released = match env::var_os("CLEARML_SECURE_DIST") {
            Some(folder) => Self {
                folder: folder.into(),
                is_real: true,
                _made: None,
            },
            None => Self::of_standins()?,
        };
        let released = Arc::new(released);
        *shared = Arc::downgrade(&released);
        Ok(released)
    }

    fn of_standins() -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let programs = folder.path().join("programs");
        stand_in(&programs, VERSION)?;
        let out = folder.path().join("dist");
        let output = pack(&programs, &out, SECONDS, &[]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(Self {
            folder: out,
            is_real: false,
            _made: Some(folder),
        })
    }

    /// The file with this ending.
    pub fn file(&self, ending: &str) -> PathBuf {
        let entries = fs::read_dir(&self.folder).unwrap();
        let mut paths = entries.map(|entry| entry.unwrap().path());
        paths
            .find(|path| path.to_string_lossy().ends_with(ending))
            .unwrap_or_else(|| panic!("no {ending} in {}", self.folder.display()))
    }

    /// The archive, unpacked by tar into a folder as over /usr/local.
    pub fn unpacked(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let output = Command::new("tar")
            .arg("-C")
            .arg(folder.path())
            .args(["--strip-components=1", "-xzf"])
            .arg(self.file("-linux.tar.gz"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        folder
    }
}

/// Puts one small static program under the names of all three into a folder.
pub fn stand_in(folder: &Path, version: &str) -> Result<(), String> {
    fs::create_dir_all(folder).unwrap();
    let [first, others @ ..] = PROGRAMS;
    link_statically(
        "tests/container/tell.rs",
        &folder.join(first),
        &[("TOLD_VERSION", version)],
    )?;
    for name in others {
        fs::copy(folder.join(first), folder.join(name)).unwrap();
    }
    Ok(())
}

/// Packs the programs of a folder.
pub fn pack(programs: &Path, out: &Path, seconds: u64, more: &[&str]) -> Output {
    let folder = env::var_os("CLEARML_SECURE_BIN").map(PathBuf::from);
    // Without xtask: beside the folder `deps` that this test itself is in.
    let folder = folder.unwrap_or_else(|| {
        let test = env::current_exe().unwrap();
        test.ancestors().nth(2).unwrap().to_owned()
    });
    Command::new(folder.join("clearml-secure-release"))
        .arg("--programs")
        .arg(programs)
        .arg("--out")
        .arg(out)
        .args(more)
        .env("SOURCE_DATE_EPOCH", seconds.to_string())
        .output()
        .expect("clearml-secure-release is not built; `cargo xtask test` builds it first")
}
