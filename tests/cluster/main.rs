//! Several nodes and everything that can befall them: real engines, a real Redis, real sockets.
//!
//! `load` keeps visitors, bots and operators talking while a story breaks something. Every client
//! writes down what it sent, was acknowledged and saw (`history`), and `checker` holds all of it
//! against the log that is there in the end. `VIGIE_SEED=…` makes the same choices again.

#[allow(dead_code, unused_imports, unused_macros, reason = "the stories use what is not used here")]
#[path = "../stories/support.rs"]
mod support;

mod balancer;
mod checker;
mod failover;
mod faults;
mod harness;
mod history;
mod linearizable;
mod load;
mod presence;
mod proxy;
mod recovery;
mod rolling;
mod witness;
