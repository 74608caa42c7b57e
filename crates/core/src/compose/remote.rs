//! What Docker Compose fetches: `include` and `extends` may name a git repository or an OCI artifact. Held against Docker
//! Compose 2.40: an `env_file` is never fetched, and neither is a file that a URL names without a repository around it.

/// Why a file that is not here is not checked.
pub(super) const REASON: &str =
    "it is remote: docker compose fetches it, and this program does not";

/// What a remote file is called, without what logs in to it; none for a path of this machine.
pub(super) fn name(path: &str) -> Option<String> {
    let is_git = is_repository(path);
    if !is_git && !path.starts_with("oci://") {
        return None;
    }
    let end = path.find(['?', '#']).unwrap_or(path.len());
    let shown = &path[..end];
    Some(match shown.split_once("://") {
        Some((scheme, rest)) => {
            let host_end = rest.find('/').unwrap_or(rest.len());
            let start = rest[..host_end].rfind('@').map_or(0, |at| at + 1);
            format!("{scheme}://{}", &rest[start..])
        }
        None => shown.to_owned(),
    })
}

fn is_repository(path: &str) -> bool {
    let end = path.find(['?', '#']).unwrap_or(path.len());
    let address = &path[..end];
    match address.split_once("://") {
        Some(("git" | "ssh", _)) => true,
        Some(("http" | "https", _)) => address.ends_with(".git"),
        Some(_) => false,
        None => address.starts_with("github.com/") || is_scp(address),
    }
}

/// `git@host:path`, as scp and git take it.
fn is_scp(address: &str) -> bool {
    let Some((user, rest)) = address.split_once('@') else {
        return false;
    };
    let is_name = |text: &str| {
        let is_part = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        !text.is_empty() && text.chars().all(is_part)
    };
    is_name(user)
        && rest
            .split_once(':')
            .is_some_and(|(host, path)| is_name(host) && !path.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_compose_fetches_is_remote_and_named_without_a_password() {
        for (path, is) in [
            ("git@github.com:o/r.git", Some("git@github.com:o/r.git")),
            (
                "https://u:secret@h/o/r.git#main:sub",
                Some("https://h/o/r.git"),
            ),
            ("http://h/x.git", Some("http://h/x.git")),
            ("github.com/o/r", Some("github.com/o/r")),
            ("ssh://git@h/x.git", Some("ssh://h/x.git")),
            ("git://h/x", Some("git://h/x")),
            ("oci://h/x:1", Some("oci://h/x:1")),
            ("https://h/x.yml", None),
            ("docker.io/o/r", None),
            ("../git@home/x.yml", None),
            ("C:/x.yml", None),
            ("part.yml", None),
        ] {
            assert_eq!(name(path).as_deref(), is, "{path}");
        }
    }
}
