//! An account that cannot be used, though its password is right.

texts! {
    Account {
        locked_title locked disabled expired_title expired ended change_title must_change password_expired change
        change_there change_elsewhere
    }
}

pub const DA: Account = Account {
    locked_title: "Låst konto",
    locked: "Dit kodeord er rigtigt, men din konto er låst. Kontakt servicedesk.",
    disabled: "Dit kodeord er rigtigt, men din konto er lukket. Kontakt servicedesk, hvis du skal bruge den.",
    expired_title: "Udløben konto",
    expired: "Dit kodeord er rigtigt, men din konto er udløbet. Kontakt din leder eller servicedesk, hvis du skal bruge den.",
    ended: "Udløb",
    change_title: "Kodeord skal skiftes",
    must_change: "Dit kodeord er rigtigt, men du skal skifte det, før du kan logge ind.",
    password_expired: "Dit kodeord er rigtigt, men det er for gammelt. Du skal skifte det, før du kan logge ind.",
    change: "Skift kodeord",
    change_there: "Kom tilbage hertil bagefter, og log ind med dit nye kodeord.",
    change_elsewhere: "Skift det, hvor du plejer, for eksempel på din arbejdscomputer, og log så ind med det nye. Kontakt servicedesk, hvis du ikke kan.",
};

pub const EN: Account = Account {
    locked_title: "Account locked",
    locked: "Your password is right, but your account is locked. Contact the service desk.",
    disabled: "Your password is right, but your account is closed. Contact the service desk if you need it.",
    expired_title: "Account expired",
    expired: "Your password is right, but your account has expired. Contact your manager or the service desk if you need it.",
    ended: "Expired",
    change_title: "Password must be changed",
    must_change: "Your password is right, but you must change it before you can log in.",
    password_expired: "Your password is right, but it is too old. You must change it before you can log in.",
    change: "Change password",
    change_there: "Come back here afterwards, and log in with your new password.",
    change_elsewhere: "Change it where you usually do, for example on your work computer, and then log in with the new one. Contact the service desk if you cannot.",
};
