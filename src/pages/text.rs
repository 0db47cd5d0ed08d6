//! What the pages say, in Danish and English.
//!
//! Every text is a field, so a language that lacks one does not compile.

/// A struct whose fields are all texts.
macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident { $($field:ident)* })*) => { $(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name { $(pub $field: &'static str,)* }

        impl $name {
            pub(super) fn by_name(&mut self) -> Vec<(&'static str, &mut &'static str)> {
                vec![$((stringify!($field), &mut self.$field)),*]
            }
        }
    )* };
}

/// [`Texts`], whose fields are structs of texts.
macro_rules! topics {
    ($(#[$doc:meta])* pub struct $name:ident {
        pub months: $months:ty,
        $(pub $topic:ident: $texts:ty,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name {
            pub months: $months,
            $(pub $topic: $texts,)*
        }

        impl $name {
            /// Every text by its path, such as `login.title`.
            pub fn by_path(&mut self) -> Vec<(String, &mut &'static str)> {
                let mut all = Vec::new();
                $(for (name, text) in self.$topic.by_name() {
                    all.push((format!("{}.{name}", stringify!($topic)), text));
                })*
                all
            }
        }
    };
}

mod account;
pub mod admin;
pub mod admin_audit;
mod da;
mod en;
mod glass;
mod idle;
mod key_login;
mod lend;
mod password;
mod sessions;
pub mod telling;
mod terms;

use jiff::tz::TimeZone;

pub use da::DA;
pub use en::EN;
pub use key_login::KeyLogin;
pub use password::Password;
pub use sessions::Sessions;
pub use terms::Terms;

use crate::time::Timestamp;

/// A language the pages speak.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq, Hash)]
pub enum Lang {
    #[default]
    Da,
    En,
}

impl Lang {
    pub const ALL: [Self; 2] = [Self::Da, Self::En];

    /// The language tag (BCP 47), also the value of the cookie and of `?lang=`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Da => "da",
            Self::En => "en",
        }
    }

    /// The language with exactly this tag.
    pub fn parse(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| lang.tag() == tag)
    }

    /// The language of a visitor, of those `offered`: what they chose, else what their browser asks for, else
    /// the first.
    pub fn of_visitor(chosen: Option<&str>, accept_language: Option<&str>, offered: &[Self]) -> Self {
        let chosen = chosen.and_then(Self::parse).filter(|lang| offered.contains(lang));
        let accepted = || accept_language.and_then(Self::accepted).filter(|lang| offered.contains(lang));
        chosen.or_else(accepted).or(offered.first().copied()).unwrap_or_default()
    }

    /// The best language of an `Accept-Language` header (RFC 9110, section 12.5.4). Of equally wanted ones the
    /// first named wins.
    fn accepted(header: &str) -> Option<Self> {
        let mut best = None;
        for (lang, weight) in header.split(',').filter_map(language_range) {
            if weight > 0.0 && best.is_none_or(|(_, heaviest)| weight > heaviest) {
                best = Some((lang, weight));
            }
        }
        best.map(|(lang, _)| lang)
    }

    /// The one to switch to.
    pub const fn other(self) -> Self {
        match self {
            Self::Da => Self::En,
            Self::En => Self::Da,
        }
    }

    pub const fn texts(self) -> &'static Texts {
        match self {
            Self::Da => &DA,
            Self::En => &EN,
        }
    }
}

/// `en-GB;q=0.8` is English at 0.8. A weight that is no number counts as none at all.
fn language_range(range: &str) -> Option<(Lang, f32)> {
    let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
    let primary = tag.trim().split('-').next()?.to_ascii_lowercase();
    let lang = Lang::parse(&primary)?;
    let weight = match parameters.trim().split_once('=') {
        None => 1.0,
        Some(("q" | "Q", weight)) => weight.trim().parse().ok().filter(|w| (0.0..=1.0).contains(w))?,
        Some(_) => return None,
    };
    Some((lang, weight))
}

/// A moment in Danish time, to the minute: "22. november 2026 kl. 09.54", "22 November 2026, 09:54".
pub fn moment(lang: Lang, at: Timestamp) -> String {
    let Ok(at) = jiff::Timestamp::from_millisecond(at.as_millis()) else {
        return at.to_rfc3339();
    };
    let copenhagen = TimeZone::get("Europe/Copenhagen").expect("the time zones are compiled in");
    let at = at.to_zoned(copenhagen);
    let month = lang.texts().months[usize::from(at.month().unsigned_abs()) - 1];
    let (day, year, hour, minute) = (at.day(), at.year(), at.hour(), at.minute());
    match lang {
        Lang::Da => format!("{day}. {month} {year} kl. {hour:02}.{minute:02}"),
        Lang::En => format!("{day} {month} {year}, {hour:02}:{minute:02}"),
    }
}

/// A moment in Danish time, to the second: for lists.
pub fn second(lang: Lang, at: Timestamp) -> String {
    let shown = crate::date::to_the_second(at);
    match lang {
        Lang::Da => shown.replace(':', "."),
        Lang::En => shown,
    }
}

topics! {
/// All the texts of one language.
pub struct Texts {
    pub months: [&'static str; 12],
    pub common: Common,
    pub front: Front,
    pub login: Login,
    pub no_keys: NoKeys,
    pub lend: lend::Lend,
    pub colleague: lend::Colleague,
    pub papers: lend::Papers,
    pub key_prompt: KeyPrompt,
    pub webauthn: WebAuthn,
    pub me: Me,
    pub key_new: KeyNew,
    pub key_register: KeyRegister,
    pub registered: Registered,
    pub key_rename: KeyRename,
    pub key_delete: KeyDelete,
    pub resume: Resume,
    pub events: Events,
    pub idle: idle::Idle,
    pub device: Device,
    pub denied: Denied,
    pub error: Error,
    pub logged_out: LoggedOut,
    pub mitid: MitId,
    pub help: Help,
    pub cura: Cura,
    pub admin: admin::Admin,
    pub admin_audit: admin_audit::AdminAudit,
    pub admin_events: admin_audit::AdminEvents,
    pub glass: glass::Glass,
    pub account: account::Account,
    pub telling: telling::Telling,
    pub password: password::Password,
    pub sessions: sessions::Sessions,
    pub terms: terms::Terms,
    pub key_login: KeyLogin,
}
}

impl Texts {
    /// Every text by its path, to read.
    pub fn all(&self) -> Vec<(String, &'static str)> {
        self.clone().by_path().into_iter().map(|(path, text)| (path, *text)).collect()
    }
}

texts! {
    /// The frame, and the labels many pages share. Ours has no `banner`: a message to everybody, on every page.
    Common {
        skip signed_in_as log_out other_language reference accessibility privacy terms about
        error_prefix login mitid key my_identity proceed proceed_to cancel try_again front
        required_script low substantial high
        gateway banner
    }
    Front { title lead_out lead_in systems no_systems }
    /// Ours has no `infobox`: a message above the form.
    Login {
        title proceed_to ways account mitid username password show hide remember submit abort forgot mitid_lead
        mitid_hint error wrong locked_title locked locked_for_good throttled overloaded unavailable missing_username missing_password
        infobox
    }
    NoKeys { title lead mitid_lead no_mitid code code_hint submit error wrong locked }
    KeyPrompt { title lead once other_ways lost }
    /// What is said while a key is used: by the script, so each reaches it in an attribute.
    WebAuthn {
        ready waiting finishing done not_allowed already wrong_address unsupported no_webauthn network unknown
        refused code
    }
    Me {
        account name username keys keys_lead none added used never suspect rename delete add systems renamed
        deleted added_notice elsewhere elsewhere_notice primary prefer preferred from safety
        borrowed
    }
    KeyNew { title lead name name_hint example submit error name_length too_many }
    KeyRegister { title named steps_title insert start touch submit }
    Registered { title lead moves_on stay stays spare }
    KeyRename { title lead name submit }
    KeyDelete { title question lead last_title last submit }
    Device { title lead forgets ends switch submit done done_lead refused refused_lead }
    /// *Hændelseslog*: what a person reads of each event.
    Events {
        title lead none password_verified password_wrong password_set disabled enabled invited changed removed
        locked unlocked inactive mitid_verified mitid_refused mitid_bound key_registered key_verified
        key_refused key_suspect key_renamed key_deleted code_refused spare_lent spare_returned
        colleague_vouched papers_seen entered logged_out denied browser_new key_preferred terms_accepted
        glass_broken glass_used glass_closed glass_refused
    }
    Resume { title sending question submit discard approved approved_lead gone gone_lead }
    Denied { title app not_open closed groups person methods account what_to_do ask switch other_systems }
    Error { title bad_request not_found too_large misdirected too_many upstream slow busy unknown what_to_do }
    LoggedOut { title lead shared question }
    MitId {
        aborted aborted_lead wrong_person wrong_person_lead too_low too_low_lead needed returned unknown
        unknown_lead unavailable unavailable_lead expired expired_lead
    }
    Help { title lead mitid_title mitid_lead mitid_then desk_title desk_lead desk_bring key_title key_lead to_login }
    /// The stand-in for a care system, in the demo.
    Cura {
        stand_in stand_in_lead home medication citizen export signed_in_as groups level asked_for no_groups
        today today_lead morning noon evening visit_1 visit_2 visit_3 open planned done medication_title
        medication_lead drug dose time given given_lead give note export_title export_lead back other_title other_lead
    }
}

impl Events {
    /// The words for an event's code; `None` for what is not about the person.
    pub fn of(&self, code: &str) -> Option<&'static str> {
        Some(match code {
            "password-verified" => self.password_verified,
            "password-wrong" => self.password_wrong,
            "password-set" => self.password_set,
            "user-disabled" => self.disabled,
            "user-enabled" => self.enabled,
            "user-invited" => self.invited,
            "user-changed" => self.changed,
            "user-removed" => self.removed,
            "account-locked" => self.locked,
            "account-unlocked" => self.unlocked,
            "account-inactive" => self.inactive,
            "mitid-verified" => self.mitid_verified,
            "mitid-refused" => self.mitid_refused,
            "mitid-bound" => self.mitid_bound,
            "key-registered" => self.key_registered,
            "key-verified" => self.key_verified,
            "key-refused" => self.key_refused,
            "key-suspect" => self.key_suspect,
            "key-renamed" => self.key_renamed,
            "key-deleted" => self.key_deleted,
            "code-refused" => self.code_refused,
            "spare-key-lent" => self.spare_lent,
            "spare-key-returned" => self.spare_returned,
            "colleague-vouched" => self.colleague_vouched,
            "papers-seen" => self.papers_seen,
            "session-handed-off" => self.entered,
            "logged-out" => self.logged_out,
            "request-denied" => self.denied,
            "browser-new" => self.browser_new,
            "key-preferred" => self.key_preferred,
            "terms-accepted" => self.terms_accepted,
            "glass-broken" => self.glass_broken,
            "glass-used" => self.glass_used,
            "glass-closed" => self.glass_closed,
            "glass-refused" => self.glass_refused,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_beats_the_browser_and_danish_is_the_default() {
        let cases = [
            (Some("en"), Some("da"), Lang::En),
            (Some("xx"), Some("en"), Lang::En),
            (None, Some("da;q=0.5, en;q=0.8"), Lang::En),
            (None, Some("da, en"), Lang::Da),
            (None, Some("en-GB,en;q=0.9,da;q=0.8"), Lang::En),
            (None, Some("EN"), Lang::En),
            (None, Some("pl, en ; q=0.3"), Lang::En),
            (None, Some("en;q=0"), Lang::Da),
            (None, Some("en;q=inf, da;q=0.1"), Lang::Da),
            (None, Some("en;q=nonsense"), Lang::Da),
            (None, Some("english"), Lang::Da),
            (None, Some("*"), Lang::Da),
            (None, Some(""), Lang::Da),
            (None, None, Lang::Da),
        ];
        for (chosen, header, expected) in cases {
            assert_eq!(Lang::of_visitor(chosen, header, &Lang::ALL), expected, "{chosen:?} {header:?}");
        }
        assert_eq!(Lang::of_visitor(Some("da"), Some("da"), &[Lang::En]), Lang::En);
        assert_eq!(Lang::of_visitor(None, None, &[Lang::En, Lang::Da]), Lang::En);
    }

    #[test]
    fn moments_in_danish_time() {
        let winter = Timestamp::from_millis(1_795_337_696_007);
        assert_eq!(moment(Lang::Da, winter), "22. november 2026 kl. 09.54");
        assert_eq!(moment(Lang::En, winter), "22 November 2026, 09:54");
        let summer = Timestamp::from_seconds(1_782_860_400);
        assert_eq!(moment(Lang::Da, summer), "1. juli 2026 kl. 01.00");
    }

    #[test]
    fn a_moment_beyond_the_calendar_is_shown_all_the_same() {
        assert_eq!(moment(Lang::Da, Timestamp::from_millis(i64::MAX)), format!("{}ms", i64::MAX));
    }
}
