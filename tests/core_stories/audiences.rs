//! What each role sees of a conversation, and what its card shows.

use vigie::core::session::PREVIEW_CHARS_MAX;
use vigie::core::view::{Audience, control_for, visible_to};
use vigie_protocol::card::{BotState, Speaker};
use vigie_protocol::event::{Author, BotFailure, EventBody, Holder, Page, VisitorContext};

use crate::story::{Story, ann, data, page, sue, visitor};

/// One of everything that can happen.
fn busy_day() -> Story {
    let story = Story::begins()
        .then(visitor().views("https://shop.example/cart"))
        .then(visitor().says_as("visitor-key", "hello"));
    let bot = story.asked_bot();
    let story = story.then(bot.answers("hello!")).then(visitor().says("a human, please"));
    let bot = story.asked_bot();
    story
        .then(bot.fails(BotFailure::Error))
        .then(visitor().asks_for_a_human())
        .then(ann().notes_as("note-key", "a regular"))
        .then(ann().takes(false, Some("they asked")))
        .then(ann().says_as("operator-key", "hello from Ann"))
        .then(sue().forces("a complaint"))
        .then(visitor().leaves())
        .then(visitor().arrives())
        .then(sue().revokes("all is said"))
        .then(visitor().is_told(data(&[("plan", "told-by-the-page")])))
        .then(sue().closes())
        .then(visitor().rates(4, Some("my-own-words")))
}

fn seen_by(story: &Story, audience: Audience) -> Vec<vigie_protocol::event::Event> {
    story
        .log
        .iter()
        .filter_map(|event| visible_to(event, audience).map(|seen| seen.into_owned()))
        .collect()
}

#[test]
fn operators_see_every_event_and_all_of_it_but_the_visitor_s_keys() {
    let story = busy_day();
    let seen = seen_by(&story, Audience::Operator);
    let text = serde_json::to_string(&seen).unwrap();
    assert_eq!(seen.len(), story.log.len());
    for shown in [
        "\"ann\"",
        "they asked",
        "a complaint",
        "a regular",
        "operator-key",
        "note-key",
        "told-by-the-page",
        "my-own-words",
    ] {
        assert!(text.contains(shown), "operators see {shown}");
    }
    assert!(!text.contains("visitor-key"));
}

#[test]
fn visitors_see_the_conversation_and_nothing_of_what_operators_are_among_themselves() {
    let seen = seen_by(&busy_day(), Audience::Visitor);
    let kinds: Vec<_> = seen
        .iter()
        .map(|event| serde_json::to_value(&event.body).unwrap()["type"].clone())
        .collect();
    let expected = [
        "message",
        "message",
        "message",
        "bot_failed",
        "human_requested",
        "control_changed",
        "message",
        "control_changed",
        "control_changed",
        "session_closed",
        "session_rated",
    ];
    assert_eq!(kinds, expected);
    let text = serde_json::to_string(&seen).unwrap();
    for hidden in
        ["\"ann\"", "\"sue\"", "they asked", "a complaint", "a regular", "operator-key", "note-key"]
    {
        assert!(!text.contains(hidden), "visitors must not see {hidden}");
    }
    assert!(!text.contains("told-by-the-page"), "visitors do not see what the page tells");
    for shown in ["visitor-key", "\"Ann\"", "my-own-words"] {
        assert!(text.contains(shown), "visitors see {shown}");
    }
}

#[test]
fn bots_see_the_conversation_and_the_pages_but_no_keys() {
    let text = serde_json::to_string(&seen_by(&busy_day(), Audience::Bot)).unwrap();
    for shown in
        ["session_started", "page_viewed", "hello from Ann", "control_changed", "told-by-the-page"]
    {
        assert!(text.contains(shown), "bots see {shown}");
    }
    for hidden in
        ["\"ann\"", "-key", "they asked", "a regular", "bot_failed", "visitor_left", "rated"]
    {
        assert!(!text.contains(hidden), "bots must not see {hidden}");
    }
}

#[test]
fn each_audience_s_head_is_the_last_event_that_it_sees() {
    let mut story = Story::begins();
    let heads = |story: &Story| Audience::ALL.map(|audience| story.session.head_for(audience));
    assert_eq!(heads(&story), [0, 1, 1]);
    story.accepts(visitor().says("hello"));
    assert_eq!(heads(&story), [2, 2, 2]);
    story.accepts(ann().notes("a regular"));
    assert_eq!(heads(&story), [2, 3, 2]);
    story.accepts(story.asked_bot().fails(BotFailure::Error));
    assert_eq!(heads(&story), [4, 4, 2]);
    story.accepts(visitor().views("https://shop.example/"));
    assert_eq!(heads(&story), [4, 5, 5]);
}

#[test]
fn visitors_are_told_the_name_of_who_is_in_control_and_no_more() {
    let story = Story::begins().then(ann().takes(false, Some("they asked")));
    let shown = control_for(story.control(), Audience::Visitor);
    assert_eq!(shown.holder, Holder::Operator { id: None, name: "Ann".into() });
    assert_eq!((shown.epoch, shown.since), (2, story.last().time));
    assert_eq!(&control_for(story.control(), Audience::Operator), story.control());
}

#[test]
fn an_event_of_a_later_version_is_carried_for_operators_alone() {
    let mut story = Story::begins();
    let body = EventBody::Unknown(
        [("type".to_owned(), "whisper".into()), ("text".to_owned(), "psst".into())]
            .into_iter()
            .collect(),
    );
    let event = vigie_protocol::event::Event { offset: 2, time: 5, author: Author::Unknown, body };
    story.session.apply(&event);
    assert_eq!(story.session.head(), 2);
    assert_eq!(visible_to(&event, Audience::Operator).as_deref(), Some(&event));
    assert_eq!(visible_to(&event, Audience::Visitor), None);
    assert_eq!(visible_to(&event, Audience::Bot), None);
}

#[test]
fn a_card_tells_who_where_and_what_was_said_last() {
    let context = VisitorContext {
        country: Some("LV".into()),
        language: Some("lv".into()),
        referrer: Some("https://search.example/".into()),
        page: Some(page("https://shop.example/")),
        ..Default::default()
    };
    let mut story = Story::untold(Default::default()).then(visitor().arrives_with(context));
    let started = story.last().time;
    story.accepts(visitor().says("hello"));
    story.accepts(visitor().views("https://shop.example/cart"));
    let card = story.session.card(true).unwrap();
    assert_eq!(card.session, story.session.id());
    assert_eq!(card.started, started);
    assert_eq!(card.country.as_deref(), Some("LV"));
    assert_eq!(card.page, Some(Page { url: "https://shop.example/cart".into(), title: None }));
    assert_eq!((card.ordinal, card.messages, card.asked), (1, 1, 1));
    assert_eq!(card.offset, 3);
    assert!(card.online);
    let last = card.last.unwrap();
    assert_eq!((last.from, last.text.as_str(), last.offset), (Speaker::Visitor, "hello", 2));
}

#[test]
fn a_card_shows_how_the_bot_is_doing_and_who_waits() {
    let story = Story::begins();
    let bot_state = |story: &Story| story.session.card(false).unwrap().bot;
    assert_eq!(bot_state(&story), BotState::Idle);
    let story = story.then(visitor().says("hello"));
    assert_eq!(bot_state(&story), BotState::Answering);
    let bot = story.asked_bot();
    assert_eq!(bot_state(&story.clone().then(bot.answers("hello!"))), BotState::Idle);
    let story = story.then(bot.fails(BotFailure::Error)).then(visitor().asks_for_a_human());
    let card = story.session.card(false).unwrap();
    assert_eq!(card.bot, BotState::Failed);
    assert_eq!(card.waiting, Some(story.last().time));
    assert!(!card.online);
    let card = story.then(ann().takes_over()).session.card(true).unwrap();
    assert_eq!((card.bot, card.waiting), (BotState::Idle, None));
    assert_eq!(card.control.holder, ann().0.holder());
}

#[test]
fn a_card_names_the_side_that_spoke_last() {
    let story = Story::begins().then(visitor().says("hello"));
    let from = |story: &Story| story.session.card(true).unwrap().last.unwrap().from;
    assert_eq!(from(&story), Speaker::Visitor);
    let bot = story.asked_bot();
    let story = story.then(bot.answers("hello!"));
    assert_eq!(from(&story), Speaker::Bot);
    let story = story.then(ann().takes_over()).then(ann().says("hello from Ann"));
    assert_eq!(from(&story), Speaker::Operator);
    let card = story.session.card(true).unwrap();
    assert_eq!((card.messages, card.asked), (3, 1), "one of them was the visitor's");
}

#[test]
fn a_card_cuts_a_long_message_between_characters() {
    let mut story = Story::begins();
    story.accepts(visitor().says_as("k", &"é".repeat(PREVIEW_CHARS_MAX + 1)));
    let last = story.session.card(true).unwrap().last.unwrap();
    assert_eq!(last.text, "é".repeat(PREVIEW_CHARS_MAX));
}
