//! Turns the lists of `data/` from TOML, which people write, into tables of the program, so that a run that looks
//! something up reads no list first. What the repository itself shows becomes a part of the known values.
//!
//! What a row may have is said here; whether its names are settings, servers and classes, the compiler says.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use serde::Deserialize;
use serde::de::DeserializeOwned;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=data");
    let mut known: KnownDefaults = read("known_defaults")?;
    println!("cargo::rustc-env=KNOWN_DEFAULTS_DATE={}", known.date);
    known.known.extend(shown_by_the_repository()?);
    known.known.sort_by(|a, b| a.value.cmp(&b.value));
    write("known_defaults", known.known.iter().map(KnownDefault::row))?;
    let opening: OpeningPaths = read("opening_paths")?;
    write("opening_paths", opening.path.iter().map(OpeningPath::row))?;
    let image: ImageConfiguration = read("image_configuration")?;
    if !image.file.is_sorted_by_key(ImageFile::place) {
        Err("data/image_configuration.toml: the blocks are not sorted")?;
    }
    let rows = image.file.iter().map(ImageFile::rows);
    let mut rows = rows.collect::<Result<Vec<_>>>()?.concat();
    rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    write(
        "image_configuration",
        rows.into_iter().map(|(_, row)| Ok(row)),
    )?;
    read::<Chart>("chart")?.write()
}

fn read<T: DeserializeOwned>(name: &str) -> Result<T> {
    let path = format!("data/{name}.toml");
    let text = fs::read_to_string(&path)?;
    Ok(toml::from_str(&text).map_err(|error| format!("{path}: {error}"))?)
}

fn write(name: &str, rows: impl Iterator<Item = Result<String>>) -> Result<()> {
    let rows = rows
        .collect::<Result<Vec<_>>>()
        .map_err(|error| format!("data/{name}.toml: {error}"))?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?);
    let table = format!("&[\n{}]\n", rows.concat());
    Ok(fs::write(out.join(name).with_extension("rs"), table)?)
}

#[derive(Deserialize)]
struct KnownDefaults {
    date: String,
    known: Vec<KnownDefault>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownDefault {
    value: String,
    class: String,
    what: String,
    source: String,
    setting: Option<String>,
    since: Option<String>,
    until: Option<String>,
    #[serde(default)]
    built_in: bool,
}

/// The values of fixtures and pages, as entries of the known ones. `cargo xtask docs` writes the list.
fn shown_by_the_repository() -> Result<Vec<KnownDefault>> {
    let list = fs::read_to_string("data/repository_values.txt")?;
    let entry = |value: &str| KnownDefault {
        value: value.to_owned(),
        class: "example".to_owned(),
        what: "a value of clearml-secure's own pages and tests".to_owned(),
        source: env!("CARGO_PKG_REPOSITORY").to_owned(),
        setting: None,
        since: None,
        until: None,
        built_in: false,
    };
    let values = list.lines().filter(|line| !line.starts_with('#'));
    Ok(values.map(entry).collect())
}

impl KnownDefault {
    fn row(&self) -> Result<String> {
        let setting = self.setting.as_deref().map_or_else(
            || "None".to_owned(),
            |path| format!("Some({})", setting(path)),
        );
        Ok(format!(
            "Known {{ value: {:?}, setting: {setting}, class: Class::{}, what: {:?}, source: {:?}, lifetime: {}, \
             built_in: {} }},\n",
            self.value,
            variant(&self.class),
            self.what,
            self.source,
            lifetime(self.since.as_deref(), self.until.as_deref())?,
            self.built_in,
        ))
    }
}

#[derive(Deserialize)]
struct OpeningPaths {
    path: Vec<OpeningPath>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OpeningPath {
    path: String,
    servers: Vec<String>,
    since: Option<String>,
    reads: String,
    #[serde(default)]
    absent: bool,
    opens: String,
    rules: Vec<String>,
    #[serde(default)]
    open: Vec<String>,
    #[serde(default)]
    closed: Vec<String>,
}

impl OpeningPath {
    fn row(&self) -> Result<String> {
        let servers: Vec<String> = self
            .servers
            .iter()
            .map(|server| format!("Server::{}", variant(server)))
            .collect();
        Ok(format!(
            "OpeningPath {{ path: {:?}, servers: &[{}], lifetime: {}, reads: Reads::{}, absent: {}, opens: {:?}, \
             rules: &{:?}, open: &{:?}, closed: &{:?} }},\n",
            self.path,
            servers.join(", "),
            lifetime(self.since.as_deref(), None)?,
            variant(&self.reads),
            self.absent,
            self.opens,
            self.rules,
            self.open,
            self.closed,
        ))
    }
}

#[derive(Deserialize)]
struct ImageConfiguration {
    file: Vec<ImageFile>,
}

/// A part of a configuration file of the images.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ImageFile {
    tree: String,
    key: String,
    source: String,
    since: Option<String>,
    until: Option<String>,
    by: Option<String>,
    values: toml::Table,
}

impl ImageFile {
    /// Where it belongs in the list.
    fn place(&self) -> (String, String, Option<String>, Option<String>) {
        (
            self.tree.clone(),
            self.key.clone(),
            self.values.keys().next().cloned(),
            self.since.clone(),
        )
    }

    /// Each path, and its row.
    fn rows(&self) -> Result<Vec<(String, String)>> {
        let lifetime = lifetime(self.since.as_deref(), self.until.as_deref())?;
        let by = version(self.by.as_deref())?;
        let row = |(name, value): (&String, &toml::Value)| {
            let path = format!("{}.{name}", self.key);
            let row = format!(
                "ImagePath {{ tree: ImageTree::{}, path: {path:?}, default: ImageDefault::{}, source: {:?}, \
                 lifetime: {lifetime}, by: {by} }},\n",
                variant(&self.tree),
                image_default(&path, value)?,
                self.source,
            );
            Ok((path, row))
        };
        self.values.iter().map(row).collect()
    }
}

/// What the Helm chart makes of its values.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chart {
    oldest: String,
    newest: String,
    image: Vec<ChartImage>,
    key: Vec<ChartKey>,
    variable: Vec<ChartVariable>,
    default: toml::Table,
    read: Vec<ChartPaths>,
    instead: Vec<ChartInstead>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChartImage {
    since: Option<String>,
    tag: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChartKey {
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChartVariable {
    servers: Vec<String>,
    name: String,
    key: Option<String>,
    text: Option<String>,
    #[serde(rename = "if")]
    condition: Option<String>,
    unless: Option<String>,
    #[serde(default)]
    unquoted: bool,
    since: Option<String>,
    until: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChartPaths {
    paths: Vec<String>,
    since: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ChartInstead {
    paths: Vec<String>,
    write: String,
}

impl Chart {
    fn write(&self) -> Result<()> {
        println!("cargo::rustc-env=CHART_OLDEST={}", self.oldest);
        println!("cargo::rustc-env=CHART_NEWEST={}", self.newest);
        let images = self.image.iter().map(|image| {
            let lifetime = lifetime(image.since.as_deref(), None)?;
            Ok(format!("({:?}, {lifetime}),\n", image.tag))
        });
        write("chart_images", images)?;
        let keys = self.key.iter();
        let keys = keys.map(|key| Ok(format!("({:?}, {:?}),\n", key.name, key.value)));
        write("chart_keys", keys)?;
        write(
            "chart_variables",
            self.variable.iter().map(ChartVariable::row),
        )?;
        let defaults = self.default.iter().map(|(path, value)| {
            let (text, is_text) = match value {
                toml::Value::String(text) => (text.clone(), true),
                value => (value.to_string(), false),
            };
            Ok(format!("({path:?}, {text:?}, {is_text}),\n"))
        });
        write("chart_defaults", defaults)?;
        let paths = self.read.iter().map(|read| {
            let lifetime = lifetime(read.since.as_deref(), None)?;
            let row = |path: &String| format!("({path:?}, {lifetime}),\n");
            Ok(of_each_server(&read.paths).iter().map(row).collect())
        });
        write("chart_paths", paths)?;
        let instead = self.instead.iter().map(|instead| {
            let paths = instead.paths.iter().flat_map(|path| {
                let pair = [path.clone(), instead.write.clone()];
                of_each_server(&[pair.join("\n")])
            });
            let row = |pair: String| {
                let (path, write) = pair.split_once('\n').unwrap_or_default();
                format!("({path:?}, {write:?}),\n")
            };
            Ok(paths.map(row).collect())
        });
        write("chart_instead", instead)
    }
}

impl ChartVariable {
    fn row(&self) -> Result<String> {
        let servers: Vec<String> = self
            .servers
            .iter()
            .map(|server| format!("Part::{}", variant(server)))
            .collect();
        let from = match (&self.key, &self.text) {
            (Some(key), None) => format!("Key({key:?})"),
            (None, Some(text)) => format!("Text({text:?})"),
            _ => Err(format!("{} has one of key and text", self.name))?,
        };
        let condition = match (&self.condition, &self.unless) {
            (None, None) => "None".to_owned(),
            (Some(path), None) => format!("Some(({path:?}, true))"),
            (None, Some(path)) => format!("Some(({path:?}, false))"),
            _ => Err(format!("{} has one of if and unless", self.name))?,
        };
        Ok(format!(
            "SetVariable {{ parts: &[{}], name: {:?}, from: From::{from}, condition: {condition}, is_unquoted: {}, lifetime: {} }},\n",
            servers.join(", "),
            self.name,
            self.unquoted,
            lifetime(self.since.as_deref(), self.until.as_deref())?,
        ))
    }
}

/// The same of each server, where `{server}` is in it.
fn of_each_server(texts: &[String]) -> Vec<String> {
    const SERVERS: [&str; 3] = ["apiserver", "fileserver", "webserver"];
    let all = texts
        .iter()
        .flat_map(|text| match text.contains("{server}") {
            true => SERVERS
                .map(|server| text.replace("{server}", server))
                .to_vec(),
            false => vec![text.clone()],
        });
    all.collect()
}

fn image_default(path: &str, value: &toml::Value) -> Result<String> {
    if let Some(kind) = value.get("is") {
        return Ok(match kind.as_str() {
            Some("setting") => format!("Setting({})", setting(path)),
            Some(kind @ ("absent" | "list" | "null" | "text")) => variant(kind),
            _ => Err(format!("{path} is {kind}, which is no kind of default"))?,
        });
    }
    // As Python takes it (docs/clearml.md#what-counts-as-true).
    let is_true = match value {
        toml::Value::Array(items) => !items.is_empty(),
        toml::Value::Boolean(is_true) => *is_true,
        toml::Value::Datetime(_) => true,
        toml::Value::Float(number) => *number != 0.0,
        toml::Value::Integer(number) => *number != 0,
        toml::Value::String(text) => return Ok(format!("Word({text:?})")),
        toml::Value::Table(entries) => !entries.is_empty(),
    };
    Ok(format!("Value {{ is_true: {is_true} }}"))
}

fn setting(path: &str) -> String {
    format!("Setting::of_path({path:?})")
}

fn lifetime(since: Option<&str>, until: Option<&str>) -> Result<String> {
    let (since, until) = (version(since)?, version(until)?);
    Ok(format!("Lifetime {{ since: {since}, until: {until} }}"))
}

fn version(text: Option<&str>) -> Result<String> {
    let Some(text) = text else {
        return Ok("None".to_owned());
    };
    let numbers: Vec<u16> = text
        .split('.')
        .map(str::parse)
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| format!("{text} is no version"))?;
    let [major, minor, patch] = numbers[..] else {
        Err(format!("{text} is no version of three numbers"))?
    };
    Ok(format!("Some(Version::new({major}, {minor}, {patch}))"))
}

/// The variant that is named so: `async_delete` is `AsyncDelete`.
fn variant(name: &str) -> String {
    let capital = |word: &str| {
        let (first, rest) = word.split_at(usize::from(!word.is_empty()));
        first.to_ascii_uppercase() + rest
    };
    name.split(['_', '-']).map(capital).collect()
}
