//! How long to wait before trying again: exponentially longer, with full jitter, so that a
//! thousand clients that lost the same server do not come back at once.

use std::time::Duration;

/// The waiting times of one row of attempts.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    first: Duration,
    max: Duration,
    attempts: u32,
}

impl Backoff {
    pub(crate) const fn new(first: Duration, max: Duration) -> Self {
        Self { first, max, attempts: 0 }
    }

    /// The next waiting time: anything from nothing to a bound that doubles each time.
    pub(crate) fn next(&mut self) -> Duration {
        let bound = self.bound();
        self.attempts = self.attempts.saturating_add(1);
        bound.mul_f64(fastrand::f64())
    }

    /// The server asks for another attempt soon: the next wait is one of the two shortest.
    pub(crate) fn hurry(&mut self) {
        self.attempts = self.attempts.min(1);
    }

    /// The attempts have led somewhere.
    pub(crate) const fn reset(&mut self) {
        self.attempts = 0;
    }

    fn bound(&self) -> Duration {
        let doubled = 2u32.checked_pow(self.attempts).and_then(|by| self.first.checked_mul(by));
        doubled.unwrap_or(self.max).min(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_up_to_its_maximum_and_starts_again_after_success() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        let mut bounds = Vec::new();
        for _ in 0..40 {
            let bound = backoff.bound();
            assert!(backoff.next() <= bound);
            bounds.push(bound.as_millis());
        }
        assert_eq!(bounds[..6], [100, 200, 400, 800, 1000, 1000]);
        assert_eq!(bounds[39], 1000);
        backoff.hurry();
        assert_eq!(backoff.bound().as_millis(), 200);
        backoff.reset();
        assert_eq!(backoff.bound().as_millis(), 100);
    }
}
