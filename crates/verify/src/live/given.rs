//! What a look at a server begins with.

use std::sync::Arc;

use clearml_secure_core::keyset::Keyset;

use super::Client;

/// What a server is given to find its parts and to look with.
#[derive(Clone)]
pub(crate) struct Given {
    pub(crate) target: String,
    pub(crate) api: Option<String>,
    pub(crate) files: Option<String>,
    pub(crate) web: Option<String>,
    pub(crate) client: Client,
    pub(crate) keys: Option<Arc<Keyset>>,
    pub(crate) old_keys: Option<Arc<Keyset>>,
    pub(crate) allow_plain_http: bool,
}
