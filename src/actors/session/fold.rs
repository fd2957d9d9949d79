//! Reading a session out of its log.

use std::sync::Arc;

use actix::prelude::*;
use vigie_protocol::error::{CloseCode, ErrorCode, RpcError};
use vigie_protocol::event::{Event, Offset};
use vigie_protocol::id::SessionId;

use super::{Folded, SessionActor, State};
use crate::actors::node::{Node, SiteHandle};
use crate::core::effect::Wants;
use crate::core::end::LogEnd;
use crate::core::projection::{Projection, Refolded};
use crate::core::session::Session;
use crate::log::{LogError, READ_EVENTS_MAX};

/// A session as its log has it.
struct Read {
    site: Arc<SiteHandle>,
    session: Session,
    /// Which event stands where the one stands that was known before.
    there: LogEnd,
    /// The events after it.
    news: Vec<Event>,
}

impl SessionActor {
    /// Starts a session that has no event yet.
    pub(super) fn begin(&mut self, site: Arc<SiteHandle>) {
        let session = Session::new(self.id, Arc::clone(&site.settings));
        self.fresh = true;
        self.fold_into(site, session);
    }

    /// Goes on once the log was read: at once, if it was before. Until then the mailbox waits.
    pub(super) fn when_read(
        &mut self,
        context: &mut Context<Self>,
        then: impl FnOnce(&mut Self, &mut Context<Self>) + 'static,
    ) {
        if !matches!(self.state, State::Blank) {
            return then(self, context);
        }
        // What is appended while the log is read is heard, or the attendance tells of it.
        let attend = self.ask_to_attend(context);
        let read = read(Arc::clone(&self.node), self.id, Offset::MAX);
        let both = async {
            match attend {
                Some(attend) => {
                    let (attended, read) = futures_util::future::join(attend, read).await;
                    (Some(attended), read)
                }
                None => (None, read.await),
            }
        };
        context.wait(both.into_actor(self).map(move |(attended, read), this, context| {
            match read {
                Ok(None) => this.state = State::Missing,
                Ok(Some(Read { site, session, .. })) => {
                    this.fold_into(site, session);
                    this.publish(&[], context);
                    this.await_return(context);
                }
                Err(error) => this.give_up(&error, context),
            }
            if let Some(Ok(attendance)) = &attended {
                this.note_attendance(attendance.clone());
            }
            then(this, context);
            if let Some(attended) = attended {
                this.attended(attended, context);
            }
        }));
    }

    fn fold_into(&mut self, site: Arc<SiteHandle>, session: Session) {
        let projection = Projection::new(session, self.node.log.shared());
        let wants = Wants::default();
        self.state = State::Folded(Box::new(Folded { site, projection, wants }));
    }

    /// Reads what others have appended after an offset.
    pub(super) fn catch_up(&mut self, after: Offset, context: &mut Context<Self>) {
        let read = read_after(Arc::clone(&self.node), self.id, after).into_actor(self);
        context.spawn(read.map(|read, this, context| {
            match read {
                Ok(events) => {
                    let State::Folded(folded) = &mut this.state else { return };
                    let news = folded.projection.caught_up(events);
                    if !news.is_empty() {
                        this.publish(&news, context);
                    }
                }
                Err(error) => this.wait_for_log(&error, context),
            }
            this.pump(context);
        }));
    }

    /// Looks at the log's end before something is refused that is not decided by it, if others append
    /// to it as well.
    pub(super) fn look_at_end(
        &mut self,
        context: &mut Context<Self>,
        then: impl FnOnce(&mut Self, &mut Context<Self>) + 'static,
    ) {
        let State::Folded(folded) = &self.state else { return then(self, context) };
        if !self.node.log.shared() {
            return then(self, context);
        }
        let after = folded.projection.before();
        let read = read_after(Arc::clone(&self.node), self.id, after).into_actor(self);
        context.spawn(read.map(move |read, this, context| {
            if let (Ok(events), State::Folded(folded)) = (read, &mut this.state) {
                let news = folded.projection.hear(LogEnd::at(after), events);
                if !news.is_empty() {
                    this.publish(&news, context);
                }
                this.pump(context);
            }
            then(this, context);
        }));
    }

    /// Folds the whole log again, and publishes what was not known before.
    pub(super) fn fold_anew(&mut self, context: &mut Context<Self>) {
        let State::Folded(folded) = &self.state else { return };
        let known = folded.projection.committed();
        let read = read(Arc::clone(&self.node), self.id, known).into_actor(self);
        context.spawn(read.map(move |read, this, context| {
            match read {
                Ok(read) => this.take_up(read, context),
                Err(error) => this.wait_for_log(&error, context),
            }
            this.pump(context);
        }));
    }

    fn take_up(&mut self, read: Option<Read>, context: &mut Context<Self>) {
        let State::Folded(folded) = &mut self.state else { return };
        let new = || Session::new(self.id, Arc::clone(&folded.site.settings));
        let ended = read.is_none() && folded.session().closed();
        let (session, there, news) = match read {
            Some(Read { session, there, news, .. }) => (session, there, news),
            // The first append was refused: the session is as new as before. Or else its log is gone.
            None => (new(), LogEnd::default(), Vec::new()),
        };
        match folded.projection.refolded(session, there) {
            Refolded::Whole => self.publish(&news, context),
            // Kept long enough, and removed.
            Refolded::Lost if ended => self.end(context),
            Refolded::Lost => {
                if self.attending.is_none() {
                    return self.end(context);
                }
                // The generation is raised with the next beat; until all begin anew, those who are
                // here keep what they have, and nobody is promised anything on the shorter log.
                self.log_has_lost();
                let error = LogError::Failed("it has lost its latest events".into());
                self.wait_for_log(&error, context);
            }
        }
    }

    /// The session is gone while this was a projection of it: its followers connect again, and are
    /// told.
    fn end(&mut self, context: &mut Context<Self>) {
        let State::Folded(mut folded) = std::mem::replace(&mut self.state, State::Missing) else {
            return;
        };
        for (_, answer) in folded.projection.unreadable() {
            let problem = "there is no such session on this site";
            self.turn_away(answer, RpcError::new(ErrorCode::UnknownSession, problem), context);
        }
        self.take_followers();
        self.send_away(CloseCode::Internal);
    }

    /// The log cannot be read now: nobody is promised anything until it can be; those who follow keep
    /// what they have.
    fn wait_for_log(&mut self, error: &LogError, context: &mut Context<Self>) {
        tracing::debug!(session = %self.id, %error, "a session could not be read again");
        let State::Folded(folded) = &mut self.state else { return };
        let waiting = folded.projection.unreadable();
        self.turn_all_away(waiting, error, context);
        for (_, followed) in std::mem::take(&mut self.followers) {
            drop(followed.send(Err(RpcError::from(error))));
        }
        Self::look_again_later(context);
    }

    /// The log cannot be read, and nothing is known of the session: this projection ends. If no other
    /// node sees to the session, another will be made.
    fn give_up(&mut self, error: &LogError, context: &mut Context<Self>) {
        tracing::error!(session = %self.id, %error, "a session could not be read");
        self.send_away(CloseCode::Internal);
        self.retire(context);
    }
}

/// Folds a whole log; keeps the events after `known`, and which event stands there.
async fn read(node: Arc<Node>, id: SessionId, known: Offset) -> Result<Option<Read>, LogError> {
    let Some(record) = node.log.session(id).await? else { return Ok(None) };
    let site = node.site(&record.site).await.map_err(|e| LogError::Failed(e.to_string()))?;
    let Some(site) = site else {
        return Err(LogError::Failed(format!("its site {} is not in the store", record.site)));
    };
    let mut session = Session::new(id, Arc::clone(&site.settings));
    let (mut there, mut news) = (LogEnd::default(), Vec::new());
    let mut pages = 0;
    loop {
        pages += 1;
        let page = node.log.read(id, session.head(), READ_EVENTS_MAX).await?;
        for event in &page {
            session.apply(event);
            if event.offset == known {
                there = session.end();
            }
        }
        let last = page.len() < READ_EVENTS_MAX as usize;
        news.extend(page.into_iter().filter(|event| event.offset > known));
        if last {
            // It may have been removed while it was read: then this is not all of it, or nothing.
            let torn = session.head() == 0 || pages > 1 && node.log.session(id).await?.is_none();
            return Ok((!torn).then_some(Read { site, session, there, news }));
        }
    }
}

/// All events after an offset.
async fn read_after(node: Arc<Node>, id: SessionId, after: Offset) -> Result<Vec<Event>, LogError> {
    let mut events: Vec<Event> = Vec::new();
    loop {
        let last = events.last().map_or(after, |event| event.offset);
        let page = node.log.read(id, last, READ_EVENTS_MAX).await?;
        let ended = page.len() < READ_EVENTS_MAX as usize;
        events.extend(page);
        if ended {
            return Ok(events);
        }
    }
}
