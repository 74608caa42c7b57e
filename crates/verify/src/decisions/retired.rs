//! Rules that there were. Who leaves one out, in a script or by a comment, is told that this is no longer needed, and
//! nothing fails.

/// A rule's name, and why it went.
const RETIRED: [(&str, &str); 1] = [(
    "appended-credentials",
    "a restart replaces the old credentials on every version (docs/clearml.md#a-restart-replaces-credentials)",
)];

/// What to say of a rule that there was; nothing for any other name.
pub(crate) fn why(id: &str) -> Option<String> {
    let (_, why) = RETIRED.iter().find(|(name, _)| *name == id)?;
    Some(format!("{id} is no longer a rule: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::ids;

    #[test]
    fn a_rule_is_retired_or_in_use() {
        for (id, _) in RETIRED {
            assert!(!ids().contains(&id), "{id}");
        }
        assert_eq!(why("weak-secret"), None);
    }
}
