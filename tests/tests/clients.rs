//! Who will be cut off by a rotation: clients in files of every kind.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use e2e::files::fixtures;
use e2e::findings::fits_the_schema;
use e2e::program::{Done, clearml};
use serde_json::Value;

/// A folder of clients, with a keyset beside it.
struct Clients {
    folder: tempfile::TempDir,
    key: String,
    secret: String,
}

impl Clients {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("clients")).unwrap();
        let keygen = clearml("keygen").within(folder.path());
        keygen.args(["-o", "keys.env"]).done().exit(0);
        let keys = fs::read_to_string(folder.path().join("keys.env")).unwrap();
        let value = |name: &str| {
            let line = keys
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap();
            line.trim_start_matches('=').to_owned()
        };
        Self {
            key: value("CLEARML_AGENT_ACCESS_KEY"),
            secret: value("CLEARML_AGENT_SECRET_KEY"),
            folder,
        }
    }

    /// A file with the pair for `KEY` and `SECRET`.
    fn add(&self, name: &str, text: &str) {
        let path = self.folder.path().join("clients").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let text = text
            .replace("KEY!", &self.key)
            .replace("SECRET!", &self.secret);
        fs::write(path, text).unwrap();
    }

    fn verify(&self, arguments: &str) -> Done {
        let done = clearml("verify")
            .within(self.folder.path())
            .args(arguments.split_whitespace())
            .done();
        done.never_says(&self.secret).never_says(&self.key)
    }

    /// `file:line:column pair account` of every client.
    fn found(&self, arguments: &str) -> (Option<i32>, Vec<String>) {
        let done = self.verify(&format!("-f json {arguments}"));
        let document: Value =
            serde_json::from_str(&done.stdout).unwrap_or_else(|_| panic!("{}", done.stderr));
        fits_the_schema(&document);
        let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let line = |client: &Value| {
            let place = &client["place"];
            format!(
                "{}:{}:{} {} {}",
                word(&place["file"]).trim_start_matches("clients/"),
                place["line"],
                place["column"],
                word(&client["pair"]),
                word(&client["account"])
            )
        };
        let clients = document["clients"].as_array().cloned().unwrap_or_default();
        (done.status, clients.iter().map(line).collect())
    }
}

const ALL: &str = "--clients --old-keys keys.env clients";

/// A file's name and text, and what is found in it.
const KINDS: &[(&str, &str, &str)] = &[
    (
        "run.sh",
        "CLEARML_API_SECRET_KEY=SECRET! clearml-agent daemon\n",
        "1:24 old services_agent",
    ),
    (
        "run.sh",
        "export CLEARML_API_ACCESS_KEY=KEY! CLEARML_API_SECRET_KEY=SECRET!\n",
        "1:85 old services_agent",
    ),
    (
        "run.sh",
        "CLEARML_API_SECRET_KEY=SECRET!; export CLEARML_API_SECRET_KEY\n",
        "1:24 old services_agent",
    ),
    (
        "run.sh",
        "export CLEARML_API_SECRET_KEY=SECRET! && clearml-agent daemon\n",
        "1:31 old services_agent",
    ),
    (
        "Dockerfile",
        "FROM x\nENV CLEARML_API_ACCESS_KEY=KEY! CLEARML_API_SECRET_KEY=SECRET!\n",
        "2:82 old services_agent",
    ),
    (
        "pod.yaml",
        "kind: Pod\nspec: {containers: [{command: [sh, -c, \"CLEARML_API_SECRET_KEY=SECRET! clearml-agent daemon\"]}]}\n",
        "2:64 old services_agent",
    ),
    (
        "compose.yml",
        "services:\n  agent:\n    image: x\n    command: [sh, -c, \"CLEARML_API_SECRET_KEY=SECRET! clearml-agent daemon\"]\n",
        "4:47 old services_agent",
    ),
    (
        "clearml.conf",
        "# SDK\napi {\n  api_server: x\n  credentials { \"access_key\" = KEY!, \"secret_key\" = \"SECRET!\" }\n}\n",
        "4:79 old services_agent",
    ),
    (
        "clearml.conf",
        "api.credentials.access_key: KEY!\napi.credentials.secret_key: SECRET!\n",
        "2:29 old services_agent",
    ),
    (
        ".env",
        "# mine\nexport CLEARML_API_SECRET_KEY='SECRET!' # old\n",
        "2:31 old services_agent",
    ),
    (
        "vars.txt",
        "CLEARML_API_ACCESS_KEY=KEY!\nCLEARML_API_SECRET_KEY=SECRET!\n",
        "2:24 old services_agent",
    ),
    (
        "Dockerfile",
        "FROM x\nENV CLEARML_API_SECRET_KEY SECRET!\n",
        "2:28 old services_agent",
    ),
    (
        ".gitlab-ci.yml",
        "variables:\n  CLEARML_API_ACCESS_KEY: KEY!\n  CLEARML_API_SECRET_KEY:\n    value: SECRET!\n    description: x\n",
        "4:12 old services_agent",
    ),
    (
        ".github/workflows/a.yml",
        "on: push\njobs:\n  a:\n    env:\n      CLEARML_API_ACCESS_KEY: KEY!\n      CLEARML_API_SECRET_KEY: \"SECRET!\"\n",
        "6:31 old services_agent",
    ),
    (
        "pod.yaml",
        "kind: Pod\nspec:\n  containers:\n  - env:\n    - name: CLEARML_API_SECRET_KEY\n      value: SECRET!\n",
        "6:14 old services_agent",
    ),
    (
        "compose.yml",
        "services:\n  train:\n    image: mine\n    environment:\n      CLEARML_API_ACCESS_KEY: KEY!\n      CLEARML_API_SECRET_KEY: ${S:-SECRET!}\n",
        "6:31 old services_agent",
    ),
    (
        "compose.yml",
        "services:\n  train:\n    image: mine\n    environment: [CLEARML_API_SECRET_KEY=SECRET!]\n",
        "4:42 old services_agent",
    ),
    // Defined in one place, and named in another.
    (
        "clearml.conf",
        "s = SECRET!\napi { credentials { access_key: KEY!, secret_key: ${s} } }\n",
        "1:5 old services_agent",
    ),
    // Nobody logs in with what is in a comment.
    (
        "clearml.conf",
        "# secret_key: SECRET!\n// SECRET!\napi { credentials { access_key: A1, secret_key: \"of a user\" } }\n",
        "3:49 own -",
    ),
    (
        ".env",
        "#CLEARML_API_SECRET_KEY=SECRET!\nCLEARML_API_ACCESS_KEY=A1\nCLEARML_API_SECRET_KEY=ofAUser\n",
        "3:24 own -",
    ),
    (
        "a.h",
        "#define SECRET \"SECRET!\"\n",
        "1:17 old services_agent",
    ),
    // What runs jobs in batches reads these lines.
    (
        "job.sh",
        "#SBATCH --export=ALL,CLEARML_API_SECRET_KEY=SECRET!,CLEARML_API_ACCESS_KEY=KEY!\n",
        "1:45 old services_agent",
    ),
    (
        "job.sh",
        "#PBS -v CLEARML_API_SECRET_KEY=ofAUser,CLEARML_API_ACCESS_KEY=A1\n",
        "1:32 own -",
    ),
    ("job.sh", "#$ -v X=SECRET!\n", "1:9 old services_agent"),
    (
        "job.sh",
        "#BSUB -env \"all, CLEARML_API_SECRET_KEY=SECRET!\"\n",
        "1:41 old services_agent",
    ),
    (
        "run",
        "#!/usr/bin/env -S X=SECRET! sh\n",
        "1:21 old services_agent",
    ),
    (
        "job.sh",
        "##SBATCH --export=X=SECRET!\nexport CLEARML_API_SECRET_KEY=ofAUser\n",
        "2:31 own -",
    ),
    // A services agent away from its servers, whose pair clearml-inject does not replace.
    (
        "compose.yml",
        "services:\n  agent-services:\n    image: allegroai/clearml-agent-services\n    environment:\n      CLEARML_API_SECRET_KEY: ${CLEARML_AGENT_SECRET_KEY:-SECRET!}\n",
        "5:31 old services_agent",
    ),
    (
        "agent.env",
        "CLEARML_AGENT_ACCESS_KEY=KEY!\nCLEARML_AGENT_SECRET_KEY=SECRET!\n",
        "2:26 old services_agent",
    ),
    // Under no name that is known, and as Kubernetes keeps it.
    (
        "train.py",
        "task(secret='SECRET!')\n",
        "1:14 old services_agent",
    ),
    // What everybody knows.
    (
        "ci.yml",
        "CLEARML_API_ACCESS_KEY: EGRTCO8JMSIGI6S39GTP43NFWXDQOW\nCLEARML_API_SECRET_KEY: x!XTov_G-#vspE*Y(h$Anm&DIc5Ou-F)jsl$PdOyj5wG1&E!Z8\n",
        "2:25 public tests",
    ),
    (
        "run.sh",
        "docker run -e CLEARML_API_SECRET_KEY='x!XTov_G-#vspE*Y(h$Anm&DIc5Ou-F)jsl$PdOyj5wG1&E!Z8' x\n",
        "1:39 public tests",
    ),
    (
        "train.py",
        "os.environ['CLEARML_API_SECRET_KEY'] = 'x!XTov_G-#vspE*Y(h$Anm&DIc5Ou-F)jsl$PdOyj5wG1&E!Z8'\n",
        "1:41 public tests",
    ),
    (
        "values.yaml",
        "agentk8sglue:\n  clearmlConfig: |\n    api { credentials { access_key: a, secret_key: \"x!XTov_G-#vspE*Y(h$Anm&DIc5Ou-F)jsl$PdOyj5wG1&E!Z8\" } }\n",
        "3:53 public tests",
    ),
    // What nobody can say.
    (
        "ci.yml",
        "CLEARML_API_ACCESS_KEY: KEY!\nCLEARML_API_SECRET_KEY: $MASKED\n",
        "2:25 not checked -",
    ),
    (
        "ci.yml",
        "CLEARML_API_ACCESS_KEY: KEY!\n",
        "1:25 not checked -",
    ),
    (
        "ci.yml",
        "env: {CLEARML_API_SECRET_KEY: '${{ secrets.S }}'}\n",
        "1:31 not checked -",
    ),
    (
        "clearml.conf",
        "api { credentials { access_key: ${K}, secret_key: ${S} } }\n",
        "1:51 not checked -",
    ),
    (
        "clearml.conf",
        "api { api_server: x }\n",
        "1:1 not checked -",
    ),
    // What stays.
    (
        "clearml.conf",
        "api { credentials { access_key: A1, secret_key: \"of a user\" } }\n",
        "1:49 own -",
    ),
    (
        "ci.yml",
        "CLEARML_API_ACCESS_KEY: OFAUSER\nCLEARML_API_SECRET_KEY: $MASKED\n",
        "2:25 own -",
    ),
];

#[test]
fn a_client_of_every_kind_is_found_with_its_place() {
    let mut wrong = Vec::new();
    for (name, text, expected) in KINDS {
        let clients = Clients::new();
        clients.add(name, text);
        let (status, found) = clients.found(ALL);
        let code = match expected.split(' ').nth(1).unwrap() {
            "old" | "public" => 1,
            "not" => 2,
            _ => 0,
        };
        wrong.extend(
            (found != [format!("{name}:{expected}")])
                .then(|| format!("{text}{expected} is {found:?}")),
        );
        assert_eq!(status, Some(code), "{name}: {text}");
        // By its own name, and without --clients, which asks for deployments as well.
        let named = format!("--old-keys keys.env clients/{name}");
        assert_eq!(clients.found(&named), (status, found), "{name}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_services_agent_of_another_machine_is_a_client_and_so_is_a_large_notebook() {
    let clients = Clients::new();
    let compose = "services:\n  agent-services:\n    image: allegroai/clearml-agent-services\n    environment:\n      \
                   CLEARML_API_ACCESS_KEY: ${CLEARML_AGENT_ACCESS_KEY}\n      CLEARML_API_SECRET_KEY: ${CLEARML_AGENT_SECRET_KEY}\n";
    clients.add("agent/docker-compose.yml", compose);
    clients.add(
        "agent/.env",
        "CLEARML_AGENT_ACCESS_KEY=KEY!\nCLEARML_AGENT_SECRET_KEY=SECRET!\n",
    );
    let picture = "iVBORw0KGgo".repeat(1 << 18);
    clients.add(
        "n.ipynb",
        &format!("[\"{picture}\",\n \"%env X=SECRET!\"]\n"),
    );
    let found = [
        "agent/.env:2:26 old services_agent",
        "n.ipynb:2:10 old services_agent",
    ];
    let (status, mut is) = clients.found(ALL);
    is.sort_by_key(|line| found.iter().position(|one| one == line));
    assert_eq!((status, is), (Some(1), found.map(str::to_owned).to_vec()));
}

#[test]
fn a_container_with_the_pair_of_its_env_file_is_one_client() {
    let clients = Clients::new();
    clients.add(
        "agent/.env",
        "NAME=gpu\nAGENT_KEY=KEY!\nAGENT_SECRET=SECRET!\n",
    );
    let agent = |secret: &str| {
        format!(
            "services:\n  agent:\n    image: allegroai/clearml-agent\n    environment:\n      \
             CLEARML_API_ACCESS_KEY: ${{AGENT_KEY}}\n      CLEARML_API_SECRET_KEY: {secret}\n"
        )
    };
    clients.add("agent/docker-compose.yml", &agent("${AGENT_SECRET}"));
    let expected = vec!["agent/.env:3:14 old services_agent".to_owned()];
    assert_eq!(clients.found(ALL), (Some(1), expected));
    let text = clients.verify(ALL).stdout;
    assert!(text.contains("container agent has the old pair"), "{text}");
    // Two lines with the pair are two to change.
    clients.add("agent/docker-compose.yml", &agent("SECRET!"));
    assert_eq!(clients.found(ALL).1.len(), 2);
}

#[test]
fn a_log_with_a_secret_on_each_of_many_lines_is_read_in_one_go() {
    const LINES: usize = 20_000;
    let clients = Clients::new();
    clients.add("run.log", &"x SECRET! y\n".repeat(LINES));
    clients.add("one.log", &"SECRET! ".repeat(LINES));
    let (code, found) = clients.found(ALL);
    assert_eq!((code, found.len()), (Some(1), LINES + 1));
}

#[test]
fn texts_that_are_not_utf_8_are_read() {
    let clients = Clients::new();
    let text = format!("x\r\nCLEARML_API_SECRET_KEY={}\r\n", clients.secret);
    let little = text.encode_utf16().flat_map(u16::to_le_bytes);
    let big = text.encode_utf16().flat_map(u16::to_be_bytes);
    let path = |name: &str| clients.folder.path().join("clients").join(name);
    let write = |name: &str, mark: &[u8], text: Vec<u8>| {
        fs::write(path(name), [mark, &text].concat()).unwrap();
    };
    write("big.env", b"\xFE\xFF", big.collect());
    write("latin.env", b"\xE4", text.clone().into_bytes());
    write("little.env", b"\xFF\xFE", little.collect());
    // A picture is not.
    write("x.png", b"\xFF\0", text.into_bytes());
    let (code, found) = clients.found(ALL);
    let place = "2:24 old services_agent";
    let expected = ["big", "latin", "little"].map(|name| format!("{name}.env:{place}"));
    assert_eq!((code, found), (Some(1), expected.to_vec()));
}

#[test]
fn a_pair_that_stays_is_no_finding() {
    let clients = Clients::new();
    clients.add(".env", "CLEARML_API_SECRET_KEY=SECRET!\n");
    let keygen = |words: &str| {
        let run = clearml("keygen").within(clients.folder.path());
        run.args(words.split(' ')).done().exit(0);
    };
    keygen("--from keys.env --only token_secret -o new.env");
    let all = format!("--keys new.env {ALL}");
    assert_eq!(
        clients.found(&all),
        (Some(0), vec![".env:1:24 new services_agent".to_owned()])
    );
    for (format, said) in [
        (
            "jsonl",
            r#""account":"services_agent","kind":"client","pair":"new","place":{"column":24,"file":"clients/.env","line":1}"#,
        ),
        (
            "markdown",
            "### Clients that keep working\n\n- `clients/.env:1:24`: has the pair of services\\_agent that stays\n",
        ),
        (
            "html",
            "<h2>Clients that keep working</h2><ul><li><code>clients/.env:1:24</code> has the pair of services_agent that stays</li></ul>",
        ),
    ] {
        let done = clients.verify(&format!("-f {format} {all}")).exit(0);
        assert!(done.stdout.contains(said), "{said}\n{}", done.stdout);
        assert!(!done.stdout.contains("No findings."), "{}", done.stdout);
    }
    keygen("--from keys.env --only services_agent -o new.env --force");
    assert_eq!(clients.found(&all).0, Some(1));
}

#[test]
fn shards_share_the_clients() {
    let clients = Clients::new();
    for number in 0..12 {
        let name = format!("{number}/.env");
        clients.add(&name, "CLEARML_API_SECRET_KEY=SECRET!\n");
    }
    let broken = "api { credentials { secret_key: \"SECRET!\n";
    clients.add("broken/clearml.conf", broken);
    let lines = |shard: &str| -> Vec<String> {
        let done = clients.verify(&format!("-f jsonl {shard}{ALL}"));
        done.stdout.lines().map(str::to_owned).collect()
    };
    let mut joined: Vec<String> = (0..3)
        .flat_map(|index| lines(&format!("--shard {index}/3 ")))
        .collect();
    let mut whole = lines("");
    joined.sort();
    whole.sort();
    assert_eq!(whole.len(), 27, "{whole:#?}");
    assert_eq!(joined, whole);
}

#[test]
fn servers_and_keysets_are_no_clients() {
    let clients = Clients::new();
    let stock = fixtures().join("stock/docker-compose.yml");
    clients.add("docker-compose.yml", &fs::read_to_string(stock).unwrap());
    let keys = fs::read_to_string(clients.folder.path().join("keys.env")).unwrap();
    clients.add(".env", &keys);
    clients.add("keys.env", &keys);
    // ClearML's own programs have a public pair built in.
    let built_in = "default_secret = \"x!XTov_G-#vspE*Y(h$Anm&DIc5Ou-F)jsl$PdOyj5wG1&E!Z8\"\n";
    clients.add("lib/session.py", built_in);
    let done = clients.verify(ALL);
    assert_eq!((done.status, done.stdout.as_str()), (Some(2), ""));
    assert!(
        done.stderr
            .contains("clients: no ClearML client with a key pair in it"),
        "{}",
        done.stderr
    );
    // Nor do they prove anything without a server.
    let done = clients.verify("--old-keys keys.env clients/docker-compose.yml");
    assert_eq!(done.status, Some(2));
    assert!(done.stderr.contains("none is named"), "{}", done.stderr);
    // An agent beside the servers is one.
    let compose = "services:\n  mine:\n    image: allegroai/clearml-agent\n    environment:\n      CLEARML_API_SECRET_KEY: SECRET!\n";
    clients.add("agents/compose.yml", compose);
    let done = clients.verify(ALL).exit(1);
    assert!(
        done.stdout
            .contains("container mine has the old pair of services_agent"),
        "{}",
        done.stdout
    );
    assert!(
        done.stdout.contains("clients/agents/compose.yml:5:31"),
        "{}",
        done.stdout
    );
}

#[test]
fn what_cannot_be_read_is_said() {
    let clients = Clients::new();
    clients.add(
        "clearml.conf",
        "api { credentials { secret_key: \"SECRET!\n",
    );
    let done = clients.verify(ALL);
    // The old secret is found all the same.
    assert_eq!(done.status, Some(1), "{}", done.stdout);
    assert!(
        done.stdout.contains("not checked: clients/clearml.conf:"),
        "{}",
        done.stdout
    );
}

/// A whole file in base64 has the secret at any of three places in four signs; so has a header with a key before it.
#[test]
fn a_secret_within_something_in_base64_is_found() {
    let clients = Clients::new();
    let encoded = |text: &str| {
        let text = text
            .replace("KEY!", &clients.key)
            .replace("SECRET!", &clients.secret);
        STANDARD.encode(text)
    };
    let conf = "api { credentials { access_key: KEY!, secret_key: \"SECRET!\" } }";
    let lines =
        ["", " ", "  "].map(|before| format!("  a: {}\n", encoded(&format!("{before}{conf}"))));
    let secret = |lines: &str| format!("apiVersion: v1\nkind: Secret\ndata:\n{lines}");
    clients.add("client.yaml", &secret(&lines.concat()));
    clients.add(
        "access.log",
        &format!("Basic {}\n", encoded("KEY!:SECRET!")),
    );
    let of_server = encoded("credentials { services_agent { user_secret: SECRET! } }");
    clients.add(
        "server.yaml",
        &secret(&format!("  secure.conf: {of_server}\n")),
    );
    let (status, found) = clients.found("--clients --old-keys keys.env clients");
    assert_eq!(status, Some(1));
    let places = found.iter().map(|one| one.rsplit_once(':').unwrap().0);
    assert_eq!(
        places.collect::<Vec<_>>(),
        [
            "access.log:1",
            "client.yaml:4",
            "client.yaml:5",
            "client.yaml:6"
        ]
    );
}
