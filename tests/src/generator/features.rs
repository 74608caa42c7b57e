//! What a generated project may have, each with a switch.

use std::env;

/// One of them.
struct Feature {
    name: &'static str,
    /// Why it is off: the programs do not handle it yet.
    off: Option<&'static str>,
}

/// All of them. Switch one on when the programs handle it.
const FEATURES: &[Feature] = &[
    on("anchored-list"),
    on("bare-name"),
    on("build"),
    on("compose-in-env"),
    on("config"),
    on("config-environment"),
    on("depends-on"),
    on("develop"),
    on("dockerfile-inline"),
    on("documents"),
    on("env-crlf"),
    on("env-file"),
    on("env-file-list"),
    on("env-file-map"),
    on("env-file-uses"),
    on("extends-apiserver"),
    on("extends-file"),
    on("extends-foreign"),
    on("extends-included"),
    on("include"),
    on("include-long"),
    on("include-server"),
    on("labels"),
    on("label-file"),
    on("merge-mapping"),
    on("models"),
    on("networks"),
    on("null-value"),
    on("override-compose"),
    on("override-docker"),
    on("override-elsewhere"),
    on("override-environment"),
    on("override-ports"),
    on("port-forms"),
    on("ports-alias"),
    on("port-range"),
    on("port-variable-address"),
    on("post-start"),
    on("profiles"),
    on("project-name"),
    on("project-name-in-env"),
    on("pull-policy"),
    on("secret"),
    on("secret-environment"),
    on("shared-variable"),
    on("tag"),
    on("variable-setting"),
];

const fn on(name: &'static str) -> Feature {
    Feature { name, off: None }
}

#[allow(
    dead_code,
    reason = "whatever is found that the programs do not handle yet is switched off by it"
)]
const fn off(name: &'static str, why: &'static str) -> Feature {
    Feature {
        name,
        off: Some(why),
    }
}

/// Those that are on.
#[derive(Clone, Debug)]
pub struct Features(Vec<&'static str>);

impl Features {
    /// Those that the programs handle, and those that `CLEARML_SECURE_FEATURES` names, with commas between; `all` is all.
    #[must_use]
    pub fn from_env() -> Self {
        let named = env::var("CLEARML_SECURE_FEATURES").unwrap_or_default();
        let is_on = |feature: &&Feature| {
            feature.off.is_none()
                || named == "all"
                || named.split(',').any(|name| name == feature.name)
        };
        let names = FEATURES.iter().filter(is_on).map(|feature| feature.name);
        Self(names.collect())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        assert!(
            FEATURES.iter().any(|feature| feature.name == name),
            "there is no feature {name}"
        );
        self.0.contains(&name)
    }
}
