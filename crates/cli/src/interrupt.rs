//! Signals that end a program: SIGINT (Ctrl-C), SIGTERM and SIGHUP.
//!
//! Whatever a program does then, it first removes its temporary files, for these have keys, and nobody knows of them. After
//! that the signal does what it does to any program, so that a shell or systemd sees what ended this one.

use std::fs;
use std::process;
use std::sync::{Mutex, Once, PoisonError};
use std::thread;

use clearml_secure_core::io::abandon;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// Asks the work to end; false where there is none.
type Told = Box<dyn Fn() -> bool + Send>;

static LISTENER: Mutex<Option<Told>> = Mutex::new(None);
static WATCH: Once = Once::new();

/// From now on a signal that ends the program leaves no temporary file. Before there is one, signals do what they do to any
/// program: a thread that waits for them costs a tenth of looking at one file. Where the system has no room for that thread,
/// it stays so.
pub(super) fn watch() {
    WATCH.call_once(start);
}

fn start() {
    let ignored = ignored();
    // A program that `nohup` starts, or a script in the background, is to go on.
    let heard = [SIGINT, SIGTERM, SIGHUP].into_iter();
    let heard = heard.filter(|signal| ignored & (1 << (signal - 1)) == 0);
    let Ok(mut signals) = Signals::new(heard) else {
        return;
    };
    let wait = move || signals.forever().for_each(received);
    drop(
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(wait),
    );
}

/// From now on the first Ctrl-C tells this one, and the program goes on as long as it says so. The second one ends it.
pub fn listen(told: impl Fn() -> bool + Send + 'static) {
    *LISTENER.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(told));
    watch();
}

#[expect(
    clippy::exit,
    reason = "a signal ends a program wherever it is, and this one too, if it cannot be sent again"
)]
fn received(signal: i32) {
    let mut listener = LISTENER.lock().unwrap_or_else(PoisonError::into_inner);
    let listener = listener.take_if(|_| signal == SIGINT);
    if listener.is_some_and(|told| told()) {
        return;
    }
    abandon();
    drop(emulate_default_handler(signal));
    process::exit(128 + signal);
}

/// The signals that were ignored when the program started, a bit each; none where the system does not say.
fn ignored() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or_default()
}
