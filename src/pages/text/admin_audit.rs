//! Everybody's events, in words.

use super::*;

texts! {
    AdminAudit {
        nav user by event any address from until submit csv json trace trace_lead rows none older done_by wrong
    }
}

pub const DA: AdminAudit = AdminAudit {
    nav: "Hændelseslog",
    user: "Brugernavn",
    by: "Udført af",
    event: "Hændelse",
    any: "Alle",
    address: "IP-adresse",
    from: "Fra og med",
    until: "Til og med",
    submit: "Søg",
    csv: "Hent CSV",
    json: "Hent JSON",
    trace: "Sådan blev der afgjort",
    trace_lead: "Den forespørgsel, der viste koden, som politikken var dengang. Det gemmes i et døgn.",
    rows: "Hændelser",
    none: "Ingen hændelser passer.",
    older: "Vis ældre",
    done_by: "af",
    wrong: "Noget i søgningen kan ikke læses: en adresse skrives 10.20.3.7, en dato ÅÅÅÅ-MM-DD.",
};

pub const EN: AdminAudit = AdminAudit {
    nav: "Event log",
    user: "Username",
    by: "Done by",
    event: "Event",
    any: "All",
    address: "IP address",
    from: "From and including",
    until: "To and including",
    submit: "Search",
    csv: "Get CSV",
    json: "Get JSON",
    trace: "How it was decided",
    trace_lead: "The request that showed the code, as the policy was then. It is kept for a day.",
    rows: "Events",
    none: "No events fit.",
    older: "Show older",
    done_by: "by",
    wrong: "Something in the search cannot be read: an address is written 10.20.3.7, a date YYYY-MM-DD.",
};

/// The words for an event's code, also for what no person reads of their own account.
pub fn event_words(lang: Lang, code: &str) -> Option<&'static str> {
    let other = WORDS.iter().find(|(known, ..)| *known == code).map(|(_, da, en)| match lang {
        Lang::Da => *da,
        Lang::En => *en,
    });
    other.or_else(|| lang.texts().events.of(code))
}

/// Every event that has words, as a list to choose from.
pub fn event_kinds(lang: Lang) -> Vec<(&'static str, &'static str)> {
    let codes = PERSONAL.into_iter().chain(WORDS.iter().map(|(code, ..)| *code));
    let mut kinds: Vec<_> = codes.filter_map(|code| Some((code, event_words(lang, code)?))).collect();
    kinds.sort_by_key(|(_, words)| *words);
    kinds
}

/// Those that people read of their own account.
const PERSONAL: [&str; 22] = [
    "password-verified",
    "password-wrong",
    "password-set",
    "user-disabled",
    "user-enabled",
    "user-invited",
    "account-locked",
    "account-unlocked",
    "account-inactive",
    "mitid-verified",
    "mitid-refused",
    "mitid-bound",
    "key-registered",
    "key-verified",
    "key-refused",
    "key-suspect",
    "key-renamed",
    "key-deleted",
    "code-refused",
    "session-handed-off",
    "logged-out",
    "request-denied",
];

/// By code: Danish, English.
const WORDS: [(&str, &str, &str); 21] = [
    ("password-overload", "For mange kodeord at kontrollere", "Too many passwords to verify"),
    ("password-guessing", "Mange forkerte kodeord", "Many wrong passwords"),
    ("user-added", "Konto oprettet", "Account added"),
    ("user-changed", "Konto ændret", "Account changed"),
    ("mitid-aborted", "MitID afbrudt", "MitID aborted"),
    ("key-registration-refused", "2-faktor enhed blev ikke tilføjet", "Two-factor device not added"),
    ("hand-off-refused", "Login til et system afvist", "Login to a system refused"),
    ("cross-site-refused", "Forespørgsel fra et fremmed sted afvist", "Request from another site refused"),
    ("device-invited", "Link til fælles enhed lavet", "Link for a shared device made"),
    ("device-marked", "Enhed gjort fælles", "Device made shared"),
    ("device-refused", "Forkert link til fælles enhed", "Wrong link for a shared device"),
    ("device-removed", "Enhed ikke længere fælles", "Device no longer shared"),
    ("policy-loaded", "Politik indlæst", "Policy loaded"),
    ("policy-refused", "Politik afvist", "Policy refused"),
    ("audit-forgotten", "Gamle hændelser slettet", "Old events forgotten"),
    ("audit-exported", "Hændelser hentet", "Events downloaded"),
    ("admin-refused", "Ikke lukket ind hos servicedesk", "Not let in to the service desk"),
    ("action-asked", "Sendt til godkendelse", "Confirmation asked for"),
    ("action-confirmed", "Godkendt af en anden", "Confirmed by another"),
    ("action-refused", "Afvist af en anden", "Refused by another"),
    ("action-withdrawn", "Trukket tilbage", "Withdrawn"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_words_in_both_languages() {
        for lang in Lang::ALL {
            let kinds = event_kinds(lang);
            assert_eq!(kinds.len(), PERSONAL.len() + WORDS.len());
            assert!(kinds.iter().all(|(code, words)| code != words && !words.is_empty()));
        }
    }
}
