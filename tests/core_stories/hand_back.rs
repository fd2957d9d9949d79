//! What the bot is told of a human's part: all of it, and nothing but it.

use vigie::core::session::{TRANSCRIPT_BYTES_MAX, TRANSCRIPT_EVENTS_MAX};
use vigie_protocol::TEXT_BYTES_MAX;
use vigie_protocol::event::Offset;

use crate::story::{Story, ann, ben, sue, visitor};

fn stretch(story: &Story) -> (Vec<Offset>, bool) {
    let (events, truncated) = story.session.human_stretch();
    for event in &events {
        assert_eq!(**event, story.log[event.offset as usize - 1], "told as it happened");
    }
    (events.iter().map(|event| event.offset).collect(), truncated)
}

#[test]
fn the_stretch_goes_from_the_take_over_to_the_hand_back() {
    let story = Story::begins()
        .then(visitor().says("before"))
        .then(ann().takes_over())
        .then(visitor().says("hello"))
        .then(ann().says("hello!"))
        .then(ann().releases());
    assert_eq!(stretch(&story), (vec![3, 4, 5, 6], false));
}

#[test]
fn the_stretch_goes_on_from_one_human_to_the_next() {
    let story = Story::begins()
        .then(ann().takes_over())
        .then(ann().transfers_to(ben()))
        .then(ben().says("Ben here"))
        .then(sue().forces("a complaint"))
        .then(sue().says("Sue here"))
        .then(sue().releases());
    assert_eq!(stretch(&story), (vec![2, 3, 4, 5, 6, 7], false));
}

#[test]
fn the_stretch_has_neither_notes_nor_pages() {
    let story = Story::begins()
        .then(ann().takes_over())
        .then(ann().notes("a regular"))
        .then(visitor().views("https://shop.example/"))
        .then(visitor().leaves())
        .then(ann().says("hello!"))
        .then(ann().releases());
    assert_eq!(stretch(&story), (vec![2, 6, 7], false));
}

#[test]
fn the_last_stretch_is_told_without_those_before_and_without_what_follows() {
    let story = Story::begins()
        .then(ann().takes_over())
        .then(ann().says("first"))
        .then(ann().releases())
        .then(visitor().says("between"))
        .then(ben().takes_over())
        .then(ben().says("second"))
        .then(ben().is_lost(4))
        .then(visitor().says("after"));
    assert_eq!(stretch(&story), (vec![6, 7, 8], false));
}

#[test]
fn a_stretch_of_many_messages_lacks_its_beginning_and_says_so() {
    let hold = |messages: usize| {
        let mut story = Story::begins().then(ann().takes_over());
        for number in 0..messages {
            story.accepts(visitor().says(&number.to_string()));
        }
        stretch(&story.then(ann().releases()))
    };
    let (whole, truncated) = hold(TRANSCRIPT_EVENTS_MAX - 2);
    assert_eq!((whole.len(), truncated), (TRANSCRIPT_EVENTS_MAX, false));
    let (rest, truncated) = hold(TRANSCRIPT_EVENTS_MAX - 1);
    assert_eq!((rest.len(), truncated), (TRANSCRIPT_EVENTS_MAX, true));
    assert_eq!(rest[0], 3, "the take-over is the first to go");
}

#[test]
fn a_stretch_of_long_messages_lacks_its_beginning_and_says_so() {
    let mut story = Story::begins().then(ann().takes_over());
    for letter in ["a", "b", "c"] {
        story.accepts(visitor().says(&letter.repeat(TEXT_BYTES_MAX)));
    }
    let story = story.then(ann().releases());
    let (kept, truncated) = stretch(&story);
    assert_eq!(kept.len(), TRANSCRIPT_BYTES_MAX / TEXT_BYTES_MAX + 1);
    assert!(truncated);
}

#[test]
fn the_transcript_ends_with_the_turn_and_stays_within_its_bounds() {
    let mut story = Story::begins();
    for number in 0..2 * TRANSCRIPT_EVENTS_MAX {
        story.accepts(visitor().says(&number.to_string()));
        let transcript: Vec<_> = story.session.transcript().map(|event| event.offset).collect();
        assert_eq!(transcript.last().copied(), story.session.turn());
        assert!(transcript.len() <= TRANSCRIPT_EVENTS_MAX);
        assert!(transcript.is_sorted());
    }
}
