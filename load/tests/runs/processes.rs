//! One run in several processes, and what an engine tells of itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{Engine, load};

/// Visitors who have left are gone from the live list at once.
const GONE_AT_ONCE: (&str, &str) = ("PRESENCE__VISITOR_GRACE_MS", "0");

#[tokio::test]
async fn several_processes_are_one_run() {
    let engine = Engine::start(&[]).await;
    let arguments = ["--visitors", "31", "--duration", "3", "--processes", "3"];
    let run = engine.load("observed", &arguments).json().drawn("run.svg");
    let run = run.with(&["--operator-token", &engine.token("operator").await]);
    let result = run.with(&["--messages-per-second", "60"]).start().ended().await;
    assert_eq!(result.code, 0, "{result}");

    let report = result.json();
    let counts = &report["counts"];
    assert_eq!(counts["arrived"], 31, "{result}");
    let said = counts["said"].as_u64().unwrap();
    assert!((120..240).contains(&said), "180 are expected: {result}");
    for name in ["acknowledged", "seen", "observed"] {
        assert_eq!(counts[name], said, "{name}: {result}");
        assert_eq!(report["latencies"][name]["count"], said, "{name}: {result}");
    }
    assert_eq!(report["scenario"]["visitors"]["count"], 31, "the whole is told: {result}");
    let steps = report["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 3, "{result}");
    assert!(steps[1]["seconds"].as_f64().unwrap() > 2.5, "{result}");
    assert!(result.drawing("run.svg").starts_with("<svg xmlns="), "{result}");
}

#[tokio::test]
async fn people_are_the_same_in_one_process_and_in_several() {
    let mut pages = Vec::new();
    for processes in ["1", "2"] {
        let engine = Engine::start(&[GONE_AT_ONCE]).await;
        let arguments = ["--visitors", "20", "--duration", "600", "--processes", processes];
        let run = engine.load("idle", &arguments).json().start();
        let cards = engine.operator().await.sees(20).await;
        let page =
            |card: &vigie_protocol::card::Card| card.page.as_ref().map(|page| page.title.clone());
        let mut seen: Vec<_> =
            cards.iter().map(|card| (page(card), card.language.clone())).collect();
        seen.sort();
        pages.push(seen);
        run.interrupt().await;
        let result = run.ended().await;
        assert_eq!((result.code, &result.json()["ended"]), (0, &"stopped".into()), "{result}");
        assert_eq!(result.json()["counts"]["arrived"], 20, "{result}");
    }
    assert_eq!(pages[0], pages[1]);
}

#[tokio::test]
async fn processes_whose_first_one_is_gone_leave() {
    let engine = Engine::start(&[GONE_AT_ONCE]).await;
    let arguments = ["--visitors", "20", "--duration", "600", "--processes", "2"];
    let run = engine.load("idle", &arguments).start();
    let ann = engine.operator().await;
    ann.sees(20).await;
    run.kill().await;
    ann.sees(0).await;
}

#[tokio::test]
async fn more_processes_than_there_is_work_for_are_refused() {
    let result = load(&["observed", "--processes", "7"]).start().ended().await;
    assert_eq!(result.code, 2, "{result}");
    assert!(result.stderr.contains("each of 7 processes needs an operator"), "{result}");
    let result = load(&["idle", "--processes", "65"]).start().ended().await;
    assert_eq!(result.code, 2, "{result}");
}

#[tokio::test]
async fn a_process_whose_visitors_are_not_let_in_ends_the_run_with_its_words() {
    let engine = Engine::start(&[]).await;
    let run = engine.load("idle", &["--site", "nowhere", "--processes", "2"]);
    let result = run.start().ended().await;
    assert_eq!(result.code, 2, "{result}");
    assert!(result.stderr.contains("1005"), "{result}");
}

/// Answers as an engine's `/metrics` does, with memory that grows; how often it was asked.
async fn metrics() -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/metrics", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = vec![0; 1024];
            let length = socket.read(&mut request).await.unwrap();
            assert!(request[..length].starts_with(b"GET /metrics HTTP/1."));
            let times = count.fetch_add(1, Ordering::SeqCst);
            let body = format!(
                "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes {}\n\
                 process_cpu_seconds_total {}\n",
                50_000_000 + times,
                times
            );
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (address, asked)
}

#[tokio::test]
async fn what_an_engine_costs_is_asked_of_itself() {
    let engine = Engine::start(&[]).await;
    let (address, asked) = metrics().await;
    let arguments = ["--visitors", "5", "--duration", "3", "--metrics", &address];
    let result = engine.load("idle", &arguments).json().start().ended().await;
    assert_eq!(result.code, 0, "{result}");
    let report = result.json();
    let server = &report["steps"][1]["server"];
    let resident = server["resident"].as_u64().unwrap();
    assert!((50_000_000..50_000_100).contains(&resident), "{result}");
    assert!(server["processor_seconds"].as_f64().unwrap() >= 1.0, "{result}");
    // Between the steps, and each second.
    assert!(asked.load(Ordering::SeqCst) >= 6, "{result}");
    assert_eq!(report["costs"][0]["of"][0][0], "engine", "{result}");
}

#[tokio::test]
async fn metrics_of_another_machine_are_not_asked_by_mistake() {
    let result = load(&["idle", "--metrics", "http://192.0.2.1/metrics"]).start().ended().await;
    assert_eq!(result.code, 2, "{result}");
    assert!(result.stderr.contains("--anywhere"), "{result}");
}

#[tokio::test]
async fn a_picture_of_an_unknown_kind_is_refused_before_the_run() {
    let result = load(&["idle", "--report", "run.pdf"]).start().ended().await;
    assert_eq!(result.code, 2, "{result}");
    assert!(result.stderr.contains(".html or .svg"), "{result}");
}
