//! Which actor a request is for, and who may make it.

use std::sync::Arc;

use actix::dev::SendError;
use actix::prelude::*;
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::event::{Author, BotFailure, Page, Rating};
use vigie_protocol::id::{OperatorId, SessionId};
use vigie_protocol::method::{Call, Empty, OperatorList};

use crate::actors::node::{Node, SiteHandle};
use crate::actors::operator::Declare;
use crate::actors::session::{Answer, BotDrafts, Do, SomebodyTypes};
use crate::actors::site::{Unwatch, Watch};
use crate::core::decide::{Command, Operator};
use crate::core::view::Audience;
use crate::gateway::connect::not_connected;
use crate::gateway::connection::{Client, Connection};
use crate::gateway::outbox::Reply;
use crate::gateway::presence::bots_changed;

impl Connection {
    /// Hands a request to whom it concerns.
    pub(super) fn route(&mut self, call: Call, reply: Reply, context: &mut Context<Self>) {
        match call {
            Call::Connect(connect) => return self.connect(connect, reply, context),
            Call::Ping(_) => return reply.send(&Ok(Empty {})),
            Call::Refresh(refresh) => return self.refresh(&refresh, reply),
            _ => {}
        }
        match &self.client {
            Client::Stranger(_) | Client::Connecting => reply.refuse(not_connected()),
            Client::Visitor { site, session, .. } => {
                let (site, session) = (Arc::clone(site), *session);
                self.route_visitor(&site, session, call, reply, context);
            }
            Client::Operator { site, operator, .. } => {
                let (site, operator) = (Arc::clone(site), (**operator).clone());
                self.route_operator(&site, operator, call, reply, context);
            }
            Client::Bot { site, name, .. } => {
                let (site, name) = (Arc::clone(site), name.to_string());
                self.route_bot(&site, name, call, reply, context);
            }
        }
    }

    /// A visitor may speak, look back, ask for a human, end and rate, in their own session.
    fn route_visitor(
        &mut self,
        site: &Arc<SiteHandle>,
        own: SessionId,
        call: Call,
        reply: Reply,
        context: &mut Context<Self>,
    ) {
        let named = match &call {
            Call::Subscribe(subscribe) => subscribe.session,
            Call::History(history) => history.session,
            Call::Say(say) => say.session,
            Call::Typing(typing) => typing.session,
            Call::Close(close) => close.session,
            _ => None,
        };
        if named.is_some_and(|named| named != own) {
            return reply.refuse(unknown_session());
        }
        let command = match call {
            Call::Say(say) => Command::Ask { key: say.key, text: say.text },
            Call::ViewPage(view) => Command::ViewPage(Page { url: view.url, title: view.title }),
            Call::RequestHuman(_) => Command::RequestHuman,
            Call::SetData(set) => Command::SetData(set.data),
            Call::Rate(rate) => Command::Rate(Rating { score: rate.score, comment: rate.comment }),
            Call::Close(_) => Command::End,
            Call::Subscribe(subscribe) => {
                return self.subscribe(
                    site,
                    own,
                    subscribe.offset,
                    Audience::Visitor,
                    reply,
                    context,
                );
            }
            Call::Unsubscribe(unsubscribe) => {
                return self.unsubscribe(unsubscribe.session, reply, context);
            }
            Call::History(history) => {
                return self.history(site, own, &history, Audience::Visitor, reply, context);
            }
            Call::Typing(typing) => {
                return self.types(site, own, Author::Visitor {}, typing.text, reply);
            }
            other => return reply.refuse(forbidden("visitors", &other)),
        };
        tell(
            &self.node,
            own,
            Do { site: site.site.id.clone(), command, answer: Answer::Client(reply) },
        );
    }

    /// An operator sees every session of their site, and answers those that they control.
    fn route_operator(
        &mut self,
        site: &Arc<SiteHandle>,
        by: Operator,
        call: Call,
        reply: Reply,
        context: &mut Context<Self>,
    ) {
        let (session, command) = match call {
            Call::TakeOver(p) => {
                (p.session, Command::TakeOver { by, force: p.force, reason: p.reason })
            }
            Call::Release(p) => (p.session, Command::Release { by }),
            Call::Revoke(p) => (p.session, Command::Revoke { by, reason: p.reason }),
            Call::Close(p) => {
                let Some(session) = p.session else { return reply.refuse(session_missing()) };
                (session, Command::Close { by: Some(by) })
            }
            Call::AddNote(p) => (p.session, Command::Note { by, key: p.key, text: p.text }),
            Call::Transfer(p) => match available(site, &p.to) {
                Ok(to) => (p.session, Command::Transfer { by, to, reason: p.reason }),
                Err(error) => return reply.refuse(error),
            },
            Call::Say(p) => {
                let Some(session) = p.session else { return reply.refuse(session_missing()) };
                let (key, text, seen, confirm) = (p.key, p.text, p.seen, p.confirm);
                (session, Command::Reply { by, key, text, seen, confirm })
            }
            Call::Subscribe(p) => {
                let Some(session) = p.session else { return reply.refuse(session_missing()) };
                return self.subscribe(site, session, p.offset, Audience::Operator, reply, context);
            }
            Call::Unsubscribe(p) => return self.unsubscribe(p.session, reply, context),
            Call::History(p) => {
                let Some(session) = p.session else { return reply.refuse(session_missing()) };
                return self.history(site, session, &p, Audience::Operator, reply, context);
            }
            Call::ReadPast(p) => return self.past(site, p, reply, context),
            Call::Typing(p) => {
                let Some(session) = p.session else { return reply.refuse(session_missing()) };
                return self.types(site, session, by.author(), None, reply);
            }
            Call::Watch(p) => {
                let watch = Watch { operator: by.id, window: p.window, reply };
                if let Err(SendError::Full(watch) | SendError::Closed(watch)) =
                    site.actor.try_send(watch)
                {
                    watch.reply.refuse(busy());
                }
                return;
            }
            Call::Unwatch(_) => {
                let unwatch = Unwatch { connection: self.outbox.id(), reply: Some(reply) };
                return site.actor.do_send(unwatch);
            }
            Call::Operators(_) => {
                return reply.send(&Ok(OperatorList { operators: site.roster.list() }));
            }
            Call::SetIntent(p) => {
                let declare = Declare { intent: p.intent, reply };
                return self.node.operator(site, &by.id).do_send(declare);
            }
            other => return reply.refuse(forbidden("operators", &other)),
        };
        tell(
            &self.node,
            session,
            Do { site: site.site.id.clone(), command, answer: Answer::Client(reply) },
        );
    }

    /// A bot answers the turns that it is given, and may look back.
    fn route_bot(
        &mut self,
        site: &Arc<SiteHandle>,
        name: String,
        call: Call,
        reply: Reply,
        context: &mut Context<Self>,
    ) {
        let (session, command) = match call {
            Call::Answer(p) => {
                let (epoch, turn, text, choices) = (p.epoch, p.turn, p.text, p.choices);
                (p.session, Command::Answer { name, epoch, turn, text, choices })
            }
            Call::Fail(p) => {
                let (epoch, turn, reason) = (p.epoch, p.turn, BotFailure::Error);
                (p.session, Command::FailTurn { epoch, turn, reason, detail: p.reason })
            }
            Call::Draft(p) => {
                if let Err(error) = check_signal(&p.text) {
                    return reply.refuse(error);
                }
                let (epoch, turn, text) = (p.epoch, p.turn, p.text);
                let site = site.site.id.clone();
                let draft = BotDrafts { site, epoch, turn, text, reply };
                let actor = self.node.session(p.session);
                if let Err(SendError::Full(draft) | SendError::Closed(draft)) =
                    actor.try_send(draft)
                {
                    draft.reply.refuse(busy());
                }
                return;
            }
            Call::Serve(_) => {
                let waiting = site.serve(Arc::clone(&self.outbox));
                reply.send(&Ok(Empty {}));
                return bots_changed(&self.node, &waiting);
            }
            Call::History(p) => {
                let Some(session) = p.session else { return reply.refuse(session_missing()) };
                return self.history(site, session, &p, Audience::Bot, reply, context);
            }
            Call::Subscribe(p) => {
                let Some(session) = p.session else { return reply.refuse(session_missing()) };
                return self.subscribe(site, session, p.offset, Audience::Bot, reply, context);
            }
            Call::Unsubscribe(p) => return self.unsubscribe(p.session, reply, context),
            other => return reply.refuse(forbidden("bots", &other)),
        };
        tell(
            &self.node,
            session,
            Do { site: site.site.id.clone(), command, answer: Answer::Client(reply) },
        );
    }

    fn types(
        &self,
        site: &SiteHandle,
        session: SessionId,
        author: Author,
        text: Option<String>,
        reply: Reply,
    ) {
        if let Err(error) = check_signal(text.as_deref().unwrap_or_default()) {
            return reply.refuse(error);
        }
        let (site, connection) = (site.site.id.clone(), self.outbox.id());
        let types = SomebodyTypes { site, connection, author, text, reply };
        if let Err(SendError::Full(types) | SendError::Closed(types)) =
            self.node.session(session).try_send(types)
        {
            types.reply.refuse(busy());
        }
    }
}

/// Gives a command to a session's actor.
fn tell(node: &Arc<Node>, session: SessionId, message: Do) {
    match node.session(session).try_send(message) {
        Ok(()) => {}
        Err(SendError::Full(message) | SendError::Closed(message)) => {
            if let Answer::Client(reply) = message.answer {
                reply.refuse(busy());
            }
        }
    }
}

/// A signal's text is in no log, but bounded as if it were.
fn check_signal(text: &str) -> Result<(), RpcError> {
    if text.len() > vigie_protocol::TEXT_BYTES_MAX {
        let problem = "the text is longer than 16,384 bytes";
        return Err(RpcError::new(ErrorCode::InvalidParams, problem));
    }
    Ok(())
}

fn available(site: &SiteHandle, operator: &OperatorId) -> Result<Operator, RpcError> {
    let card = site.roster.available(operator).ok_or_else(|| {
        let problem = format!("{operator} is not connected, or away");
        RpcError::new(ErrorCode::OperatorUnavailable, problem)
    })?;
    Ok(Operator { id: card.id, name: card.name, rank: card.rank })
}

fn busy() -> RpcError {
    RpcError::new(ErrorCode::Busy, "the server is busy; try again shortly")
}

pub(super) fn unknown_session() -> RpcError {
    RpcError::new(ErrorCode::UnknownSession, "there is no such session on this site")
}

fn session_missing() -> RpcError {
    RpcError::new(ErrorCode::InvalidParams, "`session` is missing")
}

fn forbidden(who: &str, call: &Call) -> RpcError {
    RpcError::new(ErrorCode::Forbidden, format!("{who} may not call {:?}", call.name()))
}
