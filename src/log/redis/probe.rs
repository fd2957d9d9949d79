//! What the log last showed of itself, and how it is found out that it is well again.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::Pipeline;
use tokio::time::Instant;

use super::Shared;
use crate::log::LogError;
use crate::log::health::Health;

/// How long after a probe the next one may start.
const PROBE_INTERVAL: Duration = Duration::from_millis(100);

/// How long what a probe writes is kept: it is to prove that there is room.
const PROBE_KEPT: Duration = Duration::from_secs(10);

#[derive(Default)]
pub(super) struct Probe {
    health: Health,
    /// Where something failed last: another part of a Redis Cluster may be well.
    bucket: AtomicU8,
    underway: AtomicBool,
    last: Mutex<Option<Instant>>,
}

impl Probe {
    pub(super) fn state(&self) -> Result<(), LogError> {
        self.health.state()
    }

    /// Something new was written.
    pub(super) fn proven(&self) {
        self.health.proven();
    }

    pub(super) fn failed(&self, bucket: u8, error: &LogError) {
        self.bucket.store(bucket, Ordering::Relaxed);
        self.health.failed(error);
    }

    /// Tries whether something can be written, unless that is being tried.
    pub(super) fn start(shared: &Arc<Shared>) {
        let probe = &shared.probe;
        if probe.underway.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut last = probe.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| last.elapsed() < PROBE_INTERVAL) {
            probe.underway.store(false, Ordering::Relaxed);
            return;
        }
        *last = Some(Instant::now());
        drop(last);
        let shared = Arc::clone(shared);
        shared.redis.handle().clone().spawn(async move {
            let bucket = shared.probe.bucket.load(Ordering::Relaxed);
            match write(&shared, bucket).await {
                Ok(()) => shared.probe.proven(),
                Err(error) => shared.probe.failed(bucket, &error),
            }
            shared.probe.underway.store(false, Ordering::Relaxed);
        });
    }
}

async fn write(shared: &Shared, bucket: u8) -> Result<(), LogError> {
    let mut pipeline = Pipeline::with_capacity(1);
    let key = shared.redis.names().probe(bucket);
    pipeline.cmd("SET").arg(key).arg(1).arg("PX").arg(PROBE_KEPT.as_millis() as u64);
    for answer in shared.redis.run(bucket, &pipeline).await? {
        answer?;
    }
    Ok(())
}
