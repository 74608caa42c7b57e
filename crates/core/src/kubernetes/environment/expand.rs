//! `$(NAME)` in values, commands and arguments, as Kubernetes expands it.

use crate::container::VariableValue;

/// A text with what its references stand for: `$(NAME)` of a name that nothing has stays, `$$` is a dollar sign, and so is
/// any other. The value of a reference that is not known, where there is one.
pub(in crate::kubernetes) fn expand(
    text: &str,
    value: &dyn Fn(&str) -> Option<VariableValue>,
) -> Result<String, VariableValue> {
    let mut done = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        done.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            done.push('$');
            rest = after;
        } else if let Some((name, after)) = rest
            .strip_prefix('(')
            .and_then(|inner| inner.split_once(')'))
        {
            match value(name) {
                Some(VariableValue::Known(text)) => done.push_str(text.expose()),
                Some(other) => return Err(other),
                None => {
                    done.push_str("$(");
                    done.push_str(name);
                    done.push(')');
                }
            }
            rest = after;
        } else {
            done.push('$');
        }
    }
    done.push_str(rest);
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    #[test]
    fn references_are_expanded_as_kubernetes_does() {
        let value = |name: &str| match name {
            "A" => Some(VariableValue::Known(Secret::from("a$(B)"))),
            "U" => Some(VariableValue::Unknown("not told".into())),
            _ => None,
        };
        for (text, expected) in [
            ("$(A)", "a$(B)"),
            ("$(B)", "$(B)"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$a$(B)"),
            ("$$", "$"),
            ("$", "$"),
            ("$A ${A} $(A", "$A ${A} $(A"),
            ("x$(A)y$(A)", "xa$(B)ya$(B)"),
            ("$()", "$()"),
            ("$($(A))", "$($(A))"),
        ] {
            assert_eq!(
                expand(text, &value).ok().as_deref(),
                Some(expected),
                "{text}"
            );
        }
        assert!(matches!(
            expand("x$(U)", &value),
            Err(VariableValue::Unknown(_))
        ));
    }
}
