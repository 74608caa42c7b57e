//! Which release a running server is of.

use clearml_secure_core::version::Version;
use zeroize::Zeroizing;

use super::{Claims, Release, Seen, Site, accounts, makings, pairs, sign, version};

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

/// What `server.info` says (docs/clearml.md#finding-the-version).
fn info(site: &Site, headers: &[(&str, &str)]) -> Release {
    let Some(Ok(answer)) = site.ask("server.info", headers) else {
        return Release::Unknown;
    };
    let text = answer.json()["data"]["version"].take();
    match (answer.status, text.as_str().map(Version::parse)) {
        (200, Some(Some(version))) => Release::Told(version),
        (401, _) => Release::Kept,
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
        .map(|(_, key, secret)| (key.value.as_str(), secret.value.as_str()));
    let of_a_login = own.chain(published).find_map(|(key, secret)| {
        let answer = site.log_in(key, secret)?.ok()?;
        version(answer.json()["data"]["token"].as_str()?)
    });
    if let Some(version) = of_a_login {
        return Release::Told(version);
    }
    for making in makings() {
        let token = sign(Claims::Role("system"), making.algorithms[0], making.secret);
        if matches!(site.show_to_api(&token), Some(Ok(answer)) if answer.status == 200) {
            let bearer = Zeroizing::new(format!("Bearer {}", *token));
            let told = info(site, &[("Authorization", &bearer)]);
            if matches!(told, Release::Told(_)) {
                return told;
            }
        }
    }
    Release::Kept
}
