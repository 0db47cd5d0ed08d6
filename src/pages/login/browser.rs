//! Browsers that a person has logged in with.

use crate::audit::{Entry, Event};
use crate::pages::visitor::Visitor;
use crate::pages::{Pages, client};
use crate::session::Seat;
use crate::session::cookie::SessionToken;
use crate::store::StoreError;
use crate::user::User;

/// By what the browser is known from now on; the person is told if it was not.
pub(in crate::pages) async fn recognised(
    pages: &Pages,
    visitor: &Visitor,
    user: &User,
) -> Result<SessionToken, StoreError> {
    let token = visitor.device.clone().unwrap_or_else(|| {
        SessionToken::new(pages.random.as_ref(), &pages.keys.device, &visitor.arrival.host)
    });
    let new = pages.store.know_browser(&user.username, &token.hash(), pages.clock.now()).await?;
    if new && visitor.seat != Seat::Shared {
        let entry = Entry::new(Event::BrowserNew, &visitor.origin()).user(user);
        pages.audit.record(client::named(entry, visitor)).await;
    }
    Ok(token)
}
