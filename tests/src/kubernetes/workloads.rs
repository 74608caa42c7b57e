//! API servers with every kind of environment that Kubernetes accepts, from a seed: sources and entries in any order, names
//! that are there twice, references, prefixes, what is optional and missing.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::generator::Random;

/// Variables of four settings as people spell them, and others that are referred to.
const NAMES: [&str; 12] = [
    "CLEARML__secure__auth__token_secret",
    "CLEARML__SECURE__AUTH__TOKEN_SECRET",
    "CLEARML__Secure__Auth__Token_Secret",
    "CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_KEY",
    "CLEARML__secure__credentials__fileserver__user_key",
    "CLEARML__SECURE__CREDENTIALS__APISERVER__USER_SECRET",
    "CLEARML__SECURE__HTTP__SESSION_SECRET__APISERVER",
    "CLEARML__secure__http__session_secret__apiserver",
    "A",
    "B",
    "my.name-1",
    "HOME",
];
/// Keys of Secrets and ConfigMaps; with a prefix, some are names of settings.
const KEYS: [&str; 8] = [
    "CLEARML__SECURE__AUTH__TOKEN_SECRET",
    "CLEARML__secure__credentials__apiserver__user_secret",
    "secure__auth__token_secret",
    "SECURE__CREDENTIALS__FILESERVER__USER_KEY",
    "A",
    "B",
    "one",
    "two.three",
];
/// Values, which for HOCON are texts, numbers, nothing, or errors.
const VALUES: [&str; 24] = [
    "p8dK2mWq91xZ",
    "p8dK2mWq91xZ",
    "Tz51-hGq_08",
    "kV03bnRR77",
    "",
    "12E5",
    "0123",
    "true",
    "null",
    "$(A)",
    "$(B)",
    "x$(A)y$(B)",
    "$$(A)",
    "$$$(A)",
    "$(HOME)/$(my.name-1)",
    "$(CLEARML__SECURE__AUTH__TOKEN_SECRET)",
    "$(NOWHERE)",
    "$(A",
    "$",
    "a$b",
    "${A}",
    "with space ",
    "# not a comment",
    "a: b",
];

/// The workload of a seed, with what it refers to, in a namespace of its own. `name` is that of the workload.
pub fn workload(seed: u64, name: &str) -> Vec<Value> {
    let mut random = Random::new(seed);
    let namespace = format!("of-{name}");
    let metadata = |name: &str| json!({"name": name, "namespace": namespace});
    let mut env: Vec<Value> = Vec::new();
    for _ in 0..random.below(9) {
        env.push(entry(&mut random));
    }
    let mut sources: Vec<Value> = Vec::new();
    for _ in 0..random.below(4) {
        sources.push(source(&mut random));
    }
    let container = json!({
        "name": "server", "image": "docker.io/allegroai/clearml:2.0.0-613", "args": ["apiserver"], "envFrom": sources, "env": env,
    });
    let labels = json!({"app": name});
    let mut objects = vec![json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata(name),
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    })];
    for object in ["keys", "more"] {
        let mut data = Map::new();
        let mut plain = Map::new();
        for _ in 0..random.below(6) {
            let (key, value) = (random.pick(&KEYS).to_owned(), random.pick(&VALUES));
            match random.below(4) {
                0 => plain.insert(key, json!(value)),
                1 => data.insert(key, json!(STANDARD.encode(format!("{value}-of-data")))),
                _ => data.insert(key, json!(STANDARD.encode(value))),
            };
        }
        objects.push(json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": metadata(object), "data": data, "stringData": plain,
        }));
        let mut data = Map::new();
        for _ in 0..random.below(6) {
            data.insert(random.pick(&KEYS).to_owned(), json!(random.pick(&VALUES)));
        }
        objects.push(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(object), "data": data,
        }));
    }
    random.shuffle(&mut objects);
    objects
}

fn entry(random: &mut Random) -> Value {
    let name = random.pick(&NAMES);
    // What is missing keeps the container from starting, unless it is optional.
    let (object, is_optional) = match random.below(12) {
        0 => ("nowhere", true),
        1 => ("nowhere", false),
        _ => (random.pick(&["keys", "more"]), random.chance(90)),
    };
    let reference = json!({"name": object, "key": random.pick(&KEYS), "optional": is_optional});
    match random.below(8) {
        0 => json!({"name": name}),
        1 => json!({"name": name, "value": null}),
        2 | 3 => json!({"name": name, "valueFrom": {"secretKeyRef": reference}}),
        4 => json!({"name": name, "valueFrom": {"configMapKeyRef": reference}}),
        _ => json!({"name": name, "value": random.pick(&VALUES)}),
    }
}

fn source(random: &mut Random) -> Value {
    let (object, is_optional) = match random.below(15) {
        0 => ("nowhere", true),
        1 => ("nowhere", false),
        _ => (random.pick(&["keys", "more"]), random.chance(50)),
    };
    let kind = random.pick(&["secretRef", "configMapRef"]);
    let mut source = json!({kind: {"name": object, "optional": is_optional}});
    if random.chance(60) {
        source["prefix"] = json!(random.pick(&["CLEARML__", "CLEARML__", "X_", ""]));
    }
    source
}

/// A stream of YAML: in blocks, or as JSON in it.
pub fn stream(objects: &[Value], is_block: bool) -> String {
    let text = |object: &Value| match is_block {
        true => serde_yaml::to_string(object).unwrap(),
        false => format!("{object}\n"),
    };
    objects
        .iter()
        .map(|object| format!("---\n{}", text(object)))
        .collect()
}
