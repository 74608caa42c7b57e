//! The configuration folder that servers mount: `secure.conf` from keygen, and `apiserver.conf` with its users.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod by_hand;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::files::fixtures;
use e2e::oracle;
use e2e::program::{Done, clearml};
use e2e::standin::{Standin, asked};
use serde_json::{Value, json};

/// A folder with files in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            fs::write(folder.path(name), text).unwrap();
        }
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Every file's name and content.
    fn all(&self) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = fs::read_dir(self.0.path())
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().is_file())
            .map(|entry| entry.file_name().into_string().unwrap())
            .map(|name| (name.clone(), self.text(&name)))
            .collect();
        all.sort();
        all
    }

    /// keygen in this folder.
    fn keygen(&self, arguments: &str) -> Done {
        clearml("keygen")
            .within(self.0.path())
            .args(arguments.split_whitespace())
            .done()
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// What pyhocon reads from a file, as JSON; none, with a visible skip, without it.
fn pyhocon(path: &Path) -> Option<Value> {
    let Some(python) = oracle::python() else {
        oracle::skip("secure.conf: no pyhocon");
        return None;
    };
    let script = "import json, sys; from pyhocon import ConfigFactory\n\
                  print(json.dumps(ConfigFactory.parse_file(sys.argv[1])))";
    let output = Command::new(python)
        .args(["-c", script])
        .arg(path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

const IN_PLACE: &str = "-f hocon --from secure.conf -o secure.conf --force";

const SECURE: &str = "# ours\r\nredis { fileserver { password: \"p#w\" } } // the database\r\n\
    auth {\r\n\ttoken_secret = old  # since May\r\n}\r\n\
    credentials { mine { role: user, user_key: K, user_secret: \"S\" } }\r\n";

#[test]
fn a_secure_conf_is_merged_in_place() {
    let folder = Folder::new(&[("secure.conf", SECURE)]);
    fs::set_permissions(folder.path("secure.conf"), Permissions::from_mode(0o644)).unwrap();
    let done = folder.keygen(&format!("{IN_PLACE} --only token_secret"));
    assert_eq!((done.status, done.stdout.as_str()), (Some(0), ""));
    assert_eq!(
        done.stderr,
        "clearml-keygen: wrote secure.conf (mode 0600): 12 settings\n\
         clearml-keygen: the servers read it when they start. Restart them together, in the folder of the compose file:\n\
         \x20 docker compose up -d --force-recreate apiserver fileserver async_delete\n\
         \x20 docker compose exec redis redis-cli -n 8 FLUSHDB   # otherwise old tokens work for up to 12 hours\n\
         clearml-keygen: secure.conf had no value for these settings, so new values were generated: \
         session_secret, apiserver, fileserver, webserver, tests, services_agent\n"
    );
    assert_eq!(mode(&folder.path("secure.conf")), 0o600);
    let merged = folder.text("secure.conf");
    let (before, after) = SECURE.split_once("old").unwrap();
    let rest = merged.strip_prefix(before).unwrap();
    let (value, rest) = rest.split_at(56);
    assert!(value.starts_with('"') && value.ends_with('"'));
    let added = rest.strip_prefix(after).unwrap();
    assert_eq!(added.matches("\r\n").count(), 11);
    assert_eq!(added.lines().count(), 11);
    // All is there now, so nothing changes; on standard output neither.
    assert_eq!(folder.keygen(IN_PLACE).status, Some(0));
    assert_eq!(folder.text("secure.conf"), merged);
    assert_eq!(folder.keygen("-f hocon --from secure.conf").stdout, merged);
    assert_eq!(folder.all().len(), 1);
    let Some(tree) = pyhocon(&folder.path("secure.conf")) else {
        return;
    };
    assert_eq!(tree["redis"]["fileserver"]["password"], "p#w");
    assert_eq!(tree["credentials"]["mine"]["user_secret"], "S");
    assert_eq!(tree["auth"]["token_secret"], value.trim_matches('"'));
}

#[test]
fn what_cannot_be_merged_is_refused_and_nothing_is_written() {
    for (more, expected) in [
        (
            "auth.token_secret: ${?MARKED}",
            "2:1: an entry `token_secret` is here twice",
        ),
        ("include \"other.conf\"", "2:1: an include"),
        (
            "redis.password: ${auth.token_secret}",
            "2:17: this would be another value",
        ),
        ("\"-credentials\": {}", "2:1: a key with a dash"),
        (
            "http.session_secret.apiserver: ${MARKED}",
            "2:32: secure.http.session_secret.apiserver: a `${…}`",
        ),
    ] {
        let folder = Folder::new(&[(
            "secure.conf",
            &format!("auth.token_secret: MARKED\n{more}\n"),
        )]);
        fs::write(folder.path("chosen"), "jane:a password of hers\n").unwrap();
        let before = folder.all();
        let done = folder.keygen(&format!(
            "{IN_PLACE} --only token_secret --users-from chosen"
        ));
        assert_eq!(done.status, Some(2), "{more}");
        let start = format!("clearml-keygen: secure.conf:{expected}");
        assert!(done.stderr.starts_with(&start), "{more}\n{}", done.stderr);
        assert!(done.stderr.contains("\n  help: "), "{}", done.stderr);
        done.never_says("MARKED");
        assert_eq!(folder.all(), before, "{more}");
    }
}

/// The model that verify has of a folder: none of its findings is about users.
fn has_no_finding_about_users(folder: &Folder, config: &Folder, stock: &Path) {
    let compose = fs::read_to_string(stock).unwrap();
    let here = compose.replace(
        "/opt/clearml/config:",
        &format!("{}:", config.0.path().display()),
    );
    fs::write(folder.path("docker-compose.yml"), here).unwrap();
    let done = folder.keygen("--from secure.conf -o keys.env").exit(0);
    drop(done);
    let done = clearml("verify")
        .within(folder.0.path())
        .args(["-f", "json", "--keys", "keys.env", "docker-compose.yml"])
        .done();
    let findings: Value = serde_json::from_str(&done.stdout).unwrap();
    let of_users = [
        "default-credential",
        "login-config-ignored",
        "malformed-password-hash",
        "missing-setting",
        "open-login",
        "weak-password",
    ];
    for finding in findings["findings"].as_array().unwrap() {
        let is_agent = finding["server"] == "agent-services";
        assert!(
            is_agent || !of_users.contains(&finding["rule"].as_str().unwrap()),
            "{finding}"
        );
    }
}

#[test]
fn a_server_with_this_folder_has_exactly_these_users() {
    let folder = Folder::new(&[(
        "chosen",
        "ann:it's \"quoted\" $HOME #1:Ann O'Neil\nJürgen:pässword with spaces\n",
    )]);
    let done = folder
        .keygen("-f hocon -o secure.conf --user jane --passwords passwords --users-from chosen");
    assert_eq!(done.status, Some(0), "{}", done.stderr);
    let said = "clearml-keygen: wrote apiserver.conf (mode 0600): 3 web-login users\n";
    assert!(done.stderr.ends_with(said), "{}", done.stderr);
    assert_eq!(mode(&folder.path("apiserver.conf")), 0o600);
    // The keyset has its users still.
    let back = folder.keygen("--from secure.conf -f json").exit(0);
    let keyset: Value = serde_json::from_str(&back.stdout).unwrap();
    let names = |list: &Value| {
        let users = list.as_array().unwrap().iter();
        users
            .map(|user| user["username"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&keyset["users"]), ["jane", "ann", "Jürgen"]);
    let Some(tree) = pyhocon(&folder.path("apiserver.conf")) else {
        return;
    };
    let fixed = &tree["auth"]["fixed_users"];
    assert_eq!(
        (&fixed["enabled"], &fixed["pass_hashed"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(names(&fixed["users"]), ["jane", "ann", "Jürgen"]);
    assert_eq!(fixed["users"][1]["name"], "Ann O'Neil");
    for (user, of_server) in keyset["users"]
        .as_array()
        .unwrap()
        .iter()
        .zip(fixed["users"].as_array().unwrap())
    {
        assert_eq!(user["password_hash"], of_server["password"]);
    }

    let config = Folder::new(&[]);
    for name in ["secure.conf", "apiserver.conf"] {
        fs::copy(folder.path(name), config.path(name)).unwrap();
    }
    let stock = fixtures().join("stock/docker-compose.yml");
    let Some(standin) = Standin::start(&stock, json!({"config": config.0.path()})) else {
        return;
    };
    let passwords = folder.text("passwords");
    let jane = passwords.trim_end().strip_prefix("jane:").unwrap();
    for (name, password, expected) in [
        ("jane", jane, 200),
        ("ann", "it's \"quoted\" $HOME #1", 200),
        ("Jürgen", "pässword with spaces", 200),
        ("jane", "wrong", 401),
        ("john", jane, 401),
    ] {
        assert_eq!(standin.log_in(name, password), expected, "{name}");
    }
    // No published credential is let in.
    let (_, found, unknown) = asked(&standin, &[]);
    assert_eq!(found, ["cors-reflection note apiserver"]);
    assert!(unknown.is_empty());

    has_no_finding_about_users(&folder, &config, &stock);
}

#[test]
fn a_secure_conf_is_not_replaced_by_less() {
    let folder = Folder::new(&[("secure.conf", SECURE)]);
    for format in ["", "-f json", "-f env"] {
        let done = folder.keygen(&format!(
            "--from secure.conf --only token_secret -o secure.conf --force {format}"
        ));
        assert_eq!(done.status, Some(2), "{format}");
        assert!(
            done.stderr.contains(
                "clearml-keygen: secure.conf: the other lines of this file would be lost\n  help: "
            ) && done.stderr.contains("use `-f hocon` for a secure.conf"),
            "{}",
            done.stderr
        );
        assert_eq!(folder.text("secure.conf"), SECURE);
    }
    // Nor by new keys.
    let done = folder.keygen("-q -f hocon -o secure.conf --force");
    assert_eq!(done.status, Some(2));
    assert_eq!(folder.text("secure.conf"), SECURE);
    // A keyset alone may change its form.
    fs::remove_file(folder.path("secure.conf")).unwrap();
    folder.keygen("-q -f hocon -o secure.conf").exit(0);
    folder.keygen("-q -f hocon -o secure.conf --force").exit(0);
    folder
        .keygen("--from secure.conf -o secure.conf --force -f json")
        .exit(0);
}

#[test]
fn the_secure_conf_of_the_image_is_filled_and_its_public_values_are_named() {
    let known = "auth { token_secret: \"Rq8FW84sSqVgq7WvBB_4EzNl9y8z8IGiDXX3C345_a5AZfcwZcwCIA\" }\n\
        credentials {\n  services_agent {\n    role: \"admin\"\n    user_key: \"\"\n    user_secret: \"\"\n  }\n}\n";
    let kept = "clearml-keygen: warning: secure.conf: kept, although public: token_secret\n  help: make new ones with --only token_secret";
    for (only, is_named) in [("", true), ("--only services_agent", false)] {
        let folder = Folder::new(&[("secure.conf", known)]);
        let done = folder.keygen(&format!("{IN_PLACE} {only}"));
        assert_eq!(done.status, Some(0), "{}", done.stderr);
        assert!(done.stderr.contains(kept), "{}", done.stderr);
        let missing = "secure.conf had no value for these settings, so new values were generated: session_secret, apiserver";
        assert!(done.stderr.contains(missing), "{}", done.stderr);
        assert_eq!(done.stderr.contains(", services_agent\n"), is_named);
        let Some(tree) = pyhocon(&folder.path("secure.conf")) else {
            return;
        };
        let agent = &tree["credentials"]["services_agent"];
        assert_eq!(agent["role"], "admin");
        assert_eq!(agent["user_key"].as_str().unwrap().len(), 30);
        assert_eq!(agent["user_secret"].as_str().unwrap().len(), 54);
        folder.keygen("--from secure.conf -o keys.env").exit(0);
    }
}

#[test]
fn both_files_are_written_or_neither() {
    let old = "auth.fixed_users.users: []\n";
    // A folder in the keyset's place: it cannot be written, with or without force.
    for (apiserver, force) in [(None, ""), (None, "--force"), (Some(old), "--force")] {
        let folder = Folder::new(&[("chosen", "jane:a password of hers\n")]);
        fs::create_dir(folder.path("secure.conf")).unwrap();
        if let Some(text) = apiserver {
            fs::write(folder.path("apiserver.conf"), text).unwrap();
            fs::set_permissions(folder.path("apiserver.conf"), Permissions::from_mode(0o640))
                .unwrap();
        }
        let before = folder.all();
        let done = folder.keygen(&format!(
            "-f hocon -o secure.conf {force} --users-from chosen --user john --passwords passwords"
        ));
        assert_eq!(done.status, Some(2), "{force}");
        assert_eq!(folder.all(), before, "{force}");
        if apiserver.is_some() {
            assert_eq!(mode(&folder.path("apiserver.conf")), 0o640);
        }
    }
    // And in the users' place.
    let folder = Folder::new(&[
        ("chosen", "jane:a password of hers\n"),
        ("secure.conf", SECURE),
    ]);
    fs::create_dir(folder.path("apiserver.conf")).unwrap();
    let before = folder.all();
    let done = folder.keygen(&format!("{IN_PLACE} --users-from chosen"));
    assert_eq!(done.status, Some(2));
    assert_eq!(folder.all(), before);
}

#[test]
fn without_a_folder_it_is_said_that_no_server_reads_the_users() {
    let folder = Folder::new(&[("chosen", "jane:a password of hers\n")]);
    let done = folder.keygen("-f hocon --users-from chosen").exit(0);
    assert!(done.stdout.contains("\n# which `clearml-keygen -f hocon -o FOLDER/secure.conf` writes beside secure.conf.\nusers: [\n"));
    let done = folder
        .keygen("-f hocon --users-from chosen -o keys.conf")
        .exit(0);
    assert!(
        done.stderr
            .contains("no server reads the users in keys.conf"),
        "{}",
        done.stderr
    );
    assert!(!folder.path("apiserver.conf").exists());
}
