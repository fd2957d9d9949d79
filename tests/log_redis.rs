//! What a log in Redis promises beyond `tests/log_contract.rs`: lost answers, servers that stop, die,
//! fill up or hand over, and what the other nodes hear.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::sync::mpsc;
use vigie::config;
use vigie::core::cluster::NodeId;
use vigie::core::end::LogEnd;
use vigie::log::redis::{APPENDS_QUEUED_MAX, RedisLog};
use vigie::log::{Append, AppendError, Log, LogError, READ_EVENTS_MAX};
use vigie::redis::{Redis, RedisFault, bucket};
use vigie_protocol::event::{CloseCause, Event, EventBody, Offset};
use vigie_protocol::id::SessionId;

use self::events::*;
use self::redis_server::groups::{RedisCluster, RedisSentinel, shared_cluster, wait_until};
use self::redis_server::{RedisServer, free_port, prefix, shared};
use self::way::Way;

#[path = "log_contract/events.rs"]
mod events;
#[path = "support/redis.rs"]
mod redis_server;
#[path = "log_redis/way.rs"]
mod way;

/// Long enough for a server to start, and for a machine under load to go on.
const PATIENT: Duration = Duration::from_secs(20);

/// Short enough to be waited for, where something is meant to be too late.
const HASTY: Duration = Duration::from_millis(400);

/// What an answer may take beyond its time-out on a machine with much to do.
const LITTLE: Duration = Duration::from_secs(5);

/// Where the child process of the story about TLS finds its server.
const CHILD_URL: &str = "VIGIE_TEST_REDIS_URL";

#[tokio::test]
async fn an_append_whose_answer_got_lost_is_made_once() {
    let way = Way::to(shared().port());
    let log = open(way.url(), PATIENT);
    log.append(start()).await.unwrap();

    way.lose_next_answer();
    let append = log.append(append(1, [said("once"), said("and only once")]));
    wait_until("the answer is lost", || way.lost() == 1);
    way.open();

    assert_eq!(append.await, Ok(()));
    assert_eq!(texts(&all(&log).await), ["once", "and only once"]);
    assert_eq!(way.lost(), 1);
}

#[tokio::test]
async fn an_append_whose_answer_got_lost_is_known_again_below_what_others_appended_since() {
    let way = Way::to(shared().port());
    let at = address(way.url(), PATIENT);
    let log = open_at(&at);
    let other = open_at(&config::Redis { url: Some(shared().url()), ..at });
    log.append(start()).await.unwrap();

    way.lose_next_answer();
    let first = log.append(append(1, [said("first")]));
    wait_until("the answer is lost", || way.lost() == 1);
    other.append(append(2, [said("on top of it")])).await.unwrap();
    way.open();

    assert_eq!(first.await, Ok(()));
    assert_eq!(texts(&all(&log).await), ["first", "on top of it"]);
}

#[tokio::test]
async fn a_start_whose_answer_got_lost_is_made_once() {
    let way = Way::to(shared().port());
    let log = open(way.url(), PATIENT);
    log.append(append_to(SessionId::nth(visitor(8), 1), 0, [started(visitor(8), 1)]))
        .await
        .unwrap();

    way.lose_next_answer();
    let start = log.append(start());
    wait_until("the answer is lost", || way.lost() == 1);
    way.open();

    assert_eq!(start.await, Ok(()));
    assert_eq!(all(&log).await.len(), 1);
    assert_eq!(log.sessions_of(shop(), visitor(7), None, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn while_redis_stands_still_appends_are_refused_in_time_and_nothing_is_doubled_after() {
    const SESSIONS: u128 = 40;
    let server = RedisServer::start();
    let [log, patient] = hasty_and_patient(server.url(), HASTY);
    let nth = |n| SessionId::nth(visitor(n), 1);
    for n in 0..SESSIONS {
        // Connected by this, it can ask a server that stands still.
        append_once(&log, append_to(nth(n), 0, [started(visitor(n), 1)])).await;
    }

    server.stop();
    for _ in 0..2 {
        let asked = Instant::now();
        let appends = (0..SESSIONS).map(|n| log.append(append_to(nth(n), 1, [said("hello")])));
        for refused in join_all(appends).await {
            let Err(AppendError::Log(LogError::Failed(why))) = refused else {
                panic!("{refused:?}")
            };
            assert!(why.contains("Redis does not answer"), "{why}");
        }
        assert!(asked.elapsed() < HASTY + LITTLE, "{:?}", asked.elapsed());
        assert!(log.health().is_err());
    }
    let read = log.read(nth(0), 0, 10).await;
    assert!(matches!(read, Err(LogError::Failed(_))), "{read:?}");

    server.cont();
    wait_until("the log is well again", || log.health().is_ok());
    for n in 0..SESSIONS {
        say_once(&patient, nth(n), 1, "hello").await;
        assert_eq!(texts(&patient.read(nth(n), 0, 10).await.unwrap()), ["hello"]);
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_once_after_redis_was_killed_under_load() {
    const SESSIONS: u128 = 20;
    const MESSAGES: usize = 200;
    let mut server = RedisServer::start_with(&["--appendfsync", "always"]);
    let log = Arc::new(open(server.url(), PATIENT));
    let nth = |n| SessionId::nth(visitor(n), 1);
    let (progress, mut made) = mpsc::unbounded_channel();
    let author = |n| {
        let (log, progress) = (Arc::clone(&log), progress.clone());
        tokio::spawn(async move {
            log.append(append_to(nth(n), 0, [started(visitor(n), 1)])).await.unwrap();
            for message in 0..MESSAGES {
                let append = append_to(nth(n), 1 + message as Offset, [said(message.to_string())]);
                // Acknowledged, by and by, without conflict: whoever else appends would be itself.
                log.append(append).await.unwrap();
                progress.send(()).unwrap();
            }
        })
    };
    let authors: Vec<_> = (0..SESSIONS).map(author).collect();
    for _ in 0..SESSIONS as usize * MESSAGES / 3 {
        made.recv().await.unwrap();
    }

    // Meanwhile what is on its way is asked again.
    server.restart();

    for author in authors {
        author.await.unwrap();
    }
    for n in 0..SESSIONS {
        let said = log.read(nth(n), 0, READ_EVENTS_MAX).await.unwrap();
        assert!(texts(&said).into_iter().eq((0..MESSAGES).map(|n| n.to_string())));
    }
}

#[tokio::test]
async fn redis_that_is_away_is_named_at_once_in_health_and_back_when_it_is() {
    // Killed, it loses nothing.
    let mut server = RedisServer::start_with(&["--appendfsync", "always"]);
    let [log, patient] = hasty_and_patient(server.url(), HASTY);
    append_once(&log, start()).await;
    assert_eq!(log.health(), Ok(()));

    server.kill();
    let asked = Instant::now();
    let refused = log.append(append(1, [said("to nobody")])).await;
    assert!(asked.elapsed() < HASTY + LITTLE);
    let Err(AppendError::Log(LogError::Failed(why))) = refused else { panic!("{refused:?}") };
    assert!(why.contains("Redis"), "{why}");
    let state = log.health().unwrap_err().to_string();
    assert!(state.contains("Redis does not answer"), "{state}");

    server.restart();
    wait_until("the log is well again", || log.health().is_ok());
    patient.append(append(1, [said("to somebody")])).await.unwrap();
    assert_eq!(texts(&all(&patient).await), ["to somebody"]);
}

#[tokio::test]
async fn a_full_redis_refuses_appends_as_full_and_heals_when_there_is_room() {
    let server = RedisServer::start();
    let log = open(server.url(), PATIENT);
    log.append(start()).await.unwrap();

    server.cli(&["config", "set", "maxmemory", "1"]);
    let full = log.append(append(1, [said("no room")])).await;
    assert!(matches!(full, Err(AppendError::Log(LogError::Full(_)))), "{full:?}");
    assert!(matches!(log.health(), Err(LogError::Full(_))));
    assert_eq!(all(&log).await.len(), 1, "what is there can be read");

    server.cli(&["config", "set", "maxmemory", "0"]);
    wait_until("the log is well again", || log.health().is_ok());
    log.append(append(1, [said("room")])).await.unwrap();
    assert_eq!(texts(&all(&log).await), ["room"]);
}

#[tokio::test]
async fn more_appends_than_may_wait_are_refused_as_busy_at_once() {
    let server = RedisServer::start();
    let log = open(server.url(), PATIENT);
    log.append(start()).await.unwrap();
    server.stop();

    let waiting: Vec<_> =
        (0..APPENDS_QUEUED_MAX).map(|_| log.append(append(1, [said("waits")]))).collect();
    let busy = log.append(append(1, [said("one too many")])).await;
    assert_eq!(busy, Err(AppendError::Log(LogError::Busy)));

    server.cont();
    let made = join_all(waiting).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(made, 1, "all the others are conflicts");
    assert_eq!(texts(&all(&log).await), ["waits"]);
}

#[tokio::test]
async fn the_attending_nodes_hear_what_was_appended_but_not_its_author() {
    hear(shared().url()).await;
}

#[tokio::test]
async fn in_a_redis_cluster_the_attending_nodes_hear_as_well() {
    hear(shared_cluster().url()).await;
}

async fn hear(url: String) {
    let (author, other) = (NodeId(1), NodeId(0xabc));
    let at = address(url, PATIENT);
    let redis = Redis::open(&at).unwrap();
    assert_eq!(redis.sharded().await, Ok(true), "Redis 7 has sharded channels");
    let lane = bucket(session());
    let mut attend = redis::Pipeline::new();
    attend.cmd("HSET").arg(redis.names().attendance(session())).arg("#").arg(2);
    attend.arg(author.to_string()).arg("1:0").arg(other.to_string()).arg("2:1");
    redis.run(lane, &attend).await.unwrap().remove(0).unwrap();

    let (pushed, mut heard) = mpsc::unbounded_channel();
    let mut subscriber = redis.subscriber(pushed).await.unwrap();
    let inboxes = [author, other].map(|node| redis.names().inbox(lane, node));
    subscriber.subscribe(inboxes.clone(), true).await.unwrap();

    let log = RedisLog::open(redis.clone(), Some(author)).unwrap();
    let began = append(0, [started(visitor(7), 1), said("hello")]);
    log.append(began.clone()).await.unwrap();
    let mut canary = redis::Pipeline::new();
    canary.cmd("SPUBLISH").arg(&inboxes[0]).arg("C");
    redis.run(lane, &canary).await.unwrap().remove(0).unwrap();

    let mut told = vec![b'E'];
    told.extend_from_slice(session().uuid().as_bytes());
    // The offset and the mark of the event before: there is none.
    told.extend_from_slice(&[0; 8 + 8]);
    for event in &began.events {
        let stored = event.to_stored();
        told.extend_from_slice(&u32::try_from(stored.len()).unwrap().to_be_bytes());
        told.extend_from_slice(&stored);
    }
    // The author's inbox has the canary, which was sent last, and nothing else.
    let mut messages = Vec::new();
    while messages.len() < 2 {
        let push = tokio::time::timeout(PATIENT, heard.recv()).await.unwrap().unwrap();
        if push.kind == redis::PushKind::SMessage {
            let parts: Vec<Vec<u8>> =
                push.data.into_iter().map(|part| redis::from_redis_value(part).unwrap()).collect();
            messages.push((String::from_utf8(parts[0].clone()).unwrap(), parts[1].clone()));
        }
    }
    let [of_author, of_other] = inboxes;
    assert_eq!(messages, [(of_other, told), (of_author, b"C".to_vec())]);
}

#[tokio::test]
async fn nothing_follows_an_event_that_the_log_has_lost_though_it_has_grown_again_since() {
    let log = open(shared().url(), PATIENT);
    log.append(start()).await.unwrap();
    let lost = append(1, [said("it was there")]);
    let end = |append: &Append| LogEnd::of(append.events.last().unwrap()).mark;
    let there = append(1, [said("it has taken its place")]);
    log.append(there.clone()).await.unwrap();

    let on = |mark, text| Append { mark, ..append(2, [said(text)]) };
    let refused = log.append(on(end(&lost), "on what is gone")).await;
    assert!(
        matches!(&refused, Err(AppendError::Log(LogError::Failed(why))) if why.contains("another event")),
        "{refused:?}"
    );
    log.append(on(end(&there), "on what is there")).await.unwrap();
    let all = all(&log).await;
    assert_eq!(texts(&all[1..]), ["it has taken its place", "on what is there"]);
}

#[tokio::test]
async fn a_script_that_the_server_has_forgotten_is_sent_again() {
    let server = RedisServer::start();
    let log = open(server.url(), PATIENT);
    log.append(start()).await.unwrap();
    server.cli(&["script", "flush"]);
    log.append(append(1, [said("hello")])).await.unwrap();
    assert_eq!(texts(&all(&log).await), ["hello"]);
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_damage_where_it_stands_and_nowhere_else() {
    let at = address(shared().url(), PATIENT);
    let log = open_at(&at);
    let key = Redis::open(&at).unwrap().names().events(session());
    log.append(start()).await.unwrap();
    log.append(append(1, [said("a"), said("b")])).await.unwrap();

    shared().cli(&["xdel", &key, "2-0"]);
    let damaged = log.read(session(), 0, 10).await;
    let Err(LogError::Damaged(why)) = damaged else { panic!("{damaged:?}") };
    assert!(why.contains("event 2"), "{why}");
    assert_eq!(texts(&log.read(session(), 2, 10).await.unwrap()), ["b"]);

    shared().cli(&["xadd", &key, "4-0", "e", "garbage", "a", "12345678"]);
    assert!(matches!(log.read(session(), 3, 10).await, Err(LogError::Damaged(_))));
    let other = SessionId::nth(visitor(8), 1);
    log.append(append_to(other, 0, [started(visitor(8), 1)])).await.unwrap();
    assert_eq!(log.health(), Ok(()));
}

#[tokio::test]
async fn a_removal_that_was_broken_off_is_finished_by_who_looks_for_expired_sessions() {
    let at = address(shared().url(), PATIENT);
    let log = open_at(&at);
    log.append(append(0, [started(visitor(7), 1), closed()])).await.unwrap();
    // As the first step leaves it.
    let names = Redis::open(&at).unwrap().names().clone();
    let (record, visitor_7) = (names.session(session()), visitor(7).to_string());
    shared().cli(&["del", &record, &names.events(session())]);
    let mark = ["removed", "1", "site", "shop", "visitor", &visitor_7, "ordinal", "1"];
    shared().cli(&[&["hset", record.as_str()][..], &mark].concat());
    assert_eq!(log.removed(shop(), visitor(7)).await, Ok(0));

    assert_eq!(log.expired(u64::MAX, 10).await, Ok(vec![]));

    assert_eq!(log.removed(shop(), visitor(7)).await, Ok(1));
    assert_eq!(shared().cli(&["zcard", &names.closed(bucket(session()))]), "0");
    assert!(shared().cli(&["ttl", &record]).parse::<i64>().unwrap() > 0, "the mark goes some day");
    assert!(log.append(start()).await.is_err());
}

#[tokio::test]
async fn a_number_that_was_removed_is_not_used_again_when_the_mark_is_gone() {
    let at = address(shared().url(), PATIENT);
    let log = open_at(&at);
    log.append(append(0, [started(visitor(7), 1), closed()])).await.unwrap();
    assert_eq!(log.remove(session(), None).await, Ok(true));
    let record = Redis::open(&at).unwrap().names().session(session());
    assert_eq!(shared().cli(&["del", &record]), "1");

    let refused = log.append(start()).await;
    assert!(matches!(refused, Err(AppendError::Log(LogError::Failed(_)))), "{refused:?}");
    assert!(log.append(append(2, [said("after all")])).await.is_err());
    assert_eq!(log.session(session()).await, Ok(None));
}

#[tokio::test]
async fn in_a_redis_cluster_one_server_that_stands_still_does_not_stop_the_others() {
    const SESSIONS: u128 = 60;
    let mut cluster = RedisCluster::start();
    // Not so hasty that the servers that go on would be too late as well.
    let [log, patient] = hasty_and_patient(cluster.url(), LITTLE);
    let nth = |n| SessionId::nth(visitor(n), 1);
    for n in 0..SESSIONS {
        append_once(&log, append_to(nth(n), 0, [started(visitor(n), 1)])).await;
    }
    cluster.servers()[0].stop();
    let appends = (0..SESSIONS).map(|n| log.append(append_to(nth(n), 1, [said("hello")])));
    let made = join_all(appends).await;
    let refused = made.iter().filter(|answer| answer.is_err()).count();
    assert!((1..SESSIONS as usize).contains(&refused), "{refused} of {SESSIONS} were refused");

    cluster.servers()[0].cont();
    wait_until("the log is well again", || log.health().is_ok());
    for n in 0..SESSIONS {
        say_once(&patient, nth(n), 1, "hello").await;
        assert_eq!(texts(&patient.read(nth(n), 0, 10).await.unwrap()), ["hello"]);
    }
}

#[tokio::test]
async fn after_a_failover_by_sentinel_the_log_goes_on_at_the_new_master() {
    let group = RedisSentinel::start();
    let at = address(group.url(), PATIENT);
    let log = open_at(&at);
    log.append(start()).await.unwrap();
    log.append(append(1, [said("before")])).await.unwrap();
    let key = Redis::open(&at).unwrap().names().events(session());
    wait_until("the replica has it", || group.second.cli(&["xlen", &key]) == "2");

    group.fail_over();

    log.append(append(2, [said("after")])).await.unwrap();
    assert_eq!(texts(&all(&log).await), ["before", "after"]);
    assert_eq!(group.master(), group.second.port());
    assert_eq!(group.second.cli(&["xlen", &key]), "3");
}

#[tokio::test]
async fn a_password_is_given_and_a_wrong_one_is_refused_without_being_told() {
    let server = RedisServer::start_with(&["--requirepass", "op%en"]);
    let with = |password: &str| format!("redis://:{password}@127.0.0.1:{}", server.port());
    let log = open(with("op%25en"), PATIENT);
    log.append(start()).await.unwrap();
    assert_eq!(all(&log).await.len(), 1);

    let redis = Redis::open(&address(with("hunter2"), PATIENT)).unwrap();
    let refused = redis.ping().await.unwrap_err();
    assert!(matches!(refused, RedisFault::Failed(_)), "{refused:?}");
    assert!(refused.to_string().contains("assword"), "{refused}");
    let asked = Instant::now();
    let log = RedisLog::open(redis.clone(), None).unwrap();
    let error = log.append(start()).await.unwrap_err();
    assert!(asked.elapsed() < PATIENT / 2, "asking again would not help");
    for said in [refused.to_string(), error.to_string(), format!("{redis:?} {refused:?} {error:?}")]
    {
        assert!(!said.contains("hunter2"), "{said}");
    }

    let none = Redis::open(&address(server.url(), PATIENT)).unwrap().ping().await.unwrap_err();
    assert!(matches!(none, RedisFault::Failed(_)), "{none:?}");
}

#[test]
fn over_tls_the_log_is_kept_where_the_certificate_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    certify(folder.path());
    let path = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let server = RedisServer::start_with_each(|| {
        let settings = [
            ("--tls-port", free_port().to_string()),
            ("--tls-cert-file", path("server.crt")),
            ("--tls-key-file", path("server.key")),
            ("--tls-ca-cert-file", path("ca.crt")),
            ("--tls-auth-clients", "no".into()),
        ];
        settings.into_iter().flat_map(|(name, value)| [name.to_owned(), value]).collect()
    });
    let port = server.cli(&["config", "get", "tls-port"]).lines().last().unwrap().to_owned();
    let child = |trusted: &str| {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "keeps_a_log_over_tls_or_says_why_not", "--ignored", "--nocapture"]);
        child.env(CHILD_URL, format!("rediss://localhost:{port}")).env("SSL_CERT_FILE", trusted);
        let output = child.output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let trusting = child(&path("ca.crt"));
    assert!(trusting.contains("kept: hello"), "{trusting}");
    // That of the server itself vouches for nobody.
    certify(&folder.path().join("other"));
    let distrusting = child(&path("other/ca.crt"));
    assert!(
        distrusting.contains("not kept: ") && distrusting.contains("certificate"),
        "{distrusting}"
    );
}

#[tokio::test]
#[ignore = "is run by over_tls_the_log_is_kept_where_the_certificate_is_trusted"]
async fn keeps_a_log_over_tls_or_says_why_not() {
    let log = open(std::env::var(CHILD_URL).unwrap(), Duration::from_secs(5));
    let began = Instant::now();
    loop {
        match log.append(append(0, [started(visitor(7), 1), said("hello")])).await {
            Ok(()) => return println!("kept: {}", texts(&all(&log).await).concat()),
            // The time was over in the midst of an attempt, before that could say why.
            Err(error)
                if error.to_string().contains("no answer within") && began.elapsed() < PATIENT => {}
            Err(error) => return println!("not kept: {error}"),
        }
    }
}

/// Makes an authority of its own, and a certificate of localhost by it.
fn certify(folder: &Path) {
    std::fs::create_dir_all(folder).unwrap();
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        let output = command.args(arguments.split(' ')).current_dir(folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!("req -x509 {key} -days 2 -subj /CN=authority -keyout ca.key -out ca.crt"));
    openssl(&format!(
        "req {key} -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout server.key -out server.csr"
    ));
    openssl(
        "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 \
         -copy_extensions copy -out server.crt",
    );
}

fn address(url: String, timeout: Duration) -> config::Redis {
    config::Redis { url: Some(url), prefix: prefix(), connections: 2, timeout }
}

fn open(url: String, timeout: Duration) -> RedisLog {
    open_at(&address(url, timeout))
}

/// One log, opened twice: with this time-out, and with a long one.
fn hasty_and_patient(url: String, timeout: Duration) -> [RedisLog; 2] {
    let at = address(url, timeout);
    [open_at(&at), open_at(&config::Redis { timeout: PATIENT, ..at })]
}

fn open_at(address: &config::Redis) -> RedisLog {
    RedisLog::open(Redis::open(address).unwrap(), None).unwrap()
}

/// All events of [`session`].
async fn all(log: &dyn Log) -> Vec<Event> {
    log.read(session(), 0, READ_EVENTS_MAX).await.unwrap()
}

/// Appends by a hasty log, which may be answered too late at any time: it is asked again then.
async fn append_once(log: &dyn Log, append: Append) {
    let began = Instant::now();
    loop {
        match log.append(append.clone()).await {
            Ok(()) => return,
            Err(AppendError::Conflict { missing }) if missing == append.events => return,
            Err(error) => assert!(began.elapsed() < PATIENT, "{error}"),
        }
    }
}

/// Says it as who was refused before and asks again: not if it has been said after all.
async fn say_once(log: &dyn Log, session: SessionId, expected: Offset, text: &str) {
    let append = |expected| -> Append { append_to(session, expected, [said(text)]) };
    match log.append(append(expected)).await {
        Ok(()) => {}
        Err(AppendError::Conflict { missing }) if texts(&missing).contains(&text) => {}
        Err(error) => panic!("{error}"),
    }
}

fn closed() -> EventBody {
    EventBody::SessionClosed { cause: CloseCause::Away }
}
