//! webauthn-rs as the oracle: wherever both can speak, it and our verifier say the same.

use std::cell::RefCell;

use proptest::prelude::*;
use webauthn_rs_core::proto::{AuthenticatorAssertionResponseRaw, PublicKeyCredential};

use super::super::authenticator_data::AuthenticatorData;
use super::*;
use crate::authn::authenticator::flag;
use crate::authn::webauthn::verify::Verified;

/// What webauthn-rs says of a response, once it was read as strictly as we read it.
fn oracle(case: &Asked, assertion: &Assertion, response: &[u8]) -> Result<Verified, AssertionError> {
    let response = response::Assertion::parse(response)?;
    if response.id != case.key.credential.0 {
        return Err(Refusal::UnknownCredential.into());
    }
    if response.user_handle.as_deref().is_some_and(|handle| handle != assertion.user.as_bytes()) {
        return Err(Refusal::WrongUser.into());
    }
    Expected { ceremony: "webauthn.get", challenge: &assertion.challenge, origin: ORIGIN }
        .check(&response.client_data)?;
    if AuthenticatorData::parse(&response.authenticator_data)?.attested.is_some() {
        return Err(Refusal::AuthenticatorDataMalformed.into());
    }
    let policy: proto::UserVerificationPolicy = assertion.verification.into();
    let state = serde_json::json!({
        "credentials": [],
        "policy": policy,
        "challenge": assertion.challenge,
        "appid": null,
        "allow_backup_eligible_upgrade": false,
    });
    let state: proto::AuthenticationState = serde_json::from_value(state).unwrap();
    let response = PublicKeyCredential {
        id: String::new(),
        raw_id: response.id,
        response: AuthenticatorAssertionResponseRaw {
            authenticator_data: response.authenticator_data,
            client_data_json: response.client_data,
            signature: response.signature,
            user_handle: response.user_handle,
        },
        extensions: Default::default(),
        type_: String::new(),
    };
    let stored = stored_credential(&case.key)?;
    match case.relying_party.core.authenticate_single_credential(&response, &state, &stored) {
        Ok(result) => Ok(Verified {
            user_verified: result.user_verified(),
            sign_count: result.counter(),
            backed_up: result.backup_state(),
        }),
        Err(WebauthnError::CredentialPossibleCompromise) => {
            Err(AssertionError::CounterRegressed { credential: case.key.credential.clone() })
        }
        Err(other) => Err(Refusal::from(other).into()),
    }
}

/// A key of one algorithm, and who it belongs to.
struct Asked {
    relying_party: RelyingParty,
    key: Key,
    authenticator: SoftwareAuthenticator<'static>,
}

impl Asked {
    fn new(algorithm: Algorithm) -> Self {
        let random: &'static SeededRandom = Box::leak(Box::new(SeededRandom::new(5)));
        let user = user(random);
        let mut authenticator = SoftwareAuthenticator::new(random);
        authenticator.algorithm = algorithm;
        let key = made(&mut authenticator, user.id);
        Self { relying_party: relying_party(), key, authenticator }
    }
}

thread_local! {
    /// Making an RSA key takes longest; one of each algorithm serves all ceremonies.
    static ASKED: RefCell<Vec<Asked>> = RefCell::new(
        [Algorithm::Es256, Algorithm::Es384, Algorithm::Rs256].map(Asked::new).into()
    );
}

/// What is done to a ceremony on the way.
#[derive(Clone, Debug)]
enum Tampering {
    None,
    /// One bit of one part of the response.
    Flip(&'static str, usize),
    /// A part cut to so many bytes, or grown by some.
    Cut(&'static str, usize),
    Grow(&'static str, Vec<u8>),
    /// A part replaced.
    Replace(&'static str, Vec<u8>),
    /// Client data with a member more.
    Member(String),
}

fn part() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("clientDataJSON"), Just("authenticatorData"), Just("signature")]
}

fn tampering() -> impl Strategy<Value = Tampering> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..80);
    prop_oneof![
        4 => Just(Tampering::None),
        3 => (part(), any::<usize>()).prop_map(|(part, at)| Tampering::Flip(part, at)),
        1 => (part(), any::<usize>()).prop_map(|(part, at)| Tampering::Cut(part, at)),
        1 => (part(), bytes()).prop_map(|(part, more)| Tampering::Grow(part, more)),
        1 => (part(), bytes()).prop_map(|(part, bytes)| Tampering::Replace(part, bytes)),
        1 => "[a-zA-Z]{1,12}".prop_map(Tampering::Member),
    ]
}

fn tamper(response: &mut Value, tampering: &Tampering) {
    let mut change = |part: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = decode(&response["response"][part]);
        change(&mut bytes);
        response["response"][part] = URL_SAFE_NO_PAD.encode(bytes).into();
    };
    match tampering {
        Tampering::None => {}
        Tampering::Flip(part, at) => change(part, &|bytes| {
            let at = at % (bytes.len() * 8);
            bytes[at / 8] ^= 1 << (at % 8);
        }),
        Tampering::Cut(part, at) => change(part, &|bytes| bytes.truncate(at % bytes.len())),
        Tampering::Grow(part, more) => change(part, &|bytes| bytes.extend(more)),
        Tampering::Replace(part, with) => change(part, &|bytes| bytes.clone_from(with)),
        Tampering::Member(name) => change("clientDataJSON", &|bytes| {
            bytes.pop();
            bytes.extend(format!(",\"{name}\":{{\"a\":[1]}}}}").bytes());
        }),
    }
}

/// Flags of authenticator data: what an authenticator says of itself, with extensions now and then.
fn flags() -> impl Strategy<Value = u8> {
    let touched =
        any::<u8>().prop_map(|bits| bits & !(flag::ATTESTED | flag::EXTENSIONS) | flag::USER_PRESENT);
    prop_oneof![6 => touched, 1 => any::<u8>(), 3 => Just(flag::USER_PRESENT | flag::USER_VERIFIED)]
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), 1..4u32, Just(u32::MAX)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]
    #[test]
    fn both_say_the_same(
        algorithm in 0..3usize,
        flags in flags(),
        eligible in any::<bool>(),
        (before, said) in (count(), count()),
        verification in prop_oneof![
            Just(Verification::Discouraged), Just(Verification::Preferred), Just(Verification::Required)
        ],
        tampering in tampering(),
        unsigned in any::<bool>(),
    ) {
        let (ours, theirs) = ASKED.with_borrow_mut(|asked| {
            let case = &mut asked[algorithm];
            let mut stored = stored_credential(&case.key).unwrap();
            (stored.counter, stored.backup_eligible) = (before, eligible);
            case.key.passkey = serde_json::to_string(&stored).unwrap();
            case.authenticator.flags = flags;
            // It counts up before it signs.
            case.authenticator.sign_count = (said > 0).then(|| said - 1);
            let keys = std::slice::from_ref(&case.key);
            let (options, assertion) =
                case.relying_party.begin_assertion(case.key.user, keys, verification).unwrap();
            let mut draft = case.authenticator.draft_assertion(&options, ORIGIN).unwrap();
            let mut response = case.authenticator.sign(&draft).unwrap();
            tamper(&mut response, &tampering);
            if !unsigned {
                // The authenticator itself says so: everything but the signature is as above, and signed.
                draft.client_data = decode(&response["response"]["clientDataJSON"]);
                draft.authenticator_data = decode(&response["response"]["authenticatorData"]);
                response = case.authenticator.sign(&draft).unwrap();
            }
            let response = response.to_string();
            let credential = Credential::of(&case.key).unwrap();
            let ours = case.relying_party.verify(&assertion, &credential, response.as_bytes());
            (ours, oracle(case, &assertion, response.as_bytes()))
        });
        prop_assert_eq!(ours, theirs);
    }
}

/// The fuzzers' seeds, by both.
#[test]
fn both_refuse_what_is_no_response() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/assertion");
    let seeds: Vec<_> =
        corpus.read_dir().unwrap().map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
    assert!(seeds.len() >= 8);
    let case = Asked::new(Algorithm::Es256);
    let keys = std::slice::from_ref(&case.key);
    let (_, assertion) =
        case.relying_party.begin_assertion(case.key.user, keys, Verification::Discouraged).unwrap();
    let credential = Credential::of(&case.key).unwrap();
    for seed in seeds {
        let ours = case.relying_party.verify(&assertion, &credential, &seed);
        assert_eq!(ours, oracle(&case, &assertion, &seed), "{}", String::from_utf8_lossy(&seed));
        assert!(ours.is_err());
    }
}
