//! Every page with values that could be real, served to a browser: what is looked at, and what is tested about
//! all pages at once.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use serde_json::json;
use sluse::pages::asset::asset;
use sluse::pages::content_security_policy;
use sluse::pages::text::Lang;
use sluse::pages::view::samples::{NEZ, samples};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::browser::Browser;

/// Serves until dropped.
pub struct Gallery {
    address: SocketAddr,
    sheets: Vec<Sheet>,
    server: JoinHandle<()>,
}

/// One page in one language; shown as `login.da`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    pub name: &'static str,
    pub lang: Lang,
}

/// What a reader's device prefers.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    Light,
    Dark,
    /// Light, and the colours are the reader's own.
    Forced,
}

impl Gallery {
    pub async fn open() -> Self {
        let (mut sheets, mut pages) = (Vec::new(), HashMap::new());
        for lang in Lang::ALL {
            for (name, html) in samples(lang, NEZ) {
                let sheet = Sheet { name, lang };
                sheets.push(sheet);
                pages.insert(sheet.to_string(), html);
            }
        }
        let router = Router::new()
            .route("/.sluse/static/{name}", get(file))
            .route("/assets/{name}", get(file))
            .route("/{page}", get(page))
            // Some pages send a form by themselves: the browser stays where it is.
            .fallback(async || StatusCode::NO_CONTENT)
            .with_state(Arc::new(pages));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback has a free port");
        let address = listener.local_addr().expect("it is bound");
        let server = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { address, sheets, server }
    }

    /// Every page in every language.
    pub fn sheets(&self) -> Vec<Sheet> {
        self.sheets.clone()
    }

    /// Every page once, for what does not depend on the words.
    pub fn danish(&self) -> Vec<Sheet> {
        self.sheets.iter().copied().filter(|sheet| sheet.lang == Lang::Da).collect()
    }

    pub async fn show(&self, browser: &Browser, sheet: Sheet) {
        // By a name of the login host's kind: keys work there.
        browser.open(&format!("http://login.localhost:{}/{sheet}", self.address.port())).await;
    }
}

impl Drop for Gallery {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Sheet {
    pub fn of(name: &'static str) -> Self {
        Self { name, lang: Lang::Da }
    }
}

impl fmt::Display for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.name, self.lang.tag())
    }
}

impl Scheme {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
            Self::Forced => "forced",
        }
    }

    /// From now on `browser` prefers it, on the page that is open too. Nothing moves meanwhile.
    pub async fn put_on(self, browser: &Browser) {
        let (scheme, forced) = match self {
            Self::Light => ("light", "none"),
            Self::Dark => ("dark", "none"),
            Self::Forced => ("light", "active"),
        };
        let feature = |name: &str, value: &str| json!({ "name": name, "value": value });
        let features = [
            feature("prefers-color-scheme", scheme),
            feature("forced-colors", forced),
            feature("prefers-reduced-motion", "reduce"),
        ];
        browser.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }
}

/// As the gateway sends it, where a browser minds.
async fn page(State(pages): State<Arc<HashMap<String, String>>>, Path(name): Path<String>) -> Response {
    let Some(html) = pages.get(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let policy = content_security_policy("https:");
    ([(header::CONTENT_SECURITY_POLICY, policy)], Html(html.clone())).into_response()
}

async fn file(Path(name): Path<String>) -> Response {
    match asset(&name) {
        Some(asset) => ([(header::CONTENT_TYPE, asset.content_type)], asset.bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `make screenshots` names the folder; otherwise there is nothing to do.
#[tokio::test]
async fn pictures_of_every_page() {
    let Some(folder) = std::env::var_os("SLUSE_SCREENSHOTS") else { return };
    let folder = PathBuf::from(folder).join("pages");
    let wanted = std::env::var("SLUSE_PAGES").unwrap_or_default();
    let wanted: Vec<&str> = wanted.split_whitespace().collect();
    let gallery = Gallery::open().await;
    let browser = Browser::start().await;
    browser.devtools("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await;
    let mut sheets = gallery.sheets();
    sheets.retain(|sheet| wanted.is_empty() || wanted.contains(&sheet.name));
    for sheet in &sheets {
        gallery.show(&browser, *sheet).await;
        for (size, width, height, schemes) in SIZES {
            browser.viewport(*width, *height).await;
            for scheme in *schemes {
                scheme.put_on(&browser).await;
                browser.whole_page(folder.join(picture(*sheet, size, *scheme))).await;
            }
        }
    }
    std::fs::write(folder.join("index.html"), contact_sheet(&sheets)).expect("the folder can be written");
}

/// The narrowest that WCAG asks for (1.4.10), and what people hold; what they differ in is seen in some of them.
const SIZES: &[(&str, u32, u32, &[Scheme])] = &[
    ("narrow", 320, 568, &[Scheme::Light]),
    ("phone", 390, 844, &[Scheme::Light, Scheme::Dark, Scheme::Forced]),
    ("tablet", 820, 1180, &[Scheme::Light, Scheme::Dark]),
    ("desktop", 1280, 800, &[Scheme::Light, Scheme::Dark]),
];

fn picture(sheet: Sheet, size: &str, scheme: Scheme) -> String {
    format!("{sheet}.{size}.{}.png", scheme.name())
}

/// All pictures on one page: a row a sheet.
fn contact_sheet(sheets: &[Sheet]) -> String {
    let mut html = String::from(
        "<!doctype html><meta charset=utf-8><title>Sluse: every page</title><style>\
         body { margin: 1rem; font: 1rem system-ui; background: #777; color: #fff }\
         div { display: flex; gap: 1rem; align-items: start; margin: 0 0 2rem }\
         img { display: block; zoom: 0.5 } h2 { position: sticky; top: 0; margin: 0; background: #777 }</style>\n",
    );
    for sheet in sheets {
        html.push_str(&format!("<h2 id=\"{sheet}\">{sheet}</h2>\n"));
        html.push_str("<div>");
        for (size, _, _, schemes) in SIZES {
            for scheme in *schemes {
                let file = picture(*sheet, size, *scheme);
                html.push_str(&format!(
                    "<a href=\"{file}\"><img loading=lazy alt=\"{file}\" src=\"{file}\"></a>"
                ));
            }
        }
        html.push_str("</div>\n");
    }
    html
}
