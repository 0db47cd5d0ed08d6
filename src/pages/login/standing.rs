//! Whether somebody who was proven by a key may log in, by what their directory says of the account now.

use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

use crate::audit::{Entry, Event};
use crate::directory::{DirectoryError, Unusable, Verified};
use crate::pages::key::refused;
use crate::pages::text::KeyLogin;
use crate::pages::visitor::Visitor;
use crate::pages::{Pages, Unavailable};
use crate::user::User;

/// The person as the directory has them; or what is said instead. As with a password, an account that somebody
/// disabled gets the answer of a wrong key, and only the audit knows.
pub(super) async fn of(
    pages: &Pages,
    visitor: &Visitor,
    user: User,
) -> Result<Result<User, Response>, Unavailable> {
    let entry = Entry::new(Event::AccountInactive, &visitor.origin()).user(&user).with("login", true);
    let words = &visitor.texts().key_login;
    let (entry, answer) = match pages.directory.standing(user).await {
        Ok(Verified::Person(user)) => return Ok(Ok(user)),
        Ok(Verified::Inactive(user)) => match user.expires_at {
            Some(at) if at <= pages.clock.now() && !user.disabled => {
                let answer = say(visitor, StatusCode::FORBIDDEN, words.expired);
                (entry.with("expired_at", at.to_rfc3339()), answer)
            }
            _ => (entry, refused(visitor, StatusCode::BAD_REQUEST)),
        },
        Ok(Verified::Unusable { why, .. }) => {
            (entry.with("directory", why.code()), say(visitor, StatusCode::FORBIDDEN, because(words, why)))
        }
        Ok(Verified::Locked { .. }) => (
            entry.with("directory", Unusable::Locked.code()),
            say(visitor, StatusCode::FORBIDDEN, words.locked),
        ),
        // It has no account of that name any more.
        Ok(Verified::Wrong { .. }) => {
            (entry.with("directory", "gone"), refused(visitor, StatusCode::BAD_REQUEST))
        }
        Err(DirectoryError::Store(error)) => return Err(error.into()),
        Err(DirectoryError::Unavailable(_) | DirectoryError::Overloaded(_)) => {
            pages.metrics.ceremony("key-login", "unavailable");
            return Ok(Err(say(visitor, StatusCode::SERVICE_UNAVAILABLE, words.unavailable)));
        }
    };
    pages.metrics.ceremony("key-login", "inactive");
    pages.audit.record(entry).await;
    Ok(Err(answer))
}

const fn because(words: &KeyLogin, why: Unusable) -> &'static str {
    match why {
        Unusable::Disabled => words.closed,
        Unusable::Locked => words.locked,
        Unusable::Expired => words.expired,
        Unusable::PasswordExpired | Unusable::PasswordMustChange => words.must_change,
    }
}

/// For the script to show.
fn say(visitor: &Visitor, status: StatusCode, message: &str) -> Response {
    let body = serde_json::json!({ "message": message, "code": visitor.arrival.correlation });
    (status, axum::Json(body)).into_response()
}
