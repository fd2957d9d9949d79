//! Appends on their way. What has gathered while a pipeline was under way goes together into the
//! next one; what got no answer is asked again while somebody waits for it.
//!
//! Two pipelines of a lane may be under way at once, so that sessions that begin, which need two
//! round trips and another slot of a Redis Cluster, do not delay those that have begun.

use std::collections::{HashSet, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use redis::{Pipeline, Value};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::{Instant, sleep};
use vigie_protocol::id::SessionId;

use super::{APPENDS_BATCHED_MAX, Answer, Shared, append};
use crate::log::AppendError;
use crate::log::shape::Entry;
use crate::metrics::metrics;
use crate::redis::{RedisFault, bucket};

/// How long after a failure it is asked again, at first; each time twice as long.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// The longest such pause.
const RETRY_PAUSE_MAX: Duration = Duration::from_millis(160);

/// An append that waits for an answer.
pub(super) struct Queued {
    pub(super) entry: Entry,
    /// Of the event that it follows, and of its own last one.
    pub(super) marks: (u64, u64),
    /// Kept with its events: by it an append is known that was made before.
    pub(super) id: u64,
    /// When its author stops waiting.
    pub(super) until: Instant,
    pub(super) answer: oneshot::Sender<Answer>,
    /// Its place among those that may wait.
    pub(super) _room: OwnedSemaphorePermit,
}

#[derive(Clone)]
pub(super) struct Lane {
    /// Which connection it uses.
    number: u8,
    /// How many sessions may begin in one pipeline.
    begin_max: usize,
    shared: Arc<Shared>,
}

/// Appends that are under way; when they are no more, of which sessions they were.
type Underway = Pin<Box<dyn Future<Output = HashSet<SessionId>> + Send>>;

/// A pipeline of a lane, if one is under way.
struct Flight(Option<Underway>);

/// What came of asking for one append.
enum Outcome {
    Answered(Answer),
    /// Nobody knows whether it was made.
    Unknown(RedisFault),
}

impl Lane {
    pub(super) fn new(number: u8, shared: Arc<Shared>) -> Self {
        // Of a Redis Cluster, one part may be away, and those of the other parts would wait for it.
        let begin_max = if shared.redis.clustered() { 1 } else { APPENDS_BATCHED_MAX };
        Self { number, begin_max, shared }
    }

    /// Serves until there will be no more appends.
    pub(super) async fn serve(self, mut queue: mpsc::UnboundedReceiver<Queued>) {
        let mut waiting = VecDeque::new();
        let mut underway = HashSet::new();
        let (mut begun, mut begin) = (Flight(None), Flight(None));
        let mut open = true;
        while open || !waiting.is_empty() || !underway.is_empty() {
            if begun.0.is_none() {
                let batch = take(&mut waiting, &mut underway, APPENDS_BATCHED_MAX, |entry| {
                    entry.start.is_none()
                });
                begun.start(self.append(batch));
            }
            if begin.0.is_none() {
                let batch = take(&mut waiting, &mut underway, self.begin_max, |entry| {
                    entry.start.is_some()
                });
                begin.start(self.append(batch));
            }
            tokio::select! {
                queued = queue.recv(), if open && waiting.len() < APPENDS_BATCHED_MAX => match queued {
                    Some(queued) => {
                        waiting.push_back(queued);
                        while waiting.len() < APPENDS_BATCHED_MAX
                            && let Ok(queued) = queue.try_recv()
                        {
                            waiting.push_back(queued);
                        }
                    }
                    None => open = false,
                },
                sessions = begun.landed() => underway.retain(|session| !sessions.contains(session)),
                sessions = begin.landed() => underway.retain(|session| !sessions.contains(session)),
            }
        }
    }

    /// Appends, and asks again where no answer came. `None` if there is nothing to append.
    fn append(&self, batch: Vec<Queued>) -> Option<Underway> {
        let sessions: HashSet<_> = batch.iter().map(|queued| queued.entry.session).collect();
        let lane = self.clone();
        (!batch.is_empty()).then(|| -> Underway {
            Box::pin(async move {
                lane.append_all(batch).await;
                sessions
            })
        })
    }

    async fn append_all(&self, mut batch: Vec<Queued>) {
        let mut pause = RETRY_PAUSE;
        loop {
            batch = self.waited_for(batch);
            let Some(until) = batch.iter().map(|queued| queued.until).max() else { return };
            let begun = Instant::now();
            let outcomes = self.attempt(&batch, until).await;
            measure(begun.elapsed(), &batch, &outcomes);
            let mut unknown = Vec::new();
            for (queued, outcome) in batch.into_iter().zip(outcomes) {
                match outcome {
                    Outcome::Answered(answer) => {
                        if answer.is_ok() {
                            self.shared.probe.proven();
                        }
                        // Whoever stopped waiting will find out from the log.
                        let _ = queued.answer.send(answer);
                    }
                    Outcome::Unknown(fault) => {
                        let error = self.shared.failed(bucket(queued.entry.session), fault);
                        if queued.until > Instant::now() + pause {
                            unknown.push(queued);
                        } else {
                            let _ = queued.answer.send(Err(error.into()));
                        }
                    }
                }
            }
            if unknown.is_empty() {
                return;
            }
            batch = unknown;
            sleep(pause).await;
            pause = (pause * 2).min(RETRY_PAUSE_MAX);
        }
    }

    /// Those that somebody waits for. The others were refused, and are not to be made after that.
    fn waited_for(&self, batch: Vec<Queued>) -> Vec<Queued> {
        let (batch, late): (Vec<_>, Vec<_>) = batch
            .into_iter()
            .partition(|queued| !queued.answer.is_closed() && queued.until > Instant::now());
        for queued in late {
            let error = self.shared.late(queued.entry.session);
            let _ = queued.answer.send(Err(error.into()));
        }
        batch
    }

    /// Asks once for each. Sessions that begin are entered in their visitors' lists first.
    async fn attempt(&self, batch: &[Queued], until: Instant) -> Vec<Outcome> {
        let sharded = match self.shared.redis.sharded().await {
            Ok(sharded) => sharded,
            Err(fault) => {
                let failed = |queued| self.outcome(queued, Err(fault.clone()), append::appended);
                return batch.iter().map(failed).collect();
            }
        };
        let begin = batch.iter().filter_map(|queued| append::begin(&self.shared, &queued.entry));
        let mut begun = self.ask(begin, until).await.into_iter();
        let mut outcomes: Vec<_> = batch
            .iter()
            .map(|queued| match queued.entry.start {
                Some(_) => {
                    let answer = begun.next().unwrap_or(Ok(Value::Nil));
                    self.outcome(queued, answer, |entry, value| append::begun(entry, &value))
                }
                None => Outcome::Answered(Ok(())),
            })
            .collect();

        let may_follow =
            |(_, outcome): &(&Queued, &mut Outcome)| matches!(outcome, Outcome::Answered(Ok(())));
        let follow: Vec<_> = batch.iter().zip(&mut outcomes).filter(may_follow).collect();
        let calls = follow.iter().map(|(queued, _)| append::append(&self.shared, sharded, queued));
        let answers = self.ask(calls, until).await;
        for ((queued, outcome), answer) in follow.into_iter().zip(answers) {
            *outcome = self.outcome(queued, answer, append::appended);
        }
        outcomes
    }

    /// As many answers as calls, whatever happens.
    async fn ask(
        &self,
        calls: impl Iterator<Item = redis::Cmd>,
        until: Instant,
    ) -> Vec<Result<Value, RedisFault>> {
        let mut pipeline = Pipeline::new();
        for call in calls {
            pipeline.add_command(call);
        }
        match self.shared.redis.run_until(until, self.number, &pipeline).await {
            Ok(answers) => answers,
            Err(fault) => vec![Err(fault); pipeline.len()],
        }
    }

    fn outcome(
        &self,
        queued: &Queued,
        answer: Result<Value, RedisFault>,
        read: impl FnOnce(&Entry, Value) -> Answer,
    ) -> Outcome {
        match answer {
            Ok(value) => Outcome::Answered(read(&queued.entry, value)),
            Err(fault @ RedisFault::Away(_)) => Outcome::Unknown(fault),
            Err(fault) => {
                let error = self.shared.failed(bucket(queued.entry.session), fault);
                Outcome::Answered(Err(error.into()))
            }
        }
    }
}

fn measure(took: Duration, batch: &[Queued], outcomes: &[Outcome]) {
    let made = batch.iter().zip(outcomes).filter(|(_, outcome)| outcome.is_made());
    metrics().storage.committed(took, made.map(|(queued, _)| queued.entry.rows.len()));
    if outcomes.iter().any(Outcome::is_failure) {
        metrics().storage.failed();
    }
}

impl Outcome {
    const fn is_made(&self) -> bool {
        matches!(self, Self::Answered(Ok(())))
    }

    /// A conflict is none: that is an answer.
    const fn is_failure(&self) -> bool {
        matches!(self, Self::Unknown(_) | Self::Answered(Err(AppendError::Log(_))))
    }
}

impl Flight {
    fn start(&mut self, underway: Option<Underway>) {
        self.0 = underway;
    }

    /// Waits until it has landed: for ever if there is none.
    async fn landed(&mut self) -> HashSet<SessionId> {
        match &mut self.0 {
            Some(underway) => {
                let sessions = underway.await;
                self.0 = None;
                sessions
            }
            None => std::future::pending().await,
        }
    }
}

/// Takes what may go now: of each session the first append, if it is of this kind and none is under
/// way. A second one waits for the first one's answer: it may have to be asked again, and must not
/// have been overtaken by then.
fn take(
    waiting: &mut VecDeque<Queued>,
    underway: &mut HashSet<SessionId>,
    most: usize,
    kind: impl Fn(&Entry) -> bool,
) -> Vec<Queued> {
    let mut passed_over = HashSet::new();
    let mut batch = Vec::new();
    for queued in std::mem::take(waiting) {
        let session = queued.entry.session;
        let first = !underway.contains(&session) && !passed_over.contains(&session);
        if first && batch.len() < most && kind(&queued.entry) {
            underway.insert(session);
            batch.push(queued);
        } else {
            passed_over.insert(session);
            waiting.push_back(queued);
        }
    }
    batch
}
