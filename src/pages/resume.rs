//! The end of a step-up at an app's host, for a request that was parked.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::IntoResponse as _;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;

use super::reply::{self, add_cookie, see_other};
use super::view::{self, Resumption};
use super::visitor::Visitor;
use super::{Answer, Pages};
use crate::session::cookie::{self, Keep};
use crate::session::parked::{self, Asker};

#[derive(Deserialize)]
pub struct Resume {
    #[serde(default)]
    id: String,
}

/// `GET /.sluse/resume`: what waited goes on, as the request it was.
pub async fn show(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(resume): Query<Resume>,
) -> Answer {
    let cookies = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    let page = |state| reply::html(&view::Resume { frame: visitor.frame(), state });
    let resumption = match (cookie::read(cookies, cookie::ASK), &visitor.session) {
        (Some(ask), Some(session)) => parked::resume(&pages.ceremonies, ask, &resume.id, session).await?,
        _ => parked::Resumption::Gone,
    };
    let resumed = match resumption {
        parked::Resumption::Resumed(resumed) => resumed,
        // Not even that there was something.
        parked::Resumption::Anothers => return Ok(see_other("/")),
        parked::Resumption::Gone => {
            return Ok((StatusCode::GONE, page(Resumption::Gone)).into_response());
        }
    };
    let mut response = match resumed.asker {
        Asker::Script => page(Resumption::Approved),
        Asker::Page if resumed.kept => {
            page(Resumption::Send { target: resumed.target, same_person: resumed.same_person })
        }
        Asker::Page => see_other(&resumed.target),
    };
    add_cookie(&mut response, cookie::RETURNING, &resumed.cookie, Keep::Session);
    Ok(response)
}
