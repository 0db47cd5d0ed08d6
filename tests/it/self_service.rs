//! *Min identitet*: what somebody does with their own keys.

use sluse::authn::authenticator::SoftwareAuthenticator;
use sluse::random::SystemRandom;

use crate::broker::{NEZ, OLE, Person as Account};
use crate::browser::Browser;
use crate::employee::{log_in, register_key_with_code};
use crate::harness::{CURA, Installation};
use crate::origin::Origin;
use crate::person::Person;

const PASSWORD: &str = "en lang og god sætning";
/// *Husk brugernavn*.
const NAME: &str = "__Host-sluse-name";

#[tokio::test]
async fn a_key_is_renamed_and_the_last_one_not_deleted_without_a_word() {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    installation.enrol(&Account { cpr: None, ..NEZ }, PASSWORD);
    let _gateway = installation.serve().await;
    let browser = Browser::start().await;
    browser.open(&installation.cura("/")).await;
    browser.field("Husk brugernavn").await.click().await;
    log_in(&browser, NEZ.user, PASSWORD).await;
    let _key = register_key_with_code(&browser, &installation.invite(&NEZ)).await;
    browser.at(&installation.cura("/")).await;

    browser.open(&installation.login("/me")).await;
    browser.link("Rediger navn").await.click().await;
    let name = browser.field("Navn på klient").await;
    name.clear().await;
    name.write("Rød nøgle").await;
    browser.button("Gem").await.click().await;
    browser.shows("Navnet er gemt.").await;
    browser.shows("Rød nøgle").await;
    assert!(!browser.text().await.contains("Blå nøgle"));

    browser.link("Slet enhed").await.click().await;
    browser.shows("Det er din eneste enhed").await;
    browser.link("Annuller").await.click().await;
    browser.shows("Rød nøgle").await;

    // The user name stays with the browser, the session does not.
    browser.button("Log ud").await.click().await;
    browser.heading("Du er logget ud").await;
    browser.open(&installation.cura("/")).await;
    assert_eq!(browser.field("Brugernavn").await.property("value").await, "nez");
}

#[tokio::test]
async fn a_person_reads_what_happened_to_their_account_and_ends_what_is_open_elsewhere() {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    for account in [NEZ, OLE] {
        installation.enrol(&account, PASSWORD);
    }
    let _gateway = installation.serve().await;
    let mut nez = Person::let_in(&installation, &NEZ, PASSWORD).await;
    let mut stranger = Person::at(&installation);
    let form = stranger.open(&installation.login("/login")).await;
    stranger.log_in(&form, NEZ.user, "not it").await;
    let mut tablet = Person::at(&installation);
    std::mem::swap(&mut tablet.key, &mut nez.key);
    let form = tablet.open(&installation.cura("/")).await;
    let page = tablet.log_in(&form, NEZ.user, PASSWORD).await;
    tablet.touch(&page).await;

    let page = nez.open(&installation.login("/me/events")).await;
    assert_eq!(page.heading(), "Hændelseslog");
    let text = page.reply.text();
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("no {words}: {text}"));
    assert!(at("Korrekt anvendelse af 2-faktor enhed") < at("Forkert kodeord"), "the latest first");
    assert!(at("Forkert kodeord") < at("2-faktor enhed tilknyttet"));
    assert!(text.contains("127.0.0.1"));

    let page = nez.submit(&page, "/me/elsewhere", &[]).await;
    assert!(page.reply.text().contains("Du er logget ud alle andre steder end her."));
    assert_eq!(tablet.get(&installation.cura("/")).await.status, 303);
    assert_eq!(nez.get(&installation.cura("/")).await.status, 200);
    // Another's account has another's log.
    let mut ole = Person::let_in(&installation, &OLE, PASSWORD).await;
    let page = ole.open(&installation.login("/me/events")).await;
    assert!(!page.reply.text().contains("Forkert kodeord"));
    let mut nobody = Person::at(&installation);
    assert_eq!(nobody.open(&installation.login("/me/events")).await.heading(), "Login");
}

#[tokio::test]
async fn a_policy_that_says_never_has_no_user_name_kept() {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    let never = "floor:\n  - { match: { path: /ward/** }, session: { remember: never } }\n";
    installation.policy("cura", &CURA.replace("UPSTREAM", &origin.url()).replace("floor:\n", never));
    installation.enrol(&Account { cpr: None, ..NEZ }, PASSWORD);
    let _gateway = installation.serve().await;
    let mut nez = Person::at(&installation);
    let keep = [("username", NEZ.user), ("password", PASSWORD), ("remember", "yes")];
    let page = nez.open(&installation.cura("/elsewhere")).await;
    assert!(page.reply.text().contains("Husk brugernavn"));
    nez.submit_and_stay(&page, "/login", &keep).await;
    assert_eq!(nez.cookie("login.localhost", NAME), Some(NEZ.user));
    nez.post_form(&installation.login("/logout"), &[]).await;

    let page = nez.open(&installation.cura("/ward/3")).await;
    assert!(!page.reply.text().contains("Husk brugernavn"));
    assert!(!page.reply.text().contains("value=\"nez\""), "kept before, and not shown here");
    // Whatever a form says.
    nez.submit_and_stay(&page, "/login", &keep).await;
    assert_eq!(nez.cookie("login.localhost", NAME), None);
}

/// What the login host asks for is what the app's host would: also where the policy looks at a header.
#[tokio::test]
async fn a_rule_that_looks_at_the_browser_is_met_at_the_login_host() {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    let rule = "rules:\n  - name: old\n    match: { path: /**, header: { user-agent: OldTablet } }\n    require: { level: password + key(pin) }\n    overlap: ok\n";
    installation.policy("cura", &CURA.replace("UPSTREAM", &origin.url()).replace("rules:\n", rule));
    installation.enrol(&Account { cpr: None, ..NEZ }, PASSWORD);
    let _gateway = installation.serve().await;
    let mut nez = Person::let_in(&installation, &NEZ, PASSWORD).await;
    let old = [("Accept", "text/html"), ("Sec-Fetch-Mode", "navigate"), ("User-Agent", "OldTablet")];
    let reply = nez.send("GET", &installation.cura("/x"), &old, "").await;
    let login = reply.header("location").expect("more is asked for").to_owned();
    let reply = nez.send("GET", &login, &old, "").await;
    let next = reply.header("location").expect("the way on");
    assert!(next.starts_with("/key?"), "not back to the app, which would ask again: {next}");
}

#[tokio::test]
async fn nobody_has_more_than_twenty_keys() {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    installation.enrol(&Account { cpr: None, ..NEZ }, PASSWORD);
    let _gateway = installation.serve().await;
    let mut nez = Person::let_in(&installation, &NEZ, PASSWORD).await;
    let form = nez.open(&installation.login("/keys/new")).await;
    for number in 2..=20 {
        let page = nez.submit(&form, "/keys/new", &[("name", &format!("Nøgle {number}"))]).await;
        let mut key = SoftwareAuthenticator::new(&SystemRandom);
        let response = key.register(&page.options(), &installation.login("")).expect("it goes along");
        assert_eq!(nez.post_response(&page, "/keys/finish", &response).await.status, 200);
    }
    let page = nez.submit(&form, "/keys/new", &[("name", "Nøgle 21")]).await;
    assert_eq!(page.reply.status, 422);
    assert!(page.reply.text().contains("Slet en, du ikke længere bruger."), "{page:?}");
}

#[tokio::test]
async fn a_person_sees_where_they_are_signed_in_and_ends_one_place() {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    for account in [NEZ, OLE] {
        installation.enrol(&account, PASSWORD);
    }
    let _gateway = installation.serve().await;
    let mut nez = Person::let_in(&installation, &NEZ, PASSWORD).await;
    let mut tablet = Person::at(&installation);
    let form = tablet.open(&installation.login("/login")).await;
    let agent = "Mozilla/5.0 (Linux; Android 10; K) Chrome/141.0.0.0 <b>";
    let headers = [
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("User-Agent", agent),
        ("Accept", "text/html"),
    ];
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("username", NEZ.user), ("password", PASSWORD)])
        .finish();
    assert_eq!(tablet.post(&form.resolve("/login"), &headers, &body).await.status, 303);
    let mut ole = Person::let_in(&installation, &OLE, PASSWORD).await;

    let page = nez.open(&installation.login("/me/sessions")).await;
    let text = page.reply.text();
    assert!(text.contains("Chrome, Android") && text.contains("127.0.0.1"), "{text}");
    assert_eq!(text.matches("Her, hvor du er nu").count(), 1);
    let ends = |text: &str| {
        let actions = text.split("action=\"").filter(|it| it.starts_with("/me/sessions/"));
        actions.filter_map(|it| Some(it.split('"').next()?.to_owned())).collect::<Vec<_>>()
    };
    let [end] = ends(&text).try_into().expect("one other place");
    // Somebody else's id is nobody's.
    let reply = ole.post_form(&installation.login(&end), &[]).await;
    assert_eq!(reply.status, 404);
    assert_eq!(reply.status, ole.post_form(&installation.login("/me/sessions/none/end"), &[]).await.status);
    assert_eq!(tablet.open(&installation.login("/me")).await.heading(), "Min identitet");

    let page = nez.submit(&page, &end, &[]).await;
    assert!(page.reply.text().contains("Du er logget ud det sted."));
    assert!(ends(&page.reply.text()).is_empty());
    assert_eq!(tablet.open(&installation.login("/me")).await.heading(), "Login");
    assert_eq!(nez.get(&installation.cura("/")).await.status, 200);
    assert_eq!(ole.get(&installation.cura("/")).await.status, 200);
}

#[tokio::test]
async fn the_primary_key_comes_first_and_says_where_it_was_used() {
    let origin = Origin::echo().await;
    let installation = Installation::new(&origin);
    for account in [NEZ, OLE] {
        installation.enrol(&Account { cpr: None, ..account }, PASSWORD);
    }
    let _gateway = installation.serve().await;
    let mut nez = Person::let_in(&installation, &NEZ, PASSWORD).await;
    let form = nez.open(&installation.login("/keys/new")).await;
    let page = nez.submit(&form, "/keys/new", &[("name", "Reserve")]).await;
    let mut spare = SoftwareAuthenticator::new(&SystemRandom);
    let response = spare.register(&page.options(), &installation.login("")).expect("it goes along");
    nez.finish(&page, "/keys/finish", &response).await;

    let page = nez.open(&installation.login("/me")).await;
    let text = page.reply.text();
    let at = |text: &str, words: &str| text.find(words).unwrap_or_else(|| panic!("no {words}: {text}"));
    assert!(at(&text, ">Blå nøgle<") < at(&text, ">Reserve<"), "the oldest first");
    assert!(text.contains("fra <bdi>127.0.0.1</bdi>") && !text.contains("Primær"));
    let (_, reserve) = text.split_at(at(&text, ">Reserve<"));
    let prefer =
        reserve.split("action=\"").nth(1).and_then(|it| it.split('"').next()).expect("a button").to_owned();
    let mut ole = Person::let_in(&installation, &OLE, PASSWORD).await;
    assert_eq!(ole.post_form(&installation.login(&prefer), &[]).await.status, 404, "somebody else's key");
    let page = nez.submit(&page, &prefer, &[]).await;
    let text = page.reply.text();
    assert!(at(&text, ">Reserve<") < at(&text, "Primær") && at(&text, "Primær") < at(&text, ">Blå nøgle<"));

    // And it is what a browser is asked for first.
    let mut other = Person::at(&installation);
    let form = other.open(&installation.cura("/")).await;
    let page = other.log_in(&form, NEZ.user, PASSWORD).await;
    let options: serde_json::Value = serde_json::from_str(&page.options()).expect("JSON");
    let allowed = options["publicKey"]["allowCredentials"].as_array().expect("a list").clone();
    assert_eq!(allowed.len(), 2);
    assert!(prefer.contains(allowed[0]["id"].as_str().expect("an id")), "{prefer}: {allowed:?}");
}
