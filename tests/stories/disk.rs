//! The disk is full, fails or is damaged: nobody is told that something is kept when it is not.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;
use vigie_client::{CallError, Client, ClientEvent, Link, as_visitor, new_key, with_token};
use vigie_protocol::card::Window;
use vigie_protocol::error::ErrorCode;
use vigie_protocol::event::{Author, Event, EventBody, Holder, Offset};
use vigie_protocol::id::SessionId;
use vigie_protocol::method::{Answer, Rank, Say, Subscribe, TakeOver};
use vigie_protocol::push::Turn;

use crate::support::raw::get;
use crate::support::{Person, Shop, Via, only_alone, text, within};

/// A database with little room beside the demo's articles.
const SMALL: &[(&str, &str)] = &[("DATA__SIZE_MIB_MAX", "1"), ("BOTS__TURN_TIMEOUT_MS", "600000")];
const LARGE: &[(&str, &str)] = &[("DATA__SIZE_MIB_MAX", "64"), ("BOTS__TURN_TIMEOUT_MS", "600000")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_what_it_cannot_keep_and_keeps_what_it_acknowledged() {
    if only_alone("it fills the database of one engine") {
        return;
    }
    let mut shop = Shop::open_with(SMALL).await;
    let mut bot = shop.bot(Via::Tcp).await;
    let mut visitor = shop.visitor(Via::WebSocket).await;
    let session = visitor.session();
    let mut ann = shop.operator(Via::Json, "ann", Rank::Agent).await;
    visitor.client.subscribe_own(0).await.unwrap();
    bot.client.subscribe(session, 0).await.unwrap();
    ann.client.subscribe(session, 0).await.unwrap();
    assert_eq!(get(&shop, "/readyz", &[]).await.status, 200);

    let tab = another_tab(&shop, &visitor).await;
    let kept = fill(&tab).await;

    // Nobody's word is taken, however often it is sent, and it is told why and what to do.
    let refused = said("refused");
    for _ in 0..5 {
        is_refused(tab.call(&refused).await);
    }
    let last = kept.last().unwrap().1;
    is_refused(peer(&shop).await.call(&answer(session, last)).await);
    let desk = shop.link(Via::Tcp).await;
    desk.call(&with_token(shop.operator_token("bea", Rank::Agent))).await.unwrap();
    is_refused(desk.call(&TakeOver { session, force: false, reason: None }).await);
    is_refused(shop.link(Via::Tcp).await.call(&as_visitor(&*shop.site.key)).await);
    let problem = get(&shop, "/readyz", &[]).await;
    assert_eq!(problem.status, 503);
    assert!(problem.body.contains("the log is out of space"), "{problem:?}");
    assert_eq!(get(&shop, "/healthz", &[]).await.status, 200);

    // Who speaks by a client that sends again is not told anything yet.
    let mut waiting = {
        let client = visitor.client.clone();
        tokio::spawn(async move { client.say("Is anybody there?").await })
    };
    let early = timeout(Duration::from_millis(500), &mut waiting).await;
    assert!(early.is_err(), "nothing was kept, but: {early:?}");

    // What is there can be read and observed as ever, and nobody was shown anything else.
    let log = read_log(&ann.client, session).await;
    assert_eq!(by_visitor(&log), kept);
    let subscribed = desk.call(&Subscribe { session: Some(session), offset: 0 }).await.unwrap();
    assert_eq!(subscribed.offset, last);
    assert_eq!((subscribed.control.epoch, subscribed.control.holder), (1, Holder::Bot {}));
    let live = ann.client.watch(Window::default()).await.unwrap();
    assert_eq!(live.totals.all, 1, "{live:?}");
    assert_eq!(live.cards[0].messages, kept.len() as u64);
    ann.sees("the last that was kept", |event| event.offset == last).await;
    visitor.client.typing(None, Some("hello?".into())).await;
    ann.until("what the visitor types", |heard| match heard {
        ClientEvent::Typing(typing) => typing.text.as_ref().map(drop),
        _ => None,
    })
    .await;
    assert_eq!(ann.seen, log);
    bot.until("the turn of the last message", |heard| turn_of(heard, last)).await;
    let shown: Vec<_> = bot.seen.iter().map(|event| (event.offset, text(event))).collect();
    let there: Vec<_> = log.iter().map(|event| (event.offset, text(event))).collect();
    assert_eq!(shown, there);
    visitor.sees("the last that was kept", |event| event.offset == last).await;

    assert!(shop.close().await.success());
    shop.reopen_with(LARGE).await;
    let done = within("the message that was held back", waiting).await.unwrap().unwrap();
    assert_eq!(get(&shop, "/readyz", &[]).await.status, 200);
    visitor.sees_message("Is anybody there?").await;
    ann.sees_message("Is anybody there?").await;

    let after = read_log(&ann.client, session).await;
    assert_eq!(after[..log.len()], log, "nothing that was kept has changed");
    let all = [&kept[..], &[("Is anybody there?".to_owned(), done.offset)]].concat();
    assert_eq!(by_visitor(&after), all, "each once");
    assert_eq!(ann.seen, after[..ann.seen.len()], "without gap or repeat");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_database_is_refused_at_the_start_in_one_sentence() {
    if only_alone("it damages the database of one engine") {
        return;
    }
    let mut shop = Shop::open().await;
    let visitor = shop.visitor(Via::Tcp).await;
    for n in 0..50 {
        visitor.client.say(long_text(n, 8 * 1024)).await.unwrap();
    }
    assert!(shop.close().await.success());
    let file = shop.data().join("vigie.db");
    let all_in_one = "PRAGMA wal_checkpoint(TRUNCATE)";
    rusqlite::Connection::open(&file).unwrap().query_row(all_in_one, [], |_| Ok(())).unwrap();
    let sound = fs::read(&file).unwrap();
    assert!(sound.len() > 400 * 1024, "{}", sound.len());

    type Damage = fn(&Path, u64);
    let damages: [(&str, Damage); 3] = [
        ("overwritten in part", overwrite),
        ("cut off", |file, length| open(file).set_len(length / 2).unwrap()),
        ("another kind of file", |file, _| fs::write(file, "Dear diary,\n").unwrap()),
    ];
    for (what, damage) in damages {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("vigie.db");
        fs::write(&file, &sound).unwrap();
        damage(&file, sound.len() as u64);
        let damaged = fs::read(&file).unwrap();

        let serving = Command::new(env!("CARGO_BIN_EXE_vigie"))
            .args(["serve", "--demo"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .env("VIGIE__DATA__DIR", home.path())
            .env("VIGIE__HTTP__LISTEN", "127.0.0.1:0")
            .env("VIGIE__TCP__LISTEN", "127.0.0.1:0")
            .kill_on_drop(true)
            .output();
        let ended = within(format!("the end with a database {what}"), serving).await.unwrap();
        let told = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1), "{what}: {told}");
        assert_eq!(String::from_utf8(ended.stdout).unwrap(), "", "{what}: it serves nothing");
        assert_eq!(told.lines().count(), 1, "{what}: {told}");
        assert!(told.starts_with("vigie: ") && told.contains("damaged"), "{what}: {told}");
        assert!(told.contains(file.to_str().unwrap()), "{what}: {told}");
        assert!(told.contains("restore it from a backup"), "{what}: {told}");
        assert!(fs::read(&file).unwrap() == damaged, "{what}: it was written to");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_whose_end_could_not_be_kept_ends_when_the_log_is_well_again() {
    if only_alone("it locks the database of one engine") {
        return;
    }
    let shop = Shop::open_with(&[("BOTS__TURN_TIMEOUT_MS", "5000")]).await;
    let mut bot = shop.bot(Via::Tcp).await;
    let mut visitor = shop.visitor(Via::WebSocket).await;
    visitor.client.subscribe_own(0).await.unwrap();
    let asked = visitor.client.say("Is anybody there?").await.unwrap();
    bot.until("its turn", |heard| turn_of(heard, asked.offset)).await;

    // The bot is silent, and nothing can be written when its time is over.
    let file = rusqlite::Connection::open(shop.data().join("vigie.db")).unwrap();
    file.execute_batch("BEGIN IMMEDIATE").unwrap();
    readiness_becomes(&shop, 503).await;
    file.execute_batch("ROLLBACK").unwrap();
    readiness_becomes(&shop, 200).await;
    visitor
        .sees("that the bot has failed", |event| matches!(event.body, EventBody::BotFailed { .. }))
        .await;
}

/// Says things until not even the shortest is taken; returns all that were, with their offsets.
async fn fill(tab: &Link) -> Vec<(String, Offset)> {
    let mut kept = vec![];
    for bytes in [8 * 1024, 1024, 1] {
        loop {
            let say = said(&long_text(kept.len(), bytes));
            match tab.call(&say).await {
                Ok(done) => kept.push((say.text, done.offset)),
                Err(error) => break is_refused::<()>(Err(error)),
            }
        }
    }
    println!("{} messages were kept", kept.len());
    kept
}

/// Cut to the length that is wanted.
fn long_text(n: usize, bytes: usize) -> String {
    let mut text = format!("{n} {}", "and so on ".repeat(bytes / 10));
    text.truncate(bytes);
    text
}

fn said(text: &str) -> Say {
    Say { session: None, key: new_key(), text: text.into(), seen: None, confirm: false }
}

/// Longer than the shortest message of a visitor, key and all: where that finds no room, nor may this.
fn answer(session: SessionId, turn: Offset) -> Answer {
    let text = "an answer that is lost, ".repeat(10);
    Answer { session, epoch: 1, turn, text, choices: vec![] }
}

fn is_refused<T: std::fmt::Debug>(outcome: Result<T, CallError>) {
    let Err(CallError::Refused(refusal)) = outcome else { panic!("not refused: {outcome:?}") };
    assert_eq!(refusal.code, ErrorCode::LogUnavailable, "{refusal}");
    assert!(refusal.retry, "{refusal}");
    assert!(refusal.message.contains("out of space"), "{refusal}");
}

/// The visitor once more, by a client that sends nothing again.
async fn another_tab(shop: &Shop, visitor: &Person) -> Link {
    let tab = shop.link(Via::Tcp).await;
    let mut connect = as_visitor(&*shop.site.key);
    connect.resume = visitor.client.resume_token();
    tab.call(&connect).await.unwrap();
    tab
}

/// The bot once more, by a client that sends nothing again.
async fn peer(shop: &Shop) -> Link {
    let link = shop.link(Via::Tcp).await;
    let token = shop.token(vigie::identity::Role::Bot, "helper", Some("Helper"), None, 3600);
    link.call(&with_token(token)).await.unwrap();
    link
}

fn turn_of(heard: &ClientEvent, offset: Offset) -> Option<Turn> {
    match heard {
        ClientEvent::Turn(turn) if turn.turn == offset => Some(turn.clone()),
        _ => None,
    }
}

async fn read_log(operator: &Client, session: SessionId) -> Vec<Event> {
    let (mut log, mut after) = (vec![], 0);
    loop {
        let page = operator.history(Some(session), after, 500).await.unwrap();
        log.extend(page.events);
        match page.next {
            Some(next) => after = next,
            None => return log,
        }
    }
}

fn by_visitor(log: &[Event]) -> Vec<(String, Offset)> {
    log.iter()
        .filter(|event| matches!(event.author, Author::Visitor {}) && !text(event).is_empty())
        .map(|event| (text(event).to_owned(), event.offset))
        .collect()
}

fn open(file: &Path) -> fs::File {
    OpenOptions::new().write(true).open(file).unwrap()
}

fn overwrite(file: &Path, length: u64) {
    let mut file = open(file);
    file.seek(SeekFrom::Start(length / 2)).unwrap();
    file.write_all(&vec![0xAA; (length / 4) as usize]).unwrap();
}

async fn readiness_becomes(shop: &Shop, wanted: u16) {
    within(format!("/readyz to answer {wanted}"), async {
        while get(shop, "/readyz", &[]).await.status != wanted {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}
