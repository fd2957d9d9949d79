//! Operators take over from bots in the midst of their answers, in a site where many are idle and
//! some talk.

use super::{Run, Scale, Script, Staff, WithCommits};
use crate::engine::Engine;
use crate::peer::Programs;

/// Of ten thousand sessions: how many talk, how many messages they say each second, how many
/// take-overs there are each second.
const TALKERS: u32 = 1_000;
const MESSAGES: u32 = 2_000;
const TAKEOVERS: u32 = 50;

/// How many talkers each operator observes.
const TALKERS_EACH: u32 = 100;

/// Measures it. Whether every check was passed is in the report.
///
/// # Errors
/// There was no run, or nothing was measured.
pub(super) async fn takeover(programs: &Programs, scale: Scale) -> Result<WithCommits, String> {
    let engine = Engine::start(programs)?;
    let observers = scale.of_ten_thousand(TALKERS).div_ceil(TALKERS_EACH);
    let script = Script::of(include_str!("../../../scenarios/takeover-storm.toml"))
        .set("duration_seconds", scale.seconds)
        .with("visitors", "count", scale.people)
        .with("visitors", "per_second", scale.arrivals())
        .with("observers", "count", observers)
        .with("takeovers", "per_second", f64::from(scale.of_ten_thousand(TAKEOVERS)))
        .with("chat", "share", f64::from(TALKERS) / 1e4)
        .with("chat", "messages_per_second", f64::from(scale.of_ten_thousand(MESSAGES)));
    let staff = Staff::of(&engine, observers, true)?;
    let run = Run::start(&engine, &script, &staff, true)?;
    run.ended_with_commits(&engine).await
}
