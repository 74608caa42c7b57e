//! Part 2: what compose makes of all files together differs at the intended places and nowhere else. Nobody gets a variable
//! that was not meant for it, and nothing that compose takes from an env file changes but what is ours.

use std::collections::HashSet;
use std::path::Path;

use clearml_secure_core::compose::files::is_default;
use clearml_secure_core::compose::resolved::{Difference, Resolved};
use clearml_secure_core::compose::{Part, Service};
use clearml_secure_core::container::{Origin, Variable};
use clearml_secure_core::shell::quoted;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::Span;

use super::broken::leave_it;
use super::places::Places;
use super::{Broken, ports};
use crate::intended::Change;
use crate::plan::Plan;
use crate::ports::{Order, Ports};
use crate::refusal::another_env_file;

/// Holds the projects of before and after against each other.
pub(super) fn check(
    places: &Places<'_>,
    before: &Resolved,
    plan: &Plan,
    asked: Ports,
) -> Result<(), Broken> {
    ports::check(places, asked)?;
    let comparison = Comparison {
        places,
        before,
        asked,
        is_overlay: plan.overlay.is_some(),
        meant: names(plan, false),
        withheld: names(plan, true),
        ours: plan.taken.iter().map(|(name, _)| name.as_str()).collect(),
    };
    let differences = before.differences(&places.deployment.project);
    let mut wrong = differences.iter().filter(|one| !comparison.is_meant(one));
    wrong
        .next()
        .map_or(Ok(()), |one| Err(comparison.broken(one)))
}

/// The services and variables of a plan that are to be had, or withheld. What is inherited does not change.
fn names(plan: &Plan, is_withheld: bool) -> HashSet<(&str, &str)> {
    let intended = plan.intended.iter();
    let intended =
        intended.filter(|one| one.is_withheld == is_withheld && one.change != Change::Inherited);
    intended
        .map(|one| (one.service.as_str(), one.name.as_str()))
        .collect()
}

struct Comparison<'a> {
    places: &'a Places<'a>,
    before: &'a Resolved,
    asked: Ports,
    /// Whether the edited file stays as it is.
    is_overlay: bool,
    /// Services and the variables that they are to have.
    meant: HashSet<(&'a str, &'a str)>,
    /// Services and the variables that they are to have no longer.
    withheld: HashSet<(&'a str, &'a str)>,
    /// Names that the env file has for us.
    ours: HashSet<&'a str>,
}

impl Comparison<'_> {
    fn is_meant(&self, difference: &Difference) -> bool {
        match difference {
            Difference::Variable { service, name, .. } => {
                let one = (service.as_str(), name.as_str());
                let is_gone = || self.variable(service, name).is_none();
                self.meant.contains(&one)
                    || self.withheld.contains(&one) && is_gone()
                    || self.has_it_by_name(service, name)
            }
            Difference::Ports(service) => self
                .order(service)
                .zip(self.service(service))
                .is_some_and(|(order, now)| {
                    ports::are_as_asked(self.before.ports(service), &now.ports, order)
                }),
            Difference::Attribute { service, attribute } => {
                attribute == "ports" && self.order(service) == Some(Order::Close)
            }
            Difference::Compose(_) | Difference::Section(_) | Difference::Service(_) => false,
        }
    }

    fn order(&self, service: &str) -> Option<Order> {
        let deployment = self.places.deployment;
        let mut services = deployment.project.services.iter();
        let index = services.position(|one| one.name == service)?;
        ports::order(deployment, self.asked, index)
    }

    /// Whether a service reads the env file itself, and had the name from there before: then it gets the new value as well.
    fn has_it_by_name(&self, service: &str, name: &str) -> bool {
        self.ours.contains(name)
            && self.before.has_variable(service, name)
            && self
                .variable(service, name)
                .is_some_and(|variable| variable.origin == Origin::EnvFile)
    }

    fn service(&self, name: &str) -> Option<&Service> {
        self.places.deployment.project.service_named(name)
    }

    fn variable(&self, service: &str, name: &str) -> Option<&Variable> {
        let mut variables = self.service(service)?.environment.iter();
        variables.find(|variable| variable.name == name)
    }

    /// What would be otherwise, and who causes it.
    fn broken(&self, difference: &Difference) -> Broken {
        match difference {
            Difference::Variable {
                service,
                name,
                is_new,
            } => self.variable_broken(service, name, *is_new),
            Difference::Attribute { service, attribute } => {
                self.attribute_broken(service, attribute)
            }
            Difference::Ports(service) => self.attribute_broken(service, "ports"),
            Difference::Section(section) => {
                let mut documents = self.places.deployment.project.whole_documents().rev();
                let span = documents.find_map(|document| {
                    Some(
                        document
                            .root
                            .get_written(section)?
                            .key
                            .span(document.source),
                    )
                });
                self.caused(span, &format!("`{}` would change", escape(section)))
            }
            Difference::Service(service) => match self.service(service) {
                Some(new) => self.caused(
                    Some(new.name_span),
                    &format!("service {} would be new", escape(service)),
                ),
                None => self.unwanted(format!("service {} would disappear", escape(service))),
            },
            Difference::Compose(name) => self.caused(
                self.places.deployment.project.env().span(name),
                &format!("{name} would have another value for compose"),
            ),
        }
    }

    /// Something changes that should not, because the edited file shares what is edited.
    fn unwanted(&self, reason: String) -> Broken {
        Broken::Effective {
            reason,
            help: (!self.is_overlay).then(leave_it),
        }
    }

    fn attribute_broken(&self, service: &str, attribute: &str) -> Broken {
        let shown = escape(service);
        let last = self.service(service).and_then(|service| {
            let mut last_first = service.parts.iter().rev();
            last_first.find_map(|part| Some((part, part.node.get_written(attribute)?)))
        });
        let what = format!("`{}` of service {shown} would change", escape(attribute));
        match last {
            Some((part, field)) => {
                let inherited = inheritance(service, part);
                let span = field
                    .key
                    .span(part.source)
                    .to(field.value.span(part.source));
                self.caused(Some(span), &format!("{what}{inherited}"))
            }
            None => self.unwanted(format!(
                "service {shown} would lose its `{}`",
                escape(attribute)
            )),
        }
    }

    fn variable_broken(&self, service: &str, name: &str, is_new: bool) -> Broken {
        let shown = escape(service);
        let Some(variable) = self.variable(service, name) else {
            return self.caused(
                self.service(service).map(|service| service.name_span),
                &format!("service {shown} would lose {}", escape(name)),
            );
        };
        if is_new && variable.origin == Origin::EnvFile {
            return self.would_get_all(service, variable);
        }
        let part = self.service(service).and_then(|one| {
            let span = variable.span;
            one.parts
                .iter()
                .find(|part| part.source == span.source && contains(part, span))
        });
        let inherited = part
            .map(|part| inheritance(service, part))
            .unwrap_or_default();
        let name = escape(name);
        let what = match is_new {
            true => format!("service {shown} would also get {name}{inherited}"),
            false => format!("service {shown} would get another {name}{inherited}"),
        };
        // What is new comes with the line that says it, whatever that refers to.
        match is_new {
            true => self.unwanted(format!("{}: {what}", self.places.of(variable.span))),
            false => self.caused(Some(variable.span), &what),
        }
    }

    /// A service that reads the env file as a whole gets all that is put there.
    fn would_get_all(&self, service: &str, variable: &Variable) -> Broken {
        let path = self.places.deployment.sources.path(variable.span.source);
        let named = self.service(service).and_then(|one| env_file(one, path));
        let place = named.map_or_else(String::new, |span| format!("{}: ", self.places.of(span)));
        let other = another_env_file(&self.places.deployment.sources);
        let path = quoted(path);
        let deployment = self.places.deployment;
        let files = deployment.project.files.iter();
        let files: Vec<&Path> = files.map(|file| deployment.sources.path(*file)).collect();
        let is_found = |file: &Path| {
            let name = file.file_name().and_then(|name| name.to_str());
            name.is_none_or(is_default)
        };
        let named = match files[..] {
            [only] if is_found(only) => String::new(),
            _ => files
                .iter()
                .map(|file| format!(" -f {}", quoted(file)))
                .collect(),
        };
        Broken::with_help(
            format!(
                "{place}service {} has `env_file: {path}` and would get every secret in that file, also {}",
                escape(service),
                escape(&variable.name)
            ),
            format!(
                "put the secrets in another file with --env-file {other}. From then on:\n  docker compose --env-file {path} --env-file {other}{named} up -d"
            ),
        )
    }

    /// What would be otherwise, with the place of it; or the place that takes what an env file says no longer.
    fn caused(&self, span: Option<Span>, what: &str) -> Broken {
        let Some(span) = span else {
            return self.unwanted(what.to_owned());
        };
        let uses = self.places.deployment.project.uses().into_iter();
        let mut inside = uses.filter(|used| {
            used.span.source == span.source
                && (span.start..span.end.max(span.start + 1)).contains(&used.span.start)
        });
        let changed = inside.find(|used| {
            self.before
                .is_env_changed(&self.places.deployment.project, &used.name)
        });
        let place = self
            .places
            .of(changed.as_ref().map_or(span, |used| used.span));
        match changed {
            Some(used) => Broken::with_help(
                format!(
                    "{place} references {} of the env file, and would get another value",
                    escape(&used.name)
                ),
                "write the value there instead of the reference, then run this again",
            ),
            None => self.unwanted(format!("{place}: {what}")),
        }
    }
}

/// Where a service names an env file: its item, or all of its `env_file` where the path is put together.
fn env_file(service: &Service, path: &Path) -> Option<Span> {
    let path_name = path.file_name();
    let mut last_first = service.parts.iter().rev();
    last_first.find_map(|part| {
        let field = part.node.get("env_file")?.value;
        let items = field.items().unwrap_or_default().iter();
        let mut paths = items.map(|item| item.get("path").map_or(item, |path| path.value));
        let named = paths.find(|path| {
            let written = path.scalar().map(|scalar| Path::new(scalar.text()));
            written.is_some_and(|written| written.file_name() == path_name)
        });
        Some(named.unwrap_or(field).span(part.source))
    })
}

/// Whether what is at a span is in a part's own text.
fn contains(part: &Part, span: Span) -> bool {
    part.node.range().contains(&span.start)
}

/// How a service comes to have what a part says.
fn inheritance(service: &str, part: &Part) -> String {
    match part.service == service {
        true => String::new(),
        false => format!(" (it extends {})", escape(&part.service)),
    }
}
