//! The pure room: what is decided, folded and seen. No clock, no I/O, no async.
//!
//! It compiles with no default features, and a test proves it. Time comes in as a number, effects
//! go out as values.

pub mod live;
pub mod site;
