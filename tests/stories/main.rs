//! Stories over real sockets: the real program, real clients, real SQLite; with `VIGIE_CLUSTER=3`
//! three real programs over a real Redis.
//!
//! Each test opens a shop of its own: a `vigie serve` with the demo site on free ports and a data
//! folder, or a Redis, of its own. Nobody sleeps: they wait for what should happen, within a time limit.

#[allow(dead_code, reason = "tests/cluster uses what is not used here")]
mod support;

mod accounts;
mod alerts;
mod bad_input;
mod bots;
mod control;
mod disk;
mod http;
mod idle;
mod interop;
mod kill;
mod last_words;
mod metrics;
mod past;
mod presence;
mod proxy;
mod race;
mod resume;
mod retention;
mod stalled;
mod takeover;
mod web;
