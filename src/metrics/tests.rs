use std::collections::{HashMap, HashSet};

use super::*;

fn written(others: Option<Others>) -> String {
    // A set of its own: other tests count into that of the process.
    Metrics::new().write(&Standing { sessions: 7, log_up: true, others }).unwrap()
}

const OTHERS: Others = Others { nodes: 3, generation: 2, redis_up: false, degraded: true };

#[test]
fn what_stands_is_shown_and_of_a_cluster_only_by_its_nodes() {
    let alone = written(None);
    assert!(alone.contains("\nvigie_sessions 7\n") && alone.contains("\nvigie_log_up 1\n"));
    for of_cluster in ["vigie_redis", "vigie_cluster", "vigie_bus"] {
        assert!(!alone.contains(of_cluster), "{of_cluster} is in {alone}");
    }
    let node = written(Some(OTHERS));
    for line in [
        "vigie_cluster_nodes 3",
        "vigie_cluster_generation 2",
        "vigie_cluster_degraded 1",
        "vigie_redis_up 0",
        "vigie_bus_gaps_total 0",
    ] {
        assert!(node.contains(&format!("\n{line}\n")), "{line} is not in {node}");
    }
}

#[test]
fn names_keep_to_prometheus_conventions() {
    let text = written(Some(OTHERS));
    let mut kinds = HashMap::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').unwrap();
        assert!(kinds.insert(name, kind).is_none(), "{name} is there twice");
        let own = name.starts_with("vigie_") || name.starts_with("process_");
        assert!(own && !name.ends_with("_total"), "{name}: the library adds it");
        assert!(!name.contains("_ms") && !name.contains("millis"), "{name}: seconds");
    }
    assert!(kinds.len() > 20, "{kinds:?}");
}

#[test]
fn labels_are_few_and_known_from_the_start() {
    let before = written(Some(OTHERS));
    let series: HashSet<_> =
        before.lines().filter(|line| !line.starts_with('#')).map(series_of).collect();
    let set = Metrics::new();
    for number in [1, 1060, -5, i32::MAX] {
        set.connections.refuse(vigie_protocol::error::ErrorCode::Other(number));
    }
    let after = set.write(&Standing { sessions: 7, log_up: true, others: Some(OTHERS) }).unwrap();
    assert!(after.contains("vigie_refusals_total{code=\"other\"} 4\n"), "{after}");
    for line in after.lines().filter(|line| !line.starts_with('#')) {
        assert!(series.contains(series_of(line)), "{line} was not there before");
    }
    assert!(series.len() < 300, "{}", series.len());
}

fn series_of(line: &str) -> &str {
    line.rsplit_once(' ').unwrap().0
}

#[test]
fn a_histogram_counts_a_value_on_its_bound_below_it() {
    let set = Metrics::new();
    set.storage.committed(std::time::Duration::from_millis(1), [1, 2].into_iter());
    set.storage.committed(std::time::Duration::from_secs(60), [1].into_iter());
    set.storage.committed(std::time::Duration::from_secs(60), std::iter::empty());
    let text = set.write(&Standing { sessions: 0, log_up: true, others: None }).unwrap();
    for line in [
        "vigie_commit_seconds_bucket{le=\"0.0005\"} 0",
        "vigie_commit_seconds_bucket{le=\"0.001\"} 1",
        "vigie_commit_seconds_bucket{le=\"10.0\"} 1",
        "vigie_commit_seconds_bucket{le=\"+Inf\"} 2",
        "vigie_commit_seconds_count 2",
        "vigie_commit_seconds_sum 60.001",
        "vigie_commit_events_bucket{le=\"2.0\"} 1",
        "vigie_commit_events_bucket{le=\"4.0\"} 2",
        "vigie_commit_events_sum 4.0",
        "vigie_commit_appends_sum 3.0",
    ] {
        assert!(text.contains(&format!("\n{line}\n")), "{line} is not in {text}");
    }
}
