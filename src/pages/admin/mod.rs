//! The admin pages: what service desks, administrators and auditors do for other people.
//!
//! Each request asks anew who the person is and what their groups allow now, whatever the session was begun
//! with; somebody whose groups give no duty gets what an unknown page gets.

mod action;
mod audit;
mod devices;
mod lists;
mod people;
mod requests;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::{get, post};
use http::StatusCode;

use super::login::follow;
use super::onward::{self, Destination, Fields, Step};
use super::reply;
use super::text::Texts;
use super::view::admin::{AdminHome, NavLink, Said};
use super::visitor::Visitor;
use super::{Answer, Pages};
use crate::audit::{Entry, Event};
use crate::desk::{Desk, Performer};
use crate::role::{Duty, Role};
use crate::store::StoreError;
use crate::user::User;

pub fn routes() -> Router<Arc<Pages>> {
    Router::new()
        .route("/admin", get(home))
        .route("/admin/people", get(people::found).post(people::search))
        .route("/admin/people/{id}", get(people::show))
        .route("/admin/people/{id}/{action}", get(action::ask).post(action::perform))
        .route("/admin/keys", get(lists::keys))
        .route("/admin/sessions", get(lists::sessions))
        .route("/admin/requests", get(requests::show))
        .route("/admin/requests/{id}/{answer}", post(requests::answer))
        .route("/admin/audit", get(audit::show))
        .route("/admin/audit/export", get(audit::export))
        .route("/admin/devices", get(devices::show).post(devices::add))
        .route("/admin/devices/remove", post(devices::remove))
}

/// Who may go there, the address, and its name.
type Place = (Duty, &'static str, fn(&Texts) -> &'static str);

/// The places, each for those with a duty.
const PLACES: [Place; 8] = [
    (Duty::Look, "/admin/people", |t| t.admin.people),
    (Duty::Look, "/admin/keys", |t| t.admin.keys),
    (Duty::Look, "/admin/sessions", |t| t.admin.sessions),
    (Duty::Look, "/admin/requests", |t| t.admin.requests),
    (Duty::Lend, "/lend", |t| t.lend.title),
    (Duty::Vouch, "/vouch", |t| t.papers.title),
    (Duty::Audit, "/admin/audit", |t| t.admin_audit.nav),
    (Duty::Devices, "/admin/devices", |t| t.admin.devices),
];

/// Somebody who works at the admin pages, as the store knows them now.
pub struct Officer {
    pub user: User,
}

impl Officer {
    pub fn may(&self, pages: &Pages, duty: Duty) -> bool {
        pages.settings().roles.allow(&self.user.groups, duty)
    }
}

/// Lets in whoever may do that, with a fresh key; anybody else gets the answer. `back` is where they go on once
/// they have proven more: for a form, the page it stood on.
async fn enter(
    pages: &Pages,
    visitor: &Visitor,
    duty: Duty,
    back: &str,
) -> Result<Result<Officer, Response>, StoreError> {
    enter_for_any(pages, visitor, &[duty], back).await
}

async fn enter_for_any(
    pages: &Pages,
    visitor: &Visitor,
    duties: &[Duty],
    back: &str,
) -> Result<Result<Officer, Response>, StoreError> {
    let fields = Fields::own(pages, back);
    let destination = Destination::parse(pages, &fields);
    let Some(session) = &visitor.session else {
        return Ok(Err(follow(Step::Password, &fields, &destination)));
    };
    let user = pages.store.user(session.user.id).await?;
    let roles = &pages.settings().roles;
    let user = match user.filter(|user| user.active(visitor.arrival.at)) {
        Some(user) if duties.iter().any(|duty| roles.allow(&user.groups, *duty)) => user,
        _ => return Ok(Err(refuse(pages, visitor).await)),
    };
    Ok(match onward::step(pages, visitor, &destination).await? {
        Step::Go(_) if onward::may_act_for_others(pages, session, visitor) => Ok(Officer { user }),
        // It went stale between two looks, or `back` is no address of these pages.
        Step::Go(_) => Err(visitor.error(StatusCode::FORBIDDEN)),
        step => Err(follow(step, &fields, &destination)),
    })
}

/// What an unknown page gets, and a trace of it.
async fn refuse(pages: &Pages, visitor: &Visitor) -> Response {
    let entry = visitor.entry(Event::AdminRefused).with("path", visitor.path());
    pages.audit.record(entry).await;
    visitor.error(StatusCode::NOT_FOUND)
}

/// `GET /admin`
async fn home(State(pages): State<Arc<Pages>>, visitor: Visitor) -> Answer {
    let officer = match enter_for_any(&pages, &visitor, &Duty::ALL, "/admin").await? {
        Ok(officer) => officer,
        Err(answer) => return Ok(answer),
    };
    let may_search = officer.may(&pages, Duty::Look);
    let waiting = match may_search {
        true => requests::waiting_for(&pages, &visitor, &officer).await?,
        false => 0,
    };
    let nav = nav(&pages, &visitor, &officer, "/admin");
    let (frame, searched) = (visitor.frame(), String::new());
    Ok(reply::html(&AdminHome { frame, nav, may_search, searched, waiting }))
}

fn nav(pages: &Pages, visitor: &Visitor, officer: &Officer, current: &str) -> Vec<NavLink> {
    let open = PLACES.iter().filter(|(duty, url, _)| {
        // Where nothing needs two, nothing ever waits.
        let empty = *url == "/admin/requests" && pages.settings().desk.four_eyes.is_empty();
        officer.may(pages, *duty) && !empty
    });
    let words = visitor.texts();
    open.map(|(_, url, name)| NavLink { url, words: name(words), current: *url == current }).collect()
}

/// What `?notice=` stands for.
fn said(visitor: &Visitor, notice: &str) -> Option<Said> {
    let t = &visitor.texts().admin;
    let (words, good) = match notice {
        "lock" => (t.done_lock, true),
        "unlock" => (t.done_unlock, true),
        "unlock-password" => (t.done_unlock_password, true),
        "revoke" => (t.done_revoke, true),
        "end-session" | "end-sessions" => (t.done_end, true),
        "expire" => (t.done_expire, true),
        "asked" => (t.asked, true),
        "confirmed" => (t.confirmed, true),
        "refused" => (t.refused, true),
        "withdrawn" => (t.withdrawn, true),
        "device-removed" => (t.device_removed, true),
        "asked-already" => (t.asked_already, false),
        "nothing" => (t.nothing, false),
        "inactive" => (t.inactive, false),
        "last-one" => (t.last_one, false),
        "gone" => (t.gone, false),
        "own" => (t.is_own, false),
        _ => return None,
    };
    Some(Said { words, good })
}

/// What is done in the officer's name.
fn desk<'a>(pages: &'a Pages, visitor: &Visitor, officer: &'a Officer, keep_one: &'a [String]) -> Desk<'a> {
    Desk {
        store: pages.store.as_ref(),
        random: pages.random.as_ref(),
        performer: Performer::Officer(&officer.user),
        origin: visitor.origin(),
        keep_one,
    }
}

/// Whose last active person no page may shut out.
fn administrators(pages: &Pages) -> Vec<String> {
    pages.settings().roles.groups(Role::Administrator)
}

/// A record of something done at these pages that is about nobody else.
fn entry(visitor: &Visitor, officer: &Officer, event: Event) -> Entry {
    Entry::new(event, &visitor.origin()).with("by", officer.user.username.as_str())
}
