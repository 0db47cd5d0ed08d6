//! Browsers that are known by who has logged in with them: see [`crate::authn::lockout`].

use async_trait::async_trait;

use super::{Result, TokenHash};
use crate::time::Timestamp;
use crate::user::Username;

#[async_trait]
pub trait Browsers {
    /// The person was proven in this browser, and not by a password: it is known from now on, as after a right one.
    /// `false` if it was.
    async fn know_browser(&self, name: &Username, browser: &TokenHash, now: Timestamp) -> Result<bool>;
}
