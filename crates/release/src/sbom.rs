//! The list of parts, as CycloneDX 1.6 describes one: https://cyclonedx.org/docs/1.6/json/.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::commands::NAMES;
use crate::hex;
use crate::origin::Origin;
use crate::parts::{Part, TARGET};

/// The whole product, in the list of what uses what.
const PRODUCT: &str = "clearml-secure";

/// The list of all packages in the programs, and of what each uses.
pub(crate) fn document(parts: &[Part], origin: &Origin) -> Vec<u8> {
    let key = format!("{PRODUCT}@{}", origin.version);
    let components: Vec<Value> = parts.iter().map(component).chain([c_library()]).collect();
    let programs: Vec<String> = parts
        .iter()
        .filter(|part| NAMES.contains(&part.name.as_str()))
        .map(Part::key)
        .collect();
    let uses = parts
        .iter()
        .map(|part| json!({"ref": part.key(), "dependsOn": part.uses}));
    let product = json!({"ref": key, "dependsOn": programs});
    let dependencies: Vec<Value> = [product].into_iter().chain(uses).collect();
    let mut document = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": origin.rfc3339(),
            "component": {
                "type": "application",
                "bom-ref": key,
                "name": PRODUCT,
                "version": origin.version,
                "description": env!("CARGO_PKG_DESCRIPTION"),
                "licenses": licenses(Some(env!("CARGO_PKG_LICENSE"))),
                "externalReferences": [{"type": "vcs", "url": env!("CARGO_PKG_REPOSITORY")}],
                "properties": [{"name": "cargo:target", "value": TARGET}],
            },
        },
        "components": components,
        "dependencies": dependencies,
    });
    // The same list has the same number, so that two builds can be compared.
    document["serialNumber"] = serial_number(&document).into();
    let mut text = serde_json::to_vec_pretty(&document).unwrap_or_default();
    text.push(b'\n');
    text
}

fn component(part: &Part) -> Value {
    let mut component = json!({
        "type": if NAMES.contains(&part.name.as_str()) { "application" } else { "library" },
        "bom-ref": part.key(),
        "name": part.name,
        "version": part.version,
        "purl": part.key(),
        "licenses": licenses(part.license.as_deref()),
    });
    if let Some(description) = &part.description {
        component["description"] = description
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .into();
    }
    if let Some(digest) = &part.sha256 {
        component["hashes"] = json!([{"alg": "SHA-256", "content": digest}]);
    }
    if let Some(repository) = &part.repository {
        component["externalReferences"] = json!([{"type": "vcs", "url": repository}]);
    }
    component
}

/// Which version it is depends on the machine that builds, and the programs do not say.
fn c_library() -> Value {
    json!({
        "type": "library",
        "bom-ref": "glibc",
        "name": "glibc",
        "description": "The GNU C Library, linked statically",
        "licenses": licenses(Some("LGPL-2.1-or-later")),
        "externalReferences": [{"type": "website", "url": "https://www.gnu.org/software/libc/"}],
    })
}

/// As an expression of SPDX; older packages write a slash for OR.
fn licenses(expression: Option<&str>) -> Value {
    let expression = expression.unwrap_or("NOASSERTION");
    let expression = expression.replace(" / ", " OR ").replace('/', " OR ");
    json!([{"expression": expression}])
}

/// A UUID of version 8, made of the document's digest.
fn serial_number(document: &Value) -> String {
    let digest = Sha256::digest(document.to_string());
    let mut bytes: Vec<u8> = digest.iter().copied().take(16).collect();
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex(&bytes);
    format!(
        "urn:uuid:{}-{}-{}-{}-{}",
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..]
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_way_to_write_two_licenses_is_an_expression() {
        for (written, expression) in [
            (Some("MIT/Apache-2.0"), "MIT OR Apache-2.0"),
            (Some("Apache-2.0 / MIT"), "Apache-2.0 OR MIT"),
            (Some("MIT AND ISC"), "MIT AND ISC"),
            (None, "NOASSERTION"),
        ] {
            assert_eq!(licenses(written)[0]["expression"], expression);
        }
    }

    #[test]
    fn a_number_follows_from_the_text() {
        let of = |text: &str| serial_number(&json!(text));
        assert_eq!(of("a"), of("a"));
        assert_ne!(of("a"), of("b"));
        let number = of("a");
        assert_eq!((number.len(), &number[23..24]), (45, "8"), "{number}");
    }
}
