//! A database gets no more security fixes.
//!
//! **What**: the image of Elasticsearch, MongoDB or Redis is of a release line whose support has ended.
//!
//! **Why**: a weakness that is found from now on stays open, and everything ClearML knows is in there.
//!
//! bad: tests/fixtures/rules/unsupported-database/bad.yml
//!
//! good: tests/fixtures/rules/unsupported-database/good.yml
//!
//! **Fix**: upgrade ClearML to a release whose own compose file names a newer line, and the database with it, by
//! its upgrade path; and let nothing but ClearML's servers reach it until then.
//!
//! **References**: endoflife.date; Elastic, "Product end of life dates": the last two major versions are
//! maintained.

use clearml_secure_core::deployment::Database;
use clearml_secure_core::version::Version;

use super::{Case, Rule};
use crate::finding::{Draft, Severity};
use crate::words::container;

/// Nothing is known to be open because of it, and which lines ClearML runs with is not the administrator's choice.
const SEVERITY: Severity = Severity::Note;

pub(crate) struct UnsupportedDatabase;

impl Rule for UnsupportedDatabase {
    fn id(&self) -> &'static str {
        "unsupported-database"
    }

    fn check(&self, case: &Case<'_>, findings: &mut Vec<Draft>) {
        for service in &case.deployment.containers {
            let Some((image, database)) = service.known_image().zip(Database::of(service)) else {
                continue;
            };
            let Some(oldest) = supported(service.image_name()) else {
                continue;
            };
            let version = match (image.version(), image.line()) {
                (Some(version), _) if version < oldest => {
                    format!("{}.{}", version.major, version.minor)
                }
                // It is the newest one of its line.
                (None, Some(line)) if line < oldest.major => line.to_string(),
                _ => continue,
            };
            findings.push(
                Draft::new(
                    SEVERITY,
                    format!(
                        "{database} ({}) gets no more security fixes: its version is {version}",
                        container(service)
                    ),
                    match case.deployment.manifests {
                        Some(_) => "upgrade the chart, or run a newer version of it outside of the release",
                        None => "upgrade to a ClearML release whose compose file has a newer version of it",
                    },
                )
                .at(image.span),
            );
        }
    }
}

/// The oldest line of an image that got fixes on 2026-11-01. MongoDB 6.0 ended in July 2025, Redis 6.2 in February 2025
/// (7.0 before it), Elasticsearch 7 with the release of 9 and the last maintenance of 7.17 in January 2026. Others have
/// numbers of their own: OpenSearch, KeyDB, a base image that somebody put a database into.
fn supported(image: &str) -> Option<Version> {
    match image {
        "elasticsearch" | "elasticsearch-oss" => Some(Version::new(8, 0, 0)),
        "mongo" | "mongodb" | "mongodb-community-server" | "percona-server-mongodb" => {
            Some(Version::new(7, 0, 0))
        }
        "redis" | "redis-stack" | "redis-stack-server" | "valkey" => Some(Version::new(7, 2, 0)),
        _ => None,
    }
}
