//! What other package managers install a release with: the formula for Homebrew and the flake for Nix, read by Ruby and by Nix.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::path::Path;

use e2e::files::root;
use e2e::oracle;
use e2e::program::{Run, other};
use e2e::release::{Release, VERSION};

/// A template of `packaging` as `cargo xtask formulas` fills it in.
fn filled(template: &str, sum: &str) -> String {
    let text = fs::read_to_string(root().join("packaging").join(template)).unwrap();
    text.replace("@VERSION@", VERSION).replace("@SHA256@", sum)
}

/// Where the archive of a release is.
fn url() -> String {
    format!(
        "{}/releases/download/v{VERSION}/clearml-secure-{VERSION}-x86_64-linux.tar.gz",
        env!("CARGO_PKG_REPOSITORY")
    )
}

#[test]
fn the_formula_fetches_the_archive_installs_the_programs_and_runs_them() {
    let Some(ruby) = oracle::on_path("ruby") else {
        return oracle::skip("the formula for Homebrew: ruby not found");
    };
    let release = Release::new();
    let folder = tempfile::tempdir().unwrap();
    let formula = folder.path().join("clearml-secure.rb");
    fs::write(
        &formula,
        filled("homebrew/clearml-secure.rb", &release.sum()),
    )
    .unwrap();
    let checked = other(&ruby)
        .args(["-wc".as_ref(), formula.as_os_str()])
        .done()
        .exit(0);
    assert_eq!(checked.stderr, "", "a warning");
    let prefix = folder.path().join("prefix");
    fs::create_dir(&prefix).unwrap();
    let done = other(&ruby)
        .arg(root().join("tests/oracles/formula.rb"))
        .args([&formula, &prefix])
        .within(&release.unpacked())
        .done()
        .exit(0);
    let facts: Vec<&str> = done.stdout.lines().take(2).collect();
    assert_eq!(facts, [url(), release.sum()]);
    for path in [
        "bin/clearml-verify",
        "share/bash-completion/completions/clearml-verify",
    ] {
        assert!(prefix.join(path).is_file(), "{path}");
    }
    assert!(release.given().contains("keys.env"), "its test was not run");
}

/// Nix with a store of its own, so that nothing of the machine is needed or changed.
fn nix(store: &Path) -> Option<Run> {
    let nix = oracle::on_path("nix-instantiate")?;
    let mut run = other(&nix);
    for variable in ["NIX_STORE_DIR", "NIX_STATE_DIR", "NIX_LOG_DIR", "HOME"] {
        run = run.env(variable, store);
    }
    Some(run)
}

#[test]
fn the_flake_fetches_the_archive_and_installs_what_is_in_it() {
    let (release, folder) = (Release::new(), tempfile::tempdir().unwrap());
    let Some(parse) = nix(folder.path()) else {
        return oracle::skip("the flake for Nix: nix-instantiate not found");
    };
    let flake = folder.path().join("flake.nix");
    fs::write(&flake, filled("nix/flake.nix", &release.sum())).unwrap();
    parse.arg("--parse").arg(&flake).done().exit(0);
    // What it gives to nixpkgs, with nothing of nixpkgs.
    let asked = "{ flake }: let
          pkgs = { stdenvNoCC.mkDerivation = given: given; fetchurl = given: given; lib.licenses = { mit = 1; asl20 = 2; }; };
          package = (import flake).outputs { self = { }; nixpkgs.legacyPackages.x86_64-linux = pkgs; };
        in { inherit (package.packages.x86_64-linux.default) src installPhase version; }";
    let expression = folder.path().join("asked.nix");
    fs::write(&expression, asked).unwrap();
    let given = nix(folder.path())
        .unwrap()
        .args(["--eval", "--strict", "--json", "--arg", "flake"])
        .args([&flake, &expression])
        .done()
        .exit(0);
    let given: serde_json::Value = serde_json::from_str(&given.stdout).unwrap();
    assert_eq!(given["src"]["url"], url());
    assert_eq!(given["src"]["sha256"], release.sum());
    assert_eq!(given["version"], VERSION);
    let out = folder.path().join("out");
    other(Path::new("sh"))
        .args(["-e", "-c", given["installPhase"].as_str().unwrap()])
        .env("out", &out)
        .within(&release.unpacked())
        .done()
        .exit(0);
    let program = other(&out.join("bin/clearml-verify"))
        .arg("--version")
        .done()
        .exit(0);
    assert!(
        program
            .stdout
            .starts_with(&format!("clearml-verify {VERSION}"))
    );
}

#[test]
fn what_the_pages_say_of_the_compiler_is_what_tests_it() {
    let needed = env!("CARGO_PKG_RUST_VERSION");
    let tested = fs::read_to_string(root().join("rust-toolchain.toml")).unwrap();
    assert!(
        tested.contains(&format!("channel = \"{needed}.0\"")),
        "{tested}"
    );
    for page in ["README.md", "README.zh-CN.md"] {
        let text = fs::read_to_string(root().join(page)).unwrap();
        assert!(text.contains(&format!("Rust {needed}")), "{page}");
        assert!(text.contains("x86_64"), "{page}");
    }
}
