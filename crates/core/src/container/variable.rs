//! The variables of a container, each with where it is set.

use crate::compose::interpolate;
use crate::knowable::Reason;
use crate::secret::Secret;
use crate::source::Span;

/// One variable of a container.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name, as written.
    pub name: String,
    /// Its value in the container.
    pub value: VariableValue,
    /// Which kind of place sets it.
    pub origin: Origin,
    /// The name and the value, as they stand.
    pub span: Span,
    /// The value alone; empty after the name where there is none.
    pub value_span: Span,
    /// What interpolation met in it, with spans in the value before interpolation.
    pub interpolated: Vec<interpolate::Variable>,
    /// How long the value was before interpolation, in bytes.
    pub written_length: usize,
    /// Whether YAML made another text of an unquoted value, e.g. `010` to `8`.
    pub retyped: bool,
}

impl Variable {
    /// Whether a part of its value is empty, unless the shell that runs compose has one.
    pub fn is_for_the_shell(&self) -> bool {
        let mut used = self.interpolated.iter();
        used.any(|used| used.outcome == interpolate::Outcome::Unset)
    }

    /// A reference in its value that is empty, unless the shell that runs compose has a value for it. `$NAME` may be a part
    /// of a password, and is none.
    pub fn left_to_the_shell(&self) -> Option<&interpolate::Variable> {
        let is_unset = |used: &&interpolate::Variable| {
            used.outcome == interpolate::Outcome::Unset && used.form == interpolate::Form::Braced
        };
        self.interpolated.iter().find(is_unset)
    }
}

/// What the container gets.
#[derive(Clone, Debug)]
pub enum VariableValue {
    /// This text.
    Known(Secret),
    /// Kubernetes takes no object with this value: the reason.
    Invalid(String),
    /// Compose refuses the file because of this value: the reason.
    Refused(String),
    /// Compose refuses the file as long as this variable has no value (`${NAME:?…}`). Its name, unless it stands
    /// among other text and may be part of a password.
    Required(Option<String>),
    /// A Secret or ConfigMap of Kubernetes has it that was not given.
    Elsewhere(Box<Elsewhere>),
    /// Something sets it, and to what is not known.
    Unknown(Reason),
    /// Named without a value, and `.env` has none: the container does not get it, unless the shell that runs
    /// compose has it.
    Unset,
}

/// Where Kubernetes takes a value from that was not given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// `Secret` or `ConfigMap`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The key in it.
    pub key: String,
    /// Whether the pod starts without it.
    pub is_optional: bool,
    /// Why it is not known.
    pub reason: Reason,
}

/// Which kind of place sets a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The command that starts the server.
    Command,
    /// A key of a ConfigMap of Kubernetes.
    ConfigMap,
    /// A line of an `env_file`.
    EnvFile,
    /// An entry of `environment`.
    Environment,
    /// The image, as its Dockerfile says.
    Image,
    /// A key of a Secret of Kubernetes.
    Secret,
}

impl VariableValue {
    /// The text, where it is known.
    pub fn known(&self) -> Option<&Secret> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }
}
