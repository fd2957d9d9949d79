//! Stories over real sockets: the real program, real clients, real SQLite.
//!
//! Each test opens a shop of its own: a `vigie serve` with the demo site on free ports and a data
//! folder of its own. Nobody sleeps: they wait for what should happen, within a time limit.

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
mod past;
mod presence;
mod race;
mod resume;
mod stalled;
mod takeover;
mod web;
