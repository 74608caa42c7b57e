//! What a report is made from.

use std::path::PathBuf;

use clearml_secure_core::effective::Effective;

use crate::report::described::Described;

/// A deployment, understood. It is many times as large as what there is to say of it.
pub(crate) struct Trees {
    pub(crate) deployment: Described,
    pub(crate) effective: Effective,
    /// The keyset in use, where it is beside the deployment.
    pub(crate) keys: Option<PathBuf>,
}
