use super::assertion::Case;
use super::*;
use crate::authn::authenticator::flag;

/// Flips each bit of `part` in turn, and answers at which bytes the verdict was still yes.
fn survivors(part: &[u8], accepted: impl Fn(&[u8]) -> bool) -> Vec<usize> {
    let mut at = Vec::new();
    for index in 0..part.len() {
        for bit in 0..8 {
            let mut mutant = part.to_vec();
            mutant[index] ^= 1 << bit;
            if accepted(&mutant) {
                at.push(index);
            }
        }
    }
    at.dedup();
    at
}

/// `response` with another value for one of its byte strings.
fn with(response: &Value, part: &str, bytes: &[u8]) -> String {
    let mut changed = response.clone();
    changed["response"][part] = URL_SAFE_NO_PAD.encode(bytes).into();
    changed.to_string()
}

#[test]
fn no_flipped_bit_of_an_assertion_is_accepted() {
    let mut case = Case::new();
    let (options, assertion) = case.begin();
    let draft = case.authenticator.draft_assertion(&options, ORIGIN).unwrap();
    let response = case.authenticator.sign(&draft).unwrap();
    assert!(case.finish(assertion.clone(), &response.to_string()).is_ok());
    for part in ["clientDataJSON", "authenticatorData", "signature"] {
        let original = decode(&response["response"][part]);
        let survivors = survivors(&original, |bytes| {
            case.finish(assertion.clone(), &with(&response, part, bytes)).is_ok()
        });
        assert!(survivors.is_empty(), "W81 {part} at {survivors:?}");
    }
}

#[test]
fn a_registration_is_accepted_with_nothing_flipped_that_counts() {
    let random = SeededRandom::new(3);
    let (relying_party, user) = (relying_party(), user(&random));
    let (options, registration) =
        relying_party.begin_registration(&user, &[], Verification::Discouraged).unwrap();
    let response =
        SoftwareAuthenticator::new(&random).draft_registration(&options, ORIGIN).unwrap().response();
    let accepted = |part: &str, bytes: &[u8]| {
        let response = with(&response, part, bytes);
        relying_party.finish_registration(registration.clone(), user.id, response.as_bytes()).is_ok()
    };

    // Nothing signs a registration without attestation. What may differ says nothing that we rely on: in
    // client data, the names of members we need not have; in authenticator data, the flags but for the
    // touch, the first sign count, and the model.
    let client_data = decode(&response["response"]["clientDataJSON"]);
    let text = std::str::from_utf8(&client_data).unwrap();
    let name = text.find("crossOrigin").unwrap();
    let harmless: Vec<usize> = (name..name + "crossOrigin".len()).collect();
    let at = survivors(&client_data, |bytes| accepted("clientDataJSON", bytes));
    assert!(at.iter().all(|index| harmless.contains(index)), "W81 client data at {at:?}");

    let object = decode(&response["response"]["attestationObject"]);
    let data = object.windows(8).position(|window| window == b"authData").unwrap() + 8 + 2;
    let at = survivors(&object, |bytes| accepted("attestationObject", bytes));
    let flags = [data + 32];
    let count_and_model = data + 33..data + 53;
    assert!(
        at.iter().all(|index| flags.contains(index) || count_and_model.contains(index)),
        "W81 attestation object at {at:?}, authenticator data from {data}"
    );
    let mut touchless = object.clone();
    touchless[data + 32] ^= flag::USER_PRESENT;
    assert!(!accepted("attestationObject", &touchless));
}

#[test]
fn every_cut_is_refused() {
    let mut case = Case::new();
    let (options, assertion) = case.begin();
    let response = case.authenticator.assert(&options, ORIGIN).unwrap();
    for length in 0..response.len() {
        assert!(case.finish(assertion.clone(), &response[..length]).is_err(), "{length}");
    }
}

#[test]
fn every_member_of_another_kind_is_refused() {
    let mut case = Case::new();
    let (options, assertion) = case.begin();
    let draft = case.authenticator.draft_assertion(&options, ORIGIN).unwrap();
    let response = case.authenticator.sign(&draft).unwrap();
    let kinds = [
        Value::Null,
        true.into(),
        7.into(),
        1.5.into(),
        "".into(),
        "é".into(),
        Value::Array(vec![]),
        Value::Object(Default::default()),
    ];
    let needed = ["/id", "/rawId", "/type", "/response", "/response/clientDataJSON"];
    let also = ["/response/authenticatorData", "/response/signature"];
    for pointer in needed.into_iter().chain(also) {
        for kind in &kinds {
            let mut changed = response.clone();
            *changed.pointer_mut(pointer).unwrap() = kind.clone();
            let got = case.finish(assertion.clone(), &changed.to_string());
            assert!(matches!(got, Err(AssertionError::Refused(_))), "W82 {pointer} {kind}");
        }
    }
    for whole in [Value::Array(response.as_object().unwrap().values().cloned().collect()), Value::Null] {
        let got = case.finish(assertion.clone(), &whole.to_string()).err();
        assert_eq!(got, Some(AssertionError::Refused(Refusal::ResponseMalformed)), "W82");
    }
}

proptest::proptest! {
    #[test]
    fn nothing_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = authenticator_data::open_attestation(&bytes).map(AuthenticatorData::parse);
        let _ = AuthenticatorData::parse(&[&[0; 32][..], &bytes].concat());
        let _ = Expected { ceremony: "", challenge: "", origin: "" }.check(&bytes);
        let _ = response::Assertion::parse(&bytes);
    }
}
