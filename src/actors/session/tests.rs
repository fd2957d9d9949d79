//! What becomes of a session whose actor fails, or has retired.

use std::sync::Arc;
use std::task::{Context as Task, Waker};
use std::time::Duration;

use actix::prelude::*;
use uuid::Uuid;
use vigie_protocol::card::{Card, Window};
use vigie_protocol::event::VisitorContext;
use vigie_protocol::id::{SessionId, VisitorId};
use vigie_protocol::method::Watching;
use vigie_protocol::rpc::{self, Encoding, Id, Message};

use super::{Arrive, Leave, SessionActor};
use crate::actors::node::{Node, SiteHandle};
use crate::actors::site::Watch;
use crate::config::Config;
use crate::core::site::{Site, SiteSettings};
use crate::gateway::outbox::{ConnectionId, Next, Outbox, Reply};
use crate::log::sqlite::SqliteLog;
use crate::store::Store;
use crate::store::sqlite::SqliteStore;
use crate::visitor::VisitorData;

/// A fault in a handler, as a bug would be.
#[derive(Message)]
#[rtype("()")]
struct Fail;

impl Handler<Fail> for SessionActor {
    type Result = ();

    fn handle(&mut self, _: Fail, _: &mut Self::Context) {
        panic!("a handler fails, as this test wants it to");
    }
}

#[test]
fn a_session_whose_actor_fails_leaves_no_ghost_and_is_made_anew_from_its_log() {
    System::new().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let (node, site) = node(folder.path(), []).await;
        let session = SessionId::nth(visitor(), 1);

        let first = connection(1);
        node.session(session).send(arrive(&site, &first, true)).await.unwrap().unwrap();
        assert!(listed(&site, session).await.is_some_and(|card| card.online));

        let failing = node.session(session);
        assert!(failing.send(Fail).await.is_err());
        until(|| first.closing()).await;
        assert!(listed(&site, session).await.is_none(), "no ghost stays in the live list");

        let second = connection(2);
        node.session(session).send(arrive(&site, &second, false)).await.unwrap().unwrap();
        assert_ne!(node.session(session), failing);
        let card = listed(&site, session).await;
        assert_eq!(card.map(|card| card.offset), Some(1), "made from its log");
        assert!(!second.closing());
    });
}

#[test]
fn what_still_comes_to_an_actor_that_has_retired_changes_nothing_of_its_successor_s() {
    System::new().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let at_once = [("VIGIE__PRESENCE__VISITOR_GRACE_MS", "0")];
        let (node, site) = node(folder.path(), at_once).await;
        let session = SessionId::nth(visitor(), 1);

        let first = connection(1);
        let retiring = node.session(session);
        retiring.send(arrive(&site, &first, true)).await.unwrap().unwrap();
        retiring.send(Leave { connection: 1, visitor: true }).await.unwrap();
        until(|| node.sessions.get(&session).is_none()).await;

        let second = connection(2);
        node.session(session).send(arrive(&site, &second, false)).await.unwrap().unwrap();
        assert!(listed(&site, session).await.is_some_and(|card| card.online));
        retiring.send(Leave { connection: 1, visitor: true }).await.unwrap();
        assert!(listed(&site, session).await.is_some_and(|card| card.online), "still");
    });
}

fn visitor() -> VisitorId {
    VisitorId::from(Uuid::from_u128(7))
}

fn connection(id: ConnectionId) -> Arc<Outbox> {
    Outbox::new(id, Encoding::Json, 1 << 20, 0)
}

fn arrive(site: &Arc<SiteHandle>, outbox: &Arc<Outbox>, new: bool) -> Arrive {
    Arrive {
        site: Arc::clone(site),
        outbox: Arc::clone(outbox),
        visitor: visitor(),
        ordinal: 1,
        new,
        context: VisitorContext::default(),
        data: None,
    }
}

async fn node<const N: usize>(
    folder: &std::path::Path,
    environment: [(&str, &str); N],
) -> (Arc<Node>, Arc<SiteHandle>) {
    let file = folder.join("vigie.db");
    let log = SqliteLog::open(&file, Default::default()).unwrap();
    let store = SqliteStore::open(&file).unwrap();
    let site = Site {
        id: "shop".parse().unwrap(),
        name: "Shop".into(),
        key: "shop".into(),
        secret: "secret".into(),
        origins: vec![],
        native_clients: true,
        settings: SiteSettings::default(),
    };
    store.put_site(site).await.unwrap();
    let config =
        Config::load(None, environment.map(|(key, value)| (key.into(), value.into())).into_iter())
            .unwrap();
    let (log, store) = (Arc::new(log), Arc::new(store));
    let desk = Arbiter::current();
    let node = Node::new(config, log, store, None, VisitorData::load(None, None), desk);
    let site = node.site_by_key("shop").await.unwrap().unwrap();
    (node, site)
}

/// The session's card, as an operator who looks now sees it.
async fn listed(site: &SiteHandle, session: SessionId) -> Option<Card> {
    let outbox = Outbox::new(99, Encoding::Json, 1 << 20, 0);
    let reply = Reply::to_request(&outbox, Id::Number(1));
    let operator = "ann".parse().unwrap();
    site.actor.send(Watch { operator, window: Window::default(), reply }).await.unwrap();
    let Next::Frame(frame) = outbox.next(&Task::from_waker(Waker::noop())) else {
        panic!("a watcher is answered at once")
    };
    let Ok(Message::Response { outcome: Ok(watching), .. }) = rpc::decode(Encoding::Json, &frame)
    else {
        panic!("a watcher is answered: {frame:?}")
    };
    let watching: Watching = watching.decode().unwrap();
    watching.cards.into_iter().find(|card| card.session == session)
}

async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("what should happen");
}
