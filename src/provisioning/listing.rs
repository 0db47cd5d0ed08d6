//! Parts of lists, and parts of resources (RFC 7644, sections 3.4.2 and 3.9).

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::LIST;
use super::filter::{Attribute, Filter, Path};
use super::refusal::{Kind, Refusal};
use crate::store::provisioning::Page;

/// As many resources as one answer has, where nothing is said, and at most.
const USUAL: u32 = 100;
pub const MOST: u32 = 500;

/// What is asked for after the `?`. What else is there (`sortBy`) is not heard.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
    filter: Option<String>,
    start_index: Option<String>,
    count: Option<String>,
    attributes: Option<String>,
    excluded_attributes: Option<String>,
}

/// Which attributes of a resource are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    #[default]
    All,
    Only(Vec<Path>),
    Without(Vec<Path>),
}

impl Asked {
    pub fn filter(&self) -> Result<Option<Filter>, Refusal> {
        self.filter.as_deref().filter(|text| !text.trim().is_empty()).map(Filter::parse).transpose()
    }

    /// Counted from 1; what is less is 1, and fewer than none is none.
    pub fn page(&self) -> Result<Page, Refusal> {
        let number = |text: &Option<String>, name: &str, usual: i64| match text {
            None => Ok(usual),
            Some(text) => text
                .parse::<i64>()
                .map_err(|_| Refusal::new(Kind::InvalidValue, format!("`{name}` is not a number"))),
        };
        let within = |number: i64, most: u32| u32::try_from(number.clamp(0, i64::from(most))).unwrap_or(most);
        let start = number(&self.start_index, "startIndex", 1)?;
        let count = number(&self.count, "count", i64::from(USUAL))?;
        // SQLite's numbers are signed.
        Ok(Page { offset: within(start.saturating_sub(1), u32::MAX / 2), limit: within(count, MOST) })
    }

    pub fn shown(&self) -> Result<Shown, Refusal> {
        let paths = |names: &str| -> Result<Vec<Path>, Refusal> {
            names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(Path::parse).collect()
        };
        match (&self.attributes, &self.excluded_attributes) {
            (Some(names), _) if !names.trim().is_empty() => Ok(Shown::Only(paths(names)?)),
            (_, Some(names)) => Ok(Shown::Without(paths(names)?)),
            _ => Ok(Shown::All),
        }
    }
}

impl Shown {
    /// Whether the attribute is needed at all.
    pub fn has(&self, name: &str) -> bool {
        let named = |path: &Path| path.attribute.is(None, name);
        match self {
            Self::All => true,
            Self::Only(paths) => paths.iter().any(named),
            Self::Without(paths) => !paths.iter().any(|path| named(path) && path.sub.is_none()),
        }
    }

    /// The resource with what is to be shown of it; `schemas` and `id` always are.
    pub fn of(&self, resource: Value) -> Value {
        let Value::Object(resource) = resource else { return resource };
        match self {
            Self::All => resource.into(),
            Self::Without(paths) => {
                let mut left = resource;
                paths.iter().for_each(|path| without(&mut left, path));
                left.into()
            }
            Self::Only(paths) => {
                let mut shown = Map::new();
                for name in ["schemas", "id"] {
                    shown.extend(resource.get(name).map(|value| (name.to_owned(), value.clone())));
                }
                paths.iter().for_each(|path| only(&resource, path, &mut shown));
                shown.into()
            }
        }
    }
}

/// `resources` are the page's, in order, of `total`.
pub fn list(page: Page, total: u64, resources: Vec<Value>) -> Value {
    json!({
        "schemas": [LIST],
        "totalResults": total,
        "startIndex": u64::from(page.offset) + 1,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    })
}

/// The value under `name`, in any letter case, and how it is written.
pub fn find<'m>(map: &'m Map<String, Value>, name: &str) -> Option<(&'m String, &'m Value)> {
    map.get_key_value(name).or_else(|| map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)))
}

fn without(resource: &mut Map<String, Value>, path: &Path) {
    let Path { attribute: Attribute { schema, name }, sub, .. } = path;
    if [Some("id"), Some("schemas")].contains(&schema.is_none().then_some(name.as_str())) {
        return;
    }
    let mut at = resource;
    if let Some(schema) = schema {
        let key = find(at, schema).map(|(key, _)| key.clone());
        let Some(Value::Object(inner)) = key.and_then(|key| at.get_mut(&key)) else { return };
        at = inner;
    }
    let Some(key) = find(at, name).map(|(key, _)| key.clone()) else { return };
    match (sub, at.get_mut(&key)) {
        (None, _) => drop(at.remove(&key)),
        (Some(sub), Some(Value::Object(inner))) => drop(inner.remove(sub)),
        (Some(sub), Some(Value::Array(items))) => {
            items.iter_mut().filter_map(Value::as_object_mut).for_each(|item| drop(item.remove(sub)));
        }
        _ => {}
    }
}

fn only(resource: &Map<String, Value>, path: &Path, shown: &mut Map<String, Value>) {
    let Path { attribute: Attribute { schema, name }, sub, .. } = path;
    let (from, to) = match schema {
        None => (resource, shown),
        Some(schema) => {
            let Some((key, Value::Object(inner))) = find(resource, schema) else { return };
            let into = shown.entry(key).or_insert_with(|| Map::new().into());
            let Value::Object(into) = into else { return };
            (inner, into)
        }
    };
    let Some((key, value)) = find(from, name) else { return };
    let part = |value: &Value| -> Value {
        let (Some(sub), Value::Object(inner)) = (sub, value) else { return value.clone() };
        find(inner, sub)
            .map(|(key, value)| (key.clone(), value.clone()))
            .into_iter()
            .collect::<Map<_, _>>()
            .into()
    };
    let part = match value {
        Value::Array(items) => items.iter().map(part).collect(),
        value => part(value),
    };
    match (to.get_mut(key), part) {
        (Some(Value::Object(had)), Value::Object(more)) => had.extend(more),
        (_, part) => drop(to.insert(key.clone(), part)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nez() -> Value {
        json!({
            "schemas": ["core"], "id": "1", "userName": "nez", "name": { "givenName": "Nez", "familyName": "N" },
            "emails": [{ "value": "nez@kommune.example", "type": "work" }],
            "urn:x:2.0:User": { "department": "nord", "division": "d" },
        })
    }

    fn asked(attributes: Option<&str>, excluded: Option<&str>) -> Shown {
        let asked = Asked {
            attributes: attributes.map(str::to_owned),
            excluded_attributes: excluded.map(str::to_owned),
            ..Asked::default()
        };
        asked.shown().unwrap()
    }

    #[test]
    fn only_what_is_asked_for_is_shown_and_who_it_is_of() {
        let shown = asked(Some("USERNAME, name.givenName,name.familyName,urn:x:2.0:User:department"), None);
        let expected = json!({
            "schemas": ["core"], "id": "1", "userName": "nez", "name": { "givenName": "Nez", "familyName": "N" },
            "urn:x:2.0:User": { "department": "nord" },
        });
        assert_eq!(shown.of(nez()), expected);
        let expected =
            json!({ "schemas": ["core"], "id": "1", "emails": [{ "value": "nez@kommune.example" }] });
        assert_eq!(asked(Some("emails.value,nothing"), None).of(nez()), expected);
        assert!(!shown.has("members") && asked(Some("members.value"), None).has("members"));
    }

    #[test]
    fn what_is_excluded_is_not_shown() {
        let shown = asked(None, Some("emails,name.givenName,id,urn:x:2.0:User:division"));
        let expected = json!({
            "schemas": ["core"], "id": "1", "userName": "nez", "name": { "familyName": "N" },
            "urn:x:2.0:User": { "department": "nord" },
        });
        assert_eq!(shown.of(nez()), expected);
        assert!(
            !asked(None, Some("members")).has("members") && asked(None, Some("members.x")).has("members")
        );
    }

    #[test]
    fn pages_are_within_bounds() {
        let page = |start: Option<&str>, count: Option<&str>| {
            let (start_index, count) = (start.map(str::to_owned), count.map(str::to_owned));
            Asked { start_index, count, ..Asked::default() }.page().map(|page| (page.offset, page.limit))
        };
        assert_eq!(page(None, None), Ok((0, USUAL)));
        assert_eq!(page(Some("11"), Some("10")), Ok((10, 10)));
        assert_eq!(page(Some("-5"), Some("-1")), Ok((0, 0)));
        assert_eq!(page(Some("0"), Some("100000")), Ok((0, MOST)));
        assert_eq!(page(Some("99999999999"), Some("1")), Ok((u32::MAX / 2, 1)));
        assert_eq!(page(Some("one"), None).unwrap_err().kind, Kind::InvalidValue);
    }
}
