//! Services that are another name for one (docs/clearml.md#ways-into-a-cluster).

use std::collections::HashMap;

use crate::container::{Asked, ServiceName};
use crate::kubernetes::object::Object;
use crate::kubernetes::pool::Pool;
use crate::yaml::below::text;

/// All Services that are another name, by their own names, each with the Service that it means in the end.
pub(in crate::kubernetes) struct Externals<'a>(HashMap<&'a str, Vec<External<'a>>>);

/// A Service that is another name for one.
#[derive(Clone)]
pub(in crate::kubernetes) struct External<'a> {
    pub(in crate::kubernetes) service: &'a Object,
    /// The Service that it means, and its namespace.
    pub(in crate::kubernetes) name: String,
    pub(in crate::kubernetes) namespace: Option<String>,
    /// Whether it says itself that this is a name of the cluster.
    pub(in crate::kubernetes) is_of_cluster: bool,
}

impl<'a> Externals<'a> {
    pub(in crate::kubernetes) fn of(pool: &'a Pool) -> Self {
        let services = pool.objects.iter().filter(|one| one.kind == "Service");
        let mut by_name: HashMap<&str, Vec<External<'_>>> = HashMap::new();
        for external in services.filter_map(|service| External::of(service, pool)) {
            let of_name = by_name.entry(&external.service.name).or_default();
            of_name.push(external);
        }
        let direct = Self(by_name);
        let ends = direct.0.iter().map(|(name, all)| {
            let ends = all.iter().map(|one| direct.end(one.clone()));
            (*name, ends.collect())
        });
        Self(ends.collect())
    }

    pub(in crate::kubernetes) fn all(&self) -> impl Iterator<Item = &External<'a>> {
        self.0.values().flatten()
    }

    /// The one that a name means; one of the very namespace before one that may be of it.
    pub(in crate::kubernetes) fn named(&self, service: ServiceName<'_>) -> Option<&External<'a>> {
        let is_it = |one: &&External<'_>| {
            service.is_called(&one.service.name, one.service.namespace.as_deref())
        };
        let all = self.0.get(service.name)?.iter().filter(is_it);
        all.min_by_key(|one| one.service.namespace.as_deref() != service.namespace)
    }

    /// One may mean another one; a circle leads nowhere.
    fn end(&self, mut one: External<'a>) -> External<'a> {
        const LONGEST: usize = 8;
        for _ in 0..LONGEST {
            let Some(next) = self.named(one.meant()) else {
                break;
            };
            one = External {
                service: one.service,
                ..next.clone()
            };
        }
        one
    }
}

impl<'a> External<'a> {
    /// Names of a cluster alone: `NAME.NAMESPACE.svc`, with or without its domain. What looks names up as a pod does knows
    /// `NAME.NAMESPACE`, too; that is one where such a Service, or anything of such a namespace, was given.
    pub(in crate::kubernetes) fn of(service: &'a Object, pool: &Pool) -> Option<Self> {
        let kind = text(&service.node, &["spec", "type"]);
        let other = text(&service.node, &["spec", "externalName"])?;
        let asked = Asked::in_cluster(other, None);
        let meant = asked.services().find(|one| one.namespace.is_some())?;
        let external = Self {
            service,
            name: meant.name.rsplit('.').next()?.to_owned(),
            namespace: meant.namespace.map(str::to_owned),
            is_of_cluster: asked.says_cluster(),
        };
        let is_given = |one: &Object| {
            one.namespace == external.namespace || one.kind == "Service" && external.means(one)
        };
        let is_one = || match asked.host().matches('.').count() {
            1 => pool.objects.iter().any(is_given),
            _ => external.is_of_cluster,
        };
        (kind == Some("ExternalName") && is_one()).then_some(external)
    }

    /// The Service that it means.
    pub(in crate::kubernetes) fn meant(&self) -> ServiceName<'_> {
        ServiceName {
            name: &self.name,
            namespace: self.namespace.as_deref(),
        }
    }

    /// Whether it may mean a Service.
    pub(in crate::kubernetes) fn means(&self, service: &Object) -> bool {
        let namespace = service.namespace.as_deref();
        self.meant().is_called(&service.name, namespace)
    }
}
