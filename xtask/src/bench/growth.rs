//! How time and memory grow with a fleet, as a picture.

use std::fmt::Write;
use std::fs;

use super::Bench;
use crate::shell::{self, Result};

const PATH: &str = "docs/growth.svg";
const SIZES: [usize; 5] = [500, 1_000, 2_000, 4_000, 8_000];
/// The size of a picture of one quantity, and the room around it.
const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 56.0;
const BOTTOM: f64 = 44.0;
const TOP: f64 = 34.0;
const RIGHT: f64 = 20.0;

/// How a picture looks, in a light and in a dark page.
const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#1c2024}\
    .axis{stroke:#5b6470;fill:none}.grid{stroke:#d5dae0;fill:none}.line{stroke:#1e3f8a;stroke-width:2;fill:none}.dot{fill:#1e3f8a}\
    @media(prefers-color-scheme:dark){text{fill:#e6e9ec}.grid{stroke:#343b43}.axis{stroke:#9aa4af}.line{stroke:#b5cdfd}.dot{fill:#b5cdfd}}";

impl Bench {
    /// Measures fleets of several sizes, and draws what they took.
    pub(super) fn draw_growth(&self) -> Result {
        let (mut seconds, mut megabytes) = (Vec::new(), Vec::new());
        for size in SIZES {
            let (time, peak) = self.look_at(&self.hosts(size)?, 1)?;
            // Some thousands are exact in any type.
            let size = f64::from(u32::try_from(size).unwrap_or(u32::MAX));
            seconds.push((size, time));
            megabytes.push((size, peak));
            println!("{size:6} deployments: {time:.2} s, {peak:.0} MB");
        }
        let path = shell::root().join(PATH);
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {HEIGHT}\" role=\"img\">\n<title>Time and memory of clearml-verify over the number of deployments</title>\n<style>{STYLE}</style>\n{}{}</svg>\n",
            2.0 * WIDTH,
            chart("seconds", &seconds, 0.0),
            chart("peak of memory, MB", &megabytes, WIDTH)
        );
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// A line through points, with axes from zero.
fn chart(title: &str, points: &[(f64, f64)], left: f64) -> String {
    let most = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).fold(0.0, f64::max);
    let (wide, high) = (
        round_up(most(|point| point.0)),
        round_up(most(|point| point.1)),
    );
    let x = |value: f64| left + LEFT + value / wide * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| HEIGHT - BOTTOM - value / high * (HEIGHT - BOTTOM - TOP);
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "<text x=\"{:.1}\" y=\"18\">{title}</text>", x(0.0));
    for part in 0..=4 {
        let part = f64::from(part) / 4.0;
        let (across, up) = (part * wide, part * high);
        let _ = writeln!(
            out,
            "<path class=\"grid\" d=\"M{:.1} {:.1}H{:.1}\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            x(0.0),
            y(up),
            x(wide),
            x(0.0) - 6.0,
            y(up) + 4.0,
            number(up),
            x(across),
            HEIGHT - BOTTOM + 18.0,
            number(across)
        );
    }
    let _ = writeln!(
        out,
        "<path class=\"axis\" d=\"M{0:.1} {1:.1}V{2:.1}H{3:.1}\"/>",
        x(0.0),
        TOP,
        y(0.0),
        x(wide)
    );
    let _ = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">deployments</text>",
        x(wide),
        HEIGHT - 6.0
    );
    let places: Vec<String> = points
        .iter()
        .map(|(across, up)| format!("{:.1},{:.1}", x(*across), y(*up)))
        .collect();
    let _ = writeln!(
        out,
        "<polyline class=\"line\" points=\"{}\"/>",
        places.join(" ")
    );
    for (across, up) in points {
        let _ = writeln!(
            out,
            "<circle class=\"dot\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"/>",
            x(*across),
            y(*up)
        );
    }
    out
}

/// The next of 1, 2, 4, 8 and so on, times a power of ten, so that a quarter of it is a short number.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.max(1e-9).log10().floor());
    let steps = [1.0, 2.0, 4.0, 8.0, 10.0];
    let step = steps.into_iter().find(|step| step * power >= value);
    step.unwrap_or(10.0) * power
}

/// A number as short as it can be.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_short_numbers() {
        let of = |value| number(round_up(value));
        assert_eq!(
            [of(8_000.0), of(0.7), of(61.0), of(9.1)],
            ["8000", "0.8", "80", "10"]
        );
    }

    #[test]
    fn a_chart_has_every_point_within_it() {
        let text = chart("seconds", &[(1.0, 1.0), (2.0, 3.0)], WIDTH);
        assert_eq!(text.matches("<circle").count(), 2);
        let places = text.split("cx=\"").skip(1);
        for place in places {
            let across: f64 = place.split('"').next().unwrap().parse().unwrap();
            assert!(
                (WIDTH + LEFT..=2.0 * WIDTH - RIGHT).contains(&across),
                "{across}"
            );
        }
    }
}
