//! What is wrong in a file, shown so that it can be mended.

use std::fmt;
use std::path::Path;

/// A file's text, and the name it is shown by.
#[derive(Clone, Debug)]
pub struct Source {
    pub name: String,
    pub text: String,
}

/// Where something stands: line and column count from 1, columns and width in characters.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    pub line: usize,
    pub column: usize,
    pub width: usize,
}

/// How much it matters.
#[derive(Copy, Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file is of no use.
    Error,
    /// Worth a look.
    Notice,
}

/// Something wrong in a file, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    pub severity: Severity,
    pub file: String,
    /// 0 when it is the file as a whole.
    pub line: usize,
    pub column: usize,
    /// How many characters it is about.
    pub width: u32,
    /// The line itself.
    pub text: String,
    pub message: String,
    pub help: String,
}

impl Problem {
    pub fn at(source: &Source, span: Span, message: impl Into<String>, help: impl Into<String>) -> Self {
        let text = source.text.lines().nth(span.line.saturating_sub(1)).unwrap_or_default();
        Self {
            severity: Severity::Error,
            file: source.name.clone(),
            line: span.line,
            column: span.column,
            width: u32::try_from(span.width).unwrap_or(u32::MAX),
            text: text.trim_end().to_owned(),
            message: message.into(),
            help: help.into(),
        }
    }

    pub fn of_file(file: &Path, message: impl Into<String>, help: impl Into<String>) -> Self {
        let source = Source { name: file.display().to_string(), text: String::new() };
        Self::at(&source, Span::default(), message, help)
    }

    #[must_use]
    pub fn as_notice(self) -> Self {
        Self { severity: Severity::Notice, ..self }
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// As rustc shows its own: message, place, the line with a caret, and how to mend it.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = if self.is_error() { "error" } else { "notice" };
        writeln!(f, "{severity}: {}", self.message)?;
        if self.line == 0 {
            writeln!(f, " --> {}", self.file)?;
            return writeln!(f, "  = help: {}", self.help);
        }
        let number = self.line.to_string();
        let gutter = " ".repeat(number.len());
        // Tabs are kept as they are, so that the caret stands under what it points at.
        let before = self.text.chars().take(self.column.saturating_sub(1));
        let pad: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let room = self.text.chars().count().saturating_sub(self.column.saturating_sub(1));
        let carets = "^".repeat((self.width as usize).min(room).max(1));
        writeln!(f, "{gutter}--> {}:{}:{}", self.file, self.line, self.column)?;
        writeln!(f, "{gutter} |")?;
        writeln!(f, "{number} | {}", self.text)?;
        writeln!(f, "{gutter} | {pad}{carets}")?;
        writeln!(f, "{gutter} = help: {}", self.help)
    }
}

impl Source {
    /// Reads a file of at most 1 MiB.
    pub fn load(path: &Path) -> Result<Self, Problem> {
        let unreadable = |why: String| {
            let help = "check the path and the permissions of the user the gateway runs as";
            Problem::of_file(path, format!("cannot read the file: {why}"), help)
        };
        let size = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
        if size > LARGEST {
            return Err(unreadable(format!("it holds {size} bytes, and at most {LARGEST} are read")));
        }
        let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
        Ok(Self { name: path.display().to_string(), text })
    }
}

const LARGEST: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_the_line() {
        let source = Source { name: "a.yaml".to_owned(), text: "x:\n\trequre: æ # y\n".to_owned() };
        let span = Span { line: 2, column: 2, width: 6 };
        let problem = Problem::at(&source, span, "unknown key `requre`", "did you mean `require`?");
        insta::assert_snapshot!(problem.to_string().replace('\t', "→"), @r"
        error: unknown key `requre`
         --> a.yaml:2:2
          |
        2 | →requre: æ # y
          | →^^^^^^
          = help: did you mean `require`?
        ");
    }
}
