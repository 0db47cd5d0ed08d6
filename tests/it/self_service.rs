//! *Min identitet*: what somebody does with their own keys.

use sluse::authn::authenticator::SoftwareAuthenticator;
use sluse::random::SystemRandom;

use crate::broker::{NEZ, Person as Account};
use crate::browser::Browser;
use crate::employee::{log_in, register_key_with_code};
use crate::harness::Installation;
use crate::origin::Origin;
use crate::person::Person;

const PASSWORD: &str = "en lang og god sætning";

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
