//! What happened, as those to whom it happened wrote it down.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use vigie_client::CallError;
use vigie_protocol::card::{Card, LastMessage};
use vigie_protocol::event::{ChatMessage, Epoch, Event, EventBody, Offset};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::Done;
use vigie_protocol::push::Turn;

/// Everything that the checker judges.
#[derive(Debug, Default, Clone)]
pub struct History {
    pub calls: Vec<Call>,
    pub streams: Vec<Stream>,
    /// What bots were asked.
    pub turns: Vec<Asked>,
    /// Last messages that the live list has shown.
    pub shown: Vec<Shown>,
    /// The logs in the end, and by which way each was read: they must be the same.
    pub logs: BTreeMap<SessionId, Vec<(String, Vec<Event>)>>,
}

/// Something that a client asked for.
#[derive(Debug, Clone)]
pub struct Call {
    pub who: String,
    pub session: SessionId,
    pub what: What,
    /// Since the beginning of the history.
    pub began: Duration,
    pub outcome: Outcome,
}

/// What a client asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A message whose text nobody else has.
    Say(String),
    /// Control for the operator with this id.
    TakeOver(String),
    /// Control for another.
    Transfer(String),
    /// Control back to the bot, by the holder or by somebody of a higher rank.
    HandBack,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing yet.
    Open,
    /// It was acknowledged.
    Done { at: Duration, offset: Offset, epoch: Epoch },
    /// It was refused. `surely`: it was sent once, and the refusal is not one to try again after; so
    /// it cannot have been carried out.
    Refused { why: String, surely: bool },
    /// No answer came.
    Unknown(String),
}

/// What a bot was asked to answer.
#[derive(Debug, Clone)]
pub struct Asked {
    pub who: String,
    pub session: SessionId,
    pub turn: Offset,
    pub epoch: Epoch,
}

/// A session's last message as somebody's live list had it.
#[derive(Debug, Clone)]
pub struct Shown {
    pub who: String,
    pub session: SessionId,
    pub last: LastMessage,
}

/// What one connection saw of one session.
#[derive(Debug, Clone)]
pub struct Stream {
    pub who: String,
    pub session: SessionId,
    pub sight: Sight,
    /// Counts the client's connections.
    pub connection: u32,
    /// From which offset on it asked.
    pub after: Offset,
    pub seen: Vec<Seen>,
    /// Whether the client was told that its offsets mean nothing any more.
    pub restarted: bool,
    /// Whether it was there to the end, and so must have seen all.
    pub stays: bool,
}

/// An event as it arrived.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The offset that is said to precede it; clients that check it themselves do not tell.
    pub prev: Option<Offset>,
    pub event: Event,
}

/// Who looks on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Sees everything.
    Operator,
    /// Sees what is for visitors.
    Visitor,
}

/// Where clients write down what happens to them.
#[derive(Clone)]
pub struct Recorder {
    began: Instant,
    history: Arc<Mutex<History>>,
}

/// A place in the history that is written on.
#[derive(Debug, Clone, Copy)]
pub struct CallId(usize);

/// The same of a stream.
#[derive(Debug, Clone, Copy)]
pub struct StreamId(usize);

impl Recorder {
    pub fn new() -> Self {
        Self { began: Instant::now(), history: Arc::default() }
    }

    pub fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// To be called before anything is sent.
    pub fn begins(&self, who: &str, session: SessionId, what: What) -> CallId {
        let began = self.now();
        self.with(|history| {
            let (who, outcome) = (who.to_owned(), Outcome::Open);
            history.calls.push(Call { who, session, what, began, outcome });
            CallId(history.calls.len() - 1)
        })
    }

    /// `once`: it was sent by a client that sends nothing again.
    pub fn ends(&self, call: CallId, outcome: &Result<Done, CallError>, once: bool) {
        let at = self.now();
        let outcome = match outcome {
            Ok(done) => Outcome::Done { at, offset: done.offset, epoch: done.epoch },
            Err(CallError::Refused(error)) => {
                Outcome::Refused { why: error.to_string(), surely: once && !error.retry }
            }
            Err(other) => Outcome::Unknown(other.to_string()),
        };
        self.with(|history| history.calls[call.0].outcome = outcome);
    }

    /// A connection follows a session from an offset on.
    pub fn follows(
        &self,
        who: &str,
        session: SessionId,
        sight: Sight,
        connection: u32,
        after: Offset,
    ) -> StreamId {
        self.with(|history| {
            history.streams.push(Stream {
                who: who.to_owned(),
                session,
                sight,
                connection,
                after,
                seen: vec![],
                restarted: false,
                stays: false,
            });
            StreamId(history.streams.len() - 1)
        })
    }

    pub fn sees(&self, stream: StreamId, prev: Option<Offset>, event: Event) {
        let event = without_key(event);
        self.with(|history| history.streams[stream.0].seen.push(Seen { prev, event }));
    }

    pub fn restarts(&self, stream: StreamId) {
        self.with(|history| history.streams[stream.0].restarted = true);
    }

    /// The last offset that came on a stream.
    pub fn last(&self, stream: StreamId) -> Offset {
        self.with(|history| {
            let stream = &history.streams[stream.0];
            stream.seen.last().map_or(stream.after, |seen| seen.event.offset)
        })
    }

    pub fn is_asked(&self, who: &str, turn: &Turn) {
        let Turn { session, turn, epoch, .. } = *turn;
        let who = who.to_owned();
        self.with(|history| history.turns.push(Asked { who, session, turn, epoch }));
    }

    pub fn is_shown(&self, who: &str, cards: &[Card]) {
        let shown = cards.iter().filter_map(|card| {
            let (who, last) = (who.to_owned(), card.last.clone()?);
            Some(Shown { who, session: card.session, last })
        });
        self.with(|history| history.shown.extend(shown));
    }

    /// How many calls were acknowledged so far.
    pub fn acknowledged(&self) -> usize {
        let done = |call: &&Call| matches!(call.outcome, Outcome::Done { .. });
        self.with(|history| history.calls.iter().filter(done).count())
    }

    pub fn with<T>(&self, look: impl FnOnce(&mut History) -> T) -> T {
        look(&mut self.history.lock().unwrap())
    }
}

/// An event but for its key: not everybody is told it.
pub fn without_key(mut event: Event) -> Event {
    match &mut event.body {
        EventBody::Message(ChatMessage { key, .. }) | EventBody::Note { key, .. } => *key = None,
        _ => {}
    }
    event
}
