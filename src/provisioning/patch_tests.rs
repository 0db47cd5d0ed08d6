use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::provisioning::{ENTERPRISE, Settings, user};

fn nez() -> Value {
    json!({
        "id": "1", "userName": "nez", "displayName": "Nez Nielsen", "active": true,
        "name": { "givenName": "Nez", "familyName": "Nielsen" },
        "emails": [{ "value": "nez@kommune.example", "type": "work", "primary": true }],
    })
}

fn patched(operations: Value) -> Result<Value, Refusal> {
    let operations = Operation::parse_all(&json!({ "Operations": operations }))?;
    let Value::Object(mut resource) = nez() else { unreachable!("it is an object") };
    let settings = Settings::default();
    apply(&mut resource, &operations, |attribute| user::mutability(attribute, &settings))?;
    Ok(resource.into())
}

fn at(operations: Value, pointer: &str) -> Value {
    patched(operations).unwrap().pointer(pointer).cloned().unwrap_or(Value::Null)
}

#[test]
fn as_entra_id_sends_it() {
    let replace = json!([
        { "op": "Replace", "path": "displayName", "value": "Nez N." },
        { "op": "Replace", "path": "name.givenName", "value": "Nezz" },
        { "op": "Add", "path": "emails[type eq \"work\"].value", "value": "ny@kommune.example" },
        { "op": "Replace", "path": "active", "value": "False" },
        { "op": "Add", "path": format!("{ENTERPRISE}:department"), "value": "Nord" },
        { "op": "Add", "path": "addresses[type eq \"work\"].formatted", "value": "Rådhuset" },
    ]);
    let after = patched(replace).unwrap();
    assert_eq!(after["displayName"], "Nez N.");
    assert_eq!(after["name"], json!({ "givenName": "Nezz", "familyName": "Nielsen" }));
    assert_eq!(after["emails"][0]["value"], "ny@kommune.example");
    assert_eq!(after["emails"].as_array().map(Vec::len), Some(1));
    assert_eq!(after["active"], "False");
    assert_eq!(after[ENTERPRISE]["department"], "Nord");
    // Without a path, with dots and schemas in the names.
    let pathless = json!([{ "op": "replace", "value": {
        "displayName": "Nez", "name.familyName": "Olsen", format!("{ENTERPRISE}:department"): "Syd", "id": "2",
    } }]);
    let after = patched(pathless).unwrap();
    assert_eq!((&after["displayName"], &after["name"]["familyName"]), (&"Nez".into(), &"Olsen".into()));
    assert_eq!((&after[ENTERPRISE]["department"], &after["id"]), (&"Syd".into(), &"1".into()));
}

#[test]
fn as_okta_sends_it() {
    assert_eq!(at(json!([{ "op": "replace", "value": { "active": false } }]), "/active"), false);
    let emails = json!([{ "value": "a@b", "type": "home" }]);
    let whole = json!([{ "op": "replace", "path": "emails", "value": emails }]);
    assert_eq!(at(whole, "/emails"), emails);
}

#[test]
fn what_is_added_removed_and_selected() {
    let home = json!({ "value": "nez@hjemme.example", "type": "home" });
    let add = |value: &Value| json!([{ "op": "add", "path": "emails", "value": value }]);
    assert_eq!(at(add(&json!([home])), "/emails/1"), home);
    assert_eq!(at(add(&home), "/emails/1"), home);
    assert_eq!(at(add(&nez()["emails"]), "/emails/1"), Value::Null, "it is there already");
    // One that is selected and not there is made.
    let made = json!([{ "op": "replace", "path": "emails[type eq \"home\"].value", "value": "x@y" }]);
    assert_eq!(at(made, "/emails/1"), json!({ "type": "home", "value": "x@y" }));
    let remove = |path: &str| json!([{ "op": "remove", "path": path }]);
    assert_eq!(at(remove("emails[type eq \"WORK\" and primary eq true]"), "/emails"), json!([]));
    assert_eq!(at(remove("emails[type eq \"home\"]"), "/emails/0/type"), "work");
    assert_eq!(at(remove("emails[type eq \"work\"].primary"), "/emails/0/primary"), Value::Null);
    assert_eq!(at(remove("NAME.GIVENNAME"), "/name"), json!({ "familyName": "Nielsen" }));
    assert_eq!(at(remove("displayName"), "/displayName"), Value::Null);
    assert_eq!(at(json!([{ "op": "replace", "path": "displayName" }]), "/displayName"), Value::Null);
}

#[test]
fn what_cannot_be_done_is_refused_and_named() {
    for (operation, kind) in [
        (json!({ "op": "replace", "path": "id", "value": "2" }), Kind::Mutability),
        (json!({ "op": "add", "path": "groups", "value": [] }), Kind::Mutability),
        (json!({ "op": "replace", "path": "shoeSize", "value": 42 }), Kind::InvalidPath),
        (json!({ "op": "replace", "path": "urn:x:2.0:User:y", "value": 42 }), Kind::InvalidPath),
        (json!({ "op": "replace", "path": "emails[type", "value": 42 }), Kind::InvalidPath),
        (json!({ "op": "replace", "path": "userName.first", "value": "n" }), Kind::InvalidPath),
        (json!({ "op": "remove" }), Kind::NoTarget),
        (json!({ "op": "replace", "value": "nez" }), Kind::InvalidValue),
        (json!({ "op": "move", "path": "userName" }), Kind::InvalidSyntax),
        (json!({ "path": "userName", "value": "x" }), Kind::InvalidSyntax),
        (json!({ "op": "add", "path": 1, "value": "x" }), Kind::InvalidSyntax),
        (json!("add"), Kind::InvalidSyntax),
    ] {
        assert_eq!(patched(json!([operation])).unwrap_err().kind, kind, "{operation}");
    }
    for body in [json!({}), json!([]), json!({ "Operations": {} })] {
        assert_eq!(Operation::parse_all(&body).unwrap_err().kind, Kind::InvalidSyntax);
    }
    let many = vec![json!({ "op": "remove", "path": "title" }); MOST_OPERATIONS + 1];
    assert_eq!(patched(many.into()).unwrap_err().kind, Kind::TooMany);
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        "[a-zA-Z\\[\\]. ]{0,8}".prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let name =
            proptest::sample::select(&["value", "type", "userName", "name.givenName", "emails", "x"][..]);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((name, inner), 0..4)
                .prop_map(|pairs| pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    /// Whatever a PATCH says, it is applied or refused; and who the person is it never changes.
    #[test]
    fn anything_is_applied_or_refused(
        op in proptest::sample::select(&["add", "Replace", "REMOVE", "x"][..]),
        path in proptest::option::of(proptest::sample::select(&[
            "userName", "name", "name.givenName", "emails", "emails.value", "emails[type eq \"work\"]",
            "emails[type eq \"x\"].value", "emails[primary eq true].type.x", "id", "active.x",
        ][..])),
        value in any_value(),
    ) {
        let mut operation = json!({ "op": op, "value": value });
        if let Some(path) = path {
            operation["path"] = path.into();
        }
        if let Ok(after) = patched(json!([operation])) {
            prop_assert_eq!(&after["id"], "1");
        }
    }

    /// What was set is there, and setting it again changes nothing.
    #[test]
    fn replacing_twice_is_replacing_once(value in "[a-z]{1,10}", name in "[a-z]{1,10}") {
        let one = json!({ "op": "replace", "path": "emails[type eq \"work\"].value", "value": value });
        let two = json!({ "op": "replace", "value": { "name": { "familyName": name } } });
        let once = patched(json!([one, two])).unwrap();
        prop_assert_eq!(&once, &patched(json!([one, two, one, two])).unwrap());
        prop_assert_eq!(&once["emails"][0]["value"], &Value::from(value));
        prop_assert_eq!(&once["name"], &json!({ "givenName": "Nez", "familyName": name }));
    }
}
