//! The checker finds what it is for: a history that is sound, and one broken for each rule.

use std::time::Duration;

use vigie_protocol::card::{LastMessage, Speaker};
use vigie_protocol::event::{ChatMessage, ControlCause, ControlChange};

use super::*;
use crate::history::Seen;

const SESSION: &str = "f845098c-869c-4899-911a-3bbea69f84d9";

fn session() -> SessionId {
    SESSION.parse().unwrap()
}

fn event(offset: Offset, author: Author, body: EventBody) -> Event {
    Event { offset, time: 1000 + offset, author, body }
}

fn message(offset: Offset, author: Author, text: &str, epoch: Epoch) -> Event {
    let message = ChatMessage { text: text.into(), epoch, key: None, turn: None, choices: vec![] };
    event(offset, author, EventBody::Message(message))
}

fn ann() -> Holder {
    Holder::Operator { id: "ann".parse().ok(), name: "Ann".into() }
}

fn by_ann() -> Author {
    Author::Operator { id: "ann".parse().ok(), name: "Ann".into() }
}

fn bot() -> Author {
    Author::Bot { name: "Plume".into() }
}

fn change(offset: Offset, epoch: Epoch, previous: Holder, holder: Holder) -> Event {
    let (cause, reason, notice) = (ControlCause::TakeOver, None, None);
    let change = ControlChange { epoch, holder, previous, cause, reason, notice };
    event(offset, by_ann(), EventBody::ControlChanged(change))
}

fn log() -> Vec<Event> {
    let mut answer = message(3, bot(), "a1", 1);
    if let EventBody::Message(message) = &mut answer.body {
        message.turn = Some(2);
    }
    vec![
        event(1, Author::Visitor {}, EventBody::VisitorLeft {}),
        message(2, Author::Visitor {}, "v1", 1),
        answer,
        change(4, 2, Holder::Bot {}, ann()),
        message(5, by_ann(), "h1", 2),
        change(6, 3, ann(), Holder::Bot {}),
        message(7, Author::Visitor {}, "v2", 3),
    ]
}

fn call(what: What, began: u64, at: u64, offset: Offset, epoch: Epoch) -> Call {
    let outcome = Outcome::Done { at: Duration::from_millis(at), offset, epoch };
    let began = Duration::from_millis(began);
    Call { who: "somebody".into(), session: session(), what, began, outcome }
}

fn say(text: &str, began: u64, offset: Offset, epoch: Epoch) -> Call {
    call(What::Say(text.into()), began, began + 5, offset, epoch)
}

fn stream(who: &str, sight: Sight, connection: u32, after: Offset, seen: &[Event]) -> Stream {
    let mut prev = after;
    let seen = seen.iter().map(|event| {
        let seen = Seen { prev: Some(prev), event: event.clone() };
        prev = event.offset;
        seen
    });
    Stream {
        who: who.into(),
        session: session(),
        sight,
        connection,
        after,
        seen: seen.collect(),
        restarted: false,
        stays: true,
    }
}

fn shown(offset: Offset, text: &str) -> Shown {
    let last = LastMessage { from: Speaker::Visitor, text: text.into(), time: 1, offset };
    Shown { who: "operator".into(), session: session(), last }
}

/// Everything as it should be.
fn sound() -> History {
    let log = log();
    let for_visitors: Vec<_> =
        log.iter().filter(|event| is_visible(event, Sight::Visitor)).cloned().collect();
    History {
        calls: vec![
            say("v1", 10, 2, 1),
            say("a1", 20, 3, 1),
            call(What::TakeOver("ann".into()), 30, 35, 4, 2),
            say("h1", 40, 5, 2),
            call(What::HandBack, 50, 55, 6, 3),
            // A retry is acknowledged with the epoch in force by then.
            say("v2", 60, 7, 4),
        ],
        streams: vec![
            stream("operator", Sight::Operator, 1, 0, &log[..3]),
            stream("operator", Sight::Operator, 2, 3, &log[3..]),
            stream("visitor", Sight::Visitor, 1, 0, &for_visitors),
        ],
        turns: vec![Asked { who: "bot".into(), session: session(), turn: 2, epoch: 1 }],
        shown: vec![shown(2, "v"), shown(7, "v2")],
        logs: BTreeMap::from([(session(), vec![("one".into(), log.clone()), ("two".into(), log)])]),
    }
}

/// Changes the log by every way of reading it; nobody looked on.
fn with_log(change: impl Fn(&mut Vec<Event>)) -> History {
    let mut history = sound();
    for (_, log) in history.logs.get_mut(&session()).unwrap() {
        change(log);
    }
    history.streams.clear();
    history.turns.clear();
    history.shown.clear();
    history
}

#[track_caller]
fn finds(rule: Rule, history: &History) {
    let faults = check(history);
    let rules: Vec<_> = faults.iter().map(|fault| fault.rule).collect();
    assert_eq!(rules, [rule], "{}", Report { history, faults: &faults });
    let shown = Report { history, faults: &faults }.to_string();
    assert!(shown.contains(&format!("{rule:?}")) && shown.contains(SESSION), "{shown}");
}

#[test]
fn a_sound_history_has_no_fault() {
    assert_sound(&sound());
}

#[test]
fn a_log_that_differs_by_who_reads_it_is_found() {
    let mut history = sound();
    history.logs.get_mut(&session()).unwrap()[1].1[4] = message(5, by_ann(), "h2", 2);
    finds(Rule::OneLog, &history);
    history.logs.get_mut(&session()).unwrap()[1].1 = log()[..6].to_vec();
    finds(Rule::OneLog, &history);
}

#[test]
fn a_gap_is_found() {
    finds(Rule::NoGap, &with_log(|log| log[6].offset = 8).but(|call| drop(call.pop())));
}

#[test]
fn an_acknowledged_message_that_is_not_there_is_found() {
    let without = |log: &mut Vec<Event>| log[6] = message(7, Author::Visitor {}, "other", 3);
    finds(Rule::NothingLost, &with_log(without));
}

#[test]
fn a_message_that_is_there_twice_is_found_acknowledged_or_not() {
    let twice = |log: &mut Vec<Event>| log.push(message(8, Author::Visitor {}, "v2", 3));
    finds(Rule::NothingDoubled, &with_log(twice));
    let unanswered = |calls: &mut Vec<Call>| calls[5].outcome = Outcome::Unknown("cut".into());
    finds(Rule::NothingDoubled, &with_log(twice).but(unanswered));
}

#[test]
fn a_message_that_is_elsewhere_than_acknowledged_is_found() {
    let elsewhere = |calls: &mut Vec<Call>| calls[0] = say("v1", 10, 1, 1);
    finds(Rule::AsAcknowledged, &sound().but(elsewhere));
    let earlier = |calls: &mut Vec<Call>| calls[3] = say("h1", 40, 5, 1);
    finds(Rule::AsAcknowledged, &sound().but(earlier));
}

#[test]
fn a_message_that_overtakes_what_was_acknowledged_before_it_is_found() {
    let late = |calls: &mut Vec<Call>| calls[0] = say("v1", 30, 2, 1);
    finds(Rule::InOrder, &sound().but(late));
}

#[test]
fn a_message_that_was_refused_and_is_there_is_found() {
    let refused = |surely| {
        move |calls: &mut Vec<Call>| {
            calls[3].outcome = Outcome::Refused { why: "not in control".into(), surely };
        }
    };
    finds(Rule::RefusedIsRefused, &sound().but(refused(true)));
    assert_sound(&sound().but(refused(false)));
}

#[test]
fn epochs_that_do_not_rise_one_by_one_are_found() {
    let skipped = |log: &mut Vec<Event>| {
        log[5] = change(6, 4, ann(), Holder::Bot {});
        log[6] = message(7, Author::Visitor {}, "v2", 4);
    };
    let without_grant = |calls: &mut Vec<Call>| drop(calls.remove(4));
    finds(Rule::EpochsRise, &with_log(skipped).but(without_grant));
    let from_another = |log: &mut Vec<Event>| log[5] = change(6, 3, Holder::Bot {}, Holder::Bot {});
    finds(Rule::EpochsRise, &with_log(from_another));
}

#[test]
fn two_holders_of_an_epoch_are_found() {
    let other = call(What::TakeOver("bea".into()), 30, 36, 4, 2);
    finds(Rule::OneHolder, &sound().but(|calls| calls.push(other.clone())));
    let nowhere = call(What::TakeOver("bea".into()), 70, 76, 8, 9);
    finds(Rule::OneHolder, &sound().but(|calls| calls.push(nowhere.clone())));
    let back = call(What::HandBack, 30, 36, 4, 2);
    finds(Rule::OneHolder, &sound().but(|calls| calls.push(back.clone())));
}

#[test]
fn a_message_under_a_stale_epoch_is_found() {
    let stale = |log: &mut Vec<Event>| log[6] = message(7, Author::Visitor {}, "v2", 2);
    finds(Rule::EpochInForce, &with_log(stale));
}

#[test]
fn a_bot_that_speaks_under_a_human_is_found() {
    let bot = |log: &mut Vec<Event>| log[4] = message(5, bot(), "h1", 2);
    finds(Rule::NoBotUnderHuman, &with_log(bot));
}

#[test]
fn an_operator_who_speaks_without_control_is_found() {
    let late = |log: &mut Vec<Event>| log.push(message(8, by_ann(), "late", 3));
    finds(Rule::OnlyTheHolder, &with_log(late));
    let bea = || Author::Operator { id: "bea".parse().ok(), name: "Bea".into() };
    let other = |log: &mut Vec<Event>| log[4] = message(5, bea(), "h1", 2);
    finds(Rule::OnlyTheHolder, &with_log(other));
}

#[test]
fn a_turn_that_is_answered_twice_is_found() {
    let twice = |log: &mut Vec<Event>| {
        let mut again = message(8, bot(), "a2", 3);
        if let EventBody::Message(message) = &mut again.body {
            message.turn = Some(2);
        }
        log.push(again);
    };
    finds(Rule::OneAnswer, &with_log(twice));
}

#[test]
fn a_bot_that_is_asked_what_was_not_said_or_under_a_human_is_found() {
    for (turn, epoch) in [(3, 1), (4, 1), (9, 3), (2, 2)] {
        let mut history = sound();
        history.turns[0] = Asked { turn, epoch, ..history.turns[0].clone() };
        finds(Rule::AskedWhatWasSaid, &history);
    }
}

#[test]
fn a_live_list_that_shows_what_was_not_said_is_found() {
    for wrong in [shown(2, "v2"), shown(4, "v1"), shown(8, "v3")] {
        let mut history = sound();
        history.shown.push(wrong);
        finds(Rule::ShownWhatWasSaid, &history);
    }
}

#[test]
fn a_connection_whose_proof_has_a_hole_is_found() {
    let mut history = sound();
    history.streams[1].seen[2].prev = Some(4);
    finds(Rule::ProvenComplete, &history);
    let mut history = sound();
    history.streams[1].seen[0].prev = Some(4);
    finds(Rule::ProvenComplete, &history);
}

#[test]
fn an_event_that_was_seen_twice_or_not_at_all_or_otherwise_is_found() {
    let mut otherwise = sound();
    otherwise.streams[0].seen[1].event = message(2, Author::Visitor {}, "v0", 1);
    finds(Rule::SeenAsItIs, &otherwise);
    let mut missed = sound();
    missed.streams[1].seen.remove(0);
    missed.streams[1].seen[0].prev = Some(3);
    finds(Rule::SeenAsItIs, &missed);
    let mut never_there = sound();
    let phantom = Seen { prev: Some(7), event: message(8, bot(), "boo", 3) };
    never_there.streams[1].seen.push(phantom);
    finds(Rule::SeenAsItIs, &never_there);
    let mut again = sound();
    let log = log();
    again.streams[1] = stream("operator", Sight::Operator, 2, 2, &log[2..]);
    finds(Rule::SeenAsItIs, &again);
    let mut by_visitor = sound();
    by_visitor.streams[2].seen.remove(1);
    by_visitor.streams[2].seen[1].prev = Some(2);
    finds(Rule::SeenAsItIs, &by_visitor);
}

#[test]
fn who_does_not_catch_up_is_found_unless_they_left() {
    let mut history = sound();
    history.streams[1].seen.pop();
    finds(Rule::AllCaughtUp, &history);
    history.streams[1].stays = false;
    assert_sound(&history);
}

#[test]
fn a_client_that_has_to_begin_anew_is_found() {
    let mut history = sound();
    history.streams[1].restarted = true;
    finds(Rule::NoRestart, &history);
}

impl History {
    fn but(mut self, change: impl FnOnce(&mut Vec<Call>)) -> Self {
        change(&mut self.calls);
        self
    }
}
