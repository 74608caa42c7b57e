//! Whether a text is what a template has where somebody is to write a password: `<enter password here>`, `${PASSWORD}`,
//! `CHANGE_ME_PLEASE`, `your-strong-password`.
//!
//! A list of such texts has never an end. What they have in common: they are in the brackets of a template, or made of
//! a few words only, one of which says what to do.

use zeroize::Zeroizing;

use crate::known;

/// Brackets that no password begins and ends with by chance.
const BRACKETS: [(&str, &str); 12] = [
    ("<", ">"),
    ("«", "»"),
    ("‹", "›"),
    ("${", "}"),
    ("$(", ")"),
    ("{{", "}}"),
    ("[[", "]]"),
    ("%(", ")s"),
    ("__", "__"),
    ("@@", "@@"),
    ("%%", "%%"),
    ("##", "##"),
];

/// Brackets that it may begin and end with: what is between them has to be a name.
const AROUND_A_NAME: [(&str, &str); 6] = [
    ("[", "]"),
    ("{", "}"),
    ("(", ")"),
    ("%", "%"),
    ("@", "@"),
    ("$", ""),
];

/// Words that say what to do, or that something is yet to be done.
const TELLING: &str = "change changed changeit changeme changethis choose define dummy edit enter example fill fixme \
                       generate generated goes here insert me modify my name new not pick placeholder please put redacted \
                       replace replaceme replaced required sample set setme some something supply tbd template todo type \
                       update use your yours cambiame contrasena contraseña dein deinpasswort geheim hier ici ihr \
                       ihrpasswort passwort votre пароль 密码";

/// Words that stand beside them.
const FILLING: &str = "a access account actual admin administrator agent all an and any api as at base bcrypt be by chars characters \
                       clear clearml client complex credential credentials default deploy deploying deployment environment \
                       first for from going guest hash hashed immediately id in into is it jane john key later least live \
                       login long must need now of on one own pass passphrase passwd password plain prod production pw \
                       random real root safe secret secure server should string strong support text that the this to \
                       unique user username users value very web with you after before bits bytes fake hex in knows \
                       nobody openssl output rand rotate super token until urandom uuid uuidgen uuid4 when aqui aquí \
                       bitte das de eintragen la mot passe su tu ändern";

/// Commands that print a secret, where their text is the value and not what they print. A dash and an underscore are a blank.
const COMMANDS: [&str; 6] = [
    "/dev/urandom",
    "clearml keygen",
    "openssl rand",
    "pwgen ",
    "secrets.token ",
    "uuidgen",
];

/// Whether a text stands where somebody is to write another.
pub fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    known::is_stand_in(text)
        || is_in_brackets(text)
        || is_made_of_words(text)
        || is_command(text)
        || is_note(text)
}

/// Whether a command is in it, also as a name has it: `openssl_rand_base64_48`.
fn is_command(text: &str) -> bool {
    let blank = |c: char| if "_-".contains(c) { ' ' } else { c };
    let plain = text.chars().map(blank).flat_map(char::to_lowercase);
    let plain: Zeroizing<String> = Zeroizing::new(plain.collect());
    COMMANDS.iter().any(|command| plain.contains(command))
}

/// Whether somebody has noted that it is yet to be done: `TODO: make a secret`.
fn is_note(text: &str) -> bool {
    const NOTES: [&str; 3] = ["FIXME", "TODO", "XXX"];
    let rest = NOTES.iter().find_map(|note| text.strip_prefix(note));
    rest.is_some_and(|rest| rest.starts_with([':', ' ', '_', '-']))
}

/// `${PASSWORD}`, `%PASSWORD%`, `$PASSWORD`.
fn is_in_brackets(text: &str) -> bool {
    let inner = |(open, close): &(&str, &str)| {
        let inner = text.strip_prefix(open)?.strip_suffix(close)?;
        (!inner.trim().is_empty()).then(|| inner.trim())
    };
    let is_name = |text: &str| {
        let is_part = |c: char| c.is_alphabetic() || matches!(c, '_' | '-' | '.' | ' ');
        text.chars().all(is_part)
            && words(text).all(|word| is_among(TELLING, &word) || is_among(FILLING, &word))
    };
    // In the middle of a password a bracket is a character like any other.
    let is_one =
        |inner: &str, close: &str| close.is_empty() || !inner.contains(close.trim_end_matches('s'));
    BRACKETS
        .iter()
        .any(|pair| inner(pair).is_some_and(|inner| is_one(inner, pair.1)))
        || AROUND_A_NAME
            .iter()
            .any(|pair| inner(pair).is_some_and(is_name))
}

/// Whether it has nothing but known words, and one of them is telling. What is repeated to fill a place, such as `xxxx` or
/// `***`, is one word.
fn is_made_of_words(text: &str) -> bool {
    let mut is_telling = false;
    let mut characters = text.chars();
    if let Some(first) = characters.next()
        && matches!(first, 'x' | 'X' | '*' | '.' | '-' | '_' | '?' | '…')
        && characters.all(|c| c == first)
    {
        return true;
    }
    let is_all_known = words(text).all(|word| {
        let is_one = is_among(TELLING, &word);
        is_telling |= is_one;
        is_one || is_filling(&word)
    });
    is_all_known && is_telling
}

/// Whether a text is made of nothing but words that stand in passwords of templates and of administrators, and of numbers:
/// `Admin@12345`.
#[cfg(feature = "passwords")]
pub(crate) fn is_usual(text: &str) -> bool {
    let mut words = words(text).peekable();
    words.peek().is_some() && words.all(|word| is_among(TELLING, &word) || is_filling(&word))
}

/// One of the words between the telling ones, or a number such as a year.
fn is_filling(word: &str) -> bool {
    let is_number = word.len() <= 5 && word.bytes().all(|byte| byte.is_ascii_digit());
    is_number || is_among(FILLING, word)
}

fn is_among(list: &str, word: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == word)
}

/// The words of a text, in lower case: what stands between other characters, and in `changeThisNow` what capitals begin.
/// Up to three digits at the end of a word are no part of it: `password1`.
fn words(text: &str) -> impl Iterator<Item = Zeroizing<String>> {
    let mut words: Vec<Zeroizing<String>> = Vec::new();
    let mut before = ' ';
    for c in text.chars() {
        let is_word = c.is_alphanumeric();
        let begins = !before.is_alphanumeric() || (before.is_lowercase() && c.is_uppercase());
        if is_word && begins {
            words.push(Zeroizing::new(String::new()));
        }
        if let Some(word) = words.last_mut().filter(|_| is_word) {
            word.extend(c.to_lowercase());
        }
        before = c;
    }
    words.into_iter().map(|word| {
        let name = word.trim_end_matches(|c: char| c.is_ascii_digit());
        match word.len() - name.len() {
            1..=3 if !name.is_empty() => Zeroizing::new(name.to_owned()),
            _ => word,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_templates_have_is_told() {
        for text in [
            "<enter password here>",
            "<your-password>",
            "<tWq9>",
            "${PASSWORD}",
            "${ADMIN_PASSWORD:-changeme}",
            "{{ clearml_admin_password }}",
            "{{ .Values.password }}",
            "$(PASSWORD)",
            "$PASSWORD",
            "%PASSWORD%",
            "%(password)s",
            "@PASSWORD@",
            "__PASSWORD__",
            "[password]",
            "{password}",
            "change-me",
            "Change_Me!",
            "CHANGE_ME_PLEASE",
            "changeThisPassword",
            "changeme123",
            "your_password",
            "your-strong-password",
            "YourSecurePasswordHere",
            "enter_your_password_here",
            "replace with a long random string",
            "REPLACE_ME_IN_PRODUCTION",
            "CHANGE_THIS_PASSWORD_NOW",
            "change-before-going-live",
            "put-your-password-here",
            "set-a-strong-password",
            "TODO",
            "todo: choose a password",
            "my-password",
            "new_password",
            "example password",
            "xxxxxxxx",
            "********",
            "...",
            "ihr-passwort-hier",
            "votre mot de passe",
            "密码",
            " <password> ",
            "REPLACE-WITH-OUTPUT-OF-openssl-rand-hex-32",
            "GENERATE_WITH_openssl_rand_base64_48",
            "FILL-IN-BEFORE-DEPLOYMENT-token-secret-0001",
            "my-super-secret-token-that-nobody-knows-42",
            "ChangeMe!2024",
            "@@TOKEN@@",
            "not-a-real-password",
            "`openssl rand -base64 48`",
            "openssl rand -base64 48 | tr -d '\\n'",
            "head -c 32 /dev/urandom | base64",
            "openssl_rand_base64_48",
            "TODO: a real one, before the launch of phase two",
            "FIXME-vault-path-for-clearml",
            "python -c 'import secrets; print(secrets.token_hex(32))'",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
    }

    #[test]
    fn what_people_and_generators_choose_is_none() {
        for text in [
            "",
            "<tWq9-violet-orbit-lamp-frozen",
            "tWq9-violet-orbit-lamp-frozen>",
            "<a>tWq9<b>",
            "{Hunter2xQ9}",
            "[k3Vd-wq81]",
            "$tWq9xviolet",
            "correct-horse-battery-staple-violet",
            "orbit lamp frozen tunic",
            "here comes the violet sun",
            "my-violet-orbit",
            "Xk2!changeme",
            "the password is violet",
            "1234567890",
            "%41",
        ] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
