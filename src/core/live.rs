//! The live list: which sessions are online, and what each operator watches of them.
//!
//! With ten thousand sessions and a hundred operators, a list that looks at every session for
//! every operator does a million things a tick to tell of a handful. Here nobody looks at what did
//! not change. Sessions that match one filter stand in one *lane*, kept in order; a window is a
//! stretch of the lane, and all that is remembered of it is where it begins and ends. A change moves
//! one place in the few lanes that it concerns, and is noticed by a window only if it happens before
//! the window's end: before its beginning it shifts the window by one card. Operators who watch the
//! same window share it.
//!
//! [`LiveList::flush`] gathers what changed since the flush before, so that a card that changed
//! ten times is sent once, and one that came and went not at all.
//!
//! # Layout
//!
//! - `order`: where a card stands
//! - `filter`: which cards match
//! - `census`: how many there are of each kind, and which
//! - `lane`: the cards of one filter in order, and the windows on them
//! - `ringing`: what rings for operators, wherever in the site it happens

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use vigie_protocol::card::{Alert, Card, Show, Totals, Window};
use vigie_protocol::id::{OperatorId, SessionId};
use vigie_protocol::method::Watching;
use vigie_protocol::push::Live;
use vigie_protocol::{SEARCH_BYTES_MAX, WINDOW_FIRST_MAX, WINDOW_SKIP_MAX};

use census::Census;
use filter::{Filter, Folded, Scope, holder};
use lane::{Lane, Stretch, Watcher};
use ringing::Ringing;

pub use order::Place;
pub use ringing::Ring;

mod census;
mod filter;
mod lane;
mod order;
mod ringing;
#[cfg(test)]
mod tests;

/// How many cards a window holds that does not say.
pub const WINDOW_FIRST_DEFAULT: u32 = 50;

/// A site's live list. `W` names a watcher: a connection of an operator.
#[derive(Debug)]
pub struct LiveList<W> {
    cards: Cards,
    census: Census,
    /// The lanes of what operators hold themselves, by operator; under `None` all the others. So
    /// a change finds the lanes of its holder without asking those of everybody else.
    lanes: BTreeMap<Option<OperatorId>, Vec<Lane<W>>>,
    ringing: Ringing,
    /// Whether anything changed since the last flush.
    changed: bool,
}

/// The cards of all sessions that are online.
type Cards = HashMap<SessionId, Arc<Card>>;

/// What a window holds at the moment of `watch`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The revision that the first delta changes.
    pub revision: u64,
    /// The window's cards, in its order.
    pub cards: Vec<Arc<Card>>,
    /// Counts over the whole site.
    pub totals: Totals,
}

/// What changed in a window since the revision before. Watchers of the same window share the
/// lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta {
    /// One more than the revision that it changes.
    pub revision: u64,
    /// Cards that are new in the window or have changed.
    pub upsert: Arc<[Arc<Card>]>,
    /// Sessions that are no longer in the window.
    pub remove: Arc<[SessionId]>,
    /// Counts over the whole site.
    pub totals: Totals,
    /// What rings for the watcher, if they want alerts.
    pub alerts: Arc<[Ring]>,
    /// Sessions that have become quiet, if the watcher wants alerts.
    pub quiet: Arc<[SessionId]>,
}

/// Why a window cannot be watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// It asks for too many cards.
    #[error("a window holds at most {WINDOW_FIRST_MAX} cards; ask for fewer, and filter or search")]
    FirstTooLarge,
    /// It begins too far down.
    #[error("a window skips at most {WINDOW_SKIP_MAX} cards; filter or search instead")]
    SkipTooLarge,
    /// Its search is too long.
    #[error("a search is at most {SEARCH_BYTES_MAX} bytes long; shorten it")]
    SearchTooLong,
}

impl<W: Copy + Eq> LiveList<W> {
    /// A list without sessions.
    pub fn new() -> Self {
        Self {
            cards: Cards::new(),
            census: Census::default(),
            lanes: BTreeMap::new(),
            ringing: Ringing::default(),
            changed: false,
        }
    }

    /// A session came online, or its card changed.
    pub fn upsert(&mut self, card: Arc<Card>) {
        let old = self.cards.insert(card.session, Arc::clone(&card));
        if old.as_ref() != Some(&card) {
            self.change(old.as_ref(), Some(&card));
        }
    }

    /// A session is no longer online.
    pub fn remove(&mut self, session: SessionId) {
        if let Some(old) = self.cards.remove(&session) {
            self.change(Some(&old), None);
        }
    }

    /// Watches a window, in place of the one that this watcher had. The revision goes on, so that
    /// a delta of the earlier window is not taken for one of this.
    ///
    /// # Errors
    /// The window is out of bounds; an earlier one stays.
    pub fn watch(
        &mut self,
        watcher: W,
        operator: OperatorId,
        window: &Window,
    ) -> Result<Snapshot, WindowError> {
        let stretch = stretch(window)?;
        let filter = filter(window, &operator)?;
        let revision = self.leave(watcher).map_or(1, |earlier| earlier + 1);

        let (cards, census) = (&self.cards, &self.census);
        let lanes = self.lanes.entry(filter.scope.owner().cloned()).or_default();
        let at = lanes.iter().position(|lane| lane.is(&filter, window.sort)).unwrap_or_else(|| {
            lanes.push(Lane::new(filter, window.sort, cards, census));
            lanes.len() - 1
        });
        let watcher = Watcher::new(watcher, operator, window.alerts, revision);
        let snapshot = lanes[at].join(watcher, stretch, cards, census);
        self.prune();
        Ok(snapshot)
    }

    /// Ends a watch, if there is one.
    pub fn unwatch(&mut self, watcher: W) {
        self.leave(watcher);
        self.prune();
    }

    /// What has changed since the last flush, for each watcher for whom anything has: cards of
    /// the window, totals, or what rings.
    pub fn flush(&mut self) -> Vec<(W, Delta)> {
        let mut deltas = Vec::new();
        if std::mem::take(&mut self.changed) {
            let rung = self.ringing.take(&self.cards);
            for lane in self.lanes.values_mut().flatten() {
                lane.flush(&self.cards, &self.census, &rung, &mut deltas);
            }
            self.changed = self.ringing.has_more();
        }
        deltas
    }

    /// Whether there is something for the next flush to tell.
    pub const fn is_changed(&self) -> bool {
        self.changed
    }

    /// A session's card, if it is online.
    pub fn card(&self, session: SessionId) -> Option<&Arc<Card>> {
        self.cards.get(&session)
    }

    /// How many sessions an operator controls.
    pub fn held_by(&self, operator: &OperatorId) -> usize {
        self.census.held_by(operator)
    }

    /// How many sessions are online.
    pub fn len(&self) -> usize {
        self.cards.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.cards.is_empty()
    }

    /// Tells the census and the lanes concerned of a change that the cards have already made.
    fn change(&mut self, old: Option<&Arc<Card>>, new: Option<&Arc<Card>>) {
        self.changed = true;
        self.census.change(old, new);
        self.ringing.change(old, new);
        let text = new.map(Folded::new);
        let owners = [&None, holder(old), holder(new)];
        for (at, owner) in owners.iter().enumerate() {
            if owners[..at].contains(owner) {
                continue;
            }
            for lane in self.lanes.get_mut(owner).into_iter().flatten() {
                lane.change(old, text.as_ref(), &self.cards);
            }
        }
    }

    /// Takes a watcher out of its window and returns the last revision. The lane stays for now:
    /// the next window is often on the same.
    fn leave(&mut self, watcher: W) -> Option<u64> {
        self.lanes.values_mut().flatten().find_map(|lane| lane.leave(watcher))
    }

    /// Drops the lanes that nobody watches.
    fn prune(&mut self) {
        self.lanes.retain(|_, lanes| {
            lanes.retain(Lane::is_watched);
            !lanes.is_empty()
        });
    }
}

impl<W: Copy + Eq> Default for LiveList<W> {
    fn default() -> Self {
        Self::new()
    }
}

impl Snapshot {
    /// As it is sent.
    pub fn to_watching(&self) -> Watching {
        Watching { revision: self.revision, cards: owned(&self.cards), totals: self.totals }
    }
}

impl Delta {
    /// As it is sent.
    pub fn to_live(&self) -> Live {
        Live {
            revision: self.revision,
            upsert: owned(&self.upsert),
            remove: self.remove.to_vec(),
            totals: self.totals,
            alerts: self.alerts.iter().map(Ring::to_alert).collect(),
            quiet: self.quiet.to_vec(),
        }
    }
}

impl Ring {
    fn to_alert(&self) -> Alert {
        Alert { kind: self.kind, card: Card::clone(&self.card) }
    }
}

fn owned(cards: &[Arc<Card>]) -> Vec<Card> {
    cards.iter().map(|card| Card::clone(card)).collect()
}

fn stretch(window: &Window) -> Result<Stretch, WindowError> {
    let first = match window.first {
        0 => WINDOW_FIRST_DEFAULT,
        first @ 1..=WINDOW_FIRST_MAX => first,
        _ => return Err(WindowError::FirstTooLarge),
    };
    if window.skip > WINDOW_SKIP_MAX {
        return Err(WindowError::SkipTooLarge);
    }
    Ok(Stretch { skip: window.skip as usize, first: first as usize })
}

fn filter(window: &Window, operator: &OperatorId) -> Result<Filter, WindowError> {
    let search = window.search.as_deref().unwrap_or_default();
    if search.len() > SEARCH_BYTES_MAX {
        return Err(WindowError::SearchTooLong);
    }
    let scope = match window.show {
        Show::All => Scope::All,
        Show::Waiting => Scope::Waiting,
        Show::Bot => Scope::Bot,
        Show::Mine => Scope::Mine(operator.clone()),
        Show::Others => Scope::Others(operator.clone()),
    };
    Ok(Filter::new(scope, search))
}
