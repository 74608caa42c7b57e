//! How many requests are under way at once. Anyone who only waits for an answer that another asked for, or for a while to
//! pass, keeps nobody from asking.

use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Room for as many requests as there may be. Its copies share it.
#[derive(Clone)]
pub(super) struct Slots(Arc<(Mutex<usize>, Condvar)>);

/// Room for one request, given back when it is dropped.
pub(super) struct Slot(Slots);

impl Slots {
    pub(super) fn new(free: usize) -> Self {
        Self(Arc::new((Mutex::new(free), Condvar::new())))
    }

    /// Waits until there is room.
    pub(super) fn take(&self) -> Slot {
        let (free, freed) = &*self.0;
        // A number is never left half changed, whatever ended a thread that had it.
        let free = free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = freed
            .wait_while(free, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Slot(self.clone())
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let (free, freed) = &*self.0.0;
        *free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn no_more_are_under_way_than_may_be() {
        let slots = Slots::new(3);
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    let _slot = slots.take();
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::sleep(Duration::from_millis(5));
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(most.load(Ordering::SeqCst), 3);
    }
}
