//! `cargo xtask formulas DIST`: fills in what other package managers need to know of a release: its version, and the sum of
//! its archive. What it writes goes beside the archive.

use std::fs;
use std::path::Path;

use crate::shell::{self, Result};

/// The formula of Homebrew and the flake of Nix, as templates.
const TEMPLATES: [&str; 2] = [
    "packaging/homebrew/clearml-secure.rb",
    "packaging/nix/flake.nix",
];

/// Runs the task.
pub(crate) fn run(arguments: &[String]) -> Result {
    let [folder] = arguments else {
        return Err("name the folder with SHA256SUMS: cargo xtask formulas DIST".to_owned());
    };
    let folder = Path::new(folder);
    let version = env!("CARGO_PKG_VERSION");
    let sums = read(&folder.join("SHA256SUMS"))?;
    let archive = format!("clearml-secure-{version}-x86_64-linux.tar.gz");
    let sum = sum(&sums, &archive).ok_or_else(|| format!("SHA256SUMS does not name {archive}"))?;
    for template in TEMPLATES {
        let path = shell::root().join(template);
        let text = filled(&read(&path)?, version, sum);
        let path = folder.join(path.file_name().unwrap_or_default());
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

fn filled(template: &str, version: &str, sum: &str) -> String {
    template
        .replace("@VERSION@", version)
        .replace("@SHA256@", sum)
}

/// The sum of a file in a list as `sha256sum` writes it.
fn sum<'a>(sums: &'a str, file: &str) -> Option<&'a str> {
    let mut lines = sums.lines().filter_map(|line| line.split_once("  "));
    let (sum, _) = lines.find(|(_, name)| *name == file)?;
    let is_sum = sum.len() == 64 && sum.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_sum.then_some(sum)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_sum_of_the_very_file_counts() {
        let (good, other) = ("a".repeat(64), "b".repeat(64));
        let sums = format!("{other}  x.tar.gz.sig\n{good}  x.tar.gz\nshort  y\n");
        assert_eq!(sum(&sums, "x.tar.gz"), Some(&*good));
        assert_eq!(sum(&sums, "y"), None);
        assert_eq!(sum(&sums, "tar.gz"), None);
    }

    #[test]
    fn every_template_has_a_version_and_a_sum_and_is_filled() {
        for template in TEMPLATES {
            let text = read(&shell::root().join(template)).unwrap();
            let filled = filled(&text, "1.2.3", "c0ffee");
            assert!(filled.contains("1.2.3") && filled.contains("\"c0ffee\""));
            assert!(!filled.contains('@'), "{template}");
        }
    }
}
