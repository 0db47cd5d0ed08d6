//! A person whose browser is a jar of cookies and whose key is software: the real pages, one request at a
//! time, for tests that look at the requests themselves.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::{Value, json};
use sluse::authn::authenticator::SoftwareAuthenticator;
use sluse::random::SystemRandom;

use crate::broker::{Broker, Person as Account};
use crate::harness::Installation;
use crate::raw::{Reply, exchange, exchange_if_alive};

/// The session's cookie, on every host.
pub const SESSION: &str = "__Host-sluse";
/// What binds ceremonies to a browser, at the login host.
pub const BROWSER: &str = "__Host-sluse-browser";
/// What binds a hand-off to a browser, at an app's host.
pub const ASK: &str = "__Host-sluse-ask";

const JSON: [(&str, &str); 2] = [("Content-Type", "application/json"), ("Accept", "application/json")];

pub struct Person {
    gateway: SocketAddr,
    /// By host; every cookie of the gateway's is for one host alone.
    jars: BTreeMap<String, BTreeMap<String, String>>,
    pub key: SoftwareAuthenticator<'static>,
    /// Everything that was in the window so far.
    pub history: Vec<Page>,
}

/// What stands in the window: a reply, and the address that gave it.
#[derive(Clone, Debug)]
pub struct Page {
    pub url: String,
    pub reply: Reply,
}

impl Person {
    /// With an empty jar and an empty key.
    pub fn at(installation: &Installation) -> Self {
        let key = SoftwareAuthenticator::new(&SystemRandom);
        Self { gateway: installation.listen, jars: BTreeMap::new(), key, history: Vec::new() }
    }

    /// With this key in the port.
    pub fn holding(self, key: SoftwareAuthenticator<'static>) -> Self {
        Self { key, ..self }
    }

    /// Signed in at Cura with a password and a key, from no key at all. The account must exist.
    pub async fn let_in(installation: &Installation, account: &Account, password: &str) -> Self {
        let mut person = Self::at(installation);
        let page = person.open(&installation.cura("/")).await;
        let page = person.log_in(&page, account.user, password).await;
        let page = person.register(&page, &installation.invite(account)).await;
        let page = person.go_on(&page).await;
        let page = person.touch(&page).await;
        assert_eq!(page.url, installation.cura("/"), "{:?}", page.reply);
        person
    }

    /// Opens `url` as a browser does, and goes where redirects lead.
    pub async fn open(&mut self, url: &str) -> Page {
        let reply = self.get(url).await;
        self.follow(url, reply).await
    }

    /// Fills the login form of `page` in and sends it.
    pub async fn log_in(&mut self, page: &Page, user: &str, password: &str) -> Page {
        self.submit(page, "/login", &[("username", user), ("password", password)]).await
    }

    /// From *Ingen 2-faktor enheder registreret* to *Registrering gennemført*, on a one-time code.
    pub async fn register(&mut self, page: &Page, code: &str) -> Page {
        let page = self.submit(page, "/code", &[("code", code)]).await;
        let page = self.submit(&page, "/keys/new", &[("name", "Blå nøgle")]).await;
        let response = self.key.register(&page.options(), &origin(&page.url)).expect("the key goes along");
        self.finish(&page, "/keys/finish", &response).await
    }

    /// Presses *Log ind med MitID* on `page` and is `vouched` for at the broker: the address that the browser
    /// is sent back to. Nobody has been there.
    pub async fn callback(&mut self, page: &Page, broker: &Broker, vouched: &Account) -> String {
        let reply = self.post_form(&page.resolve("/mitid"), &page.hidden()).await;
        let to = reply.header("location").unwrap_or_else(|| panic!("not sent to the broker: {reply:?}"));
        broker.vouch(to, vouched).await
    }

    /// Follows the link that leads on from a page that is done.
    pub async fn go_on(&mut self, page: &Page) -> Page {
        let link = page.link_with("/login").unwrap_or_else(|| panic!("no way on: {}", page.reply.text()));
        self.open(&page.resolve(&link)).await
    }

    /// Touches the key for the assertion that `page` asks for.
    pub async fn touch(&mut self, page: &Page) -> Page {
        let response = self.key.assert(&page.options(), &origin(&page.url)).expect("the key goes along");
        self.finish(page, "/key/finish", &response).await
    }

    /// Posts a key's response as `webauthn.js` does, and goes where the answer says.
    pub async fn finish(&mut self, page: &Page, path: &str, response: &str) -> Page {
        let reply = self.post_response(page, path, response).await;
        if reply.status != 200 {
            return Page { url: page.resolve(path), reply };
        }
        let next = reply.json()["next"].as_str().expect("it says where to go").to_owned();
        self.open(&page.resolve(&next)).await
    }

    /// Posts a key's response for the ceremony of `page`, and stays there.
    pub async fn post_response(&mut self, page: &Page, path: &str, response: &str) -> Reply {
        self.post(&page.resolve(path), &JSON, &page.message(response)).await
    }

    /// As [`Self::post_response`], to a gateway that may end at any moment; `None` unless the whole reply came.
    pub async fn post_response_if_alive(&mut self, page: &Page, path: &str, response: &str) -> Option<Reply> {
        self.post_if_alive(&page.resolve(path), &JSON, &page.message(response)).await
    }

    /// Sends a form of `page` to `path` with the page's hidden fields, and goes where redirects lead.
    pub async fn submit(&mut self, page: &Page, path: &str, fields: &[(&str, &str)]) -> Page {
        let reply = self.submit_and_stay(page, path, fields).await;
        self.follow(&page.resolve(path), reply).await
    }

    /// As [`Self::submit`], and no further.
    pub async fn submit_and_stay(&mut self, page: &Page, path: &str, fields: &[(&str, &str)]) -> Reply {
        let mut all = page.hidden();
        all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        self.post_form(&page.resolve(path), &all).await
    }

    /// A navigation to `url`, and no further.
    pub async fn get(&mut self, url: &str) -> Reply {
        self.send("GET", url, &[("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate")], "").await
    }

    /// A form posted by a page of the same origin, and no further.
    pub async fn post_form(&mut self, url: &str, fields: &[(String, String)]) -> Reply {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let headers = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Accept", "text/html"),
            ("Sec-Fetch-Mode", "navigate"),
        ];
        self.post(url, &headers, &body).await
    }

    /// A POST by a page of the same origin.
    pub async fn post(&mut self, url: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let origin = origin(url);
        let own = [("Origin", origin.as_str()), ("Sec-Fetch-Site", "same-origin")];
        self.send("POST", url, &[headers, &own].concat(), body).await
    }

    /// One request with this person's cookies and no headers but these; keeps the cookies that come back.
    pub async fn send(&mut self, method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let reply = exchange(self.gateway, self.written(method, url, headers, body)).await;
        self.keep(url, &reply);
        reply
    }

    /// As [`Self::post`], to a gateway that may end at any moment; `None` unless the whole reply came.
    pub async fn post_if_alive(&mut self, url: &str, headers: &[(&str, &str)], body: &str) -> Option<Reply> {
        let origin = origin(url);
        let headers = [headers, &[("Origin", origin.as_str())]].concat();
        let reply = exchange_if_alive(self.gateway, self.written("POST", url, &headers, body)).await?;
        self.keep(url, &reply);
        Some(reply)
    }

    fn written(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> String {
        let (authority, target) = split(url);
        let mut request = format!("{method} {target} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n");
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(cookies) = self.cookie_line(url) {
            request.push_str(&format!("Cookie: {cookies}\r\n"));
        }
        if method != "GET" {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        format!("{request}\r\n{body}")
    }

    /// Goes on from `reply` to wherever its redirects lead.
    pub async fn follow(&mut self, url: &str, reply: Reply) -> Page {
        let mut page = Page { url: url.to_owned(), reply };
        for _ in 0..10 {
            let Some(location) = page.reply.header("location") else { return page };
            let url = page.resolve(location);
            let reply = self.get(&url).await;
            page = Page { url, reply };
        }
        panic!("redirected without end, at last to {}", page.url);
    }

    /// What the Cookie header says to `url`; `None` if there is nothing to say.
    pub fn cookie_line(&self, url: &str) -> Option<String> {
        let jar = self.jars.get(&host(url))?;
        let pairs: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    pub fn cookie(&self, host: &str, name: &str) -> Option<&str> {
        self.jars.get(host)?.get(name).map(String::as_str)
    }

    /// Puts a cookie into the jar, as somebody would who found it or made it up.
    pub fn plant(&mut self, host: &str, name: &str, value: &str) {
        self.jars.entry(host.to_owned()).or_default().insert(name.to_owned(), value.to_owned());
    }

    pub fn forget(&mut self, host: &str, name: &str) -> Option<String> {
        self.jars.get_mut(host)?.remove(name)
    }

    /// Set-Cookie as a browser treats a `__Host-` cookie: for this host, until told otherwise.
    fn keep(&mut self, url: &str, reply: &Reply) {
        self.history.push(Page { url: url.to_owned(), reply: reply.clone() });
        let jar = self.jars.entry(host(url)).or_default();
        for set in reply.all("set-cookie") {
            let (pair, attributes) = set.split_once(';').unwrap_or((set, ""));
            let (name, value) = pair.split_once('=').expect("a cookie has a name");
            match attributes.contains("Max-Age=0") {
                true => jar.remove(name),
                false => jar.insert(name.to_owned(), value.to_owned()),
            };
        }
    }
}

impl Page {
    /// What `webauthn.js` posts when a key has answered the page's ceremony.
    fn message(&self, response: &str) -> String {
        let response: Value = serde_json::from_str(response).expect("a response is JSON");
        let mut message = json!({ "ceremony": self.attribute("data-ceremony"), "response": response });
        for (name, value) in self.hidden() {
            message[name] = value.into();
        }
        message.to_string()
    }

    /// The hidden fields of its forms: where the person was going. All forms of a page carry the same.
    pub fn hidden(&self) -> Vec<(String, String)> {
        let text = self.reply.text();
        let main = text.split_once("<main").map_or("", |(_, main)| main);
        let inputs = main.split("<input type=\"hidden\" ").skip(1);
        let mut fields = BTreeMap::new();
        for input in inputs {
            let tag = input.split('>').next().unwrap_or_default();
            if let (Some(name), Some(value)) = (value_of(tag, "name"), value_of(tag, "value")) {
                fields.insert(name, value);
            }
        }
        fields.into_iter().collect()
    }

    /// What an attribute of the page's markup says.
    pub fn attribute(&self, name: &str) -> String {
        let text = self.reply.text();
        value_of(&text, name).unwrap_or_else(|| panic!("{} has no {name}: {text}", self.url))
    }

    /// The options of the ceremony it carries, as the authenticator reads them.
    pub fn options(&self) -> String {
        format!("{{\"publicKey\":{}}}", self.attribute("data-options"))
    }

    /// The first link whose address holds `part`.
    pub fn link_with(&self, part: &str) -> Option<String> {
        let text = self.reply.text();
        let main = text.split_once("<main")?.1;
        let links = main.split(" href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        links.map(unescape).find(|link| link.contains(part))
    }

    /// The page's first heading.
    pub fn heading(&self) -> String {
        let text = self.reply.text();
        let heading = text.split_once("<h1>").and_then(|(_, rest)| rest.split_once("</h1>"));
        heading.unwrap_or_else(|| panic!("{} has no heading: {text}", self.url)).0.to_owned()
    }

    /// An address as the page means it.
    pub fn resolve(&self, address: &str) -> String {
        if address.starts_with('/') { format!("{}{address}", origin(&self.url)) } else { address.to_owned() }
    }
}

/// Scheme, host and port.
pub fn origin(url: &str) -> String {
    let (authority, _) = split(url);
    let scheme = url.split("://").next().unwrap_or_default();
    format!("{scheme}://{authority}")
}

fn host(url: &str) -> String {
    let (authority, _) = split(url);
    authority.split(':').next().unwrap_or_default().to_owned()
}

/// Authority and target.
fn split(url: &str) -> (&str, &str) {
    let (_, rest) = url.split_once("://").unwrap_or_else(|| panic!("not an address: {url}"));
    match rest.find('/') {
        Some(slash) => rest.split_at(slash),
        None => (rest, "/"),
    }
}

fn value_of(markup: &str, attribute: &str) -> Option<String> {
    let start = format!("{attribute}=\"");
    let (_, rest) = markup.split_once(&start)?;
    rest.split('"').next().map(unescape)
}

/// The few references that the pages' escaping makes (askama's HTML escaper).
fn unescape(text: &str) -> String {
    let pairs = [("&#34;", "\""), ("&#39;", "'"), ("&#60;", "<"), ("&#62;", ">"), ("&#38;", "&")];
    pairs.iter().fold(text.to_owned(), |text, (reference, character)| text.replace(reference, character))
}

#[tokio::test]
async fn a_person_walks_from_a_code_to_the_app_and_back_with_a_touch() {
    const PASSWORD: &str = "en lang og god sætning";
    let origin = crate::origin::Origin::echo().await;
    let installation = Installation::new(&origin);
    installation.enrol(&crate::broker::NEZ, PASSWORD);
    let _gateway = installation.serve().await;
    let mut first = Person::let_in(&installation, &crate::broker::NEZ, PASSWORD).await;
    first.open(&installation.cura("/one")).await;
    assert_eq!(origin.request("/one").await.header("x-sluse-user").as_deref(), Some("nez"));

    let mut second = Person::at(&installation).holding(first.key);
    let page = second.open(&installation.cura("/two?a=b")).await;
    let page = second.log_in(&page, "nez", PASSWORD).await;
    let page = second.touch(&page).await;
    assert_eq!(page.url, installation.cura("/two?a=b"));
    assert_eq!(origin.request("/two?a=b").await.header("x-sluse-level").as_deref(), Some("strong"));
}
