//! Reading a tree key by key, collecting everything that is wrong on the way.

use std::cell::RefCell;
use std::fmt::Display;
use std::time::Duration;

use super::document::{Key, Node, Value};
use super::expression::Expression;
use super::problem::{Problem, Source, Span};
use super::shape::{Presence, Shape};
use crate::authn::Method;

/// Collects the problems of one file.
pub struct Report<'s> {
    pub source: &'s Source,
    /// Where YAML itself is in doubt: what a value there means is not judged as well.
    doubtful: Vec<(usize, usize)>,
    problems: RefCell<Vec<Problem>>,
}

impl<'s> Report<'s> {
    /// Begins with what is wrong with the file as YAML.
    pub fn with(source: &'s Source, problems: Vec<Problem>) -> Self {
        let doubtful = problems.iter().map(|problem| (problem.line, problem.column)).collect();
        Self { source, doubtful, problems: RefCell::new(problems) }
    }

    /// Whether nothing is wrong; there may be notices.
    pub fn is_fine(&self) -> bool {
        self.errors() == 0
    }

    pub fn errors(&self) -> usize {
        self.problems.borrow().iter().filter(|problem| problem.is_error()).count()
    }

    pub fn push(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    pub fn add(&self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        if !self.doubtful.contains(&(span.line, span.column)) {
            self.push(Problem::at(self.source, span, message, help));
        }
    }

    /// Something to look at that is not wrong.
    pub fn notice(&self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.push(Problem::at(self.source, span, message, help).as_notice());
    }

    /// In the order of the file.
    pub fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| (problem.line, problem.column));
        problems
    }

    /// A level may only ask for methods the installation offers.
    pub fn methods_exist(&self, span: Span, expression: &Expression, offered: &[Method]) {
        for method in Method::ALL {
            if expression.uses(method) && !offered.contains(&method) {
                let message = format!("the method `{method}` is not set up");
                self.add(span, message, format!("set it up under `methods:` in sluse.yaml: `{method}: …`"));
            }
        }
    }

    pub fn text<'n>(&self, node: &'n Node) -> Option<&'n str> {
        match &node.value {
            Value::Text(text) => return Some(text),
            Value::Null => self.add(node.span, "a value is missing", "write a value after the colon"),
            Value::List(_) => {
                self.add(node.span, "one value is expected here, not a list", "remove the brackets")
            }
            Value::Map(_) => {
                self.add(node.span, "one value is expected here, not keys", "write a single value")
            }
        }
        None
    }

    /// A scalar that `parse` understands.
    pub fn parse<T, E: Display>(
        &self,
        node: &Node,
        help: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(node)?;
        parse(text).map_err(|error| self.add(node.span, error.to_string(), help)).ok()
    }

    pub fn flag(&self, node: &Node) -> Option<bool> {
        self.parse(node, "write `true` or `false`", |text| match text {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(format!("`{other}` is neither `true` nor `false`")),
        })
    }

    pub fn duration(&self, node: &Node) -> Option<Duration> {
        let help = "write a number and a unit: `30s`, `15m`, `10h`, `2d`, or several: `1h30m`";
        self.parse(node, help, parse_duration)
    }

    /// A number of bytes: `512B`, `256KiB`, `1MiB`, and at most `most`.
    pub fn size(&self, node: &Node, most: u64) -> Option<u64> {
        let help = format!("write a number and a unit, at most {}KiB: `64KiB`, `1MiB`", most >> 10);
        self.parse(node, &help, |text| {
            let units = [("KiB", 10), ("MiB", 20), ("B", 0)];
            let number = |unit: &str| text.strip_suffix(unit)?.parse::<u32>().ok();
            let sizes = units.iter().find_map(|(unit, shift)| Some(u64::from(number(unit)?) << shift));
            match sizes {
                Some(size) if size <= most => Ok(size),
                Some(_) => Err(format!("`{text}` is too much")),
                None if text.parse::<u64>().is_ok() => Err(format!("the size `{text}` has no unit")),
                None => Err(format!("`{text}` is not a size")),
            }
        })
    }

    /// One of a few words.
    pub fn choice<T: Copy>(&self, node: &Node, choices: &[(&str, T)]) -> Option<T> {
        let words: Vec<String> = choices.iter().map(|(word, _)| format!("`{word}`")).collect();
        self.parse(node, &format!("write {}", words.join(" or ")), |text| {
            let found = choices.iter().find(|(word, _)| *word == text);
            found.map(|(_, value)| *value).ok_or_else(|| format!("`{text}` is not known here"))
        })
    }

    /// A list, or one value standing for a list of one. An empty list is a problem.
    pub fn items<'n>(&self, node: &'n Node) -> &'n [Node] {
        match &node.value {
            Value::List(items) if items.is_empty() => {
                self.add(node.span, "the list is empty", "name at least one, or remove the key");
                &[]
            }
            Value::List(items) => items,
            Value::Null => {
                self.add(node.span, "a value is missing", "write a value after the colon");
                &[]
            }
            Value::Text(_) | Value::Map(_) => std::slice::from_ref(node),
        }
    }

    pub fn texts(&self, node: &Node) -> Vec<String> {
        self.items(node).iter().filter_map(|item| self.text(item)).map(str::to_owned).collect()
    }

    pub fn parse_all<T, E: Display>(
        &self,
        node: &Node,
        help: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        self.items(node).iter().filter_map(|item| self.parse(item, help, &parse)).collect()
    }

    /// A key without a value, as after commenting out what it held, must not pass for one that asks for nothing.
    pub fn not_null(&self, node: &Node) {
        if node.value == Value::Null {
            self.add(node.span, "a value is missing", "write a value after the colon, or remove the key");
        }
    }

    /// As [`Self::entries`]; none at all is a problem, as it would say nothing and look as though it did.
    pub fn some_entries<'n>(&self, node: &'n Node) -> &'n [(Key, Node)] {
        let entries = self.entries(node);
        if entries.is_empty() && matches!(node.value, Value::Map(_) | Value::Null) {
            self.add(node.span, "nothing is named here", "name at least one, or remove the key");
        }
        entries
    }

    /// A map whose keys the administrator chooses.
    pub fn entries<'n>(&self, node: &'n Node) -> &'n [(Key, Node)] {
        match &node.value {
            Value::Map(entries) => entries,
            Value::Null => &[],
            Value::Text(_) | Value::List(_) => {
                self.add(node.span, "names and values are expected here", "write `name: value`, a line each");
                &[]
            }
        }
    }
}

/// The keys of a map, as its shape has them: what the shape does not have is a problem.
pub struct Fields<'n, 'r> {
    report: &'r Report<'r>,
    span: Span,
    entries: &'n [(Key, Node)],
    shape: &'static Shape,
    /// For the shape not to promise what no reader asks for.
    asked: Vec<&'static str>,
}

impl<'n, 'r> Fields<'n, 'r> {
    /// Reads a map with `read`, which asks for every key of the shape.
    pub fn read<T>(
        report: &'r Report<'r>,
        node: &'n Node,
        shape: &'static Shape,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let mut fields =
            Self { report, span: node.span, entries: report.entries(node), shape, asked: Vec::new() };
        let value = read(&mut fields);
        fields.finish();
        value
    }

    pub fn optional(&mut self, name: &'static str) -> Option<&'n Node> {
        self.find(name, Presence::Optional)
    }

    pub fn required(&mut self, name: &'static str) -> Option<&'n Node> {
        let node = self.find(name, Presence::Required);
        if node.is_none() {
            self.report.add(
                self.span,
                format!("the key `{name}` is missing"),
                format!("add `{name}: …` here"),
            );
        }
        node
    }

    fn find(&mut self, name: &'static str, presence: Presence) -> Option<&'n Node> {
        let known = self.shape.key(name).map(|key| key.presence);
        debug_assert_eq!(known, Some(presence), "`{name}` of {}", self.shape.name);
        self.asked.push(name);
        self.entries.iter().find(|(key, _)| key.name == name).map(|(_, node)| node)
    }

    fn finish(self) {
        let known = self.shape.keys.iter().filter(|key| key.presence != Presence::Later);
        let known: Vec<&str> = known.map(|key| key.name).collect();
        let unasked = known.iter().find(|name| !self.asked.contains(name));
        debug_assert_eq!(unasked, None, "of {}", self.shape.name);
        for (key, _) in self.entries {
            let name = key.name.as_str();
            if known.contains(&name) {
                continue;
            }
            if self.shape.key(name).is_some() {
                let message = format!("`{name}` is not supported by this version");
                let help = "remove it: without it the file would not do what it says";
                self.report.add(key.span, message, help);
                continue;
            }
            let help = match nearest(name, &known) {
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => "remove it: nothing can be set here".to_owned(),
                None => format!("the keys here are: {}", known.join(", ")),
            };
            self.report.add(key.span, format!("unknown key `{name}`"), help);
        }
    }
}

/// The known name that `name` is most likely a slip of.
pub fn nearest<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let near = known.iter().map(|candidate| (distance(name, candidate), *candidate)).min()?;
    (near.0 <= 1 + near.1.len() / 4).then_some(near.1)
}

/// Levenshtein's distance, in characters.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.chars().count()).collect();
    for (index, l) in left.chars().take(64).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, r) in right.chars().enumerate() {
            let substituted = diagonal + usize::from(l != r);
            diagonal = row[column + 1];
            row[column + 1] = substituted.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

const UNITS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

/// `30s`, `15m`, `10h`, `2d`, `1h30m`: units from large to small, more than nothing, at most ten years.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let unusable = || format!("`{text}` is not a duration");
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("the duration `{text}` has no unit"));
    }
    let mut units = UNITS.iter();
    let mut total: u64 = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(unusable)?;
        let number: u64 = rest[..digits].parse().map_err(|_| unusable())?;
        let unit = rest[digits..].chars().next().ok_or_else(unusable)?;
        let (_, seconds) = units.find(|(name, _)| *name == unit).ok_or_else(unusable)?;
        let span = number.checked_mul(*seconds).ok_or_else(unusable)?;
        total = total.checked_add(span).filter(|total| *total <= 10 * 366 * 86_400).ok_or_else(unusable)?;
        rest = &rest[digits + unit.len_utf8()..];
    }
    if total == 0 { Err(unusable()) } else { Ok(Duration::from_secs(total)) }
}

/// As [`parse_duration`] reads it; less than a second is `0s`.
pub fn format_duration(span: Duration) -> String {
    let mut rest = span.as_secs();
    let mut text = String::new();
    for (unit, seconds) in UNITS {
        if rest >= seconds {
            text.push_str(itoa::Buffer::new().format(rest / seconds));
            text.push(unit);
            rest %= seconds;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_a_unit() {
        for (text, seconds) in [("30s", 30), ("15m", 900), ("10h", 36_000), ("2d", 172_800), ("1h30m", 5_400)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
            assert_eq!(format_duration(Duration::from_secs(seconds)), text);
        }
        assert_eq!(parse_duration("10").unwrap_err(), "the duration `10` has no unit");
        for text in
            ["", "m", "1m1h", "1x", "-1m", "1.5h", "1 m", "0s", "1m30", "99999999999999999999d", "9999d"]
        {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn slips_are_recognised() {
        let known = ["require", "match", "public", "name"];
        assert_eq!(nearest("requre", &known), Some("require"));
        assert_eq!(nearest("Public", &known), Some("public"));
        assert_eq!(nearest("upstream", &known), None);
    }
}
