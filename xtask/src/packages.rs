//! Programs of the system that tests run, as packages of Debian and Ubuntu.

use std::path::Path;
use std::process::Command;

use crate::shell::{self, Result};

/// Programs, and the package of each.
const PROGRAMS: [(&str, &str); 14] = [
    ("age", "age"),
    ("ansible-playbook", "ansible-core"),
    ("apache2", "apache2-bin"),
    ("busybox", "busybox"),
    ("caddy", "caddy"),
    ("chromium", "chromium"),
    ("haproxy", "haproxy"),
    ("man", "man-db"),
    ("nginx", "nginx"),
    ("nix-instantiate", "nix-bin"),
    ("redis-server", "redis-server"),
    ("ruby", "ruby"),
    ("ssh-keygen", "openssh-client"),
    ("strace", "strace"),
];

/// The packages that are not installed.
pub(crate) fn missing() -> Vec<&'static str> {
    let is_there = |program: &str| {
        shell::on_path(program).is_some() || Path::new("/usr/sbin").join(program).exists()
    };
    let missing = PROGRAMS
        .into_iter()
        .filter(|(program, _)| !is_there(program));
    let mut missing: Vec<&str> = missing.map(|(_, package)| package).collect();
    if !has_venv() && shell::on_path("virtualenv").is_none() {
        missing.push("python3-venv");
    }
    missing
}

/// The package of the program that was not found, where that is why a test was skipped.
pub(crate) fn of_reason(reason: &str) -> Option<&'static str> {
    let is_named = |program: &str| reason.ends_with(&format!("{program} not found"));
    let mut programs = PROGRAMS.into_iter();
    programs
        .find(|(program, _)| is_named(program))
        .map(|(_, package)| package)
}

/// The command that installs them, for a person to type.
pub(crate) fn command(packages: &[&str]) -> String {
    format!("apt install --no-install-recommends {}", packages.join(" "))
}

/// Installs them without asking, which takes root and apt. No service is started.
pub(crate) fn install(packages: &[&str]) -> Result {
    if packages.is_empty() {
        return Ok(());
    }
    let is_root = shell::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if !is_root || shell::on_path("apt-get").is_none() {
        return Err(format!(
            "--install needs root on Debian or Ubuntu. There, run: sudo {}",
            command(packages)
        ));
    }
    println!("Installing {} …", packages.join(", "));
    shell::run(Command::new(shell::root().join("xtask/install_packages.sh")).args(packages))
}

/// Whether Python can make an environment: on Debian the module is there, but not what it copies.
pub(crate) fn has_venv() -> bool {
    shell::succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"]))
}

#[cfg(test)]
mod tests {
    use std::env;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    use super::*;

    /// Stands in for apt-get: notes what the policy answers while packages are installed, and ends as it is told.
    const APT: &str = "#!/bin/sh\n\
        answer=0; \"$DPKG_ROOT/usr/sbin/policy-rc.d\" nginx start || answer=$?\n\
        echo \"$1 $answer\" >>\"$DPKG_ROOT/log\"\n\
        [ \"$1\" != install ] || eval \"$END\"\n";

    struct Machine {
        root: PathBuf,
    }

    impl Machine {
        fn new(name: &str) -> Self {
            let root = env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
            fs::create_dir_all(root.join("usr/sbin")).unwrap();
            fs::write(root.join("apt-get"), APT).unwrap();
            fs::set_permissions(root.join("apt-get"), fs::Permissions::from_mode(0o755)).unwrap();
            Self { root }
        }

        fn policy(&self) -> PathBuf {
            self.root.join("usr/sbin/policy-rc.d")
        }

        /// Runs the script, with a command that apt-get ends with, and returns its exit status.
        fn install(&self, end: &str) -> Option<i32> {
            let path = env::var("PATH").unwrap();
            Command::new(shell::root().join("xtask/install_packages.sh"))
                .arg("nginx")
                .env("DPKG_ROOT", &self.root)
                .env("PATH", format!("{}:{path}", self.root.display()))
                .env("END", end)
                .status()
                .unwrap()
                .code()
        }

        fn log(&self) -> String {
            fs::read_to_string(self.root.join("log")).unwrap()
        }

        /// Names in the folder of the policy.
        fn left(&self) -> usize {
            fs::read_dir(self.root.join("usr/sbin")).unwrap().count()
        }
    }

    impl Drop for Machine {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.root));
        }
    }

    const FORBIDDEN: &str = "update 101\ninstall 101\n";

    #[test]
    fn no_service_starts_while_packages_are_installed_and_nothing_stays() {
        for (end, status) in [("exit 0", 0), ("exit 100", 100), ("kill -TERM $PPID", 143)] {
            let machine = Machine::new("fresh");
            assert_eq!(machine.install(end), Some(status), "{end}");
            assert_eq!(machine.log(), FORBIDDEN, "{end}");
            assert_eq!(machine.left(), 0, "{end}");
        }
    }

    #[test]
    fn a_policy_of_the_machine_is_put_back() {
        for end in ["exit 0", "exit 100", "kill -INT $PPID"] {
            let machine = Machine::new("policy");
            fs::write(machine.policy(), "#!/bin/sh\nexit 0\n").unwrap();
            machine.install(end);
            assert_eq!(machine.log(), FORBIDDEN, "{end}");
            assert_eq!(
                fs::read_to_string(machine.policy()).unwrap(),
                "#!/bin/sh\nexit 0\n",
                "{end}"
            );
            assert_eq!(machine.left(), 1, "{end}");
        }
        let machine = Machine::new("link");
        symlink("nowhere", machine.policy()).unwrap();
        machine.install("exit 0");
        assert_eq!(
            fs::read_link(machine.policy()).unwrap(),
            PathBuf::from("nowhere")
        );
    }

    #[test]
    fn what_a_killed_run_left_behind_is_cleaned_up_by_the_next_one() {
        for policy in [None, Some("#!/bin/sh\nexit 0\n")] {
            let machine = Machine::new("killed");
            if let Some(policy) = policy {
                fs::write(machine.policy(), policy).unwrap();
            }
            assert_eq!(machine.install("kill -KILL $PPID"), None);
            assert!(machine.policy().exists());
            assert_eq!(machine.install("exit 0"), Some(0));
            assert_eq!(fs::read_to_string(machine.policy()).ok().as_deref(), policy);
            assert_eq!(machine.left(), usize::from(policy.is_some()));
        }
    }
}
