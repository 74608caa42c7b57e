//! Numbers for the textfile collector of a Prometheus node exporter: how many findings, and when it was looked.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Seen, count};
use crate::finding::Severity;

pub(super) fn metrics(seen: &Seen<'_>) -> String {
    let reports = seen.reports;
    let mut out = String::new();
    let mut metric = |name: &str, help: &str, samples: Vec<(String, u64)>| {
        out.push_str(&format!("# HELP clearml_verify_{name} {help}\n"));
        out.push_str(&format!("# TYPE clearml_verify_{name} gauge\n"));
        for (labels, value) in samples {
            out.push_str(&format!("clearml_verify_{name}{labels} {value}\n"));
        }
    };
    let severities = [Severity::Error, Severity::Warning, Severity::Note];
    let of_severity = severities.map(|severity| {
        let labels = format!("{{severity=\"{severity}\"}}");
        (labels, number(count(reports, severity)))
    });
    metric("findings", "Findings by severity.", of_severity.into());
    let mut rules: BTreeMap<String, u64> = BTreeMap::new();
    for finding in reports.iter().flat_map(|report| &report.findings) {
        let labels = format!(
            "{{rule=\"{}\",severity=\"{}\"}}",
            finding.rule, finding.severity
        );
        *rules.entry(labels).or_default() += 1;
    }
    metric(
        "rule_findings",
        "Findings by rule.",
        rules.into_iter().collect(),
    );
    let unknown = reports.iter().map(|report| report.unknown.len()).sum();
    let unknown = vec![(String::new(), number(unknown))];
    metric(
        "not_checked",
        "What was not checked; it is never clean.",
        unknown,
    );
    let hidden = seen.hidden.counts();
    let hidden = hidden.map(|(name, count)| (format!("{{by=\"{name}\"}}"), number(count)));
    metric(
        "not_shown",
        "Findings that are accepted or below --min-severity.",
        hidden.into(),
    );
    if seen.receipt.is_some() {
        let checks = || reports.iter().flat_map(|report| &report.checks);
        let of = |right| number(checks().filter(|check| check.is_right() == right).count());
        let answers = [
            ("right", Some(true)),
            ("wrong", Some(false)),
            ("not checked", None),
        ];
        let samples = answers.map(|(name, right)| (format!("{{answer=\"{name}\"}}"), of(right)));
        metric("key_checks", "Answers about keys.", samples.into());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_secs());
    let now = vec![(String::new(), now)];
    metric(
        "last_run_timestamp_seconds",
        "When clearml-verify last ran.",
        now,
    );
    out
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
