//! The pages that say how something ended.

use askama::Template;

use super::{Continue, Frame};
use crate::authn::MitIdLevel;
use crate::pages::text::{Texts, moment};
use crate::time::Timestamp;

/// 403: the person is known, and may not.
#[derive(Template)]
#[template(path = "denied.html")]
pub struct Denied {
    pub frame: Frame,
    pub app: Option<String>,
    pub because: Denial,
    /// The policy's own words, in the page's language.
    pub say: Option<String>,
    /// Where *Skift bruger* posts to: `/logout`, with what follows it.
    pub next: Continue,
}

/// Why a request was denied, as far as the person may know.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Denial {
    /// No rule opens the route.
    NotOpen,
    /// A deny entry closes it for a request like this one.
    Closed,
    Groups,
    /// It is for certain people.
    Person,
    /// It demands a method that is not set up.
    Methods,
    /// The account is locked or has expired.
    Account,
}

impl Denial {
    fn words(self, t: &Texts) -> &'static str {
        match self {
            Self::NotOpen => t.denied.not_open,
            Self::Closed => t.denied.closed,
            Self::Groups => t.denied.groups,
            Self::Person => t.denied.person,
            Self::Methods => t.denied.methods,
            Self::Account => t.denied.account,
        }
    }
}

impl Denied {
    fn reason(&self) -> &str {
        self.say.as_deref().unwrap_or_else(|| self.because.words(self.frame.t()))
    }
}

/// *Udløben konto*: told to nobody but who knows the password.
#[derive(Template)]
#[template(path = "account_expired.html")]
pub struct AccountExpired {
    pub frame: Frame,
    pub next: Continue,
    pub at: Timestamp,
}

impl AccountExpired {
    fn moment(&self) -> String {
        moment(self.frame.lang, self.at)
    }
}

/// *Noget gik galt*.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    pub frame: Frame,
    /// The HTTP status the page is sent with.
    pub status: u16,
    /// Where *Prøv igen* leads, when trying again may help.
    pub retry: Option<String>,
}

impl ErrorPage {
    fn words(&self) -> &'static str {
        let t = &self.frame.t().error;
        match self.status {
            400 | 405 | 411 | 415 | 422 | 431 => t.bad_request,
            404 | 410 => t.not_found,
            413 => t.too_large,
            421 => t.misdirected,
            429 => t.too_many,
            502 => t.upstream,
            504 => t.slow,
            503 => t.busy,
            _ => t.unknown,
        }
    }
}

/// `/.sluse/resume`: what waited for its person goes on.
#[derive(Template)]
#[template(path = "resume.html")]
pub struct Resume {
    pub frame: Frame,
    pub state: Resumption,
}

pub enum Resumption {
    /// A form that was filled in is sent to `target`: by itself where it is known that the same person did it.
    Send { target: String, same_person: bool },
    /// A script sends it.
    Approved,
    /// Sent already, too old, or somebody else's.
    Gone,
}

impl Resume {
    fn title(&self) -> &'static str {
        let t = &self.frame.t().resume;
        match self.state {
            Resumption::Send { .. } => t.title,
            Resumption::Approved => t.approved,
            Resumption::Gone => t.gone,
        }
    }

    fn is_approved(&self) -> bool {
        matches!(self.state, Resumption::Approved)
    }
}

/// *Log ud*, on an app's host: a link can ask, and only the person can say yes.
#[derive(Template)]
#[template(path = "log_out.html")]
pub struct LogOut {
    pub frame: Frame,
}

/// *Du er logget ud*.
#[derive(Template)]
#[template(path = "logged_out.html")]
pub struct LoggedOut {
    pub frame: Frame,
}

/// The person pressed cancel at the broker.
#[derive(Template)]
#[template(path = "mitid_aborted.html")]
pub struct MitIdAborted {
    pub frame: Frame,
    pub next: Continue,
    /// Whether a key is a way on.
    pub key: bool,
}

impl MitIdAborted {
    fn may_try_again(&self) -> bool {
        true
    }

    fn may_switch_user(&self) -> bool {
        false
    }
}

/// MitID answered, and the answer will not do; or it did not answer.
#[derive(Template)]
#[template(path = "mitid_refused.html")]
pub struct MitIdRefused {
    pub frame: Frame,
    pub next: Continue,
    pub why: MitIdRefusal,
    pub key: bool,
}

#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum MitIdRefusal {
    /// MitID vouched for somebody else than the one who gave the password.
    WrongPerson,
    LevelTooLow {
        needed: MitIdLevel,
        returned: Option<MitIdLevel>,
    },
    UnknownPerson,
    /// The broker cannot be reached, or answered nonsense.
    Unavailable,
    /// The answer came too late, or the person authenticated too long ago.
    Expired,
}

impl MitIdRefused {
    fn title(&self) -> &'static str {
        let t = &self.frame.t().mitid;
        match self.why {
            MitIdRefusal::WrongPerson => t.wrong_person,
            MitIdRefusal::LevelTooLow { .. } => t.too_low,
            MitIdRefusal::UnknownPerson => t.unknown,
            MitIdRefusal::Unavailable => t.unavailable,
            MitIdRefusal::Expired => t.expired,
        }
    }

    fn lead(&self) -> &'static str {
        let t = &self.frame.t().mitid;
        match self.why {
            MitIdRefusal::WrongPerson => t.wrong_person_lead,
            MitIdRefusal::LevelTooLow { .. } => t.too_low_lead,
            MitIdRefusal::UnknownPerson => t.unknown_lead,
            MitIdRefusal::Unavailable => t.unavailable_lead,
            MitIdRefusal::Expired => t.expired_lead,
        }
    }

    /// Another attempt can end otherwise.
    fn may_try_again(&self) -> bool {
        self.why != MitIdRefusal::UnknownPerson
    }

    /// Somebody else is logged in, or may be meant to be.
    fn may_switch_user(&self) -> bool {
        matches!(self.why, MitIdRefusal::WrongPerson | MitIdRefusal::UnknownPerson)
            && self.frame.user.is_some()
    }

    /// The level asked for and the one that came back, in words.
    fn levels(&self) -> Option<(&'static str, Option<&'static str>)> {
        let words = |level| {
            let t = &self.frame.t().common;
            match level {
                MitIdLevel::Low => t.low,
                MitIdLevel::Substantial => t.substantial,
                MitIdLevel::High => t.high,
            }
        };
        match self.why {
            MitIdRefusal::LevelTooLow { needed, returned } => Some((words(needed), returned.map(words))),
            _ => None,
        }
    }
}

/// *Glemt kodeord eller låst ude?*
#[derive(Template)]
#[template(path = "help.html")]
pub struct Help {
    pub frame: Frame,
    pub next: Continue,
    pub mitid: bool,
}
