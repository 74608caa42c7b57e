//! Turns the lists of `data/` from TOML, which people write, to JSON, which a program reads ten times as fast as it starts.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo names no OUT_DIR")?);
    println!("cargo::rerun-if-changed=data");
    for entry in fs::read_dir("data")? {
        let path = entry?.path();
        let table: toml::Table = fs::read_to_string(&path)?
            .parse()
            .map_err(|error| format!("{}: {error}", path.display()))?;
        if let Some(date) = table.get("date").and_then(toml::Value::as_str) {
            println!("cargo::rustc-env=KNOWN_DEFAULTS_DATE={date}");
        }
        let name = path.with_extension("json");
        let name = name.file_name().map(Path::new).ok_or("no file")?;
        fs::write(out.join(name), serde_json::to_vec(&table)?)?;
    }
    Ok(())
}
