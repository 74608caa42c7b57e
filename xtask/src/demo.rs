//! `cargo xtask demo [COMPOSE]`: the pipeline as a person runs it, on a stock deployment or on yours.

use std::env;
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::shell::{self, Profile, Result};
use crate::standin::Standin;

const STOCK: &str = "tests/fixtures/stock/docker-compose.yml";

/// Runs the task.
pub(crate) fn run(compose: Option<&str>) -> Result {
    println!("Building the three programs …");
    let programs = shell::build(Profile::Release)?;
    let folder = fresh_folder()?;
    let source = compose.map_or_else(|| shell::root().join(STOCK), PathBuf::from);
    copy(&source, &folder)?;
    match compose {
        Some(path) => println!("\nA copy of {path} is in {}.", folder.display()),
        None => println!(
            "\nA stock ClearML Server 2.3, as its installation guide leaves it, is in\n{}",
            folder.display()
        ),
    }
    let demo = Demo { programs, folder };

    title("1. Before: what is wrong with it?");
    let before = demo.step("clearml-verify docker-compose.yml", None)?;
    match (before, compose) {
        (1, _) | (0, Some(_)) => {}
        (0, None) => return Err("a stock deployment was called safe".to_owned()),
        _ => return Err("the deployment could not be looked at".to_owned()),
    }

    title("2. New keys, in a file that only you can read");
    demo.must("clearml-keygen -o keys.env", None)?;

    title("3. What would change (secrets are not shown)");
    demo.must("clearml-inject -k keys.env --diff docker-compose.yml", None)?;

    title("4. The same deployment with the new keys");
    demo.must(
        "clearml-inject -k keys.env docker-compose.yml",
        Some("secured.yml"),
    )?;

    title("5. After: is anything left?");
    demo.must("clearml-verify --fail-on error secured.yml", None)?;

    title("6. From outside: what does a running server let anybody do, before and after?");
    match Standin::python() {
        Ok(python) => {
            println!(
                "A program stands in for the server, on this machine: it reads the file as ClearML does."
            );
            for (compose, keys) in [
                ("docker-compose.yml", ""),
                ("secured.yml", "--keys keys.env "),
            ] {
                let standin = Standin::start(&python, &demo.folder.join(compose), 0.0)?;
                println!("\nStarted from {compose}:");
                demo.step(&format!("clearml-verify {keys}{}", standin.address), None)?;
            }
        }
        Err(why) => println!("Left out: there is no Python environment for the stand-in ({why})."),
    }

    println!(
        "\n\
         That was all of it. On your own server, beside your docker-compose.yml:\n\
         \n    \
             clearml-keygen -o keys.env\n    \
             clearml-inject -k keys.env -i --backup .before docker-compose.yml\n    \
             clearml-verify docker-compose.yml\n    \
             docker compose up -d\n\
         \n\
         Or as one line:\n\
         \n    \
             clearml-keygen | clearml-inject docker-compose.yml > secured.yml && clearml-verify secured.yml\n\
         \n\
         The programs are in {}; what the demo made is in {}.",
        demo.programs.display(),
        demo.folder.display()
    );
    Ok(())
}

struct Demo {
    programs: PathBuf,
    folder: PathBuf,
}

impl Demo {
    /// Prints a command and runs it; it must succeed.
    fn must(&self, line: &str, into: Option<&str>) -> Result {
        match self.step(line, into)? {
            0 => Ok(()),
            status => Err(format!("`{line}` ended with status {status}")),
        }
    }

    /// Prints a command, runs it with its output shown or going into a file, and returns its status.
    fn step(&self, line: &str, into: Option<&str>) -> Result<i32> {
        let redirection = into.map_or_else(String::new, |file| format!(" > {file}"));
        println!("$ {line}{redirection}");
        let mut words = line.split(' ');
        let program = words.next().unwrap_or_default();
        let mut command = Command::new(self.programs.join(program));
        command
            .args(words)
            .current_dir(&self.folder)
            .env("PATH", shell::path_with(&self.programs))
            .stdin(Stdio::null());
        if let Some(file) = into {
            let path = self.folder.join(file);
            command.stdout(File::create(&path).map_err(|error| format!("{file}: {error}"))?);
        }
        let status = command
            .status()
            .map_err(|error| format!("{program} cannot be run: {error}"))?;
        let code = status
            .code()
            .ok_or_else(|| format!("`{line}` ended with {status}"))?;
        println!("(exit status {code})");
        Ok(code)
    }
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

/// The compose file, and the `.env` that compose would read beside it.
fn copy(compose: &Path, folder: &Path) -> Result {
    let to = folder.join("docker-compose.yml");
    fs::copy(compose, to).map_err(|error| format!("{}: {error}", compose.display()))?;
    let dotenv = compose.with_file_name(".env");
    if dotenv.is_file() {
        fs::copy(&dotenv, folder.join(".env"))
            .map_err(|error| format!("{}: {error}", dotenv.display()))?;
    }
    Ok(())
}
