//! What a log last showed of itself: written by its threads, read by whoever asks.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::LogError;

/// The log's state. Damage stays until the log is opened anew; anything else heals.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<Option<LogError>>);

impl Health {
    pub(super) fn state(&self) -> Result<(), LogError> {
        self.fault().clone().map_or(Ok(()), Err)
    }

    /// `Err` if the file is known to be damaged.
    pub(super) fn undamaged(&self) -> Result<(), LogError> {
        match &*self.fault() {
            Some(damage @ LogError::Damaged(_)) => Err(damage.clone()),
            _ => Ok(()),
        }
    }

    /// Something new is on disk.
    pub(super) fn proven(&self) {
        self.change(None);
    }

    pub(super) fn failed(&self, error: &LogError) {
        self.change(Some(error));
    }

    fn change(&self, new: Option<&LogError>) {
        let mut fault = self.fault();
        if matches!(*fault, Some(LogError::Damaged(_))) || fault.as_ref() == new {
            return;
        }
        match new {
            Some(error) => tracing::error!("appends are refused: {error}"),
            None => tracing::info!("the log takes appends again"),
        }
        *fault = new.cloned();
    }

    fn fault(&self) -> MutexGuard<'_, Option<LogError>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
