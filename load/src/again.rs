//! How long somebody waits before they try again: as the client library does, longer each time and
//! with full jitter, so that a thousand who lost the same engine do not come back at once.

use std::time::Duration;

use fastrand::Rng;

/// The bound of the first wait.
const FIRST: Duration = Duration::from_millis(500);

/// The bound that no wait exceeds.
const MOST: Duration = Duration::from_secs(30);

/// After `busy`: a random time of up to this.
const BUSY: Duration = Duration::from_secs(1);

/// A connection that lasted this long was worth it: the next loss begins a new row of attempts.
pub(crate) const STEADY: Duration = Duration::from_secs(10);

/// The waits of one who tries again.
#[derive(Debug)]
pub(crate) struct Again {
    attempts: u32,
    chance: Rng,
}

impl Again {
    pub(crate) const fn new(chance: Rng) -> Self {
        Self { attempts: 0, chance }
    }

    /// The next wait.
    pub(crate) fn next(&mut self) -> Duration {
        let bound = self.bound();
        self.attempts = self.attempts.saturating_add(1);
        bound.mul_f64(self.chance.f64())
    }

    /// How long to wait before something is asked again that the engine was too busy for.
    pub(crate) fn busy(&mut self) -> Duration {
        BUSY.mul_f64(self.chance.f64())
    }

    /// The engine asks for another attempt soon.
    pub(crate) fn hurry(&mut self) {
        self.attempts = self.attempts.min(1);
    }

    /// It was worth it.
    pub(crate) const fn reset(&mut self) {
        self.attempts = 0;
    }

    fn bound(&self) -> Duration {
        let doubled = 2u32.checked_pow(self.attempts).and_then(|by| FIRST.checked_mul(by));
        doubled.unwrap_or(MOST).min(MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_their_bound_and_begin_anew_after_success() {
        let mut again = Again::new(Rng::with_seed(1));
        let mut bounds = Vec::new();
        for _ in 0..40 {
            let bound = again.bound();
            assert!(again.next() <= bound);
            bounds.push(bound.as_millis());
        }
        assert_eq!(bounds[..7], [500, 1000, 2000, 4000, 8000, 16000, 30000]);
        assert_eq!(bounds[39], 30000);
        again.hurry();
        assert_eq!(again.bound().as_millis(), 1000);
        again.reset();
        assert_eq!(again.bound().as_millis(), 500);
        assert!((0..100).all(|_| again.busy() <= BUSY));
    }
}
