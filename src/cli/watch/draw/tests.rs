use crossterm::event::KeyCode;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use vigie_client::{CallError, ClientEvent, Closed};
use vigie_protocol::card::Totals;
use vigie_protocol::event::{Author, EventBody};
use vigie_protocol::push::{DraftSignal, Status};

use super::super::model::tests::{
    ana, happens, in_control, observing, press, session, visitor_says, write,
};
use super::*;

/// The desk as rows of text on a screen of this size.
fn drawn(desk: &Desk, width: u16, height: u16) -> Vec<String> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| _ = self::desk(frame, desk)).unwrap();
    let buffer = terminal.backend().buffer();
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    (0..height).map(|y| row(y).trim_end().to_owned()).collect()
}

fn text(desk: &Desk) -> String {
    drawn(desk, 110, 20).join("\n")
}

#[test]
fn the_list_shows_who_is_there_for_how_long_and_what_was_said() {
    let desk = ana();
    let rows = drawn(&desk, 80, 12);
    assert!(rows[0].starts_with(" vigie · demo · Ana"), "{}", rows[0]);
    assert!(rows[0].ends_with("3 online · 0 waiting · 3 bot · 0 mine · 0 others"));
    assert!(rows[1].contains("Live: all"));
    assert!(rows[2].contains("CA mobile      0:33    2 msg  bot"), "{}", rows[2]);
    assert!(rows[3].contains("› I am number 3"), "{}", rows[3]);
    assert!(rows[6].contains("1:40"), "{}", rows[6]);
    assert!(rows[11].contains("q: quit"), "{}", rows[11]);
}

#[test]
fn who_waits_and_who_is_in_control_stands_out() {
    let mut desk = ana();
    let cards = desk.cards.as_mut().unwrap();
    cards[0].waiting = Some(desk.now - 32_000);
    cards[1].control.holder =
        vigie_protocol::event::Holder::Operator { id: None, name: "Bob\u{1b}[2J".into() };
    cards[2].bot = BotState::Failed;
    let text = text(&desk);
    for words in ["WAITS 0:32", "Bob[2J", "bot failed"] {
        assert!(text.contains(words), "{words}:\n{text}");
    }
}

#[test]
fn a_conversation_stands_beside_the_list_with_its_times() {
    let mut desk = observing();
    visitor_says(&mut desk, 3, "Do you ship to Canada? I would like the large one in green.");
    desk.hear(ClientEvent::Draft(DraftSignal {
        session: session(3),
        turn: 3,
        text: "Yes, we".into(),
    }));
    let text = text(&desk);
    for words in [
        "I am number 1",
        "Observing · the bot is in control",
        "mobile · CA · Firefox 140",
        "Visitor:",
        "Do you ship to Canada? I would like the large",
        "one in green.",
        "the bot is writing:",
        "Yes, we",
        "t: take over",
    ] {
        assert!(text.contains(words), "{words}:\n{text}");
    }
}

#[test]
fn on_a_narrow_terminal_the_conversation_takes_the_place_of_the_list() {
    let desk = observing();
    let text = drawn(&desk, 50, 12).join("\n");
    assert!(text.contains("hello?"), "{text}");
    assert!(!text.contains("I am number"), "{text}");
}

#[test]
fn whoever_is_in_control_sees_it_and_the_line_they_write() {
    let mut desk = in_control();
    write(&mut desk, "Hello, I am Ana");
    let text = text(&desk);
    for words in ["You are in control", "Say> Hello, I am Ana", "Enter: send"] {
        assert!(text.contains(words), "{words}:\n{text}");
    }
}

#[test]
fn nothing_a_visitor_says_reaches_the_terminal_as_a_command() {
    let mut desk = observing();
    visitor_says(&mut desk, 3, "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}evil");
    let cards = desk.cards.as_mut().unwrap();
    cards[0].last.as_mut().unwrap().text = "\u{1b}[2Jcard".into();
    cards[0].country = Some("\u{1b}c".into());
    let text = text(&desk);
    assert!(text.contains("[2J]0;owned31mevil"), "{text}");
    assert!(!text.chars().any(|character| character != '\n' && character.is_control()));
    assert!(!text.contains('\u{202e}'));
}

#[test]
fn every_state_of_the_connection_is_told() {
    let mut desk = Desk::new();
    assert!(text(&desk).contains("Connecting …"));
    let closed = Closed { code: None, reason: "cut".into(), reconnect: true };
    desk.hear(ClientEvent::Disconnected(CallError::NotSent(closed)));
    assert!(text(&desk).contains("Offline, connecting again"));
    let mut desk = ana();
    desk.hear(ClientEvent::Status(Status { degraded: true }));
    assert!(text(&desk).contains("Some messages may be late."));
    desk.hear(ClientEvent::Status(Status { degraded: false }));
    assert!(!text(&desk).contains("late"));
    let mut desk = ana();
    desk.cards = Some(vec![]);
    assert!(text(&desk).contains("No conversation matches"));
    desk.totals = Totals::default();
    assert!(text(&desk).contains("Nobody is here yet"));
}

#[test]
fn a_long_conversation_is_scrolled_no_further_than_to_its_beginning() {
    let mut desk = observing();
    for offset in 3..=40 {
        visitor_says(&mut desk, offset, &format!("line {offset}"));
    }
    assert!(text(&desk).contains("line 40"));
    for _ in 0..20 {
        press(&mut desk, KeyCode::PageUp);
    }
    let mut terminal = Terminal::new(TestBackend::new(110, 20)).unwrap();
    let mut max = 0;
    terminal.draw(|frame| max = self::desk(frame, &desk)).unwrap();
    desk.limit_scroll(max);
    assert!(text(&desk).contains("hello?"));
    let before = desk.open.as_ref().unwrap().scroll;
    press(&mut desk, KeyCode::PageDown);
    assert_eq!(desk.open.as_ref().unwrap().scroll, before - 10);
}

#[test]
fn any_size_of_terminal_can_be_drawn_on() {
    let mut desk = in_control();
    happens(&mut desk, 4, Author::Visitor {}, EventBody::HumanRequested {});
    write(&mut desk, "日本語 and more");
    for mode in [Mode::List, Mode::Write, Mode::Unseen(2), Mode::Reason, Mode::Help] {
        desk.mode = mode;
        for width in [1, 2, 5, 20, 89, 90, 200] {
            for height in [1, 2, 3, 4, 5, 40] {
                drawn(&desk, width, height);
            }
        }
    }
}
