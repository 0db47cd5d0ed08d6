use super::*;
use crate::directory::Unusable;

impl Sample<'_> {
    pub(super) fn account(&self) -> Vec<(&'static str, String)> {
        let page = |why, change: Option<&str>| {
            let change = change.map(str::to_owned);
            render(&UnusableAccount { frame: self.coded(self.anonymous()), next: self.next(), why, change })
        };
        let there = Some("https://kodeord.kommune.example/");
        vec![
            ("account-locked", page(Unusable::Locked, None)),
            ("account-disabled", page(Unusable::Disabled, None)),
            ("account-expired", page(Unusable::Expired, None)),
            ("account-must-change", page(Unusable::PasswordMustChange, None)),
            ("account-password-expired", page(Unusable::PasswordExpired, there)),
        ]
    }
}
