//! Finds an actor by its key, or starts it.
//!
//! One lookup from any thread, under a short lock. An actor that has died, be it of a panic, is
//! not found but started anew: it rebuilds itself from the log.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use actix::{Actor, Addr};

const SHARDS: usize = 64;

/// The running actors of one kind, by key.
#[derive(Debug)]
pub struct Registry<K, A: Actor> {
    hasher: RandomState,
    shards: Box<[Mutex<Shard<K, A>>]>,
}

type Shard<K, A> = HashMap<K, Addr<A>>;

impl<K: Hash + Eq, A: Actor> Default for Registry<K, A> {
    fn default() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        Self { hasher: RandomState::new(), shards }
    }
}

impl<K: Hash + Eq, A: Actor> Registry<K, A> {
    /// The actor of a key, if it runs.
    pub fn get(&self, key: &K) -> Option<Addr<A>> {
        self.shard(key).get(key).filter(|actor| actor.connected()).cloned()
    }

    /// The actor of a key; `start` is called, on this thread, if it does not run.
    pub fn get_or_start(&self, key: K, start: impl FnOnce(&K) -> Addr<A>) -> Addr<A> {
        let mut shard = self.shard(&key);
        if let Some(actor) = shard.get(&key).filter(|actor| actor.connected()) {
            return actor.clone();
        }
        let actor = start(&key);
        shard.insert(key, actor.clone());
        actor
    }

    /// Forgets an actor that is about to stop, unless another has taken its place.
    pub fn remove(&self, key: &K, actor: &Addr<A>) {
        let mut shard = self.shard(key);
        if shard.get(key) == Some(actor) {
            shard.remove(key);
            if shard.is_empty() {
                shard.shrink_to_fit();
            }
        }
    }

    /// Does something with each that runs.
    pub fn for_each(&self, mut each: impl FnMut(&Addr<A>)) {
        for shard in &self.shards {
            // Not under the lock: who is told may look others up.
            let actors: Vec<_> = lock(shard).values().cloned().collect();
            actors.iter().for_each(&mut each);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, Shard<K, A>> {
        lock(&self.shards[self.hasher.hash_one(key) as usize % SHARDS])
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
