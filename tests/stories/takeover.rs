//! The main job: watch a conversation, take it over, hand it back.

use vigie_protocol::card::{Card, Window};
use vigie_protocol::event::{Event, EventBody, Holder};
use vigie_protocol::method::Rank;

use crate::support::{Person, Shop, Via, by_bot, over_every_transport};
use vigie_client::ClientEvent;

over_every_transport! {
    async fn an_operator_watches_takes_over_answers_and_hands_back(via) {
        let shop = Shop::open().await;
        let mut ann = shop.operator(via, "ann", Rank::Agent).await;
        let empty = ann.client.watch(Window::default()).await.unwrap();
        assert_eq!(empty.totals.all, 0);

        // The visitor appears the moment they connect, and the bot answers from the knowledge.
        let mut visitor = shop.visitor(via).await;
        let session = visitor.session();
        let card = sees_card(&mut ann, |card| card.session == session).await;
        assert!(card.online && card.messages == 0, "{card:?}");
        visitor.client.subscribe_own(0).await.unwrap();
        visitor.client.say("How long does shipping to France take?").await.unwrap();
        let answer = visitor.sees_bot_answer().await;
        assert!(answer.contains("France") || answer.contains("day"), "{answer}");
        let card = sees_card(&mut ann, |card| card.messages == 2).await;
        assert!(answer.starts_with(&card.last.unwrap().text));

        // Observed unseen: the visitor's log tells nothing of it.
        ann.client.subscribe(session, 0).await.unwrap();
        ann.sees_message("How long does shipping to France take?").await;

        // Taken over: the visitor sees the name, and the bot is silent.
        let taken = ann.client.take_over(session).await.unwrap();
        assert_eq!(taken.epoch, 2);
        assert_eq!(visitor.sees_control_change().await.as_deref(), Some("Ann"));
        let asked = visitor.client.say("Are you a human?").await.unwrap();
        ann.sees_message("Are you a human?").await;
        ann.client.say_to(session, "I am. Ann here.", asked.offset).await.unwrap();
        let reply = visitor.sees_message("I am. Ann here.").await;
        assert!(!by_bot(visitor.seen.last().unwrap()), "{reply:?}");

        // Handed back: the bot goes on.
        let released = ann.client.release(session).await.unwrap();
        assert_eq!(released.epoch, 3);
        assert_eq!(visitor.sees_control_change().await, None);
        visitor.client.say("Can I return a bag?").await.unwrap();
        visitor.sees_bot_answer().await;

        no_bot_spoke_under_a_human(&visitor.seen);
        assert!(notices(&visitor.seen).iter().all(|notice| notice.contains("Ann")));
        let offsets: Vec<_> = visitor.seen.iter().map(|event| event.offset).collect();
        assert!(offsets.is_sorted_by(|a, b| a < b), "once, in order: {offsets:?}");
    }
}

async fn sees_card(operator: &mut Person, wanted: impl Fn(&Card) -> bool) -> Card {
    operator
        .until("a card", |heard| match heard {
            ClientEvent::Live(live) => live.upsert.iter().find(|card| wanted(card)).cloned(),
            ClientEvent::Snapshot(list) => list.cards.iter().find(|card| wanted(card)).cloned(),
            _ => None,
        })
        .await
}

fn no_bot_spoke_under_a_human(log: &[Event]) {
    let mut human = false;
    for event in log {
        if let EventBody::ControlChanged(change) = &event.body {
            human = matches!(change.holder, Holder::Operator { .. });
        }
        assert!(!(human && by_bot(event)), "the bot spoke under a human: {event:?}");
    }
}

fn notices(log: &[Event]) -> Vec<String> {
    log.iter()
        .filter_map(|event| match &event.body {
            EventBody::ControlChanged(change) => change.notice.clone(),
            _ => None,
        })
        .collect()
}
