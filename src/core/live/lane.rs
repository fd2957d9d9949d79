//! The cards of one filter in order, and the windows on them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use vigie_protocol::card::{Card, Sort, Totals};
use vigie_protocol::id::{OperatorId, SessionId};

use super::census::Census;
use super::filter::{Filter, Folded};
use super::order::Place;
use super::{Cards, Delta, Snapshot};

/// All cards that match one filter, in one order.
#[derive(Debug)]
pub(super) struct Lane<W> {
    filter: Filter,
    sort: Sort,
    order: Order,
    /// The longest first: what happens behind the end of one is behind the end of all after it.
    views: Vec<View<W>>,
}

type Order = BTreeSet<Place>;

/// A lane's first few cards, and who watches them.
#[derive(Debug)]
struct View<W> {
    first: usize,
    /// The place of the last card inside, if it is full; otherwise the whole lane is inside.
    end: Option<Place>,
    /// Sessions that changed, came or went since the last flush, with the card that the watchers
    /// have of each.
    touched: BTreeMap<SessionId, Option<Arc<Card>>>,
    watchers: Vec<Watcher<W>>,
}

#[derive(Debug)]
struct Watcher<W> {
    id: W,
    operator: OperatorId,
    revision: u64,
    /// As they were last told.
    totals: Totals,
}

impl<W: Copy + Eq> Lane<W> {
    pub(super) fn new(filter: Filter, sort: Sort, cards: &Cards, census: &Census) -> Self {
        let order = census
            .candidates(&filter.scope, cards)
            .filter(|card| filter.holds(&Folded::new(card)))
            .map(|card| Place::of(sort, card))
            .collect();
        Self { filter, sort, order, views: Vec::new() }
    }

    pub(super) fn is(&self, filter: &Filter, sort: Sort) -> bool {
        self.sort == sort && self.filter == *filter
    }

    pub(super) const fn is_watched(&self) -> bool {
        !self.views.is_empty()
    }

    pub(super) fn join(
        &mut self,
        id: W,
        operator: OperatorId,
        first: usize,
        revision: u64,
        cards: &Cards,
        census: &Census,
    ) -> Snapshot {
        let inside = self.order.iter().take(first);
        let snapshot = Snapshot {
            revision,
            cards: inside.filter_map(|place| cards.get(&place.session()).cloned()).collect(),
            totals: census.totals(&operator, self.order.len()),
        };
        let watcher = Watcher { id, operator, revision, totals: snapshot.totals };
        self.view(first).watchers.push(watcher);
        snapshot
    }

    /// Takes a watcher out and returns their last revision.
    pub(super) fn leave(&mut self, id: W) -> Option<u64> {
        let (view, at) = self.views.iter_mut().find_map(|view| {
            view.watchers.iter().position(|watcher| watcher.id == id).map(|at| (view, at))
        })?;
        let watcher = view.watchers.swap_remove(at);
        self.views.retain(|view| !view.watchers.is_empty());
        Some(watcher.revision)
    }

    pub(super) fn change(
        &mut self,
        old: Option<&Arc<Card>>,
        new: Option<&Folded<'_>>,
        cards: &Cards,
    ) {
        // Whether it matched a search is not asked a second time: if so, it stands in the order.
        let was = old
            .filter(|old| self.filter.scope.holds(old))
            .map(|old| Place::of(self.sort, old))
            .filter(|place| !self.filter.searches() || self.order.contains(place));
        let is = new.filter(|new| self.filter.holds(new)).map(|new| Place::of(self.sort, new.card));
        if was != is {
            was.map(|place| self.order.remove(&place));
            is.map(|place| self.order.insert(place));
        }
        for view in &mut self.views {
            if !view.change(&self.order, was, is, old, cards) {
                break;
            }
        }
    }

    pub(super) fn flush(&mut self, cards: &Cards, census: &Census, deltas: &mut Vec<(W, Delta)>) {
        for view in &mut self.views {
            let now = |session, end: Option<Place>| {
                let card: &Arc<Card> = cards.get(&session)?;
                let place = Place::of(self.sort, card);
                (within(place, end) && self.order.contains(&place)).then_some(card)
            };
            view.flush(now, |operator| census.totals(operator, self.order.len()), deltas);
        }
        // Two of one length were apart because their watchers had seen different states.
        self.views.dedup_by(|same, view| {
            let merges = same.first == view.first;
            if merges {
                view.watchers.append(&mut same.watchers);
            }
            merges
        });
    }

    /// The view of a length for a watcher who has seen the lane as it is now.
    fn view(&mut self, first: usize) -> &mut View<W> {
        let fresh = |view: &View<W>| view.first == first && view.touched.is_empty();
        let at = self.views.iter().position(fresh).unwrap_or_else(|| {
            let at = self.views.partition_point(|view| view.first > first);
            self.views.insert(at, View::new(first, &self.order));
            at
        });
        &mut self.views[at]
    }
}

impl<W: Copy> View<W> {
    fn new(first: usize, order: &Order) -> Self {
        let end = order.iter().nth(first.saturating_sub(1)).copied();
        Self { first, end, touched: BTreeMap::new(), watchers: Vec::new() }
    }

    /// Follows a change that `order` has already made. Returns whether it happened inside.
    fn change(
        &mut self,
        order: &Order,
        was: Option<Place>,
        is: Option<Place>,
        old: Option<&Arc<Card>>,
        cards: &Cards,
    ) -> bool {
        let [was_inside, is_inside] =
            [was, is].map(|place| place.is_some_and(|place| within(place, self.end)));
        if let Some(place) = was.or(is).filter(|_| was_inside || is_inside) {
            self.touch(place.session(), old.filter(|_| was_inside));
        }
        match (was_inside, is_inside) {
            (false, false) => return false,
            (true, false) => self.pull(order),
            (false, true) => self.push(order, cards),
            (true, true) if was == self.end => self.end = last(order, self.end),
            (true, true) => {}
        }
        true
    }

    /// One has left: the next one comes in, if there is any.
    fn pull(&mut self, order: &Order) {
        let Some(end) = self.end else { return };
        self.end = order.range((Bound::Excluded(end), Bound::Unbounded)).next().copied();
        if let Some(next) = self.end {
            self.touch(next.session(), None);
        }
    }

    /// One has come: the last one goes out, if it is one too many.
    fn push(&mut self, order: &Order, cards: &Cards) {
        match self.end {
            Some(end) => {
                self.touch(end.session(), cards.get(&end.session()));
                self.end = order.range(..end).next_back().copied();
            }
            None if order.len() == self.first => self.end = order.last().copied(),
            None => {}
        }
    }

    /// Remembers what the watchers have of a session, unless that is already known.
    fn touch(&mut self, session: SessionId, had: Option<&Arc<Card>>) {
        self.touched.entry(session).or_insert_with(|| had.cloned());
    }

    fn flush<'a>(
        &mut self,
        now: impl Fn(SessionId, Option<Place>) -> Option<&'a Arc<Card>>,
        totals: impl Fn(&OperatorId) -> Totals,
        deltas: &mut Vec<(W, Delta)>,
    ) {
        let (mut upsert, mut remove) = (Vec::new(), Vec::new());
        for (session, had) in std::mem::take(&mut self.touched) {
            match (had, now(session, self.end)) {
                (Some(_), None) => remove.push(session),
                (had, Some(card)) if had.as_ref() != Some(card) => upsert.push(Arc::clone(card)),
                _ => {}
            }
        }
        let unchanged = upsert.is_empty() && remove.is_empty();
        let (upsert, remove): (Arc<[_]>, Arc<[_]>) = (upsert.into(), remove.into());
        for watcher in &mut self.watchers {
            let totals = totals(&watcher.operator);
            if unchanged && totals == watcher.totals {
                continue;
            }
            watcher.totals = totals;
            watcher.revision += 1;
            deltas.push((
                watcher.id,
                Delta {
                    revision: watcher.revision,
                    upsert: Arc::clone(&upsert),
                    remove: Arc::clone(&remove),
                    totals,
                },
            ));
        }
    }
}

/// Whether a place is inside a view that ends there.
fn within(place: Place, end: Option<Place>) -> bool {
    end.is_none_or(|end| place <= end)
}

/// The last place that is not behind `end`.
fn last(order: &Order, end: Option<Place>) -> Option<Place> {
    end.and_then(|end| order.range(..=end).next_back().copied())
}
