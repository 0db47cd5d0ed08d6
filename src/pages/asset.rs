//! The files the pages are made with, compiled in.

use std::sync::OnceLock;

/// One file, as served.
#[derive(Copy, Clone, Debug)]
pub struct Asset {
    pub content_type: &'static str,
    pub bytes: &'static [u8],
}

/// The file called `name`, without folder or query.
pub fn asset(name: &str) -> Option<Asset> {
    FILES.iter().find(|file| file.name == name).map(|file| file.asset)
}

/// A file under the name pages refer to it by.
pub struct File {
    name: &'static str,
    asset: Asset,
    version: OnceLock<String>,
}

pub static APP_CSS: File = File::new("app.css", CSS, STYLE.as_bytes());
pub static APP_JS: File = File::new("app.js", JS, include_bytes!("../../pages/app.js"));
pub static WEBAUTHN_JS: File = File::new("webauthn.js", JS, include_bytes!("../../pages/webauthn.js"));
pub static IDLE_JS: File = File::new("idle.js", JS, include_bytes!("../../pages/idle.js"));
pub static LOGO_SVG: File = File::new("logo.svg", SVG, include_bytes!("../../pages/logo.svg"));
pub static WATER_SVG: File = File::new("water.svg", SVG, include_bytes!("../../pages/water.svg"));
pub static CURA_CSS: File = File::new("cura.css", CSS, include_bytes!("../../pages/cura.css"));

static FILES: [&File; 7] = [&APP_CSS, &APP_JS, &WEBAUTHN_JS, &IDLE_JS, &LOGO_SVG, &WATER_SVG, &CURA_CSS];

/// Two files to write in, one to fetch. What adapts the rest comes last.
const STYLE: &str = concat!(include_str!("../../pages/app.css"), include_str!("../../pages/adapt.css"));

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

impl File {
    const fn new(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Self {
        Self { name, asset: Asset { content_type, bytes }, version: OnceLock::new() }
    }

    pub const fn asset(&self) -> Asset {
        self.asset
    }

    /// The first 64 bits of the content's hash, in hex: a changed file has a new address, so that a browser
    /// may keep the old one for good.
    pub fn version(&self) -> &str {
        self.version.get_or_init(|| blake3::hash(self.asset.bytes).to_hex()[..16].to_owned())
    }

    /// Its address, on every host of the gateway.
    pub fn url(&self) -> String {
        self.url_under("/.sluse/static")
    }

    /// Its address below `folder`, which begins with `/` and does not end with one.
    pub fn url_under(&self, folder: &str) -> String {
        format!("{folder}/{}?v={}", self.name, self.version())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_answers_to_its_name_alone() {
        assert_eq!(asset("app.css").unwrap().content_type, "text/css; charset=utf-8");
        for name in ["", "app.css?v=1", "../app.css", "/app.css", "APP.CSS"] {
            assert!(asset(name).is_none(), "{name:?}");
        }
    }

    #[test]
    fn an_address_holds_the_content_hash() {
        let hash = blake3::hash(asset("app.js").unwrap().bytes).to_hex();
        assert_eq!(APP_JS.url(), format!("/.sluse/static/app.js?v={}", &hash[..16]));
        assert_ne!(APP_JS.version(), WEBAUTHN_JS.version());
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        for file in FILES {
            let text = std::str::from_utf8(file.asset.bytes).unwrap();
            let text = text.replace("http://www.w3.org/2000/svg", "");
            assert!(!text.contains("//") || !text.contains("http"), "{}", file.name);
            assert!(!text.contains("@import"), "{}", file.name);
        }
    }
}
