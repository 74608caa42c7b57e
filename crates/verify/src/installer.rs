//! Files of programs that install charts and give them values of their own: only these programs know what comes of it.

use std::path::Path;

use clearml_secure_core::helm;
use clearml_secure_core::io::read_text;
use clearml_secure_core::shell::quoted;

/// Such a file with ClearML's chart in it.
pub(crate) struct Installer {
    /// The command that shows what is installed.
    pub(crate) command: String,
    text: String,
}

impl Installer {
    /// The file, if its name is one of theirs and it installs ClearML's chart.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let command = command(path)?;
        let text = read_text(path).ok()?;
        let text = text.as_str().to_owned();
        names_chart(&text).then_some(Self { command, text })
    }

    /// Whether it may take values from a file beside it, by its name.
    pub(crate) fn takes(&self, path: &Path) -> bool {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| self.text.contains(name))
    }
}

/// What renders a file of this name.
pub(crate) fn command(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let is_yaml = [".yaml", ".yml"].iter().any(|end| name.ends_with(end));
    let is_in_folder = path
        .parent()
        .is_some_and(|folder| folder.ends_with("helmfile.d"));
    let is_helmfile = name.starts_with("helmfile.") || is_in_folder;
    if is_helmfile && (is_yaml || name.ends_with(".gotmpl")) {
        return Some(format!(
            "helmfile -f {} template | clearml-verify -",
            quoted(path)
        ));
    }
    if is_yaml && name.starts_with("skaffold.") {
        return Some(format!(
            "skaffold render -f {} | clearml-verify -",
            quoted(path)
        ));
    }
    (name.ends_with(".tf") || name == "fleet.yaml").then(|| helm::RENDER.to_owned())
}

/// Whether a line names ClearML's own chart, and not that of its agent or of serving.
fn names_chart(text: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let mut charts = text
        .lines()
        .filter(|line| line.to_ascii_lowercase().contains("chart"));
    charts.any(|line| {
        let mut words = line.split(|c: char| !is_of_name(c));
        words.any(|word| word.rsplit('/').next() == Some("clearml"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chart_is_told_from_others() {
        for (line, is_ours) in [
            ("  chart: clearml/clearml", true),
            ("chart = \"clearml\"", true),
            ("  - remoteChart: clearml/clearml", true),
            ("  chart: oci://example.com/charts/clearml", true),
            ("  chart: clearml/clearml-agent", false),
            ("  name: clearml", false),
            ("  chart: ./charts/clearml-fork", false),
        ] {
            assert_eq!(names_chart(line), is_ours, "{line}");
        }
    }
}
