//! *Skift kodeord*, and *Glemt kodeord eller låst ude?*

use std::time::Duration;

use crate::broker::{Broker, NEZ, OLE, Person as Account};
use crate::browser::Browser;
use crate::employee::{log_in, log_in_with_mitid, register_key_with_code};
use crate::harness::Installation;
use crate::in_process::InProcess;
use crate::origin::Origin;
use crate::person::{Page, Person};
use crate::words::says;

const PASSWORD: &str = "en lang og god sætning";
const NEW: &str = "grusgravens gule måge";
const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_password_is_changed_and_ends_everything_elsewhere() {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    installation.enrol(&Account { cpr: None, ..NEZ }, PASSWORD);
    let _gateway = installation.serve().await;
    let browser = Browser::start().await;
    browser.open(&installation.cura("/")).await;
    log_in(&browser, NEZ.user, PASSWORD).await;
    let _key = register_key_with_code(&browser, &installation.invite(&NEZ)).await;
    browser.at(&installation.cura("/")).await;
    let mut elsewhere = Person::at(&installation);
    let form = elsewhere.open(&installation.login("/login")).await;
    elsewhere.log_in(&form, NEZ.user, PASSWORD).await;
    let spare = installation.invite(&NEZ);

    browser.open(&installation.login("/me")).await;
    browser.link("Skift kodeord").await.click().await;
    browser.field("Nuværende kodeord").await.write(PASSWORD).await;
    browser.field("Nyt kodeord").await.write("Sommer2026!!").await;
    browser.shows("svagt").await;
    browser.field("Nyt kodeord igen").await.write("noget andet").await;
    browser.button("Gem nyt kodeord").await.click().await;
    browser.shows("lækket før eller let at gætte").await;
    browser.shows("De to nye kodeord er ikke ens.").await;
    browser.field("Nuværende kodeord").await.write(PASSWORD).await;
    browser.field("Nyt kodeord").await.write(NEW).await;
    browser.shows("stærkt").await;
    browser.field("Nyt kodeord igen").await.write(NEW).await;
    browser.button("Gem nyt kodeord").await.click().await;
    browser.shows("Det nye kodeord er gemt").await;

    let page = elsewhere.open(&installation.login("/me")).await;
    assert_eq!(page.heading(), "Login", "signed in elsewhere still");
    assert_eq!(elsewhere.log_in(&page, NEZ.user, PASSWORD).await.reply.status, 401);
    let page = elsewhere.log_in(&page, NEZ.user, NEW).await;
    let page = elsewhere.submit(&page, "/code", &[("code", &spare)]).await;
    assert_eq!(page.reply.status, 422, "a code from before the new password is spent");
    let set = installation.events("password-set");
    let last = set.last().expect("it is told");
    assert_eq!(
        (&last["username"], &last["detail"]["by"], &last["detail"]["proven_by"]),
        (&"nez".into(), &"self".into(), &"password".into())
    );
    browser.open(&installation.login("/me/events")).await;
    browser.shows("Nyt kodeord").await;
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew_after_mitid() {
    let origin = Origin::echo().await;
    let (installation, _broker) = Installation::with_broker(&origin).await;
    installation.enrol(&NEZ, PASSWORD);
    let _gateway = installation.serve().await;
    let mut stranger = Person::at(&installation);
    for _ in 0..5 {
        let form = stranger.open(&installation.login("/login")).await;
        stranger.log_in(&form, NEZ.user, "forkert").await;
    }
    let browser = Browser::start().await;
    browser.open(&installation.cura("/ward?bed=4")).await;
    browser.link("Glemt kodeord eller låst ude?").await.click().await;
    browser.heading("Glemt kodeord eller låst ude?").await;
    log_in_with_mitid(&browser, "(nez)").await;
    browser.heading("Vælg nyt kodeord").await;
    browser.field("Nyt kodeord").await.write(NEW).await;
    browser.field("Nyt kodeord igen").await.write(NEW).await;
    browser.button("Gem nyt kodeord").await.click().await;
    browser.shows("Det nye kodeord er gemt").await;
    assert_eq!(installation.events("account-unlocked").len(), 1);

    // One MitID, one password.
    browser.open(&installation.login("/me/password")).await;
    browser.heading("Skift kodeord").await;
    browser.field("Nuværende kodeord").await;
    // And on to where they were going.
    browser.open(&installation.cura("/ward?bed=4")).await;
    log_in(&browser, NEZ.user, NEW).await;
    browser.at(&installation.cura("/ward?bed=4")).await;
}

#[tokio::test]
async fn a_reset_is_for_once() {
    let door = Door::new().await;
    let (mut nez, page) = door.after_mitid(&NEZ).await;
    assert_eq!(page.heading(), "Vælg nyt kodeord");
    let old = page.clone();
    let set = [("new", NEW), ("again", NEW)];
    let page = nez.submit(&page, "/me/password", &set).await;
    assert!(page.reply.text().contains("Det nye kodeord er gemt"), "{page:?}");
    // The same page sent again, by whoever finds it.
    let other = [("new", "et helt andet kodeord"), ("again", "et helt andet kodeord")];
    let page = nez.submit(&old, "/me/password", &other).await;
    assert_eq!((page.reply.status, &*page.heading()), (422, "Skift kodeord"));
    assert!(page.reply.text().contains("Skriv dit nuværende kodeord."));
    assert_eq!(door.status_of_login(NEW).await, 303);
    assert_eq!(door.installation.events("password-set").len(), 2, "once by hand, once by MitID");
    // Nor in a browser that is nobody's.
    let mut nobody = Person::at(&door.installation);
    let page = nobody.submit(&old, "/me/password", &other).await;
    assert_eq!(page.heading(), "Login");
    assert_eq!(door.status_of_login(NEW).await, 303);
}

#[tokio::test]
async fn a_reset_is_for_a_few_minutes() {
    let door = Door::new().await;
    let (mut nez, page) = door.after_mitid(&NEZ).await;
    assert_eq!(page.heading(), "Vælg nyt kodeord");
    door.gateway.after(6 * MINUTE);
    let page = nez.submit(&page, "/me/password", &[("new", NEW), ("again", NEW)]).await;
    assert_eq!((page.reply.status, &*page.heading()), (422, "Skift kodeord"));
    assert_eq!(door.status_of_login(PASSWORD).await, 303);
}

#[tokio::test]
async fn a_mitid_without_an_account_learns_nothing() {
    let door = Door::new().await;
    let (_, page) = door.after_mitid(&OLE).await;
    assert_eq!(page.heading(), "Ukendt bruger");
    let help = Person::at(&door.installation).open(&door.installation.login("/help")).await;
    assert!(!says(&help.reply.text(), "nez"));
}

#[tokio::test]
async fn a_person_with_a_key_must_touch_it_first() {
    let door = Door::new().await;
    let mut nez = Person::let_in(&door.installation, &NEZ, PASSWORD).await;
    let url = door.installation.login("/me/password");
    assert_eq!(nez.open(&url).await.heading(), "Skift kodeord");
    let form = nez.open(&url).await;
    door.gateway.after(11 * MINUTE);
    let page = nez.open(&url).await;
    assert_eq!(page.heading(), "Anvend hardwarenøgle");
    let set = [("current", PASSWORD), ("new", NEW), ("again", NEW)];
    let refused = nez.submit(&form, "/me/password", &set).await;
    assert_eq!(refused.heading(), "Anvend hardwarenøgle");
    let page = nez.touch(&page).await;
    assert_eq!(page.heading(), "Skift kodeord");
    nez.submit(&page, "/me/password", &set).await;
    assert_eq!(door.status_of_login(NEW).await, 303);
}

#[tokio::test]
async fn a_wrong_current_password_counts_like_any_other() {
    let door = Door::new().await;
    let mut nez = Person::at(&door.installation);
    let form = nez.open(&door.installation.login("/login")).await;
    nez.log_in(&form, NEZ.user, PASSWORD).await;
    let form = nez.open(&door.installation.login("/me/password")).await;
    let guess = [("current", "forkert"), ("new", NEW), ("again", NEW)];
    for n in 1..=5 {
        let status = if n < 5 { 401 } else { 429 };
        assert_eq!(nez.submit(&form, "/me/password", &guess).await.reply.status, status, "{n}");
    }
    let right = [("current", PASSWORD), ("new", NEW), ("again", NEW)];
    let page = nez.submit(&form, "/me/password", &right).await;
    assert_eq!(page.reply.status, 429, "locked, and tried all the same");
    assert_eq!(door.installation.events("password-wrong").len(), 5);
    assert_eq!(door.installation.events("password-set").len(), 1, "by hand alone");
}

#[tokio::test]
async fn the_rules_of_the_installation_hold() {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    let rules = "password: { min_length: 15, history: 2, forbidden: [Åby] }";
    installation.change("sluse.yaml", "password: {}", rules);
    installation.enrol(&Account { cpr: None, ..NEZ }, PASSWORD);
    let _gateway = installation.serve().await;
    let mut nez = Person::at(&installation);
    let form = nez.open(&installation.login("/login")).await;
    nez.log_in(&form, NEZ.user, PASSWORD).await;
    let url = installation.login("/me/password");
    let mut now = PASSWORD;
    let mut set = async |now: &str, new: &str| {
        let form = nez.open(&url).await;
        let page = nez.submit(&form, "/me/password", &[("current", now), ("new", new), ("again", new)]).await;
        (page.reply.status, page.reply.text())
    };
    for (new, told) in [
        ("nez i åby", &["mindst 15 tegn", "dit brugernavn", "ordet “åby”"][..]),
        ("perce bor ved vandet", &["dit navn"]),
        (PASSWORD, &["har du brugt før"]),
        ("", &["Skriv et nyt kodeord."]),
    ] {
        let (status, text) = set(now, new).await;
        assert_eq!(status, 422, "{new}");
        for words in told {
            assert!(text.contains(words), "{new}: no {words}");
        }
    }
    for new in [NEW, "en anden lang sætning", PASSWORD] {
        let (status, text) = set(now, new).await;
        assert!(status == 200 && text.contains("Det nye kodeord er gemt"), "{new}: {text}");
        now = new;
    }
    let refused = installation.sluse(["user", "set-password", "nez"], "kort");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("15 characters"), "{refused:?}");
}

/// A gateway with a clock of the test's, and a broker.
struct Door {
    _origin: Origin,
    installation: Installation,
    broker: Broker,
    gateway: InProcess,
}

impl Door {
    async fn new() -> Self {
        let origin = Origin::echo().await;
        let (installation, broker) = Installation::with_broker(&origin).await;
        installation.enrol(&NEZ, PASSWORD);
        let gateway = InProcess::serve(&installation).await;
        Self { _origin: origin, installation, broker, gateway }
    }

    /// Somebody in a fresh browser, after *Glemt kodeord eller låst ude?* and their MitID.
    async fn after_mitid(&self, account: &Account) -> (Person, Page) {
        let mut person = Person::at(&self.installation);
        let help = person.open(&self.installation.login("/help")).await;
        assert_eq!(help.heading(), "Glemt kodeord eller låst ude?");
        let callback = person.callback(&help, &self.broker, account).await;
        let page = person.open(&callback).await;
        (person, page)
    }

    async fn status_of_login(&self, password: &str) -> u16 {
        let mut person = Person::at(&self.installation);
        let form = person.open(&self.installation.login("/login")).await;
        let fields = [("username", NEZ.user), ("password", password)];
        person.submit_and_stay(&form, "/login", &fields).await.status
    }
}
