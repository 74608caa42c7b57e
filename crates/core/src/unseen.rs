//! What was not looked at.

use crate::knowable::Reason;
use crate::source::Span;

/// Something that was not looked at, and why. It is never taken for safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unseen {
    /// What, e.g. `env_file ./secrets.env`.
    pub what: String,
    /// What it may hold.
    pub hides: Hides,
    /// Why, and what to do about it.
    pub reason: String,
    /// The service that is concerned, by its name in the file.
    pub service: Option<String>,
    /// Where it is named.
    pub span: Option<Span>,
}

impl Unseen {
    /// Why variables of its service are not known, where it may set them.
    pub(crate) fn may_set_variables(&self) -> Reason {
        format!(
            "its variables may be in {}, which is not read here",
            self.what
        )
        .into()
    }
}

/// What something that was not looked at may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hides {
    /// Anything.
    Anything,
    /// All that a service may have, its variables and ports among it.
    Base,
    /// What files say that a server reads, over which variables win.
    Files,
    /// A published port.
    Port,
    /// What a server does with what it is given: its code is not the image's.
    Program,
    /// Other services, and what is merged over those that are seen.
    Services,
    /// Variables of a service.
    Variables,
    /// A way from outside to a server, through a service that is none.
    Way,
}

impl Hides {
    /// Whether variables of the service may be among it.
    pub const fn variables(self) -> bool {
        matches!(self, Self::Base | Self::Variables)
    }

    /// Whether published ports of the service may be among it.
    pub const fn ports(self) -> bool {
        matches!(self, Self::Base | Self::Port)
    }
}
