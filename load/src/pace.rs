//! The moments at which things shall happen, set beforehand.
//!
//! They do not depend on how the engine keeps up: what comes late counts as late.

use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

/// An endless row of moments, each after the one before.
#[derive(Debug)]
pub(crate) struct Pace {
    next: Instant,
    every: Duration,
    chance: Option<Rng>,
}

impl Pace {
    /// So many each second, evenly, the first at once.
    pub(crate) fn even(from: Instant, per_second: f64) -> Self {
        Self { next: from, every: Duration::from_secs_f64(1.0 / per_second), chance: None }
    }

    /// So many each second on average, at moments that know nothing of each other, as people do
    /// (a Poisson process).
    pub(crate) fn random(from: Instant, per_second: f64, mut chance: Rng) -> Self {
        let every = Duration::from_secs_f64(1.0 / per_second);
        Self { next: from + gap(every, &mut chance), every, chance: Some(chance) }
    }
}

impl Iterator for Pace {
    type Item = Instant;

    fn next(&mut self) -> Option<Instant> {
        let gap = self.chance.as_mut().map_or(self.every, |chance| gap(self.every, chance));
        let moment = self.next;
        self.next += gap;
        Some(moment)
    }
}

fn gap(mean: Duration, chance: &mut Rng) -> Duration {
    // Of [0, 1); its complement is never 0, whose logarithm there is not.
    mean.mul_f64(-(1.0 - chance.f64()).ln())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn even_moments_are_as_far_apart_as_the_rate_has_it() {
        let from = Instant::now();
        let moments: Vec<_> = Pace::even(from, 200.0).take(3).map(|at| at - from).collect();
        assert_eq!(moments, [0, 5, 10].map(Duration::from_millis));
    }

    #[test]
    fn random_moments_keep_the_rate_and_follow_from_the_seed() {
        let from = Instant::now();
        let within_ten_seconds = |seed| {
            let moments = Pace::random(from, 1000.0, Rng::with_seed(seed));
            moments.take_while(|at| *at < from + Duration::from_secs(10)).collect::<Vec<_>>()
        };
        let moments = within_ten_seconds(7);
        // 10,000 are expected; five standard deviations are 500.
        assert!((9_500..=10_500).contains(&moments.len()), "{}", moments.len());
        assert!(moments.is_sorted());
        assert_eq!(moments, within_ten_seconds(7));
        assert_ne!(moments, within_ten_seconds(8));
    }
}
