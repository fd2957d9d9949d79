//! The cards of one filter in order, and the windows on them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use vigie_protocol::card::{Alerts, Card, Sort, Totals};
use vigie_protocol::id::{OperatorId, SessionId};

use super::census::Census;
use super::filter::{Filter, Folded};
use super::order::Place;
use super::ringing::Rung;
use super::{Cards, Delta, Snapshot};

/// All cards that match one filter, in one order.
#[derive(Debug)]
pub(super) struct Lane<W> {
    filter: Filter,
    sort: Sort,
    order: Order,
    /// Those that end last first: what happens behind the end of one is behind the end of all after
    /// it.
    views: Vec<View<W>>,
}

type Order = BTreeSet<Place>;

/// Which of a lane's cards a window holds: the `first` that come after `skip` others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub(super) skip: usize,
    pub(super) first: usize,
}

/// A stretch of a lane, and who watches it.
#[derive(Debug)]
struct View<W> {
    stretch: Stretch,
    /// The place of the first card inside, if there is any.
    begin: Option<Place>,
    /// The place of the last card inside, if it is full; otherwise all that follows is inside.
    end: Option<Place>,
    /// Sessions that changed, came or went since the last flush, with the card that the watchers
    /// have of each.
    touched: BTreeMap<SessionId, Option<Arc<Card>>>,
    watchers: Vec<Watcher<W>>,
}

#[derive(Debug)]
pub(super) struct Watcher<W> {
    id: W,
    operator: OperatorId,
    alerts: Alerts,
    revision: u64,
    /// As they were last told.
    totals: Totals,
}

impl<W> Watcher<W> {
    pub(super) fn new(id: W, operator: OperatorId, alerts: Alerts, revision: u64) -> Self {
        Self { id, operator, alerts, revision, totals: Totals::default() }
    }
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
        mut watcher: Watcher<W>,
        stretch: Stretch,
        cards: &Cards,
        census: &Census,
    ) -> Snapshot {
        let inside = self.order.iter().skip(stretch.skip).take(stretch.first);
        watcher.totals = census.totals(&watcher.operator, self.order.len());
        let snapshot = Snapshot {
            revision: watcher.revision,
            cards: inside.filter_map(|place| cards.get(&place.session()).cloned()).collect(),
            totals: watcher.totals,
        };
        self.view(stretch).watchers.push(watcher);
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
        if was == is {
            let Some(place) = is else { return };
            let reached = self.views.iter_mut().take_while(|view| view.reaches(place));
            reached.for_each(|view| view.stay(place, old));
            return;
        }
        if let Some(place) = was {
            self.order.remove(&place);
            let reached = self.views.iter_mut().take_while(|view| view.reaches(place));
            reached.for_each(|view| view.leave(&self.order, place, old, cards));
        }
        if let Some(place) = is {
            self.order.insert(place);
            let reached = self.views.iter_mut().take_while(|view| view.reaches(place));
            reached.for_each(|view| view.enter(&self.order, place, cards));
        }
    }

    pub(super) fn flush(
        &mut self,
        cards: &Cards,
        census: &Census,
        rung: &Rung,
        deltas: &mut Vec<(W, Delta)>,
    ) {
        for view in &mut self.views {
            let now = |session, view: &View<W>| {
                let card: &Arc<Card> = cards.get(&session)?;
                let place = Place::of(self.sort, card);
                (view.holds(place) && self.order.contains(&place)).then_some(card)
            };
            let totals = |operator: &OperatorId| census.totals(operator, self.order.len());
            view.flush(now, totals, rung, deltas);
        }
        // Two of one stretch were apart because their watchers had seen different states.
        self.views.dedup_by(|same, view| {
            let merges = same.stretch == view.stretch;
            if merges {
                view.watchers.append(&mut same.watchers);
            }
            merges
        });
    }

    /// The view of a stretch for a watcher who has seen the lane as it is now.
    fn view(&mut self, stretch: Stretch) -> &mut View<W> {
        let fresh = |view: &View<W>| view.stretch == stretch && view.touched.is_empty();
        let at = self.views.iter().position(fresh).unwrap_or_else(|| {
            let at = self.views.partition_point(|view| view.stretch.rank() < stretch.rank());
            self.views.insert(at, View::new(stretch, &self.order));
            at
        });
        &mut self.views[at]
    }
}

impl Stretch {
    /// How many cards of the order there are up to its end.
    const fn reach(self) -> usize {
        self.skip + self.first
    }

    /// Less is further up among the views of a lane; the same only for the same stretch.
    const fn rank(self) -> (std::cmp::Reverse<usize>, usize) {
        (std::cmp::Reverse(self.reach()), self.skip)
    }
}

impl<W: Copy> View<W> {
    fn new(stretch: Stretch, order: &Order) -> Self {
        let mut inside = order.iter().skip(stretch.skip);
        let begin = inside.next().copied();
        // The first was taken out already.
        let end = match stretch.first {
            0 | 1 => begin,
            first => inside.nth(first - 2).copied(),
        };
        Self { stretch, begin, end, touched: BTreeMap::new(), watchers: Vec::new() }
    }

    /// Whether what happens there is noticed: it is not behind the end.
    fn reaches(&self, place: Place) -> bool {
        self.end.is_none_or(|end| place <= end)
    }

    /// Whether a place is inside.
    fn holds(&self, place: Place) -> bool {
        self.reaches(place) && self.begin.is_some_and(|begin| begin <= place)
    }

    /// A card has changed and stands where it stood.
    fn stay(&mut self, place: Place, old: Option<&Arc<Card>>) {
        if self.holds(place) {
            self.touch(place.session(), old);
        }
    }

    /// One has left `order` that stood inside or before: what follows moves up.
    fn leave(&mut self, order: &Order, place: Place, old: Option<&Arc<Card>>, cards: &Cards) {
        let Some(begin) = self.begin else { return };
        let out = begin.max(place);
        let had = if out == place { old } else { cards.get(&out.session()) };
        self.touch(out.session(), had);
        if out == begin {
            self.begin = after(order, begin);
        }
        if let Some(end) = self.end {
            self.end = after(order, end);
            if let Some(next) = self.end {
                self.touch(next.session(), None);
            }
        }
    }

    /// One has come into `order` that stands inside or before: what follows moves down.
    fn enter(&mut self, order: &Order, place: Place, cards: &Cards) {
        match self.begin {
            Some(begin) if begin < place => self.touch(place.session(), None),
            Some(begin) => {
                self.begin = order.range(..begin).next_back().copied();
                self.came_in(self.begin);
            }
            None if order.len() > self.stretch.skip => {
                self.begin = order.last().copied();
                self.came_in(self.begin);
            }
            None => {}
        }
        match self.end {
            Some(end) => {
                self.touch(end.session(), cards.get(&end.session()));
                self.end = order.range(..end).next_back().copied();
            }
            None if order.len() == self.stretch.reach() => self.end = order.last().copied(),
            None => {}
        }
    }

    fn came_in(&mut self, place: Option<Place>) {
        if let Some(place) = place {
            self.touch(place.session(), None);
        }
    }

    /// Remembers what the watchers have of a session, unless that is already known.
    fn touch(&mut self, session: SessionId, had: Option<&Arc<Card>>) {
        self.touched.entry(session).or_insert_with(|| had.cloned());
    }

    fn flush<'a>(
        &mut self,
        now: impl Fn(SessionId, &Self) -> Option<&'a Arc<Card>>,
        totals: impl Fn(&OperatorId) -> Totals,
        rung: &Rung,
        deltas: &mut Vec<(W, Delta)>,
    ) {
        let (mut upsert, mut remove) = (Vec::new(), Vec::new());
        for (session, had) in std::mem::take(&mut self.touched) {
            match (had, now(session, self)) {
                (Some(_), None) => remove.push(session),
                (had, Some(card)) if had.as_ref() != Some(card) => upsert.push(Arc::clone(card)),
                _ => {}
            }
        }
        let unchanged = upsert.is_empty() && remove.is_empty();
        let (upsert, remove): (Arc<[_]>, Arc<[_]>) = (upsert.into(), remove.into());
        for watcher in &mut self.watchers {
            let totals = totals(&watcher.operator);
            let alerts = rung.for_operator(&watcher.operator, watcher.alerts);
            let quiet = rung.quiet(watcher.alerts);
            let silent = alerts.is_empty() && quiet.is_empty();
            if unchanged && silent && totals == watcher.totals {
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
                    alerts,
                    quiet,
                },
            ));
        }
    }
}

/// The place that follows another.
fn after(order: &Order, place: Place) -> Option<Place> {
    order.range((Bound::Excluded(place), Bound::Unbounded)).next().copied()
}
