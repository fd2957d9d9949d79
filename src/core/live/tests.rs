use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use uuid::Uuid;
use vigie_protocol::card::{
    AlertKind, Alerts, BotState, Card, LastMessage, Show, Sort, Speaker, Totals, Window,
};
use vigie_protocol::event::{Control, Device, Holder, Page};
use vigie_protocol::id::{OperatorId, SessionId, VisitorId};
use vigie_protocol::{ALERTS_MAX, QUIET_MAX, WINDOW_FIRST_MAX, WINDOW_SKIP_MAX};

use super::*;

mod rings;
mod stretches;

fn session(n: u128) -> SessionId {
    SessionId::from(Uuid::from_u128(n))
}

fn operator(name: &str) -> OperatorId {
    name.parse().unwrap()
}

fn card(n: u128, started: u64) -> Card {
    Card {
        session: session(n),
        visitor: VisitorId::from(Uuid::from_u128(n << 64)),
        ordinal: 1,
        started,
        country: Some("LV".into()),
        device: Device::Desktop,
        browser: Some("Firefox 140".into()),
        os: Some("Windows 11".into()),
        language: Some("lv".into()),
        referrer: Some("https://search.example/".into()),
        page: Some(Page {
            url: format!("https://shop.example/item/{n}"),
            title: Some("Une chaise".into()),
        }),
        messages: 0,
        asked: 0,
        last: None,
        control: Control { epoch: 1, holder: Holder::Bot {}, since: started },
        waiting: None,
        bot: BotState::Idle,
        online: true,
        offset: 1,
    }
}

fn said(card: Card, text: &str, time: u64) -> Card {
    let offset = card.offset + 1;
    let last = LastMessage { from: Speaker::Visitor, text: text.into(), time, offset };
    Card { messages: card.messages + 1, last: Some(last), offset, ..card }
}

fn held(card: Card, id: Option<&str>) -> Card {
    let holder = Holder::Operator { id: id.map(operator), name: "Somebody".into() };
    Card { control: Control { holder, ..card.control }, ..card }
}

fn window(show: Show, sort: Sort, first: u32) -> Window {
    Window { show, sort, first, ..Window::default() }
}

fn newest(first: u32) -> Window {
    window(Show::All, Sort::Newest, first)
}

fn skipping(skip: u32, first: u32) -> Window {
    Window { skip, ..newest(first) }
}

fn searching(search: &str) -> Window {
    Window { search: Some(search.into()), ..Window::default() }
}

/// A list of sessions 1, 2, 3 …, the later the newer.
fn list(sessions: u128) -> LiveList<u32> {
    let mut list = LiveList::new();
    for n in 1..=sessions {
        list.upsert(Arc::new(card(n, 1000 + n as u64)));
    }
    list.flush();
    list
}

fn sessions(cards: &[Arc<Card>]) -> Vec<u128> {
    cards.iter().map(|card| card.session.uuid().as_u128()).collect()
}

fn shown(list: &mut LiveList<u32>, window: &Window) -> Vec<u128> {
    sessions(&list.watch(9, operator("ann"), window).unwrap().cards)
}

#[test]
fn a_snapshot_holds_the_first_cards_in_the_order_asked_for() {
    let mut list = list(5);
    list.upsert(Arc::new(said(card(2, 1002), "hello", 2000)));
    list.upsert(Arc::new(Card { waiting: Some(1500), ..card(4, 1004) }));
    list.upsert(Arc::new(Card { waiting: Some(1400), ..card(1, 1001) }));
    assert_eq!(shown(&mut list, &newest(3)), [5, 4, 3]);
    assert_eq!(shown(&mut list, &window(Show::All, Sort::Oldest, 3)), [1, 2, 3]);
    assert_eq!(shown(&mut list, &window(Show::All, Sort::Activity, 3)), [2, 5, 4]);
    assert_eq!(shown(&mut list, &window(Show::All, Sort::Waiting, 4)), [1, 4, 5, 3]);
}

#[test]
fn ties_are_broken_by_session_ascending() {
    let mut list = LiveList::<u32>::new();
    for n in [3, 1, 2] {
        list.upsert(Arc::new(Card { waiting: Some(7), ..card(n, 5) }));
    }
    for sort in [Sort::Newest, Sort::Oldest, Sort::Activity, Sort::Waiting] {
        assert_eq!(shown(&mut list, &window(Show::All, sort, 0)), [1, 2, 3], "{sort:?}");
    }
}

#[test]
fn each_show_has_its_sessions_and_every_totals_count_them() {
    let mut list = list(6);
    list.upsert(Arc::new(held(card(1, 1001), Some("ann"))));
    list.upsert(Arc::new(held(card(2, 1002), Some("bob"))));
    list.upsert(Arc::new(held(card(3, 1003), None)));
    list.upsert(Arc::new(Card { waiting: Some(1), ..held(card(4, 1004), Some("ann")) }));
    list.upsert(Arc::new(Card { waiting: Some(2), ..card(5, 1005) }));
    for (show, expected) in [
        (Show::All, &[6, 5, 4, 3, 2, 1][..]),
        (Show::Waiting, &[5, 4]),
        (Show::Bot, &[6, 5]),
        (Show::Mine, &[4, 1]),
        (Show::Others, &[3, 2]),
    ] {
        let window = window(show, Sort::Newest, 0);
        let snapshot = list.watch(1, operator("ann"), &window).unwrap();
        assert_eq!(sessions(&snapshot.cards), expected, "{show:?}");
        let matching = expected.len() as u64;
        let totals = Totals { all: 6, waiting: 2, bot: 2, mine: 2, others: 2, matching };
        assert_eq!(snapshot.totals, totals, "{show:?}");
    }
    assert_eq!(list.held_by(&operator("ann")), 2);
}

#[test]
fn a_search_finds_every_word_anywhere_and_sets_letter_case_aside() {
    let mut list = LiveList::<u32>::new();
    let mut greek = said(card(0xabc, 1), "Ο ΔΡΟΜΟΣ ΜΟΥ", 2);
    greek.country = Some("GR".into());
    list.upsert(Arc::new(greek));
    list.upsert(Arc::new(said(card(3, 2), "Straße gesperrt", 2)));
    for (search, expected) in [
        ("", &[3, 0xabc][..]),
        ("  \t ", &[3, 0xabc]),
        ("firefox", &[3, 0xabc]),
        ("FIREFOX gr", &[0xabc]),
        ("δρόμος", &[]),
        ("δρομος", &[0xabc]),
        ("ΔΡΟΜΟΣ", &[0xabc]),
        ("strasse", &[3]),
        ("CHAISE /item/3 windows", &[3]),
        ("000000000abc", &[0xabc]),
        ("140Windows", &[]),
        ("search.example", &[]),
        ("somebody", &[]),
    ] {
        assert_eq!(shown(&mut list, &searching(search)), expected, "{search:?}");
    }
}

#[test]
fn a_window_out_of_bounds_is_refused_and_the_earlier_one_stays() {
    let mut list = list(1);
    let ann = || operator("ann");
    assert!(list.watch(1, ann(), &newest(WINDOW_FIRST_MAX)).is_ok());
    let refused = list.watch(1, ann(), &newest(WINDOW_FIRST_MAX + 1));
    assert_eq!(refused, Err(WindowError::FirstTooLarge));
    let longest = "x".repeat(SEARCH_BYTES_MAX);
    let refused = list.watch(1, ann(), &searching(&(longest.clone() + "x")));
    assert_eq!(refused, Err(WindowError::SearchTooLong));
    let refused = list.watch(1, ann(), &skipping(WINDOW_SKIP_MAX + 1, 1));
    assert_eq!(refused, Err(WindowError::SkipTooLarge));
    list.remove(session(1));
    assert_eq!(list.flush().len(), 1);
    assert!(list.watch(1, ann(), &searching(&longest)).is_ok());
    assert!(list.watch(1, ann(), &skipping(WINDOW_SKIP_MAX, 1)).is_ok());
}

#[test]
fn a_window_that_does_not_say_holds_fifty() {
    let mut list = list(60);
    assert_eq!(shown(&mut list, &newest(0)).len(), 50);
}

#[test]
fn one_that_comes_pushes_the_last_one_out() {
    let mut list = list(5);
    list.watch(1, operator("ann"), &newest(2)).unwrap();
    list.upsert(Arc::new(card(6, 2000)));
    let [(1, delta)] = &list.flush()[..] else { panic!() };
    assert_eq!((sessions(&delta.upsert), &*delta.remove), (vec![6], &[session(4)][..]));
    assert_eq!((delta.revision, delta.totals.all, delta.totals.matching), (2, 6, 6));
}

#[test]
fn one_that_goes_lets_the_next_one_in() {
    let mut list = list(5);
    list.watch(1, operator("ann"), &newest(2)).unwrap();
    list.remove(session(5));
    let [(1, delta)] = &list.flush()[..] else { panic!() };
    assert_eq!((sessions(&delta.upsert), &*delta.remove), (vec![3], &[session(5)][..]));
}

#[test]
fn a_change_outside_the_window_is_not_told() {
    let mut list = list(5);
    list.watch(1, operator("ann"), &newest(2)).unwrap();
    list.upsert(Arc::new(said(card(1, 1001), "hello", 3000)));
    assert_eq!(list.flush(), []);
}

#[test]
fn totals_are_told_when_the_window_has_not_changed() {
    let mut list = list(5);
    list.watch(1, operator("ann"), &newest(2)).unwrap();
    list.watch(2, operator("bob"), &newest(2)).unwrap();
    list.upsert(Arc::new(held(card(1, 1001), Some("bob"))));
    let deltas = list.flush();
    let counts = |watcher| {
        let (_, delta) = deltas.iter().find(|(id, _)| *id == watcher).unwrap();
        assert!(delta.upsert.is_empty() && delta.remove.is_empty());
        (delta.totals.bot, delta.totals.mine, delta.totals.others)
    };
    assert_eq!((counts(1), counts(2)), ((4, 0, 1), (4, 1, 0)));
}

#[test]
fn what_came_and_went_between_two_flushes_leaves_no_trace() {
    let mut list = list(5);
    list.watch(1, operator("ann"), &newest(3)).unwrap();
    list.upsert(Arc::new(card(6, 2000)));
    list.upsert(Arc::new(said(card(5, 1005), "hello", 3000)));
    list.remove(session(6));
    list.upsert(Arc::new(card(5, 1005)));
    assert_eq!(list.flush(), []);
}

#[test]
fn a_card_that_changes_often_is_sent_once() {
    let mut list = list(5);
    list.watch(1, operator("ann"), &newest(3)).unwrap();
    for time in 2000..2010 {
        list.upsert(Arc::new(said(card(5, 1005), "hello", time)));
    }
    let [(1, delta)] = &list.flush()[..] else { panic!() };
    assert_eq!(delta.upsert[0].last.as_ref().map(|last| last.time), Some(2009));
    assert_eq!(delta.upsert.len(), 1);
}

#[test]
fn a_snapshot_is_of_now_and_its_first_delta_tells_only_what_came_after() {
    let mut list = list(5);
    list.watch(1, operator("ann"), &newest(3)).unwrap();
    list.upsert(Arc::new(card(6, 2000)));
    let snapshot = list.watch(2, operator("ann"), &newest(3)).unwrap();
    assert_eq!(sessions(&snapshot.cards), [6, 5, 4]);
    list.upsert(Arc::new(card(7, 2001)));
    let deltas = list.flush();
    let told = |watcher| {
        let (_, delta) = deltas.iter().find(|(id, _)| *id == watcher).unwrap();
        (sessions(&delta.upsert), delta.remove.to_vec())
    };
    assert_eq!(told(1), (vec![6, 7], vec![session(3), session(4)]));
    assert_eq!(told(2), (vec![7], vec![session(4)]));
}

#[test]
fn a_new_window_replaces_the_earlier_one_and_its_revision_goes_on() {
    let mut list = list(5);
    assert_eq!(list.watch(1, operator("ann"), &newest(2)).unwrap().revision, 1);
    list.remove(session(5));
    assert_eq!(list.flush()[0].1.revision, 2);
    assert_eq!(list.watch(1, operator("ann"), &newest(3)).unwrap().revision, 3);
    list.remove(session(4));
    let [(1, delta)] = &list.flush()[..] else { panic!() };
    assert_eq!(delta.revision, 4);
}

#[test]
fn whoever_unwatches_hears_nothing_more_and_leaves_nothing_behind() {
    let mut list = list(5);
    list.watch(1, operator("ann"), &newest(2)).unwrap();
    list.watch(2, operator("ann"), &window(Show::Mine, Sort::Newest, 2)).unwrap();
    list.unwatch(1);
    list.unwatch(2);
    list.unwatch(3);
    list.remove(session(5));
    assert_eq!(list.flush(), []);
    assert!(list.lanes.is_empty());
}

#[test]
fn watchers_of_one_window_share_what_changed() {
    let mut list = list(5);
    for watcher in 0..3 {
        list.watch(watcher, operator("ann"), &newest(2)).unwrap();
    }
    list.remove(session(5));
    let deltas = list.flush();
    assert_eq!(deltas.len(), 3);
    assert!(deltas.iter().all(|(_, delta)| Arc::ptr_eq(&delta.upsert, &deltas[0].1.upsert)));
}

#[test]
fn snapshots_and_deltas_are_sent_as_the_protocol_has_them() {
    let mut list = list(3);
    let watching = list.watch(1, operator("ann"), &newest(2)).unwrap().to_watching();
    assert_eq!((watching.revision, watching.cards.len()), (1, 2));
    assert_eq!(watching.cards[0], card(3, 1003));
    list.remove(session(3));
    let live = list.flush()[0].1.to_live();
    assert_eq!(
        (live.revision, live.upsert, live.remove),
        (2, vec![card(1, 1001)], vec![session(3)])
    );
}

/// What the list promises, done by looking at everything.
#[derive(Default)]
struct Model {
    cards: BTreeMap<SessionId, Card>,
    /// What has rung since the last flush, by session; who becomes quiet begins anew.
    raised: BTreeMap<SessionId, Vec<AlertKind>>,
    quiet: BTreeSet<SessionId>,
}

impl Model {
    fn change(&mut self, session: SessionId, new: Option<Card>) {
        let old = match new.clone() {
            Some(card) => self.cards.insert(session, card),
            None => self.cards.remove(&session),
        };
        let Some(old) = old else { return };
        match new {
            Some(card)
                if card.control.holder == Holder::Bot {}
                    || card.control.holder == old.control.holder =>
            {
                let raised = self.raised.entry(session).or_default();
                if card.waiting.is_some() && card.waiting != old.waiting {
                    raised.push(AlertKind::Waiting);
                }
                if card.asked > old.asked {
                    let first = old.asked == 0;
                    raised.push(if first { AlertKind::New } else { AlertKind::Message });
                }
            }
            _ => {
                self.raised.remove(&session);
                self.quiet.insert(session);
            }
        }
    }

    /// What a watcher is to hear of.
    fn alerts(&self, me: &OperatorId, alerts: Alerts) -> Vec<(AlertKind, SessionId)> {
        let mut heard = Vec::new();
        for (session, raised) in &self.raised {
            let mine = match &self.cards[session].control.holder {
                Holder::Bot {} => true,
                Holder::Operator { id, .. } => id.as_ref() == Some(me),
            };
            let waits = raised.iter().find(|kind| **kind == AlertKind::Waiting);
            let said = raised.iter().find(|kind| **kind != AlertKind::Waiting);
            let wanted = |kind: &&AlertKind| match alerts {
                Alerts::None => false,
                Alerts::New => **kind != AlertKind::Message,
                Alerts::All => true,
            };
            let kinds = waits.into_iter().chain(said).filter(wanted).filter(|_| mine);
            heard.extend(kinds.map(|kind| (*kind, *session)));
        }
        heard.sort();
        heard.truncate(ALERTS_MAX);
        heard
    }

    fn hushed(&self, alerts: Alerts) -> Vec<SessionId> {
        self.quiet.iter().copied().filter(|_| alerts != Alerts::None).collect()
    }

    fn matching(&self, me: &OperatorId, window: &Window) -> Vec<Card> {
        let mut cards: Vec<Card> =
            self.cards.values().filter(|card| matches(card, me, window)).cloned().collect();
        sort(&mut cards, window.sort);
        cards
    }

    fn inside(&self, me: &OperatorId, window: &Window) -> Vec<Card> {
        let first = if window.first == 0 { 50 } else { window.first as usize };
        self.matching(me, window).into_iter().skip(window.skip as usize).take(first).collect()
    }

    fn totals(&self, me: &OperatorId, window: &Window) -> Totals {
        let count = |show| self.matching(me, &Window { show, ..Window::default() }).len() as u64;
        Totals {
            all: count(Show::All),
            waiting: count(Show::Waiting),
            bot: count(Show::Bot),
            mine: count(Show::Mine),
            others: count(Show::Others),
            matching: self.matching(me, window).len() as u64,
        }
    }
}

fn matches(card: &Card, me: &OperatorId, window: &Window) -> bool {
    let human = match &card.control.holder {
        Holder::Bot {} => None,
        Holder::Operator { id, .. } => Some(id.as_ref() == Some(me)),
    };
    let shown = match window.show {
        Show::All => true,
        Show::Waiting => card.waiting.is_some(),
        Show::Bot => human.is_none(),
        Show::Mine => human == Some(true),
        Show::Others => human == Some(false),
    };
    let text = card.last.as_ref().map_or("", |last| last.text.as_str()).to_lowercase();
    let search = window.search.as_deref().unwrap_or("").to_lowercase();
    shown && search.split_whitespace().all(|word| text.contains(word))
}

fn sort(cards: &mut [Card], sort: Sort) {
    cards.sort_by(|a, b| {
        let newest = b.started.cmp(&a.started);
        let last = |card: &Card| card.last.as_ref().map_or(card.started, |last| last.time);
        let order = match sort {
            Sort::Newest => newest,
            Sort::Oldest => newest.reverse(),
            Sort::Activity => last(b).cmp(&last(a)),
            Sort::Waiting => match (a.waiting, b.waiting) {
                (Some(a), Some(b)) => a.cmp(&b),
                (None, None) => newest,
                (a, b) => a.is_none().cmp(&b.is_none()),
            },
        };
        order.then(a.session.cmp(&b.session))
    });
}

/// A client as a stranger would write it: a set of cards, changed by what it is told.
struct Client {
    me: OperatorId,
    window: Window,
    revision: u64,
    cards: BTreeMap<SessionId, Card>,
    totals: Totals,
}

impl Client {
    fn apply(&mut self, delta: &Delta) {
        assert_eq!(delta.revision, self.revision + 1);
        let told = [delta.upsert.len(), delta.remove.len(), delta.alerts.len(), delta.quiet.len()];
        assert!(
            told.iter().any(|count| *count > 0) || delta.totals != self.totals,
            "an empty delta"
        );
        (self.revision, self.totals) = (delta.revision, delta.totals);
        for card in delta.upsert.iter() {
            let before = self.cards.insert(card.session, Card::clone(card));
            assert_ne!(before.as_ref(), Some(&**card), "an unchanged card was sent");
        }
        for session in delta.remove.iter() {
            assert!(
                self.cards.remove(session).is_some(),
                "a session was removed that was not inside"
            );
        }
    }

    fn shown(&self) -> Vec<Card> {
        let mut cards: Vec<Card> = self.cards.values().cloned().collect();
        sort(&mut cards, self.window.sort);
        cards
    }
}

#[derive(Debug, Clone)]
enum Step {
    Upsert(Box<Card>),
    Remove(SessionId),
    Watch(u32, OperatorId, Window),
    Unwatch(u32),
    Flush,
}

fn any_operator() -> impl Strategy<Value = OperatorId> {
    prop::sample::select(vec!["ann", "bob", "cy"]).prop_map(operator)
}

fn any_text() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["", "red", "Blue", "red blue", "GREEN", "green Red"])
        .prop_map(String::from)
}

fn any_card() -> impl Strategy<Value = Card> {
    // Few sessions and few times, so that places collide and windows overflow.
    let holder = prop_oneof![
        3 => Just(Holder::Bot {}),
        3 => any_operator().prop_map(|id| Holder::Operator { id: Some(id), name: "X".into() }),
        1 => Just(Holder::Operator { id: None, name: "X".into() }),
    ];
    let (last, waiting) = (prop::option::of((any_text(), 0u64..12)), prop::option::of(0u64..6));
    (0u128..24, 0u64..8, holder, last, waiting, 0u64..4, any::<bool>()).prop_map(
        |(n, started, holder, last, waiting, asked, online)| {
            let bare = Card { waiting, online, asked, ..card(n, started) };
            let bare = last.into_iter().fold(bare, |card, (text, time)| said(card, &text, time));
            Card { control: Control { holder, ..bare.control }, ..bare }
        },
    )
}

fn any_window() -> impl Strategy<Value = Window> {
    use Show::{All, Bot, Mine, Others, Waiting};
    let show = prop::sample::select(vec![All, Waiting, Bot, Mine, Others]);
    let sort =
        prop::sample::select(vec![Sort::Newest, Sort::Oldest, Sort::Activity, Sort::Waiting]);
    let first = prop_oneof![4 => 1u32..8, 1 => 20u32..26, 1 => Just(0u32)];
    let skip = prop_oneof![2 => Just(0u32), 3 => 1u32..8, 1 => 8u32..26];
    let alerts = prop::sample::select(vec![Alerts::None, Alerts::New, Alerts::All]);
    let search = prop::option::weighted(0.3, any_text());
    (show, search, sort, first, skip, alerts).prop_map(
        |(show, search, sort, first, skip, alerts)| Window {
            show,
            search,
            sort,
            first,
            skip,
            alerts,
        },
    )
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => any_card().prop_map(|card| Step::Upsert(Box::new(card))),
        4 => (0u128..24).prop_map(|n| Step::Remove(session(n))),
        3 => (0u32..8, any_operator(), any_window()).prop_map(|(w, me, v)| Step::Watch(w, me, v)),
        1 => (0u32..8).prop_map(Step::Unwatch),
        4 => Just(Step::Flush),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whoever_applies_every_delta_has_what_a_fresh_watch_would_give(
        steps in prop::collection::vec(any_step(), 1..300)
    ) {
        let (mut list, mut model) = (LiveList::new(), Model::default());
        let mut clients = BTreeMap::<u32, Client>::new();
        for step in steps {
            match step {
                Step::Upsert(card) => {
                    model.change(card.session, Some(Card::clone(&card)));
                    list.upsert(Arc::from(card));
                }
                Step::Remove(session) => {
                    model.change(session, None);
                    list.remove(session);
                }
                Step::Unwatch(watcher) => {
                    clients.remove(&watcher);
                    list.unwatch(watcher);
                }
                Step::Watch(watcher, me, window) => {
                    let snapshot = list.watch(watcher, me.clone(), &window).unwrap();
                    let cards = owned(&snapshot.cards);
                    prop_assert_eq!(&cards, &model.inside(&me, &window));
                    prop_assert_eq!(snapshot.totals, model.totals(&me, &window));
                    let cards = cards.into_iter().map(|card| (card.session, card)).collect();
                    let Snapshot { revision, totals, .. } = snapshot;
                    clients.insert(watcher, Client { me, window, revision, cards, totals });
                }
                Step::Flush => {
                    let mut told = BTreeMap::new();
                    for (watcher, delta) in list.flush() {
                        clients.get_mut(&watcher).unwrap().apply(&delta);
                        let mut rings = vec![];
                        for Ring { kind, card } in delta.alerts.iter() {
                            prop_assert_eq!(Some(&**card), model.cards.get(&card.session));
                            rings.push((*kind, card.session));
                        }
                        let before = told.insert(watcher, (rings, delta.quiet.to_vec()));
                        prop_assert_eq!(before, None, "two deltas for one watcher");
                    }
                    for (watcher, Client { me, window: Window { alerts, .. }, .. }) in &clients {
                        let expected = (model.alerts(me, *alerts), model.hushed(*alerts));
                        prop_assert_eq!(told.remove(watcher).unwrap_or_default(), expected);
                    }
                    (model.raised, model.quiet) = Default::default();
                    for Client { me, window, totals, .. } in clients.values() {
                        prop_assert_eq!(*totals, model.totals(me, window));
                    }
                    for client in clients.values() {
                        prop_assert_eq!(client.shown(), model.inside(&client.me, &client.window));
                    }
                }
            }
            prop_assert_eq!(list.len(), model.cards.len());
        }
    }
}

/// How the cost grows, for the eye: `cargo test --lib live_list_costs -- --nocapture`. Only
/// correctness is asserted.
#[test]
fn live_list_costs_follow_the_changes_inside_windows() {
    for sessions in [1_000, 5_000, 10_000] {
        for (name, windows) in mixes() {
            let cost = measure(sessions, &windows);
            println!("{sessions:>6} sessions, 100 watchers, {name:<12} {cost}");
        }
    }
}

const WATCHERS: u32 = 100;
const CHANGES: u64 = 2_000;
/// What comes in 50 ms at a thousand changes a second.
const CHANGES_PER_FLUSH: u64 = 50;

struct Cost {
    open: Duration,
    change: Duration,
    flush: Duration,
    deltas: usize,
    cards: usize,
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { open, change, flush, deltas, cards } = self;
        let (watch, each) = (*open / WATCHERS, *change / CHANGES as u32);
        let flush = *flush / (CHANGES / CHANGES_PER_FLUSH) as u32;
        write!(f, "watch {watch:>9.1?}  change {each:>9.1?}  flush {flush:>9.1?}")?;
        write!(f, "  {deltas} deltas of {cards} cards")
    }
}

fn mixes() -> Vec<(&'static str, Vec<Window>)> {
    let sorts = [Sort::Newest, Sort::Activity, Sort::Waiting, Sort::Oldest];
    let shows = [Show::All, Show::Waiting, Show::Bot, Show::Mine, Show::Others];
    let mixed = |n: u32| window(shows[n as usize % 5], sorts[n as usize % 4], 50);
    let each = |window: &dyn Fn(u32) -> Window| (0..WATCHERS).map(window).collect();
    vec![
        ("all newest", each(&|_| newest(50))),
        ("skip 800", each(&|_| skipping(800, 50))),
        ("all alerts", each(&|_| Window { alerts: Alerts::All, ..newest(50) })),
        ("all activity", each(&|_| window(Show::All, Sort::Activity, 50))),
        ("mine", each(&|_| window(Show::Mine, Sort::Newest, 50))),
        ("others", each(&|_| window(Show::Others, Sort::Newest, 50))),
        ("mixed", each(&mixed)),
        ("10 searches", each(&|n| Window { first: 50, ..searching(&format!("item/{}", n % 10)) })),
    ]
}

fn measure(sessions: u128, windows: &[Window]) -> Cost {
    let at = |n: u128| {
        // One in ten is held, one in fifty waits.
        let card = card(n, 1_000_000 + n as u64);
        let holder = format!("operator-{}", n % 100);
        let card = if n.is_multiple_of(10) { held(card, Some(&holder)) } else { card };
        Card { waiting: (n % 50 == 7).then_some(n as u64), ..card }
    };
    let mut list = LiveList::new();
    (0..sessions).for_each(|n| list.upsert(Arc::new(at(n))));
    let opened = Instant::now();
    for (watcher, window) in (0u32..).zip(windows) {
        list.watch(watcher, operator(&format!("operator-{watcher}")), window).unwrap();
    }
    let open = opened.elapsed();

    let (mut change, mut flush) = (Duration::ZERO, Duration::ZERO);
    let (mut deltas, mut cards, mut random) = (0, 0, 1u64);
    for n in 0..CHANGES {
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let changed = said(at(u128::from(random >> 33) % sessions), "hello", 2_000_000 + n);
        let changed = Arc::new(Card { asked: n, ..changed });
        let begun = Instant::now();
        list.upsert(changed);
        change += begun.elapsed();
        if n % CHANGES_PER_FLUSH == CHANGES_PER_FLUSH - 1 {
            let begun = Instant::now();
            let told = list.flush();
            flush += begun.elapsed();
            deltas += told.len();
            cards += told.iter().map(|(_, delta)| delta.upsert.len()).sum::<usize>();
        }
    }
    for (watcher, window) in (0u32..).zip(windows) {
        let me = operator(&format!("operator-{watcher}"));
        let mut naive = Model::default();
        if watcher.is_multiple_of(25) {
            naive.cards = list.cards.iter().map(|(id, card)| (*id, Card::clone(card))).collect();
            let window = Window { search: None, ..window.clone() };
            let snapshot = list.watch(watcher, me.clone(), &window).unwrap();
            assert_eq!(owned(&snapshot.cards), naive.inside(&me, &window));
        }
    }
    Cost { open, change, flush, deltas, cards }
}
