//! *Min identitet*: the person's own keys.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde::Deserialize;

use super::front::apps;
use super::keys::clean_name;
use super::login::follow;
use super::onward::{self, Destination, Fields, Step};
use super::reply::{self, see_other};
use super::view::Notice;
use super::visitor::Visitor;
use super::{Answer, Pages, client, view};
use crate::audit::{Entry, Event};
use crate::authn::CredentialId;
use crate::role::Duty;
use crate::session::Session;
use crate::store::self_service::KeyHabit;
use crate::store::{Key, StoreError};

#[derive(Deserialize)]
pub struct Shown {
    #[serde(default)]
    notice: String,
    #[serde(flatten)]
    fields: Fields,
}

/// `GET /me`
pub async fn show(State(pages): State<Arc<Pages>>, visitor: Visitor, Query(shown): Query<Shown>) -> Answer {
    let Some(session) = &visitor.session else {
        return Ok(see_other(&Fields::own(&pages, "/me").carried().link("/login")));
    };
    let destination = Destination::parse(&pages, &shown.fields);
    let next = shown.fields.carried();
    let proceed = destination.title(&visitor).map(|title| view::App { title, url: next.link("/login") });
    let habits = pages.store.key_habits(session.user.id).await?;
    let keys = pages.store.keys(session.user.id).await?;
    let keys: Vec<_> = keys.iter().map(|key| row(key, &habits)).collect();
    let lent = pages.store.lent_keys(session.user.id, pages.clock.now()).await?;
    let borrowed = lent.into_iter().filter_map(borrowed).collect();
    let places = pages.sessions.open_of(session.user.id).await?.len();
    let glass = !pages.sessions.open_glass(session.sign_in.id, pages.clock.now()).await?.is_empty();
    let roles = &pages.settings().roles;
    let desk = Duty::ALL.iter().any(|duty| roles.allow(&session.user.groups, *duty));
    Ok(reply::html(&view::MinIdentitet {
        frame: visitor.frame(),
        next,
        name: session.user.name.clone(),
        username: session.user.username.to_string(),
        keys,
        borrowed,
        places,
        desk,
        glass,
        apps: apps(&pages, &visitor),
        proceed,
        notice: notice(&shown.notice),
    }))
}

/// `GET /keys/{id}/rename`
pub async fn rename(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(fields): Query<Fields>,
) -> Answer {
    let (_, key) = match own_key(&pages, &visitor, &id, "rename").await? {
        Ok(found) => found,
        Err(answer) => return Ok(answer),
    };
    let (frame, next) = (visitor.frame(), fields.carried());
    Ok(reply::html(&view::KeyRename { frame, next, id, name: key.name, refused: false }))
}

/// `POST /keys/{id}/rename`
pub async fn renamed(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(form): Form<Rename>,
) -> Answer {
    let (session, key) = match own_key(&pages, &visitor, &id, "rename").await? {
        Ok(found) => found,
        Err(answer) => return Ok(answer),
    };
    let Some(name) = clean_name(&form.name) else {
        let (frame, next) = (visitor.frame(), form.fields.carried());
        let page = view::KeyRename { frame, next, id, name: form.name, refused: true };
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, reply::html(&page)).into_response());
    };
    if !pages.store.rename_key(session.user.id, &key.credential, &name).await? {
        return Ok(visitor.error(StatusCode::NOT_FOUND));
    }
    let entry = Entry::new(Event::KeyRenamed, &visitor.origin())
        .user(&session.user)
        .with("key", key.name.as_str())
        .with("name", name.as_str());
    pages.audit.record(entry).await;
    Ok(see_other(&form.fields.carried().link("/me?notice=renamed")))
}

#[derive(Deserialize)]
pub struct Rename {
    #[serde(default)]
    name: String,
    #[serde(flatten)]
    fields: Fields,
}

/// `GET /keys/{id}/delete`
pub async fn delete(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Query(fields): Query<Fields>,
) -> Answer {
    let (session, key) = match own_key(&pages, &visitor, &id, "delete").await? {
        Ok(found) => found,
        Err(answer) => return Ok(answer),
    };
    let last = pages.store.keys(session.user.id).await?.len() == 1;
    let (frame, next) = (visitor.frame(), fields.carried());
    Ok(reply::html(&view::KeyDelete { frame, next, id, name: key.name, last }))
}

/// `POST /keys/{id}/delete`: every other signing in of the person ends with the key.
pub async fn deleted(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(fields): Form<Fields>,
) -> Answer {
    let (session, key) = match own_key(&pages, &visitor, &id, "delete").await? {
        Ok(found) => found,
        Err(answer) => return Ok(answer),
    };
    let told =
        Entry::new(Event::KeyDeleted, &visitor.origin()).user(&session.user).with("key", key.name.as_str());
    let told = client::named(told, &visitor).into_record();
    if !pages.store.delete_key(session.user.id, &key.credential, &told).await? {
        return Ok(visitor.error(StatusCode::NOT_FOUND));
    }
    pages.audit.written(&told);
    // What that key proved here is proven no longer: this signing in ends too, if it was the key's.
    let proven_by_it = session.assurance.key.as_ref().is_some_and(|proof| proof.credential == key.credential);
    let kept = (!proven_by_it).then_some(&*session);
    pages.sessions.end_all(&session.user, kept).await?;
    Ok(see_other(&fields.carried().link("/me?notice=deleted")))
}

/// `POST /keys/{id}/prefer`: *Vælg primær*. It changes an order, and so needs no more than being signed in.
pub async fn prefer(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    Path(id): Path<String>,
    Form(fields): Form<Fields>,
) -> Answer {
    let Some(session) = &visitor.session else { return Ok(see_other("/login")) };
    let told = Entry::new(Event::KeyPreferred, &visitor.origin()).user(&session.user).into_record();
    let preferred = match URL_SAFE_NO_PAD.decode(&id) {
        Ok(id) => pages.store.prefer_key(session.user.id, &CredentialId(id), &told).await?,
        Err(_) => false,
    };
    if !preferred {
        return Ok(visitor.error(StatusCode::NOT_FOUND));
    }
    pages.audit.written(&told);
    Ok(see_other(&fields.carried().link("/me?notice=preferred")))
}

/// The visitor's own key of that id, with a fresh second factor; or where to go instead.
async fn own_key(
    pages: &Pages,
    visitor: &Visitor,
    id: &str,
    action: &str,
) -> Result<Result<(Arc<Session>, Key), axum::response::Response>, StoreError> {
    let fields = Fields::own(pages, &format!("/keys/{id}/{action}"));
    let destination = Destination::parse(pages, &fields);
    let session = match (onward::step(pages, visitor, &destination).await?, &visitor.session) {
        (Step::Go(_), Some(session)) if onward::is_fresh(session, visitor) => session.clone(),
        (Step::Go(_), _) => return Ok(Err(visitor.error(StatusCode::NOT_FOUND))),
        (step, _) => return Ok(Err(follow(step, &fields, &destination))),
    };
    let credential = URL_SAFE_NO_PAD.decode(id).map(CredentialId).ok();
    let mut keys = pages.store.keys(session.user.id).await?.into_iter();
    match keys.find(|key| Some(&key.credential) == credential.as_ref()) {
        Some(key) => Ok(Ok((session, key))),
        // Somebody else's, perhaps: the same answer as for one that does not exist, and a trace of it.
        None => {
            let entry = Entry::new(Event::KeyRefused, &visitor.origin())
                .user(&session.user)
                .with("reason", "not-own-key");
            pages.audit.record(entry).await;
            Ok(Err(visitor.error(StatusCode::NOT_FOUND)))
        }
    }
}

fn row(key: &Key, habits: &[KeyHabit]) -> view::KeyRow {
    let habit = habits.iter().find(|habit| habit.credential == key.credential);
    view::KeyRow {
        id: URL_SAFE_NO_PAD.encode(&key.credential.0),
        name: key.name.clone(),
        added: key.registered_at,
        used: key.used_at,
        from: habit.and_then(|habit| habit.used_from).map(|from| from.to_string()),
        primary: habit.is_some_and(|habit| habit.preferred),
        suspect: key.suspect,
    }
}

fn borrowed(key: Key) -> Option<view::BorrowedKey> {
    let until = key.loan?.until;
    Some(view::BorrowedKey { name: key.name, until })
}

fn notice(name: &str) -> Option<Notice> {
    match name {
        "renamed" => Some(Notice::Renamed),
        "deleted" => Some(Notice::Deleted),
        "added" => Some(Notice::Added),
        "preferred" => Some(Notice::Preferred),
        "password" => Some(Notice::Password),
        "elsewhere" => Some(Notice::Elsewhere),
        _ => None,
    }
}
