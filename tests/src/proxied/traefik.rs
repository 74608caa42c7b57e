//! Traefik: entry points, routers of a file and of labels, services and middlewares.

use serde_json::{Map, Value, json};

use super::{Kind, Setup};
use crate::generator::Random;

pub(super) const KIND: Kind = Kind {
    name: "traefik",
    image: "traefik:v3.7",
    program: "traefik",
    generate,
    before: "",
    arguments: |file| vec![format!("--configfile={file}")],
    // SHA-1 of the password, as htpasswd writes it.
    password_file: || format!("{USER}\n"),
    // It listens before it has read its routers.
    has_to_settle: true,
};

const USER: &str = "u:{SHA}UWuXg/ylF+7L0dBk2i0WUxCxl1k=";
const RULES: [&str; 20] = [
    "PathPrefix(`/es`)",
    "PathPrefix(`/`)",
    "PathPrefix(`/api`)",
    "Path(`/login`)",
    "Path(`/es`) || Path(`/api`)",
    "PathRegexp(`^/(es|api)`)",
    "Host(`a.example`)",
    "Host(`a.example`) && PathPrefix(`/es`)",
    "Host(`a.example`) || Host(`b.example`)",
    "HostRegexp(`^.+\\.example$`)",
    "!Host(`a.example`)",
    "Method(`POST`)",
    "Header(`X-Token`, `own`)",
    "!Header(`X-Token`, `own`)",
    "Query(`k`, `v`)",
    "ClientIP(`10.0.0.0/8`)",
    "ClientIP(`10.0.0.0/8`) && PathPrefix(`/`)",
    "ClientIP(`10.0.0.0/8`) || PathPrefix(`/es`)",
    "!ClientIP(`10.0.0.0/8`)",
    "ClientIP(`0.0.0.0/0`)",
];
const BACKENDS: [&str; 3] = ["es", "api", "other"];
const ENTRY_POINTS: [&str; 2] = ["web", "second"];

fn generate(random: &mut Random) -> Setup {
    let by_options = !random.one_in(3);
    let reads_labels = random.one_in(2);
    let mut own = entry_points(random);
    own.push(("providers.file.filename".to_owned(), "@file@".to_owned()));
    if reads_labels {
        own.extend(docker(random));
    }
    let mut document = dynamic(random);
    let mut setup = Setup::default();
    if by_options {
        setup.command = own
            .iter()
            .map(|(path, value)| format!("--{path}={value}"))
            .collect();
    } else {
        for (path, value) in own {
            let value = match value.as_str() {
                "true" if path.ends_with(".tls") => json!({}),
                "true" | "false" => json!(value == "true"),
                _ => value.into(),
            };
            set(&mut document, &path, value);
        }
    }
    let is_toml = random.one_in(3);
    (setup.target, setup.text) = match (by_options, is_toml) {
        (true, false) => ("/etc/traefik/own.yml", yaml(&document)),
        (true, true) => ("/etc/traefik/own.toml", toml::to_string(&document).unwrap()),
        (false, false) => ("/etc/traefik/traefik.yml", yaml(&document)),
        (false, true) => (
            "/etc/traefik/traefik.toml",
            toml::to_string(&document).unwrap(),
        ),
    };
    if by_options && random.one_in(3) {
        // A template, of which nothing is left but a comment.
        setup
            .text
            .insert_str(0, "{{/* own */}}# {{ env `OF_NOBODY` }}\n");
    }
    if reads_labels {
        setup.labels = BACKENDS.map(|name| labels(random, name));
    }
    setup
}

fn yaml(document: &Value) -> String {
    serde_yaml::to_string(document).unwrap()
}

/// Puts a value at a path of objects.
fn set(document: &mut Value, path: &str, value: Value) {
    let mut at = document;
    for name in path.split('.') {
        at = &mut at[name];
    }
    *at = value;
}

fn entry_points(random: &mut Random) -> Vec<(String, String)> {
    let mut own = Vec::new();
    let count = 1 + random.below(2);
    for (name, port) in ENTRY_POINTS.iter().zip(["@80@", "@8080@"]).take(count) {
        let mut put = |path: &str, value: &str| {
            own.push((format!("entryPoints.{name}.{path}"), value.into()))
        };
        put("address", &format!(":{port}"));
        match random.below(12) {
            0 => put("http.tls", "true"),
            1 => put("http.tls", "false"),
            2 if count == 2 => {
                put("http.redirections.entryPoint.to", "second");
                put(
                    "http.redirections.entryPoint.scheme",
                    random.pick(&["https", "http"]),
                );
                if random.one_in(2) {
                    put("http.redirections.entryPoint.priority", "1");
                }
            }
            3 => put("asDefault", "true"),
            _ => {}
        }
    }
    own
}

fn docker(random: &mut Random) -> Vec<(String, String)> {
    let mut own = vec![("endpoint", "tcp://127.0.0.1:@engine@")];
    match random.below(3) {
        0 => own.push(("exposedByDefault", "false")),
        1 => own.push(("exposedByDefault", "true")),
        _ => {}
    }
    match random.below(6) {
        0 => own.push(("constraints", "Label(`tier`,`public`)")),
        1 => own.push(("constraints", "!Label(`tier`,`public`)")),
        2 => own.push(("defaultRule", "Host(`x.example`)")),
        _ => {}
    }
    let own = own.into_iter();
    own.map(|(name, value)| (format!("providers.docker.{name}"), value.to_owned()))
        .collect()
}

/// What the file has of routers, services and middlewares.
fn dynamic(random: &mut Random) -> Value {
    let mut http = json!({"services": services()});
    let names = ["r0", "r1", "r2"];
    let routers = names[..random.below(4)].iter().map(|&name| {
        let service = random.pick(&["es", "es", "api", "other", "both", "parts", "copy"]);
        (name.to_owned(), router(random, service))
    });
    let routers: Map<String, Value> = routers.collect();
    if !routers.is_empty() {
        http["routers"] = routers.into();
    }
    let middlewares = ["m0", "m1", "m2"].map(|name| (name.to_owned(), middleware(random)));
    http["middlewares"] = Map::from_iter(middlewares).into();
    let mut document = json!({"http": http});
    if random.one_in(4) {
        document["tcp"] = tcp(random);
    }
    document
}

fn services() -> Value {
    let to = |marks: &[&str]| {
        let servers = marks
            .iter()
            .map(|mark| json!({"url": format!("http://{mark}")}));
        json!({"loadBalancer": {"servers": servers.collect::<Vec<Value>>()}})
    };
    json!({
        "es": to(&["@es@"]),
        "api": to(&["@api@"]),
        "other": to(&["@other@"]),
        "both": to(&["@other@", "@es@"]),
        "parts": {"weighted": {"services": [{"name": "other", "weight": 1}, {"name": "es", "weight": 1}]}},
        "copy": {"mirroring": {"service": "other", "mirrors": [{"name": "es", "percent": 100}]}},
    })
}

fn router(random: &mut Random, service: &str) -> Value {
    let mut router = json!({"rule": random.pick(&RULES), "service": service});
    match random.below(5) {
        0 => router["entryPoints"] = json!(["web"]),
        1 => router["entryPoints"] = json!(["second"]),
        2 => router["entryPoints"] = json!(["web", "second"]),
        _ => {}
    }
    let middlewares = random.pick::<&[&str]>(&[
        &[],
        &[],
        &["m0"],
        &["m1"],
        &["m2", "m0"],
        &["m1@file"],
        &[],
        &["m2", "gone"],
    ]);
    if !middlewares.is_empty() {
        router["middlewares"] = json!(middlewares);
    }
    if random.one_in(4) {
        router["priority"] = random.pick(&[1, 1000, 0]).into();
    }
    if random.one_in(8) {
        router["tls"] = json!({});
    }
    router
}

fn middleware(random: &mut Random) -> Value {
    match random.below(15) {
        0 | 1 => json!({"basicAuth": {"users": [USER]}}),
        2 => json!({"basicAuth": {"usersFile": "@here@/passwords"}}),
        3 => json!({"ipAllowList": {"sourceRange": ["10.0.0.0/8"]}}),
        4 => json!({"ipAllowList": {"sourceRange": ["0.0.0.0/0"]}}),
        5 => json!({"redirectScheme": {"scheme": random.pick(&["https", "http"])}}),
        6 => {
            json!({"redirectRegex": {"regex": "^http://a\\.example(.*)", "replacement": "https://a.example${1}"}})
        }
        7 => json!({"redirectRegex": {"regex": "^http:(.*)", "replacement": "https:${1}"}}),
        8 => json!({"stripPrefix": {"prefixes": ["/es"]}}),
        9 => json!({"addPrefix": {"prefix": "/es"}}),
        10 => json!({"headers": {"customRequestHeaders": {"X-Own": "own"}}}),
        11 => json!({"chain": {"middlewares": ["m0"]}}),
        12 => json!({"forwardAuth": {"address": "http://127.0.0.1:1/"}}),
        13 => json!({"rateLimit": {"average": 10_000, "burst": 10_000}}),
        _ => json!({"digestAuth": {"users": ["u:own:25c1a3a2ea2e9c5b9cd7e7b4b4f4b2cd"]}}),
    }
}

fn tcp(random: &mut Random) -> Value {
    let rule = random.pick(&[
        "HostSNI(`*`)",
        "HostSNI(`*`)",
        "HostSNI(`a.example`)",
        "HostSNI(`*`) && ClientIP(`10.0.0.0/8`)",
        "ClientIP(`0.0.0.0/0`)",
    ]);
    let mut router = json!({"rule": rule, "service": random.pick(&["es", "api"])});
    if random.one_in(2) {
        router["entryPoints"] = json!([random.pick(&ENTRY_POINTS)]);
    }
    let mut tcp = json!({"services": {
        "es": {"loadBalancer": {"servers": [{"address": "@es@"}]}},
        "api": {"loadBalancer": {"servers": [{"address": "@api@"}]}},
    }});
    if random.one_in(3) {
        router["middlewares"] = json!(["own"]);
        let ranges = [random.pick(&["10.0.0.0/8", "0.0.0.0/0"])];
        tcp["middlewares"] = json!({"own": {"ipAllowList": {"sourceRange": ranges}}});
    }
    tcp["routers"] = json!({"t": router});
    tcp
}

/// What the labels of one of the containers say.
fn labels(random: &mut Random, name: &str) -> Vec<String> {
    let mut own = Vec::new();
    match random.below(4) {
        0 => return own,
        1 => own.push("traefik.enable=false".to_owned()),
        2 => own.push("traefik.enable=true".to_owned()),
        _ => {}
    }
    if random.one_in(4) {
        own.push("tier=public".to_owned());
    }
    if random.one_in(3) {
        let kind = random.pick(&[
            "basicauth.users=u:{SHA}UWuXg/ylF+7L0dBk2i0WUxCxl1k=",
            "ipallowlist.sourcerange=10.0.0.0/8",
            "ipallowlist.sourcerange=0.0.0.0/0",
            "redirectscheme.scheme=https",
            "redirectscheme.scheme=http",
            "chain.middlewares=m0@file",
            "stripprefix.prefixes=/es",
        ]);
        own.push(format!("traefik.http.middlewares.{name}-m.{kind}"));
    }
    for router in 0..random.below(3) {
        let router = format!("traefik.http.routers.{name}{router}");
        let mut put = |path: &str, value: &str| own.push(format!("{router}.{path}={value}"));
        if !random.one_in(6) {
            put("rule", random.pick(&RULES));
        }
        match random.below(5) {
            0 => put("entrypoints", "web"),
            1 => put("entryPoints", "web,second"),
            2 => put("entrypoints", "second"),
            _ => {}
        }
        match random.below(6) {
            0 => put("middlewares", &format!("{name}-m")),
            1 => put("middlewares", "m0@file, m1@file"),
            2 => put("middlewares", &format!("{name}-m@docker,m2@file")),
            _ => {}
        }
        if random.one_in(4) {
            put("priority", random.pick(&["1", "1000"]));
        }
        match random.below(10) {
            0 => put("tls", "true"),
            1 => put("tls", "false"),
            2 => put("service", "es@file"),
            // That of another container, perhaps.
            3 => put("service", random.pick(&["es", "api"])),
            _ => {}
        }
    }
    if random.one_in(2) {
        let port = format!("traefik.http.services.{name}.loadbalancer.server.port=@{name}:port@");
        own.push(port);
    }
    if random.one_in(8) {
        own.push(format!(
            "traefik.http.services.{name}2.loadbalancer.server.port=@{name}:port@"
        ));
    }
    if random.one_in(8) {
        own.push(format!("traefik.tcp.routers.{name}.rule=HostSNI(`*`)"));
        own.push(format!(
            "traefik.tcp.services.{name}.loadbalancer.server.port=@{name}:port@"
        ));
    }
    own
}
