//! How long commits took while a scenario went on: the engine tells it in buckets at `/metrics`, over
//! its whole life, so it is asked again and again, and the difference is taken.

use std::convert::Infallible;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{MissedTickBehavior, interval};
use vigie_load::probe::Metrics;

/// How often the engine is asked.
const EVERY: Duration = Duration::from_millis(500);

/// The most answers that are kept: an hour and more.
const SAMPLES_MAX: usize = 10_000;

const BUCKET: &str = "vigie_commit_seconds_bucket{le=\"";

/// One bucket: no longer than this took so many.
type Bucket = (f64, f64);

/// What the engine told, and when, in milliseconds since 1970.
#[derive(Debug, Default)]
pub struct Commits(Vec<(u64, Vec<Bucket>)>);

impl Commits {
    /// Asks for as long as it is awaited.
    pub async fn watch(&mut self, metrics: &Metrics) -> Infallible {
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            ticks.tick().await;
            let Some(told) = metrics.told().await else { continue };
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            if self.0.len() < SAMPLES_MAX {
                self.0.push((since.as_millis() as u64, buckets(&told)));
            }
        }
    }

    /// Of the commits between these moments, how long the given part (0 to 1) took at most, in
    /// milliseconds. Within a bucket, they are taken to lie evenly.
    ///
    /// # Errors
    /// There were none, or the engine did not answer.
    pub fn quantile(&self, (from, to): (u64, u64), part: f64) -> Result<f64, String> {
        let within = || self.0.iter().filter(|(at, _)| (from..=to).contains(at));
        let told = within().next().zip(within().next_back());
        let Some(((_, before), (_, after))) = told.filter(|(first, last)| first.0 < last.0) else {
            return Err("the engine has not told twice how long its commits took".to_owned());
        };
        let grown: Vec<Bucket> = before
            .iter()
            .zip(after)
            .map(|((_, before), (bound, after))| (*bound, after - before))
            .collect();
        quantile(&grown, part).ok_or_else(|| "nothing was committed".to_owned()).map(|it| 1e3 * it)
    }
}

/// The bounds, and how many lie below each.
fn buckets(told: &str) -> Vec<Bucket> {
    let bucket = |line: &str| {
        let (bound, count) = line.strip_prefix(BUCKET)?.split_once("\"}")?;
        let bound = if bound == "+Inf" { f64::INFINITY } else { bound.parse().ok()? };
        Some((bound, count.split_whitespace().next()?.parse().ok()?))
    };
    told.lines().filter_map(bucket).collect()
}

/// Beyond the last bound nothing is known but that: then it is told.
fn quantile(buckets: &[Bucket], part: f64) -> Option<f64> {
    let (_, all) = *buckets.last()?;
    if all <= 0.0 {
        return None;
    }
    let wanted = part * all;
    let mut below = (0.0, 0.0);
    for &(bound, count) in buckets {
        if count >= wanted && bound.is_finite() {
            let (least, before) = below;
            return Some(least + (bound - least) * (wanted - before) / (count - before).max(1e-9));
        }
        if bound.is_finite() {
            below = (bound, count);
        }
    }
    Some(below.0)
}
