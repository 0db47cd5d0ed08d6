//! *Nødadgang*: what it is and why it is needed, the touch, and what is open.

use std::time::Duration;

use askama::Template;

use super::{CeremonyData, Continue, Frame};
use crate::pages::text::{Texts, moment};
use crate::time::Timestamp;

/// `/glass/break`: a reason is asked for.
#[derive(Template)]
#[template(path = "glass_break.html")]
pub struct GlassBreak {
    pub frame: Frame,
    pub next: Continue,
    /// The app's title.
    pub app: String,
    /// The policy's own words.
    pub text: Option<String>,
    pub lasts: Duration,
    /// As it was typed.
    pub reason: String,
    pub error: Option<ReasonError>,
}

/// Why a reason is none.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum ReasonError {
    TooShort,
    TooLong,
}

impl ReasonError {
    fn words(self, t: &Texts) -> &'static str {
        match self {
            Self::TooShort => t.glass.too_short,
            Self::TooLong => t.glass.too_long,
        }
    }
}

/// Nobody breaks glass without a key.
#[derive(Template)]
#[template(path = "glass_no_key.html")]
pub struct GlassNoKey {
    pub frame: Frame,
}

/// `POST /glass/break`: the touch that confirms it.
#[derive(Template)]
#[template(path = "glass_touch.html")]
pub struct GlassTouch {
    pub frame: Frame,
    pub next: Continue,
    pub ceremony: CeremonyData,
    pub app: String,
    pub lasts: Duration,
    pub reason: String,
}

/// `/glass`: what is open.
#[derive(Template)]
#[template(path = "glass.html")]
pub struct Glass {
    pub frame: Frame,
    pub panes: Vec<PaneRow>,
    /// One was just closed.
    pub closed: bool,
}

pub struct PaneRow {
    pub id: String,
    /// The app's title and front page.
    pub app: super::App,
    pub until: Timestamp,
}

impl Glass {
    fn moment(&self, at: &Timestamp) -> String {
        moment(self.frame.lang, *at)
    }
}

/// `30 minutter`.
fn minutes(lasts: Duration, t: &Texts) -> String {
    match lasts.as_secs() / 60 {
        1 => format!("1 {}", t.glass.minute),
        minutes => format!("{minutes} {}", t.glass.minutes),
    }
}
