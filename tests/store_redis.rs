//! What the store in Redis holds beyond the contract: over several nodes, in races, without Redis,
//! and with things in it that nobody expected.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{join_all, join3};
use vigie::accounts::{Secret, SecretHash};
use vigie::config;
use vigie::core::site::Site;
use vigie::redis::Redis;
use vigie::store::redis::{ARTICLES_BYTES_MAX, RedisStore};
use vigie::store::sqlite::SqliteStore;
use vigie::store::{
    Article, Entrant, FirstInvitation, Grants, INVITATIONS_MAX, Invitation, OperatorRecord,
    SIGN_INS_OF_ACCOUNT_MAX, Section, SignIn, Store, StoreError,
};
use vigie_protocol::event::Millis;
use vigie_protocol::id::SiteId;
use vigie_protocol::method::Rank;

use server::RedisServer;

#[path = "support/redis.rs"]
mod server;

const NOW: Millis = 1_800_000_000_000;
const HOUR: Millis = 60 * 60 * 1000;

/// The nodes' time-out of Redis where it is not meant to pass.
const PATIENT: Duration = Duration::from_secs(20);

/// The same where it is.
const HASTY: Duration = Duration::from_millis(200);

/// What a machine that is busy with other tests adds to it.
const SLACK: Duration = Duration::from_secs(5);

#[tokio::test]
async fn nodes_see_each_others_changes_at_once() {
    let [one, other] = nodes(&on(server::shared()));
    one.put_site(site("shop")).await.unwrap();
    assert_eq!(other.site_by_key("key-of-shop".into()).await, Ok(Some(site("shop"))));
    let code = hash();
    other.put_invitation(code, for_shop(), NOW).await.unwrap();
    let ana = entrant("ana");
    one.accept_invitation(code, ana.clone(), NOW).await.unwrap();
    assert_eq!(other.operators(id("shop")).await.unwrap()[0].id, ana.id);
    assert!(other.sign_in(ana.secret, NOW).await.unwrap().is_some());
    other.remove_sign_in(ana.secret).await.unwrap();
    assert_eq!(one.sign_in(ana.secret, NOW).await, Ok(None));
}

#[tokio::test]
async fn nodes_find_each_others_articles_at_once() {
    let [one, other] = nodes(&on(server::shared()));
    one.put_site(site("shop")).await.unwrap();
    for round in 0..20 {
        let (writer, reader) = if round % 2 == 0 { (&one, &other) } else { (&other, &one) };
        let text = format!("parcel in round{round}");
        writer.replace_articles(id("shop"), vec![article("a", &text)]).await.unwrap();
        assert_eq!(texts(reader, "parcel").await, [text.as_str()]);
        assert_eq!(texts(writer, "parcel").await, [text]);
    }
    one.replace_articles(id("shop"), vec![]).await.unwrap();
    assert_eq!(texts(&other, "parcel").await, [""; 0]);
}

#[tokio::test]
async fn a_search_ranks_as_the_embedded_store_does() {
    let home = tempfile::tempdir().unwrap();
    let embedded = SqliteStore::open(home.path().join("vigie.db")).unwrap();
    let [store] = nodes(&on(server::shared()));
    let texts =
        ["parcel parcel lost", "a parcel", "lost and found", "a long way to go home", "lost"];
    let articles: Vec<_> = texts.iter().map(|text| article(&text[..4], text)).collect();
    let mut found = Vec::new();
    for store in [&*store, &embedded as &dyn Store] {
        store.put_site(site("shop")).await.unwrap();
        store.replace_articles(id("shop"), articles.clone()).await.unwrap();
        found.push(store.search(id("shop"), words("parcel lost home"), None, 9).await.unwrap());
    }
    assert_eq!(found[0].len(), 5);
    assert_eq!(found[0], found[1]);
}

#[tokio::test]
async fn articles_of_many_pieces_are_found_whole_while_others_replace_them() {
    let [writer, reader, another] = nodes(&on(server::shared()));
    writer.put_site(site("shop")).await.unwrap();
    // Some 600 kB, which are three pieces.
    let many = |round: u32| -> Vec<Article> {
        let text = |n| format!("parcel {n} round{round} {}", "word ".repeat(100));
        (0..1000).map(|n| article(&n.to_string(), &text(n))).collect()
    };
    writer.replace_articles(id("shop"), many(0)).await.unwrap();
    // Fewer times than a reader begins anew.
    let replacing = async {
        for round in 1..8 {
            writer.replace_articles(id("shop"), many(round)).await.unwrap();
        }
    };
    let searching = async |store: &Arc<dyn Store>| {
        loop {
            let found = store.search(id("shop"), words("parcel"), None, 2000).await.unwrap();
            assert_eq!(found.len(), 1000);
            let round = |text: &str| text.split(' ').nth(2).unwrap().to_owned();
            let of = round(&found[0].text);
            assert!(found.iter().all(|passage| round(&passage.text) == of));
            if of == "round7" {
                break;
            }
        }
    };
    join3(replacing, searching(&reader), searching(&another)).await;
}

#[tokio::test]
async fn articles_that_were_replaced_leave_nothing_behind() {
    let config = on(server::shared());
    let [store] = nodes(&config);
    store.put_site(site("shop")).await.unwrap();
    for text in ["one", "two", "three"] {
        store.replace_articles(id("shop"), vec![article("a", text)]).await.unwrap();
    }
    let kept = keys(&config, "articles:*");
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(server::shared().cli(&["PTTL", &kept[0]]), "-1");
    // Pieces of a site that is not there stay for some minutes only.
    let refused = store.replace_articles(id("bank"), vec![article("a", "one")]).await;
    assert_eq!(refused, Err(StoreError::UnknownSite(id("bank"))));
    let left = keys(&config, "articles:bank:*");
    assert!(left.len() == 1 && life(&left[0]) > 0, "{left:?}");
}

#[tokio::test]
async fn a_site_holds_as_many_articles_as_it_may_and_no_more() {
    let [store] = nodes(&on(server::shared()));
    store.put_site(site("shop")).await.unwrap();
    store.replace_articles(id("shop"), vec![article("a", "parcel")]).await.unwrap();
    let large = article("a", &"x".repeat(ARTICLES_BYTES_MAX));
    let refused = store.replace_articles(id("shop"), vec![large]).await.unwrap_err().to_string();
    assert!(refused.contains("may have 64 MiB, and these have 65"), "{refused}");
    assert_eq!(texts(&store, "parcel").await, ["parcel"], "nothing was lost");
}

#[tokio::test]
async fn of_fifty_who_take_up_one_invitation_over_two_nodes_one_gets_it() {
    let stores: [_; 2] = nodes(&on(server::shared()));
    stores[0].put_site(site("shop")).await.unwrap();
    let code = hash();
    stores[0].put_invitation(code, for_shop(), NOW).await.unwrap();
    let entrants: Vec<_> = (0..50).map(|n| entrant(&format!("op-{n}"))).collect();
    let attempts = entrants
        .iter()
        .enumerate()
        .map(|(n, entrant)| stores[n % 2].accept_invitation(code, entrant.clone(), NOW));
    let outcomes = join_all(attempts).await;
    let late = Err(StoreError::UnknownInvitation);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == late).count(), 49);
    let winner = outcomes.iter().position(Result::is_ok).unwrap();
    let accounts = stores[1].accounts().await.unwrap();
    assert_eq!(accounts, [outcomes[winner].clone().unwrap()]);
    for (n, entrant) in entrants.iter().enumerate() {
        let signed_in = stores[n % 2].sign_in(entrant.secret, NOW).await.unwrap().is_some();
        assert_eq!(signed_in, n == winner);
    }
}

#[tokio::test]
async fn what_is_ones_only_stays_ones_only_when_two_nodes_race() {
    let stores: [_; 2] = nodes(&on(server::shared()));
    let sites = (0..20).map(|n| {
        let same_key = Site { key: "front".into(), ..site(&format!("site-{n}")) };
        stores[n % 2].put_site(same_key)
    });
    let taken = join_all(sites).await;
    assert_eq!(taken.iter().filter(|put| put.is_ok()).count(), 1);
    assert_eq!(taken.iter().filter(|put| **put == Err(StoreError::KeyTaken)).count(), 19);
    assert_eq!(stores[0].sites().await.unwrap().len(), 1);

    stores[0].put_site(site("shop")).await.unwrap();
    let codes: Vec<_> = (0..20).map(|_| hash()).collect();
    for code in &codes {
        stores[0].put_invitation(*code, for_shop(), NOW).await.unwrap();
    }
    let same_login = codes.iter().enumerate().map(|(n, code)| {
        let entrant = Entrant { login: "ana".into(), ..entrant(&format!("op-{n}")) };
        stores[n % 2].accept_invitation(*code, entrant, NOW)
    });
    let taken = join_all(same_login).await;
    assert_eq!(taken.iter().filter(|accepted| accepted.is_ok()).count(), 1);
    assert_eq!(
        taken.iter().filter(|accepted| **accepted == Err(StoreError::LoginTaken)).count(),
        19
    );
    assert_eq!(stores[1].operators(id("shop")).await.unwrap().len(), 1);
}

#[tokio::test]
async fn bounds_hold_when_two_nodes_race_for_the_last_places() {
    let stores: [_; 2] = nodes(&on(server::shared()));
    stores[0].put_site(site("shop")).await.unwrap();
    let put = |n: u32| stores[n as usize % 2].put_invitation(hash(), for_shop(), NOW);
    for outcome in join_all((0..INVITATIONS_MAX - 10).map(put)).await {
        outcome.unwrap();
    }
    let last = join_all((0..30).map(put)).await;
    assert_eq!(last.iter().filter(|put| put.is_ok()).count(), 10);
    let full = Err(StoreError::InvitationsFull);
    assert_eq!(last.iter().filter(|put| **put == full).count(), 20);

    let ana = with_ana(&stores[0]).await;
    let secrets: Vec<_> = (0..SIGN_INS_OF_ACCOUNT_MAX + 20).map(|_| hash()).collect();
    let signing_in = secrets.iter().enumerate().map(|(n, secret)| {
        stores[n % 2].put_sign_in(*secret, sign_in(&ana, NOW + n as Millis, NOW + HOUR))
    });
    join_all(signing_in).await;
    let left = join_all(secrets.iter().map(|secret| stores[0].sign_in(*secret, NOW))).await;
    let left = left.iter().filter(|found| found.as_ref().unwrap().is_some()).count();
    assert_eq!(left, SIGN_INS_OF_ACCOUNT_MAX as usize);
}

#[tokio::test]
async fn of_nodes_that_start_together_one_has_the_owners_invitation() {
    let stores: [_; 2] = nodes(&on(server::shared()));
    let codes: Vec<_> = (0..20).map(|_| hash()).collect();
    let offers = codes
        .iter()
        .enumerate()
        .map(|(n, code)| stores[n % 2].offer_first_invitation(*code, NOW + HOUR, NOW));
    let offers = join_all(offers).await;
    let kept = offers.iter().position(|offer| *offer == Ok(FirstInvitation::Kept)).unwrap();
    let earlier = offers.iter().filter(|offer| **offer == Ok(FirstInvitation::Earlier)).count();
    assert_eq!(earlier, 19, "{offers:?}");
    stores[0].accept_invitation(codes[kept], entrant("ana"), NOW).await.unwrap();
    assert!(stores[1].accounts().await.unwrap()[0].owner);
}

#[tokio::test]
async fn what_arrives_twice_is_done_once() {
    let config = on(server::shared());
    let [store] = nodes(&config);
    store.put_site(site("shop")).await.unwrap();
    store.replace_articles(id("shop"), vec![article("a", "parcel")]).await.unwrap();
    let (code, secret) = (hex(hash()), hash());
    let base = format!("{}:{{store}}:", config.prefix);
    let pointer = server::shared().cli(&["HGET", &format!("{base}articles"), "shop"]);
    let (version, pieces) = pointer.split_once(':').unwrap();
    let (now, expires) = (NOW.to_string(), (NOW + HOUR).to_string());
    let (hex, owner) = (hex(secret), r#"{"kind":"owner"}"#);
    let operations: [&[&str]; 4] = [
        &["put_invitation", &code, "owner", "", "", owner, &expires, &now, "1"],
        &["offer_first_invitation", &code, owner, &expires, &now],
        &["accept_invitation", "r", &code, &now, "ana", "ana", "pw", "Ana", &hex, &expires, "32"],
        &["replace_articles", "shop", version, pieces],
    ];
    let redis = Redis::open(&config).unwrap();
    let script = redis.script(include_str!("../src/store/redis/store.lua"));
    for operation in operations {
        let mut pipeline = redis::Pipeline::new();
        for _ in 0..2 {
            let mut call = script.call(std::slice::from_ref(&base));
            call.arg(operation);
            pipeline.add_command(call);
        }
        let answers = redis.run(0, &pipeline).await.unwrap();
        assert_eq!(answers[0], answers[1], "{operation:?}");
        let done = redis::Value::BulkString(b"done".to_vec());
        let first = answers[0].as_ref().unwrap().as_sequence().unwrap();
        assert_eq!(first[0], done, "{operation:?}");
    }
    assert_eq!(store.accounts().await.unwrap().len(), 1);
    assert_eq!(store.sign_in(secret, NOW).await.unwrap().unwrap().1.login, "ana");
    assert_eq!(texts(&store, "parcel").await, ["parcel"]);
}

#[tokio::test]
async fn sign_ins_leave_redis_by_themselves() {
    let config = on(server::shared());
    let [store] = nodes(&config);
    store.put_site(site("shop")).await.unwrap();
    let ana = with_ana(&store).await;
    let (short, long) = (hash(), hash());
    store.put_sign_in(short, sign_in(&ana, NOW, NOW + 40)).await.unwrap();
    gone(&config, "sign_in:*").await;
    gone(&config, "sign_ins:*").await;
    // Another puts itself after it, and one that is put off stays longer.
    store.put_sign_in(long, sign_in(&ana, NOW, NOW + HOUR)).await.unwrap();
    store.put_sign_in(short, sign_in(&ana, NOW, NOW + 40)).await.unwrap();
    store.renew_sign_in(long, NOW + 3 * HOUR).await.unwrap();
    for name in keys(&config, "sign_in*") {
        assert!(name.ends_with(&hex(short)) || life(&name) > 2 * HOUR as i64, "{name}");
    }
    assert!(store.sign_in(long, NOW + 2 * HOUR).await.unwrap().is_some());
}

#[tokio::test]
async fn all_that_the_store_keeps_is_in_one_slot_of_a_redis_cluster() {
    let mut server = RedisServer::start_with(&["--cluster-enabled", "yes"]);
    assert_eq!(server.cli(&["CLUSTER", "ADDSLOTSRANGE", "0", "16383"]), "OK");
    eventually("the cluster is up", || server.cli(&["CLUSTER", "INFO"]).contains("state:ok")).await;
    let url = server.url().replace("redis://", "redis+cluster://");
    let config = config::Redis { url: Some(url), ..on(&server) };
    let [one, other] = nodes(&config);
    one.put_site(site("shop")).await.unwrap();
    let ana = with_ana(&other).await;
    one.put_sign_in(hash(), sign_in(&ana, NOW, NOW + HOUR)).await.unwrap();
    one.replace_articles(id("shop"), vec![article("a", "parcel")]).await.unwrap();
    assert_eq!(texts(&other, "parcel").await, ["parcel"]);
    assert_eq!(other.set_password(ana.parse().unwrap(), "new".into(), None).await, Ok(true));
    let all = server.cli(&["--scan"]);
    let start = format!("{}:{{store}}:", config.prefix);
    assert!(all.lines().count() > 5 && all.lines().all(|key| key.starts_with(&start)), "{all}");
    server.kill();
}

#[test]
fn a_store_outlives_the_thread_that_asked_first() {
    let [store] = nodes(&on(server::shared()));
    for name in ["shop", "bank"] {
        let store = Arc::clone(&store);
        let asking = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(store.put_site(site(name)))
        });
        assert_eq!(asking.join().unwrap(), Ok(()));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(store.sites()).unwrap().len(), 2);
}

#[tokio::test]
async fn a_redis_that_does_not_answer_is_told_in_time_and_used_again_when_it_does() {
    // Killed, it loses nothing.
    let mut server = RedisServer::start_with(&["--appendfsync", "always"]);
    let config = on(&server);
    let [store] = nodes(&config::Redis { timeout: HASTY, ..config.clone() });
    let [patient] = nodes(&config);
    patient.put_site(site("shop")).await.unwrap();
    works(&store, &config).await;

    server.stop();
    fails_in_time(&store).await;
    server.cont();
    works(&store, &config).await;
    server.kill();
    fails_in_time(&store).await;
    server.restart();
    works(&store, &config).await;
    let [patient] = nodes(&config);
    assert_eq!(patient.site(id("shop")).await, Ok(Some(site("shop"))));
}

async fn fails_in_time(store: &Arc<dyn Store>) {
    let started = Instant::now();
    let failed = |error: StoreError| matches!(error, StoreError::Failed(_));
    assert!(failed(store.put_site(site("bank")).await.unwrap_err()));
    assert!(failed(store.site(id("shop")).await.unwrap_err()));
    assert!(failed(store.search(id("shop"), words("parcel"), None, 9).await.unwrap_err()));
    assert!(failed(store.replace_articles(id("shop"), vec![]).await.unwrap_err()));
    assert!(started.elapsed() < 4 * HASTY + SLACK, "{:?}", started.elapsed());
}

/// Works, at once or by and by, and what it has done is there. A hasty store may be answered too late
/// at any time, and is asked again.
async fn works(store: &Arc<dyn Store>, config: &config::Redis) {
    let working = async || {
        store.sites().await?;
        store.replace_articles(id("shop"), vec![article("a", "parcel")]).await?;
        store.search(id("shop"), words("parcel"), None, 9).await
    };
    let until = Instant::now() + Duration::from_secs(30);
    let found = loop {
        match working().await {
            Ok(found) => break found,
            Err(error) => assert!(Instant::now() < until, "it does not come back: {error}"),
        }
    };
    assert!(found.len() == 1 && found[0].text == "parcel", "{found:?}");
    let [patient] = nodes(config);
    assert_eq!(texts(&patient, "parcel").await, ["parcel"]);
}

#[tokio::test]
async fn no_error_tells_a_password_a_code_or_a_sites_secret() {
    let server = RedisServer::start();
    let config = on(&server);
    let [store] = nodes(&config);
    let [hasty] = nodes(&config::Redis { timeout: HASTY, ..config.clone() });
    store.put_site(site("shop")).await.unwrap();
    let ana = with_ana(&store).await;
    // It is connected from now on, so that it waits for answers.
    works(&hasty, &config).await;
    let (code, secret) = (hash(), hash());
    let name = |rest: &str| format!("{}:{{store}}:{rest}", config.prefix);

    let all = async |store: &Arc<dyn Store>| {
        let entrant = Entrant { secret, ..entrant("zoe") };
        let password = || "hash of secret-password".to_owned();
        [
            store.site(id("shop")).await.map(drop),
            store.sites().await.map(drop),
            store.put_site(site("shop")).await.map(drop),
            store.put_invitation(code, for_shop(), NOW).await,
            store.invitation(code, NOW).await.map(drop),
            store.accept_invitation(code, entrant, NOW).await.map(drop),
            store.set_password(ana.parse().unwrap(), password(), Some(secret)).await.map(drop),
            store.put_sign_in(secret, sign_in(&ana, NOW, NOW + HOUR)).await,
            store.sign_in(secret, NOW).await.map(drop),
        ]
    };
    let mut told = Vec::new();
    let mut tell = |outcomes: [Result<(), StoreError>; 9]| {
        let before = told.len();
        told.extend(outcomes.into_iter().filter_map(Result::err).map(|error| error.to_string()));
        assert!(told.len() > before, "nothing failed");
    };

    // What a newer version may have written.
    let newer = r#"{"id":"shop","key":"key-of-shop","secret":["secret of shop"]}"#;
    server.cli(&["HSET", &name("sites"), "shop", newer]);
    tell(all(&store).await);
    // What is none of its kinds.
    for key in ["sites", "invitations", "account:ana"] {
        server.cli(&["RENAME", &name(key), &name("kept")]);
        server.cli(&["SET", &name(key), "secret of shop"]);
        tell(all(&store).await);
        server.cli(&["RENAME", &name("kept"), &name(key)]);
    }
    // A Redis that does not let it.
    server.cli(&["ACL", "SETUSER", "default", "-evalsha", "-eval"]);
    tell(all(&store).await);
    server.cli(&["ACL", "SETUSER", "default", "+@all"]);
    server.stop();
    tell(all(&hasty).await);
    server.cont();

    // A Redis that does not know the commands, and quotes what it was asked.
    let renamed = ["--rename-command", "EVAL", "hidden", "--rename-command", "EVALSHA", "hidden2"];
    let other = RedisServer::start_with(&renamed);
    let [store] = nodes(&on(&other));
    let refused = store.put_sign_in(secret, sign_in(&ana, NOW, NOW + HOUR)).await.unwrap_err();
    assert!(refused.to_string().contains("unknown command"), "{refused}");
    told.push(refused.to_string());

    let secrets = [hex(code), hex(secret), "secret of shop".into(), "secret-password".into()];
    for text in &told {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "{text}");
        }
    }
}

/// A prefix of its own on this server.
fn on(server: &RedisServer) -> config::Redis {
    config::Redis {
        url: Some(server.url()),
        prefix: server::prefix(),
        connections: 2,
        timeout: PATIENT,
    }
}

/// The stores of several nodes.
fn nodes<const N: usize>(config: &config::Redis) -> [Arc<dyn Store>; N] {
    std::array::from_fn(|_| -> Arc<dyn Store> {
        Arc::new(RedisStore::open(Redis::open(config).unwrap()).unwrap())
    })
}

/// The store's keys on the shared server.
fn keys(config: &config::Redis, of: &str) -> Vec<String> {
    let pattern = format!("{}:{{store}}:{of}", config.prefix);
    let found = server::shared().cli(&["--scan", "--pattern", &pattern]);
    found.lines().map(str::to_owned).collect()
}

/// How many milliseconds a key has left.
fn life(key: &str) -> i64 {
    server::shared().cli(&["PTTL", key]).parse().unwrap()
}

async fn gone(config: &config::Redis, of: &str) {
    eventually(of, || keys(config, of).is_empty()).await;
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < until, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn id(id: &str) -> SiteId {
    id.parse().unwrap()
}

fn site(slug: &str) -> Site {
    Site {
        id: id(slug),
        name: format!("The {slug}"),
        key: format!("key-of-{slug}"),
        secret: format!("secret of {slug}"),
        origins: Vec::new(),
        native_clients: true,
        settings: Default::default(),
    }
}

fn article(slug: &str, text: &str) -> Article {
    let section = Section { heading: "About".into(), text: text.into() };
    let (slug, language, title) = (slug.into(), "en".into(), "Title".into());
    Article { slug, language, title, sections: vec![section] }
}

/// The texts that a search in the shop finds.
async fn texts(store: &Arc<dyn Store>, asked: &str) -> Vec<String> {
    let found = store.search(id("shop"), words(asked), None, 9).await.unwrap();
    found.into_iter().map(|passage| passage.text).collect()
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn for_shop() -> Invitation {
    let grants = Grants::Site { site: id("shop"), rank: Rank::Agent };
    Invitation { grants, expires: NOW + HOUR }
}

/// Makes ana's account as the owner's, without a sign-in.
async fn with_ana(store: &Arc<dyn Store>) -> String {
    let (code, ana) = (hash(), entrant("ana"));
    assert_eq!(store.put_first_invitation(code, NOW + HOUR).await, Ok(true));
    store.accept_invitation(code, ana.clone(), NOW).await.unwrap();
    store.remove_sign_in(ana.secret).await.unwrap();
    let operator = OperatorRecord { id: ana.id, name: ana.name, rank: Rank::Admin };
    store.put_operator(id("shop"), operator).await.unwrap();
    "ana".into()
}

fn entrant(login: &str) -> Entrant {
    Entrant {
        id: login.parse().unwrap(),
        login: login.into(),
        password: format!("hash of secret-password of {login}"),
        name: login.to_uppercase(),
        secret: hash(),
        expires: NOW + 2 * HOUR,
    }
}

fn sign_in(account: &str, started: Millis, expires: Millis) -> SignIn {
    SignIn { account: account.parse().unwrap(), started, expires }
}

fn hash() -> SecretHash {
    Secret::new().hash()
}

fn hex(hash: SecretHash) -> String {
    hash.bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}
