//! One struct a page: what the page needs to know, and the template that shows it.
//!
//! Texts that people choose (names of people, keys and apps) are escaped by the templates and isolated in
//! `<bdi>`, so that right-to-left characters in them cannot reorder the words around.

mod account;
pub mod admin;
pub mod admin_audit;
pub mod demo;
mod device;
mod frame;
mod glass;
mod key_login;
mod lend;
mod outcome;
mod own;
#[doc(hidden)]
pub mod samples;
#[cfg(test)]
mod tests;

use askama::Template;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

pub use account::UnusableAccount;
pub use device::{Device, Marking};
pub use frame::{App, Continue, FooterLinks, Frame};
pub use glass::{Glass, GlassBreak, GlassNoKey, GlassTouch, PaneRow, ReasonError};
pub use key_login::{KeyLoginTouch, KeyTab, PasswordToo};
pub use lend::{
    Colleague, ColleagueTouch, Drawer, LendError, LendKey, LendNotice, PapersError, PapersForm, PapersSeen,
    Question, SpareNew, SpareNewError, SpareRegister, SpareRemove, SpareRow, SpareState,
};
pub use outcome::{
    Denial, Denied, ErrorPage, Help, LogOut, LoggedOut, MitIdAborted, MitIdRefusal, MitIdRefused, Resume,
    Resumption,
};

pub use own::{
    Acceptance, Block, NewPassword, PasswordElsewhere, PasswordProblem, SessionRow, Sessions, TermsOfUse,
};

use crate::pages::text::{Texts, moment};
use crate::time::Timestamp;

/// `/`: where the login host's address leads.
#[derive(Template)]
#[template(path = "front.html")]
pub struct Front {
    pub frame: Frame,
    pub apps: Vec<App>,
}

/// `/login`: the tabs *Nøgle*, *Brugerkonto* and *MitID*.
#[derive(Template)]
#[template(path = "login.html")]
pub struct Login {
    pub frame: Frame,
    pub next: Continue,
    pub tab: LoginTab,
    /// A key alone is a way in.
    pub key: Option<KeyTab>,
    /// Whether MitID is set up; without it there are no tabs.
    pub mitid: bool,
    /// The title of the app the login is for.
    pub app: Option<String>,
    /// Already typed or remembered.
    pub username: String,
    pub remember: bool,
    /// Whether the policy lets the browser keep a user name.
    pub may_remember: bool,
    pub error: Option<LoginError>,
}

#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum LoginTab {
    Key,
    Account,
    MitId,
}

/// Why a login failed, as far as the person may know.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum LoginError {
    /// An unknown user or a wrong password: one and the same.
    Wrong,
    /// Too many attempts on this name, whether or not anybody has it.
    Locked,
    /// The same, and waiting does not help.
    LockedForGood,
    /// Too many attempts in a short time, from this address or on this name.
    Throttled,
    Overloaded,
    /// The directory does not answer.
    Unavailable,
    MissingUsername,
    MissingPassword,
}

impl LoginError {
    fn words(self, t: &Texts) -> &'static str {
        match self {
            Self::Wrong => t.login.wrong,
            Self::Locked => t.login.locked,
            Self::LockedForGood => t.login.locked_for_good,
            Self::Throttled => t.login.throttled,
            Self::Overloaded => t.login.overloaded,
            Self::Unavailable => t.login.unavailable,
            Self::MissingUsername => t.login.missing_username,
            Self::MissingPassword => t.login.missing_password,
        }
    }

    fn title(self, t: &Texts) -> &'static str {
        match self {
            Self::Locked | Self::LockedForGood => t.login.locked_title,
            _ => t.login.error,
        }
    }

    /// The same where the name is beyond doubt.
    fn about_password(self, t: &Texts) -> &'static str {
        if self == Self::Wrong { t.key_login.password_wrong } else { self.words(t) }
    }

    /// `Wrong` marks both fields: saying which would tell who has an account.
    fn is_about_username(self) -> bool {
        matches!(self, Self::Wrong | Self::MissingUsername)
    }

    fn is_about_password(self) -> bool {
        matches!(self, Self::Wrong | Self::MissingPassword)
    }
}

impl Login {
    fn username_is_wrong(&self) -> bool {
        self.error.is_some_and(LoginError::is_about_username)
    }

    fn password_is_wrong(&self) -> bool {
        self.error.is_some_and(LoginError::is_about_password)
    }

    /// Typing starts where something is missing.
    fn starts_at_password(&self) -> bool {
        !self.username.is_empty() && self.error != Some(LoginError::MissingUsername)
    }
}

/// *Ingen 2-faktor enheder registreret*: the password was right, and there is no key to ask for.
#[derive(Template)]
#[template(path = "no_keys.html")]
pub struct NoKeys {
    pub frame: Frame,
    pub next: Continue,
    pub mitid: bool,
    /// A colleague may vouch, here and now.
    pub colleague: bool,
    pub error: Option<CodeError>,
}

/// Why a one-time code was refused.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum CodeError {
    /// Unknown, used, expired or someone else's.
    Wrong,
    Locked,
}

impl CodeError {
    fn words(self, t: &Texts) -> &'static str {
        match self {
            Self::Wrong => t.no_keys.wrong,
            Self::Locked => t.no_keys.locked,
        }
    }
}

/// A WebAuthn ceremony as the page carries it to `webauthn.js`.
///
/// The script posts `{ceremony, response, to, ask, method}` and expects `{next}`, or with any other status than
/// 2xx `{message, code}`, both optional.
pub struct CeremonyData {
    pub id: String,
    /// `PublicKeyCredentialRequestOptionsJSON` or `PublicKeyCredentialCreationOptionsJSON` (WebAuthn 3,
    /// section 5.1), without an outer `publicKey`.
    pub options: String,
    /// The origins besides our own that `next` may lead to.
    pub allowed: Vec<String>,
}

impl CeremonyData {
    fn allowed(&self) -> String {
        self.allowed.join(" ")
    }
}

/// *Anvend hardwarenøgle*.
#[derive(Template)]
#[template(path = "key_prompt.html")]
pub struct KeyPrompt {
    pub frame: Frame,
    pub next: Continue,
    pub ceremony: CeremonyData,
    pub app: Option<String>,
    /// What the touch is for, in the words of the policy's `on_step_up`.
    pub purpose: Option<String>,
    /// The touch is for one request alone.
    pub once: bool,
    pub mitid: bool,
}

/// *Min identitet*.
#[derive(Template)]
#[template(path = "me.html")]
pub struct MinIdentitet {
    pub frame: Frame,
    pub next: Continue,
    pub name: String,
    pub username: String,
    pub keys: Vec<KeyRow>,
    pub borrowed: Vec<BorrowedKey>,
    /// In how many places the person is signed in.
    pub places: usize,
    /// The person has duties for others.
    pub desk: bool,
    /// Glass is broken, and open.
    pub glass: bool,
    pub apps: Vec<App>,
    /// Where *Fortsæt til* leads, when the person was on their way somewhere.
    pub proceed: Option<App>,
    pub notice: Option<Notice>,
}

/// A unit's key that the person has for a while, and can do nothing to.
pub struct BorrowedKey {
    /// `Unit: name`.
    pub name: String,
    pub until: Timestamp,
}

/// A registered key in the list.
pub struct KeyRow {
    /// The credential id in base64url.
    pub id: String,
    pub name: String,
    pub added: Timestamp,
    pub used: Option<Timestamp>,
    /// The address it was last used from.
    pub from: Option<String>,
    /// Asked for first.
    pub primary: bool,
    /// Its signature counter went backwards: there may be a copy.
    pub suspect: bool,
}

impl KeyRow {
    fn path(&self, action: &str) -> String {
        key_path(&self.id, action)
    }
}

/// `action` is `rename`, `prefer` or `delete`.
fn key_path(id: &str, action: &str) -> String {
    format!("/keys/{}/{action}", utf8_percent_encode(id, OUTSIDE_A_SEGMENT))
}

impl MinIdentitet {
    fn moment(&self, at: &Timestamp) -> String {
        moment(self.frame.lang, *at)
    }
}

/// *Hændelseslog*.
#[derive(Template)]
#[template(path = "events.html")]
pub struct Events {
    pub frame: Frame,
    /// The latest first.
    pub rows: Vec<EventRow>,
}

/// Something that happened to a person's account.
pub struct EventRow {
    pub at: Timestamp,
    pub what: &'static str,
    pub address: Option<String>,
}

impl Events {
    fn moment(&self, at: &Timestamp) -> String {
        moment(self.frame.lang, *at)
    }
}

/// What was just done.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Notice {
    Renamed,
    Deleted,
    Added,
    Elsewhere,
    Preferred,
    Password,
}

impl Notice {
    fn words(self, t: &Texts) -> &'static str {
        match self {
            Self::Renamed => t.me.renamed,
            Self::Deleted => t.me.deleted,
            Self::Added => t.me.added_notice,
            Self::Elsewhere => t.me.elsewhere_notice,
            Self::Preferred => t.me.preferred,
            Self::Password => t.password.set,
        }
    }
}

/// *Tilføj hardwarenøgle*, first half: the name.
#[derive(Template)]
#[template(path = "key_new.html")]
pub struct KeyNew {
    pub frame: Frame,
    pub next: Continue,
    pub name: String,
    pub error: Option<KeyNewError>,
}

#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum KeyNewError {
    NameLength,
    /// They have as many as one may have.
    TooMany,
}

impl KeyNewError {
    fn words(self, t: &Texts) -> &'static str {
        match self {
            Self::NameLength => t.key_new.name_length,
            Self::TooMany => t.key_new.too_many,
        }
    }
}

/// *Tilføj hardwarenøgle*, second half: the touch.
#[derive(Template)]
#[template(path = "key_register.html")]
pub struct KeyRegister {
    pub frame: Frame,
    pub next: Continue,
    pub ceremony: CeremonyData,
    pub name: String,
}

/// *Registrering gennemført*.
#[derive(Template)]
#[template(path = "registered.html")]
pub struct Registered {
    pub frame: Frame,
    pub name: String,
    /// Where *Fortsæt* leads.
    pub proceed: String,
    /// The page goes there by itself after a moment, unless somebody touches it.
    pub moves_on: bool,
    /// It was the person's first key: a spare one is suggested.
    pub first: bool,
}

/// *Rediger navn*.
#[derive(Template)]
#[template(path = "key_rename.html")]
pub struct KeyRename {
    pub frame: Frame,
    pub next: Continue,
    pub id: String,
    pub name: String,
    /// The name typed was too short or too long.
    pub refused: bool,
}

/// *Slet enhed*, to be confirmed.
#[derive(Template)]
#[template(path = "key_delete.html")]
pub struct KeyDelete {
    pub frame: Frame,
    pub next: Continue,
    pub id: String,
    pub name: String,
    /// No other key is left afterwards.
    pub last: bool,
}

/// All but the unreserved characters (RFC 3986, section 2.3), of which base64url is made.
const OUTSIDE_A_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
