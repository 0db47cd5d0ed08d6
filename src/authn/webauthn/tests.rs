//! Cases named by what is attempted, sent as the bytes a browser would send.

mod assertion;
mod login;
mod mutation;
mod oracle;
mod registration;

use serde_json::Value;

use super::*;
use crate::authn::authenticator::{AssertionDraft, AttestationDraft, SoftwareAuthenticator};
use crate::random::{self, SeededRandom};
use crate::store::{Loan, RegisteredWith};
use crate::user::Username;

const ORIGIN: &str = "https://login.example.dk";
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

fn relying_party() -> RelyingParty {
    RelyingParty::new("login.example.dk", &Url::parse(ORIGIN).unwrap(), "Sluse").unwrap()
}

fn user(random: &SeededRandom) -> User {
    User {
        id: UserId(random::uuid(random)),
        username: Username::parse("nez").unwrap(),
        name: "Nez".to_owned(),
        groups: Vec::new(),
        claims: Vec::new(),
        cpr: None,
        disabled: false,
        expires_at: None,
        created_at: NOW,
    }
}

fn key(new: NewCredential, user: UserId) -> Key {
    Key {
        credential: new.credential,
        user,
        name: "blå nøgle".to_owned(),
        passkey: new.passkey,
        registered_at: NOW,
        registered_with: RegisteredWith::Code,
        used_at: None,
        suspect: false,
        loan: None,
    }
}

/// A key that was made without a ceremony: webauthn-rs registers some algorithms only.
fn made(authenticator: &mut SoftwareAuthenticator, user: UserId) -> Key {
    let (credential, passkey) = authenticator.make_credential();
    let algorithm = authenticator.algorithm;
    key(NewCredential { credential, passkey, user_verified: false, backup_eligible: false, algorithm }, user)
}

fn decode(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap()
}

/// Client data with `from` replaced; the case is no case if it does not stand there.
fn reword(client_data: &mut Vec<u8>, from: &str, to: &str) {
    let text = String::from_utf8(client_data.clone()).unwrap();
    assert!(text.contains(from), "{from} stands not in {text}");
    *client_data = text.replacen(from, to, 1).into_bytes();
}

/// What is wrong with client data, whatever the ceremony: why, what is replaced by what, the refusal.
fn wrong_client_data() -> Vec<(&'static str, &'static str, &'static str, Refusal)> {
    use Refusal::*;
    const AT: &str = r#""origin":"https://login.example.dk""#;
    vec![
        ("W01 W43 payment", r#""webauthn."#, r#""payment."#, WrongCeremony),
        ("W01 no type", r#""type""#, r#""kind""#, ClientDataMalformed),
        ("W02 W44 padded challenge", r#"","origin"#, r#"=","origin"#, WrongChallenge),
        ("W02 no challenge", r#""challenge""#, r#""nonce""#, ClientDataMalformed),
        ("W02 empty challenge", r#""challenge":""#, r#""challenge":"","x":""#, WrongChallenge),
        ("W07 W45 another site", AT, r#""origin":"https://evil.example""#, WrongOrigin),
        ("W07 W45 http", "https:", "http:", WrongOrigin),
        ("W07 W45 a subdomain", "https://login", "https://a.login", WrongOrigin),
        ("W10 a longer name", "https://login", "https://evillogin", WrongOrigin),
        ("W10 a name below another", "example.dk\"", "example.dk.evil.example\"", WrongOrigin),
        ("W07 W45 a port", "example.dk\"", "example.dk:8443\"", WrongOrigin),
        ("W07 the default port", "example.dk\"", "example.dk:443\"", WrongOrigin),
        ("W07 a trailing dot", "example.dk\"", "example.dk.\"", WrongOrigin),
        ("W07 an app", AT, r#""origin":"android:apk-key-hash:AAAA""#, WrongOrigin),
        ("W08 null", AT, r#""origin":"null""#, WrongOrigin),
        ("W08 an empty origin", AT, r#""origin":"""#, WrongOrigin),
        ("W08 no origin", AT, r#""origin":null"#, ClientDataMalformed),
        ("W09 user info", "https://login", "https://you@login", WrongOrigin),
        ("W09 a slash", "example.dk\"", "example.dk/\"", WrongOrigin),
        ("W09 a path", "example.dk\"", "example.dk/a\"", WrongOrigin),
        ("W09 a NUL", "example.dk\"", r#"example.dk\u0000""#, WrongOrigin),
        ("W09 a space", "example.dk\"", "example.dk \"", WrongOrigin),
        ("W09 capitals", "login.example", "LOGIN.example", WrongOrigin),
        ("W11 W46 in a foreign frame", ":false", ":true", CrossOrigin),
        ("W11 W46 crossOrigin as text", ":false", r#":"false""#, CrossOrigin),
        ("W12 W47 a top origin", ":false", r#":false,"topOrigin":"https://evil.example""#, CrossOrigin),
        ("W12 W47 no top origin, said aloud", ":false", r#":false,"topOrigin":null"#, CrossOrigin),
        ("W13 binding as text", ":false", r#":false,"tokenBinding":"supported""#, TokenBinding),
        ("W13 binding without status", ":false", r#":false,"tokenBinding":{}"#, TokenBinding),
        (
            "W13 binding in use",
            ":false",
            r#":false,"tokenBinding":{"status":"present","id":"A"}"#,
            TokenBinding,
        ),
        ("W13 unknown status", ":false", r#":false,"tokenBinding":{"status":"maybe"}"#, TokenBinding),
        ("W14 a member twice", ":false", r#":false,"crossOrigin":false"#, ClientDataMalformed),
        ("W14 twice, disguised", ":false", r#":false,"orig\u0069n":"x""#, ClientDataMalformed),
        ("W14 an unknown member twice", ":false", r#":false,"x":1,"x":1"#, ClientDataMalformed),
        ("W14 a byte order mark", "{", "\u{feff}{", ClientDataMalformed),
        ("W14 trailing junk", "}", "}}", ClientDataMalformed),
    ]
}

#[test]
fn an_origin_and_an_id_that_fit() {
    use InvalidRelyingParty as E;
    let new = |id: &str, origin: &str| RelyingParty::new(id, &Url::parse(origin).unwrap(), "Sluse").err();
    let url = |origin: &str| Url::parse(origin).unwrap();
    for (id, origin) in [
        ("login.example.dk", "https://login.example.dk"),
        ("example.dk", "https://login.example.dk"),
        ("login.example.dk", "https://login.example.dk:8443"),
        ("login.localhost", "http://login.localhost:8080"),
        ("localhost", "http://localhost"),
    ] {
        assert_eq!(new(id, origin), None, "{id} {origin}");
    }
    for origin in ["https://login.example.dk/a", "https://you@login.example.dk", "https://10.0.0.1", "data:,"]
    {
        assert_eq!(new("login.example.dk", origin), Some(E::NotAnOrigin(url(origin))));
    }
    for origin in ["https://login.example.dk/?a", "https://login.example.dk/#a", "https://login.example.dk."]
    {
        assert_eq!(new("login.example.dk", origin), Some(E::NotAnOrigin(url(origin))));
    }
    for origin in ["http://login.example.dk", "ftp://login.localhost", "http://localhost.example.dk"] {
        assert_eq!(new("login.example.dk", origin), Some(E::NotSecure(url(origin))), "{origin}");
    }
    for id in
        ["", "dk", "ample.dk", "evil.dk", "a.login.example.dk", ".example.dk", "EXAMPLE.dk", "n.example.dk"]
    {
        let origin = url(ORIGIN);
        assert_eq!(new(id, ORIGIN), Some(E::ForeignId { id: id.to_owned(), origin }), "{id}");
    }
    assert!(matches!(new("localhost", "http://login.localhost"), Some(E::ForeignId { .. })));
}
