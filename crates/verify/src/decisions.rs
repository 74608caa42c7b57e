//! What was decided about findings: which are accepted, passed over or not shown, until when, and why.

mod accepted;
pub(crate) mod baseline;
pub(crate) mod hidden;
pub(crate) mod ignore;
pub(crate) mod policy;
pub(crate) mod retired;
mod until;
