//! Where people already work: the action for GitHub, the job for GitLab and the hook for pre-commit. Their commands run as
//! there, with a release on this machine; zizmor, check-jsonschema and pre-commit say whether the files are right.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use e2e::action::{Job, Ran, action};
use e2e::files::{root, stock};
use e2e::gitlab;
use e2e::oracle;
use e2e::program::{Done, other, program};
use e2e::release::Release;
use e2e::sandbox::Sandbox;
use serde_json::Value;
use tempfile::TempDir;

/// What a runner's machine has.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// A repository with a deployment, checked out by a runner: no `.env`, and a folder in place of the server's configuration.
struct Checkout {
    folder: TempDir,
    keys: String,
}

impl Checkout {
    /// With ClearML's own compose file.
    fn stock() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["repository/config", "temp"] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let checkout = Self {
            folder,
            keys: String::new(),
        };
        fs::write(checkout.repository().join("docker-compose.yml"), stock()).unwrap();
        checkout
    }

    /// With references in the compose file, to the values of `keys`.
    fn secured() -> Self {
        static SECURED: LazyLock<(String, String)> = LazyLock::new(|| {
            let server = Sandbox::new("secured").unwrap();
            let read = |name: &str| fs::read_to_string(server.path(name)).unwrap();
            (read("docker-compose.yml"), read("keys.env"))
        });
        let mut checkout = Self::stock();
        let (compose, keys) = &*SECURED;
        fs::write(checkout.repository().join("docker-compose.yml"), compose).unwrap();
        checkout.keys.clone_from(keys);
        checkout
    }

    fn repository(&self) -> PathBuf {
        self.folder.path().join("repository")
    }

    fn temp(&self) -> PathBuf {
        self.folder.path().join("temp")
    }

    fn github(&self, release: &Release, with: &[(&str, &str)]) -> Ran {
        let (workspace, temp) = (self.repository(), self.temp());
        let job = Job {
            workspace: &workspace,
            temp: &temp,
            path: PATH.to_owned(),
        };
        let url = release.url();
        job.run(
            &[
                &[("releases", url.as_str()), ("config-dir", "config")],
                with,
            ]
            .concat(),
        )
    }

    fn gitlab(&self, release: &Release, variables: &[(&str, &str)]) -> Done {
        let (repository, temp) = (self.repository(), self.temp());
        let folder = [("CLEARML_CONFIG_DIR", "config"), ("PATH", PATH)];
        gitlab::run(&repository, &temp, release, &[&folder, variables].concat())
    }

    /// The values of the keys that are secret.
    fn secrets(&self) -> Vec<&str> {
        let lines = self.keys.lines().filter(|line| line.contains("SECRET"));
        let values: Vec<&str> = lines
            .filter_map(|line| line.split_once('='))
            .map(|(_, value)| value)
            .collect();
        assert!(values.len() > 5);
        values
    }

    /// Fails if a secret is in one of the texts, or in a file that a run left behind.
    fn keeps_secrets(&self, texts: &[&str]) {
        let mut folders = vec![self.folder.path().to_owned()];
        let mut left: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match fs::read(&path) {
                    Ok(bytes) => left.push(String::from_utf8_lossy(&bytes).into_owned()),
                    Err(_) => folders.push(path),
                }
            }
        }
        for secret in self.secrets() {
            assert!(!left.iter().any(|text| text.contains(secret)));
        }
    }
}

#[test]
fn the_action_fails_and_shows_what_it_found() {
    let checkout = Checkout::stock();
    let ran = checkout.github(&Release::new(), &[("sarif", "true")]);
    assert!(!ran.is_success);
    assert_eq!(ran.outputs["status"], "1", "{}", ran.log);
    assert!(ran.log.contains("::error file="), "{}", ran.log);
    assert!(ran.summary.contains("missing-setting"), "{}", ran.summary);
    let [(called, with)] = &ran.called[..] else {
        panic!("{:?}", ran.called);
    };
    assert!(called.starts_with("github/codeql-action/upload-sarif@"));
    assert_eq!(with["sarif_file"], ran.outputs["sarif"]);
    let sarif = fs::read_to_string(&with["sarif_file"]).unwrap();
    let sarif: Value = serde_json::from_str(&sarif).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let is_found = |result: &Value| result["ruleId"] == "missing-setting";
    assert!(results.iter().any(is_found));
    let ran = checkout.github(&Release::new(), &[("fail-on", "never")]);
    assert!(ran.is_success, "{}", ran.log);
    assert!(ran.called.is_empty(), "it was not asked for");
}

#[test]
fn the_action_is_green_with_the_keys_and_keeps_them() {
    let (checkout, release) = (Checkout::secured(), Release::new());
    let target = ("target", "\ndocker-compose.yml\n");
    let ran = checkout.github(&release, &[("keys", &checkout.keys), target]);
    assert!(ran.is_success, "{}", ran.log);
    assert_eq!(ran.outputs["status"], "0");
    checkout.keeps_secrets(&[&ran.log, &ran.summary, &release.given()]);
    assert!(release.given().contains("--keys"));
    // Without them nothing is called clean.
    let ran = checkout.github(&release, &[]);
    assert_eq!(ran.outputs["status"], "2", "{}", ran.log);
}

#[test]
fn the_action_runs_no_archive_that_is_not_the_one_of_the_sums() {
    let (checkout, release) = (Checkout::stock(), Release::new());
    let sum = release.sum();
    let good = checkout.github(&release, &[("sha256", &sum), ("fail-on", "never")]);
    assert!(good.is_success, "{}", good.log);
    assert!(release.given().contains("--fail-on\nnever\n"));
    let refused = |release: &Release, with: &[(&str, &str)]| {
        let checkout = Checkout::stock();
        let ran = checkout.github(release, with);
        assert!(!ran.is_success, "{}", ran.log);
        assert_eq!(ran.outputs["program"], "");
        assert_eq!(release.given(), "", "it was run");
    };
    let zeros = "0".repeat(64);
    refused(&Release::new(), &[("sha256", &zeros)]);
    refused(&Release::new(), &[("version", "0.0.1")]);
    let spoiled = Release::new();
    spoiled.spoil();
    refused(&spoiled, &[]);
    let forgotten = Release::new();
    forgotten.forget();
    refused(&forgotten, &[]);
}

#[test]
fn the_action_takes_a_program_that_is_installed() {
    let checkout = Checkout::stock();
    let (workspace, temp) = (checkout.repository(), checkout.temp());
    let programs = program("verify").parent().unwrap().display().to_string();
    let with = [("version", "installed"), ("config-dir", "config")];
    let job = |path| Job {
        workspace: &workspace,
        temp: &temp,
        path,
    };
    let ran = job(format!("{programs}:{PATH}")).run(&with);
    assert_eq!(ran.outputs["status"], "1", "{}", ran.log);
    let ran = job(PATH.to_owned()).run(&with);
    assert!(!ran.is_success);
    assert_eq!(ran.outputs["status"], "", "{}", ran.log);
}

#[test]
fn the_action_says_of_every_input_what_it_is() {
    let action = action();
    let parts = [&action["inputs"], &action["outputs"]];
    for (name, part) in parts.iter().flat_map(|part| part.as_object().unwrap()) {
        assert!(part["description"].as_str().unwrap().len() > 10, "{name}");
    }
    let releases = format!("{}/releases/download", env!("CARGO_PKG_REPOSITORY"));
    assert_eq!(action["inputs"]["releases"]["default"], *releases);
    assert_eq!(gitlab::job()["variables"]["CLEARML_RELEASES"], *releases);
}

#[test]
fn the_job_on_gitlab_fails_and_writes_a_code_quality_report() {
    let (checkout, release) = (Checkout::stock(), Release::new());
    let done = checkout.gitlab(&release, &[]).exit(1);
    let report = gitlab::job()["artifacts"]["reports"]["codequality"].clone();
    let report = checkout.repository().join(report.as_str().unwrap());
    let entries: Vec<Value> = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    assert!(
        entries
            .iter()
            .any(|entry| entry["check_name"] == "missing-setting")
    );
    assert!(done.stdout.contains("missing-setting"), "{}", done.report());
    assert_eq!(gitlab::job()["artifacts"]["when"], "always");
}

#[test]
fn the_job_on_gitlab_is_green_with_the_keys_and_keeps_them() {
    let (checkout, release) = (Checkout::secured(), Release::new());
    // A variable of type File: GitLab writes it, readable for anybody, outside of the repository.
    let variable = tempfile::NamedTempFile::new().unwrap();
    fs::write(variable.path(), &checkout.keys).unwrap();
    let path = variable.path().display().to_string();
    let done = checkout
        .gitlab(&release, &[("CLEARML_KEYS", &path)])
        .exit(0);
    checkout.keeps_secrets(&[&done.stdout, &done.stderr, &release.given()]);
    checkout.gitlab(&release, &[]).exit(2);
}

#[test]
fn the_job_on_gitlab_runs_no_archive_that_is_not_the_one_of_the_sums() {
    let zeros = "0".repeat(64);
    let [good, spoiled, forgotten] = [(); 3].map(|()| Release::new());
    spoiled.spoil();
    forgotten.forget();
    let sum = good.sum();
    let checkout = Checkout::stock();
    checkout.gitlab(&good, &[("CLEARML_SHA256", &sum)]).exit(1);
    for (release, sum) in [
        (&Release::new(), zeros.as_str()),
        (&spoiled, ""),
        (&forgotten, ""),
    ] {
        let done = checkout.gitlab(release, &[("CLEARML_SHA256", sum)]).exit(1);
        assert_eq!(release.given(), "", "it was run: {}", done.report());
    }
    let done = checkout.gitlab(&good, &[("CLEARML_VERSION", "")]);
    assert!(
        done.stderr.contains("CLEARML_VERSION: names a release"),
        "{}",
        done.report()
    );
}

#[test]
fn what_github_and_gitlab_say_of_these_files_is_asked_of_their_schemas() {
    let Some(check) = oracle::of_python("check-jsonschema") else {
        return oracle::skip(
            "files for GitHub and GitLab against their schemas: no Python environment",
        );
    };
    let fits = |schema: &str, more: &[&str], path: &Path| {
        let mut run = other(&check).args(["--builtin-schema", &format!("vendor.{schema}")]);
        run = run.args(more.iter().copied()).arg(path);
        run.done()
    };
    let gitlab: &[&str] = &["--data-transform", "gitlab-ci"];
    fits("github-actions", &[], &root().join("action.yml")).exit(0);
    fits(
        "gitlab-ci",
        gitlab,
        &root().join("templates/clearml-verify.yml"),
    )
    .exit(0);
    let forms = root().join(".github/ISSUE_TEMPLATE");
    fits("github-issue-config", &[], &forms.join("config.yml")).exit(0);
    let names = issue_forms().into_iter().map(|(name, _)| forms.join(name));
    let names: Vec<String> = names.map(|path| path.display().to_string()).collect();
    let others: Vec<&str> = names[1..].iter().map(String::as_str).collect();
    fits("github-issue-forms", &others, Path::new(&names[0])).exit(0);
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("wrong.yml");
    fs::write(&wrong, "job: {script: [a], artifacts: {when: seldom}}\n").unwrap();
    fits("github-actions", &[], &wrong).exit(1);
    fits("gitlab-ci", gitlab, &wrong).exit(1);
}

/// The forms for issues, by their names.
fn issue_forms() -> Vec<(String, Value)> {
    let folder = fs::read_dir(root().join(".github/ISSUE_TEMPLATE")).unwrap();
    let forms = folder.map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let form = serde_yaml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        (name, form)
    });
    forms.filter(|(name, _)| name != "config.yml").collect()
}

#[test]
fn every_form_for_an_issue_warns_first_and_asks_last() {
    let forms = issue_forms();
    assert!(forms.len() > 2);
    for (name, form) in forms {
        let body = form["body"].as_array().unwrap();
        let first = body[0]["attributes"]["value"].as_str().unwrap();
        assert!(first.starts_with("**Leave out keys, passwords"), "{name}");
        let last = &body.last().unwrap()["attributes"]["options"][0];
        assert_eq!(last["required"], true, "{name}");
    }
}

#[test]
fn zizmor_finds_nothing_in_the_action() {
    let Some(zizmor) = oracle::of_python("zizmor") else {
        return oracle::skip("the action by zizmor: no Python environment");
    };
    let check = |path: &Path| {
        other(&zizmor)
            .args(["--offline", "--no-progress", "--persona", "auditor"])
            .arg(path)
            .done()
    };
    let done = check(&root().join("action.yml"));
    assert_eq!(done.status, Some(0), "{}", done.stdout);
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("action.yml");
    let text = fs::read_to_string(root().join("action.yml")).unwrap();
    let injected = text.replace("<<<\"$TARGET\"", "<<<'${{ inputs.target }}'");
    assert_ne!(text, injected);
    fs::write(&wrong, injected).unwrap();
    assert_ne!(
        check(&wrong).status,
        Some(0),
        "it finds no injection either"
    );
}

/// A repository whose commits go through the hook, as `pre-commit install` sets it up.
struct Hooked {
    folder: TempDir,
    path: String,
}

impl Hooked {
    /// None where pre-commit is not there. The arguments are those that a configuration adds.
    fn new(arguments: &str) -> Option<Self> {
        let pre_commit = oracle::of_python("pre-commit")?;
        let manifest = root().join(".pre-commit-hooks.yaml");
        other(&pre_commit)
            .arg("validate-manifest")
            .arg(manifest)
            .done()
            .exit(0);
        let folders = [program("verify"), pre_commit]
            .map(|path| path.parent().unwrap().display().to_string());
        let hooked = Self {
            folder: tempfile::tempdir().unwrap(),
            path: format!("{}:{PATH}", folders.join(":")),
        };
        for name in ["hooks", "home", "here"] {
            fs::create_dir(hooked.folder.path().join(name)).unwrap();
        }
        let hooks = hooked.folder.path().join("hooks");
        let name = ".pre-commit-hooks.yaml";
        fs::copy(root().join(name), hooks.join(name)).unwrap();
        let git = |arguments: &[&str]| hooked.run("git", arguments, &hooks).exit(0);
        git(&["init", "-q"]);
        git(&["add", "."]);
        git(&["commit", "-q", "-m", "Hooks"]);
        let revision = git(&["rev-parse", "HEAD"]).stdout;
        hooked.write(
            ".pre-commit-config.yaml",
            &format!(
                "repos:\n  - repo: {}\n    rev: {}\n    hooks:\n      - id: clearml-verify\n        args: {arguments}\n",
                hooks.display(),
                revision.trim()
            ),
        );
        hooked.git(&["init", "-q"]).exit(0);
        hooked
            .run("pre-commit", &["install"], &hooked.here())
            .exit(0);
        Some(hooked)
    }

    fn here(&self) -> PathBuf {
        self.folder.path().join("here")
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.here().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn git(&self, arguments: &[&str]) -> Done {
        self.run("git", arguments, &self.here())
    }

    /// Commits everything that is not ignored.
    fn commit(&self) -> Done {
        self.git(&["add", "."]).exit(0);
        self.git(&["commit", "-m", "A change"])
    }

    fn run(&self, program: &str, arguments: &[&str], within: &Path) -> Done {
        let home = self.folder.path().join("home");
        let mut run = other(Path::new("env"))
            .arg(program)
            .args(arguments.iter().copied())
            .within(within)
            .env("PATH", &self.path)
            .env("HOME", &home)
            .env("PRE_COMMIT_HOME", home.join("pre-commit"));
        for person in ["AUTHOR", "COMMITTER"] {
            run = run
                .env(&format!("GIT_{person}_NAME"), "Jane")
                .env(&format!("GIT_{person}_EMAIL"), "jane@example.com");
        }
        run.done()
    }
}

#[test]
fn the_hook_blocks_public_keys_and_a_keyset_and_lets_the_rest_through() {
    let Some(hooked) = Hooked::new("[--config-dir, config]") else {
        return oracle::skip("the hook by pre-commit: no Python environment");
    };
    hooked.write("docker-compose.yml", &stock());
    hooked.write("config/.gitkeep", "");
    let refused = hooked.commit().exit(1);
    assert!(
        refused.stdout.contains("missing-setting") || refused.stderr.contains("missing-setting"),
        "{}",
        refused.report()
    );
    // What a person does then.
    for command in [
        "clearml-keygen --user jane --passwords logins.txt -o keys.env",
        "clearml-inject -k keys.env --env-file .env --close-ports --bind 127.0.0.1 -i docker-compose.yml",
    ] {
        hooked.run("sh", &["-c", command], &hooked.here()).exit(0);
    }
    hooked.write(".gitignore", ".env\nlogins.txt\n");
    let refused = hooked.commit().exit(1);
    let said = format!("{}{}", refused.stdout, refused.stderr);
    assert!(
        said.contains("tracked-secret") && said.contains("keys.env"),
        "{said}"
    );
    hooked.git(&["rm", "-q", "--cached", "keys.env"]).exit(0);
    hooked.write(".gitignore", ".env\nlogins.txt\nkeys.env\n");
    hooked.commit().exit(0);
    let committed = hooked.git(&["ls-files"]).exit(0).stdout;
    assert!(
        committed.contains("docker-compose.yml") && !committed.contains("keys.env"),
        "{committed}"
    );
}
