//! Whether somebody could guess a password of the web login. People choose these, unlike a server's secrets, so
//! zxcvbn knows best what people choose.

use zeroize::Zeroizing;

use crate::known;

/// zxcvbn reads no more of a password than this: its work grows faster than the text.
const LONGEST: usize = 100;

/// Why a password is weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// Everybody can read it.
    Example,
    /// zxcvbn's score is below 3 of 4.
    Guessed,
    /// What it belongs to.
    Name,
    /// What stands where somebody is to write one.
    Placeholder,
}

/// Whether a user's password is weak, and how.
pub fn weakness(password: &str, username: &str) -> Option<Weakness> {
    let start: Zeroizing<String> = Zeroizing::new(password.chars().take(LONGEST).collect());
    if known::is_stand_in(password) {
        Some(Weakness::Placeholder)
    } else if known::lookup(password).is_some() {
        Some(Weakness::Example)
    } else if password.eq_ignore_ascii_case(username) {
        Some(Weakness::Name)
    } else if zxcvbn::zxcvbn(&start, &[username, "clearml", "trains"]).score()
        < zxcvbn::Score::Three
    {
        Some(Weakness::Guessed)
    } else {
        None
    }
}

impl Weakness {
    /// In words, behind "the password".
    pub fn text(self) -> &'static str {
        match self {
            Self::Example => "is an example of the documentation",
            Self::Guessed => "is guessed easily",
            Self::Name => "is the name itself",
            Self::Placeholder => "is a placeholder that nobody has replaced",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate;

    #[test]
    fn what_people_choose_is_weak_and_what_is_generated_is_not() {
        for (password, expected) in [
            ("123456", Weakness::Example),
            ("<enter password here>", Weakness::Placeholder),
            ("Change-Me", Weakness::Placeholder),
            ("JANE", Weakness::Name),
            ("Passw0rd!", Weakness::Guessed),
            ("clearml2024", Weakness::Guessed),
        ] {
            assert_eq!(weakness(password, "jane"), Some(expected), "{password}");
        }
        for _ in 0..20 {
            let password = generate::password().unwrap();
            assert_eq!(weakness(password.expose(), "jane"), None);
        }
    }
}
