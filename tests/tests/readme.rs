//! The README's commands, as they are there.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use e2e::files::{root, stock};
use e2e::program::{Done, other, program};

/// The commands below a heading.
fn commands(heading: &str) -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let (_, below) = readme.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = below.split("\n## ").next().unwrap();
    let lines = section.lines().filter_map(|line| line.strip_prefix("    "));
    lines.map(str::to_owned).collect()
}

/// Runs commands in a shell, as a person would who has the programs on the path, until one of them fails.
fn typed(commands: &[String], folder: &Path) -> Done {
    let programs = program("verify");
    let path = format!("{}:/usr/bin:/bin", programs.parent().unwrap().display());
    other(Path::new("/bin/sh"))
        .env("PATH", path)
        .args(["-e", "-c", &commands.join("\n")])
        .within(folder)
        .done()
}

#[test]
fn a_stock_deployment_ends_green_where_its_configuration_folder_is() {
    let commands = commands("Secure a server");
    assert_eq!(commands.len(), 3);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    fs::create_dir(&config).unwrap();
    let here = format!("- {}:/opt/clearml/config", config.display());
    let text = stock().replace("- /opt/clearml/config:/opt/clearml/config", &here);
    assert_eq!(text.matches(&here).count(), 3);
    fs::write(folder.path().join("docker-compose.yml"), text).unwrap();
    let done = typed(&commands, folder.path()).exit(0);
    assert!(
        done.stdout.contains("0 errors, 0 warnings"),
        "{}",
        done.report()
    );
    assert!(
        done.stderr.contains("docker compose up -d"),
        "{}",
        done.report()
    );
    for secret in [".env", "keys.env", "logins.txt"] {
        let mode = fs::metadata(folder.path().join(secret)).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600, "{secret}");
    }
}

#[test]
fn away_from_its_host_only_the_configuration_folder_is_not_checked() {
    let folder = tempfile::tempdir().unwrap();
    // Not even where this runs on a ClearML host.
    let text = stock().replace("- /opt/clearml/config:", "- /opt/clearml/elsewhere:");
    fs::write(folder.path().join("docker-compose.yml"), text).unwrap();
    let done = typed(&commands("Secure a server"), folder.path()).exit(2);
    let end = "0 errors, 0 warnings, 3 notes, 1 not checked\n";
    assert!(done.stdout.ends_with(end), "{}", done.stdout);
    let unknown = done.stdout.split_once("not checked: ");
    assert!(unknown.is_some_and(|(_, rest)| rest.contains("/opt/clearml/config")));
    assert_eq!(done.stdout.matches("not checked: ").count(), 1);
}

/// What the README says of `sudo`: where it takes the path of none but the system's programs, the whole path works.
#[test]
fn the_commands_for_an_administrator_name_the_installed_path() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let mut lines = readme
        .lines()
        .filter_map(|line| line.strip_prefix("    sudo "));
    assert!(lines.clone().count() >= 5);
    assert!(lines.all(|line| line.starts_with("\"$(command -v clearml-")));
}

#[test]
#[ignore = "it builds the programs from nothing, which takes minutes: cargo xtask test -p e2e --test readme -- --ignored"]
fn the_programs_are_installed_from_a_clone() {
    let install = commands("Install");
    let [line] = &install[..] else {
        panic!("{install:?}");
    };
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    let repository = manifest["workspace"]["package"]["repository"]
        .as_str()
        .unwrap();
    assert!(line.contains(repository), "{line}");
    let line = line.replace(repository, &format!("file://{}", root().display()));
    let folder = tempfile::tempdir().unwrap();
    // With a target folder of its own: nothing that was built before may help.
    let status = Command::new("/bin/sh")
        .args(["-c", &line])
        .current_dir(folder.path())
        .env("CARGO_INSTALL_ROOT", folder.path())
        .env("CARGO_TARGET_DIR", folder.path().join("target"))
        .status()
        .unwrap();
    assert!(status.success(), "{line}");
    let installed = fs::read_dir(folder.path().join("bin")).unwrap();
    let mut installed: Vec<_> = installed.map(|entry| entry.unwrap().path()).collect();
    installed.sort();
    let names: Vec<_> = installed
        .iter()
        .map(|path| path.file_name().unwrap())
        .collect();
    assert_eq!(
        names,
        ["clearml-inject", "clearml-keygen", "clearml-verify"]
    );
    for program in installed {
        other(&program).arg("--version").done().exit(0);
    }
}
