//! *Nødadgang*.

use std::time::Duration;

use super::{Sample, render};
use crate::pages::view::{
    CeremonyData, Denial, Denied, Glass, GlassBreak, GlassNoKey, GlassTouch, PaneRow, ReasonError,
};
use crate::time::Timestamp;

const HALF_AN_HOUR: Duration = Duration::from_secs(30 * 60);

impl Sample<'_> {
    pub(super) fn glass(&self) -> Vec<(&'static str, String)> {
        let asked = |reason: &str, error| GlassBreak {
            frame: self.known(),
            next: self.next(),
            app: "Cura".into(),
            text: None,
            lasts: HALF_AN_HOUR,
            reason: reason.into(),
            error,
        };
        let touch = GlassTouch {
            frame: self.known(),
            next: self.next(),
            ceremony: CeremonyData {
                id: "c".into(),
                options: "{}".into(),
                allowed: vec!["https://cura.kommune.example".into()],
            },
            app: "Cura".into(),
            lasts: HALF_AN_HOUR,
            reason: self.words.policy.into(),
        };
        let row =
            |id: &str, app| PaneRow { id: id.into(), app, until: Timestamp::from_seconds(1_795_340_000) };
        let glass = |panes, closed| render(&Glass { frame: self.known(), panes, closed });
        let [one, two] = [row("1", self.cura_app()), row("2", self.apps().remove(1))];
        let denied = Denied {
            frame: self.coded(self.known()),
            app: Some("Cura".into()),
            because: Denial::Groups,
            say: None,
            break_glass: Some("https://login.kommune.example/glass/break".into()),
            next: self.next(),
        };
        vec![
            ("denied-glass", render(&denied)),
            ("glass-break", render(&asked("", None))),
            (
                "glass-break-text",
                render(&GlassBreak { text: Some(self.words.policy.into()), ..asked("", None) }),
            ),
            ("glass-break-short", render(&asked("Haster", Some(ReasonError::TooShort)))),
            ("glass-break-long", render(&asked(&self.words.policy.repeat(20), Some(ReasonError::TooLong)))),
            ("glass-no-key", render(&GlassNoKey { frame: self.known() })),
            ("glass-touch", render(&touch)),
            ("glass", glass(vec![one, two], false)),
            ("glass-none", glass(vec![], true)),
        ]
    }
}
