//! What the tests hold the code against, set up in `TARGET/oracles`. Running this again changes nothing.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::packages;
use crate::shell::{self, Result};

/// Where the oracles are, and which are not there.
pub(crate) struct Oracles {
    /// The folder with `venv/`.
    pub(crate) folder: PathBuf,
    /// One line each: what is missing and why.
    pub(crate) missing: Vec<String>,
    /// The packages that would bring some of it.
    pub(crate) packages: Vec<&'static str>,
}

/// Whether a missing oracle is a failure, as in CI.
pub(crate) fn are_required() -> bool {
    env::var_os("CLEARML_SECURE_REQUIRE_ORACLES").is_some_and(|value| value == "1")
}

/// Sets up all of them, and installs packages of the system if that was asked for.
pub(crate) fn set_up(install: bool) -> Result<Oracles> {
    let folder = shell::target()?.join("oracles");
    if install {
        packages::install(&packages::missing())?;
    }
    let packages = packages::missing();
    let mut missing: Vec<String> = packages.iter().map(|&name| name.to_owned()).collect();
    if let Err(why) = set_up_python(&folder) {
        missing.push(format!(
            "Python environment (pyhocon, compose-lint, the schema of SARIF): {why}"
        ));
    } else if let Err(why) = set_up_sarif_schema(&folder) {
        missing.push(format!("the schema of SARIF: {why}"));
    }
    for programs in [COMPOSE, KUBERNETES] {
        if let Err(why) = set_up_programs(&folder, &programs) {
            missing.push(format!("{}: {why}", programs.shown));
        }
    }
    // It is a service of the machine: anyone who wants one installs it.
    if !shell::succeeds(Command::new("docker").arg("info")) {
        missing.push("Docker engine: none answers `docker info`".to_owned());
    }
    if are_required() && !missing.is_empty() {
        return Err(format!(
            "CLEARML_SECURE_REQUIRE_ORACLES=1, and these are missing: {}",
            missing.join("; ")
        ));
    }
    Ok(Oracles {
        folder,
        missing,
        packages,
    })
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
    println!("Setting up Python packages in {} …", folder.display());
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
    if !packages::has_venv() {
        // Debian's Python comes without what its venv module copies.
        return shell::output(Command::new("virtualenv").arg(environment))
            .map(drop)
            .map_err(|_| "it takes python3-venv or virtualenv".to_owned());
    }
    shell::output(
        Command::new("python3")
            .args(["-m", "venv"])
            .arg(environment),
    )
    .map(drop)
}

/// Programs that a package of Python's holds for one kind of machine.
struct Programs {
    /// Their names, as a person reads them.
    shown: &'static str,
    /// The list of `tests/oracles` that names the package, and the program there that fetches it.
    list: &'static str,
    fetch: &'static str,
    /// What the fetching program takes as its second argument: a file or a folder of that of the oracles.
    target: &'static str,
    /// Each program with arguments that it answers wherever it can run.
    runs: &'static [(&'static str, &'static [&'static str])],
}

const COMPOSE: Programs = Programs {
    shown: "Docker Compose",
    list: "compose.txt",
    fetch: "fetch_compose.py",
    target: "docker-compose",
    runs: &[("docker-compose", &["version"])],
};

const KUBERNETES: Programs = Programs {
    shown: "Helm and kubectl",
    list: "kubernetes.txt",
    fetch: "fetch_kubernetes.py",
    target: "",
    runs: &[
        ("helm", &["version"]),
        ("kubectl", &["version", "--client"]),
    ],
};

/// Sets up Helm and kubectl alone.
pub(crate) fn set_up_kubernetes(folder: &Path) -> Result {
    set_up_python(folder)?;
    set_up_programs(folder, &KUBERNETES)
}

/// Programs in the version that their list names.
fn set_up_programs(folder: &Path, programs: &Programs) -> Result {
    let list = shell::root().join("tests/oracles").join(programs.list);
    let wanted =
        fs::read_to_string(&list).map_err(|error| format!("{}: {error}", list.display()))?;
    let stamp = folder.join(programs.list).with_extension("stamp");
    let runs = || {
        let mut answers = programs.runs.iter().map(|(program, arguments)| {
            shell::output(Command::new(folder.join(program)).args(*arguments)).map(drop)
        });
        answers.try_for_each(|answer| answer)
    };
    if fs::read_to_string(&stamp).is_ok_and(|done| done == wanted) && runs().is_ok() {
        return Ok(());
    }
    println!("Fetching {} into {} …", programs.shown, folder.display());
    drop(fs::remove_file(&stamp));
    shell::output(
        Command::new(python(folder))
            .arg(shell::root().join("tests/oracles").join(programs.fetch))
            .args([&list, &folder.join(programs.target)]),
    )?;
    if let Err(why) = runs() {
        // The package has them for one kind of machine only.
        for (program, _) in programs.runs {
            drop(fs::remove_file(folder.join(program)));
        }
        return Err(why);
    }
    fs::write(&stamp, wanted).map_err(|error| format!("{}: {error}", stamp.display()))
}
