//! What the end-to-end tests share: running a program, the files to run it over, and what must come out.
//!
//! These tests use none of our crates. They know the programs as a user does: arguments, input, output, status.
//! `cargo xtask test` builds the programs first and says in `CLEARML_SECURE_BIN` where they are.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

pub mod action;
pub mod advice;
pub mod balancer;
pub mod case;
pub mod compose;
pub mod desk;
pub mod docker;
pub mod effective;
pub mod expected;
pub mod fault;
pub mod files;
pub mod findings;
pub mod fresh;
pub mod front;
pub mod generator;
pub mod gitlab;
pub mod hostile;
pub mod keyset;
pub mod kubernetes;
pub mod mode;
pub mod nginx;
#[path = "../oracles/oracle.rs"]
pub mod oracle;
pub mod packed;
pub mod page;
pub mod pair;
pub mod picture;
pub mod port;
pub mod program;
pub mod proxied;
pub mod recipe;
pub mod redis;
pub mod release;
pub mod rotation;
pub mod sandbox;
pub mod standin;
