//! Questions that do not depend on each other are asked at the same time, each by a thread of its own.
//!
//! A pool's threads would do another server's work while they wait for their own, and come back late: the last servers
//! were then asked one question after the other. Threads that only wait cost little, and how many requests are under way
//! is counted elsewhere.

use std::panic::resume_unwind;
use std::thread::{self, Builder};

/// Does the same with everything, all at once, and gives the results in order.
pub(crate) fn together<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let work = &work;
    thread::scope(|scope| {
        let running: Vec<_> = items
            .iter()
            .map(|item| {
                let started = Builder::new().spawn_scoped(scope, move || work(item));
                // Where there are no more threads to be had, it is done here, later.
                started.map_err(|_| item)
            })
            .collect();
        running
            .into_iter()
            .map(|one| match one {
                Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
                Err(item) => work(item),
            })
            .collect()
    })
}
