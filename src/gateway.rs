//! Where sockets meet actors.
//!
//! One connection actor serves TCP and WebSocket alike: it decodes, routes and encodes, and knows
//! no business rule. HTTP stands beside it on the WebSocket's port.
//!
//! - [`outbox`]: what is to be written to a socket, bounded in bytes, filled from any thread
//! - [`transport`]: bytes of a socket to messages and back
//! - [`connection`]: the actor that owns a socket
//! - `presence`: what a connection has entered elsewhere, undone when it ends
//! - [`connect`]: who a client is: the first request of every connection
//! - [`route`]: which actor a request is for
//! - [`follow`]: a session from an offset: its past, then what happens
//! - `past`: a visitor's other sessions
//! - [`heartbeat`]: dead peers, late `connect`s, expired tokens; one scan for all sockets of a thread
//! - [`upgrade`]: the WebSocket handshake
//! - [`http`]: health, a site's public face, history

pub mod connect;
pub mod connection;
pub mod follow;
pub mod heartbeat;
pub mod http;
pub mod outbox;
mod past;
mod presence;
pub mod route;
pub mod transport;
pub mod upgrade;
