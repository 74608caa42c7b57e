//! Whether somebody could guess a password of the web login. People choose these, unlike a server's secrets, so
//! zxcvbn knows best what people choose.

use zeroize::Zeroizing;

use crate::known;
use crate::placeholder::{is_placeholder, is_usual};
use crate::strength::{is_address, is_guessed};

/// zxcvbn reads no more of a password than this: its work grows faster than the text.
const LONGEST: usize = 100;

/// Why a password is weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PasswordWeakness {
    /// The address of a secret, or the path of a file, where its content should be.
    Address,
    /// There is none.
    Empty,
    /// Everybody can read it.
    Example,
    /// zxcvbn's score is below 3 of 4.
    Guessed,
    /// What it belongs to.
    Name,
    /// What stands where somebody is to write one.
    Placeholder,
}

/// Whether a user's password is weak, and how. `name` is what the web page shows of the user.
pub fn weakness(password: &str, username: &str, name: &str) -> Option<PasswordWeakness> {
    let start: Zeroizing<String> = Zeroizing::new(password.chars().take(LONGEST).collect());
    if password.is_empty() {
        Some(PasswordWeakness::Empty)
    } else if password.to_lowercase() == username.to_lowercase() {
        // Before all others: a message of this kind must not print the name.
        Some(PasswordWeakness::Name)
    } else if is_placeholder(password) {
        Some(PasswordWeakness::Placeholder)
    } else if known::lookup(password).is_some() {
        Some(PasswordWeakness::Example)
    } else if is_address(password) {
        Some(PasswordWeakness::Address)
    } else if is_usual(password) || is_guessed(&start) {
        Some(PasswordWeakness::Guessed)
    } else {
        let joined: String = name.split_whitespace().collect();
        let mut known = vec![username, &joined, "clearml", "trains"];
        known.extend(name.split_whitespace());
        (zxcvbn::zxcvbn(&start, &known).score() < zxcvbn::Score::Three)
            .then_some(PasswordWeakness::Guessed)
    }
}

impl PasswordWeakness {
    /// In words, behind "the password".
    pub fn text(self) -> &'static str {
        match self {
            Self::Address => "is the address of a secret or of a file, and not what is in it",
            Self::Empty => "is empty",
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
            ("123456", PasswordWeakness::Example),
            ("<enter password here>", PasswordWeakness::Placeholder),
            ("Change-Me", PasswordWeakness::Placeholder),
            ("JANE", PasswordWeakness::Name),
            ("", PasswordWeakness::Empty),
            ("${ADMIN_PASSWORD}", PasswordWeakness::Placeholder),
            ("enter_your_password_here", PasswordWeakness::Placeholder),
            ("ChangeMe!2024", PasswordWeakness::Placeholder),
            ("@@PASSWORD@@", PasswordWeakness::Placeholder),
            ("%%CLEARML_PW%%", PasswordWeakness::Placeholder),
            ("not-a-real-password", PasswordWeakness::Placeholder),
            ("/run/secrets/jane_password", PasswordWeakness::Address),
            ("https://vault.acme.com/jane", PasswordWeakness::Address),
            ("vault:kv/clearml#jane", PasswordWeakness::Address),
            ("Admin@12345", PasswordWeakness::Guessed),
            ("Passw0rd!", PasswordWeakness::Guessed),
            ("clearml2024", PasswordWeakness::Guessed),
            ("Spring2024#", PasswordWeakness::Guessed),
            ("correcthorsebatterystaple", PasswordWeakness::Guessed),
            ("hello world", PasswordWeakness::Guessed),
            ("janefitzgerald7", PasswordWeakness::Guessed),
            ("jqkljqkljqkljqkl", PasswordWeakness::Guessed),
            ("aabaabaabaabaabaab", PasswordWeakness::Guessed),
            ("x13/4/1996", PasswordWeakness::Guessed),
            ("x1996-04-13", PasswordWeakness::Guessed),
            ("vj1987qk", PasswordWeakness::Guessed),
        ] {
            assert_eq!(
                weakness(password, "jane", "Jane Fitzgerald"),
                Some(expected),
                "{password}"
            );
        }
        assert_eq!(
            weakness("guest", "Guest", "Guest"),
            Some(PasswordWeakness::Name)
        );
        for password in [
            "correct-zebra-piano-volcano",
            "lamp-orbit-quilt-92",
            "gR7tY2pLq9Wz",
            "7f3c9a1be5d24806",
            "ueberraschung-kaktus-laterne",
            "a password of hers",
            "the house is on our hill",
        ] {
            assert_eq!(weakness(password, "jane", "Jane"), None, "{password}");
        }
        for _ in 0..20 {
            let password = generate::password().unwrap();
            assert_eq!(weakness(password.expose(), "jane", "Jane"), None);
        }
    }
}
