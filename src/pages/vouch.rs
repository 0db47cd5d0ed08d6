//! *Legitimation*: a registrant has seen somebody's identity papers, and hands out the one-time code that
//! registers a first key, at the level such papers are given.
//!
//! Of the number the last four characters are kept: they tell two papers apart, and are of use to nobody else.

use std::sync::Arc;

use axum::extract::{Form, State};
use axum::response::IntoResponse as _;
use http::StatusCode;
use serde::Deserialize;

use super::duty::on_duty;
use super::view::PapersError;
use super::visitor::Visitor;
use super::{Answer, Pages, reply, view};
use crate::audit::Event;
use crate::authn::code::{self, Code};
use crate::role::Duty;
use crate::store::StoreError;
use crate::user::{User, Username};

/// Of the number, from the end.
const KEPT: usize = 4;
/// A note's longest.
const NOTE: usize = 200;

#[derive(Clone, Default, Deserialize)]
pub struct Papers {
    #[serde(default)]
    username: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    number: String,
    #[serde(default)]
    note: String,
}

/// `GET /vouch`
pub async fn show(State(pages): State<Arc<Pages>>, visitor: Visitor) -> Answer {
    match on_duty(&pages, &visitor, Duty::Vouch, "/vouch").await? {
        Ok(_) => Ok(reply::html(&form(&visitor, &Papers::default(), None))),
        Err(answer) => Ok(answer),
    }
}

/// `POST /vouch`
pub async fn vouched(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    Form(papers): Form<Papers>,
) -> Answer {
    let session = match on_duty(&pages, &visitor, Duty::Vouch, "/vouch").await? {
        Ok(session) => session,
        Err(answer) => return Ok(answer),
    };
    let user = match whose(&pages, &session.user, &papers).await? {
        Ok(user) => user,
        Err(error) => {
            let page = form(&visitor, &papers, Some(error));
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, reply::html(&page)).into_response());
        }
    };
    let code = Code::generate(pages.random.as_ref());
    let expires_at = pages.clock.now().plus(code::LIFETIME);
    let level = pages.settings().papers;
    let entry = visitor
        .entry_about(Event::PapersSeen, &user, &session.user)
        .with("kind", papers.kind.as_str())
        .with("number_ends", ending(&papers.number))
        .with("level", level.name());
    let note: String = papers.note.trim().chars().filter(|c| !c.is_control()).take(NOTE).collect();
    let entry = if note.is_empty() { entry } else { entry.with("note", note) };
    let told = entry.into_record();
    pages.store.add_code_on_papers(user.id, (&code.hash(), expires_at), level, &told).await?;
    pages.audit.written(&told);
    Ok(reply::html(&view::PapersSeen {
        frame: visitor.frame(),
        name: user.name,
        username: user.username.to_string(),
        shown: code.to_string(),
        until: expires_at,
        level,
    }))
}

/// Whose papers they are, if everything about them is in order.
async fn whose(
    pages: &Pages,
    registrant: &User,
    papers: &Papers,
) -> Result<Result<User, PapersError>, StoreError> {
    let Ok(name) = Username::parse(&papers.username) else { return Ok(Err(PapersError::Unknown)) };
    let name = pages.directory.account(&name).await?;
    let Some(user) = pages.store.user_by_name(&name).await? else { return Ok(Err(PapersError::Unknown)) };
    Ok(if !user.active(pages.clock.now()) {
        Err(PapersError::Closed)
    } else if user.id == registrant.id {
        Err(PapersError::Oneself)
    } else if !view::PapersForm::KINDS.contains(&papers.kind.as_str()) {
        Err(PapersError::Kind)
    } else if holds_cpr(&papers.number) || holds_cpr(&papers.note) {
        Err(PapersError::Cpr)
    } else if ending(&papers.number).chars().count() < KEPT {
        Err(PapersError::Number)
    } else {
        Ok(user)
    })
}

/// The last letters and digits of a number.
fn ending(number: &str) -> String {
    let kept: Vec<char> = number.chars().rev().filter(|c| c.is_alphanumeric()).take(KEPT).collect();
    kept.into_iter().rev().collect()
}

/// Whether ten digits stand together as a CPR number is written: `ddmmyyxxxx`, `ddmmyy-xxxx`, `ddmmyy xxxx`.
fn holds_cpr(text: &str) -> bool {
    let mut digits = 0;
    for c in text.chars() {
        match c {
            '0'..='9' => digits += 1,
            '-' | ' ' | '–' if digits == 6 => {}
            _ => digits = 0,
        }
        if digits == 10 {
            return true;
        }
    }
    false
}

fn form(visitor: &Visitor, papers: &Papers, error: Option<PapersError>) -> view::PapersForm {
    let Papers { username, kind, number, note } = papers.clone();
    view::PapersForm { frame: visitor.frame(), username, kind, number, note, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_characters_are_kept_of_a_number() {
        for (number, kept) in [("209876543", "6543"), (" P-12 3x ", "P123x"), ("12", "12"), ("", "")] {
            let kept: String = kept.chars().skip(kept.chars().count().saturating_sub(KEPT)).collect();
            assert_eq!(ending(number), kept, "{number:?}");
        }
    }

    #[test]
    fn a_cpr_number_is_seen_wherever_it_stands() {
        for text in ["0101901234", "010190-1234", "cpr 010190 1234, pas", "x010190–1234"] {
            assert!(holds_cpr(text), "{text:?}");
        }
        for text in ["", "209876543", "010190", "010190-123", "12345678 12", "tlf. 87 65 43 21"] {
            assert!(!holds_cpr(text), "{text:?}");
        }
    }
}
