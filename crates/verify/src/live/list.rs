//! Lists of users and agents (docs/clearml.md#lists-of-users-and-workers).

use super::answer::{Endpoint, Id};
use super::{Account, Site, token};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listed {
    Users,
    Workers,
}

/// Why there is no list.
pub(crate) struct NoList {
    pub(crate) words: String,
    /// The account is not let in.
    pub(crate) is_refusal: bool,
}

impl Site {
    /// A list, asked for as an account; none where there is no API server. A request is a POST, as its parts are in a
    /// document; it changes nothing.
    pub(crate) fn list(
        &self,
        account: &Account<'_>,
        listed: Listed,
        request: &str,
    ) -> Option<Result<Vec<Id>, NoList>> {
        let (name, endpoint) = match listed {
            Listed::Users => ("users.get_all", Endpoint::Users),
            Listed::Workers => ("workers.get_all", Endpoint::Workers),
        };
        let url = format!("{}/{name}", self.api.as_ref()?);
        let pair = token::basic(account.key.expose(), account.secret.expose());
        let answer = match self.client.post(&url, &[("Authorization", &pair)], request) {
            Ok(answer) => answer,
            Err(failure) => {
                return Some(Err(NoList {
                    words: failure.to_string(),
                    is_refusal: false,
                }));
            }
        };
        let ids = answer
            .fine(endpoint)
            .and_then(|envelope| envelope.ids.clone());
        Some(ids.ok_or_else(|| NoList {
            words: answer.odd(),
            is_refusal: matches!(answer.complaint(), Some((401, _))),
        }))
    }
}
