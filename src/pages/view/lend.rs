//! The pages on which keys are lent, and people vouched for.

use askama::Template;

use super::{CeremonyData, Continue, Frame};
use crate::authn::MitIdLevel;
use crate::pages::text::{Texts, moment};
use crate::time::Timestamp;

/// `/lend`: *Reservenøgler*.
#[derive(Template)]
#[template(path = "lend.html")]
pub struct Drawer {
    pub frame: Frame,
    /// By unit and name.
    pub keys: Vec<SpareRow>,
    pub notice: Option<LendNotice>,
}

/// A spare key in the list.
pub struct SpareRow {
    /// The credential id in base64url.
    pub id: String,
    pub unit: String,
    pub name: String,
    pub used: Option<Timestamp>,
    pub state: SpareState,
}

pub enum SpareState {
    In,
    Out {
        holder: String,
        username: String,
        until: Timestamp,
    },
    /// Its signature counter went backwards.
    Suspect,
}

/// What was just done.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum LendNotice {
    Added,
    Lent,
    Returned,
    Removed,
}

impl Drawer {
    fn moment(&self, at: &Timestamp) -> String {
        moment(self.frame.lang, *at)
    }

    fn said(&self) -> Option<&'static str> {
        let t = &self.frame.t().lend;
        Some(match self.notice? {
            LendNotice::Added => t.added,
            LendNotice::Lent => t.lent,
            LendNotice::Returned => t.returned,
            LendNotice::Removed => t.removed,
        })
    }

    /// The key at `index` is the first of its unit.
    fn begins_unit(&self, index: &usize) -> bool {
        let unit = |index: usize| self.keys.get(index).map(|key| &key.unit);
        *index == 0 || unit(*index) != unit(*index - 1)
    }
}

/// `/lend/{id}`: *Udlån nøgle*.
#[derive(Template)]
#[template(path = "lend_key.html")]
pub struct LendKey {
    pub frame: Frame,
    pub id: String,
    pub label: String,
    pub username: String,
    /// A time of day: `15:30`.
    pub until: String,
    /// As many at most.
    pub hours: u64,
    pub error: Option<LendError>,
}

/// Why a key was not lent.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum LendError {
    /// Nobody has that user name.
    Unknown,
    /// The account is locked or has expired.
    Closed,
    Oneself,
    Time,
    TooLong,
    Out,
    Suspect,
}

impl LendError {
    fn words(self, t: &Texts) -> &'static str {
        let t = &t.lend;
        match self {
            Self::Unknown => t.unknown,
            Self::Closed => t.closed,
            Self::Oneself => t.oneself,
            Self::Time => t.bad_time,
            Self::TooLong => t.too_long,
            Self::Out => t.is_out,
            Self::Suspect => t.suspect,
        }
    }

    fn is_about_time(self) -> bool {
        matches!(self, Self::Time | Self::TooLong)
    }

    fn is_about_person(self) -> bool {
        matches!(self, Self::Unknown | Self::Closed | Self::Oneself)
    }
}

impl LendKey {
    fn person_is_wrong(&self) -> bool {
        self.error.is_some_and(LendError::is_about_person)
    }

    fn time_is_wrong(&self) -> bool {
        self.error.is_some_and(LendError::is_about_time)
    }
}

/// `/lend/new`: *Registrer reservenøgle*, first half: whose it is, and its name.
#[derive(Template)]
#[template(path = "lend_new.html")]
pub struct SpareNew {
    pub frame: Frame,
    pub unit: String,
    pub name: String,
    /// That have keys already.
    pub units: Vec<String>,
    pub error: Option<SpareNewError>,
}

#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum SpareNewError {
    Unit,
    Name,
    /// The unit has a key of that name.
    Taken,
}

impl SpareNew {
    fn words(&self) -> &'static str {
        let t = self.frame.t();
        match self.error {
            Some(SpareNewError::Taken) => t.lend.taken,
            Some(SpareNewError::Unit | SpareNewError::Name) | None => t.key_new.name_length,
        }
    }

    fn unit_is_wrong(&self) -> bool {
        self.error == Some(SpareNewError::Unit)
    }

    fn name_is_wrong(&self) -> bool {
        matches!(self.error, Some(SpareNewError::Name | SpareNewError::Taken))
    }
}

/// *Registrer reservenøgle*, second half: the touch.
#[derive(Template)]
#[template(path = "lend_register.html")]
pub struct SpareRegister {
    pub frame: Frame,
    pub next: Continue,
    pub ceremony: CeremonyData,
    pub label: String,
}

/// `/lend/{id}/remove`, to be confirmed.
#[derive(Template)]
#[template(path = "lend_remove.html")]
pub struct SpareRemove {
    pub frame: Frame,
    pub id: String,
    pub label: String,
}

/// `/lend/colleague`: *En kollega siger god for dig*.
#[derive(Template)]
#[template(path = "colleague.html")]
pub struct Colleague {
    pub frame: Frame,
    pub next: Continue,
    /// That have a key to lend.
    pub units: Vec<String>,
    pub error: Option<Question>,
}

/// Why nobody could vouch.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Question {
    /// Nobody of that name, or nobody who may: one and the same.
    Refused,
    NoneLeft,
}

impl Question {
    fn words(self, t: &Texts) -> &'static str {
        match self {
            Self::Refused => t.colleague.refused,
            Self::NoneLeft => t.colleague.none_left,
        }
    }
}

/// The two touches: the colleague's own key, then the unit's.
#[derive(Template)]
#[template(path = "colleague_touch.html")]
pub struct ColleagueTouch {
    pub frame: Frame,
    pub next: Continue,
    pub ceremony: CeremonyData,
    /// Until when the unit's key is borrowed; `None` is the colleague's touch.
    pub borrowing: Option<Timestamp>,
}

impl ColleagueTouch {
    fn title(&self) -> &'static str {
        let t = &self.frame.t().colleague;
        if self.borrowing.is_some() { t.spare_title } else { t.touch_title }
    }

    fn finish(&self) -> &'static str {
        if self.borrowing.is_some() { "/lend/colleague/borrow" } else { "/lend/colleague/finish" }
    }

    fn moment(&self, at: &Timestamp) -> String {
        moment(self.frame.lang, *at)
    }
}

/// `/vouch`: *Legitimation*.
#[derive(Template)]
#[template(path = "papers.html")]
pub struct PapersForm {
    pub frame: Frame,
    pub username: String,
    /// One of [`Self::KINDS`].
    pub kind: String,
    pub number: String,
    pub note: String,
    pub error: Option<PapersError>,
}

#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum PapersError {
    Unknown,
    Closed,
    Oneself,
    Kind,
    Number,
    /// Something that looks like a CPR number.
    Cpr,
}

impl PapersForm {
    pub const KINDS: [&'static str; 4] = ["passport", "driving-licence", "residence-permit", "other"];

    fn kinds(&self) -> [(&'static str, &'static str); 4] {
        let t = &self.frame.t().papers;
        let [passport, licence, permit, other] = Self::KINDS;
        [(passport, t.passport), (licence, t.licence), (permit, t.permit), (other, t.other)]
    }

    fn words(&self) -> &'static str {
        let t = self.frame.t();
        match self.error {
            Some(PapersError::Unknown) => t.lend.unknown,
            Some(PapersError::Closed) => t.lend.closed,
            Some(PapersError::Oneself) => t.papers.oneself,
            Some(PapersError::Kind) => t.papers.no_kind,
            Some(PapersError::Cpr) => t.papers.cpr,
            Some(PapersError::Number) | None => t.papers.no_number,
        }
    }

    fn wrong(&self) -> &'static str {
        match self.error {
            Some(PapersError::Unknown | PapersError::Closed | PapersError::Oneself) => "username",
            Some(PapersError::Kind) => "kind",
            Some(PapersError::Number | PapersError::Cpr) => "number",
            None => "",
        }
    }
}

/// The one-time code, shown once.
#[derive(Template)]
#[template(path = "papers_seen.html")]
pub struct PapersSeen {
    pub frame: Frame,
    pub name: String,
    pub username: String,
    pub shown: String,
    pub until: Timestamp,
    pub level: MitIdLevel,
}

impl PapersSeen {
    fn moment(&self) -> String {
        moment(self.frame.lang, self.until)
    }

    fn level(&self) -> &'static str {
        let t = &self.frame.t().common;
        match self.level {
            MitIdLevel::Low => t.low,
            MitIdLevel::Substantial => t.substantial,
            MitIdLevel::High => t.high,
        }
    }
}
