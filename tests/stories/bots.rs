//! Bots that serve over a socket: turns, answers, and the fence between bot and human.

use vigie::core::site::BotKind;
use vigie::identity::Role;
use vigie_client::{Client, ClientEvent, with_token};
use vigie_protocol::card::{BotState, Window};
use vigie_protocol::error::ErrorCode;
use vigie_protocol::event::{Author, BotFailure, Choice, ChoiceAction, Event, EventBody, Holder};
use vigie_protocol::method::{Answer, Draft, Rank};
use vigie_protocol::push::{HandedBack, RevokeReason, Turn, TurnRevoked};

use crate::support::{Person, Shop, Via, by_bot, over_every_transport, patient, refusal, text};

/// Soon enough to be waited for.
const SOON: (&str, &str) = ("BOTS__TURN_TIMEOUT_MS", "3000");

over_every_transport! {
    async fn bt2_a_turn_says_all_that_the_bot_needs_for_its_answer(via) {
        let shop = Shop::open().await;
        let mut bot = shop.bot(via).await;
        let mut visitor = talking(&shop, via).await;
        visitor.client.say("Hello.").await.unwrap();
        let first = sees_turn(&mut bot).await;
        bot.client.answer(&first, "Hello, visitor.", vec![]).await.unwrap();
        visitor.sees_bot_answer().await;
        let asked = visitor.client.say("Is the bag in stock?").await.unwrap();

        let turn = sees_turn(&mut bot).await;
        assert_eq!((turn.session, turn.epoch), (visitor.session(), 1));
        assert_eq!((turn.turn, turn.timeout), (asked.offset, 30_000));
        assert_eq!(turn.language.as_deref(), Some("en"));
        let texts: Vec<_> = turn.messages.iter().map(text).collect();
        assert_eq!(texts, ["Hello.", "Hello, visitor.", "Is the bag in stock?"]);
        assert!(!serde_json::to_string(&turn).unwrap().contains("\"key\""));

        let choice = Choice { label: "A human, please".into(), action: ChoiceAction::RequestHuman };
        let done = bot.client.answer(&turn, "It is.", vec![choice.clone()]).await.unwrap();
        assert_eq!((done.offset, done.epoch), (asked.offset + 1, 1));
        let event = visitor.sees_message("It is.").await;
        assert_eq!(event.author, Author::Bot { name: "Helper".into() });
        let EventBody::Message(message) = event.body else { unreachable!() };
        assert_eq!((message.turn, message.choices), (Some(asked.offset), vec![choice]));
    }
}

over_every_transport! {
    async fn bt5_the_same_answer_again_is_answered_alike_and_said_once(via) {
        let shop = Shop::open().await;
        let mut bot = shop.bot(via).await;
        let mut visitor = talking(&shop, via).await;
        visitor.client.say("Is the bag in stock?").await.unwrap();
        let turn = sees_turn(&mut bot).await;
        let done = bot.client.answer(&turn, "It is.", vec![]).await.unwrap();
        assert_eq!(bot.client.answer(&turn, "It is.", vec![]).await.unwrap(), done);
        let other = refusal(bot.client.answer(&turn, "It is not.", vec![]).await);
        assert_eq!(other.code, ErrorCode::StaleTurn);
        assert_eq!(other.data, Some(serde_json::json!({ "turn": null })));
        visitor.client.say("Thank you.").await.unwrap();
        visitor.sees_message("Thank you.").await;
        assert_eq!(visitor.seen.iter().filter(|event| by_bot(event)).count(), 1);
    }
}

over_every_transport! {
    async fn bt9_a_take_over_revokes_the_turn_at_once_and_its_answer_is_refused(via) {
        let shop = Shop::open().await;
        let mut bot = shop.bot(via).await;
        let ann = shop.operator(via, "ann", Rank::Agent).await;
        let mut visitor = talking(&shop, via).await;
        visitor.client.say("Is the bag in stock?").await.unwrap();
        let turn = sees_turn(&mut bot).await;
        let taken = ann.client.take_over(visitor.session()).await.unwrap();
        let revoked = sees_revoked(&mut bot).await;
        assert_eq!((revoked.session, revoked.turn), (turn.session, turn.turn));
        assert_eq!((revoked.epoch, revoked.reason), (taken.epoch, RevokeReason::TakenOver));

        let refused = refusal(bot.client.answer(&turn, "It is.", vec![]).await);
        assert_eq!(refused.code, ErrorCode::StaleEpoch);
        assert_eq!(refused.data, Some(serde_json::json!({ "epoch": taken.epoch })));
        let failed = refusal(bot.client.fail(&turn, None).await);
        assert_eq!(failed.code, ErrorCode::StaleEpoch);
        ann.client.say_to(turn.session, "It is.", taken.offset).await.unwrap();
        visitor.sees_message("It is.").await;
        assert!(!visitor.seen.iter().any(by_bot));

        // The answer stays stale when the bot is in control again: that is another epoch.
        ann.client.release(turn.session).await.unwrap();
        let refused = refusal(bot.client.answer(&turn, "It is.", vec![]).await);
        assert_eq!(refused.code, ErrorCode::StaleEpoch);
    }
}

over_every_transport! {
    async fn bt9_a_further_message_supersedes_the_turn(via) {
        let shop = Shop::open().await;
        let mut bot = shop.bot(via).await;
        let mut visitor = talking(&shop, via).await;
        visitor.client.say("Is the bag in stock?").await.unwrap();
        let first = sees_turn(&mut bot).await;
        visitor.client.say("The blue one.").await.unwrap();
        let revoked = sees_revoked(&mut bot).await;
        assert_eq!((revoked.turn, revoked.reason), (first.turn, RevokeReason::Superseded));
        let second = sees_turn(&mut bot).await;
        assert!(second.turn > first.turn && second.epoch == first.epoch);
        let refused = refusal(bot.client.answer(&first, "Which?", vec![]).await);
        assert_eq!(refused.code, ErrorCode::StaleTurn);
        assert_eq!(refused.data, Some(serde_json::json!({ "turn": second.turn })));
        bot.client.answer(&second, "The blue one is.", vec![]).await.unwrap();
        assert_eq!(visitor.sees_bot_answer().await, "The blue one is.");
    }
}

#[tokio::test]
async fn bt9_closing_the_session_revokes_the_turn() {
    let shop = Shop::open().await;
    let mut bot = shop.bot(Via::Tcp).await;
    let ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let visitor = talking(&shop, Via::Tcp).await;
    visitor.client.say("Never mind.").await.unwrap();
    let turn = sees_turn(&mut bot).await;
    ann.client.close_session(turn.session).await.unwrap();
    let revoked = sees_revoked(&mut bot).await;
    assert_eq!((revoked.turn, revoked.reason), (turn.turn, RevokeReason::Closed));
    let late = refusal(bot.client.answer(&turn, "As you wish.", vec![]).await);
    assert_eq!(late.code, ErrorCode::SessionClosed);
}

over_every_transport! {
    async fn bt14_drafts_are_shown_to_operators_and_not_to_visitors(via) {
        let shop = Shop::open().await;
        let mut bot = shop.bot(via).await;
        let mut ann = shop.operator(via, "ann", Rank::Agent).await;
        let mut visitor = talking(&shop, via).await;
        let session = visitor.session();
        ann.client.subscribe(session, 1).await.unwrap();
        visitor.client.say("Is the bag in stock?").await.unwrap();
        let turn = sees_turn(&mut bot).await;
        let draft = |turn: &Turn, epoch, text: &str| {
            Draft { session, epoch, turn: turn.turn, text: text.into() }
        };
        let drafting =
            async || bot.client.call(&draft(&turn, turn.epoch, "Let me see")).await.unwrap();
        ann.until_again("a draft", drafted, drafting).await;
        bot.client.answer(&turn, "Let me see: it is.", vec![]).await.unwrap();
        visitor.sees_bot_answer().await;
        assert!(!visitor.heard.iter().any(|heard| drafted(heard).is_some()));

        // SG6: what is no longer asked is shown to nobody, and the bot is told.
        let late = refusal(bot.client.call(&draft(&turn, 1, "On second thought")).await);
        assert_eq!(late.code, ErrorCode::StaleTurn);
        ann.client.take_over(session).await.unwrap();
        let late = refusal(bot.client.call(&draft(&turn, 1, "On third thought")).await);
        assert_eq!(late.code, ErrorCode::StaleEpoch);
        ann.sees_control_change().await;
        let told = (turn.turn, "Let me see".to_owned());
        assert!(ann.heard.iter().filter_map(drafted).all(|draft| draft == told), "{:?}", ann.heard);
    }
}

over_every_transport! {
    async fn bt11_a_hand_back_tells_the_bot_what_the_human_did(via) {
        let shop = Shop::open().await;
        let mut bot = shop.bot(via).await;
        let ann = shop.operator(via, "ann", Rank::Agent).await;
        let mut visitor = talking(&shop, via).await;
        let session = visitor.session();
        visitor.client.say("Before.").await.unwrap();
        let turn = sees_turn(&mut bot).await;
        bot.client.answer(&turn, "Bot.", vec![]).await.unwrap();
        let taken = ann.client.take_over(session).await.unwrap();
        let asked = visitor.client.say("Question.").await.unwrap();
        ann.client.note(session, "A secret.").await.unwrap();
        let said = ann.client.say_to(session, "Answer.", asked.offset).await.unwrap();
        let released = ann.client.release(session).await.unwrap();

        let stretch = sees_handed_back(&mut bot).await;
        assert_eq!((stretch.session, stretch.epoch), (session, released.epoch));
        assert!(!stretch.truncated);
        let offsets: Vec<_> = stretch.messages.iter().map(|event| event.offset).collect();
        assert_eq!(offsets, [taken.offset, asked.offset, said.offset, released.offset]);
        let ends = stretch.messages.last().unwrap();
        let EventBody::ControlChanged(change) = &ends.body else { panic!("{ends:?}") };
        assert_eq!(change.holder, Holder::Bot {});
        let known = serde_json::to_string(&stretch).unwrap();
        assert!(!known.contains("\"ann\"") && !known.contains("A secret."), "{known}");

        // The human had the last word: the bot is asked only when the visitor speaks again.
        let next = visitor.client.say("Thank you.").await.unwrap();
        let turn = sees_turn(&mut bot).await;
        assert_eq!((turn.turn, turn.epoch), (next.offset, released.epoch));
        bot.client.answer(&turn, "You are welcome.", vec![]).await.unwrap();
        visitor.sees_message("You are welcome.").await;
    }
}

#[tokio::test]
async fn bt11_a_long_human_stretch_lacks_its_beginning_and_says_so() {
    let shop = Shop::open().await;
    let mut bot = shop.bot(Via::Tcp).await;
    let ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let visitor = talking(&shop, Via::Tcp).await;
    let session = visitor.session();
    let taken = ann.client.take_over(session).await.unwrap();
    for n in 0..40 {
        let asked = visitor.client.say(format!("Question {n}?")).await.unwrap();
        ann.client.say_to(session, format!("Answer {n}."), asked.offset).await.unwrap();
    }
    let released = ann.client.release(session).await.unwrap();
    let stretch = sees_handed_back(&mut bot).await;
    assert!(stretch.truncated);
    let offsets: Vec<_> = stretch.messages.iter().map(|event| event.offset).collect();
    assert!(offsets.len() > 10 && offsets[0] > taken.offset, "{offsets:?}");
    assert!(offsets.windows(2).all(|pair| pair[1] == pair[0] + 1), "{offsets:?}");
    assert_eq!(offsets.last(), Some(&released.offset));
}

over_every_transport! {
    async fn bt12_what_the_human_left_unanswered_is_asked_after_the_hand_back(via) {
        let shop = Shop::open().await;
        let mut bot = shop.bot(via).await;
        let ann = shop.operator(via, "ann", Rank::Agent).await;
        let mut visitor = talking(&shop, via).await;
        let session = visitor.session();
        ann.client.take_over(session).await.unwrap();
        visitor.client.say("Are you there?").await.unwrap();
        let last = visitor.client.say("Hello?").await.unwrap();
        let released = ann.client.release(session).await.unwrap();
        let turn = sees_turn(&mut bot).await;
        assert_eq!((turn.turn, turn.epoch), (last.offset, released.epoch));
        let told = bot.heard.iter().filter(|heard| {
            matches!(heard, ClientEvent::HandedBack(_) | ClientEvent::Turn(_))
        });
        let told: Vec<_> = told.collect();
        assert!(
            matches!(told.as_slice(), [ClientEvent::HandedBack(_), ClientEvent::Turn(_)]),
            "BT10: no turn under a human, then the stretch, then the turn: {told:?}"
        );
        bot.client.answer(&turn, "The bot is.", vec![]).await.unwrap();
        assert_eq!(visitor.sees_bot_answer().await, "The bot is.");
    }
}

#[tokio::test]
async fn bt13_the_turn_of_a_bot_that_goes_is_asked_of_another_under_the_same_epoch() {
    let shop = Shop::open().await;
    let mut first = shop.bot_named(Via::Tcp, "first").await;
    let mut visitor = talking(&shop, Via::Tcp).await;
    visitor.client.say("Is the bag in stock?").await.unwrap();
    let turn = sees_turn(&mut first).await;
    let mut second = shop.bot_named(Via::Json, "second").await;
    drop(first);
    let again = sees_turn(&mut second).await;
    assert_eq!((again.session, again.epoch, again.turn), (turn.session, turn.epoch, turn.turn));
    second.client.answer(&again, "It is.", vec![]).await.unwrap();
    let answer = visitor.sees_message("It is.").await;
    assert_eq!(answer.author, Author::Bot { name: "Second".into() });
}

#[tokio::test]
async fn bt13_the_turn_of_the_last_bot_that_goes_is_asked_of_the_knowledge_bot() {
    let shop = Shop::open().await;
    let mut bot = shop.bot(Via::Tcp).await;
    let mut visitor = talking(&shop, Via::Tcp).await;
    visitor.client.say("How long does shipping to France take?").await.unwrap();
    sees_turn(&mut bot).await;
    drop(bot);
    let answer = visitor.sees("an answer", by_bot).await;
    assert_eq!(answer.author, Author::Bot { name: "Plume".into() });
}

#[tokio::test]
async fn bt13_a_session_stays_with_its_bot_whoever_joins() {
    let shop = Shop::open().await;
    let mut first = shop.bot_named(Via::Tcp, "first").await;
    let mut visitors = vec![];
    for _ in 0..8 {
        let visitor = talking(&shop, Via::Tcp).await;
        visitor.client.say("Hello.").await.unwrap();
        let turn = sees_turn(&mut first).await;
        first.client.answer(&turn, "Hello.", vec![]).await.unwrap();
        visitors.push(visitor);
    }
    let _second = shop.bot_named(Via::Tcp, "second").await;
    for visitor in &visitors {
        let asked = visitor.client.say("And now?").await.unwrap();
        let turn = sees_turn(&mut first).await;
        assert_eq!((turn.session, turn.turn), (visitor.session(), asked.offset));
    }
}

#[tokio::test]
async fn bt13_each_turn_is_asked_of_one_bot_only() {
    let shop = Shop::open().await;
    let mut bots = [
        shop.bot_named(Via::Tcp, "first").await,
        shop.bot_named(Via::WebSocket, "second").await,
        shop.bot_named(Via::Json, "third").await,
    ];
    let mut asked = vec![];
    let mut visitors = vec![];
    for _ in 0..12 {
        let visitor = talking(&shop, Via::Tcp).await;
        asked.push((visitor.session(), visitor.client.say("Hello.").await.unwrap().offset));
        visitors.push(visitor);
    }
    // Every bot follows every session: behind the last events it has heard all its turns.
    let ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let mut heard = vec![];
    for bot in &mut bots {
        for (session, _) in &asked {
            bot.client.subscribe(*session, 0).await.unwrap();
        }
    }
    for (session, _) in &asked {
        ann.client.close_session(*session).await.unwrap();
    }
    for bot in &mut bots {
        for _ in &asked {
            let closed = |event: &Event| matches!(event.body, EventBody::SessionClosed { .. });
            bot.sees("the close", closed).await;
        }
        heard.extend(bot.heard.iter().filter_map(turn_of).map(|t| (t.session, t.turn)));
    }
    heard.sort_unstable();
    asked.sort_unstable();
    assert_eq!(heard, asked);
}

over_every_transport! {
    async fn bt8_a_turn_that_nobody_answers_in_time_is_seen_to_have_failed(via) {
        let shop = Shop::open_with(&[SOON]).await;
        let mut bot = shop.bot(via).await;
        let mut ann = shop.operator(via, "ann", Rank::Agent).await;
        ann.client.watch(Window::default()).await.unwrap();
        let mut visitor = talking(&shop, via).await;
        let asked = visitor.client.say("Is the bag in stock?").await.unwrap();
        let turn = sees_turn(&mut bot).await;
        assert_eq!(turn.timeout, 3000);
        ann.sees_card("the bot at work", |card| card.bot == BotState::Answering).await;
        let (reason, at, _) = sees_failure(&mut visitor).await;
        assert_eq!((reason, at), (BotFailure::Timeout, asked.offset));
        ann.sees_card("the failure", |card| card.bot == BotState::Failed).await;
        let revoked = sees_revoked(&mut bot).await;
        assert_eq!((revoked.turn, revoked.reason), (turn.turn, RevokeReason::Timeout));
        let late = refusal(bot.client.answer(&turn, "It is.", vec![]).await);
        assert_eq!(late.code, ErrorCode::StaleTurn);

        // The next one gets its answer.
        visitor.client.say("Hello?").await.unwrap();
        let turn = sees_turn(&mut bot).await;
        if bot.client.answer(&turn, "It is.", vec![]).await.is_ok() {
            visitor.sees_message("It is.").await;
            ann.sees_card("the bot well again", |card| card.bot == BotState::Idle).await;
        }
    }
}

over_every_transport! {
    async fn bt7_a_bot_may_give_a_turn_up_and_only_operators_read_why(via) {
        let shop = Shop::open().await;
        let mut bot = shop.bot(via).await;
        let mut ann = shop.operator(via, "ann", Rank::Agent).await;
        let mut visitor = talking(&shop, via).await;
        ann.client.subscribe(visitor.session(), 0).await.unwrap();
        let asked = visitor.client.say("Is the bag in stock?").await.unwrap();
        let turn = sees_turn(&mut bot).await;
        bot.client.fail(&turn, Some("The model is overloaded.".into())).await.unwrap();
        let why = sees_failure(&mut ann).await;
        let detail = Some("The model is overloaded.".to_owned());
        assert_eq!(why, (BotFailure::Error, asked.offset, detail));
        assert_eq!(sees_failure(&mut visitor).await, (BotFailure::Error, asked.offset, None));
        visitor.client.say("Hello?").await.unwrap();
        let turn = sees_turn(&mut bot).await;
        bot.client.answer(&turn, "It is.", vec![]).await.unwrap();
        visitor.sees_message("It is.").await;
        let revoked = bot.heard.iter().any(|heard| matches!(heard, ClientEvent::TurnRevoked(_)));
        assert!(!revoked, "who gives up needs not be told");
    }
}

#[tokio::test]
async fn bt8_a_turn_that_can_be_asked_of_no_bot_is_seen_to_have_failed() {
    let mut shop = Shop::open_with(&[SOON]).await;
    shop.settle(|settings| settings.bot = BotKind::Peer).await;
    let mut ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    ann.client.watch(Window::default()).await.unwrap();
    let mut visitor = talking(&shop, Via::Json).await;
    let asked = visitor.client.say("Is anybody there?").await.unwrap();
    let failed = sees_failure(&mut visitor).await;
    assert_eq!(failed, (BotFailure::Unavailable, asked.offset, None));
    let card = ann.sees_card("the failure", |card| card.bot == BotState::Failed).await;
    assert_eq!(card.session, visitor.session());
}

#[tokio::test]
async fn bt8_a_bot_that_crashes_on_a_turn_again_and_again_does_not_put_its_failure_off() {
    let mut shop = Shop::open_with(&[("BOTS__TURN_TIMEOUT_MS", "2000")]).await;
    shop.settle(|settings| settings.bot = BotKind::Peer).await;
    let mut visitor = talking(&shop, Via::Json).await;
    let asked = visitor.client.say("A question that no bot survives.").await.unwrap();
    let mut left = 2000;
    let crashing = async {
        loop {
            let mut bot = shop.bot(Via::Tcp).await;
            let turn = sees_turn(&mut bot).await;
            assert!(turn.timeout <= left, "the time that is left: {turn:?}");
            left = turn.timeout;
        }
    };
    tokio::select! {
        (_, turn, _) = sees_failure(&mut visitor) => assert_eq!(turn, asked.offset),
        () = crashing => {}
    }
}

#[tokio::test]
async fn a_bot_that_comes_late_is_asked_what_waits() {
    let mut shop = Shop::open().await;
    shop.settle(|settings| settings.bot = BotKind::Peer).await;
    let mut visitor = talking(&shop, Via::Json).await;
    let asked = visitor.client.say("Is anybody there?").await.unwrap();
    let mut bot = shop.bot(Via::Tcp).await;
    let turn = sees_turn(&mut bot).await;
    assert_eq!((turn.session, turn.turn), (visitor.session(), asked.offset));
    bot.client.serve().await.unwrap();
    bot.client.answer(&turn, "I am.", vec![]).await.unwrap();
    visitor.sees_message("I am.").await;
    visitor.client.say("Good.").await.unwrap();
    let turn = sees_turn(&mut bot).await;
    assert_eq!(turn.messages.last().map(text), Some("Good."), "BT1: asked once, also now");
}

#[tokio::test]
async fn bt15_an_answer_counts_on_any_connection_of_the_sites_bots() {
    let shop = Shop::open().await;
    let mut bot = shop.bot(Via::Tcp).await;
    let mut visitor = talking(&shop, Via::Tcp).await;
    visitor.client.say("Is the bag in stock?").await.unwrap();
    let Turn { session, epoch, turn, .. } = sees_turn(&mut bot).await;
    let token = shop.token(Role::Bot, "helper", Some("Helper"), None, 60);
    let other = Client::connect(shop.endpoint(Via::Json), with_token(token), patient()).await;
    let answer = Answer { session, epoch, turn, text: "It is.".into(), choices: vec![] };
    other.unwrap().call(&answer).await.unwrap();
    visitor.sees_message("It is.").await;
}

#[tokio::test]
async fn an_open_turn_outlives_the_engine() {
    let mut shop = Shop::open().await;
    shop.settle(|settings| settings.bot = BotKind::Peer).await;
    let mut bot = shop.bot(Via::Tcp).await;
    let mut visitor = talking(&shop, Via::Json).await;
    visitor.client.say("Is the bag in stock?").await.unwrap();
    let before = sees_turn(&mut bot).await;
    shop.kill().await;
    shop.reopen().await;
    let again = sees_turn(&mut bot).await;
    assert_eq!((again.session, again.epoch, again.turn), (before.session, 1, before.turn));
    bot.client.answer(&again, "It is.", vec![]).await.unwrap();
    visitor.sees_message("It is.").await;
}

/// A visitor who follows their own session. The log's first event is not for visitors; from there
/// on nothing is past, so that not even a signal is missed.
async fn talking(shop: &Shop, via: Via) -> Person {
    let visitor = shop.visitor(via).await;
    visitor.client.subscribe_own(1).await.unwrap();
    visitor
}

fn turn_of(heard: &ClientEvent) -> Option<Turn> {
    match heard {
        ClientEvent::Turn(turn) => Some(turn.clone()),
        _ => None,
    }
}

async fn sees_turn(bot: &mut Person) -> Turn {
    bot.until("a turn", turn_of).await
}

async fn sees_revoked(bot: &mut Person) -> TurnRevoked {
    bot.until("the turn revoked", |heard| match heard {
        ClientEvent::TurnRevoked(revoked) => Some(revoked.clone()),
        _ => None,
    })
    .await
}

async fn sees_handed_back(bot: &mut Person) -> HandedBack {
    bot.until("the hand-back", |heard| match heard {
        ClientEvent::HandedBack(stretch) => Some(stretch.clone()),
        _ => None,
    })
    .await
}

/// Waits for a failure of the bot: why, at which turn, and what it said of it.
async fn sees_failure(person: &mut Person) -> (BotFailure, u64, Option<String>) {
    person
        .until("the bot's failure", |heard| match heard {
            ClientEvent::Event {
                event: Event { body: EventBody::BotFailed { turn, reason, detail, .. }, .. },
                ..
            } => Some((*reason, *turn, detail.clone())),
            _ => None,
        })
        .await
}

fn drafted(heard: &ClientEvent) -> Option<(u64, String)> {
    match heard {
        ClientEvent::Draft(signal) => Some((signal.turn, signal.text.clone())),
        _ => None,
    }
}
