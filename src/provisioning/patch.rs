//! A PATCH (RFC 7644, section 3.5.2): parsed, and applied to a resource as JSON. Pure.
//!
//! As clients send it: operations in any letter case (`Replace`), several attributes under no path, with dots in
//! their names. A value that is selected by `[type eq "work"]` and is not there is made: that is what clients
//! mean, though the RFC would have them told `noTarget`.

use serde_json::{Map, Value};

use super::filter::{Attribute, Comparison, Filter, Literal, Path};
use super::listing::find;
use super::refusal::{Kind, Refusal};

#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    pub op: Op,
    pub path: Option<Path>,
    /// `null` where none was given.
    pub value: Value,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Op {
    Add,
    Replace,
    Remove,
}

/// What may be changed.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Mutability {
    ReadWrite,
    ReadOnly,
    /// There is no such attribute.
    Unknown,
}

/// More would take longer than is decent.
const MOST_OPERATIONS: usize = 1000;

impl Operation {
    /// The operations of a request's body, each with a path or without.
    pub fn parse_all(body: &Value) -> Result<Vec<Self>, Refusal> {
        let operations = body.as_object().and_then(|body| find(body, "Operations")).map(|(_, all)| all);
        let Some(Value::Array(operations)) = operations else {
            return Err(Refusal::new(Kind::InvalidSyntax, "there is no list of `Operations`"));
        };
        if operations.len() > MOST_OPERATIONS {
            let detail = format!("there are more than {MOST_OPERATIONS} operations: send several requests");
            return Err(Refusal::new(Kind::TooMany, detail));
        }
        let parsed = operations.iter().map(Self::parse).collect::<Result<Vec<_>, _>>()?;
        Ok(parsed.into_iter().flatten().collect())
    }

    /// One operation; without a path, one for every attribute it names.
    fn parse(operation: &Value) -> Result<Vec<Self>, Refusal> {
        let syntax = |detail: &str| Refusal::new(Kind::InvalidSyntax, detail);
        let Value::Object(fields) = operation else { return Err(syntax("an operation is no object")) };
        let field = |name| find(fields, name).map(|(_, value)| value);
        let op = match field("op").and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
            Some("add") => Op::Add,
            Some("replace") => Op::Replace,
            Some("remove") => Op::Remove,
            _ => return Err(syntax("an operation's `op` is `add`, `replace` or `remove`")),
        };
        let value = field("value").cloned().unwrap_or(Value::Null);
        match (field("path"), op) {
            (Some(Value::String(path)), _) => {
                // What replaces a value by nothing takes it away.
                let op = if value.is_null() && op == Op::Replace { Op::Remove } else { op };
                Ok(vec![Self { op, path: Some(Path::parse(path)?), value }])
            }
            (None | Some(Value::Null), Op::Remove) => {
                Err(Refusal::new(Kind::NoTarget, "`remove` needs a `path`"))
            }
            (None | Some(Value::Null), _) => match value {
                Value::Object(_) => Ok(vec![Self { op, path: None, value }]),
                _ => Err(Refusal::new(Kind::InvalidValue, "without a `path`, the value is an object")),
            },
            _ => Err(syntax("a `path` is a string")),
        }
    }
}

/// Applies the operations in order; `mutability` says which attributes there are.
pub fn apply(
    resource: &mut Map<String, Value>,
    operations: &[Operation],
    mutability: impl Fn(&Attribute) -> Mutability,
) -> Result<(), Refusal> {
    for Operation { op, path, value } in operations {
        match (path, value) {
            (Some(path), _) => {
                match mutability(&path.attribute) {
                    Mutability::ReadWrite => {}
                    Mutability::ReadOnly => {
                        let detail = format!("`{}` cannot be changed", path.attribute.name);
                        return Err(Refusal::new(Kind::Mutability, detail));
                    }
                    Mutability::Unknown => {
                        let detail = format!("there is no attribute `{}`", path.attribute.name);
                        return Err(Refusal::new(Kind::InvalidPath, detail));
                    }
                }
                at(resource, *op, path, value)?;
            }
            (None, Value::Object(attributes)) => {
                for (name, value) in attributes {
                    let path = Path::parse(name)?;
                    // Whole resources are sent back this way, with what cannot be changed and is not.
                    if mutability(&path.attribute) == Mutability::ReadWrite {
                        let op = if value.is_null() && *op == Op::Replace { Op::Remove } else { *op };
                        at(resource, op, &path, value)?;
                    }
                }
            }
            (None, _) => {}
        }
    }
    Ok(())
}

fn at(resource: &mut Map<String, Value>, op: Op, path: &Path, value: &Value) -> Result<(), Refusal> {
    let Attribute { schema, name } = &path.attribute;
    let holder = match schema {
        None => resource,
        Some(schema) => object(entry(resource, schema), schema)?,
    };
    let key = find(holder, name).map_or_else(|| name.clone(), |(key, _)| key.clone());
    if op == Op::Remove && path.selection.is_none() && path.sub.is_none() {
        holder.remove(&key);
        return Ok(());
    }
    let target = entry(holder, &key);
    match (&path.selection, &path.sub) {
        (Some(filter), sub) => select(list(target), op, (filter, sub.as_deref()), value),
        (None, Some(sub)) => match target {
            Value::Array(items) => items.iter_mut().try_for_each(|item| part(item, op, (name, sub), value)),
            target => part(target, op, (name, sub), value),
        },
        (None, None) => {
            put(target, op, value);
            Ok(())
        }
    }
}

/// `name.givenName`, of one object.
fn part(target: &mut Value, op: Op, (name, sub): (&str, &str), value: &Value) -> Result<(), Refusal> {
    let target = object(target, name)?;
    let key = find(target, sub).map_or_else(|| sub.to_owned(), |(key, _)| key.clone());
    if op == Op::Remove {
        target.remove(&key);
    } else {
        put(entry(target, &key), op, value);
    }
    Ok(())
}

fn select(
    items: &mut Vec<Value>,
    op: Op,
    (filter, sub): (&Filter, Option<&str>),
    value: &Value,
) -> Result<(), Refusal> {
    if op == Op::Remove && sub.is_none() {
        items.retain(|item| !matches(item, filter));
        return Ok(());
    }
    if op != Op::Remove && !items.iter().any(|item| matches(item, filter)) {
        items.push(described(filter));
    }
    for item in items.iter_mut().filter(|item| matches(item, filter)) {
        match sub {
            Some(sub) => part(item, op, (sub, sub), value)?,
            None => put(item, Op::Replace, value),
        }
    }
    Ok(())
}

/// Whether each comparison holds of the value; names and texts in any letter case.
fn matches(item: &Value, Filter(comparisons): &Filter) -> bool {
    comparisons.iter().all(|Comparison { path, value }| {
        let found = match item {
            Value::Object(item) => find(item, &path.attribute.name).map(|(_, found)| found),
            // A simple value is its own `value`.
            other => path.attribute.is(None, "value").then_some(other),
        };
        match (found, value) {
            (Some(Value::String(found)), Literal::Text(text)) => found.eq_ignore_ascii_case(text),
            (Some(Value::Bool(found)), Literal::Flag(flag)) => found == flag,
            _ => false,
        }
    })
}

/// The value that the filter describes.
fn described(Filter(comparisons): &Filter) -> Value {
    let pair = |Comparison { path, value }: &Comparison| {
        let value = match value {
            Literal::Text(text) => Value::from(text.as_str()),
            Literal::Flag(flag) => Value::from(*flag),
        };
        (path.attribute.name.clone(), value)
    };
    comparisons.iter().map(pair).collect::<Map<_, _>>().into()
}

/// Of lists, `add` adds; objects keep what the new value does not name.
fn put(target: &mut Value, op: Op, value: &Value) {
    match (target, value) {
        (Value::Object(had), Value::Object(more)) => {
            for (name, value) in more {
                let key = find(had, name).map_or_else(|| name.clone(), |(key, _)| key.clone());
                had.insert(key, value.clone());
            }
        }
        (Value::Array(had), Value::Array(more)) if op == Op::Add => {
            for value in more {
                if !had.contains(value) {
                    had.push(value.clone());
                }
            }
        }
        (Value::Array(had), one) if op == Op::Add && !had.contains(one) => had.push(one.clone()),
        (Value::Array(_), _) if op == Op::Add => {}
        (target, value) => *target = value.clone(),
    }
}

fn entry<'m>(map: &'m mut Map<String, Value>, name: &str) -> &'m mut Value {
    let key = find(map, name).map_or_else(|| name.to_owned(), |(key, _)| key.clone());
    map.entry(key).or_insert(Value::Null)
}

/// The object there, made if nothing is.
fn object<'v>(value: &'v mut Value, name: &str) -> Result<&'v mut Map<String, Value>, Refusal> {
    if value.is_null() {
        *value = Map::new().into();
    }
    let simple = || Refusal::new(Kind::InvalidPath, format!("`{name}` has no parts"));
    value.as_object_mut().ok_or_else(simple)
}

/// The list there, made if nothing is; one value is a list of one.
fn list(value: &mut Value) -> &mut Vec<Value> {
    if !value.is_array() {
        let one = value.take();
        *value = if one.is_null() { Vec::new() } else { vec![one] }.into();
    }
    match value {
        Value::Array(items) => items,
        _ => unreachable!("it has just been made one"),
    }
}

#[cfg(test)]
#[path = "patch_tests.rs"]
mod tests;
