//! Where a card stands.

use vigie_protocol::card::{Card, Sort};
use vigie_protocol::id::SessionId;

/// A card's place in an order: less is further up. No two sessions have the same.
///
/// Whoever keeps a window's cards sorts them by this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Behind all those who wait, in the order that has them first.
    behind: bool,
    /// A time, or its complement where later times come first.
    time: u64,
    session: SessionId,
}

impl Place {
    /// The place of a card.
    pub fn of(sort: Sort, card: &Card) -> Self {
        let (behind, time) = match sort {
            Sort::Newest => (false, !card.started),
            Sort::Oldest => (false, card.started),
            Sort::Activity => (false, !card.last.as_ref().map_or(card.started, |last| last.time)),
            Sort::Waiting => card.waiting.map_or((true, !card.started), |since| (false, since)),
        };
        Self { behind, time, session: card.session }
    }

    /// Whose place it is.
    pub const fn session(&self) -> SessionId {
        self.session
    }
}
