//! YAML files as trees that know where everything stands.

use std::collections::HashMap;

use serde_saphyr::granit_parser::{Event, Marker, Options, Parser, ScalarStyle, Span as ParserSpan};

use super::problem::{Problem, Source, Span};
use super::scalar::{is_boolean, is_told_otherwise, readers_differ};

#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    pub span: Span,
    pub value: Value,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    /// Any scalar, as text. What it means is for whoever reads it: no reader here guesses types.
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    pub name: String,
    pub span: Span,
}

impl Source {
    /// The file as one tree, and what is wrong with it as YAML. A file with a syntax error has no tree.
    pub fn parse(&self) -> (Option<Node>, Vec<Problem>) {
        let mut builder = Builder { source: self, problems: Vec::new(), anchors: HashMap::new(), nodes: 0 };
        let tree = match builder.document() {
            Ok(tree) => tree,
            Err(problem) => {
                builder.problems.push(problem);
                None
            }
        };
        builder.refuse_tabs();
        (tree, builder.problems)
    }
}

/// Bounds on what a file can make us hold: nesting, and nodes once its aliases are written out.
const DEEPEST: usize = 32;
const MOST_NODES: usize = 20_000;

struct Builder<'s> {
    source: &'s Source,
    problems: Vec<Problem>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
}

type Events<'s> = Parser<'s, serde_saphyr::granit_parser::StrInput<'s>>;

impl<'s> Builder<'s> {
    fn document(&mut self) -> Result<Option<Node>, Problem> {
        let mut options = Options::default();
        options.set_emit_comments(false);
        options.flow_nesting_limit = DEEPEST;
        options.block_nesting_limit = DEEPEST;
        let source = self.source;
        let mut events = Parser::new_from_str_with_options(&source.text, options);
        let mut tree = None;
        while let Some((event, span)) = self.next(&mut events)? {
            match event {
                Event::StreamStart | Event::StreamEnd | Event::DocumentEnd | Event::DocumentStart(..) => {}
                _ if tree.is_some() => {
                    let help = "keep one document a file: remove the `---` and what follows it";
                    return Err(self.problem(span, "the file holds a second document", help));
                }
                event => tree = Some(self.node(event, span, &mut events, 0)?),
            }
        }
        Ok(tree)
    }

    fn next(&self, events: &mut Events<'s>) -> Result<Option<(Event<'s>, Span)>, Problem> {
        match events.next() {
            None => Ok(None),
            Some(Ok((event, span))) => Ok(Some((event, self.span(span)))),
            Some(Err(error)) => {
                let span = self.span(ParserSpan::new(*error.marker(), *error.marker()));
                let message = format!("this is not YAML: {}", error.info());
                Err(self.problem(
                    span,
                    message,
                    "check indentation, quotes, brackets and the colons around here",
                ))
            }
        }
    }

    fn node(
        &mut self,
        event: Event<'s>,
        span: Span,
        events: &mut Events<'s>,
        depth: usize,
    ) -> Result<Node, Problem> {
        self.count(1, span)?;
        if depth > DEEPEST {
            return Err(self.problem(
                span,
                "the file is nested too deeply",
                "nothing in a policy needs this depth",
            ));
        }
        let (anchor, tagged, value) = match event {
            Event::Alias(anchor) => return self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, tag.is_some(), self.scalar(&text, style == ScalarStyle::Plain, span))
            }
            Event::SequenceStart(_, anchor, tag) => (anchor, tag.is_some(), self.list(events, depth)?),
            Event::MappingStart(_, anchor, tag) => (anchor, tag.is_some(), self.map(events, depth)?),
            _ => return Err(self.problem(span, "a value is missing", "write a value here")),
        };
        if tagged {
            self.note(span, "YAML tags (`!…`) are not supported", "remove the tag");
        }
        let node = Node { span, value };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<Node, Problem> {
        let node = self.anchors.get(&anchor).cloned();
        let help = "write the value out instead of `*…`";
        let node = node.ok_or_else(|| self.problem(span, "an alias to nothing, or to itself", help))?;
        self.count(node.size(), span)?;
        Ok(node)
    }

    fn list(&mut self, events: &mut Events<'s>, depth: usize) -> Result<Value, Problem> {
        let mut items = Vec::new();
        while let Some((event, span)) = self.next(events)? {
            if event == Event::SequenceEnd {
                break;
            }
            items.push(self.node(event, span, events, depth + 1)?);
        }
        Ok(Value::List(items))
    }

    fn map(&mut self, events: &mut Events<'s>, depth: usize) -> Result<Value, Problem> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        while let Some((event, span)) = self.next(events)? {
            if event == Event::MappingEnd {
                break;
            }
            let key = self.node(event, span, events, depth + 1)?;
            let Some((event, span)) = self.next(events)? else { break };
            let value = self.node(event, span, events, depth + 1)?;
            let Value::Text(name) = key.value else {
                self.note(key.span, "a key must be a word", "write `key: value`");
                continue;
            };
            if name == "<<" {
                self.note(key.span, "merge keys (`<<`) are not supported", "write the keys out");
            } else if let Some((first, _)) = entries.iter().find(|(known, _)| known.name == name) {
                let message = format!("the key `{name}` is here twice, first on line {}", first.span.line);
                self.note(key.span, message, "remove one of them");
            } else {
                entries.push((Key { name, span: key.span }, value));
            }
        }
        Ok(Value::Map(entries))
    }

    fn scalar(&mut self, text: &str, plain: bool, span: Span) -> Value {
        if plain && matches!(text, "" | "~" | "null" | "Null" | "NULL") {
            return Value::Null;
        }
        if plain && readers_differ(text) {
            let message = format!("YAML 1.1 and YAML 1.2 read a plain `{text}` differently");
            let flag = if is_boolean(text) { "write `true` or `false`, or, if it is a text, " } else { "" };
            self.note(span, message, format!("{flag}put it in quotes: '{text}'"));
        } else if plain && is_told_otherwise(text) {
            let message = format!("YAML reads a plain `{text}` as a value that is written otherwise");
            self.note(span, message, format!("put it in quotes if it is a text: '{text}'"));
        }
        Value::Text(text.to_owned())
    }

    fn count(&mut self, nodes: usize, span: Span) -> Result<(), Problem> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes <= MOST_NODES {
            return Ok(());
        }
        let message = format!("the file holds more than {MOST_NODES} values, its aliases written out");
        Err(self.problem(span, message, "split it, and use fewer aliases"))
    }

    /// YAML forbids tabs in indentation, and readers forgive them in different places.
    fn refuse_tabs(&mut self) {
        for (number, line) in (1..).zip(self.source.text.lines()) {
            let indentation = line.chars().take_while(|c| matches!(c, ' ' | '\t'));
            let Some(before) = indentation.collect::<String>().find('\t') else { continue };
            let span = Span { line: number, column: before + 1, width: 1 };
            self.note(span, "a tab in the indentation", "indent with spaces");
        }
    }

    fn note(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        let problem = self.problem(span, message, help);
        self.problems.push(problem);
    }

    fn problem(&self, span: Span, message: impl Into<String>, help: impl Into<String>) -> Problem {
        Problem::at(self.source, span, message, help)
    }

    fn span(&self, span: ParserSpan) -> Span {
        let width = |start: Marker, end: Marker| {
            if start.line() == end.line() { end.col().saturating_sub(start.col()) } else { 1 }
        };
        Span {
            line: span.start.line(),
            column: span.start.col() + 1,
            width: width(span.start, span.end).max(1),
        }
    }
}

impl Node {
    /// Whether this is that very word.
    pub fn is(&self, word: &str) -> bool {
        matches!(&self.value, Value::Text(text) if text == word)
    }

    fn size(&self) -> usize {
        match &self.value {
            Value::Null | Value::Text(_) => 1,
            Value::List(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Value::Map(entries) => 1 + entries.iter().map(|(_, node)| 1 + node.size()).sum::<usize>(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let source = Source { name: "a.yaml".to_owned(), text: text.to_owned() };
        source
            .parse()
            .1
            .into_iter()
            .map(|problem| format!("{}:{} {}", problem.line, problem.column, problem.message))
            .collect()
    }

    #[test]
    fn scalars_that_two_readers_read_differently() {
        for text in [
            "no",
            "On",
            "y",
            "012",
            "00",
            "1:30",
            "190:20:30.15",
            "0o17",
            "0b1",
            "1_000",
            "2026-11-22",
            "1e3",
            "-012",
        ] {
            let found = problems(&format!("a: {text}"));
            assert_eq!(found, [format!("1:4 YAML 1.1 and YAML 1.2 read a plain `{text}` differently")]);
            assert_eq!(problems(&format!("a: '{text}'")), [""; 0]);
        }
        for text in [
            "0",
            "10",
            "1.5",
            "10h",
            "10.20.0.0/16",
            "2001:db8::/32",
            "127.0.0.1:8080",
            "none",
            "true",
            "1m",
            "0.5",
        ] {
            assert_eq!(problems(&format!("a: {text}")), [""; 0], "{text}");
        }
        assert_eq!(problems("on: a").len(), 1);
    }

    #[test]
    fn all_that_is_wrong_is_told() {
        let found = problems("a: 1\na: 2\nb: !tag c\n<<: x\n[d]: e\n");
        assert_eq!(
            found,
            [
                "2:1 the key `a` is here twice, first on line 1",
                "3:9 YAML tags (`!…`) are not supported",
                "4:1 merge keys (`<<`) are not supported",
                "5:1 a key must be a word",
            ]
        );
        assert_eq!(problems("a: 1\n---\nb: 2\n"), ["3:1 the file holds a second document"]);
        assert_eq!(problems("a: [1\nb: 2\n").len(), 1);
    }

    #[test]
    fn aliases_are_written_out_within_bounds() {
        let source = Source { name: String::new(), text: "a: &x [1, 2]\nb: *x\n".to_owned() };
        let (Some(Node { value: Value::Map(entries), .. }), problems) = source.parse() else {
            panic!("a map")
        };
        assert_eq!((&entries[0].1, problems.len()), (&entries[1].1, 0));

        let bomb: String = (1..30).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1)).collect();
        let found = self::problems(&format!("a0: &a0 x\n{bomb}"));
        assert!(found[0].contains("more than 20000 values"), "{found:?}");
        let deep = format!("a: {}", "[".repeat(100_000));
        assert_eq!(self::problems(&deep).len(), 1);
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[-a-c:&*!|>'\"\\[\\]{},# \n\t%@~0-2<\u{feff}]{0,60}") {
            let source = Source { name: String::new(), text };
            let (tree, problems) = source.parse();
            for problem in &problems {
                let _ = problem.to_string();
            }
            let _ = tree;
        }
    }
}
