use std::fmt;

use zeroize::Zeroizing;

/// The only holder of secret text.
///
/// It is wiped when dropped, shows nothing of itself in `Debug`, has no `Display` and no `Serialize`.
/// Reading it takes [`Secret::expose`], so that every place where a secret leaves its holder is found
/// by searching for that one word.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Whether a text has it; in a compose file a `$` is written twice.
    pub fn is_in(&self, text: &str) -> bool {
        let own = self.expose();
        !own.is_empty()
            && (text.contains(own)
                || own.contains('$') && text.contains(&*Zeroizing::new(own.replace('$', "$$"))))
    }

    /// Takes over `text`. No copy is made, so there is none to wipe elsewhere.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The secret itself. Anyone who calls this answers for where the text goes.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Length in characters. Not a secret: every generated one has the same.
    pub fn chars(&self) -> usize {
        self.0.chars().count()
    }

    /// Whether there is no character at all, which servers treat as "no credential".
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text.to_owned())
    }
}

impl From<Zeroizing<String>> for Secret {
    fn from(text: Zeroizing<String>) -> Self {
        Self(text)
    }
}

impl From<&pyhocon::WipedText> for Secret {
    fn from(text: &pyhocon::WipedText) -> Self {
        Self::from(text.expose())
    }
}

/// What to do where SOPS has encrypted a value.
pub(crate) const DECRYPT: &str = "decrypt the file, and pass what `sops -d FILE` prints";

/// Why a text is no value yet: another program replaces it before a server starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// `<path:…#…>`, a reference of Argo CD's Vault plugin.
    ArgoVault,
    /// `NAME@azurekeyvault`, a reference of akv2k8s.
    AzureKeyVault,
    /// `berglas://…` and `sm://…`, references of Berglas.
    Berglas,
    /// It is encrypted.
    Encrypted(Encryption),
    /// `op://…`, a reference of 1Password.
    OnePassword,
    /// `gcp:secretmanager:…`, a reference of secrets-init. The names of AWS's secrets are weak ones.
    SecretsInit,
    /// `ref+…://…`, a reference of vals.
    Vals,
    /// `vault:…#…`, a reference of bank-vaults.
    Vault,
}

impl Replaced {
    /// What a text waits for; none where it is a value.
    pub fn of(text: &str) -> Option<Self> {
        let begins = |starts: &[&str]| starts.iter().any(|start| text.starts_with(start));
        let has = |signs: &[&str]| signs.iter().all(|sign| text.contains(sign));
        if let Some(encryption) = Encryption::of(text) {
            Some(Self::Encrypted(encryption))
        } else if begins(&["op://"]) {
            Some(Self::OnePassword)
        } else if begins(&["ref+"]) && has(&["://"]) {
            Some(Self::Vals)
        } else if begins(&["vault:", "bao:", ">>vault:", "${vault:"]) && has(&["#"]) {
            Some(Self::Vault)
        } else if begins(&["<path:"]) && has(&["#", ">"]) {
            Some(Self::ArgoVault)
        } else if begins(&["gcp:secretmanager:"]) {
            Some(Self::SecretsInit)
        } else if begins(&["berglas://", "sm://"]) {
            Some(Self::Berglas)
        } else if has(&["@azurekeyvault"]) {
            Some(Self::AzureKeyVault)
        } else {
            None
        }
    }

    /// What is so of `what`.
    pub fn said_of(self, what: &str) -> String {
        let by = match self {
            Self::Encrypted(by) => return format!("{by} has encrypted {what}"),
            Self::ArgoVault => "the Vault plugin of Argo CD replaces",
            Self::AzureKeyVault => "akv2k8s replaces in the cluster",
            Self::Berglas => "Berglas replaces when the container starts",
            Self::SecretsInit => "secrets-init replaces when the container starts",
            Self::OnePassword => "`op run` replaces",
            Self::Vals => "vals replaces",
            Self::Vault => "a webhook for Vault replaces in the cluster",
        };
        format!("{what} is a reference that {by}")
    }

    /// How to get the value; none where only the cluster has it.
    pub fn advice(self) -> Option<&'static str> {
        match self {
            Self::Encrypted(Encryption::Dotenvx) => {
                Some("pass what `dotenvx decrypt --stdout -f FILE` prints")
            }
            Self::Encrypted(Encryption::Sops) => Some(DECRYPT),
            Self::OnePassword => Some("pass what `op inject -i FILE` prints"),
            Self::Vals => Some("pass what `vals eval -f FILE` prints"),
            Self::ArgoVault => Some("pass what `argocd-vault-plugin generate FILE` prints"),
            Self::AzureKeyVault | Self::Berglas | Self::SecretsInit | Self::Vault => None,
        }
    }
}

/// Whether SOPS has encrypted a text.
pub fn is_encrypted(text: &str) -> bool {
    Encryption::of(text) == Some(Encryption::Sops)
}

/// A program that encrypts the values of a file where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// `encrypted:`, and base64.
    Dotenvx,
    /// `ENC[AES256_GCM,data:…]`.
    Sops,
}

impl Encryption {
    /// What has encrypted a value; none where it is as it is.
    pub fn of(value: &str) -> Option<Self> {
        if value.starts_with("ENC[AES256_GCM,") {
            Some(Self::Sops)
        } else if value.starts_with("encrypted:") {
            Some(Self::Dotenvx)
        } else {
            None
        }
    }
}

impl fmt::Display for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dotenvx => "dotenvx",
            Self::Sops => "SOPS",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let secret = Secret::from("MARK-ME");
        assert_eq!(
            format!("{secret:?} {:?}", Some(&secret)),
            "Secret(redacted) Some(Secret(redacted))"
        );
    }
}
