//! Operators who stop reading, and visitors who must not notice: the same site and the same operators,
//! who stall or go on reading.

use super::{Report, Run, Scale, Script, Staff};
use crate::engine::Engine;
use crate::peer::Programs;

/// How many operators observe, and how many of the others stall.
const OBSERVERS: u32 = 4;
const STALLING: u32 = 2;

/// Which part of the run one stall takes, and how often there is one.
const STALL: f64 = 0.25;
const EVERY: f64 = 0.4;

/// The longest stall that `vigie-load` makes, in seconds.
const STALL_MAX: f64 = 20.0;

/// How often those stall who go on reading, in seconds: not in any run.
const NEVER: f64 = 86_400.0;

/// Measures it, with operators who stall or with the same who do not.
///
/// # Errors
/// A check failed, or there was no run, or nobody stalled who should have.
pub(super) async fn stalled(
    programs: &Programs,
    scale: Scale,
    stalls: bool,
) -> Result<Report, String> {
    let engine = Engine::start(programs)?;
    let stall = (STALL * f64::from(scale.seconds)).min(STALL_MAX);
    let every = if stalls { stall * EVERY / STALL } else { NEVER };
    let script = Script::of(include_str!("../../../scenarios/slow-readers.toml"))
        .set("duration_seconds", scale.seconds)
        .with("observers", "count", OBSERVERS)
        .with("stalls", "operators", STALLING)
        .with("stalls", "seconds", stall)
        .with("stalls", "every_seconds", every);
    let staff = Staff::of(&engine, OBSERVERS + STALLING, true)?;
    let report = Run::start(&engine, &script, &staff, true)?.ended().await?;
    report.sound()?;
    match (stalls, report.count("stalls")?) {
        (true, 0) => return Err("nobody stalled".to_owned()),
        (false, 1..) => return Err("somebody stalled".to_owned()),
        _ => {}
    }
    Ok(report)
}
