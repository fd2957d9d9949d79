//! Whether this node hears: what its canaries say.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cluster::BusError;

/// How many intervals of canaries may pass until one counts as lost.
pub(super) const CANARY_LOST: u32 = 2;

/// How many intervals may pass without any canary: one is sent after one of them, and is then lost.
const SILENCE: u32 = CANARY_LOST + 1;

/// What the canaries say.
#[derive(Debug)]
pub(super) struct Health {
    silence: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When a canary came back, unless one was lost since.
    heard: Option<Instant>,
    fault: String,
}

impl Health {
    pub(super) fn new(interval: Duration) -> Self {
        let fault = "this node has not subscribed yet".to_owned();
        Self { silence: interval * SILENCE, state: Mutex::new(State { heard: None, fault }) }
    }

    /// A canary has come back.
    pub(super) fn heard(&self) {
        self.lock().heard = Some(Instant::now());
    }

    /// A canary has not come back in time.
    pub(super) fn lost(&self) {
        let mut state = self.lock();
        state.heard = None;
        state.fault = "what this node sends itself does not arrive".to_owned();
    }

    /// Why it may be that nothing is heard, for when it stays like that.
    pub(super) fn fault(&self, fault: String) {
        self.lock().fault = fault;
    }

    pub(super) fn health(&self) -> Result<(), BusError> {
        let state = self.lock();
        match state.heard {
            Some(heard) if heard.elapsed() <= self.silence => Ok(()),
            _ => Err(BusError::Away(state.fault.clone())),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
