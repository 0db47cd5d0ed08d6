//! What every page has around it.

use std::sync::Arc;

use form_urlencoded::Serializer;

use crate::pages::appearance::Appearance;
use crate::pages::asset::{APP_CSS, APP_JS, IDLE_JS, LOGO_SVG, WEBAUTHN_JS};
use crate::pages::text::{Lang, Texts};

/// The frame of a page.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    pub lang: Lang,
    /// Where the pages do not look as ours do.
    pub appearance: Option<Arc<Appearance>>,
    /// The same page in the other language: path and query. Empty where there is no other.
    pub switch_url: String,
    /// The device is one that many people use: *Skift bruger* is on every page.
    pub shared: bool,
    /// The name of the person logged in.
    pub user: Option<String>,
    /// Where *Log ud* posts to, on the host that shows the page.
    pub log_out: &'static str,
    /// The login host's front page.
    pub home: String,
    /// Whose gateway this is: the municipality's name, beside ours.
    pub organisation: Option<String>,
    /// A notice to everybody, such as that MitID is down.
    pub banner: Option<String>,
    pub links: FooterLinks,
    /// The correlation code, shown where something was refused or failed.
    pub code: Option<String>,
}

impl Frame {
    pub fn t(&self) -> &Texts {
        self.appearance.as_ref().map_or(self.lang.texts(), |appearance| appearance.texts(self.lang))
    }

    pub(super) fn stylesheet(&self) -> String {
        APP_CSS.url()
    }

    pub(super) fn script(&self) -> String {
        APP_JS.url()
    }

    pub(super) fn idle_script(&self) -> String {
        IDLE_JS.url()
    }

    pub(super) fn webauthn_script(&self) -> String {
        WEBAUTHN_JS.url()
    }

    /// The installation's own colours, to follow [`Self::stylesheet`].
    pub(super) fn colours(&self) -> Option<String> {
        Some(self.appearance.as_ref()?.stylesheet()?.url())
    }

    pub(super) fn logo(&self) -> Logo {
        match self.appearance.as_ref().and_then(|appearance| appearance.logo()) {
            Some(logo) => Logo { url: logo.url(), content_type: logo.content_type, is_ours: false },
            None => Logo { url: LOGO_SVG.url(), content_type: "image/svg+xml", is_ours: true },
        }
    }
}

/// The image in the corner, and of the tab.
pub(super) struct Logo {
    pub url: String,
    pub content_type: &'static str,
    /// As high as it is wide.
    pub is_ours: bool,
}

/// The addresses of the pages a public body must link to.
#[derive(Clone, Debug, Default)]
pub struct FooterLinks {
    pub accessibility: Option<String>,
    pub privacy: Option<String>,
    pub terms: Option<String>,
}

impl FooterLinks {
    pub fn any(&self) -> bool {
        self.accessibility.is_some() || self.privacy.is_some() || self.terms.is_some()
    }
}

/// An app as a link.
#[derive(Clone, Debug)]
pub struct App {
    pub title: String,
    pub url: String,
}

/// Where a person was going, carried from page to page in each form's hidden fields and each link's query.
/// An empty value is left out.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Continue {
    /// The return target, absolute.
    pub to: String,
    /// What the target asked for.
    pub ask: String,
    /// The HTTP method of the request that led here.
    pub method: String,
    /// What names that request, where it was parked.
    pub parked: String,
}

impl Continue {
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let Self { to, ask, method, parked } = self;
        [("to", to.as_str()), ("ask", ask), ("method", method), ("parked", parked)]
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
    }

    /// `path`, which may have a query already, with these fields in its query.
    pub fn link(&self, path: &str) -> String {
        let mut query = Serializer::new(String::new());
        query.extend_pairs(self.fields());
        let query = query.finish();
        match (query.is_empty(), path.contains('?')) {
            (true, _) => path.to_owned(),
            (false, false) => format!("{path}?{query}"),
            (false, true) => format!("{path}&{query}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_carry_the_target_encoded() {
        let next = Continue {
            to: "https://a.example/x?y=1&z=æ".into(),
            method: "POST".into(),
            ..Continue::default()
        };
        assert_eq!(
            next.link("/login"),
            "/login?to=https%3A%2F%2Fa.example%2Fx%3Fy%3D1%26z%3D%C3%A6&method=POST"
        );
        assert!(next.link("/login?tab=mitid").starts_with("/login?tab=mitid&to="));
        assert_eq!(Continue::default().link("/login"), "/login");
    }
}
