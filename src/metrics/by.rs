//! A metric for each value that a label can have.

use prometheus_client::metrics::TypedMetric;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Metric, Registry};

/// Metrics by the values of their labels. All are made at the start: so each is there from the first
/// scrape on, none is ever added, and one is found without a lock.
#[derive(Debug)]
pub struct By<K, M> {
    metrics: Vec<(K, M)>,
}

/// Labels of one metric: name and value.
pub(super) type Labels<const N: usize> = [(&'static str, &'static str); N];

impl<K: PartialEq, M: Metric + TypedMetric + Default + Clone> By<K, M> {
    pub(super) fn register<const N: usize>(
        registry: &mut Registry,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (K, Labels<N>)>,
    ) -> Self {
        let family = Family::<Labels<N>, M>::default();
        let made = |(key, labels)| (key, family.get_or_create_owned(&labels));
        let metrics = values.into_iter().map(made).collect();
        registry.register(name, help, family);
        Self { metrics }
    }

    fn of(&self, key: &K) -> Option<&M> {
        self.metrics.iter().find(|(known, _)| known == key).map(|(_, metric)| metric)
    }
}

impl<K: PartialEq> By<K, Counter> {
    /// Counts one.
    pub fn count(&self, key: &K) {
        self.count_all(key, 1);
    }

    /// Counts so many.
    pub fn count_all(&self, key: &K, number: u64) {
        if let Some(counter) = self.of(key) {
            counter.inc_by(number);
        }
    }
}

impl<K: PartialEq> By<K, Gauge> {
    /// One more.
    pub fn enter(&self, key: &K) {
        if let Some(gauge) = self.of(key) {
            gauge.inc();
        }
    }

    /// One less.
    pub fn leave(&self, key: &K) {
        if let Some(gauge) = self.of(key) {
            gauge.dec();
        }
    }
}
