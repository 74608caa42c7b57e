//! Everything that is open, closed by one pipeline, and proved twice: by verify on the files, and by asking a server that
//! was started from them.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use e2e::compose::{Compose, Question};
use e2e::files::fixtures;
use e2e::program::clearml;
use e2e::standin::{Standin, asked};
use serde_json::{Value, json};

const COMPOSE: &str = "docker-compose.yml";

/// What the published defaults are tried with: each account's key and secret (docs/clearml.md#default-logins).
const DEFAULTS: [[&str; 2]; 4] = [
    [
        "62T8CP7HGBC6647XF9314C2VY67RJO",
        "gaOfhDX2-bpkeI7-cwEcaMuGijxaG2UG3jbIvg4DxmVGF0LNI7rgvCb1-ne38IlBo1w",
    ],
    [
        "GSQWPEKSKNKF354LC9V6BHXKTYFD5I",
        "tuBXcGQBECsEhcNiK2kiWi750z9r8Z85XrQ9V0c24huTuCb2xf2X1nKG",
    ],
    [
        "EYVQ385RW7Y2QQUH88CZ7DWIQ1WUHP",
        "XhkH6a6ds9JBnM_MrahYyYdO-wS2bqFSm8gl-V0UZXH26Ydd6Eyi28TeBEoSr6Z3Bes",
    ],
    [
        "EGRTCO8JMSIGI6S39GTP43NFWXDQOW",
        "LPEJbGJ6bK4tujQcmrD3i1dbMBDdwUwelVa-LG0K0FFmY9bzH_H0Sw",
    ],
];

#[test]
fn one_pipeline_closes_what_is_open_in_the_stock_deployment() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::copy(fixtures().join("stock").join(COMPOSE), path(COMPOSE)).unwrap();
    fs::set_permissions(path(COMPOSE), fs::Permissions::from_mode(0o600)).unwrap();
    let keys = clearml("keygen")
        .args(["--user", "jane", "--user", "john=John Doe"])
        .args(["--passwords", "passwords"])
        .within(folder.path())
        .done()
        .exit(0)
        .stdout;
    clearml("inject")
        .args(["--env-file", ".env", "--close-ports", "--bind", "127.0.0.1"])
        .args(["-i", COMPOSE])
        .within(folder.path())
        .stdin(keys.as_str())
        .done()
        .exit(0);
    fs::write(path("keys.env"), &keys).unwrap();
    fs::set_permissions(path("keys.env"), fs::Permissions::from_mode(0o600)).unwrap();
    // On the files: nothing above a note, where the configuration folder is.
    fs::create_dir(path("config")).unwrap();
    clearml("verify")
        .args(["--config-dir", "config", "--keys", "keys.env", COMPOSE])
        .within(folder.path())
        .done()
        .exit(0);
    // Elsewhere, what that folder may hold stays open, and that is said once.
    let away = clearml("verify")
        .args(["--keys", "keys.env", COMPOSE])
        .within(folder.path())
        .done()
        .exit(2);
    let mut lines = away.stdout.lines().rev();
    assert!(lines.next().unwrap().contains("0 warnings"));
    assert!(away.prose().contains("/opt/clearml/config"));
    assert_eq!(away.stdout.matches("not checked: ").count(), 1);
    // On a server that was started from what compose makes of them.
    let Some(resolved) = resolved(folder.path()) else {
        return;
    };
    fs::write(path("resolved.yml"), resolved.to_string()).unwrap();
    let Some(standin) = Standin::start(&path("resolved.yml"), json!({})) else {
        return;
    };
    let keys = path("keys.env");
    let (status, found, unknown) = asked(&standin, &["--keys", keys.to_str().unwrap()]);
    assert_eq!((status, unknown), (Some(0), Vec::new()), "{found:?}");
    assert!(
        found.iter().all(|finding| finding.contains(" note ")),
        "{found:?}"
    );
    let passwords = fs::read_to_string(path("passwords")).unwrap();
    let logins: Vec<Vec<&str>> = passwords
        .lines()
        .map(|line| line.split(':').collect())
        .collect();
    assert_eq!(logins.len(), 2);
    for login in logins {
        assert_eq!(standin.log_in(login[0], login[1]), 200, "{}", login[0]);
        assert_eq!(standin.log_in(login[0], "wrong"), 401);
    }
    for [key, secret] in DEFAULTS {
        assert_eq!(standin.log_in(key, secret), 401, "{key}");
    }
}

/// The services as compose starts them, for a server that replaces no variables; none, with a visible skip, where it is not
/// here.
fn resolved(folder: &Path) -> Option<Value> {
    let question = Question {
        folder,
        files: &[],
        env_files: &[],
    };
    Some(Compose::find()?.view(question).unwrap())
}
