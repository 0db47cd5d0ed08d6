//! Acting for a person: asked once more where something is lost by it, and of a second person where the
//! configuration says so.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde::Deserialize;

use super::people::{by_id, path};
use super::{Officer, administrators, desk, enter, refuse};
use crate::audit::Event;
use crate::authn::code::Code;
use crate::date::LastDay;
use crate::desk::{Action, Outcome};
use crate::pages::reply::{self, see_other};
use crate::pages::text::Texts;
use crate::pages::text::admin::said;
use crate::pages::view::admin::{AdminCode, AdminConfirm, ConfirmField, Spelled};
use crate::pages::visitor::Visitor;
use crate::pages::{Answer, Pages};
use crate::random;
use crate::role::Duty;
use crate::store::StoreError;
use crate::store::requests::{Request, RequestId};
use crate::time::Timestamp;
use crate::user::User;

/// What comes with an action.
#[derive(Deserialize)]
pub struct About {
    #[serde(default)]
    target: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    day: String,
}

/// `GET /admin/people/{id}/{action}`: the question before it is done.
pub async fn ask(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    Path((id, name)): Path<(String, String)>,
    Query(about): Query<About>,
) -> Answer {
    let officer = match enter(&pages, &visitor, Duty::Look, visitor.target()).await? {
        Ok(officer) => officer,
        Err(answer) => return Ok(answer),
    };
    let (Some(person), Some(action)) = (by_id(&pages, &id).await?, Action::parse(&name, &about.target))
    else {
        return Ok(visitor.error(StatusCode::NOT_FOUND));
    };
    if !officer.may(&pages, action.duty(&person)) {
        return Ok(refuse(&pages, &visitor).await);
    }
    if person.id == officer.user.id {
        return Ok(noticed(&person, "own"));
    }
    let field = match &action {
        Action::Lock(_) => ConfirmField::Reason(String::new()),
        Action::Expire(_) => ConfirmField::Day(person.expires_at.map(LastDay::before).unwrap_or_default()),
        _ => ConfirmField::None,
    };
    Ok(reply::html(&question(&pages, &visitor, (&person, &action), field).await?))
}

/// `POST /admin/people/{id}/{action}`
pub async fn perform(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    Path((id, name)): Path<(String, String)>,
    Form(about): Form<About>,
) -> Answer {
    let back = format!("/admin/people/{id}");
    let officer = match enter(&pages, &visitor, Duty::Look, &back).await? {
        Ok(officer) => officer,
        Err(answer) => return Ok(answer),
    };
    let (Some(person), Some(kind)) = (by_id(&pages, &id).await?, Action::parse(&name, &about.target)) else {
        return Ok(visitor.error(StatusCode::NOT_FOUND));
    };
    let action = match read(kind, &about) {
        Ok(action) => action,
        Err((action, field)) => {
            let t = &visitor.texts().admin;
            let wrong = if matches!(field, ConfirmField::Day(_)) { t.day_wrong } else { t.reason_wrong };
            let page = question(&pages, &visitor, (&person, &action), field).await?;
            let page = AdminConfirm { wrong: Some(wrong), ..page };
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, reply::html(&page)).into_response());
        }
    };
    if !officer.may(&pages, action.duty(&person)) {
        return Ok(refuse(&pages, &visitor).await);
    }
    if person.id == officer.user.id {
        return Ok(noticed(&person, "own"));
    }
    if pages.settings().desk.four_eyes.contains(&action.duty(&person)) {
        return for_a_second(&pages, &visitor, &officer, (&person, &action)).await;
    }
    let outcome = act(&pages, &visitor, &officer, (&person, &action)).await?;
    Ok(told(&visitor, (&person, &action), outcome, "nothing"))
}

/// Does it, here and now; sessions that end are forgotten at once.
pub async fn act(
    pages: &Pages,
    visitor: &Visitor,
    officer: &Officer,
    (person, action): (&User, &Action),
) -> Result<Outcome, StoreError> {
    let keep_one = administrators(pages);
    let outcome = desk(pages, visitor, officer, &keep_one).perform(person, action).await?;
    if let Outcome::Done(ended) = &outcome {
        pages.sessions.ended(ended);
    }
    Ok(outcome)
}

/// What the officer sees of it.
pub fn told(
    visitor: &Visitor,
    (person, action): (&User, &Action),
    outcome: Outcome,
    nothing: &'static str,
) -> Response {
    match outcome {
        Outcome::Done(_) => noticed(person, action.name()),
        Outcome::Nothing => noticed(person, nothing),
        Outcome::Inactive => noticed(person, "inactive"),
        Outcome::LastAdministrator => noticed(person, "last-one"),
        Outcome::Code { code, expires_at } => code_page(visitor, person, (&code, expires_at)),
    }
}

pub fn title(t: &Texts, action: &Action) -> &'static str {
    words(t, action).0
}

/// The name of the key, the reason, or the day it is about.
pub async fn what(pages: &Pages, person: &User, action: &Action) -> Result<Option<String>, StoreError> {
    Ok(match action {
        Action::Lock(reason) => Some(reason.clone()).filter(|reason| !reason.is_empty()),
        Action::Revoke(credential) => {
            let mut keys = pages.store.keys(person.id).await?.into_iter();
            keys.find(|key| key.credential == *credential).map(|key| key.name)
        }
        Action::Expire(Some(end)) => Some(LastDay::before(*end)),
        _ => None,
    })
}

/// The action with what was typed for it; or the field to type anew.
fn read(action: Action, about: &About) -> Result<Action, (Action, ConfirmField)> {
    match action {
        Action::Lock(_) => {
            let reason: String = about.reason.trim().chars().filter(|c| !c.is_control()).collect();
            match reason.chars().count() {
                3..=300 => Ok(Action::Lock(reason)),
                _ => Err((action, ConfirmField::Reason(reason))),
            }
        }
        Action::Expire(_) => match about.day.trim() {
            "" => Ok(Action::Expire(None)),
            day => match day.parse::<LastDay>() {
                Ok(last) => Ok(Action::Expire(Some(last.end()))),
                Err(_) => Err((action, ConfirmField::Day(day.to_owned()))),
            },
        },
        other => Ok(other),
    }
}

async fn question(
    pages: &Pages,
    visitor: &Visitor,
    (person, action): (&User, &Action),
    field: ConfirmField,
) -> Result<AdminConfirm, StoreError> {
    let (title, lead) = words(visitor.texts(), action);
    let what = match &field {
        ConfirmField::None => what(pages, person, action).await?,
        _ => None,
    };
    let target = match action {
        Action::Revoke(credential) => URL_SAFE_NO_PAD.encode(&credential.0),
        Action::EndSession(id) => id.0.to_string(),
        _ => String::new(),
    };
    Ok(AdminConfirm {
        frame: visitor.frame(),
        title,
        lead,
        name: person.name.clone(),
        username: person.username.to_string(),
        what,
        field,
        wrong: None,
        url: format!("{}/{}", path(person), action.name()),
        target,
        submit: title,
        danger: matches!(action, Action::Lock(_) | Action::Revoke(_) | Action::EndSessions),
        second: pages.settings().desk.four_eyes.contains(&action.duty(person)),
        back: path(person),
    })
}

fn words(t: &Texts, action: &Action) -> (&'static str, &'static str) {
    let t = &t.admin;
    match action {
        Action::Lock(_) => (t.lock, t.lock_lead),
        Action::Unlock => (t.unlock, t.unlock_lead),
        Action::UnlockPassword => (t.unlock_password, t.unlock_password_lead),
        Action::Revoke(_) => (t.revoke, t.revoke_lead),
        Action::EndSession(_) => (t.end, t.end_lead),
        Action::EndSessions => (t.end_all, t.end_all_lead),
        Action::Invite => (t.invite, t.invite_lead),
        Action::Expire(_) => (t.expire, t.expire_lead),
    }
}

async fn for_a_second(
    pages: &Pages,
    visitor: &Visitor,
    officer: &Officer,
    (person, action): (&User, &Action),
) -> Answer {
    let now = visitor.arrival.at;
    let request = Request {
        id: RequestId(random::uuid(pages.random.as_ref())),
        action: action.name().to_owned(),
        target: action.target(),
        user: person.id,
        asked_by: officer.user.id,
        asked_at: now,
        expires_at: now.plus(pages.settings().desk.answer_within),
    };
    let entry = super::entry(visitor, officer, Event::ActionAsked).user(person);
    let record = entry.with("action", action.name()).into_record();
    let asked = pages.store.ask(&request, &record).await?;
    if asked {
        pages.audit.written(&record);
    }
    Ok(noticed(person, if asked { "asked" } else { "asked-already" }))
}

fn code_page(visitor: &Visitor, person: &User, (code, until): (&Code, Timestamp)) -> Response {
    let shown = code.to_string();
    let groups = shown.split('-').map(|group| Spelled {
        text: group.to_owned(),
        spelled: group.chars().map(|c| said(visitor.lang, c)).collect::<Vec<_>>().join(" · "),
    });
    reply::html(&AdminCode {
        frame: visitor.frame(),
        name: person.name.clone(),
        username: person.username.to_string(),
        groups: groups.collect(),
        until,
        back: path(person),
    })
}

fn noticed(person: &User, notice: &str) -> Response {
    see_other(&format!("{}?notice={notice}", path(person)))
}
