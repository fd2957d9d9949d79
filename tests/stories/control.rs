//! Who answers: claims and refusals, leases, and what each side is shown of it.

use vigie::core::site::LeaseEnd;
use vigie_client::{ClientEvent, as_visitor, new_key};
use vigie_protocol::card::Window;
use vigie_protocol::error::ErrorCode;
use vigie_protocol::event::{
    Author, Control, ControlCause, ControlChange, Event, EventBody, Holder, Offset,
};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Connect, Done, Intent, OperatorCard, Rank, Say, TakeOver, Typing};

use crate::support::{GLANCE, Person, Shop, Via, by_bot, over_every_transport, refusal, within};

/// Short enough to be waited for, long enough to come back within.
const LEASE: (&str, &str) = ("PRESENCE__OPERATOR_GRACE_MS", "300");

over_every_transport! {
    async fn tk3_a_session_that_an_operator_holds_is_refused_to_others_with_the_holder(via) {
        let shop = Shop::open().await;
        let ann = shop.operator(via, "ann", Rank::Agent).await;
        let bea = shop.operator(via, "bea", Rank::Admin).await;
        let mut visitor = talking(&shop, via).await;
        let session = visitor.session();
        let taken = ann.client.take_over(session).await.unwrap();
        let refused = refusal(bea.client.take_over(session).await);
        assert_eq!((refused.code, refused.retry), (ErrorCode::Held, false));
        assert!(refused.message.contains("Ann"), "{}", refused.message);
        let control: Control = serde_json::from_value(refused.data.unwrap()).unwrap();
        assert_eq!((control.epoch, control.holder), (taken.epoch, held_by("ann", "Ann")));
        assert_eq!(control.since, change_at(&ann, session, taken.offset).await.time);

        // Whoever holds it already is told so, and nothing happens.
        let again = ann.client.take_over(session).await.unwrap();
        assert_eq!(again.epoch, taken.epoch);
        ann.client.say_to(session, "Hello.", again.offset).await.unwrap();
        visitor.sees_message("Hello.").await;
        assert_eq!(changes(&visitor.seen).len(), 1);
    }
}

#[tokio::test]
async fn tk4_a_supervisor_takes_over_from_another_operator_by_force_and_with_a_reason() {
    let shop = Shop::open().await;
    let mut ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let ben = shop.operator(Via::WebSocket, "ben", Rank::Agent).await;
    let sue = shop.operator(Via::Json, "sue", Rank::Supervisor).await;
    let mut visitor = talking(&shop, Via::Json).await;
    let session = visitor.session();
    ann.client.subscribe(session, 0).await.unwrap();
    ann.client.take_over(session).await.unwrap();

    let by_agent = ben.client.take_over_by_force(session, "She is gone.").await;
    assert_eq!(refusal(by_agent).code, ErrorCode::Forbidden);
    for reason in [None, Some("  ".to_owned())] {
        let call = TakeOver { session, force: true, reason };
        assert_eq!(refusal(sue.client.call(&call).await).code, ErrorCode::InvalidParams);
    }
    let forced = sue.client.take_over_by_force(session, "A complaint.").await.unwrap();
    assert_eq!(forced.epoch, 3);

    let told = ann.sees("the loss of control", |event| epoch_of(event) == Some(3)).await;
    let EventBody::ControlChanged(change) = &told.body else { unreachable!() };
    assert_eq!(
        (change.cause, change.reason.as_deref()),
        (ControlCause::Forced, Some("A complaint."))
    );
    assert_eq!(change.holder, held_by("sue", "Sue"));
    assert_eq!(change.previous, held_by("ann", "Ann"));
    let late = refusal(ann.client.say_to(session, "One more thing.", told.offset).await);
    assert_eq!(late.code, ErrorCode::NotInControl);

    let told = visitor.sees("the change", |event| epoch_of(event) == Some(3)).await;
    let EventBody::ControlChanged(change) = &told.body else { unreachable!() };
    assert_eq!(change.reason, None, "visitors see no reason");
    let without_id = Holder::Operator { id: None, name: "Sue".into() };
    assert_eq!(change.holder, without_id, "visitors see no id");
    assert!(change.notice.as_ref().unwrap().contains("Sue"));
    assert!(!serde_json::to_string(&visitor.seen).unwrap().contains("\"ann\""));
}

#[tokio::test]
async fn tk7_control_is_transferred_to_an_operator_who_is_there_and_available() {
    let shop = Shop::open().await;
    let ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let mut bea = shop.operator(Via::WebSocket, "bea", Rank::Agent).await;
    let mut visitor = talking(&shop, Via::Json).await;
    let session = visitor.session();
    let to = |id: &str| id.parse().unwrap();
    let by_nobody = ann.client.transfer(session, to("bea"), None).await;
    assert_eq!(refusal(by_nobody).code, ErrorCode::NotInControl, "the bot is in control");
    ann.client.take_over(session).await.unwrap();

    let absent = ann.client.transfer(session, to("carl"), None).await;
    assert_eq!(refusal(absent).code, ErrorCode::OperatorUnavailable);
    bea.client.set_intent(Intent::Away).await.unwrap();
    // What an operator says of themselves goes by their own actor: asked until it is known.
    let away = |card: &OperatorCard| card.id.as_str() == "bea" && card.intent == Intent::Away;
    sees_operator(&ann, |operators| operators.iter().any(away)).await;
    let away = ann.client.transfer(session, to("bea"), None).await;
    assert_eq!(refusal(away).code, ErrorCode::OperatorUnavailable);

    bea.client.set_intent(Intent::Available).await.unwrap();
    bea.client.subscribe(session, 0).await.unwrap();
    let back = |card: &OperatorCard| card.id.as_str() == "bea" && card.intent == Intent::Available;
    sees_operator(&ann, |operators| operators.iter().any(back)).await;
    let reason = Some("She speaks Latvian.".into());
    let handed = ann.client.transfer(session, to("bea"), reason).await.unwrap();
    assert_eq!(handed.epoch, 3);
    let told = bea.sees("the transfer", |event| epoch_of(event) == Some(3)).await;
    let EventBody::ControlChanged(change) = &told.body else { unreachable!() };
    assert_eq!(change.cause, ControlCause::Transfer);
    assert_eq!(change.reason.as_deref(), Some("She speaks Latvian."));
    assert_eq!(change.holder, held_by("bea", "Bea"));
    bea.client.say_to(session, "Bea here.", told.offset).await.unwrap();
    visitor.sees_message("Bea here.").await;
    assert!(!visitor.seen.iter().skip_while(|e| epoch_of(e).is_none()).any(by_bot));
    let former = ann.client.say_to(session, "And Ann.", handed.offset).await;
    assert_eq!(refusal(former).code, ErrorCode::NotInControl);
}

#[tokio::test]
async fn tk8_a_supervisor_hands_another_operators_session_back_to_the_bot() {
    let shop = Shop::open().await;
    let ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let sue = shop.operator(Via::Json, "sue", Rank::Supervisor).await;
    let mut visitor = talking(&shop, Via::WebSocket).await;
    let session = visitor.session();
    let unheld = sue.client.revoke(session, "Nobody is there.").await;
    assert_eq!(refusal(unheld).code, ErrorCode::NotInControl);
    ann.client.take_over(session).await.unwrap();
    let by_agent = ann.client.revoke(session, "I must go.").await;
    assert_eq!(refusal(by_agent).code, ErrorCode::Forbidden);
    let without_reason = sue.client.revoke(session, " ").await;
    assert_eq!(refusal(without_reason).code, ErrorCode::InvalidParams);
    let revoked = sue.client.revoke(session, "Her shift is over.").await.unwrap();
    assert_eq!(revoked.epoch, 3);
    assert_eq!(visitor.sees_control_change().await.as_deref(), Some("Ann"));
    assert_eq!(visitor.sees_control_change().await, None);
    let event = change_at(&ann, session, revoked.offset).await;
    let EventBody::ControlChanged(change) = event.body else { panic!("{event:?}") };
    assert_eq!(change.cause, ControlCause::Revoke);
    assert_eq!(change.reason.as_deref(), Some("Her shift is over."));
    assert_eq!(event.author, Author::Operator { id: "sue".parse().ok(), name: "Sue".into() });
}

#[tokio::test]
async fn tk6_only_the_holder_releases() {
    let shop = Shop::open().await;
    let ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let sue = shop.operator(Via::Tcp, "sue", Rank::Admin).await;
    let visitor = talking(&shop, Via::Tcp).await;
    let session = visitor.session();
    assert_eq!(refusal(ann.client.release(session).await).code, ErrorCode::NotInControl);
    ann.client.take_over(session).await.unwrap();
    let refused = refusal(sue.client.release(session).await);
    assert_eq!(refused.code, ErrorCode::NotInControl);
    let control: Control = serde_json::from_value(refused.data.unwrap()).unwrap();
    assert_eq!((control.epoch, control.holder), (2, held_by("ann", "Ann")));
    assert_eq!(ann.client.release(session).await.unwrap().epoch, 3);
    let twice = refusal(ann.client.release(session).await);
    assert_eq!(twice.code, ErrorCode::NotInControl);
}

over_every_transport! {
    async fn tk11_an_operator_who_is_back_within_the_grace_time_goes_on_under_the_same_epoch(via) {
        let shop = Shop::open_with(&[("PRESENCE__OPERATOR_GRACE_MS", "4000")]).await;
        let ann = shop.operator(via, "ann", Rank::Agent).await;
        let mut ben = shop.operator(via, "ben", Rank::Agent).await;
        let mut visitor = talking(&shop, via).await;
        let session = visitor.session();
        ben.client.subscribe(session, 0).await.unwrap();
        let taken = ann.client.take_over(session).await.unwrap();
        drop(ann);
        sees_operator(&ben, |cards| cards[0].id.as_str() == "ann" && !cards[0].connected).await;
        let ann = shop.operator(via, "ann", Rank::Agent).await;
        let said = ann.client.say_to(session, "I am back.", taken.offset).await.unwrap();
        assert_eq!(said.epoch, taken.epoch);
        visitor.sees_message("I am back.").await;

        // Another session's lease that began later has run out: the first one is safe.
        let carl = shop.operator(via, "carl", Rank::Agent).await;
        let other = talking(&shop, via).await;
        ben.client.subscribe(other.session(), 0).await.unwrap();
        carl.client.take_over(other.session()).await.unwrap();
        drop(carl);
        ben.sees("carl's lease to expire", |event| lease_expired(event).is_some()).await;
        assert_eq!(ann.client.release(session).await.unwrap().epoch, taken.epoch + 1);
    }
}

#[tokio::test]
async fn tk11_one_socket_of_several_is_enough_to_keep_control() {
    let shop = Shop::open_with(&[LEASE]).await;
    let mut ben = shop.operator(Via::Tcp, "ben", Rank::Agent).await;
    let desk = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let phone = shop.operator(Via::Json, "ann", Rank::Agent).await;
    let visitor = talking(&shop, Via::Tcp).await;
    let session = visitor.session();
    let taken = desk.client.take_over(session).await.unwrap();
    drop(desk);
    let carl = shop.operator(Via::Tcp, "carl", Rank::Agent).await;
    let other = talking(&shop, Via::Tcp).await;
    ben.client.subscribe(other.session(), 0).await.unwrap();
    carl.client.take_over(other.session()).await.unwrap();
    drop(carl);
    ben.sees("carl's lease to expire", |event| lease_expired(event).is_some()).await;
    let said = phone.client.say_to(session, "Still me.", taken.offset).await.unwrap();
    assert_eq!(said.epoch, taken.epoch);
}

over_every_transport! {
    async fn tk11_when_the_lease_expires_the_bot_goes_on_and_the_visitor_is_told(via) {
        let shop = Shop::open_with(&[LEASE]).await;
        let ann = shop.operator(via, "ann", Rank::Agent).await;
        let mut ben = shop.operator(via, "ben", Rank::Agent).await;
        let mut visitor = talking(&shop, via).await;
        let session = visitor.session();
        ben.client.watch(Window::default()).await.unwrap();
        ann.client.take_over(session).await.unwrap();
        visitor.client.say("How long does shipping to France take?").await.unwrap();
        drop(ann);
        let expired = visitor.sees("the lease to expire", |e| lease_expired(e).is_some()).await;
        assert_eq!(expired.author, Author::System {});
        let change = lease_expired(&expired).unwrap();
        assert_eq!((change.epoch, change.holder.clone()), (3, Holder::Bot {}));
        assert!(change.notice.as_ref().unwrap().contains("Ann"), "{change:?}");
        // What the human left unanswered, the bot answers.
        visitor.sees_bot_answer().await;
        let card = ben.sees_card("the bot in control", |card| card.control.epoch == 3).await;
        assert_eq!(card.waiting, None, "by default nobody is asked to step in");

        // Whoever comes back too late is no longer in control.
        let ann = shop.operator(via, "ann", Rank::Agent).await;
        let late = refusal(ann.client.say_to(session, "Sorry.", 1000).await);
        assert_eq!(late.code, ErrorCode::NotInControl);
    }
}

#[tokio::test]
async fn tk11_the_lease_goes_with_control() {
    let shop = Shop::open_with(&[LEASE]).await;
    let ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let bea = shop.operator(Via::Tcp, "bea", Rank::Agent).await;
    let mut carl = shop.operator(Via::Json, "carl", Rank::Agent).await;
    let mut visitor = talking(&shop, Via::Tcp).await;
    let (session, other) = (visitor.session(), talking(&shop, Via::Tcp).await);
    carl.client.subscribe(other.session(), 0).await.unwrap();
    ann.client.take_over(session).await.unwrap();
    ann.client.take_over(other.session()).await.unwrap();
    let handed = ann.client.transfer(session, "bea".parse().unwrap(), None).await.unwrap();
    drop(ann);
    carl.sees("the lease that ann still had to expire", |e| lease_expired(e).is_some()).await;
    bea.client.say_to(session, "Bea here.", handed.offset).await.unwrap();
    visitor.sees_message("Bea here.").await;
    drop(bea);
    let expired = visitor.sees("bea's lease to expire", |e| lease_expired(e).is_some()).await;
    assert_eq!(lease_expired(&expired).unwrap().epoch, handed.epoch + 1);
}

#[tokio::test]
async fn tk11_all_sessions_of_an_operator_who_is_lost_go_back_to_the_bot() {
    let shop = Shop::open_with(&[LEASE]).await;
    let ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let mut visitors = vec![];
    for _ in 0..5 {
        let visitor = talking(&shop, Via::Tcp).await;
        ann.client.take_over(visitor.session()).await.unwrap();
        visitors.push(visitor);
    }
    drop(ann);
    for visitor in &mut visitors {
        visitor.sees("the lease to expire", |event| lease_expired(event).is_some()).await;
    }
    let ben = shop.operator(Via::Tcp, "ben", Rank::Agent).await;
    sees_operator(&ben, |cards| cards.len() == 1).await;
}

#[tokio::test]
async fn a_session_can_be_taken_over_while_its_visitor_is_away() {
    let shop = Shop::open_with(&[LEASE, ("PRESENCE__VISITOR_GRACE_MS", "20")]).await;
    let mut ben = shop.operator(Via::Tcp, "ben", Rank::Agent).await;
    let visitor = talking(&shop, Via::Tcp).await;
    let (session, resume) = (visitor.session(), visitor.resume());
    ben.client.subscribe(session, 0).await.unwrap();
    drop(visitor);
    ben.sees("visitor_left", |event| event.body == EventBody::VisitorLeft {}).await;
    ben.client.unsubscribe(session).await.unwrap();
    let taken = ben.client.take_over(session).await.unwrap();
    ben.client.say_to(session, "I looked it up: yes.", taken.offset).await.unwrap();

    let mut visitor = shop.visitor_with(Via::Json, resume.clone()).await;
    visitor.client.subscribe_own(0).await.unwrap();
    assert_eq!(visitor.sees_control_change().await.as_deref(), Some("Ben"));
    visitor.sees_message("I looked it up: yes.").await;
    drop((visitor, ben));

    // The lease ends although nobody is there to see it.
    let ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    sees_operator(&ann, |cards| cards.len() == 1).await;
    let mut visitor = shop.visitor_with(Via::Tcp, resume).await;
    visitor.client.subscribe_own(0).await.unwrap();
    visitor.sees("the lease to expire", |event| lease_expired(event).is_some()).await;
}

#[tokio::test]
async fn rs13_a_closed_session_is_read_but_not_changed() {
    let shop = Shop::open().await;
    let ann = shop.operator(Via::Tcp, "ann", Rank::Admin).await;
    let mut bea = shop.operator(Via::Json, "bea", Rank::Supervisor).await;
    let visitor = talking(&shop, Via::Tcp).await;
    let session = visitor.session();
    ann.client.take_over(session).await.unwrap();
    let said = ann.client.say_to(session, "Goodbye.", 1).await.unwrap();
    let closed = bea.client.close_session(session).await.unwrap();
    bea.client.subscribe(session, 0).await.unwrap();
    bea.sees("the close", |event| event.offset == closed.offset).await;
    assert_eq!(bea.seen.len() as u64, closed.offset);
    for refused in [
        ann.client.say_to(session, "One more thing.", closed.offset).await,
        ann.client.note(session, "A good customer.").await,
        ann.client.release(session).await,
        bea.client.take_over(session).await,
        visitor.client.say("Wait!").await,
        visitor.client.request_human().await,
        ann.client.close_session(session).await,
    ] {
        assert_eq!(refusal(refused).code, ErrorCode::SessionClosed);
    }
    let log = ann.client.history(Some(session), said.offset, 10).await.unwrap().events;
    assert_eq!(log.len(), 1, "{log:?}");
}

#[tokio::test]
async fn tk12_a_session_whose_operator_is_lost_is_offered_to_the_others_if_the_site_wants_it() {
    let mut shop = Shop::open_with(&[LEASE]).await;
    shop.settle(|settings| settings.lease_end = LeaseEnd::Reoffer).await;
    let ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let mut ben = shop.operator(Via::Json, "ben", Rank::Agent).await;
    let mut visitor = talking(&shop, Via::WebSocket).await;
    let session = visitor.session();
    ann.client.take_over(session).await.unwrap();
    ben.client.watch(Window::default()).await.unwrap();
    drop(ann);
    visitor.sees("the lease to expire", |event| lease_expired(event).is_some()).await;
    let asked = |event: &Event| event.body == EventBody::HumanRequested {};
    assert_eq!(visitor.sees("human_requested", asked).await.author, Author::System {});
    let card = ben.sees_card("a waiting visitor", |card| card.waiting.is_some()).await;
    assert_eq!((card.session, card.control.holder), (session, Holder::Bot {}));
    ben.client.take_over(session).await.unwrap();
    ben.sees_card("ben in control", |card| card.control.epoch == 4 && card.waiting.is_none()).await;
}

#[tokio::test]
async fn tk11_a_lease_also_expires_when_the_engine_restarts_and_the_operator_stays_away() {
    let mut shop = Shop::open_with(&[LEASE]).await;
    let ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let mut visitor = talking(&shop, Via::Tcp).await;
    let session = visitor.session();
    ann.client.take_over(session).await.unwrap();
    assert_eq!(visitor.sees_control_change().await.as_deref(), Some("Ann"));
    shop.kill().await;
    drop(ann);
    shop.reopen().await;
    let expired = visitor.sees("the lease to expire", |event| lease_expired(event).is_some()).await;
    let change = lease_expired(&expired).unwrap();
    assert!(change.notice.as_ref().unwrap().contains("Ann"), "{change:?}");
    let ben = shop.operator(Via::Tcp, "ben", Rank::Agent).await;
    assert_eq!(ben.client.take_over(session).await.unwrap().epoch, 4);
}

#[tokio::test]
async fn tk11_an_operator_who_comes_back_to_a_restarted_engine_is_still_in_control() {
    let mut shop = Shop::open_with(&[("PRESENCE__OPERATOR_GRACE_MS", "4000")]).await;
    let ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let visitor = talking(&shop, Via::Tcp).await;
    let session = visitor.session();
    let taken = ann.client.take_over(session).await.unwrap();
    shop.kill().await;
    shop.reopen().await;
    let done = ann.client.say_to(session, "We had a power cut.", taken.offset).await.unwrap();
    assert_eq!(done.epoch, taken.epoch);
    // A lease that has begun since has run out.
    let mut ben = shop.operator(Via::Tcp, "ben", Rank::Agent).await;
    // Somebody watches over hers again.
    let ann_holds_it = |cards: &[OperatorCard]| cards[0].sessions == 1;
    sees_operator(&ben, ann_holds_it).await;
    let carl = shop.operator(Via::Tcp, "carl", Rank::Agent).await;
    let other = talking(&shop, Via::Tcp).await;
    ben.client.subscribe(other.session(), 0).await.unwrap();
    carl.client.take_over(other.session()).await.unwrap();
    drop(carl);
    ben.sees("carl's lease to expire", |event| lease_expired(event).is_some()).await;
    assert_eq!(ann.client.release(session).await.unwrap().epoch, taken.epoch + 1);
}

over_every_transport! {
    async fn sn8_an_answer_to_what_is_no_longer_the_last_word_is_refused_until_confirmed(via) {
        let shop = Shop::open().await;
        let ann = shop.operator(via, "ann", Rank::Agent).await;
        let mut visitor = talking(&shop, via).await;
        let session = visitor.session();
        ann.client.take_over(session).await.unwrap();
        let seen = visitor.client.say("Is it in stock?").await.unwrap().offset;
        visitor.client.say("In blue?").await.unwrap();
        let head = visitor.client.say("And in red?").await.unwrap().offset;
        let key = new_key();
        let say = |confirm| Say {
            session: Some(session),
            key: key.clone(),
            text: "Yes.".into(),
            seen: Some(seen),
            confirm,
        };
        let refused = refusal(ann.client.call(&say(false)).await);
        assert_eq!(refused.code, ErrorCode::Unseen);
        assert_eq!(refused.data, Some(serde_json::json!({ "head": head, "unseen": 2 })));
        let done: Done = ann.client.call(&say(true)).await.unwrap();
        assert_eq!(done.offset, head + 1);
        assert_eq!(ann.client.call(&say(false)).await.unwrap(), done, "a retry is no second try");
        visitor.sees_message("Yes.").await;
    }
}

over_every_transport! {
    async fn notes_are_among_operators(via) {
        let shop = Shop::open().await;
        let ann = shop.operator(via, "ann", Rank::Agent).await;
        let mut ben = shop.operator(via, "ben", Rank::Agent).await;
        let mut visitor = talking(&shop, via).await;
        let session = visitor.session();
        ben.client.subscribe(session, 0).await.unwrap();
        let noted = ann.client.note(session, "A good customer.").await.unwrap();
        let is_note = |event: &Event| matches!(event.body, EventBody::Note { .. });
        assert_eq!(ben.sees("the note", is_note).await.offset, noted.offset);
        ann.client.take_over(session).await.unwrap();
        ann.client.say_to(session, "Hello.", noted.offset).await.unwrap();
        visitor.sees_message("Hello.").await;
        let history = visitor.client.history(None, 0, 100).await.unwrap().events;
        for log in [&visitor.seen, &history] {
            assert!(!log.is_empty() && !log.iter().any(is_note), "{log:?}");
            assert!(!serde_json::to_string(log).unwrap().contains("good customer"));
        }
    }
}

#[tokio::test]
async fn rs9_observing_leaves_no_trace() {
    let shop = Shop::open().await;
    let mut ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let sue = shop.operator(Via::Json, "sue", Rank::Admin).await;
    let mut visitor = talking(&shop, Via::WebSocket).await;
    let session = visitor.session();
    for operator in [&ann, &sue] {
        operator.client.watch(Window::default()).await.unwrap();
        operator.client.subscribe(session, 0).await.unwrap();
        operator.client.history(Some(session), 0, 100).await.unwrap();
    }
    sue.client.unsubscribe(session).await.unwrap();
    visitor.client.say("Can I return a bag?").await.unwrap();
    visitor.sees_bot_answer().await;
    ann.sees("the bot's answer", by_bot).await;
    let log = ann.client.history(Some(session), 0, 100).await.unwrap().events;
    let by_operators = |event: &Event| matches!(event.author, Author::Operator { .. });
    assert!(!log.iter().any(by_operators), "{log:?}");
    assert!(visitor.seen.iter().all(|event| matches!(event.body, EventBody::Message(_))));
    assert!(!visitor.heard.iter().any(|heard| matches!(heard, ClientEvent::Typing(_))));
}

#[tokio::test]
async fn tk13_a_french_visitor_reads_the_notices_in_french() {
    let shop = Shop::open().await;
    let ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let bea = shop.operator(Via::Tcp, "bea", Rank::Supervisor).await;
    let connect = Connect { language: Some("fr-CA".into()), ..as_visitor(&*shop.site.key) };
    let mut visitor = shop.visitor_as(Via::Json, connect, Default::default()).await;
    let session = visitor.session();
    visitor.client.subscribe_own(0).await.unwrap();
    ann.client.take_over(session).await.unwrap();
    bea.client.take_over_by_force(session, "A complaint.").await.unwrap();
    let last = bea.client.release(session).await.unwrap().epoch;
    visitor.sees("the last change", |event| epoch_of(event) == Some(last)).await;
    let notices: Vec<_> =
        changes(&visitor.seen).iter().filter_map(|change| change.notice.clone()).collect();
    assert_eq!(
        notices,
        [
            "Ann, de l'atelier Mésange, est maintenant avec vous.",
            "Bea, de l'atelier Mésange, est maintenant avec vous.",
            "Bea vous a rendu à Plume, notre assistante.",
        ]
    );
}

over_every_transport! {
    async fn tk14_a_visitor_who_asks_for_a_human_waits_until_one_takes_over(via) {
        let shop = Shop::open().await;
        let mut ann = shop.operator(via, "ann", Rank::Agent).await;
        ann.client.watch(Window::default()).await.unwrap();
        let mut visitor = talking(&shop, via).await;
        let session = visitor.session();
        let asked = visitor.client.request_human().await.unwrap();
        let event = visitor.sees("the wish", |e| e.body == EventBody::HumanRequested {}).await;
        assert_eq!((event.offset, event.author), (asked.offset, Author::Visitor {}));
        let card = ann.sees_card("a waiting visitor", |card| card.waiting.is_some()).await;
        assert_eq!(card.waiting, Some(event.time));
        assert_eq!(visitor.client.request_human().await.unwrap().epoch, asked.epoch);

        ann.client.take_over(session).await.unwrap();
        let card = ann.sees_card("ann in control", |card| card.control.epoch == 2).await;
        assert_eq!(card.waiting, None);
        visitor.client.request_human().await.unwrap();
        let taken = ann.client.release(session).await.unwrap();
        visitor.sees("the release", |event| event.offset == taken.offset).await;
        let wishes = |e: &&Event| e.body == EventBody::HumanRequested {};
        assert_eq!(visitor.seen.iter().filter(wishes).count(), 1, "{:?}", visitor.seen);
    }
}

over_every_transport! {
    async fn sg3_what_the_visitor_types_only_operators_read(via) {
        let shop = Shop::open().await;
        let mut ann = shop.operator(via, "ann", Rank::Agent).await;
        let mut visitor = talking(&shop, via).await;
        let session = visitor.session();
        let mut other_tab = shop.visitor_with(via, visitor.resume()).await;
        other_tab.client.subscribe_own(1).await.unwrap();
        ann.client.subscribe(session, 1).await.unwrap();

        let typed = || visitor.client.typing(None, Some("Do you ship to Lat".into()));
        let (author, text) = ann.until_again("the visitor typing", typing, typed).await;
        assert_eq!((author, text.as_deref()), (Author::Visitor {}, Some("Do you ship to Lat")));
        visitor.client.say("Do you ship to Latvia?").await.unwrap();
        visitor.sees_message("Do you ship to Latvia?").await;
        other_tab.sees_message("Do you ship to Latvia?").await;
        assert!(!visitor.heard.iter().any(|heard| typing(heard).is_some()), "not to who types");
        let told = other_tab.heard.iter().filter_map(typing);
        assert!(told.into_iter().all(|(_, text)| text.is_none()), "{:?}", other_tab.heard);
        let log = ann.client.history(Some(session), 0, 100).await.unwrap().events;
        assert!(!serde_json::to_string(&log).unwrap().contains("Do you ship to Lat\""));
    }
}

over_every_transport! {
    async fn sg4_the_visitor_sees_the_operator_in_control_typing_and_no_other(via) {
        let shop = Shop::open().await;
        let ann = shop.operator(via, "ann", Rank::Agent).await;
        let ben = shop.operator(via, "ben", Rank::Agent).await;
        let mut visitor = talking(&shop, via).await;
        let session = visitor.session();
        let types = Typing { session: Some(session), text: Some("secret".into()) };
        let refused = refusal(ben.client.call(&types).await);
        assert_eq!(refused.code, ErrorCode::NotInControl, "while the bot answers");
        ann.client.take_over(session).await.unwrap();
        let refused = refusal(ben.client.call(&types).await);
        assert_eq!(refused.code, ErrorCode::NotInControl, "while ann answers");
        let typed = async || ann.client.call(&types).await.unwrap();
        visitor.until_again("ann typing", typing, typed).await;
        let without_id = Author::Operator { id: None, name: "Ann".into() };
        let mut told = visitor.heard.iter().filter_map(typing);
        assert!(told.all(|told| told == (without_id.clone(), None)), "{:?}", visitor.heard);
    }
}

/// A visitor who follows their own session. The log's first event is not for visitors; from there
/// on nothing is past, so that not even a signal is missed.
async fn talking(shop: &Shop, via: Via) -> Person {
    let visitor = shop.visitor(via).await;
    visitor.client.subscribe_own(1).await.unwrap();
    visitor
}

fn held_by(id: &str, name: &str) -> Holder {
    Holder::Operator { id: id.parse().ok(), name: name.into() }
}

/// The event at an offset, as operators see it.
async fn change_at(operator: &Person, session: SessionId, offset: Offset) -> Event {
    let page = operator.client.history(Some(session), offset - 1, 1).await.unwrap();
    page.events.into_iter().next().expect("an event at that offset")
}

fn changes(log: &[Event]) -> Vec<&ControlChange> {
    log.iter()
        .filter_map(|event| match &event.body {
            EventBody::ControlChanged(change) => Some(change),
            _ => None,
        })
        .collect()
}

/// The epoch that an event begins.
fn epoch_of(event: &Event) -> Option<u64> {
    match &event.body {
        EventBody::ControlChanged(change) => Some(change.epoch),
        _ => None,
    }
}

fn lease_expired(event: &Event) -> Option<&ControlChange> {
    match &event.body {
        EventBody::ControlChanged(change) if change.cause == ControlCause::LeaseExpired => {
            Some(change)
        }
        _ => None,
    }
}

/// Asks for the operators until they are as expected.
async fn sees_operator(asker: &Person, expected: impl Fn(&[OperatorCard]) -> bool) {
    within("the operators to be as expected", async {
        while !expected(&asker.client.operators().await.unwrap().operators) {
            tokio::time::sleep(GLANCE).await;
        }
    })
    .await;
}

fn typing(heard: &ClientEvent) -> Option<(Author, Option<String>)> {
    match heard {
        ClientEvent::Typing(signal) => Some((signal.author.clone(), signal.text.clone())),
        _ => None,
    }
}
