//! The image of what is released, in a Docker engine: it has nothing but the programs, and no network here.
//!
//! `cargo xtask dist --check` runs this over a release that was made, with what takes real programs in an empty image: a name
//! that is resolved, and TLS with the certificates that are mounted.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use e2e::files::stock;
use e2e::oracle;
use e2e::packed::{PROGRAMS, Packed, VERSION};
use serde_json::{Value, json};

/// The image in the engine; it goes when this is dropped.
struct Image {
    name: String,
    is_real: bool,
}

impl Image {
    /// None, with a visible skip, where there is no engine, or where somebody has an image of this name.
    fn load() -> Option<Self> {
        let ready = Self::find();
        if let Err(why) = &ready {
            oracle::skip(&format!("the image in a Docker engine: {why}"));
        }
        ready.ok()
    }

    fn find() -> Result<Self, String> {
        if !oracle::docker_engine() {
            return Err("none answers".to_owned());
        }
        let released = Packed::get()?;
        let name = format!("clearml-secure:{VERSION}");
        for name in [&name, "clearml-secure:latest"] {
            let there = Command::new("docker")
                .args(["image", "inspect", name])
                .output();
            if there.is_ok_and(|output| output.status.success()) {
                return Err(format!("somebody has an image called {name} here"));
            }
        }
        let image = Self {
            name,
            is_real: released.is_real,
        };
        let mut load = Command::new("docker");
        succeed(
            load.args(["load", "--quiet", "-i"])
                .arg(released.file(".image.tar.gz")),
        );
        Ok(image)
    }

    /// `docker run --rm OPTIONS… IMAGE WORDS…`, with an input.
    fn run(&self, options: &[&str], words: &[&str], input: &str) -> Output {
        let mut command = Command::new("docker");
        let command = command.args(["run", "--rm", "-i"]).args(options);
        let command = command.arg(&self.name).args(words);
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        child.wait_with_output().unwrap()
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let mut remove = Command::new("docker");
        remove.args([
            "image",
            "rm",
            "--force",
            &self.name,
            "clearml-secure:latest",
        ]);
        drop(remove.output());
    }
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder that another user may read, as a person's is.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(folder.path().join("docker-compose.yml"), stock()).unwrap();
    folder
}

fn mounted(folder: &Path) -> String {
    format!("{}:/w:ro", folder.display())
}

#[test]
fn it_runs_as_nobody_over_a_mounted_folder_and_over_its_input() {
    let Some(image) = Image::load() else {
        return;
    };
    let described = succeed(Command::new("docker").args(["image", "inspect", &image.name]));
    let described: Value = serde_json::from_str(&described).unwrap();
    let config = &described[0]["Config"];
    assert_eq!(config["User"], "65532:65532");
    let label = |name: &str| &config["Labels"][format!("org.opencontainers.image.{name}")];
    assert_eq!(label("version"), VERSION);
    assert_eq!(label("licenses"), "MIT OR Apache-2.0");
    assert!(label("source").as_str().unwrap().starts_with("https://"));
    assert!(label("revision").as_str().is_none_or(|it| it.len() == 40));
    assert_eq!(
        described[0]["RootFS"]["Layers"].as_array().unwrap().len(),
        1
    );

    for program in PROGRAMS {
        let output = image.run(&["--network", "none"], &[program, "-V"], "");
        let said = text(&output.stdout);
        assert!(
            said.starts_with(&format!("{program} {VERSION}")),
            "{output:?}"
        );
    }
    let folder = folder();
    let mount = mounted(folder.path());
    let alone = ["--network", "none", "--read-only", "--cap-drop", "ALL"];
    let over_folder = [&alone[..], &["-v", &mount]].concat();
    let inspected =
        json!([{"Id": "0", "Name": "/x", "Config": {"Image": "a", "Env": []}}]).to_string();
    if image.is_real {
        let output = image.run(&over_folder, &["clearml-verify", "docker-compose.yml"], "");
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert!(text(&output.stdout).contains("10 errors"), "{output:?}");
        let output = image.run(&alone, &["clearml-verify", "-"], &inspected);
        assert_eq!(
            output.status.code(),
            Some(2),
            "no server is among these: {output:?}"
        );
        return;
    }
    let told = |options: &[&str], words: &[&str], input: &str| -> Value {
        let output = image.run(options, words, input);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    };
    let of_folder = told(&over_folder, &[], "");
    assert_eq!(
        of_folder,
        json!({
            "name": "clearml-verify",
            "words": [],
            "user": "65532",
            "group": "65532",
            "folder": "/w",
            "files": ["docker-compose.yml"],
            "input": "",
        })
    );
    let of_input = told(&alone, &["clearml-verify", "-"], &inspected);
    assert_eq!(
        (&of_input["words"], &of_input["input"]),
        (&json!(["-"]), &json!(inspected))
    );
    assert_eq!(of_input["files"], json!([]));
}
