//! Values files of ClearML's chart.

use std::fs;

use crate::chart::{env_file, errors, keyset, look};
use crate::common::{Done, ask, fixtures, folder_with};

const STOCK: &str = "clearml: {}\napiserver: {}\nfileserver: {}\n";

fn count(done: &Done, rule: &str) -> usize {
    done.rules().iter().filter(|one| **one == rule).count()
}

/// The place of a finding about a setting.
fn line(done: &Done, setting: &str) -> u64 {
    let mut findings = done.json["findings"].as_array().into_iter().flatten();
    let found = findings.find(|one| one["setting"] == setting);
    found.unwrap()["place"]["line"].as_u64().unwrap()
}

/// Values that name a Secret for all that the servers read.
fn secured() -> String {
    let entry = |name: &str, key: &str| {
        format!(
            "    - name: CLEARML__SECURE__{name}\n      valueFrom: {{secretKeyRef: {{name: clearml-keys, key: {key}}}}}\n"
        )
    };
    let pair = |account: &str| {
        let name = format!("CREDENTIALS__{}__USER", account.to_uppercase());
        entry(&format!("{name}_KEY"), &format!("{account}_key"))
            + &entry(&format!("{name}_SECRET"), &format!("{account}_secret"))
    };
    let mut text =
        "clearml:\n  existingSecret: clearml-keys\napiserver:\n  extraEnvs:\n".to_owned();
    text += &entry("HTTP__SESSION_SECRET__APISERVER", "session_secret");
    text += &(pair("fileserver") + &pair("webserver") + &pair("services_agent"));
    text + "fileserver:\n  extraEnvs:\n" + &pair("fileserver")
}

#[test]
fn without_values_of_ones_own_the_charts_constants_are_live() {
    let done = look(&["values.yaml"], &[("values.yaml", STOCK)]);
    assert_eq!(done.code, 1, "{}", done.stderr);
    let errors = errors(&done);
    // The token secret of two servers is one value.
    assert_eq!(errors.len(), 10, "{errors:?}");
    assert_eq!(count(&done, "missing-setting"), 5);
    assert_eq!(count(&done, "public-port"), 3);
    assert!(
        done.stderr
            .contains("values.yaml: read as chart 7.14 would render it; `helm template")
    );
    let done = look(&["--chart", "7.2.1", "v"], &[("v", STOCK)]);
    assert!(
        done.stderr.contains("read as chart 7.2 would"),
        "{}",
        done.stderr
    );
    // Its file server asks nobody.
    assert_eq!(count(&done, "old-fileserver"), 1, "{:?}", done.rules());
}

#[test]
fn a_finding_is_where_the_value_is_or_would_be() {
    let text = "# ours\napiserver:\n  extraEnvs: []\nclearml:\n  cookieName: c\n  apiserverKey: test\nfileserver: {}\n";
    let done = look(&["v"], &[("v", text)]);
    assert_eq!(line(&done, "secure.credentials.apiserver.user_key"), 6);
    assert_eq!(line(&done, "secure.credentials.apiserver.user_secret"), 4);
    assert_eq!(line(&done, "secure.http.session_secret.apiserver"), 2);
    let over = "clearml:\n  apiserverSecret: test\n";
    let done = look(&["v", "--merge", "w"], &[("v", text), ("w", over)]);
    let findings = done.json["findings"].as_array().unwrap();
    let found = findings
        .iter()
        .find(|one| one["setting"] == "secure.credentials.apiserver.user_secret");
    let place = &found.unwrap()["place"];
    assert_eq!((&place["file"], &place["line"]), (&"w".into(), &2.into()));
}

/// The values that `clearml-keygen -f helm` prints name a Secret with the users.
#[test]
fn users_in_a_secret_that_was_not_given_are_not_known() {
    let (keyset, _) = keyset();
    let keys = env_file(&keyset);
    let values =
        "clearml: {}\napiserver:\n  existingAdditionalConfigsSecret: clearml-keys-logins\n";
    let conf = "auth.fixed_users { enabled: true, pass_hashed: true, users: [] }\n";
    let secret = |conf: &str| {
        let head = "apiVersion: v1\nkind: Secret\nmetadata: {name: clearml-keys-logins}\n";
        format!("{head}stringData:\n  apiserver.conf: |\n    {conf}")
    };
    let (on, off) = (secret(conf), secret("auth.token_secret: abc\n"));
    let files = [
        ("v", values),
        ("on.yaml", &*on),
        ("off.yaml", &*off),
        ("k.env", &*keys),
    ];
    for (given, is_known, is_open) in [
        (["v"].as_slice(), false, false),
        (&["--keys=k.env", "v"], false, false),
        (&["v", "on.yaml"], true, false),
        (&["v", "off.yaml"], true, true),
    ] {
        let done = look(given, &files);
        let is_it = |one: &String| {
            let is_folder = one.contains("/opt/clearml/config") && !one.contains("--keys");
            is_folder && one.contains("Secret clearml-keys-logins")
        };
        assert_eq!(!done.unknown().iter().any(is_it), is_known, "{given:?}");
        assert_eq!(count(&done, "open-login") > 0, is_open, "{given:?}");
    }
    let variable =
        "  extraEnvs: [{name: CLEARML__apiserver__auth__fixed_users__enabled, value: \"false\"}]\n";
    let done = look(&["v"], &[("v", &format!("{values}{variable}"))]);
    assert_eq!(count(&done, "open-login"), 1);
}

#[test]
fn a_secret_of_ones_own_is_looked_for_or_said() {
    let (keyset, secret) = keyset();
    let (values, keys) = (secured(), env_file(&keyset));
    let files = [("v", &*values), ("s.yaml", &*secret), ("k.env", &*keys)];
    let done = look(&["--fail-on", "error", "v"], &files);
    assert_eq!(
        (done.code, errors(&done).len()),
        (2, 0),
        "{:?}",
        done.rules()
    );
    assert_eq!(done.unknown().len(), 15, "{:#?}", done.unknown());
    done.says(
        "secure.auth.token_secret at apiserver (key secure_auth_token_secret)",
        "it is in Secret clearml-keys, which was not given; add the Secret as a TARGET, or --keys FILE",
    );
    for given in [["v", "s.yaml"], ["s.yaml", "v"], ["--keys=k.env", "v"]] {
        let done = look(&[&["--fail-on", "error"][..], &given].concat(), &files);
        assert_eq!(
            (done.code, errors(&done).len()),
            (0, 0),
            "{given:?}: {:?}",
            done.rules()
        );
        // What a keyset stands for is not in the values.
        let is_told = given.contains(&"s.yaml") || count(&done, "readable-secret") == 0;
        assert!(is_told, "{:?}", done.rules());
    }
    let five = secret
        .lines()
        .filter(|line| !line.trim_start().starts_with("fileserver_"));
    let five = five.collect::<Vec<_>>().join("\n");
    let done = look(&["v", "s.yaml"], &[("v", &values), ("s.yaml", &five)]);
    assert_eq!(count(&done, "missing-secret-key"), 6, "{:?}", done.rules());
}

#[test]
fn helm_replaces_lists_and_so_does_this() {
    let (keyset, _) = keyset();
    let (values, keys) = (secured(), env_file(&keyset));
    let mine = "apiserver:\n  extraEnvs: [{name: MINE, value: x}]\n";
    let files = [("ours", &*values), ("mine", mine), ("k.env", &*keys)];
    let done = look(&["--keys", "k.env", "ours", "--merge", "mine"], &files);
    assert_eq!(count(&done, "missing-setting"), 5, "{:?}", done.rules());
    // Null takes the list away as well.
    let files = [
        ("ours", &*values),
        ("mine", "apiserver: {extraEnvs: null}\n"),
        ("k.env", &*keys),
    ];
    let done = look(&["--keys", "k.env", "ours", "--merge", "mine"], &files);
    assert_eq!(count(&done, "missing-setting"), 5, "{:?}", done.rules());
}

#[test]
fn what_no_template_reads_is_said_with_what_was_meant() {
    for (text, chart, messages) in [
        (
            "apiserver: {ingress: {tls: [x]}, env: []}\nfileserver: {extraEnvs: [], ingres: {}}\nglobal: {extraEnvVars: []}\n",
            "7.14.4",
            vec![
                (
                    "apiserver.ingress.tls",
                    "write apiserver.ingress.tlsSecretName",
                ),
                ("apiserver.env", "write apiserver.extraEnvs"),
                ("fileserver.ingres", "write fileserver.ingress"),
                (
                    "global.extraEnvVars",
                    "write apiserver.extraEnvs and fileserver.extraEnvs",
                ),
            ],
        ),
        (
            "clearml: {host: x, existingSecret: own}\napiserver: {image: {tag: a}, additionalVolumes: []}\n",
            "7.2.0",
            vec![
                ("clearml.host", "remove it"),
                ("clearml.existingSecret", ""),
                ("apiserver.additionalVolumes", ""),
            ],
        ),
        (
            "clearml: {existingSecret: own}\napiserver: {podAnnotations: {a: b}, resources: {limits: {}}, x: null}\nredis: {any: 1}\n",
            "7.14.4",
            vec![],
        ),
    ] {
        let done = look(&["--chart", chart, "v"], &[("v", text)]);
        let findings = done.json["findings"].as_array().unwrap();
        let found = findings.iter().filter(|one| one["rule"] == "unread-value");
        let found: Vec<(&str, &str)> = found
            .map(|one| {
                (
                    one["message"].as_str().unwrap(),
                    one["help"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(found.len(), messages.len(), "{found:?}");
        for (path, help) in messages {
            let is_meant = |(message, said): &&(&str, &str)| {
                message.starts_with(&format!("{path} has no effect")) && said.starts_with(help)
            };
            assert!(found.iter().any(|one| is_meant(&one)), "{path}: {found:?}");
        }
    }
}

#[test]
fn fixtures_of_unread_values_have_what_they_expect() {
    let folder = fixtures().join("rules/unread-value");
    for (name, expected) in [("bad.yml", 1), ("good.yml", 0)] {
        let done = ask(&[name], &folder);
        assert_eq!(count(&done, "unread-value"), expected, "{:?}", done.rules());
        assert_eq!(count(&done, "plain-http"), expected, "{:?}", done.rules());
    }
}

#[test]
fn values_are_found_below_another_charts_name_and_helms_heading() {
    let key = "secure.credentials.apiserver.user_key";
    let own = "clearml:\n  apiserverKey: test\napiserver: {}\n";
    let below = "other: {a: 1}\nmlops:\n  clearml:\n    apiserverKey: test\n  apiserver: {}\nglobal: {imageRegistry: r}\n";
    let printed = format!("USER-SUPPLIED VALUES:\n{own}");
    for (text, expected) in [(own, 2), (below, 4), (&*printed, 3)] {
        let done = look(&["v"], &[("v", text)]);
        assert_eq!(line(&done, key), expected, "{}", done.stderr);
        assert_eq!(count(&done, "unread-value"), 0, "{:?}", done.rules());
    }
}

#[test]
fn the_chart_beside_values_says_which_one_it_depends_on() {
    let chart = "apiVersion: v2\nname: platform\nversion: 1.0.0\ndependencies:\n- {name: redis, version: 1.0.0}\n- {name: clearml, alias: ml, version: 7.10.1, condition: ml.enabled}\n";
    let values = "ml: {enabled: true, clearml: {}, apiserver: {}}\n";
    let files = [("Chart.yaml", chart), ("values.yaml", values)];
    let done = look(&["values.yaml"], &files);
    assert_eq!(count(&done, "old-fileserver"), 1, "{:?}", done.rules());
    assert_eq!(count(&done, "unread-value"), 0, "{:?}", done.rules());
    // What is said on the command line counts, and a range is no version.
    let done = look(&["--chart", "7.14.4", "values.yaml"], &files);
    assert_eq!(count(&done, "old-fileserver"), 0, "{:?}", done.rules());
    let range = chart.replace("7.10.1", "~7.10");
    let done = look(&["values.yaml"], &[("Chart.yaml", &range), files[1]]);
    assert_eq!(count(&done, "old-fileserver"), 0, "{:?}", done.rules());
    assert!(done.stderr.contains("as chart 7.14"), "{}", done.stderr);
}

#[test]
fn what_helm_refuses_and_what_is_not_known_is_never_clean() {
    for (text, chart, words) in [
        (
            "clearml: {apiserverKey: 123456}\napiserver: {}\n",
            "7.14.4",
            "clearml.apiserverKey is not text; quote it",
        ),
        (
            "clearml: {testUserKey: yes}\napiserver: {}\n",
            "7.14.4",
            "clearml.testUserKey is not text",
        ),
        (
            "clearml: {testUserKey: null}\napiserver: {}\n",
            "7.14.4",
            "clearml.testUserKey is not text",
        ),
        (
            "clearml: {}\napiserver: {extraEnvs: {A: b}}\n",
            "7.14.4",
            "apiserver.extraEnvs is not a list",
        ),
        (
            "clearml: {}\napiserver: {}\nwebserver: null\n",
            "7.14.4",
            "webserver is not a mapping",
        ),
        (
            STOCK,
            "6.0.0",
            "chart 6.0.0 is not known here, only 7.2.0 to 7.14.7 are",
        ),
        (STOCK, "8.0", "chart 8.0.0 is not known here"),
        (
            "clearml: {}\napiserver: {}\n---\nclearml: {}\n",
            "7.14.4",
            "a second document begins here",
        ),
        (
            "clearml:\n  a: {{ .Values.x }}\napiserver: {}\n",
            "7.14.4",
            "this is a template of values",
        ),
        (
            "clearml:\n  a: [\napiserver:\n",
            "7.14.4",
            "helm refuses it too",
        ),
    ] {
        let done = look(&["--chart", chart, "v"], &[("v", text)]);
        assert_eq!(done.code, 2, "{text}: {}", done.stderr);
        assert!(done.stderr.contains(words), "{text}: {}", done.stderr);
    }
    let text = "clearml: {}\napiserver: {}\nfileserver:\n  extraEnvs: [{name: A, value: '{{ .Release.Name }}'}]\n";
    let done = look(&["v"], &[("v", text)]);
    done.says(
        "what the chart makes of workload clearml-fileserver",
        "a value has {{ in it, as templates have; render it: helm template",
    );
}

#[test]
fn of_a_folder_the_values_are_read_that_are_a_release_alone() {
    let done = look(&["."], &[("deploy/values.yaml", STOCK)]);
    assert_eq!((done.code, done.unknown().len()), (1, 0), "{}", done.stderr);
    let two = [("values.yaml", STOCK), ("values-prod.yaml", STOCK)];
    let done = look(&["."], &two);
    assert_eq!((done.code, done.rules().len()), (2, 0), "{}", done.stderr);
    let unknown = done.unknown().concat();
    assert!(
        unknown.contains("clearml-verify ./values.yaml --merge ./values-prod.yaml"),
        "{unknown}"
    );
    // The Secret beside them is theirs.
    let secured = "clearml: {existingSecret: s}\napiserver: {}\n";
    let secret =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {apiserver_key: dGVzdA==}\n";
    let done = look(&["."], &[("values.yaml", secured), ("secret.yaml", secret)]);
    assert!(done.rules().contains(&"weak-secret"), "{:?}", done.rules());
    // A chart's own values, and those for a part of another chart.
    for (chart, code, words) in [
        ("name: other\n", 2, "the chart beside it is not ClearML's"),
        (
            "name: mlops\ndependencies: [{name: clearml}]\n",
            2,
            "helm template",
        ),
    ] {
        let done = look(&["."], &[("Chart.yaml", chart), ("values.yaml", STOCK)]);
        assert_eq!(
            (done.code, done.rules().len()),
            (code, 0),
            "{}",
            done.stderr
        );
        let all = done.stderr + &done.json.to_string();
        assert!(all.contains(words), "{all}");
    }
}

#[test]
fn a_key_that_is_there_twice_and_one_that_is_shared_count_as_for_helm() {
    let text = "x: &env\n- {name: CLEARML__secure__http__session_secret__apiserver, value: test}\nclearml: {}\napiserver:\n  extraEnvs: []\n  extraEnvs: *env\nfileserver: {}\n";
    let done = look(&["v"], &[("v", text)]);
    assert!(
        done.stderr
            .contains("v:6:3: this key is in the mapping twice"),
        "{}",
        done.stderr
    );
    assert_eq!(line(&done, "secure.http.session_secret.apiserver"), 2);
}

#[test]
fn nothing_of_the_values_is_printed() {
    let folder = folder_with(&[(
        "v",
        "clearml:\n  apiserverKey: 4Kd82-marked-text\n  cookieName: c\napiserver: {extraEnvs: [{name: A, value: {b: other-marked-text}}]}\nfileserver: {}\n",
    )]);
    for arguments in [&["v"][..], &["-f", "text", "v"], &["--effective", "v"]] {
        let done = ask(arguments, folder.path());
        let all = done.stderr + &done.json.to_string();
        assert!(!all.contains("marked-text"), "{all}");
    }
    fs::remove_file(folder.path().join("v")).unwrap();
}

/// What values make is all of a release: a Service of another one leads nowhere in it.
#[test]
fn releases_of_one_run_do_not_get_the_services_of_each_other() {
    let open = |done: &Done| count(done, "public-port");
    let alone = open(&look(&["a"], &[("a", STOCK)]));
    let both = open(&look(&["a", "b"], &[("a", STOCK), ("b", STOCK)]));
    assert_eq!((alone, both), (3, 6));
    // Three servers, of which none has a section of its own.
    let bare = open(&look(&["a"], &[("a", "clearml: {}\napiserver: {}\n")]));
    assert_eq!(bare, 3);
}

#[test]
fn what_helm_reads_otherwise_or_not_at_all_is_refused() {
    let safe = "clearml: {existingSecret: s}\napiserver: {}\n";
    for (over, words) in [
        ("- a\n", "values are a mapping"),
        ("hello\n", "values are a mapping"),
        (
            "clearml: {existingSecret: 12}\n",
            "clearml.existingSecret is no text",
        ),
        (
            "clearml: {existingSecret: {name: s}}\n",
            "clearml.existingSecret is no text",
        ),
        (
            "redis: {x: &open {type: NodePort}}\nfileserver: {service: {type: ClusterIP, <<: *open}}\n",
            "helm lets what this merges win",
        ),
    ] {
        let done = look(&["a", "--merge", "b"], &[("a", safe), ("b", over)]);
        assert_eq!(done.code, 2, "{over}");
        assert!(done.stderr.contains(words), "{over}: {}", done.stderr);
    }
    let twice = "dev: {clearml: {}, apiserver: {}}\nprod: {clearml: {}, apiserver: {}}\n";
    let done = look(&["a"], &[("a", twice)]);
    assert!(
        done.stderr.contains("second installation"),
        "{}",
        done.stderr
    );
    // A document that is empty is none.
    let done = look(&["a"], &[("a", &format!("{STOCK}---\n# end\n"))]);
    assert_eq!(done.code, 1, "{}", done.stderr);
    // What is rendered has its layers in it.
    let object = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n";
    let done = look(&["a", "--merge", "b"], &[("a", object), ("b", safe)]);
    assert_eq!(done.code, 2, "{}", done.stderr);
}

#[test]
fn what_is_read_elsewhere_is_not_called_unread() {
    let text = format!("x-common: &common {{a: b}}\n{STOCK}");
    let done = look(&["a"], &[("a", &text)]);
    assert!(
        !done.rules().contains(&"unread-value"),
        "{:?}",
        done.rules()
    );
    let umbrella = "clearml: {enabled: true, clearml: {}, apiserver: {}}\n";
    let done = look(&["a"], &[("a", umbrella)]);
    let words = "read as values of a chart that has ClearML's as clearml";
    assert!(done.stderr.contains(words), "{}", done.stderr);
    assert!(
        !done.rules().contains(&"unread-value"),
        "{:?}",
        done.rules()
    );
}

#[test]
fn a_value_of_two_servers_is_one_finding_about_both() {
    let done = look(&["v"], &[("v", STOCK)]);
    let all = done.json.to_string();
    let words = "secure.auth.token_secret of apiserver and async_delete is a public value";
    assert!(all.contains(words), "{all}");
}

#[test]
fn a_file_with_passwords_is_moved_as_a_whole() {
    let users = "auth.fixed_users: {enabled: true, pass_hashed: false, users: [{username: ann, name: Ann, password: \\\"violet-orbit-lamp-frozen-tWq9\\\"}]}";
    let text = format!(
        "clearml: {{}}\napiserver:\n  additionalConfigs: {{apiserver.conf: \"{users}\"}}\n"
    );
    let done = look(&["v"], &[("v", &text)]);
    assert_eq!(count(&done, "viewable-secret"), 1, "{:?}", done.rules());
    let all = done.json.to_string();
    assert!(
        all.contains("in the chart's values, existingAdditionalConfigsSecret"),
        "{all}"
    );
    assert!(!all.contains("with secretKeyRef"), "{all}");
}

#[test]
fn files_that_a_secret_hides_have_no_effect() {
    let files = "additionalConfigs: {apiserver.conf: \"auth.fixed_users.enabled: true\"}";
    for (other, hides) in [
        ("existingAdditionalConfigsSecret: s", true),
        ("existingAdditionalConfigsConfigMap: c", true),
        ("existingAdditionalConfigsSecret: \"\"", false),
    ] {
        let text = format!("clearml: {{}}\napiserver:\n  {files}\n  {other}\n");
        let done = look(&["v"], &[("v", &text)]);
        let name = other.split(':').next().unwrap();
        let words = format!("the chart takes apiserver.{name}, which is set, too");
        assert_eq!(done.json.to_string().contains(&words), hides, "{other}");
        assert_eq!(count(&done, "unread-value"), usize::from(hides), "{other}");
    }
}

#[test]
fn an_empty_key_is_a_random_one_where_the_chart_makes_it() {
    let text = "clearml: {secureAuthTokenSecret: \"\"}\napiserver: {}\n";
    let done = look(&["--chart", "v7.14.4", "v"], &[("v", text)]);
    assert_eq!(count(&done, "weak-secret"), 1, "{:?}", done.rules());
    let done = look(&["--chart", "v7.14.5", "v"], &[("v", text)]);
    assert_eq!(count(&done, "weak-secret"), 0, "{:?}", done.rules());
    let unknown = format!("{:?}", done.unknown());
    assert!(
        unknown.contains("only the running pod has the value"),
        "{unknown}"
    );
}

#[test]
fn what_a_probe_sends_is_viewable() {
    let own = "Zw6Nk1RvQd8XsLm3TbYp5HcGf9JaU2eK7oViB4tE";
    let text = |probe: &str| {
        format!(
            "clearml:\n  secureAuthTokenSecret: {own}\n  readinessprobeSecret: {probe}\napiserver: {{}}\n"
        )
    };
    let done = look(&["v"], &[("v", &text("another"))]);
    assert_eq!(count(&done, "viewable-secret"), 0, "{:?}", done.rules());
    let done = look(&["v"], &[("v", &text(own))]);
    // The API server and the delete job read it.
    assert_eq!(count(&done, "viewable-secret"), 2, "{:?}", done.rules());
    assert!(done.json.to_string().contains("a probe sends it"));
    assert!(!done.json.to_string().contains(own));
}

#[test]
fn the_delete_job_has_variables_of_its_own_from_a_chart_on() {
    let text = "clearml: {}\napiserver:\n  asyncdelete:\n    extraEnvs: [{name: CLEARML__secure__auth__token_secret, value: test}]\n";
    for (chart, rule) in [("7.14.4", "unread-value"), ("7.14.6", "duplicate-variable")] {
        let done = look(&["--chart", chart, "v"], &[("v", text)]);
        assert_eq!(count(&done, rule), 1, "{chart}: {:?}", done.rules());
    }
}

/// Each of many findings is one place, and none is looked for among all others: this would take minutes.
#[test]
fn many_values_that_nothing_reads_are_told_at_once() {
    const MANY: usize = 60_000;
    let mut text = "clearml: {}\napiserver: {}\n".to_owned();
    (0..MANY).for_each(|number| text.push_str(&format!("k{number}: 1\n")));
    let folder = folder_with(&[("v", &text)]);
    let done = std::process::Command::new(env!("CARGO_BIN_EXE_clearml-verify"))
        .args(["-q", "v"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let stdout = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(1));
    assert!(
        stdout.contains(&format!("{MANY}  warning  unread-value")),
        "{}",
        stdout.len()
    );
}
