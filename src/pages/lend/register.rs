//! Registering a spare key: a unit, a name, a touch.

use std::sync::Arc;

use axum::extract::{Form, State};
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{not_begun, refuse};
use crate::audit::Event;
use crate::authn::ceremony::Purpose;
use crate::authn::webauthn::Registration;
use crate::pages::duty::on_duty;
use crate::pages::key::{ceremony_data, read, refused};
use crate::pages::keys::clean_name;
use crate::pages::view::SpareNewError;
use crate::pages::visitor::Visitor;
use crate::pages::{Answer, Pages, reply, view};
use crate::random;
use crate::role::Duty;
use crate::store::SpareKey;
use crate::user::UserId;

const PATH: &str = "/lend/new";

/// A registration under way.
#[derive(Serialize, Deserialize)]
struct NewSpareKey {
    sign_in: Uuid,
    unit: String,
    name: String,
    handle: Uuid,
    registration: Registration,
}

impl Purpose for NewSpareKey {
    const KIND: &'static str = "spare-key-registration";
}

/// `GET /lend/new`
pub async fn name(State(pages): State<Arc<Pages>>, visitor: Visitor) -> Answer {
    if let Err(answer) = on_duty(&pages, &visitor, Duty::Lend, PATH).await? {
        return Ok(answer);
    }
    Ok(reply::html(&page(&pages, &visitor, &Named::default(), None).await?))
}

#[derive(Default, Deserialize)]
pub struct Named {
    #[serde(default)]
    unit: String,
    #[serde(default)]
    name: String,
}

/// `POST /lend/new`
pub async fn begin(State(pages): State<Arc<Pages>>, visitor: Visitor, Form(form): Form<Named>) -> Answer {
    let session = match on_duty(&pages, &visitor, Duty::Lend, PATH).await? {
        Ok(session) => session,
        Err(answer) => return Ok(answer),
    };
    let existing = pages.store.spare_keys().await?;
    let named = match (clean_name(&form.unit), clean_name(&form.name)) {
        (None, _) => Err(SpareNewError::Unit),
        (_, None) => Err(SpareNewError::Name),
        (Some(unit), Some(name)) if existing.iter().any(|key| (&key.unit, &key.name) == (&unit, &name)) => {
            Err(SpareNewError::Taken)
        }
        (Some(unit), Some(name)) => Ok((unit, name)),
    };
    let (unit, name) = match named {
        Ok(named) => named,
        Err(error) => {
            let page = page(&pages, &visitor, &form, Some(error)).await?;
            return Ok((StatusCode::UNPROCESSABLE_ENTITY, reply::html(&page)).into_response());
        }
    };
    let handle = random::uuid(pages.random.as_ref());
    let label = format!("{unit}: {name}");
    let begun = pages.settings().relying_party.begin_spare_registration(handle, &label, &existing);
    let (options, registration) = match begun {
        Ok(begun) => begun,
        Err(error) => return Ok(not_begun(&visitor, &error)),
    };
    let new = NewSpareKey { sign_in: session.sign_in.id.0, unit, name, handle, registration };
    let id = pages.ceremonies.begin(visitor.browser, &new).await?;
    let ceremony = ceremony_data(&pages, id, &options);
    let next = view::Continue::default();
    Ok(reply::html(&view::SpareRegister { frame: visitor.frame(), next, ceremony, label }))
}

/// `POST /lend/finish`
pub async fn finish(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let message = match read(&headers, &body) {
        Ok(message) => message,
        Err(status) => return Ok(refused(&visitor, status)),
    };
    let Ok(session) = on_duty(&pages, &visitor, Duty::Lend, PATH).await? else {
        return Ok(refused(&visitor, StatusCode::FORBIDDEN));
    };
    let taken = pages.ceremonies.take::<NewSpareKey>(visitor.browser, &message.ceremony).await?;
    let Some(new) = taken.map(|ceremony| ceremony.finish()) else {
        return refuse(&pages, &visitor, Event::SpareKeyRefused, "ceremony-unknown").await;
    };
    if new.sign_in != session.sign_in.id.0 {
        return refuse(&pages, &visitor, Event::SpareKeyRefused, "another-session").await;
    }
    let response = message.response.get().as_bytes();
    let owner = UserId(new.handle);
    let credential = pages.settings().relying_party.finish_registration(new.registration, owner, response);
    let credential = match credential {
        Ok(credential) => credential,
        Err(refusal) => return refuse(&pages, &visitor, Event::SpareKeyRefused, refusal.code()).await,
    };
    let key = SpareKey {
        credential: credential.credential,
        handle: new.handle,
        unit: new.unit,
        name: new.name,
        passkey: credential.passkey,
        registered_at: pages.clock.now(),
        used_at: None,
        suspect: false,
        lent: None,
    };
    let told = visitor.entry(Event::SpareKeyAdded).with("key", key.label()).into_record();
    if !pages.store.add_spare_key(&key, &told).await? {
        return refuse(&pages, &visitor, Event::SpareKeyRefused, "credential-taken").await;
    }
    pages.audit.written(&told);
    pages.metrics.ceremony("spare-key", "ok");
    Ok(axum::Json(serde_json::json!({ "next": "/lend?notice=added" })).into_response())
}

async fn page(
    pages: &Pages,
    visitor: &Visitor,
    form: &Named,
    error: Option<SpareNewError>,
) -> Result<view::SpareNew, crate::store::StoreError> {
    let units = super::units(&pages.store.spare_keys().await?);
    let (unit, name) = (form.unit.clone(), form.name.clone());
    Ok(view::SpareNew { frame: visitor.frame(), unit, name, units, error })
}
