//! `texts.da.yaml` and `texts.en.yaml`: one text a line, by its path.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::pages::text::Texts;
use crate::policy::problem::{Problem, Source};
use crate::policy::reader::{Report, nearest};

/// Far longer than any text of ours.
const LONGEST: usize = 1000;

/// `ours` with the file's texts in place of some.
pub(super) fn read(path: &Path, ours: &Texts, kept: &Kept) -> Result<Texts, Vec<Problem>> {
    let source = Source::load(path).map_err(|problem| vec![problem])?;
    let (tree, yaml) = source.parse();
    let report = Report::with(&source, yaml);
    let mut texts = ours.clone();
    let mut by_path = texts.by_path();
    for (key, node) in tree.iter().flat_map(|tree| report.entries(tree)) {
        let Some((_, place)) = by_path.iter_mut().find(|(path, _)| *path == key.name) else {
            let paths: Vec<&str> = by_path.iter().map(|(path, _)| path.as_str()).collect();
            report.add(key.span, format!("there is no text `{}`", key.name), help(&key.name, &paths));
            continue;
        };
        let Some(text) = report.text(node) else { continue };
        if let Err(why) = fits(text, place) {
            report.add(node.span, why, "`sluse texts` shows ours");
            continue;
        }
        match kept.keep(text) {
            Some(text) => **place = text,
            None => {
                let message = "texts have been changed so often since the start that there is no more room";
                report.add(node.span, message, "restart the gateway");
            }
        }
    }
    drop(by_path);
    let problems = report.into_problems();
    if problems.is_empty() { Ok(texts) } else { Err(problems) }
}

fn help(path: &str, paths: &[&str]) -> String {
    let below = paths.iter().find(|it| it.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')));
    match (below, nearest(path, paths)) {
        (Some(below), _) => format!("write whole paths, a line each: `{below}: …`"),
        (None, Some(near)) => format!("did you mean `{near}`?"),
        (None, None) => "`sluse texts` shows all of them".to_owned(),
    }
}

/// Whether `text` can stand where `ours` stands.
fn fits(text: &str, ours: &str) -> Result<(), String> {
    let (here, there) = (placeholders(text), placeholders(ours));
    if text.trim().is_empty() && !ours.is_empty() {
        return Err("the text is empty".to_owned());
    }
    if text.chars().count() > LONGEST {
        return Err(format!("the text is longer than {LONGEST} characters"));
    }
    if text.chars().any(char::is_control) {
        return Err("the text has more than one line, or characters that cannot be shown".to_owned());
    }
    if let Some(missing) = there.difference(&here).next() {
        return Err(format!("`{missing}` is missing: the page puts something there"));
    }
    if let Some(unknown) = here.difference(&there).next() {
        return Err(format!("nothing is put at `{unknown}` in this text"));
    }
    Ok(())
}

/// What stands in braces, braces and all.
fn placeholders(text: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    let mut rest = text;
    while let Some((start, end)) =
        rest.find('{').and_then(|start| Some((start, start + rest[start..].find('}')?)))
    {
        found.insert(&rest[start..=end]);
        rest = &rest[end + 1..];
    }
    found
}

/// Texts for the life of the process.
///
/// Our own texts are `&'static str`, and so must these be, though a reload can replace them: what was said is kept
/// from then on, each text once, so that reading the same again costs nothing. All that an administrator can write
/// between two starts has room, and past that a change of the texts is refused.
#[derive(Debug, Default)]
pub struct Kept(Mutex<Said>);

#[derive(Debug, Default)]
struct Said {
    texts: HashSet<&'static str>,
    bytes: usize,
}

impl Kept {
    /// A hundred times all texts of one language.
    const MOST: usize = 2 << 20;

    fn keep(&self, text: &str) -> Option<&'static str> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(same) = kept.texts.get(text) {
            return Some(same);
        }
        if kept.bytes + text.len() > Self::MOST {
            return None;
        }
        let text: &'static str = Box::leak(text.into());
        kept.bytes += text.len();
        kept.texts.insert(text);
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_text_is_kept_once_and_not_without_end() {
        let kept = Kept::default();
        let first = kept.keep("Velkommen").unwrap();
        assert!(std::ptr::eq(first, kept.keep("Velkommen").unwrap()));
        let long = "x".repeat(Kept::MOST - first.len());
        assert!(kept.keep(&long).is_some());
        assert_eq!(kept.keep("y"), None);
        assert_eq!(kept.keep("Velkommen"), Some(first), "what is there costs nothing");
    }

    #[test]
    fn placeholders_are_the_ones_that_are_filled_in() {
        assert_eq!(fits("Hej", "Goddag"), Ok(()));
        assert_eq!(fits("Om {minutes} min.", "I {minutes} minutter"), Ok(()));
        assert!(fits("Om lidt", "I {minutes} minutter").unwrap_err().contains("`{minutes}` is missing"));
        assert!(fits("Hej {name}", "Goddag").unwrap_err().contains("nothing is put at `{name}`"));
        assert!(fits("{{ frame.code }}", "Goddag").is_err());
        assert!(fits(" ", "Goddag").is_err() && fits("", "").is_ok());
        assert!(fits("to\nlinjer", "Goddag").is_err());
        assert!(fits(&"x".repeat(LONGEST + 1), "Goddag").is_err());
    }
}
