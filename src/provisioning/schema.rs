//! What we say of ourselves (RFC 7643, sections 5 to 7): what is supported, which resources, which attributes.

use serde_json::{Value, json};

use super::{ENTERPRISE, GROUP, ROOT, Settings, USER, listing};

const SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";

pub fn service_provider() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": 0 },
        "filter": { "supported": true, "maxResults": listing::MOST },
        "changePassword": { "supported": false },
        "sort": { "supported": false },
        "etag": { "supported": true },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Bearer token",
            "description": "The token of `provisioning: token_file` (RFC 6750)",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": { "resourceType": "ServiceProviderConfig", "location": format!("{ROOT}/ServiceProviderConfig") },
    })
}

pub fn resource_types() -> Vec<Value> {
    let kind = |name: &str, endpoint: &str, schema: &str, extensions: Value| {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": name,
            "name": name,
            "endpoint": endpoint,
            "schema": schema,
            "schemaExtensions": extensions,
            "meta": { "resourceType": "ResourceType", "location": format!("{ROOT}/ResourceTypes/{name}") },
        })
    };
    vec![
        kind("User", "/Users", USER, json!([{ "schema": ENTERPRISE, "required": false }])),
        kind("Group", "/Groups", GROUP, json!([])),
    ]
}

/// Of each schema, the attributes that are kept.
pub fn schemas(settings: &Settings) -> Vec<Value> {
    let extension = super::user::CLAIMABLE.iter().filter(|(_, schema)| *schema == Some(ENTERPRISE));
    let kept = |name: &&str| settings.claims.iter().any(|(_, from)| from == name);
    let extension = extension.map(|(name, _)| *name).filter(kept).map(|name| attribute(name, "string", &[]));
    vec![
        schema(USER, "User", people()),
        schema(ENTERPRISE, "EnterpriseUser", extension.collect()),
        schema(GROUP, "Group", groups()),
    ]
}

fn people() -> Value {
    let text = |name: &str| attribute(name, "string", &[]);
    let name = [text("formatted"), text("givenName"), text("familyName")];
    // One address is kept, and is always that of work.
    let fixed = [("mutability", Value::from("readOnly"))];
    let emails =
        [text("value"), attribute("type", "string", &fixed), attribute("primary", "boolean", &fixed)];
    json!([
        attribute("userName", "string", &[("required", true.into()), ("uniqueness", "server".into())]),
        text("displayName"),
        attribute("name", "complex", &[("subAttributes", name.into_iter().collect())]),
        attribute("active", "boolean", &[]),
        attribute(
            "emails",
            "complex",
            &[("multiValued", true.into()), ("subAttributes", emails.into_iter().collect())]
        ),
        attribute(
            "groups",
            "complex",
            &[
                ("multiValued", true.into()),
                ("mutability", "readOnly".into()),
                ("subAttributes", reference("Group", "readOnly")),
            ]
        ),
    ])
}

fn groups() -> Value {
    json!([
        attribute(
            "displayName",
            "string",
            &[("required", true.into()), ("caseExact", true.into()), ("uniqueness", "server".into())]
        ),
        attribute(
            "members",
            "complex",
            &[("multiValued", true.into()), ("subAttributes", reference("User", "immutable"))]
        ),
    ])
}

/// What points at another resource.
fn reference(to: &str, mutability: &str) -> Value {
    let place =
        [("referenceTypes", json!([to])), ("caseExact", true.into()), ("mutability", "readOnly".into())];
    json!([
        attribute("value", "string", &[("caseExact", true.into()), ("mutability", mutability.into())]),
        attribute("$ref", "reference", &place),
        attribute("display", "string", &[("mutability", "readOnly".into())]),
        attribute("type", "string", &[("mutability", "readOnly".into())]),
    ])
}

/// Section 7 of RFC 7643: what is not said in `more` is as for most attributes.
fn attribute(name: &str, kind: &str, more: &[(&str, Value)]) -> Value {
    let mut attribute = json!({
        "name": name,
        "type": kind,
        "multiValued": false,
        "description": "",
        "required": false,
        "caseExact": false,
        "mutability": "readWrite",
        "returned": "default",
        "uniqueness": "none",
    });
    for (characteristic, value) in more {
        attribute[*characteristic] = value.clone();
    }
    attribute
}

fn schema(id: &str, name: &str, attributes: Value) -> Value {
    json!({
        "schemas": [SCHEMA],
        "id": id,
        "name": name,
        "description": "",
        "attributes": attributes,
        "meta": { "resourceType": "Schema", "location": format!("{ROOT}/Schemas/{id}") },
    })
}
