//! The Debian package, installed by the real dpkg into a folder.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use e2e::oracle;
use e2e::packed::Packed;
use tempfile::TempDir;

const SETTINGS: &str = "etc/default/clearml-verify";
const REPORT: &str = "var/lib/prometheus/node-exporter/clearml.prom";

/// A folder in place of `/`, with dpkg's own records in it.
struct Machine(TempDir);

impl Machine {
    /// None, with a visible skip, where dpkg cannot be used.
    fn new() -> Option<Self> {
        if oracle::on_path("dpkg").is_none() {
            oracle::skip("the Debian package: dpkg not found");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        if fs::metadata(folder.path()).unwrap().uid() != 0 {
            oracle::skip("the Debian package: dpkg gives files to root, and takes root for it");
            return None;
        }
        fs::create_dir_all(folder.path().join("var/lib/dpkg")).unwrap();
        fs::write(folder.path().join("var/lib/dpkg/status"), "").unwrap();
        Some(Self(folder))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs dpkg; the package's scripts run here, and are told where their machine is.
    fn dpkg(&self, arguments: &[&str]) -> String {
        let mut root = std::ffi::OsString::from("--root=");
        root.push(self.0.path());
        succeed(
            Command::new("dpkg")
                .arg(root)
                .args(["--force-script-chrootless", "--log=/dev/null"])
                .args(arguments),
        )
    }

    /// Every file and link, but for dpkg's own.
    fn files(&self) -> BTreeSet<String> {
        let found = succeed(Command::new("find").arg(self.0.path()).args([
            "-not",
            "-type",
            "d",
            "-not",
            "-path",
            "*/var/lib/dpkg/*",
            "-printf",
            "%P\n",
        ]));
        found.lines().map(str::to_owned).collect()
    }
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{command:?}\n{said}");
    said
}

fn package() -> Option<(Arc<Packed>, PathBuf)> {
    let released = Packed::get();
    match released {
        Ok(released) => {
            let package = released.file(".deb");
            Some((released, package))
        }
        Err(why) => {
            oracle::skip(&format!("the Debian package: {why}"));
            None
        }
    }
}

/// The same package with the next revision.
fn next(package: &Path, folder: &Path) -> PathBuf {
    let tree = folder.join("tree");
    succeed(Command::new("dpkg-deb").arg("-R").arg(package).arg(&tree));
    let control = tree.join("DEBIAN/control");
    let text = fs::read_to_string(&control).unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("Version:"))
        .unwrap();
    fs::write(&control, text.replace(line, &format!("{line}.1"))).unwrap();
    let next = folder.join("next.deb");
    succeed(Command::new("dpkg-deb").arg("-b").arg(&tree).arg(&next));
    next
}

#[test]
fn it_installs_upgrades_and_goes_without_a_trace() {
    let (Some(machine), Some((_released, package))) = (Machine::new(), package()) else {
        return;
    };
    machine.dpkg(&["--install", package.to_str().unwrap()]);
    // Every file is as its sum says.
    assert_eq!(machine.dpkg(&["--verify", "clearml-secure"]), "");
    let mode = |name: &str| fs::metadata(machine.path(name)).unwrap().mode() & 0o7777;
    assert_eq!(mode("usr/bin/clearml-verify"), 0o755);
    assert_eq!(mode(SETTINGS), 0o644);
    let said = succeed(Command::new(machine.path("usr/bin/clearml-verify")).arg("-V"));
    assert!(said.starts_with("clearml-verify "), "{said}");
    let wants = "etc/systemd/system/timers.target.wants/clearml-verify.timer";
    assert!(
        !machine.path(wants).exists(),
        "the timer is on from the start"
    );

    // What an administrator does.
    let mut systemctl = Command::new("systemctl");
    let root = format!("--root={}", machine.0.path().display());
    succeed(systemctl.args([&root, "enable", "clearml-verify.timer"]));
    assert!(fs::symlink_metadata(machine.path(wants)).is_ok());
    fs::write(machine.path(SETTINGS), "TARGETS=/srv/clearml\n").unwrap();
    fs::write(machine.path(REPORT), "").unwrap();
    let other = machine.path("var/lib/prometheus/node-exporter/other.prom");
    fs::write(&other, "").unwrap();

    let folder = tempfile::tempdir().unwrap();
    let next = next(&package, folder.path());
    machine.dpkg(&["--install", next.to_str().unwrap()]);
    let status = machine.dpkg(&["--status", "clearml-secure"]);
    assert!(
        status.contains("Version: ") && status.contains(".1\n"),
        "{status}"
    );
    let kept = fs::read_to_string(machine.path(SETTINGS)).unwrap();
    assert_eq!(kept, "TARGETS=/srv/clearml\n");
    assert!(
        fs::symlink_metadata(machine.path(wants)).is_ok(),
        "the timer is off"
    );

    machine.dpkg(&["--remove", "clearml-secure"]);
    let left = machine.files();
    assert!(left.contains(SETTINGS), "{left:?}");
    assert!(
        !left.iter().any(|file| file.starts_with("usr/")),
        "{left:?}"
    );
    machine.dpkg(&["--purge", "clearml-secure"]);
    let theirs = "var/lib/prometheus/node-exporter/other.prom".to_owned();
    assert_eq!(machine.files(), BTreeSet::from([theirs]));
}

#[test]
fn systemd_takes_the_units_and_holds_the_service() {
    let Some((_released, package)) = package() else {
        return;
    };
    if oracle::on_path("systemd-analyze").is_none() || oracle::on_path("dpkg-deb").is_none() {
        return oracle::skip("the units of the Debian package: systemd-analyze not found");
    }
    let folder = tempfile::tempdir().unwrap();
    succeed(
        Command::new("dpkg-deb")
            .arg("-x")
            .arg(&package)
            .arg(folder.path()),
    );
    let units = folder.path().join("usr/lib/systemd/system");
    let service = units.join("clearml-verify.service");
    // It is looked for on this machine.
    let text = fs::read_to_string(&service).unwrap();
    let here = format!("={}/usr/bin/", folder.path().display());
    let text = text.replace("=/usr/bin/", &here);
    fs::write(&service, text.replace("Documentation=", "#")).unwrap();
    let timer = units.join("clearml-verify.timer");
    let said = succeed(
        Command::new("systemd-analyze")
            .args(["verify", "--recursive-errors=no"])
            .args([&service, &timer]),
    );
    assert_eq!(said.trim(), "");
    let said = succeed(
        Command::new("systemd-analyze")
            .args(["security", "--offline=yes", "--threshold=20", "--no-pager"])
            .arg(&service),
    );
    assert!(said.contains("Overall exposure level"), "{said}");
}

/// The service has a user of its own, which may read what only root can, and whose report anyone can read.
#[test]
fn the_service_reads_keys_and_its_report_is_readable() {
    let Some((_released, package)) = package() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    if fs::metadata(folder.path()).unwrap().uid() != 0 || oracle::on_path("setpriv").is_none() {
        return oracle::skip("the service: it takes root and setpriv");
    }
    succeed(
        Command::new("dpkg-deb")
            .arg("-x")
            .arg(&package)
            .arg(folder.path()),
    );
    let unit = folder
        .path()
        .join("usr/lib/systemd/system/clearml-verify.service");
    let unit = fs::read_to_string(unit).unwrap();
    let start = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart=/usr/bin/clearml-verify "));
    let private = folder.path().join("private");
    fs::create_dir(&private).unwrap();
    fs::write(private.join("docker-compose.yml"), e2e::files::stock()).unwrap();
    succeed(Command::new("chmod").args(["-R", "go="]).arg(&private));
    let report = folder.path().join(REPORT);
    let program = e2e::program::program("verify");
    // The program is where others may not go, either.
    let copy = folder.path().join("verify");
    fs::copy(program, &copy).unwrap();
    let line = start
        .unwrap()
        .replace(
            "/var/lib/prometheus/node-exporter/clearml.prom",
            &report.display().to_string(),
        )
        .replace("$OPTIONS", "")
        .replace(
            "$TARGETS",
            &private.join("docker-compose.yml").display().to_string(),
        );
    let output = Command::new("setpriv")
        .args([
            "--reuid=65500",
            "--regid=65500",
            "--clear-groups",
            "--no-new-privs",
        ])
        .args([
            "--bounding-set=-all,+dac_override",
            "--inh-caps=-all,+dac_override",
        ])
        .arg("--ambient-caps=-all,+dac_override")
        .arg("sh")
        .args(["-c", "umask 0022; exec \"$0\" \"$@\""])
        .arg(&copy)
        .args(line.split_whitespace())
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    // As for root: there are findings.
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(shown.contains("missing-setting"), "{shown}");
    let text = fs::read_to_string(&report).unwrap();
    assert!(text.contains("clearml_verify"), "{text}");
    assert_eq!(
        fs::metadata(&report).unwrap().mode() & 0o044,
        0o044,
        "nobody else reads it"
    );
}
