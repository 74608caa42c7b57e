//! Tokens as the API server makes them (docs/clearml.md#tokens).

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use clearml_secure_core::version::Version;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::json::Word;

/// The company that every server has.
const COMPANY: &str = "d1bd92a3b039400cbafc60a7a5b1e52b";

/// How a token is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Hs256,
    Hs384,
    Hs512,
    None,
}

impl Algorithm {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::None => "none",
        }
    }
}

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claims {
    /// Nobody in particular with a role. It says no time, so that it is the same at every run: what a file server
    /// remembers of a run before a rotation is found after it.
    Role(&'static str),
    /// Nobody at all, which an API server that takes the signature stumbles over.
    Nobody,
}

/// A token. Signed with a secret of the user's, it is one itself.
pub(crate) fn sign(claims: Claims, algorithm: Algorithm, secret: &str) -> Zeroizing<String> {
    let header = json!({"alg": algorithm.name(), "typ": "JWT"});
    let payload = match claims {
        Claims::Role(role) => {
            json!({"identity": {"user": "clearml-verify", "company": COMPANY, "role": role}})
        }
        Claims::Nobody => json!({}),
    };
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(payload));
    let signature = match algorithm {
        Algorithm::Hs256 => mac::<Hmac<Sha256>>(secret, &signed),
        Algorithm::Hs384 => mac::<Hmac<Sha384>>(secret, &signed),
        Algorithm::Hs512 => mac::<Hmac<Sha512>>(secret, &signed),
        Algorithm::None => Vec::new(),
    };
    Zeroizing::new(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

fn mac<M: Mac + KeyInit>(secret: &str, text: &str) -> Vec<u8> {
    // HMAC takes a key of any length.
    let Ok(mac) = <M as KeyInit>::new_from_slice(secret.as_bytes()) else {
        return Vec::new();
    };
    mac.chain_update(text).finalize().into_bytes().to_vec()
}

/// The value of `Authorization` for a login.
pub(crate) fn basic(key: &str, secret: &str) -> Zeroizing<String> {
    let pair = Zeroizing::new(format!("{key}:{secret}"));
    let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
    Zeroizing::new(format!("Basic {}", *encoded))
}

/// A role of an account (docs/clearml.md#internal-accounts). What a server says beside these is not repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Known(&'static str),
    Unknown,
}

impl Role {
    const KNOWN: [&'static str; 7] = [
        "admin",
        "annotator",
        "guest",
        "root",
        "superuser",
        "system",
        "user",
    ];

    /// In words.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Known(name) => name,
            Self::Unknown => "unknown",
        }
    }
}

/// The role that a token of the server's own gives.
pub(super) fn role(token: &str) -> Role {
    let claims = claims(token);
    let said = claims.as_ref().map(|claims| claims.identity.role.said());
    let known = Role::KNOWN.into_iter().find(|known| Some(*known) == said);
    known.map_or(Role::Unknown, Role::Known)
}

/// The release that a token of the server's own tells.
pub(super) fn version(token: &str) -> Option<Version> {
    Version::parse(claims(token)?.server_version?.said())
}

/// What of a token's claims is read.
#[derive(Deserialize)]
struct Claimed {
    identity: Identity,
    #[serde(default)]
    server_version: Option<Word>,
}

#[derive(Deserialize)]
struct Identity {
    role: Word,
}

fn claims(token: &str) -> Option<Claimed> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}
