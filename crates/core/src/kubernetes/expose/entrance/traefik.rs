//! Routes of Traefik's own kinds, and what its middlewares do, which an Ingress may name, too
//! (docs/clearml.md#ways-into-a-cluster).

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use super::{Rule, rule, tls};
use crate::container::Speaks;
use crate::knowable::Knowable;
use crate::kubernetes::object::Object;
use crate::kubernetes::pool::Pool;
use crate::shown::escape;
use crate::traefik::{Middleware, SendsToTls, is_for_few, names};
use crate::yaml::Node;
use crate::yaml::below::{at, list, text, texts};

/// Entry points of Traefik's own chart and documentation. What another one speaks, only its settings tell.
const CLEAR: [&str; 2] = ["http", "web"];
const TLS: [&str; 2] = ["https", "websecure"];

/// A chain of middlewares has others in it, so deep at the most.
const DEEPEST: usize = 4;

/// The annotation of an Ingress that names middlewares: `NAMESPACE-NAME@kubernetescrd`.
const OF_INGRESS: &str = "traefik.ingress.kubernetes.io/router.middlewares";

/// All middlewares of a pool, by their names.
pub(super) struct Middlewares<'a>(HashMap<&'a str, Vec<&'a Object>>);

/// What the middlewares of a route do with who comes in.
#[derive(Clone, Default)]
pub(super) struct Done {
    sends_to_tls: bool,
    pub(super) is_guarded: bool,
    /// Why it is not known of one what it does.
    unknown: Option<String>,
}

impl<'a> Middlewares<'a> {
    pub(super) fn of(pool: &'a Pool) -> Self {
        let mut by_name: HashMap<&str, Vec<&Object>> = HashMap::new();
        let objects = pool.objects.iter();
        for object in objects.filter(|one| one.kind.starts_with("Middleware")) {
            by_name.entry(&object.name).or_default().push(object);
        }
        Self(by_name)
    }

    /// The rules of an IngressRoute or an IngressRouteTCP.
    pub(super) fn rules_of(&self, route: &Object) -> Vec<Rule> {
        let mut rules = Vec::new();
        for part in list(&route.node, &["spec", "routes"]) {
            let mut done = Done::default();
            self.follow(route, list(part, &["middlewares"]), &mut done, 0);
            let Some(speaks) = speaks(route, &done) else {
                continue;
            };
            let expression = text(part, &["match"]).unwrap_or_default();
            let hosts = hosts(expression);
            let is_service =
                |one: &&Arc<Node>| text(one, &["kind"]).is_none_or(|kind| kind == "Service");
            for service in list(part, &["services"]).iter().filter(is_service) {
                let Some(name) = text(service, &["name"]) else {
                    continue;
                };
                let own = rule(route, name, speaks.clone(), part).within(service);
                let own = Rule {
                    port: text(service, &["port"]).map(str::to_owned),
                    is_bytes: route.kind == "IngressRouteTCP",
                    is_guarded: done.is_guarded || is_for_few(expression),
                    ..own
                };
                rules.extend(own.at_hosts(&hosts));
            }
        }
        rules
    }

    fn follow(&self, route: &Object, references: &[Arc<Node>], done: &mut Done, depth: usize) {
        let named = references
            .iter()
            .filter_map(|one| Some((one, text(one, &["name"])?)));
        for (reference, name) in named {
            let namespace = text(reference, &["namespace"]).or(route.namespace.as_deref());
            let is_meant = |one: &&&Object| {
                let own = one.namespace.as_deref();
                own.is_none() || namespace.is_none() || own == namespace
            };
            let mut named = self.0.get(name).into_iter().flatten();
            self.add(named.find(is_meant), name, done, depth);
        }
    }

    /// What those do that an Ingress names.
    pub(super) fn of_ingress(&self, ingress: &Object) -> Done {
        let mut done = Done::default();
        for name in names(tls::obeyed(ingress, OF_INGRESS).unwrap_or_default()) {
            let qualified = name.strip_suffix("@kubernetescrd").unwrap_or(name);
            // Either of the two names may have a dash: of several the one in the Ingress' own namespace counts, and then the one
            // with the longest name.
            let is_meant = |one: &&&Object| {
                let namespace = qualified.strip_suffix(one.name.as_str());
                let namespace = namespace.and_then(|before| before.strip_suffix('-'));
                let own = one.namespace.as_deref();
                one.kind == "Middleware"
                    && namespace.is_some_and(|namespace| own.is_none_or(|own| own == namespace))
            };
            let rank = |one: &&&Object| {
                let place = one.span(&one.node);
                let is_beside = one.namespace == ingress.namespace;
                (
                    is_beside,
                    one.name.len(),
                    Reverse((place.source, place.start)),
                )
            };
            let all = self.0.values().flatten();
            let meant = all.filter(is_meant).max_by_key(rank);
            self.add(meant, qualified, &mut done, 0);
        }
        done
    }

    /// Adds what one of them does.
    fn add(&self, middleware: Option<&&Object>, name: &str, done: &mut Done, depth: usize) {
        let name = escape(name);
        let Some(middleware) = middleware else {
            done.unknown = Some(format!(
                "Middleware {name} was not given; add it as a TARGET"
            ));
            return;
        };
        let settings = settings(middleware);
        let settings = settings.iter();
        let own = Middleware::of(settings.map(|(path, value)| (path.as_str(), *value)));
        done.sends_to_tls |= own.sends_to_tls == SendsToTls::Everybody;
        if own.sends_to_tls == SendsToTls::Some {
            done.unknown = Some(format!(
                "Middleware {name} sends to TLS what fits an expression; check that it is all"
            ));
        }
        done.is_guarded |= own.is_guard;
        if depth < DEEPEST {
            let chained = list(&middleware.node, &["spec", "chain", "middlewares"]);
            self.follow(middleware, chained, done, depth + 1);
        }
    }
}

impl Done {
    /// What is left of what is spoken; nothing where all who come in clear text are sent on to TLS.
    pub(super) fn after(&self, speaks: Speaks) -> Option<Knowable<Speaks>> {
        match (speaks, self.sends_to_tls) {
            (Speaks::Tls, _) | (Speaks::Both, true) => Some(Knowable::Known(Speaks::Tls)),
            (Speaks::Clear, true) => None,
            (Speaks::Clear | Speaks::Both, false) => Some(match &self.unknown {
                Some(why) => Knowable::unknown(why.clone()),
                None => Knowable::Known(speaks),
            }),
        }
    }
}

/// The settings of a middleware, each with its path in small letters: `ipallowlist.sourcerange`.
fn settings(middleware: &Object) -> Vec<(String, &str)> {
    let mut all = Vec::new();
    let spec = at(&middleware.node, &["spec"]);
    for kind in spec.into_iter().flat_map(|spec| spec.fields()) {
        let name = kind.key.text().unwrap_or_default().to_ascii_lowercase();
        all.push((name.clone(), ""));
        for setting in kind.value.fields() {
            let key = setting.key.text().unwrap_or_default();
            let path = format!("{name}.{}", key.to_ascii_lowercase());
            let values = texts(kind.value, &[key]).into_iter();
            all.extend(values.map(|value| (path.clone(), value)));
        }
    }
    all
}

/// What a route speaks; none where it sends everybody on to TLS.
fn speaks(route: &Object, done: &Done) -> Option<Knowable<Speaks>> {
    // Traefik gives a route with `tls` nothing but what comes with TLS.
    if at(&route.node, &["spec", "tls"]).is_some() {
        return Some(Knowable::Known(Speaks::Tls));
    }
    let points = texts(&route.node, &["spec", "entryPoints"]);
    let is_known = |point: &&&str| CLEAR.contains(point) || TLS.contains(point);
    if let Some(other) = points.iter().find(|point| !is_known(point)) {
        return Some(Knowable::unknown(format!(
            "its entry point {} is in Traefik's own settings; check that it speaks TLS",
            escape(other)
        )));
    }
    let has_clear = points.is_empty() || points.iter().any(|point| CLEAR.contains(point));
    let has_tls = points.iter().any(|point| TLS.contains(point));
    done.after(match (has_clear, has_tls) {
        (true, true) => Speaks::Both,
        (true, false) => Speaks::Clear,
        (false, _) => Speaks::Tls,
    })
}

/// The hosts that a rule is for; none of them is any host, as of a rule with an alternative that names none.
fn hosts(rule: &str) -> Vec<Option<&str>> {
    let mut hosts = Vec::new();
    for alternative in rule.split("||") {
        let before = hosts.len();
        for name in ["Host(", "HostSNI("] {
            for (at, _) in alternative.match_indices(name) {
                let is_part = |sign: char| sign == '!' || sign.is_ascii_alphanumeric();
                if alternative[..at].ends_with(is_part) {
                    continue;
                }
                let rest = &alternative[at + name.len()..];
                let all = rest.split(')').next().unwrap_or_default().split(',');
                let all = all.map(|host| host.trim_matches(['`', '\'', '"', ' ']));
                hosts.extend(all.filter(|host| !["", "*"].contains(host)).map(Some));
            }
        }
        if hosts.len() == before {
            return vec![None];
        }
    }
    hosts
}

#[cfg(test)]
mod tests {
    use super::hosts;

    #[test]
    fn hosts_of_rules_are_read() {
        for (rule, expected) in [
            ("Host(`ml.example.com`)", vec![Some("ml.example.com")]),
            (
                "Host(`a.b`, `c.d`) && PathPrefix(`/x`)",
                vec![Some("a.b"), Some("c.d")],
            ),
            (
                "Host('a.b') || Host(\"c.d\")",
                vec![Some("a.b"), Some("c.d")],
            ),
            ("Host(`a.b`) || PathPrefix(`/x`)", vec![None]),
            ("!Host(`a.b`)", vec![None]),
            ("HostRegexp(`.+`)", vec![None]),
            ("HostSNI(`*`)", vec![None]),
            ("HostSNI(`db.example.com`)", vec![Some("db.example.com")]),
            ("", vec![None]),
        ] {
            assert_eq!(hosts(rule), expected, "{rule}");
        }
    }
}
