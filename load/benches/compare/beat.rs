//! The moments at which messages are due, kept by a thread of its own: a runtime's timer is good for a
//! millisecond only, and what is measured takes less.

use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use crate::said::Number;

/// An even row of moments, set beforehand.
#[derive(Debug, Clone, Copy)]
pub struct Beat {
    pub start: Instant,
    pub every: Duration,
    /// The number of the first message.
    pub first: Number,
    pub count: Number,
}

impl Beat {
    /// When this message is due.
    pub fn due(&self, number: Number) -> Instant {
        self.start + self.every * (number - self.first)
    }

    /// Hands each message to its speaker when it is due, round robin. Their queues must have room for
    /// all, so that nobody is waited for.
    pub fn play(self, speakers: Vec<mpsc::Sender<Number>>) -> thread::JoinHandle<()> {
        thread::spawn(move || {
            for number in self.first..self.first + self.count {
                let wait = self.due(number).saturating_duration_since(Instant::now());
                if !wait.is_zero() {
                    thread::sleep(wait);
                }
                // A speaker who is gone is missed by those who watch.
                let _ = speakers[number as usize % speakers.len()].try_send(number);
            }
        })
    }
}
