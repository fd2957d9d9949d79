//! Closed sessions leave the engine when their time has come.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;
use vigie::core::site::BotKind;
use vigie_client::{CallError, Client, as_visitor};
use vigie_protocol::error::ErrorCode;
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Connect, Rank, Rate};

use crate::support::{Person, Shop, Via, over_every_transport, refusal, text, within};

/// How long a disk may take that others write to: a file that is new to it waits for all of that.
const DISK_PATIENCE: Duration = Duration::from_secs(120);

over_every_transport! {
    async fn rs13_a_closed_session_is_archived_and_gone_after_its_time_and_an_open_one_stays(via) {
        let (shop, archive) = forgetful(300).await;
        let ann = shop.operator(via, "ann", Rank::Agent).await;
        let open = shop.visitor(via).await;
        open.client.say("I am still here").await.unwrap();
        let leaving = shop.visitor(via).await;
        let session = leaving.session();
        leaving.client.say("Où est ma commande ?").await.unwrap();
        let before = export(&shop, &[&session.to_string()]).await;
        assert!(before.contains("Où est ma commande ?"));
        leaving.client.end_session().await.unwrap();

        is_gone(&ann.client, session).await;
        for refused in [
            refusal(ann.client.subscribe(session, 0).await).code,
            refusal(ann.client.past(session, None, None).await).code,
        ] {
            assert_eq!(refused, ErrorCode::UnknownSession);
        }
        let dir = archive.path().to_str().unwrap();
        let archived = export(&shop, &["--archive", dir, &session.to_string()]).await;
        assert!(archived.starts_with(&before), "the same lines as before: {archived}");
        assert!(archived.lines().last().unwrap().contains("session_closed"));

        let kept = history(&ann, open.session()).await;
        assert!(kept.iter().any(|said| said == "I am still here"));
        open.client.say("and go on").await.unwrap();
    }
}

over_every_transport! {
    async fn cn8_who_returns_after_all_their_sessions_were_removed_starts_one_of_their_own(via) {
        let (mut shop, _archive) = forgetful(100).await;
        shop.settle(|settings| settings.bot = BotKind::Peer).await;
        let ann = shop.operator(via, "ann", Rank::Agent).await;
        let (mut resume, mut sessions) = (None, vec![]);
        for visit in 1..=3 {
            let visitor = shop.visitor_with(via, resume).await;
            let session = visitor.session();
            visitor.client.say(format!("visit {visit}")).await.unwrap();
            let card = ann.client.subscribe(session, 0).await.unwrap().card.unwrap();
            assert_eq!(card.ordinal, visit, "visits are counted on");
            assert_eq!(history(&ann, session).await, [format!("visit {visit}")]);
            resume = visitor.resume();
            sessions.push(session);
            visitor.client.end_session().await.unwrap();
            is_gone(&ann.client, session).await;
        }
        let ids: HashSet<_> = sessions.iter().collect();
        assert_eq!(ids.len(), 3, "an id names one session for ever");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rs13_who_speaks_to_a_session_that_was_removed_under_them_is_told_that_there_is_none() {
    let (shop, _archive) = forgetful(300).await;
    let ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let bea = shop.operator(Via::WebSocket, "bea", Rank::Agent).await;
    let visitor = shop.visitor(Via::Json).await;
    let session = visitor.session();
    let link = shop.link(Via::Tcp).await;
    let resume = visitor.resume();
    link.call(&Connect { resume, ..as_visitor(&*shop.site.key) }).await.unwrap();
    // Both keep the session's actor alive: it knows of nothing.
    bea.client.subscribe(session, 0).await.unwrap();
    visitor.client.end_session().await.unwrap();
    is_gone(&ann.client, session).await;

    let rate = Rate { score: 5, comment: None };
    within("the removal to be noticed", async {
        loop {
            match link.call(&rate).await {
                Err(CallError::Refused(error)) => {
                    assert!(
                        matches!(error.code, ErrorCode::LogUnavailable | ErrorCode::UnknownSession),
                        "{error:?}"
                    );
                    if error.code == ErrorCode::UnknownSession {
                        break;
                    }
                }
                // Those who were in the session are sent away, and find out when they return.
                Err(_) => break,
                Ok(done) => panic!("what is gone cannot be rated: {done:?}"),
            }
        }
    })
    .await;
    // Who follows it elsewhere finds out when they ask for what was said.
    within("the observer to be told", async {
        loop {
            match bea.client.subscribe(session, 0).await {
                Err(CallError::Refused(error)) if error.code == ErrorCode::UnknownSession => break,
                // Sent away with the others, they are on their way back.
                Err(_) => {}
                Ok(subscribed) => panic!("what is gone cannot be followed: {subscribed:?}"),
            }
        }
    })
    .await;
    let returned = shop.visitor_with(Via::Json, visitor.resume()).await;
    assert_ne!(returned.session(), session);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_archived_stays_until_it_can() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("archive");
    std::fs::write(&file, "in the way").unwrap();
    let shop = archiving_to(&file, 100).await;
    let ann = shop.operator(Via::Tcp, "ann", Rank::Agent).await;
    let visitor = shop.visitor(Via::Tcp).await;
    let session = visitor.session();
    visitor.client.say("keep me").await.unwrap();
    visitor.client.end_session().await.unwrap();
    // By hand it is told why; the engine tried more often meanwhile.
    let by_hand = vigie(&shop, &["retention", "run"])
        .env("VIGIE__RETENTION__KEEP_CLOSED_MS", "1")
        .env("VIGIE__RETENTION__ARCHIVE_DIR", &file)
        .output()
        .await
        .unwrap();
    assert!(!by_hand.status.success());
    let why = String::from_utf8(by_hand.stderr).unwrap();
    assert!(why.contains("retention.archive_dir"), "{why}");
    assert_eq!(history(&ann, session).await[0], "keep me");

    std::fs::remove_file(&file).unwrap();
    is_gone(&ann.client, session).await;
    let from = ["--archive", file.to_str().unwrap(), &session.to_string()];
    assert!(export(&shop, &from).await.contains("keep me"));
}

/// A shop that keeps closed sessions for so many milliseconds only, and its archive.
async fn forgetful(keep_closed_ms: u32) -> (Shop, TempDir) {
    let archive = tempfile::tempdir().unwrap();
    (archiving_to(archive.path(), keep_closed_ms).await, archive)
}

async fn archiving_to(archive: &Path, keep_closed_ms: u32) -> Shop {
    Shop::open_with(&[
        ("RETENTION__KEEP_CLOSED_MS", &keep_closed_ms.to_string()),
        ("RETENTION__ARCHIVE_DIR", archive.to_str().unwrap()),
    ])
    .await
}

/// Waits until the session's history is refused as that of a session that does not exist.
async fn is_gone(operator: &Client, session: SessionId) {
    let removal = async {
        while let Ok(page) = operator.history(Some(session), 0, 100).await {
            assert!(!page.events.is_empty(), "a session is there whole, or not at all");
            tokio::task::yield_now().await;
        }
    };
    timeout(DISK_PATIENCE, removal).await.expect("the session to be removed");
    let refused = refusal(operator.history(Some(session), 0, 100).await);
    assert_eq!(refused.code, ErrorCode::UnknownSession);
}

/// What was said in a session.
async fn history(operator: &Person, session: SessionId) -> Vec<String> {
    let events = operator.client.history(Some(session), 0, 100).await.unwrap().events;
    events.iter().map(text).filter(|text| !text.is_empty()).map(str::to_owned).collect()
}

async fn export(shop: &Shop, args: &[&str]) -> String {
    let done = vigie(shop, &[&["export"], args].concat()).output().await.unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// A command on the shop's data.
fn vigie(shop: &Shop, args: &[&str]) -> Command {
    shop.nodes[0].command(args)
}
