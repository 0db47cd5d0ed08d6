//! Line charts in SVG, one below the other, drawn without anything from elsewhere.

use std::fmt::Write as _;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
/// Between the names of two lines, at least.
const LEADING: f64 = 14.0;
/// Room for what stands beside the axes.
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 50.0;
const TOP: f64 = 50.0;
const RIGHT: f64 = 120.0;
/// Told apart without colour, too: each line has its own dashes.
const STROKES: [(&str, &str); 6] = [
    ("#0b5d8a", ""),
    ("#b3541e", "8 4"),
    ("#3d7a3d", "2 3"),
    ("#7a3d7a", "12 4 2 4"),
    ("#555555", "5 2"),
    ("#a3124d", "1 5"),
];

/// A chart of one or more lines. Both axes begin and end at what is drawn.
pub struct Chart<'a> {
    pub title: &'a str,
    pub x: Axis<'a>,
    pub y: Axis<'a>,
    pub lines: Vec<Line>,
}

pub struct Axis<'a> {
    pub title: &'a str,
    /// Where a mark stands, and what it says.
    pub marks: Vec<(f64, String)>,
    pub logarithmic: bool,
}

#[derive(Clone)]
pub struct Line {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

impl Axis<'_> {
    fn place(&self, value: f64) -> f64 {
        if self.logarithmic { value.max(f64::MIN_POSITIVE).ln() } else { value }
    }

    /// Where `value` is between the outermost of `all`, from 0 to 1.
    fn part(&self, value: f64, all: &[f64]) -> f64 {
        let places = || all.iter().map(|one| self.place(*one));
        let (least, most) =
            (places().fold(f64::INFINITY, f64::min), places().fold(f64::NEG_INFINITY, f64::max));
        if most > least { (self.place(value) - least) / (most - least) } else { 0.5 }
    }
}

/// A picture of them all.
pub fn svg(charts: &[Chart<'_>]) -> String {
    let titles: Vec<String> = charts.iter().map(|chart| escaped(chart.title)).collect();
    let height = HEIGHT * charts.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>{}</title>\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n",
        titles.join("; ")
    );
    for (at, chart) in charts.iter().enumerate() {
        // Writing to a string never fails.
        let _ = writeln!(svg, "<g transform=\"translate(0 {})\">\n{}</g>", HEIGHT * at as f64, chart.panel());
    }
    svg.push_str("</svg>\n");
    svg
}

impl Chart<'_> {
    fn panel(&self) -> String {
        let (xs, ys): (Vec<f64>, Vec<f64>) = self.lines.iter().flat_map(|line| line.points.clone()).unzip();
        let all = |axis: &Axis<'_>, values: Vec<f64>| -> Vec<f64> {
            values.into_iter().chain(axis.marks.iter().map(|mark| mark.0)).collect()
        };
        let (xs, ys) = (all(&self.x, xs), all(&self.y, ys));
        let x = |value: f64| LEFT + self.x.part(value, &xs) * (WIDTH - LEFT - RIGHT);
        let y = |value: f64| HEIGHT - BOTTOM - self.y.part(value, &ys) * (HEIGHT - BOTTOM - TOP);
        let mut svg =
            format!("<text x=\"{LEFT}\" y=\"26\" font-size=\"16\">{}</text>\n", escaped(self.title));
        // Writing to a string never fails.
        for (value, words) in &self.x.marks {
            let (x, words) = (x(*value), escaped(words));
            let _ = writeln!(
                svg,
                "<path d=\"M{x:.1} {TOP}V{:.1}\" stroke=\"#ddd\"/><text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{words}</text>",
                HEIGHT - BOTTOM,
                HEIGHT - BOTTOM + 18.0
            );
        }
        for (value, words) in &self.y.marks {
            let (y, words) = (y(*value), escaped(words));
            let _ = writeln!(
                svg,
                "<path d=\"M{LEFT} {y:.1}H{:.1}\" stroke=\"#ddd\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{words}</text>",
                WIDTH - RIGHT,
                LEFT - 8.0,
                y + 4.0
            );
        }
        let middle = (LEFT + WIDTH - RIGHT) / 2.0;
        let _ = writeln!(
            svg,
            "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            HEIGHT - 10.0,
            escaped(self.x.title)
        );
        let _ = writeln!(
            svg,
            "<text transform=\"translate(16 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            (TOP + HEIGHT - BOTTOM) / 2.0,
            escaped(self.y.title)
        );
        let mut names = Vec::new();
        for (line, (colour, dashes)) in self.lines.iter().zip(STROKES.iter().cycle()) {
            let points: Vec<String> =
                line.points.iter().map(|(a, b)| format!("{:.1},{:.1}", x(*a), y(*b))).collect();
            let _ = writeln!(
                svg,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\"/>",
                points.join(" ")
            );
            names.extend(line.points.last().map(|(a, b)| (x(*a) + 6.0, y(*b) + 4.0, colour, &line.name)));
        }
        names.sort_by(|a, b| a.1.total_cmp(&b.1));
        let mut free = 0.0;
        for (x, y, colour, name) in names {
            let y = f64::max(y, free);
            free = y + LEADING;
            let _ =
                writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{colour}\">{}</text>", escaped(name));
        }
        svg
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_stays_on_the_sheet() {
        let marks = |values: &[f64]| values.iter().map(|value| (*value, value.to_string())).collect();
        let chart = Chart {
            title: "a < b",
            x: Axis { title: "x", marks: marks(&[1.0, 1000.0]), logarithmic: true },
            y: Axis { title: "y", marks: marks(&[0.0, 50.0]), logarithmic: false },
            lines: vec![
                Line { name: "one".to_owned(), points: vec![(1.0, 0.0), (1000.0, 100.0)] },
                Line { name: "flat".to_owned(), points: vec![(10.0, 7.0)] },
            ],
        };
        let svg = svg(&[chart]);
        assert!(svg.contains("a &lt; b") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("points=\"70.0,350.0 600.0,50.0\""), "{svg}");
        assert_eq!(svg.matches("<polyline").count(), 2);
    }

    #[test]
    fn names_do_not_stand_on_one_another() {
        let axis = |title| Axis { title, marks: vec![(0.0, "0".to_owned())], logarithmic: false };
        let line = |name: &str, end| Line { name: name.to_owned(), points: vec![(0.0, 0.0), (1.0, end)] };
        let lines = vec![line("one", 100.0), line("two", 99.0), line("three", 10.0)];
        let chart = || Chart { title: "t", x: axis("x"), y: axis("y"), lines: lines.clone() };
        let svg = svg(&[chart(), chart()]);
        for (name, y) in [("one", "54.0"), ("two", "68.0"), ("three", "324.0")] {
            assert_eq!(
                svg.matches(&format!("y=\"{y}\" fill=\"{}\">{name}</text>", colour(&lines, name))).count(),
                2,
                "{svg}"
            );
        }
        assert!(svg.contains("viewBox=\"0 0 720 800\"") && svg.contains("translate(0 400)"), "{svg}");
    }

    fn colour(lines: &[Line], name: &str) -> &'static str {
        let at = lines.iter().position(|line| line.name == name).unwrap();
        STROKES[at].0
    }
}
