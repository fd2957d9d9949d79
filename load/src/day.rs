//! What happens when, once all are there: moments that were set beforehand, in order, and that do
//! not wait for anybody.

use std::collections::VecDeque;
use std::iter::Peekable;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

use crate::pace::Pace;
use crate::scenario::Scenario;

/// How often visitors come and go, where a day rises and falls.
const ATTENDANCE: Duration = Duration::from_millis(250);

/// Something that happens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Act {
    /// Somebody says something.
    Remark,
    /// An operator takes over.
    Takeover,
    /// This part of the visitors loses the connection.
    Drop(f64),
    /// Visitors come and go.
    Attendance,
}

/// What happens from now on.
pub(crate) struct Day<'a> {
    scenario: &'a Scenario,
    from: Instant,
    remarks: Option<Peekable<Pace>>,
    takeovers: Option<Peekable<Pace>>,
    drops: VecDeque<(Instant, f64)>,
    attendance: Option<Instant>,
    thinning: Rng,
}

impl<'a> Day<'a> {
    pub(crate) fn new(scenario: &'a Scenario, from: Instant, mut chance: Rng) -> Self {
        let most = scenario.pace_most();
        let mut pace = |rate: f64| Pace::random(from, rate * most, chance.fork()).peekable();
        let chat = scenario.chat.as_ref().filter(|_| most > 0.0);
        let remarks = chat.map(|chat| pace(chat.messages_per_second));
        let takeovers = scenario.takeovers.as_ref().filter(|_| most > 0.0);
        let takeovers = takeovers.map(|takeovers| pace(takeovers.per_second));
        let mut drops: Vec<_> = scenario
            .drops
            .iter()
            .map(|drop| (from + Duration::from_secs_f64(drop.at_seconds), drop.share))
            .collect();
        drops.sort_by_key(|(at, _)| *at);
        Self {
            scenario,
            from,
            remarks,
            takeovers,
            drops: drops.into(),
            attendance: (!scenario.phases.is_empty()).then_some(from),
            thinning: chance.fork(),
        }
    }

    /// What happens next, and when; `None` when the day is over.
    pub(crate) fn next(&mut self) -> Option<(Instant, Act)> {
        let until = self.from + self.scenario.duration();
        loop {
            let candidates = [
                self.remarks.as_mut().and_then(Peekable::peek).map(|at| (*at, Act::Remark)),
                self.takeovers.as_mut().and_then(Peekable::peek).map(|at| (*at, Act::Takeover)),
                self.drops.front().map(|(at, share)| (*at, Act::Drop(*share))),
                self.attendance.map(|at| (at, Act::Attendance)),
            ];
            let (at, act) = candidates.into_iter().flatten().min_by_key(|(at, _)| *at)?;
            if at >= until {
                return None;
            }
            match act {
                Act::Remark => drop(self.remarks.as_mut().and_then(Iterator::next)),
                Act::Takeover => drop(self.takeovers.as_mut().and_then(Iterator::next)),
                Act::Drop(_) => drop(self.drops.pop_front()),
                Act::Attendance => self.attendance = Some(at + ATTENDANCE),
            }
            if self.happens(act, at) {
                return Some((at, act));
            }
        }
    }

    /// Where a day rises and falls, moments are set as for its busiest time, and left out by chance.
    fn happens(&mut self, act: Act, at: Instant) -> bool {
        if self.scenario.phases.is_empty() || !matches!(act, Act::Remark | Act::Takeover) {
            return true;
        }
        let pace = self.scenario.pace_at(at - self.from) / self.scenario.pace_most();
        self.thinning.f64() < pace
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Changes;

    fn acts(changes: impl FnOnce(&mut Scenario)) -> Vec<(Duration, Act)> {
        let mut scenario = Scenario::load("mixed-day", Changes::default()).unwrap();
        changes(&mut scenario);
        let from = Instant::now();
        let mut day = Day::new(&scenario, from, Rng::with_seed(3));
        std::iter::from_fn(|| day.next()).map(|(at, act)| (at - from, act)).collect()
    }

    fn count(acts: &[(Duration, Act)], of: Act, seconds: std::ops::Range<u64>) -> usize {
        let within = |at: &Duration| {
            (Duration::from_secs(seconds.start)..Duration::from_secs(seconds.end)).contains(at)
        };
        acts.iter().filter(|(at, act)| *act == of && within(at)).count()
    }

    #[test]
    fn everything_happens_in_order_and_ends_with_the_day() {
        let acts = acts(|_| {});
        assert!(acts.is_sorted_by_key(|(at, _)| *at));
        for act in [Act::Remark, Act::Takeover, Act::Attendance] {
            assert!(count(&acts, act, 0..1_000_000) > 0, "{act:?}");
        }
        assert!(acts.iter().any(|(_, act)| matches!(act, Act::Drop(_))));
    }

    #[test]
    fn the_same_seed_makes_the_same_day() {
        assert_eq!(acts(|_| {}), acts(|_| {}));
    }

    #[test]
    fn rates_follow_the_phases() {
        let acts = acts(|scenario| {
            scenario.duration_seconds = 400;
            scenario.chat.as_mut().unwrap().messages_per_second = 100.0;
            let phase = |part, pace| crate::scenario::Phase { part, pace, present: 1.0 };
            scenario.phases =
                vec![phase(1.0, 0.1), phase(1.0, 1.0), phase(1.0, 1.0), phase(1.0, 0.0)];
        });
        let of = |seconds| count(&acts, Act::Remark, seconds);
        for (seconds, expected) in
            [(0..100, 1_000), (100..200, 5_500), (200..300, 10_000), (300..400, 5_000)]
        {
            let found = of(seconds.clone());
            assert!(found.abs_diff(expected) < 400, "{seconds:?}: {found}, not {expected}");
        }
    }
}
