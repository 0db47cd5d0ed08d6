//! What mails say of an event: to the person, and to administrators.

texts! {
    Telling {
        hello key_registered key_registered_lead key_deleted key_deleted_lead browser_new browser_new_lead
        password_set password_set_lead locked locked_lead locked_for_good_lead guessing guessing_lead
        lockouts lockouts_lead countries countries_lead glass glass_lead
        key user at address browser code by_desk count from_to minutes
        below you not_you not_you_call code_hint more footer footer_administrators
    }
}

impl Telling {
    /// The subject, and what happened, for the code of an event that is told (see [`crate::audit::told`]). A lock
    /// may be `for_good`.
    pub fn of(&self, code: &str, for_good: bool) -> Option<(&'static str, &'static str)> {
        Some(match code {
            "key-registered" => (self.key_registered, self.key_registered_lead),
            "key-deleted" => (self.key_deleted, self.key_deleted_lead),
            "browser-new" => (self.browser_new, self.browser_new_lead),
            "password-set" => (self.password_set, self.password_set_lead),
            "account-locked" if for_good => (self.locked, self.locked_for_good_lead),
            "account-locked" => (self.locked, self.locked_lead),
            "password-guessing" => (self.guessing, self.guessing_lead),
            "glass-broken" => (self.glass, self.glass_lead),
            "two-countries" => (self.countries, self.countries_lead),
            "many-lockouts" => (self.lockouts, self.lockouts_lead),
            _ => return None,
        })
    }
}

pub const DA: Telling = Telling {
    hello: "Hej",
    key_registered: "Ny hardwarenøgle på din brugerkonto",
    key_registered_lead: "Der er tilføjet en hardwarenøgle til din brugerkonto. Den kan nu bruges, når du logger ind.",
    key_deleted: "En hardwarenøgle er slettet fra din brugerkonto",
    key_deleted_lead: "En hardwarenøgle er slettet fra din brugerkonto. Den kan ikke længere bruges til at logge ind.",
    browser_new: "Login i en ny browser",
    browser_new_lead: "Der er logget ind med din brugerkonto i en browser, du ikke har brugt før.",
    password_set: "Nyt kodeord til din brugerkonto",
    password_set_lead: "Din brugerkonto har fået et nyt kodeord. Det gamle virker ikke længere.",
    locked: "Dit kodeord er låst",
    locked_lead: "Der er tastet et forkert kodeord for mange gange, så dit kodeord er låst i fem minutter. Derefter kan du prøve igen.",
    locked_for_good_lead: "Der er tastet et forkert kodeord så mange gange, at dit kodeord er låst, indtil du logger ind med MitID, eller servicedesk låser det op.",
    guessing: "Sluse: mange forkerte kodeord",
    guessing_lead: "Der er tastet mange forkerte kodeord på kort tid. Det kan være nogen, der prøver at gætte et kodeord.",
    lockouts: "Sluse: mange låste brugerkonti",
    lockouts_lead: "Mange personers kodeord er blevet låst på kort tid. Det kan være nogen, der prøver at gætte kodeord.",
    countries: "Sluse: samme person i to lande",
    countries_lead: "En person har logget ind fra to lande på kort tid. Det kan være en rejse eller en VPN-forbindelse, eller nogen, der bruger personens login.",
    glass: "Sluse: nødadgang åbnet",
    glass_lead: "En person har åbnet nødadgang og skrevet hvorfor. Grunden står i hændelsesloggen.",
    key: "Hardwarenøgle",
    user: "Brugernavn",
    at: "Tidspunkt",
    address: "IP-adresse",
    browser: "Browser",
    code: "Kode",
    by_desk: "Udført af servicedesk eller it-afdelingen",
    count: "Antal",
    from_to: "Lande",
    minutes: "på {} minutter",
    below: "Dansk nedenfor",
    you: "Kan du genkende det, skal du ikke gøre noget.",
    not_you: "Kan du ikke genkende det, så kontakt servicedesk med det samme.",
    not_you_call: "Kan du ikke genkende det, så ring til servicedesk med det samme på {}.",
    code_hint: "Oplys koden, så kan de se, hvad der er sket.",
    more: "Se mere i hændelsesloggen",
    footer: "Mailen er sendt automatisk og kan ikke besvares. Vi beder dig aldrig om dit kodeord, og vi sender dig aldrig et link, du skal logge ind med.",
    footer_administrators: "Mailen er sendt automatisk og kan ikke besvares.",
};

pub const EN: Telling = Telling {
    hello: "Hello",
    key_registered: "New security key on your account",
    key_registered_lead: "A security key was added to your account. It can now be used when you log in.",
    key_deleted: "A security key was removed from your account",
    key_deleted_lead: "A security key was removed from your account. It can no longer be used to log in.",
    browser_new: "Login in a new browser",
    browser_new_lead: "Somebody logged in to your account with a browser that you have not used before.",
    password_set: "New password for your account",
    password_set_lead: "Your account has a new password. The old one no longer works.",
    locked: "Your password is locked",
    locked_lead: "A wrong password was typed too many times, so your password is locked for five minutes. After that you can try again.",
    locked_for_good_lead: "A wrong password was typed so many times that your password is locked until you log in with MitID, or the service desk unlocks it.",
    guessing: "Sluse: many wrong passwords",
    guessing_lead: "Many wrong passwords were typed within a short time. Somebody may be trying to guess a password.",
    lockouts: "Sluse: many locked accounts",
    lockouts_lead: "Many people's passwords were locked within a short time. Somebody may be trying to guess passwords.",
    countries: "Sluse: one person in two countries",
    countries_lead: "Somebody has logged in from two countries within a short time. It may be a journey or a VPN, or somebody else who uses their login.",
    glass: "Sluse: emergency access opened",
    glass_lead: "Somebody has opened emergency access and written why. The reason is in the audit.",
    key: "Security key",
    user: "User name",
    at: "Time",
    address: "IP address",
    browser: "Browser",
    code: "Code",
    by_desk: "Done by the service desk or the IT department",
    count: "Count",
    from_to: "Countries",
    minutes: "in {} minutes",
    below: "English below",
    you: "If you recognise this, there is nothing you need to do.",
    not_you: "If you do not, contact the service desk at once.",
    not_you_call: "If you do not, call the service desk at once on {}.",
    code_hint: "Give them the code, and they can see what happened.",
    more: "See more in the audit",
    footer: "This mail was sent automatically and cannot be answered. We never ask for your password, and we never send you a link to log in with.",
    footer_administrators: "This mail was sent automatically and cannot be answered.",
};
