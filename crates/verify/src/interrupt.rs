//! Ctrl-C: the first one ends the work, so that what is known is said, and the second one the program.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::error::Error;

/// What a program ends with that a second interruption ends: 128 and the number of SIGINT.
const INTERRUPTED: i32 = 130;

/// Asks the work to end; false where there is none.
type Told = Box<dyn Fn() -> bool + Send>;

static LISTENER: Mutex<Option<Told>> = Mutex::new(None);
static IS_SET: AtomicBool = AtomicBool::new(false);

/// From now on the first interruption tells this one.
///
/// # Errors
/// The system has no room for the thread that waits for it.
pub(crate) fn listen(told: impl Fn() -> bool + Send + 'static) -> Result<(), Error> {
    *lock() = Some(Box::new(told));
    if IS_SET.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    ctrlc::set_handler(interrupted).map_err(|error| Error::Threads(error.to_string()))
}

#[expect(
    clippy::exit,
    reason = "anyone who interrupts twice does not want to wait for anything"
)]
fn interrupted() {
    // Where nobody works any more, there is nothing to cut short but the program.
    let is_told = lock().take().is_some_and(|told| told());
    if !is_told {
        process::exit(INTERRUPTED);
    }
}

fn lock() -> std::sync::MutexGuard<'static, Option<Told>> {
    LISTENER.lock().unwrap_or_else(PoisonError::into_inner)
}
