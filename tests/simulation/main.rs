//! Several nodes in one process, in simulated time: each world follows from its seed alone.
//!
//! The pure room is the real one: what is decided and folded, a projection's bookkeeping, who lives
//! and who sees to what, tables and their readers. What lies between is simulated: a log with a fence
//! that conflicts, a bus that delays, doubles, reorders and loses, nodes that crash, sleep and are cut
//! off, clients who hop between them and say again what was not acknowledged.
//!
//! A check that finds nothing proves little: so parts are made wrong on purpose, and must be found
//! out.
//!
//! - [`plan`]: what one seed sets up
//! - [`world`]: time, and what happens next
//! - [`server`]: the log and the bus
//! - [`node`]: what drives the pure room, as the actors do
//! - [`clients`]: visitors, operators, bots
//! - [`check`]: what must always hold, and what must hold at rest

// What clients are told is in the trace whole, and a world's size does not matter.
#![allow(dead_code, clippy::large_enum_variant)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::plan::Sabotage;
use crate::world::{Failure, Seen, run};

mod check;
mod clients;
mod node;
mod plan;
mod random;
mod server;
mod world;

/// Names the seed to run alone, with all that happens told.
pub const SEED: &str = "VIGIE_SEED";

/// Names how many seeds to run instead of [`SEEDS`].
const COUNT: &str = "VIGIE_SEEDS";

/// How many worlds are tried.
const SEEDS: u64 = 10_000;

/// Within how many worlds a part that was made wrong must be found out.
const SABOTAGED_SEEDS: u64 = 400;

#[test]
fn whatever_goes_wrong_between_nodes_nothing_is_lost_or_doubled_and_all_comes_right() {
    if let Ok(seed) = std::env::var(SEED) {
        let seed = seed.parse().expect("a seed is a number");
        return match attempt(seed, None, true) {
            Ok(seen) => println!("seed {seed} holds: {seen:?}"),
            Err(failure) => panic!("seed {seed} fails at {} ms: {}", failure.at, failure.why),
        };
    }
    let seeds = std::env::var(COUNT).map_or(SEEDS, |count| count.parse().expect("a number"));
    match first_failure(seeds, None) {
        Ok(seen) => println!("{seeds} worlds hold: {seen:?}"),
        Err(seed) => fail(seed),
    }
}

#[test]
fn a_log_that_ignores_the_expected_offset_is_found_out() {
    must_be_found_out(Sabotage::FenceIgnoresOffset);
}

#[test]
fn many_stewards_with_bots_that_are_not_fenced_are_found_out() {
    must_be_found_out(Sabotage::NobodyIsFenced);
}

#[test]
fn refusals_on_what_a_node_happens_to_know_are_found_out() {
    must_be_found_out(Sabotage::RefusalsUnconfirmed);
}

#[test]
fn readers_who_look_at_no_revision_are_found_out() {
    must_be_found_out(Sabotage::RevisionsIgnored);
}

#[test]
fn nodes_that_do_not_ask_anew_after_a_gap_are_found_out() {
    must_be_found_out(Sabotage::GapsIgnored);
}

#[test]
fn nodes_that_take_their_own_sleep_for_the_silence_of_others_are_found_out() {
    must_be_found_out(Sabotage::WallTime);
}

#[test]
fn a_seed_makes_the_same_world_each_time() {
    for seed in [3, 5, 8] {
        let [one, other] = [(); 2].map(|()| attempt(seed, None, false));
        match (one, other) {
            (Ok(one), Ok(other)) => assert_eq!(format!("{one:?}"), format!("{other:?}")),
            (one, other) => panic!("{:?}, {:?}", one.err(), other.err()),
        }
    }
}

fn must_be_found_out(sabotage: Sabotage) {
    match first_failure(SABOTAGED_SEEDS, Some(sabotage)) {
        Ok(_) => panic!("{sabotage:?} was not found out in {SABOTAGED_SEEDS} worlds"),
        Err(seed) => {
            let why = attempt(seed, Some(sabotage), false).err().map(|failure| failure.why);
            println!("{sabotage:?} was found out by seed {seed}: {why:?}");
        }
    }
}

/// Tells what is needed to see it again.
fn fail(seed: u64) -> ! {
    let Err(failure) = attempt(seed, None, true) else { panic!("seed {seed} failed only once") };
    for line in &failure.trace {
        println!("{line}");
    }
    panic!(
        "seed {seed} fails at {} ms: {}\nsee all of it by\n\n    {SEED}={seed} cargo test --test simulation whatever -- --nocapture\n",
        failure.at, failure.why
    );
}

/// Runs the worlds of the first so many seeds; the lowest that was found to fail, if any.
fn first_failure(seeds: u64, sabotage: Option<Sabotage>) -> Result<Seen, u64> {
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let failed = AtomicU64::new(u64::MAX);
    let all = Mutex::new(Seen::default());
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while !stop.load(Ordering::Acquire) {
                    let seed = next.fetch_add(1, Ordering::AcqRel);
                    if seed >= seeds {
                        return;
                    }
                    match attempt(seed, sabotage, false) {
                        Ok(seen) => all.lock().expect("nobody panics with it").add(seen),
                        Err(_) => {
                            failed.fetch_min(seed, Ordering::AcqRel);
                            stop.store(true, Ordering::Release);
                        }
                    }
                }
            });
        }
    });
    match failed.into_inner() {
        u64::MAX => Ok(all.into_inner().expect("nobody panics with it")),
        seed => Err(seed),
    }
}

/// One world; what the pure room asserts counts as a failure too.
fn attempt(seed: u64, sabotage: Option<Sabotage>, trace: bool) -> Result<Seen, Failure> {
    let ran = catch_unwind(AssertUnwindSafe(|| run(seed, sabotage, trace)));
    ran.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        let why = format!("panics: {}", text.unwrap_or_default());
        Err(Failure { at: 0, why, trace: Vec::new() })
    })
}
