//! `cargo xtask demo [COMPOSE]`: the pipeline as a person runs it, on a stock deployment or on yours; `--kubernetes` is another act.

mod kubernetes;

use std::env;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::shell::{self, Profile, Result};
use crate::standin::{Played, Standin};

const STOCK: &str = "tests/fixtures/stock/docker-compose.yml";

/// The release of the stock file, and the one that the stand-in plays where a file names none.
const VERSION: &str = "2.3.0";

/// The commands of the whole way. On the reader's own server they are the same.
const KEYGEN: &str = "clearml-keygen --user jane --passwords logins.txt -o keys.env";
const INJECT: &str = "clearml-inject -k keys.env --env-file .env --close-ports --bind 127.0.0.1";
const VERIFY: &str = "clearml-verify docker-compose.yml";

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Result {
    match arguments.first().map(String::as_str) {
        Some("--kubernetes") => kubernetes::run(),
        compose => on_compose(compose),
    }
}

fn on_compose(compose: Option<&str>) -> Result {
    println!("Building the three programs; from nothing this takes a minute or two …");
    let programs = shell::build(Profile::Dev)?;
    let folder = fresh_folder()?;
    let source = compose.map_or_else(|| shell::root().join(STOCK), PathBuf::from);
    let text = copy(&source, &folder)?;
    let demo = Demo {
        programs,
        folder,
        version: release(&text).unwrap_or_else(|| VERSION.to_owned()),
        is_playable: is_playable(&text),
        is_stock: compose.is_none(),
    };
    demo.introduce(&source);
    let next = demo.on_files()?;
    demo.on_server()?;
    demo.conclude(&next);
    Ok(())
}

struct Demo {
    programs: PathBuf,
    folder: PathBuf,
    /// The release that the stand-in plays.
    version: String,
    /// Whether the stand-in finds the servers in the file.
    is_playable: bool,
    /// Of a person's own file, nobody knows what will be found.
    is_stock: bool,
}

impl Demo {
    fn introduce(&self, source: &Path) {
        let folder = self.folder.display();
        if self.is_stock {
            println!(
                "\nA stock ClearML Server {VERSION}, as its installation guide leaves it, is in\n{folder}\n\
                 Its configuration folder is `config` there, and empty, in place of the host's /opt/clearml/config."
            );
        } else {
            println!(
                "\nA copy of {} is in\n{folder}\n\
                 Only `.env` was copied with it, no other file that it names.",
                source.display()
            );
        }
    }

    /// What verify says of the files before and after, and the change. Returns the commands that clearml-inject
    /// prints for afterwards.
    fn on_files(&self) -> Result<Vec<String>> {
        let verify = if self.is_stock {
            VERIFY.replace("verify ", "verify --config-dir config ")
        } else {
            VERIFY.to_owned()
        };
        title("1. Before: what is wrong with it?");
        if self.step(&verify)?.status == 0 && self.is_stock {
            return Err("a stock deployment was called safe".to_owned());
        }

        title("2. New keys, and a user for the web login, in files that only you can read");
        self.must(KEYGEN)?;

        title("3. What would change (secrets are not shown)");
        self.must(&format!("{INJECT} --diff docker-compose.yml"))?;

        title("4. The change: the keys go to .env, the compose file names them");
        self.keep_env_file()?;
        let said = self.must(&format!("{INJECT} -i --backup .before docker-compose.yml"))?;

        title("5. After: is anything left?");
        if self.step(&verify)?.status != 0 && self.is_stock {
            return Err("the secured deployment was not called safe".to_owned());
        }
        let next = commands(&said);
        if next.is_empty() && self.is_stock {
            return Err("clearml-inject names no command for afterwards".to_owned());
        }
        Ok(next)
    }

    /// What a running server lets anybody do, before and after.
    fn on_server(&self) -> Result {
        title("6. From outside: what does a running server let anybody do, before and after?");
        if !self.is_playable {
            println!(
                "Left out: the stand-in knows only services that are named apiserver and fileserver."
            );
            return Ok(());
        }
        let python = match Standin::python() {
            Ok(python) => python,
            Err(why) => {
                println!("Left out: there is no Python environment for the stand-in ({why}).");
                return Ok(());
            }
        };
        println!(
            "A program stands in for the server, on this machine: it reads the file as ClearML {} does.",
            self.version
        );
        for (compose, env_file, keys) in [
            ("docker-compose.yml.before", ".env.before", ""),
            ("docker-compose.yml", ".env", "--keys keys.env "),
        ] {
            let standin = Played {
                compose: &self.folder.join(compose),
                env_file: Some(&self.folder.join(env_file)),
                version: &self.version,
                address: "127.0.0.1",
                delay: 0.0,
                record: None,
            };
            let standin = Standin::start(&python, &standin)?;
            println!("\nStarted from {compose}:");
            let done = self.step(&format!("clearml-verify {keys}{}", standin.address))?;
            if self.is_stock && (done.status == 0) == keys.is_empty() {
                return Err(format!("`{compose}` was not judged as it must be"));
            }
        }
        Ok(())
    }

    fn conclude(&self, next: &[String]) {
        println!(
            "\n\
             That was all of it. On your own server, in the folder of your docker-compose.yml (leave --bind out if no\n\
             reverse proxy runs there, and name users of your own):\n\
             \n    \
                 {KEYGEN}\n    \
                 {INJECT} -i --backup .before docker-compose.yml\n    \
                 {VERIFY}"
        );
        if !next.is_empty() {
            println!("\nThen what clearml-inject says; for this file:\n");
        }
        for command in next {
            println!("    {command}");
        }
        println!(
            "\n\
             To have the programs on your PATH: {}\n\
             Those of this run, which are built fast and run slowly, are in {}; what the demo made is in {}.",
            shell::install_command(),
            self.programs.display(),
            self.folder.display()
        );
    }

    /// Keeps the variables of the file before the change.
    fn keep_env_file(&self) -> Result {
        let env_file = self.folder.join(".env");
        if env_file.is_file() {
            fs::copy(&env_file, self.folder.join(".env.before"))
                .map_err(|error| format!("{}: {error}", env_file.display()))?;
        }
        Ok(())
    }

    fn must(&self, line: &str) -> Result<String> {
        must(&self.programs, &self.folder, line)
    }

    fn step(&self, line: &str) -> Result<Done> {
        step(&self.programs, &self.folder, line)
    }
}

/// Prints a command and runs it; it must succeed. Returns what it said.
fn must(programs: &Path, folder: &Path, line: &str) -> Result<String> {
    match step(programs, folder, line)? {
        Done { status: 0, said } => Ok(said),
        Done { status, .. } => Err(format!("`{line}` ended with status {status}")),
    }
}

/// Prints a command, and runs it with its output shown.
fn step(programs: &Path, folder: &Path, line: &str) -> Result<Done> {
    println!("$ {line}");
    let mut words = line.split(' ');
    let program = words.next().unwrap_or_default();
    let output = Command::new(programs.join(program))
        .args(words)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::inherit())
        .stderr(Stdio::piped())
        .output()
        .map_err(|error| format!("{program} cannot be run: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    eprint!("{said}");
    let status = output.status;
    let status = status
        .code()
        .ok_or_else(|| format!("`{line}` ended with {status}"))?;
    let meaning = match (program, status) {
        ("clearml-verify", 0) => ": nothing above a note",
        ("clearml-verify", 1) => ": errors or warnings",
        ("clearml-verify", 2) => ": something was not checked",
        _ => "",
    };
    println!("(exit status {status}{meaning})");
    Ok(Done { status, said })
}

/// How a command ended, and what it said on standard error.
struct Done {
    status: i32,
    said: String,
}

/// The commands in what clearml-inject says.
fn commands(said: &str) -> Vec<String> {
    let starts = ["docker compose ", "redis-cli "];
    let command = |line: &str| {
        let start = starts.iter().filter_map(|start| line.find(start)).min()?;
        Some(line[start..].to_owned())
    };
    said.lines().filter_map(command).collect()
}

fn title(text: &str) {
    println!("\n{text}\n");
}

/// A new folder for this run, closed to others: keys will be in it.
fn fresh_folder() -> Result<PathBuf> {
    let parent = env::temp_dir();
    for number in 1..=9999 {
        let folder = parent.join(format!("clearml-secure-demo-{number}"));
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(format!("{}: {error}", folder.display())),
        }
    }
    Err(format!(
        "{} is full of old demos; remove some",
        parent.display()
    ))
}

/// The compose file, and the `.env` that compose would read beside it. Returns the compose file's text.
fn copy(compose: &Path, folder: &Path) -> Result<String> {
    let failed = |error: std::io::Error| format!("{}: {error}", compose.display());
    let text = fs::read_to_string(compose).map_err(failed)?;
    fs::write(folder.join("docker-compose.yml"), &text).map_err(failed)?;
    fs::create_dir(folder.join("config")).map_err(failed)?;
    let dotenv = compose.with_file_name(".env");
    if dotenv.is_file() {
        fs::copy(&dotenv, folder.join(".env"))
            .map_err(|error| format!("{}: {error}", dotenv.display()))?;
    }
    Ok(text)
}

/// Whether services have the names that the stand-in looks for.
fn is_playable(compose: &str) -> bool {
    let has = |name: &str| {
        compose
            .lines()
            .any(|line| line.trim_end() == format!("  {name}:"))
    };
    has("apiserver") && has("fileserver")
}

/// The release in the tag of the first image of a ClearML server.
fn release(compose: &str) -> Option<String> {
    let images = ["clearml/server:", "allegroai/clearml:", "allegroai/trains:"];
    let tag = images
        .iter()
        .find_map(|image| compose.split(image).nth(1))?;
    let is_release = |c: char| c.is_ascii_digit() || c == '.';
    let release: String = tag.chars().take_while(|c| is_release(*c)).collect();
    let parts: Vec<&str> = release.split('.').collect();
    (parts.len() == 3 && !parts.contains(&"")).then_some(release)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stock_file_is_of_the_release_that_the_demo_names() {
        let stock = fs::read_to_string(shell::root().join(STOCK)).unwrap();
        assert_eq!(release(&stock).as_deref(), Some(VERSION));
        assert_eq!(release("image: clearml/server:latest"), None);
        assert_eq!(
            release("image: allegroai/clearml:1.17.0-472\n").as_deref(),
            Some("1.17.0")
        );
    }

    #[test]
    fn commands_are_found_in_what_is_said() {
        let said = "clearml-inject: 12 settings were put\nclearml-inject: next: docker compose up -d\n    docker compose ps\nthen: redis-cli -n 8 FLUSHDB\n";
        assert_eq!(
            commands(said),
            [
                "docker compose up -d",
                "docker compose ps",
                "redis-cli -n 8 FLUSHDB"
            ]
        );
    }
}
