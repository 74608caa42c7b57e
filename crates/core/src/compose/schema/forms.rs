//! The forms that compose takes for the keys that this program reads, from the schema of Docker Compose 2.40.

use crate::shown::or;
use crate::yaml::Typed;

/// One form that a value may have.
pub(super) enum Form {
    /// `true` or `false`, without quotes.
    Bool,
    /// A mapping with keys of its own; each with the forms of its value, and whether it has to be there.
    Fields(&'static [(&'static str, &'static [Form], bool)]),
    /// A whole number.
    Integer,
    /// A list with items of these forms.
    List(&'static [Form]),
    /// A mapping of any names to values of these forms.
    Map(&'static [Form]),
    /// Nothing.
    Null,
    /// Any number.
    Number,
    /// What is quoted, or looks like nothing else.
    Text,
}

impl Form {
    /// Whether a scalar has it.
    pub(super) fn takes(&self, typed: &Typed) -> bool {
        match self {
            Self::Bool => matches!(typed, Typed::Bool(_)),
            Self::Integer => matches!(typed, Typed::Integer(_)),
            Self::Null => matches!(typed, Typed::Null),
            Self::Number => matches!(typed, Typed::Integer(_) | Typed::Float(_)),
            Self::Text => matches!(typed, Typed::Text | Typed::Binary),
            Self::Fields(_) | Self::List(_) | Self::Map(_) => false,
        }
    }
}

/// What a value must be, in words.
pub(super) fn words(forms: &[Form]) -> String {
    let of_form = |form: &Form| match form {
        Form::Bool => &["true", "false"][..],
        Form::Fields(_) | Form::Map(_) => &["a mapping"],
        Form::Integer => &["a whole number"],
        Form::List(_) => &["a list"],
        Form::Null => &["nothing"],
        Form::Number => &["a number"],
        Form::Text => &["a text (in quotes)"],
    };
    let words: Vec<&str> = forms.iter().flat_map(of_form).copied().collect();
    or(&words)
}

type Forms = &'static [Form];
/// The forms of keys by their names.
type Keys = &'static [(&'static str, Forms)];

const TEXT: Forms = &[Form::Text];
const TEXTS: Forms = &[Form::List(TEXT)];
const TEXT_OR_TEXTS: Forms = &[Form::Text, Form::List(TEXT)];
const SWITCH: Forms = &[Form::Bool, Form::Text];
const COUNT: Forms = &[Form::Integer, Form::Text];
const WORDS: Forms = &[Form::Text, Form::List(TEXT), Form::Null];
/// Variables, labels and the like.
const PAIRS: Forms = &[
    Form::Map(&[Form::Text, Form::Number, Form::Bool, Form::Null]),
    Form::List(TEXT),
];
/// A config or a secret of a service.
const GRANTS: Forms = &[Form::List(&[
    Form::Text,
    Form::Fields(&[
        ("source", TEXT, false),
        ("target", TEXT, false),
        ("uid", TEXT, false),
        ("gid", TEXT, false),
        ("mode", &[Form::Number, Form::Text], false),
    ]),
])];
const HOOKS: Forms = &[Form::List(&[Form::Fields(&[
    ("command", WORDS, true),
    ("user", TEXT, false),
    ("privileged", SWITCH, false),
    ("working_dir", TEXT, false),
    ("environment", PAIRS, false),
])])];
const PORTS: Forms = &[Form::List(&[
    Form::Text,
    Form::Integer,
    Form::Fields(&[
        ("target", COUNT, true),
        ("published", COUNT, false),
        ("host_ip", TEXT, false),
        ("protocol", TEXT, false),
        ("app_protocol", TEXT, false),
        ("mode", TEXT, false),
        ("name", TEXT, false),
    ]),
])];
const MOUNTS: Forms = &[Form::List(&[
    Form::Text,
    Form::Fields(&[
        ("type", TEXT, true),
        ("source", TEXT, false),
        ("target", TEXT, true),
        ("read_only", SWITCH, false),
        ("bind", &[Form::Fields(&[])], false),
        (
            "volume",
            &[Form::Fields(&[("subpath", TEXT, false)])],
            false,
        ),
        ("tmpfs", &[Form::Fields(&[])], false),
        ("image", &[Form::Fields(&[("subpath", TEXT, false)])], false),
    ]),
])];
const BUILD: Forms = &[
    Form::Text,
    Form::Fields(&[
        ("context", TEXT, false),
        ("dockerfile", TEXT, false),
        ("dockerfile_inline", TEXT, false),
        ("args", PAIRS, false),
        ("target", TEXT, false),
        ("additional_contexts", PAIRS, false),
        ("labels", PAIRS, false),
        ("network", TEXT, false),
        ("privileged", SWITCH, false),
    ]),
];
const ENV_FILE: Forms = &[
    Form::Text,
    Form::List(&[
        Form::Text,
        Form::Fields(&[
            ("path", TEXT, true),
            ("format", TEXT, false),
            ("required", SWITCH, false),
        ]),
    ]),
];
const NETWORKS: Forms = &[
    Form::List(TEXT),
    Form::Map(&[
        Form::Null,
        Form::Fields(&[
            ("aliases", TEXTS, false),
            ("ipv4_address", TEXT, false),
            ("ipv6_address", TEXT, false),
            ("link_local_ips", TEXTS, false),
        ]),
    ]),
];
const WATCH: Forms = &[Form::List(&[Form::Fields(&[
    ("path", TEXT, true),
    ("action", TEXT, true),
    ("target", TEXT, false),
    ("ignore", TEXT_OR_TEXTS, false),
    ("include", TEXT_OR_TEXTS, false),
])])];

/// The keys of a service.
pub(super) const SERVICE: Keys = &[
    ("build", BUILD),
    ("cap_add", TEXTS),
    ("cap_drop", TEXTS),
    ("command", WORDS),
    ("configs", GRANTS),
    ("container_name", TEXT),
    (
        "depends_on",
        &[
            Form::List(TEXT),
            Form::Map(&[Form::Fields(&[("condition", TEXT, true)])]),
        ],
    ),
    (
        "deploy",
        &[
            Form::Null,
            Form::Fields(&[
                ("labels", PAIRS, false),
                ("mode", TEXT, false),
                ("replicas", COUNT, false),
            ]),
        ],
    ),
    (
        "develop",
        &[Form::Null, Form::Fields(&[("watch", WATCH, false)])],
    ),
    ("entrypoint", WORDS),
    ("env_file", ENV_FILE),
    ("environment", PAIRS),
    ("expose", &[Form::List(&[Form::Text, Form::Number])]),
    ("external_links", TEXTS),
    ("extra_hosts", &[Form::Map(TEXT_OR_TEXTS), Form::List(TEXT)]),
    (
        "healthcheck",
        &[Form::Fields(&[("test", TEXT_OR_TEXTS, false)])],
    ),
    ("hostname", TEXT),
    ("image", TEXT),
    ("ipc", TEXT),
    ("label_file", TEXT_OR_TEXTS),
    ("labels", PAIRS),
    ("links", TEXTS),
    ("network_mode", TEXT),
    ("networks", NETWORKS),
    ("pid", &[Form::Text, Form::Null]),
    ("ports", PORTS),
    ("post_start", HOOKS),
    ("pre_stop", HOOKS),
    ("privileged", SWITCH),
    ("profiles", TEXTS),
    ("provider", &[Form::Fields(&[("type", TEXT, true)])]),
    ("read_only", SWITCH),
    ("restart", TEXT),
    ("scale", COUNT),
    ("secrets", GRANTS),
    ("security_opt", TEXTS),
    ("tmpfs", TEXT_OR_TEXTS),
    ("user", TEXT),
    ("volumes", MOUNTS),
    ("volumes_from", TEXTS),
    ("working_dir", TEXT),
];

const EXTERNAL: Forms = &[
    Form::Bool,
    Form::Text,
    Form::Fields(&[("name", TEXT, false)]),
];
/// A network or a volume.
const RESOURCES: Forms = &[Form::Map(&[
    Form::Null,
    Form::Fields(&[
        ("name", TEXT, false),
        ("driver", TEXT, false),
        (
            "driver_opts",
            &[Form::Map(&[Form::Text, Form::Number])],
            false,
        ),
        ("external", EXTERNAL, false),
        ("internal", SWITCH, false),
        ("labels", PAIRS, false),
    ]),
])];
/// A config or a secret.
const CONTENTS: Forms = &[Form::Map(&[Form::Fields(&[
    ("name", TEXT, false),
    ("content", TEXT, false),
    ("environment", TEXT, false),
    ("file", TEXT, false),
    ("external", EXTERNAL, false),
    ("labels", PAIRS, false),
])])];

/// The keys at the top of a file, besides `include` and `services`, which are read as they are loaded.
pub(super) const SECTIONS: Keys = &[
    ("configs", CONTENTS),
    ("name", TEXT),
    ("networks", RESOURCES),
    ("secrets", CONTENTS),
    ("version", TEXT),
    ("volumes", RESOURCES),
];
