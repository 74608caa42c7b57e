//! Paths in a container, which are text: nothing here is on this machine.

/// An absolute path without empty parts, `.` and `..`, as compose, a build and the kernel walk it where no part is a link.
/// No `..` leads further up than `/`.
pub(crate) fn cleaned(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// What a path is below a folder: empty for the folder itself, none where it is elsewhere.
pub(crate) fn relative<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(folder.trim_end_matches('/'))?;
    if rest.is_empty() {
        Some(rest)
    } else {
        rest.strip_prefix('/')
    }
}

/// Whether a path is a folder or below it.
pub(crate) fn is_below(path: &str, folder: &str) -> bool {
    relative(path, folder).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_leads_out_of_the_container() {
        for (written, clean) in [
            ("", "/"),
            ("/", "/"),
            ("opt//clearml/./config/", "/opt/clearml/config"),
            ("/opt/a/../b", "/opt/b"),
            ("/../../etc", "/etc"),
        ] {
            assert_eq!(cleaned(written), clean, "{written}");
        }
    }

    #[test]
    fn a_name_that_begins_as_a_folders_is_not_below_it() {
        for (path, folder, rest) in [
            ("/opt/clearml", "/opt/clearml/", Some("")),
            (
                "/opt/clearml/config/a.conf",
                "/opt/clearml",
                Some("config/a.conf"),
            ),
            ("/opt", "/", Some("opt")),
            ("/opt/clearml2", "/opt/clearml", None),
            ("/opt", "/opt/clearml", None),
        ] {
            assert_eq!(relative(path, folder), rest, "{path} {folder}");
        }
    }
}
