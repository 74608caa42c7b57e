//! Which variable of which service is to have which value, and how the compose file says so.

use std::collections::{BTreeMap, HashMap};

use crate::extensions::Extensions;
use crate::foreign::{foreign, taken_from, variable};
use crate::refusal::{Refusal, another_env_file};
use clearml_secure_core::compose::interpolate::{self, Outcome};
use clearml_secure_core::compose::{Part, Service, is_reserved};
use clearml_secure_core::container::{Container, Origin, Variable, VariableValue};
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::hocon;
use clearml_secure_core::instance::Instance;
use clearml_secure_core::keyset::{self, Keyset};
use clearml_secure_core::secret::Secret;
use clearml_secure_core::setting::{Server, Setting};
use clearml_secure_core::shell::quoted;
use clearml_secure_core::shown::escape;
use clearml_secure_core::source::{SourceId, Span};

/// One variable of one service.
#[derive(Clone)]
pub(crate) struct Wanted {
    /// Its name.
    pub(crate) name: String,
    /// What the container is to get.
    pub(crate) value: Secret,
    /// What the compose file says, before YAML's quotes.
    pub(crate) written: String,
    /// The setting; none for what else an API server reads.
    pub(crate) setting: Option<Setting>,
    stands: Stands,
}

/// Where the value is to stand.
#[derive(Clone, Copy)]
enum Stands {
    /// In the compose file.
    Here,
    /// In the env file, from which the compose file is to take it.
    Apart,
    /// In the env file, from which the compose file takes it already.
    ApartAlready,
    /// Nowhere: the service would have it from one that it extends.
    Withheld {
        /// Whether the file says so already.
        is_written: bool,
    },
    /// In the service itself, with the value that it had from one that it extends.
    Inherited,
}

impl Wanted {
    /// Whether it says the same of a variable.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.value == other.value && self.written == other.written
    }

    /// Whether the compose file can stay as it is here.
    pub(crate) fn is_right(&self, found: Option<&Variable>) -> bool {
        match self.stands {
            Stands::Here => self.has(found),
            Stands::Apart => false,
            Stands::ApartAlready => true,
            Stands::Withheld { is_written } => is_written,
            Stands::Inherited => false,
        }
    }

    /// Whether it keeps from a service what one that it extends is to have.
    pub(crate) fn is_of_inheritor(&self) -> bool {
        self.is_withheld() || self.is_inherited()
    }

    /// Whether the container keeps what it has from a service that it extends.
    pub(crate) fn is_inherited(&self) -> bool {
        matches!(self.stands, Stands::Inherited)
    }

    /// Whether the container is to have none of it, although a service that it extends does.
    pub(crate) fn is_withheld(&self) -> bool {
        matches!(self.stands, Stands::Withheld { .. })
    }

    /// Whether a variable has the value.
    pub(crate) fn has(&self, found: Option<&Variable>) -> bool {
        if self.is_withheld() {
            return found.is_none();
        }
        found.and_then(|variable| variable.value.known()) == Some(&self.value)
    }
}

/// By the service's place in the project, in the order of the settings.
pub(crate) type OfServices = BTreeMap<usize, Vec<Wanted>>;

/// The variables of the env file, in the order in which they are first needed.
pub(crate) type Taken = Vec<(String, Secret)>;

/// How the compose file is to say values.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Values {
    /// By references to an env file, which holds them.
    InEnvFile,
    /// As they are.
    Literal,
    /// The same, but none in place of a reference: that keeps secrets out of the file.
    LiteralBesideReferences,
}

/// Works it out.
///
/// # Errors
/// A value that cannot be carried to a server.
pub(crate) fn wanted(
    deployment: &Composed,
    keyset: &Keyset,
    values: Values,
    extensions: Option<&Extensions<'_>>,
) -> Result<(OfServices, Taken), Refusal> {
    let mut wanted = OfServices::new();
    let mut taken = (values == Values::InEnvFile).then(Taken::new);
    let foreign = match taken.is_some() {
        true => foreign(deployment, keyset, extensions),
        false => HashMap::new(),
    };
    for instance in &deployment.instances {
        let service = deployment.service(instance);
        let of_service = wanted.entry(instance.service).or_default();
        for setting in instance.settings() {
            let Some(secret) = keyset.get(setting) else {
                continue;
            };
            let one = One {
                deployment,
                service,
                foreign: &foreign,
                keeps_references: values == Values::LiteralBesideReferences,
                setting: Some(setting),
                value: carried(deployment, instance, setting, secret)?,
                in_env_file: keyset::env_variable(setting, instance.server),
            };
            let spellings = instance.spellings(setting, &service.environment);
            one.want(
                of_service,
                &spellings,
                instance.variable(setting),
                &mut taken,
            )?;
        }
        if instance.server == Server::Apiserver {
            for (path, value) in keyset.fixed_users() {
                // That there are users, and how their passwords are written, is no secret.
                let mut here = None;
                let taken = match path.ends_with(".users") {
                    true => &mut taken,
                    false => &mut here,
                };
                let usual = instance.variable_of(&path);
                let one = One {
                    deployment,
                    service,
                    foreign: &foreign,
                    keeps_references: values == Values::LiteralBesideReferences,
                    setting: None,
                    value,
                    in_env_file: usual.clone(),
                };
                let spellings = instance.spellings_of(&path, &service.environment);
                one.want(of_service, &spellings, usual, taken)?;
            }
        }
    }
    wanted.retain(|_, variables| !variables.is_empty());
    if let Some(extensions) = extensions {
        withhold(deployment, extensions, &mut wanted);
    }
    Ok((wanted, taken.unwrap_or_default()))
}

/// Keeps from services what is for one that they extend, as far as that can be: what they had from it they keep, whatever
/// it is worth, because it is none of our business.
fn withhold(deployment: &Composed, extensions: &Extensions<'_>, wanted: &mut OfServices) {
    let mut of_inheritors: Vec<(usize, Wanted)> = Vec::new();
    for (base, ones) in &*wanted {
        let name = &deployment.project.services[*base].name;
        let inheritors = extensions.inheritors(name).iter();
        for inheritor in inheritors.filter(|inheritor| extensions.can_withhold(name, **inheritor)) {
            for one in ones {
                let mut of_inheritor = wanted.get(inheritor).into_iter().flatten();
                if of_inheritor.any(|own| own.name == one.name) {
                    continue;
                }
                let own = of_inheritor_alone(deployment, extensions, *inheritor, &one.name);
                of_inheritors.extend(own.map(|own| (*inheritor, own)));
            }
        }
    }
    for (inheritor, one) in of_inheritors {
        wanted.entry(inheritor).or_default().push(one);
    }
}

/// What a service has to say of a variable so that it does not get it from one that it extends.
fn of_inheritor_alone(
    deployment: &Composed,
    extensions: &Extensions<'_>,
    inheritor: usize,
    name: &str,
) -> Option<Wanted> {
    let is_reset = extensions.own(inheritor, name);
    let found = variable(deployment, inheritor, name);
    let (value, written, stands) = match (is_reset, found) {
        (Some(false), _) => return None,
        (None, Some(found)) => (
            found
                .value
                .known()
                .cloned()
                .unwrap_or_else(|| Secret::from("")),
            extensions.inherited(inheritor, name)?,
            Stands::Inherited,
        ),
        (is_reset, _) => {
            let is_written = is_reset.is_some();
            (
                Secret::from(""),
                String::new(),
                Stands::Withheld { is_written },
            )
        }
    };
    Some(Wanted {
        name: name.to_owned(),
        value,
        written,
        setting: None,
        stands,
    })
}

/// One value for one service.
struct One<'a> {
    deployment: &'a Composed,
    service: &'a Container,
    foreign: &'a HashMap<String, Span>,
    keeps_references: bool,
    setting: Option<Setting>,
    value: Secret,
    in_env_file: String,
}

impl One<'_> {
    /// Every spelling gets the value, so that none is left to win later (docs/clearml.md#two-spellings-of-one-path).
    fn want(
        &self,
        of_service: &mut Vec<Wanted>,
        spellings: &[&Variable],
        usual: String,
        taken: &mut Option<Taken>,
    ) -> Result<(), Refusal> {
        let names: Vec<String> = if spellings.is_empty() {
            vec![usual]
        } else {
            let names = spellings.iter().map(|variable| variable.name.clone());
            names.collect()
        };
        for name in names {
            if of_service.iter().any(|known| known.name == name) {
                continue;
            }
            let (written, stands) = match taken {
                None => {
                    self.refuse_literal(&name)?;
                    let written = interpolate::escape(self.value.expose());
                    (written.into_owned(), Stands::Here)
                }
                Some(taken) => self.take(&name, taken)?,
            };
            of_service.push(Wanted {
                name,
                value: self.value.clone(),
                written,
                setting: self.setting,
                stands,
            });
        }
        Ok(())
    }

    /// A reference to an env file keeps a secret out of the compose file, and is there for that.
    fn refuse_literal(&self, name: &str) -> Result<(), Refusal> {
        let mut environment = self.service.environment.iter();
        let found = environment.find(|variable| variable.name == *name);
        let Some(found) =
            found.filter(|found| self.keeps_references && found.value.known() != Some(&self.value))
        else {
            return Ok(());
        };
        let (sources, project) = (&self.deployment.sources, &self.deployment.project);
        // A service of another file is refused as such: neither help would do.
        let is_here =
            |part: &Part| part.source == project.files[0] && part.service == self.service.name;
        let mut services = project.services.iter();
        let own = services.find(|service| service.name == self.service.name);
        let parts = own.into_iter().flat_map(|service| &service.parts);
        let mut parts = parts.filter(|part| part.source == found.span.source);
        let scope = parts
            .next()
            .map(|part| project.documents[part.document].scope);
        let scope = scope.unwrap_or_default();
        if own.is_some_and(|service| !service.parts.iter().any(is_here)) {
            return Ok(());
        }
        // Compose starts nothing without a value, so an env file has it that is not one of those read here.
        if matches!(found.value, VariableValue::Required(_)) {
            return Err(Refusal {
                place: sources.place(found.span),
                message: format!(
                    "{} is a reference whose value is in no env file that was read, and would become the secret itself",
                    escape(name)
                ),
                help: "add --env-file FILE, where docker compose has the value from, or --literal to write it into this file"
                    .to_owned(),
            });
        }
        let used = found.interpolated.iter();
        let used = used.filter(|used| used.outcome == Outcome::Value);
        let used = used.map(|used| used.name.clone());
        let mut used = used.chain(taken_from(self.deployment, found));
        let Some(span) = used.find_map(|name| project.env_span(scope, &name)) else {
            return Ok(());
        };
        let env_file = sources.path(span.source);
        Err(Refusal {
            place: sources.place(found.span),
            message: format!(
                "{} is a reference to {}: the edit would replace it with the secret itself",
                escape(name),
                sources.place(span)
            ),
            help: format!(
                "add {}, or --literal to write the secret into this file",
                match self.is_read_whole(span.source) {
                    true => format!(
                        "--env-file {} to put the value there",
                        another_env_file(sources)
                    ),
                    false => format!("--env-file {} to change the value there", quoted(env_file)),
                }
            ),
        })
    }

    /// Whether another service gets all that is in an env file: it would get every secret that is put there.
    fn is_read_whole(&self, file: SourceId) -> bool {
        let is_other = |service: &&Service| service.name != self.service.name;
        let mut others = self.deployment.project.services.iter().filter(is_other);
        others.any(|service| {
            let mut variables = service.environment.iter();
            variables.any(|one| one.origin == Origin::EnvFile && one.span.source == file)
        })
    }

    /// Has the env file hold the value: under the name that the compose file takes it from already, if it does.
    fn take(&self, name: &str, taken: &mut Taken) -> Result<(String, Stands), Refusal> {
        let found = self
            .service
            .environment
            .iter()
            .find(|variable| variable.name == name);
        let own = found.and_then(|variable| taken_from(self.deployment, variable));
        let own = own.filter(|source| !is_reserved(source));
        let own = own.map(|source| (source, Stands::ApartAlready));
        let usual = [
            Some(self.in_env_file.clone()),
            self.setting.map(Setting::variable),
        ];
        let usual = usual.into_iter().flatten();
        let names = own
            .into_iter()
            .chain(usual.map(|source| (source, Stands::Apart)));
        for (source, stands) in names {
            let known = taken.iter().find(|(known, _)| *known == source);
            if self.foreign.contains_key(&source)
                || known.is_some_and(|(_, known)| *known != self.value)
            {
                continue;
            }
            let written = format!("${{{source}:?{}}}", keyset::DEMAND);
            if known.is_none() {
                taken.push((source, self.value.clone()));
            }
            return Ok((written, stands));
        }
        Err(self.name_taken())
    }

    /// Another value goes by the name that the env file would have, or somebody else would get this one.
    fn name_taken(&self) -> Refusal {
        let place = self.deployment.sources.place(self.service.name_span);
        let name = &self.in_env_file;
        match self.foreign.get(name) {
            Some(span) => {
                let user = self.deployment.sources.place(*span);
                Refusal {
                    message: format!(
                        "the env file cannot have {name} for service {}: {user} references that name, and would get the secret",
                        escape(&self.service.name)
                    ),
                    place,
                    help: format!("use another name at {user}, or remove that line"),
                }
            }
            None => Refusal {
                message: format!(
                    "the env file cannot have {name} for service {}: another service needs another value under that name",
                    escape(&self.service.name)
                ),
                place,
                help: "write the service's value as `${NAME}` with a name of its own, or inject without --env-file".to_owned(),
            },
        }
    }
}

/// What the container has to get so that the server reads exactly the secret.
fn carried(
    deployment: &Composed,
    instance: &Instance,
    setting: Setting,
    secret: &Secret,
) -> Result<Secret, Refusal> {
    if !instance.server.reads_configuration() {
        return Ok(secret.clone());
    }
    let quoted = hocon::quote(secret.expose()).map(|quoted| Secret::from(&quoted));
    quoted.ok_or_else(|| Refusal {
        place: deployment
            .sources
            .place(deployment.service(instance).name_span),
        message: format!(
            "the keyset's {setting} cannot be written so that a server reads it unchanged"
        ),
        help: "generate another value:\n  clearml-keygen --from KEYS --only NAME -o NEW".to_owned(),
    })
}
