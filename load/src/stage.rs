//! What all who take part in a run share: where they are, how far the run has come, what was
//! counted.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{Duration, Instant};

use crate::scenario::Scenario;
use crate::tally::Tally;
use crate::target::Target;

/// How many visitors are on their way at once; further ones wait, and their latency counts on.
pub(crate) const ARRIVING_MAX: usize = 256;

/// How long somebody tries to come in, once it is their turn.
pub(crate) const ARRIVAL_MAX: Duration = Duration::from_secs(30);

/// How long saying goodbye may take.
pub(crate) const FAREWELL: Duration = Duration::from_secs(1);

/// How long after a stall those who stalled may be catching up: until then it is counted as one.
pub(crate) const CATCHING_UP: Duration = Duration::from_secs(2);

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Step {
    /// Visitors come.
    Arriving,
    /// All are there.
    Staying,
    /// Operators end what they have begun.
    Settling,
    /// Whoever has nothing to wait for leaves.
    Finishing,
    /// All leave.
    Leaving,
}

/// What everybody has to know at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene {
    pub(crate) step: Step,
    /// When all were there.
    pub(crate) since: Option<Instant>,
    /// How many times connections were dropped so far.
    pub(crate) drops: u32,
    /// Of which part of the visitors the last time, and when that should have been.
    pub(crate) dropped: Option<(f64, Instant)>,
    /// Visitors of this number and above are not there now.
    pub(crate) present: u32,
}

/// What all who take part in a run share.
pub(crate) struct Stage {
    pub(crate) scenario: Scenario,
    pub(crate) target: Target,
    /// Which of how many processes this is: 0 of 1 if it is the only one.
    pub(crate) part: u32,
    pub(crate) parts: u32,
    pub(crate) tally: Tally,
    pub(crate) scene: watch::Sender<Scene>,
    pub(crate) arriving: Semaphore,
    /// Somebody is there, or will not come.
    pub(crate) settled: Notify,
    away: Mutex<Away>,
    /// Operators who have something to end still.
    at_work: AtomicUsize,
    pub(crate) done_working: Notify,
}

/// Visitors without a connection who try to get one.
#[derive(Debug, Default)]
struct Away {
    now: u64,
    people: u64,
    since: Option<Instant>,
}

impl Stage {
    pub(crate) fn new(scenario: Scenario, target: Target, part: u32, parts: u32) -> Self {
        let scene = Scene {
            step: Step::Arriving,
            since: None,
            drops: 0,
            dropped: None,
            present: scenario.present_at(Duration::ZERO),
        };
        Self {
            scenario,
            target,
            part,
            parts,
            tally: Tally::new(),
            scene: watch::Sender::new(scene),
            arriving: Semaphore::new(ARRIVING_MAX),
            settled: Notify::new(),
            away: Mutex::default(),
            at_work: AtomicUsize::new(0),
            done_working: Notify::new(),
        }
    }

    /// Which of all people the visitor of this number is, over all processes.
    pub(crate) const fn person(&self, number: u32) -> u32 {
        number.saturating_mul(self.parts).saturating_add(self.part)
    }

    pub(crate) fn to(&self, step: Step) {
        self.scene.send_modify(|scene| scene.step = step);
    }

    /// Whether readers stall at this moment, or are catching up after it; `None` if the scenario has
    /// none, or has not begun.
    pub(crate) fn is_stalled(&self, at: Instant) -> Option<bool> {
        let stalls = self.scenario.stalls.as_ref()?;
        let since = at.checked_duration_since(self.scene.borrow().since?)?;
        Some(
            stalls.is_stalled(since)
                || since.checked_sub(CATCHING_UP).is_some_and(|before| stalls.is_stalled(before)),
        )
    }

    /// A visitor has lost their connection.
    pub(crate) fn gone_away(&self) {
        let mut away = self.away.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        away.since.get_or_insert_with(Instant::now);
        away.now += 1;
        away.people += 1;
    }

    /// A visitor is back in their session, with all its events; or has given up.
    pub(crate) fn back_again(&self, gave_up: bool) {
        let mut away = self.away.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        away.now = away.now.saturating_sub(1);
        if gave_up {
            away.people = away.people.saturating_sub(1);
        }
        if away.now == 0
            && let Some(since) = away.since.take()
        {
            let people = std::mem::take(&mut away.people);
            self.tally.outage(since, people);
        }
    }

    pub(crate) fn begins_work(&self) {
        self.at_work.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn ends_work(&self) {
        self.at_work.fetch_sub(1, Ordering::Relaxed);
        self.done_working.notify_one();
    }

    pub(crate) fn at_work(&self) -> usize {
        self.at_work.load(Ordering::Relaxed)
    }
}
