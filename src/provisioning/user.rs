//! People as SCIM has them (RFC 7643, section 4.1), to and from our own record.

mod incoming;

use serde_json::{Value, json};

use super::filter::{Attribute, Filter, Literal};
use super::patch::Mutability;
use super::refusal::{Kind, Refusal};
use super::{ENTERPRISE, ROOT, Settings, USER};
use crate::store::provisioning::{Group, PeopleQuery, Provisioned};
use crate::user::{User, UserId, Username};

pub use incoming::{nobody, read};

/// Where mails to a person go.
pub const EMAIL: &str = "email";

/// Attributes a claim can be made of, and the extension each belongs to.
pub const CLAIMABLE: [(&str, Option<&str>); 7] = [
    ("title", None),
    ("userType", None),
    ("employeeNumber", Some(ENTERPRISE)),
    ("costCenter", Some(ENTERPRISE)),
    ("organization", Some(ENTERPRISE)),
    ("division", Some(ENTERPRISE)),
    ("department", Some(ENTERPRISE)),
];

const READ_ONLY: [&str; 4] = ["id", "meta", "groups", "schemas"];

/// Of RFC 7643, sections 4.1 and 4.3. What we do not keep is heard and not minded: clients send it by default.
const READ_WRITE: [(&str, Option<&str>); 21] = [
    ("userName", None),
    ("externalId", None),
    ("displayName", None),
    ("name", None),
    ("emails", None),
    ("active", None),
    ("password", None),
    ("nickName", None),
    ("profileUrl", None),
    ("preferredLanguage", None),
    ("locale", None),
    ("timezone", None),
    ("phoneNumbers", None),
    ("ims", None),
    ("photos", None),
    ("addresses", None),
    ("entitlements", None),
    ("roles", None),
    ("x509Certificates", None),
    (ENTERPRISE, None),
    ("manager", Some(ENTERPRISE)),
];

pub fn mutability(attribute: &Attribute, settings: &Settings) -> Mutability {
    let known = |(name, schema): &(&str, Option<&str>)| attribute.is(*schema, name);
    if READ_ONLY.iter().any(|name| attribute.is(None, name)) {
        return Mutability::ReadOnly;
    }
    let of_cpr = settings.cpr.as_ref().is_some_and(|cpr| {
        attribute == cpr || cpr.schema.as_deref().is_some_and(|schema| attribute.is(None, schema))
    });
    if of_cpr || READ_WRITE.iter().chain(&CLAIMABLE).any(known) {
        Mutability::ReadWrite
    } else {
        Mutability::Unknown
    }
}

/// Whom the filter asks for; `None` if nobody can be meant by it.
pub fn query(Filter(comparisons): &Filter) -> Result<Option<PeopleQuery>, Refusal> {
    let mut query = PeopleQuery::default();
    let mut nobody = false;
    for comparison in comparisons {
        // We keep one address, whatever it is for.
        let mut path = comparison.path.clone();
        if path.attribute.is(None, "emails") {
            path.selection = None;
        }
        let attribute = path.plain().unwrap_or_default();
        match (attribute.as_str(), &comparison.value) {
            ("username", Literal::Text(text)) => match Username::parse(text) {
                Ok(name) => nobody |= *query.username.get_or_insert_with(|| name.clone()) != name,
                Err(_) => nobody = true,
            },
            ("id", Literal::Text(text)) => match text.parse().map(UserId) {
                Ok(id) => nobody |= *query.id.get_or_insert(id) != id,
                Err(_) => nobody = true,
            },
            ("externalid", Literal::Text(text)) => {
                nobody |= query.external_id.get_or_insert_with(|| text.clone()) != text;
            }
            ("displayname" | "name.formatted", Literal::Text(text)) => {
                nobody |= query.name.get_or_insert_with(|| text.clone()) != text;
            }
            ("emails" | "emails.value", Literal::Text(text)) => {
                nobody |= query.email.get_or_insert_with(|| text.clone()) != text;
            }
            ("active", Literal::Flag(active)) => {
                nobody |= *query.disabled.get_or_insert(!active) == *active;
            }
            _ => {
                let detail = "people are found by `userName`, `externalId`, `id`, `displayName`, `emails.value` \
                              and `active`";
                return Err(Refusal::new(Kind::InvalidFilter, detail));
            }
        }
    }
    Ok((!nobody).then_some(query))
}

/// The whole resource. Never a CPR number, nor whether one is known.
pub fn render(person: &Provisioned, groups: &[Group], settings: &Settings) -> Value {
    let Provisioned { user, external_id, given_name, family_name } = person;
    let mut resource = json!({
        "schemas": [USER, ENTERPRISE],
        "id": user.id.to_string(),
        "userName": user.username.as_str(),
        "displayName": user.name,
        "name": { "formatted": user.name },
        "active": !user.disabled,
        "groups": groups.iter().filter(|group| user.groups.contains(&group.name)).map(|group| {
            json!({ "value": group.id.0.to_string(), "display": group.name,
                "$ref": format!("{ROOT}/Groups/{}", group.id.0), "type": "direct" })
        }).collect::<Value>(),
        "meta": {
            "resourceType": "User",
            "created": user.created_at.to_rfc3339(),
            "location": format!("{ROOT}/Users/{}", user.id),
        },
    });
    for (name, part) in [("givenName", given_name), ("familyName", family_name)] {
        if let Some(part) = part {
            resource["name"][name] = part.as_str().into();
        }
    }
    if let Some(external_id) = external_id {
        resource["externalId"] = external_id.as_str().into();
    }
    if let Some(address) = claim(user, EMAIL) {
        resource["emails"] = json!([{ "value": address, "type": "work", "primary": true }]);
    }
    for (name, from) in &settings.claims {
        let Some(value) = claim(user, name) else { continue };
        match CLAIMABLE.iter().find(|(attribute, _)| attribute == from) {
            Some((_, Some(schema))) => resource[*schema][*from] = value.into(),
            _ => resource[*from] = value.into(),
        }
    }
    resource["meta"]["version"] = version(&resource).into();
    resource
}

/// Changes with whatever is shown of the resource (a weak ETag, RFC 9110, section 8.8.3).
pub fn version(resource: &Value) -> String {
    let hash = blake3::hash(resource.to_string().as_bytes());
    format!("W/\"{}\"", &hash.to_hex()[..16])
}

/// What differs, by SCIM's names; never what it is. For the audit.
pub fn changed(before: &Provisioned, after: &Provisioned) -> Vec<&'static str> {
    let (old, new) = (&before.user, &after.user);
    [
        ("userName", old.username != new.username),
        ("externalId", before.external_id != after.external_id),
        ("displayName", old.name != new.name),
        ("name", (&before.given_name, &before.family_name) != (&after.given_name, &after.family_name)),
        ("active", old.disabled != new.disabled),
        ("claims", old.claims != new.claims),
        ("cpr", old.cpr != new.cpr),
    ]
    .into_iter()
    .filter_map(|(name, differs)| differs.then_some(name))
    .collect()
}

fn claim<'u>(user: &'u User, name: &str) -> Option<&'u str> {
    user.claims.iter().find(|(had, _)| had == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
#[path = "user_tests.rs"]
mod tests;
