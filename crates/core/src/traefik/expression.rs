//! Expressions of functions, as Traefik has them in rules and in constraints: ``Host(`a.example`) && !Method(`POST`)``.

/// Parentheses and `!` may be nested so deep; what is deeper is not read.
const DEPTH_LIMIT: usize = 32;

/// Whether a function of some arguments is true, where that is known.
type Function<'a> = dyn Fn(&str, &[&str]) -> Option<bool> + 'a;

/// Whether an expression holds; none where that is not known, or where it is none.
pub(crate) fn holds(expression: &str, is_so: &Function<'_>) -> Option<bool> {
    let mut reader = Reader {
        rest: expression,
        is_so,
        depth: 0,
    };
    let holds = reader.any()?;
    reader.rest.trim().is_empty().then_some(holds)?
}

struct Reader<'a> {
    rest: &'a str,
    is_so: &'a Function<'a>,
    depth: usize,
}

/// Of what is read: whether it holds, where that is known. None where it is no expression.
type Holds = Option<Option<bool>>;

impl<'a> Reader<'a> {
    /// `one || other`.
    fn any(&mut self) -> Holds {
        let mut holds = self.all()?;
        while self.takes("||") {
            holds = decided(holds, self.all()?, true);
        }
        Some(holds)
    }

    /// `one && other`.
    fn all(&mut self) -> Holds {
        let mut holds = self.one()?;
        while self.takes("&&") {
            holds = decided(holds, self.one()?, false);
        }
        Some(holds)
    }

    fn one(&mut self) -> Holds {
        self.depth += 1;
        if self.depth > DEPTH_LIMIT {
            return None;
        }
        let holds = if self.takes("!") {
            self.one()?.map(|holds| !holds)
        } else if self.takes("(") {
            let holds = self.any()?;
            self.takes(")").then_some(holds)?
        } else {
            self.call()?
        };
        self.depth -= 1;
        Some(holds)
    }

    /// ``Function(`argument`, "argument")``.
    fn call(&mut self) -> Holds {
        let (function, rest) = self.rest.split_once('(')?;
        self.rest = rest;
        let mut arguments = vec![self.text()?];
        while self.takes(",") {
            arguments.push(self.text()?);
        }
        self.takes(")").then_some(())?;
        Some((self.is_so)(function.trim(), &arguments))
    }

    fn text(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '`' | '"'))?;
        let (text, after) = rest[1..].split_once(quote)?;
        self.rest = after;
        // Go's escapes are not read.
        (quote == '`' || !text.contains('\\')).then_some(text)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }
}

/// What two parts make, of which one that is `enough` decides.
fn decided(one: Option<bool>, other: Option<bool>, enough: bool) -> Option<bool> {
    match (one, other) {
        (Some(holds), _) | (_, Some(holds)) if holds == enough => Some(holds),
        (Some(holds), Some(_)) => Some(holds),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nested_too_deep_is_not_read() {
        assert_eq!(holds(&"(".repeat(100_000), &|_, _| None), None);
    }
}
