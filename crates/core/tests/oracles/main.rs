//! This crate against programs that know better, over generated texts.
//!
//! `CLEARML_SECURE_FUZZ=20` asks twenty times as many questions, `CLEARML_SECURE_SEED` other ones.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "the helpers of a test may fail as the test does, and say what differs"
)]

#[cfg(unix)]
mod command;
mod compose;
#[path = "../../../../tests/oracles/compose_projects.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod compose_projects;
mod config_dir;
mod dockerfile;
mod dockerignore;
#[path = "../../../../tests/oracles/oracle.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod oracles;
#[path = "../../../../tests/oracles/random.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod random;
#[path = "../../../../tests/oracles/spellings.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod spellings;
mod tagged;
mod truth;

fn none_differ(failures: &[String]) {
    assert!(
        failures.is_empty(),
        "{} differ:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
