//! The result as a picture: one file of HTML with drawings in SVG, or one of SVG, that needs nothing
//! from elsewhere. Everything that comes from outside is escaped.

mod chart;

use std::fmt::Write;

use super::{Latency, Report};
use crate::tally::Measure;
use chart::{Axis, Chart, Line};

/// Which of a hundred, as a latency's columns have them, and where they stand on the axis of nines.
type Percentile = (&'static str, f64, fn(&Latency) -> f64);
const PERCENTILES: [Percentile; 6] = [
    ("p50", 0.5, |latency| latency.p50),
    ("p90", 0.9, |latency| latency.p90),
    ("p95", 0.95, |latency| latency.p95),
    ("p99", 0.99, |latency| latency.p99),
    ("p99.9", 0.999, |latency| latency.p99_9),
    ("max", 0.9999, |latency| latency.max),
];

const MIB: f64 = 1024.0 * 1024.0;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c1f24;--dim:#667;--grid:#dde;--paper:#fff;--bad:#b3261e;--good:#1b6e3c}\
@media(prefers-color-scheme:dark){:root{--ink:#e8e8ee;--dim:#99a;--grid:#334;--paper:#15171b;--bad:#ff8a80;--good:#7ddb9f}}\
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.4rem;margin-bottom:0}h2{font-size:1.05rem;margin:2rem 0 .3rem}p{margin:.3rem 0;color:var(--dim)}\
table{border-collapse:collapse;font-variant-numeric:tabular-nums}td,th{padding:.15rem .7rem;text-align:right;border-bottom:1px solid var(--grid)}\
td:first-child,th:first-child{text-align:left;padding-left:0}.bad{color:var(--bad);font-weight:600}.good{color:var(--good)}\
svg{max-width:100%;height:auto;display:block}";

impl Report {
    /// As a page of HTML.
    pub fn to_html(&self) -> String {
        let title = format!("vigie-load {}", self.scenario.name);
        let mut page =
            String::from("<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n");
        page += "<meta name=\"viewport\" content=\"width=device-width\">\n";
        page += "<meta http-equiv=\"Content-Security-Policy\" \
                 content=\"default-src 'none'; style-src 'unsafe-inline'\">\n";
        let _ = write!(page, "<title>{}</title>\n<style>{STYLE}</style>\n", escaped(&title));
        let _ = write!(
            page,
            "<h1>{}: {}</h1>\n<p>{} at {}, site {}, seed {}</p>\n",
            escaped(&self.scenario.name),
            escaped(&self.scenario.about),
            escaped(self.server.as_deref().unwrap_or("an engine")),
            escaped(&self.to),
            escaped(&self.site),
            self.scenario.seed
        );
        page += &self.table();
        for (chart, drawn) in self.charts() {
            let _ = write!(page, "<h2>{}</h2>\n{drawn}\n", escaped(chart));
        }
        page += &self.verdicts();
        page += "</html>\n";
        page
    }

    /// As one drawing.
    pub fn to_svg(&self) -> String {
        let charts = self.charts();
        let height = charts.len() as f64 * (chart::HEIGHT + HEADING) + HEADING;
        let width = chart::WIDTH;
        let mut drawing = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\"><style>text{{font:13px sans-serif}}</style>\
             <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>"
        );
        let title = format!("{}: {}", self.scenario.name, self.scenario.about);
        let _ = write!(drawing, "<text x=\"8\" y=\"20\">{}</text>", escaped(&title));
        for (place, (name, drawn)) in charts.into_iter().enumerate() {
            let y = HEADING + place as f64 * (chart::HEIGHT + HEADING);
            let _ = write!(
                drawing,
                "<text x=\"8\" y=\"{}\">{}</text><g transform=\"translate(0 {})\">{drawn}</g>",
                y + 18.0,
                escaped(name),
                y + HEADING
            );
        }
        // A drawing alone has no page to take its colours from, and not every reader knows variables.
        let colours = [("var(--grid)", "#dde"), ("var(--dim)", "#667"), ("var(--ink)", "#1c1f24")];
        let plain = |drawing: String, (name, colour)| drawing.replace(name, colour);
        colours.into_iter().fold(drawing, plain) + "</svg>\n"
    }

    /// Each with what it shows; those that would show nothing are left out.
    fn charts(&self) -> Vec<(&'static str, String)> {
        let charts = [
            ("Latency by percentile", self.by_percentile()),
            ("Latency over time: 99th of a hundred, when it was due", self.over_time()),
            ("Messages acknowledged per second", self.rate()),
            ("Resident memory", self.costs_over_time("MiB", |resident, _| resident as f64 / MIB)),
            ("Processor time", self.costs_over_time("% of a core", |_, percent| percent)),
        ];
        let shown = charts.into_iter().filter(|(_, chart)| !chart.lines.is_empty());
        shown.map(|(name, chart)| (name, chart.draw(name))).collect()
    }

    fn by_percentile(&self) -> Chart {
        let nines = |quantile: f64| -(1.0 - quantile).log10();
        let lines = self.measured().map(|(name, latency)| Line {
            name: name.to_owned(),
            points: PERCENTILES.iter().map(|(_, at, of)| (nines(*at), of(latency))).collect(),
        });
        let ticks = PERCENTILES.iter().map(|(name, at, _)| (nines(*at), (*name).to_owned()));
        Chart {
            across: Axis::Marked(ticks.collect()),
            unit: "ms",
            is_logarithmic: true,
            lines: lines.collect(),
        }
    }

    fn over_time(&self) -> Chart {
        let lines = self.measured().map(|(name, _)| {
            let of = self.series.iter().filter_map(|point| {
                let (_, _, p99, _) = point.latencies.get(name)?;
                Some((self.since(point.second * 1000), *p99))
            });
            Line { name: name.to_owned(), points: of.collect() }
        });
        Chart { across: Axis::Seconds, unit: "ms", is_logarithmic: true, lines: lines.collect() }
    }

    fn rate(&self) -> Chart {
        let name = Measure::Acknowledged.name();
        let points: Vec<_> = self
            .series
            .iter()
            .filter_map(|point| {
                let (count, ..) = point.latencies.get(name)?;
                Some((self.since(point.second * 1000), *count as f64 / point.width as f64))
            })
            .collect();
        let lines =
            if points.is_empty() { vec![] } else { vec![Line { name: name.into(), points }] };
        Chart { across: Axis::Seconds, unit: "/s", is_logarithmic: false, lines }
    }

    fn costs_over_time(&self, unit: &'static str, of: fn(u64, f64) -> f64) -> Chart {
        let mut lines: Vec<Line> = Vec::new();
        for point in &self.costs {
            for (name, resident, percent) in &point.of {
                let value = (self.since(point.at), of(*resident, *percent));
                match lines.iter_mut().find(|line| line.name == *name) {
                    Some(line) => line.points.push(value),
                    None => lines.push(Line { name: name.clone(), points: vec![value] }),
                }
            }
        }
        Chart { across: Axis::Seconds, unit, is_logarithmic: false, lines }
    }

    /// Seconds since the run began, of a moment in milliseconds since 1970.
    fn since(&self, at: u64) -> f64 {
        (at as f64 - self.began as f64).max(0.0) / 1e3
    }

    fn measured(&self) -> impl Iterator<Item = (&'static str, &Latency)> {
        Measure::ALL.iter().filter_map(|measure| {
            self.latencies.get(measure.name()).map(|latency| (measure.name(), latency))
        })
    }

    fn table(&self) -> String {
        let mut table = String::from("<h2>Latencies in ms</h2>\n<table><tr><th><th>count");
        for (name, ..) in PERCENTILES {
            let _ = write!(table, "<th>{name}");
        }
        table += "\n";
        for (name, latency) in self.measured() {
            let _ = write!(table, "<tr><td>{name}<td>{}", latency.count);
            for (.., of) in PERCENTILES {
                let _ = write!(table, "<td>{:.2}", of(latency));
            }
            table += "\n";
        }
        table + "</table>\n"
    }

    fn verdicts(&self) -> String {
        let mut table = String::from("<h2>Checks</h2>\n<table>\n");
        for check in &self.checks {
            let (class, verdict) = if check.passed { ("good", "ok") } else { ("bad", "FAIL") };
            let (name, found, expected) = (escaped(check.name), check.found, check.expected);
            let _ = writeln!(
                table,
                "<tr><td class={class}>{verdict}<td style=\"text-align:left\">{name}<td>{found} of {expected}"
            );
        }
        table += "</table>\n";
        if !self.troubles.is_empty() {
            table += "<h2>What went wrong</h2>\n<table>\n";
            for (trouble, count) in &self.troubles {
                let trouble = escaped(trouble);
                let _ =
                    writeln!(table, "<tr><td>{count} times<td style=\"text-align:left\">{trouble}");
            }
            table += "</table>\n";
        }
        table
    }
}

/// Between two drawings.
const HEADING: f64 = 28.0;

/// Text that stands for itself in HTML and SVG.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // XML has no place for them.
            control if control.is_control() && !control.is_whitespace() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_cannot_become_markup() {
        let text = "<script>alert('a' & \"b\")</script>\u{0}\n";
        let escaped = escaped(text);
        assert_eq!(
            escaped,
            "&lt;script&gt;alert(&#39;a&#39; &amp; &quot;b&quot;)&lt;/script&gt; \n"
        );
    }
}
