//! Puts a Vigie engine under load, checks that nothing is lost, and says how long things took.
//!
//! Two habits make its figures worth something. Load is *open-loop*: people come and speak at
//! moments that were set beforehand, whether the engine keeps up or not, and every latency counts
//! from that moment, so that an engine that stalls cannot hide it. And it *checks* what it
//! measures: each message is acknowledged, and its visitor sees it exactly once.
//!
//! Everything that is left to chance follows from the scenario's seed: who visitors are, who of
//! them talks, when, and what they say.
//!
//! # Layout
//!
//! - [`scenario`]: what shall happen, read from TOML
//! - [`target`]: which engine or nodes, and that they are of this machine
//! - [`room`]: whether this process may open that many sockets
//! - [`mod@run`]: a scenario carried out, from the first visitor to the last goodbye
//! - `day`: what happens when, once all are there
//! - `stage`: what all who take part share
//! - `visitor`: one visitor: comes, listens, speaks, comes back, leaves; `visitor::ledger`: what they
//!   hold the engine to
//! - `observer`: an operator: observes, takes over (`observer::takeover`), watches the live list
//!   (`observer::window`), and maybe stops reading
//! - `bot`: a bot that answers after a while
//! - `line`: one connection: requests find their answers, pings keep it honest
//! - `again`: how long somebody waits before they try again
//! - `pace`: the moments at which things shall happen
//! - [`people`]: who visitors are
//! - [`tally`]: what was counted and how long it took
//! - [`probe`]: what the engine and this program cost, over time; [`usage`]: of one process
//! - [`processes`]: one run in several processes of this program
//! - [`report`]: the result as a table, as JSON and as a picture
//! - `progress`: bars on a terminal

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod again;
mod bot;
mod day;
mod line;
mod observer;
mod pace;
pub mod people;
pub mod probe;
pub mod processes;
mod progress;
pub mod report;
pub mod room;
pub mod run;
pub mod scenario;
mod stage;
pub mod tally;
pub mod target;
pub mod usage;
mod visitor;

pub use report::Report;
pub use run::{Plan, Tokens, run};
pub use scenario::Scenario;
pub use target::Target;
