//! The engine is killed and started again on its files, and all of its visitors come back at once.

use std::time::{Duration, Instant};

use tokio::time::sleep;
use vigie_load::probe::Metrics;

use super::{Run, Scale, Script, Staff};
use crate::engine::Engine;
use crate::peer::Programs;

/// Of ten thousand visitors, how many talk, so that something is under way when the engine is killed.
const TALKERS: u32 = 500;
const MESSAGES_PER_SECOND: f64 = 50.0;

/// How many talkers each operator observes.
const TALKERS_EACH: u32 = 125;

/// How long all may take to come.
const COME_MAX: Duration = Duration::from_secs(120);

/// How often it is looked whether they have.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How long all are there before the engine is killed: until then its memory becomes steady.
const STEADY: Duration = Duration::from_secs(3);

/// For how long all are there, at least: with time to come back, and to say what was not acknowledged.
const SECONDS_MIN: u32 = 15;

/// What came of it.
pub(super) struct Restarted {
    /// From the kill until all were back, in seconds.
    pub(super) back: f64,
    /// From the kill until the engine listened again.
    pub(super) listening: f64,
    /// Resident memory just before the kill, in bytes.
    pub(super) steady: f64,
    /// The most that the engine which was started again ever had.
    pub(super) peak: f64,
}

/// Measures it.
///
/// # Errors
/// A check failed, somebody did not come back into their session, or there was no run.
pub(super) async fn restart(programs: &Programs, scale: Scale) -> Result<Restarted, String> {
    let mut engine = Engine::start(programs)?;
    let observers = scale.of_ten_thousand(TALKERS).div_ceil(TALKERS_EACH);
    let script = Script::of(include_str!("../../../scenarios/reconnect-storm.toml"))
        .without("drops")
        .set("duration_seconds", scale.seconds.max(SECONDS_MIN))
        .with("visitors", "count", scale.people)
        .with("visitors", "per_second", scale.arrivals())
        .with("observers", "count", observers)
        .with("chat", "share", f64::from(TALKERS) / 1e4)
        .with("chat", "messages_per_second", MESSAGES_PER_SECOND);
    let staff = Staff::of(&engine, observers, false)?;
    let mut run = Run::start(&engine, &script, &staff, false)?;
    all_there(&mut run, &engine.metrics()?, scale.people).await?;
    sleep(STEADY).await;
    let steady = engine.usage()?.resident;
    let killed = Instant::now();
    engine.kill()?;
    engine.start_again()?;
    let listening = killed.elapsed();
    let report = run.ended().await?;
    report.sound()?;
    let (people, back) = report.outage()?;
    if people < scale.people.into() {
        return Err(format!("only {people} of {} lost their connections at once", scale.people));
    }
    let renewed = report.count("renewed")?;
    if renewed > 0 {
        return Err(format!("{renewed} visitors came back into another session than theirs"));
    }
    let peak = engine.usage()?.resident_peak;
    Ok(Restarted {
        back,
        listening: listening.as_secs_f64(),
        steady: steady as f64,
        peak: peak as f64,
    })
}

/// Waits until the engine has so many visitors.
async fn all_there(run: &mut Run, metrics: &Metrics, people: u32) -> Result<(), String> {
    let deadline = Instant::now() + COME_MAX;
    while visitors(&metrics.told().await.unwrap_or_default()) < f64::from(people) {
        if Instant::now() > deadline || run.is_over() {
            return Err("not all visitors have come".to_owned());
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(())
}

/// How many visitors are connected, over all transports.
fn visitors(told: &str) -> f64 {
    let of_visitors = |line: &str| {
        let labels = line.strip_prefix("vigie_connections{")?;
        let (labels, count) = labels.split_once('}')?;
        labels.contains("role=\"visitor\"").then(|| count.trim().parse::<f64>().ok())?
    };
    told.lines().filter_map(of_visitors).sum()
}
