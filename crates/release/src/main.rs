//! What is released: archive, Debian package, image, list of parts, and their checksums. `cargo xtask dist` builds the
//! programs and runs this.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a person reads this in a terminal; the product is files"
)]

mod archive;
mod commands;
mod debian;
mod error;
mod image;
mod licenses;
mod manual;
mod origin;
mod parts;
mod product;
mod sbom;
mod script;
mod shell;
mod sums;
mod tree;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use error::{Error, Result};
use product::Product;

/// Packs programs that were built.
#[derive(Parser)]
struct Cli {
    /// The folder of the programs
    #[arg(long, value_name = "DIR")]
    programs: PathBuf,
    /// Where to write to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// A private key of SSH that signs SHA256SUMS
    #[arg(long, value_name = "KEY")]
    sign: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let product = Product::read(&root, &cli.programs)?;
    fs::create_dir_all(&cli.out).map_err(Error::file(&cli.out))?;
    let (archive, package, image) = packed(&product);
    let list = product
        .documents
        .iter()
        .find(|(path, _)| path == product::PARTS);
    let list = list.map(|(_, text)| (format!("{}.cdx.json", product.name()), text.clone()));
    let files: Vec<(String, Vec<u8>)> = [archive, package, image].into_iter().chain(list).collect();
    for (name, bytes) in &files {
        let path = cli.out.join(name);
        fs::write(&path, bytes).map_err(Error::file(&path))?;
    }
    let sums = sums::write(&cli.out, &files)?;
    if let Some(key) = &cli.sign {
        sums::sign(&sums, key)?;
    }
    for (name, bytes) in &files {
        println!("{:>10}  {name}", bytes.len());
    }
    println!(
        "in {}; check with `sha256sum -c SHA256SUMS`",
        cli.out.display()
    );
    Ok(())
}

type Named = (String, Vec<u8>);

/// All at once: compressing takes longer than everything else here.
fn packed(product: &Product) -> (Named, Named, Named) {
    std::thread::scope(|scope| {
        let archive = scope.spawn(|| archive::archive(product));
        let package = scope.spawn(|| debian::package(product));
        let image = image::image(product);
        let joined = |result: std::thread::Result<Named>| {
            result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        (joined(archive.join()), joined(package.join()), image)
    })
}

/// Bytes as digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
