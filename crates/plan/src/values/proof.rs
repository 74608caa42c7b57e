//! The three promises for a values file: what the servers read, what else the file says, and every other line.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use clearml_secure_core::container::{Container, VariableValue};
use clearml_secure_core::edit::origin;
use clearml_secure_core::effective::{Effective, Reading};
use clearml_secure_core::helm::{self, Release, recipe};
use clearml_secure_core::keyset::kubernetes::name_of;
use clearml_secure_core::knowable::Knowable;
use clearml_secure_core::kubernetes::{Reader, Rendered};
use clearml_secure_core::setting::{Server, Setting};
use clearml_secure_core::shell::quoted;
use clearml_secure_core::shown::{escape, escape_path};
use clearml_secure_core::source::{Span, place_of};
use clearml_secure_core::unseen::{Hides, Unseen};
use clearml_secure_core::version::Version;
use clearml_secure_core::yaml::Node;
use zeroize::Zeroizing;

use super::{EXISTING_SECRET, Job, LOGINS, Plan};
use crate::error::{Error, NotSeen};
use crate::proof::servers::Servers;
use crate::proof::{Broken, lines};
use crate::refusal::Refusal;

/// What a chart of a version makes of a text.
pub(super) fn read(job: &Job, text: &str, chart: Version) -> Result<Rendered, Error> {
    let mut reader = Reader::new();
    let release = Release {
        chart: Knowable::Known(chart),
        is_assumed: false,
        ..Release::default()
    };
    let files = vec![(job.path.clone(), Zeroizing::new(text.to_owned()).into())];
    reader.add_values(files, &release, 0)?;
    if job.has_users() {
        let logins = job.keyset.write_logins(&job.secret);
        reader.add(Path::new("logins"), logins, 0)?;
    }
    let mut deployments = reader.finish(None)?.deployments;
    match (deployments.pop(), deployments.is_empty()) {
        (Some(one), true) => Ok(one),
        _ => Err(Error::NoServer {
            why: None,
            file: escape_path(&job.path).into_owned(),
        }),
    }
}

/// What nothing here knows of the values may win over what is put into them.
pub(super) fn refuse_unseen(rendered: &Rendered) -> Result<(), Error> {
    let deployment = &rendered.deployment;
    let mut unseen = deployment.unseen.iter();
    let hides = |hides: Hides| {
        hides.variables() || matches!(hides, Hides::Anything | Hides::Program | Hides::Services)
    };
    match unseen.find(|unseen| hides(unseen.hides)) {
        Some(Unseen {
            what,
            reason,
            span: Some(span),
            ..
        }) => Err(Error::Refused(Refusal {
            place: deployment.sources.place(*span),
            message: format!("{} may win over what is injected: {reason}", escape(what)),
            help: "write what it becomes in its place, then run this again".to_owned(),
        })),
        Some(unseen) => Err(Error::Unseen(NotSeen::of(unseen, &deployment.sources))),
        None => Ok(()),
    }
}

/// Proves an edited text; which settings servers take from the Secret.
pub(super) fn prove(job: &Job, after: &str, plan: &Plan) -> Result<Vec<Setting>, Error> {
    lines::check(&job.text, after, &plan.edits).map_err(Error::NotProved)?;
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::NotProved(Broken::Unreadable {
            reason: error.to_string(),
            help: None,
        })
    };
    let (old, new) = (job.tree(&job.text)?, job.tree(after));
    let new = new.map_err(|error| unreadable(&error))?;
    let mut differences = Differences {
        section: plan.section.as_deref(),
        found: None,
    };
    differences.compare(&old, &new, &mut Vec::new());
    if let Some((path, at)) = differences.found {
        return Err(Error::NotProved(Broken::Elsewhere {
            place: at.map(|at| place_of(&job.path, after, at)),
            path,
            help: None,
        }));
    }
    let mut settings = Vec::new();
    // What lies between them differs in other values.
    for chart in [recipe::oldest(job.has_users()), helm::newest()] {
        let before = read(job, &job.text, chart)?;
        let rendered = read(job, after, chart).map_err(|error| unreadable(&error))?;
        refuse_unseen(&rendered)?;
        let taken = readings(job, plan, &before, &rendered, chart).map_err(Error::NotProved)?;
        settings.extend(taken);
    }
    settings.sort_unstable();
    settings.dedup();
    let again = job.plan(after).map_err(|error| unreadable(&error))?;
    match again.edits.is_empty() {
        true => Ok(settings),
        false => Err(Error::NotProved(Broken::effective(
            "a second run would change the file again".to_owned(),
        ))),
    }
}

/// Every server starts and takes every setting from its key of the Secret, and the API server the users.
fn readings(
    job: &Job,
    plan: &Plan,
    before: &Rendered,
    rendered: &Rendered,
    chart: Version,
) -> Result<Vec<Setting>, Broken> {
    let deployment = &rendered.deployment;
    let effective = Effective::of(deployment);
    let place = |span: Span| match deployment.sources.path(span.source) == job.path {
        true => place_of(&job.path, &job.text, origin(&plan.edits, span.start)),
        false => deployment.sources.place(span),
    };
    let servers = Servers {
        deployment,
        effective: &effective,
        place: &place,
    };
    servers.start()?;
    let mut settings = Vec::new();
    for reading in effective.readings() {
        let name = deployment
            .service(&deployment.instances[reading.instance])
            .name
            .as_str();
        if !is_from(rendered, reading, &job.secret) {
            return Err(Broken::with_help(
                format!(
                    "as chart {chart} renders it, {} would not take {} from Secret {}",
                    escape(name),
                    reading.setting,
                    job.secret
                ),
                format!(
                    "look for what else sets it:\n  clearml-verify --effective {}",
                    quoted(&job.path)
                ),
            ));
        }
        settings.push(reading.setting);
    }
    servers.set_up(&job.keyset)?;
    for (container, old) in deployment
        .containers
        .iter()
        .zip(&before.deployment.containers)
    {
        let old = repeated(old);
        if let Some(name) = repeated(container).iter().find(|name| !old.contains(name)) {
            return Err(Broken::with_help(
                format!(
                    "{} would have {} twice, which helm refuses",
                    escape(&container.name),
                    escape(name)
                ),
                format!("remove {}, then run this again", escape(name)),
            ));
        }
    }
    Ok(settings)
}

fn is_from(rendered: &Rendered, reading: &Reading, secret: &str) -> bool {
    let variable = reading.variable(&rendered.deployment);
    variable.is_some_and(|variable| match &variable.value {
        VariableValue::Elsewhere(from) => {
            from.kind == "Secret" && from.name == secret && from.key == name_of(reading.setting)
        }
        _ => false,
    })
}

/// Names that are twice in the environment of a container.
fn repeated(container: &Container) -> Vec<&str> {
    let names = container.pod.iter().flat_map(|pod| &pod.repeated);
    names.map(|(name, _)| name.as_str()).collect()
}

/// What two trees say differently, but for what is meant.
struct Differences<'a> {
    section: Option<&'a str>,
    /// The first one: its path, and where the new tree has it.
    found: Option<(String, Option<usize>)>,
}

impl Differences<'_> {
    fn compare(&mut self, old: &Arc<Node>, new: &Arc<Node>, path: &mut Vec<String>) {
        if self.found.is_some() || self.is_value(path) {
            return;
        }
        if self.is_list(path) {
            self.compare_lists(Some(old), new, path);
            return;
        }
        let is_mapping = old.entries().is_some() && new.entries().is_some();
        if !is_mapping || path.len() > 2 {
            if !old.says_the_same(new) {
                self.note(path, Some(new));
            }
            return;
        }
        let fields = |node: &Arc<Node>| -> BTreeMap<String, Arc<Node>> {
            let fields = node.fields().into_iter();
            fields
                .map(|field| {
                    let key = field.key.scalar().map(|key| key.text().to_owned());
                    (key.unwrap_or_default(), Arc::clone(field.value))
                })
                .collect()
        };
        let (olds, news) = (fields(old), fields(new));
        let mut keys: Vec<&String> = olds.keys().chain(news.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        for key in keys {
            path.push(key.clone());
            match (olds.get(key), news.get(key)) {
                (Some(old), Some(new)) => self.compare(old, new, path),
                (Some(_), None) if self.is_value(path) => {}
                (None, Some(new)) => self.compare_new(new, path),
                _ => self.note(path, None),
            }
            path.pop();
        }
    }

    /// What is new must be meant, or hold nothing else.
    fn compare_new(&mut self, new: &Arc<Node>, path: &mut Vec<String>) {
        if self.is_value(path) {
            return;
        }
        if self.is_list(path) {
            self.compare_lists(None, new, path);
        } else if self.is_section(path) && new.entries().is_some() {
            for field in new.fields() {
                path.push(field.key.text().unwrap_or_default().to_owned());
                self.compare_new(field.value, path);
                path.pop();
            }
        } else {
            self.note(path, Some(new));
        }
    }

    /// What sets no setting of the server is there as before, in its order.
    fn compare_lists(&mut self, old: Option<&Arc<Node>>, new: &Arc<Node>, path: &[String]) {
        let server = match self.below(path).first() {
            Some(&"apiserver") => Server::Apiserver,
            _ => Server::Fileserver,
        };
        let others = |node: Option<&Arc<Node>>| -> Vec<Arc<Node>> {
            let items = node.and_then(|node| node.items()).unwrap_or_default();
            let others = items.iter().filter(|item| !is_ours(item, server));
            others.cloned().collect()
        };
        let (olds, news) = (others(old), others(Some(new)));
        let mut pairs = olds.iter().zip(&news);
        if olds.len() != news.len() || !pairs.all(|(old, new)| old.says_the_same(new)) {
            self.note(path, Some(new));
        }
    }

    fn note(&mut self, path: &[String], new: Option<&Arc<Node>>) {
        let path = path.iter().map(|part| escape(part)).collect::<Vec<_>>();
        self.found = Some((path.join("."), new.map(|new| new.range().start)));
    }

    fn below<'p>(&self, path: &'p [String]) -> Vec<&'p str> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match (self.section, path.split_first()) {
            (None, _) => path,
            (Some(section), Some((first, rest))) if *first == section => rest.to_vec(),
            _ => Vec::new(),
        }
    }

    /// Values that are ours.
    fn is_value(&self, path: &[String]) -> bool {
        match self.below(path)[..] {
            ["clearml", name] => {
                name == EXISTING_SECRET || recipe::unread_constants().any(|one| one == name)
            }
            ["apiserver", name] => name == LOGINS,
            _ => false,
        }
    }

    fn is_list(&self, path: &[String]) -> bool {
        matches!(
            self.below(path)[..],
            ["apiserver" | "fileserver", "extraEnvs"]
        )
    }

    fn is_section(&self, path: &[String]) -> bool {
        matches!(
            self.below(path)[..],
            ["apiserver" | "clearml" | "fileserver"]
        )
    }
}

/// Whether an item sets a setting of a server, or the cookie of the web login.
fn is_ours(item: &Node, server: Server) -> bool {
    let name = item.get("name").and_then(|field| field.value.text());
    name.is_some_and(|name| {
        Setting::by_variable(name).is_some_and(|setting| setting.servers().contains(&server))
            || recipe::extra_envs(server, Some(""))
                .iter()
                .any(|ours| ours.name == name)
    })
}
