//! What one seed sets up: how many there are of each, how things go wrong, and when.

use crate::random::Random;
use crate::world::Time;

/// How long clients act and faults happen.
pub const ACTIVE: Time = 30_000;

/// How long after that everything must have come right.
///
/// Within it lie, one after the other: a node is taken for dead (a timeout and two beats), what was
/// its is taken over (a request that fails, and the next), a lease or a turn that begins anew runs
/// out, and the tables are asked for again.
pub const QUIET: Time = 45_000;

/// How often a node's canary flies.
pub const CANARY_EVERY: Time = 1_000;

/// How long a node waits for the server.
pub const SERVER_TIMEOUT: Time = 2_000;

/// How long after it has failed a request may still take effect.
pub const LATE_MAX: Time = 4_000;

/// The settings of a run.
#[derive(Debug, Clone)]
pub struct Plan {
    pub nodes: usize,
    pub visitors: usize,
    pub operators: usize,
    pub bots: usize,
    /// The embedded bot answers where no other serves.
    pub knowledge: bool,
    /// A session whose lease has run out is offered again.
    pub reoffer: bool,
    pub node_timeout: Time,
    pub visitor_grace: Time,
    pub operator_grace: Time,
    pub turn_timeout: Time,
    pub share_interval: Time,
    /// How often, of a hundred, a message of the bus comes twice.
    pub doubled: u64,
    /// How often, of a hundred, a message of the bus is slow, so that others overtake it.
    pub slow: u64,
    /// How often, of a hundred, what one node sends another is lost.
    pub lost: u64,
    /// How often, of a hundred, the server does not answer a request, or the answer is lost.
    pub flaky: u64,
    /// How often, of a hundred, a request that failed takes effect after all, when nobody waits.
    pub late: u64,
    pub strikes: Vec<(Time, Strike)>,
    pub sabotage: Option<Sabotage>,
}

/// Something that happens to a node or to the server. Which node, the moment decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strike {
    /// A process ends; another starts after a while.
    Crash { back_after: Time },
    /// A process ends in order; another starts before.
    Replace,
    /// A process stands still, and goes on as if nothing had been.
    Pause { time: Time, unsubscribed: bool },
    /// Nothing comes through between a node and the server.
    Cut { time: Time },
    /// A node hears nothing more, and is not told so.
    Deafen,
    /// A node loses the connection that it hears by, and knows it.
    Unsubscribe,
    /// The server stands still.
    Freeze { time: Time },
}

/// A part that is made wrong on purpose, to see that it is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sabotage {
    /// The log appends wherever it ends, under the next offsets.
    FenceIgnoresOffset,
    /// Every node acts on what a session wants, and what bots say is appended unasked.
    NobodyIsFenced,
    /// A node refuses, or says that all is done, on what it happens to know.
    RefusalsUnconfirmed,
    /// A reader takes each change of a table, whatever it follows.
    RevisionsIgnored,
    /// After a gap no node asks anew who attends.
    GapsIgnored,
    /// A node that slept takes the time for the others' silence.
    WallTime,
}

impl Plan {
    pub fn of(random: &mut Random, sabotage: Option<Sabotage>) -> Self {
        let nodes = random.between(2, 4) as usize;
        let mut plan = Self {
            nodes,
            visitors: random.between(1, 3) as usize,
            operators: random.between(1, 3) as usize,
            bots: random.between(0, 2) as usize,
            knowledge: random.percent(50),
            reoffer: random.percent(50),
            node_timeout: random.between(2, 5) * 1_000,
            visitor_grace: random.pick(&[0, 500, 2_000, 6_000]).unwrap_or_default(),
            operator_grace: random.pick(&[200, 1_000, 4_000, 8_000]).unwrap_or_default(),
            turn_timeout: random.pick(&[800, 3_000, 6_000]).unwrap_or_default(),
            share_interval: random.pick(&[50, 200]).unwrap_or_default(),
            doubled: 0,
            slow: 0,
            lost: 0,
            flaky: 0,
            late: 0,
            strikes: Vec::new(),
            sabotage,
        };
        // Not all at once: what one kind of fault hides another may show.
        let rates = [&mut plan.doubled, &mut plan.slow, &mut plan.lost, &mut plan.flaky];
        for rate in rates {
            if random.percent(50) {
                *rate = random.between(1, 25);
            }
        }
        if random.percent(40) {
            plan.late = random.between(1, 50);
        }
        for _ in 0..random.between(0, 6) {
            let at = random.between(1_000, ACTIVE);
            plan.strikes.push((at, Strike::of(random)));
        }
        plan.strikes.sort_by_key(|(at, _)| *at);
        plan
    }
}

impl Strike {
    fn of(random: &mut Random) -> Self {
        match random.between(0, 9) {
            0 | 1 => Self::Crash { back_after: random.between(100, 8_000) },
            2 => Self::Replace,
            3 | 4 => {
                let time = random.between(200, 12_000);
                Self::Pause { time, unsubscribed: random.percent(50) }
            }
            5 | 6 => Self::Cut { time: random.between(100, 9_000) },
            7 => Self::Deafen,
            8 => Self::Unsubscribe,
            _ => Self::Freeze { time: random.between(100, 6_000) },
        }
    }
}
