//! The pure room: what is decided, folded and seen. No clock, no I/O, no async.
//!
//! It compiles with no default features, and a test proves it. Time comes in as a number, effects
//! go out as values.
//!
//! - [`session`]: the fold: a session is what its log's events make of it
//! - [`decide`]: what a command appends, or why it is refused
//! - [`end`]: where a log ends, and of which log that is
//! - [`effect`]: what the engine must see to after a session has changed
//! - [`view`]: what each audience may see of an event
//! - [`notice`]: the short texts that tell a visitor who answers
//! - [`live`]: the live list and its windows
//! - [`site`]: sites and their settings
//! - [`projection`]: one node's projection of a session's log, between its commands and the log
//! - [`cluster`]: which nodes live, which attend a session, and who of them sees to it
//! - [`replica`]: a table that one node keeps and others read

// The same events must make the same session on every node: no ambient time, no order by chance.
#![cfg_attr(not(test), warn(clippy::disallowed_methods, clippy::iter_over_hash_type))]

pub mod cluster;
pub mod decide;
pub mod effect;
pub mod end;
pub mod live;
pub mod notice;
pub mod projection;
pub mod replica;
pub mod session;
pub mod site;
pub mod view;
