//! Messages at half of the rate that is durable at best: from when each was due until the operator who
//! observes its visitor sees it.

use super::{Run, Scale, Script, Staff, WithCommits};
use crate::engine::Engine;
use crate::peer::Programs;

/// As many visitors as one operator follows on one connection, as where the rate was measured.
const VISITORS: u32 = 256;
const OBSERVERS: u32 = 1;

/// How long each message is, in bytes.
const BYTES: u32 = 120;

/// Measures it at this rate.
///
/// # Errors
/// A check failed, or there was no run.
pub(super) async fn half_rate(
    programs: &Programs,
    scale: Scale,
    rate: f64,
) -> Result<WithCommits, String> {
    let engine = Engine::start(programs)?;
    let script = Script::of(include_str!("../../../scenarios/observed.toml"))
        .set("duration_seconds", scale.seconds)
        .with("visitors", "count", VISITORS)
        .with("observers", "count", OBSERVERS)
        .with("chat", "bytes", BYTES)
        .with("chat", "messages_per_second", rate);
    let staff = Staff::of(&engine, OBSERVERS, false)?;
    let run = Run::start(&engine, &script, &staff, true)?;
    let ended = run.ended_with_commits(&engine).await?;
    ended.report.sound()?;
    Ok(ended)
}
