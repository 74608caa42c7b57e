//! What must hold of every text, trusted or not: each function takes one, and panics where it does not.
//!
//! `cargo fuzz run NAME fuzz/seeds/NAME` looks for one of which it does not hold (README.md beside this). A text that was
//! found once is a seed, and a test runs all of them.
#![allow(clippy::expect_used, clippy::panic, reason = "this is what it is for")]

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;
use std::sync::LazyLock;

use clearml_secure_core::command::{self, Surroundings};
use clearml_secure_core::compose::files::{Files, GivenFile};
use clearml_secure_core::compose::interpolate;
use clearml_secure_core::compose::resolved::Resolved;
use clearml_secure_core::deployment::{Composed, Deployment};
use clearml_secure_core::docker::Engine;
use clearml_secure_core::dockerfile::{self, Build};
use clearml_secure_core::dotenv;
use clearml_secure_core::effective::Effective;
use clearml_secure_core::keyset::{Format, Keyset};
use clearml_secure_core::knowable::Knowable;
use clearml_secure_core::kubernetes::Reader;
use clearml_secure_core::source::place_of;
use clearml_secure_core::yaml::{self, Node};
use clearml_secure_plan::job::Job;
use clearml_secure_plan::plan::Asked;
use pyhocon::{Context, Include, Included, Lookup};
use zeroize::Zeroizing;

/// Made once: one in a file would be public, and refused for that.
static KEYSET: LazyLock<Keyset> = LazyLock::new(|| {
    let mut keyset = Keyset::new();
    keyset.generate_missing().expect("there is randomness");
    keyset
});

/// Where a text is said to be. Nothing is there, and nothing beside it.
const NOWHERE: &str = "/nowhere/at/all/docker-compose.yml";

/// YAML: every node is where it says, and any text survives being written.
pub fn yaml(text: &str) {
    if let Ok(documents) = yaml::parse_documents(Path::new(NOWHERE), text) {
        documents.iter().for_each(|document| within(text, document));
    }
    let _ = yaml::parse_part_last(Path::new(NOWHERE), text, 0..text.len());
    let _ = yaml::parse_json(Path::new(NOWHERE), text);
    let mut written = vec![yaml::edit::on_one_line(text)];
    // No value that is put into a file has anything else.
    if !text.contains(|c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'))
    {
        written.push(yaml::edit::scalar(text));
    }
    for written in written {
        let read = yaml::parse(Path::new(NOWHERE), &format!("[{written}]"));
        let read = read.as_ref().ok();
        let read = read.and_then(|list| list.items()?.first()?.text());
        assert_eq!(read, Some(text), "{written:?}");
    }
}

/// Everything below a node as well.
fn within(text: &str, node: &Node) {
    is_within(text, node.range());
    for entry in node.entries().into_iter().flatten() {
        within(text, &entry.key);
        within(text, &entry.value);
    }
    for item in node.items().into_iter().flatten() {
        within(text, item);
    }
}

fn is_within(text: &str, range: Range<usize>) {
    assert!(text.get(range.clone()).is_some(), "{range:?}");
    // A place is what is said of it.
    let _ = place_of(Path::new(NOWHERE), text, range.start);
}

/// HOCON: every value is where it says, and any text survives being written.
pub fn hocon(text: &str) {
    let unknown = Context::new(&|_| Lookup::Unknown(String::new()), &|_: &Include<'_>| {
        Included::Unknown(String::new())
    });
    for context in [Context::EMPTY, unknown] {
        match pyhocon::parse(text, &context) {
            Ok(_) => {}
            Err(fault) => assert!(text.is_char_boundary(fault.offset), "{}", fault.offset),
        }
        let _ = pyhocon::parse_variable("secure.auth.token_secret", text, &context);
    }
    if let Ok(outline) = pyhocon::outline(text) {
        for entry in outline.entries {
            is_within(text, entry.at..entry.value.end);
        }
    }
    if let Some(quoted) = pyhocon::quote(text) {
        assert!(pyhocon::reads_as(quoted.expose(), text), "{text:?}");
    }
}

/// Env files: every value is where it says, and any text survives being written.
pub fn dotenv(text: &str) {
    for entries in [
        dotenv::parse(text, &|_| None),
        dotenv::parse(text, &|name| Some(name.to_owned())),
        dotenv::parse_raw(text, &|_| None),
    ] {
        match entries {
            Ok(entries) => {
                for entry in entries {
                    is_within(text, entry.name_span);
                    is_within(text, entry.value_span);
                }
            }
            Err(fault) => assert!(text.is_char_boundary(fault.offset), "{}", fault.offset),
        }
    }
    if let Some(quoted) = dotenv::quote(text) {
        let line = format!("A={quoted}\n");
        let entries = dotenv::parse(&line, &|_| None).expect("it is one line");
        let value = entries[0].value.as_ref().map(|value| value.expose());
        assert_eq!((entries.len(), value), (1, Some(text)), "{quoted:?}");
    }
}

/// Variables in texts: what is escaped stays as it is, and no value grows over its bound.
pub fn interpolate(text: &str) {
    let read = interpolate::interpolate(&interpolate::escape(text), &|_| None);
    assert_eq!(
        read.expect("there is no variable in it").text.as_str(),
        text
    );
    if let Err(fault) = interpolate::interpolate(text, &|name| Some(name.repeat(9))) {
        assert!(text.is_char_boundary(fault.offset), "{}", fault.offset);
    }
}

/// Compose files: read twice they are the same, and every reading has a place.
pub fn compose(text: &str) {
    let load = || Composed::load(files(text.to_owned())?);
    let (Ok(first), Ok(second)) = (load(), load()) else {
        return;
    };
    look(&first);
    assert!(
        Resolved::of(&first.project)
            .differences(&second.project)
            .is_empty()
    );
}

fn files(text: String) -> Result<Files, clearml_secure_core::error::Error> {
    Files::of(given(text), Vec::new(), None)
}

fn given(text: String) -> Vec<GivenFile> {
    vec![(NOWHERE.into(), Zeroizing::new(text).into())]
}

fn look(deployment: &Deployment) {
    for reading in Effective::of(deployment).readings() {
        let _ = deployment.sources.place(reading.span(deployment));
    }
    for span in deployment.unseen.iter().filter_map(|unseen| unseen.span) {
        let _ = deployment.sources.place(span);
    }
}

/// The guarantee: what inject would write is read again with nothing left to do.
pub fn inject(text: &str) {
    let run = |text: String| {
        let job = Job {
            compose: given(text),
            env_file: None,
            asked: Asked::default(),
        };
        job.plan(&KEYSET).and_then(|planned| planned.prove(&KEYSET))
    };
    if let Ok(proved) = run(text.to_owned()) {
        match run(proved.after.to_string()) {
            Ok(again) => assert_eq!(*again.after, *proved.after, "injected twice"),
            Err(error) => panic!("what was proved is refused: {error}"),
        }
    }
}

/// What proxies, tunnels and databases read: of each the file that tells where it leads and whom it asks.
pub fn proxy(text: &str) {
    let content = yaml::edit::scalar(&interpolate::escape(text));
    let mut compose = format!("configs: {{c: {{content: {content}}}}}\n{SERVERS}");
    for (image, path) in READERS {
        let name: String = path.chars().filter(char::is_ascii_alphanumeric).collect();
        compose += &format!(
            "  {name}: {{image: {image}, ports: [\"80\"], configs: [{{source: c, target: {path}}}]}}\n"
        );
    }
    // No compose file holds every control character.
    if let Ok(deployment) = files(compose).and_then(Composed::load) {
        look(&deployment);
    }
}

const SERVERS: &str = "services:
  apiserver: {image: 'clearml/server:2.3.0', command: apiserver}
  fileserver: {image: 'clearml/server:2.3.0', command: fileserver}
  webserver: {image: 'clearml/server:2.3.0', command: webserver}
";
/// Images, and a file of each.
const READERS: [(&str, &str); 19] = [
    ("caddy", "/etc/caddy/Caddyfile"),
    ("caddy", "/config/caddy/autosave.json"),
    ("envoyproxy/envoy", "/etc/envoy/envoy.yaml"),
    ("fatedier/frpc", "/etc/frp/frpc.toml"),
    ("fatedier/frpc", "/etc/frp/frpc.ini"),
    ("fatedier/frpc", "/etc/frp/frpc.yaml"),
    ("gogost/gost", "/etc/gost/gost.yml"),
    ("haproxy", "/usr/local/etc/haproxy/haproxy.cfg"),
    ("httpd", "/usr/local/apache2/conf/httpd.conf"),
    ("nginx", "/etc/nginx/nginx.conf"),
    ("nginx", "/etc/nginx/conf.d/default.conf"),
    ("dweomer/stunnel", "/etc/stunnel/stunnel.conf"),
    ("ubuntu/squid", "/etc/squid/squid.conf"),
    ("vimagick/tinyproxy", "/etc/tinyproxy/tinyproxy.conf"),
    ("tarampampam/3proxy", "/etc/3proxy/3proxy.cfg"),
    ("vimagick/dante", "/etc/sockd.conf"),
    ("mongo", "/etc/mongod.conf"),
    ("redis", "/usr/local/etc/redis/redis.conf"),
    (
        "elasticsearch",
        "/usr/share/elasticsearch/config/elasticsearch.yml",
    ),
];

/// Files of Traefik: those that it starts with, and those that it is led to.
pub fn traefik(text: &str) {
    let content = yaml::edit::scalar(&interpolate::escape(text));
    let file = |name: &str, target: &str| {
        format!(
            "  {name}: {{image: 'traefik:v3', ports: [\"80\"], configs: [{{source: c, target: {target}}}, {{source: d, target: /etc/traefik/traefik.yml}}]}}\n"
        )
    };
    let start = "providers: {file: {directory: /dynamic}}, entryPoints: {web: {address: ':80'}}";
    let compose = format!(
        "configs: {{c: {{content: {content}}}, d: {{content: \"{{{start}}}\"}}}}\n{SERVERS}{}{}{}  started: {{image: 'traefik:v3', ports: [\"80\"], configs: [{{source: c, target: /etc/traefik/traefik.yml}}]}}\n",
        file("yaml", "/dynamic/a.yml"),
        file("toml", "/dynamic/a.toml"),
        file("odd", "/dynamic/a.tmpl"),
    );
    // No compose file holds every control character.
    if let Ok(deployment) = files(compose).and_then(Composed::load) {
        look(&deployment);
    }
}

/// What `docker inspect` prints.
pub fn docker(text: &str) {
    let text = Zeroizing::new(text.to_owned());
    if let Ok(engine) = Engine::read(Path::new(NOWHERE), &text, None) {
        for running in &engine.deployments {
            look(&running.deployment);
        }
    }
}

/// Manifests of Kubernetes.
pub fn kubernetes(text: &str) {
    let mut reader = Reader::new();
    let text = Zeroizing::new(text.to_owned());
    if reader.add(Path::new(NOWHERE), text, 0).is_ok() {
        let manifests = reader.finish(None);
        for rendered in manifests.into_iter().flat_map(|read| read.deployments) {
            look(&rendered.deployment);
        }
    }
}

/// Dockerfiles.
pub fn dockerfile(text: &str) {
    let build = Build {
        target: None,
        arguments: &BTreeMap::new(),
        contexts: &std::collections::BTreeMap::new(),
        working_directory: &|_| None,
    };
    if let Knowable::Known(image) = dockerfile::read(text, &build) {
        for variable in image.environment {
            is_within(text, variable.span);
        }
    }
}

/// Commands for a shell, and what gunicorn is told.
pub fn command(text: &str) {
    let around = Surroundings {
        folder: clearml_secure_core::knowable::Knowable::Known("/opt/clearml".to_owned()),
        variable: &|_| Knowable::Known(None),
        file: &|path| match path {
            "/root/.bashrc" | "/gunicorn.conf.py" => Knowable::Known(text.to_owned()),
            _ => Knowable::unknown("there is none"),
        },
        has: &|path| path == "/root/.bashrc",
        scripts: &|_| Vec::new(),
        homes: &|| vec!["/root".to_owned()],
        has_functions: false,
        starts: &|words| words.contains(&"apiserver"),
        kept: &|_| false,
    };
    let words = ["sh", "-c", text].map(|word| Knowable::Known(word.to_owned()));
    let _ = command::read(&words, &around);
    let words = ["bash", "-ic", "apiserver"].map(|word| Knowable::Known(word.to_owned()));
    let _ = command::read(&words, &around);
    let words = [
        "env",
        &format!("GUNICORN_CMD_ARGS={text}"),
        "gunicorn",
        "apiserver",
    ];
    let words = words.map(|word| Knowable::Known(word.to_owned()));
    let _ = command::read(&words, &around);
    let words = ["gunicorn", "-c", "/gunicorn.conf.py", "apiserver"];
    let words = words.map(|word| Knowable::Known(word.to_owned()));
    let _ = command::read(&words, &around);
}

/// Keysets: one that was read survives every format.
pub fn keyset(text: &str) {
    let path = Path::new(NOWHERE);
    let _ = Keyset::read_apiserver(text, path);
    let _ = Keyset::read_chosen(text, path);
    let Ok(keyset) = Keyset::read(text, path) else {
        return;
    };
    for format in [
        Format::Env,
        Format::Hocon,
        Format::Json,
        Format::Kubernetes,
        Format::Toml,
        Format::Yaml,
    ] {
        let written = keyset.write(format);
        if keyset.missing().len() == 12 {
            continue;
        }
        let again = Keyset::read(&written, path);
        let again = again.unwrap_or_else(|error| panic!("{format:?}: {error}"));
        for setting in clearml_secure_core::setting::SETTINGS {
            assert!(again.get(setting) == keyset.get(setting), "{format:?}");
        }
    }
    if let Some(Ok(merged)) = keyset.merge(text, path) {
        assert!(Keyset::read(&merged, path).is_ok_and(|again| again == keyset));
    }
}
