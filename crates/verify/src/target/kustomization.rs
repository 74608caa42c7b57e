//! What `kubectl kustomize` makes manifests of: only it tells what comes of them.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clearml_secure_core::image::REPOSITORIES;
use clearml_secure_core::io::{entries, read_text, real};
use clearml_secure_core::yaml::{self, Node};

use crate::target::installer::names_chart;

/// The names that `kubectl kustomize` looks for.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Where it lists files and folders.
const LISTS: [&str; 4] = ["bases", "components", "crds", "resources"];

/// A manifest that installs a ClearML server has an image of one, one of these, or the chart's name.
const MANIFEST_WORDS: [&str; 2] = ["clearml-server", "CLEARML__"];

/// What of one changes nothing in the manifests that it takes but names, namespaces and labels, or makes others beside them.
const HARMLESS: [&str; 18] = [
    "apiVersion",
    "bases",
    "buildMetadata",
    "commonAnnotations",
    "commonLabels",
    "configMapGenerator",
    "crds",
    "generatorOptions",
    "helmCharts",
    "kind",
    "labels",
    "metadata",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "resources",
    "secretGenerator",
    "sortOptions",
];

/// A folder with one.
pub(crate) struct Kustomization {
    pub(crate) folder: PathBuf,
    /// Whether it may change what is in the manifests that it takes.
    changes: bool,
    /// Whether a ClearML server is in what it makes.
    pub(crate) is_ours: bool,
    /// The files and folders that it is made of, by their real paths.
    pub(crate) parts: Vec<PathBuf>,
}

impl Kustomization {
    /// That of a folder, if there is one.
    pub(crate) fn of(folder: &Path) -> Option<Self> {
        Self::read(folder, &mut HashSet::new())
    }

    /// `seen` has the folders that were asked: they may be made of one another in a circle.
    fn read(folder: &Path, seen: &mut HashSet<PathBuf>) -> Option<Self> {
        let mut paths = NAMES.iter().map(|name| folder.join(name));
        let path = paths.find(|path| path.is_file())?;
        let text = read_text(&path).unwrap_or_default();
        let root = yaml::parse(&path, &text).ok();
        let parts: Vec<PathBuf> = root
            .iter()
            .flat_map(|root| parts(root))
            .map(|part| real(&folder.join(part)))
            .collect();
        let is_ours = is_of_clearml(&text)
            || root.as_deref().is_some_and(installs)
            || has_ours(folder)
            || parts.iter().any(|part| is_ours(part, seen));
        let is_harmless = |root: &Node| {
            root.fields()
                .iter()
                .all(|field| field.key.text().is_some_and(|key| HARMLESS.contains(&key)))
        };
        Some(Self {
            folder: folder.to_owned(),
            changes: !root.as_deref().is_some_and(is_harmless),
            is_ours,
            parts,
        })
    }

    /// Whether a manifest is one that it takes, or lies beside it.
    pub(crate) fn takes(&self, path: &Path) -> bool {
        path.parent() == Some(&*self.folder) || self.parts.contains(&real(path))
    }
}

/// The folder of the kustomization beside a manifest that takes it and may change what is in it.
pub(crate) fn changing(path: &Path) -> Option<PathBuf> {
    let folder = match path.parent()? {
        folder if folder.as_os_str().is_empty() => Path::new("."),
        folder => folder,
    };
    let own = Kustomization::of(folder)?;
    (own.changes && own.parts.contains(&real(path))).then_some(own.folder)
}

/// Whether a manifest installs a ClearML server, by its words.
pub(crate) fn is_of_clearml(text: &str) -> bool {
    let mut words = REPOSITORIES.iter().chain(&MANIFEST_WORDS);
    // What was rendered has a label with it, whatever it is.
    let is_chart = |line: &str| {
        line.contains("clearml")
            && !line.trim_start().starts_with('#')
            && !line.contains("helm.sh/chart")
            && names_chart(line)
    };
    words.any(|word| text.contains(word)) || text.lines().any(is_chart)
}

/// Whether a file is what `kubectl kustomize` looks for, by its name.
pub(crate) fn is_kustomization(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Whether a file is a JSON patch: a list of changes.
pub(crate) fn is_patch(path: &Path, text: &str) -> bool {
    // All of a cluster's manifests may be in a text, and only a list is worth to be read here.
    let lines = text
        .lines()
        .map(|line| line.strip_prefix("---").unwrap_or(line));
    let mut lines =
        lines.filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    let is_list = lines
        .next()
        .is_some_and(|line| line.trim_start().starts_with(['-', '[']));
    let may_be_one = is_list && ["op", "path"].iter().all(|key| text.contains(key));
    let root = may_be_one.then(|| yaml::parse(path, text).ok()).flatten();
    let is_change = |one: &Node| ["op", "path"].iter().all(|key| one.get(key).is_some());
    let items = root.as_ref().and_then(|root| root.items());
    items.is_some_and(|items| !items.is_empty() && items.iter().all(|one| is_change(one)))
}

fn parts(root: &Node) -> Vec<String> {
    let lists = LISTS
        .iter()
        .filter_map(|list| root.get(list)?.value.items());
    let texts = lists.flatten().filter_map(|item| item.text());
    texts.map(str::to_owned).collect()
}

/// Whether it renders ClearML's chart.
fn installs(root: &Node) -> bool {
    let lists = [
        ("helmCharts", "name"),
        ("helmChartInflationGenerator", "chartName"),
    ];
    let mut charts = lists.iter().flat_map(|(list, name)| {
        let items = root.get(list).and_then(|field| field.value.items());
        let names = items.unwrap_or_default().iter();
        names.filter_map(|item| item.get(name)?.value.text())
    });
    charts.any(|chart| chart.rsplit('/').next() == Some("clearml"))
}

/// Whether a ClearML server is in a file, or in what is made of a folder.
fn is_ours(part: &Path, seen: &mut HashSet<PathBuf>) -> bool {
    if part.is_dir() {
        return seen.insert(part.to_owned())
            && Kustomization::read(part, seen).is_some_and(|one| one.is_ours);
    }
    read_text(part).is_ok_and(|text| is_of_clearml(&text))
}

/// Whether a manifest of a ClearML server lies in a folder.
fn has_ours(folder: &Path) -> bool {
    let is_manifest = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".yml") || name.ends_with(".yaml")
    };
    let paths = entries(folder).unwrap_or_default().into_iter();
    let texts = paths.filter(is_manifest).map(|path| read_text(&path));
    texts.flatten().any(|text| is_of_clearml(&text))
}
