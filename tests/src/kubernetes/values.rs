//! Values files for ClearML's chart, from a seed: layers, lists that replace others, null, values that are numbers or truth
//! values where nobody quotes them, a Secret of somebody's own, and charts of every age.

use serde_json::{Map, Value, json};

use crate::generator::Random;
use crate::keyset::Keyset;

/// Versions of the chart with the tag of their images.
pub const CHARTS: [(&str, &str); 9] = [
    ("7.2.0", "1.11.0-373"),
    ("7.2.1", "1.11.0-373"),
    ("7.7.0", "1.14.1-448"),
    ("7.8.0", "1.15.0-472"),
    ("7.10.0", "1.15.1-478"),
    ("7.11.2", "1.16.1-499"),
    ("7.12.0", "1.16.2-502"),
    ("7.13.0", "1.17.1-554"),
    ("7.14.4", "2.0.0-613"),
];

/// One release.
pub struct Values {
    /// Which of the charts.
    pub chart: usize,
    /// The files, as helm gets them.
    pub layers: Vec<String>,
    /// Secrets and ConfigMaps that are in the cluster already.
    pub cluster: Option<String>,
}

/// What stands before a text that nobody quotes.
const BARE: char = '\u{a7}';

/// Texts that are written without quotes, and mostly are none.
const UNQUOTED: [&str; 12] = [
    "12345678",
    "0123",
    "12E5",
    "1_000",
    "yes",
    "off",
    "true",
    "3.14",
    "plain-word",
    "~",
    "0x1F",
    "2001-12-14",
];

const NAMES: [&str; 12] = [
    "CLEARML__SECURE__HTTP__SESSION_SECRET__APISERVER",
    "CLEARML__secure__http__session_secret__apiserver",
    "CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_KEY",
    "CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_SECRET",
    "CLEARML__SECURE__CREDENTIALS__WEBSERVER__USER_KEY",
    "CLEARML__SECURE__CREDENTIALS__WEBSERVER__USER_SECRET",
    "CLEARML__SECURE__AUTH__TOKEN_SECRET",
    "CLEARML__secure__auth__token_secret",
    "CLEARML__SECURE__CREDENTIALS__TESTS__USER_KEY",
    "CLEARML__fileserver__auth__cookie_names",
    "CLEARML__apiserver__auth__fixed_users__enabled",
    "OTHER",
];

/// The seven values that become keys of the Secret.
const KEYS: [&str; 7] = [
    "apiserverKey",
    "apiserverSecret",
    "fileserverKey",
    "fileserverSecret",
    "secureAuthTokenSecret",
    "testUserKey",
    "testUserSecret",
];

/// The names of these in the Secret, and others.
const IN_SECRET: [&str; 12] = [
    "apiserver_key",
    "apiserver_secret",
    "fileserver_key",
    "fileserver_secret",
    "secure_auth_token_secret",
    "test_user_key",
    "test_user_secret",
    "session_secret",
    "webserver_key",
    "webserver_secret",
    "services_agent_key",
    "services_agent_secret",
];

/// The values of a seed; texts are those of the keyset, so that what is the same and what is not can be told.
pub fn values(seed: u64, keyset: &Keyset) -> Values {
    let mut made = Made {
        random: Random::new(seed),
        texts: keyset.values.values().cloned().collect(),
    };
    let chart = made.random.below(CHARTS.len());
    let layers = (0..=made.random.below(3)).map(|_| made.layer()).collect();
    let cluster = made.random.chance(60).then(|| made.cluster());
    Values {
        chart,
        layers,
        cluster,
    }
}

struct Made {
    random: Random,
    texts: Vec<String>,
}

impl Made {
    fn text(&mut self) -> Value {
        let index = self.random.below(self.texts.len());
        json!(self.texts[index])
    }

    /// A text; now and then nothing, or something that is none.
    fn word(&mut self) -> Value {
        match self.random.below(30) {
            0 => Value::Null,
            1 => json!(""),
            2 => json!(format!("{BARE}{}", self.random.pick(&UNQUOTED))),
            3 => json!(self.random.pick(&UNQUOTED)),
            _ => self.text(),
        }
    }

    /// One file: anything may be in it, and most is not.
    fn layer(&mut self) -> String {
        let mut root = Map::new();
        for (section, chance) in [
            ("clearml", 80),
            ("apiserver", 80),
            ("fileserver", 70),
            ("webserver", 40),
        ] {
            if !self.random.chance(chance) {
                // What a file of values is told by.
                root.insert(section.to_owned(), json!({}));
                continue;
            }
            let below = match section {
                "clearml" => self.clearml(),
                section => self.server(section),
            };
            root.insert(section.to_owned(), below);
        }
        if self.random.chance(2) {
            let section = self.random.pick(&["clearml", "apiserver", "webserver"]);
            root.insert(section.to_owned(), Value::Null);
        }
        self.around(&mut root);
        let text = match self.random.chance(25) {
            true => Value::Object(root).to_string(),
            false => serde_yaml::to_string(&Value::Object(root)).unwrap(),
        };
        let text = self.with_anchor(text);
        without_quotes(&text)
    }

    /// The same with one list that is named and taken twice.
    fn with_anchor(&mut self, text: String) -> String {
        if !self.random.chance(15) || !text.contains("  extraEnvs: []\n") {
            return text;
        }
        let name = self.random.pick(&NAMES);
        let list = format!("common: &common\n- &one {{name: {name}, value: shared-by-servers}}\n");
        let merged = "  extraEnvs: *common\n";
        list + &text.replace("  extraEnvs: []\n", merged)
    }

    fn clearml(&mut self) -> Value {
        let mut below = Map::new();
        for key in KEYS {
            if self.random.chance(35) {
                below.insert(key.to_owned(), self.word());
            }
        }
        if self.random.chance(35) {
            let name = match self.random.below(8) {
                0 => Value::Null,
                1 => json!(""),
                2 => json!("nowhere"),
                _ => json!("clearml-keys"),
            };
            below.insert("existingSecret".to_owned(), name);
        }
        for (key, texts) in [
            ("cookieName", ["clearml-token-k8s", "other"]),
            ("cookieDomain", ["example.com", ""]),
            ("defaultCompany", ["company", "clearml"]),
        ] {
            if self.random.chance(25) {
                let value = match self.random.below(12) {
                    0 => Value::Null,
                    1 => json!(format!("{BARE}{}", self.random.pick(&UNQUOTED))),
                    // A template prints these, too.
                    2 if key == "cookieName" => json!([self.random.pick(&texts), 1, null]),
                    3 if key == "cookieName" => json!({"b": 1, "a": ["x"]}),
                    4 if key == "cookieName" => {
                        json!(self.random.pick(&["true", "12", "a: b", "a #b"]))
                    }
                    _ => json!(self.random.pick(&texts)),
                };
                below.insert(key.to_owned(), value);
            }
        }
        Value::Object(below)
    }

    fn server(&mut self, section: &str) -> Value {
        let mut below = Map::new();
        let mut put = |key: &str, value: Value| below.insert(key.to_owned(), value);
        if self.random.chance(5) {
            put("enabled", json!(self.random.chance(50)));
        }
        if self.random.chance(8) {
            put("replicaCount", json!(self.random.below(3)));
        }
        if self.random.chance(12) {
            let image = match self.random.below(4) {
                0 => json!({"registry": "registry.example.com"}),
                1 => json!({"repository": "clearml/server", "tag": "2.3.0"}),
                2 => json!({"tag": format!("{BARE}1.16")}),
                _ => json!({"tag": "latest", "registry": null}),
            };
            put("image", image);
        }
        if self.random.chance(40) {
            let service = match self.random.below(6) {
                0 => json!({"type": "LoadBalancer"}),
                1 => {
                    json!({"type": "LoadBalancer", "annotations": {"networking.gke.io/load-balancer-type": "Internal"}})
                }
                2 => json!({"nodePort": 31000}),
                3 => json!({"port": 9999}),
                _ => json!({"type": "ClusterIP"}),
            };
            put("service", service);
        }
        if self.random.chance(25) {
            let ingress = match self.random.below(5) {
                0 => json!({"enabled": true}),
                1 => json!({"enabled": true, "hostName": "x.example.com", "tlsSecretName": "tls"}),
                2 => {
                    json!({"enabled": true, "path": "/api", "annotations": {"kubernetes.io/ingress.class": "nginx"}})
                }
                3 => json!({"enabled": format!("{BARE}yes"), "tlsSecretName": null}),
                _ => json!({"hostName": "y.example.com"}),
            };
            put("ingress", ingress);
        }
        if self.random.chance(60) {
            let count = self.random.below(5);
            let list = (0..count).map(|_| self.entry()).collect();
            let value = if self.random.chance(95) {
                list
            } else {
                Value::Null
            };
            put("extraEnvs", value);
        }
        if section == "apiserver" {
            self.configs(&mut below);
        }
        if self.random.chance(15) {
            let volume = json!([{"name": "own", "secret": {"secretName": "clearml-files"}}]);
            let mount = json!([{"name": "own", "mountPath": "/opt/clearml/config/own"}]);
            below.insert("additionalVolumes".to_owned(), volume);
            below.insert("additionalVolumeMounts".to_owned(), mount);
        }
        Value::Object(below)
    }

    fn configs(&mut self, below: &mut Map<String, Value>) {
        if self.random.chance(20) {
            let secret = self.text();
            let secret = secret.as_str().unwrap();
            let files = match self.random.below(9) {
                0 => json!({}),
                1 => json!({"secure.conf": format!("auth {{\n  token_secret: \"{secret}\"\n}}\n")}),
                2 => {
                    json!({"secure.conf": format!("credentials.webserver {{ user_key: {secret} }}")})
                }
                3 => json!({"secure.conf": 1}),
                _ => json!({"apiserver.conf": "auth {\n  fixed_users { enabled: true }\n}\n"}),
            };
            below.insert("additionalConfigs".to_owned(), files);
        }
        for (key, name) in [
            ("existingAdditionalConfigsSecret", "clearml-files"),
            ("existingAdditionalConfigsConfigMap", "clearml-config"),
        ] {
            if self.random.chance(10) {
                below.insert(
                    key.to_owned(),
                    json!(self.random.pick(&[name, name, "", "nowhere"])),
                );
            }
        }
    }

    fn entry(&mut self) -> Value {
        let name = self.random.pick(&NAMES);
        let reference = json!({
            "name": self.random.pick(&["clearml-keys", "clearml-keys", "clearml-conf", "nowhere"]),
            "key": self.random.pick(&IN_SECRET),
        });
        match self.random.below(12) {
            0 => json!({"name": name}),
            1 => json!({"name": name, "value": null}),
            2 => json!({"name": name, "value": format!("{BARE}{}", self.random.pick(&UNQUOTED))}),
            3 => json!({"name": name, "value": self.random.pick(&UNQUOTED)}),
            4 => json!({"name": name, "value": "$(CLEARML__secure__auth__token_secret)"}),
            5..=7 => json!({"name": name, "valueFrom": {"secretKeyRef": reference}}),
            _ => json!({"name": name, "value": self.text()}),
        }
    }

    /// What is around the servers.
    fn around(&mut self, root: &mut Map<String, Value>) {
        for name in ["fullnameOverride", "nameOverride"] {
            if self.random.chance(6) {
                let long = "long-".repeat(13);
                let names = ["ml", "clear", "", &long];
                root.insert(name.to_owned(), json!(self.random.pick(&names)));
            }
        }
        if self.random.chance(8) {
            root.insert(
                "global".to_owned(),
                json!({"imageRegistry": "mirror.example.com"}),
            );
        }
        for (section, more) in [
            (
                "redis",
                json!({"master": {"service": {"type": "NodePort"}}}),
            ),
            ("mongodb", json!({"service": {"type": "LoadBalancer"}})),
            ("elasticsearch", json!({"service": {"type": "NodePort"}})),
        ] {
            if self.random.chance(10) {
                let below = match self.random.below(4) {
                    0 => json!({"enabled": false}),
                    1 if section != "elasticsearch" => json!({"auth": {"enabled": true}}),
                    _ => more,
                };
                root.insert(section.to_owned(), below);
            }
        }
        if self.random.chance(8) {
            let address = "mongodb://root:example@db.example.com:27017/auth";
            root.insert(
                "externalServices".to_owned(),
                json!({"mongodbConnectionStringAuth": address}),
            );
        }
    }

    /// The Secret that values name, with some of its keys, and one with files.
    fn cluster(&mut self) -> String {
        let mut keys = Map::new();
        for key in IN_SECRET {
            if self.random.chance(85) {
                keys.insert(key.to_owned(), self.text());
            }
        }
        let secret = self.text();
        let conf = format!(
            "credentials.services_agent.user_key = {}\n",
            secret.as_str().unwrap()
        );
        let object = |kind: &str, name: &str, field: &str, data: Value| json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, field: data});
        let objects = [
            object("Secret", "clearml-keys", "stringData", Value::Object(keys)),
            object(
                "Secret",
                "clearml-files",
                "stringData",
                json!({"secure.conf": conf}),
            ),
            object(
                "ConfigMap",
                "clearml-config",
                "data",
                json!({"apiserver.conf": "auth.fixed_users.enabled: true"}),
            ),
        ];
        super::workloads::stream(&objects, true)
    }
}

/// The text with what is marked as bare.
fn without_quotes(text: &str) -> String {
    let mut done = text.to_owned();
    for word in UNQUOTED.iter().chain(&["1.16"]) {
        for quote in ["'", "\"", ""] {
            done = done.replace(&format!("{quote}{BARE}{word}{quote}"), word);
        }
    }
    done
}
