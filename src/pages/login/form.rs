//! The login form: shown, and shown again with what was typed.

use std::time::Duration;

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};

use crate::pages::attempt::Refused;
use crate::pages::onward::{self, Destination, Fields, Ways};
use crate::pages::view::{self, KeyTab, LoginError, LoginTab};
use crate::pages::visitor::Visitor;
use crate::pages::{Pages, reply};

/// What was typed.
pub(super) struct Typed<'a> {
    pub fields: &'a Fields,
    pub remember: bool,
    pub username: &'a str,
}

impl Typed<'_> {
    pub(super) fn page(
        &self,
        pages: &Pages,
        visitor: &Visitor,
        destination: &Destination,
        tab: LoginTab,
        error: Option<LoginError>,
    ) -> view::Login {
        let settings = pages.settings();
        let Ways { key, password, .. } = onward::ways(pages, visitor, destination);
        let key = key.then(|| KeyTab {
            nameless: settings.relying_party.is_discoverable(),
            password: settings.password && (password || tab == LoginTab::Account),
            keyless: settings.password && !password,
        });
        view::Login {
            frame: visitor.frame(),
            next: self.fields.carried(),
            tab,
            key,
            mitid: settings.mitid.is_some(),
            app: destination.title(visitor),
            username: self.username.to_owned(),
            remember: self.remember,
            may_remember: destination.remembers(visitor),
            error,
        }
    }

    /// The form on that tab again, and why.
    pub(super) fn refuse(
        &self,
        pages: &Pages,
        visitor: &Visitor,
        tab: LoginTab,
        refused: Refused,
    ) -> Response {
        let Refused { error, retry_after } = refused;
        let destination = Destination::parse(pages, self.fields);
        let page = self.page(pages, visitor, &destination, tab, Some(error));
        with_wait((status(error), reply::html(&page)).into_response(), retry_after)
    }
}

/// The tab that `asked` names, or else the first there is.
pub(super) fn tab(pages: &Pages, visitor: &Visitor, destination: &Destination, asked: &str) -> LoginTab {
    let password = pages.settings().password;
    match asked {
        "mitid" => LoginTab::MitId,
        "account" if password => LoginTab::Account,
        _ if onward::ways(pages, visitor, destination).key => LoginTab::Key,
        _ if password => LoginTab::Account,
        _ => LoginTab::MitId,
    }
}

/// Says when it is of use to come back.
pub(super) fn with_wait(mut response: Response, wait: Option<Duration>) -> Response {
    if let Some(wait) = wait {
        // Rounded up: nobody is told to come back too early.
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        if let Ok(seconds) = HeaderValue::from_str(&seconds.to_string()) {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
    }
    response
}

/// The status of the answer that tells of it.
pub const fn status(error: LoginError) -> StatusCode {
    match error {
        LoginError::Overloaded | LoginError::Throttled | LoginError::Locked | LoginError::LockedForGood => {
            StatusCode::TOO_MANY_REQUESTS
        }
        LoginError::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        LoginError::Wrong => StatusCode::UNAUTHORIZED,
        LoginError::MissingUsername | LoginError::MissingPassword => StatusCode::UNPROCESSABLE_ENTITY,
    }
}
