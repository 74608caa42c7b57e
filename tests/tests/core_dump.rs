//! A program that crashes leaves no keys behind: no core is written of it, and nobody else of the same user looks into it.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use e2e::files::stock;
use e2e::keyset::Keyset;
use e2e::oracle;
use e2e::program::program;
use tempfile::TempDir;

/// Somebody who is not root.
const NOBODY: u32 = 65534;

/// A run that waits for its input, as a shell starts it that allows cores.
struct Waiting(Child);

impl Waiting {
    /// Until it is past its start: a program of ours then reads its input.
    fn start(script: &str, program: &Path, arguments: &[&str], folder: &Path) -> Self {
        let child = Command::new("sh")
            .args(["-c", script, "sh"])
            .arg(program)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let waiting = Self(child);
        let until = Instant::now() + Duration::from_secs(60);
        let name = program.file_name().unwrap().to_string_lossy();
        loop {
            let is_it = waiting.proc("comm").trim() == &name[..name.len().min(15)];
            if is_it && waiting.proc("wchan").contains("pipe_read") {
                return waiting;
            }
            assert!(Instant::now() < until, "it reads no input");
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn proc(&self, name: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{name}", self.0.id())).unwrap_or_default()
    }

    /// To whom the kernel gives what it says of the process: root, where nobody may look into it.
    fn owner(&self) -> u32 {
        let path = format!("/proc/{}/environ", self.0.id());
        fs::metadata(path).unwrap().uid()
    }

    /// Ends it as an assertion of a library would, and says whether there was a core.
    fn crash(mut self) -> bool {
        let mut kill = Command::new("kill");
        let status = kill.args(["-ABRT", &self.0.id().to_string()]).status();
        assert!(status.unwrap().success());
        let status = self.0.wait().unwrap();
        assert!(status.signal().is_some(), "{status:?}");
        status.core_dumped()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What each program is asked, so that it reads standard input, with keys in it before.
const RUNS: [(&str, &[&str]); 3] = [
    ("keygen", &["--from", "-"]),
    ("inject", &["-k", "keys.json", "-"]),
    ("verify", &["--keys", "keys.json", "-"]),
];

/// A folder that anybody may read, with a keyset.
fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let open = |path: &Path| fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    open(folder.path());
    let keys = folder.path().join("keys.json");
    fs::write(&keys, &Keyset::generate().text).unwrap();
    open(&keys);
    fs::write(folder.path().join("docker-compose.yml"), stock()).unwrap();
    folder
}

#[test]
fn a_crash_leaves_no_core() {
    let folder = folder();
    let allowed = "ulimit -c unlimited && exec \"$@\"";
    let cat = oracle::on_path("cat").unwrap();
    if !Waiting::start(allowed, &cat, &[], folder.path()).crash() {
        return oracle::skip("cores: this machine writes none");
    }
    for (name, arguments) in RUNS {
        let waiting = Waiting::start(allowed, &program(name), arguments, folder.path());
        let limits = waiting.proc("limits");
        let limit = limits.lines().find(|line| line.starts_with("Max core"));
        let words: Vec<&str> = limit.unwrap().split_whitespace().collect();
        assert_eq!(words[4..6], ["0", "0"], "{name}: {limit:?}");
        assert!(!waiting.crash(), "{name}: there is a core");
    }
}

#[test]
fn nobody_else_of_the_same_user_looks_into_a_program() {
    let folder = folder();
    if fs::metadata(folder.path()).unwrap().uid() != 0 || oracle::on_path("setpriv").is_none() {
        return oracle::note_skipped("who looks into a program: it takes root and setpriv");
    }
    let as_nobody = "exec setpriv --reuid=65534 --regid=65534 --clear-groups \"$@\"";
    let cat = oracle::on_path("cat").unwrap();
    let waiting = Waiting::start(as_nobody, &cat, &[], folder.path());
    assert_eq!(waiting.owner(), NOBODY, "it says nothing here");
    for (name, arguments) in RUNS {
        let copy = copied(name, &folder);
        let waiting = Waiting::start(as_nobody, &copy, arguments, folder.path());
        assert_eq!(waiting.owner(), 0, "{name}");
    }
}

/// A program where another user may run it: the folders of a build may be closed. `cp` writes it, because a file that is open
/// here for writing is so in what another test starts meanwhile, and then it cannot be run.
fn copied(name: &str, folder: &TempDir) -> PathBuf {
    let copy = folder.path().join(format!("clearml-{name}"));
    let mut cp = Command::new("cp");
    let status = cp.arg(program(name)).arg(&copy).status();
    assert!(status.unwrap().success());
    copy
}

/// The shell's `<(…)` and `/dev/stdin` are links below `/proc/self`, which then belong to root.
#[test]
fn pipes_that_a_shell_names_are_read_all_the_same() {
    let folder = folder();
    let is_root = fs::metadata(folder.path()).unwrap().uid() == 0;
    let mut command = Command::new(if is_root { "setpriv" } else { "env" });
    if is_root {
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]);
    }
    let script = "\"$0\" -k <(cat keys.json) /dev/stdin < <(cat docker-compose.yml)";
    let mut child = command
        .args(["bash", "-c", script])
        .arg(copied("inject", &folder))
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut product = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut product)
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert!(
        product.contains("CLEARML__SECURE__"),
        "{} bytes",
        product.len()
    );
}
