//! What anybody can log in or sign with: published pairs, and tokens of anybody's making.

use clearml_secure_core::known::{self, Class, Known};
use clearml_secure_core::setting::{Kind, SETTINGS, Setting};

use super::Algorithm;

/// The known keys of every account with the known secrets that came with them.
pub(crate) fn pairs() -> Vec<(&'static str, &'static Known, &'static Known)> {
    let of = |setting: Setting| {
        known::all()
            .iter()
            .filter(move |known| known.setting == Some(setting))
    };
    let mut pairs = Vec::new();
    for key_setting in SETTINGS {
        let Some(account) = key_setting
            .account()
            .filter(|_| key_setting.kind() == Kind::Key)
        else {
            continue;
        };
        let Some(secret_setting) = key_setting.other_half() else {
            continue;
        };
        for key in of(key_setting) {
            let secrets = of(secret_setting).filter(|secret| are_together(key, secret));
            pairs.extend(secrets.map(|secret| (account, key, secret)));
        }
    }
    // The charts' readiness probe and agent have no setting of their own; their secret is the charts' token secret.
    let part = |what: &str| known::all().iter().find(|known| known.what.contains(what));
    if let (Some(key), Some(secret)) = (part("readinessprobeKey"), part("readinessprobeSecret")) {
        pairs.push(("the charts' agent", key, secret));
    }
    // What the documentation writes where a value belongs, for every account alike.
    let stand_ins = |part: &'static str| {
        known::all()
            .iter()
            .filter(move |known| known.is_documented_stand_in() && known.value.contains(part))
    };
    for key in stand_ins("key") {
        let stem = key.value.split('-').next().unwrap_or_default();
        let secrets = stand_ins("secret").filter(|secret| secret.value.starts_with(stem));
        pairs.extend(secrets.map(|secret| ("an account", key, secret)));
    }
    pairs
}

/// Whether a key and a secret were ever published together: by the same kind of source, and for charts, whose values
/// were all replaced at once, at the same time.
fn are_together(key: &Known, secret: &Known) -> bool {
    let is_old = |known: &Known| known.what.contains("2021");
    key.class == secret.class && (key.class != Class::Chart || is_old(key) == is_old(secret))
}

/// A way for anybody to make a token.
pub(crate) struct Making {
    /// In words, without the algorithm.
    pub(crate) how: String,
    /// In the order in which they are tried.
    pub(crate) algorithms: &'static [Algorithm],
    pub(crate) secret: &'static str,
}

impl Making {
    const HMAC: &[Algorithm] = &[Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512];

    /// With a secret that is public, in words that say where.
    fn signed(known: &Known, source: &str, algorithms: &'static [Algorithm]) -> Self {
        Self {
            how: format!("signed with a public secret ({source})"),
            algorithms,
            secret: known.value,
        }
    }
}

/// Those that need no secret, or one that servers have run with by themselves.
pub(crate) fn makings() -> Vec<Making> {
    let without = |how: &str, algorithms| Making {
        how: how.to_owned(),
        algorithms,
        secret: "",
    };
    let is_token_secret = |known: &&Known| {
        let setting = known.setting;
        setting.is_some_and(|setting| setting.group() == "token_secret")
    };
    let known = known::all().iter().filter(is_token_secret);
    let known = known.map(|known| {
        let source = format!("the {}", known.what);
        Making::signed(known, &source, Making::HMAC)
    });
    [
        without("not signed", &[Algorithm::None]),
        without("signed with an empty secret", Making::HMAC),
    ]
    .into_iter()
    .chain(known)
    .collect()
}

/// Those with what the documentation writes where a secret belongs. Nothing has ever run with these by itself, so no file
/// server remembers a token of a time before.
pub(crate) fn documented() -> Vec<Making> {
    let is_stand_in =
        |known: &&Known| known.is_documented_stand_in() && known.value.contains("new-secret");
    let known = known::all().iter().filter(is_stand_in);
    known
        .map(|known| Making::signed(known, &format!("a {}", known.what), Making::HMAC))
        .collect()
}

/// What people write as a token secret that is public elsewhere: as many as a server can be asked about.
const PASTED: [&str; 12] = [
    // What jwt.io signs with, and what is written where a value belongs.
    "your-256-bit-secret",
    "a-string-secret-at-least-256-bits-long",
    "secret",
    "changeme",
    "your-secret-key",
    // ClearML's own, and its charts', of another setting.
    "2oGujVFhPfaozhpuz2GzQfA5OyxmMsR3WVJpsCR5hrgHFs20PO",
    "V8gcW3EneNDcNfO7G_TSUsWe7uLozyacc9_I33o7bxUo8rCN31VLRg",
    "Gx*gB-L2U8!Naqzd#8=7A4&+=In4H(da424H33ZTDQRGF6=FWw",
    "default-secret",
    // Of this project's pages, of FastAPI's, and of a tutorial for Spring.
    "Td8VKqxryo1nIj7BRd03Q2ybv097SHzxgQA6TCvY4dhKMlRdZQ9QsT",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    "404E635266556A586E3272357538782F413F4428472B4B6250645367566B5970",
];

/// The tokens that are signed with one of them. A server that takes none with this algorithm takes none with another
/// (docs/clearml.md#forged-tokens).
pub(crate) fn pasted() -> Vec<Making> {
    let known = PASTED.iter().filter_map(|value| known::lookup(value));
    known
        .map(|known| Making::signed(known, known.what, &[Algorithm::Hs256]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_of_every_source_is_tried() {
        let pairs = pairs();
        let has = |account: &str, key: &str| {
            pairs
                .iter()
                .any(|(known, one, _)| *known == account && one.value == key)
        };
        assert!(has("fileserver", "GSQWPEKSKNKF354LC9V6BHXKTYFD5I"));
        assert!(has("fileserver", "XXCRJ123CEE2KSQ068WO"));
        assert!(has("the charts' agent", "GK4PRTVT3706T25K6BA1"));
        assert!(has("an account", "new-key-string"));
        assert!(has("an account", "default-key"));
        assert_eq!(pairs.len(), 16);
    }
    #[test]
    fn what_is_pasted_is_public_and_tried_once() {
        let pasted = pasted();
        assert_eq!(pasted.len(), PASTED.len());
        let mut tried: Vec<&str> = makings().iter().map(|one| one.secret).collect();
        tried.extend(documented().iter().map(|one| one.secret));
        for one in &pasted {
            assert!(!tried.contains(&one.secret), "{}", one.how);
        }
    }
}
