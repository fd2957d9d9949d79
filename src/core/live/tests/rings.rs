//! What rings, for whom, and what stops it.

use super::*;

/// What a watcher hears of: kinds and sessions, and the sessions that became quiet.
type Heard = (Vec<(AlertKind, u128)>, Vec<u128>);

const SILENCE: Heard = (vec![], vec![]);

/// The visitor says so many messages more.
fn asks(card: Card, more: u64) -> Card {
    Card { asked: card.asked + more, messages: card.messages + more, ..card }
}

fn heard(list: &mut LiveList<u32>) -> BTreeMap<u32, Heard> {
    let number = |session: SessionId| session.uuid().as_u128();
    let heard = list.flush().into_iter().map(|(watcher, delta)| {
        let rings = delta.alerts.iter().map(|ring| (ring.kind, number(ring.card.session)));
        (watcher, (rings.collect(), delta.quiet.iter().copied().map(number).collect()))
    });
    heard.collect()
}

/// Sessions 1, 2, 3 …, watched by ann, who wants new conversations, bob, who wants everything, and
/// cy, who wants no alerts. Their windows hold the latest two.
fn watched(sessions: u128) -> LiveList<u32> {
    let mut list = list(sessions);
    for (watcher, name, alerts) in
        [(1, "ann", Alerts::New), (2, "bob", Alerts::All), (3, "cy", Alerts::None)]
    {
        list.watch(watcher, operator(name), &Window { alerts, ..newest(2) }).unwrap();
    }
    list
}

#[test]
fn a_first_message_a_further_one_and_a_wish_for_a_human_ring_for_those_who_want_it() {
    let mut list = watched(5);
    // Outside their windows: nothing else is told.
    let first = asks(card(1, 1001), 1);
    list.upsert(Arc::new(first.clone()));
    let new: Heard = (vec![(AlertKind::New, 1)], vec![]);
    assert_eq!(heard(&mut list), BTreeMap::from([(1, new.clone()), (2, new)]));
    let second = asks(first, 1);
    list.upsert(Arc::new(second.clone()));
    let message = (vec![(AlertKind::Message, 1)], vec![]);
    assert_eq!(heard(&mut list), BTreeMap::from([(2, message)]));
    // Somebody who waits changes the totals, which everybody is told.
    let waits = Card { waiting: Some(7), ..second };
    list.upsert(Arc::new(waits.clone()));
    let waiting: Heard = (vec![(AlertKind::Waiting, 1)], vec![]);
    let expected = BTreeMap::from([(1, waiting.clone()), (2, waiting), (3, SILENCE)]);
    assert_eq!(heard(&mut list), expected);
    list.upsert(Arc::new(said(waits, "the bot talks", 9)));
    assert_eq!(heard(&mut list), BTreeMap::new());
}

#[test]
fn what_is_gathered_rings_once_and_is_not_lost_when_the_bot_has_answered_already() {
    let mut list = watched(5);
    let asked = asks(card(1, 1001), 3);
    list.upsert(Arc::new(asked.clone()));
    let answered = said(asked, "here you are", 8);
    list.upsert(Arc::new(asks(answered, 2)));
    let new: Heard = (vec![(AlertKind::New, 1)], vec![]);
    assert_eq!(heard(&mut list), BTreeMap::from([(1, new.clone()), (2, new)]));
}

#[test]
fn a_session_s_first_card_rings_for_nothing_that_was_said_before() {
    let mut list = watched(5);
    let back = Card { waiting: Some(3), ..asks(card(6, 1), 4) };
    list.upsert(Arc::new(back.clone()));
    assert!(heard(&mut list).values().all(|heard| *heard == SILENCE));
    list.upsert(Arc::new(asks(back, 1)));
    let message = (vec![(AlertKind::Message, 6)], vec![]);
    assert_eq!(heard(&mut list), BTreeMap::from([(2, message)]), "it is not the first one");
}

#[test]
fn a_session_that_an_operator_controls_rings_for_that_operator_only() {
    let mut list = watched(5);
    let all = [(1, Some("ann")), (2, Some("bob")), (3, None)];
    for (n, id) in all {
        list.upsert(Arc::new(held(asks(card(n, 1000), 1), id)));
    }
    list.flush();
    for (n, id) in all {
        list.upsert(Arc::new(held(asks(card(n, 1000), 2), id)));
    }
    let message = (vec![(AlertKind::Message, 2)], vec![]);
    assert_eq!(heard(&mut list), BTreeMap::from([(2, message)]));
}

#[test]
fn what_rings_becomes_quiet_when_an_operator_takes_control_or_the_session_is_gone() {
    let mut list = watched(5);
    let quiet = |list: &mut LiveList<u32>| {
        let heard = heard(list);
        assert_eq!(heard[&3], SILENCE, "who wants no alerts is not told of quiet either");
        assert_eq!((&heard[&1], heard[&1].0.len()), (&heard[&2], 0));
        heard[&1].1.clone()
    };
    let asked = asks(card(1, 1001), 1);
    list.upsert(Arc::new(asked.clone()));
    list.upsert(Arc::new(held(asks(asked.clone(), 1), Some("ann"))));
    assert_eq!(quiet(&mut list), [1], "what was gathered does not ring any more");
    list.upsert(Arc::new(asks(card(2, 1002), 1)));
    list.remove(session(2));
    assert_eq!(quiet(&mut list), [2]);
    list.upsert(Arc::new(held(asks(asked.clone(), 1), Some("bob"))));
    list.remove(session(5));
    assert_eq!(quiet(&mut list), [1, 5], "handed over to another, and gone");
    list.upsert(Arc::new(asks(asked, 1)));
    assert!(heard(&mut list).values().all(|heard| *heard == SILENCE), "handed to the bot");
}

#[test]
fn what_rings_after_it_became_quiet_rings_anew() {
    let mut list = watched(5);
    let taken = held(asks(card(1, 1001), 1), Some("bob"));
    list.upsert(Arc::new(taken.clone()));
    list.upsert(Arc::new(asks(taken, 1)));
    let heard = heard(&mut list);
    assert_eq!(heard[&1], (vec![], vec![1]));
    assert_eq!(heard[&2], (vec![(AlertKind::Message, 1)], vec![1]));
}

#[test]
fn one_delta_carries_the_most_urgent_alerts_and_drops_the_rest() {
    let many = ALERTS_MAX as u128 + 4;
    let mut list = watched(many);
    for n in 1..=many {
        let asked = asks(card(n, 1000 + n as u64), 1);
        list.upsert(Arc::new(Card { waiting: (n > many - 2).then_some(5), ..asked }));
    }
    let (rings, _) = &heard(&mut list)[&1];
    assert_eq!(rings.len(), ALERTS_MAX);
    assert_eq!(rings[..2], [(AlertKind::Waiting, many - 1), (AlertKind::Waiting, many)]);
    assert!(rings[2..].iter().all(|(kind, _)| *kind == AlertKind::New));
    list.remove(session(1));
    assert_eq!(heard(&mut list)[&1], (vec![], vec![1]), "what was dropped is not told later");
}

#[test]
fn all_that_became_quiet_is_told_though_not_in_one_delta() {
    let many = QUIET_MAX as u128 + 3;
    let mut list = watched(many);
    (1..=many).for_each(|n| list.remove(session(n)));
    let mut quiet = heard(&mut list)[&1].1.clone();
    assert_eq!(quiet.len(), QUIET_MAX);
    assert!(list.is_changed(), "there is more to tell");
    quiet.extend(&heard(&mut list)[&1].1);
    assert_eq!(quiet, (1..=many).collect::<Vec<_>>());
    assert!(!list.is_changed());
    assert_eq!(heard(&mut list), BTreeMap::new());
}

#[test]
fn what_rings_anew_is_held_back_until_its_quiet_was_told() {
    let many = QUIET_MAX as u128 + 1;
    let mut list = watched(many);
    (1..=many).for_each(|n| list.remove(session(n)));
    list.upsert(Arc::new(card(many, 1)));
    list.upsert(Arc::new(asks(card(many, 1), 1)));
    assert_eq!(heard(&mut list)[&1].0, []);
    assert_eq!(heard(&mut list)[&1], (vec![(AlertKind::New, many)], vec![many]));
}
