//! Chromium, driven over WebDriver (W3C): what a person sees and does, by the words on the page.
//!
//! Everything that looks for something waits for it: a page that is still on its way is not a failure, and
//! nothing is ever done twice.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::harness::free_addresses;
use crate::process::Process;
use crate::wait::{DEADLINE, until};

/// A browser with a fresh profile. Ends, with all it started, when dropped.
pub struct Browser {
    http: reqwest::Client,
    session: String,
    driver: Process,
    /// Removed after the driver has ended: fields are dropped in order.
    _folder: TempDir,
}

impl Browser {
    /// One that prefers Danish.
    pub async fn start() -> Self {
        Self::preferring("da").await
    }

    /// One that prefers `language` (`da`, `en`).
    pub async fn preferring(language: &str) -> Self {
        let folder = TempDir::new().expect("a folder for the browser");
        let capabilities = capabilities(folder.path(), language);
        let mut command = Command::new("chromedriver");
        // What Chromium leaves lying about goes with the profile.
        // A port of its own choosing is first taken for IPv6, and may be somebody else's for IPv4.
        let [address] = free_addresses();
        command.arg(format!("--port={}", address.port())).env("TMPDIR", folder.path());
        let driver = Process::start(command);
        let port: u16 = driver
            .printed("chromedriver's port", |line| {
                line.strip_prefix("ChromeDriver was started successfully on port ")?
                    .trim_end_matches('.')
                    .parse()
                    .ok()
            })
            .await;
        let http = reqwest::Client::builder().no_proxy().timeout(DEADLINE).build().expect("a plain client");
        let session = format!("http://127.0.0.1:{port}/session");
        let mut browser = Self { http, session, driver, _folder: folder };
        let created = browser.post("", capabilities).await;
        let id = created["sessionId"].as_str().expect("a new session has an id");
        browser.session = format!("{}/{id}", browser.session);
        browser
    }

    pub async fn open(&self, url: &str) {
        self.post("url", json!({ "url": url })).await;
    }

    pub async fn url(&self) -> String {
        string(self.read("url").await)
    }

    pub async fn title(&self) -> String {
        string(self.read("title").await)
    }

    /// The page as markup.
    pub async fn source(&self) -> String {
        string(self.read("source").await)
    }

    /// The page as read: visible text only.
    pub async fn text(&self) -> String {
        self.find("body").await.text().await
    }

    /// Waits for the address to be `url`, exactly.
    pub async fn at(&self, url: &str) {
        until(&format!("the address {url}"), async || match self.try_read("url").await? {
            it if it == url => Ok(()),
            it => Err(format!("at {it}")),
        })
        .await;
    }

    /// Waits for `words` to be visible on the page.
    pub async fn shows(&self, words: &str) {
        self.wait_until(
            &format!("the words {words:?}"),
            "return document.body.innerText.includes(arguments[0])",
            words,
        )
        .await;
    }

    /// Waits for the page whose first heading is `text`.
    pub async fn heading(&self, text: &str) {
        const FIRST_HEADING: &str = "return document.querySelector('h1')?.innerText.trim() === arguments[0]";
        self.wait_until(&format!("the page {text:?}"), FIRST_HEADING, text).await;
    }

    /// The first visible element that `selector` (CSS) fits.
    pub async fn find(&self, selector: &str) -> Element<'_> {
        self.element(selector, "return true", "").await
    }

    /// The visible button that reads `text`.
    pub async fn button(&self, text: &str) -> Element<'_> {
        self.element("button, input[type=submit], [role=button]", READS, text).await
    }

    /// The visible button with `part` somewhere in what it reads.
    pub async fn button_with(&self, part: &str) -> Element<'_> {
        self.element("button, input[type=submit], [role=button]", READS_PART, part).await
    }

    /// The visible link that reads `text`.
    pub async fn link(&self, text: &str) -> Element<'_> {
        self.element("a[href]", READS, text).await
    }

    /// The visible button or link that reads `text`, for where the one or the other is a matter of looks.
    pub async fn action(&self, text: &str) -> Element<'_> {
        self.element("button, a[href], input[type=submit], [role=button], [role=tab], summary", READS, text)
            .await
    }

    /// The control whose label reads `label`.
    pub async fn field(&self, label: &str) -> Element<'_> {
        const LABELLED: &str = "
            const reads = (it) => it.textContent.trim().replace(/\\s+/g, ' ') === wanted;
            return [...(it.labels ?? [])].some(reads) || it.getAttribute('aria-label') === wanted;";
        self.element("input, select, textarea", LABELLED, label).await
    }

    /// Runs `script` (a function's body) with `arguments`, and gives what it returns.
    pub async fn execute(&self, script: &str, arguments: Value) -> Value {
        self.post("execute/sync", json!({ "script": script, "args": arguments })).await
    }

    /// Runs `script`, which hands its result to its last argument, a function.
    pub async fn execute_async(&self, script: &str, arguments: Value) -> Value {
        self.post("execute/async", json!({ "script": script, "args": arguments })).await
    }

    /// Polls `script`, given `argument`, until it returns true.
    pub async fn wait_until(&self, what: &str, script: &str, argument: &str) {
        let body = json!({ "script": script, "args": [argument] });
        until(what, async || {
            match self.command(reqwest::Method::POST, "execute/sync", Some(&body)).await? {
                Value::Bool(true) => Ok(()),
                _ => Err(self.glance().await),
            }
        })
        .await;
    }

    /// Every cookie of the current page's host, `HttpOnly` ones too.
    pub async fn cookies(&self) -> Vec<Value> {
        self.read("cookie").await.as_array().cloned().unwrap_or_default()
    }

    /// The current page's cookie under `name`, as WebDriver writes it.
    pub async fn cookie(&self, name: &str) -> Option<Value> {
        self.cookies().await.into_iter().find(|cookie| cookie["name"] == name)
    }

    /// Forgets every cookie of the current page's host.
    pub async fn forget_cookies(&self) {
        self.delete("cookie").await;
    }

    pub async fn back(&self) {
        self.post("back", json!({})).await;
    }

    pub async fn reload(&self) {
        self.post("refresh", json!({})).await;
    }

    /// Opens a second tab and looks at it from now on; the handle of the tab left.
    pub async fn new_tab(&self) -> String {
        let left = string(self.read("window").await);
        let tab = self.post("window/new", json!({ "type": "tab" })).await;
        self.switch_to(tab["handle"].as_str().expect("a new tab has a handle")).await;
        left
    }

    pub async fn switch_to(&self, tab: &str) {
        self.post("window", json!({ "handle": tab })).await;
    }

    /// The page's own width and height in CSS pixels, down to a phone's: a window cannot be that narrow.
    pub async fn viewport(&self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// What WebDriver has no word for: a Chrome DevTools Protocol command.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.post("goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    /// Writes what the window shows as a PNG, with the folders that lead there.
    pub async fn screenshot(&self, path: impl AsRef<Path>) {
        write_png(path.as_ref(), &string(self.read("screenshot").await));
    }

    /// As [`Self::screenshot`], with what is further down the page.
    pub async fn whole_page(&self, path: impl AsRef<Path>) {
        let shot = json!({ "format": "png", "captureBeyondViewport": true, "optimizeForSpeed": true });
        let shot = self.devtools("Page.captureScreenshot", shot).await;
        write_png(path.as_ref(), shot["data"].as_str().expect("DevTools sends base64"));
    }

    /// A screenshot under `name`, if somebody asked for them: `make screenshots` names the folder.
    pub async fn picture(&self, name: &str) {
        if let Some(folder) = std::env::var_os("SLUSE_SCREENSHOTS") {
            self.screenshot(Path::new(&folder).join(name).with_extension("png")).await;
        }
    }

    /// A WebDriver command under the session; panics with the driver's words when it fails.
    pub async fn post(&self, path: &str, body: Value) -> Value {
        self.demand(reqwest::Method::POST, path, Some(&body)).await
    }

    /// As [`Self::post`], to read.
    pub async fn read(&self, path: &str) -> Value {
        self.demand(reqwest::Method::GET, path, None).await
    }

    /// As [`Self::post`], to remove.
    pub async fn delete(&self, path: &str) -> Value {
        self.demand(reqwest::Method::DELETE, path, None).await
    }

    /// Waits for the first visible element under `selector` for which `fits` (a function's body: `it` is the
    /// element, `wanted` the argument) returns true.
    async fn element(&self, selector: &str, fits: &str, wanted: &str) -> Element<'_> {
        let script = format!(
            "const [selector, wanted] = arguments;
             const fits = (it) => {{ {fits} }};
             return [...document.querySelectorAll(selector)].find((it) => it.checkVisibility() && fits(it)) ?? null;"
        );
        let body = json!({ "script": script, "args": [selector, wanted] });
        let what = format!("{wanted:?} ({selector})");
        until(&what, async || {
            let found = self.command(reqwest::Method::POST, "execute/sync", Some(&body)).await?;
            match found[ELEMENT].as_str() {
                Some(id) => Ok(Element { browser: self, id: id.to_owned() }),
                None => Err(self.glance().await),
            }
        })
        .await
    }

    async fn try_read(&self, path: &str) -> Result<Value, String> {
        self.command(reqwest::Method::GET, path, None).await
    }

    async fn demand(&self, method: reqwest::Method, path: &str, body: Option<&Value>) -> Value {
        let answer = self.command(method, path, body).await;
        answer.unwrap_or_else(|error| panic!("{path}: {error}\n{}", self.driver.output()))
    }

    async fn command(
        &self,
        method: reqwest::Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, String> {
        let slash = if path.is_empty() { "" } else { "/" };
        let mut request = self.http.request(method, format!("{}{slash}{path}", self.session));
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await.map_err(|error| error.to_string())?;
        let failed = !response.status().is_success();
        let answer = response.bytes().await.map_err(|error| error.to_string())?;
        let mut answer: Value = serde_json::from_slice(&answer).map_err(|error| error.to_string())?;
        let value = answer["value"].take();
        if failed { Err(format!("{}: {}", value["error"], value["message"])) } else { Ok(value) }
    }

    /// Where the browser is and what it shows, for the message of a wait that failed.
    async fn glance(&self) -> String {
        let script = json!({ "script": "return `at ${location}: ${document.body?.innerText}`", "args": [] });
        let seen = self.command(reqwest::Method::POST, "execute/sync", Some(&script)).await;
        seen.map_or_else(|error| error, string)
    }
}

/// One element of the page that was open when it was found.
pub struct Element<'a> {
    browser: &'a Browser,
    id: String,
}

impl Element<'_> {
    /// As a person would: scrolled to, and refused when something covers it.
    pub async fn click(&self) {
        self.browser.post(&self.path("click"), json!({})).await;
    }

    /// Types after what is there.
    pub async fn write(&self, text: &str) {
        self.browser.post(&self.path("value"), json!({ "text": text })).await;
    }

    pub async fn clear(&self) {
        self.browser.post(&self.path("clear"), json!({})).await;
    }

    pub async fn text(&self) -> String {
        string(self.browser.read(&self.path("text")).await)
    }

    /// A live property (`value`, `checked`), unlike what the markup says.
    pub async fn property(&self, name: &str) -> Value {
        self.browser.read(&self.path(&format!("property/{name}"))).await
    }

    pub async fn attribute(&self, name: &str) -> Option<String> {
        self.browser.read(&self.path(&format!("attribute/{name}"))).await.as_str().map(str::to_owned)
    }

    fn path(&self, command: &str) -> String {
        format!("element/{}/{command}", self.id)
    }
}

/// The key under which WebDriver wraps an element's id (W3C WebDriver, section 12.2).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

const READS: &str = "return (it.innerText || it.value || '').trim().replace(/\\s+/g, ' ') === wanted;";
const READS_PART: &str = "return (it.innerText || it.value || '').includes(wanted);";

fn capabilities(folder: &Path, language: &str) -> Value {
    let arguments = [
        "--headless=new",
        // CI runs as root, where Chromium's sandbox does not start. Every page is ours.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--no-proxy-server",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--window-size=1280,900",
    ];
    let own = [format!("--lang={language}"), format!("--user-data-dir={}/profile", folder.display())];
    let arguments: Vec<&str> = arguments.into_iter().chain(own.iter().map(String::as_str)).collect();
    let script_timeout = u64::try_from(Duration::as_millis(&DEADLINE)).expect("a minute fits");
    json!({ "capabilities": { "alwaysMatch": {
        "browserName": "chrome",
        "timeouts": { "script": script_timeout },
        "webauthn:virtualAuthenticators": true,
        "goog:chromeOptions": {
            "args": arguments,
            "prefs": { "intl.accept_languages": language, "credentials_enable_service": false },
        },
    } } })
}

fn write_png(path: &Path, base64: &str) {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).expect("a folder for the screenshot");
    }
    let png = BASE64_STANDARD.decode(base64).expect("it is base64");
    std::fs::write(path, png).expect("the screenshot can be written");
}

fn string(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
