//! What a ClearML server will really read, and the parts that the three programs share.
//!
//! This crate never prints, never exits, and reads neither the command line nor the process environment.
#![warn(missing_docs)]

pub mod account;
pub mod command;
pub mod compose;
pub mod config_dir;
pub mod container;
pub mod deployment;
pub mod dockerfile;
pub mod dotenv;
pub mod edit;
pub mod effective;
/// What can go wrong, in one typed list.
pub mod error;
pub mod exit;
pub mod fault;
pub mod fingerprint;
pub mod fixed_users;
pub mod generate;
pub mod image;
pub mod instance;
pub mod io;
pub mod keyset;
pub mod knowable;
pub mod known;
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
pub mod unseen;
pub mod version;
pub mod yaml;

pub use pyhocon as hocon;
