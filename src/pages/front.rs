//! The front page, the help page, and the one after logging out.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;

use super::onward::Fields;
use super::visitor::Visitor;
use super::{Pages, reply, view};

/// `/`
pub async fn show(State(pages): State<Arc<Pages>>, visitor: Visitor) -> Response {
    let apps = apps(&pages, &visitor);
    reply::html(&view::Front { frame: visitor.frame(), apps })
}

/// `/help`: *Glemt kodeord eller låst ude?*
pub async fn help(
    State(pages): State<Arc<Pages>>,
    visitor: Visitor,
    Query(fields): Query<Fields>,
) -> Response {
    let (next, mitid) = (fields.carried(), pages.settings().mitid.is_some());
    reply::html(&view::Help { frame: visitor.frame(), next, mitid })
}

/// `/abort`: *Afbryd login*. Nothing has begun that would have to be undone.
pub async fn abort() -> Response {
    reply::see_other("/")
}

/// `/logged-out`
pub async fn logged_out(visitor: Visitor) -> Response {
    reply::html(&view::LoggedOut { frame: visitor.frame() })
}

/// The apps behind the gateway, as links.
pub fn apps(pages: &Pages, visitor: &Visitor) -> Vec<view::App> {
    let policy = pages.policy.load();
    let linked = policy.apps().iter().filter_map(|app| {
        let title = visitor.words(&app.title);
        Some(view::App { title, url: format!("{}/", pages.public.origin(app.exact_host()?)) })
    });
    linked.collect()
}
