//! The password of somebody who is signed in by a key and without one. It must be the same person's.

use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Deserialize;

use super::form::{status, with_wait};
use super::{Turned, follow, set_session, sign_in, unusable, verify};
use crate::authn::{Evidence, Method, PasswordEvidence};
use crate::pages::attempt::Refused;
use crate::pages::onward::{self, Destination, Fields, Step};
use crate::pages::reply::{self, add_cookie, see_other};
use crate::pages::view::LoginError;
use crate::pages::visitor::Visitor;
use crate::pages::{Answer, Pages, view};
use crate::secret::Secret;
use crate::session::Session;
use crate::session::cookie::{self, Keep};

#[derive(Deserialize)]
pub struct Given {
    #[serde(default)]
    password: String,
    #[serde(flatten)]
    fields: Fields,
}

/// Whose password is asked for, and nobody else's.
pub(super) fn asks(visitor: &Visitor) -> Option<&Session> {
    let by_key_alone =
        |session: &&Session| session.assurance.password.is_none() && session.assurance.key.is_some();
    visitor.session.as_deref().filter(by_key_alone)
}

/// The page that asks for it.
pub(super) fn page(
    visitor: &Visitor,
    session: &Session,
    fields: &Fields,
    error: Option<LoginError>,
) -> view::PasswordToo {
    let name = match session.user.name.as_str() {
        "" => session.user.username.to_string(),
        name => name.to_owned(),
    };
    view::PasswordToo { frame: visitor.frame(), next: fields.carried(), name, error }
}

/// `POST /login/password`
pub async fn submit(State(pages): State<Arc<Pages>>, visitor: Visitor, Form(given): Form<Given>) -> Answer {
    let Given { password, fields } = given;
    let destination = Destination::parse(&pages, &fields);
    let (Some(session), Step::Password) =
        (asks(&visitor), onward::step(&pages, &visitor, &destination).await?)
    else {
        return Ok(see_other(&fields.carried().link("/login")));
    };
    let refuse = |Refused { error, retry_after }| {
        let page = page(&visitor, session, &fields, Some(error));
        with_wait((status(error), reply::html(&page)).into_response(), retry_after)
    };
    if password.is_empty() {
        return Ok(refuse(LoginError::MissingPassword.into()));
    }
    let name = session.user.username.as_str();
    let (user, device) = match verify(&pages, &visitor, name, Secret::new(password)).await? {
        Ok(verified) => verified,
        Err(Turned::Back(refused)) => return Ok(refuse(refused)),
        Err(Turned::Away(why)) => return Ok(unusable(&visitor, &fields, why)),
    };
    // Names may change hands; what was proven as one person is never added to by another.
    if user.id != session.user.id {
        return Ok(visitor.error(StatusCode::FORBIDDEN));
    }
    let evidence = Evidence::Password(PasswordEvidence { at: pages.clock.now() });
    let opened = sign_in(&pages, &visitor, user, evidence).await?;
    let visitor = visitor.with(opened.session.clone());
    let step = onward::step_after(&pages, &visitor, &destination, Method::Password).await?;
    let mut response: Response = follow(step, &fields, &destination);
    set_session(&mut response, &opened);
    add_cookie(&mut response, cookie::DEVICE, &device.value(), Keep::Year);
    Ok(response)
}
