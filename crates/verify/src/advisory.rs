//! Published weaknesses of ClearML's servers, by version: data/advisories.toml.

use std::sync::OnceLock;

use serde::Deserialize;

use clearml_secure_core::setting::Server;
use clearml_secure_core::version::Version;

/// One published weakness.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Advisory {
    /// The name it is published under, e.g. `CVE-2024-24592`.
    pub(crate) id: String,
    /// The server that has it.
    pub(crate) server: Server,
    /// The first version that is not known to have it.
    pub(crate) before: Version,
    /// What an attacker does with it.
    pub(crate) what: String,
    /// Who says so.
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "for readers of the list; a test sees that none lacks it"
        )
    )]
    pub(crate) source: String,
}

/// All of them.
pub(crate) fn all() -> &'static [Advisory] {
    &data().advisory
}

/// When the list was changed last.
pub(crate) fn date() -> &'static str {
    &data().date
}

/// The file as a whole.
#[derive(Deserialize)]
struct Data {
    date: String,
    advisory: Vec<Advisory>,
}

fn data() -> &'static Data {
    static DATA: OnceLock<Data> = OnceLock::new();
    DATA.get_or_init(|| {
        toml::from_str(include_str!("../data/advisories.toml"))
            .expect("a part of the program, which a test reads")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_unique_and_sourced() {
        let ids: Vec<&str> = all().iter().map(|advisory| advisory.id.as_str()).collect();
        assert!(
            !ids.is_empty() && ids.is_sorted_by(|one, next| one < next),
            "{ids:?}"
        );
        for advisory in all() {
            assert!(!advisory.source.is_empty() && !advisory.what.is_empty());
        }
    }
}
