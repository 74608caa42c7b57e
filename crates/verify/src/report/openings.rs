//! Beside the settings: every path that can open a server, at each server that reads it. Never a value, but on and off.

use clearml_secure_core::effective::{Configured, Effective, Origin, Reading, ServerConfiguration};
use clearml_secure_core::knowable::Knowable;
use clearml_secure_core::opening::{self, OpeningPath, Reads};
use clearml_secure_core::setting::Server;
use clearml_secure_core::source::{Place, Span};

use crate::report::described::Described;

/// A path at a server.
pub(crate) struct Opening {
    pub(crate) path: &'static str,
    pub(crate) server: Server,
    pub(crate) service: String,
    pub(crate) state: &'static str,
    pub(crate) place: Option<Place>,
}

/// All of them, in the order of the servers and the list.
pub(crate) fn of(described: &Described, effective: &Effective) -> Vec<Opening> {
    let mut all = Vec::new();
    for server in &effective.servers {
        let instance = &described.instances[server.instance];
        let version = instance.known_version();
        let read = opening::all().iter();
        for entry in read.filter(|entry| entry.is_read_by(server.server, version)) {
            let (state, span) = state(described, server, entry);
            all.push(Opening {
                path: entry.path,
                server: server.server,
                service: described.service(instance).name.clone(),
                state,
                place: span.map(|span| described.sources.place(span)),
            });
        }
    }
    all
}

fn state(
    described: &Described,
    server: &ServerConfiguration,
    entry: &OpeningPath,
) -> (&'static str, Option<Span>) {
    if matches!(entry.reads, Reads::Truth) {
        let switch = server.switch(described, entry.path);
        let is_unseen = switch.span.is_none() && !server.is_seen(described);
        let state = match switch.is_on {
            _ if is_unseen => "unknown",
            Knowable::Known(true) => "on",
            Knowable::Known(false) => "off",
            Knowable::Unknown(_) => "unknown",
        };
        return (state, switch.span);
    }
    if matches!(entry.reads, Reads::Accounts) {
        // The settings are below it.
        let is_set = |reading: &&Reading| {
            reading.setting.account().is_some()
                && matches!(reading.origin, Origin::File(_) | Origin::Variable(_))
        };
        if let Some(reading) = server.readings.iter().find(is_set) {
            return ("set", Some(reading.span(described)));
        }
    }
    match server.configured(described, entry.path) {
        Configured::Not if !server.is_seen(described) => ("unknown", None),
        Configured::Not => ("default", None),
        Configured::Unknown(_, span) => ("unknown", Some(span)),
        ref value @ Configured::Value(_, span) if value.is_missing() => ("absent", Some(span)),
        Configured::Value(_, span) => ("set", Some(span)),
    }
}
