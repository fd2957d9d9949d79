//! A node that missed some events and folds them all at once sees to the same things.

use vigie::core::effect::{Effect, Wants, effects};
use vigie_protocol::push::RevokeReason;

use crate::story::{Bot, Story, ann, ben, visitor};

/// What a node sees to that knew the conversation as it was `then` and learns at once how it is
/// `now`.
fn caught_up(then: &Story, now: &Story) -> Vec<Effect> {
    effects(&Wants::of(&then.session), &now.session)
}

#[test]
fn a_node_that_knows_nothing_takes_up_what_is_open() {
    let fresh = Story::untold(Default::default());
    let asked = Story::begins().then(visitor().says("hello"));
    assert_eq!(caught_up(&fresh, &asked), [asked.asked_bot().asked()]);
    let held = asked.then(ann().takes_over());
    assert_eq!(caught_up(&fresh, &held), [ann().hold(2)]);
    let handed_back = held.then(ann().releases());
    let again = Bot { epoch: 3, turn: 2 };
    assert_eq!(caught_up(&fresh, &handed_back), [again.asked()], "the past was told in its time");
    assert_eq!(caught_up(&fresh, &handed_back.then(ann().closes())), []);
}

#[test]
fn a_missed_human_s_part_is_a_hand_back_and_the_turn_is_asked_anew() {
    let then = Story::begins().then(visitor().says("hello"));
    let before = then.asked_bot();
    let now = then.clone().then(ann().takes_over()).then(ann().releases());
    let revoked = Effect::RevokeTurn { turn: before.turn, reason: RevokeReason::TakenOver };
    let after = now.asked_bot();
    assert_eq!(caught_up(&then, &now), [revoked, Effect::HandBack, after.asked()]);
}

#[test]
fn an_answered_turn_is_not_revoked_whatever_has_followed() {
    let then = Story::begins().then(visitor().says("hello"));
    let answered = then.clone().then(then.asked_bot().answers("hello!"));
    assert_eq!(caught_up(&then, &answered), []);
    let taken_over = answered.clone().then(ann().takes_over());
    assert_eq!(caught_up(&then, &taken_over), [ann().hold(2)]);
    let closed = answered.clone().then(ann().closes());
    assert_eq!(caught_up(&then, &closed), []);
    let asked_again = answered.then(visitor().says("where is my parcel?"));
    assert_eq!(caught_up(&then, &asked_again), [asked_again.asked_bot().asked()]);
}

#[test]
fn a_turn_is_revoked_as_superseded_also_when_the_newer_one_is_answered_already() {
    let then = Story::begins().then(visitor().says("hello"));
    let now = then.clone().then(visitor().says("where is my parcel?"));
    let now = now.clone().then(now.asked_bot().answers("on its way"));
    let turn = then.asked_bot().turn;
    let revoked = Effect::RevokeTurn { turn, reason: RevokeReason::Superseded };
    assert_eq!(caught_up(&then, &now), [revoked]);
}

#[test]
fn control_that_went_away_and_came_back_is_a_new_lease_of_the_same_operator() {
    let then = Story::begins().then(ann().takes_over());
    let now = then.clone().then(ann().transfers_to(ben())).then(ben().transfers_to(ann()));
    assert_eq!(caught_up(&then, &now), [ann().hold(4)]);
    let now = then.clone().then(ann().releases()).then(ann().takes_over());
    assert_eq!(caught_up(&then, &now), [ann().hold(4)]);
}

#[test]
fn a_missed_hand_back_lets_the_operator_go() {
    let then = Story::begins().then(ann().takes_over());
    let now = then
        .clone()
        .then(ann().transfers_to(ben()))
        .then(visitor().says("hello"))
        .then(ben().is_lost(3));
    let asked = now.asked_bot().asked();
    assert_eq!(caught_up(&then, &now), [ann().let_go(), Effect::HandBack, asked]);
}
