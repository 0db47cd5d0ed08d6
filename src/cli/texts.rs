//! `sluse texts`: what the pages say, to be said otherwise.

use std::io::{self, Write};

use crate::pages::text::Lang;

#[derive(Debug, clap::Args)]
pub struct TextsArgs {
    /// In which language
    #[arg(value_enum)]
    pub language: Language,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    Da,
    En,
}

/// Prints every text by its path, as YAML of the folder at `appearance`.
pub fn print(args: &TextsArgs, out: &mut impl Write) -> io::Result<()> {
    let lang = match args.language {
        Language::Da => Lang::Da,
        Language::En => Lang::En,
    };
    for (path, text) in lang.texts().all() {
        // A JSON string is a YAML string (YAML 1.2, section 1.3).
        writeln!(out, "{path}: {}", serde_json::Value::from(text))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::appearance::{Appearance, Kept};

    /// What is printed can be put into the folder as it is.
    #[test]
    fn all_texts_as_the_folder_takes_them() {
        let folder = tempfile::tempdir().unwrap();
        for (language, name) in [(Language::Da, "texts.da.yaml"), (Language::En, "texts.en.yaml")] {
            let mut out = Vec::new();
            print(&TextsArgs { language }, &mut out).unwrap();
            std::fs::write(folder.path().join(name), out).unwrap();
        }
        let appearance = Appearance::load(folder.path(), &Lang::ALL, &Kept::default()).unwrap();
        for lang in Lang::ALL {
            assert_eq!(appearance.texts(lang).all(), lang.texts().all());
        }
        let danish = std::fs::read_to_string(folder.path().join("texts.da.yaml")).unwrap();
        assert!(danish.contains("login.username: \"Brugernavn\"\n"), "{danish}");
    }
}
