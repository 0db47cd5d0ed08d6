use serde_json::{Value, json};
use uuid::Uuid;

use super::*;
use crate::provisioning::filter::Attribute;
use crate::secret::Keys;
use crate::store::provisioning::GroupId;
use crate::time::Timestamp;
use crate::user::Cpr;

const CPR: &str = "010190-1234";
const CPR_SCHEMA: &str = "urn:kommune:scim:2.0:User";

fn settings() -> Settings {
    let cpr = Some(Attribute::parse(&format!("{CPR_SCHEMA}:cpr")).unwrap());
    Settings { cpr, claims: vec![("unit".to_owned(), "department"), ("role".to_owned(), "title")] }
}

fn keys() -> Keys {
    Keys::derive(&[1; 32])
}

fn onto(before: &Provisioned, resource: &Value) -> Result<Provisioned, Refusal> {
    read(resource.as_object().unwrap(), before, &settings(), &keys())
}

fn new(resource: &Value) -> Result<Provisioned, Refusal> {
    onto(&nobody(UserId(Uuid::from_u128(1)), Timestamp::from_seconds(1)), resource)
}

fn nez() -> Provisioned {
    new(&json!({
        "userName": "Nez", "externalId": "e1", "active": "True",
        "name": { "givenName": "Nez", "familyName": "Nielsen" },
        "emails": [
            { "value": "privat@example.org", "type": "home" },
            { "value": "nez@kommune.example", "type": "work", "primary": true },
        ],
        "title": "Nurse",
        ENTERPRISE: { "department": "Nord", "manager": { "value": "1" } },
        CPR_SCHEMA: { "cpr": CPR },
    }))
    .unwrap()
}

#[test]
fn a_person_is_read_whole() {
    let Provisioned { user, external_id, given_name, family_name } = nez();
    assert_eq!((user.username.as_str(), user.name.as_str(), user.disabled), ("nez", "Nez Nielsen", false));
    let claims = [("email", "nez@kommune.example"), ("role", "Nurse"), ("unit", "Nord")];
    assert_eq!(user.claims, claims.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(user.cpr, Some(keys().cpr_hash(&Cpr::parse(CPR).unwrap())));
    assert_eq!(
        (external_id.as_deref(), given_name.as_deref(), family_name.as_deref()),
        (Some("e1"), Some("Nez"), Some("Nielsen"))
    );
}

#[test]
fn what_is_shown_comes_back_as_it_was_and_is_no_secret() {
    let mut person = nez();
    person.user.groups = vec!["nurses".to_owned(), "by hand".to_owned()];
    // A second value that SCIM does not show.
    person.user.set_claim("unit", &["Nord".to_owned(), "Syd".to_owned()]);
    let group = Group {
        id: GroupId(Uuid::from_u128(7)),
        name: "nurses".to_owned(),
        external_id: None,
        created_at: Timestamp::EPOCH,
    };
    let shown = render(&person, &[group], &settings());
    assert_eq!(onto(&person, &shown), Ok(person.clone()));
    assert_eq!(shown["groups"].as_array().map(Vec::len), Some(1));
    assert_eq!(shown["groups"][0]["display"], "nurses");
    let text = shown.to_string();
    assert!(!text.contains("cpr") && !text.contains("010190"), "{text}");
    let other = Provisioned { external_id: Some("e2".to_owned()), ..person.clone() };
    assert_ne!(shown["meta"]["version"], render(&other, &[], &settings())["meta"]["version"]);
}

#[test]
fn what_is_not_said_is_no_longer_so_but_an_account_does_not_open_by_it() {
    let mut person = nez();
    person.user.disabled = true;
    let after = onto(&person, &json!({ "userName": "nez", "displayName": "Nez" })).unwrap();
    assert!(after.user.disabled && after.user.claims.is_empty() && after.external_id.is_none());
    assert_eq!(after.user.cpr, person.user.cpr, "nobody can read it to send it back");
    let cleared = onto(&person, &json!({ "userName": "nez", CPR_SCHEMA: { "cpr": "" } })).unwrap();
    assert_eq!((cleared.user.cpr, cleared.user.name.as_str()), (None, "nez"));
}

#[test]
fn a_name_is_whichever_is_new() {
    let before = nez();
    let name = |mut change: Box<dyn FnMut(&mut Value)>| {
        let mut resource = render(&before, &[], &settings());
        change(&mut resource);
        onto(&before, &resource).unwrap().user.name
    };
    assert_eq!(name(Box::new(|r| r["displayName"] = "Nez N.".into())), "Nez N.");
    assert_eq!(name(Box::new(|r| r["name"]["formatted"] = "Nez N.".into())), "Nez N.");
    assert_eq!(name(Box::new(|r| r["name"]["familyName"] = "Olsen".into())), "Nez Olsen");
    let called =
        Provisioned { user: User { name: "Nezzie".to_owned(), ..before.user.clone() }, ..before.clone() };
    let mut resource = render(&called, &[], &settings());
    resource["name"]["familyName"] = "Olsen".into();
    assert_eq!(onto(&called, &resource).unwrap().user.name, "Nezzie", "they are called otherwise");
}

#[test]
fn what_cannot_be_is_refused_without_repeating_a_number() {
    for resource in [
        json!({}),
        json!({ "userName": "a b" }),
        json!({ "userName": ["nez"] }),
        json!({ "userName": "nez", "active": "perhaps" }),
        json!({ "userName": "nez", "name": "Nez" }),
        json!({ "userName": "nez", "emails": "n@k" }),
        json!({ "userName": "nez", "displayName": "x".repeat(600) }),
        json!({ "userName": "nez", "externalId": "a\nb" }),
        json!({ "userName": "nez", CPR_SCHEMA: { "cpr": "010190-123" } }),
        json!({ "userName": "nez", CPR_SCHEMA: { "cpr": 101_901_234 } }),
    ] {
        let refusal = new(&resource).unwrap_err();
        assert_eq!(refusal.kind, Kind::InvalidValue, "{resource}");
        assert!(!refusal.detail.contains("0190"), "{refusal}");
    }
}

#[test]
fn people_are_asked_for() {
    let ask = |filter: &str| query(&Filter::parse(filter).unwrap());
    let found = ask("userName eq \"NEZ\" and active eq false").unwrap().unwrap();
    assert_eq!((found.username.unwrap().as_str(), found.disabled), ("nez", Some(true)));
    let found = ask("emails[type eq \"work\"].value eq \"n@k\"").unwrap().unwrap();
    assert_eq!(found.email.as_deref(), Some("n@k"));
    for nobody in ["userName eq \"a b\"", "id eq \"1\"", "active eq true and active eq false"] {
        assert_eq!(ask(nobody).unwrap(), None, "{nobody}");
    }
    for unknown in
        ["cpr eq \"0101901234\"", "groups eq \"x\"", "userName eq true", "name[a eq \"b\"] eq \"c\""]
    {
        assert_eq!(ask(unknown).unwrap_err().kind, Kind::InvalidFilter, "{unknown}");
    }
}
