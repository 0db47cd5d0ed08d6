use super::*;

impl Sample<'_> {
    pub(super) fn key_login(&self) -> Vec<(&'static str, String)> {
        let login = |key: KeyTab, username: &str, error| Login {
            frame: self.anonymous(),
            next: self.next(),
            tab: LoginTab::Key,
            key: Some(key),
            mitid: true,
            app: Some("Cura".into()),
            username: username.into(),
            remember: !username.is_empty(),
            may_remember: true,
            error,
        };
        let either = KeyTab { nameless: false, password: true, keyless: false };
        let alone = KeyTab { nameless: true, password: false, keyless: true };
        let only = Login { mitid: false, may_remember: false, ..login(alone, "", None) };
        let touch = |purpose: Option<&str>| KeyLoginTouch {
            frame: self.anonymous(),
            next: self.next(),
            ceremony: self.ceremony(),
            app: Some("Cura".into()),
            purpose: purpose.map(str::to_owned),
            once: purpose.is_some(),
            named: purpose.is_none(),
        };
        let password = |error| PasswordToo {
            frame: self.known(),
            next: self.next(),
            name: self.words.person.into(),
            error,
        };
        vec![
            ("login-key", render(&login(either, "", None))),
            ("login-key-remembered", render(&login(either, self.words.person, None))),
            ("login-key-missing", render(&login(either, "", Some(LoginError::MissingUsername)))),
            ("login-key-throttled", render(&login(either, self.words.person, Some(LoginError::Throttled)))),
            ("login-key-nameless", render(&login(alone, "", None))),
            ("login-key-only", render(&only)),
            ("key-login", render(&touch(None))),
            ("key-login-purpose", render(&touch(Some(self.words.policy)))),
            ("password-too", render(&password(None))),
            ("password-too-wrong", render(&password(Some(LoginError::Wrong)))),
        ]
    }
}
