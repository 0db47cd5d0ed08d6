//! Where a person is logged in.

texts! {
    Sessions { title lead here since seen from unknown shared end ended alone }
}

pub const DA: Sessions = Sessions {
    title: "Her er du logget ind",
    lead: "Er der et sted, du ikke kender, så log ud der, og skift dit kodeord.",
    here: "Her, hvor du er nu",
    since: "Siden",
    seen: "Sidst brugt",
    from: "Fra",
    unknown: "Ukendt browser",
    shared: "Fælles enhed",
    end: "Log ud",
    ended: "Du er logget ud det sted.",
    alone: "Du er kun logget ind her.",
};

pub const EN: Sessions = Sessions {
    title: "Where you are logged in",
    lead: "If there is a place you do not recognise, log out there, and change your password.",
    here: "Here, where you are now",
    since: "Since",
    seen: "Last used",
    from: "From",
    unknown: "Unknown browser",
    shared: "Shared device",
    end: "Log out",
    ended: "You are logged out there.",
    alone: "You are only logged in here.",
};
