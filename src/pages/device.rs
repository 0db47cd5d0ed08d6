//! Marking a device as one that many people use, by a one-time link opened on it.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use serde::Deserialize;

use super::reply::{self, add_cookie};
use super::view::{self, Marking};
use super::visitor::Visitor;
use super::{Answer, Pages};
use crate::audit::Event;
use crate::authn::code::Code;
use crate::random;
use crate::session::cookie::{self, Keep};
use crate::store::TokenHash;

#[derive(Deserialize)]
pub struct Link {
    #[serde(default)]
    code: String,
}

/// `GET /device`: asks first. Opening a link must change nothing: what previews links opens them too.
pub async fn ask(visitor: Visitor, Query(link): Query<Link>) -> Response {
    reply::html(&view::Device { frame: visitor.frame(), state: Marking::Ask(link.code) })
}

/// `POST /device`
pub async fn mark(State(pages): State<Arc<Pages>>, visitor: Visitor, Form(link): Form<Link>) -> Answer {
    let page = |state| reply::html(&view::Device { frame: visitor.frame(), state });
    let token = random::nonce(pages.random.as_ref());
    let marked = match Code::parse(&link.code) {
        Ok(code) => {
            let token = TokenHash::of(token.as_bytes());
            pages.store.mark_device(&code.hash(), &token, visitor.arrival.at).await?
        }
        Err(_) => None,
    };
    let Some(device) = marked else {
        pages.audit.record(visitor.entry(Event::DeviceRefused)).await;
        return Ok((StatusCode::BAD_REQUEST, page(Marking::Refused)).into_response());
    };
    pages.audit.record(visitor.entry(Event::DeviceMarked).with("device", device.name.as_str())).await;
    // Whoever marked it is no carer who sits there.
    super::log_out::end(&pages, &visitor).await?;
    let mut response = page(Marking::Done(device.name));
    add_cookie(&mut response, cookie::SHARED, &token, Keep::Year);
    add_cookie(&mut response, cookie::SESSION, "", Keep::Drop);
    add_cookie(&mut response, cookie::USERNAME, "", Keep::Drop);
    Ok(response)
}
