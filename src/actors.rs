//! The actors: mailbox, core, effects.
//!
//! A handler builds a command, lets the core decide, and sees to every effect in one place. A
//! business `if` in a handler belongs in the core.
//!
//! - [`session`]: one per session with somebody in it: folds the log, decides, appends, fans out
//! - [`site`]: a site's live list
//! - [`operator`]: one human over all tabs and devices; holds the lease on what they control
//! - [`node`]: what all actors of this process share
//! - [`registry`]: finds an actor by its key, or starts it
//! - [`noticeboard`]: what a site's actors leave for one another without waiting
//! - [`share`]: one site as several nodes have it
//! - [`relay`]: what this node does with what it hears from the others

pub mod node;
pub mod noticeboard;
pub mod operator;
pub mod registry;
pub mod relay;
pub mod session;
pub mod share;
pub mod site;
