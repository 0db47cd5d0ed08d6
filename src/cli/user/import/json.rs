//! People as JSON: a list of objects, or an object a line.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{Described, People, Person, Problems};
use crate::cli::user::claim_part;
use crate::secret::Keys;

const KNOWN: [&str; 6] = ["username", "name", "cpr", "groups", "expiry", "claims"];

/// Whether the file is meant to be JSON: no first line of a CSV begins so.
pub(super) fn is_meant(content: &[u8]) -> bool {
    matches!(content.trim_ascii_start().first(), Some(b'[' | b'{'))
}

pub(super) fn read(content: &[u8], keys: &Keys) -> Result<Vec<Person>, Problems> {
    let mut people = People::default();
    let Ok(text) = std::str::from_utf8(content) else {
        people.problems.add(1, "this is not UTF-8".to_owned());
        return people.finish();
    };
    for raw in objects(text, &mut people.problems) {
        let line = line_of(text, raw);
        match serde_json::from_str(raw) {
            Ok(Value::Object(object)) => {
                let mut found = Vec::new();
                let described = describe(&object, &mut |problem| found.push(problem));
                let person = described.person(keys, &mut |problem| found.push(problem));
                let sound = found.is_empty();
                found.into_iter().for_each(|problem| people.problems.add(line, problem));
                people.add(line, person.filter(|_| sound));
            }
            Ok(_) => people.problems.add(line, "a person is an object: `{ \"username\": … }`".to_owned()),
            Err(error) => people.problems.add(line + error.line() as u64 - 1, explain(&error)),
        }
    }
    people.finish()
}

/// Each person's own text. Where a list is broken nobody can say where the next begins.
fn objects<'t>(text: &'t str, problems: &mut Problems) -> Vec<&'t str> {
    if !text.trim_start().starts_with('[') {
        return text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    }
    match serde_json::from_str::<Vec<&RawValue>>(text) {
        Ok(all) => all.into_iter().map(RawValue::get).collect(),
        Err(error) => {
            problems.add(error.line() as u64, explain(&error));
            Vec::new()
        }
    }
}

/// Never with the text: there may be a CPR number in it.
fn explain(error: &serde_json::Error) -> String {
    let what = if error.is_eof() { "the JSON ends too early" } else { "this is no JSON" };
    format!("{what}, at column {}", error.column())
}

/// Counted from 1; `part` is a part of `text`.
fn line_of(text: &str, part: &str) -> u64 {
    let before = part.as_ptr() as usize - text.as_ptr() as usize;
    1 + text[..before].matches('\n').count() as u64
}

fn describe(object: &Map<String, Value>, problem: &mut impl FnMut(String)) -> Described {
    // Not what it is called: a slip may have put anything there.
    if object.keys().any(|key| !KNOWN.contains(&key.as_str())) {
        problem(format!("a key is none of {}", KNOWN.join(", ")));
    }
    let mut text = |name: &str| match object.get(name) {
        None => None,
        Some(Value::Null) => Some(String::new()),
        Some(Value::String(text)) => Some(text.clone()),
        Some(_) => {
            problem(format!("`{name}` is a string"));
            None
        }
    };
    let (username, name) = (text("username"), text("name"));
    let (cpr, expiry) = (text("cpr"), text("expiry"));
    let groups = object.get("groups").map(|value| texts("groups", value, problem));
    let mut claims = Vec::new();
    match object.get("claims") {
        None => {}
        Some(Value::Object(named)) => {
            for (name, value) in named {
                let values = texts("claims", value, problem);
                match claim_part(name) {
                    Ok(name) => claims.push((name, values)),
                    Err(error) => problem(error.to_string()),
                }
            }
        }
        Some(_) => problem("`claims` is an object: `{ \"unit\": [\"north\"] }`".to_owned()),
    }
    Described {
        username: username.unwrap_or_default(),
        name: name.unwrap_or_default(),
        cpr,
        groups,
        expiry,
        claims,
    }
}

/// A list of strings; one string is a list of one, and `null` is empty.
fn texts(name: &str, value: &Value, problem: &mut impl FnMut(String)) -> Vec<String> {
    let texts = match value {
        Value::Null => Some(Vec::new()),
        Value::String(one) => Some(vec![one.clone()]),
        Value::Array(all) => all.iter().map(|value| value.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    texts.unwrap_or_else(|| {
        problem(format!("`{name}` is a list of strings"));
        Vec::new()
    })
}
