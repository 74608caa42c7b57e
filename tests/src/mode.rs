//! The ways in which inject is used, one run each.

/// The compose file that every run is about.
pub const COMPOSE: &str = "docker-compose.yml";
/// What is merged over it by name, where a mode has it.
pub const MERGED: &str = "merged.yml";
/// Where a mode's product goes that is not the compose file itself.
pub const PRODUCT: &str = "product.yml";

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mode {
    /// What a failure calls it.
    pub name: &'static str,
    /// Options of inject.
    pub options: &'static [&'static str],
}

/// All of them.
pub const MODES: [Mode; 18] = [
    mode("plain", &["--literal"]),
    mode("output", &["--literal", "-o", PRODUCT]),
    mode("in place", &["--literal", "-i"]),
    mode("new env file", &["-i", "--env-file", "new.env"]),
    mode("new env file, plain", &["--env-file", "new.env"]),
    mode("env file", &["-i", "--env-file", ".env"]),
    mode("env file, plain", &["--env-file", ".env"]),
    mode("override", &["--override"]),
    mode("override, env file", &["--override", "--env-file", ".env"]),
    mode("close ports", &["--literal", "-i", "--close-ports"]),
    mode("bind", &["--literal", "-i", "--bind", "127.0.0.1"]),
    mode(
        "ports",
        &["--literal", "--close-ports", "--bind", "127.0.0.1"],
    ),
    mode(
        "ports, other address",
        &["--literal", "--close-ports", "--bind", "::1"],
    ),
    mode(
        "override, all",
        &[
            "--override",
            "--env-file",
            ".env",
            "--close-ports",
            "--bind",
            "127.0.0.1",
        ],
    ),
    mode(
        "in place, all",
        &[
            "-i",
            "--env-file",
            ".env",
            "--close-ports",
            "--bind",
            "127.0.0.1",
        ],
    ),
    mode("merge", &["--literal", "--merge", MERGED]),
    mode("merge, in place", &["--literal", "-i", "--merge", MERGED]),
    mode(
        "merge, all",
        &[
            "-i",
            "--merge",
            MERGED,
            "--env-file",
            "new.env",
            "--close-ports",
            "--bind",
            "127.0.0.1",
        ],
    ),
];

const fn mode(name: &'static str, options: &'static [&'static str]) -> Mode {
    Mode { name, options }
}

impl Mode {
    /// Whether an option is among its own.
    #[must_use]
    pub fn has(&self, option: &str) -> bool {
        self.options.contains(&option)
    }

    /// The value of an option.
    #[must_use]
    pub fn value(&self, option: &str) -> Option<&'static str> {
        let at = self.options.iter().position(|one| *one == option)?;
        self.options.get(at + 1).copied()
    }

    /// Whether the file `MERGED` has to be there.
    #[must_use]
    pub fn merges(&self) -> bool {
        self.has("--merge")
    }
}
