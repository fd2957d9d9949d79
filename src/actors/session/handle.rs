//! The mailbox: each message becomes a command, or a look at what is there.

use std::sync::Arc;

use actix::prelude::*;
use tokio::sync::oneshot;
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::event::Author;
use vigie_protocol::method::Empty;

use super::message::{
    Answer, Arrive, Arrived, BotDrafts, BotsChanged, Do, Follow, Followed, Leave, SomebodyTypes,
};
use super::{SessionActor, State};
use crate::core::decide::{Command, must_be_open, must_hold};

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
        if let Some(timer) = self.grace.take() {
            context.cancel_future(timer);
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
            this.followers.push((follow, answer));
            if !this.appending {
                this.take_followers();
            }
            this.retire_if_idle(context);
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
            self.visitors.retain(|visitor| visitor.id() != leave.connection);
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
            let SomebodyTypes { site, connection, author, text, reply } = typing;
            let allowed = this.folded(&site).and_then(|folded| match &author {
                Author::Operator { id: Some(id), .. } => Ok(must_hold(&folded.session, id)?),
                _ => Ok(()),
            });
            if allowed.is_ok() {
                this.fanout.typing(this.id, connection, &author, text.as_deref());
            }
            reply.send(&allowed.map(|()| Empty {}));
            this.retire_if_idle(context);
        });
    }
}

impl Handler<BotDrafts> for SessionActor {
    type Result = ();

    fn handle(&mut self, draft: BotDrafts, context: &mut Self::Context) {
        self.when_read(context, move |this, context| {
            let BotDrafts { site, epoch, turn, text, reply } = draft;
            let open = this
                .folded(&site)
                .and_then(|folded| Ok(must_be_open(&folded.session, epoch, turn)?));
            if open.is_ok() {
                this.fanout.draft(this.id, turn, text);
            }
            reply.send(&open.map(|()| Empty {}));
            this.retire_if_idle(context);
        });
    }
}

impl Handler<BotsChanged> for SessionActor {
    type Result = ();

    fn handle(&mut self, _: BotsChanged, context: &mut Self::Context) {
        self.ask_another_bot(context);
    }
}
