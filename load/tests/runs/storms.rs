//! Operators who take over, connections that break, readers that stall: against the real engine.

use std::collections::BTreeSet;

use vigie_protocol::event::{Author, Event, EventBody, Holder};

use crate::support::redis::RedisServer;
use crate::support::{Engine, load};

/// Visitors who have left stay in the live list.
const NEVER_GONE: (&str, &str) = ("PRESENCE__VISITOR_GRACE_MS", "3600000");

const STORM: &str = "about = 'a storm'\nseed = 1\nduration_seconds = 6\n\
    [visitors]\ncount = 40\nper_second = 500\n\
    [observers]\ncount = 2\nlive_list = 20\n\
    [chat]\nshare = 0.5\nmessages_per_second = 30\nlines = { en = ['Hello'] }\n";

/// How often the bot spoke while an operator was in control, by the log.
fn spoken_over(events: &[Event]) -> usize {
    let mut is_held = false;
    let mut spoken = 0;
    for event in events {
        match (&event.author, &event.body) {
            (_, EventBody::ControlChanged(change)) => {
                is_held = matches!(change.holder, Holder::Operator { .. });
            }
            (Author::Bot { .. }, EventBody::Message(_)) => spoken += usize::from(is_held),
            _ => {}
        }
    }
    spoken
}

#[tokio::test]
async fn operators_take_over_and_the_bot_is_silent_until_they_give_back() {
    let engine = Engine::start(&[NEVER_GONE]).await;
    let arguments = ["--visitors", "30", "--duration", "4", "--takeovers-per-second", "15"];
    let run = engine.load("takeover-storm", &arguments).json();
    let run = run.with(&["--messages-per-second", "60"]);
    let run = run.with(&["--operator-token", &engine.token("operator").await]);
    let result = run.with(&["--bot-token", &engine.token("bot").await]).start().ended().await;
    assert_eq!(result.code, 0, "{result}");

    let report = result.json();
    let counts = &report["counts"];
    let taken = counts["takeovers"].as_u64().unwrap();
    assert!((30..90).contains(&taken), "60 are expected: {result}");
    for name in ["taken_over", "takeovers_seen", "released", "releases_seen", "replies_seen"] {
        assert_eq!(counts[name], taken, "{name}: {result}");
    }
    assert_eq!(report["latencies"]["taken_over"]["count"], taken, "{result}");
    assert!(counts["answers"].as_u64().unwrap() > 0, "the bots are silent: {result}");

    // What the run says of itself is so in the logs.
    let logs = engine.logs().await;
    assert_eq!(logs.iter().map(|(_, events)| spoken_over(events)).sum::<usize>(), 0);
    let changes = logs
        .iter()
        .flat_map(|(_, events)| events)
        .filter(|event| matches!(&event.body, EventBody::ControlChanged(_)));
    assert_eq!(changes.count() as u64, 2 * taken, "{result}");
}

#[tokio::test]
async fn windows_of_a_busy_site_are_counted_and_hold_what_they_should() {
    let engine = Engine::start(&[]).await;
    let run = engine.load("watch", &["--visitors", "60", "--duration", "6"]).json();
    let run = run.with(&["--operator-token", &engine.token("operator").await]);
    let result = run.start().ended().await;
    assert_eq!(result.code, 0, "{result}");
    let counts = &result.json()["counts"];
    let of = |name: &str| counts[name].as_u64().unwrap();
    // Twenty operators, each of whom turns to another stretch once at least.
    assert!(of("windows") >= 40, "{result}");
    assert!(of("deltas") > 100 && of("cards_changed") > 100, "{result}");
    assert_eq!((of("deltas_missing"), of("windows_wrong")), (0, 0), "{result}");
}

#[tokio::test]
async fn visitors_who_lose_their_connections_at_once_come_back_with_everything() {
    let engine = Engine::start(&[NEVER_GONE]).await;
    let drops = "[[drops]]\nat_seconds = 1\nshare = 1.0\n[[drops]]\nat_seconds = 6\nshare = 0.5\n";
    let run = engine.load("reconnect-storm", &[]).of(&format!("{STORM}{drops}")).json();
    let run = run.with(&["--operator-token", &engine.token("operator").await]);
    let result = run.with(&["--duration", "10"]).start().ended().await;
    assert_eq!(result.code, 0, "{result}");

    let report = result.json();
    let counts = &report["counts"];
    let dropped = counts["dropped"].as_u64().unwrap();
    assert!((50..=70).contains(&dropped), "60 are expected: {result}");
    assert_eq!(counts["resumed"], dropped, "{result}");
    assert_eq!(counts["lost"], 0, "{result}");
    assert_eq!(report["outages"][0]["people"], 40, "{result}");
    assert!(report["outages"][0]["seconds"].as_f64().unwrap() > 0.0, "{result}");
    let said = engine.messages_of_visitors().await.len() as u64;
    assert_eq!(counts["intended"], said, "{result}");
}

#[tokio::test]
async fn an_engine_that_is_killed_and_started_again_has_lost_and_doubled_nothing() {
    let mut engine = Engine::start(&[NEVER_GONE]).await;
    let takeovers = "[takeovers]\nper_second = 5\nheld_seconds = 0.5\nreply = true\n";
    let storm = STORM.replace("[visitors]", "losses_expected = true\n[visitors]");
    let run = engine.load("reconnect-storm", &[]).of(&format!("{storm}{takeovers}")).json();
    let run = run.with(&["--operator-token", &engine.token("operator").await]);
    let run = run.with(&["--duration", "12"]).start();
    let ann = engine.operator().await;
    ann.sees(40).await;
    ann.sees_messages(20).await;
    drop(ann);
    engine.kill().await;
    engine.start_again().await;
    let result = run.ended().await;
    assert_eq!(result.code, 0, "{result}");

    let report = result.json();
    let counts = &report["counts"];
    // All visitors, and both operators.
    assert_eq!(counts["lost"], 42, "{result}");
    assert_eq!(counts["resumed"], 42, "{result}");
    assert_eq!(report["outages"][0]["people"], 40, "{result}");
    assert_eq!(counts["intended"], engine.messages_of_visitors().await.len(), "{result}");
}

#[tokio::test]
async fn visitors_of_a_node_that_dies_come_back_to_another_and_miss_nothing() {
    let redis = RedisServer::start();
    let url = redis.url();
    let mut nodes = vec![];
    for _ in 0..2 {
        nodes.push(Engine::start(&[("REDIS__URL", &url), NEVER_GONE]).await);
    }
    let storm = STORM.replace("[visitors]", "losses_expected = true\n[visitors]");
    let run = load(&["reconnect-storm", "--duration", "12"]).of(&storm).json();
    let run = run.with(&["--operator-token", &nodes[0].token("operator").await]);
    let run = run.with(&["--to", &nodes[0].address(), "--to", &nodes[1].address()]).start();
    let ann = nodes[0].operator().await;
    ann.sees(40).await;
    ann.sees_messages(20).await;
    nodes[1].kill().await;
    let result = run.ended().await;
    assert_eq!(result.code, 0, "{result}");
    let counts = &result.json()["counts"];
    // Half of the visitors, and one of the two operators.
    assert_eq!((&counts["lost"], &counts["resumed"]), (&21.into(), &21.into()), "{result}");
    assert_eq!(counts["intended"], nodes[0].messages_of_visitors().await.len(), "{result}");
}

#[tokio::test]
async fn readers_that_stall_are_cut_off_and_have_everything_in_the_end() {
    let engine = Engine::start(&[]).await;
    let run = engine.load("slow-readers", &["--visitors", "40", "--duration", "24"]).json();
    let run = run.with(&["--operator-token", &engine.token("operator").await]);
    let result = run.with(&["--bot-token", &engine.token("bot").await]).start().ended().await;
    assert_eq!(result.code, 0, "{result}");

    let report = result.json();
    let counts = &report["counts"];
    assert_eq!((&counts["stalling"], &counts["stalls"]), (&2.into(), &4.into()), "{result}");
    assert_eq!(counts["caught_up"], 2, "{result}");
    assert!(counts["cut_off"].as_u64().unwrap() > 0, "{result}");
    let measured = |name: &str| report["latencies"][name]["count"].as_u64().unwrap();
    let (stalled, unstalled) = (measured("seen_stalled"), measured("seen_unstalled"));
    assert!(stalled > 0 && unstalled > 0, "{result}");
    assert_eq!(stalled + unstalled, measured("seen"), "{result}");
}

#[tokio::test]
async fn a_day_rises_and_falls_and_all_of_it_can_be_seen_in_a_picture() {
    let engine = Engine::start(&[]).await;
    let run = engine.load("mixed-day", &["--visitors", "60", "--duration", "12"]).json();
    let run = run.with(&["--server-pid", &engine.pid().to_string()]).drawn("day.html");
    let run = run.with(&["--operator-token", &engine.token("operator").await]);
    let result = run.with(&["--bot-token", &engine.token("bot").await]).start().ended().await;
    assert_eq!(result.code, 0, "{result}");

    let report = result.json();
    assert_eq!(report["counts"]["started"], 60, "at noon all are there: {result}");
    assert!(report["series"].as_array().unwrap().len() >= 10, "{result}");
    assert!(report["costs"].as_array().unwrap().len() >= 6, "{result}");
    let page = result.drawing("day.html");
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    for shown in ["Latency by percentile", "Latency over time", "Resident memory", "Processor time"]
    {
        assert!(page.contains(shown), "{shown}");
    }
    assert!(page.matches("<svg").count() == 5 && page.matches("<polyline").count() > 10, "{page}");
    assert!(!page.contains("<script") && !page.contains("src=") && !page.contains("href="));
    let drawn: BTreeSet<_> = ["engine", "vigie-load", "taken_over"].into();
    assert!(drawn.iter().all(|name| page.contains(name)), "{page}");
}

#[tokio::test]
async fn bots_and_operators_who_are_not_let_in_end_the_run_before_it_begins() {
    let engine = Engine::start(&[]).await;
    let operator = engine.token("operator").await;
    let run = engine.load("takeover-storm", &["--operator-token", &operator]);
    let result = run.start().ended().await;
    assert_eq!(result.code, 2, "{result}");
    assert!(result.stderr.contains("--bot-token"), "{result}");
}
