//! What this node hears, on its way to whoever listens.
//!
//! The connection that hears must never wait: Redis would take a slow reader for dead. So at the
//! bound of the listener's queue what is heard is dropped, and a [`Heard::Gap`] is owed from then
//! on, which is given as soon as there is room.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc};

use crate::cluster::{Heard, INBOX_MAX};
use crate::metrics::{BusDropped, metrics};

/// Between the subscription and the listener.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    listener: Mutex<Option<mpsc::Sender<Heard>>>,
    replaced: Notify,
    gap_owed: AtomicBool,
    gap: Notify,
    dropped: AtomicU64,
}

impl Inbox {
    /// Makes another listener the one that hears.
    pub(super) fn listen(&self) -> mpsc::Receiver<Heard> {
        let (sender, receiver) = mpsc::channel(INBOX_MAX);
        *self.listener() = Some(sender);
        self.replaced.notify_waiters();
        self.gap.notify_one();
        receiver
    }

    /// Hands over what was heard, or drops it at the bound.
    pub(super) fn hear(&self, heard: Heard) {
        let full = match &*self.listener() {
            Some(listener) => {
                matches!(listener.try_send(heard), Err(mpsc::error::TrySendError::Full(_)))
            }
            None => false,
        };
        if full {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            metrics().cluster.dropped.count(&BusDropped::Heard);
            self.gap();
        }
    }

    /// Something may have been missed.
    pub(super) fn gap(&self) {
        self.gap_owed.store(true, Ordering::Release);
        self.gap.notify_one();
    }

    /// How much was dropped at the bound.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Gives every gap that is owed, for ever.
    pub(super) async fn give_gaps(&self) {
        loop {
            self.gap.notified().await;
            while self.gap_owed.load(Ordering::Acquire) {
                let replaced = self.replaced.notified();
                // Whoever listens next is given it.
                let Some(listener) = self.listener().clone() else { break };
                let room = tokio::select! {
                    biased;
                    () = replaced => continue,
                    room = listener.reserve() => room,
                };
                let Ok(room) = room else { break };
                let current = self.listener();
                if current.as_ref().is_some_and(|current| current.same_channel(&listener)) {
                    // Before it is given: what is dropped from here on owes another.
                    self.gap_owed.store(false, Ordering::Release);
                    room.send(Heard::Gap);
                    metrics().cluster.gaps.inc();
                }
            }
        }
    }

    fn listener(&self) -> MutexGuard<'_, Option<mpsc::Sender<Heard>>> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
