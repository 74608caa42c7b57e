//! What the three programs have in common on a terminal: help, version and colors.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::process::Command;

use e2e::files;
use e2e::program::{clearml, program};

const PROGRAMS: [&str; 3] = ["keygen", "inject", "verify"];

#[test]
fn help_ends_alike_and_fits_a_terminal() {
    let general = |name: &str| {
        let help = clearml(name).arg("-h").done().exit(0).stdout;
        let wide = help.lines().find(|line| line.chars().count() > 100);
        assert_eq!(wide, None, "{name}");
        let (_, rest) = help.split_once("\nGeneral:\n").unwrap();
        rest.split_once("\n\n").unwrap().0.to_owned()
    };
    for name in PROGRAMS {
        assert_eq!(general(name), general("keygen"), "{name}");
    }
}

#[test]
fn the_version_names_how_old_the_lists_are() {
    for name in PROGRAMS {
        let said = clearml(name).arg("-V").done().exit(0).stdout;
        let version = env!("CARGO_PKG_VERSION");
        let Some(rest) = said.strip_prefix(&format!("clearml-{name} {version} (")) else {
            panic!("{said}");
        };
        assert_eq!(rest.contains("advisories 20"), name == "verify", "{said}");
        assert!(rest.contains("defaults 20"), "{said}");
        assert_eq!(clearml(name).arg("--version").done().stdout, said);
    }
}

/// What a program says on a terminal, with these variables.
fn on_a_terminal(name: &str, arguments: &str, variables: &[(&str, &str)]) -> String {
    let command = format!("{} {arguments}", program(name).display());
    let output = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .current_dir(files::fixtures())
        .env_remove("NO_COLOR")
        .env_remove("CI")
        .env("TERM", "xterm")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Whether a program's error has color on a terminal with these variables.
fn is_colored(name: &str, options: &str, variables: &[(&str, &str)]) -> bool {
    let arguments = match name {
        "keygen" => "--from /nowhere",
        "inject" => "-k /nowhere /nowhere",
        _ => "/nowhere",
    };
    let said = on_a_terminal(name, &format!("{options} {arguments}"), variables);
    assert!(said.contains(&format!("clearml-{name}:")), "{said}");
    said.contains('\u{1b}')
}

/// The commands are above what a screen shows, each below its own finding.
#[test]
fn a_person_is_told_where_all_commands_are() {
    for (arguments, is_told) in [
        ("stock/docker-compose.yml", true),
        ("-q stock/docker-compose.yml", false),
        ("--summary stock/docker-compose.yml", false),
        ("--fix stock/docker-compose.yml", false),
        ("-f json stock/docker-compose.yml", false),
        (
            "--min-severity error --ignore missing-setting stock/docker-compose.yml",
            false,
        ),
    ] {
        let said = on_a_terminal("verify", arguments, &[]);
        let told = "clearml-verify: to see the commands that fix this, add --fix";
        assert_eq!(said.contains(told), is_told, "{arguments}\n{said}");
    }
    let piped = clearml("verify").arg("stock/docker-compose.yml");
    let piped = piped.within(&files::fixtures()).done();
    assert_eq!(piped.stderr, "");
}

#[test]
fn colors_are_for_terminals_that_want_them() {
    for name in PROGRAMS {
        for (options, variables, expected) in [
            ("", &[][..], true),
            ("", &[("NO_COLOR", "1")], false),
            // As no-color.org has it.
            ("", &[("NO_COLOR", "")], true),
            ("", &[("TERM", "dumb")], false),
            ("--color never", &[], false),
            ("--color always", &[("NO_COLOR", "1")], true),
            ("--color always", &[("TERM", "dumb")], true),
        ] {
            let is = is_colored(name, options, variables);
            assert_eq!(is, expected, "{name} {options} {variables:?}");
        }
        let piped = clearml(name).arg("--nonsense").done().exit(2).stderr;
        assert!(!piped.contains('\u{1b}'), "{piped}");
    }
}
