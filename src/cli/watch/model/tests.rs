use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::json;
use vigie_client::Closed;
use vigie_protocol::card::{BotState, LastMessage, Speaker};
use vigie_protocol::event::{ChatMessage, ControlCause, ControlChange, Device, Event, EventBody};
use vigie_protocol::id::VisitorId;
use vigie_protocol::push::{Status, TypingSignal};

use super::*;

const NOW: Millis = 1_000_000;

pub(in crate::cli::watch) fn session(number: u32) -> SessionId {
    SessionId::nth(VisitorId::from(uuid::Uuid::from_u128(9)), number)
}

fn holder(id: &str, name: &str) -> Holder {
    Holder::Operator { id: Some(id.parse().unwrap()), name: name.into() }
}

pub(in crate::cli::watch) fn card(number: u32, started: Millis) -> Card {
    Card {
        session: session(number),
        visitor: VisitorId::from(uuid::Uuid::from_u128(9)),
        ordinal: 1,
        started,
        country: Some("CA".into()),
        device: Device::Mobile,
        browser: Some("Firefox 140".into()),
        os: None,
        language: None,
        referrer: None,
        page: None,
        messages: 2,
        asked: 1,
        last: Some(LastMessage {
            from: Speaker::Visitor,
            text: format!("I am number {number}"),
            time: started,
            offset: 2,
        }),
        control: Control { epoch: 1, holder: Holder::Bot {}, since: started },
        waiting: None,
        bot: BotState::Idle,
        online: true,
        offset: 2,
    }
}

/// A delta of nothing.
fn quiet() -> Live {
    let (upsert, remove, alerts, quiet) = Default::default();
    Live { revision: 0, upsert, remove, totals: Totals::default(), alerts, quiet }
}

/// Ana, a supervisor, online, with three conversations: 3 is the newest.
pub(in crate::cli::watch) fn ana() -> Desk {
    let mut desk = Desk::new();
    desk.now = NOW;
    assert_eq!(desk.begin(), [Action::Watch(desk.window.clone())]);
    desk.hear(ClientEvent::Connected(Identity::Operator {
        site: "demo".parse().unwrap(),
        id: "ana".parse().unwrap(),
        name: "Ana".into(),
        rank: Rank::Supervisor,
        expires: u64::MAX,
    }));
    let cards = (1..=3).map(|number| card(number, NOW - 100_000 / u64::from(number))).collect();
    let totals = Totals { all: 3, bot: 3, matching: 3, ..Totals::default() };
    desk.hear(ClientEvent::Snapshot(Watching { revision: 1, cards, totals }));
    desk
}

/// Ana observes the newest conversation, in which the visitor has said something.
pub(in crate::cli::watch) fn observing() -> Desk {
    let mut desk = ana();
    press(&mut desk, KeyCode::Enter);
    let control = Control { epoch: 1, holder: Holder::Bot {}, since: 0 };
    let subscribed = Subscribed { session: session(3), offset: 2, control, card: None };
    let action = Action::Open { session: session(3), offset: 0 };
    desk.learn(Outcome { action, result: Ok(Answer::Open(Box::new(subscribed))) });
    visitor_says(&mut desk, 2, "hello?");
    desk
}

/// Ana is in control of it, and writes.
pub(in crate::cli::watch) fn in_control() -> Desk {
    let mut desk = observing();
    let actions = press(&mut desk, KeyCode::Char('t'));
    assert_eq!(actions, [Action::TakeOver { session: session(3), reason: None }]);
    changed(&mut desk, 3, 2, holder("ana", "Ana"), "ana");
    done(&mut desk, actions);
    assert_eq!(desk.mode, Mode::Write);
    desk
}

pub(in crate::cli::watch) fn press(desk: &mut Desk, key: KeyCode) -> Vec<Action> {
    desk.press(KeyEvent::new(key, KeyModifiers::NONE))
}

pub(in crate::cli::watch) fn write(desk: &mut Desk, text: &str) {
    for character in text.chars() {
        press(desk, KeyCode::Char(character));
    }
}

pub(in crate::cli::watch) fn happens(
    desk: &mut Desk,
    offset: Offset,
    author: Author,
    body: EventBody,
) {
    let event = Event { offset, time: NOW, author, body };
    desk.hear(ClientEvent::Event { session: session(3), event });
}

pub(in crate::cli::watch) fn visitor_says(desk: &mut Desk, offset: Offset, text: &str) {
    let text = text.to_owned();
    let message = ChatMessage { text, epoch: 1, key: None, turn: None, choices: vec![] };
    happens(desk, offset, Author::Visitor {}, EventBody::Message(message));
}

fn changed(desk: &mut Desk, offset: Offset, epoch: u64, holder: Holder, by: &str) {
    let author = Author::Operator { id: Some(by.parse().unwrap()), name: by.into() };
    let change = ControlChange {
        epoch,
        holder,
        previous: Holder::Bot {},
        cause: ControlCause::TakeOver,
        reason: None,
        notice: None,
    };
    happens(desk, offset, author, EventBody::ControlChanged(change));
}

fn done(desk: &mut Desk, actions: Vec<Action>) {
    for action in actions {
        let done = Done { offset: 3, epoch: 2 };
        desk.learn(Outcome { action, result: Ok(Answer::Done(done)) });
    }
}

fn refused(desk: &mut Desk, actions: Vec<Action>, code: ErrorCode, data: serde_json::Value) {
    for action in actions {
        let refusal = RpcError::new(code, "no").with_data(data.clone());
        desk.learn(Outcome { action, result: Err(CallError::Refused(refusal)) });
    }
}

fn problem(desk: &Desk) -> &str {
    match &desk.notice {
        Some(Notice::Problem(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

fn order(desk: &Desk) -> Vec<SessionId> {
    desk.cards.iter().flatten().map(|card| card.session).collect()
}

#[test]
fn those_who_wait_come_first_and_then_the_newest() {
    let mut desk = ana();
    assert_eq!(order(&desk), [session(3), session(2), session(1)]);
    let waiting = Card { waiting: Some(NOW - 5_000), ..card(1, NOW - 100_000) };
    let totals = Totals { all: 3, waiting: 1, bot: 3, ..Totals::default() };
    let upsert = vec![waiting];
    desk.hear(ClientEvent::Live(Live { revision: 2, upsert, remove: vec![], totals, ..quiet() }));
    assert_eq!(order(&desk), [session(1), session(3), session(2)]);
    assert_eq!(desk.totals.waiting, 1);
    assert_eq!(desk.selected, Some(session(3)), "the selection stays on its conversation");
}

#[test]
fn when_the_selected_conversation_goes_the_one_in_its_place_is_selected() {
    let mut desk = ana();
    press(&mut desk, KeyCode::Down);
    assert_eq!(desk.selected, Some(session(2)));
    let remove = vec![session(2)];
    let totals = Totals::default();
    desk.hear(ClientEvent::Live(Live { revision: 2, upsert: vec![], remove, totals, ..quiet() }));
    assert_eq!(desk.selected, Some(session(1)));
    press(&mut desk, KeyCode::Down);
    assert_eq!(desk.selected, Some(session(1)), "there is none below the last");
}

#[test]
fn opening_another_conversation_leaves_the_one_before() {
    let mut desk = ana();
    let open = Action::Open { session: session(3), offset: 0 };
    assert_eq!(press(&mut desk, KeyCode::Enter), [open]);
    assert_eq!(press(&mut desk, KeyCode::Enter), [], "it is open already");
    press(&mut desk, KeyCode::Down);
    assert_eq!(
        press(&mut desk, KeyCode::Enter),
        [Action::Leave(session(3)), Action::Open { session: session(2), offset: 0 }]
    );
}

#[test]
fn of_a_long_conversation_only_the_end_is_fetched() {
    let mut desk = ana();
    let long = Card { offset: 10_000, ..card(3, NOW - 33_333) };
    let totals = Totals::default();
    desk.hear(ClientEvent::Live(Live {
        revision: 2,
        upsert: vec![long],
        remove: vec![],
        totals,
        ..quiet()
    }));
    let open = Action::Open { session: session(3), offset: 9_500 };
    assert_eq!(press(&mut desk, KeyCode::Enter), [open]);
    assert!(desk.open.as_ref().is_some_and(|open| open.has_earlier));
}

#[test]
fn taking_over_opens_the_conversation_and_then_every_key_writes() {
    let mut desk = ana();
    let actions = press(&mut desk, KeyCode::Char('t'));
    assert_eq!(
        actions,
        [
            Action::Open { session: session(3), offset: 0 },
            Action::TakeOver { session: session(3), reason: None }
        ]
    );
    let mut desk = in_control();
    write(&mut desk, "quit? r t");
    assert_eq!(desk.editor.text(), "quit? r t");
    assert_eq!(
        press(&mut desk, KeyCode::Enter),
        [Action::Say { session: session(3), text: "quit? r t".into(), seen: 3 }]
    );
}

#[test]
fn who_takes_over_unseen_writes_on_while_the_past_still_arrives() {
    let mut desk = ana();
    let actions = press(&mut desk, KeyCode::Char('t'));
    done(&mut desk, actions[1..].to_vec());
    assert_eq!(desk.mode, Mode::Write);
    let control = Control { epoch: 1, holder: Holder::Bot {}, since: 0 };
    let subscribed = Subscribed { session: session(3), offset: 2, control, card: None };
    let result = Ok(Answer::Open(Box::new(subscribed)));
    desk.learn(Outcome { action: actions[0].clone(), result });
    visitor_says(&mut desk, 2, "hello?");
    assert_eq!(desk.mode, Mode::Write);
    assert!(desk.controls_open());
}

#[test]
fn who_loses_the_race_is_told_who_is_in_control_and_since_when() {
    let mut desk = observing();
    let actions = press(&mut desk, KeyCode::Char('t'));
    let held = json!({ "epoch": 2, "since": NOW - 65_000,
        "holder": { "kind": "operator", "id": "bob", "name": "Bob\u{1b}[31m" } });
    refused(&mut desk, actions, ErrorCode::Held, held);
    let told = "Bob[31m was faster: in control for 1:05. You may take it by force, with a reason.";
    assert_eq!(problem(&desk), told);
    assert_eq!(desk.mode, Mode::List);
}

#[test]
fn taking_by_force_takes_a_reason_and_a_rank() {
    let mut desk = observing();
    press(&mut desk, KeyCode::Char('T'));
    assert_eq!(press(&mut desk, KeyCode::Enter), []);
    assert_eq!(problem(&desk), "It takes a reason.");
    press(&mut desk, KeyCode::Char('T'));
    write(&mut desk, "Bob is ill");
    let reason = Some("Bob is ill".to_owned());
    let taken = Action::TakeOver { session: session(3), reason };
    assert_eq!(press(&mut desk, KeyCode::Enter), [taken]);

    desk.me.as_mut().unwrap().rank = Rank::Agent;
    assert_eq!(press(&mut desk, KeyCode::Char('T')), []);
    assert!(problem(&desk).starts_with("Only supervisors"));
}

#[test]
fn without_control_nothing_can_be_written_to_the_visitor() {
    let mut desk = observing();
    assert_eq!(press(&mut desk, KeyCode::Char('i')), []);
    assert_eq!(desk.mode, Mode::List);
    assert!(problem(&desk).contains("t takes over"));
}

#[test]
fn what_was_written_blindly_is_sent_only_after_a_second_thought() {
    let mut desk = in_control();
    write(&mut desk, "Bye then");
    visitor_says(&mut desk, 4, "wait, one more thing");
    let actions = press(&mut desk, KeyCode::Enter);
    let said = |seen| Action::Say { session: session(3), text: "Bye then".into(), seen };
    assert_eq!(actions, [said(3)], "it was written before offset 4 came");
    refused(&mut desk, actions, ErrorCode::Unseen, json!({ "head": 4, "unseen": 1 }));
    assert_eq!(desk.mode, Mode::Unseen(1));
    assert_eq!(desk.editor.text(), "Bye then");

    assert_eq!(press(&mut desk, KeyCode::Enter), [said(4)]);
    assert_eq!(desk.mode, Mode::Write);
}

#[test]
fn after_a_second_thought_one_may_go_on_writing() {
    let mut desk = in_control();
    write(&mut desk, "Bye");
    visitor_says(&mut desk, 4, "wait");
    let actions = press(&mut desk, KeyCode::Enter);
    refused(&mut desk, actions, ErrorCode::Unseen, json!({ "head": 4, "unseen": 1 }));
    press(&mut desk, KeyCode::Char('!'));
    assert_eq!(desk.editor.text(), "Bye!");
    let said = Action::Say { session: session(3), text: "Bye!".into(), seen: 4 };
    assert_eq!(press(&mut desk, KeyCode::Enter), [said], "now offset 4 was seen");
}

#[test]
fn messages_go_out_one_after_the_other() {
    let mut desk = in_control();
    write(&mut desk, "one");
    let first = press(&mut desk, KeyCode::Enter);
    write(&mut desk, "two");
    assert_eq!(press(&mut desk, KeyCode::Enter), []);
    assert_eq!(desk.editor.text(), "two");
    done(&mut desk, first);
    assert!(
        matches!(&press(&mut desk, KeyCode::Enter)[..], [Action::Say { text, .. }] if text == "two")
    );
}

#[test]
fn a_message_that_was_refused_is_not_lost() {
    let mut desk = in_control();
    write(&mut desk, "hello");
    let actions = press(&mut desk, KeyCode::Enter);
    refused(&mut desk, actions, ErrorCode::SessionClosed, json!(null));
    assert!(problem(&desk).starts_with("Not sent"));
    assert_eq!(desk.open.as_ref().map(|open| open.unsent.as_str()), Some("hello"));
    press(&mut desk, KeyCode::Char('i'));
    assert_eq!(desk.editor.text(), "hello");
}

#[test]
fn who_loses_control_while_writing_is_told_and_keeps_the_words() {
    let mut desk = in_control();
    write(&mut desk, "I think");
    changed(&mut desk, 4, 3, holder("bob", "Bob"), "bob");
    assert_eq!(desk.mode, Mode::List);
    assert_eq!(problem(&desk), "Bob is in control now.");
    assert_eq!(desk.open.as_ref().map(|open| open.unsent.as_str()), Some("I think"));
}

#[test]
fn releasing_is_one_s_own_doing_and_no_problem() {
    let mut desk = in_control();
    press(&mut desk, KeyCode::Esc);
    let actions = press(&mut desk, KeyCode::Char('r'));
    assert_eq!(actions, [Action::Release(session(3))]);
    changed(&mut desk, 4, 3, Holder::Bot {}, "ana");
    assert_eq!(desk.notice, None);
    done(&mut desk, actions);
    assert_eq!(desk.notice, Some(Notice::Info("Handed back to the bot.".into())));
}

#[test]
fn the_visitor_is_told_now_and_then_that_somebody_types() {
    let mut desk = in_control();
    let typing = [Action::Typing(session(3))];
    assert_eq!(press(&mut desk, KeyCode::Char('a')), typing);
    assert_eq!(press(&mut desk, KeyCode::Char('b')), []);
    desk.now += 3_000;
    assert_eq!(press(&mut desk, KeyCode::Char('c')), typing);
}

#[test]
fn a_note_is_for_operators_and_needs_no_control() {
    let mut desk = observing();
    press(&mut desk, KeyCode::Char('n'));
    write(&mut desk, "asks about bags");
    let note = Action::Note { session: session(3), text: "asks about bags".into() };
    assert_eq!(press(&mut desk, KeyCode::Enter), [note]);
    assert_eq!(desk.mode, Mode::List);
}

#[test]
fn filter_and_search_watch_another_window() {
    let mut desk = ana();
    let window = |show, search: Option<&str>| {
        let search = search.map(str::to_owned);
        vec![Action::Watch(Window { show, search, ..Desk::new().window })]
    };
    assert_eq!(press(&mut desk, KeyCode::Char('f')), window(Show::Waiting, None));
    press(&mut desk, KeyCode::Char('/'));
    write(&mut desk, "cart ca");
    assert_eq!(press(&mut desk, KeyCode::Enter), window(Show::Waiting, Some("cart ca")));
    press(&mut desk, KeyCode::Char('/'));
    assert_eq!(desk.editor.text(), "cart ca");
    press(&mut desk, KeyCode::Esc);
    press(&mut desk, KeyCode::Char('/'));
    desk.press(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL));
    assert_eq!(press(&mut desk, KeyCode::Enter), window(Show::Waiting, None));
}

#[test]
fn typing_is_shown_for_a_while_and_ends_with_the_message() {
    let mut desk = observing();
    let signal = |text: &str| {
        let (author, text) = (Author::Visitor {}, Some(text.to_owned()));
        ClientEvent::Typing(TypingSignal { session: session(3), author, text })
    };
    let is_typing = |desk: &Desk| {
        let typing = desk.open.as_ref().and_then(|open| open.typing.as_ref());
        typing.is_some_and(|typing| typing.is_typing(desk.now))
    };
    desk.hear(signal("I wo"));
    assert!(is_typing(&desk));
    desk.now += 6_000;
    assert!(!is_typing(&desk));
    desk.hear(signal("I wonder"));
    visitor_says(&mut desk, 3, "I wonder");
    assert!(!is_typing(&desk));
    desk.hear(signal("x"));
    desk.hear(signal(""));
    assert!(!is_typing(&desk));
}

#[test]
fn a_log_that_starts_again_is_shown_from_its_start() {
    let mut desk = observing();
    desk.hear(ClientEvent::Restarted { session: session(3) });
    assert!(desk.open.as_ref().is_some_and(|open| open.events.is_empty() && open.last == 0));
}

#[test]
fn after_a_loss_list_and_conversation_are_made_anew_and_what_is_written_stays() {
    let mut desk = in_control();
    write(&mut desk, "half a sen");
    desk.hear(ClientEvent::Resync);
    assert!(problem(&desk).contains("has lost what came last"));
    assert!(desk.cards.is_none());
    assert!(desk.open.as_ref().is_some_and(|open| open.events.is_empty() && open.last == 0));
    // The events of before the take-over, told again, do not end the writing.
    visitor_says(&mut desk, 2, "hello?");
    assert_eq!((desk.editor.text(), desk.mode), ("half a sen", Mode::Write));
    let control = Control { epoch: 2, holder: holder("ana", "Ana"), since: 0 };
    let subscribed = Subscribed { session: session(3), offset: 3, control, card: None };
    desk.hear(ClientEvent::Renewed(subscribed));
    assert_eq!((desk.editor.text(), desk.mode), ("half a sen", Mode::Write));
    assert!(!desk.open.as_ref().unwrap().is_caught_up());
    changed(&mut desk, 3, 2, holder("ana", "Ana"), "ana");
    assert!(desk.open.as_ref().unwrap().is_caught_up());
    assert!(desk.controls_open());
}

#[test]
fn who_took_over_what_was_lost_is_told_that_the_bot_is_in_control_and_keeps_the_words() {
    let mut desk = in_control();
    write(&mut desk, "half a sen");
    desk.hear(ClientEvent::Resync);
    let control = Control { epoch: 1, holder: Holder::Bot {}, since: 0 };
    let subscribed = Subscribed { session: session(3), offset: 2, control, card: None };
    desk.hear(ClientEvent::Renewed(subscribed));
    assert_eq!(problem(&desk), "The bot is in control now.");
    assert_eq!(desk.mode, Mode::List);
    assert_eq!(desk.open.as_ref().unwrap().unsent, "half a sen");
}

#[test]
fn each_connection_is_well_until_told_otherwise() {
    let mut desk = ana();
    desk.hear(ClientEvent::Status(Status { degraded: true }));
    assert!(desk.degraded);
    let closed = Closed { code: None, reason: "cut".into(), reconnect: true };
    desk.hear(ClientEvent::Disconnected(CallError::Unanswered(closed)));
    assert!(!desk.degraded);
}

#[test]
fn a_lost_connection_is_shown_and_nothing_on_the_desk_is_lost() {
    let mut desk = in_control();
    write(&mut desk, "half a sen");
    let closed = Closed { code: None, reason: "cut".into(), reconnect: true };
    desk.hear(ClientEvent::Disconnected(CallError::Unanswered(closed)));
    assert!(matches!(&desk.link, Link::Offline(why) if why.contains("cut")));
    assert_eq!((desk.editor.text(), desk.mode), ("half a sen", Mode::Write));
    assert_eq!(order(&desk).len(), 3);
}

#[test]
fn whoever_holds_conversations_is_asked_before_they_quit() {
    let mut desk = ana();
    assert_eq!(press(&mut desk, KeyCode::Char('q')), [Action::Quit]);
    desk.totals.mine = 2;
    assert_eq!(press(&mut desk, KeyCode::Char('q')), []);
    assert!(problem(&desk).starts_with("You control 2"));
    press(&mut desk, KeyCode::Down);
    assert_eq!(press(&mut desk, KeyCode::Char('q')), []);
    assert_eq!(press(&mut desk, KeyCode::Char('q')), [Action::Quit]);
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(desk.press(interrupt), [Action::Quit]);
}

#[test]
fn a_conversation_that_cannot_be_opened_is_shut_again() {
    let mut desk = ana();
    let actions = press(&mut desk, KeyCode::Enter);
    refused(&mut desk, actions, ErrorCode::UnknownSession, json!(null));
    assert!(desk.open.is_none());
    assert!(problem(&desk).starts_with("Cannot be opened"));
}
