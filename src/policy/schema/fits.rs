//! As much of JSON Schema (draft-07) as the schemas of the tests use.

use serde_json::Value;

/// Where the value does not fit the schema, which is part of `root`.
pub(crate) fn misfits(schema: &Value, value: &Value, root: &Value, at: &str) -> Vec<String> {
    if let Some(Value::String(target)) = schema.get("$ref") {
        let target = root.pointer(target.trim_start_matches('#')).expect("a definition");
        return misfits(target, value, root, at);
    }
    let mut found = choices(schema, value, root, at);
    if let Some(kinds) = schema.get("type") {
        let is = |kind: &Value| kind.as_str().is_some_and(|kind| is_a(value, kind));
        if !is(kinds) && !kinds.as_array().is_some_and(|kinds| kinds.iter().any(is)) {
            found.push(format!("{at}: {value} is no {kinds}"));
        }
    }
    match value {
        Value::String(text) => {
            if let Some(Value::String(pattern)) = schema.get("pattern")
                && !regex::Regex::new(pattern).expect("a regular expression").is_match(text)
            {
                found.push(format!("{at}: `{text}` is not of the form"));
            }
        }
        Value::Number(number) => {
            let beyond = |key: &str, beyond: fn(f64, f64) -> bool| {
                let bound = schema.get(key).and_then(Value::as_f64);
                bound.zip(number.as_f64()).is_some_and(|(bound, number)| beyond(number, bound))
            };
            if beyond("minimum", |number, least| number < least)
                || beyond("maximum", |number, most| number > most)
            {
                found.push(format!("{at}: {number} is too much or too little"));
            }
        }
        Value::Array(list) => found.extend(of_list(schema, list, root, at)),
        Value::Object(object) => found.extend(of_object(schema, object, root, at)),
        Value::Bool(_) | Value::Null => {}
    }
    found
}

fn choices(schema: &Value, value: &Value, root: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    let list = |key: &str| schema.get(key).and_then(Value::as_array);
    let fitting =
        |schemas: &[Value]| schemas.iter().filter(|s| misfits(s, value, root, at).is_empty()).count();
    found.extend(list("allOf").into_iter().flatten().flat_map(|schema| misfits(schema, value, root, at)));
    if list("anyOf").is_some_and(|any| fitting(any) == 0) {
        found.push(format!("{at}: fits none"));
    }
    if list("oneOf").is_some_and(|one| fitting(one) != 1) {
        found.push(format!("{at}: does not fit one"));
    }
    if list("enum").is_some_and(|words| !words.contains(value)) {
        found.push(format!("{at}: {value} is no such word"));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        found.push(format!("{at}: {value} is not it"));
    }
    found
}

fn is_a(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        _ => value.is_null(),
    }
}

fn of_list(schema: &Value, list: &[Value], root: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(items) = schema.get("items") {
        let each = list.iter().enumerate();
        found.extend(each.flat_map(|(index, item)| misfits(items, item, root, &format!("{at}/{index}"))));
    }
    if schema.get("minItems").and_then(Value::as_u64).is_some_and(|least| (list.len() as u64) < least) {
        found.push(format!("{at}: too short"));
    }
    let repeated = |(index, item): (usize, &Value)| list[..index].contains(item);
    if schema.get("uniqueItems") == Some(&Value::Bool(true)) && list.iter().enumerate().any(repeated) {
        found.push(format!("{at}: the same twice"));
    }
    found
}

fn of_object(schema: &Value, object: &serde_json::Map<String, Value>, root: &Value, at: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        if !object.contains_key(name.as_str().expect("a name")) {
            found.push(format!("{at}: {name} is missing"));
        }
    }
    for (name, value) in object {
        let at = format!("{at}/{name}");
        let known = schema.get("properties").and_then(|properties| properties.get(name));
        match (known, schema.get("additionalProperties")) {
            (None, Some(Value::Bool(false))) => found.push(format!("{at}: no such key")),
            (Some(schema), _) | (None, Some(schema)) => found.extend(misfits(schema, value, root, &at)),
            (None, None) => {}
        }
    }
    found
}
