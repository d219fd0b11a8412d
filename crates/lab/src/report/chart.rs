//! A line chart as inline SVG: axes with round numbers, a line for each curve, a legend in words.

use std::fmt::Write;

use super::escaped;

/// A line.
pub(super) struct Curve {
    /// What the legend calls it.
    pub(super) name: &'static str,
    /// Its class in the style sheet.
    pub(super) class: &'static str,
    /// Steps and values, in the order of steps.
    pub(super) points: Vec<(f64, f64)>,
}

/// Curves over the steps of a training.
pub(super) struct Chart {
    /// What the values are.
    pub(super) title: &'static str,
    /// The name of the axis of values.
    pub(super) unit: &'static str,
    /// The lines.
    pub(super) curves: Vec<Curve>,
    /// The point that counts.
    pub(super) best: Option<Best>,
}

/// The best value of a training.
pub(super) struct Best {
    pub(super) step: f64,
    pub(super) value: f64,
}

/// A size that a chart is drawn in: text does not grow with a drawing that is stretched, so each kind of screen has its own.
struct Size {
    class: &'static str,
    width: f64,
    height: f64,
    /// Distances between numbers, about, of the axes across and up.
    ticks: [usize; 2],
}

const SIZES: [Size; 2] = [
    Size { class: "wide", width: 960.0, height: 340.0, ticks: [8, 5] },
    Size { class: "narrow", width: 360.0, height: 280.0, ticks: [3, 4] },
];

/// Room for the numbers at the left, for the steps and their name below, and for the name of the values above.
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 52.0;
const TOP: f64 = 34.0;
const MARGIN: f64 = 16.0;
/// More points than a screen has columns show nothing more.
const MOST_POINTS: usize = 600;

impl Chart {
    /// A figure with the chart in it, once for each size of screen.
    pub(super) fn to_svg(&self) -> String {
        let mut svg = String::new();
        // Writing to a string cannot fail.
        let _ = write!(svg, "<figure>\n<figcaption>{}", escaped(self.title));
        if self.curves.len() > 1 {
            for curve in &self.curves {
                let _ = write!(svg, " <span class=\"legend {}\">{}</span>", curve.class, escaped(curve.name));
            }
        }
        svg.push_str("</figcaption>\n");
        SIZES.iter().for_each(|size| self.draw(size, &mut svg));
        svg.push_str("</figure>\n");
        svg
    }

    fn draw(&self, size: &Size, svg: &mut String) {
        let &Size { class, width, height, ticks: [across, up] } = size;
        let points = || self.curves.iter().flat_map(|curve| &curve.points);
        let xs = ticks(0.0, points().map(|point| point.0).fold(1.0, f64::max), across);
        let low = points().map(|point| point.1).fold(f64::INFINITY, f64::min);
        let high = points().map(|point| point.1).fold(f64::NEG_INFINITY, f64::max);
        let ys = if low.is_finite() && high.is_finite() { ticks(low, high, up) } else { ticks(0.0, 1.0, up) };
        let (x_end, y_begin, y_end) = (xs[xs.len() - 1], ys[0], ys[ys.len() - 1]);
        let x = |value: f64| LEFT + (width - LEFT - MARGIN) * value / x_end;
        let y = |value: f64| TOP + (height - BOTTOM - TOP) * (y_end - value) / (y_end - y_begin);
        let _ = writeln!(
            svg,
            "<svg class=\"{class}\" viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">",
            escaped(&self.in_words())
        );
        for &value in &ys {
            let _ = writeln!(
                svg,
                "<path class=\"grid\" d=\"M{LEFT} {0:.1}H{1}\"/><text x=\"{2}\" y=\"{3:.1}\" text-anchor=\"end\">{4}</text>",
                y(value),
                width - MARGIN,
                LEFT - 8.0,
                y(value) + 5.0,
                number(value)
            );
        }
        for &value in &xs {
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                x(value),
                height - BOTTOM + 20.0,
                number(value)
            );
        }
        let _ = writeln!(
            svg,
            "<text class=\"axis\" x=\"4\" y=\"16\">{}</text><text class=\"axis\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">step</text>",
            escaped(self.unit),
            LEFT + (width - LEFT - MARGIN) / 2.0,
            height - 8.0
        );
        for curve in &self.curves {
            let every = curve.points.len().div_ceil(MOST_POINTS).max(1);
            let last = curve.points.len().saturating_sub(1);
            let kept =
                curve.points.iter().enumerate().filter(|(index, _)| index % every == 0 || *index == last);
            let line: Vec<String> =
                kept.map(|(_, point)| format!("{:.1},{:.1}", x(point.0), y(point.1))).collect();
            let _ =
                writeln!(svg, "<polyline class=\"curve {}\" points=\"{}\"/>", curve.class, line.join(" "));
            // A line of one point would not show.
            if let [point] = curve.points.as_slice() {
                let _ = writeln!(
                    svg,
                    "<circle class=\"curve {}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"/>",
                    curve.class,
                    x(point.0),
                    y(point.1)
                );
            }
        }
        if let Some(best) = &self.best {
            let (cx, cy) = (x(best.step), y(best.value));
            // The words stand above the curves, in the corner that the name of the values leaves free.
            let _ = writeln!(
                svg,
                "<circle class=\"best-point\" cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"6\"/><text class=\"best-word\" x=\"{:.1}\" y=\"16\" text-anchor=\"end\">best {} at step {}</text>",
                width - MARGIN,
                number(best.value),
                number(best.step)
            );
        }
        svg.push_str("</svg>\n");
    }

    /// What the chart shows, for those who do not see it.
    fn in_words(&self) -> String {
        let curves = self.curves.iter().filter_map(|curve| {
            let (first, last) = (curve.points.first()?, curve.points.last()?);
            Some(format!(
                "{} from {} to {} at step {}",
                curve.name,
                number(first.1),
                number(last.1),
                number(last.0)
            ))
        });
        format!("{}: {}", self.title, curves.collect::<Vec<_>>().join("; "))
    }
}

/// Round numbers at even distances, about `count`, that reach from `low` or below to `high` or above.
fn ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let span = if high > low { high - low } else { high.abs().max(1e-9) };
    let rough = span / count as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|digit| digit * power)
        .find(|step| *step >= rough)
        .unwrap_or(power);
    let (first, last) = ((low / step).floor(), (high / step).ceil());
    let last = last.max(first + 1.0);
    (0..=(last - first) as usize).map(|tick| (first + tick as f64) * step).collect()
}

/// A number in as few digits as tell it from its neighbours on an axis.
fn number(value: f64) -> String {
    let size = value.abs();
    let (text, end) = match size {
        0.0 => return "0".into(),
        _ if size >= 1e6 => (format!("{:.2}", value / 1e6), "M"),
        _ if size >= 1e4 => (format!("{:.1}", value / 1e3), "k"),
        _ if size >= 1e-1 => (format!("{value:.3}"), ""),
        _ if size >= 1e-4 => (format!("{value:.5}"), ""),
        _ => return format!("{value:.1e}").replace(".0e", "e"),
    };
    format!("{}{end}", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_everything() {
        assert_eq!(ticks(0.0, 1.0, 5).len(), 6);
        for (low, high) in [(1.32, 4.17), (0.0, 953.0), (2.0, 2.0), (1e-6, 1e-3), (0.0, 0.0)] {
            let found = ticks(low, high, 5);
            assert!(found[0] <= low && found[found.len() - 1] >= high && found.len() <= 8, "{found:?}");
        }
    }

    #[test]
    fn numbers_are_short() {
        let found = [0.0, 2.5, 1000.0, 25_000.0, 1.5e6, 1e-3, 0.0015, 0.02, 2e-5].map(number);
        assert_eq!(found, ["0", "2.5", "1000", "25k", "1.5M", "0.001", "0.0015", "0.02", "2e-5"]);
    }
}
