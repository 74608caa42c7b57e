//! Images of other software around ClearML's, by their names.

/// Images of other software around ClearML's. Some share its environment now and then, and some are told its services' names.
const THIRD_PARTY: [&str; 30] = [
    "alpine",
    "autoheal",
    "busybox",
    "caddy",
    "certbot",
    "docker",
    "dozzle",
    "elasticsearch",
    "grafana",
    "haproxy",
    "kibana",
    "kubectl",
    "logspout",
    "mariadb",
    "minio",
    "mongo",
    "mongodb",
    "mysql",
    "nginx",
    "opensearch",
    "postgres",
    "prometheus",
    "rabbitmq",
    "redis",
    "redis-stack",
    "rclone",
    "traefik",
    "valkey",
    "wait-for-dependencies",
    "watchtower",
];

/// Those of them that are told names of containers, in an image of anybody's.
const TOLD_NAMES: [&str; 9] = [
    "autoheal",
    "certbot",
    "docker",
    "dozzle",
    "kubectl",
    "logspout",
    "rclone",
    "wait-for-dependencies",
    "watchtower",
];

/// Who publishes them, besides those who are called like them.
const PUBLISHERS: [&str; 17] = [
    "alpinelinux",
    "bitnami",
    "bitnamilegacy",
    "bitnamisecure",
    "chainguard",
    "docker",
    "elastic",
    "haproxytech",
    "library",
    "nginxinc",
    "opensearchproject",
    "prom",
    "redis",
    "redislabs",
    "ubuntu",
    "valkey",
    "vmware",
];

/// Whether an image of this name is other software.
pub(super) fn is_known(name: &str) -> bool {
    THIRD_PARTY.contains(&name)
}

/// Whether it is told names of containers.
pub(super) fn is_told_names(name: &str) -> bool {
    TOLD_NAMES.contains(&name)
}

/// Whether other software is published under an image's name, also by way of a registry of somebody's own.
pub(super) fn is_published(repository: &str) -> bool {
    let mut parts = repository.rsplit('/');
    let name = parts.next().unwrap_or_default();
    let owner = parts.next().unwrap_or_default();
    let is_registry = owner.contains(['.', ':']) || owner == "localhost";
    owner.is_empty() || is_registry || owner == name || PUBLISHERS.contains(&owner)
}
