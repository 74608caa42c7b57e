//! What a ClearML server will really read, and the parts that the three programs share.
//!
//! This crate never prints, never exits, and reads neither the command line nor the process environment.
//!
//! A source (compose files, what `docker inspect` prints, Kubernetes manifests) becomes containers, these become servers, and for
//! each server it is worked out what it reads. What cannot be known is [`knowable::Knowable::Unknown`] with its reason.
//!
//! Enums that a caller has to handle completely, such as what is wrong with an account, are exhaustive on purpose: a new case
//! must stop its build, because a `_` arm would pass over it. Those that only name something are `#[non_exhaustive]`.
//! The version follows the programs, and before 1.0 every minor version may change the interface.
//!
//! The effective configuration of a compose file: for every server, where each setting comes from. A value shows nothing
//! of itself; it takes `expose()` to read one.
//!
//! ```
//! use clearml_secure_core::compose::files::Files;
//! use clearml_secure_core::deployment::Composed;
//! use clearml_secure_core::effective::{Effective, Origin};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let compose = folder.path().join("docker-compose.yml");
//! # let server = "{image: clearml/server:2.3.0, command: apiserver, environment: {CLEARML__SECURE__AUTH__TOKEN_SECRET: 5e3}}";
//! # std::fs::write(&compose, format!("services:\n  apiserver: {server}\n"))?;
//! # let mut set = Vec::new();
//! let deployment = Composed::load(Files::read(&[compose], &[], None)?)?;
//! for reading in Effective::of(&deployment).readings() {
//!     let from = match reading.origin {
//!         Origin::BuiltIn(_) => "the image's public default".to_owned(),
//!         Origin::Nothing => "nothing".to_owned(),
//!         _ => deployment.sources.place(reading.span(&deployment)).to_string(),
//!     };
//!     println!("{}: {} from {from}", reading.server.name(), reading.setting.path());
//!     # if from.contains("docker-compose.yml:2:") { set.push(reading.setting.path()); }
//! }
//! # assert_eq!(set, ["secure.auth.token_secret"]);
//! # Ok(())
//! # }
//! ```
#![warn(missing_docs)]

#[cfg(not(unix))]
compile_error!(
    "clearml-secure needs a Unix system: files with secrets get mode 0600. On Windows, build and run it in WSL"
);

pub mod account;
pub mod command;
pub mod compose;
pub mod config_dir;
pub mod container;
mod container_path;
pub mod deployment;
pub mod docker;
pub mod dockerfile;
pub mod dockerignore;
pub mod dotenv;
pub mod edit;
pub mod effective;
pub mod encrypted;
/// What can go wrong, in one typed list.
pub mod error;
pub mod exit;
pub mod fault;
pub mod fingerprint;
pub mod fixed_users;
pub mod generate;
pub mod hash;
pub mod helm;
pub mod image;
pub mod instance;
pub mod io;
pub mod keyset;
pub mod knowable;
pub mod known;
pub mod kubernetes;
pub mod nearest;
pub mod opening;
#[cfg(feature = "passwords")]
pub mod password;
pub mod placeholder;
pub mod public;
pub mod redact;
/// [`secret::Secret`], the only holder of secret text.
pub mod secret;
/// The twelve settings and who reads them.
pub mod setting;
pub mod shell;
pub mod shown;
/// Texts, spans and places.
pub mod source;
pub mod strength;
mod traefik;
pub mod unseen;
pub mod version;
pub mod yaml;

pub use pyhocon as hocon;
