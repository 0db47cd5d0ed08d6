use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use tower::ServiceExt as _;

use super::*;
use crate::authn::MitIdLevel;
use crate::authn::mitid::{Ask, Http, MitId, MitIdError, Pending, Preset, Settings};
use crate::random::SeededRandom;
use crate::time::{ManualClock, Timestamp};

const CALLBACK: &str = "http://login.localhost:8080/mitid/callback";

/// A gateway and the stand-in, which is served on loopback for the gateway, and called for the browser.
struct Scene {
    router: Router,
    mitid: MitId,
    clock: Arc<ManualClock>,
}

impl Scene {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_seconds(1_795_337_696)));
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let issuer = Issuer::parse(&format!("http://mitid.localhost:{port}")).unwrap();
        let broker = broker(issuer.clone());
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(1));
        let router = router(broker, Arc::clone(&clock) as Arc<dyn Clock>, Arc::clone(&random));
        let served = router.clone();
        tokio::spawn(async move { axum::serve(listener, served).await });
        let http = Http::pinned("mitid.localhost", IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap();
        let settings = Settings::new(Preset::Neb, issuer, "sluse-demo");
        let callback = Url::parse(CALLBACK).unwrap();
        let mitid =
            MitId::new(settings, callback, http, Arc::clone(&clock) as Arc<dyn Clock>, random).unwrap();
        Self { router, mitid, clock }
    }

    async fn begin(&self, level: MitIdLevel) -> (Url, Pending) {
        self.mitid.begin(&Ask { level, language: "da", reference_text: None }).await.unwrap()
    }

    async fn page(&self, url: &Url) -> (StatusCode, HeaderMap, String) {
        let target = &url[url::Position::BeforePath..];
        self.send(Request::get(target).body(Body::empty()).unwrap()).await
    }

    /// Presses a button of the page at `url`; where that leads.
    async fn press(&self, url: &Url, person: Option<&str>) -> Url {
        let (_, _, page) = self.page(url).await;
        let (status, headers, _) = self.choose(login_of(&page), person).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        Url::parse(headers[header::LOCATION].to_str().unwrap()).unwrap()
    }

    async fn choose(&self, login: &str, person: Option<&str>) -> (StatusCode, HeaderMap, String) {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("login", login);
        form.extend_pairs(person.map(|person| ("person", person)));
        self.post("/choose", form.finish()).await
    }

    async fn post(&self, path: &str, body: String) -> (StatusCode, HeaderMap, String) {
        let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, String) {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = axum::body::to_bytes(body, 64 * 1024).await.unwrap();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }
}

fn broker(issuer: Issuer) -> Broker {
    let person = |username: &str, name: &str, cpr: &str| BrokerPerson {
        username: username.to_owned(),
        name: name.to_owned(),
        cpr: Cpr::parse(cpr).unwrap(),
    };
    Broker {
        issuer,
        client_id: "sluse-demo".to_owned(),
        redirect_uri: Url::parse(CALLBACK).unwrap(),
        people: vec![person("nez", "Nanna Ez", "6101901234"), person("obs", "Ole <b>", "6102901234")],
    }
}

fn login_of(page: &str) -> &str {
    page.split_once(r#"name="login" value=""#).unwrap().1.split_once('"').unwrap().0
}

#[tokio::test]
async fn a_login_from_end_to_end() {
    let scene = Scene::new().await;
    let (url, pending) = scene.begin(MitIdLevel::Substantial).await;
    let back = scene.press(&url, Some("nez")).await;
    assert!(back.as_str().starts_with(CALLBACK));
    let identity = scene.mitid.finish(pending, back.query().unwrap()).await.unwrap();
    assert_eq!(identity.evidence.level, MitIdLevel::Substantial);
    assert_eq!(identity.evidence.at, scene.clock.now());
    assert_eq!(identity.cpr, Cpr::parse("6101901234").ok());
    assert_eq!(identity.name.as_deref(), Some("Nanna Ez"));
    assert!(identity.transaction.is_some());

    let (url, pending) = scene.begin(MitIdLevel::High).await;
    let back = scene.press(&url, Some("nez")).await;
    let again = scene.mitid.finish(pending, back.query().unwrap()).await.unwrap();
    assert_eq!(again.evidence.subject, identity.evidence.subject, "a person stays the same");
    assert_eq!(again.evidence.level, MitIdLevel::High);

    let (url, pending) = scene.begin(MitIdLevel::Low).await;
    let back = scene.press(&url, Some("obs")).await;
    let other = scene.mitid.finish(pending, back.query().unwrap()).await.unwrap();
    assert_ne!(other.evidence.subject, identity.evidence.subject);
}

#[tokio::test]
async fn the_person_may_stop() {
    let scene = Scene::new().await;
    let (url, pending) = scene.begin(MitIdLevel::Substantial).await;
    let back = scene.press(&url, None).await;
    assert_eq!(scene.mitid.finish(pending, back.query().unwrap()).await, Err(MitIdError::Aborted));
}

#[tokio::test]
async fn the_page_says_what_it_is_and_who_can_be_chosen() {
    let scene = Scene::new().await;
    let (url, _) = scene.begin(MitIdLevel::Substantial).await;
    let (status, headers, page) = scene.page(&url).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(
        headers[header::CONTENT_SECURITY_POLICY],
        "default-src 'none'; style-src 'self'; \
         form-action 'self' http://login.localhost:8080 http://*.localhost:8080; \
         frame-ancestors 'none'; base-uri 'none'"
    );
    assert!(page.contains("Demo: ikke rigtigt MitID"));
    let buttons: Vec<&str> =
        page.split("<button").skip(1).map(|rest| rest.split_once("</button>").unwrap().0).collect();
    assert_eq!(buttons.len(), 3);
    assert!(buttons[0].ends_with(">Nanna Ez (nez)"), "{}", buttons[0]);
    assert!(buttons[1].contains("(obs)") && !page.contains("<b>"), "{}", buttons[1]);
    assert!(buttons[2].ends_with(">Afbryd"), "{}", buttons[2]);
    assert!(!page.contains("6101901234"), "nobody's number is on the page");
}

#[tokio::test]
async fn a_request_from_anybody_else_is_not_sent_back() {
    let scene = Scene::new().await;
    let (url, _) = scene.begin(MitIdLevel::Substantial).await;
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    for (name, value) in [
        ("client_id", "somebody"),
        ("redirect_uri", "http://evil.localhost/"),
        ("response_type", "token"),
        ("code_challenge_method", "plain"),
        ("code_challenge", ""),
        ("idp_params", r#"{"mitid":{"loa_value":"highest"}}"#),
    ] {
        let changed =
            pairs.iter().map(|(key, old)| (key.as_str(), if key == name { value } else { old.as_str() }));
        let mut url = url.clone();
        url.query_pairs_mut().clear().extend_pairs(changed);
        let (status, headers, _) = scene.page(&url).await;
        assert_eq!((status, headers.get(header::LOCATION)), (StatusCode::BAD_REQUEST, None), "{name}");
    }
}

#[tokio::test]
async fn a_choice_is_made_once_and_in_time() {
    let scene = Scene::new().await;
    let (url, _) = scene.begin(MitIdLevel::Substantial).await;
    let (_, _, page) = scene.page(&url).await;
    let login = login_of(&page);
    assert_eq!(scene.choose(login, Some("nez")).await.0, StatusCode::SEE_OTHER);
    assert_eq!(scene.choose(login, Some("nez")).await.0, StatusCode::BAD_REQUEST);
    let (_, _, page) = scene.page(&url).await;
    scene.clock.advance(Duration::from_secs(600));
    assert_eq!(scene.choose(login_of(&page), Some("nez")).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_code_is_for_its_client_its_verifier_and_once() {
    let scene = Scene::new().await;
    let verifier = "v".repeat(43);
    let challenge = {
        use base64::Engine as _;
        use sha2::Digest as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(&verifier))
    };
    let (url, _) = scene.begin(MitIdLevel::Substantial).await;
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let mut url = url;
    url.query_pairs_mut().clear().extend_pairs(
        pairs
            .into_iter()
            .map(|(key, old)| if key == "code_challenge" { (key, challenge.clone()) } else { (key, old) }),
    );
    let redeem = async |change: fn(&mut Vec<(&'static str, String)>)| {
        let back = scene.press(&url, Some("nez")).await;
        let code = back.query_pairs().find(|(key, _)| key == "code").unwrap().1.into_owned();
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("client_id", "sluse-demo".to_owned()),
            ("redirect_uri", CALLBACK.to_owned()),
            ("code", code),
            ("code_verifier", verifier.clone()),
        ];
        change(&mut form);
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let (status, _, answer) = scene.post("/token", body.clone()).await;
        let (again, ..) = scene.post("/token", body).await;
        assert_ne!(again, StatusCode::OK, "a code is good once");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        (status, answer["error"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(redeem(|_| {}).await, (StatusCode::OK, String::new()));
    let refused = |status, error: &str| (status, error.to_owned());
    let client = redeem(|form| form[1].1 = "somebody".to_owned()).await;
    assert_eq!(client, refused(StatusCode::UNAUTHORIZED, "invalid_client"));
    let redirect = redeem(|form| form[2].1 = "http://evil.localhost/".to_owned()).await;
    assert_eq!(redirect, refused(StatusCode::BAD_REQUEST, "invalid_grant"));
    let code = redeem(|form| form[3].1 = "guessed".to_owned()).await;
    assert_eq!(code, refused(StatusCode::BAD_REQUEST, "invalid_grant"));
    let verifier = redeem(|form| form[4].1 = "w".repeat(43)).await;
    assert_eq!(verifier, refused(StatusCode::BAD_REQUEST, "invalid_grant"));
}

#[tokio::test]
async fn userinfo_is_for_the_bearer() {
    let scene = Scene::new().await;
    for value in [None, Some("Bearer guessed"), Some("Basic x")] {
        let mut request = Request::get("/userinfo");
        if let Some(value) = value {
            request = request.header(header::AUTHORIZATION, value);
        }
        assert_eq!(scene.send(request.body(Body::empty()).unwrap()).await.0, StatusCode::UNAUTHORIZED);
    }
}
