//! A person as a provisioner describes them.

use serde_json::{Map, Value};

use super::{CLAIMABLE, EMAIL, claim};
use crate::provisioning::Settings;
use crate::provisioning::listing::find;
use crate::provisioning::refusal::{Kind, Refusal};
use crate::secret::Keys;
use crate::store::provisioning::Provisioned;
use crate::time::Timestamp;
use crate::user::{Cpr, CprHash, User, UserId, Username};

type Object = Map<String, Value>;

/// Longer texts are cut for a name that is shown, and refused elsewhere.
const LONGEST_NAME: usize = 200;
const LONGEST: usize = 500;

/// The resource as our record, in place of `before`. What it does not say is no longer so, but for `active` and
/// the CPR number, which then stay as they are.
pub fn read(
    resource: &Object,
    before: &Provisioned,
    settings: &Settings,
    keys: &Keys,
) -> Result<Provisioned, Refusal> {
    let username = text(resource, "userName")?.ok_or_else(|| invalid("`userName` is missing"))?;
    let username = Username::parse(&username).map_err(|error| invalid(format!("`userName`: {error}")))?;
    let none = Object::new();
    let name = match value(resource, "name") {
        None => &none,
        Some(Value::Object(name)) => name,
        Some(_) => return Err(invalid("`name` is an object")),
    };
    let names = Names {
        display: text(resource, "displayName")?,
        formatted: text(name, "formatted")?,
        given: text(name, "givenName")?,
        family: text(name, "familyName")?,
    };
    let disabled = match value(resource, "active") {
        None => before.user.disabled,
        Some(value) => !flag(value).ok_or_else(|| invalid("`active` is `true` or `false`"))?,
    };
    let shown = names.shown(before).unwrap_or_else(|| username.as_str().to_owned());
    let name = shown.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    let mut user = User { username, name, disabled, ..before.user.clone() };
    set(&mut user, EMAIL, email(resource)?);
    for (claim, from) in &settings.claims {
        let schema = CLAIMABLE.iter().find(|(name, _)| name == from).and_then(|(_, schema)| *schema);
        let value = holder(resource, schema).map(|holder| text(holder, from)).transpose()?;
        set(&mut user, claim, value.flatten());
    }
    if let Some(cpr) = cpr(resource, settings, keys)? {
        user.cpr = cpr;
    }
    let external_id = text(resource, "externalId")?;
    Ok(Provisioned { user, external_id, given_name: names.given, family_name: names.family })
}

/// A person of whom nothing is known yet, for [`read`] to go on from.
pub fn nobody(id: UserId, now: Timestamp) -> Provisioned {
    let user = User {
        id,
        username: Username::parse("-").expect("a hyphen is no space and no control character"),
        name: String::new(),
        groups: Vec::new(),
        claims: Vec::new(),
        cpr: None,
        disabled: false,
        expires_at: None,
        created_at: now,
    };
    Provisioned { user, external_id: None, given_name: None, family_name: None }
}

/// What a resource calls a person.
struct Names {
    display: Option<String>,
    formatted: Option<String>,
    given: Option<String>,
    family: Option<String>,
}

impl Names {
    /// Whichever is new: a PATCH changes one of them, and the others come along as they were.
    fn shown(&self, before: &Provisioned) -> Option<String> {
        let was = &before.user.name;
        let stated = || [&self.display, &self.formatted].into_iter().flatten();
        let new = stated().find(|name| *name != was).cloned();
        let composed = composed(self.given.as_deref(), self.family.as_deref());
        let before = self::composed(before.given_name.as_deref(), before.family_name.as_deref());
        // One that was made of the two follows them.
        let follows = was.is_empty() || before.as_ref() == Some(was);
        let followed = || composed.clone().filter(|_| follows && composed != before);
        new.or_else(followed).or_else(|| stated().next().cloned()).or(composed)
    }
}

fn composed(given: Option<&str>, family: Option<&str>) -> Option<String> {
    let parts: Vec<&str> = [given, family].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// One address: the primary one, else that of work, else the first.
fn email(resource: &Object) -> Result<Option<String>, Refusal> {
    let Some(emails) = value(resource, "emails") else { return Ok(None) };
    let Value::Array(emails) = emails else { return Err(invalid("`emails` is a list")) };
    let objects: Vec<&Object> = emails.iter().filter_map(Value::as_object).collect();
    let is = |email: &Object, name, wanted: &str| match value(email, name) {
        Some(Value::String(text)) => text.eq_ignore_ascii_case(wanted),
        Some(Value::Bool(flag)) => flag.to_string() == wanted,
        _ => false,
    };
    let ranked = |email: &&Object| match (is(email, "primary", "true"), is(email, "type", "work")) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    };
    objects.into_iter().min_by_key(ranked).map_or(Ok(None), |email| text(email, "value"))
}

/// `None` if nothing is said of it; `Some(None)` if it is to be forgotten. A mistake is told without the number.
fn cpr(resource: &Object, settings: &Settings, keys: &Keys) -> Result<Option<Option<CprHash>>, Refusal> {
    let Some(attribute) = &settings.cpr else { return Ok(None) };
    let holder = holder(resource, attribute.schema.as_deref());
    match holder.and_then(|holder| find(holder, &attribute.name)) {
        None => Ok(None),
        Some((_, Value::Null)) => Ok(Some(None)),
        Some((_, Value::String(typed))) if typed.trim().is_empty() => Ok(Some(None)),
        Some((_, Value::String(typed))) => match Cpr::parse(typed) {
            Ok(cpr) => Ok(Some(Some(keys.cpr_hash(&cpr)))),
            Err(error) => Err(invalid(error.to_string())),
        },
        Some(_) => Err(invalid("a CPR number is a string")),
    }
}

/// The resource itself, or its extension.
fn holder<'r>(resource: &'r Object, schema: Option<&str>) -> Option<&'r Object> {
    match schema {
        None => Some(resource),
        Some(schema) => value(resource, schema)?.as_object(),
    }
}

/// What stands there, if it is not `null`.
fn value<'o>(object: &'o Object, name: &str) -> Option<&'o Value> {
    find(object, name).map(|(_, value)| value).filter(|value| !value.is_null())
}

/// `None` for nothing, and for nothing but spaces.
fn text(object: &Object, name: &str) -> Result<Option<String>, Refusal> {
    match value(object, name) {
        None => Ok(None),
        Some(Value::String(text)) if text.chars().count() > LONGEST => {
            Err(invalid(format!("`{name}` has more than {LONGEST} characters")))
        }
        Some(Value::String(text)) if text.chars().any(char::is_control) => {
            Err(invalid(format!("`{name}` has a control character in it")))
        }
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned()).filter(|text| !text.is_empty())),
        // Employee numbers are sent as numbers, too.
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(invalid(format!("`{name}` is a string"))),
    }
}

/// Entra ID writes `"False"`.
fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Of several values the first is shown: where that comes back as it was, all of them stay.
fn set(user: &mut User, name: &str, value: Option<String>) {
    if claim(user, name) != value.as_deref() {
        user.set_claim(name, value.as_slice());
    }
}

fn invalid(detail: impl Into<String>) -> Refusal {
    Refusal::new(Kind::InvalidValue, detail)
}
