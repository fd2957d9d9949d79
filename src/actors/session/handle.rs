//! The mailbox: each message becomes a command, or a look at what is there.

use std::sync::Arc;

use actix::prelude::*;
use tokio::sync::oneshot;
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::event::Author;
use vigie_protocol::method::Empty;

use super::message::{
    Answer, Arrive, Arrived, Attended, BotDrafts, BotHas, BotsChanged, Do, Follow, Followed, Heard,
    Leave, LivesOrNot, LookAgain, LookAnew, Relayed, Resync, SomebodyTypes, Wake,
};
use super::{SessionActor, State};
use crate::cluster::message::Signal;
use crate::core::decide::{Command, must_be_open, must_hold};
use crate::core::end::LogEnd;

impl Handler<Do> for SessionActor {
    type Result = ();

    fn handle(&mut self, message: Do, context: &mut Self::Context) {
        self.when_read(context, move |this, context| {
            match this.must_be_active().and_then(|()| this.folded(&message.site).map(drop)) {
                Ok(()) => this.enqueue(message.command, message.answer, context),
                Err(error) => {
                    message.answer.refuse(error);
                    this.retire_if_idle(context);
                }
            }
        });
    }
}

impl Handler<Arrive> for SessionActor {
    type Result = Response<Result<Arrived, RpcError>>;

    fn handle(&mut self, arrive: Arrive, context: &mut Self::Context) -> Self::Result {
        let (answer, arrived) = oneshot::channel();
        if arrive.new && matches!(self.state, State::Blank) {
            self.begin(Arc::clone(&arrive.site));
        }
        self.when_read(context, move |this, context| this.arrive(arrive, answer, context));
        Response::fut(async { arrived.await.unwrap_or_else(|_| Err(lost())) })
    }
}

impl SessionActor {
    fn arrive(
        &mut self,
        arrive: Arrive,
        answer: oneshot::Sender<Result<Arrived, RpcError>>,
        context: &mut Context<Self>,
    ) {
        let answer = Answer::Visitor(arrive.outbox.id(), answer);
        if let Err(error) = self.must_be_active() {
            return answer.refuse(error);
        }
        if matches!(self.state, State::Missing) {
            self.begin(Arc::clone(&arrive.site));
        }
        if let Err(error) = self.folded(&arrive.site.site.id) {
            return answer.refuse(error);
        }
        self.visitors.reserve_exact(1);
        self.visitors.push(arrive.outbox);
        self.await_return(context);
        if self.visitors.len() == 1 {
            self.attend(context);
        }
        let command = Command::Arrive {
            visitor: arrive.visitor,
            ordinal: arrive.ordinal,
            context: arrive.context,
            data: arrive.data,
        };
        self.enqueue(command, answer, context);
    }
}

impl Handler<Follow> for SessionActor {
    type Result = Response<Result<Followed, RpcError>>;

    fn handle(&mut self, follow: Follow, context: &mut Self::Context) -> Self::Result {
        let (answer, followed) = oneshot::channel();
        self.when_read(context, move |this, context| {
            if let Err(error) = this.must_be_active() {
                return drop(answer.send(Err(error)));
            }
            if let State::Folded(folded) = &mut this.state {
                // A follower may come from a node that is further.
                folded.projection.hear_of(LogEnd::at(follow.after));
            }
            this.followers.push((follow, answer));
            this.pump(context);
        });
        Response::fut(async { followed.await.unwrap_or_else(|_| Err(lost())) })
    }
}

fn lost() -> RpcError {
    RpcError::new(ErrorCode::Busy, "the session is being reopened; try again")
}

impl Handler<Leave> for SessionActor {
    type Result = ();

    fn handle(&mut self, leave: Leave, context: &mut Self::Context) {
        self.fanout.leave(leave.connection);
        self.followers.retain(|(follow, _)| follow.outbox.id() != leave.connection);
        if leave.visitor {
            self.lose_visitor(leave.connection, context);
            self.await_return(context);
            self.show_card();
        }
        self.retire_if_idle(context);
    }
}

impl Handler<SomebodyTypes> for SessionActor {
    type Result = ();

    fn handle(&mut self, typing: SomebodyTypes, context: &mut Self::Context) {
        self.when_read(context, move |this, context| {
            if this.may_type(&typing).is_ok() {
                this.types(typing, context);
            } else {
                this.look_at_end(context, |this, context| this.types(typing, context));
            }
        });
    }
}

impl Handler<BotDrafts> for SessionActor {
    type Result = ();

    fn handle(&mut self, draft: BotDrafts, context: &mut Self::Context) {
        self.when_read(context, move |this, context| {
            if this.may_draft(&draft).is_ok() {
                this.drafts(draft, context);
            } else {
                this.look_at_end(context, |this, context| this.drafts(draft, context));
            }
        });
    }
}

impl SessionActor {
    fn may_type(&self, typing: &SomebodyTypes) -> Result<(), RpcError> {
        let folded = self.folded(&typing.site)?;
        match &typing.author {
            Author::Operator { id: Some(id), .. } => Ok(must_hold(folded.session(), id)?),
            _ => Ok(()),
        }
    }

    fn types(&mut self, typing: SomebodyTypes, context: &mut Context<Self>) {
        let allowed = self.may_type(&typing);
        let SomebodyTypes { connection, author, text, reply, .. } = typing;
        if allowed.is_ok() {
            self.fanout.typing(self.id, connection, &author, text.as_deref());
            self.relay(&Signal::Typing { author, text });
        }
        reply.send(&allowed.map(|()| Empty {}));
        self.retire_if_idle(context);
    }

    fn may_draft(&self, draft: &BotDrafts) -> Result<(), RpcError> {
        let folded = self.folded(&draft.site)?;
        Ok(must_be_open(folded.session(), draft.epoch, draft.turn)?)
    }

    fn drafts(&mut self, draft: BotDrafts, context: &mut Context<Self>) {
        let open = self.may_draft(&draft);
        let BotDrafts { turn, text, reply, .. } = draft;
        if open.is_ok() {
            self.relay(&Signal::Draft { turn, text: text.clone() });
            self.fanout.draft(self.id, turn, text);
        }
        reply.send(&open.map(|()| Empty {}));
        self.retire_if_idle(context);
    }
}

impl Handler<BotsChanged> for SessionActor {
    type Result = ();

    fn handle(&mut self, _: BotsChanged, context: &mut Self::Context) {
        self.ask_another_bot(context);
    }
}

impl Handler<Wake> for SessionActor {
    type Result = ();

    fn handle(&mut self, _: Wake, context: &mut Self::Context) {
        self.when_read(context, Self::retire_if_idle);
    }
}

impl Handler<Heard> for SessionActor {
    type Result = ();

    fn handle(&mut self, heard: Heard, context: &mut Self::Context) {
        match &mut self.state {
            State::Folded(folded) => {
                let news = folded.projection.hear(heard.after, heard.events);
                if !news.is_empty() {
                    self.publish(&news, context);
                }
                self.pump(context);
            }
            // It has come to be.
            State::Missing => self.state = State::Blank,
            State::Blank => {}
        }
    }
}

impl Handler<Attended> for SessionActor {
    type Result = ();

    fn handle(&mut self, attended: Attended, context: &mut Self::Context) {
        self.hear_of_attendance(attended.0, context);
    }
}

impl Handler<LivesOrNot> for SessionActor {
    type Result = ();

    fn handle(&mut self, died: LivesOrNot, context: &mut Self::Context) {
        self.look_who_lives(died.0, context);
    }
}

impl Handler<LookAnew> for SessionActor {
    type Result = ();

    fn handle(&mut self, _: LookAnew, context: &mut Self::Context) {
        self.doubt_attendance(context);
    }
}

impl Handler<Relayed> for SessionActor {
    type Result = ();

    fn handle(&mut self, relayed: Relayed, _: &mut Self::Context) {
        match relayed.0 {
            Signal::Typing { author, text } => {
                self.fanout.typing(self.id, 0, &author, text.as_deref());
            }
            Signal::Draft { turn, text } => self.fanout.draft(self.id, turn, text),
        }
    }
}

impl Handler<BotHas> for SessionActor {
    type Result = ();

    fn handle(&mut self, has: BotHas, context: &mut Self::Context) {
        self.bot_has(has.turn, context);
    }
}

/// What was durable is not there any more: this projection is of a log that is no more.
impl Handler<Resync> for SessionActor {
    type Result = ();

    fn handle(&mut self, _: Resync, context: &mut Self::Context) {
        self.send_away(vigie_protocol::error::CloseCode::Resync);
        if let State::Folded(folded) = &self.state {
            folded.site.bots.settle(self.id);
        }
        self.retire(context);
    }
}

impl Handler<LookAgain> for SessionActor {
    type Result = ();

    fn handle(&mut self, _: LookAgain, context: &mut Self::Context) {
        if let State::Folded(folded) = &mut self.state {
            folded.projection.doubt();
            self.pump(context);
        }
    }
}
