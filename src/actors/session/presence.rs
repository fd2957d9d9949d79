//! Whether the visitor is there: their connections, the time in which they may come back, and the card
//! that shows it.

use std::sync::Arc;

use actix::prelude::*;
use vigie_protocol::card::Card;

use super::{Answer, RETRY, SessionActor, State};
use crate::core::decide::Command;
use crate::gateway::outbox::ConnectionId;

impl SessionActor {
    /// Whether one of the visitor's connections is open, here or elsewhere.
    pub(super) fn visitor_is_here(&self) -> bool {
        !self.visitors.is_empty() || self.visitor_is_elsewhere()
    }

    /// One of the visitor's connections is gone, or was not let in. Of that one, too, the others may
    /// have been told.
    pub(super) fn lose_visitor(&mut self, connection: ConnectionId, context: &mut Context<Self>) {
        self.visitors.retain(|visitor| visitor.id() != connection);
        if self.visitors.is_empty() && self.others_count_on_visitor() {
            self.attend(context);
        }
    }

    /// Puts the session's card on the site's board, or takes it off. What is on its way to the log
    /// is shown once it is there.
    pub(super) fn show_card(&mut self) {
        let steward = self.is_steward();
        let State::Folded(folded) = &self.state else { return };
        // Another node shows it.
        if !folded.projection.settled() || !(steward || self.shown) {
            return;
        }
        self.shown = steward;
        let online = self.visitor_is_here();
        let listed = steward && (online || self.grace.is_some());
        let card =
            (listed && !folded.session().closed()).then(|| folded.session().card(online)).flatten();
        if let Some(card) = card.as_ref().filter(|card| self.fresh && card.asked > 0) {
            // It had begun to speak before this node knew that it is to show it: that is news.
            let silent = Card { messages: 0, asked: 0, last: None, waiting: None, ..card.clone() };
            folded.site.show(self.id, Some(Arc::new(silent)));
        }
        self.fresh = false;
        folded.site.show(self.id, card.map(Arc::new));
    }

    /// Without a connection of the visitor: they may be back in a moment, or have left.
    pub(super) fn await_return(&mut self, context: &mut Context<Self>) {
        let State::Folded(folded) = &self.state else { return };
        let awaited = self.is_steward() && !self.visitor_is_here() && folded.session().present();
        if awaited && self.grace.is_none() {
            let grace = self.node.config.presence.visitor_grace;
            self.grace = Some(context.run_later(grace, Self::give_visitor_up));
        } else if !awaited && let Some(timer) = self.grace.take() {
            context.cancel_future(timer);
        }
    }

    fn give_visitor_up(&mut self, context: &mut Context<Self>) {
        if !self.node.hears_others() {
            // They may be at a node that cannot be heard.
            self.grace = Some(context.run_later(RETRY, Self::give_visitor_up));
            return;
        }
        self.grace = None;
        self.show_card();
        self.enqueue(Command::Depart, Answer::Nobody, context);
    }

    /// Another node has taken a visitor for gone who is here.
    pub(super) fn reassure(&mut self, context: &mut Context<Self>) {
        let State::Folded(folded) = &self.state else { return };
        let session = folded.session();
        let sure = folded.projection.idle() && folded.projection.settled();
        if !sure || !std::mem::take(&mut self.unsure) {
            return;
        }
        if self.visitors.is_empty() || session.present() || session.closed() {
            return;
        }
        let Some(visitor) = session.visitor() else { return };
        let (ordinal, context_of) = (session.ordinal(), session.context().clone());
        let command = Command::Arrive { visitor, ordinal, context: context_of, data: None };
        self.enqueue(command, Answer::Nobody, context);
    }
}
