//! Running other programs, and where things are.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A task ends with nothing, or with a line that says why not.
pub(crate) type Result<T = ()> = std::result::Result<T, String>;

/// The three programs.
pub(crate) const PROGRAMS: [&str; 3] = ["clearml-keygen", "clearml-inject", "clearml-verify"];

/// The command that installs them.
pub(crate) fn install_command() -> String {
    let repository = env!("CARGO_PKG_REPOSITORY");
    format!(
        "cargo install --locked --git {repository} {}",
        PROGRAMS.join(" ")
    )
}

/// The folder of the project.
pub(crate) fn root() -> PathBuf {
    // Cargo sets it anew for every run; what was compiled in is for a run without cargo.
    let here =
        env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    Path::new(&here)
        .parent()
        .map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// The folder that cargo builds in: this program is in `TARGET/debug`.
pub(crate) fn target() -> Result<PathBuf> {
    let this = env::current_exe().map_err(|error| format!("where am I? {error}"))?;
    this.ancestors()
        .nth(2)
        .map(Path::to_owned)
        .ok_or_else(|| "this program is not in a target folder".to_owned())
}

/// The cargo that started this.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// How the three programs are built.
#[derive(Clone, Copy)]
pub(crate) enum Profile {
    /// As the tests build them: in less than half the time of `release`, with what is slow by design optimized.
    Dev,
    /// As they are released and measured.
    Dist,
}

impl Profile {
    /// Its name in Cargo.toml.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Dist => "dist",
        }
    }

    /// Its folder in that of all builds.
    fn folder(self) -> &'static str {
        match self {
            Self::Dev => "debug",
            Self::Dist => self.name(),
        }
    }
}

/// Builds the three programs, with cargo's progress shown, and returns the folder they are in.
pub(crate) fn build(profile: Profile) -> Result<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--profile", profile.name()]);
    for program in PROGRAMS {
        build.args(["--package", program]);
    }
    run(&mut build)?;
    Ok(target()?.join(profile.folder()))
}

/// Runs it with its output shown; fails if it does.
pub(crate) fn run(command: &mut Command) -> Result {
    let status = command.status().map_err(|error| cannot(command, &error))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("{} ended with {status}", shown(command)))
    }
}

/// Runs it and returns what it prints; fails, with what it said, if it does.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| cannot(command, &error))?;
    if !output.status.success() {
        return Err(format!(
            "{} ended with {}\n{}",
            shown(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether it runs and succeeds; its output goes nowhere.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The path of a program on `PATH`.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

fn cannot(command: &Command, error: &std::io::Error) -> String {
    format!("{} cannot be run: {error}", shown(command))
}

fn shown(command: &Command) -> String {
    // The name alone: cargo's whole path says nothing to a reader.
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let mut shown = name.to_string_lossy().into_owned();
    for argument in command.get_args() {
        shown.push(' ');
        shown.push_str(&argument.to_string_lossy());
    }
    shown
}
