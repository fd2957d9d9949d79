#![doc = include_str!("ARCHITECTURE.md")]
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod core;

#[cfg(feature = "server")]
pub mod accounts;
#[cfg(feature = "server")]
pub mod actors;
#[cfg(feature = "server")]
pub mod bots;
#[cfg(feature = "server")]
pub mod cli;
#[cfg(feature = "server")]
pub mod cluster;
#[cfg(feature = "server")]
pub mod config;
#[cfg(feature = "server")]
pub mod gateway;
#[cfg(feature = "server")]
pub mod identity;
#[cfg(feature = "server")]
pub mod log;
#[cfg(feature = "server")]
pub mod metrics;
#[cfg(feature = "server")]
pub mod redis;
#[cfg(feature = "server")]
pub mod retention;
#[cfg(feature = "server")]
pub mod server;
#[cfg(feature = "server")]
pub(crate) mod sqlite;
#[cfg(feature = "server")]
pub mod store;
#[cfg(feature = "server")]
pub mod visitor;
