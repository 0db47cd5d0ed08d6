//! The keys of `sluse.yaml`.

use super::desk::{DUTIES, PROOFS};
use super::methods::LEVELS;
use super::read::LANGUAGES;
use crate::authn::mitid::{Algorithm, Preset};
use crate::policy::shape::Kind::{Either, Flag, Form, Map, Named, OneOrMore, Text, Words};
use crate::policy::shape::{DURATION, Kind, Shape, optional, required, words};

const ADDRESS: Kind = Form(":[0-9]+$");
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
        optional(
            "roles",
            Map(&ROLES),
            "Who may do what for other people, by group; where it is not said, nobody.",
        ),
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
        optional(
            "directories",
            Named(&Map(&DIRECTORY)),
            "Where people come from, beside local accounts: LDAP and AD, by a name.",
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
        optional("claims", Named(&Text), "Claims by name, each from an attribute."),
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
        optional("password", Map(&PASSWORD), "Passwords: `{}`."),
        optional("key", Map(&KEY), "Security keys."),
        optional("mitid", Map(&MITID), "MitID by way of a broker."),
    ],
};

pub(super) static PASSWORD: Shape = Shape { name: "password", keys: &[] };

pub(super) static KEY: Shape = Shape {
    name: "key",
    keys: &[
        required("rp_id", Text, "The login host, or a parent domain; changing it makes all keys useless."),
        optional("name", Text, "What authenticators show."),
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
