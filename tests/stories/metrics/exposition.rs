//! What `/metrics` answers, read as strictly as its format is written (OpenMetrics 1.0).

use std::collections::{BTreeMap, BTreeSet};

/// One answer.
#[derive(Debug, Default)]
pub struct Exposition {
    /// Values by series: the name with its labels, as it stands there.
    pub series: BTreeMap<String, f64>,
    /// The names of all series.
    pub names: BTreeSet<String>,
    /// Kinds by family.
    families: BTreeMap<String, String>,
}

impl Exposition {
    /// Reads an answer; what is not as it should be fails the test.
    #[track_caller]
    pub fn read(text: &str) -> Self {
        let mut read = Self::default();
        let body = text.strip_suffix("# EOF\n").expect("it has an end");
        let (mut helped, mut units) = (BTreeSet::new(), BTreeSet::new());
        for line in body.lines() {
            let fields: Vec<_> = line.splitn(4, ' ').collect();
            match fields[..] {
                ["#", "HELP", name, help] => {
                    assert!(help.len() > 5 && help.ends_with('.'), "{line}");
                    assert!(helped.insert(name.to_owned()), "{line}: twice");
                }
                ["#", "TYPE", name, kind] => {
                    assert!(helped.contains(name), "{line}: what is it?");
                    let before = read.families.insert(name.to_owned(), kind.to_owned());
                    assert_eq!(before, None, "{line}: twice");
                }
                ["#", "UNIT", name, unit] => {
                    assert!(name.ends_with(&format!("_{unit}")), "{line}");
                    assert!(units.insert(name.to_owned()), "{line}: twice");
                }
                _ => read.sample(line),
            }
        }
        read.has_sound_histograms();
        read
    }

    #[track_caller]
    fn sample(&mut self, line: &str) {
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line:?}"));
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}: no number"));
        assert!(value.is_finite() && value >= 0.0, "{line}");
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').expect("a bracket")),
            None => (series, ""),
        };
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{line}");
        for label in labels.split(',').filter(|label| !label.is_empty()) {
            let (label, value) = label.split_once('=').expect("a label has a value");
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            let bounded = |b: u8| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit();
            let known = ["le", "version"].contains(&label) || value.unwrap().bytes().all(bounded);
            assert!(known && value.is_some_and(|value| value.len() < 40), "{line}");
        }
        assert!(self.has_family_of(name), "{line}: of no type");
        self.names.insert(name.to_owned());
        assert_eq!(self.series.insert(series.to_owned(), value), None, "{line}: twice");
    }

    /// Whether a series of this name is one that its family may have.
    fn has_family_of(&self, name: &str) -> bool {
        let suffixes = [
            ("_total", "counter"),
            ("_bucket", "histogram"),
            ("_sum", "histogram"),
            ("_count", "histogram"),
            ("_info", "info"),
            ("", "gauge"),
        ];
        suffixes.iter().any(|(suffix, kind)| {
            let family = name.strip_suffix(suffix).and_then(|family| self.families.get(family));
            family.is_some_and(|of| of == kind)
        })
    }

    #[track_caller]
    fn has_sound_histograms(&self) {
        for (family, _) in self.families.iter().filter(|(_, kind)| *kind == "histogram") {
            let bucket = format!("{family}_bucket{{le=\"");
            let bound = |series: &str| {
                let bound = series.strip_prefix(&bucket)?.strip_suffix("\"}")?;
                Some(if bound == "+Inf" { f64::INFINITY } else { bound.parse().unwrap() })
            };
            let mut buckets: Vec<_> =
                self.series.iter().filter_map(|(name, n)| Some((bound(name)?, *n))).collect();
            buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
            assert!(buckets.len() > 2 && buckets.is_sorted_by(|a, b| a.1 <= b.1), "{buckets:?}");
            let (infinite, all) = buckets[buckets.len() - 1];
            assert!(infinite.is_infinite(), "{family} has no end");
            assert_eq!(self.series[&format!("{family}_count")], all, "{family}");
            assert!(self.series.contains_key(&format!("{family}_sum")), "{family}");
        }
    }

    /// Adds what another engine answers.
    pub fn add(&mut self, other: Self) {
        for (series, value) in other.series {
            *self.series.entry(series).or_default() += value;
        }
        self.names.extend(other.names);
        self.families.extend(other.families);
    }

    /// The sum over all series of a name, or the value of one with its labels.
    pub fn sum(&self, series: &str) -> f64 {
        let of = |name: &str| name == series || name.split('{').next() == Some(series);
        self.series.iter().filter(|(name, _)| of(name)).map(|(_, value)| value).sum()
    }

    /// The series of a name whose value is another than before, by their labels, and by how much.
    pub fn since(&self, before: &Self, name: &str) -> BTreeMap<String, f64> {
        let changed = |(series, value): (&String, &f64)| {
            let labels = series.strip_prefix(name)?;
            let more = value - before.series.get(series).copied().unwrap_or_default();
            (labels.starts_with('{') && more != 0.0).then(|| (labels.to_owned(), more))
        };
        self.series.iter().filter_map(changed).collect()
    }
}

#[test]
fn the_reader_takes_a_sound_answer() {
    let text = "# HELP a_seconds Time taken.\n# TYPE a_seconds histogram\n# UNIT a_seconds seconds\n\
                a_seconds_sum 1.5\na_seconds_count 2\na_seconds_bucket{le=\"0.1\"} 1\n\
                a_seconds_bucket{le=\"1.0\"} 1\na_seconds_bucket{le=\"+Inf\"} 2\n\
                # HELP b Things done.\n# TYPE b counter\nb_total{of=\"x\"} 3\nb_total{of=\"y\"} 4\n\
                # EOF\n";
    let read = Exposition::read(text);
    assert_eq!((read.sum("b_total"), read.sum("b_total{of=\"x\"}")), (7.0, 3.0));
    let mut twice = Exposition::read(text);
    twice.add(Exposition::read(text));
    assert_eq!(twice.since(&read, "b_total").into_values().sum::<f64>(), 7.0);
}

#[test]
fn the_reader_finds_what_is_wrong() {
    let gauge = "# HELP a Some thing.\n# TYPE a gauge\n";
    for wrong in [
        "a 1\n# EOF\n".to_owned(),
        format!("{gauge}a 1\n"),
        format!("{gauge}a 1\na 2\n# EOF\n"),
        format!("{gauge}a_total 1\n# EOF\n"),
        format!("{gauge}{gauge}a 1\n# EOF\n"),
        format!("{gauge}a NaN\n# EOF\n"),
        format!("{gauge}a{{who=\"Ann Smith\"}} 1\n# EOF\n"),
        "# TYPE a gauge\na 1\n# EOF\n".to_owned(),
        "# HELP a Some thing.\na 1\n# EOF\n".to_owned(),
        "# HELP h Times.\n# TYPE h histogram\nh_sum 1\nh_count 3\nh_bucket{le=\"1\"} 1\n\
         h_bucket{le=\"2\"} 1\nh_bucket{le=\"+Inf\"} 2\n# EOF\n"
            .to_owned(),
    ] {
        let read = std::panic::catch_unwind(|| Exposition::read(&wrong));
        assert!(read.is_err(), "this passed: {wrong}");
    }
}
