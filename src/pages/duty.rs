//! What is done for other people: by whom a role allows it, with a key of their own, touched a moment ago.

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use super::login::follow;
use super::onward::{self, Destination, Fields, Step};
use super::visitor::Visitor;
use super::{Pages, reply, view};
use crate::audit::Event;
use crate::role::Duty;
use crate::session::Session;
use crate::store::StoreError;

/// The session of whoever may do that now; or what to answer instead, which leads back to `path`.
pub async fn on_duty(
    pages: &Pages,
    visitor: &Visitor,
    duty: Duty,
    path: &str,
) -> Result<Result<Arc<Session>, Response>, StoreError> {
    let fields = Fields::own(pages, path);
    let destination = Destination::parse(pages, &fields);
    let Some(session) = visitor.session.clone() else {
        return Ok(Err(follow(Step::Password, &fields, &destination)));
    };
    if !pages.settings().roles.allow(&session.user.groups, duty) {
        pages.audit.record(visitor.entry(Event::DutyRefused).with("duty", format!("{duty:?}"))).await;
        let page = view::Denied {
            frame: visitor.frame_with_code(),
            app: None,
            because: view::Denial::Groups,
            say: None,
            next: view::Continue::default(),
            break_glass: None,
        };
        return Ok(Err((StatusCode::FORBIDDEN, reply::html(&page)).into_response()));
    }
    if !onward::has_fresh_own_key(&session, visitor) {
        let step = onward::step(pages, visitor, &destination).await?;
        return Ok(Err(follow(step, &fields, &destination)));
    }
    Ok(Ok(session))
}
