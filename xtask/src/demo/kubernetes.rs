//! `cargo xtask demo --kubernetes`: a release of Helm before and after, with the tests' chart in place of ClearML's.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{fresh_folder, must, step, title};
use crate::oracles;
use crate::shell::{self, Profile, Result};

const KEYGEN: [&str; 3] = [
    "clearml-keygen --user jane --passwords logins.txt -o keys.env",
    "clearml-keygen --from keys.env -f kubernetes -o secret.yaml",
    "clearml-keygen --from keys.env -f helm -o clearml-secure.yaml",
];

/// Runs the task.
pub(super) fn run() -> Result {
    let oracles = shell::target()?.join("oracles");
    if let Err(why) = oracles::set_up_kubernetes(&oracles) {
        println!("Left out: there is no helm ({why}).");
        return Ok(());
    }
    println!("Building the three programs; from nothing this takes a minute or two …");
    let act = Act {
        programs: shell::build(Profile::Dev)?,
        helm: oracles.join("helm"),
        folder: fresh_folder()?,
    };
    act.play()
}

struct Act {
    programs: PathBuf,
    helm: PathBuf,
    folder: PathBuf,
}

impl Act {
    fn play(&self) -> Result {
        println!(
            "\nThe chart is tests/chart, which gives each server what ClearML's chart 7.14 gives it. What it renders is in\n{}",
            self.folder.display()
        );
        title("1. Before: what will the servers of a stock release read?");
        self.render("", "stock.yaml")?;
        self.verify("stock.yaml", 1)?;

        title("2. A Secret with new keys, and values without any");
        for line in KEYGEN {
            must(&self.programs, &self.folder, line)?;
        }

        title("3. After: the same chart with these values, and what the servers will read");
        self.render("-f clearml-secure.yaml ", "secured.yaml")?;
        self.verify("--keys keys.env secured.yaml secret.yaml", 0)?;

        title(
            "4. Where the Secret is only in the cluster: it is not checked without it, and --keys says what it should hold",
        );
        self.verify("--fail-on error secured.yaml", 2)?;
        println!(
            "\nThat was all of it. docs/kubernetes.md has the commands for your own release, and how to rotate its keys."
        );
        Ok(())
    }

    /// Helm's rendering of the chart, as a file.
    fn render(&self, values: &str, file: &str) -> Result {
        let chart = shell::root().join("tests/chart");
        println!("$ helm template clearml tests/chart --kube-version 1.30.0 {values}>{file}");
        let output = Command::new(&self.helm)
            .args(["template", "clearml"])
            .arg(chart)
            .args(["--kube-version", "1.30.0"])
            .args(values.split_whitespace())
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("helm cannot be run: {error}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let path = self.folder.join(file);
        fs::write(&path, output.stdout).map_err(|error| format!("{}: {error}", path.display()))
    }

    /// What clearml-verify says, which must end like this.
    fn verify(&self, arguments: &str, status: i32) -> Result {
        let line = format!("clearml-verify {arguments}");
        let done = step(&self.programs, &self.folder, &line)?;
        if done.status == status {
            return Ok(());
        }
        Err(format!("`{line}` ended with status {}", done.status))
    }
}
