//! Appends, as those who append see them, and commits, as the medium does.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::{Registry, Unit};

use super::{By, Histogram};
use crate::log::AppendError;

/// The log.
#[derive(Debug)]
pub struct Storage {
    append: Histogram,
    appends: By<Outcome, Counter>,
    commit: Histogram,
    commit_appends: Histogram,
    commit_events: Histogram,
    commits_failed: Counter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Stored,
    Conflict,
    Refused,
}

impl Storage {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let append = Histogram::of_latencies();
        registry.register_with_unit(
            "append",
            "How long a session waits until what it appends is durable, or is refused",
            Unit::Seconds,
            append.clone(),
        );
        let outcomes = [
            (Outcome::Stored, "stored"),
            (Outcome::Conflict, "conflict"),
            (Outcome::Refused, "refused"),
        ];
        let appends = By::register(
            registry,
            "appends",
            "Appends by outcome; conflict: another node was first, and it is decided again",
            outcomes.map(|(outcome, name)| (outcome, [("outcome", name)])),
        );
        let commit = Histogram::of_latencies();
        registry.register_with_unit(
            "commit",
            "How long a transaction of SQLite or a pipeline of Redis takes, in which appends are \
             made together",
            Unit::Seconds,
            commit.clone(),
        );
        let commit_appends = Histogram::of_sizes();
        registry.register("commit_appends", "Appends that one commit made", commit_appends.clone());
        let commit_events = Histogram::of_sizes();
        registry.register("commit_events", "Events that one commit stored", commit_events.clone());
        let commits_failed = Counter::default();
        registry.register(
            "commits_failed",
            "Transactions that failed, pipelines that were not answered",
            commits_failed.clone(),
        );
        Self { append, appends, commit, commit_appends, commit_events, commits_failed }
    }

    /// An append was answered after so long.
    pub fn appended(&self, waited: Duration, answer: &Result<(), AppendError>) {
        self.append.observe(waited);
        self.appends.count(&match answer {
            Ok(()) => Outcome::Stored,
            Err(AppendError::Conflict { .. }) => Outcome::Conflict,
            Err(AppendError::Log(_)) => Outcome::Refused,
        });
    }

    /// Something was committed: the number of events of each append that was made.
    pub fn committed(&self, took: Duration, made: impl Iterator<Item = usize>) {
        let (appends, events) = made.fold((0, 0), |(n, sum), events| (n + 1, sum + events as u64));
        if appends > 0 {
            self.commit.observe(took);
            self.commit_appends.observe_number(appends);
            self.commit_events.observe_number(events);
        }
    }

    /// A commit has failed.
    pub fn failed(&self) {
        self.commits_failed.inc();
    }
}
