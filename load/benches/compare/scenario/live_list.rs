//! A busy site whose live list many operators have on the screen: what the engine pays at the same
//! rate of messages, however many sessions there are.

use super::{Run, Scale, Script, Staff};
use crate::engine::Engine;
use crate::peer::Programs;

/// How many operators watch a site of ten thousand, and how many cards each has on the screen.
const WATCHERS: u32 = 100;
const CARDS: u32 = 50;

/// The same for all sizes of the site, all visitors together.
const MESSAGES_PER_SECOND: f64 = 100.0;

/// Processor time of the engine in parts of a hundred of one core, in a site with so many sessions, with
/// operators or without.
///
/// # Errors
/// A check failed, or no window changed, or there was no run.
pub(super) async fn live_list(
    programs: &Programs,
    scale: Scale,
    sessions: u32,
    watched: bool,
) -> Result<f64, String> {
    let engine = Engine::start(programs)?;
    let watchers = scale.of_ten_thousand(WATCHERS);
    let script = Script::of(include_str!("../../../scenarios/watch.toml"))
        .set("duration_seconds", scale.seconds)
        .with("visitors", "count", sessions)
        .with("visitors", "per_second", scale.arrivals())
        .with("chat", "share", 1.0)
        .with("chat", "messages_per_second", MESSAGES_PER_SECOND);
    let (script, watchers) = if watched {
        let script = script
            .with("watchers", "count", watchers)
            .with("watchers", "first", CARDS)
            .with("watchers", "sort", "activity")
            .with("watchers", "turn_seconds", 0);
        (script, watchers)
    } else {
        (script.without("watchers"), 0)
    };
    let staff = Staff::of(&engine, watchers, false)?;
    let report = Run::start(&engine, &script, &staff, true)?.ended().await?;
    report.sound()?;
    if watched && report.count("deltas")? == 0 {
        return Err("no window changed".to_owned());
    }
    report.engine_percent()
}
