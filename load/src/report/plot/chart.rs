//! One drawing: lines over an axis, a grid, and a legend.

use std::fmt::Write;

use super::escaped;

pub(super) const WIDTH: f64 = 900.0;
pub(super) const HEIGHT: f64 = 260.0;

/// What is kept free around the lines: for labels, and for the legend at the right.
const LEFT: f64 = 78.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 24.0;

/// How far the lines of the legend are apart.
const LEGEND_STEP: f64 = 17.0;

/// Colours that can be told apart on light and on dark ground, also by most who see few colours.
const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5cc7", "#8a8d00"];

/// Colours come again with these strokes.
const DASHES: [&str; 3] = ["none", "6 3", "2 3"];

/// What there is from left to right.
pub(super) enum Axis {
    Seconds,
    /// Places, and what is written there.
    Marked(Vec<(f64, String)>),
}

pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

pub(super) struct Chart {
    pub(super) across: Axis,
    pub(super) unit: &'static str,
    pub(super) is_logarithmic: bool,
    pub(super) lines: Vec<Line>,
}

impl Chart {
    pub(super) fn draw(&self, name: &str) -> String {
        let mut drawn = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\" \
             font-size=\"12\" font-family=\"sans-serif\">",
            escaped(name)
        );
        let (left, right) = self.breadth();
        let (bottom, top) = self.depth();
        let x = |value: f64| LEFT + (value - left) / (right - left) * (WIDTH - LEFT - RIGHT);
        let y = |value: f64| {
            let value = if self.is_logarithmic { value.max(bottom).log10() } else { value };
            let (bottom, top) =
                if self.is_logarithmic { (bottom.log10(), top.log10()) } else { (bottom, top) };
            HEIGHT - BOTTOM - (value - bottom) / (top - bottom) * (HEIGHT - TOP - BOTTOM)
        };
        for value in self.heights(bottom, top) {
            let (y, end) = (y(value), WIDTH - RIGHT);
            let _ = write!(
                drawn,
                "<path d=\"M{LEFT} {y:.1}H{end}\" stroke=\"var(--grid)\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"var(--dim)\">{} {}</text>",
                LEFT - 6.0,
                y + 4.0,
                number(value),
                if self.unit.starts_with('%') { "%" } else { self.unit }
            );
        }
        for (at, label) in self.places(left, right) {
            let _ = write!(
                drawn,
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"var(--dim)\">{}</text>",
                x(at),
                HEIGHT - 6.0,
                escaped(&label)
            );
        }
        for (place, line) in self.lines.iter().enumerate() {
            let colour = COLOURS[place % COLOURS.len()];
            let dash = DASHES[place / COLOURS.len() % DASHES.len()];
            let points: Vec<_> = line
                .points
                .iter()
                .map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value)))
                .collect();
            let stroke =
                format!("stroke=\"{colour}\" stroke-width=\"1.6\" stroke-dasharray=\"{dash}\"");
            let _ =
                write!(drawn, "<polyline fill=\"none\" {stroke} points=\"{}\"/>", points.join(" "));
            // A line of one point would not be seen.
            if let [point] = &points[..] {
                let (x, y) = point.split_once(',').unwrap_or_default();
                let _ =
                    write!(drawn, "<circle cx=\"{x}\" cy=\"{y}\" r=\"2.5\" fill=\"{colour}\"/>");
            }
            let (from, at) = (WIDTH - RIGHT + 10.0, TOP + 10.0 + place as f64 * LEGEND_STEP);
            let _ = write!(
                drawn,
                "<path d=\"M{from} {at}h18\" {stroke}/>\
                 <text x=\"{}\" y=\"{}\" fill=\"var(--ink)\">{}</text>",
                from + 24.0,
                at + 4.0,
                escaped(&line.name)
            );
        }
        drawn + "</svg>"
    }

    fn points(&self) -> impl Iterator<Item = &(f64, f64)> {
        self.lines.iter().flat_map(|line| &line.points)
    }

    fn breadth(&self) -> (f64, f64) {
        let (left, right) = match &self.across {
            Axis::Seconds => (0.0, self.points().map(|(at, _)| *at).fold(1.0, f64::max)),
            Axis::Marked(places) => {
                let at = || places.iter().map(|(at, _)| *at);
                (at().fold(f64::INFINITY, f64::min), at().fold(f64::NEG_INFINITY, f64::max))
            }
        };
        if right > left { (left, right) } else { (left, left + 1.0) }
    }

    fn depth(&self) -> (f64, f64) {
        let values = || self.points().map(|(_, value)| *value).filter(|value| value.is_finite());
        let most = values().fold(0.0, f64::max);
        if self.is_logarithmic {
            let least = values().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
            let least = if least.is_finite() { least } else { 0.1 };
            let (bottom, top) = (least.log10().floor(), most.max(least).log10().ceil());
            (10f64.powf(bottom), 10f64.powf(if top > bottom { top } else { bottom + 1.0 }))
        } else {
            let step = step(most);
            (0.0, ((most / step).ceil() * step).max(step))
        }
    }

    /// Where lines of the grid are drawn.
    fn heights(&self, bottom: f64, top: f64) -> Vec<f64> {
        let next = |value: f64| if self.is_logarithmic { value * 10.0 } else { value + step(top) };
        let mut heights = vec![bottom];
        while let Some(value) = heights.last().map(|last| next(*last))
            && value <= top * 1.0001
            && heights.len() < 20
        {
            heights.push(value);
        }
        heights
    }

    fn places(&self, left: f64, right: f64) -> Vec<(f64, String)> {
        match &self.across {
            Axis::Marked(places) => places.clone(),
            Axis::Seconds => {
                let step = step(right - left);
                (0..20u32)
                    .map(|count| left + f64::from(count) * step)
                    .take_while(|at| *at <= right)
                    .map(|at| (at, format!("{} s", number(at))))
                    .collect()
            }
        }
    }
}

/// 1, 2 or 5 times a power of ten, so that four to ten of it are the whole.
fn step(whole: f64) -> f64 {
    if !(whole.is_finite() && whole > 0.0) {
        return 1.0;
    }
    let power = 10f64.powf((whole / 4.0).log10().floor());
    let of = |times: f64| power * times;
    [5.0, 2.0].into_iter().map(of).find(|step| whole / step >= 4.0).unwrap_or(power)
}

fn number(value: f64) -> String {
    let digits = if value >= 10.0 || value == 0.0 {
        0
    } else if value >= 1.0 {
        1
    } else {
        3
    };
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(is_logarithmic: bool, points: Vec<(f64, f64)>) -> Chart {
        let lines = vec![Line { name: "a<b>".into(), points }];
        Chart { across: Axis::Seconds, unit: "ms", is_logarithmic, lines }
    }

    #[test]
    fn steps_are_round() {
        for (whole, expected) in
            [(10.0, 2.0), (4.0, 1.0), (39.0, 5.0), (100.0, 20.0), (0.9, 0.2), (0.0, 1.0)]
        {
            assert!((step(whole) - expected).abs() < 1e-9, "{whole}: {}", step(whole));
        }
    }

    #[test]
    fn every_point_lies_inside_and_names_are_escaped() {
        for is_logarithmic in [false, true] {
            for points in [
                vec![(0.0, 0.0)],
                vec![(0.0, 0.001), (3.0, 5000.0)],
                vec![(1.0, 7.0), (2.0, 7.0), (900.0, 0.0)],
            ] {
                let drawn = chart(is_logarithmic, points).draw("x & y");
                assert!(drawn.contains("a&lt;b&gt;") && drawn.contains("x &amp; y"));
                let line = drawn.split("points=\"").nth(1).unwrap().split('"').next().unwrap();
                for point in line.split(' ') {
                    let (x, y) = point.split_once(',').unwrap();
                    let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
                    assert!((LEFT..=WIDTH - RIGHT).contains(&x), "{drawn}");
                    assert!((TOP - 0.1..=HEIGHT - BOTTOM + 0.1).contains(&y), "{drawn}");
                }
            }
        }
    }
}
