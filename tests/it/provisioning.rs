//! People and groups brought by SCIM 2.0, as Microsoft Entra ID and Okta bring them.

use serde_json::{Value, json};

use crate::broker::{NEZ, Person as Account};
use crate::harness::Installation;
use crate::origin::Origin;
use crate::person::Person;
use crate::raw::{Reply, exchange};
use crate::wait::until;

const PASSWORD: &str = "en lang og god sætning";
const TOKEN: &str = "8f1e6d2c7b903455c6e0f7a9d3b4412a";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const CPR: &str = "010190-1234";

fn installation(origin: &Origin) -> Installation {
    let installation = Installation::new(origin);
    let file = installation.write("scim.token", &format!("{TOKEN}\n"));
    let setting = format!(
        "provisioning: {{ token_file: {}, cpr: \"urn:kommune:scim:2.0:User:cpr\", claims: {{ unit: department }} }}\nmethods:\n",
        file.display()
    );
    installation.change("sluse.yaml", "methods:\n", &setting);
    installation
}

/// Sends a request; `path` is below `/scim/v2`.
async fn ask(installation: &Installation, method: &str, path: &str, body: Option<Value>) -> Reply {
    send(installation, method, path, &format!("Authorization: Bearer {TOKEN}\r\n"), body).await
}

async fn send(
    installation: &Installation,
    method: &str,
    path: &str,
    head: &str,
    body: Option<Value>,
) -> Reply {
    let body = body.map_or(String::new(), |body| body.to_string());
    let path = path.replace(' ', "%20").replace('"', "%22");
    let request = format!(
        "{method} /scim/v2{path} HTTP/1.1\r\nHost: localhost\r\n{head}Content-Type: application/scim+json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    exchange(installation.admin, request).await
}

/// As [`ask`], for what is answered with this status: the body, if there is one.
async fn expect(
    installation: &Installation,
    status: u16,
    (method, path): (&str, &str),
    body: Value,
) -> Value {
    let reply = ask(installation, method, path, (!body.is_null()).then_some(body)).await;
    assert_eq!(reply.status, status, "{method} {path}: {}", reply.text());
    if reply.body.is_empty() {
        return Value::Null;
    }
    assert_eq!(reply.header("content-type"), Some("application/scim+json"));
    reply.json()
}

fn patch(operations: Value) -> Value {
    json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations })
}

fn id(resource: &Value) -> String {
    resource["id"].as_str().expect("a resource has an id").to_owned()
}

#[tokio::test]
async fn as_entra_id_brings_them() {
    let installation = installation(&Origin::echo().await);
    let _gateway = installation.serve().await;
    let none =
        expect(&installation, 200, ("GET", "/Users?filter=userName eq \"nez@kommune.example\""), Value::Null);
    let none = none.await;
    assert_eq!((&none["totalResults"], &none["Resources"]), (&0.into(), &json!([])));
    let new = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "userName": "Nez@kommune.example",
        "active": true,
        "emails": [{ "primary": true, "type": "work", "value": "nez@kommune.example" }],
        "meta": { "resourceType": "User" },
        "name": { "formatted": "Nez Nielsen", "familyName": "Nielsen", "givenName": "Nez" },
        "roles": [],
        "urn:kommune:scim:2.0:User": { "cpr": CPR },
    });
    let nez = expect(&installation, 201, ("POST", "/Users"), new).await;
    let user = format!("/Users/{}", id(&nez));
    assert_eq!(
        (&nez["userName"], &nez["displayName"]),
        (&"nez@kommune.example".into(), &"Nez Nielsen".into())
    );
    assert_eq!(nez["meta"]["location"], format!("/scim/v2{user}"));
    let changes = patch(json!([
        { "op": "Replace", "path": "displayName", "value": "Nez N." },
        { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "nezn@kommune.example" },
        { "op": "Add", "path": format!("{ENTERPRISE}:department"), "value": "Nord" },
        { "op": "Add", "path": "title", "value": "Nurse" },
    ]));
    let nez = expect(&installation, 200, ("PATCH", &user), changes).await;
    assert_eq!((&nez["displayName"], &nez[ENTERPRISE]["department"]), (&"Nez N.".into(), &"Nord".into()));
    assert_eq!(nez["emails"][0]["value"], "nezn@kommune.example");

    let group = "/Groups?excludedAttributes=members&filter=displayName eq \"Nurses\"";
    assert_eq!(expect(&installation, 200, ("GET", group), Value::Null).await["totalResults"], 0);
    let new = json!({ "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159", "displayName": "Nurses" });
    let nurses = expect(&installation, 201, ("POST", "/Groups"), new).await;
    let group = format!("/Groups/{}", id(&nurses));
    let add =
        patch(json!([{ "op": "Add", "path": "members", "value": [{ "$ref": null, "value": id(&nez) }] }]));
    assert_eq!(expect(&installation, 204, ("PATCH", &group), add).await, Value::Null);
    let bare = format!("{group}?excludedAttributes=members");
    let bare = expect(&installation, 200, ("GET", &bare), Value::Null).await;
    assert_eq!(bare["members"], Value::Null);
    let both = format!("/Groups?filter=id eq \"{}\" and members eq \"{}\"", id(&nurses), id(&nez));
    let both = expect(&installation, 200, ("GET", &both), Value::Null).await;
    assert_eq!(both["Resources"][0]["members"][0]["value"], nez["id"]);
    let shown = expect(&installation, 200, ("GET", &user), Value::Null).await;
    assert_eq!(shown["groups"][0]["display"], "Nurses");
    let listed = installation.succeed(["user", "list", "--format", "json"], "");
    let listed: Value = serde_json::from_str(&listed).expect("JSON, as asked for");
    assert_eq!((&listed[0]["groups"], &listed[0]["cpr"]), (&json!(["Nurses"]), &true.into()));
    assert_eq!(listed[0]["claims"], json!({ "email": ["nezn@kommune.example"], "unit": ["Nord"] }));
    let remove = patch(json!([{ "op": "Remove", "path": "members", "value": [{ "value": id(&nez) }] }]));
    expect(&installation, 204, ("PATCH", &group), remove).await;

    let off = patch(json!([{ "op": "Replace", "path": "active", "value": "False" }]));
    assert_eq!(expect(&installation, 200, ("PATCH", &user), off).await["active"], false);
    expect(&installation, 204, ("DELETE", &user), Value::Null).await;
    expect(&installation, 404, ("GET", &user), Value::Null).await;
    expect(&installation, 404, ("DELETE", &user), Value::Null).await;
    expect(&installation, 204, ("DELETE", &group), Value::Null).await;

    // Of everything there is a row, by whom, and none of them has a secret.
    let audit = installation.audit();
    let events: Vec<&str> = audit.iter().filter_map(|row| row["event"].as_str()).collect();
    let expected = [
        "user-added",
        "user-changed",
        "group-added",
        "user-changed",
        "group-changed",
        "user-changed",
        "group-changed",
        "user-disabled",
        "user-removed",
        "group-removed",
    ];
    assert_eq!(events, expected);
    assert!(audit.iter().all(|row| row["detail"]["performer"] == "provisioning"), "{audit:?}");
    assert_eq!(audit[1]["detail"]["changed"], json!(["displayName", "claims"]));
    assert_eq!(
        (&audit[3]["username"], &audit[3]["detail"]["joined"]),
        (&"nez@kommune.example".into(), &json!(["Nurses"]))
    );
    let told = format!("{audit:?}{nez}{shown}");
    assert!(!told.contains(CPR) && !told.contains(&CPR.replace('-', "")), "{told}");
    assert!(installation.succeed(["audit", "verify"], "").starts_with("10 rows"));
}

#[tokio::test]
async fn as_okta_brings_them() {
    let installation = installation(&Origin::echo().await);
    let _gateway = installation.serve().await;
    let new = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": "nez@kommune.example",
        "name": { "givenName": "Nez", "familyName": "Nielsen" },
        "emails": [{ "primary": true, "value": "nez@kommune.example", "type": "work" }],
        "displayName": "Nez Nielsen",
        "locale": "da-DK",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "1mz050nq-sluse",
        "active": true,
    });
    let mut nez = expect(&installation, 201, ("POST", "/Users"), new.clone()).await;
    let again = expect(&installation, 409, ("POST", "/Users"), new).await;
    assert_eq!((&again["scimType"], &again["status"]), (&"uniqueness".into(), &"409".into()));
    assert!(!nez.to_string().contains("1mz050nq"), "a password is neither kept nor shown");
    let user = format!("/Users/{}", id(&nez));
    let found = "/Users?filter=userName eq \"nez@kommune.example\"&startIndex=1&count=100";
    let found = expect(&installation, 200, ("GET", found), Value::Null).await;
    assert_eq!((&found["totalResults"], &found["Resources"][0]["id"]), (&1.into(), &nez["id"]));
    // What was read is sent back whole, with a change.
    nez["name"]["familyName"] = "Olsen".into();
    nez["displayName"] = "Nez Olsen".into();
    let nez = expect(&installation, 200, ("PUT", &user), nez).await;
    assert_eq!(nez["name"], json!({ "formatted": "Nez Olsen", "givenName": "Nez", "familyName": "Olsen" }));

    let member = json!([{ "value": id(&nez), "display": "nez@kommune.example" }]);
    let new = json!({ "displayName": "Nurses", "members": member });
    let nurses = expect(&installation, 201, ("POST", "/Groups"), new).await;
    let group = format!("/Groups/{}", id(&nurses));
    let renamed =
        patch(json!([{ "op": "replace", "value": { "id": id(&nurses), "displayName": "Carers" } }]));
    expect(&installation, 204, ("PATCH", &group), renamed).await;
    let carers = expect(&installation, 200, ("GET", &group), Value::Null).await;
    assert_eq!(
        (&carers["displayName"], &carers["members"][0]["display"]),
        (&"Carers".into(), &"Nez Olsen".into())
    );
    let remove = format!("members[value eq \"{}\"]", id(&nez));
    expect(&installation, 204, ("PATCH", &group), patch(json!([{ "op": "remove", "path": remove }]))).await;
    let carers = expect(&installation, 200, ("GET", &group), Value::Null).await;
    assert_eq!(carers["members"], json!([]));
    let off = patch(json!([{ "op": "replace", "value": { "active": false } }]));
    assert_eq!(expect(&installation, 200, ("PATCH", &user), off).await["active"], false);
}

#[tokio::test]
async fn who_is_deactivated_or_removed_is_logged_out() {
    let installation = installation(&Origin::echo().await);
    let account = Account { cpr: None, ..NEZ };
    installation.enrol(&account, PASSWORD);
    let _gateway = installation.serve().await;
    // Somebody who was here before is found by the name, and is the provisioner's from now on.
    let found = expect(&installation, 200, ("GET", "/Users?filter=userName eq \"nez\""), Value::Null).await;
    let user = format!("/Users/{}", id(&found["Resources"][0]));
    let off = |active: bool| patch(json!([{ "op": "replace", "path": "active", "value": active }]));
    let mut nez = Person::let_in(&installation, &account, PASSWORD).await;
    expect(&installation, 200, ("PATCH", &user), off(false)).await;
    is_out(&mut nez, &installation).await;
    let mut other = Person::at(&installation);
    let form = other.open(&installation.login("/login")).await;
    assert_ne!(other.log_in(&form, NEZ.user, PASSWORD).await.reply.status, 200);
    expect(&installation, 200, ("PATCH", &user), off(true)).await;
    let mut nez = Person::at(&installation);
    let form = nez.open(&installation.login("/me")).await;
    assert_eq!(nez.log_in(&form, NEZ.user, PASSWORD).await.url, installation.login("/me"));
    expect(&installation, 204, ("DELETE", &user), Value::Null).await;
    is_out(&mut nez, &installation).await;
    let page = nez.open(&installation.login("/me")).await;
    assert_eq!(nez.log_in(&page, NEZ.user, PASSWORD).await.reply.status, 401);
}

async fn is_out(person: &mut Person, installation: &Installation) {
    until("the session to be over", async || {
        let page = person.open(&installation.login("/me")).await;
        if page.heading() == "Login" { Ok(()) } else { Err(page.heading()) }
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_done_is_told_as_the_standard_has_it() {
    let installation = installation(&Origin::echo().await);
    let _gateway = installation.serve().await;
    let nez = expect(&installation, 201, ("POST", "/Users"), json!({ "userName": "nez" })).await;
    let user = format!("/Users/{}", id(&nez));
    let missing = "00000000-0000-4000-8000-000000000000";
    let member = patch(json!([{ "op": "add", "path": "members", "value": [{ "value": missing }] }]));
    let nurses = expect(&installation, 201, ("POST", "/Groups"), json!({ "displayName": "Nurses" })).await;
    let group = format!("/Groups/{}", id(&nurses));
    for (method, path, body, status, kind) in [
        ("GET", "/Users?filter=userName co \"n\"", Value::Null, 400, "invalidFilter"),
        ("GET", "/Users?count=many", Value::Null, 400, "invalidValue"),
        ("POST", "/Users", json!({ "displayName": "Nez" }), 400, "invalidValue"),
        ("POST", "/Users", json!([]), 400, "invalidSyntax"),
        ("PATCH", &user, patch(json!([{ "op": "replace", "path": "x", "value": 1 }])), 400, "invalidPath"),
        ("PATCH", &user, patch(json!([{ "op": "replace", "path": "id", "value": 1 }])), 400, "mutability"),
        ("PATCH", &user, patch(json!([{ "op": "remove" }])), 400, "noTarget"),
        ("PATCH", &group, member, 400, "invalidValue"),
        ("POST", "/Groups", json!({ "displayName": "Nurses" }), 409, "uniqueness"),
        ("POST", "/Groups", json!({ "displayName": "a,b" }), 400, "invalidValue"),
        ("GET", &format!("/Users/{missing}"), Value::Null, 404, ""),
        ("GET", "/Users/nez", Value::Null, 404, ""),
        ("GET", "/Persons", Value::Null, 404, ""),
        ("POST", "/Bulk", json!({}), 501, ""),
    ] {
        let told = expect(&installation, status, (method, path), body).await;
        assert_eq!(
            told["schemas"],
            json!(["urn:ietf:params:scim:api:messages:2.0:Error"]),
            "{method} {path}"
        );
        assert_eq!(told["scimType"].as_str().unwrap_or_default(), kind, "{method} {path}");
        assert!(told["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
    }
    for path in
        ["/ServiceProviderConfig", "/ResourceTypes/User", "/Schemas", &format!("/Schemas/{ENTERPRISE}")]
    {
        expect(&installation, 200, ("GET", path), Value::Null).await;
    }
    // Only what is still as the caller knows it is changed.
    let etag = nez["meta"]["version"].as_str().expect("a person has a version");
    let head = format!("Authorization: Bearer {TOKEN}\r\nIf-Match: {etag}\r\n");
    let change = |name: &str| Some(json!({ "userName": "nez", "displayName": name }));
    assert_eq!(send(&installation, "PUT", &user, &head, change("One")).await.status, 200);
    assert_eq!(send(&installation, "PUT", &user, &head, change("Two")).await.status, 412);
    assert_eq!(send(&installation, "DELETE", &user, &head, None).await.status, 412);
    assert_eq!(installation.events("user-changed").len(), 1);
    // A copy of what is there is no change, and nothing is told of it.
    let same = ask(&installation, "PUT", &user, change("One")).await;
    assert_eq!((same.status, installation.events("user-changed").len()), (200, 1));
}

#[tokio::test]
async fn nobody_is_brought_without_the_token() {
    let installation = installation(&Origin::echo().await);
    {
        let _gateway = installation.serve().await;
        for head in ["", "Authorization: Bearer 8f1e6d2c7b903455c6e0f7a9d3b4412b\r\n"] {
            for (method, path) in
                [("GET", "/Users"), ("POST", "/Users"), ("GET", "/Schemas"), ("GET", "/nothing")]
            {
                let body = (method == "POST").then(|| json!({ "userName": "nez" }));
                let reply = send(&installation, method, path, head, body).await;
                assert_eq!(reply.status, 401, "{method} {path}");
                assert!(reply.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")));
            }
        }
    }
    assert!(installation.audit().is_empty());
}

#[tokio::test]
async fn without_the_setting_there_is_no_such_place() {
    let installation = Installation::new(&Origin::echo().await);
    let _gateway = installation.serve().await;
    assert_eq!(ask(&installation, "GET", "/Users", None).await.status, 404);
}
