//! Running other programs.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::{Error, Result};

/// What a program prints; fails, with what it said, if it does.
pub(crate) fn output(program: &str, arguments: &[&str], folder: &Path) -> Result<String> {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(Error::file(Path::new(program)))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let shown = format!("{program} {}", arguments.join(" "));
    Err(Error::Ended(shown, output.status, said))
}
