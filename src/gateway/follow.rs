//! A session from an offset: its past, then what happens.
//!
//! The past is read from the log at the reader's own pace. Only when nothing lies between the
//! reader and the present does the session's actor take them in: so a long history delays nobody,
//! and there is neither gap nor repeat where past and present meet.

use std::sync::Arc;

use actix::prelude::*;
use vigie_protocol::HISTORY_PAGE_MAX;
use vigie_protocol::error::{CloseCode, ErrorCode, RpcError};
use vigie_protocol::event::{Event, Offset};
use vigie_protocol::id::{SessionId, SiteId};
use vigie_protocol::method::{Empty, History, HistoryPage};

use crate::actors::node::{Node, SiteHandle};
use crate::actors::session::{Follow, Followed, Leave, LookAgain, encode_event};
use crate::core::view::{Audience, visible_to};
use crate::gateway::connection::Connection;
use crate::gateway::outbox::{Outbox, Reply};
use crate::gateway::presence::leave;
use crate::gateway::route::unknown_session;

/// How many sessions one connection may follow.
const FOLLOWS_MAX: usize = 256;

/// How many events are read from the log in one go.
const PAGE_EVENTS: u32 = 128;

/// How many bytes one page of `history` may hold; it ends early beyond.
const HISTORY_BYTES_MAX: usize = 256 * 1024;

/// How many events a page of `history` holds unless the client says.
pub(super) const HISTORY_PAGE_DEFAULT: u32 = 100;

/// How often an actor that is about to end is asked again.
const ATTEMPTS_MAX: u32 = 5;

/// The sessions that a connection follows, most often one: with each the task that sends its past.
#[derive(Default)]
pub(super) struct Follows(Vec<(SessionId, SpawnHandle)>);

impl Follows {
    fn contains(&self, session: SessionId) -> bool {
        self.0.iter().any(|(followed, _)| *followed == session)
    }

    fn insert(&mut self, session: SessionId, handle: SpawnHandle) {
        self.0.reserve_exact(1);
        self.0.push((session, handle));
    }

    fn remove(&mut self, session: SessionId) -> Option<SpawnHandle> {
        let at = self.0.iter().position(|(followed, _)| *followed == session)?;
        Some(self.0.swap_remove(at).1)
    }
}

impl Connection {
    pub(super) fn subscribe(
        &mut self,
        site: &SiteHandle,
        session: SessionId,
        after: Offset,
        audience: Audience,
        reply: Reply,
        context: &mut Context<Self>,
    ) {
        if self.follows.contains(session) {
            self.stop_following(session, context);
        } else if self.follows.0.len() >= FOLLOWS_MAX {
            let problem = "a connection may follow at most 256 sessions";
            return reply.refuse(RpcError::new(ErrorCode::Busy, problem));
        }
        let follower = Follower {
            node: Arc::clone(&self.node),
            site: site.site.id.clone(),
            outbox: Arc::clone(&self.outbox),
            session,
            audience,
        };
        let following = follower.follow(after, reply).into_actor(self);
        let handle = context.spawn(following.map(move |followed, this, _| {
            if !followed {
                this.follows.remove(session);
            }
        }));
        self.follows.insert(session, handle);
    }

    pub(super) fn unsubscribe(
        &mut self,
        session: SessionId,
        reply: Reply,
        context: &mut Context<Self>,
    ) {
        self.stop_following(session, context);
        reply.send(&Ok(Empty {}));
    }

    fn stop_following(&mut self, session: SessionId, context: &mut Context<Self>) {
        if let Some(handle) = self.follows.remove(session) {
            context.cancel_future(handle);
            let connection = self.outbox.id();
            leave(&self.node, session, Leave { connection, visitor: false });
        }
    }

    pub(super) fn stop_following_all(&mut self) {
        let connection = self.outbox.id();
        for (session, _) in std::mem::take(&mut self.follows).0 {
            leave(&self.node, session, Leave { connection, visitor: false });
        }
    }

    pub(super) fn history(
        &mut self,
        site: &SiteHandle,
        session: SessionId,
        history: &History,
        audience: Audience,
        reply: Reply,
        context: &mut Context<Self>,
    ) {
        let limit = match history.limit {
            0 => HISTORY_PAGE_DEFAULT,
            limit if limit <= HISTORY_PAGE_MAX => limit,
            _ => {
                let problem = format!("limit must be at most {HISTORY_PAGE_MAX}");
                return reply.refuse(RpcError::new(ErrorCode::InvalidParams, problem));
            }
        };
        let (node, site, after) = (Arc::clone(&self.node), site.site.id.clone(), history.after);
        let page = async move {
            reply.send(&history_page(&node, &site, session, after, limit, audience).await);
        };
        context.spawn(page.into_actor(self));
    }
}

/// One page of a session's past, as an audience sees it.
///
/// # Errors
/// `unknown_session` if it is not one of the site's; the log's errors.
pub(super) async fn history_page(
    node: &Node,
    site: &SiteId,
    session: SessionId,
    after: Offset,
    limit: u32,
    audience: Audience,
) -> Result<HistoryPage, RpcError> {
    must_be_of(node, site, session).await?;
    let read = node.log.read(session, after, limit).await?;
    if read.is_empty() {
        // It may have been removed between the two.
        must_be_of(node, site, session).await?;
    }
    let (mut bytes, mut last, mut events) = (0, after, Vec::new());
    let full = read.len() == limit as usize;
    let mut cut = false;
    for event in &read {
        if let Some(seen) = visible_to(event, audience) {
            bytes += text_bytes(&seen);
            cut = bytes > HISTORY_BYTES_MAX && !events.is_empty();
            if cut {
                break;
            }
            events.push(seen.into_owned());
        }
        last = event.offset;
    }
    Ok(HistoryPage { events, next: (full || cut).then_some(last) })
}

async fn must_be_of(node: &Node, site: &SiteId, session: SessionId) -> Result<(), RpcError> {
    match node.log.session(session).await? {
        Some(record) if record.site == *site => Ok(()),
        _ => Err(unknown_session()),
    }
}

/// Somebody who wants to follow a session.
struct Follower {
    node: Arc<Node>,
    site: SiteId,
    outbox: Arc<Outbox>,
    session: SessionId,
    audience: Audience,
}

impl Follower {
    /// Follows from an offset; false if that was refused.
    async fn follow(self, after: Offset, reply: Reply) -> bool {
        let followed = match self.ask(after).await {
            Ok(followed) => followed,
            Err(error) => {
                reply.refuse(error);
                return false;
            }
        };
        let mut page = match self.first_page(after, &followed).await {
            Ok(page) => page,
            Err(error) => {
                reply.refuse(error);
                return false;
            }
        };
        reply.send(&Ok(&followed.subscribed));
        let mut followed = followed;
        let (mut last, mut prev) = (after, after);
        while !followed.live {
            let page = std::mem::take(&mut page);
            if let Err(error) = self.send_past(page, &mut last, &mut prev, followed.head).await {
                tracing::warn!(session = %self.session, %error, "a session could not be followed");
                self.outbox.close(CloseCode::Internal);
                return false;
            }
            match self.ask(last).await {
                Ok(further) => followed = further,
                Err(_) => {
                    self.outbox.close(CloseCode::Internal);
                    return false;
                }
            }
        }
        true
    }

    /// The past that the session's actor tells of must be in the log: the session may have been
    /// removed from it, and the actor not know.
    async fn first_page(&self, after: Offset, followed: &Followed) -> Result<Vec<Event>, RpcError> {
        if followed.live {
            return Ok(Vec::new());
        }
        let page = self.node.log.read(self.session, after, PAGE_EVENTS).await?;
        if page.is_empty() {
            self.node.session(self.session).do_send(LookAgain);
            return Err(unknown_session());
        }
        Ok(page)
    }

    async fn ask(&self, after: Offset) -> Result<Followed, RpcError> {
        let mut refusal = unknown_session();
        for _ in 0..ATTEMPTS_MAX {
            let follow = Follow {
                site: self.site.clone(),
                outbox: Arc::clone(&self.outbox),
                audience: self.audience,
                after,
            };
            let busy = || RpcError::new(ErrorCode::Busy, "the session is busy; try again");
            let followed = self.node.session(self.session).send(follow).await;
            match followed.unwrap_or_else(|_| Err(busy())) {
                Err(error) if error.code == ErrorCode::Busy => refusal = error,
                outcome => return outcome,
            }
        }
        Err(refusal)
    }

    /// Sends what happened up to `head`, as fast as the reader takes it. The first page of it may
    /// have been read already.
    async fn send_past(
        &self,
        mut page: Vec<Event>,
        last: &mut Offset,
        prev: &mut Offset,
        head: Offset,
    ) -> Result<(), crate::log::LogError> {
        while *last < head {
            if page.is_empty() {
                page = self.node.log.read(self.session, *last, PAGE_EVENTS).await?;
            }
            if page.is_empty() {
                let problem = format!("no events between {last} and {head}");
                return Err(crate::log::LogError::Damaged(problem));
            }
            for event in std::mem::take(&mut page) {
                *last = event.offset;
                let Some(seen) = visible_to(&event, self.audience) else { continue };
                let encoding = self.outbox.encoding();
                let bytes = encode_event(encoding, self.session, *prev, &seen);
                if !self.outbox.room(bytes.len()).await {
                    return Ok(());
                }
                self.outbox.push(bytes.into());
                *prev = event.offset;
            }
        }
        Ok(())
    }
}

fn text_bytes(event: &Event) -> usize {
    use vigie_protocol::event::EventBody;
    const ENVELOPE: usize = 256;
    ENVELOPE
        + match &event.body {
            EventBody::Message(message) => message.text.len(),
            EventBody::Note { text, .. } => text.len(),
            _ => 0,
        }
}
