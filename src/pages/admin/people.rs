//! Finding a person, and what is seen of them.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, Query, State};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use form_urlencoded::Serializer;
use http::StatusCode;
use serde::Deserialize;
use uuid::Uuid;

use super::{Officer, enter, nav, said};
use crate::authn::lockout::Lock;
use crate::date::LastDay;
use crate::desk::Action;
use crate::pages::reply::{self, see_other};
use crate::pages::text::admin_audit::event_words;
use crate::pages::view::KeyRow;
use crate::pages::view::admin::{
    AccountState, ActionLink, AdminPeople, AdminPerson, DoneRow, LockRow, PasswordLock, PersonRow, SessionRow,
};
use crate::pages::visitor::Visitor;
use crate::pages::{Answer, Pages};
use crate::role::Duty;
use crate::store::desk::{OpenQuery, OpenSignIn, PeopleQuery};
use crate::store::{AuditQuery, AuditRow, Key, StoreError};
use crate::time::Timestamp;
use crate::user::{Cpr, User, UserId, Username};

/// People on a page.
const PAGE: u32 = 25;

/// Events on a person's page.
const EVENTS: u32 = 10;

/// `POST /admin/people`: a search that may be a CPR number, and so never stands in an address.
pub async fn search(State(pages): State<Arc<Pages>>, visitor: Visitor, Form(form): Form<Search>) -> Answer {
    let officer = match enter(&pages, &visitor, Duty::Look, "/admin").await? {
        Ok(officer) => officer,
        Err(answer) => return Ok(answer),
    };
    let Ok(cpr) = Cpr::parse(&form.q) else {
        let query = Serializer::new(String::new()).append_pair("q", form.q.trim()).finish();
        return Ok(see_other(&format!("/admin/people?{query}")));
    };
    let people = pages.store.users_by_cpr(&pages.keys.cpr_hash(&cpr)).await?;
    if let [only] = people.as_slice() {
        return Ok(see_other(&path(only)));
    }
    let frame = visitor.frame();
    let nav = nav(&pages, &visitor, &officer, "/admin/people");
    let rows = people.iter().map(|person| row(&visitor, person)).collect();
    Ok(reply::html(&AdminPeople { frame, nav, searched: String::new(), rows, more: None }))
}

#[derive(Deserialize)]
pub struct Search {
    #[serde(default)]
    q: String,
    #[serde(default)]
    after: String,
}

/// `GET /admin/people`
pub async fn found(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    Query(search): Query<Search>,
) -> Answer {
    let officer = match enter(&pages, &visitor, Duty::Look, visitor.target()).await? {
        Ok(officer) => officer,
        Err(answer) => return Ok(answer),
    };
    let after = Username::parse(&search.after).ok();
    // Nobody is looked for by a number that stands in an address.
    if Cpr::parse(&search.q).is_ok() {
        return Ok(see_other("/admin"));
    }
    let text = search.q;
    let query = PeopleQuery { text: text.clone(), after: after.clone(), limit: PAGE + 1 };
    let mut people = pages.store.search_people(&query).await?;
    if after.is_none() {
        if let ([only], false) = (people.as_slice(), text.trim().is_empty()) {
            return Ok(see_other(&path(only)));
        }
        // Whose user name it is, letter by letter, is most likely meant.
        if let Ok(name) = Username::parse(&text)
            && let Some(person) = pages.store.user_by_name(&name).await?
        {
            people.retain(|other| other.id != person.id);
            people.insert(0, person);
        }
    }
    let full = people.len() > PAGE as usize;
    people.truncate(PAGE as usize);
    let more = people.last().filter(|_| full).map(|last| {
        let mut query = Serializer::new(String::new());
        query.append_pair("q", &text).append_pair("after", last.username.as_str());
        format!("/admin/people?{}", query.finish())
    });
    let frame = visitor.frame();
    let nav = nav(&pages, &visitor, &officer, "/admin/people");
    let rows = people.iter().map(|person| row(&visitor, person)).collect();
    Ok(reply::html(&AdminPeople { frame, nav, searched: text, rows, more }))
}

/// `GET /admin/people/{id}`
pub async fn show(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(shown): Query<Shown>,
) -> Answer {
    let officer = match enter(&pages, &visitor, Duty::Look, visitor.target()).await? {
        Ok(officer) => officer,
        Err(answer) => return Ok(answer),
    };
    let Some(person) = by_id(&pages, &id).await? else {
        return Ok(visitor.error(StatusCode::NOT_FOUND));
    };
    let store = &pages.store;
    let now = visitor.arrival.at;
    let lock = store.account_lock(person.id).await?;
    let password = store.password_lock(person.id, now).await?.map(|lock| match lock {
        Lock::Until(until) => PasswordLock::Until(until),
        Lock::ForGood => PasswordLock::ForGood,
    });
    let sessions = store.search_open(&OpenQuery { user: Some(person.id), ..open(&pages, now, "") }).await?;
    let events = AuditQuery { user: Some(person.id), newest_first: true, ..AuditQuery::default() };
    let latest = store.audit(&AuditQuery { limit: EVENTS, ..events.clone() }).await?;
    let state = match (person.disabled, person.active(now)) {
        (true, _) => AccountState::Locked,
        (false, true) => AccountState::Open,
        (false, false) => AccountState::Expired,
    };
    Ok(reply::html(&AdminPerson {
        frame: visitor.frame(),
        nav: nav(&pages, &visitor, &officer, ""),
        id: person.id.to_string(),
        name: person.name.clone(),
        username: person.username.to_string(),
        groups: person.groups.clone(),
        state,
        lock: lock.map(|lock| LockRow { reason: lock.reason, by: lock.by, at: lock.at }),
        actions: actions(&pages, &visitor, &officer, (&person, password.is_some())),
        password,
        last_login: last_login(&pages, &events).await?,
        last_day: person.expires_at.map(LastDay::before),
        keys: store.keys(person.id).await?.iter().map(key_row).collect(),
        sessions: sessions.into_iter().map(session_row).collect(),
        events: latest.iter().map(|row| event(&visitor, row)).collect(),
        own: person.id == officer.user.id,
        may_revoke: officer.may(&pages, Duty::Revoke) && person.id != officer.user.id,
        may_audit: officer.may(&pages, Duty::Audit),
        notice: said(&visitor, &shown.notice),
    }))
}

#[derive(Deserialize)]
pub struct Shown {
    #[serde(default)]
    pub notice: String,
}

/// Where a person's page is.
pub fn path(person: &User) -> String {
    format!("/admin/people/{}", person.id)
}

pub async fn by_id(pages: &Pages, id: &str) -> Result<Option<User>, StoreError> {
    match Uuid::parse_str(id) {
        Ok(id) => pages.store.user(UserId(id)).await,
        Err(_) => Ok(None),
    }
}

/// The live signings in that `text` finds.
pub fn open(pages: &Pages, now: Timestamp, text: &str) -> OpenQuery {
    OpenQuery {
        user: None,
        text: text.to_owned(),
        now,
        own_since: now.minus(pages.sessions.lifetimes(false).idle),
        shared_since: now.minus(pages.sessions.lifetimes(true).idle),
        limit: 100,
    }
}

pub fn key_row(key: &Key) -> KeyRow {
    KeyRow {
        id: URL_SAFE_NO_PAD.encode(&key.credential.0),
        name: key.name.clone(),
        added: key.registered_at,
        used: key.used_at,
        from: None,
        primary: false,
        suspect: key.suspect,
    }
}

pub fn session_row(open: OpenSignIn) -> SessionRow {
    SessionRow {
        id: open.id.0.to_string(),
        device: open.device,
        shared: open.shared,
        begun: open.started_at,
        seen: open.seen_at,
        hosts: open.hosts,
    }
}

fn row(visitor: &Visitor, person: &User) -> PersonRow {
    let t = &visitor.texts().admin;
    let state = match (person.disabled, person.active(visitor.arrival.at)) {
        (true, _) => Some(t.is_locked),
        (false, false) => Some(t.is_expired),
        (false, true) => None,
    };
    PersonRow {
        id: person.id.to_string(),
        name: person.name.clone(),
        username: person.username.to_string(),
        groups: person.groups.clone(),
        state,
    }
}

/// What this officer may do for the person as they are: what helps at once comes first.
fn actions(
    pages: &Pages,
    visitor: &Visitor,
    officer: &Officer,
    (person, password_locked): (&User, bool),
) -> Vec<ActionLink> {
    let t = &visitor.texts().admin;
    let open = person.active(visitor.arrival.at);
    let link = |action: Action, words, danger, at_once| {
        let url = format!("{}/{}", path(person), action.name());
        (action.duty(person), ActionLink { url, words, danger, at_once })
    };
    let mut all = Vec::new();
    if person.disabled {
        all.push(link(Action::Unlock, t.unlock, false, true));
    }
    if password_locked {
        all.push(link(Action::UnlockPassword, t.unlock_password, false, true));
    }
    if open {
        all.push(link(Action::Invite, t.invite, false, false));
    }
    all.push(link(Action::Expire(person.expires_at), t.expire, false, false));
    if !person.disabled {
        all.push(link(Action::Lock(String::new()), t.lock, true, false));
    }
    all.into_iter().filter(|(duty, _)| officer.may(pages, *duty)).map(|(_, link)| link).collect()
}

async fn last_login(pages: &Pages, events: &AuditQuery) -> Result<Option<Timestamp>, StoreError> {
    let mut latest = None;
    for event in ["password-verified", "mitid-verified"] {
        let query = AuditQuery { event: Some(event.to_owned()), limit: 1, ..events.clone() };
        latest = latest.max(pages.store.audit(&query).await?.first().map(|row| row.record.at));
    }
    Ok(latest)
}

fn event(visitor: &Visitor, row: &AuditRow) -> DoneRow {
    let record = &row.record;
    let what = event_words(visitor.texts(), &record.event);
    DoneRow {
        at: record.at,
        what: what.map_or_else(|| record.event.clone(), str::to_owned),
        by: record.performer(),
        address: record.address.map(|address| address.to_string()),
    }
}
