//! A site's live list: takes cards off the board, keeps windows, sends deltas.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use vigie_protocol::card::Window;
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::id::OperatorId;
use vigie_protocol::method::Empty;

use crate::actors::noticeboard::{Board, Change};
use crate::core::live::LiveList;
use crate::gateway::outbox::{ConnectionId, Outbox, Reply};
use crate::metrics::{Delivered, metrics};

/// How many requests may wait for a site's live list.
const MAILBOX_MAX: usize = 8192;

/// A site's live list.
pub struct SiteActor {
    list: LiveList<ConnectionId>,
    board: Arc<Board>,
    interval: Duration,
    watchers: HashMap<ConnectionId, Arc<Outbox>>,
}

/// There is something on the board.
#[derive(Message)]
#[rtype("()")]
pub struct Wake;

/// An operator's connection watches a window.
#[derive(Message)]
#[rtype("()")]
pub struct Watch {
    /// Who watches.
    pub operator: OperatorId,
    /// Which window.
    pub window: Window,
    /// Where the snapshot and the deltas go.
    pub reply: Reply,
}

/// A connection watches no longer.
#[derive(Message)]
#[rtype("()")]
pub struct Unwatch {
    /// Which one.
    pub connection: ConnectionId,
    /// Whom to tell.
    pub reply: Option<Reply>,
}

impl SiteActor {
    /// An empty live list, fed from a board.
    pub fn new(board: Arc<Board>, interval: Duration) -> Self {
        Self { list: LiveList::new(), board, interval, watchers: HashMap::new() }
    }

    /// Takes what is on the board; whether there was anything.
    fn catch_up(&mut self) -> bool {
        let changes = self.board.take();
        let changed = !changes.is_empty();
        for (session, Change { first, latest }) in changes {
            // The list tells what is new from two cards; of a session that it does not know yet,
            // the first one shows what was there before.
            if let Some(first) = first {
                self.list.upsert(first);
            }
            match latest {
                Some(latest) => self.list.upsert(latest),
                None => self.list.remove(session),
            }
        }
        changed
    }

    /// Lets changes gather for an interval, as long as there are any.
    fn gather(&mut self, context: &mut Context<Self>) {
        context.run_later(self.interval, |this, context| {
            if this.flush() || !this.board.rest() {
                this.gather(context);
            }
        });
    }

    /// Sends what has changed; whether anything had, or is left to send.
    fn flush(&mut self) -> bool {
        let changed = self.catch_up();
        let mut receivers = 0;
        for (connection, delta) in self.list.flush() {
            if let Some(outbox) = self.watchers.get(&connection) {
                outbox.notify(&delta.to_live());
                receivers += 1;
            }
        }
        metrics().delivery.deliver(Delivered::LiveList, receivers);
        changed || self.list.is_changed()
    }
}

impl Actor for SiteActor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        context.set_mailbox_capacity(MAILBOX_MAX);
    }
}

impl Handler<Wake> for SiteActor {
    type Result = ();

    /// The first change is sent at once; what follows within the interval is gathered.
    fn handle(&mut self, _: Wake, context: &mut Self::Context) {
        self.flush();
        self.gather(context);
    }
}

impl Handler<Watch> for SiteActor {
    type Result = ();

    fn handle(&mut self, watch: Watch, _: &mut Self::Context) {
        // The others' deltas first: what is on the board must reach them as a change.
        self.flush();
        let outbox = Arc::clone(watch.reply.outbox());
        let connection = outbox.id();
        let watching = match self.list.watch(connection, watch.operator, &watch.window) {
            Ok(snapshot) => {
                self.watchers.insert(connection, outbox);
                Ok(snapshot.to_watching())
            }
            Err(error) => Err(RpcError::new(ErrorCode::InvalidParams, error.to_string())),
        };
        watch.reply.send(&watching);
    }
}

impl Handler<Unwatch> for SiteActor {
    type Result = ();

    fn handle(&mut self, unwatch: Unwatch, _: &mut Self::Context) {
        self.watchers.remove(&unwatch.connection);
        self.list.unwatch(unwatch.connection);
        if let Some(reply) = unwatch.reply {
            reply.send(&Ok(Empty {}));
        }
    }
}
