//! Turns the lists of `data/` from TOML, which people write, to JSON, which a program reads ten times as fast as it starts.
//! What the repository itself shows becomes a part of the known values.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?);
    println!("cargo::rerun-if-changed=data");
    for entry in fs::read_dir("data")? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let mut table: toml::Table = fs::read_to_string(&path)?
            .parse()
            .map_err(|error| format!("{}: {error}", path.display()))?;
        if let Some(date) = table.get("date").and_then(toml::Value::as_str) {
            println!("cargo::rustc-env=KNOWN_DEFAULTS_DATE={date}");
        }
        if let Some(known) = table.get_mut("known").and_then(toml::Value::as_array_mut) {
            known.extend(shown_by_the_repository()?);
            known.sort_by(|a, b| a["value"].as_str().cmp(&b["value"].as_str()));
        }
        let name = path.with_extension("json");
        let name = name.file_name().map(Path::new).ok_or("no file")?;
        fs::write(out.join(name), serde_json::to_vec(&table)?)?;
    }
    Ok(())
}

/// The values of fixtures and pages, as entries of the known ones. `cargo xtask docs` writes the list.
fn shown_by_the_repository() -> Result<Vec<toml::Value>, Box<dyn Error>> {
    let list = fs::read_to_string("data/repository_values.txt")?;
    let entry = |value: &str| {
        let fields = [
            ("value", value),
            ("class", "example"),
            ("what", "a value of clearml-secure's own pages and tests"),
            ("source", env!("CARGO_PKG_REPOSITORY")),
        ];
        let fields = fields.map(|(name, text)| (name.to_owned(), text.into()));
        toml::Value::Table(fields.into_iter().collect())
    };
    let values = list.lines().filter(|line| !line.starts_with('#'));
    Ok(values.map(entry).collect())
}
