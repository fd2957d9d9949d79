//! Hears: keeps a connection that is subscribed to this node's channels, and proves that it hears.
//!
//! A connection that was lost is noticed at once. One that seems to stand and hears nothing (a
//! subscription that the server has forgotten, a network that carries one direction only, a server
//! that hangs) is found by canaries: messages that the node sends itself. Either way the connection
//! is made anew, and since nobody knows what was missed meanwhile, a gap is given.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::{AsyncPushSender, SendError};
use redis::{PushInfo, PushKind, Value};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};

use super::Shared;
use super::health::CANARY_LOST;
use super::wire::{self, Canary, Read, Unreadable};
use crate::metrics::metrics;
use crate::redis::{RedisFault, Subscriber};

/// Before the first attempt to subscribe anew; doubled with each that follows.
const BACKOFF_MIN: Duration = Duration::from_millis(20);

/// Between two attempts to subscribe anew.
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// Canaries that have come back and are not looked at yet. What is beyond is forgotten, as if it
/// had been lost; there are never more than three on their way.
const CANARIES_MAX: usize = 16;

/// Hears, for ever.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut backoff = BACKOFF_MIN;
    let mut bucket = 0;
    for subscription in 1.. {
        let (canaries, returned) = mpsc::channel(CANARIES_MAX);
        let ear = Arc::new(Ear::new(Arc::clone(&shared), subscription, canaries));
        let push = {
            let ear = Arc::clone(&ear);
            move |push| {
                ear.hear(push);
                Ok::<_, SendError>(())
            }
        };
        match subscribe(&shared, push).await {
            Ok(_standing) => {
                shared.inbox.gap();
                let end = Watch { shared: &shared, subscription, returned, bucket: &mut bucket }
                    .until_lost(&ear)
                    .await;
                if end.served {
                    backoff = BACKOFF_MIN;
                }
                tracing::warn!("subscribes to the cluster's Redis anew: {}", end.reason);
            }
            Err(fault) => {
                tracing::debug!("could not subscribe to the cluster's Redis: {fault}");
                shared.health.fault(fault.to_string());
            }
        }
        ear.forget();
        sleep(backoff).await;
        backoff = (backoff * 2).min(BACKOFF_MAX);
    }
}

/// Subscribes to all channels of this node.
async fn subscribe(shared: &Shared, push: impl AsyncPushSender) -> Result<Subscriber, RedisFault> {
    let sharded = shared.redis.sharded().await?;
    let mut subscriber = shared.redis.subscriber(push).await?;
    let channels = (0..=u8::MAX).map(|bucket| shared.redis.names().inbox(bucket, shared.me));
    // A connection to a Redis Cluster tries again by itself, for longer than makes sense here.
    let limit = shared.redis.timeout();
    match timeout(limit, subscriber.subscribe(channels, sharded)).await {
        Ok(subscribed) => subscribed.map(|()| subscriber),
        Err(_) => Err(RedisFault::Away("the channels cannot be subscribed to in time".into())),
    }
}

/// Why a subscription was given up.
struct End {
    reason: &'static str,
    /// Whether anything was ever heard over it.
    served: bool,
}

/// Looks after one subscription.
struct Watch<'a> {
    shared: &'a Arc<Shared>,
    subscription: u64,
    returned: mpsc::Receiver<u64>,
    /// Which of the channels the next canary goes through.
    bucket: &'a mut u8,
}

impl Watch<'_> {
    async fn until_lost(mut self, ear: &Ear) -> End {
        let canary_every = self.shared.options.canary_every;
        let patience = canary_every * CANARY_LOST;
        let mut ticks = interval(canary_every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut awaited: VecDeque<(u64, Instant)> = VecDeque::new();
        let mut sent = 0;
        let mut served = false;
        loop {
            let overdue = awaited.front().map(|(_, sent)| *sent + patience);
            tokio::select! {
                // What has come back counts, even if it is looked at too late.
                biased;
                () = ear.lost.notified() => {
                    return End { reason: "the connection was lost", served };
                }
                Some(number) = self.returned.recv() => {
                    if let Some((_, sent)) = awaited.iter().find(|(awaited, _)| *awaited == number) {
                        metrics().cluster.bus_lag.observe(sent.elapsed());
                    }
                    awaited.retain(|(awaited, _)| *awaited != number);
                    self.shared.health.heard();
                    served = true;
                    // After a loss the same way is tried, until it is known to be open again.
                    *self.bucket = self.bucket.wrapping_add(1);
                }
                () = sleep_until(overdue.unwrap_or_else(Instant::now)), if overdue.is_some() => {
                    self.shared.health.lost();
                    return End { reason: "what this node sends itself does not arrive", served };
                }
                _ = ticks.tick() => {
                    sent += 1;
                    self.send(Canary { subscription: self.subscription, number: sent });
                    awaited.push_back((sent, Instant::now()));
                }
            }
        }
    }

    /// Not awaited: what does not come back is lost, whyever.
    fn send(&self, canary: Canary) {
        let (shared, bucket) = (Arc::clone(self.shared), *self.bucket);
        self.shared.redis.handle().spawn(async move {
            let published =
                shared.publish(bucket, [(shared.me, canary.write().into())].into()).await;
            if let Err(fault) = published {
                tracing::debug!("could not send itself a canary: {fault}");
                shared.health.fault(fault.to_string());
            }
        });
    }
}

/// What a connection calls with all that the server pushes. It must not wait.
struct Ear {
    shared: Arc<Shared>,
    subscription: u64,
    canaries: mpsc::Sender<u64>,
    lost: Notify,
    forgotten: AtomicBool,
}

impl Ear {
    fn new(shared: Arc<Shared>, subscription: u64, canaries: mpsc::Sender<u64>) -> Self {
        let (lost, forgotten) = (Notify::new(), AtomicBool::new(false));
        Self { shared, subscription, canaries, lost, forgotten }
    }

    fn hear(&self, push: PushInfo) {
        if self.forgotten.load(Ordering::Acquire) {
            return;
        }
        match push.kind {
            PushKind::Message | PushKind::SMessage => match push.data.into_iter().nth(1) {
                Some(Value::BulkString(bytes)) => self.read(bytes),
                _ => tracing::debug!("ignores a message without bytes"),
            },
            // The server takes a subscription away when the slot of its channel moves.
            PushKind::Disconnection | PushKind::Unsubscribe | PushKind::SUnsubscribe => {
                self.lost.notify_one();
            }
            _ => {}
        }
    }

    fn read(&self, bytes: Vec<u8>) {
        match wire::read(bytes) {
            Ok(Read::Heard(heard)) => self.shared.inbox.hear(heard),
            Ok(Read::Canary(canary)) if canary.subscription == self.subscription => {
                // Without room it is as if it had been lost, and is found out.
                let _ = self.canaries.try_send(canary.number);
            }
            Ok(Read::Canary(_)) => {}
            Ok(Read::Unknown(kind)) => {
                tracing::debug!("ignores a message of the unknown kind {kind:#04x}");
            }
            Err(malformed @ Unreadable::Malformed) => {
                tracing::debug!("ignores a message: {malformed}");
            }
            Err(unreadable @ Unreadable::Events(..)) => {
                tracing::warn!("a message cannot be read: {unreadable}");
                self.shared.inbox.gap();
            }
        }
    }

    /// It hears nothing more: its connection is given up, and may still be ending.
    fn forget(&self) {
        self.forgotten.store(true, Ordering::Release);
    }
}
