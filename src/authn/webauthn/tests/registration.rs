use super::*;
use crate::authn::authenticator::{cbor, flag};

struct Case {
    random: SeededRandom,
    user: User,
    verification: Verification,
    algorithm: Algorithm,
    flags: u8,
}

impl Case {
    fn new() -> Self {
        let random = SeededRandom::new(1);
        let user = user(&random);
        Self {
            random,
            user,
            verification: Verification::Discouraged,
            algorithm: Algorithm::Es256,
            flags: flag::USER_PRESENT,
        }
    }

    /// Registers, with the draft and the response changed on the way.
    fn register(
        &self,
        change_draft: impl FnOnce(&mut AttestationDraft),
        change_response: impl FnOnce(&mut Value),
    ) -> Result<NewCredential, Refusal> {
        let relying_party = relying_party();
        let (options, registration) =
            relying_party.begin_registration(&self.user, &[], self.verification).unwrap();
        let mut authenticator = SoftwareAuthenticator::new(&self.random);
        authenticator.algorithm = self.algorithm;
        authenticator.flags = self.flags;
        let mut draft = authenticator.draft_registration(&options, ORIGIN).unwrap();
        change_draft(&mut draft);
        let mut response = draft.response();
        change_response(&mut response);
        relying_party.finish_registration(registration, self.user.id, response.to_string().as_bytes())
    }

    fn drafted(&self, change: impl FnOnce(&mut AttestationDraft)) -> Option<Refusal> {
        self.register(change, |_| ()).err()
    }

    fn flagged(flags: u8) -> Self {
        Self { flags, ..Self::new() }
    }
}

/// Where the credential id begins: after the hash, flags, count, AAGUID and length.
const ID: usize = 32 + 1 + 4 + 16 + 2;
/// Where the COSE key begins, the credential id being 32 bytes long.
const KEY: usize = ID + 32;

#[test]
fn a_key_is_registered() {
    for algorithm in [Algorithm::Es256, Algorithm::Rs256] {
        let case = Case { algorithm, flags: flag::USER_PRESENT | flag::USER_VERIFIED, ..Case::new() };
        let mut id = Vec::new();
        let new = case.register(|draft| id = draft.id.clone(), |_| ()).unwrap();
        assert_eq!((new.credential, new.algorithm), (CredentialId(id), algorithm));
        assert!(new.user_verified && !new.backup_eligible);
    }
}

#[test]
fn the_options_ask_for_what_a_shared_device_needs() {
    let case = Case::new();
    let existing = key(case.register(|_| (), |_| ()).unwrap(), case.user.id);
    let begin = |verification| {
        relying_party().begin_registration(&case.user, std::slice::from_ref(&existing), verification)
    };
    let (options, registration) = begin(Verification::Preferred).unwrap();
    let options: Value = serde_json::from_str(&options).unwrap();
    let options = &options["publicKey"];
    assert_eq!(registration.user(), case.user.id);
    assert_eq!(options["rp"], serde_json::json!({ "id": "login.example.dk", "name": "Sluse" }));
    assert_eq!(decode(&options["user"]["id"]), case.user.id.0.as_bytes());
    assert_eq!((&options["user"]["name"], &options["user"]["displayName"]), (&"nez".into(), &"Nez".into()));
    assert_eq!(options["attestation"], "none");
    assert_eq!(options["hints"], serde_json::json!(["security-key"]));
    assert_eq!(options["timeout"], 300_000);
    let selection = serde_json::json!({
        "authenticatorAttachment": "cross-platform",
        "residentKey": "discouraged",
        "requireResidentKey": false,
        "userVerification": "preferred",
    });
    assert_eq!(options["authenticatorSelection"], selection);
    let algorithms: Vec<_> =
        options["pubKeyCredParams"].as_array().unwrap().iter().map(|offer| &offer["alg"]).collect();
    assert_eq!(algorithms, [-7, -257]);
    assert_eq!(decode(&options["excludeCredentials"][0]["id"]), existing.credential.0);
    assert_eq!(decode(&options["challenge"]).len(), 32);
    for (verification, word) in
        [(Verification::Required, "required"), (Verification::Discouraged, "discouraged")]
    {
        assert!(begin(verification).unwrap().0.contains(&format!(r#""userVerification":"{word}""#)));
    }
}

#[test]
fn a_person_without_a_shown_name_can_register() {
    let mut case = Case::new();
    case.user.name = String::new();
    assert_eq!(case.drafted(|_| ()), None);
}

#[test]
fn client_data_that_is_wrong_is_refused() {
    for (why, from, to, refusal) in wrong_client_data() {
        let got = Case::new().drafted(|draft| reword(&mut draft.client_data, from, to));
        assert_eq!(got, Some(refusal), "{why}");
    }
    let got = Case::new().drafted(|draft| reword(&mut draft.client_data, ".create", ".get"));
    assert_eq!(got, Some(Refusal::WrongCeremony), "W01 an assertion's client data");
    for bytes in [&b""[..], b"[]", b"\xff"] {
        let got = Case::new().drafted(|draft| draft.client_data = bytes.to_vec());
        assert_eq!(got, Some(Refusal::ClientDataMalformed), "W14 {bytes:?}");
    }
    for harmless in [r#":false,"tokenBinding":{"status":"supported"}"#, r#":false,"later":["x"]"#] {
        assert_eq!(
            Case::new().drafted(|d| reword(&mut d.client_data, ":false", harmless)),
            None,
            "{harmless}"
        );
    }
}

#[test]
fn a_registration_ends_where_it_began() {
    let case = Case::new();
    let relying_party = relying_party();
    let begin = || relying_party.begin_registration(&case.user, &[], Verification::Discouraged).unwrap();
    let ((options, first), (_, second)) = (begin(), begin());
    let response = SoftwareAuthenticator::new(&case.random).register(&options, ORIGIN).unwrap();
    let finish = |registration: &Registration, user| {
        relying_party.finish_registration(registration.clone(), user, response.as_bytes()).err()
    };
    assert_eq!(finish(&second, case.user.id), Some(Refusal::WrongChallenge), "W02 of another ceremony");
    let other = UserId(random::uuid(&case.random));
    assert_eq!(finish(&first, other), Some(Refusal::WrongUser), "W05 of another person");
    assert_eq!(finish(&first, case.user.id), None);
    // As it waits in the store.
    let stored: Registration = serde_json::from_str(&serde_json::to_string(&first).unwrap()).unwrap();
    assert_eq!(finish(&stored, case.user.id), None);
}

#[test]
fn what_the_authenticator_must_not_say() {
    type Change = Box<dyn FnOnce(&mut AttestationDraft)>;
    let data = |change: fn(&mut Vec<u8>)| -> Change { Box::new(move |d| change(&mut d.authenticator_data)) };
    let attestation = |format: &'static str, statement: &'static [u8]| -> Change {
        Box::new(move |d| (d.format, d.statement) = (format.to_owned(), statement.to_vec()))
    };
    use Refusal::*;
    let cases: Vec<(&str, Change, Refusal)> = vec![
        ("W15 another RP ID", data(|d| d[0] ^= 1), WrongRelyingParty),
        ("W16 no touch", data(|d| d[32] ^= flag::USER_PRESENT), UserNotPresent),
        ("W19 backed up, not eligible", data(|d| d[32] |= flag::BACKED_UP), BackupInconsistent),
        ("W22 no credential", data(|d| d[32] ^= flag::ATTESTED), AuthenticatorDataMalformed),
        (
            "W22 neither credential nor flag",
            data(|d| {
                d[32] ^= flag::ATTESTED;
                d.truncate(37);
            }),
            AuthenticatorDataMalformed,
        ),
        ("W22 a flag without credential", data(|d| d.truncate(37)), AuthenticatorDataMalformed),
        ("W22 too short", data(|d| d.truncate(36)), AuthenticatorDataMalformed),
        ("W22 extensions missing", data(|d| d[32] |= flag::EXTENSIONS), AuthenticatorDataMalformed),
        ("W23 trailing bytes", data(|d| d.push(0)), AuthenticatorDataMalformed),
        (
            "W23 trailing bytes behind extensions",
            data(|d| {
                d[32] |= flag::EXTENSIONS;
                d.extend([0xa0, 0xa0]);
            }),
            AuthenticatorDataMalformed,
        ),
        (
            "W24 extensions that are no map",
            data(|d| {
                d[32] |= flag::EXTENSIONS;
                d.push(0x80);
            }),
            AuthenticatorDataMalformed,
        ),
        ("W26 unknown format", attestation("nothing", &[0xa0]), AttestationFormat),
        ("W26 wrong case", attestation("None", &[0xa0]), AttestationFormat),
        ("W26 SafetyNet", attestation("android-safetynet", &[0xa0]), AttestationFormat),
        ("W26 a platform's", attestation("tpm", &[0xa0]), AttestationFormat),
        ("W27 none, with a statement", attestation("none", &[0xa1, 0x61, b'x', 0x00]), AttestationMalformed),
        ("W27 none, a statement of another kind", attestation("none", &[0x80]), AttestationMalformed),
        ("W28 packed, empty", attestation("packed", &[0xa0]), AttestationInvalid),
        (
            "W31 a statement with a key twice",
            attestation("packed", &[0xa2, 1, 1, 1, 1]),
            AttestationMalformed,
        ),
        ("W32 a statement of indefinite length", attestation("none", &[0xbf, 0xff]), AttestationMalformed),
        ("W34 a point off the curve", data(|d| d[KEY + 20] ^= 1), PublicKeyInvalid),
        ("W34 type and algorithm at odds", data(|d| d[KEY + 2] = 3), AlgorithmNotOffered),
        ("W34 ES256 on another curve", data(|d| d[KEY + 6] = 2), AlgorithmNotOffered),
        ("W34 Ed25519", data(|d| d[KEY + 4] = 0x27), AlgorithmNotOffered),
        ("W36 another id inside", data(|d| d[ID] ^= 1), CredentialIdMismatch),
    ];
    for (why, change, refusal) in cases {
        assert_eq!(Case::new().drafted(change), Some(refusal), "{why}");
    }
    // An algorithm webauthn-rs knows, but we did not offer.
    let es384 = |d: &mut AttestationDraft| {
        d.authenticator_data.splice(KEY + 4..KEY + 5, [0x38, 0x22]);
    };
    assert_eq!(Case::new().drafted(es384), Some(AlgorithmNotOffered), "W34 ES384");
}

#[test]
fn what_it_may_say() {
    let eligible = flag::USER_PRESENT | flag::BACKUP_ELIGIBLE;
    assert!(Case::flagged(eligible).register(|_| (), |_| ()).unwrap().backup_eligible, "W20");
    assert!(Case::flagged(eligible | flag::BACKED_UP).register(|_| (), |_| ()).unwrap().backup_eligible);
    assert_eq!(Case::flagged(flag::USER_PRESENT | 0x22).drafted(|_| ()), None, "W21 reserved flags");
    let unsolicited = |d: &mut AttestationDraft| {
        d.authenticator_data[32] |= flag::EXTENSIONS;
        d.authenticator_data.push(0xa1);
        d.authenticator_data.extend(cbor::text("hmac-secret"));
        d.authenticator_data.push(0xf5);
    };
    assert_eq!(Case::new().drafted(unsolicited), None, "W24");
    let long = |d: &mut AttestationDraft| {
        d.id = vec![7; 1023];
        d.authenticator_data.splice(ID - 2..KEY, [&[0x03, 0xff][..], &d.id].concat());
    };
    assert_eq!(Case::new().drafted(long), None, "W80 the longest id");
}

#[test]
fn user_verification_is_held_to_when_required() {
    let required = |flags| Case { verification: Verification::Required, flags, ..Case::new() };
    assert_eq!(required(flag::USER_PRESENT).drafted(|_| ()), Some(Refusal::UserNotVerified), "W18");
    assert_eq!(required(flag::USER_PRESENT | flag::USER_VERIFIED).drafted(|_| ()), None);
    let preferred = Case { verification: Verification::Preferred, ..Case::new() };
    assert!(!preferred.register(|_| (), |_| ()).unwrap().user_verified, "W17");
}

#[test]
fn self_attestation_is_verified() {
    let case = Case::new();
    let relying_party = relying_party();
    let attest = |spoil: fn(&mut Vec<u8>)| {
        let (options, registration) =
            relying_party.begin_registration(&case.user, &[], Verification::Discouraged).unwrap();
        let mut authenticator = SoftwareAuthenticator::new(&case.random);
        let mut draft = authenticator.draft_registration(&options, ORIGIN).unwrap();
        let hash = <sha2::Sha256 as sha2::Digest>::digest(&draft.client_data);
        let signed = [&draft.authenticator_data[..], &hash].concat();
        let mut signature = authenticator.sign_with(&draft.id, &signed).unwrap();
        spoil(&mut signature);
        draft.format = "packed".to_owned();
        draft.statement =
            [&[0xa2][..], &cbor::text("alg"), &[0x26], &cbor::text("sig"), &cbor::bytes(&signature)].concat();
        let response = draft.response().to_string();
        relying_party.finish_registration(registration, case.user.id, response.as_bytes()).err()
    };
    assert_eq!(attest(|_| ()), None);
    assert_eq!(attest(|signature| signature[20] ^= 1), Some(Refusal::AttestationInvalid), "W28");
}

#[test]
fn a_credential_registered_already_is_refused() {
    let case = Case::new();
    let relying_party = relying_party();
    let (options, registration) =
        relying_party.begin_registration(&case.user, &[], Verification::Discouraged).unwrap();
    let mut authenticator = SoftwareAuthenticator::new(&case.random);
    let mut draft = authenticator.draft_registration(&options, ORIGIN).unwrap();
    let response = draft.response().to_string();
    let new = relying_party.finish_registration(registration, case.user.id, response.as_bytes()).unwrap();
    let existing = [key(new, case.user.id)];
    let (options, registration) =
        relying_party.begin_registration(&case.user, &existing, Verification::Discouraged).unwrap();
    let declined = authenticator.draft_registration(&options, ORIGIN).err();
    assert_eq!(declined, Some(crate::authn::authenticator::Declined::Excluded));
    // A browser that does not care for the exclude list.
    draft.client_data =
        SoftwareAuthenticator::new(&case.random).draft_registration(&options, ORIGIN).unwrap().client_data;
    let response = draft.response().to_string();
    let got = relying_party.finish_registration(registration, case.user.id, response.as_bytes()).err();
    assert_eq!(got, Some(Refusal::AlreadyRegistered), "W38");
}

#[test]
fn a_response_of_another_shape_is_refused() {
    use Refusal::*;
    let id = |v: &mut Value, text: &str| v["id"] = text.into();
    type Change = Box<dyn FnOnce(&mut Value)>;
    let cases: Vec<(&str, Change, Refusal)> = vec![
        ("W35 another id", Box::new(move |v| id(v, "AAAA")), IdNotRawId),
        ("W35 an id that is no base64url", Box::new(move |v| id(v, "a b")), ResponseMalformed),
        ("W35 another type", Box::new(|v| v["type"] = "password".into()), NotAPublicKey),
        ("W35 no type", Box::new(|v| v["type"] = Value::Null), ResponseMalformed),
        ("W40 too long", Box::new(|v| v["x"] = "x".repeat(MAX_RESPONSE).into()), ResponseTooLarge),
    ];
    for (why, change, refusal) in cases {
        assert_eq!(Case::new().register(|_| (), change).err(), Some(refusal), "{why}");
    }
    type ChangeObject = fn(&mut Vec<u8>);
    let objects: [(&str, ChangeObject); 2] = [
        ("W25 trailing bytes", |object| object.push(0)),
        ("W32 a member more", |object| {
            object[0] = 0xa4;
            object.extend([&cbor::text("x")[..], &[0]].concat());
        }),
    ];
    for (why, change) in objects {
        let change = |v: &mut Value| {
            let mut object = decode(&v["response"]["attestationObject"]);
            change(&mut object);
            v["response"]["attestationObject"] = URL_SAFE_NO_PAD.encode(object).into();
        };
        assert_eq!(Case::new().register(|_| (), change).err(), Some(AttestationMalformed), "{why}");
    }
    for transports in [serde_json::json!(["hovercraft"]), serde_json::json!(7), Value::Null] {
        let got = Case::new().register(|_| (), |v| v["response"]["transports"] = transports);
        assert_eq!(got.err(), None, "transports have no say");
    }
}
