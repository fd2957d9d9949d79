//! A session's followers: each event is encoded once per audience and encoding, and its bytes are
//! shared by all who see it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use vigie_protocol::error::CloseCode;
use vigie_protocol::event::{Author, Event, Offset};
use vigie_protocol::id::SessionId;
use vigie_protocol::push::{DraftSignal, EventPush, Notification, TypingSignal};
use vigie_protocol::rpc::{self, Encoding};

use crate::core::view::{Audience, author_for, visible_to};
use crate::gateway::outbox::{ConnectionId, Outbox};
use crate::metrics::{Delivered, metrics};

/// Who follows a session.
#[derive(Default)]
pub(super) struct Fanout {
    followers: Vec<Follower>,
    /// The last offset that was sent to each audience.
    seen: [Offset; Audience::ALL.len()],
}

struct Follower {
    outbox: Arc<Outbox>,
    audience: Audience,
}

impl Fanout {
    /// Sends events to a follower from now on; `seen` is what each audience has seen so far.
    pub(super) fn join(
        &mut self,
        outbox: Arc<Outbox>,
        audience: Audience,
        seen: [Offset; Audience::ALL.len()],
    ) {
        self.leave(outbox.id());
        self.seen = seen;
        self.followers.reserve(1 + self.followers.len() / 2);
        self.followers.push(Follower { outbox, audience });
    }

    pub(super) fn leave(&mut self, connection: ConnectionId) {
        self.followers.retain(|follower| follower.outbox.id() != connection);
        if self.followers.is_empty() {
            self.followers = Vec::new();
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.followers.is_empty()
    }

    pub(super) fn close_all(&mut self, code: CloseCode) {
        for follower in self.followers.drain(..) {
            follower.outbox.close(code);
        }
    }

    /// Sends an event to all who may see it.
    pub(super) fn event(&mut self, session: SessionId, event: &Event) {
        let mut receivers = 0;
        for audience in Audience::ALL {
            let Some(seen) = visible_to(event, audience) else { continue };
            let prev = std::mem::replace(&mut self.seen[audience as usize], event.offset);
            let mut frames = Frames::default();
            for follower in self.followers.iter().filter(|f| f.audience == audience) {
                let bytes = frames.get(follower.outbox.encoding(), |encoding| {
                    encode_event(encoding, session, prev, &seen)
                });
                follower.outbox.push(bytes);
                receivers += 1;
            }
        }
        metrics().delivery.deliver(Delivered::Event, receivers);
    }

    /// Tells all others that somebody is typing; what the visitor types only operators read.
    pub(super) fn typing(
        &self,
        session: SessionId,
        from: ConnectionId,
        author: &Author,
        text: Option<&str>,
    ) {
        for audience in [Audience::Visitor, Audience::Operator] {
            let text = text.filter(|_| audience == Audience::Operator).map(str::to_owned);
            let author = author_for(author, audience);
            self.signal(audience, from, &TypingSignal { session, author, text });
        }
    }

    /// Shows operators the bot's answer so far.
    pub(super) fn draft(&self, session: SessionId, turn: Offset, text: String) {
        self.signal(Audience::Operator, 0, &DraftSignal { session, turn, text });
    }

    fn signal<N: Notification>(&self, audience: Audience, except: ConnectionId, signal: &N) {
        let (mut frames, mut receivers) = (Frames::default(), 0);
        let key = signal_key(N::NAME, except);
        for follower in &self.followers {
            if follower.audience == audience && follower.outbox.id() != except {
                let bytes = frames.get(follower.outbox.encoding(), |encoding| {
                    rpc::notification(encoding, N::NAME, signal)
                });
                follower.outbox.push_signal(key, bytes);
                receivers += 1;
            }
        }
        metrics().delivery.deliver(Delivered::Signal, receivers);
    }
}

/// Encodes an event as its audience sees it.
pub(crate) fn encode_event(
    encoding: Encoding,
    session: SessionId,
    prev: Offset,
    event: &Event,
) -> Vec<u8> {
    let push = EventPush {
        session,
        offset: event.offset,
        prev,
        time: event.time,
        author: event.author.clone(),
        body: event.body.clone(),
    };
    rpc::notification(encoding, EventPush::NAME, &push)
}

/// One message in each encoding that somebody wants it in.
#[derive(Default)]
struct Frames {
    messagepack: Option<Bytes>,
    json: Option<Bytes>,
}

impl Frames {
    fn get(&mut self, encoding: Encoding, encode: impl FnOnce(Encoding) -> Vec<u8>) -> Bytes {
        let frame = match encoding {
            Encoding::MessagePack => &mut self.messagepack,
            Encoding::Json => &mut self.json,
        };
        frame.get_or_insert_with(|| encode(encoding).into()).clone()
    }
}

/// Signals of one kind and sender stand in for each other.
fn signal_key(name: &str, from: ConnectionId) -> u64 {
    let mut hasher = DefaultHasher::new();
    (name, from).hash(&mut hasher);
    hasher.finish()
}
