//! Logins against an OpenID Provider that misbehaves.

mod begin;
mod provider;
mod token;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use url::Url;

use super::hostile::{CLIENT, HONEST, Hostile, NSIS, SECRET, Twist};
use super::*;
use crate::random::SeededRandom;
use crate::secret::Secret;
use crate::time::{ManualClock, Timestamp};

pub const NOW: Timestamp = Timestamp::from_seconds(1_795_337_696);
/// How long the person is at the broker.
const AT_THE_BROKER: Duration = Duration::from_secs(120);

/// One gateway, one broker, and their clock.
pub struct Scene {
    pub op: Arc<Hostile>,
    pub mitid: MitId,
    pub clock: Arc<ManualClock>,
}

impl Scene {
    pub async fn with(twist: Twist) -> Self {
        Self::set(twist, |_| {}).await
    }

    pub async fn set(twist: Twist, adjust: impl FnOnce(&mut Settings)) -> Self {
        let clock = Arc::new(ManualClock::at(NOW));
        let op = Hostile::serve(twist, Arc::clone(&clock)).await;
        let mut settings = Settings::new(Preset::Neb, op.issuer.clone(), CLIENT);
        settings.client_secret = Some(Secret::new(SECRET.to_owned()));
        adjust(&mut settings);
        let mitid = mitid(settings, Arc::clone(&clock) as Arc<dyn Clock>);
        Self { op, mitid, clock }
    }

    pub async fn login(&self) -> Result<Identity, MitIdError> {
        let (url, pending) = self.mitid.begin(&ask()).await?;
        self.clock.advance(AT_THE_BROKER);
        let callback = self.op.authorize(&url);
        self.mitid.finish(pending, &callback).await
    }
}

pub fn mitid(settings: Settings, clock: Arc<dyn Clock>) -> MitId {
    let http = Http::pinned("mitid.localhost", IpAddr::V4(Ipv4Addr::LOCALHOST)).unwrap();
    let redirect_uri = Url::parse("http://login.localhost/mitid/callback").unwrap();
    MitId::new(settings, redirect_uri, http, clock, Arc::new(SeededRandom::new(1))).unwrap()
}

pub fn ask() -> Ask<'static> {
    Ask { level: MitIdLevel::Substantial, language: "da", reference_text: None }
}

/// Every case ends the login with its refusal; nothing of the person is asked for after it.
pub async fn each_refused(cases: impl IntoIterator<Item = (&'static str, Twist, Refusal)>) {
    for (case, twist, refusal) in cases {
        let scene = Scene::with(twist).await;
        assert_eq!(scene.login().await, Err(refusal.into()), "{case}");
        assert_eq!(scene.op.count("/token"), 1, "{case}");
        assert_eq!(scene.op.count("/userinfo"), 0, "{case}");
    }
}

pub async fn each_accepted(cases: impl IntoIterator<Item = (&'static str, Twist)>) {
    for (case, twist) in cases {
        assert_eq!(Scene::with(twist).await.login().await.err(), None, "{case}");
    }
}

#[tokio::test]
async fn an_honest_login() {
    let scene = Scene::with(HONEST).await;
    let identity = scene.login().await.unwrap();
    let subject =
        MitIdSubject { issuer: scene.op.issuer.to_string(), subject: "nez-at-the-broker".to_owned() };
    let evidence = MitIdEvidence { at: NOW.plus(AT_THE_BROKER), subject, level: MitIdLevel::Substantial };
    assert_eq!(identity.evidence, evidence);
    assert_eq!(identity.cpr, crate::user::Cpr::parse("0101901234").ok());
    assert_eq!(identity.name.as_deref(), Some("Nanna Ez"));
    assert_eq!(identity.transaction.as_deref(), Some("t-1"));
}

#[tokio::test]
async fn a_higher_level_than_asked_is_kept_as_what_it_is() {
    let scene =
        Scene::with(Twist { claims: |c, _| c["loa"] = format!("{NSIS}loa/High").into(), ..HONEST }).await;
    assert_eq!(scene.login().await.unwrap().evidence.level, MitIdLevel::High);
}

#[tokio::test]
async fn a_callback_that_is_not_ours_never_reaches_the_token_endpoint() {
    let cases: [(&str, Twist, MitIdError); 8] = [
        (
            "no state",
            Twist { callback: |c| c.retain(|(n, _)| n != "state"), ..HONEST },
            Refusal::StateWrong.into(),
        ),
        (
            "another state",
            Twist { callback: |c| c[1].1 = "x".to_owned(), ..HONEST },
            Refusal::StateWrong.into(),
        ),
        (
            "two codes",
            Twist { callback: |c| c.push(c[0].clone()), ..HONEST },
            Refusal::ParameterRepeated.into(),
        ),
        (
            "iss twice",
            Twist { callback: |c| c.push(c[2].clone()), ..HONEST },
            Refusal::ParameterRepeated.into(),
        ),
        (
            "another iss",
            Twist { callback: |c| c[2].1 = "https://b.dk".to_owned(), ..HONEST },
            Refusal::CallbackIssuerWrong.into(),
        ),
        (
            "iss promised, and absent",
            Twist { callback: |c| c.truncate(2), ..HONEST },
            Refusal::CallbackIssuerMissing.into(),
        ),
        (
            "error and code",
            Twist { callback: |c| c.push(("error".to_owned(), "access_denied".to_owned())), ..HONEST },
            Refusal::ErrorWithCode.into(),
        ),
        (
            "stopped by the person",
            Twist { callback: |c| c[0] = ("error".to_owned(), "access_denied".to_owned()), ..HONEST },
            MitIdError::Aborted,
        ),
    ];
    for (case, twist, error) in cases {
        let scene = Scene::with(twist).await;
        assert_eq!(scene.login().await, Err(error), "{case}");
        assert_eq!(scene.op.count("/token"), 0, "{case}");
    }
}

#[tokio::test]
async fn iss_may_be_absent_where_it_is_not_promised() {
    let twist = Twist {
        metadata: |m| m["authorization_response_iss_parameter_supported"] = false.into(),
        callback: |c| c.truncate(2),
        ..HONEST
    };
    each_accepted([("absent", twist)]).await;
}

#[tokio::test]
async fn the_code_of_another_login_is_refused() {
    let scene = Scene::with(HONEST).await;
    let (_, mine) = scene.mitid.begin(&ask()).await.unwrap();
    let (theirs, _) = scene.mitid.begin(&ask()).await.unwrap();
    // Their code arrives under my state: the verifier is mine, the challenge was theirs.
    let state = mine.state.clone();
    scene.op.authorize(&theirs);
    let callback = format!("code=the-code&state={state}&iss={}", scene.op.issuer);
    assert_eq!(scene.mitid.finish(mine, &callback).await, Err(Refusal::CodeRefused.into()));
}

#[tokio::test]
async fn what_an_error_says_holds_nothing_of_the_token() {
    let scene = Scene::with(Twist { claims: |c, _| c["aud"] = "secret-audience".into(), ..HONEST }).await;
    let error = scene.login().await.unwrap_err();
    for shown in [error.to_string(), format!("{error:?}"), error.code().to_owned()] {
        assert!(!shown.contains("secret") && !shown.contains("the-code"), "{shown}");
    }
    assert_eq!(error.code(), "audience-wrong");
}

#[test]
fn logins_may_move_between_threads() {
    fn moves<T: Send>(_: impl FnOnce(MitId, Pending) -> T) {}
    moves(|mitid, _| async move { mitid.begin(&ask()).await });
    moves(|mitid, pending| async move { mitid.finish(pending, "").await });
}
