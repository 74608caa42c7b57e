//! What verify prints for programs.

use serde_json::Value;

use crate::files::root;
use crate::oracle;
use crate::program::other;

/// Checks a document with the schema that is published.
///
/// # Panics
/// Where it does not fit.
pub fn fits_the_schema(document: &Value) {
    let Some(python) = oracle::python() else {
        return oracle::skip("the schema of findings: no Python environment");
    };
    let done = other(&python)
        .arg(root().join("tests/oracles/schema_oracle.py"))
        .arg(root().join("docs/findings.schema.json"))
        .stdin(format!("{document}\n"))
        .done();
    assert_eq!(done.status, Some(0), "{}{}", done.stdout, done.stderr);
}
