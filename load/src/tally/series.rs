//! Latencies over time, for a picture: coarse, and of the same size however long a run takes.
//!
//! A value counts for the moment at which it was due. When there are too many points, neighbours
//! become one.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::{LATENCY_MAX, Measure};

/// The most points of a series.
pub const POINTS_MAX: usize = 300;

/// One digit, so that a point of each measure takes little memory.
const DIGITS: u8 = 1;

/// Latencies over time.
#[derive(Debug, Clone)]
pub struct Series {
    /// How many seconds a point stands for: a power of two.
    width: u64,
    /// By the second since 1970 at which a point begins, divided by its width.
    points: BTreeMap<u64, Vec<Option<Histogram<u32>>>>,
}

/// Latencies of one stretch of time, in milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// When it begins: seconds since 1970-01-01T00:00:00Z.
    pub second: u64,
    /// How many seconds it is.
    pub width: u64,
    /// By measure: how many, the 50th and the 99th of a hundred, and the longest.
    pub latencies: BTreeMap<&'static str, (u64, f64, f64, f64)>,
}

/// A series as one process tells it to another.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Told {
    width: u64,
    /// Second, measure, value in microseconds, how often.
    values: Vec<(u64, usize, u64, u32)>,
}

impl Default for Series {
    fn default() -> Self {
        Self { width: 1, points: BTreeMap::new() }
    }
}

impl Series {
    pub(super) fn record(&mut self, measure: Measure, second: u64, micros: u64) {
        self.record_n(measure as usize, second, micros, 1);
        self.keep_within();
    }

    pub(super) fn told(&self) -> Told {
        let mut values = Vec::new();
        for (place, point) in &self.points {
            for (measure, histogram) in point.iter().enumerate() {
                let recorded = histogram.iter().flat_map(Histogram::iter_recorded);
                values.extend(recorded.map(|at| {
                    (place * self.width, measure, at.value_iterated_to(), at.count_at_value())
                }));
            }
        }
        Told { width: self.width, values }
    }

    pub(super) fn add(&mut self, told: Told) {
        while self.width < told.width {
            self.coarsen();
        }
        for (second, measure, micros, count) in told.values {
            if measure < Measure::ALL.len() {
                self.record_n(measure, second, micros, count);
            }
        }
        self.keep_within();
    }

    /// All points, in order; where nothing was due there is none.
    pub fn points(&self) -> Vec<Point> {
        let latencies = |point: &Vec<Option<Histogram<u32>>>| {
            let measured = Measure::ALL.iter().zip(point);
            measured
                .filter_map(|(measure, histogram)| {
                    let histogram = histogram.as_ref()?;
                    let at = |quantile| histogram.value_at_quantile(quantile) as f64 / 1e3;
                    Some((measure.name(), (histogram.len(), at(0.5), at(0.99), at(1.0))))
                })
                .collect()
        };
        let points = self.points.iter();
        points
            .map(|(place, point)| Point {
                second: place * self.width,
                width: self.width,
                latencies: latencies(point),
            })
            .collect()
    }

    fn record_n(&mut self, measure: usize, second: u64, micros: u64, count: u32) {
        let point = self.points.entry(second / self.width);
        let point = point.or_insert_with(|| vec![None; Measure::ALL.len()]);
        point[measure].get_or_insert_with(histogram).saturating_record_n(micros, count);
    }

    fn keep_within(&mut self) {
        while self.points.len() > POINTS_MAX {
            self.coarsen();
        }
    }

    fn coarsen(&mut self) {
        self.width *= 2;
        for (place, point) in std::mem::take(&mut self.points) {
            let into = self.points.entry(place / 2).or_insert_with(|| vec![None; point.len()]);
            for (into, from) in into.iter_mut().zip(point) {
                match (into.as_mut(), from) {
                    // Of the same bounds, so nothing is out of them.
                    (Some(into), Some(from)) => drop(into.add(from)),
                    (None, from) => *into = from,
                    (Some(_), None) => {}
                }
            }
        }
    }
}

fn histogram() -> Histogram<u32> {
    let most = u64::try_from(LATENCY_MAX.as_micros()).unwrap_or(u64::MAX);
    Histogram::new_with_bounds(1, most, DIGITS).expect("1 µs to 10 min at one digit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_takes_no_more_points_than_there_may_be_and_loses_nothing() {
        let mut series = Series::default();
        for second in 0..86_400 {
            series.record(Measure::Seen, 1_000_000 + second, 5_000);
        }
        let points = series.points();
        assert!(points.len() <= POINTS_MAX && points.len() > POINTS_MAX / 3, "{}", points.len());
        assert!(points.is_sorted_by_key(|point| point.second));
        let sum: u64 = points.iter().map(|point| point.latencies["seen"].0).sum();
        assert_eq!(sum, 86_400);
    }

    #[test]
    fn a_slow_second_stands_out_where_it_was_due() {
        let mut series = Series::default();
        for second in 10..20 {
            series.record(Measure::Seen, second, if second == 15 { 900_000 } else { 1_000 });
        }
        for point in series.points() {
            let (count, p50, ..) = point.latencies["seen"];
            assert_eq!((count, p50 > 800.0), (1, point.second == 15));
            assert_eq!(point.latencies.len(), 1);
        }
    }
}
