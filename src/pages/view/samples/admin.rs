//! The admin pages.

use super::{Frame, KeyRow, Sample, render};
use crate::pages::text::admin::said;
use crate::pages::text::admin_audit::{event_kinds, event_words};
use crate::pages::view::admin::*;
use crate::pages::view::admin_audit::{AdminAudit, AuditFilter, AuditLine};
use crate::time::Timestamp;

const AT: Timestamp = Timestamp::from_millis(1_795_337_696_007);

impl Sample<'_> {
    pub(super) fn admin(&self) -> Vec<(&'static str, String)> {
        let home = AdminHome {
            frame: self.known(),
            nav: self.nav(""),
            may_search: true,
            searched: String::new(),
            waiting: 2,
        };
        let people = |rows, more| AdminPeople {
            frame: self.known(),
            nav: self.nav("/admin/people"),
            searched: self.words.person.to_owned(),
            rows,
            more,
        };
        vec![
            ("admin", render(&home)),
            ("admin-people", render(&people(self.people(), Some("/admin/people?q=a".to_owned())))),
            ("admin-people-none", render(&people(vec![], None))),
            ("admin-person", render(&self.person(AccountState::Open))),
            ("admin-person-locked", render(&self.person(AccountState::Locked))),
            ("admin-lock", render(&self.confirm(false))),
            ("admin-lock-wrong", render(&self.confirm(true))),
            ("admin-code", render(&self.code())),
            ("admin-keys", render(&self.everybodys_keys())),
            ("admin-sessions", render(&self.everybodys_sessions())),
            ("admin-requests", render(&self.requests())),
            ("admin-audit", render(&self.audit())),
            ("admin-devices", render(&self.devices(None))),
            (
                "admin-devices-link",
                render(&self.devices(Some(
                    "https://login.kommune.example/device?code=7F3K9-2QD0X-HJ4KM-PQRS1".into(),
                ))),
            ),
        ]
    }

    fn nav(&self, current: &str) -> Vec<NavLink> {
        let t = self.lang.texts();
        let places = [
            ("/admin/people", t.admin.people),
            ("/admin/keys", t.admin.keys),
            ("/admin/sessions", t.admin.sessions),
            ("/admin/requests", t.admin.requests),
            ("/admin/audit", t.admin_audit.nav),
            ("/admin/devices", t.admin.devices),
        ];
        places.map(|(url, words)| NavLink { url, words, current: url == current }).into()
    }

    fn people(&self) -> Vec<PersonRow> {
        let row = |username: &str, state| PersonRow {
            id: "6f2b0c1e-7a5d-4e58-9a63-0d6a1f6f8f11".to_owned(),
            name: self.words.person.to_owned(),
            username: username.to_owned(),
            groups: vec!["care-staff".to_owned(), self.words.app.to_owned()],
            state,
        };
        vec![row("nez", None), row("nez2", Some(self.lang.texts().admin.is_locked))]
    }

    fn key_row(&self, suspect: bool) -> KeyRow {
        KeyRow {
            id: "a-_1".to_owned(),
            name: self.words.key.to_owned(),
            added: AT,
            used: Some(AT),
            from: None,
            primary: false,
            suspect,
        }
    }

    fn session_row(&self, device: Option<&str>) -> SessionRow {
        SessionRow {
            id: "7c0b".to_owned(),
            device: device.map(str::to_owned),
            shared: device.is_some(),
            begun: AT,
            seen: AT,
            hosts: vec!["cura.kommune.example".to_owned(), "login.kommune.example".to_owned()],
        }
    }

    fn person(&self, state: AccountState) -> AdminPerson {
        let t = &self.lang.texts().admin;
        let locked = state == AccountState::Locked;
        let action = |words, danger, at_once| ActionLink {
            url: "/admin/people/6f2b/lock".to_owned(),
            words,
            danger,
            at_once,
        };
        let actions = match locked {
            true => vec![action(t.unlock, false, true), action(t.expire, false, false)],
            false => vec![
                action(t.unlock_password, false, true),
                action(t.invite, false, false),
                action(t.expire, false, false),
                action(t.lock, true, false),
            ],
        };
        let event = |code: &str, by: Option<&str>| DoneRow {
            at: AT,
            what: event_words(self.lang.texts(), code).expect("it has words").to_owned(),
            by: by.map(str::to_owned),
            address: by.is_none().then(|| "10.20.3.7".to_owned()),
        };
        AdminPerson {
            frame: self.known(),
            nav: self.nav(""),
            id: "6f2b0c1e-7a5d-4e58-9a63-0d6a1f6f8f11".to_owned(),
            name: self.words.person.to_owned(),
            username: "nez".to_owned(),
            groups: vec!["care-staff".to_owned(), self.words.app.to_owned()],
            state,
            lock: locked.then(|| LockRow {
                reason: self.words.policy.to_owned(),
                by: "anna".to_owned(),
                at: AT,
            }),
            password: (!locked).then_some(PasswordLock::Until(AT)),
            last_login: Some(AT),
            last_day: locked.then(|| "2026-12-31".to_owned()),
            actions,
            keys: if locked { vec![] } else { vec![self.key_row(false), self.key_row(true)] },
            sessions: if locked { vec![] } else { vec![self.session_row(Some(self.words.key))] },
            events: vec![event("user-disabled", Some("anna")), event("password-verified", None)],
            own: false,
            may_revoke: true,
            may_audit: true,
            notice: locked.then_some(Said { words: t.done_lock, good: true }),
        }
    }

    fn confirm(&self, wrong: bool) -> AdminConfirm {
        let t = &self.lang.texts().admin;
        AdminConfirm {
            frame: self.known(),
            title: t.lock,
            lead: t.lock_lead,
            name: self.words.person.to_owned(),
            username: "nez".to_owned(),
            what: None,
            field: ConfirmField::Reason(if wrong { "x".to_owned() } else { String::new() }),
            wrong: wrong.then_some(t.reason_wrong),
            url: "/admin/people/6f2b/lock".to_owned(),
            target: String::new(),
            submit: t.lock,
            danger: true,
            second: wrong,
            back: "/admin/people/6f2b".to_owned(),
        }
    }

    fn code(&self) -> AdminCode {
        let groups = ["7F3K9", "2QD0X", "HJ4KM", "PQRS1"].map(|group| Spelled {
            text: group.to_owned(),
            spelled: group.chars().map(|c| said(self.lang, c)).collect::<Vec<_>>().join(" · "),
        });
        AdminCode {
            frame: self.known(),
            name: self.words.person.to_owned(),
            username: "nez".to_owned(),
            groups: groups.into(),
            until: AT,
            back: "/admin/people/6f2b".to_owned(),
        }
    }

    fn everybodys_keys(&self) -> AdminKeys {
        let row = |suspect| OwnedKeyRow {
            person: "6f2b".to_owned(),
            name: self.words.person.to_owned(),
            username: "nez".to_owned(),
            key: self.key_row(suspect),
        };
        let nav = self.nav("/admin/keys");
        AdminKeys {
            frame: self.known(),
            nav,
            searched: String::new(),
            rows: vec![row(true), row(false)],
            full: true,
        }
    }

    fn everybodys_sessions(&self) -> AdminSessions {
        let row = |device| OwnedSessionRow {
            person: "6f2b".to_owned(),
            name: self.words.person.to_owned(),
            username: "nez".to_owned(),
            session: self.session_row(device),
        };
        let rows = vec![row(Some(self.words.key)), row(None)];
        let nav = self.nav("/admin/sessions");
        AdminSessions { frame: self.known(), nav, searched: self.words.key.to_owned(), rows, full: false }
    }

    fn requests(&self) -> AdminRequests {
        let t = &self.lang.texts().admin;
        let row = |action, what: Option<&str>, own| RequestRow {
            id: "9d1c".to_owned(),
            action,
            what: what.map(str::to_owned),
            person: "6f2b".to_owned(),
            name: self.words.person.to_owned(),
            username: "nez".to_owned(),
            asked_by: self.words.person.to_owned(),
            asked: AT,
            until: AT,
            own,
            may: !own,
        };
        let rows = vec![row(t.unlock, None, false), row(t.revoke, Some(self.words.key), true)];
        let notice = Some(Said { words: t.gone, good: false });
        AdminRequests { frame: self.known(), nav: self.nav("/admin/requests"), rows, notice }
    }

    fn audit(&self) -> AdminAudit {
        let line = |code: &str, by: Option<&str>, detail: &str| AuditLine {
            at: AT,
            event: code.to_owned(),
            what: event_words(self.lang.texts(), code).expect("it has words").to_owned(),
            username: Some(self.words.person.to_owned()),
            person: by.map(|_| "6f2b".to_owned()),
            by: by.map(str::to_owned),
            address: Some("10.20.3.7".to_owned()),
            code: "8G4M-03RE".to_owned(),
            detail: detail.to_owned(),
        };
        AdminAudit {
            frame: self.known(),
            nav: self.nav("/admin/audit"),
            filter: AuditFilter { user: self.words.person.to_owned(), ..AuditFilter::default() },
            kinds: event_kinds(self.lang.texts()),
            wrong: None,
            trace: Some(format!(
                "GET cura.kommune.example/admin\napp cura   policies/cura.yaml   path /admin\n rule  {}   HIT   line 9\n=> deny groups     browser: 403",
                self.words.app
            )),
            rows: vec![
                line("user-disabled", Some("anna"), "reason: mistet telefon"),
                line("password-wrong", None, ""),
            ],
            older: Some("/admin/audit?before=7".to_owned()),
        }
    }

    fn devices(&self, link: Option<String>) -> AdminDevices {
        let name = if link.is_some() { self.words.key.to_owned() } else { String::new() };
        let rows = vec![
            DeviceRow { name: self.words.key.to_owned(), marked: Some(AT) },
            DeviceRow { name: "Tablet 4".to_owned(), marked: None },
        ];
        let frame: Frame = self.known();
        AdminDevices { frame, nav: self.nav("/admin/devices"), rows, link, name, wrong: false, notice: None }
    }
}
