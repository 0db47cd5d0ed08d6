//! Spare keys, colleagues who vouch, identity papers, and accounts that have ended.

texts! {
    Lend {
        title lead add none in_drawer out_to until lend give_back remove added lent returned removed lend_title
        username username_hint until_label until_hint_1 until_hint_2 submit error unknown closed oneself bad_time
        too_long is_out suspect new_title new_lead unit unit_hint name name_hint taken remove_title question
        remove_lead
    }
    Colleague {
        choice choice_lead title lead username unit submit error refused none_left touch_title touch_lead
        not_signed_in spare_title spare_lead spare_until
    }
    Papers {
        title lead username kind choose passport licence permit other number number_hint note note_hint submit
        error oneself no_kind no_number cpr done give until level once again
    }
    Expired { title lead ended what_to_do ask }
}

pub const DA_LEND: Lend = Lend {
    title: "Reservenøgler",
    lead: "Nøgler, som enheden låner ud til vikarer. En udlånt nøgle virker kun til det aftalte klokkeslæt. Bagefter kan den lånes ud igen.",
    add: "Registrer reservenøgle",
    none: "Der er endnu ingen reservenøgler.",
    in_drawer: "I skuffen",
    out_to: "Udlånt til",
    until: "Til",
    lend: "Udlån",
    give_back: "Aflever",
    remove: "Slet",
    added: "Reservenøglen er registreret.",
    lent: "Nøglen er udlånt.",
    returned: "Nøglen er afleveret, og den, der lånte den, er logget ud.",
    removed: "Nøglen er slettet.",
    lend_title: "Udlån nøgle",
    username: "Vikarens brugernavn",
    username_hint: "Nøglen virker kun sammen med vikarens eget kodeord.",
    until_label: "Udlånes til kl.",
    until_hint_1: "Højst",
    until_hint_2: "timer frem. Er klokken allerede mere end det, du skriver, gælder det i morgen.",
    submit: "Udlån",
    error: "Nøglen blev ikke udlånt",
    unknown: "Der er ingen brugerkonto med det brugernavn.",
    closed: "Brugerkontoen er låst eller udløbet.",
    oneself: "Du kan ikke låne en nøgle ud til dig selv.",
    bad_time: "Skriv et klokkeslæt, fx 15.30.",
    too_long: "Så længe kan en nøgle ikke udlånes.",
    is_out: "Nøglen er allerede udlånt.",
    suspect: "Kan være kopieret og kan ikke udlånes. Slet den, og kontakt it-afdelingen.",
    new_title: "Registrer reservenøgle",
    new_lead: "Nøglen bliver enhedens og ikke din. Den kan først bruges, når den er lånt ud.",
    unit: "Enhed",
    unit_hint: "Fx Hjemmepleje Nord.",
    name: "Navn på nøgle",
    name_hint: "Skriv det samme på nøglens mærkat.",
    taken: "Enheden har allerede en nøgle med det navn.",
    remove_title: "Slet reservenøgle",
    question: "Vil du slette",
    remove_lead: "Nøglen kan ikke bruges mere. Er den lånt ud, bliver den, der har lånt den, logget ud.",
};

pub const EN_LEND: Lend = Lend {
    title: "Spare keys",
    lead: "Keys that the unit lends to temps. A key that is lent works until the agreed time only. After that it can be lent again.",
    add: "Register a spare key",
    none: "There are no spare keys yet.",
    in_drawer: "In the drawer",
    out_to: "Lent to",
    until: "Until",
    lend: "Lend",
    give_back: "Take back",
    remove: "Delete",
    added: "The spare key is registered.",
    lent: "The key is lent.",
    returned: "The key is back, and whoever had it is logged out.",
    removed: "The key is deleted.",
    lend_title: "Lend a key",
    username: "The temp's user name",
    username_hint: "The key only works together with the temp's own password.",
    until_label: "Lent until",
    until_hint_1: "At most",
    until_hint_2: "hours ahead. A time that has passed today is tomorrow's.",
    submit: "Lend",
    error: "The key was not lent",
    unknown: "There is no account with that user name.",
    closed: "The account is locked or has expired.",
    oneself: "You cannot lend a key to yourself.",
    bad_time: "Write a time of day, such as 15:30.",
    too_long: "A key cannot be lent for that long.",
    is_out: "The key is lent already.",
    suspect: "It may have been copied and cannot be lent. Delete it, and contact the IT department.",
    new_title: "Register a spare key",
    new_lead: "The key will be the unit's, not yours. It can only be used once it is lent.",
    unit: "Unit",
    unit_hint: "Such as Home Care North.",
    name: "Name of the key",
    name_hint: "Write the same on the key's label.",
    taken: "The unit has a key of that name already.",
    remove_title: "Delete a spare key",
    question: "Do you want to delete",
    remove_lead: "The key cannot be used any more. If it is lent, whoever has it is logged out.",
};

pub const DA_COLLEAGUE: Colleague = Colleague {
    choice: "En kollega siger god for dig",
    choice_lead: "Er du vikar, kan en kollega ved siden af dig låne dig en af enhedens nøgler.",
    title: "En kollega siger god for dig",
    lead: "Lad en kollega, der må låne nøgler ud, skrive sit brugernavn og bruge sin egen nøgle. Bagefter bruger du en af enhedens nøgler.",
    username: "Kollegaens brugernavn",
    unit: "Enhed",
    submit: "Fortsæt",
    error: "Det kan ikke lade sig gøre",
    refused: "Den kollega kan ikke sige god for dig her. Prøv med en anden kollega, eller kontakt servicedesk.",
    none_left: "Enheden har ingen nøgler tilbage i skuffen.",
    touch_title: "Kollegaens nøgle",
    touch_lead: "Kollega: Med din egen nøgle siger du god for",
    not_signed_in: "Du bliver ikke selv logget ind.",
    spare_title: "Lån enhedens nøgle",
    spare_lead: "Sæt en af enhedens nøgler i, og tryk på den. Tag kollegaens nøgle ud først.",
    spare_until: "Du låner den til",
};

pub const EN_COLLEAGUE: Colleague = Colleague {
    choice: "A colleague vouches for you",
    choice_lead: "If you are a temp, a colleague beside you can lend you one of the unit's keys.",
    title: "A colleague vouches for you",
    lead: "Let a colleague who may lend keys write their user name and use their own key. After that you use one of the unit's keys.",
    username: "The colleague's user name",
    unit: "Unit",
    submit: "Continue",
    error: "That is not possible",
    refused: "That colleague cannot vouch for you here. Try another colleague, or contact the service desk.",
    none_left: "The unit has no key left in the drawer.",
    touch_title: "The colleague's key",
    touch_lead: "Colleague: with your own key you vouch for",
    not_signed_in: "You are not logged in yourself.",
    spare_title: "Borrow the unit's key",
    spare_lead: "Insert one of the unit's keys and touch it. Take the colleague's key out first.",
    spare_until: "You borrow it until",
};

pub const DA_PAPERS: Papers = Papers {
    title: "Legitimation",
    lead: "Når du har set legitimation, får du en engangskode, som personen tilføjer sin første hardwarenøgle med.",
    username: "Personens brugernavn",
    kind: "Legitimation",
    choose: "Vælg",
    passport: "Pas",
    licence: "Kørekort",
    permit: "Opholdskort",
    other: "Andet",
    number: "Nummer",
    number_hint: "Kun de sidste fire tegn bliver gemt. Skriv aldrig et CPR-nummer.",
    note: "Bemærkning",
    note_hint: "Kan udelades. Skriv aldrig et CPR-nummer.",
    submit: "Lav engangskode",
    error: "Der blev ikke lavet en kode",
    oneself: "Du kan ikke sige god for dig selv.",
    no_kind: "Vælg, hvilken legitimation du har set.",
    no_number: "Skriv legitimationens nummer, mindst fire tegn.",
    cpr: "Det ligner et CPR-nummer. Det må ikke stå her.",
    done: "Engangskode",
    give: "Giv koden til",
    until: "Gælder til",
    level: "Nøglens sikringsniveau",
    once: "Koden tilføjer én nøgle og bliver ikke vist igen.",
    again: "Næste person",
};

pub const EN_PAPERS: Papers = Papers {
    title: "Identity papers",
    lead: "When you have seen somebody's papers, you get a one-time code with which they add their first security key.",
    username: "The person's user name",
    kind: "Papers",
    choose: "Choose",
    passport: "Passport",
    licence: "Driving licence",
    permit: "Residence permit",
    other: "Other",
    number: "Number",
    number_hint: "Only the last four characters are kept. Never write a CPR number.",
    note: "Note",
    note_hint: "May be left out. Never write a CPR number.",
    submit: "Make a one-time code",
    error: "No code was made",
    oneself: "You cannot vouch for yourself.",
    no_kind: "Choose which papers you have seen.",
    no_number: "Write the number of the papers, four characters at least.",
    cpr: "That looks like a CPR number. It must not stand here.",
    done: "One-time code",
    give: "Give the code to",
    until: "Good until",
    level: "The key's level of assurance",
    once: "The code adds one key and is not shown again.",
    again: "Next person",
};

pub const DA_EXPIRED: Expired = Expired {
    title: "Udløben konto",
    lead: "Dit kodeord er rigtigt, men din brugerkonto er udløbet.",
    ended: "Udløb",
    what_to_do: "Hvad kan du gøre?",
    ask: "Arbejder du her stadig, så bed din leder eller servicedesk om at forlænge brugerkontoen.",
};

pub const EN_EXPIRED: Expired = Expired {
    title: "Expired account",
    lead: "Your password is right, but your account has expired.",
    ended: "Expired",
    what_to_do: "What can you do?",
    ask: "If you still work here, ask your manager or the service desk to extend the account.",
};
