//! Reading a session out of its log.

use std::sync::Arc;

use actix::prelude::*;
use vigie_protocol::error::RpcError;
use vigie_protocol::event::{Event, Offset};
use vigie_protocol::id::SessionId;

use super::{Folded, SessionActor, State};
use crate::actors::node::{Node, SiteHandle};
use crate::core::effect::Wants;
use crate::core::session::Session;
use crate::log::{LogError, READ_EVENTS_MAX};

/// A session as its log has it.
struct Read {
    site: Arc<SiteHandle>,
    session: Session,
    /// The events after the offset that was known before.
    news: Vec<Event>,
}

impl SessionActor {
    /// Starts a session that has no event yet.
    pub(super) fn begin(&mut self, site: Arc<SiteHandle>) {
        let session = Session::new(self.id, Arc::clone(&site.settings));
        self.state = State::Folded(Box::new(Folded {
            site,
            session,
            committed: 0,
            wants: Wants::default(),
        }));
    }

    /// Goes on once the log was read: at once, if it was before.
    pub(super) fn when_read(
        &mut self,
        context: &mut Context<Self>,
        then: impl FnOnce(&mut Self, &mut Context<Self>) + 'static,
    ) {
        if matches!(self.state, State::Blank) {
            self.read_log(context, then);
        } else {
            then(self, context);
        }
    }

    /// Makes the fold anew from the log, publishes what was not known before, and goes on. Until
    /// then the mailbox waits.
    pub(super) fn read_log(
        &mut self,
        context: &mut Context<Self>,
        then: impl FnOnce(&mut Self, &mut Context<Self>) + 'static,
    ) {
        let known = match &self.state {
            State::Folded(folded) => folded.committed,
            State::Blank | State::Missing => Offset::MAX,
        };
        let read = read(Arc::clone(&self.node), self.id, known).into_actor(self);
        context.wait(read.map(move |result, this, context| {
            match result {
                Ok(read) => this.take_up(read, context),
                Err(error) => this.give_up(&error, context),
            }
            then(this, context);
        }));
    }

    fn take_up(&mut self, read: Option<Read>, context: &mut Context<Self>) {
        match (read, &mut self.state) {
            (None, State::Folded(folded)) if folded.committed == 0 => {
                // The first append was refused: the session is as new as before.
                folded.session = Session::new(self.id, Arc::clone(&folded.site.settings));
            }
            (None, state) => *state = State::Missing,
            (Some(read), State::Folded(folded)) => {
                folded.session = read.session;
                self.publish(&read.news, context);
                self.take_followers();
            }
            (Some(Read { site, session, .. }), state) => {
                let (committed, wants) = (session.head(), Wants::default());
                *state = State::Folded(Box::new(Folded { site, session, committed, wants }));
                self.publish(&[], context);
                self.await_return(context);
            }
        }
    }

    /// The log cannot be read: this projection ends, its followers connect again.
    fn give_up(&mut self, error: &LogError, context: &mut Context<Self>) {
        tracing::error!(session = %self.id, %error, "a session could not be read");
        for (_, answer) in std::mem::take(&mut self.queue) {
            self.turn_away(answer, RpcError::from(error));
        }
        self.send_away();
        self.retire(context);
    }
}

/// Folds a whole log; keeps the events after `known`.
async fn read(node: Arc<Node>, id: SessionId, known: Offset) -> Result<Option<Read>, LogError> {
    let Some(record) = node.log.session(id).await? else { return Ok(None) };
    let site = node.site(&record.site).await.map_err(|e| LogError::Failed(e.to_string()))?;
    let Some(site) = site else {
        return Err(LogError::Failed(format!("its site {} is not in the store", record.site)));
    };
    let mut session = Session::new(id, Arc::clone(&site.settings));
    let mut news = Vec::new();
    loop {
        let page = node.log.read(id, session.head(), READ_EVENTS_MAX).await?;
        for event in &page {
            session.apply(event);
        }
        let last = page.len() < READ_EVENTS_MAX as usize;
        news.extend(page.into_iter().filter(|event| event.offset > known));
        if last {
            return Ok(Some(Read { site, session, news }));
        }
    }
}
