//! *Vilkår for anvendelse*: read by anybody, accepted once a version before going on to an app.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State};
use http::StatusCode;
use serde::Deserialize;

use super::onward::Fields;
use super::reply::{self, see_other};
use super::text::Lang;
use super::view::{Acceptance, Block, TermsOfUse};
use super::visitor::Visitor;
use super::{Answer, Pages};
use crate::audit::{Entry, Event};
use crate::session::Session;
use crate::store::StoreError;

/// Plain text in each language: paragraphs with an empty line between them, headings with `# ` before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub version: u32,
    pub da: String,
    pub en: String,
}

impl Terms {
    fn blocks(&self, lang: Lang) -> Vec<Block> {
        let text = match lang {
            Lang::Da => &self.da,
            Lang::En => &self.en,
        };
        blocks(text)
    }
}

/// Whether the person has still to accept the terms that are in force.
pub async fn pending(pages: &Pages, session: &Session) -> Result<bool, StoreError> {
    match &pages.settings().terms {
        Some(terms) => Ok(pages.store.accepted_terms(session.user.id, terms.version).await?.is_none()),
        None => Ok(false),
    }
}

/// `GET /terms`
pub async fn show(State(pages): State<Arc<Pages>>, visitor: Visitor, Query(fields): Query<Fields>) -> Answer {
    let settings = pages.settings();
    let Some(terms) = &settings.terms else { return Ok(visitor.error(StatusCode::NOT_FOUND)) };
    let state = match &visitor.session {
        None => Acceptance::NotAsked,
        Some(session) => {
            let user = session.user.id;
            match pages.store.accepted_terms(user, terms.version).await? {
                Some(at) => Acceptance::Given(at),
                None => Acceptance::Due { again: pages.store.accepted_terms(user, 0).await?.is_some() },
            }
        }
    };
    Ok(reply::html(&TermsOfUse {
        frame: visitor.frame(),
        next: fields.carried(),
        version: terms.version,
        text: terms.blocks(visitor.lang),
        state,
    }))
}

#[derive(Deserialize)]
pub struct Accepted {
    /// The version that was read.
    #[serde(default)]
    version: String,
    #[serde(default)]
    read: String,
    #[serde(flatten)]
    fields: Fields,
}

/// `POST /terms`
pub async fn accept(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    Form(accepted): Form<Accepted>,
) -> Answer {
    let next = accepted.fields.carried();
    let Some(session) = &visitor.session else { return Ok(see_other(&next.link("/login"))) };
    let settings = pages.settings();
    let Some(terms) = &settings.terms else { return Ok(visitor.error(StatusCode::NOT_FOUND)) };
    // What was accepted is what was read: not a version that came meanwhile.
    if accepted.read.is_empty() || accepted.version != terms.version.to_string() {
        return Ok(see_other(&next.link("/terms")));
    }
    let told = Entry::new(Event::TermsAccepted, &visitor.origin())
        .user(&session.user)
        .with("version", terms.version)
        .into_record();
    if pages.store.accept_terms(session.user.id, terms.version, pages.clock.now(), &told).await? {
        pages.audit.written(&told);
    }
    Ok(see_other(&next.link("/login")))
}

fn blocks(text: &str) -> Vec<Block> {
    let lines = text.lines().map(str::trim).collect::<Vec<_>>();
    let parts = lines.split(|line| line.is_empty()).filter(|part| !part.is_empty());
    parts
        .flat_map(|part| match part {
            [first, rest @ ..] if first.starts_with('#') => {
                let heading = Block::Heading(first.trim_start_matches('#').trim().to_owned());
                let rest = (!rest.is_empty()).then(|| Block::Paragraph(rest.join(" ")));
                [Some(heading), rest]
            }
            part => [Some(Block::Paragraph(part.join(" "))), None],
        })
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_text_is_paragraphs_and_headings() {
        let heading = |words: &str| Block::Heading(words.to_owned());
        let paragraph = |words: &str| Block::Paragraph(words.to_owned());
        assert_eq!(
            blocks("\u{20}\n# Hvem\nAlle,\r\n  som er her.\n\n\n## Hvad\n\n<b>Ikke</b> HTML #1\n"),
            [
                heading("Hvem"),
                paragraph("Alle, som er her."),
                heading("Hvad"),
                paragraph("<b>Ikke</b> HTML #1")
            ]
        );
        assert!(blocks(" \n\n").is_empty());
    }
}
