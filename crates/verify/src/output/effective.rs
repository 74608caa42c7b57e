//! The effective configuration: what every server reads, from where, and in what state. Never a value.

use clearml_secure_cli::wrap;
use clearml_secure_core::shown::escape;
use serde_json::{Value, json};

use super::json::{place, unknown};
use super::text::{Look, NotCheckedLines, looked_at};
use crate::report::Report;
use crate::report::openings::Opening;
use crate::report::readout::Read;

/// For people.
pub(super) fn text(reports: &[Report], look: Look) -> String {
    let mut out = String::new();
    let are_several = reports.iter().filter_map(Report::deployment).count() > 1;
    for report in reports {
        let Some(outline) = report.deployment() else {
            continue;
        };
        if are_several {
            out.push_str(if out.is_empty() { "" } else { "\n" });
            out.push_str(&format!("{}\n", escape(&looked_at(report))));
        }
        let head = ["SETTING", "SERVER", "STATE", "ORIGIN"];
        let mut rows = vec![head.map(str::to_owned)];
        rows.extend(outline.readout.readings.iter().map(row));
        rows.extend(outline.readout.openings.iter().map(row_of_opening));
        let width = |column: usize| {
            rows.iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or_default()
        };
        let widths = [width(0), width(1), width(2)];
        for [setting, server, state, origin] in &rows {
            let [a, b, c] = widths;
            let first = format!("{setting:a$}  {server:b$}  {state:c$}  ");
            out.push_str(&(wrap::row(&first, origin, look.columns()) + "\n"));
        }
    }
    let mut unknown = NotCheckedLines::default();
    for report in reports {
        unknown.add(&report.unknown);
    }
    out + &unknown.lines(look.width).concat()
}

fn row(read: &Read) -> [String; 4] {
    [
        read.setting.path().to_owned(),
        read.server.name().to_owned(),
        read.state.to_owned(),
        read.origin.clone(),
    ]
}

fn row_of_opening(opening: &Opening) -> [String; 4] {
    let origin = match &opening.place {
        Some(place) => place.to_string(),
        None if opening.state == "unknown" => "not checked".to_owned(),
        None => "the image's default".to_owned(),
    };
    let server = opening.server.name().to_owned();
    [
        opening.path.to_owned(),
        server,
        opening.state.to_owned(),
        origin,
    ]
}

/// For programs.
pub(super) fn json(reports: &[Report], is_all: bool) -> String {
    let readouts = reports.iter().filter_map(Report::deployment);
    let readouts: Vec<_> = readouts.map(|outline| &outline.readout).collect();
    let readings = readouts.iter().flat_map(|readout| &readout.readings);
    let mut document = json!({
        "version": 1,
        "tool": {"name": "clearml-verify", "version": env!("CARGO_PKG_VERSION")},
        "effective": readings.map(entry).collect::<Value>(),
        "unknown": unknown(reports),
    });
    if is_all {
        let openings = readouts.iter().flat_map(|readout| &readout.openings);
        document["paths"] = openings.map(entry_of_opening).collect();
    }
    format!("{document:#}\n")
}

fn entry(read: &Read) -> Value {
    let mut entry = json!({
        "setting": read.setting.path(),
        "server": read.server.name(),
        "service": read.service,
        "origin": read.origin_kind,
        "state": read.state,
    });
    if let Some(variable) = &read.variable {
        entry["variable"] = variable.as_str().into();
    }
    if let Some(at) = &read.place {
        entry["place"] = place(at);
    }
    if !read.from.is_empty() {
        let from = read.from.iter();
        let from = from.map(|(name, at)| json!({"variable": name, "place": place(at)}));
        entry["from"] = from.collect();
    }
    entry
}

fn entry_of_opening(opening: &Opening) -> Value {
    let mut entry = json!({
        "path": opening.path,
        "server": opening.server.name(),
        "service": opening.service,
        "state": opening.state,
    });
    if let Some(at) = &opening.place {
        entry["place"] = place(at);
    }
    entry
}
