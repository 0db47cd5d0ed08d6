//! What people do with their own accounts.

use askama::Template;

use super::{Continue, Frame, LoginError};
use crate::authn::password::Unfit;
use crate::pages::text::{Texts, moment};
use crate::time::Timestamp;

/// *Skift kodeord*; after MitID, *Vælg nyt kodeord*.
#[derive(Template)]
#[template(path = "password.html")]
pub struct NewPassword {
    pub frame: Frame,
    pub next: Continue,
    pub username: String,
    /// Proven by MitID just now: the current one is not asked for.
    pub proven: bool,
    /// The fewest characters.
    pub minimum: usize,
    pub problems: Vec<PasswordProblem>,
}

/// Why a password was not changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PasswordProblem {
    /// The current one was not accepted.
    Current(LoginError),
    MissingNew,
    /// The new ones are not the same.
    Different,
    Unfit(Unfit),
    /// Somebody else changed it meanwhile.
    Changed,
}

impl PasswordProblem {
    fn words(&self, t: &Texts) -> String {
        let p = &t.password;
        match self {
            Self::Current(LoginError::Wrong) => p.wrong_current.to_owned(),
            Self::Current(LoginError::MissingPassword) => p.missing_current.to_owned(),
            Self::Current(other) => other.words(t).to_owned(),
            Self::MissingNew => p.missing_new.to_owned(),
            Self::Different => p.different.to_owned(),
            Self::Changed => p.changed.to_owned(),
            Self::Unfit(Unfit::TooShort { minimum }) => {
                format!("{} {minimum} {}", p.too_short_from, p.too_short_to)
            }
            Self::Unfit(Unfit::TooLong) => p.too_long.to_owned(),
            Self::Unfit(Unfit::ContainsUsername) => p.username.to_owned(),
            Self::Unfit(Unfit::ContainsName) => p.name.to_owned(),
            Self::Unfit(Unfit::Forbidden(word)) => format!("{} “{word}”.", p.forbidden),
            Self::Unfit(Unfit::Guessable) => p.guessable.to_owned(),
            Self::Unfit(Unfit::Used) => p.used.to_owned(),
        }
    }

    /// The id of the field it is about.
    fn field(&self) -> Option<&'static str> {
        match self {
            Self::Current(LoginError::Wrong | LoginError::MissingPassword) => Some("current"),
            Self::MissingNew | Self::Unfit(_) => Some("new"),
            Self::Different => Some("again"),
            Self::Current(_) | Self::Changed => None,
        }
    }
}

impl NewPassword {
    fn title(&self) -> &'static str {
        let t = &self.frame.t().password;
        if self.proven { t.title_new } else { t.title }
    }

    /// Whether a problem is about this field.
    fn is_wrong(&self, field: &str) -> bool {
        self.problems.iter().any(|problem| problem.field() == Some(field))
    }
}

/// The person's password is a directory's, or they have none.
#[derive(Template)]
#[template(path = "password_elsewhere.html")]
pub struct PasswordElsewhere {
    pub frame: Frame,
    pub next: Continue,
    /// Where it is changed, if the administrator has said.
    pub page: Option<String>,
}

/// *Her er du logget ind*.
#[derive(Template)]
#[template(path = "sessions.html")]
pub struct Sessions {
    pub frame: Frame,
    /// The one that asks first.
    pub rows: Vec<SessionRow>,
    pub ended: bool,
}

pub struct SessionRow {
    pub id: String,
    pub browser: Option<String>,
    pub address: Option<String>,
    pub since: Timestamp,
    pub seen: Timestamp,
    pub shared: bool,
    /// The one that asks.
    pub here: bool,
}

impl Sessions {
    fn moment(&self, at: &Timestamp) -> String {
        moment(self.frame.lang, *at)
    }
}

/// *Vilkår for anvendelse*.
#[derive(Template)]
#[template(path = "terms.html")]
pub struct TermsOfUse {
    pub frame: Frame,
    pub next: Continue,
    pub version: u32,
    pub text: Vec<Block>,
    pub state: Acceptance,
}

/// A part of a plain text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Block {
    Heading(String),
    Paragraph(String),
}

#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Acceptance {
    /// They are to be accepted; `again`: an earlier version was.
    Due {
        again: bool,
    },
    Given(Timestamp),
    /// Somebody reads who is not signed in.
    NotAsked,
}

impl TermsOfUse {
    fn moment(&self, at: &Timestamp) -> String {
        moment(self.frame.lang, *at)
    }
}
