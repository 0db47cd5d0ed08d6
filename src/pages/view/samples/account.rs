use super::*;
use crate::directory::Unusable;

impl Sample<'_> {
    pub(super) fn account(&self) -> Vec<(&'static str, String)> {
        let page = |why, change: Option<&str>| {
            let change = change.map(str::to_owned);
            let ended = (why == Unusable::Expired).then(|| Timestamp::from_millis(1_795_337_696_007));
            let (frame, next) = (self.coded(self.anonymous()), self.next());
            render(&UnusableAccount { frame, next, why, change, ended })
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
