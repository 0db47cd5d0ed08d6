//! A broker's metadata and keys, and a broker that is down.

use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde_json::{Value, json};

use super::super::hostile::{Key, Seal};
use super::*;

type Instead = fn(&str) -> Option<Response>;

const DISCOVERY: &str = "/.well-known/openid-configuration";

async fn begun(twist: Twist) -> Result<(), MitIdError> {
    Scene::with(twist).await.mitid.begin(&ask()).await.map(|_| ())
}

#[tokio::test]
async fn metadata_that_cannot_be_trusted() {
    const fn metadata(metadata: fn(&mut Value)) -> Twist {
        Twist { metadata, ..HONEST }
    }
    for (case, twist, outage) in [
        ("another issuer", metadata(|m| m["issuer"] = "https://b.dk".into()), Outage::DiscoveryInvalid),
        (
            "a slash more",
            metadata(|m| m["issuer"] = format!("{}/", m["issuer"].as_str().unwrap()).into()),
            Outage::DiscoveryInvalid,
        ),
        ("keys elsewhere", metadata(|m| m["jwks_uri"] = "https://b.dk/jwks".into()), Outage::EndpointForeign),
        (
            "keys in the clear",
            metadata(|m| m["jwks_uri"] = "http://b.dk/jwks".into()),
            Outage::EndpointForeign,
        ),
        (
            "tokens elsewhere",
            metadata(|m| m["token_endpoint"] = "https://b.dk/token".into()),
            Outage::EndpointForeign,
        ),
        (
            "login elsewhere",
            metadata(|m| m["authorization_endpoint"] = "https://b.dk/".into()),
            Outage::EndpointForeign,
        ),
        (
            "login in a script",
            metadata(|m| m["authorization_endpoint"] = "javascript:alert(1)".into()),
            Outage::EndpointForeign,
        ),
        (
            "userinfo elsewhere",
            metadata(|m| m["userinfo_endpoint"] = "https://b.dk/u".into()),
            Outage::EndpointForeign,
        ),
        (
            "no token endpoint",
            metadata(|m| {
                m.as_object_mut().unwrap().remove("token_endpoint");
            }),
            Outage::DiscoveryInvalid,
        ),
        (
            "PKCE without S256",
            metadata(|m| m["code_challenge_methods_supported"] = json!(["plain"])),
            Outage::PkceMissing,
        ),
        ("no PKCE", metadata(|m| m["code_challenge_methods_supported"] = json!([])), Outage::PkceMissing),
    ] {
        assert_eq!(begun(twist).await, Err(outage.into()), "{case}");
    }
    let unsaid = metadata(|m| {
        m.as_object_mut().unwrap().remove("code_challenge_methods_supported");
    });
    assert_eq!(begun(unsaid).await, Ok(()));
}

#[tokio::test]
async fn answers_that_cannot_be_used() {
    const fn at_discovery(instead: Instead) -> Twist {
        Twist { instead, ..HONEST }
    }
    for (case, twist, outage) in [
        (
            "a redirect to the very same document",
            at_discovery(|path| {
                (path == DISCOVERY).then(|| Redirect::temporary("/op/elsewhere").into_response())
            }),
            Outage::DiscoveryInvalid,
        ),
        (
            "a failure",
            at_discovery(|path| (path == DISCOVERY).then(|| StatusCode::BAD_GATEWAY.into_response())),
            Outage::Unreachable,
        ),
        (
            "no JSON",
            at_discovery(|path| (path == DISCOVERY).then(|| "<html>".into_response())),
            Outage::DiscoveryInvalid,
        ),
        (
            "far too much",
            Twist { metadata: |m| m["padding"] = "x".repeat(300 * 1024).into(), ..HONEST },
            Outage::DiscoveryInvalid,
        ),
    ] {
        assert_eq!(begun(twist).await, Err(outage.into()), "{case}");
    }
}

#[tokio::test]
async fn a_token_endpoint_is_not_followed_elsewhere() {
    let twist = Twist {
        instead: |path| (path == "/token").then(|| Redirect::temporary("/op/token2").into_response()),
        ..HONEST
    };
    let scene = Scene::with(twist).await;
    assert_eq!(scene.login().await, Err(Outage::BrokerError.into()));
    assert_eq!(scene.op.count("/token2"), 0);
}

#[tokio::test]
async fn what_the_token_endpoint_refuses() {
    let error = |instead| async move { Scene::with(Twist { instead, ..HONEST }).await.login().await };
    let client: Instead = |path| {
        let answer = (StatusCode::UNAUTHORIZED, axum::Json(json!({ "error": "invalid_client" })));
        (path == "/token").then(|| answer.into_response())
    };
    assert_eq!(error(client).await, Err(Outage::ClientRefused.into()));
    let code: Instead = |path| {
        let answer = (StatusCode::BAD_REQUEST, axum::Json(json!({ "error": "invalid_grant" })));
        (path == "/token").then(|| answer.into_response())
    };
    assert_eq!(error(code).await, Err(Refusal::CodeRefused.into()));
}

#[tokio::test]
async fn userinfo_that_fails_fails_the_login() {
    let cases: [(&str, Instead); 3] = [
        ("500", |path| (path == "/userinfo").then(|| StatusCode::INTERNAL_SERVER_ERROR.into_response())),
        ("text", |path| (path == "/userinfo").then(|| r#"{"sub":"nez-at-the-broker"}"#.into_response())),
        ("nothing", |path| (path == "/userinfo").then(|| axum::Json(()).into_response())),
    ];
    for (case, instead) in cases {
        let scene = Scene::with(Twist { instead, ..HONEST }).await;
        assert_eq!(scene.login().await, Err(Outage::UserInfoFailed.into()), "{case}");
    }
}

#[tokio::test]
async fn a_broker_that_is_down_is_asked_again_later() {
    let down = Twist { instead: |_| Some(StatusCode::SERVICE_UNAVAILABLE.into_response()), ..HONEST };
    let scene = Scene::with(down).await;
    assert_eq!(scene.op.count(DISCOVERY), 0, "nobody is contacted before somebody logs in");
    for _ in 0..3 {
        assert_eq!(scene.login().await, Err(Outage::Unreachable.into()));
    }
    assert_eq!(scene.op.count(DISCOVERY), 1, "one asks for all");
    scene.op.turn(HONEST);
    scene.clock.advance(Duration::from_secs(5));
    assert_eq!(scene.login().await.err(), None);
}

#[tokio::test]
async fn a_broker_that_is_not_there() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::at(NOW));
    // Bound and closed again: nothing listens.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let issuer = Issuer::parse(&format!("http://{address}")).unwrap();
    let mitid = mitid(Settings::new(Preset::Neb, issuer, CLIENT), clock);
    assert_eq!(mitid.begin(&ask()).await.map(|_| ()), Err(Outage::Unreachable.into()));
}

#[tokio::test]
async fn keys_change_under_way() {
    let scene = Scene::with(HONEST).await;
    assert_eq!(scene.login().await.err(), None);
    scene.op.turn(Twist { published: &[Key::B], seal: Seal::By(Key::B), ..HONEST });
    assert_eq!(scene.login().await.err(), None, "a new key is fetched");
    assert_eq!(scene.op.count("/jwks"), 2);
    scene.op.turn(Twist { published: &[Key::B], ..HONEST });
    assert_eq!(scene.login().await, Err(Refusal::KeyUnknown.into()), "the old one is forgotten");
}

#[tokio::test]
async fn an_unknown_key_is_asked_for_once() {
    let scene = Scene::with(Twist { seal: Seal::By(Key::B), ..HONEST }).await;
    let refused = Err(Refusal::KeyUnknown.into());
    let (url, first) = scene.mitid.begin(&ask()).await.unwrap();
    let callback = scene.op.authorize(&url);
    assert_eq!(scene.mitid.finish(first, &callback).await, refused);
    assert_eq!(scene.op.count("/jwks"), 2);
    let (url, second) = scene.mitid.begin(&ask()).await.unwrap();
    let callback = scene.op.authorize(&url);
    assert_eq!(scene.mitid.finish(second, &callback).await, refused);
    assert_eq!(scene.op.count("/jwks"), 2, "and not for every token that names one");
}

#[tokio::test]
async fn a_removed_key_is_forgotten_in_time() {
    let scene = Scene::with(Twist { published: &[Key::A, Key::B], ..HONEST }).await;
    assert_eq!(scene.login().await.err(), None);
    scene.op.turn(Twist { published: &[Key::B], ..HONEST });
    assert_eq!(scene.login().await.err(), None, "known from before");
    scene.clock.advance(Duration::from_secs(600));
    assert_eq!(scene.login().await, Err(Refusal::KeyUnknown.into()));
}
