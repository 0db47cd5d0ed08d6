//! Wrong passwords: what they lock, for whom, and for how long.

use std::time::Duration;

use crate::broker::{Broker, NEZ};
use crate::harness::Installation;
use crate::in_process::InProcess;
use crate::origin::Origin;
use crate::person::{Page, Person};

const PASSWORD: &str = "en lang og god sætning";
const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn five_wrong_lock_for_five_minutes_whoever_has_the_name() {
    let door = Door::new().await;
    let mut said = Vec::new();
    for name in ["nez", "findes-ikke"] {
        let mut stranger = Person::at(&door.installation);
        for _ in 0..4 {
            assert_eq!(door.tries(&mut stranger, name, "forkert").await.reply.status, 401);
        }
        let fifth = door.tries(&mut stranger, name, "forkert").await;
        let right = door.tries(&mut stranger, name, PASSWORD).await;
        for page in [&fifth, &right] {
            assert_eq!((page.reply.status, page.reply.header("retry-after")), (429, Some("300")));
            assert!(page.reply.text().contains("Låst kodeord"));
            assert!(page.reply.text().contains("Glemt kodeord eller låst ude?"));
        }
        let alert = right.reply.text().split_once("role=\"alert\"").expect("it says why").1.to_owned();
        said.push(alert.split("</div>").next().map(str::to_owned));
    }
    assert_eq!(said[0], said[1], "the answer tells who has an account");
    let locked = door.installation.events("account-locked");
    assert_eq!(locked.len(), 2);
    assert_eq!(
        (&locked[0]["username"], &locked[0]["detail"]["kind"]),
        (&"nez".into(), &"for-a-while".into())
    );

    door.gateway.after(5 * MINUTE - SECOND);
    let mut nez = Person::at(&door.installation);
    let page = door.tries(&mut nez, "nez", PASSWORD).await;
    assert_eq!((page.reply.status, page.reply.header("retry-after")), (429, Some("1")));
    door.gateway.after(SECOND);
    let page = door.tries(&mut nez, "nez", PASSWORD).await;
    assert_eq!(page.heading(), "Ingen 2-faktor enheder registreret");
}

#[tokio::test]
async fn mitid_and_a_key_work_all_the_while_and_open_the_password() {
    let door = Door::new().await;
    let mut inside = Person::let_in(&door.installation, &NEZ, PASSWORD).await;
    let mut stranger = Person::at(&door.installation);
    door.lock(&mut stranger).await;
    // A touch, where one is due: the key was never locked.
    // Less than the broker, whose time goes on by itself, may be behind.
    door.gateway.after(21 * SECOND);
    let page = inside.open(&door.installation.cura("/fresh")).await;
    assert_eq!(page.heading(), "Anvend hardwarenøgle");
    let page = inside.touch(&page).await;
    assert_eq!((page.url, page.reply.status), (door.installation.cura("/fresh"), 200));
    assert_eq!(door.installation.events("account-unlocked").len(), 1);

    door.lock(&mut stranger).await;
    let mut nez = Person::at(&door.installation);
    let form = nez.open(&door.installation.cura("/")).await;
    assert_eq!(door.tries(&mut nez, "nez", PASSWORD).await.reply.status, 429);
    let callback = nez.callback(&form, &door.broker, &NEZ).await;
    let page = nez.open(&callback).await;
    assert_eq!(door.installation.events("account-unlocked").len(), 2, "{page:?}");
    let mut elsewhere = Person::at(&door.installation);
    assert_eq!(door.tries(&mut elsewhere, "nez", PASSWORD).await.heading(), "Anvend hardwarenøgle");
}

#[tokio::test]
async fn a_stranger_keeps_nobody_from_their_own_browser() {
    let door = Door::new().await;
    let mut nez = Person::at(&door.installation);
    door.tries(&mut nez, "nez", PASSWORD).await;
    nez.forget("login.localhost", crate::person::SESSION);
    let mut stranger = Person::at(&door.installation);
    door.lock(&mut stranger).await;
    // Nor by using up what one address may try.
    for n in 5..50 {
        let page = door.tries(&mut stranger, &format!("navn{n}"), "forkert").await;
        assert_eq!(page.reply.status, 401, "{n}");
    }
    assert_eq!(door.tries(&mut stranger, "navn", "forkert").await.reply.status, 429);
    assert_eq!(door.tries(&mut nez, "nez", PASSWORD).await.heading(), "Ingen 2-faktor enheder registreret");

    // It has a counter of its own all the same, and a new password makes it a stranger's.
    nez.forget("login.localhost", crate::person::SESSION);
    door.lock(&mut nez).await;
    assert_eq!(door.tries(&mut nez, "nez", PASSWORD).await.reply.status, 429);
    door.gateway.after(10 * MINUTE);
    door.installation.succeed(["user", "set-password", "nez"], PASSWORD);
    door.lock(&mut stranger).await;
    assert_eq!(door.tries(&mut nez, "nez", PASSWORD).await.reply.status, 429);
}

#[tokio::test]
async fn one_address_has_only_so_many_wrong_ones() {
    let door = Door::new().await;
    let mut stranger = Person::at(&door.installation);
    for n in 0..50 {
        let page = door.tries(&mut stranger, &format!("navn{n}"), "forkert").await;
        assert_eq!(page.reply.status, 401, "{n}");
    }
    let page = door.tries(&mut stranger, "nez", PASSWORD).await;
    assert_eq!((page.reply.status, page.reply.header("retry-after")), (429, Some("2")));
    assert!(page.reply.text().contains("forsøgt for mange gange på kort tid"));
    door.gateway.after(2 * SECOND);
    // Right ones cost nothing.
    for _ in 0..3 {
        let mut nez = Person::at(&door.installation);
        let page = door.tries(&mut nez, "nez", PASSWORD).await;
        assert_eq!(page.heading(), "Ingen 2-faktor enheder registreret");
    }
}

#[tokio::test]
async fn a_hundred_wrong_lock_until_the_service_desk_opens() {
    let door = Door::new().await;
    let mut stranger = Person::at(&door.installation);
    for _ in 0..20 {
        door.lock(&mut stranger).await;
        door.gateway.after(5 * MINUTE);
    }
    door.gateway.after(60 * 24 * 400 * MINUTE);
    let page = door.tries(&mut stranger, "nez", PASSWORD).await;
    assert_eq!((page.reply.status, page.reply.header("retry-after")), (429, None));
    assert!(page.reply.text().contains("kontakt servicedesk"));
    assert_eq!(door.installation.events("account-locked").last().expect("one")["detail"]["kind"], "for-good");
    let said = door.installation.succeed(["user", "unlock", "nez"], "");
    assert_eq!(said, "The password of nez is open again.\n");
    assert_eq!(door.installation.events("account-unlocked").len(), 1);
    let page = door.tries(&mut stranger, "nez", PASSWORD).await;
    assert_eq!(page.heading(), "Ingen 2-faktor enheder registreret");
}

/// A gateway whose time is ours, with MitID, and `nez` who has a password.
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
        let fresh = "  - { name: fresh, match: { path: /fresh }, require: { fresh: 20s } }\n";
        installation.change("policies/cura.yaml", "rules:\n", &format!("rules:\n{fresh}"));
        installation.enrol(&NEZ, PASSWORD);
        let gateway = InProcess::serve(&installation).await;
        Self { _origin: origin, installation, broker, gateway }
    }

    /// Opens Cura, fills the form in and sends it.
    async fn tries(&self, person: &mut Person, name: &str, password: &str) -> Page {
        let form = person.open(&self.installation.cura("/")).await;
        assert_eq!(form.heading(), "Login");
        person.log_in(&form, name, password).await
    }

    /// Five wrong ones for `nez`.
    async fn lock(&self, person: &mut Person) {
        for n in 1..=5 {
            let status = if n < 5 { 401 } else { 429 };
            assert_eq!(self.tries(person, "nez", "forkert").await.reply.status, status, "{n}");
        }
    }
}
