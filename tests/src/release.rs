//! A release on this machine, as `file://`: the archive of the programs that the tests run, and its sum beside it.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::program::{other, program};

/// A release of the version that the programs have.
pub struct Release {
    folder: TempDir,
}

/// The version of the programs.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

impl Release {
    /// Packs it. The sums also name a file that is not in the release.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = format!("clearml-secure-{VERSION}-x86_64-linux");
        let programs = folder.path().join(&name).join("bin");
        fs::create_dir_all(&programs).unwrap();
        // Completions have the names of the programs.
        let completions = folder
            .path()
            .join(&name)
            .join("share/bash-completion/completions");
        fs::create_dir_all(&completions).unwrap();
        fs::write(completions.join("clearml-verify"), "").unwrap();
        for one in ["keygen", "inject", "verify"] {
            // A script in its place, which writes down what it is given and starts the program.
            let path = programs.join(format!("clearml-{one}"));
            let script = format!(
                "#!/bin/sh\n{{ printf '%s\\n' \"$@\"; env; }} >>'{}'\nexec '{}' \"$@\"\n",
                folder.path().join("given").display(),
                program(one).display()
            );
            fs::write(&path, script).unwrap();
            run(
                Path::new("chmod"),
                &["755", &path.display().to_string()],
                folder.path(),
            );
        }
        let tag = folder.path().join(format!("v{VERSION}"));
        fs::create_dir(&tag).unwrap();
        let archive = format!("v{VERSION}/{name}.tar.gz");
        run(Path::new("tar"), &["-czf", &archive, &name], folder.path());
        let sums = run(Path::new("sha256sum"), &[&format!("{name}.tar.gz")], &tag);
        let other = format!("{}  clearml-secure_{VERSION}_amd64.deb\n", "0".repeat(64));
        fs::write(tag.join("SHA256SUMS"), other + &sums).unwrap();
        Self { folder }
    }

    /// Where releases are, for a program that fetches one.
    pub fn url(&self) -> String {
        format!("file://{}", self.folder.path().display())
    }

    /// The folder that is packed in the archive.
    pub fn unpacked(&self) -> PathBuf {
        self.folder
            .path()
            .join(format!("clearml-secure-{VERSION}-x86_64-linux"))
    }

    /// The arguments and the environment that its programs were given.
    pub fn given(&self) -> String {
        fs::read_to_string(self.folder.path().join("given")).unwrap_or_default()
    }

    /// The sum of the archive.
    pub fn sum(&self) -> String {
        let sums = fs::read_to_string(self.file("SHA256SUMS")).unwrap();
        let line = sums.lines().nth(1).unwrap();
        line.split(' ').next().unwrap().to_owned()
    }

    /// Somebody changes the archive.
    pub fn spoil(&self) {
        let archive = self.file(&format!("clearml-secure-{VERSION}-x86_64-linux.tar.gz"));
        let mut bytes = fs::read(&archive).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(archive, bytes).unwrap();
    }

    /// Its sums no longer name the archive.
    pub fn forget(&self) {
        let path = self.file("SHA256SUMS");
        let sums = fs::read_to_string(&path).unwrap();
        fs::write(path, format!("{}\n", sums.lines().next().unwrap())).unwrap();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("v{VERSION}")).join(name)
    }
}

impl Default for Release {
    fn default() -> Self {
        Self::new()
    }
}

fn run(program: &Path, arguments: &[&str], within: &Path) -> String {
    other(program)
        .args(arguments)
        .within(within)
        .done()
        .exit(0)
        .stdout
}
