//! The demo's stand-in for a care system: it shows what an app behind the gateway is told.

use askama::Template;

use crate::pages::asset::CURA_CSS;
use crate::pages::text::{Lang, Texts};

/// Any page of the stand-in; which one, its path says. It refers to `/assets/cura.css`, which the stand-in
/// serves itself, and to the gateway's `/.sluse/logout`.
#[derive(Template)]
#[template(path = "cura.html")]
pub struct Cura {
    pub lang: Lang,
    /// From `X-Sluse-User`.
    pub username: String,
    /// Shown beside the user name, if the app knows it.
    pub name: Option<String>,
    /// From `X-Sluse-Groups`.
    pub groups: Vec<String>,
    /// From `X-Sluse-Level`.
    pub level: String,
    pub method: String,
    /// With the query, as received.
    pub path: String,
}

#[derive(Debug, Eq, PartialEq)]
enum Screen<'a> {
    Home,
    /// A citizen's medication, and whether some was just recorded.
    Medication {
        citizen: &'a str,
        given: bool,
    },
    Export {
        citizen: &'a str,
    },
    Other,
}

impl Cura {
    fn t(&self) -> &'static Texts {
        self.lang.texts()
    }

    fn screen(&self) -> Screen<'_> {
        let path = self.path.split(['?', '#']).next().unwrap_or_default();
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        match segments[..] {
            [] | ["home"] => Screen::Home,
            ["medication", citizen] => Screen::Medication { citizen, given: self.method == "POST" },
            ["citizens", citizen, "export"] => Screen::Export { citizen },
            _ => Screen::Other,
        }
    }

    fn title(&self) -> &'static str {
        let t = &self.t().cura;
        match self.screen() {
            Screen::Home => t.today,
            Screen::Medication { .. } => t.medication_title,
            Screen::Export { .. } => t.export_title,
            Screen::Other => t.other_title,
        }
    }

    /// `page` marks the link to the page one is on.
    fn is_at(&self, page: &str) -> bool {
        match self.screen() {
            Screen::Home => page == "home",
            Screen::Medication { .. } => page == "medication",
            Screen::Export { .. } => page == "export",
            Screen::Other => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_says_which_page() {
        let cura = |method: &str, path: &str| Cura {
            lang: Lang::Da,
            username: "nez".into(),
            name: None,
            groups: vec![],
            level: "strong".into(),
            method: method.into(),
            path: path.into(),
        };
        assert_eq!(cura("GET", "/?a=1").screen(), Screen::Home);
        assert_eq!(cura("GET", "/medication/7").screen(), Screen::Medication { citizen: "7", given: false });
        assert_eq!(cura("POST", "/medication/7").screen(), Screen::Medication { citizen: "7", given: true });
        assert_eq!(cura("GET", "/citizens/1/export").screen(), Screen::Export { citizen: "1" });
        assert_eq!(cura("GET", "/admin").screen(), Screen::Other);
    }
}
