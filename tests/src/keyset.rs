//! A keyset as `clearml-keygen -f json` prints it.

use std::collections::BTreeMap;

use crate::program::clearml;

/// A fresh keyset and the text it came as.
pub struct Keyset {
    /// What keygen printed.
    pub text: String,
    /// Configuration path to value.
    pub values: BTreeMap<String, String>,
}

impl Keyset {
    /// Runs keygen.
    pub fn generate() -> Self {
        let text = clearml("keygen").args(["-f", "json"]).done().exit(0).stdout;
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(json["version"], 1);
        let values: BTreeMap<String, String> =
            serde_json::from_value(json["settings"].clone()).unwrap();
        assert_eq!(values.len(), 12, "a keyset has twelve settings");
        Self { text, values }
    }

    /// The value of a setting.
    pub fn get(&self, path: &str) -> &str {
        &self.values[path]
    }
}
