//! `cargo xtask dist`: the release programs, the script and their checksums in `dist/`.

use std::fs;
use std::process::Command;

use crate::shell::{self, PROGRAMS, Profile, Result};

/// Runs the task.
pub(crate) fn run() -> Result {
    let built = shell::build(Profile::Dist)?;
    let dist = shell::root().join("dist");
    fs::create_dir_all(&dist).map_err(|error| format!("dist: {error}"))?;
    for program in PROGRAMS {
        fs::copy(built.join(program), dist.join(program))
            .map_err(|error| format!("{program}: {error}"))?;
    }
    let script = "clearml-rotate";
    fs::copy(
        shell::root().join("scripts").join(script),
        dist.join(script),
    )
    .map_err(|error| format!("{script}: {error}"))?;
    let sums = shell::output(
        Command::new("sha256sum")
            .args(PROGRAMS)
            .arg(script)
            .current_dir(&dist),
    )?;
    fs::write(dist.join("SHA256SUMS"), &sums).map_err(|error| format!("SHA256SUMS: {error}"))?;
    print!("{sums}");
    println!(
        "in {}; check with `sha256sum -c SHA256SUMS`",
        dist.display()
    );
    Ok(())
}
