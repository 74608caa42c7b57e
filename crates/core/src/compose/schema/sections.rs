//! The sections beside the services.

use super::basic::{OPTIONS, PAIRS, PAIRS_ONCE, SWITCH, TEXT, TEXTS, WHOLE};
use super::forms::{Fields, Form, Forms, Items, Key, Merge, Names, Others, fields, key, needing};
use super::texts;

/// An older form is a mapping with the name in it.
const EXTERNAL: Forms = &[
    Form::Bool,
    Form::Reads(&texts::SWITCH),
    Form::Fields(&fields!(&[key!("name", TEXT)])),
];
/// The same where compose takes any other key, too.
const LOOSE_EXTERNAL: Forms = &[
    Form::Bool,
    Form::Reads(&texts::SWITCH),
    Form::Fields(&Fields {
        keys: &[key!("name", TEXT)],
        needed: &[],
        others: Others::Any,
    }),
];

const NETWORK: Forms = &[
    Form::Null,
    Form::Fields(&fields!(&[
        key!("attachable", SWITCH),
        key!("driver", TEXT),
        key!("driver_opts", OPTIONS),
        key!("enable_ipv4", SWITCH),
        key!("enable_ipv6", SWITCH),
        key!("external", EXTERNAL),
        key!("internal", SWITCH),
        key!(
            "ipam",
            &[Form::Fields(&fields!(&[
                key!(
                    "config",
                    &[Form::List(
                        Items::Any,
                        &[Form::Fields(&fields!(&[
                            key!("aux_addresses", &[Form::Map(Names::Given, TEXT)]),
                            key!("gateway", TEXT),
                            key!("ip_range", TEXT),
                            key!("subnet", TEXT),
                        ]))],
                    )],
                    Merge::Mappings,
                ),
                key!("driver", TEXT),
                key!("options", &[Form::Map(Names::Given, TEXT)]),
            ]))],
        ),
        key!("labels", PAIRS, Merge::Sequence),
        key!("name", TEXT),
    ])),
];
const VOLUME: Forms = &[
    Form::Null,
    Form::Fields(&fields!(&[
        key!("driver", TEXT),
        key!("driver_opts", OPTIONS),
        key!("external", EXTERNAL),
        key!("labels", PAIRS_ONCE, Merge::Sequence),
        key!("name", TEXT),
    ])),
];
const SECRET: Forms = &[Form::Fields(&fields!(&[
    key!("driver", TEXT),
    key!("driver_opts", OPTIONS),
    key!("environment", TEXT),
    key!("external", LOOSE_EXTERNAL),
    key!("file", TEXT),
    key!("labels", PAIRS_ONCE),
    key!("name", TEXT),
    key!("template_driver", TEXT),
]))];
const CONFIG: Forms = &[Form::Fields(&fields!(&[
    key!("content", TEXT),
    key!("environment", TEXT),
    key!("external", LOOSE_EXTERNAL),
    key!("file", TEXT),
    key!("labels", PAIRS_ONCE),
    key!("name", TEXT),
    key!("template_driver", TEXT),
]))];
const MODEL: Forms = &[Form::Fields(&needing!(
    &["model"],
    &[
        key!("context_size", &[WHOLE]),
        key!("model", TEXT),
        key!("name", TEXT),
        key!("runtime_flags", TEXTS),
    ],
))];

/// The sections and what else is at the top of a file, besides `include` and `services`, which are read as they are loaded.
pub(super) static SECTIONS: &[Key] = &[
    key!("configs", &[Form::Map(Names::Plain, CONFIG)]),
    key!("models", &[Form::Map(Names::PlainLooked, MODEL)]),
    key!("name", TEXT),
    key!("networks", &[Form::Map(Names::PlainLooked, NETWORK)]),
    key!("secrets", &[Form::Map(Names::Plain, SECRET)]),
    key!("version", TEXT),
    key!("volumes", &[Form::Map(Names::Plain, VOLUME)]),
];
