//! A machine to try the pages' commands on: a folder in place of `/`, a home, and a server where one is asked for.
//!
//! Programs that the pages use and that no test machine has, or that would change it, are played by the small scripts of
//! `tests/standin/bin`: docker, sudo, sops, vault, ….

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;
use tempfile::TempDir;

use crate::files::{copy_all, root, stock};
use crate::kubernetes::{self, Kubernetes};
use crate::oracle;
use crate::program::{other, program};
use crate::standin::Standin;

/// The addresses of the server on the pages, all of its web server.
const ADDRESSES: [&str; 2] = ["https://clearml.example.com", "http://localhost:8080"];
/// Folders of the pages that are folders of the sandbox.
const FOLDERS: [&str; 2] = ["/opt/clearml", "/etc/"];
/// Between what two commands print.
const MARK: char = '\u{1}';
/// The way to a secured deployment, as README has it.
pub const SECURE: &str = "clearml-keygen --user jane --passwords logins.txt -o keys.env\n\
    clearml-inject -k keys.env --env-file .env --close-ports --bind 127.0.0.1 -i --backup .before docker-compose.yml\n";
/// The file of an agent that has the pair of the services agent.
const CLIENT: &str = ". ./keys.env; mkdir ~/clients; umask 077; cat >~/clients/clearml.conf <<END
api {
    credentials {\"access_key\": \"$CLEARML_AGENT_ACCESS_KEY\", \"secret_key\": \"$CLEARML_AGENT_SECRET_KEY\"}
}
END
";
/// What somebody sets of ClearML's chart.
const VALUES: &str = "clearml:\n  cookieDomain: example.com\napiserver:\n  replicaCount: 1\n";
/// The way to a secured release, as docs/kubernetes.md has it.
const RELEASE: &str = "clearml-keygen -o keys.env\n\
    clearml-keygen --from keys.env -f kubernetes | kubectl -n clearml create -f -\n\
    clearml-keygen -f helm -o clearml-secure.yaml\n\
    helm upgrade --install -n clearml clearml clearml/clearml --version 7.14.4 -f values.yaml -f clearml-secure.yaml\n";
/// A rotation of all keys.
const ROTATE: &str = "cp -p .env .env.before\nclearml-keygen -o new.env\nclearml-inject -k new.env --env-file .env -i docker-compose.yml\n";

/// One of them.
pub struct Sandbox {
    folder: TempDir,
    server: Option<Standin>,
}

/// What came of a command.
pub struct Printed {
    /// Standard output and standard error, in the order in which they came.
    pub lines: Vec<String>,
    /// The exit status.
    pub status: i32,
}

impl Sandbox {
    /// Makes one; none, with a visible skip, where something that it takes is missing.
    ///
    /// | name | what there is |
    /// |---|---|
    /// | `empty` | nothing |
    /// | `stock` | ClearML's own docker-compose.yml |
    /// | `secured` | the same with keys, users and an env file, as README says |
    /// | `server` | the same, and a server that runs with it; in `~/clients` the file of an agent with its pair |
    /// | `rotated` | the same with new keys in `new.env` and `.env`; the old ones are in `keys.env` |
    /// | `kubernetes` | values of a person for ClearML's Helm chart, in `values.yaml`; helm and kubectl |
    /// | `released` | the same, with keys in `keys.env` and in a cluster, as docs/kubernetes.md says |
    /// | `examples/NAME` | that folder |
    pub fn new(name: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut sandbox = Self {
            folder,
            server: None,
        };
        for folder in ["home", "srv", "opt/clearml/config", "etc"] {
            fs::create_dir_all(sandbox.root().join(folder)).unwrap();
        }
        match name {
            "empty" => {}
            "stock" | "secured" | "server" | "rotated" => {
                sandbox.write("docker-compose.yml", &stock());
                sandbox.write("/opt/clearml/docker-compose.yml", &stock());
            }
            "kubernetes" | "released" => {
                Kubernetes::find()?;
                sandbox.write("values.yaml", VALUES);
            }
            example if example.starts_with("examples/") => {
                copy_all(&root().join(example), &sandbox.here());
            }
            other => panic!("no sandbox is called {other}"),
        }
        if matches!(name, "secured" | "server" | "rotated") {
            sandbox.must(SECURE);
        }
        if name == "rotated" {
            sandbox.must(ROTATE);
        }
        if name == "server" {
            sandbox.must(CLIENT);
        }
        if name == "released" {
            sandbox.must(RELEASE);
        }
        if matches!(name, "server" | "rotated") {
            let more = json!({"env_file": sandbox.here().join(".env"), "version": "2.3.0"});
            sandbox.server = Some(Standin::start(
                &sandbox.here().join("docker-compose.yml"),
                more,
            )?);
        }
        Some(sandbox)
    }

    fn must(&self, script: &str) {
        let done = self.script(script);
        assert_eq!(done.status, 0, "{:?}", done.lines);
    }

    /// The folder in place of `/`.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The folder that commands run in.
    pub fn here(&self) -> PathBuf {
        self.root().join("srv")
    }

    /// A file, with the pages' folders and addresses as they are here.
    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, self.real(text)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Where a file of this name is.
    pub fn path(&self, name: &str) -> PathBuf {
        match name.strip_prefix('/') {
            Some(below) => self.root().join(below),
            None => self.here().join(name),
        }
    }

    /// Types commands, one after the other, into one shell.
    pub fn session(&self, commands: &[String]) -> Vec<Printed> {
        // The status of a command is that of the next one's `$?`, too.
        let typed = commands.iter().map(|command| {
            format!("{command}\nstatus=$?; printf '\\1%s\\1' \"$status\"; (exit \"$status\")\n")
        });
        self.run(&typed.collect::<String>(), "+e")
    }

    /// Runs a script.
    pub fn script(&self, text: &str) -> Printed {
        self.run(text, "-e").remove(0)
    }

    fn run(&self, script: &str, option: &str) -> Vec<Printed> {
        let programs = program("verify");
        let path = [
            root().join("tests/standin/bin"),
            programs.parent().unwrap().to_owned(),
            root().join("scripts"),
        ];
        let path = path.map(|folder| folder.display().to_string()).join(":");
        let mut run = other(Path::new("/bin/sh"))
            .env("PATH", format!("{path}:/usr/bin:/bin:/usr/sbin"))
            .env("HOME", self.root().join("home"))
            .env("SANDBOX", self.root())
            // The hosts of the pages are this machine.
            .env("ANSIBLE_TRANSPORT", "local");
        let real = [
            ("DOCKER_COMPOSE", oracle::docker_compose()),
            ("HELM", oracle::helm()),
            ("KUBECTL", oracle::kubectl()),
            ("CHART", Some(kubernetes::chart())),
        ];
        for (name, path) in real {
            if let Some(path) = path {
                run = run.env(name, path);
            }
        }
        let script = format!("exec 2>&1\numask 022\n{}", self.real(script));
        let done = run
            .args([option, "-c", &script])
            .within(&self.here())
            .done();
        let stdout = self.shown(&done.stdout);
        let mut printed = Vec::new();
        let mut parts = stdout.split(MARK).peekable();
        while let (Some(text), status) = (parts.next(), parts.next()) {
            if status.is_none() && !printed.is_empty() {
                break;
            }
            printed.push(Printed {
                lines: text.lines().map(str::to_owned).collect(),
                status: status.map_or(done.status.unwrap_or(-1), |status| status.parse().unwrap()),
            });
        }
        printed
    }

    /// A text of a page as it is here.
    fn real(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for folder in FOLDERS {
            let here = format!("{}{folder}", self.root().display());
            // Not within another path, and not the container's part of a mount.
            for before in [" ", "\"", "'", "=", "\n", "`"] {
                text = text.replace(&format!("{before}{folder}"), &format!("{before}{here}"));
            }
        }
        if let Some(server) = &self.server {
            for address in ADDRESSES {
                text = text.replace(address, &server.web);
            }
        }
        text
    }

    /// What was printed here as a page shows it.
    fn shown(&self, text: &str) -> String {
        let mut text = text.replace(&self.root().display().to_string(), "");
        if let Some(server) = &self.server {
            text = text.replace(&server.web, ADDRESSES[1]);
        }
        text
    }
}
