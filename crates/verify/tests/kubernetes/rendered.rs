//! What a chart renders.

use crate::chart::{Chart, effective, env_file, errors, keyset, look, reference, value};

#[test]
fn a_stock_rendering_has_no_key_of_its_own() {
    let text = Chart::default().render();
    let done = look(&["stock.yaml"], &[("stock.yaml", &text)]);
    assert_eq!(done.code, 1, "{}", done.stderr);
    let settings = |rule: &str| -> Vec<String> {
        let mut found: Vec<String> = errors(&done)
            .into_iter()
            .filter(|(name, _)| name == rule)
            .map(|(_, setting)| setting)
            .collect();
        found.sort();
        found
    };
    assert_eq!(
        settings("missing-setting"),
        [
            "secure.credentials.fileserver.user_key",
            "secure.credentials.fileserver.user_secret",
            "secure.credentials.webserver.user_key",
            "secure.credentials.webserver.user_secret",
            "secure.http.session_secret.apiserver",
        ]
    );
    assert_eq!(
        settings("default-credential"),
        [
            "secure.auth.token_secret",
            "secure.auth.token_secret",
            "secure.credentials.apiserver.user_key",
            "secure.credentials.apiserver.user_secret",
            "secure.credentials.tests.user_key",
            "secure.credentials.tests.user_secret",
        ]
    );
    let count = |rule: &str| done.rules().iter().filter(|one| **one == rule).count();
    assert_eq!(errors(&done).len(), 11);
    assert_eq!((count("public-port"), count("cookie-mismatch")), (3, 1));
    // The chart's own dead names are nobody's mistake.
    assert_eq!(count("unread-variable"), 0);
    assert!(done.unknown().is_empty(), "{:?}", done.unknown());
}

#[test]
fn the_documented_values_leave_five_defaults() {
    let (keyset, _) = keyset();
    let mut settings = clearml_secure_core::setting::SETTINGS.into_iter();
    let values = [(); 7].map(|()| {
        let setting = settings.next().unwrap();
        keyset.get(setting).unwrap().expose().to_owned()
    });
    let chart = Chart {
        values: Some(values),
        ..Chart::default()
    };
    let done = look(&["a.yaml"], &[("a.yaml", &chart.render())]);
    let errors = errors(&done);
    let missing = errors.iter().filter(|(rule, _)| rule == "missing-setting");
    assert_eq!(missing.count(), 5, "{errors:?}");
    let message = done.json.to_string();
    assert!(message.contains("apiserver and fileserver use ClearML's published default"));
    assert!(message.contains("USER_KEY"), "{message}");
}

#[test]
fn the_recipe_is_without_errors_and_says_what_it_needs() {
    let (keyset, secret) = keyset();
    let text = Chart::secured().render();
    let files: [(&str, &str); 3] = [
        ("r.yaml", &text),
        ("s.yaml", &secret),
        ("keys.env", &env_file(&keyset)),
    ];
    for arguments in [
        &["r.yaml", "s.yaml"][..],
        &["--keys", "keys.env", "r.yaml"],
        &["--keys", "keys.env", "r.yaml", "s.yaml"],
    ] {
        let arguments: Vec<&str> = [&["--fail-on", "error"], arguments].concat();
        let done = look(&arguments, &files);
        assert_eq!((done.code, errors(&done)), (0, vec![]), "{arguments:?}");
        assert!(done.unknown().is_empty(), "{:?}", done.unknown());
        let is_trusted = done.stderr.contains("not given: Secret clearml-keys");
        assert_eq!(
            is_trusted,
            !arguments.contains(&"s.yaml"),
            "{}",
            done.stderr
        );
    }
    let other = env_file(&crate::chart::keyset().0);
    let done = look(
        &["--keys", "other.env", "r.yaml", "s.yaml"],
        &[
            ("r.yaml", &text),
            ("s.yaml", &secret),
            ("other.env", &other),
        ],
    );
    assert!(done.rules().contains(&"keys-not-applied"));
    let alone = ["--fail-on", "error", "r.yaml"];
    let done = look(&alone, &files);
    assert_eq!(done.code, 2, "{}", done.stderr);
    assert_eq!(done.unknown().len(), 15, "{:#?}", done.unknown());
    done.says(
        "secure.auth.token_secret at apiserver (key secure_auth_token_secret)",
        "it is in Secret clearml-keys, which was not given",
    );
}

#[test]
fn a_dropped_list_is_found() {
    let (_, secret) = keyset();
    let chart = Chart {
        fileserver: value("MINE", "x"),
        ..Chart::secured()
    };
    let done = look(
        &["a.yaml", "s.yaml"],
        &[("a.yaml", &chart.render()), ("s.yaml", &secret)],
    );
    // The API server has other keys, so the file server cannot log in.
    assert_eq!(done.code, 1);
    assert!(
        errors(&done)
            .iter()
            .any(|(_, setting)| setting.contains("fileserver")),
        "{:?}",
        errors(&done)
    );
}

#[test]
fn capitals_do_not_override_what_the_chart_writes_small() {
    let (_, secret) = keyset();
    let over = ["KEY", "SECRET"].map(|half| {
        let name = format!("CLEARML__SECURE__CREDENTIALS__APISERVER__USER_{half}");
        reference(
            &name,
            "clearml-keys",
            &format!("apiserver_{}", half.to_lowercase()),
        )
    });
    let chart = Chart {
        apiserver: over.concat(),
        ..Chart::default()
    };
    let done = look(
        &["a.yaml", "s.yaml"],
        &[("a.yaml", &chart.render()), ("s.yaml", &secret)],
    );
    assert!(
        done.rules().contains(&"shadowed-variable"),
        "{:?}",
        done.rules()
    );
    let live = (
        "default-credential".to_owned(),
        "secure.credentials.apiserver.user_secret".to_owned(),
    );
    assert!(errors(&done).contains(&live));
}

#[test]
fn what_is_effective_is_told_with_its_places() {
    let (_, secret) = keyset();
    let text = Chart::secured().render();
    let read = effective(
        &[("r.yaml", &text), ("s.yaml", &secret)],
        &["r.yaml", "s.yaml"],
    );
    assert_eq!(read.len(), 15);
    assert!(read.iter().all(|one| one.contains(" yours ")), "{read:#?}");
    let read = effective(&[("r.yaml", &text)], &["r.yaml"]);
    assert!(
        read.iter().all(|one| one.contains(" unknown ")),
        "{read:#?}"
    );
}

#[test]
fn no_secret_is_quoted() {
    let (keyset, secret) = keyset();
    let text = Chart::secured().render() + &secret;
    let folder = crate::common::folder_with(&[("a.yaml", &text)]);
    for format in ["text", "json", "sarif", "html", "github", "markdown"] {
        for more in [&[][..], &["--keys", "a.yaml"]] {
            let arguments: Vec<&str> = [&["-f", format, "a.yaml"], more].concat();
            let (_, stdout, stderr) = crate::common::run(&arguments, folder.path());
            let said = String::from_utf8(stdout).unwrap() + &stderr;
            for setting in clearml_secure_core::setting::SETTINGS {
                let value = keyset.get(setting).unwrap().expose();
                assert!(!said.contains(value), "{format}");
                assert!(!said.contains(&crate::chart::encoded(value)), "{format}");
            }
        }
    }
}
