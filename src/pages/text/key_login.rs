//! *Log ind med hardwarenøgle*, without a password, and the password that is asked for afterwards.

texts! {
    KeyLogin {
        tab submit lead username_hint no_key with_password touch_lead back closed expired locked must_change
        unavailable password_title password_lead password_wrong password_submit
    }
}

pub const DA: KeyLogin = KeyLogin {
    tab: "Nøgle",
    submit: "Log ind med hardwarenøgle",
    lead: "Du skal bruge din nøgle og nøglens PIN-kode.",
    username_hint: "Spring over, hvis din nøgle kender dit navn.",
    no_key: "Har du ingen nøgle endnu?",
    with_password: "Log ind med kodeord",
    touch_lead: "Vis med din hardwarenøgle og dens PIN-kode, at det er dig.",
    back: "Skriv et andet brugernavn",
    closed: "Din konto er lukket. Kontakt servicedesk, hvis du skal bruge den.",
    expired: "Din konto er udløbet. Kontakt din leder eller servicedesk, hvis du skal bruge den.",
    locked: "Din konto er låst. Kontakt servicedesk.",
    must_change: "Du skal skifte dit kodeord, før du kan logge ind. Kontakt servicedesk, hvis du ikke kan.",
    unavailable: "Din konto kan ikke kontrolleres lige nu. Prøv igen om lidt.",
    password_title: "Skriv dit kodeord",
    password_lead: "Her skal du også bruge dit kodeord. Du er logget ind som",
    password_wrong: "Kodeordet er forkert.",
    password_submit: "Fortsæt",
};

pub const EN: KeyLogin = KeyLogin {
    tab: "Key",
    submit: "Log in with security key",
    lead: "You need your key and the key’s PIN.",
    username_hint: "Skip this if your key knows your name.",
    no_key: "Don’t have a key yet?",
    with_password: "Log in with password",
    touch_lead: "Show with your security key and its PIN that it is you.",
    back: "Enter another username",
    closed: "Your account is closed. Contact the service desk if you need it.",
    expired: "Your account has expired. Contact your manager or the service desk if you need it.",
    locked: "Your account is locked. Contact the service desk.",
    must_change: "You must change your password before you can log in. Contact the service desk if you cannot.",
    unavailable: "Your account cannot be checked right now. Try again shortly.",
    password_title: "Enter your password",
    password_lead: "Your password is needed here, too. You are logged in as",
    password_wrong: "The password is wrong.",
    password_submit: "Continue",
};
