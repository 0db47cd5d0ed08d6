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

/// From *Ingen 2-faktor enheder registreret* through MitID to *Registrering gennemført*: `user` (as on the broker's button)
/// is vouched for, the key is named and touched. The key stays in the browser's port.
pub async fn register_key(browser: &Browser, user: &str) -> Credential {
    browser.heading("Ingen 2-faktor enheder registreret").await;
    browser.picture("no-keys").await;
    browser.action("Log ind med MitID").await.click().await;
    let person = browser.button_with(user).await;
    browser.picture("broker").await;
    person.click().await;
    browser.heading("Min identitet").await;
    browser.picture("my-identity").await;
    browser.action("Tilføj hardwarenøgle").await.click().await;
    browser.field("Navn på klient").await.write("Blå nøgle").await;
    browser.picture("name-the-key").await;
    browser.button("Registrer klient").await.click().await;
    let start = browser.button("Start registrering").await;
    browser.picture("register-the-key").await;
    let key = Key::plug_in(browser, Touch::Present).await;
    start.click().await;
    browser.heading("Registrering gennemført").await;
    browser.shows("Blå nøgle").await;
    browser.picture("registered").await;
    // The page goes on by itself.
    key.credential().await
}
