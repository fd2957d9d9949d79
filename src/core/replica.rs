//! A table that one node keeps and others read: the cards that it shows, the people that it serves.
//!
//! The owner numbers its changes; a reader takes a change only if it follows what it has, and asks
//! otherwise: for what it has missed, or for everything if the owner does not have that any more.
//! Messages may be lost, doubled, late and out of order: then a reader is behind until the owner next
//! says how far it is, and never has anything that was not so.

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

/// The most entries that one message carries.
pub const ENTRIES_MAX: usize = 128;

/// For how many beats an owner keeps its changes for readers who have missed them.
pub const RECENT_BEATS: u64 = 30;

/// The most changes that it keeps for them; beyond that the oldest go.
pub const RECENT_MAX: usize = 32 * ENTRIES_MAX;

/// What the owner of a table tells its readers. Of an entry that has come and changed since they
/// were last told, both are told, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Told<K, V> {
    /// What has changed since a revision.
    Delta {
        /// The revision before.
        after: u64,
        /// The revision with it.
        revision: u64,
        /// New entries, and what has become of others.
        put: Vec<(K, V)>,
        /// Entries that are gone.
        gone: Vec<K>,
    },
    /// A part of the whole table at a revision.
    Page {
        /// Which revision.
        revision: u64,
        /// Which part: 0, 1, 2 …
        page: u32,
        /// How many there are.
        pages: u32,
        /// Its entries.
        put: Vec<(K, V)>,
    },
    /// How far the owner is.
    At {
        /// The latest revision.
        revision: u64,
        /// Whether it ends the answer to one who has asked.
        answer: bool,
    },
}

/// The owner's side of a table.
#[derive(Debug)]
pub struct Owned<K, V> {
    entries: BTreeMap<K, V>,
    revision: u64,
    /// What has changed since the last flush; of what is new, the first value that it had.
    changed: BTreeMap<K, Option<V>>,
    /// What was flushed of late, each without a gap after the one before.
    recent: VecDeque<Recent<K, V>>,
    beat: u64,
}

/// Changes that readers may have missed.
#[derive(Debug)]
struct Recent<K, V> {
    after: u64,
    /// At which beat they were told.
    at: u64,
    changes: usize,
    told: Told<K, V>,
}

impl<K: Ord + Clone, V: Clone + PartialEq> Owned<K, V> {
    /// An empty table.
    pub const fn new() -> Self {
        Self {
            entries: BTreeMap::new(),
            revision: 0,
            changed: BTreeMap::new(),
            recent: VecDeque::new(),
            beat: 0,
        }
    }

    /// Enters something, or what has become of it.
    pub fn put(&mut self, key: K, value: V) {
        if self.entries.get(&key) == Some(&value) {
            return;
        }
        if self.entries.insert(key.clone(), value.clone()).is_none() {
            self.changed.entry(key).or_insert(Some(value));
        } else {
            self.changed.entry(key).or_insert(None);
        }
    }

    /// Strikes something off.
    pub fn remove(&mut self, key: &K) {
        if self.entries.remove(key).is_some() {
            self.changed.insert(key.clone(), None);
        }
    }

    /// What has changed since the last call, for all who read.
    pub fn flush(&mut self) -> Vec<Told<K, V>> {
        let mut changed = std::mem::take(&mut self.changed).into_iter().peekable();
        let mut deltas = Vec::new();
        while changed.peek().is_some() {
            let (mut put, mut gone) = (Vec::new(), Vec::new());
            for (key, first) in changed.by_ref().take(ENTRIES_MAX) {
                let Some(value) = self.entries.get(&key) else {
                    gone.push(key);
                    continue;
                };
                // Readers tell what is new from what was there before, be it for a moment only.
                put.extend(first.filter(|first| first != value).map(|first| (key.clone(), first)));
                put.push((key, value.clone()));
            }
            let (after, changes) = (self.revision, put.len() + gone.len());
            self.revision += 1;
            let told = Told::Delta { after, revision: self.revision, put, gone };
            deltas.push(told.clone());
            self.recent.push_back(Recent { after, at: self.beat, changes, told });
        }
        if !deltas.is_empty() {
            self.forget();
        }
        deltas
    }

    /// A moment has passed: what was told long ago is not kept any more.
    pub fn beat(&mut self) {
        self.beat += 1;
        self.forget();
    }

    fn forget(&mut self) {
        let mut kept: usize = self.recent.iter().map(|recent| recent.changes).sum();
        while let Some(oldest) = self.recent.front()
            && (kept > RECENT_MAX || self.beat - oldest.at > RECENT_BEATS)
        {
            kept -= oldest.changes;
            self.recent.pop_front();
        }
    }

    /// What one who has the table up to a revision lacks, 0 being nothing: the changes since, or the
    /// whole as of the last flush or later.
    pub fn since(&self, revision: u64) -> Vec<Told<K, V>> {
        let missed = self.recent.iter().skip_while(|recent| recent.after != revision);
        let mut missed: Vec<_> = missed.map(|recent| recent.told.clone()).collect();
        if missed.is_empty() && revision != self.revision {
            return self.pages();
        }
        missed.push(Told::At { revision: self.revision, answer: true });
        missed
    }

    fn pages(&self) -> Vec<Told<K, V>> {
        let entries: Vec<_> = self.entries.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        let pages = entries.len().div_ceil(ENTRIES_MAX).max(1) as u32;
        let mut parts = entries.chunks(ENTRIES_MAX);
        (0..pages)
            .map(|page| Told::Page {
                revision: self.revision,
                page,
                pages,
                put: parts.next().map(<[_]>::to_vec).unwrap_or_default(),
            })
            .collect()
    }

    /// How far the table is.
    pub const fn at(&self) -> Told<K, V> {
        Told::At { revision: self.revision, answer: false }
    }

    /// Whether nothing is in it, nor was since the last flush.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.changed.is_empty()
    }
}

impl<K: Ord + Clone, V: Clone + PartialEq> Default for Owned<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

/// A reader's side of a table.
#[derive(Debug)]
pub struct Replica<K, V> {
    entries: BTreeMap<K, V>,
    /// The revision that the entries are of: at first 0, that of an empty table.
    revision: u64,
    /// Whether the owner has answered that it was its own, and nothing has said otherwise since.
    sure: bool,
    /// Pages of a whole table that is on its way.
    coming: Option<Coming<K, V>>,
}

#[derive(Debug)]
struct Coming<K, V> {
    revision: u64,
    pages: u32,
    parts: BTreeMap<u32, Vec<(K, V)>>,
    /// What has changed since that revision, as far as it has come: put, or gone.
    since: u64,
    changes: Vec<(K, Option<V>)>,
}

/// What has changed for a reader.
pub type Changes<K, V> = Vec<(K, Option<V>)>;

/// The most changes that are kept while the whole table is on its way; with more, it is asked for
/// anew.
const CHANGES_MAX: usize = 4 * ENTRIES_MAX;

impl<K: Ord + Clone, V: Clone + PartialEq> Replica<K, V> {
    /// Nothing is known yet.
    pub const fn new() -> Self {
        Self { entries: BTreeMap::new(), revision: 0, sure: false, coming: None }
    }

    /// Takes what the owner has told. Whether it has to be asked for what is missing stands in
    /// [`Replica::lags`] afterwards.
    pub fn hear(&mut self, told: Told<K, V>) -> Changes<K, V> {
        match told {
            Told::Delta { after, revision, put, gone } => {
                self.hear_delta(after, revision, put, gone)
            }
            Told::Page { revision, page, pages, put } => self.hear_page(revision, page, pages, put),
            Told::At { revision, answer } => {
                match revision.cmp(&self.revision) {
                    Ordering::Greater => self.sure = false,
                    // Who is told so unasked may be one whom the owner does not know any more.
                    Ordering::Equal => self.sure |= answer && self.coming.is_none(),
                    // It is late.
                    Ordering::Less => {}
                }
                Changes::new()
            }
        }
    }

    /// Whether the owner must be asked for what is missing since [`Replica::revision`].
    pub const fn lags(&self) -> bool {
        !self.sure
    }

    /// Up to which revision the table is there; 0: nothing of it is.
    pub const fn revision(&self) -> u64 {
        self.revision
    }

    /// Whatever is there may be old: the owner is to be asked.
    pub fn doubt(&mut self) {
        self.sure = false;
        self.coming = None;
    }

    /// The owner is gone, and with it all that was its.
    pub fn clear(&mut self) -> Changes<K, V> {
        std::mem::take(self).entries.into_keys().map(|key| (key, None)).collect()
    }

    /// What is known.
    pub const fn entries(&self) -> &BTreeMap<K, V> {
        &self.entries
    }

    fn hear_delta(
        &mut self,
        after: u64,
        revision: u64,
        put: Vec<(K, V)>,
        gone: Vec<K>,
    ) -> Changes<K, V> {
        let puts = put.into_iter().map(|(key, value)| (key, Some(value)));
        let changes: Changes<K, V> = puts.chain(gone.into_iter().map(|key| (key, None))).collect();
        if let Some(coming) = &mut self.coming {
            if coming.since == after && coming.changes.len() < CHANGES_MAX {
                coming.since = revision;
                coming.changes.extend(changes);
            } else if coming.since < revision {
                self.coming = None;
            }
            return Changes::new();
        }
        if self.revision == after {
            // Also in doubt: up to here nothing was missed.
            self.revision = revision;
            return self.apply(changes);
        }
        self.sure &= self.revision >= revision;
        Changes::new()
    }

    fn hear_page(
        &mut self,
        revision: u64,
        page: u32,
        pages: u32,
        put: Vec<(K, V)>,
    ) -> Changes<K, V> {
        // What is at hand may be newer than a page that comes late.
        if self.sure || revision < self.revision || page >= pages {
            return Changes::new();
        }
        let fresh = self.coming.as_ref().is_none_or(|coming| coming.revision < revision);
        if fresh {
            let (parts, changes) = (BTreeMap::new(), Vec::new());
            self.coming = Some(Coming { revision, pages, parts, since: revision, changes });
        }
        let Some(coming) = self.coming.as_mut().filter(|coming| coming.revision == revision) else {
            return Changes::new();
        };
        coming.parts.insert(page, put);
        if coming.parts.len() < coming.pages as usize {
            return Changes::new();
        }
        let Some(coming) = self.coming.take() else { return Changes::new() };
        let mut whole: BTreeMap<K, V> = coming.parts.into_values().flatten().collect();
        for (key, value) in coming.changes {
            match value {
                Some(value) => whole.insert(key, value),
                None => whole.remove(&key),
            };
        }
        (self.revision, self.sure) = (coming.since, true);
        self.replace(whole)
    }

    fn replace(&mut self, whole: BTreeMap<K, V>) -> Changes<K, V> {
        let gone = self.entries.keys().filter(|key| !whole.contains_key(key)).cloned();
        let gone: Changes<K, V> = gone.map(|key| (key, None)).collect();
        let put = whole.into_iter().map(|(key, value)| (key, Some(value)));
        self.apply(gone.into_iter().chain(put).collect())
    }

    /// Applies changes; returns those that do change something.
    fn apply(&mut self, mut changes: Changes<K, V>) -> Changes<K, V> {
        changes.retain(|(key, value)| {
            if self.entries.get(key) == value.as_ref() {
                return false;
            }
            match value {
                Some(value) => self.entries.insert(key.clone(), value.clone()),
                None => self.entries.remove(key),
            };
            true
        });
        changes
    }
}

impl<K: Ord + Clone, V: Clone + PartialEq> Default for Replica<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Owner = Owned<u32, &'static str>;
    type Reader = Replica<u32, &'static str>;

    fn synced(owner: &mut Owner) -> Reader {
        let mut reader = Reader::new();
        owner.flush();
        assert!(reader.lags());
        catch_up(owner, &mut reader);
        reader
    }

    /// Asks the owner; says what has changed by it.
    fn catch_up(owner: &Owner, reader: &mut Reader) -> Changes<u32, &'static str> {
        reader.doubt();
        let told = owner.since(reader.revision()).into_iter();
        let changes = told.flat_map(|told| reader.hear(told)).collect();
        assert!(!reader.lags());
        changes
    }

    #[test]
    fn a_reader_follows_each_change() {
        let mut owner = Owner::new();
        owner.put(1, "a");
        let mut reader = synced(&mut owner);
        owner.put(2, "b");
        owner.remove(&1);
        let [delta] = &owner.flush()[..] else { panic!("one delta") };
        assert_eq!(reader.hear(delta.clone()), [(2, Some("b")), (1, None)]);
        assert_eq!(reader.hear(delta.clone()), [], "told twice it is heard once");
        assert!(!reader.lags());
        assert_eq!(reader.entries(), &BTreeMap::from([(2, "b")]));
    }

    #[test]
    fn a_reader_that_missed_something_asks_anew_and_shows_nothing_wrong_until_then() {
        let mut owner = Owner::new();
        owner.put(1, "a");
        let mut reader = synced(&mut owner);
        owner.put(2, "b");
        owner.flush();
        owner.put(3, "c");
        for delta in owner.flush() {
            assert_eq!(reader.hear(delta), []);
        }
        assert!(reader.lags());
        assert_eq!(reader.entries().len(), 1);
        assert_eq!(catch_up(&owner, &mut reader), [(2, Some("b")), (3, Some("c"))]);
    }

    #[test]
    fn what_a_reader_has_missed_of_late_comes_one_by_one() {
        let mut owner = Owner::new();
        let mut reader = synced(&mut owner);
        let steps = [(1, "a"), (1, "b"), (2, "c"), (1, "d")];
        for (key, value) in steps {
            owner.put(key, value);
            owner.flush();
        }
        let steps = steps.map(|(key, value)| (key, Some(value)));
        assert_eq!(catch_up(&owner, &mut reader), steps);
        let mut newcomer = Reader::new();
        assert_eq!(catch_up(&owner, &mut newcomer), steps, "the table has just begun");
    }

    #[test]
    fn what_a_reader_has_missed_for_long_comes_as_a_whole() {
        let forgotten = |owner: &mut Owner| {
            let mut reader = synced(owner);
            owner.put(1, "b");
            owner.flush();
            owner.put(1, "c");
            owner.flush();
            for _ in 0..=RECENT_BEATS {
                owner.beat();
            }
            catch_up(owner, &mut reader)
        };
        let mut owner = Owner::new();
        owner.put(1, "a");
        assert_eq!(forgotten(&mut owner), [(1, Some("c"))]);
        assert!(owner.recent.is_empty());
        let mut reader = synced(&mut owner);
        owner.put(0, "a");
        owner.flush();
        for n in 0..RECENT_MAX as u32 {
            owner.put(n, "n");
        }
        owner.flush();
        assert_eq!(owner.recent.iter().map(|recent| recent.changes).sum::<usize>(), RECENT_MAX);
        let changes = catch_up(&owner, &mut reader);
        assert!(changes.len() == RECENT_MAX && !changes.contains(&(0, Some("a"))));
    }

    #[test]
    fn a_reader_in_doubt_misses_nothing_that_follows_what_it_has() {
        let mut owner = Owner::new();
        owner.put(1, "a");
        let mut reader = synced(&mut owner);
        reader.doubt();
        assert!(reader.lags());
        owner.put(1, "b");
        for delta in owner.flush() {
            assert_eq!(reader.hear(delta), [(1, Some("b"))]);
        }
        reader.hear(owner.at());
        assert!(reader.lags(), "only an answer ends the doubt");
        assert_eq!(catch_up(&owner, &mut reader), []);
    }

    #[test]
    fn a_last_change_that_was_lost_is_found_when_the_owner_says_how_far_it_is() {
        let mut owner = Owner::new();
        let mut reader = synced(&mut owner);
        owner.put(1, "a");
        owner.flush();
        reader.hear(owner.at());
        assert!(reader.lags());
    }

    #[test]
    fn changes_that_come_between_the_pages_of_a_whole_table_are_not_lost() {
        let mut owner = Owner::new();
        for n in 0..ENTRIES_MAX as u32 + 1 {
            owner.put(n, "a");
        }
        owner.flush();
        let pages = owner.pages();
        assert_eq!(pages.len(), 2);
        owner.put(0, "b");
        owner.remove(&1);
        let deltas = owner.flush();
        for order in
            [vec![&pages[0], &deltas[0], &pages[1]], vec![&pages[1], &deltas[0], &pages[0]]]
        {
            let mut reader = Reader::new();
            for told in order {
                reader.hear(told.clone());
            }
            assert!(!reader.lags());
            assert_eq!(reader.entries().get(&0), Some(&"b"));
            assert_eq!(reader.entries().len(), ENTRIES_MAX);
        }
    }

    #[test]
    fn of_what_is_new_the_first_and_the_latest_are_told() {
        let mut owner = Owner::new();
        let mut reader = synced(&mut owner);
        for value in ["a", "b", "c"] {
            owner.put(1, value);
        }
        let [delta] = &owner.flush()[..] else { panic!("one delta") };
        assert_eq!(reader.hear(delta.clone()), [(1, Some("a")), (1, Some("c"))]);
        for value in ["d", "e"] {
            owner.put(1, value);
        }
        let [delta] = &owner.flush()[..] else { panic!("one delta") };
        assert_eq!(reader.hear(delta.clone()), [(1, Some("e"))]);
    }

    #[test]
    fn many_changes_go_in_messages_of_bounded_size() {
        let mut owner = Owner::new();
        let mut reader = synced(&mut owner);
        for n in 0..3 * ENTRIES_MAX as u32 {
            owner.put(n, "a");
        }
        let deltas = owner.flush();
        assert_eq!(deltas.len(), 3);
        for delta in deltas {
            reader.hear(delta);
        }
        assert_eq!(reader.entries().len(), 3 * ENTRIES_MAX);
    }

    #[test]
    fn with_its_owner_all_of_a_table_goes() {
        let mut owner = Owner::new();
        owner.put(1, "a");
        let mut reader = synced(&mut owner);
        assert_eq!(reader.clear(), [(1, None)]);
        assert!(reader.lags() && reader.entries().is_empty());
    }
}
