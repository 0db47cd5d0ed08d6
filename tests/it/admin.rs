//! The admin pages: a service desk with somebody on the phone, and those who would like to be one.

use std::time::Duration;

use serde_json::Value;
use sluse::authn::authenticator::SoftwareAuthenticator;
use sluse::random::SystemRandom;
use sluse::store::Store as _;
use sluse::store::sqlite::Sqlite;
use sluse::user::{User, Username};

use crate::broker::{NEZ, OLE, Person as Account};
use crate::browser::Browser;
use crate::employee::{log_in, register_key_with_code};
use crate::harness::{Gateway, Installation};
use crate::in_process::InProcess;
use crate::origin::Origin;
use crate::person::{Page, Person};

const PASSWORD: &str = "en lang og god sætning";

/// At the service desk.
const ANNA: Account = Account { user: "anna", name: "Anna Desk", cpr: None, ..NEZ };
/// An administrator.
const BO: Account = Account { user: "bo", name: "Bo Admin", cpr: None, ..NEZ };

const ROLES: &str = "roles: { administrator: admins, service_desk: desk, auditor: auditors }\n";

/// Nez and Ole have no role; Anna sits at the desk, and Bo administers.
fn installation(origin: &Origin, desk: &str) -> Installation {
    let installation = Installation::new(origin);
    installation.write("sluse.yaml", &format!("{}{ROLES}{desk}", installation.settings("")));
    installation.enrol(&NEZ, PASSWORD);
    installation.enrol(&OLE, PASSWORD);
    for (person, group) in [(ANNA, "desk"), (BO, "admins")] {
        let add = ["user", "add", person.user, "--name", person.name, "--group", group];
        installation.succeed(add, "");
        installation.succeed(["user", "set-password", person.user], PASSWORD);
    }
    installation
}

/// The id of somebody's record.
fn id(installation: &Installation, user: &str) -> String {
    let people: Value = serde_json::from_str(&installation.succeed(["user", "list", "--format", "json"], ""))
        .expect("JSON, as asked for");
    let people = people.as_array().expect("a list");
    let person = people.iter().find(|person| person["username"] == user).expect("they were added");
    person["id"].as_str().expect("an id").to_owned()
}

async fn act(officer: &mut Person, installation: &Installation, path: &str, fields: &[(&str, &str)]) -> Page {
    let url = installation.login(path);
    let fields: Vec<_> =
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let reply = officer.post_form(&url, &fields).await;
    officer.follow(&url, reply).await
}

fn codes(installation: &Installation, event: &str) -> Vec<Value> {
    installation.events(event)
}

struct Desk {
    installation: Installation,
    _gateway: Gateway,
    _origin: Origin,
}

async fn open(desk: &str) -> Desk {
    let origin = Origin::echo().await;
    let installation = installation(&origin, desk);
    let gateway = installation.serve().await;
    Desk { installation, _gateway: gateway, _origin: origin }
}

#[tokio::test]
async fn a_desk_finds_locks_and_unlocks_somebody_in_a_browser() {
    let Desk { installation, .. } = &open("").await;
    let mut nez = Person::let_in(installation, &NEZ, PASSWORD).await;
    let browser = Browser::start().await;
    browser.open(&installation.login("/admin")).await;
    log_in(&browser, ANNA.user, PASSWORD).await;
    let _key = register_key_with_code(&browser, &installation.invite(&ANNA)).await;
    browser.link("Fortsæt").await.click().await;
    // The page asks the key by itself.
    browser.heading("Servicedesk").await;
    browser.picture("admin").await;

    browser.field("Find en person").await.write("nez").await;
    browser.button("Søg").await.click().await;
    browser.heading(NEZ.name).await;
    browser.shows("Aktiv").await;
    browser.picture("admin-person").await;
    browser.link("Lås konto").await.click().await;
    browser.field("Begrundelse").await.write("Mistet telefon").await;
    browser.button("Lås konto").await.click().await;
    browser.shows("Kontoen er låst, og personen er logget ud.").await;
    browser.shows("Mistet telefon").await;
    browser.picture("admin-person-locked").await;
    assert_eq!(nez.get(&installation.cura("/")).await.status, 303, "out at once");
    let page = nez.open(&installation.cura("/")).await;
    let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
    assert_eq!(page.heading(), "Login", "and stays out");

    browser.button("Lås konto op").await.click().await;
    browser.shows("Kontoen er låst op.").await;
    let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
    assert_eq!(page.heading(), "Anvend hardwarenøgle");
    let locked = &codes(installation, "user-disabled")[0];
    assert_eq!((&locked["username"], &locked["detail"]["by"]), (&"nez".into(), &"anna".into()));
    assert_eq!(locked["detail"]["reason"], "Mistet telefon");
    let by_anna = installation.succeed(["audit", "list", "--by", "anna"], "");
    assert!(by_anna.contains("user-disabled") && by_anna.contains("user-enabled"), "{by_anna}");
}

#[tokio::test]
async fn nobody_without_a_role_sees_that_there_is_a_desk() {
    let Desk { installation, .. } = &open("").await;
    let mut nez = Person::let_in(installation, &NEZ, PASSWORD).await;
    let ole = id(installation, "ole");
    let unknown = nez.get(&installation.login("/no-such-page")).await;
    assert_eq!(unknown.status, 404);
    let pages = [
        "/admin".to_owned(),
        "/admin/people?q=ole".to_owned(),
        format!("/admin/people/{ole}"),
        format!("/admin/people/{ole}/lock"),
        "/admin/keys".to_owned(),
        "/admin/sessions".to_owned(),
        "/admin/requests".to_owned(),
        "/admin/audit".to_owned(),
        "/admin/audit/export".to_owned(),
        "/admin/devices".to_owned(),
    ];
    for page in &pages {
        assert_eq!(nez.get(&installation.login(page)).await.status, 404, "{page}");
    }
    for path in ["lock", "unlock", "unlock-password", "invite", "end-sessions", "expire"] {
        let page =
            act(&mut nez, installation, &format!("/admin/people/{ole}/{path}"), &[("reason", "ondt")]).await;
        assert_eq!(page.reply.status, 404, "{path}");
    }
    assert_eq!(codes(installation, "admin-refused").len(), pages.len() + 6);
    assert_eq!(codes(installation, "user-disabled").len() + codes(installation, "user-invited").len(), 1);
    // A stranger is asked to log in, as for any page of one's own.
    let mut stranger = Person::at(installation);
    assert_eq!(stranger.open(&installation.login("/admin")).await.heading(), "Login");
}

#[tokio::test]
async fn a_duty_is_asked_for_each_thing_and_ends_with_the_group() {
    let Desk { installation, .. } = &open("").await;
    let mut anna = Person::let_in(installation, &ANNA, PASSWORD).await;
    let nez = id(installation, "nez");
    assert_eq!(anna.get(&installation.login("/admin/people?q=nez")).await.status, 303);
    for beyond in ["/admin/audit", "/admin/audit/export", "/admin/devices"] {
        assert_eq!(anna.get(&installation.login(beyond)).await.status, 404, "{beyond}");
    }
    // Her own account is another's to change.
    let own = id(installation, "anna");
    let page = act(&mut anna, installation, &format!("/admin/people/{own}/invite"), &[]).await;
    assert!(page.reply.text().contains("Bed en kollega om det."));
    assert_eq!(codes(installation, "user-invited").len(), 1, "the first, by the command line");
    // Forged and mangled ids are nobody's.
    for path in [
        "/admin/people/00000000-0000-0000-0000-000000000000".to_owned(),
        "/admin/people/nez".to_owned(),
        "/admin/people/%27or%271".to_owned(),
        format!("/admin/people/{nez}/delete"),
        format!("/admin/people/{nez}/revoke?target=!!"),
    ] {
        assert_eq!(anna.get(&installation.login(&path)).await.status, 404, "{path}");
    }
    let page =
        act(&mut anna, installation, &format!("/admin/people/{nez}/revoke"), &[("target", "AAAA")]).await;
    assert!(page.reply.text().contains("Der var ikke noget at gøre"), "{}", page.reply.text());
    // A short reason is no reason.
    let page = act(&mut anna, installation, &format!("/admin/people/{nez}/lock"), &[("reason", " x ")]).await;
    assert_eq!(page.reply.status, 422);

    // Out of the group, and out of the pages, with the very session that was begun in it.
    let store = Sqlite::open(&installation.path().join("sluse.db")).await.expect("the gateway's store");
    let name = Username::parse(ANNA.user).expect("a name");
    let user = store.user_by_name(&name).await.expect("an answer").expect("Anna");
    assert!(store.update_user(&User { groups: Vec::new(), ..user }).await.expect("an answer"));
    assert_eq!(anna.get(&installation.login("/me")).await.status, 200, "still logged in");
    assert_eq!(anna.get(&installation.login("/admin")).await.status, 404);
    let page =
        act(&mut anna, installation, &format!("/admin/people/{nez}/lock"), &[("reason", "stadig")]).await;
    assert!(codes(installation, "user-disabled").is_empty(), "{page:?}");
}

#[tokio::test]
async fn a_key_grows_stale_and_is_asked_for_again() {
    let origin = Origin::echo().await;
    let installation = installation(&origin, "");
    let gateway = InProcess::serve(&installation).await;
    let mut anna = Person::let_in(&installation, &ANNA, PASSWORD).await;
    let nez = id(&installation, "nez");
    assert_eq!(anna.open(&installation.login("/admin")).await.heading(), "Servicedesk");
    gateway.after(Duration::from_secs(10 * 60 + 1));
    // What is posted now is not done, and leads to the touch; then to where it was posted from.
    let page =
        act(&mut anna, &installation, &format!("/admin/people/{nez}/lock"), &[("reason", "for sent")]).await;
    assert_eq!(page.heading(), "Anvend hardwarenøgle");
    assert!(codes(&installation, "user-disabled").is_empty());
    let page = anna.touch(&page).await;
    assert_eq!(page.url, installation.login(&format!("/admin/people/{nez}")));
    assert_eq!(page.reply.status, 200);
}

#[tokio::test]
async fn four_eyes_are_two_people() {
    let Desk { installation, .. } = &open("desk: { four_eyes: [lock, invite] }\n").await;
    let mut anna = Person::let_in(installation, &ANNA, PASSWORD).await;
    let mut bo = Person::let_in(installation, &BO, PASSWORD).await;
    let nez = id(installation, "nez");
    let lock = format!("/admin/people/{nez}/lock");
    let page = act(&mut anna, installation, &lock, &[("reason", "Mistet telefon")]).await;
    assert!(page.reply.text().contains("Det er sendt til godkendelse"), "{}", page.reply.text());
    assert!(codes(installation, "user-disabled").is_empty(), "not yet");
    let page = act(&mut anna, installation, &lock, &[("reason", "Mistet telefon")]).await;
    assert!(page.reply.text().contains("venter allerede"));

    let page = bo.open(&installation.login("/admin/requests")).await;
    assert!(page.reply.text().contains("Mistet telefon") && page.reply.text().contains("Anna Desk"));
    let text = page.reply.text();
    let confirm = text.split("action=\"").find(|rest| rest.contains("/confirm\"")).expect("Bo may");
    let confirm = confirm.split('"').next().expect("an address").to_owned();
    // Whoever asked cannot be the second pair of eyes, whatever they post.
    assert_eq!(act(&mut anna, installation, &confirm, &[]).await.reply.status, 404);
    assert!(codes(installation, "user-disabled").is_empty());
    let page = act(&mut bo, installation, &confirm, &[]).await;
    assert!(page.reply.text().contains("Godkendt, og det er sket."), "{}", page.reply.text());
    assert_eq!(codes(installation, "user-disabled")[0]["detail"]["by"], "bo");
    let confirmed = &codes(installation, "action-confirmed")[0]["detail"];
    assert_eq!((&confirmed["by"], &confirmed["asked_by"]), (&"bo".into(), &"anna".into()));
    let page = act(&mut bo, installation, &confirm, &[]).await;
    assert!(page.reply.text().contains("Det venter ikke længere"), "once");
    assert_eq!(codes(installation, "user-disabled").len(), 1);
    // The machine's own operator is not asked twice.
    installation.succeed(["user", "enable", "nez"], "");
}

#[tokio::test]
async fn the_last_administrator_is_not_shut_out() {
    let Desk { installation, .. } = &open("").await;
    let mut anna = Person::let_in(installation, &ANNA, PASSWORD).await;
    let lock = format!("/admin/people/{}/lock", id(installation, "bo"));
    let page = act(&mut anna, installation, &lock, &[("reason", "er på ferie")]).await;
    assert!(page.reply.text().contains("den sidste administrator"), "{}", page.reply.text());
    assert!(codes(installation, "user-disabled").is_empty());
}

#[tokio::test]
async fn names_are_only_names_and_numbers_never_come_back() {
    let Desk { installation, .. } = &open("").await;
    installation
        .succeed(["user", "add", "eva", "--name", "<img src=x onerror=alert(1)>", "--group", "a\"b"], "");
    let mut bo = Person::let_in(installation, &BO, PASSWORD).await;
    for path in ["/admin/people?q=e", "/admin/audit"] {
        let page = bo.open(&installation.login(path)).await;
        assert_eq!(page.reply.status, 200);
        assert!(!page.reply.text().contains("<img src=x"), "{path}");
    }
    let eva = id(installation, "eva");
    assert!(
        !bo.open(&installation.login(&format!("/admin/people/{eva}")))
            .await
            .reply
            .text()
            .contains("<img src=x")
    );
    // A CPR number finds its person, and stands in no address, page or log.
    let cpr = NEZ.cpr.expect("a CPR number");
    let page = act(&mut bo, installation, "/admin/people", &[("q", cpr)]).await;
    assert_eq!(page.heading(), format!("<bdi>{}</bdi>", NEZ.name));
    let page = act(&mut bo, installation, "/admin/people", &[("q", "010203-4567")]).await;
    assert!(page.reply.text().contains("Ingen fundet") && !page.reply.text().contains("010203"));
    let page = bo.open(&installation.login(&format!("/admin/people?q={cpr}"))).await;
    assert_eq!(page.heading(), "Servicedesk", "nobody is looked for by what stands in an address");
}

#[tokio::test]
async fn a_code_a_key_a_session_and_a_device() {
    let Desk { installation, .. } = &open("").await;
    let mut bo = Person::let_in(installation, &BO, PASSWORD).await;
    let mut nez = Person::let_in(installation, &NEZ, PASSWORD).await;
    let person = format!("/admin/people/{}", id(installation, "nez"));
    let page = bo.open(&installation.login(&person)).await;
    assert!(page.reply.text().contains("Blå nøgle") && page.reply.text().contains("cura.localhost"));
    // One of the sessions, by its id; another's id ends nothing.
    let session = page.hidden().into_iter().find(|(name, _)| name == "target").expect("a session").1;
    let other = format!("/admin/people/{}/end-session", id(installation, "ole"));
    act(&mut bo, installation, &other, &[("target", &session)]).await;
    assert_eq!(nez.get(&installation.cura("/")).await.status, 200);
    act(&mut bo, installation, &format!("{person}/end-session"), &[("target", &session)]).await;
    assert_eq!(nez.get(&installation.cura("/")).await.status, 303);
    // The key, and a code for the next.
    let page = bo.open(&installation.login(&person)).await;
    let revoke = page.link_with("/revoke?target=").expect("a key");
    let page = bo.open(&page.resolve(&revoke)).await;
    let page = bo.submit(&page, &format!("{person}/revoke"), &[]).await;
    assert!(page.reply.text().contains("Ingen enheder er tilføjet."));
    let page = act(&mut bo, installation, &format!("{person}/invite"), &[]).await;
    let text = page.reply.text();
    let groups: Vec<&str> =
        text.split("<li><strong>").skip(1).filter_map(|rest| rest.split('<').next()).collect();
    assert_eq!(groups.len(), 4, "{text}");
    let mut nez = Person::at(installation).holding(SoftwareAuthenticator::new(&SystemRandom));
    let page = nez.open(&installation.cura("/")).await;
    let page = nez.log_in(&page, NEZ.user, PASSWORD).await;
    assert_eq!(nez.register(&page, &groups.join("-")).await.heading(), "Registrering gennemført");
    // A link for a tablet.
    let page = act(&mut bo, installation, "/admin/devices", &[("name", "Tablet 3")]).await;
    let link = page
        .reply
        .text()
        .split("class=\"link\">")
        .nth(1)
        .and_then(|it| it.split('<').next())
        .map(str::to_owned);
    let mut tablet = Person::at(installation);
    assert_eq!(tablet.open(&link.expect("a link")).await.heading(), "Fælles enhed");
    let page = act(&mut bo, installation, "/admin/devices/remove", &[("name", "Tablet 3")]).await;
    assert!(page.reply.text().contains("Enheden er ikke længere fælles."));
}

#[tokio::test]
async fn events_are_searched_in_words_and_handed_on() {
    let Desk { installation, .. } = &open("").await;
    let mut bo = Person::let_in(installation, &BO, PASSWORD).await;
    let ole = id(installation, "ole");
    act(&mut bo, installation, &format!("/admin/people/{ole}/lock"), &[("reason", "Ny telefon")]).await;
    let found =
        bo.open(&installation.login("/admin/audit?by=bo&event=user-disabled&user=ole")).await.reply.text();
    assert!(found.contains("Spærret af administrator") && found.contains("reason: Ny telefon"), "{found}");
    assert!(!found.contains(&format!("{}</bdi></a>", NEZ.user)));
    let none = bo.open(&installation.login("/admin/audit?by=anna")).await.reply.text();
    assert!(none.contains("Ingen hændelser passer."));
    let wrong = bo.open(&installation.login("/admin/audit?address=here")).await.reply.text();
    assert!(wrong.contains("kan ikke læses") && wrong.contains("Ingen hændelser passer."));
    let sheet =
        bo.get(&installation.login("/admin/audit/export?format=csv&user=ole&event=user-disabled")).await;
    assert_eq!(sheet.header("content-disposition"), Some("attachment; filename=\"audit.csv\""));
    assert_eq!(sheet.text().lines().count(), 2, "{}", sheet.text());
    let lines = bo.get(&installation.login("/admin/audit/export?format=json&user=ole")).await.text();
    assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    assert_eq!(codes(installation, "audit-exported").len(), 2);
}
