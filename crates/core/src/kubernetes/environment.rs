//! The environment of a container as the kubelet makes it: `envFrom`, then `env`, each over what is there, and the
//! addresses of Services for names that are left (docs/clearml.md#environment-in-kubernetes).

mod expand;

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::object::{Object, annotations, text_of};
use super::pool::{Found, Pool};
use super::store::{self, Content};
use crate::container::{BrokenReference, Doubt, Elsewhere, Origin, Pod, Variable, VariableValue};
use crate::knowable::Reason;
use crate::secret::Secret;
use crate::shown::escape;
use crate::source::Span;
use crate::unseen::Hides;
use crate::yaml::Node;
use crate::yaml::below::{at, is_true, text};
pub(super) use expand::expand;

/// The ends of annotations by which bank-vaults, k8s-vault-webhook, GoCardless' injector and vault-secrets-webhook are asked to
/// add variables.
const INJECTING: [&str; 4] = [
    "/vault-env-from-path",
    ".opstree.secret.manager/enabled",
    "secrets-injector.vault.crd.gocardless.com/configs",
    "vault.security/enabled",
];

/// Makes the environment of one container.
pub(super) struct Environment<'a> {
    pub(super) pool: &'a Pool,
    pub(super) workload: &'a Object,
    pub(super) variables: BTreeMap<String, Variable>,
    /// What is noted besides.
    pub(super) pod: Pod,
    /// What names mean that were looked up already, by kind and name.
    pub(super) meant: HashMap<(&'static str, String), Found<'a>>,
}

/// A value, where it is, and what kind of place that is.
struct Given {
    value: VariableValue,
    span: Span,
    origin: Origin,
}

impl<'a> Environment<'a> {
    /// Adds what the description of a container says.
    pub(super) fn read(&mut self, container: &Node) {
        let items = |key: &str| at(container, &[key]).and_then(|list| list.items());
        for source in items("envFrom").unwrap_or_default() {
            self.add_source(source);
        }
        let mut names: HashSet<&str> = HashSet::new();
        for entry in items("env").unwrap_or_default() {
            let Some(name) = text(entry, &["name"]) else {
                continue;
            };
            if !names.insert(name) {
                let repeated = (name.to_owned(), self.workload.span(entry));
                self.pod.repeated.push(repeated);
            }
            self.add(name, entry);
        }
    }

    /// One item of `envFrom`.
    fn add_source(&mut self, item: &Arc<Node>) {
        for (kind, key) in [("ConfigMap", "configMapRef"), ("Secret", "secretRef")] {
            let Some(name) = text(item, &[key, "name"]) else {
                continue;
            };
            let span = self.workload.span(item);
            let object = match self.meant(kind, name) {
                Found::Object(object) => object,
                Found::Maker(maker) => {
                    self.doubt(of_maker(maker), span);
                    continue;
                }
                Found::Nothing => {
                    let is_optional = at(item, &[key]).is_some_and(|it| is_true(it, &["optional"]));
                    let reason = match is_optional {
                        true => may_be_in(kind, name),
                        false => not_given(kind, name),
                    };
                    self.doubt(reason, span);
                    continue;
                }
                Found::Unclear(reason) => {
                    self.doubt(reason, span);
                    continue;
                }
            };
            let prefix = text(item, &["prefix"]).unwrap_or_default();
            for entry in store::variables(object) {
                let name = format!("{prefix}{}", entry.key);
                let given = Given {
                    value: value_of(object, kind, &entry.key, entry.content),
                    span: entry.span,
                    origin: origin(kind),
                };
                self.set(name, given, span);
            }
        }
    }

    /// What a webhook adds from a store of secrets when the pod starts, where the pod asks for that. It goes to every container,
    /// and which value wins is the webhook's.
    pub(super) fn add_injected(&mut self, pod: &Node) {
        for (name, field) in annotations(pod) {
            let value = field.value.text();
            let is_set = value.is_some_and(|text| !matches!(text, "" | "false"));
            if is_set && INJECTING.iter().any(|end| name.ends_with(end)) {
                let reason = "a webhook adds variables from a store of secrets when the pod starts";
                self.doubt(reason.into(), self.workload.span(field.key));
            }
        }
    }

    fn meant(&mut self, kind: &'static str, name: &str) -> Found<'a> {
        let (pool, workload) = (self.pool, self.workload);
        let key = (kind, name.to_owned());
        let meant = self.meant.entry(key);
        meant
            .or_insert_with(|| pool.meant(workload, kind, name))
            .clone()
    }

    fn doubt(&mut self, reason: Reason, span: Span) {
        self.pod.sources.push(Doubt {
            hides: Hides::Variables,
            reason,
            span,
        });
        // What was set before may be something else now.
        for variable in self.variables.values_mut() {
            if let Some(last) = self.pod.sources.last() {
                variable.value = VariableValue::Unknown(last.reason.clone());
            }
        }
    }

    /// Without an object that Kubernetes does not take no pod starts that names it. What its other keys hold is read all the same,
    /// and the value itself is said where a variable has it.
    pub(super) fn doubt_refused(&mut self) {
        let mut found: Vec<(&Object, &(Span, String))> = self
            .meant
            .values()
            .filter_map(|meant| match meant {
                Found::Object(object) => Some((*object, store::refused(object)?)),
                _ => None,
            })
            .collect();
        found.sort_by_key(|(_, (span, _))| (span.source, span.start));
        for (object, (span, why)) in found {
            let is_said = |variable: &Variable| variable.value_span == *span;
            if !self.variables.values().any(is_said) {
                let (kind, name) = (&object.kind, escape(&object.name));
                self.pod.sources.push(Doubt {
                    hides: Hides::Anything,
                    reason: format!("Kubernetes refuses {kind} {name}: {why}").into(),
                    span: *span,
                });
            }
        }
    }

    /// One item of `env`.
    fn add(&mut self, name: &str, entry: &Arc<Node>) {
        let span = self.workload.span(entry);
        let value = at(entry, &["value"]);
        let given = match (value, at(entry, &["valueFrom"])) {
            (Some(value), _) if text_of(value) != Ok("") => self.written(value),
            (_, Some(from)) => match self.referenced(name, from, span) {
                Some(given) => given,
                None => return,
            },
            (value, None) => Given {
                value: VariableValue::Known(Secret::from("")),
                span: value.map_or(span, |value| self.workload.span(value)),
                origin: Origin::Environment,
            },
        };
        self.set(name.to_owned(), given, span);
    }

    fn set(&mut self, name: String, given: Given, span: Span) {
        let written_length = given.value.known().map_or(0, |text| text.expose().len());
        let variable = Variable {
            name: name.clone(),
            value: given.value,
            origin: given.origin,
            span,
            value_span: given.span,
            interpolated: Vec::new(),
            written_length,
            retyped: false,
        };
        self.variables.insert(name, variable);
    }

    /// A value that is written in the entry. With that of a reference in it, it is where that is kept: of several, in a Secret
    /// if one is, as nobody reads all of it elsewhere.
    fn written(&self, value: &Node) -> Given {
        let used = RefCell::new(Vec::new());
        let referenced = |name: &str| {
            used.borrow_mut()
                .extend(self.variables.get(name).map(|variable| variable.origin));
            self.value(name)
        };
        let made = match text_of(value) {
            Ok(text) => match expand(text, &referenced) {
                Ok(text) => VariableValue::Known(Secret::new(text)),
                Err(value) => value,
            },
            Err(what) => {
                VariableValue::Invalid(format!("the value is {what} and not text; quote it"))
            }
        };
        let used = used.into_inner();
        let kept = [Origin::Secret, Origin::ConfigMap];
        let kept = kept.into_iter().find(|origin| used.contains(origin));
        Given {
            value: made,
            span: self.workload.span(value),
            origin: kept.unwrap_or(Origin::Environment),
        }
    }

    /// The value that replaces `$(NAME)`: none where nothing has the name, so that it stays as it is written.
    pub(super) fn value(&self, name: &str) -> Option<VariableValue> {
        if let Some(variable) = self.variables.get(name) {
            return Some(variable.value.clone());
        }
        if let Some(doubt) = self.pod.sources.first() {
            return Some(VariableValue::Unknown(doubt.reason.clone()));
        }
        let is_of_service = name.ends_with("_SERVICE_HOST") || name.contains("_SERVICE_PORT");
        is_of_service.then(|| VariableValue::Unknown(ADDRESS.into()))
    }

    /// What `valueFrom` says; none where it is optional and leads nowhere.
    fn referenced(&mut self, variable: &str, from: &Node, span: Span) -> Option<Given> {
        for (kind, field) in [("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")] {
            let Some(reference) = at(from, &[field]) else {
                continue;
            };
            let name = text(reference, &["name"]).unwrap_or_default();
            let key = text(reference, &["key"]).unwrap_or_default();
            let given = |value: VariableValue, span: Span| Given {
                value,
                span,
                origin: origin(kind),
            };
            let is_optional = is_true(reference, &["optional"]);
            let elsewhere = |reason: Reason| {
                let elsewhere = Elsewhere {
                    kind,
                    name: name.to_owned(),
                    key: key.to_owned(),
                    is_optional,
                    reason,
                };
                given(VariableValue::Elsewhere(Box::new(elsewhere)), span)
            };
            let found = match self.meant(kind, name) {
                Found::Nothing if is_optional => {
                    return Some(elsewhere(or_keys(kind, &may_be_in(kind, name))));
                }
                Found::Nothing => return Some(elsewhere(or_keys(kind, &not_given(kind, name)))),
                Found::Unclear(reason) => {
                    return Some(given(VariableValue::Unknown(reason), span));
                }
                Found::Maker(maker) if may_have(maker, key) => {
                    return Some(elsewhere(of_maker(maker)));
                }
                Found::Maker(_) => None,
                Found::Object(object) => store::of_key(object, key)
                    .map(|entry| given(value_of(object, kind, key, entry.content), entry.span)),
            };
            if found.is_some() {
                return found;
            }
            if is_true(reference, &["optional"]) {
                return None;
            }
            self.pod.broken.push(BrokenReference {
                variable: Some(variable.to_owned()),
                kind,
                name: name.to_owned(),
                key: key.to_owned(),
                span,
            });
            let reason = format!(
                "{kind} {} has no such key, so the pod does not start",
                escape(name)
            );
            return Some(given(VariableValue::Unknown(reason.into()), span));
        }
        let value = match text(from, &["fieldRef", "fieldPath"]) {
            Some("metadata.namespace") => self.workload.namespace.clone(),
            _ => None,
        };
        Some(Given {
            value: value.map_or_else(
                || VariableValue::Unknown("only the running pod has the value".into()),
                |text| VariableValue::Known(Secret::new(text)),
            ),
            span,
            origin: Origin::Environment,
        })
    }

    /// Adds the addresses of Services that servers take for those of databases, for names that nothing sets.
    pub(super) fn add_services(&mut self) {
        for (name, service) in self.services() {
            if self.variables.contains_key(&name) {
                continue;
            }
            let address = text(&service.node, &["spec", "clusterIP"]);
            let address = address.filter(|address| *address != "None");
            let given = Given {
                // Its name leads where its address does.
                value: VariableValue::Known(Secret::from(address.unwrap_or(&service.name))),
                span: service.name_span().at_start(),
                origin: Origin::Environment,
            };
            self.set(name, given, service.name_span());
        }
    }

    fn services(&self) -> Vec<(String, &'a Object)> {
        const NAMES: [&str; 3] = ["clearml-elastic", "clearml-mongodb", "clearml-redis"];
        let (pool, workload) = (self.pool, self.workload);
        let is_named = |name: &&str| {
            pool.called(workload, "Service", name)
                .find(|one| one.namespace == workload.namespace)
                .map(|service| {
                    let name = name.to_ascii_uppercase().replace('-', "_");
                    (format!("{name}_SERVICE_HOST"), service)
                })
        };
        NAMES.iter().filter_map(is_named).collect()
    }
}

const ADDRESS: &str = "it has the address of a Service, which only the cluster knows";

fn origin(kind: &str) -> Origin {
    match kind {
        "Secret" => Origin::Secret,
        _ => Origin::ConfigMap,
    }
}

fn value_of(object: &Object, kind: &'static str, key: &str, content: Content) -> VariableValue {
    let of = || {
        format!(
            "{} {}, key {}",
            object.kind,
            escape(&object.name),
            escape(key)
        )
    };
    match content {
        Content::Text(text) => VariableValue::Known(Secret::from(text.as_str())),
        Content::Invalid(why) => VariableValue::Invalid(format!("{}: {why}", of())),
        Content::Encrypted => VariableValue::Elsewhere(Box::new(Elsewhere {
            kind,
            name: object.name.clone(),
            key: key.to_owned(),
            is_optional: false,
            reason: or_keys(kind, &store::encrypted(object)),
        })),
        Content::Bytes => VariableValue::Unknown(
            format!("{} is not UTF-8, so the server does not start", of()).into(),
        ),
    }
}

/// Why a value or a file is not known.
pub(super) fn not_given(kind: &str, name: &str) -> Reason {
    let name = escape(name);
    format!("it is in {kind} {name}, which was not given; add the {kind} as a TARGET").into()
}

/// The same of a variable whose name is known: a keyset has values for them, and no files.
fn or_keys(kind: &str, reason: &Reason) -> Reason {
    match kind {
        "Secret" => format!("{reason}, or --keys FILE").into(),
        _ => reason.clone(),
    }
}

/// The same where there need not be such an object.
fn may_be_in(kind: &str, name: &str) -> Reason {
    let name = escape(name);
    format!("it may be in {kind} {name}, which is optional and was not given; add the {kind} as a TARGET").into()
}

/// Why a value is not known that something else puts into a Secret.
pub(super) fn of_maker(maker: &Object) -> Reason {
    format!(
        "{} {} makes the Secret; its values are in the cluster only",
        maker.kind,
        escape(&maker.name)
    )
    .into()
}

/// Whether the Secret that something makes will have a key.
fn may_have(maker: &Object, key: &str) -> bool {
    match maker.kind.as_str() {
        // Its template may add keys that are not sealed, and it may add its own to a Secret that exists.
        "SealedSecret" => {
            let is_in = |path: &[&str]| at(&maker.node, path).and_then(|data| data.get(key));
            let sealed = at(&maker.node, &["spec", "encryptedData"]);
            sealed.is_none_or(|data| data.entries().is_none())
                || is_in(&["spec", "encryptedData"]).is_some()
                || is_in(&["spec", "template", "data"]).is_some()
                || maker.annotation("sealedsecrets.bitnami.com/patch") == Some("true")
        }
        _ => {
            let data = at(&maker.node, &["spec", "data"]).and_then(|data| data.items());
            let is_open = at(&maker.node, &["spec", "dataFrom"]).is_some()
                || at(&maker.node, &["spec", "target", "template"]).is_some()
                || text(&maker.node, &["spec", "target", "creationPolicy"]) == Some("Merge");
            let mut keys = data.unwrap_or_default().iter();
            is_open || keys.any(|item| text(item, &["secretKey"]) == Some(key))
        }
    }
}
