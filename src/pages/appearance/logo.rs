//! `logo.svg` or `logo.png`.

use std::path::Path;

use regex::Regex;

use super::OwnFile;
use crate::policy::problem::Problem;

/// Every page shows it: a larger one is a photograph, or has one inside.
const LARGEST: usize = 256 << 10;

/// What an SVG can do beyond showing something, by what it is called. None of it would happen, as the file is
/// shown as an image and served under a policy of its own; whoever put it there should know.
const ACTIVE: [(&str, &str); 5] = [
    (r"(?i)<\s*script", "a script"),
    (r"(?i)<\s*foreignObject", "a page of its own (`foreignObject`)"),
    (r"(?i)<!\s*(DOCTYPE|ENTITY)", "a document type"),
    (r#"(?i)\son[a-z]+\s*="#, "an event handler"),
    (
        r#"(?i)(href|src)\s*=\s*["']?\s*(https?:|//|javascript:)|url\(\s*["']?\s*(https?:|//)"#,
        "a reference to elsewhere",
    ),
];

pub(super) fn load(path: &Path) -> Result<OwnFile, Problem> {
    let refused = |message: String, help: &str| Problem::of_file(path, message, help);
    let bytes = std::fs::read(path).map_err(|error| {
        let help = "check the permissions of the user the gateway runs as";
        refused(format!("cannot read the file: {error}"), help)
    })?;
    if bytes.len() > LARGEST {
        let message = format!("the logo holds {} bytes, and at most {LARGEST} are served", bytes.len());
        return Err(refused(message, "make it smaller: it is shown 36 px high"));
    }
    if path.extension().is_some_and(|kind| kind == "png") {
        return match bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
            true => Ok(OwnFile::new("own-logo.png", "image/png", bytes)),
            false => Err(refused("this is not a PNG".to_owned(), "save it as PNG, or as `logo.svg`")),
        };
    }
    let text = std::str::from_utf8(&bytes).ok().filter(|text| text.contains("<svg"));
    let Some(text) = text else {
        return Err(refused("this is not an SVG in UTF-8".to_owned(), "save it as SVG, or as `logo.png`"));
    };
    for (pattern, what) in ACTIVE {
        if Regex::new(pattern).expect("each is a regular expression").is_match(text) {
            let help = "export it as a plain SVG: shapes alone";
            return Err(refused(format!("the logo holds {what}, which would not work"), help));
        }
    }
    Ok(OwnFile::new("own-logo.svg", "image/svg+xml", bytes))
}
