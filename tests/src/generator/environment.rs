//! The variables of services, in every way in which people write them.

use super::text::{Writer, double};

/// How a service's environment is written.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    Alias,
    EmptyList,
    EmptyMap,
    FlowList,
    FlowMap,
    List,
    ListAlias,
    Map,
    MergeAndMore,
    MergeOnly,
    Missing,
}

const STYLES: [Style; 13] = [
    Style::Alias,
    Style::EmptyList,
    Style::EmptyMap,
    Style::FlowList,
    Style::FlowMap,
    Style::List,
    Style::List,
    Style::ListAlias,
    Style::Map,
    Style::Map,
    Style::MergeAndMore,
    Style::MergeOnly,
    Style::Missing,
];

/// Variables that are no settings, with values that YAML and compose could change.
pub(super) const ORDINARY: [(&str, &str); 15] = [
    ("TZ", "UTC"),
    ("CLEARML_REDIS_SERVICE_HOST", "redis"),
    ("CLEARML_REDIS_SERVICE_PORT", "6379"),
    ("DOLLAR", "a$$b"),
    ("DEFAULTED", "${NOT_SET_ANYWHERE:-fall back}"),
    ("DEFAULTED_TOO", "${NOT_SET_ANYWHERE-$$5}"),
    ("NESTED", "${NOT_SET_ANYWHERE:-${MAIL:-nobody}}"),
    ("ALTERNATIVE", "${MAIL:+set}${MAIL+ too}"),
    ("GREETING", "Grüße, 你好"),
    ("HASHED", "a#b # c"),
    ("QUOTED", "it's \"so\""),
    ("EQUATION", "a=b=c mArKeD"),
    ("EMPTY", ""),
    ("SHARED", "is ${TOKEN:-none}"),
    ("CLEARML__apiserver__pre_populate__enabled", "true"),
];

/// Settings that are there already, in every spelling. They are replaced.
const SETTINGS: [(&str, &str); 9] = [
    ("CLEARML__SECURE__AUTH__TOKEN_SECRET", "to-be-replaced"),
    (
        "CLEARML__secure__auth__token_secret",
        "to be replaced mArKeD",
    ),
    ("TRAINS__SECURE__CREDENTIALS__TESTS__USER_KEY", "old"),
    (
        "CLEARML__Secure__Credentials__Tests__User_Secret",
        "old # old",
    ),
    (
        "CLEARML__secure__credentials__services_agent__user_key",
        "${CLEARML_AGENT_ACCESS_KEY:-}",
    ),
    (
        "CLEARML__secure__credentials__services_agent__user_secret",
        "${CLEARML_AGENT_SECRET_KEY:-}",
    ),
    (
        "CLEARML__SECURE__CREDENTIALS__FILESERVER__USER_KEY",
        "\u{e4}lt",
    ),
    // Those of a variable of `.env`.
    ("CLEARML__SECURE__AUTH__TOKEN_SECRET", "${TOKEN:-}"),
    ("CLEARML__SECURE__AUTH__TOKEN_SECRET", "${TOKEN:?}"),
];

impl Writer<'_> {
    /// A service's environment.
    pub(super) fn environment(&mut self, service: &str) {
        let ordinary = ordinary(self);
        let mut variables = self.variables(&ordinary, 4);
        variables.extend(self.settings(service));
        if service == "agent-services" && self.random.chance(70) {
            variables.push((
                "CLEARML_API_ACCESS_KEY",
                "${CLEARML_AGENT_ACCESS_KEY:-$CLEARML_API_ACCESS_KEY}",
            ));
        }
        self.random.shuffle(&mut variables);
        self.comment(2);
        let style = self.random.pick(&STYLES);
        if style == Style::ListAlias && !self.may("anchored-list", 100) {
            return;
        }
        self.styled(style, &variables);
    }

    fn settings(&mut self, service: &str) -> Vec<(&'static str, &'static str)> {
        let is_server = matches!(service, "apiserver" | "fileserver" | "async_delete");
        if !is_server || !self.random.chance(60) {
            return Vec::new();
        }
        let by_variable = self.may("variable-setting", 30);
        let token = if by_variable {
            SETTINGS[7 + self.random.below(2)]
        } else {
            SETTINGS[0]
        };
        let settings = match service {
            "apiserver" if by_variable => vec![token, SETTINGS[2], SETTINGS[5]],
            "apiserver" => SETTINGS[..7].to_vec(),
            "fileserver" => vec![SETTINGS[6]],
            _ => vec![token],
        };
        self.variables(&settings, 3)
    }

    fn styled(&mut self, style: Style, variables: &[(&str, &str)]) {
        let key = self.key("environment");
        match style {
            Style::Missing => {}
            Style::Alias => self.line(2, &(key + " *common")),
            Style::ListAlias => self.line(2, &(key + " *listed")),
            Style::EmptyList => self.line(2, &(key + " []")),
            Style::EmptyMap => self.line(2, &(key + " {}")),
            Style::FlowList => {
                let items = variables
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"));
                let items: Vec<_> = items.map(|item| double(&item)).collect();
                self.line(2, &format!("{key} [{}]", items.join(", ")));
            }
            Style::FlowMap => {
                let items = variables.iter();
                let items: Vec<_> = items
                    .map(|(name, value)| format!("{name}: {}", double(value)))
                    .collect();
                self.line(2, &format!("{key} {{{}}}", items.join(", ")));
            }
            Style::List => {
                self.line(2, &key);
                let depth = if self.dashes_indented { 3 } else { 2 };
                self.list(depth, variables);
            }
            Style::Map => {
                self.line(2, &key);
                self.map(3, variables);
                self.nulls();
            }
            Style::MergeAndMore => {
                self.line(2, &key);
                self.line(3, "<<: *common");
                self.map(3, variables);
            }
            Style::MergeOnly => {
                self.line(2, &key);
                self.line(3, "<<: *common");
            }
        }
    }

    /// A block list of `NAME=VALUE`; never an empty one.
    pub(super) fn list(&mut self, depth: usize, variables: &[(&str, &str)]) {
        for (name, value) in variables {
            self.comment(depth);
            let item = self.scalar(&format!("{name}={value}"));
            self.line(depth, &format!("- {item}"));
        }
        if variables.is_empty() {
            self.line(depth, "- TZ=UTC");
        }
        if self.may("bare-name", 15) {
            self.line(depth, "- FROM_THE_SHELL");
        }
    }

    /// Names without a value, which the shell has.
    fn nulls(&mut self) {
        if self.may("null-value", 15) {
            let null = self
                .random
                .pick(&["FROM_SHELL:", "FROM_SHELL: null", "FROM_SHELL: ~"]);
            self.line(3, null);
        }
    }

    /// Some of these variables, each at most once.
    pub(super) fn variables<'v>(
        &mut self,
        from: &[(&'v str, &'v str)],
        at_most: usize,
    ) -> Vec<(&'v str, &'v str)> {
        let mut all = from.to_vec();
        self.random.shuffle(&mut all);
        all.truncate(self.random.below(at_most + 1));
        all
    }
}

/// The ordinary variables, without one that shares a setting's variable where the project has none.
fn ordinary(writer: &mut Writer<'_>) -> Vec<(&'static str, &'static str)> {
    let mut all = ORDINARY.to_vec();
    if !writer.may("shared-variable", 20) {
        all.retain(|(name, _)| *name != "SHARED");
    }
    all
}
