//! What the browser sends: the JSON of a `PublicKeyCredential` (WebAuthn L3, section 5.1), and the client
//! data inside it (section 5.8.1).

use super::Refusal;
use super::json::{self, Json, Object, Unexpected};

/// No legal response is nearly as long; a longer one is not read.
pub const MAX_RESPONSE: usize = 64 * 1024;

/// A response to a registration. `clientExtensionResults`, `transports` and whatever else a browser adds
/// have no say here: nothing signs them.
pub(super) struct Attestation {
    pub(super) id: Vec<u8>,
    pub(super) client_data: Vec<u8>,
    pub(super) attestation_object: Vec<u8>,
}

/// A response to an authentication.
pub(super) struct Assertion {
    pub(super) id: Vec<u8>,
    pub(super) client_data: Vec<u8>,
    pub(super) authenticator_data: Vec<u8>,
    pub(super) signature: Vec<u8>,
    pub(super) user_handle: Option<Vec<u8>>,
}

impl Attestation {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let (id, mut response) = credential(bytes)?;
        let client_data = response.bytes("clientDataJSON")?;
        let attestation_object = response.bytes("attestationObject")?;
        Ok(Self { id, client_data, attestation_object })
    }
}

impl Assertion {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        let (id, mut response) = credential(bytes)?;
        Ok(Self {
            id,
            client_data: response.bytes("clientDataJSON")?,
            authenticator_data: response.bytes("authenticatorData")?,
            signature: response.bytes("signature")?,
            user_handle: response.optional_bytes("userHandle")?,
        })
    }
}

/// The credential id, and the authenticator's response.
fn credential(bytes: &[u8]) -> Result<(Vec<u8>, Object<'_>), Refusal> {
    if bytes.len() > MAX_RESPONSE {
        return Err(Refusal::ResponseTooLarge);
    }
    let mut credential = Object::parse(bytes)?;
    if credential.text("type")? != "public-key" {
        return Err(Refusal::NotAPublicKey);
    }
    let (id, raw_id) = (credential.text("id")?, credential.text("rawId")?);
    let bytes = json::bytes(&raw_id)?;
    // Bytes have one spelling: equal texts are equal ids.
    if id != raw_id {
        return Err(json::bytes(&id).map_or(Refusal::ResponseMalformed, |_| Refusal::IdNotRawId));
    }
    Ok((bytes, credential.object("response")?))
}

impl From<Unexpected> for Refusal {
    fn from(Unexpected: Unexpected) -> Self {
        Self::ResponseMalformed
    }
}

/// What client data must say.
pub(super) struct Expected<'a> {
    /// `webauthn.create` or `webauthn.get`.
    pub(super) ceremony: &'static str,
    /// Base64url, as we sent it.
    pub(super) challenge: &'a str,
    pub(super) origin: &'a str,
}

impl Expected<'_> {
    /// Compared as strings: a browser writes each of these in one way (an origin as RFC 6454, section 6.2,
    /// serialises it), so another spelling comes from something else.
    pub(super) fn check(&self, client_data: &[u8]) -> Result<(), Refusal> {
        let mut client_data = Object::parse(client_data).map_err(|_| Refusal::ClientDataMalformed)?;
        let mut says = |name, expected: &str, otherwise| match client_data.text(name) {
            Ok(said) if said == expected => Ok(()),
            Ok(_) => Err(otherwise),
            Err(Unexpected) => Err(Refusal::ClientDataMalformed),
        };
        says("type", self.ceremony, Refusal::WrongCeremony)?;
        says("challenge", self.challenge, Refusal::WrongChallenge)?;
        says("origin", self.origin, Refusal::WrongOrigin)?;
        // No page of ours stands in another's frame.
        let same_origin = matches!(client_data.any("crossOrigin"), None | Some(Json::Bool(false)));
        if !same_origin || client_data.any("topOrigin").is_some() {
            return Err(Refusal::CrossOrigin);
        }
        token_binding(client_data.any("tokenBinding"))
    }
}

/// Old browsers say that they know of token binding, or do not. That one is in use cannot be: we have none.
fn token_binding(said: Option<Json<'_>>) -> Result<(), Refusal> {
    let status = match said {
        None => return Ok(()),
        Some(Json::Object(mut binding)) => binding.text("status").ok(),
        Some(_) => None,
    };
    match status.as_deref() {
        Some("supported" | "not-supported") => Ok(()),
        _ => Err(Refusal::TokenBinding),
    }
}
