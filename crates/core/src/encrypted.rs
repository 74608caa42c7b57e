//! Files that another program has encrypted as a whole. What is in them comes from it, in a pipe.

/// Who has encrypted a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encrypted {
    program: &'static str,
    /// What prints the text.
    command: &'static str,
}

/// How a file of each program begins, in bytes and as text.
const HEADS: [(&str, &str, &str); 4] = [
    ("age-encryption.org/", "age", "age -d -i IDENTITY FILE"),
    ("-----BEGIN AGE ENCRYPTED", "age", "age -d -i IDENTITY FILE"),
    ("-----BEGIN PGP MESSAGE", "GnuPG", "gpg -d FILE"),
    (
        "$ANSIBLE_VAULT;",
        "Ansible Vault",
        "ansible-vault view FILE",
    ),
];

/// How a message of OpenPGP begins that is for keys, or for a password (RFC 9580, section 4.2). No text does.
const PACKETS: [u8; 6] = [0x84, 0x85, 0x86, 0x8c, 0xc1, 0xc3];

impl Encrypted {
    /// By what a text begins with.
    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let text = text.trim_start();
        let known = HEADS.iter().find(|(head, ..)| text.starts_with(head))?;
        let (_, program, command) = *known;
        Some(Self { program, command })
    }

    /// By what bytes begin with that are no text.
    pub(crate) fn of_bytes(bytes: &[u8], before: &str) -> Option<Self> {
        let is_packet =
            before.is_empty() && bytes.first().is_some_and(|byte| PACKETS.contains(byte));
        Self::of_text(before).or(is_packet.then_some(Self {
            program: "GnuPG",
            command: "gpg -d FILE",
        }))
    }

    /// What to say of it.
    pub(crate) fn message(self) -> String {
        format!("{} has encrypted the file", self.program)
    }

    /// What to do about it.
    pub(crate) fn help(self) -> String {
        format!("decrypt it, and pass what `{}` prints", self.command)
    }
}
