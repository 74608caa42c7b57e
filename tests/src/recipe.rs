//! Files of the pages that a program other than ours reads: each is given to that program, or its commands are run.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::oracle;
use crate::sandbox::Sandbox;

/// What is wrong with a file that was written into a sandbox.
pub fn faults(sandbox: &Sandbox, name: &str) -> Vec<String> {
    let path = sandbox.path(name);
    let base = path.file_name().unwrap().to_string_lossy().into_owned();
    let text = std::fs::read_to_string(&path).unwrap();
    match base.as_str() {
        _ if name.starts_with(".github/") => scripts(sandbox, &github(&text)),
        ".gitlab-ci.yml" => scripts(sandbox, &gitlab(&text)),
        "Caddyfile" => refused(
            Path::new("caddy"),
            &["validate", "--adapter", "caddyfile", "--config"],
            &path,
        ),
        "nginx.conf" => nginx(sandbox, &text),
        _ if base.ends_with(".service") => scripts(sandbox, &services(&text)),
        _ => Vec::new(),
    }
}

/// The commands of a workflow on GitHub, but for those that install the programs.
fn github(text: &str) -> Vec<String> {
    let workflow: Value = serde_yaml::from_str(text).unwrap();
    let jobs = workflow["jobs"].as_object().unwrap().values();
    let steps = jobs.flat_map(|job| job["steps"].as_array().unwrap());
    steps
        .filter_map(|step| Some(step["run"].as_str()?.to_owned()))
        .collect()
}

/// The commands of the jobs on GitLab.
fn gitlab(text: &str) -> Vec<String> {
    let jobs: Value = serde_yaml::from_str(text).unwrap();
    let scripts = jobs
        .as_object()
        .unwrap()
        .values()
        .filter_map(|job| job["script"].as_array());
    scripts
        .flatten()
        .map(|line| line.as_str().unwrap().to_owned())
        .collect()
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

/// Runs commands; a finding of clearml-verify is no failure of the recipe.
fn scripts(sandbox: &Sandbox, commands: &[String]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut run = 0;
    for command in commands
        .iter()
        .filter(|command| !command.starts_with("cargo install "))
    {
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
