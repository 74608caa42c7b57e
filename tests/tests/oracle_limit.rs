//! An oracle that does not answer fails a test in time, instead of keeping it for ever.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::time::{Duration, Instant};

use e2e::oracle::Conversation;

/// What the failure says when this shell script is asked a second time.
fn second_answer(script: &str) -> String {
    let start = Instant::now();
    let mut oracle = Conversation::start(Command::new("sh").args(["-c", script]))
        .unwrap()
        .patience(Duration::from_millis(500));
    assert_eq!(oracle.ask("first"), "first");
    let failure = catch_unwind(AssertUnwindSafe(|| oracle.ask("second"))).unwrap_err();
    drop(oracle);
    assert!(start.elapsed() < Duration::from_secs(30), "it was kept");
    failure.downcast_ref::<String>().unwrap().clone()
}

#[test]
fn an_oracle_that_is_silent_is_ended_and_the_question_is_named() {
    let said = second_answer("read line; echo $line; exec sleep 600");
    assert!(said.contains("no answer to question 2"), "{said}");
    assert!(said.contains("second"), "{said}");
}

#[test]
fn an_oracle_that_ends_is_no_answer() {
    let said = second_answer("read line; echo $line");
    assert!(
        said.contains("no answer to question 2, the oracle ended"),
        "{said}"
    );
}
