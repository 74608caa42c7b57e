//! What is in memory stays there when a program crashes.

/// Lets no core of this process be written, for it has keys. Call it before anything is read.
///
/// The limit is for a core that the kernel writes to a file. A program that it starts instead, such as systemd-coredump, gets
/// cores whatever the limit is, but none of a process that may not be dumped. Other programs of the same user cannot read
/// the memory of such a process, either. What it starts is a program of its own: that has the limit alone.
///
/// A system that refuses either goes on as before: neither is worth a run that fails.
#[cfg(target_os = "linux")]
pub(crate) fn forbid() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).ok();
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
}

/// Nothing is known of cores on other systems.
#[cfg(not(target_os = "linux"))]
pub(crate) fn forbid() {}
