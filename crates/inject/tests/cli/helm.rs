//! Values files of ClearML's chart.

use super::*;

/// What the API server's list has, and the file server's, by variable and key.
const APISERVER: [(&str, &str); 7] = [
    ("HTTP__SESSION_SECRET__APISERVER", "session_secret"),
    ("CREDENTIALS__FILESERVER__USER_KEY", "fileserver_key"),
    ("CREDENTIALS__FILESERVER__USER_SECRET", "fileserver_secret"),
    ("CREDENTIALS__WEBSERVER__USER_KEY", "webserver_key"),
    ("CREDENTIALS__WEBSERVER__USER_SECRET", "webserver_secret"),
    (
        "CREDENTIALS__SERVICES_AGENT__USER_KEY",
        "services_agent_key",
    ),
    (
        "CREDENTIALS__SERVICES_AGENT__USER_SECRET",
        "services_agent_secret",
    ),
];

/// Entries on lines, so far to the right.
fn lines(indent: usize, entries: &[(&str, &str)]) -> String {
    let blanks = " ".repeat(indent);
    let entry = |(name, key): &(&str, &str)| {
        format!(
            "{blanks}- name: CLEARML__SECURE__{name}\n{blanks}  valueFrom: {{secretKeyRef: {{name: clearml-keys, key: {key}}}}}\n"
        )
    };
    entries.iter().map(entry).collect()
}

/// The same in brackets.
fn braces(entries: &[(&str, &str)]) -> String {
    let entry = |(name, key): &(&str, &str)| {
        format!(
            "{{name: CLEARML__SECURE__{name}, valueFrom: {{secretKeyRef: {{name: clearml-keys, key: {key}}}}}}}"
        )
    };
    entries.iter().map(entry).collect::<Vec<_>>().join(", ")
}

fn fileserver(indent: usize) -> String {
    let blanks = " ".repeat(indent);
    let cookie = format!(
        "{blanks}- name: CLEARML__fileserver__auth__cookie_names\n{blanks}  value: \"[ clearml-token-k8s ]\"\n"
    );
    lines(indent, &APISERVER[1..3]) + &cookie
}

/// The edited text; a second run has nothing to do, and no keyset is waited for.
fn edited(text: &str, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("values.yaml"), text).unwrap();
    fs::write(folder.path().join("keys.env"), keys()).unwrap();
    let arguments = [arguments, &["values.yaml"]].concat();
    let (code, stdout, stderr) = run(folder.path(), &arguments);
    assert_eq!(code, 0, "{stderr}\n{text}");
    assert!(!stderr.contains("waiting"), "{stderr}");
    fs::write(folder.path().join("values.yaml"), &stdout).unwrap();
    let (code, _, stderr) = run(folder.path(), &[&["--check"], &arguments[..]].concat());
    assert_eq!(code, 0, "{stderr}\n{stdout}");
    stdout
}

fn refused(text: &str, arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("values.yaml"), text).unwrap();
    fs::write(folder.path().join("keys.env"), keys()).unwrap();
    let arguments = [arguments, &["-i", "values.yaml"]].concat();
    let (code, stdout, stderr) = run(folder.path(), &arguments);
    assert_eq!((code, &*stdout), (2, ""), "{stderr}\n{text}");
    assert!(stderr.contains("\n  help: "), "{stderr}");
    assert_eq!(read(folder.path(), "values.yaml"), text);
    stderr
}

#[test]
fn lists_that_are_not_there_or_empty_become_lines() {
    let api = lines(4, &APISERVER);
    let file = fileserver(4);
    for (before, after) in [
        (
            "clearml:\n  cookieDomain: x.org # ours\napiserver:\n  replicaCount: 2\n",
            format!(
                "clearml:\n  cookieDomain: x.org # ours\n  existingSecret: clearml-keys\napiserver:\n  replicaCount: 2\n  extraEnvs:\n{api}fileserver:\n  extraEnvs:\n{file}"
            ),
        ),
        (
            "clearml: {}\napiserver: {} # a\nfileserver:\n  extraEnvs: [] # b\n",
            format!(
                "clearml:\n  existingSecret: clearml-keys\napiserver: # a\n  extraEnvs:\n{api}fileserver:\n  extraEnvs: # b\n{file}"
            ),
        ),
        (
            "apiserver:\n  extraEnvs: # a\n  replicaCount: 2\nfileserver:\n  extraEnvs: ~\n\nwebserver: {}",
            format!(
                "apiserver:\n  extraEnvs: # a\n{api}  replicaCount: 2\nfileserver:\n  extraEnvs:\n{file}\nwebserver: {{}}\nclearml:\n  existingSecret: clearml-keys"
            ),
        ),
        (
            "apiserver:\n  extraEnvs: {} # a\nfileserver:\n  extraEnvs: ''\nclearml: {}\n",
            format!(
                "apiserver:\n  extraEnvs: # a\n{api}fileserver:\n  extraEnvs:\n{file}clearml:\n  existingSecret: clearml-keys\n"
            ),
        ),
        // Nothing is put behind a text whose empty lines may count.
        (
            "clearml: {existingSecret: mine}\nfileserver:\n  x: y\napiserver:\n  extraEnvs:\n  - name: A\n    value: |\n      b\n\n",
            format!(
                "clearml: {{existingSecret: clearml-keys}}\nfileserver:\n  x: y\n  extraEnvs:\n{file}apiserver:\n  extraEnvs:\n{}  - name: A\n    value: |\n      b\n\n",
                lines(2, &APISERVER)
            ),
        ),
    ] {
        assert_eq!(edited(before, &[]), after);
        let dos = before.replace('\n', "\r\n");
        assert_eq!(edited(&dos, &[]), after.replace('\n', "\r\n"));
    }
}

#[test]
fn what_is_json_stays_json() {
    for text in [
        "{\"clearml\": {\"cookieDomain\": \"x.org\"}, \"apiserver\": {}}\n",
        "{\n  \"clearml\": {\"existingSecret\": \"old\", \"apiserverKey\": \"A\"},\n  \"apiserver\": {\"extraEnvs\": [{\"name\": \"A\", \"value\": \"b\"}]},\n  \"fileserver\": {\"extraEnvs\": []}\n}\n",
        "{\n  \"clearml\": {},\n  \"apiserver\": {\n    \"replicaCount\": 2\n  },\n  \"fileserver\": {}\n}\n",
    ] {
        let after = edited(text, &["--secret", "no"]);
        let values: serde_json::Value = serde_json::from_str(&after).expect(&after);
        assert_eq!(values["clearml"]["existingSecret"], "no");
        let list = &values["fileserver"]["extraEnvs"];
        assert_eq!(list[2]["value"], "[ clearml-token-k8s ]");
    }
}

#[test]
fn in_a_list_of_ones_own_ours_take_the_place_of_the_same_settings() {
    let before = "\
clearml:
  existingSecret: clearml-keys
apiserver:
  extraEnvs:
    # mine
    - name: MINE
      value: \"1\"
    - name: CLEARML__secure__credentials__webserver__user_key # kept
      value: MARKED-1
    - {value: MARKED-2, name: TRAINS__SECURE__HTTP__SESSION_SECRET__APISERVER}
    - name: CLEARML__secure__auth__token_secret
      value: MARKED-3 # goes
    - name: CLEARML__SECURE__CREDENTIALS__WEBSERVER__USER_KEY
      value: MARKED-4

  service: {type: ClusterIP}
fileserver:
  extraEnvs: [{name: CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_KEY, value: MARKED-5}, {name: A, value: b}, {name: CLEARML__FILESERVER__AUTH__COOKIE_NAMES, value: \"[ c ]\"}]
";
    let rest: Vec<_> = [1, 2, 4, 5, 6].map(|index| APISERVER[index]).to_vec();
    let after = format!(
        "\
clearml:
  existingSecret: clearml-keys
apiserver:
  extraEnvs:
    # mine
    - name: MINE
      value: \"1\"
    - name: CLEARML__SECURE__CREDENTIALS__WEBSERVER__USER_KEY # kept
      valueFrom: {{secretKeyRef: {{name: clearml-keys, key: webserver_key}}}}
    - {{valueFrom: {{secretKeyRef: {{name: clearml-keys, key: session_secret}}}}, name: CLEARML__SECURE__HTTP__SESSION_SECRET__APISERVER}}
{}
  service: {{type: ClusterIP}}
fileserver:
  extraEnvs: [{}, {{name: A, value: b}}, {{name: CLEARML__FILESERVER__AUTH__COOKIE_NAMES, value: \"[ c ]\"}}, {}]
",
        lines(4, &rest),
        braces(&APISERVER[1..2]),
        braces(&APISERVER[2..3]),
    );
    assert_eq!(edited(before, &[]), after);
}

#[test]
fn constants_go_from_every_style() {
    for (before, after) in [
        (
            "clearml:\n  # mine\n  apiserverKey: MARKED # a\n  cookieName: c\n  apiserverSecret: 'MARKED#'\n  testUserKey: MARKED\n",
            "clearml:\n  # mine\n  existingSecret: clearml-keys # a\n  cookieName: c\n",
        ),
        (
            "clearml: {apiserverKey: MARKED, cookieName: c, testUserKey: MARKED, fileserverKey: MARKED}\n",
            "clearml: {existingSecret: clearml-keys, cookieName: c}\n",
        ),
        (
            "clearml: {existingSecret: x, apiserverKey: MARKED, cookieName: c, testUserKey: MARKED, fileserverKey: MARKED}\n",
            "clearml: {existingSecret: clearml-keys, cookieName: c}\n",
        ),
        (
            "clearml:\n  secureAuthTokenSecret: >-\n    MARKED\n  existingSecret: ''\n",
            "clearml:\n  existingSecret: 'clearml-keys'\n",
        ),
    ] {
        let more = "webserver: {}\n";
        let text = edited(&format!("{before}{more}"), &[]);
        assert!(text.starts_with(&format!("{after}{more}")), "{text}");
        // The section of another chart's values is the same.
        let below = |text: &str| -> String {
            let lines = text.lines().map(|line| format!("  {line}\n"));
            lines.collect()
        };
        let umbrella = format!("x: 1\nserver:\n{}y: 2\n", below(&format!("{before}{more}")));
        let expected = format!("x: 1\nserver:\n{}y: 2\n", below(&text));
        assert_eq!(edited(&umbrella, &[]), expected);
    }
}

/// A keyset with a user.
const USERS: &str = "{\"version\": 1, \"settings\": {}, \"users\": [{\"username\": \"jane\", \"name\": \"jane\", \"password_hash\": \"JDJiJDEyJEVWV1VuN2pCZ0pkcm8uQmthZS9nMk8wNkFaNlIzNlJpZjY5ZUxmTXRyVGMybUNSVDhSSDAy\"}]}";

#[test]
fn users_are_in_a_second_secret() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("users.json"), USERS).unwrap();
    let given = |text: &str| {
        fs::write(folder.path().join("v"), text).unwrap();
        run(
            folder.path(),
            &["-k", "users.json", "--secret", "mine", "v"],
        )
    };
    let (code, stdout, stderr) = given("clearml: {}\napiserver: {}\n");
    assert_eq!(code, 0, "{stderr}");
    assert!(
        stdout.contains("  existingAdditionalConfigsSecret: mine-logins\n"),
        "{stdout}"
    );
    assert!(
        stdout.contains("secretKeyRef: {name: mine, key: session_secret}"),
        "{stdout}"
    );
    for other in [
        "{additionalConfigs: {apiserver.conf: x}}",
        "{existingAdditionalConfigsConfigMap: x}",
        "{existingAdditionalConfigsSecret: x}",
    ] {
        let (code, _, stderr) = given(&format!("clearml: {{}}\napiserver: {other}\n"));
        assert_eq!(code, 2, "{stderr}");
        assert!(
            stderr.contains("Secret mine-logins, beside apiserver.conf"),
            "{stderr}"
        );
    }
    // Without users nothing is said of the files.
    let text = "clearml: {}\napiserver:\n  additionalConfigs: {apiserver.conf: 'x: 1'}\n";
    assert!(edited(text, &["-k", "keys.env"]).starts_with("clearml:\n  existingSecret"));
}

/// Another that sets them, or that reads no file, would leave the login open or let the hash itself in.
#[test]
fn users_that_the_api_server_would_not_read_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("users.json"), USERS).unwrap();
    let not_read = ":4:5: apiserver would not read the keyset's web-login users";
    for (name, value, message) in [
        (
            "CLEARML__APISERVER__AUTH__FIXED_USERS__ENABLED",
            "false",
            not_read,
        ),
        (
            "CLEARML__apiserver__auth__fixed_users__pass_hashed",
            "false",
            not_read,
        ),
        (
            "CLEARML__APISERVER__AUTH__FIXED_USERS",
            "{users: []}",
            not_read,
        ),
        (
            "CLEARML_CONFIG_DIR",
            "/etc/mine",
            "apiserver.auth.fixed_users.enabled is not set where this server looks: remove CLEARML_CONFIG_DIR",
        ),
        (
            "CLEARML__SECURE__CREDENTIALS__MINE",
            "{user_key: a, user_secret: b}",
            ":4:5: apiserver cannot set up the account mine, so no web-login user would be added",
        ),
    ] {
        let text = format!(
            "clearml: {{}}\napiserver:\n  extraEnvs:\n  - name: {name}\n    value: \"{value}\"\n"
        );
        fs::write(folder.path().join("v"), &text).unwrap();
        let (code, stdout, stderr) = run(folder.path(), &["-k", "users.json", "v"]);
        assert_eq!((code, &*stdout), (2, ""), "{stderr}");
        assert!(stderr.contains(message), "{stderr}");
        // Without users, nobody's are lost.
        edited(&text, &[]);
    }
    let text = "clearml: {}\napiserver: {}\n";
    fs::write(folder.path().join("v"), text).unwrap();
    let (code, _, stderr) = run(folder.path(), &["-k", "users.json", "-i", "v"]);
    assert_eq!(code, 0, "{stderr}");
    let last = "clearml-keygen --from users.json -f kubernetes | clearml-verify --keys users.json rendered.yaml -\n";
    assert!(stderr.contains(last), "{stderr}");
    assert!(stderr.contains("as charts 7.11.0 and "), "{stderr}");
}

#[test]
fn the_next_commands_name_the_file_and_the_chart_that_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let run_on = |text: &str, arguments: &[&str]| {
        fs::write(folder.path().join("my values.yaml"), text).unwrap();
        let (code, _, stderr) = run(folder.path(), &[arguments, &["my values.yaml"]].concat());
        assert_eq!(code, 0, "{stderr}");
        stderr
    };
    const VERSION_ALONE: &str = "Now run (VERSION is the chart's, which `helm list` shows):";
    let own = "clearml: {}\napiserver: {}\n";
    let helm =
        "\n  helm template clearml clearml/clearml --version VERSION --kube-version 1.30.0 -f ";
    for (arguments, when, file) in [
        (
            &[][..],
            "Now run (FILE is the file with this output, VERSION is the chart's, which `helm list` shows):",
            "FILE",
        ),
        (&["-i"], VERSION_ALONE, "'my values.yaml'"),
        (&["-o", "new.yaml"], VERSION_ALONE, "new.yaml"),
        (
            &["--diff"],
            "After this change, run (VERSION is the chart's, which `helm list` shows):",
            "'my values.yaml'",
        ),
    ] {
        let stderr = run_on(own, arguments);
        assert!(stderr.contains(when), "{stderr}");
        assert!(stderr.contains(&format!("{helm}{file} |")), "{stderr}");
        assert!(!stderr.contains("CHART"), "{stderr}");
    }
    let stderr = run_on("server:\n  clearml: {}\n  apiserver: {}\n", &["-i"]);
    for part in [
        "read as values of a chart that has ClearML's as server; ClearML's own chart reads none of them there",
        "Now run (CHART is the chart that has ClearML's as server):",
        "helm template clearml CHART --kube-version 1.30.0 -f 'my values.yaml' |",
        "helm upgrade --install -n NAMESPACE clearml CHART -f 'my values.yaml'\n",
    ] {
        assert!(stderr.contains(part), "{stderr}");
    }
}

#[test]
fn what_cannot_be_edited_safely_is_refused_at_its_place() {
    for (text, message) in [
        (
            "clearml:\napiserver: {}\nwebserver: {}\n",
            ":1:1: clearml is not a mapping",
        ),
        (
            "clearml: {existingSecret: {{ .x }}}\napiserver: {}\n",
            "this is a template",
        ),
        (
            "clearml: {cookieName: '{{ x }}'}\napiserver: {}\n",
            ":1:23: what the chart makes",
        ),
        (
            "clearml: {}\napiserver: &a\n  extraEnvs: []\nfileserver: *a\n",
            ":2:12: an alias uses this again",
        ),
        (
            "clearml: {}\napiserver:\n  extraEnvs: &l []\nfileserver: {extraEnvs: *l}\n",
            ":3:14: an alias uses",
        ),
        (
            "x: &l []\nclearml: {}\napiserver:\n  extraEnvs: *l\n",
            ":4:3: apiserver.extraEnvs is not written out",
        ),
        (
            "clearml: {apiserverKey: &k MARKED}\napiserver: {x: *k}\n",
            ":1:25: an alias uses this again",
        ),
        (
            "b: &b {apiserverKey: MARKED}\nclearml:\n  <<: *b\napiserver: {}\n",
            ":3:3: a merge key (`<<`) brings apiserverKey in",
        ),
        (
            "clearml: {}\nclearml: {}\napiserver: {}\n",
            ":2:1: this key is in the mapping twice",
        ),
        (
            "clearml: {}\napiserver: {extraEnvs: {A: MARKED}}\n",
            ":2:24: apiserver.extraEnvs is not a list",
        ),
        (
            "clearml: {}\napiserver:\n  extraEnvs:\n  - name: CLEARML__SECURE__CREDENTIALS__TESTS__USER_KEY\n    # why\n    value: MARKED\n",
            ":5:1: a comment may be lost here",
        ),
        (
            "clearml: {}\napiserver:\n  extraEnvs:\n  - name: CLEARML__SECURE__CREDENTIALS__WEBSERVER__USER_KEY\n    other: MARKED\n",
            ":4:5: this entry sets a key of the servers",
        ),
        (
            "clearml:\n  apiserverKey:\n    # why\n    MARKED\napiserver: {}\n",
            ":3:5: a comment may be lost here",
        ),
        (
            "clearml: {}\napiserver:\n  extraEnvs: { # why\n  }\n",
            ":3:16: a comment may be lost here",
        ),
        (
            "USER-SUPPLIED VALUES:\nnull\n",
            ":1:1: this release has no values of its own",
        ),
        // The server would not start, or keep old keys.
        (
            "clearml: {}\napiserver:\n  extraEnvs:\n  - {name: CLEARML__X, value: 'MARKED=b'}\n",
            "apiserver would not start: values.yaml:4:5",
        ),
        (
            "clearml: {}\napiserver:\n  extraEnvs:\n  - {name: CLEARML__SECURE__CREDENTIALS__WEBSERVER__ROLE, value: MARKED}\n",
            ":4:5: apiserver cannot set up the account webserver, so it and the accounts after it would keep their old keys",
        ),
        // It covers what the chart sets, and wins over it.
        (
            "clearml: {}\napiserver:\n  extraEnvs:\n  - {name: CLEARML__secure__credentials__tests, value: 'MARKED'}\n",
            "would not take secure.credentials.tests.user_key from Secret clearml-keys",
        ),
    ] {
        let stderr = refused(text, &[]);
        assert!(stderr.contains(message), "{message}\n{stderr}");
        assert!(!stderr.contains("MARKED"), "{stderr}");
    }
}

#[test]
fn what_somebody_chose_is_said_or_stays() {
    let folder = tempfile::tempdir().unwrap();
    let text = "clearml: {existingSecret: mine}\napiserver: {}\n";
    fs::write(folder.path().join("v"), text).unwrap();
    let (code, _, stderr) = run(folder.path(), &["v"]);
    assert_eq!(code, 0, "{stderr}");
    let said =
        "clearml.existingSecret: clearml-keys instead of mine. --secret mine keeps that name\n";
    assert!(stderr.contains(said), "{stderr}");
    // Helm takes `on` for a switch where it has no quotes.
    let text = edited(text, &["--secret", "on"]);
    assert!(
        text.starts_with("clearml: {existingSecret: 'on'}\n"),
        "{text}"
    );
    // The file server reads the cookie that the user named there, or that of the image.
    let text = "clearml: {}\napiserver:\n  extraEnvs:\n  - name: CLEARML__apiserver__auth__session_auth_cookie_name\n    value: clearml_token_basic\n";
    let text = edited(text, &[]);
    assert!(
        text.ends_with(&format!(
            "fileserver:\n  extraEnvs:\n{}",
            lines(4, &APISERVER[1..3])
        )),
        "{text}"
    );
}

#[test]
fn what_has_no_meaning_for_values_is_refused() {
    let text = "clearml: {}\napiserver: {}\n";
    for (arguments, message) in [
        (&["--bind", "127.0.0.1"][..], "--bind is for compose files"),
        (&["--close-ports"], "--close-ports is for compose files"),
        (&["--merge", "x"], "--merge is for compose files"),
        (&["--env-file", ".env"], "--env-file is for compose files"),
        (&["--literal"], "--literal is for compose files"),
        (&["--allow-weak"], "--allow-weak is for compose files"),
        (
            &["--prove-with-compose"],
            "--prove-with-compose is for compose files",
        ),
        (
            &["--secret", "Keys_1"],
            "Kubernetes does not accept this name",
        ),
        (
            &["--secret", "clearml-conf"],
            "the chart makes a Secret of this name itself",
        ),
    ] {
        let stderr = refused(text, arguments);
        assert!(stderr.contains(message), "{stderr}");
    }
    let stderr = refused("apiserver:\n  extraEnvs: []\n", &[]);
    assert!(stderr.contains("one part of them alone"), "{stderr}");
    // The agent's chart has keys of its own, and no part of the server's would help it.
    let stderr = refused("clearml:\n  agentk8sglueKey: x\nagentk8sglue: {}\n", &[]);
    assert!(!stderr.contains("one part of them alone"), "{stderr}");
    // Nobody needs a keyset to be told so.
    let application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: {}\n";
    let stderr = refused(application, &[]);
    assert!(stderr.contains("this is a Kubernetes manifest"), "{stderr}");
    let folder = stock();
    let arguments = ["-k", "keys.env", "--secret", "x", "docker-compose.yml"];
    let (code, _, stderr) = run(folder.path(), &arguments);
    assert_eq!(code, 2);
    assert!(stderr.contains("--secret is for values files"), "{stderr}");
}

#[test]
fn values_may_come_from_standard_input_and_go_into_their_file() {
    let text = "clearml: {apiserverKey: MARKED}\napiserver: {}\n";
    let output = inject().write_stdin(text).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let expected = edited(text, &[]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!stderr.contains("holds secrets"), "{stderr}");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("v"), text).unwrap();
    let (code, stdout, stderr) = run(folder.path(), &["--diff", "v"]);
    assert_eq!(code, 0, "{stderr}");
    assert!(!stdout.contains("MARKED"), "{stdout}");
    let (code, stdout, _) = run(folder.path(), &["--check", "v"]);
    assert_eq!((code, &*stdout), (1, ""));
    let (code, _, stderr) = run(folder.path(), &["-i", "--backup", ".orig", "v"]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(read(folder.path(), "v"), expected);
    assert_eq!(read(folder.path(), "v.orig"), text);
}
