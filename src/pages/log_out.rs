//! Logging out; and where many people sit, the way over the hosts where the person was in, so that each browser
//! page and what it keeps is gone before the next person sits down.

use std::sync::Arc;

use axum::Form;
use axum::extract::{Query, State};
use axum::response::Response;
use form_urlencoded::Serializer;
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;

use super::onward::Fields;
use super::reply::{self, add_cookie, see_other};
use super::visitor::Visitor;
use super::{Answer, Pages, view};
use crate::audit::{Entry, Event};
use crate::session::cookie::{self, Keep};
use crate::session::{Seat, Session};
use crate::store::StoreError;

/// What an app's host clears on the way.
pub const LEAVE: &str = "/.sluse/leave";

#[derive(Debug, Default, Deserialize)]
pub struct LogOut {
    /// `login` for *Skift bruger*.
    #[serde(default)]
    then: String,
    #[serde(flatten)]
    fields: Fields,
}

impl LogOut {
    fn changes_user(&self) -> bool {
        self.then == "login"
    }

    /// Where it ends, on the login host.
    fn target(self) -> String {
        match self.changes_user() {
            true => self.fields.for_another().carried().link("/login"),
            false => "/logged-out".to_owned(),
        }
    }
}

/// The hosts that are left to leave, with commas between, and what follows.
#[derive(Debug, Deserialize)]
pub struct Round {
    #[serde(default)]
    hosts: String,
    #[serde(flatten)]
    then: LogOut,
}

impl Round {
    /// Where to next. Only ever to one of our own hosts: anybody can write such an address.
    fn next(self, pages: &Pages) -> String {
        let policy = pages.policy.load();
        let mut hosts = self.hosts.split(',').filter(|host| policy.has_host(host));
        let Some(host) = hosts.next() else {
            return format!("{}{}", pages.public.login(), self.then.target());
        };
        let mut query = Serializer::new(String::new());
        query.append_pair("hosts", &hosts.collect::<Vec<_>>().join(","));
        query.append_pair("then", &self.then.then);
        query.append_pair("to", &self.then.fields.to);
        query.append_pair("ask", &self.then.fields.ask);
        format!("{}{LEAVE}?{}", pages.public.origin(host), query.finish())
    }
}

/// `POST /logout`, on the login host.
pub async fn everywhere(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    Form(then): Form<LogOut>,
) -> Answer {
    let target = match &visitor.session {
        Some(session) if visitor.seat == Seat::Shared => {
            Round { hosts: hosts_of(&pages, session).await?.join(","), then }.next(&pages)
        }
        _ => then.target(),
    };
    end(&pages, &visitor).await?;
    Ok(gone(&visitor, &target))
}

/// `GET /.sluse/logout`, on an app's host: asks first, since a picture on any page could fetch this.
pub async fn ask(visitor: Visitor) -> Response {
    reply::html(&view::LogOut { frame: visitor.frame() })
}

/// `POST /.sluse/logout`, on an app's host.
pub async fn from_app(State(pages): State<Arc<Pages>>, visitor: Visitor, Form(then): Form<LogOut>) -> Answer {
    let host = &visitor.arrival.host;
    let others = match &visitor.session {
        Some(session) if visitor.seat == Seat::Shared => {
            let mut hosts = hosts_of(&pages, session).await?;
            hosts.retain(|other| other != host);
            hosts
        }
        _ => Vec::new(),
    };
    end(&pages, &visitor).await?;
    let target = match (then.changes_user(), others.is_empty()) {
        // *Skift bruger* asks the next person in to the same app.
        (true, true) => "/".to_owned(),
        (true, false) => {
            let fields = Fields { to: format!("{}/", pages.public.origin(host)), ..Fields::default() };
            Round { hosts: others.join(","), then: LogOut { fields, ..then } }.next(&pages)
        }
        (false, _) => Round { hosts: others.join(","), then }.next(&pages),
    };
    Ok(gone(&visitor, &target))
}

/// `GET /.sluse/leave`, on an app's host: clears what the browser keeps of somebody who is out, and goes on. The
/// session's cookie stays: by it the next person is known to be another one.
pub async fn leave(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(round): Query<Round>,
) -> Answer {
    let mut response = see_other(&round.next(&pages));
    let cookies = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    if let (None, Some(value)) = (&visitor.session, cookie::read(cookies, cookie::SESSION))
        && let Some(sender) = pages.sessions.former(value, &visitor.arrival.host).await
        && sender.seat == Seat::Shared
    {
        reply::clear_site(&mut response);
        reply::drop_foreign_cookies(&mut response, &headers);
    }
    Ok(response)
}

/// Ends the visitor's signing in, everywhere.
pub async fn end(pages: &Pages, visitor: &Visitor) -> Result<(), StoreError> {
    if let Some(session) = &visitor.session {
        pages.sessions.end(session).await?;
        pages.audit.record(Entry::new(Event::LoggedOut, &visitor.origin()).user(&session.user)).await;
    }
    Ok(())
}

/// The apps' hosts where the person is in.
async fn hosts_of(pages: &Pages, session: &Session) -> Result<Vec<String>, StoreError> {
    let mut hosts = pages.store.hosts_of(session.sign_in.id).await?;
    hosts.retain(|host| *host != pages.public.login_host);
    Ok(hosts)
}

fn gone(visitor: &Visitor, target: &str) -> Response {
    let mut response = see_other(target);
    add_cookie(&mut response, cookie::SESSION, "", Keep::Drop);
    if visitor.seat == Seat::Shared {
        reply::clear_site(&mut response);
    }
    response
}
