//! Groups as SCIM has them (RFC 7643, section 4.2), to and from our own record.

use serde_json::{Map, Value, json};

use super::filter::{Comparison, Filter, Literal, Path};
use super::listing::find;
use super::patch::{Op, Operation};
use super::refusal::{Kind, Refusal};
use super::{GROUP, ROOT};
use crate::store::provisioning::{Group, GroupChange, GroupId, GroupQuery, Member, Members};
use crate::user::UserId;

/// Which groups the filter asks for; `None` if none can be meant by it.
pub fn query(Filter(comparisons): &Filter) -> Result<Option<GroupQuery>, Refusal> {
    let mut query = GroupQuery::default();
    let mut none = false;
    for Comparison { path, value } in comparisons {
        let attribute = path.plain().unwrap_or_default();
        let Literal::Text(text) = value else { return Err(unknown()) };
        match attribute.as_str() {
            "id" => match text.parse().map(GroupId) {
                Ok(id) => none |= *query.id.get_or_insert(id) != id,
                Err(_) => none = true,
            },
            "displayname" => none |= query.name.get_or_insert_with(|| text.clone()) != text,
            "externalid" => none |= query.external_id.get_or_insert_with(|| text.clone()) != text,
            "members" | "members.value" => match text.parse().map(UserId) {
                Ok(id) => none |= *query.member.get_or_insert(id) != id,
                Err(_) => none = true,
            },
            _ => return Err(unknown()),
        }
    }
    Ok((!none).then_some(query))
}

fn unknown() -> Refusal {
    let detail = "groups are found by `displayName`, `externalId`, `id` and `members.value`";
    Refusal::new(Kind::InvalidFilter, detail)
}

/// The whole resource, or all of it but the members.
pub fn render(group: &Group, members: Option<&[Member]>) -> Value {
    let mut resource = json!({
        "schemas": [GROUP],
        "id": group.id.0.to_string(),
        "displayName": group.name,
        "meta": {
            "resourceType": "Group",
            "created": group.created_at.to_rfc3339(),
            "location": format!("{ROOT}/Groups/{}", group.id.0),
        },
    });
    if let Some(external_id) = &group.external_id {
        resource["externalId"] = external_id.as_str().into();
    }
    if let Some(members) = members {
        let of_this = members.iter().filter(|member| member.group == group.name);
        let shown = of_this.map(|member| {
            json!({ "value": member.user.to_string(), "display": member.name, "type": "User",
                "$ref": format!("{ROOT}/Users/{}", member.user) })
        });
        resource["members"] = shown.collect();
    }
    resource
}

/// What a whole resource says. One without `members` says nothing of them: a client that leaves them out, as
/// many do, does not mean to empty the group.
pub fn read(resource: &Map<String, Value>) -> Result<GroupChange, Refusal> {
    let name = match find(resource, "displayName") {
        Some((_, value)) => name(value)?,
        None => return Err(invalid("`displayName` is missing")),
    };
    let external_id = find(resource, "externalId").map(|(_, value)| external_id(value)).transpose()?;
    let members = match find(resource, "members") {
        None | Some((_, Value::Null)) => Members::default(),
        Some((_, value)) => Members::All(ids(value)?),
    };
    Ok(GroupChange { name: Some(name), external_id: Some(external_id.flatten()), members })
}

/// What the operations of a PATCH come to, in order.
pub fn change(operations: &[Operation]) -> Result<GroupChange, Refusal> {
    let mut change = GroupChange::default();
    for Operation { op, path, value } in operations {
        match (path, value) {
            (Some(path), value) => apply(&mut change, *op, path, value)?,
            (None, Value::Object(attributes)) => {
                for (name, value) in attributes {
                    let path = Path::parse(name)?;
                    // Whole resources are sent back this way, with what cannot be changed and is not.
                    if ["id", "meta", "schemas"].iter().all(|name| !path.attribute.is(None, name)) {
                        apply(&mut change, *op, &path, value)?;
                    }
                }
            }
            (None, _) => {}
        }
    }
    Ok(change)
}

fn apply(change: &mut GroupChange, op: Op, path: &Path, value: &Value) -> Result<(), Refusal> {
    let is = |name| path.attribute.is(None, name);
    match (op, path.selection.as_ref(), path.sub.as_deref()) {
        (Op::Remove, None, None) if is("displayName") => return Err(invalid("a group has a `displayName`")),
        (_, None, None) if is("displayName") => change.name = Some(name(value)?),
        (Op::Remove, None, None) if is("externalId") => change.external_id = Some(None),
        (_, None, None) if is("externalId") => change.external_id = Some(external_id(value)?),
        (Op::Remove, None, None) if is("members") && value.is_null() => {
            change.members = Members::All(Vec::new());
        }
        // As Entra ID has it: the members to remove are the value.
        (Op::Remove, None, None) if is("members") => change.members.leave(&ids(value)?),
        (Op::Remove, Some(filter), None) if is("members") => change.members.leave(&selected(filter)?),
        (Op::Add, None, None) if is("members") => change.members.join(ids(value)?),
        (Op::Replace, None, None) if is("members") => change.members = Members::All(ids(value)?),
        // A member is an id: another one cannot be made of it.
        (_, _, _) if is("members") => {
            return Err(Refusal::new(Kind::Mutability, "members are added and removed, not changed"));
        }
        (_, _, _) if is("id") || is("meta") || is("schemas") => {
            let detail = format!("`{}` cannot be changed", path.attribute.name);
            return Err(Refusal::new(Kind::Mutability, detail));
        }
        _ => {
            let detail = format!("there is no attribute `{}`", path.attribute.name);
            return Err(Refusal::new(Kind::InvalidPath, detail));
        }
    }
    Ok(())
}

/// `[value eq "…"]`; who is nobody is no member, either.
fn selected(Filter(comparisons): &Filter) -> Result<Vec<UserId>, Refusal> {
    match comparisons.as_slice() {
        [Comparison { path, value: Literal::Text(id) }] if path.plain().as_deref() == Some("value") => {
            Ok(id.parse().map(UserId).into_iter().collect())
        }
        _ => Err(Refusal::new(Kind::InvalidPath, "members are selected by `value eq \"…\"`")),
    }
}

impl Members {
    fn join(&mut self, users: Vec<UserId>) {
        match self {
            Self::All(all) => all.extend(users),
            Self::Change { joining, leaving } => {
                leaving.retain(|user| !users.contains(user));
                joining.extend(users);
            }
        }
    }

    fn leave(&mut self, users: &[UserId]) {
        match self {
            Self::All(all) => all.retain(|user| !users.contains(user)),
            Self::Change { joining, leaving } => {
                joining.retain(|user| !users.contains(user));
                leaving.extend(users);
            }
        }
    }
}

/// Applications receive groups in one header, separated by commas: a name with one would be two groups.
fn name(value: &Value) -> Result<String, Refusal> {
    let name = value.as_str().map(str::trim).unwrap_or_default();
    let fits = (1..=200).contains(&name.chars().count());
    if !fits || name.chars().any(|c| c.is_control() || matches!(c, ',' | ';')) {
        let detail = "a group's `displayName` has 1 to 200 characters, none of them a comma, a semicolon or a \
                      control character";
        return Err(invalid(detail));
    }
    Ok(name.to_owned())
}

fn external_id(value: &Value) -> Result<Option<String>, Refusal> {
    match value {
        Value::Null => Ok(None),
        Value::String(id) if id.chars().count() <= 500 => Ok(Some(id.clone()).filter(|id| !id.is_empty())),
        _ => Err(invalid("`externalId` is a string of 500 characters at most")),
    }
}

/// Of one member or several: `[{ "value": "…" }]`.
fn ids(value: &Value) -> Result<Vec<UserId>, Refusal> {
    let one = std::slice::from_ref(value);
    let members = value.as_array().map_or(one, Vec::as_slice);
    let id = |member: &Value| {
        let fields = member.as_object();
        let field = |name| fields.and_then(|fields| find(fields, name)).map(|(_, value)| value);
        if field("type").and_then(Value::as_str).is_some_and(|of| of.eq_ignore_ascii_case("Group")) {
            return Err(invalid("groups in groups are not supported: their people are what counts"));
        }
        let text = field("value").or(Some(member)).and_then(Value::as_str).unwrap_or_default();
        text.parse().map(UserId).map_err(|_| invalid(format!("there is no person with the id `{text}`")))
    };
    members.iter().map(id).collect()
}

fn invalid(detail: impl Into<String>) -> Refusal {
    Refusal::new(Kind::InvalidValue, detail)
}

#[cfg(test)]
#[path = "group_tests.rs"]
mod tests;
