//! Filters (RFC 7644, section 3.4.2.2), and the paths of a PATCH (section 3.5.2), which are made of the same
//! parts.
//!
//! `eq` and `and` are what clients use to find what they know; the rest is refused by name. Pure.

use serde_json::Value;

use super::refusal::{Kind, Refusal};
use super::{GROUP, USER};

/// Comparisons, each of which must hold. Never none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(pub Vec<Comparison>);

/// `path eq value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    pub path: Path,
    pub value: Literal,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Literal {
    Text(String),
    Flag(bool),
}

/// `emails[type eq "work"].value`: an attribute, which of its values, and what of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    pub attribute: Attribute,
    pub selection: Option<Filter>,
    pub sub: Option<String>,
}

/// The name of an attribute, and the schema of an extension it belongs to. A whole extension is an attribute
/// whose name is its schema. Letter case makes no difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    pub schema: Option<String>,
    pub name: String,
}

/// Longer ones are nobody's.
const LONGEST: usize = 4096;
/// Values may be selected by a filter, but not within that.
const SELECTION_DEPTH: usize = 1;

impl Filter {
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let mut parser = Parser::new(text, Kind::InvalidFilter)?;
        let filter = parser.filter(0)?;
        parser.end()?;
        Ok(filter)
    }
}

impl Path {
    /// As a PATCH has it.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let mut parser = Parser::new(text, Kind::InvalidPath)?;
        let path = parser.path(0)?;
        parser.end()?;
        Ok(path)
    }

    /// The attribute and its part, in lower case, where no values are selected: `name.givenname`.
    pub fn plain(&self) -> Option<String> {
        let Self { attribute: Attribute { schema: None, name }, selection: None, sub } = self else {
            return None;
        };
        let sub = sub.as_ref().map(|sub| format!(".{sub}")).unwrap_or_default();
        Some(format!("{name}{sub}").to_ascii_lowercase())
    }
}

impl Attribute {
    /// `userName`, or `urn:…:2.0:User:department`; nothing below it.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        match Path::parse(text)? {
            Path { attribute, selection: None, sub: None } => Ok(attribute),
            _ => Err(Refusal::new(Kind::InvalidPath, format!("`{text}` is not the name of an attribute"))),
        }
    }

    pub fn is(&self, schema: Option<&str>, name: &str) -> bool {
        let same = match (&self.schema, schema) {
            (None, None) => true,
            (Some(own), Some(other)) => own.eq_ignore_ascii_case(other),
            _ => false,
        };
        same && self.name.eq_ignore_ascii_case(name)
    }
}

struct Parser<'t> {
    rest: &'t str,
    /// What a mistake is called.
    kind: Kind,
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, kind: Kind) -> Result<Self, Refusal> {
        let parser = Self { rest: text.trim(), kind };
        if text.len() > LONGEST { Err(parser.refuse("it is too long")) } else { Ok(parser) }
    }

    fn filter(&mut self, depth: usize) -> Result<Filter, Refusal> {
        let mut all = vec![self.comparison(depth)?];
        loop {
            match self.word_ahead().to_ascii_lowercase().as_str() {
                "and" => {
                    self.word();
                    all.push(self.comparison(depth)?);
                }
                "or" => return Err(self.refuse("`or` is not supported, only `and`")),
                _ => return Ok(Filter(all)),
            }
        }
    }

    fn comparison(&mut self, depth: usize) -> Result<Comparison, Refusal> {
        if self.rest.starts_with('(') {
            return Err(self.refuse("parentheses are not supported"));
        }
        if self.word_ahead().eq_ignore_ascii_case("not") {
            return Err(self.refuse("`not` is not supported"));
        }
        let path = self.path(depth)?;
        let operator = self.word();
        match operator.to_ascii_lowercase().as_str() {
            "eq" => Ok(Comparison { path, value: self.literal()? }),
            "ne" | "co" | "sw" | "ew" | "pr" | "gt" | "ge" | "lt" | "le" => {
                Err(self.refuse(&format!("`{operator}` is not supported, only `eq`")))
            }
            "" => Err(self.refuse("a comparison is missing: `userName eq \"nez\"`")),
            _ => Err(self.refuse(&format!("`{operator}` is not an operator"))),
        }
    }

    fn path(&mut self, depth: usize) -> Result<Path, Refusal> {
        let word = self.word();
        let (attribute, mut sub) = attribute(word).ok_or_else(|| match word {
            "" => self.refuse("the name of an attribute is missing"),
            _ => self.refuse(&format!("`{word}` is not the name of an attribute")),
        })?;
        let mut selection = None;
        if self.rest.starts_with('[') {
            if sub.is_some() || depth >= SELECTION_DEPTH {
                return Err(self.refuse("values cannot be selected there"));
            }
            self.rest = self.rest[1..].trim_start();
            selection = Some(self.filter(depth + 1)?);
            self.rest = self.rest.strip_prefix(']').ok_or_else(|| self.refuse("a `]` is missing"))?;
            if let Some(rest) = self.rest.strip_prefix('.') {
                self.rest = rest;
                let word = self.word();
                if !is_name(word) {
                    return Err(self.refuse(&format!("`{word}` is not the name of an attribute")));
                }
                sub = Some(word.to_owned());
            } else {
                self.rest = self.rest.trim_start();
            }
        }
        Ok(Path { attribute, selection, sub })
    }

    fn literal(&mut self) -> Result<Literal, Refusal> {
        if self.rest.starts_with('"') {
            // Strings are JSON's: one value is read, and what follows it stays.
            let mut values = serde_json::Deserializer::from_str(self.rest).into_iter::<Value>();
            let (Some(Ok(Value::String(text))), end) = (values.next(), values.byte_offset()) else {
                return Err(self.refuse("a string has no end"));
            };
            self.rest = self.rest[end..].trim_start();
            return Ok(Literal::Text(text));
        }
        match self.word().to_ascii_lowercase().as_str() {
            "true" => Ok(Literal::Flag(true)),
            "false" => Ok(Literal::Flag(false)),
            "" => Err(self.refuse("a value is missing")),
            _ => Err(self.refuse("only strings, `true` and `false` can be compared with")),
        }
    }

    fn end(&self) -> Result<(), Refusal> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.refuse("there is more than was expected")) }
    }

    fn word_ahead(&self) -> &'t str {
        let ends = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, ':' | '.' | '-' | '_' | '$'));
        &self.rest[..self.rest.find(ends).unwrap_or(self.rest.len())]
    }

    fn word(&mut self) -> &'t str {
        let word = self.word_ahead();
        let rest = &self.rest[word.len()..];
        // `[` belongs to the word before it: no space may come between.
        self.rest = rest.trim_start();
        if self.rest.starts_with('[') {
            self.rest = rest;
        }
        word
    }

    fn refuse(&self, why: &str) -> Refusal {
        let what = if self.kind == Kind::InvalidFilter { "filter" } else { "path" };
        Refusal::new(self.kind, format!("the {what} cannot be read: {why}"))
    }
}

/// `name.givenName`, `urn:…:User:department`, or a whole extension, `urn:…:User`.
fn attribute(word: &str) -> Option<(Attribute, Option<String>)> {
    let (schema, rest) = match word.rsplit_once(':') {
        Some((_, last)) if last.eq_ignore_ascii_case("User") || last.eq_ignore_ascii_case("Group") => {
            return Some((Attribute { schema: None, name: word.to_owned() }, None));
        }
        Some((schema, rest)) => (Some(schema), rest),
        None => (None, word),
    };
    let (name, sub) = match rest.split_once('.') {
        Some((name, sub)) => (name, Some(sub)),
        None => (rest, None),
    };
    if !is_name(name) || !sub.is_none_or(is_name) {
        return None;
    }
    // The core schemas are what is meant where none is named.
    let core = |schema: &str| [USER, GROUP].iter().any(|core| schema.eq_ignore_ascii_case(core));
    let schema = schema.filter(|schema| !core(schema)).map(str::to_owned);
    Some((Attribute { schema, name: name.to_owned() }, sub.map(str::to_owned)))
}

/// RFC 7643, section 2.1; `$ref` begins with a dollar.
fn is_name(name: &str) -> bool {
    let letters = name.strip_prefix('$').unwrap_or(name);
    letters.starts_with(|c: char| c.is_ascii_alphabetic())
        && letters.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

#[cfg(test)]
#[path = "filter_tests.rs"]
mod tests;
