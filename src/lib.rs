//! Vigie: a self-hosted, actor-model real-time engine for live monitoring and human takeover of
//! AI website chats.

pub mod core;

#[cfg(feature = "server")]
pub mod actors;
#[cfg(feature = "server")]
pub mod bots;
#[cfg(feature = "server")]
pub mod cli;
#[cfg(feature = "server")]
pub mod config;
#[cfg(feature = "server")]
pub mod gateway;
#[cfg(feature = "server")]
pub mod identity;
#[cfg(feature = "server")]
pub mod log;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
pub(crate) mod sqlite;
#[cfg(feature = "server")]
pub mod store;
#[cfg(feature = "server")]
pub mod visitor;
