//! Curves as a picture: one SVG, readable on white and on black.

use std::fmt::Write;

use crate::record::Point;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;
/// Room for the numbers at the left and below, and for the names at the right.
const LEFT: f64 = 48.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 40.0;
/// Colours that differ in lightness as well as in hue.
const COLOURS: [&str; 8] =
    ["#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#7f7f7f"];

/// Draws curves over minutes; `what` says what is drawn upwards.
pub fn draw(curves: &[(&str, &[Point])], what: &str) -> String {
    let points = || curves.iter().flat_map(|(_, curve)| curve.iter());
    let longest = points().map(|point| point.0).fold(1.0, f64::max);
    let lowest = points().map(|point| point.1).fold(f64::INFINITY, f64::min);
    // The first moments of a training are so high that nothing else could be seen.
    let mut heights: Vec<f64> = points().map(|point| point.1).collect();
    heights.sort_by(f64::total_cmp);
    let highest = heights.get(heights.len() * 97 / 100).copied().unwrap_or(1.0).max(lowest + 0.1);
    let step = nice((highest - lowest) / 5.0);
    let (low, high) = ((lowest / step).floor() * step, (highest / step).ceil() * step);
    let x = |seconds: f64| LEFT + (WIDTH - LEFT - RIGHT) * seconds / longest;
    let y = |value: f64| TOP + (HEIGHT - TOP - BOTTOM) * (high - value.min(high)) / (high - low);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\" fill=\"#808080\">\n"
    );
    let mut line = |text: std::fmt::Arguments<'_>| {
        svg.write_fmt(text).expect("a string takes everything");
        svg.push('\n');
    };
    let rungs = ((high - low) / step).round() as usize;
    for rung in 0..=rungs {
        let value = low + step * rung as f64;
        let (at, end) = (y(value), WIDTH - RIGHT);
        line(format_args!("<path d=\"M{LEFT} {at:.1}H{end}\" stroke=\"#808080\" stroke-opacity=\"0.3\"/>"));
        line(format_args!(
            "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{value:.2}</text>",
            LEFT - 6.0,
            at + 4.0
        ));
    }
    let minutes = nice(longest / 60.0 / 6.0);
    let mut minute = 0.0;
    while minute * 60.0 <= longest {
        line(format_args!(
            "<text x=\"{:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{minute}</text>",
            x(minute * 60.0),
            HEIGHT - BOTTOM + 18.0
        ));
        minute += minutes;
    }
    line(format_args!(
        "<text x=\"{:.0}\" y=\"{:.0}\" text-anchor=\"middle\">minutes of training; upwards: {what}</text>",
        (LEFT + WIDTH - RIGHT) / 2.0,
        HEIGHT - 6.0
    ));
    for (place, (name, curve)) in curves.iter().enumerate() {
        let colour = COLOURS[place % COLOURS.len()];
        let path: Vec<String> =
            curve.iter().map(|point| format!("{:.1} {:.1}", x(point.0), y(point.1))).collect();
        line(format_args!(
            "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-linejoin=\"round\"/>",
            path.join("L")
        ));
        line(format_args!(
            "<text x=\"{:.0}\" y=\"{:.0}\" fill=\"{colour}\">{name}</text>",
            WIDTH - RIGHT + 12.0,
            TOP + 12.0 + 20.0 * place as f64
        ));
    }
    svg + "</svg>\n"
}

/// The next of 1, 2, 5, 10, 20 … times a power of ten.
fn nice(rough: f64) -> f64 {
    let rough = rough.max(1e-3);
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|times| times * power)
        .find(|step| *step >= rough * 0.999)
        .unwrap_or(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_drawn_within_its_picture() {
        let svg = draw(&[("a", &[(0.0, 9.0), (60.0, 2.0), (600.0, 1.5)]), ("b", &[(0.0, 3.0)])], "nats");
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n") && !svg.contains("NaN"), "{svg}");
        assert!(svg.contains(">a</text>") && svg.contains(">b</text>"));
    }

    #[test]
    fn steps_are_round() {
        assert_eq!(
            [nice(0.07), nice(1.0), nice(3.0), nice(70.0)].map(|step| (step * 100.0).round()),
            [10.0, 100.0, 500.0, 10000.0]
        );
    }
}
