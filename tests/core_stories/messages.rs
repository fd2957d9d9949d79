//! What is said: once, under its author's key, within bounds, and not blind.

use vigie::core::decide::Refusal;
use vigie_protocol::TEXT_BYTES_MAX;
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::event::{Author, EventBody};

use crate::story::{Story, ann, ben, key, sue, visitor};

#[test]
fn a_message_stands_in_the_log_under_its_author_s_name_key_and_epoch() {
    let mut story = Story::begins();
    let done = story.accepts(visitor().says_as("k1", "hello"));
    assert_eq!((done.offset, done.epoch), (2, 1));
    assert_eq!(story.last().author, Author::Visitor {});
    assert_eq!(story.last_message().key, Some(key("k1")));
    assert_eq!(story.last_message().epoch, 1);
    let mut story = story.then(ann().takes_over());
    story.accepts(ann().says_as("k2", "hello!"));
    assert_eq!(story.last().author, ann().0.author());
    assert_eq!(story.last_message().key, Some(key("k2")));
    assert_eq!(story.last_message().epoch, 2);
}

#[test]
fn a_message_that_is_sent_again_is_answered_the_same_and_said_once() {
    let mut story = Story::begins();
    let asked = story.accepts(visitor().says_as("k1", "hello"));
    assert_eq!(story.changes_nothing(visitor().says_as("k1", "hello")), asked);
    let mut story = story.then(ann().takes_over());
    let replied = story.accepts(ann().says_as("k1", "hello!"));
    let noted = story.accepts(ann().notes_as("k2", "a regular"));
    let mut story =
        story.then(visitor().says("more")).then(ann().transfers_to(ben())).then(ben().closes());
    assert_eq!(story.changes_nothing(visitor().says_as("k1", "hello")), asked);
    assert_eq!(story.changes_nothing(ann().says_as("k1", "hello!")), replied);
    assert_eq!(story.changes_nothing(ann().notes_as("k2", "a regular")), noted);
}

#[test]
fn a_key_names_one_text_only() {
    let mut story = Story::begins().then(visitor().says_as("k1", "hello"));
    let refusal = story.refuses(visitor().says_as("k1", "good bye"));
    assert_eq!(refusal, Refusal::KeyReused(2));
    let error = RpcError::from(refusal);
    assert_eq!(error.code, ErrorCode::KeyReused);
    assert_eq!(error.data.unwrap()["offset"], 2);
    story.accepts(visitor().says_as("k2", "hello"));
    assert_eq!(story.last().offset, 3, "the same text under another key is said again");
}

#[test]
fn one_author_s_keys_mean_nothing_to_another() {
    let story = Story::begins()
        .then(visitor().says_as("k1", "hello"))
        .then(ann().takes_over())
        .then(ann().says_as("k1", "hello!"))
        .then(ann().transfers_to(ben()))
        .then(ben().says_as("k1", "Ben here"))
        .then(sue().notes_as("k1", "well done"));
    assert_eq!(story.session.head(), 7);
}

#[test]
fn a_key_of_a_note_is_not_a_key_of_a_message() {
    let mut story = Story::begins().then(ann().takes_over()).then(ann().notes_as("k1", "ok"));
    assert_eq!(
        story.refuses(ann().says_as("k1", "ok")),
        Refusal::KeyReused(3),
        "the visitor has not read the note: it must not pass for a message that was said"
    );
    story.accepts(ann().says_as("k2", "ok"));
    assert_eq!(story.refuses(ann().notes_as("k2", "ok")), Refusal::KeyReused(4));
}

#[test]
fn texts_have_bounds_whoever_says_them() {
    let longest = "é".repeat(TEXT_BYTES_MAX / 2);
    let too_long = format!("{longest}.");
    let story = Story::begins().then(visitor().says("hello"));
    let bot = story.asked_bot();
    let held = story.clone().then(ann().takes_over());
    story.clone().accepts(visitor().says_as("k", &longest));
    story.clone().accepts(bot.answers(&longest));
    held.clone().accepts(ann().says_as("k", &longest));
    held.clone().accepts(ben().notes_as("k", &longest));
    for text in ["", " ", "\n\t", &too_long] {
        for refusal in [
            story.refuses(visitor().says_as("k", text)),
            story.refuses(bot.answers(text)),
            held.refuses(ann().says_as("k", text)),
            held.refuses(ben().notes_as("k", text)),
        ] {
            assert!(matches!(refusal, Refusal::Invalid(_)), "{refusal:?}");
            assert_eq!(RpcError::from(refusal).code, ErrorCode::InvalidParams);
        }
    }
}

#[test]
fn a_refused_message_leaves_its_key_free() {
    let mut story = Story::begins().then(ann().takes_over());
    story.refuses(ben().says_as("k1", "hello"));
    story.refuses(visitor().says_as("k1", ""));
    story.accepts(ann().transfers_to(ben()));
    story.accepts(ben().says_as("k1", "hello again"));
    story.accepts(visitor().says_as("k1", "hello"));
}

#[test]
fn any_operator_notes_whoever_is_in_control() {
    let mut story = Story::begins();
    story.accepts(ann().notes_as("k1", "a regular"));
    let noted = EventBody::Note { text: "a regular".into(), key: Some(key("k1")) };
    assert_eq!(story.last().body, noted);
    story.then(ben().takes_over()).then(ann().notes("be kind"));
}

#[test]
fn a_reply_to_what_was_not_read_is_refused_until_confirmed() {
    let story = Story::begins().then(ann().takes_over()).then(visitor().says("hello"));
    let seen = story.session.head();
    let mut story = story.then(visitor().says("no, wait")).then(visitor().says("it came!"));
    let refusal = story.refuses(ann().says_having_seen("we shall look for it", seen));
    assert_eq!(refusal, Refusal::Unseen { head: 5, count: 2 });
    let error = RpcError::from(refusal);
    assert_eq!(error.code, ErrorCode::Unseen);
    let data = error.data.unwrap();
    assert_eq!((&data["head"], &data["unseen"]), (&5.into(), &2.into()));
    story.clone().accepts(ann().says_anyway("we shall look for it", seen));
    story.clone().accepts(ann().says_having_seen("good", 5));
    story.accepts(ann().says("good"));
}

#[test]
fn only_what_the_visitor_says_can_be_unseen() {
    let story = Story::begins().then(ann().takes_over()).then(visitor().says("hello"));
    let seen = story.session.head();
    let mut story = story
        .then(ann().says("hello!"))
        .then(ben().notes("a regular"))
        .then(visitor().views("https://shop.example/"))
        .then(visitor().leaves());
    story.accepts(ann().says_having_seen("how can I help?", seen));
}

#[test]
fn a_reply_that_was_said_is_not_unseen_when_it_is_sent_again() {
    let mut story = Story::begins().then(ann().takes_over()).then(visitor().says("hello"));
    let reply = ann().says_having_seen("hello!", story.session.head());
    let done = story.accepts(reply.clone());
    let mut story = story.then(visitor().says("thanks"));
    assert_eq!(story.changes_nothing(reply), done);
}

#[test]
fn what_was_said_long_ago_and_not_read_is_unseen_too() {
    let mut story = Story::begins().then(ann().takes_over());
    let seen = story.session.head();
    story.accepts(visitor().says("please stop the order"));
    for page in 0..6 {
        let text = page.to_string().repeat(TEXT_BYTES_MAX / 2);
        story.accepts(ann().says(&text));
    }
    let refusal = story.refuses(ann().says_having_seen("it is on its way", seen));
    assert_eq!(refusal, Refusal::Unseen { head: story.session.head(), count: 1 });
}
