//! *Log ind med hardwarenøgle*, and the password that is asked for afterwards where a key was not enough.

use askama::Template;

use super::{CeremonyData, Continue, Frame, Login, LoginError, LoginTab};

/// What the tab *Nøgle* of `/login` shows.
#[derive(Copy, Clone, Debug)]
pub struct KeyTab {
    /// The user name may be left out.
    pub nameless: bool,
    /// There is a tab for a password, too.
    pub password: bool,
    /// Where there is none, a link: whoever has no key yet begins with a password.
    pub keyless: bool,
}

impl Login {
    /// The tabs: each with where it leads, and its words. Where there is one alone, none is shown.
    pub(super) fn tabs(&self) -> Vec<(LoginTab, String, &'static str)> {
        let t = self.frame.t();
        let all = [
            (LoginTab::Key, self.key.is_some(), "/login?tab=key", t.key_login.tab),
            (LoginTab::Account, self.has_password(), self.to_account(), t.login.account),
            (LoginTab::MitId, self.mitid, "/login?tab=mitid", t.login.mitid),
        ];
        let there = all.into_iter().filter(|(_, there, ..)| *there);
        let tabs: Vec<_> = there.map(|(tab, _, to, words)| (tab, self.next.link(to), words)).collect();
        if tabs.len() > 1 { tabs } else { Vec::new() }
    }

    fn has_password(&self) -> bool {
        self.key.is_none_or(|key| key.password)
    }

    /// Where the password is.
    pub(super) fn to_account(&self) -> &'static str {
        if self.key.is_some() { "/login?tab=account" } else { "/login" }
    }

    /// A key may say by itself whose it is.
    pub(super) fn is_nameless(&self) -> bool {
        self.key.is_some_and(|key| key.nameless)
    }

    /// Whoever has no key yet may begin with a password.
    pub(super) fn helps_keyless(&self) -> bool {
        self.tab == LoginTab::Key && self.key.is_some_and(|key| key.keyless)
    }
}

/// *Anvend hardwarenøgle*, by somebody who is not logged in yet. It does not say as whom: the next person may read
/// it.
#[derive(Template)]
#[template(path = "key_login.html")]
pub struct KeyLoginTouch {
    pub frame: Frame,
    pub next: Continue,
    pub ceremony: CeremonyData,
    pub app: Option<String>,
    /// What the login is for, in the words of the policy's `on_step_up`.
    pub purpose: Option<String>,
    /// It is good for one request alone.
    pub once: bool,
    /// A user name was typed.
    pub named: bool,
}

/// *Skriv dit kodeord*: the person is logged in, and a password is needed besides.
#[derive(Template)]
#[template(path = "password_too.html")]
pub struct PasswordToo {
    pub frame: Frame,
    pub next: Continue,
    /// Whose.
    pub name: String,
    pub error: Option<LoginError>,
}
