//! One session with somebody in it.
//!
//! The actor is a projection of the session's log: it folds, lets the core decide, appends at the
//! offset that it decided on, and only then tells anybody. While an append is on its way, further
//! commands are gathered and decided together for the next one. If the log has moved on, the fold
//! is made anew and everything undecided is decided again.

use std::sync::Arc;
use std::time::Instant;

use actix::prelude::*;
use tokio::sync::oneshot;
use vigie_protocol::error::{CloseCode, ErrorCode, RpcError};
use vigie_protocol::event::Event;
use vigie_protocol::id::{SessionId, SiteId};
use vigie_protocol::method::Subscribed;

use crate::actors::node::{Node, SiteHandle};
use crate::bots::BotId;
use crate::core::decide::Command;
use crate::core::effect::{Wants, effects};
use crate::core::end::LogEnd;
use crate::core::projection::{Outcome, Projection, Step};
use crate::core::session::Session;
use crate::core::view::{Audience, control_for};
use crate::gateway::outbox::Outbox;
use crate::log::{Append, AppendError, LogError};
use crate::metrics::metrics;

mod attend;
mod fanout;
mod fold;
mod handle;
mod message;
mod perform;
mod presence;
#[cfg(test)]
mod tests;

use attend::Attending;
use fanout::Fanout;
pub(crate) use fanout::encode_event;
pub use message::{
    Answer, Arrive, Arrived, Attended, BotDrafts, BotHas, BotsChanged, Do, Follow, Followed, Heard,
    Leave, LivesOrNot, LookAgain, LookAnew, Relayed, Resync, SomebodyTypes, Wake,
};
use perform::Asked;

/// How many messages may wait in a session's mailbox.
const MAILBOX_MAX: usize = 4096;

/// How long until what the log has refused is tried again without being asked: the end of a turn, or
/// a fold that could not be read.
const RETRY: std::time::Duration = std::time::Duration::from_secs(1);

/// How long an actor that has retired still answers those who found it before.
const LINGER: std::time::Duration = std::time::Duration::from_secs(1);

/// One session.
pub struct SessionActor {
    node: Arc<Node>,
    id: SessionId,
    /// What is known once the log was read, or the visitor has arrived.
    state: State,
    /// The visitor's connections at this node.
    visitors: Vec<Arc<Outbox>>,
    fanout: Fanout,
    /// Who wants to follow, once what is on its way to the log is there.
    followers: Vec<(Follow, Following)>,
    grace: Option<SpawnHandle>,
    /// Whether this node has shown the session's card, or its absence.
    shown: bool,
    /// Whether the session has begun here, and was never shown.
    fresh: bool,
    /// Whether something was published since it was last looked whether the visitor counts as there.
    unsure: bool,
    asked: Option<Box<Asked>>,
    /// The bot that was asked last: it goes on with this session for as long as it serves.
    bot: Option<BotId>,
    /// The other nodes at this session; none if this node is alone.
    attending: Option<Box<Attending>>,
    retired: bool,
}

type Following = oneshot::Sender<Result<Followed, RpcError>>;

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
    projection: Projection<Answer>,
    /// What the session wanted when this node last saw to it; nothing while another one does.
    wants: Wants,
}

impl Folded {
    /// The fold: while an append is on its way, ahead of the log.
    fn session(&self) -> &Session {
        self.projection.session()
    }
}

impl SessionActor {
    /// A session of which nothing is known yet.
    pub fn new(node: Arc<Node>, id: SessionId) -> Self {
        Self {
            attending: node.cluster.as_deref().map(Attending::of),
            node,
            id,
            state: State::Blank,
            visitors: Vec::new(),
            fanout: Fanout::default(),
            followers: Vec::new(),
            grace: None,
            shown: false,
            fresh: false,
            unsure: false,
            asked: None,
            bot: None,
            retired: false,
        }
    }

    /// Queues a command, and starts on it if nothing is on its way to the log.
    fn enqueue(&mut self, command: Command, answer: Answer, context: &mut Context<Self>) {
        let State::Folded(folded) = &mut self.state else {
            return answer.refuse(RpcError::new(ErrorCode::Busy, "the session is being read"));
        };
        match folded.projection.push(command, answer) {
            Ok(()) => self.pump(context),
            Err(answer) => {
                answer.refuse(RpcError::new(ErrorCode::Busy, "the session is busy; try again"));
            }
        }
    }

    /// Takes the projection's steps until one has to be waited for.
    fn pump(&mut self, context: &mut Context<Self>) {
        while self.attends()
            && let State::Folded(folded) = &mut self.state
            && let Some(step) = folded.projection.step(self.node.now())
        {
            match step {
                Step::Append { expected: LogEnd { offset: expected, mark }, events } => {
                    let site = folded.site.site.id.clone();
                    let append = Append { site, session: self.id, expected, mark, events };
                    self.append(append, context);
                }
                Step::ReadAfter(offset) => self.catch_up(offset, context),
                Step::ReadAnew => self.fold_anew(context),
                Step::Tell(outcomes) => self.tell(outcomes, context),
            }
        }
        self.take_followers();
        self.reassure(context);
        self.retire_if_idle(context);
    }

    fn append(&mut self, append: Append, context: &mut Context<Self>) {
        let asked = Instant::now();
        let appended = self.node.log.append(append).into_actor(self);
        context.spawn(appended.map(move |result, this, context| {
            metrics().storage.appended(asked.elapsed(), &result);
            match result {
                Ok(()) => this.appended(context),
                Err(AppendError::Conflict { .. }) => {
                    if let State::Folded(folded) = &mut this.state {
                        folded.projection.conflicted();
                    }
                }
                Err(AppendError::Log(error)) => this.refuse_batch(&error, context),
            }
            this.pump(context);
        }));
    }

    /// The batch is durable: now it may be told.
    fn appended(&mut self, context: &mut Context<Self>) {
        let State::Folded(folded) = &mut self.state else { return };
        let committed = folded.projection.appended();
        metrics().conversations.committed(&committed.events);
        self.publish(&committed.events, context);
        self.tell(committed.outcomes, context);
    }

    /// Tells followers, bots and the live list what has become durable.
    fn publish(&mut self, events: &[Event], context: &mut Context<Self>) {
        for event in events {
            self.fanout.event(self.id, event);
        }
        self.unsure = true;
        self.see_to_it(context);
        // That the visitor is there may be news, and old.
        self.await_return(context);
        self.show_card();
    }

    /// Sees to what has changed in what the session wants, if that is this node's business.
    fn see_to_it(&mut self, context: &mut Context<Self>) {
        let steward = self.is_steward();
        let State::Folded(folded) = &mut self.state else { return };
        if folded.projection.is_ahead() {
            // A bot must not be asked what was perhaps never said. What becomes of it is published.
            return;
        }
        if steward {
            let to_see_to = effects(&folded.wants, folded.session());
            folded.wants = Wants::of(folded.session());
            for effect in to_see_to {
                self.perform(effect, context);
            }
        } else if folded.wants != Wants::default() {
            self.hand_over(context);
        }
        self.settle_turn(context);
    }

    fn tell(&mut self, outcomes: Vec<Outcome<Answer>>, context: &mut Context<Self>) {
        for (answer, outcome) in outcomes {
            let outcome = outcome.map_err(RpcError::from);
            match answer {
                Answer::Client(reply) => reply.send(&outcome),
                Answer::Visitor(connection, arrived) => {
                    if outcome.is_err() {
                        self.lose_visitor(connection, context);
                    }
                    let State::Folded(folded) = &self.state else { continue };
                    // A connection that has closed meanwhile leaves by itself.
                    drop(arrived.send(outcome.map(|_| Arrived {
                        offset: folded.session().head_for(Audience::Visitor),
                        control: control_for(folded.session().control(), Audience::Visitor),
                    })));
                }
                Answer::Nobody => {}
            }
        }
        self.show_card();
    }

    /// The log did not take it: nobody is told otherwise, and the fold goes back to what is there.
    fn refuse_batch(&mut self, error: &LogError, context: &mut Context<Self>) {
        // The log itself says so once, and clients may try often.
        tracing::debug!(session = %self.id, %error, "an append was refused");
        let State::Folded(folded) = &mut self.state else { return };
        let waiting = folded.projection.failed();
        self.turn_all_away(waiting, error, context);
        if self.attending.is_some() {
            // Should it take effect after all, nobody tells the node that it is from.
            context.run_later(2 * self.node.config.redis.timeout, Self::attend);
        }
    }

    fn turn_all_away(
        &mut self,
        waiting: Vec<(Command, Answer)>,
        error: &LogError,
        context: &mut Context<Self>,
    ) {
        for (command, answer) in waiting {
            match (&command, &answer) {
                (Command::Answer { .. } | Command::FailTurn { .. }, Answer::Nobody) => {
                    Self::end_turn_later(command, context);
                }
                // Nobody else would try it again: what it was for is looked at again.
                (_, Answer::Nobody) => Self::look_again_later(context),
                _ => self.turn_away(answer, RpcError::from(error), context),
            }
        }
    }

    fn look_again_later(context: &mut Context<Self>) {
        context.run_later(RETRY, |this, context| {
            if this.retired {
                return;
            }
            if let State::Folded(folded) = &mut this.state {
                folded.projection.retry();
            }
            // What could not be shown while the log was asked is now.
            this.publish(&[], context);
            this.pump(context);
        });
    }

    /// The engine's own end of a turn: nobody else would try it again, and the visitor would wait
    /// for ever. If the turn has ended otherwise by then, it is refused.
    fn end_turn_later(command: Command, context: &mut Context<Self>) {
        context.run_later(RETRY, |this, context| {
            if !this.retired {
                this.enqueue(command, Answer::Nobody, context);
            }
        });
    }

    fn turn_away(&mut self, answer: Answer, error: RpcError, context: &mut Context<Self>) {
        if let Answer::Visitor(connection, _) = answer {
            self.lose_visitor(connection, context);
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

    /// Closes the connections of all who are in the session: they connect again.
    fn send_away(&mut self, code: CloseCode) {
        self.fanout.close_all(code);
        for visitor in self.visitors.drain(..) {
            visitor.close(code);
        }
    }

    /// Stops when nobody needs this projection of the log any more.
    fn retire_if_idle(&mut self, context: &mut Context<Self>) {
        if self.idle() && !self.stays_warm(context) {
            self.retire(context);
        }
    }

    fn idle(&self) -> bool {
        let wanted = match &self.state {
            State::Folded(folded) => {
                folded.wants.turn.is_some()
                    || folded.wants.lease.is_some()
                    || !folded.projection.idle()
                    || !self.agreed()
            }
            State::Blank | State::Missing => false,
        };
        self.visitors.is_empty()
            && self.grace.is_none()
            && self.fanout.is_empty()
            && self.followers.is_empty()
            && !wanted
    }

    fn retire(&mut self, context: &mut Context<Self>) {
        if !self.retired {
            self.retired = true;
            self.node.sessions.remove(&self.id, &context.address());
            if let State::Folded(folded) = &self.state
                && std::mem::take(&mut self.shown)
            {
                // Another node shows it from now on, or none.
                folded.site.show(self.id, None);
            }
            self.leave_others();
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

    /// Lets those follow who wait for it, once the fold is what is durable.
    fn take_followers(&mut self) {
        if self.followers.is_empty() {
            return;
        }
        match &self.state {
            State::Folded(folded) if !folded.projection.settled() => {}
            _ => {
                for (follow, followed) in std::mem::take(&mut self.followers) {
                    // Who no longer waits leaves by itself.
                    drop(followed.send(self.follow(follow)));
                }
            }
        }
    }

    fn follow(&mut self, follow: Follow) -> Result<Followed, RpcError> {
        let folded = self.folded(&follow.site)?;
        let (head, audience) = (folded.projection.committed(), follow.audience);
        if follow.after > head {
            let problem = "that offset is beyond the log's end; subscribe from 0";
            return Err(RpcError::new(ErrorCode::OffsetAhead, problem)
                .with_data(serde_json::json!({ "head": head })));
        }
        let session = folded.session();
        let live = follow.after == head;
        let card = (audience == Audience::Operator)
            .then(|| session.card(self.visitor_is_here()))
            .flatten();
        let subscribed = Subscribed {
            session: self.id,
            offset: session.head_for(audience),
            control: control_for(session.control(), audience),
            card,
        };
        if live {
            let seen = Audience::ALL.map(|audience| session.head_for(audience));
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
            self.send_away(CloseCode::Internal);
            self.leave_others();
            if let State::Folded(folded) = &self.state {
                folded.site.show(self.id, None);
                folded.site.bots.settle(self.id);
            }
        }
    }
}
