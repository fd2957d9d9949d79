//! What the engine is compared with, in Rust: the limit, and the framework's own way.
//!
//! Three programs, each as small as what it shows. `peer-bare-relay` listens as the engine does, an
//! actor that owns its socket, and has no logic: nothing that relays can cost less on this stack.
//! `peer-textbook-relay` is the chat of the framework's own examples. `peer-bare-insert` writes the
//! rows that the engine would write, and nothing else.
//!
//! # Layout
//!
//! - [`language`]: what clients say to a relay

pub mod language;

/// The relays take their memory from where the engine takes it.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
