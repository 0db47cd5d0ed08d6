//! *Nødadgang*.

texts! {
    Glass {
        title offer_lead offer lead minute minutes lasts lasts_where noted seen needs_key reason reason_hint submit
        too_short too_long no_key no_key_lead my_keys confirm touch lasts_for because open_title none app until
        close closed close_early
    }
}

pub const DA: Glass = Glass {
    title: "Nødadgang",
    offer_lead: "Er det nødvendigt nu, kan du åbne alligevel. Du skriver hvorfor og bruger din hardwarenøgle.",
    offer: "Nødadgang",
    lead: "Til daglig har du ikke adgang her. Er det nødvendigt, kan du åbne alligevel.",
    minute: "minut",
    minutes: "minutter",
    lasts: "Adgangen varer i",
    lasts_where: "og gælder kun her, og kun for dig i denne browser.",
    noted: "Det bliver noteret, at du åbner, hvornår og hvorfor.",
    seen: "De ansvarlige kan se det og spørge dig om det.",
    needs_key: "Du bekræfter med din hardwarenøgle.",
    reason: "Hvorfor er det nødvendigt?",
    reason_hint: "10 til 500 tegn. Skriv ikke CPR-numre.",
    submit: "Fortsæt",
    too_short: "Skriv, hvorfor det er nødvendigt, med mindst 10 tegn.",
    too_long: "Begrundelsen må højst være på 500 tegn.",
    no_key: "Du har ingen hardwarenøgle",
    no_key_lead: "Nødadgang skal bekræftes med en hardwarenøgle, som er registreret til dig. Kontakt servicedesk.",
    my_keys: "Mine 2-faktor enheder",
    confirm: "Bekræft nødadgang",
    touch: "Brug din hardwarenøgle for at åbne.",
    lasts_for: "Varighed",
    because: "Begrundelse",
    open_title: "Åben nødadgang",
    none: "Du har ingen nødadgang åben.",
    app: "System",
    until: "Åben til",
    close: "Luk nødadgang",
    closed: "Nødadgangen er lukket.",
    close_early: "Du kan lukke den før tid under",
};

pub const EN: Glass = Glass {
    title: "Emergency access",
    offer_lead: "If it is needed now, you can open all the same. You write why, and use your security key.",
    offer: "Emergency access",
    lead: "You do not normally have access here. If it is needed, you can open all the same.",
    minute: "minute",
    minutes: "minutes",
    lasts: "The access lasts",
    lasts_where: "and is good only here, and only for you in this browser.",
    noted: "It is noted that you open, when and why.",
    seen: "Those in charge can see it, and ask you about it.",
    needs_key: "You confirm with your security key.",
    reason: "Why is it needed?",
    reason_hint: "10 to 500 characters. Do not write CPR numbers.",
    submit: "Continue",
    too_short: "Write why it is needed, in at least 10 characters.",
    too_long: "The reason can be at most 500 characters.",
    no_key: "You have no security key",
    no_key_lead: "Emergency access is confirmed with a security key that is registered to you. Contact the service desk.",
    my_keys: "My two-factor devices",
    confirm: "Confirm emergency access",
    touch: "Use your security key to open.",
    lasts_for: "Duration",
    because: "Reason",
    open_title: "Open emergency access",
    none: "You have no emergency access open.",
    app: "System",
    until: "Open until",
    close: "Close emergency access",
    closed: "The emergency access is closed.",
    close_early: "You can close it before its time under",
};
