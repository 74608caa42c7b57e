//! The order in which services and their lines are written decides nothing, as long as no two lines are about the same.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::collections::BTreeSet;
use std::fs;

use clearml_secure_core::compose::files::Files;
use clearml_secure_core::deployment::Composed;
use clearml_secure_core::effective::{Effective, Origin};
use proptest::prelude::*;

/// Each service, and how its server is told.
const SERVICES: [(&str, &str); 5] = [
    ("apiserver", "command: [apiserver]"),
    ("fileserver", "command: [fileserver]"),
    (
        "async_delete",
        "entrypoint: [python3, -m, jobs.async_urls_delete, --fileserver-host, http://fileserver:8081]",
    ),
    ("webserver", "command: [webserver]"),
    (
        "agent-services",
        "image: allegroai/clearml-agent-services:services-1.1.1-77",
    ),
];

/// No two of these set the same path, or one below the other.
const LINES: [&str; 8] = [
    "CLEARML__secure__auth__token_secret=one",
    "CLEARML__SECURE__HTTP__SESSION_SECRET__APISERVER: two",
    "CLEARML__SECURE__CREDENTIALS__APISERVER__USER_KEY=three",
    "CLEARML__SECURE__CREDENTIALS__APISERVER__USER_SECRET=4e5",
    "TRAINS__SECURE__CREDENTIALS__FILESERVER__USER_SECRET=five",
    "CLEARML_API_ACCESS_KEY=six",
    "CLEARML_API_SECRET_KEY=${SEVEN:-seven}",
    "CLEARML__apiserver__auth__fixed_users__enabled=true",
];

/// What every server reads, with where it comes from.
fn readings(services: &[usize], lines: &[usize], is_map: bool) -> BTreeSet<String> {
    let mut text = "services:\n".to_owned();
    for service in services {
        let (name, tells) = SERVICES[*service];
        text.push_str(&format!("  {name}:\n    {tells}\n"));
        if !tells.starts_with("image") {
            text.push_str("    image: allegroai/clearml:2.0.0\n");
        }
        text.push_str("    environment:\n");
        for line in lines {
            let (name, value) = LINES[*line].split_once(['=', ':']).unwrap();
            let value = value.trim();
            text.push_str(&match is_map {
                true => format!("      {name}: \"{value}\"\n"),
                false => format!("      - {name}={value}\n"),
            });
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let compose = folder.path().join("compose.yml");
    fs::write(&compose, text).unwrap();
    let deployment = Composed::load(Files::read(&[compose], &[], None).unwrap()).unwrap();
    let effective = Effective::of(&deployment);
    let read = effective.readings().map(|reading| {
        let value = reading.value.text().map(|text| text.expose().to_owned());
        let origin = match reading.origin {
            Origin::BuiltIn(_) => "image",
            Origin::File(_) => "file",
            Origin::Nothing => "nothing",
            // Its place is another one each time.
            Origin::Variable(_) => "variable",
        };
        format!(
            "{:?} {} {origin} {value:?} {:?} {}",
            reading.server,
            reading.setting.path(),
            reading.value,
            reading.hazards.len()
        )
    });
    let read: BTreeSet<String> = read.collect();
    let set = read.iter().filter(|one| one.contains(" variable Some("));
    assert!(set.count() > 5, "{} readings", read.len());
    read
}

fn in_any_order(count: usize) -> impl Strategy<Value = Vec<usize>> {
    Just((0..count).collect::<Vec<_>>()).prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        // What failed is in the message.
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_servers_read_is_the_same_in_any_order(
        services in in_any_order(SERVICES.len()),
        lines in in_any_order(LINES.len()),
        is_map in any::<bool>(),
    ) {
        let services_as_here: Vec<usize> = (0..SERVICES.len()).collect();
        let lines_as_here: Vec<usize> = (0..LINES.len()).collect();
        let here = readings(&services_as_here, &lines_as_here, is_map);
        prop_assert_eq!(readings(&services, &lines, is_map), here);
    }
}
