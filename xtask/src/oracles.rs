//! What the tests hold the code against, set up in `TARGET/oracles`. Running this again changes nothing.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, Result};

/// Where the oracles are, and which are not there.
pub(crate) struct Oracles {
    /// The folder with `venv/`.
    pub(crate) folder: PathBuf,
    /// One line each: what is missing and why.
    pub(crate) missing: Vec<String>,
}

/// Whether a missing oracle is a failure, as in CI.
pub(crate) fn are_required() -> bool {
    env::var_os("CLEARML_SECURE_REQUIRE_ORACLES").is_some_and(|value| value == "1")
}

/// Sets up all of them.
pub(crate) fn set_up() -> Result<Oracles> {
    let folder = shell::target()?.join("oracles");
    let mut missing = Vec::new();
    if let Err(why) = set_up_python(&folder) {
        missing.push(format!(
            "pyhocon and compose-lint: no Python environment ({why})"
        ));
    }
    if let Err(why) = set_up_docker_compose() {
        missing.push(format!("docker-compose: {why}"));
    }
    // It is a service of the machine: whoever wants one installs it.
    if !shell::succeeds(Command::new("docker").arg("info")) {
        missing.push("Docker engine: none answers `docker info`".to_owned());
    }
    if let Err(why) = set_up_sarif_schema(&folder) {
        missing.push(format!("the schema of SARIF: {why}"));
    }
    for program in ["chromium", "nginx", "redis-server", "strace"] {
        let is_there =
            shell::on_path(program).is_some() || Path::new("/usr/sbin").join(program).exists();
        if !is_there && !apt_install(program) {
            missing.push(format!(
                "{program}: it is not installed, and only root on Debian or Ubuntu can be helped"
            ));
        }
    }
    if are_required() && !missing.is_empty() {
        return Err(format!(
            "CLEARML_SECURE_REQUIRE_ORACLES=1, and there is no {}",
            missing.join("; no ")
        ));
    }
    Ok(Oracles { folder, missing })
}

/// The Python of the environment, which has pyhocon, compose-lint and PyYAML.
pub(crate) fn python(folder: &Path) -> PathBuf {
    folder.join("venv/bin/python")
}

/// Sets up the Python environment alone.
pub(crate) fn set_up_python(folder: &Path) -> Result {
    let list = shell::root().join("tests/oracles/requirements.txt");
    let wanted =
        fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display()))?;
    // The stamp is written last, so what was interrupted is done again from the start.
    let stamp = folder.join("requirements.stamp");
    if fs::read_to_string(&stamp).is_ok_and(|done| done == wanted)
        && shell::succeeds(Command::new(python(folder)).arg("--version"))
    {
        return Ok(());
    }
    println!("Setting up the oracles in {} …", folder.display());
    let environment = folder.join("venv");
    drop(fs::remove_file(&stamp));
    drop(fs::remove_dir_all(&environment));
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    create_environment(&environment)?;
    shell::output(
        Command::new(python(folder))
            .args(["-m", "pip", "install", "--quiet", "--require-hashes"])
            .args(["--disable-pip-version-check", "--requirement"])
            .arg(&list),
    )?;
    fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))
}

fn set_up_sarif_schema(folder: &Path) -> Result {
    let schema = folder.join("sarif-2.1.0.json");
    if schema.exists() {
        return Ok(());
    }
    shell::output(
        Command::new(python(folder))
            .arg(shell::root().join("tests/oracles/fetch_sarif_schema.py"))
            .arg(&schema),
    )
    .map(drop)
}

fn create_environment(environment: &Path) -> Result {
    let with_venv = || {
        shell::output(
            Command::new("python3")
                .args(["-m", "venv"])
                .arg(environment),
        )
    };
    // Debian's Python comes without its venv module.
    let Err(why) = with_venv() else {
        return Ok(());
    };
    drop(fs::remove_dir_all(environment));
    if shell::succeeds(Command::new("virtualenv").arg(environment)) {
        return Ok(());
    }
    if apt_install("python3-venv") {
        return with_venv().map(drop);
    }
    Err(why)
}

fn set_up_docker_compose() -> Result {
    if shell::on_path("docker-compose").is_some() || apt_install("docker-compose") {
        return Ok(());
    }
    Err("it is not installed, and only root on Debian or Ubuntu can be helped".to_owned())
}

/// Installs a package where that is possible without asking anybody: as root, with apt.
fn apt_install(package: &str) -> bool {
    let is_root = shell::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !is_root || shell::on_path("apt-get").is_none() {
        return false;
    }
    println!("Installing {package} …");
    let install = || {
        shell::succeeds(
            Command::new("apt-get")
                .args(["install", "--yes", "--no-install-recommends", package])
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )
    };
    // A fresh container has no package lists.
    install() || (shell::succeeds(Command::new("apt-get").arg("update")) && install())
}
