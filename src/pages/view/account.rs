//! *Låst konto*, *Udløben konto*, *Kodeord skal skiftes*: the password is right, and the account cannot be used.

use askama::Template;

use super::{Continue, Frame};
use crate::directory::Unusable;
use crate::pages::text::moment;
use crate::time::Timestamp;

/// 403: shown to nobody who did not know the password.
#[derive(Template)]
#[template(path = "account.html")]
pub struct UnusableAccount {
    pub frame: Frame,
    pub next: Continue,
    pub why: Unusable,
    /// Where a password that must be changed can be, if that is known.
    pub change: Option<String>,
    /// When the account ended, if that is known.
    pub ended: Option<Timestamp>,
}

impl UnusableAccount {
    fn moment(&self) -> Option<String> {
        self.ended.map(|at| moment(self.frame.lang, at))
    }

    fn title(&self) -> &'static str {
        let t = &self.frame.t().account;
        match self.why {
            Unusable::Locked | Unusable::Disabled => t.locked_title,
            Unusable::Expired => t.expired_title,
            Unusable::PasswordExpired | Unusable::PasswordMustChange => t.change_title,
        }
    }

    fn lead(&self) -> &'static str {
        let t = &self.frame.t().account;
        match self.why {
            Unusable::Locked => t.locked,
            Unusable::Disabled => t.disabled,
            Unusable::Expired => t.expired,
            Unusable::PasswordExpired => t.password_expired,
            Unusable::PasswordMustChange => t.must_change,
        }
    }

    /// Whether another password is all that is missing.
    fn is_about_password(&self) -> bool {
        matches!(self.why, Unusable::PasswordExpired | Unusable::PasswordMustChange)
    }
}
