//! What our chart renders: three servers, the delete job and the databases, as ClearML's chart gives them their variables
//! (docs/clearml.md#helm-chart).

use std::fmt::Write;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clearml_secure_core::keyset::{Format, Keyset};

use crate::common::{Done, ask, folder_with};

/// The constants of ClearML's chart, by the names of its Secret.
const CONSTANTS: [(&str, &str); 7] = [
    ("apiserver_key", "GGS9F4M6XB2DXJ5AFT9F"),
    (
        "apiserver_secret",
        "2oGujVFhPfaozhpuz2GzQfA5OyxmMsR3WVJpsCR5hrgHFs20PO",
    ),
    ("fileserver_key", "XXCRJ123CEE2KSQ068WO"),
    (
        "fileserver_secret",
        "YIy8EVAC7QCT4FtgitxAQGyW7xRHDZ4jpYlTE7HKiscpORl1hG",
    ),
    (
        "secure_auth_token_secret",
        "ymLh1ok5k5xNUQfS944Xdx9xjf0wueokqKM2dMZfHuH9ayItG2",
    ),
    ("test_user_key", "ENP39EQM4SLACGD5FXB7"),
    (
        "test_user_secret",
        "lPcm0imbcBZ8mwgO7tpadutiS3gnJD05x9j7afwXPS35IKbpiQ",
    ),
];

/// The values of the chart, as far as tests change them.
#[derive(Clone)]
pub(crate) struct Chart {
    /// The release, which is in every name.
    pub(crate) release: &'static str,
    pub(crate) namespace: Option<&'static str>,
    /// `clearml.existingSecret`.
    pub(crate) secret: &'static str,
    /// What the chart's own Secret holds; the seven constants where nothing is set.
    pub(crate) values: Option<[String; 7]>,
    /// `apiserver.extraEnvs` and `fileserver.extraEnvs`.
    pub(crate) apiserver: String,
    pub(crate) fileserver: String,
    /// What is in the pods besides: volumes, and their mounts.
    pub(crate) volumes: String,
    pub(crate) mounts: String,
    pub(crate) service: &'static str,
    pub(crate) replicas: u8,
}

impl Default for Chart {
    fn default() -> Self {
        Self {
            release: "clearml",
            namespace: None,
            secret: "clearml-conf",
            values: None,
            apiserver: String::new(),
            fileserver: String::new(),
            volumes: String::new(),
            mounts: String::new(),
            service: "NodePort",
            replicas: 1,
        }
    }
}

/// An entry of `env` with a value.
pub(crate) fn value(name: &str, value: &str) -> String {
    format!("        - name: {name}\n          value: {value}\n")
}

/// An entry of `env` that takes a key of a Secret.
pub(crate) fn reference(name: &str, secret: &str, key: &str) -> String {
    format!(
        "        - name: {name}\n          valueFrom:\n            secretKeyRef:\n              name: {secret}\n              key: {key}\n"
    )
}

pub(crate) fn encoded(text: &str) -> String {
    STANDARD.encode(text)
}

/// A Secret.
pub(crate) fn secret(name: &str, namespace: Option<&str>, entries: &[(&str, &str)]) -> String {
    let mut out = format!("---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: {name}\n");
    if let Some(namespace) = namespace {
        writeln!(out, "  namespace: {namespace}").unwrap();
    }
    out.push_str("type: Opaque\ndata:\n");
    for (key, value) in entries {
        writeln!(out, "  {key}: {}", encoded(value)).unwrap();
    }
    out
}

/// The settings that no value of the chart reaches, from a Secret.
pub(crate) fn extra(secret: &str) -> (String, String) {
    let pair = |account: &str| {
        ["key", "secret"]
            .map(|half| {
                let name = format!("CLEARML__SECURE__CREDENTIALS__{account}__USER_{half}");
                let key = format!("{}_{half}", account.to_lowercase());
                reference(&name.to_uppercase(), secret, &key)
            })
            .concat()
    };
    let session = reference(
        "CLEARML__SECURE__HTTP__SESSION_SECRET__APISERVER",
        secret,
        "session_secret",
    );
    let accounts = ["FILESERVER", "WEBSERVER", "SERVICES_AGENT"]
        .map(pair)
        .concat();
    let cookie = value(
        "CLEARML__fileserver__auth__cookie_names",
        "\"[ clearml-token-k8s ]\"",
    );
    (session + &accounts, pair("FILESERVER") + &cookie)
}

impl Chart {
    /// With the values that `clearml-keygen -f helm` prints.
    pub(crate) fn secured() -> Self {
        let (apiserver, fileserver) = extra("clearml-keys");
        Self {
            secret: "clearml-keys",
            apiserver,
            fileserver,
            service: "ClusterIP",
            ..Self::default()
        }
    }

    fn head(&self, kind: &str, name: &str) -> String {
        let version = match kind {
            "Deployment" | "StatefulSet" => "apps/v1",
            _ => "v1",
        };
        let mut out = format!(
            "---\n# Source: clearml/templates/{name}.yaml\napiVersion: {version}\nkind: {kind}\nmetadata:\n  name: {name}\n"
        );
        if let Some(namespace) = self.namespace {
            writeln!(out, "  namespace: {namespace}").unwrap();
        }
        if version != "v1" {
            let release = self.release;
            write!(
                out,
                "  labels:\n    app.kubernetes.io/instance: {release}\n"
            )
            .unwrap();
        }
        out
    }

    /// A Deployment of a server. An init container has the server's image as well, and waits for others.
    fn server(&self, name: &str, command: &str, env: &str) -> String {
        let full = format!("{}-{name}", self.release);
        let mut out = self.head("Deployment", &full);
        write!(
            out,
            "spec:\n  replicas: {replicas}\n  selector:\n    matchLabels: {{run: {full}}}\n  template:\n    metadata:\n      \
             labels: {{run: {full}}}\n    spec:\n      initContainers:\n      - name: init\n        image: clearml/server:2.3.0\n        \
             command: [sh, -c, \"curl http://{release}-apiserver:8008; echo fileserver\"]\n{volumes}      containers:\n      \
             - name: server\n        image: clearml/server:2.3.0\n{command}{mounts}        env:\n{env}",
            replicas = self.replicas,
            release = self.release,
            volumes = self.volumes,
            mounts = self.mounts,
        )
        .unwrap();
        out
    }

    fn service(&self, name: &str, port: u16, node: u16) -> String {
        let full = format!("{}-{name}", self.release);
        let mut out = self.head("Service", &full);
        let node = match self.service {
            "NodePort" => format!(", nodePort: {node}"),
            _ => String::new(),
        };
        write!(
            out,
            "spec:\n  type: {}\n  selector: {{run: {full}}}\n  ports:\n  - {{port: {port}, targetPort: {port}{node}}}\n",
            self.service
        )
        .unwrap();
        out
    }

    fn database(&self, name: &str, image: &str, port: u16) -> String {
        let full = format!("{}-{name}", self.release);
        let mut out = self.head("StatefulSet", &full);
        write!(
            out,
            "spec:\n  template:\n    metadata:\n      labels: {{run: {full}}}\n    spec:\n      containers:\n      - {{name: {name}, image: \"{image}\"}}\n"
        )
        .unwrap();
        let inner = Self {
            service: "ClusterIP",
            ..self.clone()
        };
        out + &inner.service(name, port, 0)
    }

    /// All manifests.
    pub(crate) fn render(&self) -> String {
        let own = match &self.values {
            Some(values) => {
                let names = CONSTANTS.iter().zip(values);
                names
                    .map(|((name, _), value)| (*name, value.as_str()))
                    .collect()
            }
            None => CONSTANTS.to_vec(),
        };
        let mut out = secret("clearml-conf", self.namespace, &own);
        let release = self.release;
        let hosts = value(
            "CLEARML_ELASTIC_SERVICE_HOST",
            &format!("{release}-elastic"),
        ) + &value(
            "CLEARML_MONGODB_SERVICE_HOST",
            &format!("{release}-mongodb"),
        ) + &value("CLEARML_REDIS_SERVICE_HOST", &format!("{release}-redis"))
            + &value("CLEARML_CONFIG_PATH", "/opt/clearml/config");
        let of = |name: &str, key: &str| reference(name, self.secret, key);
        let token = of(
            "CLEARML__secure__auth__token_secret",
            "secure_auth_token_secret",
        );
        let account = |name: &str, from: &str| {
            of(&format!("{name}KEY"), &format!("{from}_key"))
                + &of(&format!("{name}SECRET"), &format!("{from}_secret"))
        };
        let cookie = value(
            "CLEARML__APISERVER__AUTH__SESSION_AUTH_COOKIE_NAME",
            "clearml-token-k8s",
        );
        let api = of(
            "CLEARML__secure__credentials__apiserver__user_key",
            "apiserver_key",
        ) + &of(
            "CLEARML__secure__credentials__apiserver__user_secret",
            "apiserver_secret",
        );
        let tests = account("CLEARML__SECURE__CREDENTIALS__TESTS__USER_", "test_user");
        let env = hosts.clone() + &cookie + &api + &token + &tests + &self.apiserver;
        out += &self.server("apiserver", "        args: [apiserver]\n", &env);
        out += &self.service("apiserver", 8008, 30008);
        let address = value(
            "CLEARML__HOSTS__API_SERVER",
            &format!("http://{release}-apiserver:8008"),
        );
        let env = hosts.clone() + &address + &account("USER_", "fileserver") + &self.fileserver;
        out += &self.server("fileserver", "        args: [fileserver]\n", &env);
        out += &self.service("fileserver", 8081, 30081);
        let env = value("NGINX_APISERVER_ADDRESS", "http://x:8008");
        out += &self.server("webserver", "        args: [webserver]\n", &env);
        out += &self.service("webserver", 80, 30080);
        let command = "        command: [python3]\n        args: [-m, jobs.async_urls_delete]\n";
        out += &self.server("asyncdelete", command, &(hosts + &token));
        out += &self.database("mongodb", "mongo:7.0.22", 27017);
        out += &self.database("redis", "redis:7.4.1", 6379);
        out += &self.database("elastic", "elasticsearch:8.17.0", 9200);
        out + &self.head("Pod", &format!("{release}-test"))
            + "  annotations: {helm.sh/hook: test}\nspec:\n  containers: [{name: t, image: \"clearml/server:2.3.0\", args: [apiserver]}]\n"
    }
}

/// A keyset of new values, and the Secret that clearml-keygen makes of it.
pub(crate) fn keyset() -> (Keyset, String) {
    let mut keyset = Keyset::new();
    keyset.generate_missing().unwrap();
    let secret = keyset.write_secret("clearml-keys").to_string();
    (keyset, format!("---\n{secret}"))
}

pub(crate) fn env_file(keyset: &Keyset) -> String {
    keyset.write(Format::Env).to_string()
}

/// What is found in files. `arguments` name them.
pub(crate) fn look(arguments: &[&str], files: &[(&str, &str)]) -> Done {
    let folder = folder_with(files);
    ask(arguments, folder.path())
}

/// Where nothing but a keyset is wrong: findings that say so, by rule and setting.
pub(crate) fn errors(done: &Done) -> Vec<(String, String)> {
    let text =
        |one: &serde_json::Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let findings = done.json["findings"].as_array().into_iter().flatten();
    let errors = findings.filter(|one| one["severity"] == "error");
    errors
        .map(|one| (text(one, "rule"), text(one, "setting")))
        .collect()
}

/// What each server reads, by server and setting: where it comes from and what it is.
pub(crate) fn effective(files: &[(&str, &str)], arguments: &[&str]) -> Vec<String> {
    let folder = folder_with(files);
    effective_in(folder.path(), arguments)
}

pub(crate) fn effective_in(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let arguments: Vec<&str> = [&["--effective"], arguments].concat();
    let done = ask(&arguments, folder);
    let readings = done.json["effective"].as_array().into_iter().flatten();
    readings
        .map(|one| {
            let text = |key: &str| one[key].as_str().unwrap_or_default();
            format!(
                "{} {} {} {}",
                text("server"),
                text("setting"),
                text("state"),
                text("origin")
            )
        })
        .collect()
}
