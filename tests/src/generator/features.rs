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
    on("config"),
    on("depends-on"),
    on("develop"),
    off(
        "documents",
        "inject and verify refuse a second document, which compose merges",
    ),
    on("env-file"),
    on("env-file-list"),
    on("env-file-map"),
    off(
        "env-file-uses",
        "what an env file of a service takes from `.env` is refused without a place",
    ),
    on("extends-apiserver"),
    off(
        "extends-file",
        "relative paths of an extended file are taken for the project folder's",
    ),
    on("extends-foreign"),
    off("include", "included files are not read yet"),
    off("include-long", "included files are not read yet"),
    on("include-server"),
    on("networks"),
    on("null-value"),
    off(
        "override-compose",
        "compose.override.yml beside docker-compose.yml is not read",
    ),
    on("override-docker"),
    off(
        "override-elsewhere",
        "an override beside the file is left out where the product goes elsewhere",
    ),
    off(
        "override-environment",
        "`environment: !override` of a merged file is refused without a place",
    ),
    on("override-ports"),
    on("port-forms"),
    off(
        "ports-alias",
        "an alias for a list of ports is refused without a place",
    ),
    on("port-range"),
    on("port-variable-address"),
    on("post-start"),
    on("profiles"),
    on("project-name"),
    on("secret"),
    on("secret-environment"),
    on("shared-variable"),
    on("tag"),
    on("variable-setting"),
];

const fn on(name: &'static str) -> Feature {
    Feature { name, off: None }
}

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
