//! How the pages look here: what a folder says instead of our own texts, colours and logo.
//!
//! Nothing of it is code: texts are escaped like any other, colours are parsed and written anew, and a logo is an
//! image under a policy that lets nothing in it run.

mod colours;
mod logo;
mod words;

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

pub use words::Kept;

use self::colours::Colours;
use super::text::{Lang, Texts};
use crate::policy::problem::Problem;
use crate::policy::reader::nearest;

/// What the folder holds, all of it right.
pub struct Appearance {
    danish: Texts,
    english: Texts,
    stylesheet: Option<OwnFile>,
    logo: Option<OwnFile>,
}

/// A file that is served beside the ones compiled in.
#[derive(Clone, Debug)]
pub struct OwnFile {
    pub name: &'static str,
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
    version: String,
}

const TEXTS: [(&str, Lang); 2] = [("texts.da.yaml", Lang::Da), ("texts.en.yaml", Lang::En)];
const COLOURS: &str = "colours.yaml";
const LOGOS: [&str; 2] = ["logo.svg", "logo.png"];

impl Appearance {
    /// Reads the folder, all that is wrong with it at once. `languages` are those the pages are offered in: what
    /// is said in one of them, and is not ours, must be said in all.
    pub fn load(folder: &Path, languages: &[Lang], kept: &Kept) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let names = names(folder).map_err(|problem| vec![problem])?;
        for name in names.iter().filter(|name| is_misnamed(name)) {
            problems.push(misnamed(folder, name));
        }
        let has = |name: &str| names.iter().any(|it| it == name);
        let mut note = |found: Vec<Problem>| problems.extend(found);
        let [danish, english] = TEXTS.map(|(name, lang)| {
            let ours = lang.texts();
            if !has(name) {
                return ours.clone();
            }
            words::read(&folder.join(name), ours, kept).unwrap_or_else(|found| {
                note(found);
                ours.clone()
            })
        });
        let colours = has(COLOURS).then(|| Colours::load(&folder.join(COLOURS)));
        let stylesheet = colours.and_then(|colours| colours.map_err(&mut note).ok());
        let there: Vec<&str> = LOGOS.into_iter().filter(|name| has(name)).collect();
        let logo = match there[..] {
            [] => None,
            [name] => logo::load(&folder.join(name)).map_err(|problem| note(vec![problem])).ok(),
            _ => {
                let help = "keep one of `logo.svg` and `logo.png`";
                note(vec![Problem::of_file(folder, "there are two logos", help)]);
                None
            }
        };
        let appearance = Self { danish, english, stylesheet: stylesheet.map(|it| it.file()), logo };
        if languages.len() > 1 {
            problems.extend(appearance.said_in_one_language_alone(folder));
        }
        if problems.is_empty() { Ok(appearance) } else { Err(problems) }
    }

    pub fn texts(&self, lang: Lang) -> &Texts {
        match lang {
            Lang::Da => &self.danish,
            Lang::En => &self.english,
        }
    }

    /// The colours, to follow our own stylesheet.
    pub fn stylesheet(&self) -> Option<&OwnFile> {
        self.stylesheet.as_ref()
    }

    pub fn logo(&self) -> Option<&OwnFile> {
        self.logo.as_ref()
    }

    pub fn file(&self, name: &str) -> Option<&OwnFile> {
        [&self.stylesheet, &self.logo].into_iter().flatten().find(|file| file.name == name)
    }

    /// A message of which half the readers would know nothing.
    fn said_in_one_language_alone(&self, folder: &Path) -> Vec<Problem> {
        let (danish, english) = (self.danish.all(), self.english.all());
        let pairs = danish.iter().zip(&english).filter(|((_, da), (_, en))| da.is_empty() != en.is_empty());
        let problem = |((path, da), _): (&(String, &str), _)| {
            let silent = if da.is_empty() { TEXTS[0].0 } else { TEXTS[1].0 };
            let message = format!("`{path}` is said in the other language alone");
            Problem::of_file(&folder.join(silent), message, format!("add a line `{path}: …`"))
        };
        pairs.map(problem).collect()
    }
}

impl fmt::Debug for Appearance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Appearance").finish_non_exhaustive()
    }
}

impl OwnFile {
    fn new(name: &'static str, content_type: &'static str, bytes: Vec<u8>) -> Self {
        let version = blake3::hash(&bytes).to_hex()[..16].to_owned();
        Self { name, content_type, bytes, version }
    }

    /// Its address on every host of the gateway: another content has another.
    pub fn url(&self) -> String {
        format!("/.sluse/static/{}?v={}", self.name, self.version)
    }

    pub fn is_version(&self, version: &str) -> bool {
        self.version == version
    }
}

fn names(folder: &Path) -> Result<Vec<String>, Problem> {
    let entries = std::fs::read_dir(folder).map_err(|error| {
        let help = "check the path at `appearance`, and the permissions of the user the gateway runs as";
        Problem::of_file(folder, format!("cannot read the folder: {error}"), help)
    })?;
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    Ok(names)
}

/// A file of a kind that is read here, by a name that nothing reads. Hidden ones are an editor's, or Kubernetes'.
fn is_misnamed(name: &str) -> bool {
    let kind = Path::new(name).extension().and_then(OsStr::to_str);
    let ours = matches!(kind, Some("yaml" | "yml" | "svg" | "png" | "css" | "jpg" | "jpeg"));
    ours && !name.starts_with('.') && !known().any(|known| known == name)
}

fn known() -> impl Iterator<Item = &'static str> {
    TEXTS.into_iter().map(|(name, _)| name).chain([COLOURS]).chain(LOGOS)
}

fn misnamed(folder: &Path, name: &str) -> Problem {
    let known: Vec<&str> = known().collect();
    let help = match nearest(name, &known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the files here are: {}", known.join(", ")),
    };
    Problem::of_file(&folder.join(name), "nothing reads this file", help)
}

#[cfg(test)]
mod tests;
