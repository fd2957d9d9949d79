//! The medians of many measurements as tables of Markdown, and how far they were apart.

use std::fmt::Write;

use crate::Args;
use crate::arrangement::Arrangement;
use crate::sample::Sample;

/// A column: its head, and what stands in it.
type Column = (&'static str, fn(&[Sample]) -> String);

const COSTS: &[Column] = &[
    ("engines", |all| whole(all, |one| one.engines)),
    ("Redis", |all| whole(all, |one| one.redis)),
    ("together", |all| whole(all, Sample::total)),
    ("least to most", |all| {
        let totals = sorted(all, Sample::total);
        let [first, .., last] = totals[..] else { return "-".into() };
        format!("{first:.0} to {last:.0}")
    }),
    ("scripts", |all| format!("{:.2}", median(all, |one| one.scripts))),
    ("idle, % of a core", |all| format!("{:.1}", median(all, |one| one.idle))),
    ("engines, MiB", |all| whole(all, |one| one.resident[0])),
    ("Redis, MiB", |all| whole(all, |one| one.resident[1])),
    ("messages", |all| all.iter().map(|one| one.messages).sum::<u64>().to_string()),
    ("errors", |all| all.iter().map(|one| one.errors).sum::<u64>().to_string()),
];

const LATENCIES: &[Column] = &[
    ("acknowledged p50", |all| millis(all, |one| one.acknowledged[0])),
    ("p95", |all| millis(all, |one| one.acknowledged[1])),
    ("p99", |all| millis(all, |one| one.acknowledged[2])),
    ("observed p50", |all| millis(all, |one| one.observed[0])),
    ("p95", |all| millis(all, |one| one.observed[1])),
    ("p99", |all| millis(all, |one| one.observed[2])),
    ("of these the load's own p99", |all| millis(all, |one| one.sent)),
];

/// Everything that was measured.
pub fn tables(args: &Args, arrangements: &[&Arrangement], samples: &[Vec<Sample>]) -> String {
    let mut text = String::new();
    let first = samples.first().map_or(0.0, |samples| median(samples, Sample::total));
    let ratio = |samples: &[Sample]| format!("{:.2}", median(samples, Sample::total) / first);
    table(&mut text, "µs of processor a message", COSTS, arrangements, samples);
    let _ = writeln!(text);
    table(&mut text, "milliseconds", LATENCIES, arrangements, samples);
    let against = arrangements.iter().zip(samples);
    let against = against.map(|(arrangement, of)| format!("{} {}", arrangement.name, ratio(of)));
    let elsewhere = || samples.iter().flatten().map(|one| 100.0 * one.elsewhere);
    let (quiet, busy) = (elsewhere().fold(f64::MAX, f64::min), elsewhere().fold(0.0, f64::max));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let Args { rounds, seconds, rate, visitors, observers, bots, live_list, .. } = args;
    let _ = write!(
        text,
        "\n{rate} messages a second; {visitors} visitors talk, {observers} operators observe them with \
         {live_list} cards of the live list each, {bots} bots answer. Medians of {rounds} rounds of \
         {seconds} s. {cores} cores, of which other programs took {quiet:.0} to {busy:.0} %.\n\
         Against the first: {}.\n",
        against.collect::<Vec<_>>().join("; ")
    );
    text
}

fn table(
    text: &mut String,
    of: &str,
    columns: &[Column],
    arrangements: &[&Arrangement],
    samples: &[Vec<Sample>],
) {
    let heads: Vec<_> = columns.iter().map(|(head, _)| *head).collect();
    let _ = writeln!(text, "| {of} | {} |", heads.join(" | "));
    let _ = writeln!(text, "|---|{}", "---:|".repeat(heads.len()));
    for (arrangement, samples) in arrangements.iter().zip(samples) {
        let cells: Vec<_> = columns.iter().map(|(_, cell)| cell(samples)).collect();
        let _ = writeln!(text, "| {} | {} |", arrangement.name, cells.join(" | "));
    }
}

fn whole(samples: &[Sample], of: impl Fn(&Sample) -> f64) -> String {
    format!("{:.0}", median(samples, of))
}

fn millis(samples: &[Sample], of: impl Fn(&Sample) -> f64) -> String {
    format!("{:.1}", median(samples, of))
}

/// Of an even number the mean of the two in the middle.
fn median(samples: &[Sample], of: impl Fn(&Sample) -> f64) -> f64 {
    let values = sorted(samples, of);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        count if count % 2 == 0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}

fn sorted(samples: &[Sample], of: impl Fn(&Sample) -> f64) -> Vec<f64> {
    let mut values: Vec<_> = samples.iter().map(of).collect();
    values.sort_by(f64::total_cmp);
    values
}
