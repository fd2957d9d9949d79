//! Who answers: exactly one, under an epoch of their own.

use vigie::core::decide::Refusal;
use vigie::core::site::{LeaseEnd, SiteSettings};
use vigie_protocol::LINE_BYTES_MAX;
use vigie_protocol::error::{ErrorCode, RpcError};
use vigie_protocol::event::{Author, ControlCause, EventBody, Holder, VisitorContext};

use crate::story::{Story, ada, ann, ben, sue, visitor};

#[test]
fn the_bot_is_in_control_from_the_start_under_epoch_1() {
    let story = Story::begins();
    assert_eq!(story.control().holder, Holder::Bot {});
    assert_eq!(story.control().epoch, 1);
    assert_eq!(story.control().since, story.last().time);
}

#[test]
fn an_operator_of_any_rank_takes_over_from_the_bot() {
    for human in [ann(), sue(), ada()] {
        let mut story = Story::begins();
        let done = story.accepts(human.takes_over());
        assert_eq!((done.offset, done.epoch), (2, 2));
        assert_eq!(story.control().holder, human.0.holder());
        assert_eq!(story.control().since, story.last().time);
        assert_eq!(story.last().author, human.0.author());
        let change = story.last_change();
        assert_eq!(change.cause, ControlCause::TakeOver);
        assert_eq!(change.previous, Holder::Bot {});
        assert_eq!(story.effects, [human.hold(2)]);
    }
}

#[test]
fn the_loser_of_a_race_is_told_who_is_in_control_and_since_when() {
    let story = Story::begins().then(ann().takes_over());
    for loser in [ben(), sue()] {
        let refusal = story.refuses(loser.takes_over());
        assert_eq!(refusal, Refusal::Held(story.control().clone()));
        assert_eq!(refusal.to_string(), "Ann is in control");
        let error = RpcError::from(refusal);
        assert_eq!(error.code, ErrorCode::Held);
        let data = error.data.unwrap();
        assert_eq!(data["holder"]["id"], "ann");
        assert_eq!(data["holder"]["name"], "Ann");
        assert_eq!(data["epoch"], 2);
        assert_eq!(data["since"], story.last().time);
    }
}

#[test]
fn taking_over_what_one_holds_already_answers_the_epoch_in_force() {
    let mut story = Story::begins().then(ann().takes_over()).then(visitor().says("hello"));
    let done = story.changes_nothing(ann().takes_over());
    assert_eq!(done.epoch, 2);
    assert_eq!(story.changes_nothing(ann().forces("mine")).epoch, 2);
}

#[test]
fn a_reason_is_kept_with_a_take_over_from_the_bot_though_none_is_needed() {
    let mut story = Story::begins();
    story.accepts(ann().takes(true, Some("a regular")));
    assert_eq!(story.last_change().cause, ControlCause::TakeOver);
    assert_eq!(story.last_change().reason.as_deref(), Some("a regular"));
}

#[test]
fn supervisors_and_admins_take_over_by_force_with_a_reason() {
    for human in [sue(), ada()] {
        let mut story = Story::begins().then(ann().takes_over());
        let done = story.accepts(human.forces("a complaint"));
        assert_eq!(done.epoch, 3);
        assert_eq!(story.control().holder, human.0.holder());
        let change = story.last_change();
        assert_eq!(change.cause, ControlCause::Forced);
        assert_eq!(change.previous, ann().0.holder());
        assert_eq!(change.reason.as_deref(), Some("a complaint"));
        assert_eq!(story.effects, [ann().let_go(), human.hold(3)]);
    }
}

#[test]
fn force_needs_a_reason() {
    let story = Story::begins().then(ann().takes_over());
    for reason in [None, Some(""), Some(" \n")] {
        let refusal = story.refuses(sue().takes(true, reason));
        assert_eq!(RpcError::from(refusal).code, ErrorCode::InvalidParams, "{reason:?}");
    }
}

#[test]
fn an_agent_takes_nothing_by_force_whatever_the_reason() {
    let story = Story::begins().then(sue().takes_over());
    assert_eq!(story.refuses(ann().forces("I want it")), Refusal::Forbidden);
    assert_eq!(story.refuses(ann().takes(true, None)), Refusal::Forbidden);
}

#[test]
fn a_reason_has_a_bound() {
    let longest = "r".repeat(LINE_BYTES_MAX);
    let too_long = "r".repeat(LINE_BYTES_MAX + 1);
    let held = Story::begins().then(ann().takes_over());
    held.clone().accepts(sue().forces(&longest));
    held.clone().accepts(sue().revokes(&longest));
    for command in [sue().forces(&too_long), sue().revokes(&too_long)] {
        assert!(matches!(held.refuses(command), Refusal::Invalid(_)));
    }
}

#[test]
fn the_holder_releases_to_the_bot() {
    let mut story = Story::begins().then(ann().takes_over());
    let done = story.accepts(ann().releases());
    assert_eq!(done.epoch, 3);
    assert_eq!(story.control().holder, Holder::Bot {});
    assert_eq!(story.last_change().cause, ControlCause::Release);
    assert_eq!(story.last_change().previous, ann().0.holder());
}

#[test]
fn only_the_holder_releases_transfers_or_replies() {
    let by_the_bot = Story::begins();
    let by_ben = Story::begins().then(ben().takes_over());
    for story in [by_the_bot, by_ben] {
        for human in [ann(), sue(), ada()] {
            for command in [human.releases(), human.transfers_to(ann()), human.says("hello")] {
                let refusal = story.refuses(command);
                assert_eq!(refusal, Refusal::NotInControl(story.control().clone()));
            }
        }
    }
}

#[test]
fn whoever_is_not_in_control_is_told_who_is() {
    let story = Story::begins().then(ben().takes_over());
    let refusal = story.refuses(ann().says("hello"));
    assert_eq!(refusal.to_string(), "you are not in control; Ben is");
    let error = RpcError::from(refusal);
    assert_eq!(error.code, ErrorCode::NotInControl);
    assert_eq!(error.data.unwrap()["holder"]["id"], "ben");
    let refusal = Story::begins().refuses(ann().says("hello"));
    assert_eq!(refusal.to_string(), "you are not in control; the bot is");
}

#[test]
fn the_holder_transfers_to_another_operator() {
    let mut story = Story::begins().then(ann().takes_over());
    let done = story.accepts(ann().transfers_to(ben()));
    assert_eq!(done.epoch, 3);
    assert_eq!(story.control().holder, ben().0.holder());
    assert_eq!(story.last().author, ann().0.author());
    assert_eq!(story.last_change().cause, ControlCause::Transfer);
    assert_eq!(story.effects, [ann().let_go(), ben().hold(3)]);
    story.accepts(ben().says("Ben here"));
    story.refuses(ann().says("still me"));
}

#[test]
fn a_transfer_to_oneself_changes_nothing() {
    let mut story = Story::begins().then(ann().takes_over());
    assert_eq!(story.changes_nothing(ann().transfers_to(ann())).epoch, 2);
}

#[test]
fn supervisors_and_admins_revoke_control_with_a_reason() {
    for human in [sue(), ada()] {
        let mut story = Story::begins().then(ann().takes_over());
        let done = story.accepts(human.revokes("gone home"));
        assert_eq!(done.epoch, 3);
        assert_eq!(story.control().holder, Holder::Bot {});
        assert_eq!(story.last().author, human.0.author());
        let change = story.last_change();
        assert_eq!(change.cause, ControlCause::Revoke);
        assert_eq!(change.previous, ann().0.holder());
        assert_eq!(change.reason.as_deref(), Some("gone home"));
    }
}

#[test]
fn a_supervisor_may_revoke_their_own_control() {
    let mut story = Story::begins().then(sue().takes_over());
    story.accepts(sue().revokes("wrong window"));
    assert_eq!(story.control().holder, Holder::Bot {});
}

#[test]
fn agents_revoke_nothing_and_nobody_revokes_without_a_reason_or_from_the_bot() {
    let held = Story::begins().then(ben().takes_over());
    assert_eq!(held.refuses(ann().revokes("mine")), Refusal::Forbidden);
    assert!(matches!(held.refuses(sue().revokes(" ")), Refusal::Invalid(_)));
    let by_the_bot = Story::begins();
    let refusal = by_the_bot.refuses(sue().revokes("tidy up"));
    assert_eq!(refusal, Refusal::NotInControl(by_the_bot.control().clone()));
}

#[test]
fn a_lost_operator_s_session_goes_back_to_the_bot() {
    let mut story = Story::begins().then(ann().takes_over());
    let done = story.accepts(ann().is_lost(2));
    assert_eq!((done.offset, done.epoch), (3, 3));
    assert_eq!(story.control().holder, Holder::Bot {});
    assert_eq!(story.last().author, Author::System {});
    assert_eq!(story.last_change().cause, ControlCause::LeaseExpired);
    assert_eq!(story.session.waiting(), None);
}

#[test]
fn a_lost_operator_s_session_is_offered_again_where_the_site_has_it_so() {
    let settings = SiteSettings { lease_end: LeaseEnd::Reoffer, ..SiteSettings::default() };
    let mut story = Story::begins_on(settings).then(ann().takes_over());
    let done = story.accepts(ann().is_lost(2));
    assert_eq!((done.offset, done.epoch), (4, 3));
    assert_eq!(story.control().holder, Holder::Bot {}, "meanwhile the bot answers");
    assert_eq!(story.last().body, EventBody::HumanRequested {});
    assert_eq!(story.last().author, Author::System {});
    assert_eq!(story.session.waiting(), Some(story.last().time));
}

#[test]
fn a_lease_of_an_earlier_epoch_or_of_somebody_else_has_nothing_to_expire() {
    let mut story = Story::begins().then(ann().takes_over());
    story.changes_nothing(ann().is_lost(1));
    story.changes_nothing(ann().is_lost(3));
    story.changes_nothing(ben().is_lost(2));
    let mut story = story.then(ann().releases());
    story.changes_nothing(ann().is_lost(2));
    let mut story = story.then(ann().takes_over());
    story.changes_nothing(ann().is_lost(2));
    story.accepts(ann().is_lost(4));
}

#[test]
fn every_change_of_control_has_the_next_epoch() {
    let story = Story::begins()
        .then(ann().takes_over())
        .then(ann().transfers_to(ben()))
        .then(sue().forces("a complaint"))
        .then(sue().releases())
        .then(ben().takes_over())
        .then(sue().revokes("gone home"))
        .then(ann().takes_over())
        .then(ann().is_lost(8));
    let epochs = story.log.iter().filter_map(|event| match &event.body {
        EventBody::ControlChanged(change) => Some(change.epoch),
        _ => None,
    });
    assert!(epochs.eq(2..=9));
}

#[test]
fn a_visitor_who_waits_for_a_human_waits_until_one_takes_over() {
    let mut story = Story::begins().then(visitor().asks_for_a_human());
    let since = story.last().time;
    assert_eq!(story.session.waiting(), Some(since));
    story.changes_nothing(visitor().asks_for_a_human());
    let story = story.then(visitor().says("is anybody there?"));
    assert_eq!(story.session.waiting(), Some(since), "the wait began with the first request");
    let mut story = story.then(ann().takes_over());
    assert_eq!(story.session.waiting(), None);
    story.changes_nothing(visitor().asks_for_a_human());
    let mut story = story.then(ann().releases());
    assert_eq!(story.session.waiting(), None, "who was helped does not wait any more");
    story.accepts(visitor().asks_for_a_human());
    assert_eq!(story.session.waiting(), Some(story.last().time));
}

#[test]
fn the_visitor_is_told_at_each_change_in_their_language() {
    let french = VisitorContext { language: Some("FR-ca".into()), ..Default::default() };
    let mut story = Story::untold(SiteSettings::default()).then(visitor().arrives_with(french));
    for (command, expected) in [
        (ann().takes_over(), "Ann a rejoint la conversation."),
        (ann().transfers_to(ben()), "Ben prend le relais."),
        (sue().forces("a complaint"), "Sue a rejoint la conversation."),
        (sue().releases(), "Notre assistant vous répond de nouveau."),
        (ben().takes_over(), "Ben a rejoint la conversation."),
        (sue().revokes("gone home"), "Notre assistant vous répond de nouveau."),
        (ann().takes_over(), "Ann a rejoint la conversation."),
        (ann().is_lost(8), "La connexion avec Ann a été perdue. Notre assistant prend le relais."),
    ] {
        story.accepts(command);
        assert_eq!(story.last_change().notice.as_deref(), Some(expected));
    }
}
