//! Four eyes: what waits for a second person, and their answer.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use http::StatusCode;
use uuid::Uuid;

use super::people::Shown;
use super::{Officer, action, enter, entry, nav, refuse, said};
use crate::audit::Event;
use crate::desk::{Action, Outcome};
use crate::pages::reply::{self, see_other};
use crate::pages::view::admin::{AdminRequests, RequestRow};
use crate::pages::visitor::Visitor;
use crate::pages::{Answer, Pages};
use crate::role::Duty;
use crate::store::StoreError;
use crate::store::requests::{Request, RequestId};
use crate::user::User;

const HERE: &str = "/admin/requests";

/// `GET /admin/requests`
pub async fn show(State(pages): State<Arc<Pages>>, visitor: Visitor, Query(shown): Query<Shown>) -> Answer {
    let officer = match enter(&pages, &visitor, Duty::Look, visitor.target()).await? {
        Ok(officer) => officer,
        Err(answer) => return Ok(answer),
    };
    let mut rows = Vec::new();
    for request in pages.store.requests(visitor.arrival.at).await? {
        if let Some(about) = About::of(&pages, &request).await? {
            rows.push(row(&pages, &visitor, &officer, &about).await?);
        }
    }
    let nav = nav(&pages, &visitor, &officer, HERE);
    let notice = said(&visitor, &shown.notice);
    Ok(reply::html(&AdminRequests { frame: visitor.frame(), nav, rows, notice }))
}

/// `POST /admin/requests/{id}/{answer}`: `confirm`, `refuse`, or `withdraw` by whoever asked.
pub async fn answer(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    Path((id, answer)): Path<(String, String)>,
) -> Answer {
    let officer = match enter(&pages, &visitor, Duty::Look, HERE).await? {
        Ok(officer) => officer,
        Err(answer) => return Ok(answer),
    };
    let id = Uuid::parse_str(&id).ok().map(RequestId);
    let waiting = pages.store.requests(visitor.arrival.at).await?;
    let Some(request) = waiting.into_iter().find(|request| Some(request.id) == id) else {
        return Ok(noticed("gone"));
    };
    let Some(about) = About::of(&pages, &request).await? else { return Ok(noticed("gone")) };
    match answer.as_str() {
        "withdraw" => withdraw(&pages, &visitor, &officer, &about).await,
        // One's own needs another's eyes, and what is for oneself too.
        "confirm" | "refuse" if !about.may_answer(&pages, &officer) => Ok(refuse(&pages, &visitor).await),
        "confirm" => confirm(&pages, &visitor, &officer, &about).await,
        "refuse" => {
            let record = record(&visitor, &officer, Event::ActionRefused, &about);
            let taken =
                pages.store.take_request(request.id, officer.user.id, visitor.arrival.at, &record).await?;
            if taken.is_some() {
                pages.audit.written(&record);
            }
            Ok(noticed(if taken.is_some() { "refused" } else { "gone" }))
        }
        _ => Ok(visitor.error(StatusCode::NOT_FOUND)),
    }
}

/// How many wait for this officer.
pub async fn waiting_for(pages: &Pages, visitor: &Visitor, officer: &Officer) -> Result<usize, StoreError> {
    let mut waiting = 0;
    for request in pages.store.requests(visitor.arrival.at).await? {
        let about = About::of(pages, &request).await?;
        waiting += usize::from(about.is_some_and(|about| about.may_answer(pages, officer)));
    }
    Ok(waiting)
}

/// A request, and those it names as they are now.
struct About<'a> {
    request: &'a Request,
    action: Action,
    person: User,
    asked_by: User,
}

impl<'a> About<'a> {
    async fn of(pages: &Pages, request: &'a Request) -> Result<Option<Self>, StoreError> {
        let action = Action::parse(&request.action, &request.target);
        let person = pages.store.user(request.user).await?;
        let asked_by = pages.store.user(request.asked_by).await?;
        Ok(match (action, person, asked_by) {
            (Some(action), Some(person), Some(asked_by)) => Some(Self { request, action, person, asked_by }),
            _ => None,
        })
    }

    fn may_answer(&self, pages: &Pages, officer: &Officer) -> bool {
        let own = [self.request.asked_by, self.request.user].contains(&officer.user.id);
        !own && officer.may(pages, self.action.duty(&self.person))
    }

    /// Whoever asked could still do it themselves, but for the second pair of eyes.
    fn still_stands(&self, pages: &Pages, visitor: &Visitor) -> bool {
        let duty = self.action.duty(&self.person);
        self.asked_by.active(visitor.arrival.at) && pages.settings().roles.allow(&self.asked_by.groups, duty)
    }
}

async fn confirm(pages: &Pages, visitor: &Visitor, officer: &Officer, about: &About<'_>) -> Answer {
    let id = about.request.id;
    if !about.still_stands(pages, visitor) {
        let record = record(visitor, officer, Event::ActionRefused, about);
        pages.store.take_request(id, officer.user.id, visitor.arrival.at, &record).await?;
        return Ok(noticed("gone"));
    }
    let record = record(visitor, officer, Event::ActionConfirmed, about);
    // Taken before it is done: of many who confirm, one does it.
    let taken = pages.store.take_request(id, officer.user.id, visitor.arrival.at, &record).await?;
    if taken.is_none() {
        return Ok(noticed("gone"));
    }
    pages.audit.written(&record);
    let done = (&about.person, &about.action);
    let outcome = action::act(pages, visitor, officer, done).await?;
    Ok(match outcome {
        Outcome::Done(_) => noticed("confirmed"),
        other => action::told(visitor, done, other, "nothing"),
    })
}

async fn withdraw(pages: &Pages, visitor: &Visitor, officer: &Officer, about: &About<'_>) -> Answer {
    let record = record(visitor, officer, Event::ActionWithdrawn, about);
    let gone = pages.store.withdraw_request(about.request.id, officer.user.id, &record).await?;
    if gone {
        pages.audit.written(&record);
    }
    Ok(noticed(if gone { "withdrawn" } else { "gone" }))
}

fn record(
    visitor: &Visitor,
    officer: &Officer,
    event: Event,
    about: &About<'_>,
) -> crate::store::AuditRecord {
    entry(visitor, officer, event)
        .user(&about.person)
        .with("action", about.action.name())
        .with("asked_by", about.asked_by.username.as_str())
        .into_record()
}

async fn row(
    pages: &Pages,
    visitor: &Visitor,
    officer: &Officer,
    about: &About<'_>,
) -> Result<RequestRow, StoreError> {
    let About { request, action, person, asked_by } = about;
    Ok(RequestRow {
        id: request.id.0.to_string(),
        action: action::title(visitor.texts(), action),
        what: action::what(pages, person, action).await?,
        person: person.id.to_string(),
        name: person.name.clone(),
        username: person.username.to_string(),
        asked_by: asked_by.name.clone(),
        asked: request.asked_at,
        until: request.expires_at,
        own: request.asked_by == officer.user.id,
        may: about.may_answer(pages, officer),
    })
}

fn noticed(notice: &str) -> Response {
    see_other(&format!("{HERE}?notice={notice}"))
}
