//! The authorization request.

use std::collections::BTreeMap;

use super::*;

async fn parameters(adjust: impl FnOnce(&mut Settings), ask: Ask<'_>) -> BTreeMap<String, String> {
    let scene = Scene::set(HONEST, adjust).await;
    let (url, _) = scene.mitid.begin(&ask).await.unwrap();
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let parameters: BTreeMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!(parameters.len(), pairs.len(), "a parameter is sent twice: {url}");
    parameters
}

#[tokio::test]
async fn asks_for_a_new_login_at_the_level() {
    let ask = Ask { level: MitIdLevel::High, language: "en", reference_text: Some("Vilde") };
    let sent = parameters(|_| {}, ask).await;
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", "http://login.localhost/mitid/callback"),
        ("scope", "openid mitid ssn"),
        ("code_challenge_method", "S256"),
        ("prompt", "login"),
        ("max_age", "60"),
        ("ui_locales", "en"),
        ("language", "en"),
        ("idp_values", "mitid"),
        ("idp_params", r#"{"mitid":{"loa_value":"high","reference_text":"VmlsZGU="}}"#),
    ] {
        assert_eq!(sent.get(name).map(String::as_str), Some(value), "{name}");
    }
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(sent[name].len(), 43, "{name}");
    }
}

#[tokio::test]
async fn each_login_has_its_own_secrets() {
    let scene = Scene::with(HONEST).await;
    let (first, _) = scene.mitid.begin(&ask()).await.unwrap();
    let (second, _) = scene.mitid.begin(&ask()).await.unwrap();
    for name in ["state", "nonce", "code_challenge"] {
        let of = |url: &Url| url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned();
        assert_ne!(of(&first), of(&second), "{name}");
    }
}

#[tokio::test]
async fn settings_have_the_last_word() {
    let adjust = |settings: &mut Settings| {
        settings.scopes = Some(vec!["openid".to_owned(), "special".to_owned()]);
        settings.params = BTreeMap::from([
            ("idp_values".to_owned(), "mitid_erhverv".to_owned()),
            ("tenant".to_owned(), "7".to_owned()),
        ]);
    };
    let sent = parameters(adjust, ask()).await;
    assert_eq!(sent["scope"], "openid special");
    assert_eq!((sent["idp_values"].as_str(), sent["tenant"].as_str()), ("mitid_erhverv", "7"));
}

#[tokio::test]
async fn the_client_shows_its_secret_as_the_broker_prefers() {
    const BOTH: fn(&mut serde_json::Value) = |_| {};
    const POST: fn(&mut serde_json::Value) =
        |m| m["token_endpoint_auth_methods_supported"] = serde_json::json!(["client_secret_post"]);
    const UNSAID: fn(&mut serde_json::Value) = |m| {
        m.as_object_mut().unwrap().remove("token_endpoint_auth_methods_supported");
    };
    const NEITHER: fn(&mut serde_json::Value) =
        |m| m["token_endpoint_auth_methods_supported"] = serde_json::json!(["private_key_jwt"]);
    for (metadata, basic) in [(BOTH, true), (UNSAID, true), (POST, false)] {
        let scene = Scene::with(Twist { metadata, ..HONEST }).await;
        scene.login().await.unwrap();
        let (authorization, body) = scene.op.token_request();
        assert_eq!(authorization.is_some_and(|value| value.starts_with("Basic ")), basic);
        assert_eq!(body.contains("client_secret="), !basic);
    }
    let scene = Scene::with(Twist { metadata: NEITHER, ..HONEST }).await;
    assert_eq!(scene.login().await, Err(Outage::ClientRefused.into()));
}

#[tokio::test]
async fn a_public_client_has_none_to_show() {
    let scene = Scene::set(HONEST, |settings| settings.client_secret = None).await;
    scene.login().await.unwrap();
    let (authorization, body) = scene.op.token_request();
    assert_eq!(authorization, None);
    assert!(body.contains("client_id=sluse-test") && !body.contains("client_secret"), "{body}");
}
