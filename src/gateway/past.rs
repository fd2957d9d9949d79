//! A visitor's other sessions, told from their logs.
//!
//! What is shown of each is the fold of its log, so it is read whole: there are few of them, and
//! operators ask for a handful at a time.

use std::sync::Arc;

use actix::prelude::*;
use vigie_protocol::PAST_PAGE_MAX;
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Past, PastSession, ReadPast};

use crate::actors::node::{Node, SiteHandle};
use crate::core::session::Session;
use crate::gateway::connection::Connection;
use crate::gateway::outbox::Reply;
use crate::gateway::route::unknown_session;
use crate::log::{LogError, READ_EVENTS_MAX, SessionRecord};

/// How many sessions a page holds unless the client says.
const PAST_PAGE_DEFAULT: u32 = 3;

/// After how many events read a page ends early; one session is always there.
const PAST_EVENTS_MAX: u64 = 20_000;

impl Connection {
    pub(super) fn past(
        &self,
        site: &Arc<SiteHandle>,
        past: ReadPast,
        reply: Reply,
        context: &mut Context<Self>,
    ) {
        let limit = match past.limit.unwrap_or_default() {
            0 => PAST_PAGE_DEFAULT,
            limit if limit <= PAST_PAGE_MAX => limit,
            _ => {
                let problem = format!("limit must be at most {PAST_PAGE_MAX}");
                return reply.refuse(RpcError::new(ErrorCode::InvalidParams, problem));
            }
        };
        let (node, site) = (Arc::clone(&self.node), Arc::clone(site));
        let page = async move {
            reply.send(&past_page(&node, &site, past.session, past.before, limit).await);
        };
        context.spawn(page.into_actor(self));
    }
}

async fn past_page(
    node: &Node,
    site: &SiteHandle,
    session: SessionId,
    before: Option<u32>,
    limit: u32,
) -> Result<Past, RpcError> {
    let own = node.log.session(session).await?.filter(|record| record.site == site.site.id);
    let own = own.ok_or_else(unknown_session)?;
    // Two more than are shown: the session itself may be among them, and one tells of more.
    let others = node.log.sessions_of(own.site, own.visitor, before, limit + 2).await?;
    let mut others = others.into_iter().filter(|other| other.ordinal != own.ordinal).peekable();
    let (mut sessions, mut events) = (Vec::new(), 0);
    while sessions.len() < limit as usize
        && (events < PAST_EVENTS_MAX || sessions.is_empty())
        && let Some(record) = others.next()
    {
        let fold = fold(node, site, record.session).await?;
        if fold.head() == 0 {
            // It has been removed since it was listed.
            continue;
        }
        events += fold.head();
        sessions.push(summary(&record, &fold));
    }
    let last = sessions.last().map(|session| session.ordinal);
    Ok(Past { next: others.peek().and(last), sessions })
}

async fn fold(node: &Node, site: &SiteHandle, id: SessionId) -> Result<Session, LogError> {
    let mut session = Session::new(id, Arc::clone(&site.settings));
    loop {
        let page = node.log.read(id, session.head(), READ_EVENTS_MAX).await?;
        page.iter().for_each(|event| session.apply(event));
        if page.len() < READ_EVENTS_MAX as usize {
            return Ok(session);
        }
    }
}

fn summary(record: &SessionRecord, fold: &Session) -> PastSession {
    PastSession {
        session: record.session,
        ordinal: record.ordinal,
        started: record.started,
        closed: record.closed,
        messages: fold.messages(),
        last: fold.last().cloned(),
        rating: fold.rating().cloned(),
    }
}
