//! Every page with values that could be real, for the tests and the screenshots. Nothing else names them, so no
//! program is linked with them.

mod own;

mod account;

mod glass;

mod key_login;

mod lend;

mod admin;

use askama::Template;

use super::demo::Cura;
use super::*;
use crate::authn::MitIdLevel;
use crate::pages::text::Lang;

/// What others than ourselves have written.
#[derive(Copy, Clone)]
pub struct Words<'a> {
    pub person: &'a str,
    pub key: &'a str,
    pub app: &'a str,
    pub policy: &'a str,
}

pub const NEZ: Words<'_> =
    Words { person: "Nez Olsen", key: "Min nøgle", app: "Vagtplan", policy: "Bekræft ændring af medicin" };

/// Every page in `lang`, by name.
pub fn samples(lang: Lang, words: Words<'_>) -> Vec<(&'static str, String)> {
    every(&Sample { lang, words, shared: false })
}

/// The same, as a shared device has them.
pub fn samples_on_shared(lang: Lang, words: Words<'_>) -> Vec<(&'static str, String)> {
    every(&Sample { lang, words, shared: true })
}

fn every(sample: &Sample<'_>) -> Vec<(&'static str, String)> {
    let pages = [
        sample.login(),
        sample.keys(),
        sample.outcomes(),
        sample.own(),
        sample.account(),
        sample.key_login(),
        sample.lend(),
        sample.admin(),
        sample.glass(),
        sample.cura(),
    ];
    pages.into_iter().flatten().collect()
}

fn render(page: &impl Template) -> String {
    page.render().expect("a page renders")
}

struct Sample<'a> {
    lang: Lang,
    words: Words<'a>,
    shared: bool,
}

impl Sample<'_> {
    fn anonymous(&self) -> Frame {
        Frame {
            lang: self.lang,
            log_out: "/logout",
            home: "/".to_owned(),
            switch_url: format!("/login?lang={}", self.lang.other().tag()),
            organisation: Some("Åby Kommune".into()),
            links: FooterLinks {
                accessibility: Some("https://was.digst.dk/login-kommune-example".into()),
                privacy: Some("https://kommune.example/privatliv".into()),
                terms: Some("https://kommune.example/vilkaar".into()),
            },
            ..Frame::default()
        }
    }

    fn known(&self) -> Frame {
        Frame { user: Some(self.words.person.into()), shared: self.shared, ..self.anonymous() }
    }

    fn coded(&self, frame: Frame) -> Frame {
        Frame { code: Some("7F3K-92QD".into()), ..frame }
    }

    fn next(&self) -> Continue {
        Continue {
            to: "https://cura.kommune.example/medication/7".into(),
            method: "POST".into(),
            ..Continue::default()
        }
    }

    fn cura_app(&self) -> App {
        App { title: "Cura".into(), url: "https://cura.kommune.example/".into() }
    }

    fn apps(&self) -> Vec<App> {
        let plan = App { title: self.words.app.into(), url: "https://plan.kommune.example/".into() };
        vec![self.cura_app(), plan]
    }

    fn login(&self) -> Vec<(&'static str, String)> {
        let login = |tab, error: Option<LoginError>| Login {
            frame: self.anonymous(),
            next: self.next(),
            tab,
            key: None,
            mitid: true,
            app: Some("Cura".into()),
            username: if error.is_some() { self.words.person.into() } else { String::new() },
            remember: error.is_some(),
            may_remember: true,
            error,
        };
        let banner = Frame { banner: Some(self.words.policy.into()), ..self.anonymous() };
        let without_mitid = Login {
            frame: banner,
            mitid: false,
            may_remember: false,
            app: None,
            ..login(LoginTab::Account, None)
        };
        vec![
            ("front", render(&Front { frame: self.anonymous(), apps: self.apps() })),
            ("front-known", render(&Front { frame: self.known(), apps: self.apps() })),
            ("login", render(&login(LoginTab::Account, None))),
            ("login-mitid", render(&login(LoginTab::MitId, None))),
            ("login-wrong", render(&login(LoginTab::Account, Some(LoginError::Wrong)))),
            ("login-locked", render(&login(LoginTab::Account, Some(LoginError::Locked)))),
            ("login-locked-for-good", render(&login(LoginTab::Account, Some(LoginError::LockedForGood)))),
            ("login-unavailable", render(&login(LoginTab::Account, Some(LoginError::Unavailable)))),
            ("login-throttled", render(&login(LoginTab::Account, Some(LoginError::Throttled)))),
            ("login-plain", render(&without_mitid)),
            ("help", render(&Help { frame: self.anonymous(), next: self.next(), mitid: true })),
            ("no-keys", render(&self.no_keys(None))),
            ("no-keys-wrong", render(&self.no_keys(Some(CodeError::Wrong)))),
        ]
    }

    fn no_keys(&self, error: Option<CodeError>) -> NoKeys {
        NoKeys { frame: self.known(), next: self.next(), mitid: true, colleague: true, error }
    }

    fn ceremony(&self) -> CeremonyData {
        CeremonyData {
            id: "c2x1c2U".into(),
            options: r#"{"challenge":"AAAA","rpId":"login.kommune.example","user":{"id":"AAAA"}}"#.into(),
            allowed: vec!["https://cura.kommune.example".into()],
        }
    }

    fn me(&self, keys: Vec<KeyRow>, notice: Option<Notice>) -> MinIdentitet {
        MinIdentitet {
            frame: self.known(),
            next: self.next(),
            name: self.words.person.into(),
            username: "nez".into(),
            keys,
            borrowed: vec![],
            places: 2,
            desk: true,
            glass: true,
            apps: self.apps(),
            proceed: Some(self.cura_app()),
            notice,
        }
    }

    fn borrowed(&self) -> Vec<BorrowedKey> {
        let name = format!("{}: {}", self.words.app, self.words.key);
        vec![BorrowedKey { name, until: Timestamp::from_millis(1_795_337_696_007) }]
    }

    fn key_rows(&self) -> Vec<KeyRow> {
        let added = Timestamp::from_millis(1_795_337_696_007);
        let row = |id: &str, name: &str, used: Option<Timestamp>, suspect: bool| {
            let (id, name) = (id.to_owned(), name.to_owned());
            let (from, primary) = (used.map(|_| "10.20.3.7".to_owned()), name == self.words.key);
            KeyRow { id, name, added, from, primary, used, suspect }
        };
        vec![
            row("a-_1", self.words.key, Some(added), false),
            row("b2", "Reserve", None, false),
            row("c3", "Skab 2", None, true),
        ]
    }

    fn keys(&self) -> Vec<(&'static str, String)> {
        let (frame, next) = (|| self.known(), || self.next());
        let name = || self.words.key.to_owned();
        let prompt = |purpose: Option<String>| KeyPrompt {
            frame: frame(),
            next: next(),
            ceremony: self.ceremony(),
            app: Some("Cura".into()),
            once: purpose.is_some(),
            purpose,
            mitid: true,
        };
        let key_new = |error| KeyNew { frame: frame(), next: next(), name: name(), error };
        let delete = |last| KeyDelete { frame: frame(), next: next(), id: "a".into(), name: name(), last };
        let rename =
            |refused| KeyRename { frame: frame(), next: next(), id: "a".into(), name: name(), refused };
        let register = KeyRegister { frame: frame(), next: next(), ceremony: self.ceremony(), name: name() };
        let registered =
            Registered { frame: frame(), name: name(), proceed: "/me".into(), moves_on: true, first: true };
        vec![
            ("key-prompt", render(&prompt(None))),
            ("key-prompt-purpose", render(&prompt(Some(self.words.policy.into())))),
            ("me", render(&self.me(self.key_rows(), Some(Notice::Renamed)))),
            ("me-empty", render(&self.me(vec![], None))),
            ("me-borrowed", render(&MinIdentitet { borrowed: self.borrowed(), ..self.me(vec![], None) })),
            ("key-new", render(&key_new(None))),
            ("key-new-many", render(&key_new(Some(KeyNewError::TooMany)))),
            ("key-new-short", render(&key_new(Some(KeyNewError::NameLength)))),
            ("key-register", render(&register)),
            ("registered", render(&registered)),
            ("key-rename", render(&rename(false))),
            ("key-rename-wrong", render(&rename(true))),
            ("key-delete", render(&delete(false))),
            ("key-delete-last", render(&delete(true))),
        ]
    }

    fn events(&self) -> Vec<EventRow> {
        let words = &self.lang.texts().events;
        let codes =
            ["logged-out", "session-handed-off", "key-verified", "password-verified", "password-wrong"];
        let rows = codes.iter().enumerate().map(|(n, code)| EventRow {
            at: Timestamp::from_millis(1_795_337_696_007 - 60_000 * n as i64),
            what: words.of(code).expect("it is about the person"),
            address: (n != 4).then(|| "10.20.3.7".to_owned()),
        });
        rows.collect()
    }

    fn outcomes(&self) -> Vec<(&'static str, String)> {
        let denied = |say| Denied {
            frame: self.coded(self.known()),
            app: Some("Cura".into()),
            because: Denial::Groups,
            say,
            break_glass: None,
            next: self.next(),
        };
        let refused =
            |why| MitIdRefused { frame: self.coded(self.known()), next: self.next(), why, key: true };
        let too_low =
            MitIdRefusal::LevelTooLow { needed: MitIdLevel::Substantial, returned: Some(MitIdLevel::Low) };
        let error = ErrorPage { frame: self.coded(self.anonymous()), status: 502, retry: Some("/".into()) };
        let aborted = MitIdAborted { frame: self.known(), next: self.next(), key: true };
        let resume = |state| render(&Resume { frame: self.known(), state });
        let device = |state| render(&Device { frame: self.anonymous(), state });
        let shared = Frame { shared: true, ..self.known() };
        let send = |same_person| Resumption::Send { target: "/medication/7?unit=mg".into(), same_person };
        vec![
            ("device", device(Marking::Ask("0123456789ABCDEFGHJK".into()))),
            ("device-done", device(Marking::Done(self.words.key.into()))),
            ("device-refused", device(Marking::Refused)),
            ("me-shared", render(&MinIdentitet { frame: shared, ..self.me(self.key_rows(), None) })),
            ("events", render(&Events { frame: self.known(), rows: self.events() })),
            ("events-none", render(&Events { frame: self.known(), rows: vec![] })),
            ("resume", resume(send(true))),
            ("resume-ask", resume(send(false))),
            ("resume-approved", resume(Resumption::Approved)),
            ("resume-gone", resume(Resumption::Gone)),
            ("denied", render(&denied(None))),
            ("denied-say", render(&denied(Some(self.words.policy.into())))),
            ("error", render(&error)),
            ("log-out", render(&LogOut { frame: self.known() })),
            ("logged-out", render(&LoggedOut { frame: self.anonymous() })),
            ("mitid-aborted", render(&aborted)),
            ("mitid-too-low", render(&refused(too_low))),
            ("mitid-wrong-person", render(&refused(MitIdRefusal::WrongPerson))),
            ("mitid-unknown", render(&refused(MitIdRefusal::UnknownPerson))),
            ("mitid-unavailable", render(&refused(MitIdRefusal::Unavailable))),
            ("mitid-expired", render(&refused(MitIdRefusal::Expired))),
        ]
    }

    fn cura(&self) -> Vec<(&'static str, String)> {
        let page = |method: &str, path: &str| {
            render(&Cura {
                lang: self.lang,
                username: "nez".into(),
                name: Some(self.words.person.into()),
                groups: vec!["care-staff".into(), self.words.app.into()],
                level: "strong".into(),
                method: method.into(),
                path: path.into(),
            })
        };
        vec![
            ("cura-home", page("GET", "/home")),
            ("cura-medication", page("GET", "/medication/7")),
            ("cura-given", page("POST", "/medication/7")),
            ("cura-export", page("GET", "/citizens/1/export")),
            ("cura-other", page("GET", &format!("/{}?q=1", self.words.app))),
        ]
    }
}
