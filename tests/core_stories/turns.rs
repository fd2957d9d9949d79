//! What the bot is asked, and when its answer counts: under the epoch and for the turn that it was
//! asked, or not at all.

use vigie::core::decide::{Command, Refusal};
use vigie::core::effect::Effect;
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::event::{Author, BotFailure, Choice, ChoiceAction, EventBody};
use vigie_protocol::push::RevokeReason;
use vigie_protocol::{CHOICE_BYTES_MAX, CHOICES_MAX, LINE_BYTES_MAX};

use crate::story::{Bot, Story, ann, sue, visitor};

fn revoked(bot: Bot, reason: RevokeReason) -> Effect {
    Effect::RevokeTurn { turn: bot.turn, reason }
}

#[test]
fn what_the_visitor_says_is_a_turn_of_the_bot() {
    let story = Story::begins().then(visitor().says("where is my parcel?"));
    let bot = story.asked_bot();
    assert_eq!(bot, Bot { epoch: 1, turn: 2 });
    assert_eq!(story.effects, [bot.asked()]);
}

#[test]
fn the_answer_closes_the_turn() {
    let mut story = Story::begins().then(visitor().says("where is my parcel?"));
    let bot = story.asked_bot();
    let done = story.accepts(bot.answers("on its way"));
    assert_eq!((done.offset, done.epoch), (3, 1));
    assert_eq!(story.last().author, Author::Bot { name: "Assistant".into() });
    assert_eq!(story.last_message().turn, Some(2));
    assert_eq!(story.last_message().epoch, 1);
    assert_eq!(story.session.turn(), None);
    assert_eq!(story.effects, [], "an answered turn is not revoked");
}

#[test]
fn an_answer_that_is_sent_again_is_answered_the_same_and_said_once() {
    let mut story = Story::begins().then(visitor().says("where is my parcel?"));
    let bot = story.asked_bot();
    let done = story.accepts(bot.answers("on its way"));
    assert_eq!(story.changes_nothing(bot.answers("on its way")), done);
    let mut story = story.then(visitor().says("thanks")).then(ann().takes_over());
    assert_eq!(story.changes_nothing(bot.answers("on its way")), done, "also long after");
    let mut story = story.then(ann().closes());
    assert_eq!(story.changes_nothing(bot.answers("on its way")), done, "also after the end");
}

#[test]
fn a_second_answer_to_the_same_turn_is_refused() {
    let mut story = Story::begins().then(visitor().says("where is my parcel?"));
    let bot = story.asked_bot();
    story.accepts(bot.answers("on its way"));
    assert_eq!(story.refuses(bot.answers("I do not know")), Refusal::StaleTurn(None));
}

#[test]
fn an_answer_after_a_take_over_is_stale() {
    let story = Story::begins().then(visitor().says("where is my parcel?"));
    let bot = story.asked_bot();
    let story = story.then(ann().takes_over());
    assert_eq!(story.effects, [ann().hold(2), revoked(bot, RevokeReason::TakenOver)]);
    let refusal = story.refuses(bot.answers("on its way"));
    assert_eq!(refusal, Refusal::StaleEpoch(2));
    let error = RpcError::from(refusal);
    assert_eq!(error.code, ErrorCode::StaleEpoch);
    assert_eq!(error.data.unwrap()["epoch"], 2);
}

#[test]
fn no_epoch_lets_the_bot_speak_while_a_human_is_in_control() {
    let story =
        Story::begins().then(visitor().says("where is my parcel?")).then(ann().takes_over());
    for epoch in 0..=4 {
        let bot = Bot { epoch, turn: 2 };
        assert_eq!(story.refuses(bot.answers("on its way")), Refusal::StaleEpoch(2));
        assert_eq!(story.refuses(bot.fails(BotFailure::Error)), Refusal::StaleEpoch(2));
    }
}

#[test]
fn an_answer_from_before_a_human_s_part_is_stale_after_it_too() {
    let story = Story::begins().then(visitor().says("where is my parcel?"));
    let before = story.asked_bot();
    let mut story = story.then(ann().takes_over()).then(ann().releases());
    let after = story.asked_bot();
    assert_eq!(after.turn, before.turn, "nobody has answered: the same turn is open again");
    assert_eq!(story.refuses(before.answers("on its way")), Refusal::StaleEpoch(3));
    story.accepts(after.answers("on its way"));
    assert_eq!(story.last_message().epoch, 3);
}

#[test]
fn a_newer_message_of_the_visitor_supersedes_the_turn() {
    let story = Story::begins().then(visitor().says("hello"));
    let first = story.asked_bot();
    let mut story = story.then(visitor().says("where is my parcel?"));
    let second = story.asked_bot();
    assert_eq!(story.effects, [revoked(first, RevokeReason::Superseded), second.asked()]);
    let refusal = story.refuses(first.answers("hello!"));
    assert_eq!(refusal, Refusal::StaleTurn(Some(second.turn)));
    let error = RpcError::from(refusal);
    assert_eq!(error.code, ErrorCode::StaleTurn);
    assert_eq!(error.data.unwrap()["turn"], second.turn);
    story.accepts(second.answers("on its way"));
}

#[test]
fn a_turn_that_was_never_opened_is_stale() {
    let story = Story::begins();
    let bot = Bot { epoch: 1, turn: 1 };
    assert_eq!(story.refuses(bot.answers("hello?")), Refusal::StaleTurn(None));
}

#[test]
fn what_the_visitor_says_to_a_human_is_no_turn_of_the_bot() {
    let story = Story::begins().then(ann().takes_over()).then(visitor().says("hello"));
    assert_eq!(story.session.turn(), None);
    assert_eq!(story.effects, []);
}

#[test]
fn a_bot_that_fails_leaves_a_visible_state() {
    for reason in [BotFailure::Timeout, BotFailure::Unavailable, BotFailure::Error] {
        let mut story = Story::begins().then(visitor().says("where is my parcel?"));
        let bot = story.asked_bot();
        story.accepts(bot.fails(reason));
        let failed = EventBody::BotFailed { epoch: 1, turn: 2, reason, detail: None };
        assert_eq!(story.last().body, failed);
        assert_eq!(story.last().author, Author::System {});
        assert_eq!(story.session.failure(), Some(reason));
        assert_eq!(story.session.turn(), None);
        let told = match reason {
            BotFailure::Timeout => vec![revoked(bot, RevokeReason::Timeout)],
            _ => vec![],
        };
        assert_eq!(story.effects, told, "a bot that gave up itself need not be told: {reason:?}");
        let late = story.refuses(bot.answers("on its way"));
        assert_eq!(late, Refusal::StaleTurn(None), "too late is too late");
        assert_eq!(story.refuses(bot.fails(reason)), Refusal::StaleTurn(None));
    }
}

#[test]
fn a_failure_is_forgotten_once_the_conversation_goes_on() {
    let story = Story::begins().then(visitor().says("where is my parcel?"));
    let bot = story.asked_bot();
    let failed = story.then(bot.fails(BotFailure::Error));
    assert_eq!(failed.clone().then(visitor().says("hello?")).session.failure(), None);
    assert_eq!(failed.then(ann().takes_over()).session.failure(), None);
}

#[test]
fn a_bot_s_failure_is_stale_when_its_answer_would_be() {
    let story = Story::begins().then(visitor().says("hello"));
    let bot = story.asked_bot();
    let superseded = story.clone().then(visitor().says("where is my parcel?"));
    let timeout = bot.fails(BotFailure::Timeout);
    assert_eq!(superseded.refuses(timeout.clone()), Refusal::StaleTurn(Some(3)));
    let answered = story.then(bot.answers("hello!"));
    assert_eq!(answered.refuses(timeout), Refusal::StaleTurn(None));
}

#[test]
fn what_a_bot_says_of_its_failure_is_cut_to_a_line_between_characters() {
    let mut story = Story::begins().then(visitor().says("hello"));
    let Bot { epoch, turn } = story.asked_bot();
    let detail = Some(format!("x{}", "é".repeat(LINE_BYTES_MAX)));
    story.accepts(Command::FailTurn { epoch, turn, reason: BotFailure::Error, detail });
    let EventBody::BotFailed { detail: Some(detail), .. } = &story.last().body else {
        panic!("no detail: {:?}", story.last())
    };
    assert_eq!(detail.len(), LINE_BYTES_MAX - 1);
}

#[test]
fn a_hand_back_opens_an_unanswered_turn_again() {
    let hello = Story::begins().then(ann().takes_over()).then(visitor().says("hello"));
    let mut revoked = hello.clone();
    revoked.accepts(sue().revokes("gone home"));
    let mut lost = hello.clone();
    lost.accepts(ann().is_lost(2));
    let mut released = hello;
    released.accepts(ann().releases());
    for story in [released, revoked, lost] {
        let bot = story.asked_bot();
        assert_eq!(bot, Bot { epoch: 3, turn: 3 });
        assert_eq!(story.effects, [ann().let_go(), Effect::HandBack, bot.asked()]);
    }
}

#[test]
fn a_hand_back_opens_no_turn_that_a_human_has_answered() {
    let story = Story::begins()
        .then(ann().takes_over())
        .then(visitor().says("hello"))
        .then(ann().says("hello!"))
        .then(ann().releases());
    assert_eq!(story.session.turn(), None);
    assert_eq!(story.effects, [ann().let_go(), Effect::HandBack]);
}

#[test]
fn a_hand_back_gives_the_bot_a_second_chance_at_a_turn_that_it_failed() {
    let story = Story::begins().then(visitor().says("where is my parcel?"));
    let bot = story.asked_bot();
    let story =
        story.then(bot.fails(BotFailure::Timeout)).then(ann().takes_over()).then(ann().releases());
    assert_eq!(story.asked_bot(), Bot { epoch: 3, turn: 2 });
}

#[test]
fn notes_and_pages_neither_answer_nor_supersede_a_turn() {
    let story = Story::begins().then(visitor().says("where is my parcel?"));
    let bot = story.asked_bot();
    let mut story = story
        .then(ann().notes("a regular"))
        .then(visitor().views("https://shop.example/parcels"))
        .then(visitor().asks_for_a_human())
        .then(visitor().leaves());
    assert_eq!(story.effects, []);
    story.accepts(bot.answers("on its way"));
}

#[test]
fn a_change_from_one_human_to_another_is_no_hand_back() {
    let mut story = Story::begins().then(visitor().says("hello")).then(ann().takes_over());
    story.accepts(sue().forces("a complaint"));
    assert_eq!(story.effects, [ann().let_go(), sue().hold(3)]);
}

#[test]
fn choices_are_bounded_in_number_and_length() {
    let story = Story::begins().then(visitor().says("hello"));
    let bot = story.asked_bot();
    let choice = |label: String| Choice { label, action: ChoiceAction::Send };
    let longest = choice("é".repeat(CHOICE_BYTES_MAX / 2));
    let most = vec![longest.clone(); CHOICES_MAX];
    let mut accepted = story.clone();
    accepted.accepts(bot.answers_with("choose", most.clone()));
    assert_eq!(accepted.last_message().choices, most);
    for choices in [
        vec![longest; CHOICES_MAX + 1],
        vec![choice("x".repeat(CHOICE_BYTES_MAX + 1))],
        vec![choice(String::new())],
        vec![choice(" \t".into())],
    ] {
        let refusal = story.refuses(bot.answers_with("choose", choices));
        assert!(matches!(refusal, Refusal::Invalid(_)));
        assert_eq!(RpcError::from(refusal).code, ErrorCode::InvalidParams);
    }
}
