//! Small runs against the real engine.

mod peer;
mod processes;
mod storms;
mod support;

use std::collections::BTreeSet;

use support::redis::RedisServer;
use support::{Engine, load};
use vigie_protocol::event::Device;

/// Visitors who have left are gone from the live list at once.
const GONE_AT_ONCE: (&str, &str) = ("PRESENCE__VISITOR_GRACE_MS", "0");
/// Visitors who have left stay in the live list.
const NEVER_GONE: (&str, &str) = ("PRESENCE__VISITOR_GRACE_MS", "3600000");

#[tokio::test]
async fn idle_visitors_come_stay_and_leave() {
    let engine = Engine::start(&[GONE_AT_ONCE]).await;
    let run = engine.load("idle", &["--visitors", "50", "--duration", "600"]).json().start();

    let ann = engine.operator().await;
    ann.sees(50).await;
    run.interrupt().await;
    let result = run.ended().await;
    assert_eq!(result.code, 0, "{result}");
    ann.sees(0).await;

    let report = result.json();
    assert_eq!(report["counts"]["arrived"], 50);
    assert_eq!(report["latencies"]["arrived"]["count"], 50);
    assert_eq!(report["ended"], "stopped");
    assert_eq!(report["passed"], true);
    assert!(report["scenario"].get("chat").is_none());
    assert!(result.stdout.contains("visitors   50 came, 0 turned away, 0 lost"), "{result}");
}

#[tokio::test]
async fn a_run_ends_by_itself_and_says_what_both_sides_cost() {
    let engine = Engine::start(&[]).await;
    let pid = engine.pid().to_string();
    let arguments = ["--visitors", "20", "--duration", "1", "--server-pid", &pid];
    let result = engine.load("idle", &arguments).json().start().ended().await;
    assert_eq!(result.code, 0, "{result}");
    let report = result.json();
    assert_eq!(report["ended"], "done");
    let steps: Vec<_> =
        report["steps"].as_array().unwrap().iter().map(|step| step["name"].clone()).collect();
    assert_eq!(steps, ["arriving", "staying", "leaving"]);
    for who in ["generator", "server"] {
        assert!(report["steps"][1][who]["resident"].as_u64().unwrap() > 1 << 20, "{result}");
    }
}

#[tokio::test]
async fn every_message_is_acknowledged_and_seen_and_is_in_the_log() {
    for transport in ["ws", "json", "tcp"] {
        let engine = Engine::start(&[NEVER_GONE]).await;
        let run = engine.load("chat", &["--visitors", "50", "--duration", "2"]);
        let run = run.over(transport).with(&["--messages-per-second", "60"]).json();
        let result = run.start().ended().await;
        assert_eq!(result.code, 0, "{transport}: {result}");

        let counts = &result.json()["counts"];
        let said = counts["said"].as_u64().unwrap();
        // 120 are expected; at chance, but by the seed always the same.
        assert!((80..160).contains(&said), "{transport}: {result}");
        for name in ["intended", "acknowledged", "seen"] {
            assert_eq!(counts[name], said, "{transport}: {name}");
        }
        for name in ["seen_again", "misplaced", "refused", "gaps", "repeated", "lost"] {
            assert_eq!(counts[name], 0, "{transport}: {name}");
        }
        let heard = engine.messages_of_visitors().await;
        assert_eq!(heard.len() as u64, said, "{transport}");
        let speakers: BTreeSet<_> = heard.iter().map(|(session, _)| *session).collect();
        assert!(speakers.len() <= 10, "a fifth of 50 talks, not {}", speakers.len());
        assert!(counts["answers"].as_u64().unwrap() > 0, "{transport}: the bot is silent");
    }
}

#[tokio::test]
async fn operators_and_bots_of_a_run_see_and_answer_what_visitors_say() {
    let engine = Engine::start(&[]).await;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("staffed.toml");
    let observed = include_str!("../../scenarios/observed.toml");
    let staffed = observed.replace("live_list = 0", "live_list = 20") + "\n[bots]\ncount = 2\n";
    std::fs::write(&file, staffed).unwrap();
    let run = engine.load(file.to_str().unwrap(), &["--visitors", "10", "--duration", "2"]).json();
    let run = run.with(&["--operator-token", &engine.token("operator").await]);
    let run = run.with(&["--bot-token", &engine.token("bot").await]);
    let result = run.with(&["--messages-per-second", "20"]).start().ended().await;
    assert_eq!(result.code, 0, "{result}");
    let report = result.json();
    let said = report["counts"]["said"].as_u64().unwrap();
    assert!(said > 0, "{result}");
    assert_eq!(report["counts"]["observed"], said, "{result}");
    assert_eq!(report["latencies"]["observed"]["count"], said, "{result}");
    assert!(report["counts"]["answers"].as_u64().unwrap() > 0, "the bots are silent: {result}");
    assert_eq!(report["troubles"], serde_json::json!({}), "{result}");
}

#[tokio::test]
async fn what_is_said_on_one_node_of_a_cluster_is_observed_on_another() {
    let redis = RedisServer::start();
    let url = redis.url();
    let mut nodes = vec![];
    for _ in 0..3 {
        nodes.push(Engine::start(&[("REDIS__URL", &url)]).await);
    }
    let run = load(&["observed", "--visitors", "30", "--per-second", "500", "--duration", "2"]);
    let mut run = run.json().with(&["--operator-token", &nodes[0].token("operator").await]);
    for node in &nodes {
        run = run.with(&["--to", &node.address(), "--server-pid", &node.pid().to_string()]);
    }
    let redis_pid = format!("redis={}", redis.pid());
    let result = run.with(&["--also-pid", &redis_pid]).start().ended().await;
    assert_eq!(result.code, 0, "{result}");

    let report = result.json();
    let counts = &report["counts"];
    let said = counts["said"].as_u64().unwrap();
    assert!((140..260).contains(&said), "{result}");
    for name in ["intended", "acknowledged", "seen", "observed"] {
        assert_eq!(counts[name], said, "{name}: {result}");
    }
    let processes = report["steps"][1]["processes"].as_array().unwrap();
    let names: Vec<_> = processes.iter().map(|process| process["name"].clone()).collect();
    assert_eq!(names, ["engine 1", "engine 2", "engine 3", "redis"]);
    let resident = |cost: &serde_json::Value| cost["resident"].as_u64().unwrap();
    assert!(processes.iter().all(|process| resident(&process["cost"]) > 1 << 20), "{result}");
    let engines: u64 = processes[..3].iter().map(|process| resident(&process["cost"])).sum();
    assert_eq!(resident(&report["steps"][1]["server"]), engines, "{result}");
}

#[tokio::test]
async fn visitors_are_spread_evenly_over_the_nodes() {
    let engine = Engine::start(&[]).await;
    let nowhere = "ws://127.0.0.1:9/ws";
    let run = load(&["chat", "--visitors", "40", "--per-second", "500", "--duration", "0"]);
    let result = run.json().with(&["--to", &engine.address(), "--to", nowhere]).start();
    let result = result.ended().await;
    assert_eq!(result.code, 1, "{result}");
    let counts = &result.json()["counts"];
    assert_eq!((&counts["arrived"], &counts["turned_away"]), (&20.into(), &20.into()), "{result}");
}

#[tokio::test]
async fn operators_without_a_token_are_asked_for_it() {
    let engine = Engine::start(&[]).await;
    let result = engine.load("observed", &[]).start().ended().await;
    assert_eq!(result.code, 2, "{result}");
    assert!(result.stderr.contains("--operator-token"), "{result}");
    let forged = engine.load("observed", &["--operator-token", "forged"]).start().ended().await;
    assert_eq!(forged.code, 2, "{forged}");
    assert!(forged.stderr.contains("an operator is not let in"), "{forged}");
}

#[tokio::test]
async fn the_same_seed_says_the_same() {
    let mut said = Vec::new();
    for seed in ["5", "5", "6"] {
        let engine = Engine::start(&[NEVER_GONE]).await;
        let run = engine.load("chat", &["--visitors", "10", "--duration", "2", "--seed", seed]);
        let result = run.with(&["--messages-per-second", "10"]).start().ended().await;
        assert_eq!(result.code, 0, "{result}");
        let texts = engine.messages_of_visitors().await.into_iter().map(|(_, text)| text);
        let mut texts: Vec<_> = texts.collect();
        texts.sort();
        said.push(texts);
    }
    assert_eq!(said[0], said[1]);
    assert_ne!(said[0], said[2]);
}

#[tokio::test]
async fn a_desk_sees_people_of_all_kinds() {
    let engine = Engine::start(&[("GATEWAY__TRUSTED_PROXIES", "127.0.0.1"), GONE_AT_ONCE]).await;
    let ann = engine.operator().await;
    // The engine reads its rules for browsers in the background; before, it cannot name any.
    ann.sees_browsers(&engine).await;
    let run = engine.load("idle", &["--visitors", "200", "--duration", "600"]).start();
    let cards = ann.sees(200).await;
    let kinds = |of: fn(&vigie_protocol::card::Card) -> Option<String>| {
        cards.iter().filter_map(of).collect::<BTreeSet<_>>()
    };
    let countries = kinds(|card| card.country.clone());
    assert!(countries.len() >= 15, "{countries:?}");
    let languages = kinds(|card| card.language.clone());
    assert!(languages.len() >= 10, "{languages:?}");
    let browsers = kinds(|card| card.browser.clone());
    assert!(browsers.len() >= 8, "{browsers:?}");
    let pages = kinds(|card| card.page.as_ref().map(|page| page.url.clone()));
    assert!(pages.len() >= 6 && pages.iter().all(|url| url.starts_with("http://127.0.0.1:")));
    let devices: BTreeSet<_> = cards.iter().map(|card| card.device).collect();
    let all = BTreeSet::from([Device::Mobile, Device::Tablet, Device::Desktop]);
    assert_eq!(devices, all);
    run.interrupt().await;
    assert_eq!(run.ended().await.code, 0);
}

#[tokio::test]
async fn an_engine_that_dies_fails_the_checks() {
    let mut engine = Engine::start(&[]).await;
    let arguments = ["--visitors", "20", "--duration", "10", "--messages-per-second", "20"];
    let ann = engine.operator().await;
    let run = engine.load("chat", &arguments).json().start();
    // Messages are said once all are there.
    ann.sees_messages(1).await;
    engine.kill().await;
    let result = run.ended().await;
    assert_eq!(result.code, 1, "{result}");
    let report = result.json();
    assert_eq!(report["passed"], false);
    assert_eq!(report["counts"]["lost"], 20, "{result}");
    assert!(result.stdout.contains("FAIL  no connection is lost: 20, not 0"), "{result}");
    assert!(result.stdout.contains("20 times: a connection was lost"), "{result}");
}

#[tokio::test]
async fn without_an_engine_there_is_no_run() {
    let result = load(&["idle", "--to", "ws://127.0.0.1:9/ws"]).start().ended().await;
    assert_eq!(result.code, 2, "{result}");
    assert!(result.stderr.contains("nobody is let in: cannot reach"), "{result}");
}

#[tokio::test]
async fn a_site_that_there_is_not_is_told() {
    let engine = Engine::start(&[]).await;
    let result = engine.load("idle", &["--site", "nowhere"]).start().ended().await;
    assert_eq!(result.code, 2, "{result}");
    assert!(result.stderr.contains("1005"), "{result}");
}

#[tokio::test]
async fn another_machine_is_not_put_under_load_by_mistake() {
    let result = load(&["idle", "--to", "ws://192.0.2.1:8080/ws"]).start().ended().await;
    assert_eq!(result.code, 2, "{result}");
    assert!(result.stderr.contains("192.0.2.1:8080, which is not this machine"), "{result}");
    assert!(result.stderr.contains("--anywhere"), "{result}");
}

#[tokio::test]
async fn a_scenario_with_a_wrong_key_is_refused_by_name() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("mine.toml");
    let idle = include_str!("../../scenarios/idle.toml");
    std::fs::write(&file, idle.replace("per_second", "per_minute")).unwrap();
    let result = load(&[file.to_str().unwrap()]).start().ended().await;
    assert_eq!(result.code, 2, "{result}");
    assert!(result.stderr.contains("per_minute"), "{result}");

    std::fs::write(&file, idle).unwrap();
    let engine = Engine::start(&[]).await;
    let run = engine.load(file.to_str().unwrap(), &["--visitors", "2", "--duration", "0"]).json();
    let result = run.start().ended().await;
    assert_eq!(result.code, 0, "{result}");
    assert_eq!(result.json()["scenario"]["name"], "mine");
}

#[tokio::test]
async fn the_limit_of_descriptors_is_raised_where_it_may_be_and_told_where_not() {
    let result = load(&["idle"]).under("ulimit -n 100").start().ended().await;
    assert_eq!(result.code, 2, "{result}");
    assert!(result.stderr.contains("this process may have 100"), "{result}");
    assert!(result.stderr.contains("at most 36 visitors"), "{result}");

    let engine = Engine::start(&[]).await;
    let run = engine.load("idle", &["--visitors", "80", "--duration", "0"]);
    let result = run.under("ulimit -Sn 70").start().ended().await;
    assert_eq!(result.code, 0, "{result}");
    assert!(result.stdout.contains("80 came"), "{result}");
}

#[tokio::test]
async fn help_says_what_there_is() {
    let result = load(&["--help"]).start().ended().await;
    assert_eq!(result.code, 0);
    for said in [
        "idle",
        "chat",
        "observed",
        "watch",
        "takeover-storm",
        "reconnect-storm",
        "slow-readers",
        "mixed-day",
        "--to",
        "--report",
        "--processes",
        "--metrics",
        "--also-pid",
        "--site",
        "--json",
        "--anywhere",
        "Exit code",
        "Ctrl-C",
    ] {
        assert!(result.stdout.contains(said), "{said}: {result}");
    }
}
