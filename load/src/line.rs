//! One connection of somebody: requests find their answers, pings keep it honest.
//!
//! Leaner than the client's own link, which has a task and three queues for each connection: here
//! one task holds the socket and nothing waits but bytes, so that ten thousand fit into a process.
//! What is to be sent is gathered by [`Line::ask`] and leaves with [`Line::flush`]; only
//! [`Line::next`] may be given up while it waits.

use std::time::Duration;

use tokio::time::Instant;
use vigie_client::{Closed, Endpoint, OpenError, Options, Wire};
use vigie_protocol::ANSWER_BYTES_MAX;
use vigie_protocol::error::{CloseCode, ErrorCode, RpcError};
use vigie_protocol::method::{Connected, Done, Empty, Method, Ping, Subscribed, Watching};
use vigie_protocol::push::Push;
use vigie_protocol::rpc::{self, Encoding, Id, Message, Params};

/// What was asked, so that its answer can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// `connect`.
    Connect,
    /// `subscribe` of a visitor.
    Subscribe,
    /// `subscribe` of an operator, to the session of this number.
    Observe(u32),
    /// `watch`.
    Watch,
    /// `serve`.
    Serve,
    /// A bot's `answer`.
    Answer,
    /// The message of this number.
    Say(u32),
    /// `take_over` of the session of this number.
    TakeOver(u32),
    /// What an operator says in the session of this number.
    Reply(u32),
    /// `release` of the session of this number.
    Release(u32),
    /// A sign of life.
    Ping,
}

/// What came.
#[derive(Debug)]
pub(crate) enum Heard {
    /// The answer to `connect`.
    Connected(Box<Connected>),
    /// The answer to `subscribe`.
    Subscribed(Box<Subscribed>),
    /// The session of this number is followed.
    Observing(u32, Box<Subscribed>),
    /// The operator has the live list.
    Watching(Box<Watching>),
    /// The bot is sent turns.
    Serving,
    /// The message of this number is in the log.
    Said(u32, Done),
    /// What an operator asked is in the log.
    Done(Asked, Done),
    /// What was asked is refused.
    Refused(Asked, RpcError),
    /// Something unasked.
    Push(Box<Push>),
    /// Something that is seen to already.
    Nothing,
}

/// One open connection.
pub(crate) struct Line {
    wire: Wire,
    next_id: u32,
    /// Requests without an answer.
    asked: Vec<(u32, Asked)>,
    outgoing: Vec<Vec<u8>>,
    heartbeat: Duration,
    sent: Instant,
    heard: Instant,
    pinged: Option<Instant>,
}

impl Line {
    pub(crate) async fn open(endpoint: &Endpoint, options: &Options) -> Result<Self, OpenError> {
        let wire = Wire::open(endpoint, options).await?;
        let now = Instant::now();
        Ok(Self {
            wire,
            next_id: 1,
            asked: Vec::new(),
            outgoing: Vec::new(),
            heartbeat: options.heartbeat,
            sent: now,
            heard: now,
            pinged: None,
        })
    }

    /// Asks something, with the next flush.
    pub(crate) fn ask<M: Method>(&mut self, asked: Asked, params: &M) {
        let id = self.next_id;
        self.next_id = self.next_id.wrapping_add(1);
        self.asked.push((id, asked));
        self.outgoing.push(rpc::request(self.wire.encoding(), id, M::NAME, params));
    }

    /// Sends what was gathered. Given up, it leaves a broken connection.
    pub(crate) async fn flush(&mut self) -> Result<(), Closed> {
        if self.outgoing.is_empty() {
            return Ok(());
        }
        for bytes in std::mem::take(&mut self.outgoing) {
            self.wire.send(bytes).await?;
        }
        self.sent = Instant::now();
        Ok(())
    }

    /// What comes next. May be given up while it waits.
    pub(crate) async fn next(&mut self) -> Result<Heard, Closed> {
        let encoding = self.wire.encoding();
        let bytes = self.wire.receive().await?;
        self.heard = Instant::now();
        let message = rpc::decode_within(encoding, bytes, ANSWER_BYTES_MAX).map_err(nonsense)?;
        let heard = take(message, encoding, &mut self.asked, &mut self.outgoing)?;
        match &heard {
            Heard::Connected(connected) => {
                self.heartbeat = Duration::from_millis(connected.heartbeat.max(1));
            }
            Heard::Nothing if !self.asked.iter().any(|(_, asked)| *asked == Asked::Ping) => {
                self.pinged = None;
            }
            _ => {}
        }
        Ok(heard)
    }

    /// When to call [`Line::beat`] next.
    pub(crate) fn due(&self) -> Instant {
        let next = self.pinged.unwrap_or(self.sent) + self.heartbeat;
        next.min(self.heard + 2 * self.heartbeat)
    }

    /// Gives a sign of life if one is due.
    ///
    /// # Errors
    /// The other end has given none in time.
    pub(crate) fn beat(&mut self) -> Result<(), Closed> {
        let now = Instant::now();
        let silent = self.heard + 2 * self.heartbeat <= now;
        let unanswered = self.pinged.is_some_and(|since| since + self.heartbeat <= now);
        if silent || unanswered {
            return Err(lost("the engine gives no sign of life"));
        }
        if self.pinged.is_none() && self.sent + self.heartbeat <= now {
            self.ask(Asked::Ping, &Ping {});
            self.pinged = Some(now);
        }
        Ok(())
    }

    /// Ends the connection as its transport has it.
    pub(crate) async fn close(&mut self) {
        self.wire.close().await;
    }
}

fn take(
    message: Message<'_>,
    encoding: Encoding,
    asked: &mut Vec<(u32, Asked)>,
    outgoing: &mut Vec<Vec<u8>>,
) -> Result<Heard, Closed> {
    match message {
        Message::Response { id, outcome } => {
            let place = asked.iter().position(|(own, _)| id == Id::Number((*own).into()));
            let Some(place) = place else { return Err(nonsense("an answer to no request")) };
            answer(asked.swap_remove(place).1, outcome)
        }
        Message::Request { id, method, .. } => {
            let outcome = match &*method {
                Ping::NAME => Ok(Empty {}),
                _ => Err(RpcError::new(ErrorCode::MethodNotFound, "only ping is answered here")),
            };
            outgoing.push(rpc::response(encoding, &id, &outcome));
            Ok(Heard::Nothing)
        }
        Message::Notification { method, params } => {
            match Push::decode(&method, &params).map_err(nonsense)? {
                Push::Bye(bye) => Err(Closed {
                    code: Some(CloseCode::from_number(bye.code)),
                    reason: bye.reason,
                    reconnect: bye.reconnect,
                }),
                push => Ok(Heard::Push(Box::new(push))),
            }
        }
    }
}

fn answer(asked: Asked, outcome: Result<Params<'_>, RpcError>) -> Result<Heard, Closed> {
    let result = match outcome {
        Ok(result) => result,
        Err(error) => return Ok(Heard::Refused(asked, error)),
    };
    Ok(match asked {
        Asked::Connect => Heard::Connected(Box::new(result.decode().map_err(nonsense)?)),
        Asked::Subscribe => Heard::Subscribed(Box::new(result.decode().map_err(nonsense)?)),
        Asked::Observe(number) => {
            Heard::Observing(number, Box::new(result.decode().map_err(nonsense)?))
        }
        Asked::Watch => Heard::Watching(Box::new(result.decode().map_err(nonsense)?)),
        Asked::TakeOver(_) | Asked::Reply(_) | Asked::Release(_) => {
            Heard::Done(asked, result.decode().map_err(nonsense)?)
        }
        Asked::Serve => Heard::Serving,
        Asked::Say(number) => Heard::Said(number, result.decode().map_err(nonsense)?),
        Asked::Answer | Asked::Ping => Heard::Nothing,
    })
}

fn nonsense(problem: impl std::fmt::Display) -> Closed {
    lost(&format!("the engine sends what is no answer: {problem}"))
}

fn lost(reason: &str) -> Closed {
    Closed { code: None, reason: reason.to_owned(), reconnect: true }
}

/// What was asked, for people.
pub(crate) fn name(asked: Asked) -> &'static str {
    match asked {
        Asked::Connect => "connect",
        Asked::Subscribe => "subscribe",
        Asked::Observe(_) => "to observe a session",
        Asked::Watch => "the live list",
        Asked::Serve => "to serve as a bot",
        Asked::Answer => "an answer of a bot",
        Asked::Say(_) => "a message",
        Asked::TakeOver(_) => "a take-over",
        Asked::Reply(_) => "what an operator says",
        Asked::Release(_) => "a release",
        Asked::Ping => "a ping",
    }
}

/// Why nobody was let in.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) why: String,
    /// Whether to try again, unchanged, can help.
    pub(crate) again: bool,
    /// The engine is there, and asks to come later.
    pub(crate) busy: bool,
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Self {
        let busy = matches!(error, OpenError::UpgradeRefused { .. }) && !error.is_final();
        Self { why: error.to_string(), again: !error.is_final(), busy }
    }
}

impl From<Closed> for Refusal {
    fn from(closed: Closed) -> Self {
        Self { why: reason(&closed), again: closed.reconnect, busy: closed.code.is_some() }
    }
}

impl Refusal {
    pub(crate) fn of(asked: Asked, error: &RpcError) -> Self {
        let why = format!("{} is refused: {error}", name(asked));
        Self { why, again: error.retry, busy: error.retry }
    }
}

/// Why a connection ended, for people.
pub(crate) fn reason(closed: &Closed) -> String {
    match closed.code {
        Some(code) => format!("{} (close code {})", closed.reason, code.number()),
        None => closed.reason.clone(),
    }
}
