//! Everybody's events, in words.

use super::*;

texts! {
    AdminAudit {
        nav user by event any address from until submit csv json trace trace_lead rows none older done_by wrong
    }
}

texts! {
    /// What no person reads of their own account.
    AdminEvents {
        password_overload
        password_guessing
        user_added
        user_changed
        mitid_aborted
        key_registration_refused
        hand_off_refused
        cross_site_refused
        device_invited
        device_marked
        device_refused
        device_removed
        policy_loaded
        policy_refused
        audit_forgotten
        audit_exported
        admin_refused
        action_asked
        action_confirmed
        action_refused
        action_withdrawn
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

pub const EVENTS_DA: AdminEvents = AdminEvents {
    password_overload: "For mange kodeord at kontrollere",
    password_guessing: "Mange forkerte kodeord",
    user_added: "Konto oprettet",
    user_changed: "Konto ændret",
    mitid_aborted: "MitID afbrudt",
    key_registration_refused: "2-faktor enhed blev ikke tilføjet",
    hand_off_refused: "Login til et system afvist",
    cross_site_refused: "Forespørgsel fra et fremmed sted afvist",
    device_invited: "Link til fælles enhed lavet",
    device_marked: "Enhed gjort fælles",
    device_refused: "Forkert link til fælles enhed",
    device_removed: "Enhed ikke længere fælles",
    policy_loaded: "Politik indlæst",
    policy_refused: "Politik afvist",
    audit_forgotten: "Gamle hændelser slettet",
    audit_exported: "Hændelser hentet",
    admin_refused: "Ikke lukket ind hos servicedesk",
    action_asked: "Sendt til godkendelse",
    action_confirmed: "Godkendt af en anden",
    action_refused: "Afvist af en anden",
    action_withdrawn: "Trukket tilbage",
};

pub const EVENTS_EN: AdminEvents = AdminEvents {
    password_overload: "Too many passwords to verify",
    password_guessing: "Many wrong passwords",
    user_added: "Account added",
    user_changed: "Account changed",
    mitid_aborted: "MitID aborted",
    key_registration_refused: "Two-factor device not added",
    hand_off_refused: "Login to a system refused",
    cross_site_refused: "Request from another site refused",
    device_invited: "Link for a shared device made",
    device_marked: "Device made shared",
    device_refused: "Wrong link for a shared device",
    device_removed: "Device no longer shared",
    policy_loaded: "Policy loaded",
    policy_refused: "Policy refused",
    audit_forgotten: "Old events forgotten",
    audit_exported: "Events downloaded",
    admin_refused: "Not let in to the service desk",
    action_asked: "Confirmation asked for",
    action_confirmed: "Confirmed by another",
    action_refused: "Refused by another",
    action_withdrawn: "Withdrawn",
};

impl AdminEvents {
    fn of(&self, code: &str) -> Option<&'static str> {
        Some(match code {
            "password-overload" => self.password_overload,
            "password-guessing" => self.password_guessing,
            "user-added" => self.user_added,
            "user-changed" => self.user_changed,
            "mitid-aborted" => self.mitid_aborted,
            "key-registration-refused" => self.key_registration_refused,
            "hand-off-refused" => self.hand_off_refused,
            "cross-site-refused" => self.cross_site_refused,
            "device-invited" => self.device_invited,
            "device-marked" => self.device_marked,
            "device-refused" => self.device_refused,
            "device-removed" => self.device_removed,
            "policy-loaded" => self.policy_loaded,
            "policy-refused" => self.policy_refused,
            "audit-forgotten" => self.audit_forgotten,
            "audit-exported" => self.audit_exported,
            "admin-refused" => self.admin_refused,
            "action-asked" => self.action_asked,
            "action-confirmed" => self.action_confirmed,
            "action-refused" => self.action_refused,
            "action-withdrawn" => self.action_withdrawn,
            _ => return None,
        })
    }
}

/// The words for an event's code, also for what no person reads of their own account.
pub fn event_words(texts: &Texts, code: &str) -> Option<&'static str> {
    texts.admin_events.of(code).or_else(|| texts.events.of(code))
}

/// Every event that has words, as a list to choose from.
pub fn event_kinds(texts: &Texts) -> Vec<(&'static str, &'static str)> {
    let codes = PERSONAL.into_iter().chain(OTHER);
    let mut kinds: Vec<_> = codes.filter_map(|code| Some((code, event_words(texts, code)?))).collect();
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

/// Those that only the service desk reads.
const OTHER: [&str; 21] = [
    "password-overload",
    "password-guessing",
    "user-added",
    "user-changed",
    "mitid-aborted",
    "key-registration-refused",
    "hand-off-refused",
    "cross-site-refused",
    "device-invited",
    "device-marked",
    "device-refused",
    "device-removed",
    "policy-loaded",
    "policy-refused",
    "audit-forgotten",
    "audit-exported",
    "admin-refused",
    "action-asked",
    "action-confirmed",
    "action-refused",
    "action-withdrawn",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_words_in_both_languages() {
        for lang in Lang::ALL {
            let kinds = event_kinds(lang.texts());
            assert_eq!(kinds.len(), PERSONAL.len() + OTHER.len());
            assert!(kinds.iter().all(|(code, words)| code != words && !words.is_empty()));
        }
    }
}
