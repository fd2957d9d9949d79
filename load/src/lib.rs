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
//! - [`target`]: which engine, and that it is one of this machine
//! - [`room`]: whether this process may open that many sockets
//! - [`mod@run`]: a scenario carried out, from the first visitor to the last goodbye
//! - `visitor`: one visitor: comes, listens, speaks, leaves
//! - `line`: one connection: requests find their answers, pings keep it honest
//! - `pace`: the moments at which things shall happen
//! - [`people`]: who visitors are
//! - [`tally`]: what was counted and how long it took
//! - [`usage`]: memory and processor time of a process
//! - [`report`]: the result as a table and as JSON
//! - `progress`: bars on a terminal

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

mod line;
mod pace;
pub mod people;
mod progress;
pub mod report;
pub mod room;
pub mod run;
pub mod scenario;
pub mod tally;
pub mod target;
pub mod usage;
mod visitor;

pub use report::Report;
pub use run::{Plan, run};
pub use scenario::Scenario;
pub use target::Target;
