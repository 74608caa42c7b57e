//! What fixes the findings, as shell to be read and pasted. What no command fixes stands in comments.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use clearml_secure_core::setting::Server;
use clearml_secure_core::shell::{comment, quoted};
use clearml_secure_core::source::Sources;

use super::text::NotCheckedLines;
use super::{Printer, Seen, text};
use crate::cli::Cli;
use crate::finding::Finding;
use crate::fix::{self, Inject, Keys, Lines, Mode, Names, Obstacle, Output, Place, Plan};
use crate::report::described::Described;
use crate::report::trees::Trees;
use crate::report::{Report, Subject};
use crate::words::{InUse, and};

/// A help that has this command is none where it is refused.
const INJECT: &str = "clearml-inject";

/// The commands for one deployment after the other.
pub(super) struct Script<'a> {
    cli: &'a Cli,
    names: Names,
    /// One file under two targets is fixed once.
    seen: HashSet<PathBuf>,
    has_begun: bool,
}

impl<'a> Script<'a> {
    pub(super) fn new(cli: &'a Cli) -> Self {
        Self {
            cli,
            names: Names::default(),
            seen: HashSet::new(),
            has_begun: false,
        }
    }
}

impl Printer for Script<'_> {
    fn add(&mut self, report: &Report, trees: Option<&Trees>) -> String {
        let mut block = comment(&text::looked_at(report));
        let findings: Vec<Finding> = report
            .findings
            .iter()
            .map(|told| (**told).clone())
            .collect();
        if let Some(Trees {
            deployment,
            effective,
            keys,
        }) = trees
        {
            if report.is_besides {
                block.push_str(&of_variant(&deployment.sources, &findings));
            } else if self.seen.insert(fix::compose_file(deployment).to_owned()) {
                block.push_str(&match &deployment.project {
                    Some(project) => {
                        let of = (&**project, deployment);
                        let plan = fix::plan(self.cli, of, effective, &findings, &mut self.names);
                        of_deployment(deployment, &plan, keys.as_deref())
                    }
                    None if deployment.manifests.is_some() => of_manifests(&findings),
                    None => of_containers(&findings),
                });
            } else {
                return String::new();
            }
        } else if let Subject::Server { .. } = report.subject {
            block.push_str(&of_server(&findings));
        }
        let mut not_checked = NotCheckedLines::default();
        not_checked.add(&report.unknown);
        let lines = not_checked.lines(usize::MAX);
        let lines = lines.iter().flat_map(|line| line.lines());
        block.extend(lines.map(|line| comment(&format!("  {line}"))));
        if report.findings.is_empty() && report.unknown.is_empty() {
            block.push_str(&comment("  no findings"));
        }
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        match is_first {
            true => block,
            false => format!("\n{block}"),
        }
    }

    fn end(&mut self, _: &Seen<'_>) -> String {
        String::new()
    }
}

/// What a file merged over another adds is fixed there, by hand.
fn of_variant(sources: &Sources, findings: &[Finding]) -> String {
    advised("  ", Some(sources), findings.iter().map(with_help))
}

/// Nothing is changed on a server that runs.
fn of_server(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let title = comment(
        "  a running server is fixed in its files: clearml-verify --fix docker-compose.yml",
    );
    title + &advised("  ", None, findings.iter().map(with_help))
}

/// Manifests are changed where they come from.
fn of_manifests(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let title =
        comment("  change the values of the chart, or the files that these manifests come from:");
    title + &advised("  ", None, findings.iter().map(with_help))
}

fn with_help(finding: &Finding) -> (&Finding, String) {
    (finding, finding.help.clone())
}

/// What runs is changed in the files that it is made from.
fn of_containers(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return String::new();
    }
    let out = comment(
        "  fix the files that these containers are made from (clearml-verify --fix docker-compose.yml), then recreate \
         the containers: docker compose up -d",
    );
    out + &advised("  ", None, findings.iter().map(with_help))
}

fn of_deployment(deployment: &Described, plan: &Plan<'_>, in_use: Option<&Path>) -> String {
    let sources = &deployment.sources;
    let mut out = String::new();
    let is_at_end = |lines: &&Lines<'_>| matches!(lines.place, Place::End(_));
    let (ends, by_hand): (Vec<&Lines<'_>>, Vec<&Lines<'_>>) =
        plan.lines.iter().partition(is_at_end);
    for mode in &plan.modes {
        out.push_str(&private(sources, mode));
    }
    if let Some((command, fixes)) = &plan.conf {
        out.push_str(&format!("{}{command}\n", fixed(sources, fixes)));
        out.push_str(&restarted(deployment));
    }
    if let Some(inject) = &plan.inject {
        out.push_str(&injected(deployment, inject));
    }
    for lines in ends {
        out.push_str(&appended(sources, lines));
    }
    if by_hand.is_empty() && plan.left.is_empty() {
        return out;
    }
    out.push_str("#\n# Not fixed by these commands:\n");
    for lines in by_hand {
        out.push_str(&elsewhere(sources, lines));
    }
    let keys = plan.inject.as_ref().and_then(|inject| inject.keys.path());
    // A pipe can be read only once.
    let keys = keys.or(in_use).filter(|path| *path != Path::new("-"));
    let mut in_use = InUse::of(keys);
    // One reason may be in the way of all: it is said of the first.
    let mut told: Vec<(&str, String)> = Vec::new();
    let left = plan.left.iter().map(|(finding, obstacle)| {
        let help = in_use.named(&finding.help);
        let help = match obstacle {
            Some(Obstacle::Refusal(why)) if help.contains(why) => help,
            Some(Obstacle::Refusal(why)) if help.contains(INJECT) => why.clone(),
            Some(Obstacle::Refusal(why) | Obstacle::Harm(why)) => {
                let known = told.iter().find(|(known, _)| known == why);
                match known.is_some_and(|(_, first)| *first != help) {
                    true => help,
                    false => {
                        told.push((why, help.clone()));
                        format!("{help}\n  {why}")
                    }
                }
            }
            None => help,
        };
        (*finding, help)
    });
    out + &advised("", Some(sources), left)
}

/// A server reads its files when it starts.
fn restarted(deployment: &Described) -> String {
    const READERS: [Server; 3] = [Server::Apiserver, Server::Fileserver, Server::AsyncDelete];
    let mut services: Vec<String> = Vec::new();
    for instance in READERS.into_iter().flat_map(|server| deployment.of(server)) {
        let name = quoted(Path::new(&deployment.service(instance).name));
        if !services.contains(&name) {
            services.push(name);
        }
    }
    let lines = [
        "then run these, in the folder and with the options with which you start it (the servers must restart together):".to_owned(),
        format!("  docker compose up -d --force-recreate {}", services.join(" ")),
        "  redis-cli -n 8 FLUSHDB   # otherwise old tokens work for up to 12 hours; on the Redis of the file server".to_owned(),
    ];
    lines.iter().map(|line| comment(line)).collect()
}

/// What a person does, in comments: once for all findings that it helps with. Their places are named where they are in files.
fn advised<'a>(
    indent: &str,
    sources: Option<&Sources>,
    findings: impl Iterator<Item = (&'a Finding, String)>,
) -> String {
    let mut said: Vec<(String, Vec<String>, Vec<&str>)> = Vec::new();
    for (finding, help) in findings {
        let index = said.iter().position(|(known, ..)| *known == help);
        let index = index.unwrap_or_else(|| {
            said.push((help, Vec::new(), Vec::new()));
            said.len() - 1
        });
        let (_, places, rules) = &mut said[index];
        let place = sources.zip(finding.span);
        let place = place.map(|(sources, span)| sources.place(span).to_string());
        places.extend(place.filter(|place| !places.contains(place)));
        if !rules.contains(&finding.rule) {
            rules.push(finding.rule);
        }
    }
    let mut out = String::new();
    for (help, places, rules) in said {
        let places = match places.is_empty() {
            true => String::new(),
            false => format!("{}: ", places.join(", ")),
        };
        let mut lines = help.lines();
        let first = lines.next().unwrap_or_default();
        let first = format!("{indent}{places}{}: {first}", rules.join(", "));
        out.extend(std::iter::once(first.as_str()).chain(lines).map(comment));
    }
    out
}

fn private(sources: &Sources, mode: &Mode<'_>) -> String {
    if mode.is_closed {
        let file = quoted(&mode.path);
        return fixed(sources, &mode.fixes)
            + &comment(&format!("{file} is closed by a command above"));
    }
    let why = if mode.fixes.is_empty() {
        comment("  others can read this file, and it will hold secrets")
    } else {
        fixed(sources, &mode.fixes)
    };
    format!("{why}chmod 600 {}\n", quoted(&mode.path))
}

fn injected(deployment: &Described, inject: &Inject<'_>) -> String {
    let compose = quoted(fix::compose_file(deployment));
    let files = inject.env_files.iter().map(PathBuf::as_path);
    let keys = inject
        .keys
        .path()
        .map(|path| format!(" -k {}", quoted(path)));
    let options = keys.unwrap_or_default() + &deployment.inject_files(files);
    let mut out = String::new();
    if !inject.fixes.is_empty() {
        let ports = if inject.close_ports {
            " --close-ports"
        } else {
            ""
        };
        out.push_str(&fixed(&deployment.sources, &inject.fixes));
        out.push_str(&run(inject, &compose, &options, ports));
    }
    if !inject.bind.is_empty() {
        out.push_str(&comment(
            "behind a reverse proxy on this machine, run this too (without the #); without one, it cuts off every agent and \
             user on other machines",
        ));
        out.push_str(&fixed(&deployment.sources, &inject.bind));
        out.push_str(&bound(inject, &compose, &options));
    }
    // It knows what changed, and how docker compose has to be told which files.
    out.push_str(&comment("then run the commands that clearml-inject prints"));
    out
}

/// One run, after what it needs.
fn run(inject: &Inject<'_>, compose: &str, options: &str, ports: &str) -> String {
    let mut out = String::new();
    if inject.is_tracked {
        out.push_str(&comment(
            "  git tracks the file: what is committed from now on has the keys in it",
        ));
    }
    // Where these lines come to a shell in a pipe, it would read them as a keyset.
    let input = match &inject.keys {
        Keys::Given(_) => "",
        Keys::New(keys) => {
            out.push_str(&format!("clearml-keygen -o {} &&\n", quoted(keys)));
            ""
        }
        Keys::Unneeded => " </dev/null",
    };
    out.push_str(&match &inject.to {
        Output::File(path) => {
            format!("clearml-inject{options}{ports} -o {} -\n", quoted(path))
        }
        Output::InPlace(suffix) => {
            format!("clearml-inject{options}{ports} -i --backup {suffix} {compose}{input}\n")
        }
        Output::Override(path) => format!(
            "clearml-inject{options}{ports} --override -o {} {compose}{input}\n",
            quoted(path)
        ),
    });
    out
}

/// The run that changes addresses, as lines to take the `#` from.
fn bound(inject: &Inject<'_>, compose: &str, options: &str) -> String {
    const BIND: &str = " --bind 127.0.0.1";
    match &inject.to {
        _ if inject.fixes.is_empty() => {
            let lines = run(inject, compose, options, BIND);
            let lines = lines.lines().map(|line| match line.starts_with('#') {
                true => format!("{line}\n"),
                false => format!("#{line}\n"),
            });
            lines.collect()
        }
        Output::File(_) | Output::Override(_) => comment(&format!("add{BIND} to the last command")),
        // It has its backup by now.
        Output::InPlace(_) => {
            let input = match inject.keys.path() {
                Some(_) => "",
                None => " </dev/null",
            };
            format!("#clearml-inject{options}{BIND} -i {compose}{input}\n")
        }
    }
}

/// `a, b and c`, each once.
fn named<'a>(services: impl Iterator<Item = &'a str>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for name in services {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    and(&names)
}

/// The findings that what follows fixes: rule, count and places.
fn fixed(sources: &Sources, findings: &[&Finding]) -> String {
    let mut out = String::new();
    let mut rules: Vec<&str> = findings.iter().map(|finding| finding.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    for rule in rules {
        let of_rule = || findings.iter().filter(|finding| finding.rule == rule);
        let mut places: Vec<String> = of_rule()
            .filter_map(|finding| Some(sources.place(finding.span?).to_string()))
            .collect();
        places.dedup();
        let count = of_rule().count();
        let places = match places.is_empty() {
            true => String::new(),
            false => format!(": {}", places.join(", ")),
        };
        out.push_str(&comment(&format!("  {rule} ({count}){places}")));
    }
    out
}

fn appended(sources: &Sources, lines: &Lines<'_>) -> String {
    let Place::End(path) = &lines.place else {
        return String::new();
    };
    let mut out = fixed(sources, &lines.fixes);
    if let Some(folder) = &lines.folder {
        out.push_str(&format!("mkdir -p {} &&\n", quoted(folder)));
    }
    // The last line of the file may have no end.
    out.push_str(&format!(
        "cat >> {} <<'EOF'\n\n{}\nEOF\n",
        quoted(path),
        lines.lines.join("\n")
    ));
    let services = lines.services.join(" ");
    out.push_str(&comment(&format!(
        "then: docker compose restart {services}"
    )));
    out
}

fn elsewhere(sources: &Sources, lines: &Lines<'_>) -> String {
    let mut out = fixed(sources, &lines.fixes);
    let services = named(lines.services.iter().map(String::as_str));
    let place = match &lines.place {
        Place::Elsewhere(name) => format!(
            "at the end of {name} in the configuration folder of {services}, which cannot all be read from here:"
        ),
        Place::Referenced(path) => format!("in {path}:"),
        Place::Unmounted { name, folder } => {
            format!("in {name} of a folder that is mounted at {folder} of {services}; none is:")
        }
        Place::End(path) | Place::Inside(path) => {
            format!(
                "inside of {}, where it is set or within its braces:",
                path.display()
            )
        }
        Place::Variable { name, at } => {
            out.push_str(&comment(&format!(
                "  {at}: {name} wins over every file; take it out, then run this again"
            )));
            return out;
        }
    };
    out.push_str(&comment(&format!("  {place}")));
    for line in &lines.lines {
        out.push_str(&comment(&format!("    {line}")));
    }
    out
}
