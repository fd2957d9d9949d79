//! A client of the Vigie protocol for visitors, operators and bots.
//!
//! Three rooms, each of use without those above it:
//!
//! - [`wire`]: bytes become messages, over TCP or WebSocket, in MessagePack or JSON
//! - [`link`]: one connection: requests find their responses, pings keep it honest
//! - [`client`]: many connections, one after the other: reconnects, resumes, retries
//!
//! Most programs want [`Client`]:
//!
//! ```no_run
//! # async fn example() -> Result<(), vigie_client::CallError> {
//! use vigie_client::{Client, ClientEvent, ClientOptions, as_visitor};
//!
//! let endpoint = "ws://127.0.0.1:8080/ws".parse().expect("an address");
//! let client = Client::connect(endpoint, as_visitor("demo"), ClientOptions::default()).await?;
//! client.subscribe_own(0).await?;
//! client.say("Do you ship to Canada?").await?;
//! while let Some(event) = client.next_event().await {
//!     if let ClientEvent::Event { event, .. } = event {
//!         println!("{:?}: {:?}", event.author, event.body);
//!     }
//! }
//! # Ok(())
//! # }
//! ```

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod client;
pub mod endpoint;
pub mod error;
pub mod link;
pub mod wire;

pub use client::{Client, ClientEvent, ClientOptions};
pub use endpoint::Endpoint;
pub use error::{CallError, Closed, OpenError};
pub use link::Link;
pub use vigie_protocol as protocol;
pub use wire::{Options, Wire};

use vigie_protocol::PROTOCOL_VERSION;
use vigie_protocol::id::Key;
use vigie_protocol::method::Connect;

/// Parameters of `connect` for a visitor of the site with this public key.
pub fn as_visitor(site: impl Into<String>) -> Connect {
    Connect { site: Some(site.into()), ..connect() }
}

/// Parameters of `connect` for an operator or a bot with this token.
pub fn with_token(token: impl Into<String>) -> Connect {
    Connect { token: Some(token.into()), ..connect() }
}

fn connect() -> Connect {
    let agent = concat!("vigie-client/", env!("CARGO_PKG_VERSION"));
    Connect { protocol: PROTOCOL_VERSION, agent: Some(agent.to_owned()), ..Connect::default() }
}

/// A key that nobody has used before: names one message over all its retries.
///
/// # Panics
/// Never: a UUID always has the shape of a key.
pub fn new_key() -> Key {
    uuid::Uuid::new_v4().to_string().parse().expect("a UUID has the shape of a key")
}
