//! A security key in the browser's port: WebDriver's virtual authenticators (W3C WebAuthn, section 11).
//!
//! A key's credentials can be taken along to another browser, as its owner would.

use serde_json::{Value, json};

use crate::browser::Browser;

/// Who the key lets sign.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Touch {
    /// Anybody who touches it; it knows no PIN.
    Present,
    /// Its owner: the PIN (or finger) is right.
    Verified,
    /// It knows a PIN, and got a wrong one.
    WrongPin,
    /// Nobody touches it.
    Missing,
}

/// Plugged in until [`Key::remove`] or the browser's end.
pub struct Key<'a> {
    browser: &'a Browser,
    path: String,
}

/// A credential with its private key, as WebDriver writes it: opaque here.
#[derive(Clone, Debug)]
pub struct Credential(Value);

impl Credential {
    /// As the relying party knows it: base64url.
    pub fn id(&self) -> &str {
        self.0["credentialId"].as_str().expect("every credential has an id")
    }

    pub fn rp_id(&self) -> Option<&str> {
        self.0["rpId"].as_str()
    }

    /// How often it has signed.
    pub fn sign_count(&self) -> u64 {
        self.0["signCount"].as_u64().expect("every credential counts")
    }
}

impl<'a> Key<'a> {
    /// Plugs a USB key in.
    pub async fn plug_in(browser: &'a Browser, touch: Touch) -> Self {
        Self::plug_in_with(browser, touch, false).await
    }

    /// One that keeps its credentials, and knows whose they are; its owner touches it.
    pub async fn plug_in_discoverable(browser: &'a Browser) -> Self {
        Self::plug_in_with(browser, Touch::Verified, true).await
    }

    async fn plug_in_with(browser: &'a Browser, touch: Touch, resident: bool) -> Self {
        let options = json!({
            "protocol": "ctap2",
            "transport": "usb",
            "hasResidentKey": resident,
            "hasUserVerification": matches!(touch, Touch::Verified | Touch::WrongPin),
            "isUserVerified": touch == Touch::Verified,
            "isUserConsenting": touch != Touch::Missing,
        });
        let id = browser.post("webauthn/authenticator", options).await;
        let id = id.as_str().expect("a new authenticator has an id");
        Self { browser, path: format!("webauthn/authenticator/{id}") }
    }

    pub async fn credentials(&self) -> Vec<Credential> {
        let all = self.browser.read(&format!("{}/credentials", self.path)).await;
        all.as_array().expect("a list").iter().cloned().map(Credential).collect()
    }

    /// The one credential it holds.
    pub async fn credential(&self) -> Credential {
        let mut all = self.credentials().await;
        assert_eq!(all.len(), 1, "the key holds one credential");
        all.remove(0)
    }

    /// Puts `credential` on this key: the same key, now in this browser's port.
    pub async fn import(&self, credential: &Credential) {
        self.browser.post(&format!("{}/credential", self.path), credential.0.clone()).await;
    }

    /// From now on the PIN is right, or wrong.
    pub async fn verify_user(&self, verified: bool) {
        self.browser.post(&format!("{}/uv", self.path), json!({ "isUserVerified": verified })).await;
    }

    /// Pulls it out.
    pub async fn remove(self) {
        self.browser.delete(&self.path).await;
    }
}
