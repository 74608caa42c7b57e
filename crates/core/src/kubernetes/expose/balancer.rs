//! Who reaches the load balancer of a Service, an Ingress or a Gateway, and whether a Service's speaks TLS (docs/clearml.md#ways-into-a-cluster).

use std::net::{IpAddr, Ipv4Addr};

use super::list;
use crate::container::{Interface, Speaks};
use crate::knowable::Knowable;
use crate::kubernetes::object::Object;
use crate::shown::escape;
use crate::yaml::Node;
use crate::yaml::below::text;

/// Annotations of a load balancer in a private network, each with the values that say so; without any, whatever it has.
const INTERNAL: [(&str, &[&str]); 15] = [
    ("cloud.google.com/load-balancer-type", &["Internal"]),
    (
        "load-balancer.hetzner.cloud/disable-public-network",
        &["true"],
    ),
    ("networking.gke.io/load-balancer-type", &["Internal"]),
    (
        "oci-network-load-balancer.oraclecloud.com/internal",
        &["true"],
    ),
    (
        "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type",
        &["intranet"],
    ),
    (
        "service.beta.kubernetes.io/aws-load-balancer-internal",
        &["true", "0.0.0.0/0"],
    ),
    (AWS_SCHEME, &["internal"]),
    (
        "service.beta.kubernetes.io/azure-load-balancer-internal",
        &["true"],
    ),
    (
        "service.beta.kubernetes.io/do-loadbalancer-network",
        &["INTERNAL"],
    ),
    (
        "service.beta.kubernetes.io/oci-load-balancer-internal",
        &["true"],
    ),
    (
        "service.beta.kubernetes.io/openstack-internal-load-balancer",
        &["true"],
    ),
    (
        "service.beta.kubernetes.io/scw-loadbalancer-private",
        &["true"],
    ),
    (
        "service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type",
        &["private"],
    ),
    (
        "service.kubernetes.io/qcloud-loadbalancer-internal-subnetid",
        &[],
    ),
    ("yandex.cloud/load-balancer-type", &["internal"]),
];
const AWS: &str = "service.beta.kubernetes.io/aws-load-balancer-";
const AWS_SCHEME: &str = "service.beta.kubernetes.io/aws-load-balancer-scheme";

/// The networks of private addresses, each with the bits that all of its addresses share.
const PRIVATE: [(Ipv4Addr, u32); 4] = [
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
];

/// Whether Tailscale's operator puts a Service into its own network, which is a private one.
pub(super) fn is_on_tailnet(service: &Object) -> bool {
    service.annotation("tailscale.com/expose") == Some("true")
        || text(&service.node, &["spec", "loadBalancerClass"]) == Some("tailscale")
}

/// Annotations that ask for addresses of a load balancer (docs/clearml.md#ways-into-a-cluster).
const ADDRESSES: [&str; 5] = [
    "io.cilium/lb-ipam-ips",
    "kube-vip.io/loadbalancerIPs",
    "lbipam.cilium.io/ips",
    "metallb.io/loadBalancerIPs",
    "metallb.universe.tf/loadBalancerIPs",
];

/// Whether a Service asks for addresses, and for private ones alone. Which address a node has says nothing: a cloud may lead a
/// public one there.
fn has_private_addresses(service: &Object) -> bool {
    let own = text(&service.node, &["spec", "loadBalancerIP"]).into_iter();
    let annotated = ADDRESSES.iter().filter_map(|name| service.annotation(name));
    let all = own.chain(annotated.flat_map(|all| all.split(',')));
    let mut all = all.map(str::trim).filter(|one| !one.is_empty()).peekable();
    all.peek().is_some() && all.all(|one| one.parse::<IpAddr>().is_ok() && is_private(one))
}

/// From where the load balancer of a Service, or what does its work, is reached.
pub(super) fn interface(service: &Object) -> Interface {
    // AWS's own controller makes one for its own network, unless it is told otherwise.
    let aws = |name: &str| service.annotation(&format!("{AWS}{name}"));
    let class = text(&service.node, &["spec", "loadBalancerClass"]);
    let is_of_its_controller =
        matches!(aws("type"), Some("external" | "nlb-ip")) || class == Some("service.k8s.aws/nlb");
    let is_aws_own = is_of_its_controller && aws("scheme").is_none() && aws("internal").is_none();
    let is_internal = is_internal(|name| service.annotation(name)) || is_aws_own;
    if is_internal || is_on_tailnet(service) || has_private_addresses(service) {
        return Interface::Private;
    }
    let annotated = service.annotation("service.beta.kubernetes.io/load-balancer-source-ranges");
    let own = list(&service.node, &["spec", "loadBalancerSourceRanges"]);
    let own = own.iter().filter_map(|range| range.text());
    let annotated = annotated.into_iter().flat_map(|ranges| ranges.split(','));
    let ranges: Vec<&str> = own.chain(annotated).map(str::trim).collect();
    match () {
        () if ranges.is_empty() || ranges.iter().any(|range| range.ends_with("/0")) => {
            Interface::All
        }
        () if ranges.iter().all(|range| is_private(range)) => Interface::Private,
        () => Interface::Listed,
    }
}

/// Whether an annotation asks for a load balancer in a private network.
fn is_internal<'a>(annotation: impl Fn(&str) -> Option<&'a str>) -> bool {
    let has = |(name, values): &(&str, &[&str])| {
        annotation(name).is_some_and(|value| match *values {
            [] => !value.is_empty(),
            values => values.contains(&value),
        })
    };
    INTERNAL.iter().any(has)
}

/// From where the controller of an Ingress lets it be reached. Where nothing tells, a controller's own Service does, or a
/// class with parameters, which nobody has given.
pub(super) fn of_ingress(ingress: &Object) -> Interface {
    let is = |name: &str, value: &str| ingress.annotation(name) == Some(value);
    let class = class(ingress);
    let is_of = |name: &str| class.is_none_or(|class| class.contains(name));
    let is_private = match class {
        Some("gce-internal") => true,
        _ => {
            is_of("alb") && is("alb.ingress.kubernetes.io/scheme", "internal")
                || is_of("application-gateway")
                    && is("appgw.ingress.kubernetes.io/use-private-ip", "true")
        }
    };
    private_or_all(is_private)
}

/// The same of a Gateway.
pub(super) fn of_gateway(gateway: &Object) -> Interface {
    let class = text(&gateway.node, &["spec", "gatewayClassName"]).unwrap_or_default();
    let is_googles =
        class.starts_with("gke-l7-rilb") || class.starts_with("gke-l7-cross-regional-internal");
    let of_service = ["spec", "infrastructure", "annotations"];
    let annotation = |name: &str| text(&gateway.node, &[&of_service[..], &[name]].concat());
    private_or_all(is_googles || is_internal(annotation))
}

/// Which controller an Ingress is for.
pub(super) fn class(ingress: &Object) -> Option<&str> {
    ingress
        .annotation("kubernetes.io/ingress.class")
        .or_else(|| text(&ingress.node, &["spec", "ingressClassName"]))
}

fn private_or_all(is_private: bool) -> Interface {
    match is_private {
        true => Interface::Private,
        false => Interface::All,
    }
}

/// Whether a range has private addresses alone.
fn is_private(range: &str) -> bool {
    let (address, bits) = range.split_once('/').unwrap_or((range, "128"));
    let Ok(bits) = bits.parse::<u32>() else {
        return false;
    };
    match address.parse() {
        Ok(IpAddr::V4(address)) => PRIVATE.iter().any(|(network, own)| {
            let differ = u32::from(address) ^ u32::from(*network);
            bits >= *own && differ >> (32 - own) == 0
        }),
        Ok(IpAddr::V6(address)) => bits >= 7 && address.is_unique_local(),
        Err(_) => false,
    }
}

/// Whether a range has all of a private network, and so what pods may have as addresses.
pub(super) fn has_private_network(address: IpAddr, bits: u32) -> bool {
    match address {
        IpAddr::V4(address) => PRIVATE.iter().any(|(network, own)| {
            let differ = u32::from(address) ^ u32::from(*network);
            bits <= *own && differ.checked_shr(32 - bits).unwrap_or(0) == 0
        }),
        IpAddr::V6(address) => bits <= 8 && address.octets()[0] & 0xfe == 0xfc,
    }
}

/// What the load balancer of a Service speaks at a port, where an annotation may give it TLS.
pub(super) fn speaks(service: &Object, port: &Node) -> Option<Knowable<Speaks>> {
    if service.annotation(&format!("{AWS}ssl-cert")).is_some() {
        let ports = service.annotation(&format!("{AWS}ssl-ports"));
        let own = [text(port, &["port"]), text(port, &["name"])];
        let is_own = |word: &str| word == "*" || own.contains(&Some(word));
        let is_tls = ports.is_none_or(|ports| ports.split(',').any(|word| is_own(word.trim())));
        return is_tls.then_some(Knowable::Known(Speaks::Tls));
    }
    let is_about_tls = |(name, value): &(&str, &str)| {
        let is_of_balancer = name.contains("load-balancer") || name.contains("loadbalancer");
        let has_word = ["cert", "https", "ssl", "tls"]
            .iter()
            .any(|word| name.contains(word));
        is_of_balancer && !name.starts_with(AWS) && (has_word || value.contains("https"))
    };
    let (name, _) = service.annotations().find(is_about_tls)?;
    Some(Knowable::unknown(format!(
        "the annotation {} may give it TLS; check that it does",
        escape(name)
    )))
}
