//! From a deployment and a keyset to edits, and the proof that they are right. Nothing is written here.
#![warn(missing_docs)]

mod container;
/// The env file that values go to.
pub mod env_file;
/// What can go wrong.
pub mod error;
mod extensions;
mod foreign;

pub mod intended;
mod item;
pub mod job;
mod merging;
mod overlay;
pub mod plan;
pub mod ports;
pub mod proof;
pub mod refusal;
mod slot;
pub mod switched;
mod target;
mod value;
pub mod values;
mod wanted;
mod written;

/// What the override file is called in the commands that we print.
pub const OVERRIDE_FILE: &str = "keys.override.yml";
