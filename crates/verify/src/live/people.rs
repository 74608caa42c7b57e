//! Who is at a running server: the agents that were seen lately, and the users that there are.

use crate::words::and;

/// Who is at a server. No name is a server's own: these are known from the keyset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct People {
    /// The agents of the last hour, by whose keys they have; none where that was not told.
    pub(crate) agents: Option<Vec<(Whose, usize)>>,
    /// The users; none where that was not told.
    pub(crate) users: Option<Users>,
}

/// Whose keys an agent logs in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// An account of the keyset.
    Account(&'static str),
    /// A web-login user of the keyset.
    User(String),
    /// Anybody else's.
    Others,
}

/// The users of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Users {
    /// Those of the keyset.
    pub(crate) known: Vec<String>,
    /// How many others.
    pub(crate) others: usize,
    /// Whether there may be more.
    pub(crate) is_cut: bool,
}

/// What no server tells.
pub(crate) const NOT_TOLD: &str =
    "not checked: sessions, and API keys that users made: no server lists them";

impl People {
    /// For people, a line each.
    pub(crate) fn words(&self) -> Vec<String> {
        let agents = self.agents.iter().flat_map(|agents| of_agents(agents));
        let users = self.users.iter().map(Users::words);
        agents.chain(users).chain([NOT_TOLD.to_owned()]).collect()
    }
}

fn of_agents(agents: &[(Whose, usize)]) -> Vec<String> {
    let count: usize = agents.iter().map(|(_, count)| count).sum();
    if count == 0 {
        return vec!["no agent was active in the last hour".to_owned()];
    }
    let mut lines = vec![format!(
        "{} active in the last hour and will log in again",
        were(count, "agent")
    )];
    for (whose, count) in agents {
        lines.push(match whose {
            Whose::Account(name) => format!(
                "  {count} with the pair of {name}: cut off until it has the new one, if that is replaced"
            ),
            Whose::User(name) => format!("  {count} with keys of {name}, which a rotation leaves as they are"),
            Whose::Others => format!(
                "  {count} with keys of users who are not in the keyset, which a rotation leaves as they are"
            ),
        });
    }
    lines
}

fn were(count: usize, word: &str) -> String {
    match count {
        1 => format!("1 {word} was"),
        _ => format!("{count} {word}s were"),
    }
}

impl Users {
    fn words(&self) -> String {
        let count = self.known.len() + self.others;
        let least = if self.is_cut { "at least " } else { "" };
        let users = if count == 1 { "user" } else { "users" };
        let known: Vec<&str> = self.known.iter().map(String::as_str).collect();
        let others = match self.others {
            0 => String::new(),
            others => format!("{others} who are not in the keyset"),
        };
        let mut names = known;
        if !others.is_empty() {
            names.push(&others);
        }
        match names.is_empty() {
            true => "no users".to_owned(),
            false => format!("{least}{count} {users}: {}", and(&names)),
        }
    }
}
