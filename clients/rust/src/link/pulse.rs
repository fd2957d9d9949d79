//! Whether the other end is still there: also when only one direction is lost.
//!
//! No clockwork of its own: [`Pulse::due`] says when to look next, [`Pulse::beat`] what to do.

use std::time::Duration;

use tokio::time::Instant;

use crate::error::Closed;
use crate::wire::Heard;

/// Signs of life of one connection.
#[derive(Debug)]
pub(crate) struct Pulse {
    heard: Heard,
    /// When anything was last written.
    pub(crate) sent: Heard,
    /// The ping that is not answered yet, and since when we have listened for its answer.
    ping: Option<(u32, Instant)>,
}

impl Pulse {
    pub(crate) fn new(heard: Heard) -> Self {
        Self { heard, sent: Heard::default(), ping: None }
    }

    /// When to call [`Pulse::beat`] next.
    pub(crate) fn due(&self, heartbeat: Duration) -> Instant {
        let next = match self.ping {
            Some((_, since)) => since + heartbeat,
            None => self.sent.at() + heartbeat,
        };
        next.min(self.heard.at() + 2 * heartbeat)
    }

    /// Says whether a ping must be sent now.
    ///
    /// # Errors
    /// The other end has not shown a sign of life in time.
    pub(crate) fn beat(&self, heartbeat: Duration) -> Result<bool, Closed> {
        let now = Instant::now();
        if self.heard.at() + 2 * heartbeat <= now {
            let silence = 2 * heartbeat;
            return Err(Closed::lost(format!("nothing was heard for {silence:?}")));
        }
        match self.ping {
            Some((_, since)) if since + heartbeat <= now => {
                Err(Closed::lost(format!("a ping was not answered for {heartbeat:?}")))
            }
            Some(_) => Ok(false),
            None => Ok(self.sent.at() + heartbeat <= now),
        }
    }

    /// A ping was sent; `None` if more urgent things were.
    pub(crate) fn pinged(&mut self, id: Option<u32>) {
        self.sent.note();
        self.ping = id.map(|id| (id, Instant::now()));
    }

    /// Whether this was the answer to our ping.
    pub(crate) fn answered(&mut self, id: u32) -> bool {
        self.ping.take_if(|(ping, _)| *ping == id).is_some()
    }

    /// We have not listened until now.
    pub(crate) fn excuse(&mut self) {
        self.heard.note();
        if let Some((_, since)) = &mut self.ping {
            *since = Instant::now();
        }
    }
}
