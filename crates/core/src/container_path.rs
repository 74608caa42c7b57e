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
}
