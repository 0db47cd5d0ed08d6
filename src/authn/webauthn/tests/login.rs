use super::assertion::Case;
use super::*;
use crate::authn::authenticator::flag;
use crate::secret::Secret;

/// A person with one key, which has checked a PIN.
fn case() -> Case {
    Case::with(Algorithm::Es256, flag::USER_PRESENT | flag::USER_VERIFIED)
}

impl Case {
    fn begin_login(&self) -> (String, Login) {
        let credentials = [self.key.credential.clone()];
        self.relying_party.begin_login(self.user.id, &credentials).unwrap()
    }

    /// The key's answer, changed on the way, to a login with or without a name; who it is found to be.
    fn logs_in(
        &mut self,
        (options, login): (String, Login),
        change: impl FnOnce(&mut AssertionDraft),
    ) -> Result<KeyEvidence, AssertionError> {
        let mut draft = self.authenticator.draft_assertion(&options, ORIGIN).unwrap();
        change(&mut draft);
        let response = self.authenticator.sign(&draft).unwrap().to_string();
        let assertion = login.claimed(response.as_bytes())?;
        self.finish(assertion, &response).map(|asserted| asserted.evidence)
    }
}

fn refused(refusal: Refusal) -> Result<KeyEvidence, AssertionError> {
    Err(refusal.into())
}

#[test]
fn a_key_and_its_pin_log_in() {
    let mut case = case();
    for begun in [case.begin_login(), case.relying_party.begin_discoverable_login().unwrap()] {
        assert!(begun.0.contains(r#""userVerification":"required""#), "{}", begun.0);
        let evidence = case.logs_in(begun, |_| ()).unwrap();
        assert!(evidence.user_verified);
        assert_eq!(evidence.credential, case.key.credential);
    }
}

#[test]
fn a_touch_without_a_pin_is_no_login() {
    let mut case = case();
    for begun in [case.begin_login(), case.relying_party.begin_discoverable_login().unwrap()] {
        let skips = |draft: &mut AssertionDraft| draft.authenticator_data[32] &= !flag::USER_VERIFIED;
        assert_eq!(case.logs_in(begun, skips), refused(Refusal::UserNotVerified));
    }
}

#[test]
fn where_nobody_is_named_the_key_must_say_whose_it_is() {
    let mut case = case();
    for (handle, refusal) in [
        (None, Refusal::UserHandleMissing),
        (Some(b"nez".to_vec()), Refusal::WrongUser),
        (Some(vec![0; 17]), Refusal::WrongUser),
        // Another's: of whose keys this is none.
        (Some(vec![7; 16]), Refusal::UnknownCredential),
    ] {
        let begun = case.relying_party.begin_discoverable_login().unwrap();
        assert_eq!(case.logs_in(begun, |draft| draft.user_handle = handle), refused(refusal));
    }
}

#[test]
fn one_login_is_not_another() {
    let mut case = case();
    let (options, _) = case.begin_login();
    let (_, other) = case.begin_login();
    assert_eq!(case.logs_in((options, other), |_| ()), refused(Refusal::WrongChallenge));
}

#[test]
fn of_nobody_the_same_is_asked_and_nothing_is_answered() {
    let mut case = case();
    let made_up = decoys(&Secret::new([1; 32]), &Username::parse("nobody").unwrap());
    let (options, login) = case.relying_party.begin_login(UserId(Uuid::nil()), &made_up).unwrap();
    let (own, _) = case.begin_login();
    let shape = |options: &str| {
        let mut options: Value = serde_json::from_str(options).unwrap();
        let ids = options["publicKey"]["allowCredentials"].take();
        options["publicKey"]["challenge"] = Value::Null;
        let mut keys: Vec<_> = ids[0].as_object().unwrap().keys().cloned().collect();
        keys.sort();
        (options, keys)
    };
    assert_eq!(shape(&options), shape(&own));
    // Not even a key that answers all the same.
    assert_eq!(case.logs_in((own, login), |_| ()), refused(Refusal::UnknownCredential));
    let nobodys = case.relying_party.begin_login(case.user.id, &[]);
    assert!(matches!(nobodys, Err(BeginError::NoKeys)));
}

#[test]
fn keys_are_resident_only_where_they_may_say_whose_they_are() {
    let case = case();
    let resident = |party: &RelyingParty| {
        let (own, _) = party.begin_registration(&case.user, &[], Verification::Discouraged).unwrap();
        let (spare, _) = party.begin_spare_registration(Uuid::nil(), "Nøgle 1", &[]).unwrap();
        [own, spare].map(|options| {
            let options: Value = serde_json::from_str(&options).unwrap();
            options["publicKey"]["authenticatorSelection"]["residentKey"].as_str().map(str::to_owned)
        })
    };
    let unasked = Some("discouraged".to_owned());
    assert_eq!(resident(&relying_party()), [unasked.clone(), unasked.clone()]);
    let discoverable = relying_party().with_discoverable(true);
    assert_eq!(resident(&discoverable), [Some("preferred".to_owned()), unasked]);
}
