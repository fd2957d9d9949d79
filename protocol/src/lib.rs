//! The vocabulary of the Vigie protocol as types, and the codecs that put it on a wire.
//!
//! One vocabulary serves three uses: what is decided (the engine's core), what is kept (the
//! session log) and what is sent (this protocol). So these types are a public contract that only
//! grows: unknown fields are ignored, unknown events are carried.
//!
//! The rules that bind both ends are numbered in `SPEC.md` beside this crate.
//!
//! # Layout
//!
//! - [`id`]: who and what: sites, sessions, visitors, operators, message keys
//! - [`event`]: the entries of a session's log
//! - [`card`]: the live list: cards, windows, totals
//! - [`method`]: what a client may ask, with parameters and results
//! - [`push`]: what the server sends unasked: events, signals, turns
//! - [`error`]: error codes and close codes, with retry advice
//! - [`rpc`]: messages of MessagePack-RPC and JSON-RPC 2.0, encoded and decoded
//! - [`scan`]: finds the end of one MessagePack value in a stream, within bounds

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod card;
pub mod error;
pub mod event;
pub mod id;
pub mod method;
pub mod push;
pub mod rpc;
pub mod scan;

/// The protocol version that this crate speaks.
pub const PROTOCOL_VERSION: u32 = 1;

/// WebSocket subprotocol whose binary messages hold MessagePack-RPC.
pub const SUBPROTOCOL_MESSAGEPACK: &str = "vigie.v1.msgpack";

/// WebSocket subprotocol whose text messages hold JSON-RPC 2.0.
pub const SUBPROTOCOL_JSON: &str = "vigie.v1.json";

/// The longest message of a client in bytes: a longer one closes the connection.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;

/// The longest message that a server sends, in bytes: lists that would make it longer are cut.
pub const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// How deep arrays and maps of one message may nest.
pub const MESSAGE_DEPTH_MAX: usize = 16;

/// The longest text of one chat message or note, in bytes of UTF-8.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;

/// The longest client-chosen key, in bytes.
pub const KEY_BYTES_MAX: usize = 64;

/// The longest URL, title, referrer, reason or name, in bytes.
pub const LINE_BYTES_MAX: usize = 2 * 1024;

/// The most cards that one window may ask for.
pub const WINDOW_FIRST_MAX: u32 = 500;

/// How far behind the beginning of its order a window may begin, in cards.
pub const WINDOW_SKIP_MAX: u32 = 100_000;

/// The most alerts that one delta of the live list carries; the rest is dropped.
pub const ALERTS_MAX: usize = 16;

/// The most sessions that one delta of the live list calls quiet; the rest follows in the next.
pub const QUIET_MAX: usize = 500;

/// The longest search of a window, in bytes.
pub const SEARCH_BYTES_MAX: usize = 256;

/// The most events that one `history` page holds.
pub const HISTORY_PAGE_MAX: u32 = 500;

/// The most sessions that one page of a visitor's past holds.
pub const PAST_PAGE_MAX: u32 = 20;

/// The most entries of the data that a site's page tells of its visitor.
pub const DATA_ENTRIES_MAX: usize = 16;
/// The longest key of such an entry, in bytes.
pub const DATA_KEY_BYTES_MAX: usize = 64;
/// The longest value of such an entry, in bytes.
pub const DATA_VALUE_BYTES_MAX: usize = 256;

/// The best score of a rating; the worst is 1.
pub const RATING_SCORE_MAX: u8 = 5;

/// How often one session may be rated; the latest rating counts.
pub const RATINGS_MAX: u32 = 10;

/// The most follow-up choices that one message may offer, and the longest label in bytes.
pub const CHOICES_MAX: usize = 10;
/// The longest label of a choice, in bytes.
pub const CHOICE_BYTES_MAX: usize = 200;
