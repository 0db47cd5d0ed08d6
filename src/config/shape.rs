//! The keys of `sluse.yaml`.

use super::desk::{DUTIES, PROOFS};
use super::house::{LINKS, TERMS, WORDED};
use super::methods::LEVELS;
use super::read::LANGUAGES;
use super::telling;
use crate::authn::mitid::{Algorithm, Preset};
use crate::policy::shape::Kind::{Either, Flag, Form, Map, Named, OneOrMore, Text, Words};
use crate::policy::shape::{DURATION, Kind, Shape, optional, required, words};

fn claimable() -> Vec<&'static str> {
    crate::provisioning::user::CLAIMABLE.map(|(name, _)| name).to_vec()
}

const ADDRESS: Kind = Form(":[0-9]+$");
const WHOLE: Kind = Form("^[0-9]+$");
const RANGE: Kind = Form("^[0-9a-fA-F.:]+/[0-9]+$");

pub static CONFIG: Shape = Shape {
    name: "sluse",
    keys: &[
        required("login", Text, "The address of the login host: `https://login.kommune.example`."),
        required(
            "listen",
            OneOrMore(&Either(&[ADDRESS, Map(&LISTENER)])),
            "Addresses and ports to listen on.",
        ),
        optional("tls", Map(&TLS), "Certificates."),
        optional("admin", ADDRESS, "Where /metrics, /health, /ready and /audit are."),
        required("store", Form("^sqlite:."), "Where people, keys and sessions are kept: `sqlite:PATH`."),
        required("key_file", Text, "The file of the installation's secret."),
        optional("policies", Text, "The folder of the policies; `policies` where it is not said."),
        optional(
            "sessions",
            Map(&SESSIONS),
            "How long proofs and sessions last where no policy says otherwise.",
        ),
        optional("shared_devices", Map(&SHARED_DEVICES), "Devices that many people use."),
        optional("audit", Map(&AUDIT), "What becomes of security events."),
        optional("mail", Map(&MAIL), "How people are told what happens to their account."),
        optional("webhooks", Named(&Map(&WEBHOOK)), "Programs that are told of security events, by a name."),
        optional(
            "roles",
            Map(&ROLES),
            "Who may do what for other people, by group; where it is not said, nobody.",
        ),
        optional("organisation", WORDED, "Whose gateway it is, beside its name on every page."),
        optional("links", Map(&LINKS), "Pages of yours that every page links to."),
        optional("terms", Map(&TERMS), "Terms of use, accepted before anybody goes on to an app."),
        optional("spare_keys", Map(&SPARE_KEYS), "How long units lend their spare keys."),
        optional("papers", Map(&PAPERS), "Keys that are registered on identity papers."),
        optional("desk", Map(&DESK), "What the admin pages ask for."),
        required("methods", Map(&METHODS), "What people prove who they are with."),
        optional(
            "levels",
            Named(&Text),
            "Expressions over methods, the weakest first: `password + (key | mitid)`.",
        ),
        optional("networks", Named(&OneOrMore(&RANGE)), "Address ranges by a name."),
        optional("groups", OneOrMore(&Text), "The groups policies may name; where it is not said, any."),
        optional(
            "trusted_proxies",
            OneOrMore(&RANGE),
            "Whose X-Forwarded-For and PROXY headers are believed.",
        ),
        optional("timezone", Text, "Whose hours policies mean; Europe/Copenhagen where it is not said."),
        optional("languages", OneOrMore(&Words(|| words(&LANGUAGES))), "The first is the default."),
        optional("appearance", Text, "The folder of texts, colours and a logo instead of ours."),
        optional(
            "directories",
            Named(&Map(&DIRECTORY)),
            "Where people come from, beside local accounts: LDAP and AD, by a name.",
        ),
        optional(
            "provisioning",
            Map(&PROVISIONING),
            "Another system that brings people and groups by SCIM 2.0.",
        ),
    ],
};

pub(super) static DIRECTORY: Shape = Shape {
    name: "directory",
    keys: &[
        required(
            "servers",
            OneOrMore(&Form("^ldaps?://.")),
            "`ldaps://HOST`, or `ldap://HOST` for StartTLS.",
        ),
        required("ca", Text, "The roots the servers' certificates end at, in PEM."),
        required("bind_dn", Text, "Who searches."),
        required("password_file", Text, "The file of their password."),
        required("base", Text, "Everybody and every group is under here."),
        required("username", Text, "The attribute of the user name: `sAMAccountName`, `uid`."),
        optional("display_name", Text, "The attribute of the name shown on pages; `displayName`."),
        required("domains", OneOrMore(&Text), "What people write with their name; the first names accounts."),
        optional("default", Flag, "`true`: names without a domain are looked for here."),
        optional("change_password", Text, "The page where people change their password, for those who must."),
        optional("claims", Named(&Text), "Claims by name, each from an attribute."),
    ],
};

pub(super) static PROVISIONING: Shape = Shape {
    name: "provisioning",
    keys: &[
        required("token_file", Text, "The file of the token that opens /scim/v2 on the admin listener."),
        optional("cpr", Text, "The attribute that brings a CPR number: `urn:kommune:scim:2.0:User:cpr`."),
        optional(
            "claims",
            Named(&Words(claimable)),
            "Claims by name, each from an attribute: `{ unit: department }`.",
        ),
    ],
};

pub(super) static LISTENER: Shape = Shape {
    name: "listener",
    keys: &[
        required("address", ADDRESS, "Address and port."),
        optional("tls", Flag, "`true`: https."),
        optional("redirect", Flag, "`true`: every request is sent on to https."),
        optional(
            "proxy_protocol",
            Flag,
            "`true`: only trusted proxies connect, and begin with a PROXY header, version 1 or 2.",
        ),
    ],
};

pub(super) static TLS: Shape = Shape {
    name: "tls",
    keys: &[required(
        "certificates",
        OneOrMore(&Map(&CERTIFICATE)),
        "Chosen by name; the first for the rest.",
    )],
};

pub(super) static CERTIFICATE: Shape = Shape {
    name: "certificate",
    keys: &[required("cert", Text, "The chain, in PEM."), required("key", Text, "Its key, in PEM.")],
};

pub(super) static SESSIONS: Shape = Shape {
    name: "sessions",
    keys: &[
        optional("password", DURATION, "How long a password counts where no `max_age` is stated."),
        optional("strong", DURATION, "How long a key or MitID counts where no `max_age` is stated."),
        optional("idle", DURATION, "A session ends after this long without activity."),
        optional("absolute", DURATION, "A session ends this long after the login."),
        optional("preload", Flag, "`true`: all live sessions are in memory before the first request."),
    ],
};

pub(super) static SHARED_DEVICES: Shape = Shape {
    name: "shared_devices",
    keys: &[
        optional(
            "networks",
            OneOrMore(&RANGE),
            "Every device in these is one, besides those that are marked.",
        ),
        optional(
            "idle",
            DURATION,
            "A session there ends after this long without activity; 3m where it is not said.",
        ),
        optional(
            "absolute",
            DURATION,
            "A session there ends this long after the login; 9h where it is not said.",
        ),
    ],
};

pub(super) static AUDIT: Shape = Shape {
    name: "audit",
    keys: &[
        optional("keep", DURATION, "How long they are kept, a day or more; where it is not said, for good."),
        optional(
            "token_file",
            Text,
            "The file of the token that opens /audit on the admin listener; where it is not said, there is none.",
        ),
        optional(
            "geoip",
            Text,
            "A database of countries in MaxMind's format: one person in two of them within two hours is an alarm.",
        ),
    ],
};

pub(super) static MAIL: Shape = Shape {
    name: "mail",
    keys: &[
        required(
            "server",
            Form("^smtp(s|\\+plain)?://."),
            "`smtps://HOST`; `smtp://HOST` for STARTTLS; `smtp+plain://` only to this machine.",
        ),
        required("from", Text, "Who mails are from: `Sluse <noreply@kommune.example>`."),
        optional("username", Text, "Who we are to the server."),
        optional("password_file", Text, "The file of the password that goes with it."),
        optional("ca", Text, "The roots the server's certificate ends at, in PEM, if not the public ones."),
        optional(
            "phone",
            Text,
            "The service desk's telephone, for people who did not do what they are told of.",
        ),
        optional("alarms", OneOrMore(&Text), "Addresses of those who are told of alarms."),
    ],
};

pub(super) static WEBHOOK: Shape = Shape {
    name: "webhook",
    keys: &[
        required("url", Form("^https?://."), "Where events are posted as JSON: https."),
        required("secret_file", Text, "The file of the secret that signs what is posted."),
        optional("ca", Text, "The roots the server's certificate ends at, in PEM, if not the public ones."),
        optional(
            "events",
            OneOrMore(&Words(|| words(&telling::events()))),
            "The events that are posted; where it is not said, all that are told.",
        ),
    ],
};

pub(super) static ROLES: Shape = Shape {
    name: "roles",
    keys: &[
        optional("administrator", OneOrMore(&Text), "Groups whose people may do everything for others."),
        optional("service_desk", OneOrMore(&Text), "Groups that lock, unlock, revoke, invite and lend."),
        optional("registrant", OneOrMore(&Text), "Groups that register keys for people with papers."),
        optional("unit_lead", OneOrMore(&Text), "Groups that lend a unit's spare keys."),
        optional("auditor", OneOrMore(&Text), "Groups that read everybody's events."),
    ],
};

pub(super) static SPARE_KEYS: Shape = Shape {
    name: "spare_keys",
    keys: &[
        optional("usual", DURATION, "Where nobody says how long; 9h where it is not said."),
        optional("longest", DURATION, "At most a day; 16h where it is not said."),
    ],
};

pub(super) static PAPERS: Shape = Shape {
    name: "papers",
    keys: &[optional(
        "level",
        Words(|| words(&LEVELS)),
        "The level such a key is kept with; `low` where it is not said.",
    )],
};

pub(super) static DESK: Shape = Shape {
    name: "desk",
    keys: &[
        optional(
            "proof",
            OneOrMore(&Words(|| words(&PROOFS))),
            "What must be at most ten minutes old; `key` where it is not said.",
        ),
        optional(
            "four_eyes",
            OneOrMore(&Words(|| words(&DUTIES))),
            "What a second person with the same duty must confirm.",
        ),
        optional("answer_within", DURATION, "How long they have for that; 24h where it is not said."),
    ],
};

pub(super) static METHODS: Shape = Shape {
    name: "methods",
    keys: &[
        optional("password", Map(&PASSWORD), "Passwords; `{}` where nothing is to be said of them."),
        optional("key", Map(&KEY), "Security keys."),
        optional("mitid", Map(&MITID), "MitID by way of a broker."),
    ],
};

pub(super) static PASSWORD: Shape = Shape {
    name: "password",
    keys: &[
        optional(
            "min_length",
            WHOLE,
            "The fewest characters of a new one, 8 or more; 12 where it is not said.",
        ),
        optional("history", WHOLE, "How many of the last ones may not come back; 8 where it is not said."),
        optional("forbidden", OneOrMore(&Text), "Words that no new one contains."),
        optional("directory_change", Text, "The page where people of a directory change theirs."),
    ],
};

pub(super) static KEY: Shape = Shape {
    name: "key",
    keys: &[
        required("rp_id", Text, "The login host, or a parent domain; changing it makes all keys useless."),
        optional("name", Text, "What authenticators show."),
        optional(
            "discoverable",
            Flag,
            "`true`: a login by key alone needs no user name, and new keys are asked to say whose they are.",
        ),
    ],
};

pub(super) static MITID: Shape = Shape {
    name: "mitid",
    keys: &[
        required("preset", Words(|| Preset::ALL.map(Preset::name).to_vec()), "The broker's kind."),
        required("issuer", Text, "As its `.well-known/openid-configuration` has it."),
        required("client_id", Text, "Our name there."),
        optional("client_secret_file", Text, "The file of our secret there."),
        optional("level", Words(|| words(&LEVELS)), "What is asked for, and the least that is accepted."),
        optional(
            "algorithms",
            OneOrMore(&Words(|| Algorithm::names().collect())),
            "Signatures that are accepted.",
        ),
        optional("scopes", OneOrMore(&Text), "Instead of the preset's."),
        optional("params", Named(&Text), "More parameters of the authorization request."),
        optional("claims", Map(&CLAIMS), "Names of claims, where they are not the preset's."),
    ],
};

pub(super) static CLAIMS: Shape = Shape {
    name: "claims",
    keys: &[
        optional("cpr", Text, "The claim that holds the CPR number."),
        optional("level", Text, "The claim that holds the level."),
        optional("levels", Named(&Words(|| words(&LEVELS))), "The broker's words for the levels."),
    ],
};
