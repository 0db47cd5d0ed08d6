//! What was proven counts for a while: then it is asked for again, and nothing more than that.

use std::time::Duration;

use crate::broker::{NEZ, Person as Account};
use crate::harness::{CURA, Installation};
use crate::in_process::InProcess;
use crate::origin::Origin;
use crate::person::{Page, Person};

const PASSWORD: &str = "en lang og god sætning";
const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_quarter_of_an_hour_without_activity_ends_a_session() {
    let ward = Ward::new("").await;
    let mut nez = ward.let_in().await;
    for target in ["/1", "/2"] {
        ward.gateway.after(15 * MINUTE - SECOND);
        ward.reaches(&mut nez, target).await;
    }
    ward.gateway.after(15 * MINUTE);
    let page = ward.is_kept_from(&mut nez, "/3?x=1").await;
    assert_eq!(page.heading(), "Login");
    // The signing in is over on the login host, too.
    let page = nez.open(&ward.installation.login("/me")).await;
    assert_eq!(page.heading(), "Login");
}

#[tokio::test]
async fn however_active_a_session_ends() {
    let ward = Ward::new("sessions: { absolute: 30m }\n").await;
    let mut nez = ward.let_in().await;
    for target in ["/1", "/2", "/3"] {
        ward.gateway.after(10 * MINUTE - SECOND);
        ward.reaches(&mut nez, target).await;
    }
    ward.gateway.after(3 * SECOND);
    let page = ward.is_kept_from(&mut nez, "/4").await;
    assert_eq!(page.heading(), "Login");
}

#[tokio::test]
async fn the_key_counts_for_an_hour_and_the_password_for_three() {
    let ward = Ward::new("sessions: { idle: 12h }\n").await;
    let mut nez = ward.let_in().await;
    for hour in ["/1?a=b", "/2?a=b"] {
        ward.gateway.after(60 * MINUTE - SECOND);
        ward.reaches(&mut nez, "/all-the-while").await;
        ward.gateway.after(2 * SECOND);
        let page = ward.is_kept_from(&mut nez, hour).await;
        assert_eq!(page.heading(), "Anvend hardwarenøgle", "the password is three hours old at most");
        let page = nez.touch(&page).await;
        assert_eq!((page.url, page.reply.status), (ward.installation.cura(hour), 200));
    }
    // The third hour: now the password is too old, and the key is not.
    ward.gateway.after(60 * MINUTE - 10 * SECOND);
    ward.reaches(&mut nez, "/still").await;
    ward.gateway.after(9 * SECOND);
    let page = ward.is_kept_from(&mut nez, "/3?a=b").await;
    assert_eq!(page.heading(), "Login");
    let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
    assert_eq!((page.url, page.reply.status), (ward.installation.cura("/3?a=b"), 200));
}

#[tokio::test]
async fn a_fresh_proof_is_one_touch_and_leads_back_to_the_very_address() {
    let ward = Ward::new("").await;
    let mut nez = ward.let_in().await;
    let target = "/medication/7?dose=2&unit=m%C3%A5l";
    ward.reaches(&mut nez, target).await;
    ward.gateway.after(5 * MINUTE + SECOND);
    ward.reaches(&mut nez, "/home").await;
    let target = "/medication/8?dose=2&unit=m%C3%A5l";
    let page = ward.is_kept_from(&mut nez, target).await;
    assert_eq!(page.heading(), "Anvend hardwarenøgle");
    assert!(page.reply.text().contains("Bekræft medicin"), "it does not say what the touch is for");
    let page = nez.touch(&page).await;
    assert_eq!((page.url, page.reply.status), (ward.installation.cura(target), 200));
    ward.gateway.after(5 * MINUTE - SECOND);
    ward.reaches(&mut nez, target).await;
}

#[tokio::test]
async fn a_hand_off_lasts_half_a_minute() {
    let ward = Ward::new("").await;
    let mut nez = ward.let_in().await;
    for (wait, status) in [(29 * SECOND, 200), (30 * SECOND, 400)] {
        nez.forget("cura.localhost", crate::person::SESSION);
        let to_login = nez.get(&ward.installation.cura("/x")).await;
        let to_login = to_login.header("location").expect("sent to the login host").to_owned();
        let hand_off = nez.get(&to_login).await;
        let enter = hand_off.header("location").expect("sent back at once").to_owned();
        assert!(enter.starts_with(&ward.installation.cura("/.sluse/enter?code=")), "{enter}");
        ward.gateway.after(wait);
        assert_eq!(nez.open(&enter).await.reply.status, status);
    }
    assert_eq!(ward.installation.events("hand-off-refused").len(), 1);
}

#[tokio::test]
async fn a_touch_may_take_five_minutes() {
    let ward = Ward::new("").await;
    let mut nez = ward.let_in().await;
    for (wait, status) in [(5 * MINUTE - SECOND, 200), (5 * MINUTE, 400)] {
        ward.gateway.after(6 * MINUTE);
        let page = ward.is_kept_from(&mut nez, "/medication/9").await;
        let origin = ward.installation.login("");
        let response = nez.key.assert(&page.options(), &origin).expect("the key goes along");
        ward.gateway.after(wait);
        assert_eq!(nez.post_response(&page, "/key/finish", &response).await.status, status);
    }
    let refused = ward.installation.events("key-refused").remove(0);
    assert_eq!(refused["detail"]["reason"], "ceremony-unknown");
}

#[tokio::test]
async fn a_registration_may_take_five_minutes() {
    let ward = Ward::new("").await;
    let mut nez = ward.let_in().await;
    for (wait, status) in [(5 * MINUTE - SECOND, 200), (5 * MINUTE, 400)] {
        let page = nez.open(&ward.installation.login("/keys/new")).await;
        let page = nez.submit(&page, "/keys/new", &[("name", "Rød nøgle")]).await;
        let mut other = Person::at(&ward.installation);
        let origin = ward.installation.login("");
        let response = other.key.register(&page.options(), &origin).expect("the key goes along");
        ward.gateway.after(wait);
        assert_eq!(nez.post_response(&page, "/keys/finish", &response).await.status, status);
    }
    let refused = ward.installation.events("key-registration-refused").remove(0);
    assert_eq!(refused["detail"]["reason"], "ceremony-unknown");
}

#[tokio::test]
async fn a_one_time_code_lasts_a_day() {
    let ward = Ward::new("").await;
    let code = ward.installation.invite(&NEZ);
    for (wait, status) in [(24 * 60 * MINUTE - MINUTE, 200), (MINUTE + MINUTE, 422)] {
        ward.gateway.after(wait);
        let mut nez = Person::at(&ward.installation);
        let page = nez.open(&ward.installation.cura("/")).await;
        let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
        let page = nez.submit(&page, "/code", &[("code", &code)]).await;
        assert_eq!(page.reply.status, status, "{page:?}");
    }
    assert_eq!(ward.installation.events("code-refused").len(), 1);
}

#[tokio::test]
async fn a_login_at_the_broker_may_take_a_quarter_of_an_hour() {
    let origin = Origin::echo().await;
    let (installation, broker) = Installation::with_broker(&origin).await;
    installation.enrol(&NEZ, PASSWORD);
    let gateway = InProcess::serve(&installation).await;
    let mut nez = Person::at(&installation);
    let page = nez.open(&installation.cura("/")).await;
    let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
    let callback = nez.callback(&page, &broker, &NEZ).await;
    gateway.after(8 * MINUTE);
    nez.open(&installation.login("/me")).await;
    gateway.after(7 * MINUTE);
    let page = nez.open(&callback).await;
    assert_eq!((page.reply.status, &*page.heading()), (400, "Der gik for lang tid"));
    assert_eq!(broker.token_requests().await, 0);
}

/// Cura behind a gateway whose time is ours.
struct Ward {
    origin: Origin,
    installation: Installation,
    gateway: InProcess,
}

impl Ward {
    /// With `settings` beside the usual ones.
    async fn new(settings: &str) -> Self {
        let origin = Origin::echo().await;
        let installation = Installation::new(&origin);
        installation.change("sluse.yaml", "methods:\n", &format!("{settings}methods:\n"));
        let medication = "  - name: medication\n    match: { path: /medication/** }\n    require: { fresh: 5m }\n    \
                          on_step_up: { text: { da: Bekræft medicin, en: Confirm medication } }\n";
        let policy = CURA.replace("UPSTREAM", &origin.url());
        installation.policy("cura", &policy.replace("rules:\n", &format!("rules:\n{medication}")));
        installation.enrol(&Account { cpr: None, ..NEZ }, PASSWORD);
        let gateway = InProcess::serve(&installation).await;
        Self { origin, installation, gateway }
    }

    async fn let_in(&self) -> Person {
        Person::let_in(&self.installation, &NEZ, PASSWORD).await
    }

    async fn reaches(&self, person: &mut Person, target: &str) {
        let page = person.open(&self.installation.cura(target)).await;
        assert_eq!((page.url, page.reply.status), (self.installation.cura(target), 200));
    }

    /// The page they get instead; the origin hears nothing of it.
    async fn is_kept_from(&self, person: &mut Person, target: &str) -> Page {
        let page = person.open(&self.installation.cura(target)).await;
        assert!(page.url.starts_with(&self.installation.login("/")), "let in: {}", page.url);
        assert!(self.origin.received().iter().all(|seen| seen.target() != target));
        page
    }
}
