//! Files of the pages that a program other than ours reads: each is given to that program, or its commands are run.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::action::Job;
use crate::gitlab;
use crate::oracle;
use crate::release::Release;
use crate::sandbox::Sandbox;

/// What is wrong with a file that was written into a sandbox.
pub fn faults(sandbox: &Sandbox, name: &str) -> Vec<String> {
    let path = sandbox.path(name);
    let base = path.file_name().unwrap().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(&path).unwrap();
    match base.as_str() {
        _ if name.starts_with(".github/") => github(sandbox, &text),
        ".gitlab-ci.yml" => on_gitlab(sandbox, &text),
        ".pre-commit-config.yaml" => match oracle::of_python("pre-commit") {
            Some(pre_commit) => refused(&pre_commit, &["validate-config"], &path),
            None => {
                oracle::skip("the recipe for pre-commit: no Python environment");
                Vec::new()
            }
        },
        "Caddyfile" => refused(
            Path::new("caddy"),
            &["validate", "--adapter", "caddyfile", "--config"],
            &path,
        ),
        "nginx.conf" => nginx(sandbox, &text),
        _ if base.ends_with(".service") => scripts(sandbox, &services(&text)),
        "alerts.yaml" => alerts(sandbox, &text),
        _ if text.starts_with("apiVersion: ") => manifest(sandbox, &path, &text),
        _ => Vec::new(),
    }
}

/// What a workflow on GitHub does wrong: its steps are our action, with the keys of the sandbox as the secret.
fn github(sandbox: &Sandbox, text: &str) -> Vec<String> {
    let workflow: Value = serde_yaml::from_str(text).unwrap();
    let jobs = workflow["jobs"].as_object().unwrap().values();
    let steps = jobs.flat_map(|job| job["steps"].as_array().unwrap());
    let ours = |step: &&Value| {
        let called = step["uses"].as_str().unwrap();
        env!("CARGO_PKG_REPOSITORY").ends_with(called.split('@').next().unwrap())
    };
    let [step] = steps.filter(ours).collect::<Vec<_>>()[..] else {
        return vec!["it does not have our action once".to_owned()];
    };
    let keys = std::fs::read_to_string(sandbox.path("keys.env")).unwrap();
    let mut with = BTreeMap::new();
    for (name, value) in step["with"].as_object().unwrap() {
        let value = match value.as_str() {
            Some("${{ secrets.CLEARML_KEYS }}") => keys.clone(),
            Some(text) => text.to_owned(),
            None => value.to_string(),
        };
        with.insert(name.as_str(), value);
    }
    let release = Release::new();
    let url = release.url();
    let mut with: Vec<(&str, &str)> = with.iter().map(|(name, value)| (*name, &**value)).collect();
    with.push(("releases", &url));
    let (workspace, temp) = (sandbox.here(), tempfile::tempdir().unwrap());
    let job = Job {
        workspace: &workspace,
        temp: temp.path(),
        path: "/usr/bin:/bin".to_owned(),
    };
    let ran = job.run(&with);
    let faults = (!ran.is_success).then_some(ran.log);
    faults.into_iter().collect()
}

/// What a pipeline on GitLab does wrong: it includes our template, and changes its variables.
fn on_gitlab(sandbox: &Sandbox, text: &str) -> Vec<String> {
    let pipeline: Value = serde_yaml::from_str(text).unwrap();
    let included = pipeline["include"][0]["remote"].as_str().unwrap();
    if !included.ends_with("/templates/clearml-verify.yml") {
        return vec![format!("{included} is not our template")];
    }
    let keys = sandbox.path("keys.env").display().to_string();
    let mut variables = vec![("CLEARML_KEYS", &*keys), ("PATH", "/usr/bin:/bin")];
    for (name, value) in pipeline["clearml-verify"]["variables"].as_object().unwrap() {
        variables.push((name, value.as_str().unwrap()));
    }
    let temp = tempfile::tempdir().unwrap();
    let done = gitlab::run(&sandbox.here(), temp.path(), &Release::new(), &variables);
    let faults = (done.status != Some(0)).then(|| done.report());
    faults.into_iter().collect()
}

/// The commands of a unit of systemd.
fn services(text: &str) -> Vec<String> {
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("ExecStart="));
    lines
        .map(|line| line.replace("/usr/local/bin/", ""))
        .collect()
}

/// What nginx says against a part of its configuration, with certificates where it names some.
fn nginx(sandbox: &Sandbox, text: &str) -> Vec<String> {
    let Some(nginx) = oracle::nginx() else {
        oracle::skip("the recipe for nginx: nginx not found");
        return Vec::new();
    };
    let pair = rcgen::generate_simple_self_signed(["clearml.example.com".to_owned()]).unwrap();
    sandbox.write("/etc/ssl/clearml.crt", &pair.cert.pem());
    sandbox.write("/etc/ssl/clearml.key", &pair.signing_key.serialize_pem());
    let here = sandbox.here();
    let whole = format!(
        "pid {}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{text}}}\n",
        here.display()
    );
    sandbox.write("whole.conf", &whole);
    refused(&nginx, &["-t", "-c"], &here.join("whole.conf"))
}

/// What kubectl says against a manifest, and what its pods do: each address is asked by one of an Indexed Job's.
fn manifest(sandbox: &Sandbox, path: &Path, text: &str) -> Vec<String> {
    let Some(kubectl) = oracle::kubectl() else {
        oracle::skip("manifests of the pages: kubectl is not set up");
        return Vec::new();
    };
    let object: Value = serde_yaml::from_str(text).unwrap();
    // Kinds that are no part of Kubernetes are unknown to it.
    let is_known = !object["apiVersion"]
        .as_str()
        .unwrap()
        .starts_with("external-secrets.io/");
    let decode: &[&str] = match is_known {
        true => &["set", "env", "--list", "--local", "-f"],
        false => &["label", "seen=yes", "--local", "-f"],
    };
    let mut faults = refused(&kubectl, decode, path);
    let job = &object["spec"]["jobTemplate"]["spec"];
    let container = &job["template"]["spec"]["containers"][0];
    let words = |field: &str| {
        let words = container[field].as_array().into_iter().flatten();
        words.map(|word| word.as_str().unwrap()).collect::<Vec<_>>()
    };
    if words("command").is_empty() {
        return faults;
    }
    let quoted = |word: &str| format!("'{}'", word.replace('\'', "'\\''"));
    let urls = std::fs::read_to_string(sandbox.path("urls")).unwrap();
    sandbox.write("/etc/clearml-servers/urls", &urls);
    let mut asked = 0;
    for index in 0..job["completions"].as_u64().unwrap() {
        let words = [words("command"), words("args")].concat();
        let words: Vec<String> = words
            .iter()
            .map(|word| quoted(&word.replace("$(JOB_COMPLETION_INDEX)", &index.to_string())))
            .collect();
        let done = sandbox.script(&words.join(" "));
        asked += usize::from(!done.lines.is_empty());
        if done.status > 1 {
            faults.push(format!(
                "{index}: {}\n{}",
                done.status,
                done.lines.join("\n")
            ));
        }
    }
    if asked != urls.lines().count() {
        faults.push(format!(
            "{asked} pods asked {} servers",
            urls.lines().count()
        ));
    }
    faults
}

/// Metrics in the rules that clearml-verify does not print.
fn alerts(sandbox: &Sandbox, text: &str) -> Vec<String> {
    let done = sandbox.script("clearml-verify -f prometheus https://clearml.example.com || true");
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    let names = text.match_indices("clearml_verify_").map(|(at, _)| {
        let end = text[at..].find(|c| !is_name(c)).unwrap();
        &text[at..at + end]
    });
    let names: Vec<&str> = names.collect();
    assert!(names.len() > 2, "{text}");
    let is_printed = |name: &&str| {
        let mut lines = done.lines.iter();
        lines.any(|line| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with([' ', '{']))
        })
    };
    let missing = names.into_iter().filter(|name| !is_printed(name));
    missing
        .map(|name| format!("{name} is not printed"))
        .collect()
}

/// Runs commands; a finding of clearml-verify is no failure of the recipe.
fn scripts(sandbox: &Sandbox, commands: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut run = 0;
    for command in commands {
        let done = sandbox.script(command);
        run += 1;
        let may_find = command.contains("clearml-verify");
        if done.status != 0 && !(may_find && done.status == 1) {
            faults.push(format!(
                "{command}: exit status {}\n{}",
                done.status,
                done.lines.join("\n")
            ));
        }
    }
    if run == 0 {
        faults.push("no command in it".to_owned());
    }
    faults
}

/// What a program says against a file.
fn refused(program: &Path, arguments: &[&str], path: &Path) -> Vec<String> {
    let Ok(output) = Command::new(program).args(arguments).arg(path).output() else {
        oracle::skip(&format!(
            "{}: {} not found",
            path.file_name().unwrap_or_default().display(),
            program.display()
        ));
        return Vec::new();
    };
    if output.status.success() {
        return Vec::new();
    }
    vec![String::from_utf8_lossy(&output.stderr).into_owned()]
}
