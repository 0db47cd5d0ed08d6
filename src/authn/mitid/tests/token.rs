//! Bad id_tokens and bad userinfo, each sent for real. Rows are attacks.md's, by what they forge.

use serde_json::{Value, json};

use super::super::hostile::{Key, Seal};
use super::*;

/// A token with these claims, else honest.
const fn claims(claims: fn(&mut Value, i64)) -> Twist {
    Twist { claims, ..HONEST }
}

const fn header(header: fn(&mut Value)) -> Twist {
    Twist { header, ..HONEST }
}

const fn seal(seal: Seal) -> Twist {
    Twist { seal, ..HONEST }
}

fn without(value: &mut Value, name: &str) {
    value.as_object_mut().unwrap().remove(name).unwrap();
}

#[tokio::test]
async fn issuer_and_audience() {
    each_refused([
        ("another issuer", claims(|c, _| c["iss"] = "https://b.dk".into()), Refusal::IssuerWrong),
        (
            "a slash more",
            claims(|c, _| c["iss"] = format!("{}/", c["iss"].as_str().unwrap()).into()),
            Refusal::IssuerWrong,
        ),
        (
            "another scheme",
            claims(|c, _| c["iss"] = c["iss"].as_str().unwrap().replace("http:", "https:").into()),
            Refusal::IssuerWrong,
        ),
        (
            "another case",
            claims(|c, _| c["iss"] = c["iss"].as_str().unwrap().replace("op", "OP").into()),
            Refusal::IssuerWrong,
        ),
        ("no issuer", claims(|c, _| without(c, "iss")), Refusal::TokenMalformed),
        ("another audience", claims(|c, _| c["aud"] = "somebody".into()), Refusal::AudienceWrong),
        ("no audience", claims(|c, _| without(c, "aud")), Refusal::AudienceWrong),
        ("an empty audience", claims(|c, _| c["aud"] = json!([])), Refusal::AudienceWrong),
        ("one audience more", claims(|c, _| c["aud"] = json!([CLIENT, "somebody"])), Refusal::AudienceWrong),
        ("another party", claims(|c, _| c["azp"] = "somebody".into()), Refusal::AuthorizedPartyWrong),
        ("no subject", claims(|c, _| without(c, "sub")), Refusal::TokenMalformed),
        ("an empty subject", claims(|c, _| c["sub"] = "".into()), Refusal::SubjectInvalid),
        ("an endless subject", claims(|c, _| c["sub"] = "x".repeat(256).into()), Refusal::SubjectInvalid),
        ("another nonce", claims(|c, _| c["nonce"] = "x".into()), Refusal::NonceWrong),
        ("no nonce", claims(|c, _| without(c, "nonce")), Refusal::NonceWrong),
        (
            "another access token",
            claims(|c, _| c["at_hash"] = "AAAAAAAAAAAAAAAAAAAAAA".into()),
            Refusal::AccessTokenHashWrong,
        ),
        (
            "half a hash",
            claims(|c, _| c["at_hash"] = c["at_hash"].as_str().unwrap()[..11].into()),
            Refusal::AccessTokenHashWrong,
        ),
    ])
    .await;
    each_accepted([
        ("our party", claims(|c, _| c["azp"] = CLIENT.into())),
        ("a list of us", claims(|c, _| c["aud"] = json!([CLIENT]))),
        ("no hash", claims(|c, _| without(c, "at_hash"))),
    ])
    .await;
}

#[tokio::test]
async fn times() {
    each_refused([
        ("expired", claims(|c, now| c["exp"] = (now - 60).into()), Refusal::Expired),
        ("no end", claims(|c, _| without(c, "exp")), Refusal::TokenMalformed),
        ("no issue time", claims(|c, _| without(c, "iat")), Refusal::TokenMalformed),
        ("issued ahead", claims(|c, now| c["iat"] = (now + 61).into()), Refusal::IssuedAhead),
        ("issued long ago", claims(|c, now| c["iat"] = (now - 361).into()), Refusal::IssuedLongAgo),
        ("valid later", claims(|c, now| c["nbf"] = (now + 61).into()), Refusal::NotYetValid),
        ("valid some time", claims(|c, _| c["nbf"] = "soon".into()), Refusal::TokenMalformed),
        (
            "authenticated before",
            claims(|c, now| c["auth_time"] = (now - 181).into()),
            Refusal::AuthTimeStale,
        ),
        ("authenticated ahead", claims(|c, now| c["auth_time"] = (now + 61).into()), Refusal::AuthTimeAhead),
        ("authenticated when", claims(|c, _| without(c, "auth_time")), Refusal::AuthTimeMissing),
        (
            "another broker's word for it",
            claims(|c, _| {
                without(c, "auth_time");
                c["authenticationinstant"] = "2026-11-22T08:56:56Z".into();
            }),
            Refusal::AuthTimeMissing,
        ),
    ])
    .await;
    each_accepted([
        ("expired within the skew", claims(|c, now| c["exp"] = (now - 59).into())),
        ("issued within the skew", claims(|c, now| c["iat"] = (now + 60).into())),
        ("issued five minutes ago", claims(|c, now| c["iat"] = (now - 360).into())),
        ("valid within the skew", claims(|c, now| c["nbf"] = (now + 60).into())),
        ("authenticated within the skew", claims(|c, now| c["auth_time"] = (now - 180).into())),
    ])
    .await;
}

#[tokio::test]
async fn a_fast_clock_makes_no_proof_last_longer() {
    let scene = Scene::with(claims(|c, now| c["auth_time"] = (now + 60).into())).await;
    assert_eq!(scene.login().await.unwrap().evidence.at, NOW.plus(AT_THE_BROKER));
}

#[tokio::test]
async fn signatures() {
    each_refused([
        ("none", seal(Seal::Unsigned("none")), Refusal::AlgorithmDisallowed),
        ("None", seal(Seal::Unsigned("None")), Refusal::TokenMalformed),
        ("our secret", seal(Seal::Secret), Refusal::AlgorithmDisallowed),
        ("the public key as a secret", seal(Seal::PublicKey), Refusal::AlgorithmDisallowed),
        ("the public key's bytes as a secret", seal(Seal::PublicKeyBytes), Refusal::AlgorithmDisallowed),
        ("altered", seal(Seal::Altered), Refusal::SignatureInvalid),
        ("stripped", seal(Seal::Stripped), Refusal::SignatureInvalid),
        ("another payload", seal(Seal::Swapped), Refusal::SignatureInvalid),
        ("another's key under this name", Twist { header: |h| h["kid"] = "a".into(), ..seal(Seal::By(Key::B)) }, Refusal::SignatureInvalid),
        (
            "a key brought along",
            Twist {
                header: |h| {
                    *h = json!({ "alg": "ES256", "kid": "a", "jwk": Key::B.jwk(), "jku": "http://127.0.0.1:1/jwks", "x5u": "http://127.0.0.1:1/x" });
                },
                ..seal(Seal::By(Key::B))
            },
            Refusal::SignatureInvalid,
        ),
        ("critical", header(|h| h["crit"] = json!(["exp"])), Refusal::IdTokenUnsupported),
        ("nested", header(|h| h["cty"] = "JWT".into()), Refusal::IdTokenUnsupported),
        ("an access token", header(|h| h["typ"] = "at+jwt".into()), Refusal::IdTokenUnsupported),
        ("a logout token", header(|h| h["typ"] = "logout+jwt".into()), Refusal::IdTokenUnsupported),
        ("encrypted", Twist { answer: |a| a["id_token"] = "e30.e30.e30.e30.e30".into(), ..HONEST }, Refusal::TokenMalformed),
        ("no token", Twist { answer: |a| without(a, "id_token"), ..HONEST }, Refusal::IdTokenMissing),
        (
            "two keys and no name",
            Twist { published: &[Key::A, Key::B], ..header(|h| without(h, "kid")) },
            Refusal::SignatureInvalid,
        ),
        ("a key for encrypting", Twist { jwks: |j| j["keys"][0]["use"] = "enc".into(), ..HONEST }, Refusal::KeyUnknown),
        ("a key for another algorithm", Twist { jwks: |j| j["keys"][0]["alg"] = "ES384".into(), ..HONEST }, Refusal::KeyUnknown),
    ])
    .await;
    each_accepted([
        ("RS256", Twist { published: &[Key::A, Key::Rsa], ..seal(Seal::By(Key::Rsa)) }),
        ("one key and no name", header(|h| without(h, "kid"))),
        (
            "an odd key beside",
            Twist { jwks: |j| j["keys"].as_array_mut().unwrap().insert(0, json!({ "kty": "?" })), ..HONEST },
        ),
    ])
    .await;
}

#[tokio::test]
async fn an_algorithm_is_ours_to_allow_whatever_the_broker_advertises() {
    let scene = Scene::set(HONEST, |settings| settings.algorithms = vec![Algorithm::Rs256]).await;
    assert_eq!(scene.login().await, Err(Refusal::AlgorithmDisallowed.into()));
}

#[tokio::test]
async fn levels() {
    for (case, twist, refusal) in [
        ("lower", claims(|c, _| c["loa"] = format!("{NSIS}Low").into()), Refusal::LevelTooLow),
        ("none", claims(|c, _| without(c, "loa")), Refusal::LevelMissing),
        ("unknown", claims(|c, _| c["loa"] = "Substantial".into()), Refusal::LevelUnknown),
        ("nearly", claims(|c, _| c["loa"] = format!("{NSIS}Substantial/").into()), Refusal::LevelUnknown),
        (
            "in another claim",
            claims(|c, _| {
                without(c, "loa");
                c["acr"] = format!("{NSIS}High").into();
            }),
            Refusal::LevelMissing,
        ),
        ("another scheme", claims(|c, _| c["idp"] = "nemid".into()), Refusal::SchemeForeign),
    ] {
        assert_eq!(Scene::with(twist).await.login().await, Err(refusal.into()), "{case}");
    }
}

#[tokio::test]
async fn the_level_in_userinfo_does_not_raise_the_signed_one() {
    let twist = Twist {
        userinfo: |u| u["loa"] = format!("{NSIS}High").into(),
        ..claims(|c, _| c["loa"] = format!("{NSIS}Low").into())
    };
    assert_eq!(Scene::with(twist).await.login().await, Err(Refusal::LevelTooLow.into()));
}

#[tokio::test]
async fn userinfo_about_somebody_else_is_no_userinfo() {
    let scene = Scene::with(Twist { userinfo: |u| u["sub"] = "somebody".into(), ..HONEST }).await;
    assert_eq!(scene.login().await, Err(Refusal::UserInfoSubjectWrong.into()));
    let scene = Scene::with(Twist { userinfo: |u| without(u, "sub"), ..HONEST }).await;
    assert_eq!(scene.login().await, Err(Outage::UserInfoFailed.into()));
    let scene = Scene::with(Twist { userinfo: |u| u["dk.cpr"] = "01019".into(), ..HONEST }).await;
    assert_eq!(scene.login().await, Err(Refusal::CprMalformed.into()));
}

#[tokio::test]
async fn a_login_without_a_cpr_number_is_a_login() {
    let scene = Scene::with(Twist { userinfo: |u| without(u, "dk.cpr"), ..HONEST }).await;
    assert_eq!(scene.login().await.unwrap().cpr, None);
    let twist = Twist { metadata: |m| without(m, "userinfo_endpoint"), ..HONEST };
    let identity = Scene::with(twist).await.login().await.unwrap();
    assert_eq!((identity.cpr, identity.name), (None, None));
}

#[tokio::test]
async fn an_access_token_that_fits_no_header_is_refused() {
    for token in
        [|a: &mut Value| a["access_token"] = "a\r\nb".into(), |a: &mut Value| a["access_token"] = "å".into()]
    {
        let twist = Twist { answer: token, ..claims(|c, _| without(c, "at_hash")) };
        assert_eq!(Scene::with(twist).await.login().await, Err(Refusal::TokenMalformed.into()));
    }
}

#[tokio::test]
async fn idura_says_when_in_its_own_way() {
    let login = async |claims: fn(&mut Value, i64)| {
        let scene = Scene::set(Twist { claims, ..HONEST }, |settings| settings.preset = Preset::Idura).await;
        scene.login().await.map(|identity| identity.evidence.at)
    };
    let on_time = login(|c, _| {
        without(c, "auth_time");
        c["loA"] = "SUBSTANTIAL".into();
        c["authenticationinstant"] = "2026-11-22T08:56:00.5Z".into();
    });
    assert_eq!(on_time.await, Ok(Timestamp::from_millis(1_795_337_760_500)));
    let stale = login(|c, _| {
        without(c, "auth_time");
        c["loA"] = "SUBSTANTIAL".into();
        c["authenticationinstant"] = "2026-11-22T08:53:00Z".into();
    });
    assert_eq!(stale.await, Err(Refusal::AuthTimeStale.into()));
}

#[tokio::test]
async fn a_bridge_says_the_level_in_acr() {
    let acr = claims(|c, _| c["acr"] = format!("{NSIS}loa/Substantial").into());
    let scene = Scene::set(acr, |settings| settings.preset = Preset::Generic).await;
    assert_eq!(scene.login().await.unwrap().evidence.level, MitIdLevel::Substantial);
    let scene = Scene::set(HONEST, |settings| settings.preset = Preset::Generic).await;
    assert_eq!(scene.login().await, Err(Refusal::LevelMissing.into()));
}
