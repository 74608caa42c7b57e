//! Work on all cores, whose results are taken in the order of the work.
//!
//! Nothing is begun that is further ahead of what was taken than a window, so that memory does not grow with the work.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder};

/// So much is begun before the first of it is taken.
const AHEAD: usize = 32;

/// As much as the main thread has: what is nested deep is read by recursion.
const STACK: usize = 8 << 20;

/// What the workers share.
struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

struct State<T> {
    /// What nobody has begun, the last first.
    work: Vec<T>,
    begun: usize,
    taken: usize,
    is_over: bool,
}

/// How many threads work, if so many may.
pub(crate) fn size(most: usize) -> usize {
    thread::available_parallelism()
        .map_or(1, NonZero::get)
        .min(most)
}

/// Does all work, and takes each result in its turn, in this thread, until that says that it is enough or `is_asked_to_stop`
/// does. How much was taken.
///
/// # Errors
/// The first of taking a result; nothing more is taken after it.
pub(crate) fn in_order<T: Send, R: Send, E>(
    mut work: Vec<T>,
    size: usize,
    is_asked_to_stop: &AtomicBool,
    does: impl Fn(T) -> R + Sync,
    mut takes: impl FnMut(R) -> Result<ControlFlow<()>, E>,
) -> Result<usize, E> {
    let size = size.min(work.len());
    work.reverse();
    let queue = Queue {
        state: Mutex::new(State {
            work,
            begun: 0,
            taken: 0,
            is_over: false,
        }),
        changed: Condvar::new(),
    };
    let (sender, receiver) = mpsc::channel();
    thread::scope(|scope| {
        let mut started = 0;
        for _ in 0..if size > 1 { size } else { 0 } {
            let (sender, queue, does) = (sender.clone(), &queue, &does);
            let work = move || queue.serve(does, &sender, is_asked_to_stop);
            let thread = Builder::new().stack_size(STACK);
            started += usize::from(thread.spawn_scoped(scope, work).is_ok());
        }
        drop(sender);
        let mut taken = 0;
        let mut waiting = BTreeMap::new();
        loop {
            let next = match started {
                // There is little to do, or no thread to be had.
                0 => queue
                    .next(is_asked_to_stop)
                    .map(|(place, work)| (place, does(work))),
                _ => receiver.recv().ok(),
            };
            let Some((place, result)) = next else {
                return Ok(taken);
            };
            waiting.insert(place, result);
            while let Some(result) = waiting.remove(&taken) {
                let next = takes(result);
                taken += 1;
                if !matches!(next, Ok(ControlFlow::Continue(()))) {
                    queue.change(|state| state.is_over = true);
                    return next.map(|_| taken);
                }
                queue.change(|state| state.taken = taken);
            }
        }
    })
}

impl<T> Queue<T> {
    fn serve<R>(
        &self,
        does: impl Fn(T) -> R,
        sender: &Sender<(usize, R)>,
        is_asked_to_stop: &AtomicBool,
    ) {
        let guard = Ending(self);
        while let Some((place, work)) = self.next(is_asked_to_stop) {
            // Nobody waits for it any more.
            if sender.send((place, does(work))).is_err() {
                break;
            }
        }
        drop(guard);
    }

    /// The next that is to be done, and its place. Waits until it is not too far ahead.
    fn next(&self, is_asked_to_stop: &AtomicBool) -> Option<(usize, T)> {
        let mut state = self.lock();
        while !state.is_over && state.begun >= state.taken + AHEAD {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.is_over || is_asked_to_stop.load(Ordering::Relaxed) {
            return None;
        }
        let work = state.work.pop()?;
        state.begun += 1;
        Some((state.begun - 1, work))
    }

    fn change(&self, change: impl FnOnce(&mut State<T>)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Of a worker that panics, the others must not wait for what it has not done.
struct Ending<'a, T>(&'a Queue<T>);

impl<T> Drop for Ending<'_, T> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.change(|state| state.is_over = true);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    use super::*;

    static NEVER: AtomicBool = AtomicBool::new(false);

    #[test]
    fn results_come_in_the_order_of_the_work_and_little_is_ahead() {
        for size in [1, 2, 7] {
            let (begun, mut taken) = (AtomicUsize::new(0), Vec::new());
            let does = |number: usize| {
                begun.fetch_add(1, Ordering::SeqCst);
                if number.is_multiple_of(50) {
                    thread::sleep(Duration::from_millis(2));
                }
                number
            };
            let done = in_order((0..500).collect(), size, &NEVER, does, |number| {
                assert!(begun.load(Ordering::SeqCst) <= taken.len() + AHEAD + size);
                taken.push(number);
                Ok::<_, ()>(ControlFlow::Continue(()))
            });
            assert_eq!(done, Ok(500));
            assert_eq!(taken, Vec::from_iter(0..500));
        }
    }

    #[test]
    fn it_ends_when_it_is_enough_and_when_somebody_asks_for_it() {
        for size in [1, 3] {
            let stop = AtomicBool::new(false);
            let enough = |number: usize| match number {
                20 => Ok::<_, usize>(ControlFlow::Break(())),
                _ => Ok(ControlFlow::Continue(())),
            };
            let work = || (0..300).collect();
            assert_eq!(
                in_order(work(), size, &stop, |number| number, enough),
                Ok(21)
            );
            let fails = |number| {
                if number == 5 {
                    Err(number)
                } else {
                    Ok(ControlFlow::Continue(()))
                }
            };
            assert_eq!(
                in_order(work(), size, &stop, |number| number, fails),
                Err(5)
            );
            let asks = |number: usize| {
                stop.fetch_or(number == 7, Ordering::Relaxed);
                number
            };
            let mut taken = Vec::new();
            let done = in_order(work(), size, &stop, asks, |number| {
                taken.push(number);
                Ok::<_, ()>(ControlFlow::Continue(()))
            });
            // All that was begun.
            assert!((8..=8 + AHEAD).contains(&done.unwrap()), "{done:?}");
            assert_eq!(taken, Vec::from_iter(0..taken.len()));
        }
    }

    #[test]
    fn a_panic_leaves_nobody_waiting() {
        let fails = |number: usize| assert!(number != 40, "as expected");
        let all = || {
            in_order((0..300).collect(), 3, &NEVER, fails, |()| {
                Ok::<_, ()>(ControlFlow::Continue(()))
            })
        };
        assert!(std::panic::catch_unwind(all).is_err());
    }
}
