//! Which release a running server is of.

use clearml_secure_core::version::Version;
use zeroize::Zeroizing;

use super::answer::Endpoint;
use super::{
    Claims, Login, Release, Seen, Site, Verdict, accounts, documented, makings, pairs, sign,
};

/// Says that nothing is known of the version of an API server.
pub(crate) fn not_told(api: &str, seen: &mut Seen) {
    seen.unknown(
        &format!("the version of {api}"),
        "server.info does not tell it",
    );
}

/// The release of a server, settled once.
pub(crate) fn release(site: &Site) -> Release {
    let settle = || match info(site, &[]) {
        Release::Kept => of_a_token(site),
        told => told,
    };
    *site.release.get_or_init(settle)
}

/// The release that a server tells everybody.
pub(crate) fn told(site: &Site) -> Option<Version> {
    match info(site, &[]) {
        Release::Told(version) => Some(version),
        Release::Kept | Release::Unknown => None,
    }
}

/// What `server.info` says (docs/clearml.md#finding-the-version).
fn info(site: &Site, headers: &[(&str, &str)]) -> Release {
    let Some(Ok(answer)) = site.ask("server.info", headers) else {
        return Release::Unknown;
    };
    let version = answer.fine(Endpoint::Info).map(|told| told.version);
    match (version, answer.complaint()) {
        (Some(Some(version)), _) => Release::Told(version),
        // Its own words: a proxy that lets nobody in says nothing of the release.
        (None, Some((401, _))) => Release::Kept,
        _ => Release::Unknown,
    }
}

/// What a token says, which other probes try to get as well.
fn of_a_token(site: &Site) -> Release {
    let safe = |api: &String| site.keeps_keys_from(api).is_none();
    let keys = site
        .keys
        .as_deref()
        .filter(|_| site.api.as_ref().is_some_and(safe));
    let own = keys.map(accounts).unwrap_or_default();
    let own = own
        .iter()
        .map(|account| (account.key.expose(), account.secret.expose()));
    let published = pairs();
    let published = published
        .iter()
        .map(|(_, key, secret)| (key.value, secret.value));
    let of_a_login =
        own.chain(published)
            .find_map(|(key, secret)| match site.log_in(key, secret)? {
                Login::In { token, .. } => token.version,
                Login::Refused | Login::Divided(_) | Login::Broken(_) | Login::Unclear(_) => None,
            });
    if let Some(version) = of_a_login {
        return Release::Told(version);
    }
    for making in makings().into_iter().chain(documented()) {
        let token = sign(Claims::Role("system"), making.algorithms[0], making.secret);
        if matches!(site.api_takes(&token), Some(Verdict::Accepted { .. })) {
            let bearer = Zeroizing::new(format!("Bearer {}", *token));
            let told = info(site, &[("Authorization", &bearer)]);
            if matches!(told, Release::Told(_)) {
                return told;
            }
        }
    }
    Release::Kept
}
