use super::super::*;
use super::{Sample, render};
use crate::authn::MitIdLevel;
use crate::time::Timestamp;

impl Sample<'_> {
    pub(super) fn lend(&self) -> Vec<(&'static str, String)> {
        let (at, frame, next) = (Timestamp::from_millis(1_795_337_696_007), || self.known(), || self.next());
        let label = || format!("{}: {}", self.words.app, self.words.key);
        let row = |unit: &str, name: &str, used, state| {
            let (id, unit, name) = ("a-_1".to_owned(), unit.to_owned(), name.to_owned());
            SpareRow { id, unit, name, used, state }
        };
        let out = SpareState::Out { holder: self.words.person.into(), username: "nez".into(), until: at };
        let keys = || {
            vec![
                row(self.words.app, self.words.key, Some(at), SpareState::In),
                row("Hjemmepleje Nord", "Nøgle 1", None, SpareState::In),
                row("Hjemmepleje Nord", "Nøgle 3", Some(at), SpareState::Suspect),
            ]
        };
        let mut all = keys();
        all.insert(1, row(self.words.app, "Nøgle 2", Some(at), out));
        let drawer = |keys, notice| Drawer { frame: frame(), keys, notice };
        let lend = |error: Option<LendError>| LendKey {
            frame: frame(),
            id: "a-_1".into(),
            label: label(),
            username: error.map(|_| "nez".to_owned()).unwrap_or_default(),
            until: "15:30".into(),
            hours: 16,
            error,
        };
        let (unit, name) = (self.words.app.to_owned(), self.words.key.to_owned());
        let new = |error| {
            let units = vec![unit.clone(), "Hjemmepleje Nord".to_owned()];
            SpareNew { frame: frame(), unit: unit.clone(), name: name.clone(), units, error }
        };
        let register =
            SpareRegister { frame: frame(), next: next(), ceremony: self.ceremony(), label: label() };
        let remove = SpareRemove { frame: frame(), id: "a-_1".into(), label: label() };
        let ask = |units: &[&str], error| Colleague {
            frame: frame(),
            next: next(),
            units: units.iter().map(|unit| (*unit).to_owned()).collect(),
            error,
        };
        let touch =
            |borrowing| ColleagueTouch { frame: frame(), next: next(), ceremony: self.ceremony(), borrowing };
        let papers = |error: Option<PapersError>| PapersForm {
            frame: frame(),
            username: error.map(|_| self.words.person.to_owned()).unwrap_or_default(),
            kind: error.map(|_| "passport".to_owned()).unwrap_or_default(),
            number: String::new(),
            note: String::new(),
            error,
        };
        let seen = PapersSeen {
            frame: frame(),
            name: self.words.person.into(),
            username: "nez".into(),
            shown: "01ABC-DEF01-GHJ10-KMNPQ".into(),
            until: at,
            level: MitIdLevel::Low,
        };
        vec![
            ("lend", render(&drawer(all, Some(LendNotice::Lent)))),
            ("lend-empty", render(&drawer(vec![], None))),
            ("lend-key", render(&lend(None))),
            ("lend-key-unknown", render(&lend(Some(LendError::Unknown)))),
            ("lend-key-too-long", render(&lend(Some(LendError::TooLong)))),
            ("lend-new", render(&new(None))),
            ("lend-new-taken", render(&new(Some(SpareNewError::Taken)))),
            ("lend-register", render(&register)),
            ("lend-remove", render(&remove)),
            ("colleague", render(&ask(&["Nord", self.words.app], None))),
            ("colleague-refused", render(&ask(&["Nord"], Some(Question::Refused)))),
            ("colleague-touch", render(&touch(None))),
            ("colleague-spare", render(&touch(Some(at)))),
            ("papers", render(&papers(None))),
            ("papers-cpr", render(&papers(Some(PapersError::Cpr)))),
            ("papers-seen", render(&seen)),
        ]
    }
}
