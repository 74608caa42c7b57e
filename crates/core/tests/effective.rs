//! The effective configuration of small deployments, one fact of docs/clearml.md each.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::path::PathBuf;

use clearml_secure_core::compose::files::Files;
use clearml_secure_core::container::VariableValue;
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::effective::{Effective, Origin, Value};
use clearml_secure_core::setting::{Server, Setting};

/// A folder of files; those whose names end in `compose.yml` are the compose files, in their order.
struct Case {
    _folder: tempfile::TempDir,
    compose: Vec<PathBuf>,
}

impl Case {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut compose = Vec::new();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
            if name.ends_with("compose.yml") {
                compose.push(path);
            }
        }
        Self {
            _folder: folder,
            compose,
        }
    }

    fn deployment(&self) -> Composed {
        Composed::load(Files::read(&self.compose, &[], None).unwrap()).unwrap()
    }

    /// What a server reads: the text, or `<what it is instead>`.
    fn reads(&self, server: Server, path: &str) -> String {
        let deployment = self.deployment();
        let effective = Effective::of(&deployment);
        let setting = Setting::by_path(path).unwrap();
        let reading = effective
            .of_setting(setting)
            .find(|reading| reading.server == server)
            .unwrap();
        match (&reading.value, reading.origin) {
            (Value::Text(_), Origin::BuiltIn(_)) => "<default>".to_owned(),
            (Value::Text(text), _) => text.expose().to_owned(),
            (Value::Absent, _) => "<absent>".to_owned(),
            (Value::Empty, _) => "<empty>".to_owned(),
            (Value::NotText(kind), _) => format!("<{kind}>"),
            (Value::Deadly, _) => "<deadly>".to_owned(),
            (Value::Unknown(_), _) => "<unknown>".to_owned(),
        }
    }

    /// A variable of a service, as its container gets it.
    fn gets(&self, service: &str, name: &str) -> Option<String> {
        let deployment = self.deployment();
        let service = deployment.project.service_named(service).unwrap();
        let variable = service
            .environment
            .iter()
            .find(|variable| variable.name == name)?;
        match &variable.value {
            VariableValue::Known(value) => Some(value.expose().to_owned()),
            _ => None,
        }
    }
}

const TOKEN: &str = "secure.auth.token_secret";

/// An API server with these lines behind `command`.
fn apiserver(lines: &str) -> String {
    format!(
        "services:\n  apiserver:\n    image: clearml/server:2.3.0\n    command: [apiserver]\n{lines}"
    )
}

fn token_of(variables: &str) -> String {
    let compose = apiserver(&format!("    environment:\n{variables}"));
    Case::new(&[("compose.yml", &compose)]).reads(Server::Apiserver, TOKEN)
}

#[test]
fn nothing_set_is_the_images_default() {
    assert_eq!(token_of("      A: b\n"), "<default>");
}

#[test]
fn the_last_spelling_in_ascii_order_wins() {
    let low = "      CLEARML__secure__auth__token_secret: low\n";
    let up = "      CLEARML__SECURE__AUTH__TOKEN_SECRET: up\n";
    assert_eq!(token_of(&format!("{low}{up}")), "low");
    let old = "      TRAINS__secure__auth__token_secret: old\n";
    assert_eq!(token_of(&format!("{old}{up}")), "up");
    assert_eq!(
        token_of("      clearml__secure__auth__token_secret: x\n"),
        "<default>"
    );
    assert_eq!(
        token_of("      CLEARML___secure__auth__token_secret: x\n"),
        "<default>"
    );
}

#[test]
fn values_are_hocon_and_yaml_comes_first() {
    let value = |written: &str| {
        token_of(&format!(
            "      CLEARML__SECURE__AUTH__TOKEN_SECRET: {written}\n"
        ))
    };
    assert_eq!(value("\"abc#def\""), "abc");
    assert_eq!(value("\"06d-x\""), "relativedelta(days=+6)-x");
    assert_eq!(value("\"12345\""), "<an integer>");
    assert_eq!(value("'\"12345\"'"), "12345");
    assert_eq!(value("\"a,b\""), "<deadly>");
    assert_eq!(value("\"\""), "<empty>");
    assert_eq!(value("0123456"), "<an integer>");
    assert_eq!(value("x0123456"), "x0123456");
    assert_eq!(value("true"), "<a boolean>");
    assert_eq!(value("pa$$word"), "<deadly>");
}

#[test]
fn whole_trees_merge_and_leaves_win() {
    let tree = "      CLEARML__SECURE: '{auth {token_secret: tree}}'\n";
    assert_eq!(token_of(tree), "tree");
    assert_eq!(
        token_of(&format!(
            "{tree}      CLEARML__SECURE__AUTH__TOKEN_SECRET: leaf\n"
        )),
        "leaf"
    );
}

#[test]
fn a_dash_replaces_at_the_api_server_only() {
    let dash =
        "    environment:\n      CLEARML__SECURE__-CREDENTIALS: '{apiserver {user_key: K}}'\n";
    let compose = format!(
        "{}  fileserver:\n    image: clearml/server:2.3.0\n    command: [fileserver]\n{dash}",
        apiserver(dash)
    );
    let case = Case::new(&[("compose.yml", &compose)]);
    assert_eq!(
        case.reads(Server::Apiserver, "secure.credentials.apiserver.user_key"),
        "K"
    );
    assert_eq!(
        case.reads(Server::Apiserver, "secure.credentials.fileserver.user_key"),
        "<absent>"
    );
    assert_eq!(
        case.reads(Server::Fileserver, "secure.credentials.fileserver.user_key"),
        "<default>"
    );
}

#[test]
fn the_configuration_folder_can_be_moved_and_mounted_in_parts() {
    let mounted = |volume: &str, variable: &str| {
        let lines = format!("    environment:\n      {variable}\n    volumes:\n      - {volume}\n");
        let case = Case::new(&[
            ("compose.yml", &apiserver(&lines)),
            ("conf/secure.conf", "auth.token_secret: \"from file\""),
            ("all/config/secure.conf", "auth { token_secret: ${MINE} }"),
        ]);
        case.reads(Server::Apiserver, TOKEN)
    };
    assert_eq!(
        mounted("./conf:/opt/clearml/config:ro", "A: b"),
        "from file"
    );
    assert_eq!(mounted("./conf:/opt/trains/config", "A: b"), "from file");
    assert_eq!(
        mounted("./conf/secure.conf:/opt/clearml/config/secure.conf", "A: b"),
        "from file"
    );
    assert_eq!(mounted("./all:/opt/clearml", "MINE: 06d-x"), "06d-x");
    assert_eq!(mounted("./conf:/etc/x", "A: b"), "<default>");
    assert_eq!(
        mounted("./conf:/etc/x", "CLEARML_CONFIG_DIR: /etc/x"),
        "from file"
    );
    assert_eq!(
        mounted("./conf:/opt/clearml/config", "CLEARML_CONFIG_DIR: /nowhere"),
        "<default>"
    );
    assert_eq!(
        mounted(
            "{type: bind, source: ./conf, target: /opt/clearml/config}",
            "A: b"
        ),
        "from file"
    );
    assert_eq!(
        mounted(
            "./conf/secure.conf:/opt/clearml/config/extra/secure.conf",
            "A: b"
        ),
        "<default>"
    );
    assert_eq!(
        mounted(
            "./conf:/opt/clearml/config",
            "CLEARML__SECURE__AUTH__TOKEN_SECRET: variable"
        ),
        "variable"
    );
}

#[test]
fn configs_and_bound_volumes_are_files_of_the_host() {
    let reads = |lines: &str, top: &str| {
        let compose = format!("{}{top}", apiserver(lines));
        let case = Case::new(&[
            ("compose.yml", &compose),
            ("conf/secure.conf", "auth.token_secret: \"from file\""),
        ]);
        case.reads(Server::Apiserver, TOKEN)
    };
    let config = "    configs:\n      - {source: keys, target: /opt/clearml/config/secure.conf}\n";
    assert_eq!(
        reads(config, "configs:\n  keys:\n    file: ./conf/secure.conf\n"),
        "from file"
    );
    assert_eq!(
        reads(config, "configs:\n  keys:\n    external: true\n"),
        "<default>"
    );
    let volume = "    volumes:\n      - keys:/opt/clearml/config\n";
    let bound = "volumes:\n  keys:\n    driver_opts: {type: none, o: bind, device: ./conf}\n";
    assert_eq!(reads(volume, bound), "from file");
    assert_eq!(reads(volume, "volumes:\n  keys:\n"), "<default>");
}

#[test]
fn images_of_trains_read_trains_variables_only() {
    let compose = apiserver(
        "    environment:\n      CLEARML__SECURE__AUTH__TOKEN_SECRET: new\n      TRAINS__SECURE__AUTH__TOKEN_SECRET: old\n",
    )
    .replace("clearml/server:2.3.0", "allegroai/trains:latest");
    let case = Case::new(&[("compose.yml", &compose)]);
    assert_eq!(case.reads(Server::Apiserver, TOKEN), "old");
    let fileserver = Setting::by_path("secure.credentials.fileserver.user_key").unwrap();
    assert!(!case.deployment().instances[0].reads(fileserver));
}

#[test]
fn the_agent_reads_raw() {
    let compose = "services:\n  agent-services:\n    image: clearml/clearml-agent-services:latest\n    environment:\n      CLEARML_API_ACCESS_KEY: 06d-x\n      CLEARML_API_SECRET_KEY: ${S:-}\n";
    let case = Case::new(&[("compose.yml", compose)]);
    assert_eq!(
        case.reads(
            Server::AgentServices,
            "secure.credentials.services_agent.user_key"
        ),
        "06d-x"
    );
    assert_eq!(
        case.reads(
            Server::AgentServices,
            "secure.credentials.services_agent.user_secret"
        ),
        "<empty>"
    );
}

#[test]
fn env_files_give_way_to_environment() {
    let lines = "    environment:\n      B: own\n      C:\n    env_file: [one.env, two.env]\n";
    let case = Case::new(&[
        ("compose.yml", &apiserver(lines)),
        ("one.env", "A=1\nB=1\nC=1\nD=${B}-${P}\n"),
        ("two.env", "A=2 # comment\nE=${D}\nB\n"),
        (".env", "P=project\n"),
    ]);
    let get = |name: &str| case.gets("apiserver", name);
    assert_eq!(get("A").as_deref(), Some("2"));
    assert_eq!(get("B").as_deref(), Some("own"));
    assert_eq!(get("C"), None);
    assert_eq!(get("D").as_deref(), Some("own-project"));
    assert_eq!(get("E").as_deref(), Some("own-project"));
}

#[test]
fn a_missing_env_file_is_unseen_unless_it_is_optional() {
    let missing = Case::new(&[("compose.yml", &apiserver("    env_file: gone.env\n"))]);
    assert_eq!(missing.deployment().unseen.len(), 1);
    let optional = apiserver("    env_file:\n      - path: gone.env\n        required: false\n");
    assert!(
        Case::new(&[("compose.yml", &optional)])
            .deployment()
            .unseen
            .is_empty()
    );
}

#[test]
fn later_files_are_merged_and_may_reset() {
    let base = apiserver("    environment:\n      A: 1\n      B: 1\n");
    let merged = |over: &str| {
        let over = format!("services:\n  apiserver:\n    environment:{over}");
        let case = Case::new(&[("a-compose.yml", &base), ("b-compose.yml", &over)]);
        ["A", "B", "C"]
            .map(|name| case.gets("apiserver", name).unwrap_or_default())
            .join(",")
    };
    assert_eq!(merged("\n      - B=2\n      - C=3\n"), "1,2,3");
    assert_eq!(merged(" !override\n      C: 3\n"), ",,3");
    assert_eq!(merged("\n      A: !reset null\n"), ",1,");
    assert_eq!(merged(" !reset null\n"), ",,");
}

/// As Docker Compose 2.40 does: what it has merged already, and a list, has no names for `!reset`.
#[test]
fn one_variable_is_reset_in_one_mapping_only() {
    let left = |bases: &[&str]| {
        let reset = apiserver("    environment:\n      A: !reset null\n");
        let bases = bases
            .iter()
            .map(|base| apiserver(&format!("    environment: {base}\n")));
        let texts: Vec<String> = bases.chain([reset]).collect();
        let names = ["a-compose.yml", "b-compose.yml", "c-compose.yml"];
        let files: Vec<(&str, &str)> = names
            .into_iter()
            .zip(texts.iter().map(String::as_str))
            .collect();
        Case::new(&files).gets("apiserver", "A").is_some()
    };
    assert!(!left(&["{A: 1}"]));
    assert!(left(&["[A=1]"]));
    assert!(left(&["{A: 1}", "{B: 1}"]));
    assert!(left(&["{A: 1}", "[B=1]"]));
}

#[test]
fn extends_inherits_within_a_file_and_across() {
    let compose = "services:\n  base:\n    image: clearml/server:2.3.0\n    environment:\n      A: base\n      B: base\n  apiserver:\n    extends: base\n    command: apiserver\n    environment:\n      - B=own\n  fileserver:\n    extends: {file: other/base.yml, service: files}\n";
    let other = "services:\n  files:\n    image: clearml/server:2.3.0\n    command: fileserver\n    environment: {A: other}\n";
    let case = Case::new(&[("compose.yml", compose), ("other/base.yml", other)]);
    assert_eq!(case.gets("apiserver", "A").as_deref(), Some("base"));
    assert_eq!(case.gets("apiserver", "B").as_deref(), Some("own"));
    assert_eq!(case.gets("fileserver", "A").as_deref(), Some("other"));
    assert_eq!(case.deployment().instances.len(), 2);
    let circle = Case::new(&[(
        "compose.yml",
        "services:\n  a:\n    extends: b\n  b:\n    extends: a\n",
    )]);
    let error = Composed::load(Files::read(&circle.compose, &[], None).unwrap())
        .err()
        .unwrap();
    assert!(error.to_string().contains("circle"), "{error}");
}

#[test]
fn a_required_variable_without_a_value_is_unknown_not_missing() {
    let lines = "    environment:\n      CLEARML__SECURE__AUTH__TOKEN_SECRET: ${T:?set me}\n";
    let case = Case::new(&[("compose.yml", &apiserver(lines))]);
    assert_eq!(case.reads(Server::Apiserver, TOKEN), "<unknown>");
    let case = Case::new(&[("compose.yml", &apiserver(lines)), (".env", "T=mine\n")]);
    assert_eq!(case.reads(Server::Apiserver, TOKEN), "mine");
}

#[test]
fn servers_are_known_by_what_they_run() {
    let servers = |service: &str| -> Vec<&'static str> {
        let case = Case::new(&[("compose.yml", &format!("services:\n  {service}\n"))]);
        case.deployment()
            .instances
            .iter()
            .map(|instance| instance.server.name())
            .collect()
    };
    assert_eq!(
        servers("x: {image: clearml/server, command: apiserver}"),
        ["apiserver"]
    );
    assert_eq!(
        servers("x: {image: 'reg:5000/allegroai/clearml:1.16', command: [fileserver]}"),
        ["fileserver"]
    );
    let delete =
        "async-delete: {image: clearml/server, entrypoint: [python3, -m, jobs.async_urls_delete]}";
    assert_eq!(servers(delete), ["async_delete"]);
    assert_eq!(
        servers("clearml-apiserver: {image: allegroai/clearml}"),
        ["apiserver"]
    );
    let all = "x: {image: allegroai/clearml, command: 'clearml-server apiserver & clearml-server fileserver'}";
    assert_eq!(servers(all), ["apiserver", "fileserver"]);
    let built =
        "api: {image: mine, environment: {CLEARML_ELASTIC_SERVICE_HOST: e}, command: apiserver}";
    assert_eq!(servers(built), ["apiserver"]);
    // Built here or named by a variable without a value: ClearML's own words tell.
    assert_eq!(
        servers("x: {image: '${UNSET}', command: apiserver}"),
        ["apiserver"]
    );
    assert_eq!(servers("fileserver: {build: .}"), ["fileserver"]);
    assert!(servers("api: {build: .}").is_empty());
    assert!(servers("web: {build: ., command: webserver}").is_empty());
    // An application that uses ClearML, and Airflow's web server, are none.
    assert!(
        servers("api: {image: mine/app, environment: {CLEARML_API_HOST: 'http://x'}}").is_empty()
    );
    assert!(
        servers("web: {image: airflow, command: webserver, environment: {CLEARML_API_HOST: x}}")
            .is_empty()
    );
    assert!(servers("agent: {image: clearml/clearml-agent}").is_empty());
    assert_eq!(
        servers("agent: {image: clearml/clearml-agent-services}"),
        ["agent-services"]
    );
}

#[test]
fn a_clearml_image_of_unknown_purpose_is_not_passed_over() {
    let unseen = |services: &str| {
        let case = Case::new(&[("compose.yml", &format!("services:\n  {services}\n"))]);
        case.deployment().unseen.len()
    };
    assert_eq!(
        unseen("thing: {image: clearml/server:2.3.0, command: /start.sh}"),
        1
    );
    // Without a command the image says how it is used, and ends. Where there is no server, this was meant for one.
    let idle = "thing: {image: clearml/server:2.3.0}";
    assert_eq!(unseen(idle), 1);
    let beside = "web: {image: nginx}";
    assert_eq!(unseen(&format!("{idle}\n  {beside}")), 1);
    let beside = "fileserver: {extends: thing, command: fileserver}";
    assert_eq!(unseen(&format!("{idle}\n  {beside}")), 0);
}
