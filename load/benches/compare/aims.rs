//! What the figures should be, as ratios within one run, and whether they are: the rows of
//! `target/bench.json`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::peer::{ALL, Rank};
use crate::results::{Measure, Percentile, Results};
use crate::scenario::Figure;

/// An idle visitor, connection and session together, in bytes.
const RESIDENT_MAX: f64 = 5.0 * 1024.0;

/// How many times more others take for one who is idle.
const RESIDENT_OTHERS: f64 = 5.0;

/// How many times the bare relay's cost a delivery may cost.
const DELIVERY_OVER_LIMIT: f64 = 1.3;

/// How many times more a delivery costs socket.io.
const DELIVERY_OTHERS: f64 = 3.0;

/// Which part of the bare rate is left when all is done that an engine does.
const DURABLE_OF_LIMIT: f64 = 0.5;

/// The greatest batch of the engine's log.
const BATCH_MAX: u32 = 256;

/// Durable messages each second at the best.
const DURABLE_MIN: f64 = 20_000.0;

/// How many times the commits' time a message may take until its operator sees it.
const SEEN_OVER_COMMIT: f64 = 3.0;

/// How much longer than a commit a take-over may take, in milliseconds.
const TAKEOVER_BEYOND_COMMIT: f64 = 10.0;

/// How long all may take to come back, in seconds, and how many times the steady memory that may take.
const BACK_MAX: f64 = 5.0;
const RESTART_OVER_STEADY: f64 = 2.0;

/// How many times the processor time of the smallest site the greatest may take at the same rate.
const GREATEST_OVER_SMALLEST: f64 = 1.5;

/// How many times as long a visitor's message may take while operators stall.
const STALLED_OVER_NONE: f64 = 1.1;

/// One thing that was measured, of all.
#[derive(Debug, Serialize)]
pub struct Row {
    pub name: String,
    pub unit: &'static str,
    /// Nothing if the engine was not measured.
    pub ours: Option<f64>,
    /// Nothing if there is no limit to compare with.
    pub limit: Option<f64>,
    /// Those who were measured.
    pub peers: BTreeMap<&'static str, f64>,
    /// Those who were not, and why: never a 0.
    pub missing: BTreeMap<String, String>,
    /// Nothing if the figure only describes.
    pub aim: Option<String>,
    /// Nothing if there is no aim, or something to compare with is missing.
    pub met: Option<bool>,
    /// Where it is shown.
    #[serde(skip)]
    pub table: Table,
}

/// Which table a row is in: each has columns of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// What all peers do.
    Peers,
    /// What is durable.
    Durable,
    /// What the engine alone does.
    Scenarios,
}

/// What a figure should be.
struct Aim {
    text: String,
    /// Each part of it; nothing where a figure is missing.
    parts: Vec<Option<bool>>,
}

/// All rows, in the order of the measures.
pub fn rows(results: &Results) -> Vec<Row> {
    let mut rows: Vec<Row> = results.measures().map(|measure| row(results, measure)).collect();
    let durable = rows.iter().rposition(|row| row.table == Table::Durable);
    let after = durable.map_or(rows.len(), |last| last + 1);
    rows.splice(after..after, best_durable(results));
    rows
}

fn row(results: &Results, measure: &Measure) -> Row {
    let of = |who: &str| results.of(measure, who);
    let ranked = |rank| ALL.iter().filter(move |peer| peer.rank == rank);
    let ours = ranked(Rank::Ours).find_map(|peer| of(peer.name));
    let limit = match measure {
        Measure::Durable(_) => of(SQLITE),
        Measure::Scenario(_) => of(HELD_TO),
        _ => ranked(Rank::Limit).find_map(|peer| of(peer.name)),
    };
    let mut peers: BTreeMap<_, _> =
        ranked(Rank::Other).filter_map(|peer| Some((peer.name, of(peer.name)?))).collect();
    peers.extend(of(FDATASYNC).map(|rate| (FDATASYNC, rate)));
    let aim = aim(measure, ours, limit, &peers);
    let met = aim.as_ref().and_then(|aim| verdict(&aim.parts));
    let aim = aim.map(|aim| aim.text);
    let table = match measure {
        Measure::Durable(_) => Table::Durable,
        Measure::Scenario(_) => Table::Scenarios,
        _ => Table::Peers,
    };
    let missing = missing(results, table);
    Row { name: measure.name(), unit: measure.unit(), ours, limit, peers, missing, aim, met, table }
}

/// Who is missing among those who do such work.
fn missing(results: &Results, table: Table) -> BTreeMap<String, String> {
    let is_disk = |name: &str| name == SQLITE || name == FDATASYNC;
    let takes_part = |name: &str| match table {
        Table::Peers => !is_disk(name),
        Table::Durable => is_disk(name),
        Table::Scenarios => false,
    };
    let mut missing = results.missing.clone();
    missing.retain(|name, _| name == ALL[0].name || takes_part(name));
    missing
}

/// The limit of what is durable, and the floor below it.
pub const SQLITE: &str = "bare SQLite";
pub const FDATASYNC: &str = "fdatasync";

/// What a figure of a scenario is held to, of the same run.
pub const HELD_TO: &str = "held to";

fn aim(
    measure: &Measure,
    ours: Option<f64>,
    limit: Option<f64>,
    peers: &BTreeMap<&str, f64>,
) -> Option<Aim> {
    let ours_times = |factor: f64, peer: &str| Some(ours? * factor <= *peers.get(peer)?);
    match measure {
        Measure::ResidentPerIdle => Some(Aim {
            text: format!(
                "≤ {RESIDENT_MAX}; socket.io and centrifuge at least {RESIDENT_OTHERS} times as much"
            ),
            parts: vec![
                ours.map(|ours| ours <= RESIDENT_MAX),
                ours_times(RESIDENT_OTHERS, "socket.io"),
                ours_times(RESIDENT_OTHERS, "centrifuge"),
            ],
        }),
        Measure::ProcessorPerDelivery(100 | 1000) => Some(Aim {
            text: format!(
                "≤ {DELIVERY_OVER_LIMIT} × limit; socket.io at least {DELIVERY_OTHERS} times as much"
            ),
            parts: vec![
                ours.zip(limit).map(|(ours, limit)| ours <= DELIVERY_OVER_LIMIT * limit),
                ours_times(DELIVERY_OTHERS, "socket.io"),
            ],
        }),
        // Beyond it there are no batches to compare with.
        Measure::Durable(..=BATCH_MAX) => Some(Aim {
            text: format!("≥ {} % of limit", 100.0 * DURABLE_OF_LIMIT),
            parts: vec![ours.zip(limit).map(|(ours, limit)| ours >= DURABLE_OF_LIMIT * limit)],
        }),
        Measure::Scenario(figure) => aim_of_scenario(*figure, ours, limit),
        _ => None,
    }
}

fn aim_of_scenario(figure: Figure, ours: Option<f64>, limit: Option<f64>) -> Option<Aim> {
    let times = |factor: f64, of: &str| {
        let text = format!("≤ {factor} × {of}");
        (text, ours.zip(limit).map(|(ours, limit)| ours <= factor * limit))
    };
    let at_most = |most: f64| (format!("≤ {most}"), ours.map(|ours| ours <= most));
    let (text, part) = match figure {
        Figure::Seen(Percentile::P99) => times(SEEN_OVER_COMMIT, "limit, the commits' p99"),
        Figure::TakenOver(Percentile::P99) => {
            let within = |(ours, limit)| ours <= limit + TAKEOVER_BEYOND_COMMIT;
            let text = format!("≤ limit, the commits' p99, + {TAKEOVER_BEYOND_COMMIT}");
            (text, ours.zip(limit).map(within))
        }
        Figure::SpokenOver => at_most(0.0),
        Figure::Back => at_most(BACK_MAX),
        Figure::RestartResident => times(RESTART_OVER_STEADY, "limit, that before the kill"),
        // Only the greatest site is held to the smallest.
        Figure::Watched(_) if limit.is_some() => {
            times(GREATEST_OVER_SMALLEST, "limit, that of the smallest site")
        }
        Figure::Stalled(Percentile::P99) => {
            times(STALLED_OVER_NONE, "limit, that while the same operators read")
        }
        _ => return None,
    };
    Some(Aim { text, parts: vec![part] })
}

/// The most that is durable, whatever is under way.
fn best_durable(results: &Results) -> Option<Row> {
    let best = |who: &str| results.best_durable(who);
    let ours = best(ALL[0].name)?;
    Some(Row {
        name: "durable messages per second, at best".to_owned(),
        unit: "1/s",
        ours: Some(ours),
        limit: best(SQLITE),
        peers: best(FDATASYNC).map(|rate| (FDATASYNC, rate)).into_iter().collect(),
        missing: missing(results, Table::Durable),
        aim: Some(format!("≥ {DURABLE_MIN}")),
        met: Some(ours >= DURABLE_MIN),
        table: Table::Durable,
    })
}

/// One part that is not met decides; one that is not known leaves it open.
fn verdict(parts: &[Option<bool>]) -> Option<bool> {
    if parts.contains(&Some(false)) {
        return Some(false);
    }
    parts.iter().all(Option::is_some).then_some(true)
}
