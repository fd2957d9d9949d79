//! A model check of the takeover machine: every interleaving, within bounds, of nodes that decide
//! on stale folds, operators who claim one session, a bot that answers late and again, a visitor
//! who speaks, leases that run out, crashes, and commands that are sent again.
//!
//! The model is thin: nodes decide with the real `decide` and fold with the real `apply`. What is
//! modelled is what lies between them: who knows how much of the one log, which append is on its
//! way, which answer has reached its client.
//!
//! A check that finds nothing proves little. So what must be possible is asked for too, and three
//! faults are kept that must be found: a log that ignores the expected offset, a bot that is not
//! fenced, and a gateway that stamps a late answer with the epoch in force.
//!
//! - [`machine`]: what can happen between nodes, log and clients
//! - [`clients`]: what operators and the visitor set out to do
//! - [`log`]: the one log, and what each part of it folds to
//! - [`rules`]: what must always hold, and what must be possible

use stateright::{Checker, Expectation, HasDiscoveries, Model};

use crate::machine::{Bounds, Fault, Machine};

mod clients;
mod log;
mod machine;
mod rules;

/// How many states a check must have seen to count.
const STATES_MIN: usize = 1_000_000;

const TWO_NODES: Bounds = Bounds { nodes: 2, events: 7, crashes: 1, expiries: 1 };
const THREE_NODES: Bounds = Bounds { nodes: 3, events: 6, crashes: 0, expiries: 0 };

#[test]
fn no_interleaving_of_two_nodes_breaks_the_takeover_machine() {
    let checker = Machine { bounds: TWO_NODES, fault: None }
        .checker()
        .threads(2)
        .symmetry()
        .spawn_dfs()
        .join();
    let states = checker.unique_state_count();
    println!("{states} unique states of {}, depth {}", checker.state_count(), checker.max_depth());
    checker.assert_properties();
    assert!(states >= STATES_MIN, "only {states} states were seen");
}

#[test]
fn no_interleaving_of_three_nodes_breaks_the_takeover_machine() {
    let checker = Machine { bounds: THREE_NODES, fault: None }
        .checker()
        .threads(2)
        .symmetry()
        .spawn_dfs()
        .join();
    println!("{} unique states", checker.unique_state_count());
    for rule in checker.model().properties() {
        if rule.expectation == Expectation::Always {
            checker.assert_no_discovery(rule.name);
        }
    }
}

#[test]
fn a_log_that_ignores_the_expected_offset_is_found_out() {
    must_break(
        Fault::LogIgnoresExpectedOffset,
        &[
            "each epoch has one holder",
            "the bot is silent under a human's epoch",
            "only the holder replies",
            "what is acknowledged is in the log, once",
        ],
    );
}

#[test]
fn a_bot_that_is_not_fenced_is_found_out() {
    must_break(Fault::BotIsNotFenced, &["the bot is silent under a human's epoch"]);
}

#[test]
fn a_gateway_that_stamps_a_late_answer_with_the_epoch_in_force_is_found_out() {
    must_break(Fault::GatewayStampsEpoch, &["the bot is heard under the epoch it was asked under"]);
}

/// Checks that rules which hold without a fault do not hold with it, and shows how.
fn must_break(fault: Fault, rules: &[&'static str]) {
    let all = HasDiscoveries::AllOf(rules.iter().copied().collect());
    let machine = Machine { bounds: TWO_NODES, fault: Some(fault) };
    let checker = machine.checker().finish_when(all).spawn_bfs().join();
    for rule in rules {
        let path = checker.discovery(rule).unwrap_or_else(|| panic!("{rule}: held"));
        println!("{rule}: broken by {:?}", path.into_actions());
    }
}
