//! Signs of life: what a node knows of its own, and what it has not told its caller yet.
//!
//! An answer may be lost on its way. So the server changes nothing when it has news for this node
//! (that it was buried, that a beat of it is gone): it beats a second time when it has taken note,
//! and goes on telling its caller until a call has succeeded.

use std::sync::{Mutex, PoisonError};

use crate::cluster::OwnBeat;
use crate::redis::RedisFault;

/// Between two beats.
#[derive(Debug, Default)]
pub(super) struct Beats(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    acknowledged: u64,
    tombstone: String,
    lineage: Option<String>,
    untold: Untold,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Untold {
    #[default]
    Nothing,
    Buried,
    /// This matters more: the others have lost something as well.
    Lost,
}

impl Beats {
    /// The last count that was acknowledged, and the tombstone that is known of.
    pub(super) fn known(&self) -> (u64, String) {
        let state = self.lock();
        (state.acknowledged, state.tombstone.clone())
    }

    pub(super) fn buried(&self, tombstone: String) {
        let mut state = self.lock();
        state.tombstone = tombstone;
        state.untold = state.untold.max(Untold::Buried);
    }

    pub(super) fn lost(&self) {
        let mut state = self.lock();
        state.acknowledged = 0;
        state.untold = Untold::Lost;
    }

    /// A beat stands; what there is to tell of those before.
    pub(super) fn acknowledged(&self, count: u64) -> OwnBeat {
        let mut state = self.lock();
        state.acknowledged = state.acknowledged.max(count);
        state.tombstone.clear();
        match std::mem::take(&mut state.untold) {
            Untold::Nothing => OwnBeat::Known,
            Untold::Buried => OwnBeat::Buried,
            Untold::Lost => OwnBeat::Lost,
        }
    }

    /// The lineage as it was last known, if it cannot be learned now: of a Redis Cluster one server
    /// may be away, and beats shall not wait for it.
    pub(super) fn lineage(&self, now: Result<String, RedisFault>) -> Result<String, RedisFault> {
        let mut state = self.lock();
        match (now, &state.lineage) {
            (Ok(now), _) => Ok(state.lineage.insert(now).clone()),
            (Err(RedisFault::Away(_)), Some(before)) => Ok(before.clone()),
            (Err(fault), _) => Err(fault),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
