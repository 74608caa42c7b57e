//! Manifests of Kubernetes: what a chart with the effect of ClearML's renders, what kubectl prints, and what is wrong with
//! either. The chart here is our own.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../../../../tests/oracles/oracle.rs"]
#[allow(unreachable_pub, reason = "it is written for several tests")]
mod oracles;

mod chart;
mod environment;
mod forms;
mod hostile;
mod mounts;
mod pool;
mod rendered;
mod rules;
mod values;
mod ways;
mod wrapped;
