//! Closed sessions, which nothing can change, and full ones, which can only end.

use vigie::core::decide::{Command, Refusal};
use vigie::core::effect::{Effect, Wants};
use vigie::core::session::SESSION_EVENTS_MAX;
use vigie::core::site::{LeaseEnd, SiteSettings};
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::event::{Author, BotFailure, CloseCause, EventBody, Rating};
use vigie_protocol::push::RevokeReason;
use vigie_protocol::{LINE_BYTES_MAX, RATINGS_MAX};

use crate::story::{Bot, Story, ann, ben, data, sue, visitor};

/// How far beyond its bound a log may grow: what is left to happen in a session that can only end.
const LAST_EVENTS_MAX: u64 = 8;

fn everything() -> Vec<Command> {
    let mut commands = vec![
        visitor().arrives_on("https://shop.example/elsewhere"),
        visitor().leaves(),
        visitor().views("https://shop.example/new"),
        visitor().says("more"),
        visitor().asks_for_a_human(),
    ];
    for human in [ann(), sue()] {
        commands.extend([
            human.takes_over(),
            human.forces("a complaint"),
            human.says("hello!"),
            human.notes("a regular"),
            human.transfers_to(ben()),
            human.revokes("gone home"),
            human.releases(),
        ]);
    }
    commands
}

#[test]
fn nothing_is_appended_to_a_closed_session() {
    let mut story = Story::begins().then(visitor().says("hello")).then(ann().takes_over());
    story.accepts(ann().closes());
    let mut commands = everything();
    let bot = Bot { epoch: 1, turn: 2 };
    commands.extend([
        ann().is_lost(2),
        ann().closes(),
        visitor().ends(),
        visitor().is_told(data(&[("plan", "pro")])),
        Command::Close { by: None },
        bot.answers("hi"),
        bot.fails(BotFailure::Error),
    ]);
    for command in commands {
        let refusal = story.refuses(command);
        assert_eq!(refusal, Refusal::Closed);
        assert_eq!(RpcError::from(refusal).code, ErrorCode::SessionClosed);
    }
}

#[test]
fn a_session_is_closed_by_an_operator_or_by_the_engine_for_a_visitor_who_stays_away() {
    let by_ann = Story::begins().then(ann().closes());
    assert_eq!(by_ann.last().author, ann().0.author());
    assert_eq!(by_ann.last().body, EventBody::SessionClosed { cause: CloseCause::Operator });
    let mut there = Story::begins();
    let head = there.session.head();
    assert_eq!(there.accepts(Command::Close { by: None }).offset, head, "who is there is not away");
    let by_nobody = there.then(visitor().leaves()).then(Command::Close { by: None });
    assert_eq!(by_nobody.last().author, Author::System {});
    assert_eq!(by_nobody.last().body, EventBody::SessionClosed { cause: CloseCause::Away });
}

#[test]
fn a_session_that_another_operator_answers_is_closed_by_supervisors_only() {
    let mut story = Story::begins().then(ann().takes_over());
    assert!(matches!(story.refuses(ben().closes()), Refusal::Held(_)));
    story.accepts(sue().closes());
    assert_eq!(story.last().body, EventBody::SessionClosed { cause: CloseCause::Operator });
}

#[test]
fn a_closed_session_wants_nothing() {
    let asked = Story::begins().then(visitor().asks_for_a_human()).then(visitor().says("hello"));
    let turn = asked.asked_bot().turn;
    let closed = asked.then(ann().closes());
    assert_eq!(closed.effects, [Effect::RevokeTurn { turn, reason: RevokeReason::Closed }]);
    assert_eq!(Wants::of(&closed.session), Wants::default());
    assert_eq!(closed.session.waiting(), None);
    let held = Story::begins().then(ann().takes_over()).then(ann().closes());
    assert_eq!(held.effects, [ann().let_go()]);
    assert_eq!(Wants::of(&held.session), Wants::default());
}

#[test]
fn a_full_session_takes_nothing_more_to_read() {
    let story = Story::begins()
        .then(visitor().says("hello"))
        .then(ann().takes_over())
        .then(visitor().asks_for_a_human())
        .grown_to(SESSION_EVENTS_MAX);
    for command in [
        visitor().says("more"),
        visitor().views("https://shop.example/new"),
        visitor().asks_for_a_human(),
        visitor().is_told(data(&[("plan", "pro")])),
        ann().says("hello!"),
        ann().notes("a regular"),
        ann().transfers_to(ben()),
        sue().forces("a complaint"),
    ] {
        let refusal = story.refuses(command);
        assert_eq!(refusal, Refusal::Full);
        assert_eq!(RpcError::from(refusal).code, ErrorCode::SessionFull);
    }
}

#[test]
fn the_last_message_that_fits_is_accepted() {
    let mut story = Story::begins().grown_to(SESSION_EVENTS_MAX - 1);
    assert_eq!(story.accepts(visitor().says("hello")).offset, SESSION_EVENTS_MAX);
    let bot = story.asked_bot();
    assert_eq!(story.refuses(bot.answers("hello!")), Refusal::Full);
    story.accepts(bot.fails(BotFailure::Timeout));
    assert_eq!(story.session.failure(), Some(BotFailure::Timeout), "and is not left in silence");
}

#[test]
fn what_was_said_is_answered_the_same_when_the_session_is_full() {
    let mut story = Story::begins();
    let done = story.accepts(visitor().says("hello"));
    let mut story = story.grown_to(SESSION_EVENTS_MAX);
    assert_eq!(story.changes_nothing(visitor().says("hello")), done);
}

#[test]
fn a_full_session_can_be_handed_back_and_closed() {
    let full = Story::begins().then(ann().takes_over()).grown_to(SESSION_EVENTS_MAX);
    full.clone().then(ann().releases()).then(Command::Close { by: None });
    full.clone().then(sue().revokes("gone home")).then(sue().closes());
    full.clone().then(ann().is_lost(2)).then(Command::Close { by: None });
    full.clone().then(visitor().leaves()).then(Command::Close { by: None });
    full.then(visitor().rates(2, None)).then(visitor().ends()).then(visitor().rates(1, None));
}

#[test]
fn a_full_session_lets_its_visitor_in_but_keeps_nothing_of_what_the_page_tells() {
    let mut full = Story::begins().grown_to(SESSION_EVENTS_MAX);
    full.changes_nothing(visitor().arrives_told(data(&[("plan", "pro")])));
}

#[test]
fn a_visitor_ends_their_own_session_whoever_is_in_control() {
    for mut story in [Story::begins(), Story::begins().then(ann().takes_over())] {
        story.accepts(visitor().ends());
        assert_eq!(story.last().author, Author::Visitor {});
        assert_eq!(story.last().body, EventBody::SessionClosed { cause: CloseCause::Visitor });
        assert_eq!(Wants::of(&story.session), Wants::default());
    }
}

#[test]
fn a_visitor_rates_their_session_before_and_after_its_end_and_the_latest_counts() {
    let mut story = Story::begins();
    let first = story.accepts(visitor().rates(2, Some("slow")));
    assert_eq!(story.last().author, Author::Visitor {});
    assert_eq!(story.changes_nothing(visitor().rates(2, Some("slow"))), first);
    story.accepts(ann().takes_over());
    assert_eq!(story.changes_nothing(visitor().rates(2, Some("slow"))), first, "as before");
    let mut story = story.then(ann().closes());
    let last = story.accepts(visitor().rates(5, Some(" ")));
    assert_eq!((last.offset, last.epoch), (5, 2));
    let rating = Rating { score: 5, comment: None };
    assert_eq!(story.last().body, EventBody::SessionRated(rating.clone()));
    assert_eq!(story.session.rating(), Some(&rating));
    assert_eq!(story.changes_nothing(visitor().rates(5, None)), last);
    assert!(story.session.closed(), "and it stays closed");
}

#[test]
fn a_rating_has_bounds_and_there_are_not_too_many() {
    let mut story = Story::begins();
    let longest = "x".repeat(LINE_BYTES_MAX);
    let too_long = "x".repeat(LINE_BYTES_MAX + 1);
    for bad in [(0, None), (6, None), (255, None), (3, Some(&*too_long))] {
        assert!(matches!(story.refuses(visitor().rates(bad.0, bad.1)), Refusal::Invalid(_)));
    }
    for n in 0..RATINGS_MAX {
        story.accepts(visitor().rates(1 + (n % 2) as u8, Some(&longest)));
    }
    let refusal = story.refuses(visitor().rates(5, None));
    assert_eq!(refusal, Refusal::RatedOut);
    assert_eq!(RpcError::from(refusal).code, ErrorCode::SessionFull);
    story.changes_nothing(visitor().rates(2, Some(&longest)));
}

#[test]
fn a_full_session_s_log_stays_within_its_bound_whatever_is_tried() {
    let settings = SiteSettings { lease_end: LeaseEnd::Reoffer, ..SiteSettings::default() };
    let mut story = Story::begins_on(settings)
        .then(ann().takes_over())
        .then(visitor().says("hello"))
        .grown_to(SESSION_EVENTS_MAX);
    for _ in 0..3 {
        for command in everything() {
            let lease = Wants::of(&story.session).lease;
            if let Some((operator, epoch)) = lease {
                story.accepts(Command::ExpireLease { operator, epoch });
            }
            if story.session.turn().is_some() {
                story.accepts(story.asked_bot().fails(BotFailure::Timeout));
            }
            let now = story.last().time;
            if vigie::core::decide::decide(&story.session, command.clone(), now).is_ok() {
                story.accepts(command);
            }
        }
    }
    let head = story.session.head();
    assert!(head <= SESSION_EVENTS_MAX + LAST_EVENTS_MAX, "the log has grown to {head}");
}
