//! The connection by which a node hears, and the canaries that prove that it does.

use std::collections::VecDeque;

use super::{Core, Heard, Input};
use crate::plan::CANARY_EVERY;
use crate::world::{Outside, Time};

/// How many canaries' time a canary may take.
const CANARY_LOST: Time = 2;

/// Between two attempts to subscribe anew.
const BACKOFF: (Time, Time) = (20, 500);

/// What a node knows of how it hears.
#[derive(Debug)]
pub struct Ear {
    pub healthy: bool,
    subscribed: bool,
    sent: u64,
    awaited: VecDeque<(u64, Time)>,
}

impl Default for Ear {
    fn default() -> Self {
        Self { healthy: true, subscribed: true, sent: 0, awaited: VecDeque::new() }
    }
}

impl Core {
    /// A canary flies, through the server and back; one that does not come back in time shows that
    /// this node hears nothing.
    pub fn fly_canary(&mut self, outside: &mut Outside) {
        if !self.ear.subscribed {
            return;
        }
        let patience = CANARY_LOST * CANARY_EVERY;
        if self.ear.awaited.front().is_some_and(|(_, sent)| outside.now - sent >= patience) {
            outside.unsubscribe(self.index);
            return self.lose_subscription(outside);
        }
        self.ear.sent += 1;
        self.ear.awaited.push_back((self.ear.sent, outside.now));
        outside.send_canary(self.index, self.ear.sent);
    }

    pub fn canary_is_back(&mut self, number: u64) {
        self.ear.awaited.retain(|(awaited, _)| *awaited != number);
        self.ear.healthy = true;
    }

    pub fn lose_subscription(&mut self, outside: &mut Outside) {
        if !self.ear.subscribed {
            return;
        }
        self.ear.subscribed = false;
        self.ear.healthy = false;
        self.ear.awaited.clear();
        let after = outside.random.between(BACKOFF.0, BACKOFF.1);
        outside.input_after(self.index, after, Input::Subscribe);
    }

    /// Nobody knows what was missed meanwhile.
    pub fn subscribe(&mut self, outside: &mut Outside) {
        if outside.subscribe(self.index).is_some() {
            self.ear.subscribed = true;
            outside.input(self.index, Input::Heard(Heard::Gap));
        } else {
            let after = outside.random.between(BACKOFF.0, BACKOFF.1);
            outside.input_after(self.index, after, Input::Subscribe);
        }
    }
}
