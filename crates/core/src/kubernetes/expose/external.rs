//! Services that are another name for one (docs/clearml.md#ways-into-a-cluster).

use std::collections::HashMap;

use crate::kubernetes::object::Object;
use crate::kubernetes::pool::Pool;
use crate::yaml::below::text;

/// All Services that are another name, by their own names.
pub(in crate::kubernetes) struct Externals<'a>(HashMap<&'a str, Vec<External<'a>>>);

/// A Service that is another name for one.
#[derive(Clone, Copy)]
pub(in crate::kubernetes) struct External<'a> {
    pub(in crate::kubernetes) service: &'a Object,
    /// The Service that it means, and its namespace where one is known.
    pub(in crate::kubernetes) name: &'a str,
    pub(in crate::kubernetes) namespace: Option<&'a str>,
    /// Whether it says itself that this is a name of the cluster.
    pub(in crate::kubernetes) is_of_cluster: bool,
}

impl<'a> Externals<'a> {
    pub(in crate::kubernetes) fn of(pool: &'a Pool) -> Self {
        let services = pool.objects.iter().filter(|one| one.kind == "Service");
        let mut by_name: HashMap<&str, Vec<External<'_>>> = HashMap::new();
        for external in services.filter_map(External::of) {
            let of_name = by_name.entry(&external.service.name).or_default();
            of_name.push(external);
        }
        Self(by_name)
    }

    /// All of them, each with the Service that it means in the end.
    pub(in crate::kubernetes) fn all(&self) -> impl Iterator<Item = External<'a>> {
        self.0.values().flatten().map(|one| self.end(*one))
    }

    /// The one of a name and a namespace, with the Service that it means in the end.
    pub(super) fn named(&self, name: &str, namespace: Option<&str>) -> Option<External<'a>> {
        self.next(name, namespace).map(|one| self.end(one))
    }

    fn next(&self, name: &str, namespace: Option<&str>) -> Option<External<'a>> {
        let is_near = |one: &&External<'_>| may_be_one(one.service.namespace.as_deref(), namespace);
        self.0.get(name)?.iter().find(is_near).copied()
    }

    /// One may mean another one; a circle leads nowhere.
    fn end(&self, mut one: External<'a>) -> External<'a> {
        const LONGEST: usize = 8;
        for _ in 0..LONGEST {
            let Some(next) = self.next(one.name, one.namespace) else {
                break;
            };
            one = External {
                service: one.service,
                ..next
            };
        }
        one
    }
}

impl<'a> External<'a> {
    /// Names of a cluster alone: `NAME.NAMESPACE.svc`, with or without its domain. What looks names up as a pod does knows
    /// `NAME.NAMESPACE`, too.
    pub(in crate::kubernetes) fn of(service: &'a Object) -> Option<Self> {
        let kind = text(&service.node, &["spec", "type"]);
        let other = text(&service.node, &["spec", "externalName"])?;
        let mut labels = other.trim_end_matches('.').split('.');
        let (name, namespace) = (labels.next()?, labels.next()?);
        let third = labels.next();
        let is_name = kind == Some("ExternalName") && third.is_none_or(|label| label == "svc");
        is_name.then_some(Self {
            service,
            name,
            namespace: Some(namespace),
            is_of_cluster: third.is_some(),
        })
    }

    /// Whether it may mean a Service.
    pub(in crate::kubernetes) fn means(&self, name: &str, namespace: Option<&str>) -> bool {
        self.name == name && may_be_one(self.namespace, namespace)
    }
}

/// Whether two namespaces may be one.
fn may_be_one(one: Option<&str>, other: Option<&str>) -> bool {
    one.is_none() || other.is_none() || one == other
}
