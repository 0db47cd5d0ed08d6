use serde_json::json;
use uuid::Uuid;

use super::*;

fn id(n: u128) -> UserId {
    UserId(Uuid::from_u128(n))
}

fn change_of(operations: Value) -> Result<GroupChange, Refusal> {
    change(&Operation::parse_all(&json!({ "Operations": operations }))?)
}

fn members_of(operations: Value) -> Members {
    change_of(operations).unwrap().members
}

#[test]
fn members_come_and_go() {
    let [one, two] = [id(1), id(2)].map(|id| id.to_string());
    let add = json!({ "op": "Add", "path": "members", "value": [{ "value": one, "$ref": null }, { "value": two }] });
    let selected = json!({ "op": "remove", "path": format!("members[value eq \"{two}\"]") });
    let listed = json!({ "op": "Remove", "path": "members", "value": [{ "value": one }] });
    let joined = |joining: &[u128], leaving: &[u128]| Members::Change {
        joining: joining.iter().copied().map(id).collect(),
        leaving: leaving.iter().copied().map(id).collect(),
    };
    assert_eq!(members_of(json!([add])), joined(&[1, 2], &[]));
    assert_eq!(members_of(json!([selected])), joined(&[], &[2]));
    assert_eq!(members_of(json!([listed])), joined(&[], &[1]));
    // In order: who leaves after joining is out, who joins after leaving is in.
    assert_eq!(members_of(json!([add, selected])), joined(&[1], &[2]));
    assert_eq!(members_of(json!([selected, add])), joined(&[1, 2], &[]));
    let all = json!({ "op": "replace", "value": { "id": "x", "members": [{ "value": two }] } });
    assert_eq!(members_of(json!([add, all])), Members::All(vec![id(2)]));
    let none = json!({ "op": "remove", "path": "members" });
    assert_eq!(members_of(json!([add, none])), Members::All(vec![]));
    assert_eq!(members_of(json!([none, add, selected])), Members::All(vec![id(1)]));
}

#[test]
fn names_and_what_is_not_changed() {
    let renamed = change_of(json!([{ "op": "replace", "value": { "id": "x", "displayName": "Nurses" } }]));
    let expected = GroupChange { name: Some("Nurses".to_owned()), ..GroupChange::default() };
    assert_eq!(renamed, Ok(expected));
    let external = change_of(json!([{ "op": "Remove", "path": "externalId" }])).unwrap();
    assert_eq!(external.external_id, Some(None));
    for (operation, kind) in [
        (json!({ "op": "replace", "path": "id", "value": "1" }), Kind::Mutability),
        (json!({ "op": "replace", "path": "members[value eq \"1\"].value", "value": "1" }), Kind::Mutability),
        (json!({ "op": "remove", "path": "members[display eq \"x\"]" }), Kind::InvalidPath),
        (json!({ "op": "replace", "path": "colour", "value": "red" }), Kind::InvalidPath),
        (json!({ "op": "remove", "path": "displayName" }), Kind::InvalidValue),
        (json!({ "op": "replace", "path": "displayName", "value": "a,b" }), Kind::InvalidValue),
        (json!({ "op": "add", "path": "members", "value": [{ "value": "nobody" }] }), Kind::InvalidValue),
        (
            json!({ "op": "add", "path": "members", "value": [{ "value": id(1).to_string(), "type": "Group" }] }),
            Kind::InvalidValue,
        ),
    ] {
        assert_eq!(change_of(json!([operation])).unwrap_err().kind, kind, "{operation}");
    }
}

#[test]
fn groups_are_asked_for() {
    let ask = |filter: &str| query(&Filter::parse(filter).unwrap());
    assert_eq!(ask("displayName eq \"Nurses\"").unwrap().unwrap().name.as_deref(), Some("Nurses"));
    let member = format!("id eq \"{0}\" and members eq \"{0}\"", id(1));
    let found = ask(&member).unwrap().unwrap();
    assert_eq!((found.id, found.member), (Some(GroupId(id(1).0)), Some(id(1))));
    assert_eq!(ask("id eq \"no id\"").unwrap(), None);
    assert_eq!(ask("displayName eq \"a\" and displayName eq \"b\"").unwrap(), None, "nothing is both");
    assert_eq!(ask("colour eq \"red\"").unwrap_err().kind, Kind::InvalidFilter);
}

#[test]
fn a_resource_without_members_says_nothing_of_them() {
    let object = |value: Value| value.as_object().cloned().unwrap();
    let said = read(&object(json!({ "displayName": "Nurses" }))).unwrap();
    assert_eq!((said.members, said.external_id), (Members::default(), Some(None)));
    let said = read(&object(json!({ "displayname": "Nurses", "members": [] }))).unwrap();
    assert_eq!(said.members, Members::All(vec![]));
    assert!(read(&object(json!({ "members": [] }))).is_err());
}
