//! The shapes of the files as JSON Schema (draft-07, which editors understand best).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::shape::{Kind, Presence, Shape};

/// The schema of a file whose top level has `shape`.
pub fn schema(shape: &'static Shape, title: &str) -> Value {
    let mut definitions = BTreeMap::new();
    let mut root = object(shape, &mut definitions);
    if let Value::Object(root) = &mut root {
        root.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
        root.insert("title".to_owned(), json!(title));
        root.insert("definitions".to_owned(), json!(definitions));
    }
    root
}

type Definitions = BTreeMap<&'static str, Value>;

fn object(shape: &'static Shape, definitions: &mut Definitions) -> Value {
    let keys = || shape.keys.iter().filter(|key| key.presence != Presence::Later);
    let mut properties = Map::new();
    for key in keys() {
        let mut value = kind(&key.kind, definitions);
        // Beside `$ref`, draft-07 ignores everything.
        if value.get("$ref").is_some() {
            value = json!({ "allOf": [value] });
        }
        value["description"] = json!(key.doc);
        properties.insert(key.name.to_owned(), value);
    }
    let required: Vec<&str> =
        keys().filter(|key| key.presence == Presence::Required).map(|key| key.name).collect();
    let mut object = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

fn kind(kind: &'static Kind, definitions: &mut Definitions) -> Value {
    match kind {
        // A plain `2026` is a number to an editor.
        Kind::Text => json!({ "type": ["string", "number", "boolean"] }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Form(pattern) => json!({ "type": "string", "minLength": 1, "pattern": pattern }),
        Kind::Words(words) => json!({ "enum": words() }),
        Kind::Version => json!({ "const": 1 }),
        Kind::OneOrMore(one) => {
            let one = self::kind(one, definitions);
            json!({ "anyOf": [one, { "type": "array", "minItems": 1, "items": one }] })
        }
        Kind::Map(shape) => {
            if !definitions.contains_key(shape.name) {
                // Entered first, for a shape that holds itself.
                definitions.insert(shape.name, Value::Null);
                let object = object(shape, definitions);
                definitions.insert(shape.name, object);
            }
            json!({ "$ref": format!("#/definitions/{}", shape.name) })
        }
        Kind::Named(value) => {
            json!({ "type": "object", "additionalProperties": self::kind(value, definitions) })
        }
        Kind::Either(kinds) => {
            let kinds: Vec<Value> = kinds.iter().map(|kind| self::kind(kind, definitions)).collect();
            json!({ "anyOf": kinds })
        }
    }
}

#[cfg(test)]
pub(crate) mod fits;
#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
