//! What an installation says of itself: whose it is, the pages a public body links to, and the terms people accept.

use std::path::PathBuf;

use url::Url;

use super::read::{FileKind, Reader, is_secure};
use crate::policy::Text;
use crate::policy::document::{Node, Value};
use crate::policy::reader::Fields;
use crate::policy::shape::Kind::{self, Either, Form, Map};
use crate::policy::shape::{Shape, optional, required};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct House {
    pub organisation: Option<Text>,
    pub accessibility: Option<Text>,
    pub privacy: Option<Text>,
    pub terms: Option<Terms>,
}

/// Terms of use. Who has accepted an earlier version is asked anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub version: u32,
    /// Plain text by language; where a language has none of its own, the other's.
    pub da: PathBuf,
    pub en: PathBuf,
}

/// The same in every language, or one a language.
pub(super) const WORDED: Kind = Either(&[Kind::Text, Map(&WORDS)]);

static WORDS: Shape = Shape {
    name: "in_words",
    keys: &[required("da", Kind::Text, "In Danish."), required("en", Kind::Text, "In English.")],
};

pub(super) static LINKS: Shape = Shape {
    name: "links",
    keys: &[
        optional("accessibility", WORDED, "The accessibility statement, as the law asks of public bodies."),
        optional("privacy", WORDED, "The privacy policy."),
    ],
};

pub(super) static TERMS: Shape = Shape {
    name: "terms",
    keys: &[
        required("version", Form("^[0-9]+$"), "Whoever has accepted a lower one is asked anew."),
        optional("da", Kind::Text, "The file of the Danish text."),
        optional("en", Kind::Text, "The file of the English text."),
    ],
};

/// `organisation`, `links` and `terms`, in this order.
pub(super) fn read(reader: &Reader<'_>, nodes: [Option<&Node>; 3]) -> House {
    let [organisation, links, terms] = nodes;
    let organisation = organisation.and_then(|node| worded(reader, node, &|_, _| true));
    let linked = |node| worded(reader, node, &|reader, node| is_address(reader, node));
    let (accessibility, privacy) = links.map_or((None, None), |node| {
        Fields::read(reader.report, node, &LINKS, |fields| {
            let mut link = |name| fields.optional(name).and_then(linked);
            (link("accessibility"), link("privacy"))
        })
    });
    House { organisation, accessibility, privacy, terms: terms.and_then(|node| self::terms(reader, node)) }
}

/// A text, or one a language, each of which is `fit`.
fn worded(reader: &Reader<'_>, node: &Node, fit: &dyn Fn(&Reader<'_>, &Node) -> bool) -> Option<Text> {
    let text = |node: &Node| {
        let text = reader.report.text(node)?;
        fit(reader, node).then(|| text.to_owned())
    };
    match &node.value {
        Value::Map(_) => Fields::read(reader.report, node, &WORDS, |fields| {
            let (da, en) = (fields.required("da").and_then(text), fields.required("en").and_then(text));
            Some(Text { da: da?, en: en? })
        }),
        _ => text(node).map(|text| Text { da: text.clone(), en: text }),
    }
}

fn is_address(reader: &Reader<'_>, node: &Node) -> bool {
    address(reader, node).is_some()
}

/// A page of somebody's.
pub(super) fn address(reader: &Reader<'_>, node: &Node) -> Option<Url> {
    reader.report.parse(node, "write the whole address: `https://…`", |text| {
        let url = Url::parse(text).map_err(|error| format!("`{text}` is not a URL: {error}"))?;
        if is_secure(&url) { Ok(url) } else { Err(format!("`{text}` is not an https address")) }
    })
}

fn terms(reader: &Reader<'_>, node: &Node) -> Option<Terms> {
    Fields::read(reader.report, node, &TERMS, |fields| {
        let version = fields.required("version").and_then(|node| {
            reader.report.parse(node, "write a whole number: 1, and 2 once the text has changed", |text| {
                text.parse::<u32>().map_err(|_| format!("`{text}` is no version"))
            })
        });
        let mut file = |name| fields.optional(name).and_then(|node| reader.file(node, FileKind::Terms));
        let (da, en) = (file("da"), file("en"));
        let Some(any) = da.clone().or_else(|| en.clone()) else {
            reader.report.add(node.span, "the terms have no text", "name a file: `da: terms.da.txt`");
            return None;
        };
        Some(Terms { version: version?, da: da.unwrap_or_else(|| any.clone()), en: en.unwrap_or(any) })
    })
}
