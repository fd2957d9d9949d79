//! The rules of a conversation, told as stories: who does what, and what becomes of it.
//!
//! Nothing here has a clock, a socket or a disk: a story hands commands to the pure room and looks
//! at what it appends, answers and wants.
//!
//! - [`story`]: the harness: people and their words
//! - [`control`]: who answers
//! - [`turns`]: what the bot is asked, and when its answer counts
//! - [`messages`]: what is said, under which key, within which bounds
//! - [`presence`]: arriving, leaving, pages
//! - [`endings`]: closed and full sessions
//! - [`hand_back`]: what the bot is told of a human's part
//! - [`catching_up`]: what a node sees to that missed some of it
//! - [`audiences`]: what each role sees, and what a card shows

mod audiences;
mod catching_up;
mod control;
mod endings;
mod hand_back;
mod messages;
mod presence;
mod story;
mod turns;
