//! The pages' commands, as they are there, and what they print. `UPDATE_EXPECT=1`, which `cargo xtask docs` sets, writes what
//! they print into the pages, and the picture of README.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::collections::BTreeMap;
use std::fs;
use std::iter;
use std::num::NonZero;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use e2e::files::root;
use e2e::oracle;
use e2e::page::{self, Block, Kind, Scene};
use e2e::picture;
use e2e::program::other;
use e2e::recipe;
use e2e::sandbox::{Printed, SECURE, Sandbox};

/// Commands of the pages that are not run here, by how they begin, and why.
const NOT_RUN: &[(&str, &str)] = &[
    (
        "cargo install ",
        "it takes minutes: the test below that is ignored",
    ),
    ("cargo xtask ", "this test is a part of it"),
    ("git tag ", "a release is made of it"),
    (
        "ssh-keygen -Y verify ",
        "tests/tests/dist.rs runs it over a release",
    ),
    (
        "sha256sum -c --ignore-missing ",
        "tests/tests/dist.rs runs it over a release",
    ),
    ("sudo apt install ", "it changes the machine"),
    ("sudo install ", "it changes the machine"),
    ("sudo tar ", "it changes the machine"),
    ("curl ", "it fetches Rust or a script, which are here"),
    (
        "pre-commit install",
        "tests/tests/workplaces.rs runs it, and a commit",
    ),
    (
        "clearml-rotate --env-file ",
        "tests/tests/rotate.rs runs it, with a server that restarts",
    ),
];

/// Programs of the pages that are run as they are, and not played (sandbox.rs).
const REAL: [&str; 2] = ["age", "ansible-playbook"];

/// What README's picture shows.
const PICTURE: &str = "docs/picture";

#[test]
fn every_command_of_the_pages_runs_and_prints_what_the_page_shows() {
    let mut failures = Vec::new();
    for path in page::pages() {
        let text = page::read(&path);
        let scenes = page::scenes(&path, &text);
        // As many at once as there are processors: more would make servers answer late.
        let workers = thread::available_parallelism().map_or(1, NonZero::get);
        let next = AtomicUsize::new(0);
        let work = || {
            let take = || scenes.get(next.fetch_add(1, Ordering::Relaxed));
            iter::from_fn(take)
                .map(|scene| play(&path, scene))
                .collect::<Vec<_>>()
        };
        let played = thread::scope(|scope| {
            let working: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let played = working
                .into_iter()
                .flat_map(|worker| worker.join().unwrap());
            played.collect::<Vec<Played>>()
        });
        let mut renewed = Renewed::new();
        for scene in played {
            failures.extend(scene.failures);
            renewed.extend(scene.renewed);
        }
        if is_updated() {
            write(&path, &text, &renewed);
        } else {
            failures.extend(renewed.values().map(|block| block.why.clone()));
        }
    }
    assert!(
        failures.is_empty(),
        "{}\nIf what is printed is right, `cargo xtask docs` writes it into the pages.",
        failures.join("\n\n")
    );
}

/// Blocks that print something else than the page shows, by the line of the page where each begins.
type Renewed = BTreeMap<usize, Shown>;

/// A block of a page, as it must be.
struct Shown {
    lines: Vec<String>,
    /// How many lines it has on the page.
    length: usize,
    /// What is different.
    why: String,
}

/// What came of a scene.
#[derive(Default)]
struct Played {
    renewed: Renewed,
    failures: Vec<String>,
}

fn play(path: &Path, scene: &Scene) -> Played {
    let mut played = Played::default();
    let is_needed = |block: &Block| block.kind != Kind::Text && !is_left_out(block);
    if !scene.blocks.iter().any(is_needed) {
        return played;
    }
    assert!(
        !scene.sandbox.is_empty(),
        "{}: no `<!-- test: SANDBOX -->` before the first command",
        path.display()
    );
    if let Some(program) = scene.blocks.iter().find_map(missing) {
        oracle::skip(&format!(
            "commands of {}: {program} not found",
            path.display()
        ));
        return played;
    }
    let Some(sandbox) = Sandbox::new(&scene.sandbox) else {
        return played;
    };
    for block in scene.blocks.iter().filter(|block| is_needed(block)) {
        let place = format!("{}:{}", path.display(), block.line);
        match &block.kind {
            Kind::File(name) => {
                sandbox.write(name, &(block.lines.join("\n") + "\n"));
                let faults = recipe::faults(&sandbox, name).into_iter();
                played
                    .failures
                    .extend(faults.map(|why| format!("{place}: {name}: {why}")));
            }
            Kind::Commands => {
                let done = sandbox.script(&block.lines.join("\n"));
                if done.status != 0 {
                    let said = done.lines.join("\n");
                    played
                        .failures
                        .push(format!("{place}: exit status {}\n{said}", done.status));
                    // What follows would fail because of this.
                    break;
                }
            }
            Kind::Session => {
                if let Some(mut shown) = compare(&sandbox, block) {
                    shown
                        .why
                        .insert_str(0, &format!("{place}: prints something else\n"));
                    played.renewed.insert(block.line, shown);
                }
            }
            Kind::Text => {}
        }
    }
    played
}

/// A program that the commands of a block need and that is not here.
fn missing(block: &Block) -> Option<&'static str> {
    let commands = block.commands_typed().join("\n");
    let is_used = |program: &&str| {
        commands
            .split([' ', '\n', '('])
            .any(|word| word == *program)
    };
    let mut used = REAL.into_iter().filter(is_used);
    used.find(|program| oracle::on_path(program).is_none())
}

fn is_left_out(block: &Block) -> bool {
    let commands = block.commands_typed();
    let is_listed = |command: &String| NOT_RUN.iter().any(|(start, _)| command.starts_with(start));
    let listed = commands.iter().filter(|command| is_listed(command)).count();
    assert!(
        listed == 0 || listed == commands.len(),
        "line {}: commands that are run and others are in two blocks",
        block.line
    );
    listed > 0
}

/// The block as it must be; none if it is.
fn compare(sandbox: &Sandbox, block: &Block) -> Option<Shown> {
    let commands = block.commands();
    let typed: Vec<String> = commands
        .iter()
        .map(|(command, _)| command.clone())
        .collect();
    let printed = sandbox.session(&typed);
    let mut lines = Vec::new();
    let mut different = String::new();
    for ((command, expected), printed) in commands.iter().zip(&printed) {
        lines.extend(format!("$ {command}").lines().map(str::to_owned));
        if page::is_shown(expected, &printed.lines) {
            lines.extend(expected.iter().cloned());
        } else {
            lines.extend(page::cut_alike(expected, &printed.lines));
            different.push_str(&format!("$ {command}\n{}\n", printed.lines.join("\n")));
        }
    }
    (!different.is_empty()).then_some(Shown {
        lines,
        length: block.lines.len(),
        why: different,
    })
}

fn write(path: &Path, text: &str, renewed: &Renewed) {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for (first, shown) in renewed.iter().rev() {
        lines.splice(
            first - 1..first - 1 + shown.length,
            shown.lines.iter().cloned(),
        );
    }
    if !renewed.is_empty() {
        fs::write(root().join(path), lines.join("\n") + "\n").unwrap();
    }
}

fn is_updated() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1")
}

/// Before and after, in color: how the findings begin, and how many there are.
#[test]
fn the_picture_of_the_readme_is_what_the_programs_print() {
    let sandbox = Sandbox::new("stock").unwrap();
    let verify = "clearml-verify docker-compose.yml\n";
    let mut lines = Vec::new();
    for (typed, first) in [(verify, 6), (SECURE, 0), (verify, 0)] {
        lines.extend(
            typed
                .lines()
                .map(|command| format!("\u{1b}[1m$ {command}\u{1b}[0m")),
        );
        let colored = typed
            .lines()
            .map(|command| format!("{command} --color always"));
        let printed = sandbox.session(&colored.collect::<Vec<_>>());
        let Printed {
            lines: printed,
            status,
        } = printed.last().unwrap();
        if typed == verify {
            let last = printed.iter().rposition(|line| line.is_empty()).unwrap();
            lines.extend(printed[..first].iter().cloned());
            lines.push("…".to_owned());
            lines.extend(printed[last + 1..].iter().cloned());
            lines.extend(["\u{1b}[1m$ echo $?\u{1b}[0m".to_owned(), status.to_string()]);
        }
    }
    for look in picture::LOOKS {
        let title = "clearml-verify before and after clearml-inject";
        let path = root().join(format!("{PICTURE}-{}.svg", look.name));
        let svg = picture::svg(&lines, look, title);
        if is_updated() {
            fs::write(path, svg).unwrap();
        } else {
            let there = fs::read_to_string(&path).unwrap();
            assert!(
                there == svg,
                "{} is out of date: cargo xtask docs",
                path.display()
            );
        }
    }
}

/// The commands of README below a heading, up to the next block.
fn secure() -> Vec<String> {
    let readme = page::read(Path::new("README.md"));
    let (_, below) = readme.split_once("\n## Secure a server\n").unwrap();
    let scenes = page::scenes(Path::new("README.md"), below);
    scenes[1].blocks[0].commands_typed()
}

#[test]
fn a_stock_deployment_ends_green_where_its_configuration_folder_is() {
    let commands = secure();
    // What the other recipes start from.
    assert_eq!(commands[..2].join("\n") + "\n", SECURE);
    let sandbox = Sandbox::new("stock").unwrap();
    let printed = sandbox.session(&commands);
    assert!(printed.iter().all(|one| one.status == 0));
    let [_, injected, verified] = &printed[..] else {
        panic!("{commands:?}");
    };
    let end = verified.lines.last().unwrap();
    assert!(end.contains("0 errors, 0 warnings"), "{end}");
    // The page names the commands that clearml-inject prints for afterwards.
    let readme = page::read(Path::new("README.md"));
    let next: Vec<&str> = injected
        .lines
        .iter()
        .filter_map(|line| Some(&line[line.find("docker compose ")?..]))
        .collect();
    assert_eq!(next.len(), 2, "{:?}", injected.lines);
    for command in next {
        let command = command.split("  #").next().unwrap().trim_end();
        assert!(
            readme.contains(&format!("\n{command}\n")),
            "not in README.md: {command}"
        );
    }
    for secret in [".env", "keys.env", "logins.txt"] {
        let mode = fs::metadata(sandbox.path(secret)).unwrap();
        assert_eq!(mode.permissions().mode() & 0o777, 0o600, "{secret}");
    }
}

#[test]
fn away_from_its_host_only_the_configuration_folder_is_not_checked() {
    let sandbox = Sandbox::new("stock").unwrap();
    fs::remove_dir_all(sandbox.path("/opt/clearml/config")).unwrap();
    let printed = sandbox.session(&secure());
    let verified = printed.last().unwrap();
    assert_eq!(verified.status, 2);
    let text = verified.lines.join("\n");
    assert!(
        text.ends_with("0 errors, 0 warnings, 3 notes, 1 not checked"),
        "{text}"
    );
    let unknown = text.split_once("not checked: ");
    assert!(unknown.is_some_and(|(_, rest)| rest.contains("/opt/clearml/config")));
    assert_eq!(text.matches("not checked: ").count(), 1);
}

/// The comparison with compose-lint, in the version that is an oracle of ours.
#[test]
fn the_figures_of_compose_lint_are_those_of_a_run() {
    let Some(python) = oracle::python() else {
        oracle::skip("compose-lint over the stock file: no Python environment");
        return;
    };
    let lint = python.with_file_name("compose-lint");
    let sandbox = Sandbox::new("stock").unwrap();
    let version = other(&lint).arg("--version").done().exit(0).stdout;
    let done = other(&lint)
        .arg("docker-compose.yml")
        .within(&sandbox.here())
        .done()
        .exit(1);
    let said = format!("{}{}", done.stdout, done.stderr);
    let total = said
        .lines()
        .find_map(|line| line.strip_prefix("docker-compose.yml: "))
        .unwrap();
    let row = format!("| {} | `compose-lint docker-compose.yml` |", version.trim());
    let readme = page::read(Path::new("README.md"));
    let row = readme
        .lines()
        .find(|line| line.starts_with(&row))
        .expect("a row with this version");
    assert!(row.contains(total), "{row}: {total}");
    assert!(
        !said.contains("token_secret"),
        "it has come to know the defaults"
    );
}

#[test]
#[ignore = "it builds the programs from nothing, which takes minutes: cargo xtask test -p e2e --test readme -- --ignored"]
fn the_programs_are_installed_from_a_clone() {
    let readme = page::read(Path::new("README.md"));
    let line = readme
        .lines()
        .find(|line| line.starts_with("cargo install "))
        .unwrap();
    let repository = env!("CARGO_PKG_REPOSITORY");
    assert!(line.contains(repository), "{line}");
    let line = line.replace(repository, &format!("file://{}", root().display()));
    let folder = tempfile::tempdir().unwrap();
    // With a target folder of its own: nothing that was built before may help.
    let status = std::process::Command::new("/bin/sh")
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
