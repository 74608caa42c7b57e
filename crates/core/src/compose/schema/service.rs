//! The keys of a service.

use super::basic::{
    BYTES, CONTAINERS, COUNT, CPUS, DURATION, FLAG, LATE_QUANTITY, LATE_SWITCH, LIMIT, NAMED,
    NATURAL, NUMBER, OPTIONS, PAIRS, PAIRS_ONCE, QUANTITY, RATIO, SCALARS, SWITCH, TEXT,
    TEXT_OR_NAMED, TEXT_OR_TEXTS, TEXTS, TEXTS_ONCE, WHOLE, WHOLE_BYTES, WORDS,
};
use super::forms::{
    Fields, Form, Forms, Items, Key, MAX, MIN, Merge, Names, Others, fields, key, needing, only,
    reads,
};
use super::texts;

/// A config or a secret of a service.
const GRANTS: Forms = &[Form::List(
    Items::Named,
    &[
        Form::Text,
        Form::Fields(&fields!(&[
            key!("gid", TEXT),
            key!("mode", &[Form::Digits(MIN, MAX), reads!(&texts::MODE)]),
            key!("source", TEXT),
            key!("target", TEXT),
            key!("uid", TEXT),
        ])),
    ],
)];

static HOOK: Fields = needing!(
    &["command"],
    &[
        key!("command", WORDS),
        key!("environment", PAIRS_ONCE),
        key!("privileged", LATE_SWITCH),
        key!("user", TEXT),
        key!("working_dir", TEXT),
    ],
);
const HOOKS: Forms = &[Form::List(Items::Any, &[Form::Fields(&HOOK)])];

const PORTS: Forms = &[Form::List(
    Items::Named,
    &[
        reads!(&texts::PORT),
        Form::Digits(1.0, 65535.0),
        Form::Fields(&needing!(
            &["target"],
            &[
                key!("app_protocol", TEXT),
                key!("host_ip", &[reads!(&texts::ADDRESS)]),
                key!("mode", TEXT),
                key!("name", TEXT),
                key!("protocol", TEXT),
                key!("published", &[Form::Text, Form::Digits(MIN, MAX)]),
                key!("target", COUNT),
            ],
        )),
    ],
)];

const MOUNTS: Forms = &[Form::List(
    Items::Mounts,
    &[
        reads!(&texts::MOUNT),
        Form::Fields(&needing!(
            &["target", "type"],
            &[
                key!(
                    "bind",
                    &[Form::Fields(&fields!(&[
                        key!("create_host_path", LATE_SWITCH),
                        key!("propagation", TEXT),
                        key!("recursive", &[reads!(&texts::RECURSIVE)]),
                        key!("selinux", &[reads!(&texts::SELINUX)]),
                    ]))],
                ),
                key!("consistency", TEXT),
                key!("image", &[Form::Fields(&fields!(&[key!("subpath", TEXT)]))]),
                key!("read_only", SWITCH),
                key!("source", TEXT),
                key!("target", TEXT),
                key!(
                    "tmpfs",
                    &[Form::Fields(&fields!(&[
                        key!("mode", &[Form::Number(0.0, MAX)]),
                        key!("size", &[NATURAL, reads!(&texts::SIZE)]),
                    ]))],
                ),
                key!("type", &[reads!(&texts::MOUNT_TYPE)]),
                key!(
                    "volume",
                    &[Form::Fields(&fields!(&[
                        key!("labels", PAIRS_ONCE),
                        key!("nocopy", SWITCH),
                        key!("subpath", TEXT),
                    ]))],
                ),
            ],
        )),
    ],
)];

const HOSTS: Forms = &[
    Form::Map(Names::Given, &[Form::Text, Form::List(Items::Any, TEXT)]),
    Form::List(Items::Once, &[reads!(&texts::HOST)]),
];

const ULIMITS: Forms = &[Form::Map(
    Names::SmallLooked,
    &[
        Form::Digits(MIN, MAX),
        reads!(&texts::INTEGER),
        Form::Fields(&needing!(
            &["hard", "soft"],
            &[key!("hard", LIMIT), key!("soft", LIMIT)],
        )),
    ],
)];
const DIGITS: Forms = &[Form::Digits(MIN, MAX)];
const BUILD_ULIMITS: Forms = &[Form::Map(
    Names::SmallLooked,
    &[
        Form::Digits(MIN, MAX),
        Form::Fields(&needing!(
            &["hard", "soft"],
            &[key!("hard", DIGITS), key!("soft", DIGITS)],
        )),
    ],
)];

const BUILD: Forms = &[
    Form::Text,
    Form::Fields(&fields!(&[
        key!(
            "additional_contexts",
            &[
                Form::Map(Names::Given, TEXT),
                Form::List(Items::Once, &[reads!(&texts::PAIR)]),
            ],
            Merge::Sequence,
        ),
        key!("args", PAIRS, Merge::Sequence),
        key!("cache_from", TEXTS),
        key!("cache_to", TEXTS),
        key!("context", TEXT),
        key!("dockerfile", TEXT),
        key!("dockerfile_inline", TEXT),
        key!("entitlements", TEXTS),
        key!("extra_hosts", HOSTS, Merge::Hosts),
        key!("isolation", TEXT),
        key!("labels", PAIRS, Merge::Sequence),
        key!("network", TEXT),
        key!("no_cache", LATE_SWITCH),
        key!("platforms", TEXTS),
        key!("privileged", LATE_SWITCH),
        key!("provenance", &[Form::Text, Form::Bool]),
        key!("pull", LATE_SWITCH),
        key!("sbom", &[Form::Text, Form::Bool]),
        key!("secrets", GRANTS),
        key!("shm_size", WHOLE_BYTES),
        key!(
            "ssh",
            &[
                Form::Map(Names::Given, SCALARS),
                Form::List(Items::Once, &[reads!(&texts::SSH)]),
            ],
        ),
        key!("tags", NAMED),
        key!("target", TEXT),
        key!("ulimits", BUILD_ULIMITS),
    ])),
];

const DEPENDENCIES: Forms = &[
    Form::List(Items::Once, TEXT),
    Form::Map(
        Names::Plain,
        &[Form::Fields(&needing!(
            &["condition"],
            &[
                key!("condition", &[reads!(&texts::CONDITION)]),
                key!("required", FLAG),
                key!("restart", LATE_SWITCH),
            ],
        ))],
    ),
];

const DEVICES: Forms = &[Form::List(
    Items::Named,
    &[
        reads!(&texts::DEVICE),
        Form::Fields(&needing!(
            &["source", "target"],
            &[
                key!("permissions", TEXT),
                key!("source", TEXT),
                key!("target", TEXT),
            ],
        )),
    ],
)];

const GPU: &[Key] = &[
    key!("capabilities", TEXTS_ONCE),
    key!(
        "count",
        &[Form::Digits(MIN, MAX), reads!(&texts::COUNT_OR_ALL)],
    ),
    key!("device_ids", TEXTS_ONCE),
    key!("driver", TEXT),
    key!("options", PAIRS_ONCE),
];
const GPUS: Forms = &[
    reads!(&texts::ALL),
    Form::List(
        Items::Any,
        &[Form::Fields(&Fields {
            keys: GPU,
            needed: &[],
            others: Others::Any,
        })],
    ),
];

const ROLLOUT: Forms = &[Form::Fields(&fields!(&[
    key!("delay", DURATION),
    key!("failure_action", TEXT),
    key!("max_failure_ratio", RATIO),
    key!("monitor", DURATION),
    key!("order", &[reads!(&texts::ORDER)]),
    key!("parallelism", COUNT),
]))];
const RESOURCES: Forms = &[Form::Fields(&fields!(&[
    key!(
        "limits",
        &[Form::Fields(&fields!(&[
            key!("cpus", CPUS),
            key!("memory", &[reads!(&texts::SIZE)]),
            key!("pids", &[WHOLE, reads!(&texts::LATE_INTEGER)]),
        ]))],
    ),
    key!(
        "reservations",
        &[Form::Fields(&fields!(&[
            key!("cpus", CPUS),
            key!(
                "devices",
                &[Form::List(
                    Items::Any,
                    &[Form::Fields(&needing!(&["capabilities"], GPU))],
                )],
            ),
            key!(
                "generic_resources",
                &[Form::List(
                    Items::Any,
                    &[Form::Fields(&fields!(&[key!(
                        "discrete_resource_spec",
                        &[Form::Fields(&fields!(&[
                            key!("kind", TEXT),
                            key!("value", LATE_QUANTITY),
                        ]))],
                    )]))],
                )],
            ),
            key!("memory", &[reads!(&texts::SIZE)]),
        ]))],
    ),
]))];
const PLACEMENT: Forms = &[Form::Fields(&fields!(&[
    key!("constraints", TEXTS),
    key!("max_replicas_per_node", COUNT),
    key!(
        "preferences",
        &[Form::List(
            Items::Any,
            &[Form::Fields(&fields!(&[key!("spread", TEXT)]))],
        )],
    ),
]))];
const DEPLOY: Forms = &[
    Form::Null,
    Form::Fields(&fields!(&[
        key!("endpoint_mode", TEXT),
        key!("labels", PAIRS, Merge::Sequence),
        key!("mode", TEXT),
        key!("placement", PLACEMENT),
        key!("replicas", CONTAINERS),
        key!("resources", RESOURCES),
        key!(
            "restart_policy",
            &[Form::Fields(&fields!(&[
                key!("condition", TEXT),
                key!("delay", DURATION),
                key!("max_attempts", COUNT),
                key!("window", DURATION),
            ]))],
        ),
        key!("rollback_config", ROLLOUT),
        key!("update_config", ROLLOUT),
    ])),
];

const WATCH_PATHS: Forms = &[Form::Text, Form::List(Items::Once, TEXT)];
const DEVELOP: Forms = &[
    Form::Null,
    Form::Fields(&fields!(&[key!(
        "watch",
        &[Form::List(
            Items::Any,
            &[Form::Fields(&needing!(
                &["action", "path"],
                &[
                    key!("action", &[reads!(&texts::WATCH_ACTION)]),
                    key!("exec", &[Form::Fields(&HOOK)]),
                    key!("ignore", WATCH_PATHS),
                    key!("include", WATCH_PATHS),
                    key!("initial_sync", FLAG),
                    key!("path", &[reads!(&texts::NOT_EMPTY)]),
                    key!("target", TEXT),
                ],
            ))],
        )],
    )])),
];

const ENV_FILE: Forms = &[
    Form::Text,
    Form::List(
        Items::Named,
        &[
            Form::Text,
            Form::Fields(&Fields {
                keys: &[
                    key!("format", &[reads!(&texts::ENV_FORMAT)]),
                    key!("path", TEXT),
                    key!("required", LATE_SWITCH),
                ],
                needed: &["path"],
                others: Others::None,
            }),
        ],
    ),
];

const HEALTH: Forms = &[Form::Fields(&fields!(&[
    key!("disable", SWITCH),
    key!("interval", DURATION),
    key!("retries", &[Form::Number(0.0, MAX), reads!(&texts::COUNT)],),
    key!("start_interval", DURATION),
    key!("start_period", DURATION),
    key!("test", TEXT_OR_TEXTS, Merge::Last),
    key!("timeout", DURATION),
]))];

const NETWORKS: Forms = &[
    Form::List(Items::Once, TEXT),
    Form::Map(
        Names::Plain,
        &[
            Form::Null,
            Form::Fields(&fields!(&[
                key!("aliases", NAMED),
                key!("driver_opts", OPTIONS),
                key!("gw_priority", &[NUMBER]),
                key!("interface_name", TEXT),
                key!("ipv4_address", TEXT),
                key!("ipv6_address", TEXT),
                key!("link_local_ips", NAMED),
                key!("mac_address", TEXT),
                key!("priority", &[NUMBER]),
            ])),
        ],
    ),
];

const PROVIDER: Forms = &[Form::Fields(&needing!(
    &["type"],
    &[
        key!(
            "options",
            &[Form::Map(
                Names::Looked,
                &[
                    Form::Text,
                    NUMBER,
                    Form::Bool,
                    Form::List(Items::Any, &[Form::Text, NUMBER, Form::Bool]),
                ],
            )],
        ),
        key!("type", TEXT),
    ],
))];

const RATES: Forms = &[Form::List(
    Items::Any,
    &[Form::Fields(&only!(&[
        key!("path", TEXT),
        key!("rate", WHOLE_BYTES),
    ]))],
)];
const WEIGHT: Forms = &[NATURAL];
const BLOCKS: Forms = &[Form::Fields(&only!(&[
    key!("device_read_bps", RATES),
    key!("device_read_iops", RATES),
    key!("device_write_bps", RATES),
    key!("device_write_iops", RATES),
    key!("weight", WEIGHT),
    key!(
        "weight_device",
        &[Form::List(
            Items::Any,
            &[Form::Fields(&only!(&[
                key!("path", TEXT),
                key!("weight", WEIGHT),
            ]))],
        )],
    ),
]))];

/// A service. What it extends is merged by then.
pub(super) static SERVICE: Fields = fields!(&[
    key!("annotations", PAIRS, Merge::Sequence),
    key!("attach", LATE_SWITCH),
    key!("blkio_config", BLOCKS),
    key!("build", BUILD, Merge::Build),
    key!("cap_add", NAMED),
    key!("cap_drop", NAMED),
    key!("cgroup", &[reads!(&texts::CGROUP)]),
    key!("cgroup_parent", TEXT),
    key!("command", WORDS, Merge::Last),
    key!("configs", GRANTS),
    key!("container_name", &[reads!(&texts::CONTAINER_NAME)]),
    key!("cpu_count", COUNT),
    key!(
        "cpu_percent",
        &[Form::Whole(0.0, 100.0), reads!(&texts::PERCENT)],
    ),
    key!("cpu_period", QUANTITY),
    key!("cpu_quota", QUANTITY),
    key!("cpu_rt_period", QUANTITY),
    key!("cpu_rt_runtime", QUANTITY),
    key!("cpu_shares", QUANTITY),
    key!("cpus", RATIO),
    key!("cpuset", TEXT),
    key!(
        "credential_spec",
        &[Form::Fields(&fields!(&[
            key!("config", TEXT),
            key!("file", TEXT),
            key!("registry", TEXT),
        ]))],
    ),
    key!("depends_on", DEPENDENCIES, Merge::Mapping),
    key!("deploy", DEPLOY),
    key!("develop", DEVELOP),
    key!("device_cgroup_rules", TEXTS_ONCE),
    key!("devices", DEVICES),
    key!("dns", TEXT_OR_NAMED, Merge::Sequence),
    key!("dns_opt", NAMED, Merge::Sequence),
    key!("dns_search", TEXT_OR_NAMED, Merge::Sequence),
    key!("domainname", TEXT),
    key!("entrypoint", WORDS, Merge::Last),
    key!("env_file", ENV_FILE, Merge::Sequence),
    key!("environment", PAIRS, Merge::Sequence),
    key!(
        "expose",
        &[Form::List(
            Items::Named,
            &[Form::Text, Form::Digits(MIN, MAX)],
        )],
    ),
    key!("external_links", TEXTS_ONCE),
    key!("extra_hosts", HOSTS, Merge::Hosts),
    key!("gpus", GPUS),
    key!(
        "group_add",
        &[Form::List(
            Items::Once,
            &[Form::Text, Form::Digits(MIN, MAX)],
        )],
    ),
    key!("healthcheck", HEALTH),
    key!("hostname", TEXT),
    key!("image", TEXT),
    key!("init", SWITCH),
    key!("ipc", TEXT),
    key!("isolation", TEXT),
    key!("label_file", TEXT_OR_NAMED, Merge::Sequence),
    key!("labels", PAIRS, Merge::Sequence),
    key!("links", NAMED),
    key!(
        "logging",
        &[Form::Fields(&fields!(&[
            key!("driver", TEXT),
            key!(
                "options",
                &[Form::Map(Names::Looked, &[Form::Text, NUMBER, Form::Null])],
            ),
        ]))],
        Merge::Logging,
    ),
    key!("mac_address", TEXT),
    key!("mem_limit", BYTES),
    key!("mem_reservation", WHOLE_BYTES),
    key!("mem_swappiness", WHOLE_BYTES),
    key!("memswap_limit", BYTES),
    key!(
        "models",
        &[
            Form::List(Items::Once, TEXT),
            Form::Map(
                Names::PlainLooked,
                &[
                    Form::Null,
                    Form::Fields(&fields!(&[
                        key!("endpoint_var", TEXT),
                        key!("model_var", TEXT),
                    ])),
                ],
            ),
        ],
        Merge::Mapping,
    ),
    key!("network_mode", TEXT),
    key!("networks", NETWORKS, Merge::Mapping),
    key!("oom_kill_disable", SWITCH),
    key!(
        "oom_score_adj",
        &[Form::Whole(-1000.0, 1000.0), reads!(&texts::SCORE)],
    ),
    key!("pid", &[Form::Text, Form::Null]),
    key!("pids_limit", QUANTITY),
    key!("platform", TEXT),
    key!("ports", PORTS),
    key!("post_start", HOOKS),
    key!("pre_stop", HOOKS),
    key!("privileged", SWITCH),
    key!("profiles", NAMED),
    key!("provider", PROVIDER),
    key!("pull_policy", &[reads!(&texts::PULL_POLICY)]),
    key!("pull_refresh_after", TEXT),
    key!("read_only", SWITCH),
    key!("restart", TEXT),
    key!("runtime", TEXT),
    key!("scale", CONTAINERS),
    key!("secrets", GRANTS),
    key!("security_opt", TEXTS_ONCE),
    key!("shm_size", BYTES),
    key!("stdin_open", SWITCH),
    key!("stop_grace_period", DURATION),
    key!("stop_signal", TEXT),
    key!("storage_opt", &[Form::Mapping]),
    key!("sysctls", PAIRS, Merge::Sequence),
    key!("tmpfs", TEXT_OR_NAMED, Merge::Sequence),
    key!("tty", SWITCH),
    key!("ulimits", ULIMITS, Merge::Values),
    key!("use_api_socket", FLAG),
    key!("user", TEXT),
    key!("userns_mode", TEXT),
    key!("uts", TEXT),
    key!("volumes", MOUNTS),
    key!("volumes_from", TEXTS_ONCE),
    key!("working_dir", TEXT),
]);
