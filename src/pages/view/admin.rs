//! The pages of service desks, administrators and auditors.

use askama::Template;

use super::{Frame, KeyRow};
use crate::pages::text::moment;
use crate::time::Timestamp;

/// A place of the admin pages.
pub struct NavLink {
    pub url: &'static str,
    pub words: &'static str,
    /// It is where the page is.
    pub current: bool,
}

/// What was just done, or not.
pub struct Said {
    pub words: &'static str,
    pub good: bool,
}

/// `/admin`
#[derive(Template)]
#[template(path = "admin.html")]
pub struct AdminHome {
    pub frame: Frame,
    pub nav: Vec<NavLink>,
    pub may_search: bool,
    /// Always empty here.
    pub searched: String,
    /// Requests that wait for a second person.
    pub waiting: usize,
}

/// People who were looked for.
#[derive(Template)]
#[template(path = "admin_people.html")]
pub struct AdminPeople {
    pub frame: Frame,
    pub nav: Vec<NavLink>,
    /// As it was typed; a CPR number never comes back.
    pub searched: String,
    pub rows: Vec<PersonRow>,
    /// Where the next ones are.
    pub more: Option<String>,
}

pub struct PersonRow {
    pub id: String,
    pub name: String,
    pub username: String,
    pub groups: Vec<String>,
    /// Only if the account is not open.
    pub state: Option<&'static str>,
}

/// Everything a service desk sees of one person.
#[derive(Template)]
#[template(path = "admin_person.html")]
pub struct AdminPerson {
    pub frame: Frame,
    pub nav: Vec<NavLink>,
    pub id: String,
    pub name: String,
    pub username: String,
    pub groups: Vec<String>,
    pub state: AccountState,
    pub lock: Option<LockRow>,
    pub password: Option<PasswordLock>,
    pub last_login: Option<Timestamp>,
    /// YYYY-MM-DD.
    pub last_day: Option<String>,
    pub actions: Vec<ActionLink>,
    pub keys: Vec<KeyRow>,
    pub sessions: Vec<SessionRow>,
    pub events: Vec<DoneRow>,
    /// It is the officer themselves: others act for them.
    pub own: bool,
    pub may_revoke: bool,
    pub may_audit: bool,
    pub notice: Option<Said>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum AccountState {
    Open,
    Locked,
    Expired,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum PasswordLock {
    Until(Timestamp),
    ForGood,
}

pub struct LockRow {
    pub reason: String,
    pub by: String,
    pub at: Timestamp,
}

/// Something that may be done for the person.
pub struct ActionLink {
    pub url: String,
    pub words: &'static str,
    pub danger: bool,
    /// It is done without a question.
    pub at_once: bool,
}

/// Where somebody is logged in.
pub struct SessionRow {
    pub id: String,
    /// A shared device by its name.
    pub device: Option<String>,
    pub shared: bool,
    pub begun: Timestamp,
    pub seen: Timestamp,
    pub hosts: Vec<String>,
}

/// An event in words, or by its code where there are none.
pub struct DoneRow {
    pub at: Timestamp,
    pub what: String,
    pub by: Option<String>,
    pub address: Option<String>,
}

impl AdminPerson {
    fn moment(&self, at: &Timestamp) -> String {
        moment(self.frame.lang, *at)
    }

    fn is_fine(&self) -> bool {
        self.state == AccountState::Open
    }

    fn state_words(&self) -> &'static str {
        let t = &self.frame.t().admin;
        match self.state {
            AccountState::Open => t.is_open,
            AccountState::Locked => t.is_locked,
            AccountState::Expired => t.is_expired,
        }
    }

    fn password_words(&self) -> Option<String> {
        let t = &self.frame.t().admin;
        self.password.map(|lock| match lock {
            PasswordLock::Until(until) => format!("{} {}.", t.password_until, self.moment(&until)),
            PasswordLock::ForGood => t.password_for_good.to_owned(),
        })
    }
}

/// An action, to be confirmed.
#[derive(Template)]
#[template(path = "admin_confirm.html")]
pub struct AdminConfirm {
    pub frame: Frame,
    pub title: &'static str,
    pub lead: &'static str,
    pub name: String,
    pub username: String,
    /// Such as the key it is about.
    pub what: Option<String>,
    pub field: ConfirmField,
    pub wrong: Option<&'static str>,
    pub url: String,
    pub target: String,
    pub submit: &'static str,
    pub danger: bool,
    /// A second person must confirm it.
    pub second: bool,
    pub back: String,
}

/// What must be said with an action: what was typed so far.
pub enum ConfirmField {
    None,
    Reason(String),
    Day(String),
}

/// A one-time code, shown once.
#[derive(Template)]
#[template(path = "admin_code.html")]
pub struct AdminCode {
    pub frame: Frame,
    pub name: String,
    pub username: String,
    pub groups: Vec<Spelled>,
    pub until: Timestamp,
    pub back: String,
}

/// A part of a code, and how it is said on the phone.
pub struct Spelled {
    pub text: String,
    pub spelled: String,
}

impl AdminCode {
    fn moment(&self, at: &Timestamp) -> String {
        moment(self.frame.lang, *at)
    }
}

/// Everybody's keys.
#[derive(Template)]
#[template(path = "admin_keys.html")]
pub struct AdminKeys {
    pub frame: Frame,
    pub nav: Vec<NavLink>,
    pub searched: String,
    pub rows: Vec<OwnedKeyRow>,
    /// There are more than are shown.
    pub full: bool,
}

pub struct OwnedKeyRow {
    pub person: String,
    pub name: String,
    pub username: String,
    pub key: KeyRow,
}

impl AdminKeys {
    fn moment(&self, at: &Timestamp) -> String {
        moment(self.frame.lang, *at)
    }
}

/// What everybody has open.
#[derive(Template)]
#[template(path = "admin_sessions.html")]
pub struct AdminSessions {
    pub frame: Frame,
    pub nav: Vec<NavLink>,
    pub searched: String,
    pub rows: Vec<OwnedSessionRow>,
    /// There are more than are shown.
    pub full: bool,
}

pub struct OwnedSessionRow {
    pub person: String,
    pub name: String,
    pub username: String,
    pub session: SessionRow,
}

impl AdminSessions {
    fn moment(&self, at: &Timestamp) -> String {
        moment(self.frame.lang, *at)
    }
}

/// What waits for a second person.
#[derive(Template)]
#[template(path = "admin_requests.html")]
pub struct AdminRequests {
    pub frame: Frame,
    pub nav: Vec<NavLink>,
    pub rows: Vec<RequestRow>,
    pub notice: Option<Said>,
}

pub struct RequestRow {
    pub id: String,
    pub action: &'static str,
    /// Such as the reason, or the key.
    pub what: Option<String>,
    pub person: String,
    pub name: String,
    pub username: String,
    pub asked_by: String,
    pub asked: Timestamp,
    pub until: Timestamp,
    /// Whoever looks asked for it.
    pub own: bool,
    /// Whoever looks may answer.
    pub may: bool,
}

impl AdminRequests {
    fn moment(&self, at: &Timestamp) -> String {
        moment(self.frame.lang, *at)
    }
}

/// Shared devices.
#[derive(Template)]
#[template(path = "admin_devices.html")]
pub struct AdminDevices {
    pub frame: Frame,
    pub nav: Vec<NavLink>,
    pub rows: Vec<DeviceRow>,
    /// Just made, and shown this once.
    pub link: Option<String>,
    /// As it was typed.
    pub name: String,
    pub wrong: bool,
    pub notice: Option<Said>,
}

pub struct DeviceRow {
    pub name: String,
    pub marked: Option<Timestamp>,
}

impl AdminDevices {
    fn moment(&self, at: &Timestamp) -> String {
        moment(self.frame.lang, *at)
    }
}
