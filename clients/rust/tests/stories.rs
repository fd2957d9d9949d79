//! The client against a server that follows a script, over real sockets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so by its panic")]

#[path = "stories/client.rs"]
mod client;
#[path = "stories/cluster.rs"]
mod cluster;
#[path = "stories/fake.rs"]
mod fake;
#[path = "stories/link.rs"]
mod link;
