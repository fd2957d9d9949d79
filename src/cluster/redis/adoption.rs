//! Sessions of dead nodes are taken over, bucket by bucket.
//!
//! Several nodes may do so at once; the script of each bucket gives a session to one of them. What a
//! node was given and never learned, because the answer was lost, is marked on the server, and told
//! by the next call; what was given only after that, by what came late, by a call some time later.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use vigie_protocol::id::SessionId;

use super::Shared;
use super::scripts::Quota;
use crate::cluster::NodeId;
use crate::redis::RedisFault;

/// Sessions of one bucket that are looked at in one step, in which the server does nothing else.
const LOOK_AT_MAX: usize = 256;

/// How many times the time for an answer may pass until what was not answered has taken effect, or
/// never will.
const LATE: u32 = 2;

/// Adoptions that could not be told yet, by the dead node: no more than there are nodes that have
/// died.
#[derive(Debug, Default)]
pub(super) struct Adoptions(Mutex<HashMap<NodeId, Untold>>);

#[derive(Debug, Default)]
struct Untold {
    /// Given and known of.
    sessions: Vec<SessionId>,
    doubt: Doubt,
}

/// Whether more may have been given than is known of.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    #[default]
    Nothing,
    /// An answer was lost.
    Unlooked,
    /// The server was asked since; from then on it is to be asked once more, for what came late.
    LookAgain(Instant),
}

/// Takes over sessions, at most `limit`, that a dead node attended and that nobody attends now.
pub(super) async fn adopt(
    shared: &Shared,
    dead: NodeId,
    live: &[NodeId],
    limit: u32,
) -> Result<Vec<SessionId>, RedisFault> {
    let limit = limit as usize;
    let mut adoption = Adoption { shared, dead, given: shared.adoptions.take(dead) };
    let adopted = adoption.adopt(live, limit).await;
    let mut untold = adoption.given;
    match adopted {
        Ok(()) => {
            let rest = untold.sessions.split_off(untold.sessions.len().min(limit));
            let told = std::mem::replace(&mut untold.sessions, rest);
            shared.adoptions.keep(dead, untold);
            Ok(told)
        }
        Err(fault) => {
            shared.adoptions.keep(dead, untold);
            Err(fault)
        }
    }
}

struct Adoption<'a> {
    shared: &'a Shared,
    dead: NodeId,
    given: Untold,
}

impl Adoption<'_> {
    async fn adopt(&mut self, live: &[NodeId], limit: usize) -> Result<(), RedisFault> {
        let Shared { redis, scripts, me, .. } = self.shared;
        let sure = match self.given.doubt {
            Doubt::Nothing => None,
            Doubt::Unlooked => Some(Doubt::LookAgain(Instant::now() + LATE * redis.timeout())),
            Doubt::LookAgain(at) => (at <= Instant::now()).then_some(Doubt::Nothing),
        };
        if let Some(sure) = sure {
            for session in scripts.adopted(redis, (self.dead, *me)).await? {
                if !self.given.sessions.contains(&session) {
                    self.given.sessions.push(session);
                }
            }
            self.given.doubt = sure;
        }
        let mut left = scripts.attended(redis, self.dead).await?;
        // It ends: each round takes sessions from the dead node, or finds that it has none.
        loop {
            let quotas = quotas(&left, limit.saturating_sub(self.given.sessions.len()));
            if quotas.is_empty() {
                return Ok(());
            }
            let before = std::mem::replace(&mut self.given.doubt, Doubt::Unlooked);
            let by = self.shared.next_change();
            let answers = scripts.adopt(redis, self.dead, by, live, &quotas).await?;
            let mut fault = None;
            for (quota, answer) in quotas.iter().zip(answers) {
                match answer {
                    Ok((given, still)) => {
                        self.given.sessions.extend(given);
                        left[usize::from(quota.bucket)] = still;
                    }
                    Err(of_bucket) => fault = Some(of_bucket),
                }
            }
            if let Some(fault) = fault {
                return Err(fault);
            }
            self.given.doubt = before;
        }
    }
}

/// How much is asked of which bucket, so that no more than `limit` are given altogether.
fn quotas(left: &[usize], limit: usize) -> Vec<Quota> {
    let mut open = limit;
    let mut quotas = Vec::new();
    for (bucket, left) in (0..=u8::MAX).zip(left) {
        let give = open.min(*left).min(LOOK_AT_MAX);
        if give > 0 {
            open -= give;
            quotas.push(Quota { bucket, give, look_at: LOOK_AT_MAX });
        }
    }
    quotas
}

impl Adoptions {
    fn take(&self, dead: NodeId) -> Untold {
        self.lock().remove(&dead).unwrap_or_default()
    }

    fn keep(&self, dead: NodeId, untold: Untold) {
        if untold.doubt != Doubt::Nothing || !untold.sessions.is_empty() {
            self.lock().insert(dead, untold);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<NodeId, Untold>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
