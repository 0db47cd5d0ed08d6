//! Everybody's events.

use askama::Template;
use serde::{Deserialize, Serialize};

use super::Frame;
use super::admin::NavLink;
use crate::pages::text::second;
use crate::time::Timestamp;

/// `/admin/audit`
#[derive(Template)]
#[template(path = "admin_audit.html")]
pub struct AdminAudit {
    pub frame: Frame,
    pub nav: Vec<NavLink>,
    pub filter: AuditFilter,
    /// Codes of events, with words.
    pub kinds: Vec<(&'static str, &'static str)>,
    pub wrong: Option<&'static str>,
    /// How the request with the code looked for was decided.
    pub trace: Option<String>,
    pub rows: Vec<AuditLine>,
    /// Where the next ones are.
    pub older: Option<String>,
}

/// What is looked for, as it was typed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditFilter {
    pub user: String,
    pub by: String,
    pub event: String,
    pub code: String,
    pub address: String,
    pub from: String,
    pub until: String,
}

pub struct AuditLine {
    pub at: Timestamp,
    pub event: String,
    /// The event in words, or its code where there are none.
    pub what: String,
    pub username: Option<String>,
    /// Where the person's page is.
    pub person: Option<String>,
    pub by: Option<String>,
    pub address: Option<String>,
    pub code: String,
    pub detail: String,
}

impl AdminAudit {
    fn chosen(&self, event: &str) -> bool {
        self.filter.event == event
    }

    fn moment(&self, at: &Timestamp) -> String {
        second(self.frame.lang, *at)
    }
}
