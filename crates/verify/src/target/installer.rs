//! Files of programs that install charts and give them values of their own: only these programs know what comes of it.

use std::path::Path;

use clearml_secure_core::io::read_text;
use clearml_secure_core::shell::quoted;
use zeroize::Zeroizing;

/// The modules of Ansible that install charts.
const TASKS: [&str; 2] = ["kubernetes.core.helm:", "community.kubernetes.helm:"];

/// Such a file.
pub(crate) struct Installer {
    /// The command that shows what is installed.
    pub(crate) command: String,
    /// What it says, without its comments.
    text: Zeroizing<String>,
    /// Whether it gives the chart nothing but files of values.
    pub(crate) has_files_alone: bool,
}

impl Installer {
    /// A file below a folder that installs ClearML's chart.
    pub(crate) fn below(path: &Path) -> Option<Self> {
        // Most files are none, and are not read.
        Program::of(path)?;
        let text = read_text(path).ok()?;
        Self::of(path, &text).filter(Self::is_of_clearml)
    }

    /// A playbook, a script or a pipeline that runs helm for ClearML's chart, told by its text.
    pub(crate) fn told(text: &str) -> Option<Self> {
        if !text.contains("helm") {
            return None;
        }
        let text = without_comments(text);
        let is_task = |line: &str| {
            let line = line.trim_start().trim_start_matches("- ");
            TASKS.iter().any(|task| line.starts_with(task))
        };
        let is_playbook = text.lines().any(is_task) && names_it(&text);
        let joined = Zeroizing::new(text.replace("\\\n", " "));
        let runs: Vec<&str> = joined.lines().filter(|line| runs_helm(line)).collect();
        (is_playbook || !runs.is_empty()).then(|| Self {
            command: INSTALLED.to_owned(),
            has_files_alone: !is_playbook && runs.iter().all(|line| has_files_alone(line)),
            text,
        })
    }

    /// What a file is, by its name and its text: a compose file may be in `helmfile.d`, too.
    pub(crate) fn of(path: &Path, text: &str) -> Option<Self> {
        let program = Program::of(path)?;
        let text = without_comments(text);
        program.reads(&text).then(|| Self {
            command: program.command(path),
            text,
            has_files_alone: false,
        })
    }

    /// Whether it may take values from a file beside it, by its name.
    pub(crate) fn takes(&self, path: &Path) -> bool {
        let name = path.file_name().and_then(|name| name.to_str());
        let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        name.is_some_and(|name| {
            self.text.match_indices(name).any(|(at, _)| {
                let (before, behind) = (&self.text[..at], &self.text[at + name.len()..]);
                !before.ends_with(is_of_name) && !behind.starts_with(is_of_name)
            })
        })
    }

    /// Whether it installs ClearML's own chart, and not that of its agent or of serving. A chart that a variable names may
    /// be ClearML's where ClearML is spoken of.
    fn is_of_clearml(&self) -> bool {
        names_it(&self.text)
    }
}

fn names_it(text: &str) -> bool {
    let speaks_of_it = text.to_ascii_lowercase().contains("clearml");
    let mut lines = text.lines();
    speaks_of_it && lines.any(|line| names_chart(line) || has_variable_chart(line))
}

/// Whether a line of a script installs ClearML's chart.
fn runs_helm(line: &str) -> bool {
    let words = words(line);
    let is_verb = |word: &&str| ["install", "upgrade"].contains(word);
    // Beside `--repo`, a chart is a plain word, as the release is: one of these may be the chart of the agent or of serving.
    let is_of_repository = words.iter().any(|word| word.starts_with("--repo"))
        && words
            .iter()
            .any(|word| word.contains("://") && word.contains("clearml"))
        && !["clearml-agent", "clearml-serving"]
            .iter()
            .any(|other| line.contains(other));
    let is_chart = |word: &&str| {
        let is_at_chart = match word.split_once("://") {
            Some((scheme, _)) => scheme == "oci",
            None => word.contains('/') || is_of_repository,
        };
        is_at_chart && is_ours(word)
    };
    line.contains("helm ") && words.iter().any(is_verb) && words.iter().any(is_chart)
}

fn has_files_alone(line: &str) -> bool {
    let has = |start: &str| words(line).iter().any(|word| word.starts_with(start));
    (has("-f") || has("--values")) && !has("--set")
}

fn words(line: &str) -> Vec<&str> {
    let words = line.split_ascii_whitespace();
    words.map(|word| word.trim_matches(['"', '\''])).collect()
}

/// With the chart, its version and its values, wherever these are.
const INSTALLED: &str = "helm get manifest clearml | clearml-verify -";

/// What installs charts.
#[derive(Clone, Copy)]
enum Program {
    Fleet,
    Helmfile,
    Skaffold,
    Terraform,
}

impl Program {
    /// The one that looks for a file of this name.
    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let is_yaml = [".yaml", ".yml"].iter().any(|end| name.ends_with(end));
        let is_template = is_yaml || name.ends_with(".gotmpl");
        let mut folder = path.parent().into_iter();
        let is_in_folder = folder.any(|folder| folder.ends_with("helmfile.d"));
        if is_template && (name.starts_with("helmfile.") || is_in_folder) {
            return Some(Self::Helmfile);
        }
        if is_yaml && name.starts_with("skaffold.") {
            return Some(Self::Skaffold);
        }
        if [".tf", ".tofu"].iter().any(|end| name.ends_with(end)) {
            return Some(Self::Terraform);
        }
        (name == "fleet.yaml").then_some(Self::Fleet)
    }

    /// Whether a text is one of its files.
    fn reads(self, text: &str) -> bool {
        let keys: &[&str] = match self {
            Self::Fleet => &["helm:"],
            Self::Helmfile => &["releases:", "helmfiles:", "bases:"],
            Self::Skaffold => &["apiVersion: skaffold/"],
            Self::Terraform => return true,
        };
        let mut lines = text.lines();
        lines.any(|line| keys.iter().any(|key| line.starts_with(key)))
    }

    fn command(self, path: &Path) -> String {
        let path = quoted(path);
        match self {
            Self::Helmfile => format!("helmfile -f {path} template | clearml-verify -"),
            Self::Skaffold => format!("skaffold render -f {path} | clearml-verify -"),
            Self::Fleet | Self::Terraform => INSTALLED.to_owned(),
        }
    }
}

/// A text of YAML or HCL without what is only said to people.
fn without_comments(text: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(text.len() + 1));
    let mut is_in_block = false;
    for line in text.lines() {
        let start = line
            .trim_start()
            .trim_start_matches("{{")
            .trim_start_matches('-');
        is_in_block |= start.trim_start().starts_with("/*");
        if is_in_block {
            is_in_block = !line.contains("*/");
            continue;
        }
        let is_mark = |at: usize| {
            let (before, rest) = line.split_at(at);
            (rest.starts_with('#') || rest.starts_with("//"))
                && before.chars().next_back().is_none_or(char::is_whitespace)
        };
        let mut ends = line.char_indices().map(|(at, _)| at);
        out.push_str(&line[..ends.find(|at| is_mark(*at)).unwrap_or(line.len())]);
        out.push('\n');
    }
    out
}

/// Whether a word is a chart of ClearML's with a server, also one that was before it or is sold: in a repository, in a
/// folder, or packed.
fn is_ours(word: &str) -> bool {
    let word = word.trim_end_matches('/');
    let name = word.rsplit('/').next().unwrap_or_default();
    let rest = name.strip_prefix("clearml-enterprise");
    let is_name = rest.or(name.strip_prefix("clearml")).is_some_and(|rest| {
        let version = rest
            .strip_prefix('-')
            .map(|rest| rest.trim_start_matches('v'));
        rest.is_empty()
            || version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
    });
    is_name || name.starts_with("clearml-server")
}

/// Whether a line names ClearML's own chart.
pub(crate) fn names_chart(line: &str) -> bool {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    let mut words = line.split(|c: char| !is_of_name(c));
    line.to_ascii_lowercase().contains("chart") && words.any(is_ours)
}

/// Whether a line has a chart that is named elsewhere: `chart = var.chart`, `chart: {{ .Values.chart }}`.
fn has_variable_chart(line: &str) -> bool {
    let Some(at) = line.find([':', '=']) else {
        return false;
    };
    let key = line[..at].trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let value = line[at + 1..].trim();
    let is_reference = line[at..].starts_with('=') && !value.starts_with('"');
    let name = value.trim_matches('"').rsplit('/').next();
    matches!(key, "chart" | "chartPath" | "chart_ref" | "remoteChart")
        && (is_reference || name.is_some_and(|name| name.contains(['{', '}'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installs(line: &str) -> bool {
        let text = format!("# of ClearML: clearml\n{line}\n");
        let one = Installer::of(Path::new("main.tf"), &text);
        one.is_some_and(|one| one.is_of_clearml())
    }

    #[test]
    fn the_chart_is_told_from_others() {
        for (line, expected) in [
            ("  chart: clearml/clearml", true),
            ("chart = \"clearml\"", true),
            ("  - remoteChart: clearml/clearml", true),
            ("  chart: oci://example.com/charts/clearml", true),
            ("  chart: ./charts/clearml/", true),
            ("  chart: ./clearml-7.14.7.tgz", true),
            ("  chart: https://example.com/clearml-v7.14.7+1.tgz", true),
            ("  chart = \"clearml-server-cloud-ready\"", true),
            ("  chart: clearml-enterprise", true),
            ("  chart: clearml-enterprise-3.21.6.tgz", true),
            ("  chart: clearml-enterprise-agent", false),
            ("  chart: clearml/clearml-agent", false),
            ("  chart: clearml-agent-5.3.3.tgz", false),
            ("  name: clearml", false),
            ("  chart: ./charts/clearml-fork", false),
            ("  # chart: clearml/clearml", false),
            ("// chart = \"clearml\"", false),
            ("/* chart = \"clearml\"\n chart = \"clearml\" */", false),
            ("  chart: other # was chart clearml/clearml", false),
        ] {
            assert_eq!(installs(line), expected, "{line}");
        }
    }

    #[test]
    fn a_file_of_values_is_taken_by_its_whole_name() {
        let takes = |line: &str| {
            let one = Installer::of(Path::new("main.tf"), line);
            one.is_some_and(|one| one.takes(Path::new("clearml/values.yaml")))
        };
        assert!(takes("values = [file(\"${path.module}/values.yaml\")]"));
        assert!(takes("- values.yaml"));
        assert!(!takes("- my-values.yaml"));
        assert!(!takes("- values.yaml.gotmpl"));
    }

    #[test]
    fn a_chart_that_is_named_elsewhere_may_be_the_one() {
        const REPOSITORY: &str = "repository = \"https://clearml.github.io/clearml-helm-charts\"";
        for (line, expected) in [
            ("chart = var.chart", true),
            ("chart = \"${path.module}/${var.chart}\"", true),
            ("chart: {{ .Values.chart }}", true),
            ("chart = \"${path.module}/charts/clearml-agent\"", false),
            ("chart = \"clearml-agent\"", false),
            ("chart_version = var.version", false),
        ] {
            assert_eq!(
                installs(&format!("{REPOSITORY}\n{line}")),
                expected,
                "{line}"
            );
        }
        assert!(!installs(
            "repository = \"https://example.com\"\nchart = var.chart"
        ));
    }

    #[test]
    fn what_runs_helm_is_told_by_its_text() {
        for (text, expected) in [
            ("helm install clearml clearml/clearml", true),
            (
                "  run: helm upgrade -i ml ./charts/clearml \\\n    --set a=b -f v.yaml",
                true,
            ),
            ("helm install ml oci://example.com/charts/clearml", true),
            (
                "helm install ml clearml --repo https://x/clearml-helm-charts",
                true,
            ),
            (
                "helm install allegroai/clearml-server-chart --values v.yaml",
                true,
            ),
            (
                "- kubernetes.core.helm:\n    chart_ref: clearml/clearml",
                true,
            ),
            (
                "  kubernetes.core.helm:\n    chart_ref: \"{{ clearml_chart }}\"",
                true,
            ),
            ("helm upgrade -i clearml clearml/clearml -f v.yaml", true),
            ("helm repo add clearml https://x/clearml-helm-charts", false),
            ("helm install clearml bitnami/redis", false),
            ("# helm install clearml clearml/clearml", false),
            ("helm install agent clearml/clearml-agent", false),
            (
                "helm install a clearml-agent --repo https://x/clearml-helm-charts",
                false,
            ),
            (
                "- kubernetes.core.helm:\n    chart_ref: clearml/clearml-agent",
                false,
            ),
            (
                "- kubernetes.core.helm_repository:\n    repo_url: https://x/clearml-helm-charts",
                false,
            ),
        ] {
            let told = Installer::told(text);
            assert_eq!(told.is_some(), expected, "{text}");
            let has_files_alone = told.is_some_and(|one| one.has_files_alone);
            assert_eq!(
                has_files_alone,
                text.ends_with("v.yaml") && !text.contains("--set")
            );
        }
    }
}
