//! The formats for programs and browsers, held against their schemas and a real browser.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::collections::HashSet;
use std::path::Path;
use std::process::Command;

use e2e::files::{Deployment, corpus, fixture_deployments, root, stock};
use e2e::oracle;
use e2e::program::{clearml, other};
use serde_json::Value;

/// What the program prints about every compose file there is, one document a line.
fn documents(arguments: &[&str]) -> String {
    let mut lines = String::new();
    for deployment in fixture_deployments().iter().chain(&corpus()) {
        let document = printed(deployment, arguments);
        let document: Value = serde_json::from_str(&document).unwrap();
        lines.push_str(&format!("{document}\n"));
    }
    lines
}

fn printed(deployment: &Deployment, arguments: &[&str]) -> String {
    clearml("verify")
        .args(arguments)
        .arg(&deployment.path)
        .done()
        .stdout
}

/// Holds documents against a schema, and against what must not fit it.
fn fits(schema: &Path, documents: &str) {
    let Some(python) = oracle::python() else {
        return oracle::skip("the formats against their schemas: no Python environment");
    };
    let check = |documents: &str| {
        other(&python)
            .arg(root().join("tests/oracles/schema_oracle.py"))
            .arg(schema)
            .stdin(documents)
            .done()
    };
    let done = check(documents);
    assert_eq!(done.status, Some(0), "{}{}", done.stdout, done.stderr);
    assert_eq!(check("{}\n").status, Some(1), "the schema takes anything");
}

#[test]
fn json_is_what_its_schema_says() {
    fits(
        &root().join("docs/findings.schema.json"),
        &documents(&["-f", "json"]),
    );
}

#[test]
fn the_effective_configuration_is_what_its_schema_says() {
    let documents = documents(&["--effective", "-f", "json"]);
    fits(&root().join("docs/effective.schema.json"), &documents);
}

/// What is asked about the rules themselves.
fn answer(arguments: &[&str]) -> Value {
    let done = clearml("verify").args(arguments).args(["-f", "json"]);
    serde_json::from_str(&done.done().exit(0).stdout).unwrap()
}

#[test]
fn what_is_said_of_the_rules_is_what_its_schemas_say() {
    let list = answer(&["--list-rules"]);
    fits(&root().join("docs/rules.schema.json"), &format!("{list}\n"));
    let rules = list["rules"].as_array().unwrap();
    let names = rules.iter().map(|rule| rule["rule"].as_str().unwrap());
    let mut pages = String::new();
    // The last one is a rule no more.
    for name in names.chain(["appended-credentials"]) {
        let page = answer(&["--explain", name]);
        assert_eq!(page["rule"], name);
        let listed = rules.iter().find(|rule| rule["rule"] == name);
        for key in ["severities", "what", "url"] {
            assert_eq!(
                page.get(key),
                listed.map(|rule| &rule[key]),
                "{name}: {key}"
            );
        }
        pages.push_str(&format!("{page}\n"));
    }
    fits(&root().join("docs/explain.schema.json"), &pages);
}

#[test]
fn sarif_is_what_the_official_schema_says() {
    let Some(schema) = oracle::sarif_schema() else {
        return oracle::skip("SARIF against its official schema: it was not fetched");
    };
    fits(&schema, &documents(&["-f", "sarif"]));
}

/// What GitLab's documentation of the format demands; it has no schema.
#[test]
fn code_quality_has_what_gitlab_demands_and_no_fingerprint_twice() {
    let severities = ["info", "minor", "major", "critical", "blocker"];
    let mut total = 0;
    for deployment in fixture_deployments().iter().chain(&corpus()) {
        let report = printed(deployment, &["-f", "gitlab"]);
        let Ok(entries) = serde_json::from_str::<Vec<Value>>(&report) else {
            assert_eq!(report, "", "{}", deployment.name);
            continue;
        };
        let mut fingerprints = HashSet::new();
        for entry in &entries {
            let words = |name: &str| entry[name].as_str().unwrap_or_default();
            assert_ne!(words("check_name"), "", "{entry}");
            assert_ne!(words("description"), "", "{entry}");
            assert!(severities.contains(&words("severity")), "{entry}");
            let location = &entry["location"];
            let path = location["path"].as_str().unwrap_or_default();
            assert!(!path.is_empty() && !path.starts_with("./"), "{entry}");
            assert!(location["lines"]["begin"].as_u64() > Some(0), "{entry}");
            let fingerprint = words("fingerprint");
            assert!(fingerprints.insert(fingerprint), "twice: {entry}");
            assert!(fingerprint.len() >= 32, "{entry}");
        }
        total += entries.len();
    }
    assert!(total > 500, "{total}");
}

/// What a browser makes of a page, and of expressions in it, one after the other; none where there is no browser.
fn seen(html: &str, folder: &Path, expressions: &[String]) -> Option<Value> {
    let (Some(chromium), Some(python)) = (oracle::chromium(), oracle::python()) else {
        oracle::skip("the page in a real browser: no Python environment, or chromium not found");
        return None;
    };
    let path = folder.join("page.html");
    std::fs::write(&path, html).unwrap();
    let url = format!("file://{}", path.display());
    let output = Command::new(python)
        .arg(root().join("tests/oracles/chromium_oracle.py"))
        .arg(chromium)
        .arg(&url)
        .args(expressions)
        .output()
        .unwrap();
    let seen: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(
        seen["requests"],
        serde_json::json!([url]),
        "it asks for something else"
    );
    assert_eq!(seen["console"], serde_json::json!([]));
    assert_eq!(seen["scripts"], 0);
    assert_eq!(seen["overflow"], 0, "it is wider than a telephone");
    assert_ne!(seen["light"], seen["dark"]);
    assert!(seen["pdf"].as_u64().unwrap() > 1000);
    Some(seen)
}

/// The rows and the sections of a page, in their order, are shown and hidden by what is chosen.
#[test]
fn the_page_of_many_shows_what_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let open = "services:\n  apiserver: {image: 'clearml/server:2.3.0', command: apiserver}\n";
    let long = "a-name-that-is-longer-than-any-telephone-is-wide-".repeat(4);
    let files = [
        ("one", open.to_owned()),
        (
            "two",
            open.replace("apiserver}", "apiserver, ports: ['8008:8008']}"),
        ),
        ("three", "services: [clearml".to_owned()),
        (&long, stock()),
    ];
    for (name, text) in &files {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        std::fs::write(folder.path().join(name).join("compose.yml"), text).unwrap();
    }
    let verify = clearml("verify").within(folder.path());
    let html = verify.args(["-f", "html", "."]).done();
    let shown = |choice: &str| {
        format!(
            "document.getElementById('show-{choice}').click(); \
             [...document.querySelectorAll('.row')].map(one => getComputedStyle(one).display != 'none')"
        )
    };
    let choices = ["with-error", "with-unchecked", "rule-public-port", "row"].map(shown);
    let Some(seen) = seen(&html.stdout, folder.path(), &choices) else {
        return;
    };
    // The long name is the first, then one, three and two; the rows, and then the sections.
    for (place, rows) in [
        [true, true, false, true],
        [true, false, true, false],
        [true, false, false, true],
        [true, true, true, true],
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(
            seen["values"][place],
            serde_json::json!([rows, rows].concat()),
            "{place}"
        );
    }
}

#[test]
fn the_page_stands_by_itself_in_a_browser() {
    let folder = tempfile::tempdir().unwrap();
    let compose = folder.path().join("docker-compose.yml");
    // A name that would run in a page that forgot to escape it.
    let hostile = "<img src=x onerror=alert(1)>";
    let text = format!(
        "services:\n  '{hostile}': {{image: 'clearml/server:2.3.0', command: apiserver}}\n  fileserver: \
         {{image: 'clearml/server:2.3.0', command: fileserver}}\n"
    );
    std::fs::write(&compose, text).unwrap();
    let html = clearml("verify").args(["-f", "html"]).arg(&compose).done();
    assert_eq!(html.status, Some(1));
    let address = "/docs/rules.md#missing-setting\"";
    let link = format!("href=\"{}/blob/HEAD{address}", env!("CARGO_PKG_REPOSITORY"));
    assert!(html.stdout.contains(&link), "the rule has an address");
    let Some(seen) = seen(&html.stdout, folder.path(), &[]) else {
        return;
    };
    let shown = seen["text"].as_str().unwrap();
    for expected in [
        "What to do first",
        "Settings and servers",
        "Legend",
        "secure.auth.token_secret",
        "missing-setting",
        hostile,
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
}
