//! What must be so after a run.

use serde::Serialize;

use super::Ended;
use crate::scenario::Scenario;
use crate::tally::Counts;

/// Something that must be so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    pub name: &'static str,
    /// How many there must be.
    pub expected: u64,
    /// How many there are.
    pub found: u64,
    /// Whether they are the same.
    pub passed: bool,
}

/// What must be so after a run. One that was stopped is held to what it got to.
pub(super) fn checks(scenario: &Scenario, ended: Ended, counts: &Counts) -> Vec<Check> {
    let check = |name, found, expected| Check { name, expected, found, passed: found == expected };
    let visitors = match ended {
        Ended::Done | Ended::TurnedAway if scenario.phases.is_empty() => {
            scenario.visitors.count.into()
        }
        // Where they come and go, those are meant who were sent.
        _ => counts.started.saturating_sub(counts.called_back),
    };
    let mut checks = vec![
        check("every visitor is let in", counts.arrived, visitors),
        check("no event is missing", counts.gaps, 0),
        check("no event comes twice", counts.repeated, 0),
        check("the log never goes back", counts.rolled_back, 0),
    ];
    if !scenario.losses_expected {
        checks.insert(1, check("no connection is lost", counts.lost, 0));
    }
    let gone = counts.lost + counts.dropped + counts.cut_off;
    checks.push(check("who lost the connection is back with everything", counts.resumed, gone));
    if scenario.chat.is_some() {
        checks.extend([
            check("every message is sent", counts.said, counts.intended),
            check("every message is acknowledged", counts.acknowledged, counts.intended),
            check("every message is seen by its visitor", counts.seen, counts.intended),
            check("no message is seen twice", counts.seen_again, 0),
            check("messages are where the acknowledgement says", counts.misplaced, 0),
            check("the bot is silent while an operator is in control", counts.spoken_over, 0),
        ]);
    }
    if scenario.observers.is_some() {
        checks.extend([
            check("every message is seen by its observer", counts.observed, counts.intended),
            check("operators do only what they are asked to", counts.unexplained, 0),
        ]);
    }
    if let Some(takeovers) = &scenario.takeovers {
        let taken = counts.takeovers;
        let replies = if takeovers.reply { taken } else { 0 };
        checks.extend([
            check("every take-over is acknowledged", counts.taken_over, taken),
            check("every take-over is seen by its visitor", counts.takeovers_seen, taken),
            check("every take-over is given back", counts.released, taken),
            check("every release is seen by its visitor", counts.releases_seen, taken),
            check("what operators say is acknowledged", counts.replies, replies),
            check("what operators say is seen by its visitor", counts.replies_seen, replies),
        ]);
    }
    if scenario.watchers.is_some() || scenario.observers.as_ref().is_some_and(|it| it.live_list > 0)
    {
        checks.extend([
            check("no change of a window is missing", counts.deltas_missing, 0),
            check("windows hold what they should", counts.windows_wrong, 0),
        ]);
    }
    if scenario.stalls.is_some() {
        checks.push(check(
            "who stalls has everything in the end",
            counts.caught_up,
            counts.stalling,
        ));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Changes;

    fn failed(which: &str, ended: Ended, counts: &Counts) -> Vec<&'static str> {
        let changes = Changes { visitors: Some(10), ..Changes::default() };
        let mut scenario = Scenario::load(which, changes).unwrap();
        scenario.phases.clear();
        let checks = checks(&scenario, ended, counts);
        checks.into_iter().filter(|check| !check.passed).map(|check| check.name).collect()
    }

    /// Of a run with everything in it.
    fn sound() -> Counts {
        Counts {
            started: 10,
            arrived: 10,
            dropped: 4,
            cut_off: 1,
            resumed: 5,
            intended: 5,
            said: 5,
            acknowledged: 5,
            seen: 5,
            observed: 5,
            takeovers: 3,
            taken_over: 3,
            takeovers_seen: 3,
            released: 3,
            releases_seen: 3,
            replies: 3,
            replies_seen: 3,
            stalling: 2,
            caught_up: 2,
            ..Counts::default()
        }
    }

    #[test]
    fn a_run_in_which_all_is_well_passes() {
        assert_eq!(failed("mixed-day", Ended::Done, &sound()), [""; 0]);
    }

    #[test]
    fn each_fault_fails_the_check_that_is_about_it() {
        type Fault = fn(&mut Counts);
        let faults: [(Fault, &str); 22] = [
            (|counts| counts.arrived = 9, "every visitor is let in"),
            (|counts| counts.gaps = 1, "no event is missing"),
            (|counts| counts.repeated = 1, "no event comes twice"),
            (|counts| counts.rolled_back = 1, "the log never goes back"),
            (|counts| counts.resumed = 4, "who lost the connection is back with everything"),
            (|counts| counts.said = 4, "every message is sent"),
            (|counts| counts.acknowledged = 4, "every message is acknowledged"),
            (|counts| counts.seen = 4, "every message is seen by its visitor"),
            (|counts| counts.seen_again = 1, "no message is seen twice"),
            (|counts| counts.misplaced = 1, "messages are where the acknowledgement says"),
            (|counts| counts.spoken_over = 1, "the bot is silent while an operator is in control"),
            (|counts| counts.observed = 4, "every message is seen by its observer"),
            (|counts| counts.unexplained = 1, "operators do only what they are asked to"),
            (|counts| counts.taken_over = 2, "every take-over is acknowledged"),
            (|counts| counts.takeovers_seen = 2, "every take-over is seen by its visitor"),
            (|counts| counts.released = 2, "every take-over is given back"),
            (|counts| counts.releases_seen = 4, "every release is seen by its visitor"),
            (|counts| counts.replies = 2, "what operators say is acknowledged"),
            (|counts| counts.replies_seen = 2, "what operators say is seen by its visitor"),
            (|counts| counts.deltas_missing = 1, "no change of a window is missing"),
            (|counts| counts.windows_wrong = 1, "windows hold what they should"),
            (|counts| counts.caught_up = 1, "who stalls has everything in the end"),
        ];
        for (fault, name) in faults {
            let mut counts = sound();
            fault(&mut counts);
            assert_eq!(failed("mixed-day", Ended::Done, &counts), [name]);
        }
    }

    #[test]
    fn a_lost_connection_fails_unless_the_scenario_expects_it_and_who_lost_it_is_back() {
        let counts = Counts { lost: 1, resumed: 6, ..sound() };
        assert_eq!(failed("mixed-day", Ended::Done, &counts), ["no connection is lost"]);
        assert_eq!(failed("reconnect-storm", Ended::Done, &counts), [""; 0]);
    }

    #[test]
    fn a_run_that_was_stopped_is_held_to_what_it_got_to() {
        let failed = |ended, counts| failed("mixed-day", ended, counts);
        let stopped = Counts { started: 7, arrived: 4, called_back: 3, ..sound() };
        assert_eq!(failed(Ended::Stopped, &stopped), [""; 0]);
        let shut_out = Counts { started: 7, arrived: 4, called_back: 2, turned_away: 1, ..sound() };
        assert_eq!(failed(Ended::Stopped, &shut_out), ["every visitor is let in"]);
        assert_eq!(failed(Ended::TurnedAway, &stopped), ["every visitor is let in"]);
    }
}
