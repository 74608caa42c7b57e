//! What the three programs have in common on a terminal: help, version and colors.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::process::Command;

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

/// Whether a program's error has color on a terminal with these variables.
fn is_colored(name: &str, options: &str, variables: &[(&str, &str)]) -> bool {
    let arguments = match name {
        "keygen" => "--from /nowhere",
        "inject" => "-k /nowhere /nowhere",
        _ => "/nowhere",
    };
    let command = format!("{} {options} {arguments}", program(name).display());
    let output = Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .env_remove("NO_COLOR")
        .env_remove("CI")
        .env("TERM", "xterm")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains(&format!("clearml-{name}:")), "{said}");
    said.contains('\u{1b}')
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
