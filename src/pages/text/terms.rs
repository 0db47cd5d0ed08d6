//! *Vilkår for anvendelse*.

texts! {
    Terms { lead changed_lead read accept decline accepted version }
}

pub const DA: Terms = Terms {
    lead: "Læs og accepter vilkårene, før du går videre.",
    changed_lead: "Vilkårene er nye, siden du sidst så dem. Læs og accepter dem, før du går videre.",
    read: "Jeg har læst og accepteret vilkårene",
    accept: "Accepter vilkårene",
    decline: "Log ud",
    accepted: "Du accepterede vilkårene",
    version: "Version",
};

pub const EN: Terms = Terms {
    lead: "Read and accept the terms before you go on.",
    changed_lead: "The terms are new since you last saw them. Read and accept them before you go on.",
    read: "I have read and accepted the terms",
    accept: "Accept the terms",
    decline: "Log out",
    accepted: "You accepted the terms",
    version: "Version",
};
