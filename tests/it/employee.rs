//! What an employee does at the gateway's pages, by the guide's Danish labels.

use crate::browser::Browser;
use crate::key::{Credential, Key, Touch};

/// Fills the login form in and sends it.
pub async fn log_in(browser: &Browser, user: &str, password: &str) {
    browser.field("Brugernavn").await.write(user).await;
    browser.field("Kodeord").await.write(password).await;
    browser.picture("login").await;
    browser.button("Login").await.click().await;
}

/// Presses *Log ind med MitID* and is `person` (as on the broker's button) there.
pub async fn log_in_with_mitid(browser: &Browser, person: &str) {
    browser.button("Log ind med MitID").await.click().await;
    let person = browser.button_with(person).await;
    browser.picture("broker").await;
    person.click().await;
}

/// From *Ingen 2-faktor enheder registreret* through MitID to *Registrering gennemført*: `person` (as on the
/// broker's button) is vouched for, the key is named and touched. The key stays in the browser's port.
pub async fn register_key(browser: &Browser, person: &str) -> Credential {
    browser.heading("Ingen 2-faktor enheder registreret").await;
    browser.picture("no-keys").await;
    log_in_with_mitid(browser, person).await;
    browser.heading("Min identitet").await;
    browser.picture("my-identity").await;
    browser.link("Tilføj hardwarenøgle").await.click().await;
    name(browser).await;
    touch(browser).await.credential().await
}

/// As [`register_key`], with a one-time code from the service desk instead of MitID. The key will be asked for
/// a touch at once, as the code is no second factor.
pub async fn register_key_with_code<'a>(browser: &'a Browser, code: &str) -> Key<'a> {
    start_registration(browser, code).await;
    touch(browser).await
}

/// From *Ingen 2-faktor enheder registreret* with a one-time code to *Start registrering*.
pub async fn start_registration(browser: &Browser, code: &str) {
    browser.heading("Ingen 2-faktor enheder registreret").await;
    browser.field("Engangskode").await.write(code).await;
    browser.button("Fortsæt").await.click().await;
    name(browser).await;
}

async fn name(browser: &Browser) {
    browser.field("Navn på klient").await.write("Blå nøgle").await;
    browser.picture("name-the-key").await;
    browser.button("Registrer klient").await.click().await;
    browser.button("Start registrering").await;
    browser.picture("register-the-key").await;
}

async fn touch(browser: &Browser) -> Key<'_> {
    let key = Key::plug_in(browser, Touch::Present).await;
    browser.button("Start registrering").await.click().await;
    browser.heading("Registrering gennemført").await;
    browser.shows("Blå nøgle").await;
    browser.picture("registered").await;
    // The page goes on by itself.
    key
}
