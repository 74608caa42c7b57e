//! What is asked again on connections of its own. A load balancer may have several servers behind one address, and what one of
//! them refuses another may not: that a server is closed is known of none that was not asked.

use super::{Answer, Client, Failure, Site, together};

/// On so many further connections a question is asked whose answer is a proof. One server of three that differs is missed once in
/// ten times by them alone.
pub(crate) const AGAIN: usize = 6;

/// The same where several questions are alike, as of the accounts of a keyset: each is asked again.
pub(crate) const OF_MANY: usize = 2;

/// What an answer says of a way into a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Closed,
    Open,
    /// It is none of the answers that the question has.
    Unclear,
}

/// What was answered on all connections together.
#[derive(Clone, Debug)]
pub(crate) struct Throughout {
    /// That of an open door, if there is one.
    pub(crate) answer: Result<Answer, Failure>,
    /// Whether the door is closed on other connections.
    pub(crate) is_divided: bool,
}

impl Throughout {
    /// What is open: an address, or some of the servers behind it.
    pub(crate) fn whose<'a>(&self, is: &'a str, are_some: &'a str) -> &'a str {
        match self.is_divided {
            true => are_some,
            false => is,
        }
    }
}

impl Site {
    /// An answer after which a door counts as closed, as further connections get it.
    pub(crate) fn throughout(
        &self,
        times: usize,
        first: Result<Answer, Failure>,
        ask: impl Fn(&Client) -> Result<Answer, Failure> + Sync,
        door: fn(&Answer) -> Door,
    ) -> Throughout {
        let of = |answer, is_divided| Throughout { answer, is_divided };
        if !first.as_ref().is_ok_and(|one| door(one) == Door::Closed) {
            return of(first, false);
        }
        let mut unclear = None;
        for answer in together(&vec![(); times], |()| ask(&self.client.afresh())) {
            match answer.as_ref().map(door) {
                Ok(Door::Open) => return of(answer, true),
                Ok(Door::Closed) => {}
                Ok(Door::Unclear) | Err(_) => unclear = Some(answer),
            }
        }
        match unclear {
            None => of(first, false),
            Some(Ok(answer)) => of(Err(not_all(times, &answer.odd())), false),
            Some(Err(failure)) => of(Err(not_all(times, &failure.reason)), false),
        }
    }
}

/// Why nothing is proved where a further connection got no answer.
pub(super) fn not_all(times: usize, reason: &str) -> Failure {
    Failure::new(format!(
        "it was asked on {times} further connections, and not all of them got an answer: {reason}"
    ))
}
