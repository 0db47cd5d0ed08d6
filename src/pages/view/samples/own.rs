//! What people do with their own accounts.

use super::*;
use crate::authn::password::Unfit;

impl Sample<'_> {
    pub(super) fn own(&self) -> Vec<(&'static str, String)> {
        let password = |proven, problems| {
            render(&NewPassword {
                frame: self.known(),
                next: self.next(),
                username: "nez".into(),
                proven,
                minimum: 15,
                problems,
            })
        };
        let wrong = vec![
            PasswordProblem::Current(LoginError::Wrong),
            PasswordProblem::Unfit(Unfit::TooShort { minimum: 15 }),
            PasswordProblem::Unfit(Unfit::Guessable),
            PasswordProblem::Different,
        ];
        let elsewhere = |page: Option<&str>| {
            let (frame, next) = (self.known(), self.next());
            render(&PasswordElsewhere { frame, next, page: page.map(str::to_owned) })
        };
        let sessions = |rows, ended| render(&Sessions { frame: self.known(), rows, ended });
        let terms = |frame, state| {
            let text = vec![
                Block::Heading("§ 1".into()),
                Block::Paragraph(self.words.policy.into()),
                Block::Heading("§ 2".into()),
                Block::Paragraph(self.words.policy.into()),
            ];
            render(&TermsOfUse { frame, next: self.next(), version: 3, text, state })
        };
        let at = Timestamp::from_millis(1_795_337_696_007);
        vec![
            ("password", password(false, vec![])),
            ("password-wrong", password(false, wrong)),
            ("password-new", password(true, vec![])),
            ("password-locked", password(false, vec![PasswordProblem::Current(LoginError::Locked)])),
            ("password-elsewhere", elsewhere(Some("https://kodeord.kommune.example/"))),
            ("password-elsewhere-plain", elsewhere(None)),
            ("sessions", sessions(self.places(), true)),
            ("sessions-alone", sessions(self.places().into_iter().take(1).collect(), false)),
            ("terms", terms(self.known(), Acceptance::Due { again: false })),
            ("terms-again", terms(self.known(), Acceptance::Due { again: true })),
            ("terms-given", terms(self.known(), Acceptance::Given(at))),
            ("terms-read", terms(self.anonymous(), Acceptance::NotAsked)),
        ]
    }

    fn places(&self) -> Vec<SessionRow> {
        let since = Timestamp::from_millis(1_795_337_696_007);
        let place = |browser: Option<&str>, here, shared| SessionRow {
            id: format!("0b8f5a52-{here}-{shared}"),
            browser: browser.map(str::to_owned),
            address: browser.map(|_| "10.20.3.7".to_owned()),
            since,
            seen: since,
            shared,
            here,
        };
        vec![
            place(Some("Chrome, Android"), true, false),
            place(Some("Edge, Windows"), false, true),
            place(None, false, false),
        ]
    }
}
