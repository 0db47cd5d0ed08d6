//! The parts themselves: what the other tests lean on must hold without a gateway in between.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::Notify;

use crate::broker::{Broker, CLIENT_ID, CLIENT_ID_ES256, Level, NEZ};
use crate::browser::Browser;
use crate::key::{Key, Touch};
use crate::origin::{Answer, Origin};
use crate::raw::{Connection, exchange};

#[tokio::test]
async fn the_origin_keeps_the_exact_bytes() {
    let origin = Origin::echo().await;
    let request =
        "POST //a/%2e%2e/b?x=1 HTTP/1.1\r\nhost: h\r\nX-One: 1\r\nx-one: 2\r\nContent-Length: 3\r\n\r\nabc";
    let reply = exchange(origin.address, request).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["request_line"], "POST //a/%2e%2e/b?x=1 HTTP/1.1");
    assert_eq!(reply.json()["body"], "abc");
    let seen = origin.request("//a/%2e%2e/b?x=1").await;
    assert_eq!([seen.head.clone(), seen.body.clone()].concat(), request.as_bytes());
    assert_eq!(seen.all("X-ONE"), ["1", "2"]);
}

#[tokio::test]
async fn one_connection_carries_many_requests_and_chunked_bodies() {
    let origin = Origin::echo().await;
    let mut connection = Connection::open(origin.address).await;
    connection.send("POST /1 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\nGET /2 HTTP/1.1\r\n\r\n").await;
    assert_eq!(connection.reply().await.json()["body"], "2\r\nhi\r\n0\r\n\r\n");
    assert_eq!(connection.reply().await.json()["request_line"], "GET /2 HTTP/1.1");
}

#[tokio::test]
async fn the_origin_streams_as_told() {
    let next = Arc::new(Notify::new());
    let told = next.clone();
    let origin = Origin::start(move |_| Answer::Chunks {
        content_type: "text/event-stream",
        parts: vec!["data: one\n\n".into(), "data: two\n\n".into()],
        next: told.clone(),
    })
    .await;
    let mut connection = Connection::open(origin.address).await;
    connection.send("GET /events HTTP/1.1\r\n\r\n").await;
    assert_eq!(connection.head().await.header("content-type"), Some("text/event-stream"));
    assert!(connection.bytes_until(b"\n\n").await.ends_with(b"data: one\n\n"));
    next.notify_one();
    assert!(connection.bytes_until(b"\n\n").await.ends_with(b"data: two\n\n"));
    next.notify_one();
    assert!(connection.bytes_until(b"0\r\n\r\n").await.ends_with(b"0\r\n\r\n"));
}

#[tokio::test]
async fn the_browser_reads_writes_and_prefers_danish() {
    const FORM: &str = r#"<!doctype html><html lang="da"><title>Prøve</title><h1>Login</h1>
        <form action="/done"><label>Brugernavn <input name="user"></label>
        <label for="p">Kodeord</label><input id="p" type="password" name="p"><button>Login</button></form>
        <a href="/away">Glemt kodeord eller låst ude?</a><p hidden>Skjult</p>"#;
    let origin = Origin::start(|request| match request.target().as_str() {
        "/" => Answer::Html(FORM.into()),
        _ => Answer::Echo,
    })
    .await;
    let browser = Browser::start().await;
    browser.open(&origin.url()).await;
    browser.heading("Login").await;
    assert_eq!(browser.title().await, "Prøve");
    browser.shows("Glemt kodeord").await;
    assert!(!browser.text().await.contains("Skjult"));
    browser.viewport(360, 740).await;
    assert_eq!(browser.execute("return innerWidth", json!([])).await, 360);
    browser.field("Brugernavn").await.write("nez").await;
    browser.field("Kodeord").await.write("æøå").await;
    assert_eq!(browser.field("Brugernavn").await.property("value").await, "nez");
    browser.button("Login").await.click().await;
    browser.at(&format!("{}/done?user=nez&p=%C3%A6%C3%B8%C3%A5", origin.url())).await;
    let asked = origin.request("/done?user=nez&p=%C3%A6%C3%B8%C3%A5").await;
    assert!(asked.header("accept-language").expect("a language").starts_with("da"), "{asked:?}");
    browser.back().await;
    browser.link("Glemt kodeord eller låst ude?").await.click().await;
    browser.at(&format!("{}/away", origin.url())).await;
}

#[tokio::test]
async fn two_browsers_share_nothing_and_talk_over_websockets() {
    let origin = Origin::start(|request| match request.target().as_str() {
        "/socket" => Answer::WebSocket,
        "/set" => {
            Answer::Raw(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; HttpOnly\r\nContent-Length: 0\r\n\r\n".into())
        }
        _ => Answer::Echo,
    })
    .await;
    let (one, other) = tokio::join!(Browser::start(), Browser::preferring("en"));
    one.open(&format!("{}/set", origin.url())).await;
    other.open(&origin.url()).await;
    assert_eq!(one.cookie("a").await.expect("set")["httpOnly"], true);
    assert_eq!(other.cookie("a").await, None);
    let said = other
        .execute_async(
            "const [url, done] = arguments; const socket = new WebSocket(url);
             socket.onopen = () => socket.send('hej'); socket.onmessage = (it) => done(it.data);
             socket.onerror = () => done('error');",
            json!([format!("ws://{}/socket", origin.address)]),
        )
        .await;
    assert_eq!(said, "hej");
}

const REGISTER: &str = "
    const done = arguments[arguments.length - 1];
    navigator.credentials.create({ publicKey: {
        rp: { name: 'Sluse', id: location.hostname }, challenge: new Uint8Array(32),
        user: { id: new Uint8Array(16), name: 'nez', displayName: 'Nez' },
        pubKeyCredParams: [{ type: 'public-key', alg: -7 }], timeout: 20000,
        authenticatorSelection: { residentKey: 'discouraged', userVerification: 'discouraged' },
    } }).then((it) => done(it.id), (error) => done(error.name));";

/// Answers with the authenticator data's flags: 1 is present, 4 is verified.
const ASSERT: &str = "
    const [id, verification, done] = arguments;
    const bytes = Uint8Array.from(atob(id.replace(/-/g, '+').replace(/_/g, '/')), (it) => it.charCodeAt(0));
    navigator.credentials.get({ publicKey: {
        challenge: new Uint8Array(32), timeout: 20000, userVerification: verification,
        allowCredentials: [{ type: 'public-key', id: bytes }],
    } }).then((it) => done(new Uint8Array(it.response.authenticatorData)[32] & 5), (error) => done(error.name));";

#[tokio::test]
async fn a_key_registers_in_one_browser_and_signs_in_another() {
    let origin = Origin::start(|_| Answer::Html("<!doctype html><title>Nøgle</title>".into())).await;
    let page = format!("http://login.localhost:{}/", origin.address.port());
    let first = Browser::start().await;
    first.open(&page).await;
    let key = Key::plug_in(&first, Touch::Present).await;
    let id = first.execute_async(REGISTER, json!([])).await;
    let credential = key.credential().await;
    assert_eq!(id, credential.id());
    drop(first);

    let second = Browser::start().await;
    second.open(&page).await;
    let key = Key::plug_in(&second, Touch::Present).await;
    key.import(&credential).await;
    assert_eq!(second.execute_async(ASSERT, json!([id, "discouraged"])).await, 1);
    assert!(key.credential().await.sign_count() > credential.sign_count());
    key.remove().await;

    let key = Key::plug_in(&second, Touch::Verified).await;
    key.import(&credential).await;
    assert_eq!(second.execute_async(ASSERT, json!([id, "required"])).await, 5);
    key.verify_user(false).await;
    assert_eq!(second.execute_async(ASSERT, json!([id, "required"])).await, "NotAllowedError");
}

#[tokio::test]
async fn the_broker_is_discovered_and_logs_a_person_in_at_the_level_told() {
    let back = Origin::echo().await;
    let redirect = format!("{}/back", back.url());
    let broker = Broker::start(&redirect).await;
    let discovery = broker.read("/.well-known/openid-configuration").await;
    assert_eq!(discovery["issuer"], broker.issuer.as_str());
    assert_eq!(discovery["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(broker.read("/jwks").await["keys"].as_array().expect("keys").len(), 2);

    for (client, level, returned) in [
        (CLIENT_ID, Level::Low, json!("https://data.gov.dk/concept/core/nsis/Low")),
        (CLIENT_ID_ES256, Level::High, json!("https://data.gov.dk/concept/core/nsis/High")),
        (CLIENT_ID, Level::Absent, json!(null)),
    ] {
        broker.returns(level).await;
        let login = Login { broker: &broker, client, redirect: &redirect };
        let tokens = login.code_for_tokens(&login.code(&back).await).await;
        let claims = payload(tokens["id_token"].as_str().expect("an ID token"));
        assert_eq!(claims["loa"], returned);
        assert_eq!(claims["acr"], returned);
        assert_eq!(claims["dk.cpr"], json!(null), "the CPR is userinfo's");
        let who = login.userinfo(tokens["access_token"].as_str().expect("an access token")).await;
        assert_eq!(who["mitid.uuid"], NEZ.uuid);
        assert_eq!(who["dk.cpr"], NEZ.cpr.expect("nez has one"));
    }
    assert_eq!(broker.requests().await.len(), 3);
    assert_eq!(broker.requests().await[0]["prompt"], "login");
}

#[tokio::test]
async fn giving_up_at_the_broker_comes_back_as_a_refusal() {
    let back = Origin::echo().await;
    let redirect = format!("{}/back", back.url());
    let broker = Broker::start(&redirect).await;
    let browser = Browser::start().await;
    browser.open(&Login { broker: &broker, client: CLIENT_ID, redirect: &redirect }.url()).await;
    browser.button("Afbryd").await.click().await;
    browser.shows("error=access_denied").await;
}

/// A customer of the broker, as short as can be: enough to see what the broker answers.
struct Login<'a> {
    broker: &'a Broker,
    client: &'a str,
    redirect: &'a str,
}

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

impl Login<'_> {
    fn url(&self) -> String {
        let Self { broker, client, redirect } = self;
        format!(
            "{}/auth?client_id={client}&redirect_uri={redirect}&response_type=code&scope=openid+mitid+ssn&nonce=n\
             &state=s&prompt=login&code_challenge={CHALLENGE}&code_challenge_method=S256",
            broker.issuer
        )
    }

    async fn code(&self, back: &Origin) -> String {
        let browser = Browser::start().await;
        browser.open(&self.url()).await;
        browser.button_with("(nez)").await.click().await;
        browser.shows("/back?code=").await;
        let last =
            back.received().into_iter().rfind(|it| it.target().starts_with("/back?")).expect("came back");
        let query = last.target();
        let query = query.split_once('?').expect("with a query").1;
        form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "code")
            .expect("a code")
            .1
            .into_owned()
    }

    async fn code_for_tokens(&self, code: &str) -> serde_json::Value {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("grant_type", "authorization_code"), ("code", code)])
            .extend_pairs([("redirect_uri", self.redirect), ("code_verifier", VERIFIER)])
            .finish();
        let secret =
            form_urlencoded::byte_serialize(crate::broker::CLIENT_SECRET.as_bytes()).collect::<String>();
        let request = reqwest::Client::builder().no_proxy().build().expect("a plain client");
        let request =
            request.post(format!("{}/token", self.broker.issuer)).basic_auth(self.client, Some(secret));
        answer(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }

    async fn userinfo(&self, access_token: &str) -> serde_json::Value {
        let request = reqwest::Client::builder().no_proxy().build().expect("a plain client");
        answer(request.get(format!("{}/me", self.broker.issuer)).bearer_auth(access_token)).await
    }
}

async fn answer(request: reqwest::RequestBuilder) -> serde_json::Value {
    let body = request.send().await.expect("an answer").bytes().await.expect("a whole answer");
    serde_json::from_slice(&body).expect("JSON")
}

/// A token's claims, unverified: who signed it is not this test's question.
fn payload(token: &str) -> serde_json::Value {
    use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
    let claims = token.split('.').nth(1).expect("three parts");
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).expect("base64url")).expect("claims")
}
