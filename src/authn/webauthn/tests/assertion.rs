use super::*;
use crate::authn::authenticator::flag;

/// A person with one key.
pub(super) struct Case {
    pub(super) relying_party: RelyingParty,
    pub(super) user: User,
    pub(super) key: Key,
    pub(super) authenticator: SoftwareAuthenticator<'static>,
    pub(super) verification: Verification,
}

impl Case {
    pub(super) fn new() -> Self {
        Self::with(Algorithm::Es256, flag::USER_PRESENT)
    }

    pub(super) fn with(algorithm: Algorithm, flags: u8) -> Self {
        let random: &'static SeededRandom = Box::leak(Box::new(SeededRandom::new(2)));
        let (relying_party, user) = (relying_party(), user(random));
        let mut authenticator = SoftwareAuthenticator::new(random);
        (authenticator.algorithm, authenticator.flags) = (algorithm, flags);
        let key = match algorithm {
            Algorithm::Es256 | Algorithm::Rs256 => register(&relying_party, &user, &mut authenticator),
            Algorithm::Es384 | Algorithm::EdDsa => {
                authenticator.sign_count = Some(1);
                made(&mut authenticator, user.id)
            }
        };
        Self { relying_party, user, key, authenticator, verification: Verification::Discouraged }
    }

    pub(super) fn begin(&self) -> (String, Assertion) {
        let keys = std::slice::from_ref(&self.key);
        self.relying_party.begin_assertion(self.user.id, keys, self.verification).unwrap()
    }

    pub(super) fn finish(&self, assertion: Assertion, response: &str) -> Result<Asserted, AssertionError> {
        let keys = std::slice::from_ref(&self.key);
        self.relying_party.finish_assertion(assertion, keys, response.as_bytes(), NOW)
    }

    /// Asserts, with the draft and the response changed on the way; keeps what the store would keep.
    fn assert(
        &mut self,
        change_draft: impl FnOnce(&mut AssertionDraft),
        change_response: impl FnOnce(&mut Value),
    ) -> Result<Asserted, AssertionError> {
        let (options, assertion) = self.begin();
        let mut draft = self.authenticator.draft_assertion(&options, ORIGIN).unwrap();
        change_draft(&mut draft);
        let mut response = self.authenticator.sign(&draft).unwrap();
        change_response(&mut response);
        let asserted = self.finish(assertion, &response.to_string())?;
        self.key = asserted.key.clone();
        Ok(asserted)
    }

    fn drafted(&mut self, change: impl FnOnce(&mut AssertionDraft)) -> Option<AssertionError> {
        self.assert(change, |_| ()).err()
    }

    fn answered(&mut self, change: impl FnOnce(&mut Value)) -> Option<AssertionError> {
        self.assert(|_| (), change).err()
    }
}

fn register(relying_party: &RelyingParty, user: &User, authenticator: &mut SoftwareAuthenticator) -> Key {
    let (options, registration) =
        relying_party.begin_registration(user, &[], Verification::Discouraged).unwrap();
    let response = authenticator.register(&options, ORIGIN).unwrap();
    key(relying_party.finish_registration(registration, user.id, response.as_bytes()).unwrap(), user.id)
}

fn refused(refusal: Refusal) -> Option<AssertionError> {
    Some(AssertionError::Refused(refusal))
}

#[test]
fn a_key_proves_itself() {
    for algorithm in Algorithm::ALL {
        for flags in [flag::USER_PRESENT, flag::USER_PRESENT | flag::USER_VERIFIED] {
            let mut case = Case::with(algorithm, flags);
            let asserted = case.assert(|_| (), |_| ()).unwrap();
            let user_verified = flags & flag::USER_VERIFIED != 0;
            let credential = case.key.credential.clone();
            assert_eq!(asserted.evidence, KeyEvidence { at: NOW, credential, user_verified, until: None });
            assert_eq!(asserted.key.used_at, Some(NOW));
            assert_eq!(stored_credential(&asserted.key).unwrap().counter, 2);
        }
    }
}

#[test]
fn a_lent_key_proves_its_holder_until_the_loan_ends() {
    let handle = Uuid::from_u128(7);
    let lent = |until| Some(Loan { handle, until });
    let later = NOW.plus(std::time::Duration::from_millis(1));
    let mut case = Case::new();
    case.key.loan = lent(later);
    let asserted = case.assert(|_| (), |_| ()).unwrap();
    assert_eq!(asserted.evidence.until, Some(later));
    let says = |handle: Uuid| {
        move |response: &mut Value| {
            response["response"]["userHandle"] = URL_SAFE_NO_PAD.encode(handle.as_bytes()).into();
        }
    };
    assert!(case.assert(|_| (), says(handle)).is_ok(), "it was registered as nobody's");
    let holder = case.user.id.0;
    assert_eq!(case.answered(says(holder)), refused(Refusal::WrongUser));
    case.key.loan = lent(NOW);
    assert_eq!(case.answered(|_| ()), refused(Refusal::UnknownCredential));
}

#[test]
fn the_options_name_the_persons_keys_alone() {
    let case = Case::new();
    let (options, assertion) = case.begin();
    let options: Value = serde_json::from_str(&options).unwrap();
    let options = &options["publicKey"];
    assert_eq!(assertion.user(), case.user.id);
    let kept = serde_json::to_string(&assertion).unwrap();
    assert!(!kept.contains("registration_policy"), "the state keeps no copy of a key: {kept}");
    assert_eq!(options["rpId"], "login.example.dk");
    assert_eq!(options["allowCredentials"].as_array().unwrap().len(), 1, "W75");
    assert_eq!(decode(&options["allowCredentials"][0]["id"]), case.key.credential.0);
    assert_eq!(options["userVerification"], "discouraged");
    assert_eq!(options["hints"], serde_json::json!(["security-key"]));
    assert_eq!(decode(&options["challenge"]).len(), 32, "W74");
    let none = case.relying_party.begin_assertion(case.user.id, &[], Verification::Required);
    assert!(matches!(none, Err(BeginError::NoKeys)), "W64");
    let unreadable = [Key { passkey: "{}".to_owned(), ..case.key.clone() }];
    let none = case.relying_party.begin_assertion(case.user.id, &unreadable, Verification::Required);
    assert!(matches!(none, Err(BeginError::StoredKeyUnreadable)));
}

#[test]
fn challenges_never_repeat() {
    let case = Case::new();
    let challenges: std::collections::HashSet<_> = (0..1000).map(|_| case.begin().1.challenge).collect();
    assert_eq!(challenges.len(), 1000, "W74");
}

#[test]
fn client_data_that_is_wrong_is_refused() {
    let mut case = Case::new();
    for (why, from, to, refusal) in wrong_client_data() {
        let got = case.drafted(|draft| reword(&mut draft.client_data, from, to));
        assert_eq!(got, refused(refusal), "{why}");
    }
    let got = case.drafted(|draft| reword(&mut draft.client_data, ".get", ".create"));
    assert_eq!(got, refused(Refusal::WrongCeremony), "W43");
}

#[test]
fn what_the_authenticator_must_not_say() {
    use Refusal::*;
    type Change = fn(&mut Vec<u8>);
    let cases: Vec<(&str, Change, Refusal)> = vec![
        ("W48 another RP ID", |d| d[0] ^= 1, WrongRelyingParty),
        ("W49 no touch", |d| d[32] ^= flag::USER_PRESENT, UserNotPresent),
        ("W52 eligible now", |d| d[32] |= flag::BACKUP_ELIGIBLE, BackupInconsistent),
        ("W53 backed up, not eligible", |d| d[32] |= flag::BACKED_UP, BackupInconsistent),
        ("W57 trailing bytes", |d| d.push(0), AuthenticatorDataMalformed),
        (
            "W57 a credential in an assertion",
            |d| {
                d[32] |= flag::ATTESTED;
                d.extend([0; 18]);
                d.push(0xa0);
            },
            AuthenticatorDataMalformed,
        ),
        ("W58 extensions missing", |d| d[32] |= flag::EXTENSIONS, AuthenticatorDataMalformed),
        ("W58 too short", |d| d.truncate(36), AuthenticatorDataMalformed),
    ];
    let mut case = Case::new();
    for (why, change, refusal) in cases {
        assert_eq!(case.drafted(|draft| change(&mut draft.authenticator_data)), refused(refusal), "{why}");
    }
    let mut eligible = Case::with(Algorithm::Es256, flag::USER_PRESENT | flag::BACKUP_ELIGIBLE);
    let got = eligible.drafted(|draft| draft.authenticator_data[32] ^= flag::BACKUP_ELIGIBLE);
    assert_eq!(got, refused(BackupInconsistent), "W52 eligible no more");
    let extended = |draft: &mut AssertionDraft| {
        draft.authenticator_data[32] |= flag::EXTENSIONS;
        draft.authenticator_data.push(0xa0);
    };
    assert_eq!(case.drafted(extended), None, "an extension nobody asked for does no harm");
}

#[test]
fn user_verification_is_held_to_when_required() {
    let touch = flag::USER_PRESENT;
    for registered in [touch, touch | flag::USER_VERIFIED] {
        let mut case = Case::with(Algorithm::Es256, registered);
        case.authenticator.flags = touch;
        case.verification = Verification::Required;
        assert_eq!(case.drafted(|_| ()), refused(Refusal::UserNotVerified), "W50 W51");
        case.authenticator.flags = touch | flag::USER_VERIFIED;
        assert_eq!(case.drafted(|_| ()), None);
        // Whether a touch is enough is not settled by how the key was registered.
        case.authenticator.flags = touch;
        for verification in [Verification::Preferred, Verification::Discouraged] {
            case.verification = verification;
            assert!(!case.assert(|_| (), |_| ()).unwrap().evidence.user_verified);
        }
    }
}

#[test]
fn the_sign_count_must_go_up() {
    let mut case = Case::new();
    case.authenticator.sign_count = Some(8);
    assert_eq!(case.drafted(|_| ()), None);
    let regressed = Some(AssertionError::CounterRegressed { credential: case.key.credential.clone() });
    for (before, why) in [(7, "W54 lower"), (8, "W54 equal")] {
        case.authenticator.sign_count = Some(before);
        assert_eq!(case.drafted(|_| ()), regressed, "{why}");
    }
    case.authenticator.sign_count = None;
    assert_eq!(case.drafted(|_| ()), regressed, "W54 zero after nine");
    case.authenticator.sign_count = Some(9);
    assert_eq!(case.drafted(|_| ()), None);
    // Only who has the key can make it suspect.
    case.authenticator.sign_count = Some(0);
    let got = case.answered(|v| v["response"]["signature"] = URL_SAFE_NO_PAD.encode([0x30, 0]).into());
    assert_eq!(got, refused(Refusal::SignatureInvalid));
}

#[test]
fn a_key_that_does_not_count_is_accepted() {
    let mut case = Case::new();
    case.authenticator.sign_count = None;
    case.key = register(&case.relying_party, &case.user, &mut case.authenticator);
    assert_eq!(case.drafted(|_| ()), None, "W55");
    assert_eq!(case.drafted(|_| ()), None, "W55");
}

#[test]
fn the_backup_state_is_kept() {
    let eligible = flag::USER_PRESENT | flag::BACKUP_ELIGIBLE;
    let mut case = Case::with(Algorithm::Es256, eligible);
    case.authenticator.flags = eligible | flag::BACKED_UP;
    let asserted = case.assert(|_| (), |_| ()).unwrap();
    assert!(stored_credential(&asserted.key).unwrap().backup_state, "W71");
}

#[test]
fn the_count_is_compared_with_the_stores_now() {
    let mut case = Case::new();
    let (options, assertion) = case.begin();
    let slow = case.authenticator.assert(&options, ORIGIN).unwrap();
    assert_eq!(case.drafted(|_| ()), None);
    let got = case.finish(assertion, &slow).err();
    assert!(matches!(got, Some(AssertionError::CounterRegressed { .. })), "{got:?}");
}

#[test]
fn a_signature_of_another_is_refused() {
    let mut case = Case::new();
    let signature = |change: fn(Vec<u8>) -> Vec<u8>| {
        move |v: &mut Value| {
            let signature = change(decode(&v["response"]["signature"]));
            v["response"]["signature"] = URL_SAFE_NO_PAD.encode(signature).into();
        }
    };
    let invalid = refused(Refusal::SignatureInvalid);
    assert_eq!(case.answered(signature(|_| Vec::new())), invalid, "W59 none");
    assert_eq!(case.answered(signature(|s| [s, vec![0]].concat())), invalid, "W59 a byte more");
    assert_eq!(case.answered(signature(|_| vec![1; 64])), invalid, "W59 raw r and s");
    let unsigned = |v: &mut Value| {
        let mut data = decode(&v["response"]["authenticatorData"]);
        data[36] ^= 1;
        v["response"]["authenticatorData"] = URL_SAFE_NO_PAD.encode(data).into();
    };
    assert_eq!(case.answered(unsigned), invalid);
    // Another key pair under the same id.
    let other = register(&case.relying_party, &case.user, &mut case.authenticator);
    let (mut mine, other) = (stored_credential(&case.key).unwrap(), stored_credential(&other).unwrap());
    let (options, assertion) = case.begin();
    let response = case.authenticator.assert(&options, ORIGIN).unwrap();
    mine.cred = other.cred;
    case.key.passkey = serde_json::to_string(&mine).unwrap();
    assert_eq!(case.finish(assertion, &response).err(), invalid, "W59 W65 another key by now");
}

#[test]
fn only_a_key_the_person_has_now_counts() {
    let mut case = Case::new();
    let (options, assertion) = case.begin();
    let response = case.authenticator.assert(&options, ORIGIN).unwrap();
    let finish = |keys: &[Key]| {
        case.relying_party.finish_assertion(assertion.clone(), keys, response.as_bytes(), NOW).err()
    };
    let unknown = refused(Refusal::UnknownCredential);
    assert_eq!(finish(&[]), unknown, "W65 deleted meanwhile");
    let somebodys = Key { user: UserId(Uuid::nil()), ..case.key.clone() };
    assert_eq!(finish(&[somebodys]), unknown, "W60 somebody else's");
    let unreadable = Key { passkey: "{}".to_owned(), ..case.key.clone() };
    assert_eq!(finish(&[unreadable]), refused(Refusal::StoredKeyUnreadable));
    assert_eq!(finish(std::slice::from_ref(&case.key)), None);
    // As it waits in the store.
    let stored = serde_json::from_str(&serde_json::to_string(&assertion).unwrap()).unwrap();
    assert_eq!(case.finish(stored, &response).err(), None);

    let newer = register(&case.relying_party, &case.user, &mut case.authenticator);
    let both = [case.key.clone(), newer.clone()];
    let (options, assertion) = case.begin();
    let mut draft = case.authenticator.draft_assertion(&options, ORIGIN).unwrap();
    draft.id = newer.credential.0;
    let response = case.authenticator.sign(&draft).unwrap().to_string();
    let got = case.relying_party.finish_assertion(assertion, &both, response.as_bytes(), NOW).err();
    assert_eq!(got, unknown, "W75 a key that was not offered");
}

#[test]
fn another_ceremonys_answer_is_refused() {
    let mut case = Case::new();
    let ((options, _), (_, second)) = (case.begin(), case.begin());
    let response = case.authenticator.assert(&options, ORIGIN).unwrap();
    assert_eq!(case.finish(second, &response).err(), refused(Refusal::WrongChallenge), "W44 W69");
}

#[test]
fn a_response_of_another_shape_is_refused() {
    use Refusal::*;
    let mut case = Case::new();
    assert_eq!(case.answered(|v| v["id"] = "AAAA".into()), refused(IdNotRawId), "W62");
    assert_eq!(case.answered(|v| v["type"] = "".into()), refused(NotAPublicKey), "W62");
    assert_eq!(case.answered(|v| v["x"] = "x".repeat(MAX_RESPONSE).into()), refused(ResponseTooLarge), "W40");
    let handle = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let (own, foreign) = (handle(case.user.id.0.as_bytes()), handle(&[7; 16]));
    assert_eq!(case.answered(|v| v["response"]["userHandle"] = own.into()), None);
    assert_eq!(case.answered(|v| v["response"]["userHandle"] = foreign.into()), refused(WrongUser));
    assert_eq!(case.answered(|v| v["response"]["userHandle"] = "".into()), refused(WrongUser));
    assert_eq!(case.answered(|v| v["response"]["userHandle"] = 7.into()), refused(ResponseMalformed));
    let appid = |v: &mut Value| v["clientExtensionResults"] = serde_json::json!({ "appid": true });
    assert_eq!(case.answered(appid), None, "W48 an extension result has no say");
    for part in ["clientDataJSON", "authenticatorData", "signature"] {
        let pad = |v: &mut Value| {
            let text = v["response"][part].as_str().unwrap();
            v["response"][part] = format!("{text}=").into();
        };
        assert_eq!(case.answered(pad), refused(ResponseMalformed), "W63 padded {part}");
    }
}
