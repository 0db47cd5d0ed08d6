//! The keys of the files, once: the reader refuses every other, and editors complete these.

use super::matcher::{Device, Protocol};
use super::rule::METHODS;

/// The keys of one kind of map.
#[derive(Debug)]
pub struct Shape {
    pub name: &'static str,
    pub keys: &'static [Key],
}

#[derive(Debug)]
pub struct Key {
    pub name: &'static str,
    pub kind: Kind,
    pub presence: Presence,
    /// What it says, for the editor.
    pub doc: &'static str,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Presence {
    Required,
    Optional,
    /// A key of the language that this version does not support: an error.
    Later,
}

/// What a value may be. The reader knows more; this is what an editor can show.
#[derive(Debug)]
pub enum Kind {
    Text,
    Flag,
    /// Text that a regular expression (ECMA 262) describes.
    Form(&'static str),
    Words(fn() -> Vec<&'static str>),
    /// The number of the language.
    Version,
    OneOrMore(&'static Self),
    Map(&'static Shape),
    /// A map whose keys the administrator chooses.
    Named(&'static Self),
    Either(&'static [Self]),
}

impl Shape {
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

pub const fn required(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key { name, kind, presence: Presence::Required, doc }
}

pub const fn optional(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key { name, kind, presence: Presence::Optional, doc }
}

pub const fn later(name: &'static str, doc: &'static str) -> Key {
    Key { name, kind: Kind::Text, presence: Presence::Later, doc }
}

pub fn words<T>(choices: &[(&'static str, T)]) -> Vec<&'static str> {
    choices.iter().map(|(word, _)| *word).collect()
}

use Kind::{Either, Flag, Form, Map, Named, OneOrMore, Text, Version, Words};

const NAME: Kind = Form("^[a-z][a-z0-9-]{0,63}$");
const HOST: Kind = Form("^(\\*\\.)?[a-z0-9-]+(\\.[a-z0-9-]+)*$");
pub const DURATION: Kind = Form("^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$");
const SIZE: Kind = Form("^[0-9]+(B|KiB|MiB)$");
const PATH: Kind = Form("^/");
const HOURS: Kind =
    Form("^([a-z]{3}[-a-z,]*|([a-z]{3}[-a-z,]* )?[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9])$");
const METHOD: Kind = Words(|| METHODS.to_vec());
const DEVICE: Kind = Words(|| words(&Device::WORDS));
const PROTOCOL: Kind = Words(|| words(&Protocol::WORDS));

/// `present`, or the values that fit.
const VALUES: Kind = OneOrMore(&Text);

pub(super) const PATHS_ALLOW: [(&str, usize); 3] = [("encoded_slash", 0), ("matrix", 1), ("space", 2)];
pub(super) const CASE: [(&str, bool); 2] = [("sensitive", false), ("insensitive", true)];
pub(super) const MODE: [(&str, bool); 2] = [("enforce", false), ("observe", true)];
pub(super) const OVERLAP: [(&str, bool); 1] = [("ok", true)];
pub(super) const REMEMBER: [(&str, bool); 2] = [("never", true), ("allow", false)];

pub static POLICY: Shape = Shape {
    name: "policy",
    keys: &[
        required("version", Version, "The version of the policy language."),
        required("app", NAME, "The app's name in logs, metrics and headers."),
        optional("title", Map(&WORDS), "The app's name on pages."),
        required("hosts", OneOrMore(&HOST), "The hosts of the app: exact, or `*.x` for one label."),
        required("upstream", Form("^https?://[^/]+/?$"), "Where requests go: scheme, host and port."),
        optional("paths", Map(&PATHS), "What paths the upstream needs beyond the usual."),
        optional(
            "mode",
            Words(|| words(&MODE)),
            "`observe`: decide and tell, but let what was live before decide.",
        ),
        optional(
            "floor",
            OneOrMore(&Map(&FLOOR)),
            "Added to the deciding rule wherever the match fits; floors only tighten.",
        ),
        optional("deny", OneOrMore(&Map(&DENY)), "Checked before any rule, all of them."),
        required(
            "rules",
            OneOrMore(&Map(&RULE)),
            "From top to bottom, the first match decides; what none matches is denied.",
        ),
        optional(
            "tests",
            OneOrMore(&Map(&TEST)),
            "Run at every check and every reload; one failure keeps the old policy live.",
        ),
    ],
};

pub(super) static WORDS: Shape =
    Shape { name: "words", keys: &[required("da", Text, "In Danish."), required("en", Text, "In English.")] };

pub(super) static PATHS: Shape = Shape {
    name: "paths",
    keys: &[
        optional("allow", OneOrMore(&Words(|| words(&PATHS_ALLOW))), "Spellings that are refused otherwise."),
        optional("case", Words(|| words(&CASE)), "`insensitive` where the upstream ignores case."),
    ],
};

pub(super) static FLOOR: Shape = Shape {
    name: "floor",
    keys: &[
        optional("match", Map(&MATCH), "The requests it is added to; without it, all."),
        optional("require", Map(&REQUIRE), "What is asked of the person."),
        optional("session", Map(&SESSION), "How long a session lives here."),
    ],
};

pub(super) static DENY: Shape = Shape {
    name: "deny",
    keys: &[
        required("name", NAME, "The code of the denial."),
        required("match", Map(&MATCH), "The requests that are denied, whoever asks."),
        optional("say", Map(&WORDS), "What the person is told."),
    ],
};

pub(super) static RULE: Shape = Shape {
    name: "rule",
    keys: &[
        required("name", NAME, "The rule's name in logs, metrics and tests."),
        required("match", Map(&MATCH), "The requests it decides on: facts of the request only."),
        optional("public", Flag, "`true`: open to everybody, past the floors."),
        optional(
            "require",
            Map(&REQUIRE),
            "What is asked of the person. Never falls through to the next rule.",
        ),
        optional("session", Map(&SESSION), "How long a session lives here."),
        optional("on_step_up", Map(&ON_STEP_UP), "When the person is asked for more."),
        optional(
            "break_glass",
            Map(&BREAK_GLASS),
            "Who may enter in an emergency, though not in its groups, on a reason and a key.",
        ),
        optional("say", Map(&WORDS), "What a person is told who is denied."),
        optional(
            "mode",
            Words(|| words(&MODE)),
            "`observe`: decide and tell, but let what was live before decide.",
        ),
        optional(
            "overlap",
            Words(|| words(&OVERLAP)),
            "`ok`: earlier, laxer rules may take some of its requests.",
        ),
    ],
};

pub(super) static MATCH: Shape = Shape {
    name: "match",
    keys: &[
        optional(
            "path",
            OneOrMore(&PATH),
            "`/a/b`, `/a/*/b` (one segment) or `/a/**` (everything below, and `/a`).",
        ),
        optional("not_path", OneOrMore(&PATH), "None of these paths."),
        optional("path_re", OneOrMore(&Text), "A regular expression over the whole path. Prefer `path`."),
        optional("not_path_re", OneOrMore(&Text), "No path that fits one of these."),
        optional("method", OneOrMore(&METHOD), "One of these methods."),
        optional("not_method", OneOrMore(&METHOD), "None of these methods."),
        optional("header", Named(&VALUES), "Each header has one of its values, or is `present`."),
        optional("not_header", Named(&VALUES), "No header has one of these values, or is `present`."),
        optional(
            "query",
            Named(&VALUES),
            "Each parameter of the query has one of its values, or is `present`.",
        ),
        optional(
            "not_query",
            Named(&VALUES),
            "No parameter of the query has one of these values, or is `present`.",
        ),
        optional("network", OneOrMore(&Text), "From one of these networks of sluse.yaml."),
        optional("not_network", OneOrMore(&Text), "From none of these networks."),
        optional("time", OneOrMore(&HOURS), "Days and hours: `mon-fri 07:00-16:00`."),
        optional("not_time", OneOrMore(&HOURS), "Outside these days and hours."),
        optional("device", DEVICE, "Whose device it is."),
        optional("not_device", DEVICE, "Whose device it is not."),
        optional("protocol", OneOrMore(&PROTOCOL), "One of these protocols."),
        optional("not_protocol", OneOrMore(&PROTOCOL), "None of these protocols."),
    ],
};

pub(super) static REQUIRE: Shape = Shape {
    name: "require",
    keys: &[
        optional("level", Text, "A level of sluse.yaml, or an expression: `password + (key | mitid)`."),
        optional("groups", OneOrMore(&Text), "One of these groups."),
        optional("all_groups", OneOrMore(&Text), "Each of these groups."),
        optional("users", OneOrMore(&Text), "One of these people."),
        optional("claims", Named(&OneOrMore(&Text)), "Of each claim, one of its values."),
        optional("max_age", DURATION, "How old the oldest proof of the level may be."),
        optional(
            "fresh",
            Either(&[DURATION, Words(|| vec!["once"])]),
            "How old the last method of the level may be; `once`: for this very request.",
        ),
    ],
};

pub(super) static SESSION: Shape = Shape {
    name: "session",
    keys: &[
        optional("idle", DURATION, "It ends after this long without activity."),
        optional("absolute", DURATION, "It ends this long after the login."),
        optional("remember", Words(|| words(&REMEMBER)), "`never`: the browser keeps no user name."),
        optional("not_activity", OneOrMore(&PATH), "Paths whose requests do not keep it alive."),
    ],
};

pub(super) static ON_STEP_UP: Shape = Shape {
    name: "on_step_up",
    keys: &[
        optional("text", Map(&WORDS), "What the person is told it is for."),
        optional("park_body", SIZE, "The largest body that is kept until it is done: `256KiB`."),
    ],
};

pub(super) static BREAK_GLASS: Shape = Shape {
    name: "break_glass",
    keys: &[
        required("groups", OneOrMore(&Text), "Who may: people in one of these groups."),
        optional("for", DURATION, "How long it lasts: 30m where it is not said, at most 4h."),
        optional("text", Map(&WORDS), "What the person is told it is for."),
    ],
};

pub(super) static TEST: Shape = Shape {
    name: "test",
    keys: &[
        required("as", Either(&[Words(|| vec!["anonymous"]), Map(&WHO)]), "Who asks."),
        required("do", Text, "Method and path: `POST /medication/7`."),
        optional("from", Text, "A network's name, `internet` or an address."),
        optional("device", DEVICE, "Whose device it is; personal where it is not said."),
        optional("protocol", PROTOCOL, "http where it is not said."),
        optional("header", Named(&Text), "Headers of the request."),
        optional(
            "at",
            Form("^[a-z]{3} [0-2][0-9]:[0-5][0-9]$"),
            "When: `mon 09:30`; `fri 09:00` where it is not said.",
        ),
        optional("approved", Flag, "`true`: this very request was approved, for `fresh: once`."),
        required(
            "expect",
            Form("^(allow|login|step_up|deny|break_glass|refuse)( .+)?$"),
            "`allow RULE`, `login LEVEL`, `step_up METHOD`, `deny CODE`, `break_glass RULE` or `refuse CODE`.",
        ),
    ],
};

pub(super) static WHO: Shape = Shape {
    name: "who",
    keys: &[
        optional("user", Text, "The user name."),
        optional("groups", OneOrMore(&Text), "The groups the person is in."),
        optional("claims", Named(&OneOrMore(&Text)), "The person's claims."),
        optional("broken_glass", NAME, "The rule whose glass the person has just broken."),
        required("proofs", Map(&PROOFS), "What is proven, and how long ago."),
    ],
};

pub(super) static PROOFS: Shape = Shape {
    name: "proofs",
    keys: &[
        optional("password", Text, "Its age: `2h`."),
        optional("key", Text, "Its age, and `pin` where the key verified its user: `4m pin`."),
        optional("mitid", Text, "Its age, and its level where it is not substantial: `4m high`."),
    ],
};
