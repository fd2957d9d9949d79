//! What this node sends to others, on its way to Redis.
//!
//! Whoever sends does not wait: at the bounds of the queue it is dropped and counted. A message that
//! could not be published is not sent again, since nobody promised that it arrives.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::{Shared, wire};
use crate::cluster::NodeId;
use crate::metrics::{BusDropped, metrics};

/// Messages that may wait to be published.
pub const OUTBOX_MAX: usize = 8192;

/// Bytes of messages that may wait to be published.
pub const OUTBOX_BYTES_MAX: usize = 64 << 20;

/// Bytes of one message. A longer one is dropped.
pub const MESSAGE_MAX: usize = 8 << 20;

/// Messages that are published in one round trip.
const BATCH_MAX: usize = 256;

/// The senders' end.
#[derive(Debug)]
pub(super) struct Outbox {
    queue: mpsc::Sender<(NodeId, Bytes)>,
    waiting: AtomicUsize,
    dropped: AtomicU64,
}

impl Outbox {
    pub(super) fn new() -> (Self, mpsc::Receiver<(NodeId, Bytes)>) {
        let (queue, waiting) = mpsc::channel(OUTBOX_MAX);
        (Self { queue, waiting: AtomicUsize::new(0), dropped: AtomicU64::new(0) }, waiting)
    }

    pub(super) fn send(&self, to: NodeId, bytes: Bytes) {
        let length = bytes.len();
        let waiting = self.waiting.fetch_add(length, Ordering::Relaxed) + length;
        let too_much = length > MESSAGE_MAX || waiting > OUTBOX_BYTES_MAX;
        if too_much || self.queue.try_send((to, bytes)).is_err() {
            self.waiting.fetch_sub(length, Ordering::Relaxed);
            self.drop_all(1);
        }
    }

    fn drop_all(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
        metrics().cluster.dropped.count_all(&BusDropped::Sent, count);
    }

    /// How many were dropped at the bounds, or because Redis did not take them.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Publishes what is sent, for ever.
pub(super) async fn run(shared: Arc<Shared>, mut queue: mpsc::Receiver<(NodeId, Bytes)>) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while queue.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let bytes = batch.iter().map(|(_, bytes)| bytes.len()).sum();
        let mut by_bucket: Vec<(u8, Vec<(NodeId, Bytes)>)> = Vec::new();
        for (to, bytes) in batch.drain(..) {
            let bucket = bucket_between(shared.me, to);
            let message = (to, wire::message(shared.me, &bytes).into());
            match by_bucket.iter_mut().find(|(of, _)| *of == bucket) {
                Some((_, messages)) => messages.push(message),
                None => by_bucket.push((bucket, vec![message])),
            }
        }
        for (bucket, messages) in by_bucket {
            let count = messages.len() as u64;
            if let Err(fault) = shared.publish(bucket, messages).await {
                tracing::debug!("could not publish {count} messages: {fault}");
                shared.outbox.drop_all(count);
            }
        }
        shared.outbox.waiting.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Through which bucket two nodes talk: always the same, so that what one says stays in order.
fn bucket_between(one: NodeId, other: NodeId) -> u8 {
    (one.0 ^ other.0) as u8
}
