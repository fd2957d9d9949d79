//! One session with somebody in it.
//!
//! The actor is a projection of the session's log: it folds, lets the core decide, appends at the
//! offset that it decided on, and only then tells anybody. While an append is on its way, further
//! commands are gathered and decided together for the next one. If the log has moved on, the fold
//! is made anew and everything undecided is decided again.

use std::collections::VecDeque;
use std::sync::Arc;

use actix::prelude::*;
use tokio::sync::oneshot;
use vigie_protocol::error::{CloseCode, ErrorCode, RpcError};
use vigie_protocol::event::{Event, Offset};
use vigie_protocol::id::{SessionId, SiteId};
use vigie_protocol::method::{Done, Subscribed};

use crate::actors::node::{Node, SiteHandle};
use crate::core::decide::{Command, decide};
use crate::core::effect::{Wants, effects};
use crate::core::session::Session;
use crate::core::view::{Audience, control_for};
use crate::gateway::outbox::{ConnectionId, Outbox};
use crate::log::{Append, AppendError, LogError};

mod fanout;
mod fold;
mod handle;
mod message;
mod perform;
#[cfg(test)]
mod tests;

use fanout::Fanout;
pub(crate) use fanout::encode_event;
pub use message::{
    Answer, Arrive, Arrived, BotDrafts, BotsChanged, Do, Follow, Followed, Leave, SomebodyTypes,
};
use perform::Asked;

/// How many messages may wait in a session's mailbox.
const MAILBOX_MAX: usize = 4096;

/// How many commands may wait for the append before them.
const QUEUE_MAX: usize = 4096;

/// How many commands are decided for one append.
const BATCH_MAX: usize = 64;

/// How long until the end of a turn that the log has refused is appended again.
const TURN_END_RETRY: std::time::Duration = std::time::Duration::from_secs(1);

/// How long an actor that has retired still answers those who found it before.
const LINGER: std::time::Duration = std::time::Duration::from_secs(1);

/// One session.
pub struct SessionActor {
    node: Arc<Node>,
    id: SessionId,
    /// What is known once the log was read, or the visitor has arrived.
    state: State,
    /// Commands that wait for the append before them.
    queue: VecDeque<(Command, Answer)>,
    /// What is on its way to the log, with the answers that wait for it.
    in_flight: Vec<(Command, Answer, Outcome)>,
    appending: bool,
    /// The visitor's connections.
    visitors: Vec<Arc<Outbox>>,
    fanout: Fanout,
    /// Who wants to follow, once what is on its way to the log is there.
    followers: Vec<(Follow, oneshot::Sender<Result<Followed, RpcError>>)>,
    grace: Option<SpawnHandle>,
    asked: Option<Asked>,
    /// The bot that was asked last: it goes on with this session for as long as it serves.
    bot: Option<ConnectionId>,
    retired: bool,
}

enum State {
    /// Nothing was read yet.
    Blank,
    /// There is no such session.
    Missing,
    /// The fold.
    Folded(Box<Folded>),
}

struct Folded {
    site: Arc<SiteHandle>,
    /// Up to what has been appended or, while an append is on its way, what it will have.
    session: Session,
    /// The last offset known to be durable.
    committed: Offset,
    /// What the session wanted when that was committed.
    wants: Wants,
}

type Outcome = Result<Done, RpcError>;

impl SessionActor {
    /// A session of which nothing is known yet.
    pub fn new(node: Arc<Node>, id: SessionId) -> Self {
        Self {
            node,
            id,
            state: State::Blank,
            queue: VecDeque::new(),
            in_flight: Vec::new(),
            appending: false,
            visitors: Vec::new(),
            fanout: Fanout::default(),
            followers: Vec::new(),
            grace: None,
            asked: None,
            bot: None,
            retired: false,
        }
    }

    /// Queues a command, and starts on it if nothing is on its way to the log.
    fn enqueue(&mut self, command: Command, answer: Answer, context: &mut Context<Self>) {
        if self.queue.len() >= QUEUE_MAX {
            answer.refuse(RpcError::new(ErrorCode::Busy, "the session is busy; try again"));
            return;
        }
        self.queue.push_back((command, answer));
        self.pump(context);
    }

    /// Decides what is queued and appends it.
    fn pump(&mut self, context: &mut Context<Self>) {
        while !self.appending && !self.queue.is_empty() {
            let Some(append) = self.decide_queue() else { return };
            if append.events.is_empty() {
                // Everything was decided on what is durable already.
                self.tell_outcomes();
                continue;
            }
            self.append(append, context);
        }
        self.retire_if_idle(context);
    }

    /// Decides a batch of what is queued, each command on what those before it make of the session.
    fn decide_queue(&mut self) -> Option<Append> {
        let State::Folded(folded) = &mut self.state else { return None };
        let now = self.node.now();
        let mut events: Vec<Event> = Vec::new();
        while self.in_flight.len() < BATCH_MAX
            && let Some((command, answer)) = self.queue.pop_front()
        {
            let outcome = decide(&folded.session, command.clone(), now).map(|decision| {
                for event in decision.events {
                    folded.session.apply(&event);
                    events.push(event);
                }
                decision.done
            });
            self.in_flight.push((command, answer, outcome.map_err(RpcError::from)));
        }
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
        Some(Append {
            site: folded.site.site.id.clone(),
            session: self.id,
            expected: folded.committed,
            events,
        })
    }

    fn append(&mut self, append: Append, context: &mut Context<Self>) {
        self.appending = true;
        let events = append.events.clone();
        let appended = self.node.log.append(append).into_actor(self);
        context.spawn(appended.map(move |result, this, context| {
            this.appending = false;
            match result {
                Ok(()) => this.committed(&events, context),
                Err(AppendError::Conflict { .. }) => this.decide_again(context),
                Err(AppendError::Log(error)) => this.refuse_batch(&error, context),
            }
        }));
    }

    /// The batch is durable: now it may be told.
    fn committed(&mut self, events: &[Event], context: &mut Context<Self>) {
        self.publish(events, context);
        self.tell_outcomes();
        self.take_followers();
        self.pump(context);
    }

    /// Tells followers, bots and the live list what has become durable.
    fn publish(&mut self, events: &[Event], context: &mut Context<Self>) {
        let State::Folded(folded) = &mut self.state else { return };
        for event in events {
            self.fanout.event(self.id, event);
            folded.committed = event.offset;
        }
        let to_see_to = effects(&folded.wants, &folded.session);
        folded.wants = Wants::of(&folded.session);
        for effect in to_see_to {
            self.perform(effect, context);
        }
        self.settle_turn(context);
        self.show_card();
    }

    fn tell_outcomes(&mut self) {
        let State::Folded(folded) = &self.state else { return };
        // Taken whole: an idle session holds no buffer.
        for (_, answer, outcome) in std::mem::take(&mut self.in_flight) {
            match (answer, outcome) {
                (Answer::Client(reply), outcome) => reply.send(&outcome),
                (Answer::Visitor(connection, arrived), outcome) => {
                    if outcome.is_err() {
                        self.visitors.retain(|visitor| visitor.id() != connection);
                    }
                    // A connection that has closed meanwhile leaves by itself.
                    drop(arrived.send(outcome.map(|_| Arrived {
                        offset: folded.session.head_for(Audience::Visitor),
                        control: control_for(folded.session.control(), Audience::Visitor),
                    })));
                }
                (Answer::Nobody, _) => {}
            }
        }
        self.show_card();
    }

    /// Somebody else appended first: everything of the batch is decided again on what is there.
    fn decide_again(&mut self, context: &mut Context<Self>) {
        for (command, answer, _) in std::mem::take(&mut self.in_flight).into_iter().rev() {
            self.queue.push_front((command, answer));
        }
        self.read_log(context, |this, context| this.pump(context));
    }

    /// The log did not take it: nobody is told otherwise, and the fold goes back to what is there.
    fn refuse_batch(&mut self, error: &LogError, context: &mut Context<Self>) {
        // The log itself says so once, and clients may try often.
        tracing::debug!(session = %self.id, %error, "an append was refused");
        for (command, answer, _) in std::mem::take(&mut self.in_flight) {
            match (&command, &answer) {
                (Command::Answer { .. } | Command::FailTurn { .. }, Answer::Nobody) => {
                    Self::end_turn_later(command, context);
                }
                _ => self.turn_away(answer, RpcError::from(error)),
            }
        }
        self.read_log(context, |this, context| this.pump(context));
    }

    /// The engine's own end of a turn: nobody else would try it again, and the visitor would wait
    /// for ever. If the turn has ended otherwise by then, it is refused.
    fn end_turn_later(command: Command, context: &mut Context<Self>) {
        context.run_later(TURN_END_RETRY, |this, context| {
            if !this.retired {
                this.enqueue(command, Answer::Nobody, context);
            }
        });
    }

    fn turn_away(&mut self, answer: Answer, error: RpcError) {
        if let Answer::Visitor(connection, _) = answer {
            self.visitors.retain(|visitor| visitor.id() != connection);
        }
        answer.refuse(error);
    }

    /// The fold, if the session is one of this site's.
    fn folded(&self, site: &SiteId) -> Result<&Folded, RpcError> {
        match &self.state {
            State::Folded(folded) if folded.site.site.id == *site => Ok(folded),
            State::Blank => Err(RpcError::new(ErrorCode::Busy, "the session is being read")),
            State::Missing | State::Folded(_) => Err(RpcError::new(
                ErrorCode::UnknownSession,
                "there is no such session on this site",
            )),
        }
    }

    /// Puts the session's card on the site's board, or takes it off. What is on its way to the log
    /// is shown once it is there.
    fn show_card(&self) {
        let State::Folded(folded) = &self.state else { return };
        if self.appending {
            return;
        }
        let listed = !self.visitors.is_empty() || self.grace.is_some();
        let card = (listed && !folded.session.closed())
            .then(|| folded.session.card(!self.visitors.is_empty()))
            .flatten();
        folded.site.board.put(self.id, card.map(Arc::new));
    }

    /// Without a connection of the visitor: they may be back in a moment, or have left.
    fn await_return(&mut self, context: &mut Context<Self>) {
        let State::Folded(folded) = &self.state else { return };
        if !self.visitors.is_empty() || self.grace.is_some() || !folded.session.present() {
            return;
        }
        let grace = self.node.config.presence.visitor_grace;
        self.grace = Some(context.run_later(grace, |this, context| {
            this.grace = None;
            this.show_card();
            this.enqueue(Command::Depart, Answer::Nobody, context);
        }));
    }

    /// Closes the connections of all who are in the session: they connect again.
    fn send_away(&mut self) {
        self.fanout.close_all(CloseCode::Internal);
        for visitor in self.visitors.drain(..) {
            visitor.close(CloseCode::Internal);
        }
    }

    /// Stops when nobody needs this projection of the log any more.
    fn retire_if_idle(&mut self, context: &mut Context<Self>) {
        let wanted = match &self.state {
            State::Folded(folded) => folded.wants.turn.is_some() || folded.wants.lease.is_some(),
            State::Blank | State::Missing => false,
        };
        let idle = self.visitors.is_empty()
            && self.grace.is_none()
            && self.fanout.is_empty()
            && self.followers.is_empty()
            && self.queue.is_empty()
            && !self.appending
            && !wanted;
        if idle {
            self.retire(context);
        }
    }

    fn retire(&mut self, context: &mut Context<Self>) {
        if !self.retired {
            self.retired = true;
            self.node.sessions.remove(&self.id, &context.address());
            context.run_later(LINGER, |_, context| context.stop());
        }
    }

    /// A retired actor takes nothing more in: the asker finds its successor.
    fn must_be_active(&self) -> Result<(), RpcError> {
        if self.retired {
            return Err(RpcError::new(ErrorCode::Busy, "the session is being reopened; try again"));
        }
        Ok(())
    }

    /// Lets those follow who wait for it; called when nothing is on its way to the log.
    fn take_followers(&mut self) {
        for (follow, followed) in std::mem::take(&mut self.followers) {
            // Who no longer waits leaves by itself.
            drop(followed.send(self.follow(follow)));
        }
    }

    fn follow(&mut self, follow: Follow) -> Result<Followed, RpcError> {
        let folded = self.folded(&follow.site)?;
        let (head, audience) = (folded.committed, follow.audience);
        if follow.after > head {
            let problem = "that offset is beyond the log's end; subscribe from 0";
            return Err(RpcError::new(ErrorCode::OffsetAhead, problem)
                .with_data(serde_json::json!({ "head": head })));
        }
        let live = follow.after == head;
        let card = (audience == Audience::Operator)
            .then(|| folded.session.card(!self.visitors.is_empty()))
            .flatten();
        let subscribed = Subscribed {
            session: self.id,
            offset: folded.session.head_for(audience),
            control: control_for(folded.session.control(), audience),
            card,
        };
        if live {
            let seen = Audience::ALL.map(|audience| folded.session.head_for(audience));
            self.fanout.join(follow.outbox, audience, seen);
        }
        Ok(Followed { subscribed, head, live })
    }
}

impl Actor for SessionActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX_MAX);
    }
}

/// An actor that ends before it has retired has failed: the clients of its session connect again
/// and find one that is made anew from the log. Until then the session is not listed.
impl Drop for SessionActor {
    fn drop(&mut self) {
        if !self.retired {
            self.send_away();
            if let State::Folded(folded) = &self.state {
                folded.site.board.put(self.id, None);
                folded.site.bots.settle(self.id);
            }
        }
    }
}
