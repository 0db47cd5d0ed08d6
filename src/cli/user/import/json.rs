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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::Cpr;

    fn keys() -> Keys {
        Keys::derive(&[1; 32])
    }

    fn names(text: &str) -> Vec<String> {
        let people = read(text.as_bytes(), &keys()).unwrap_or_else(|problems| panic!("{problems}"));
        people.into_iter().map(|person| person.username.to_string()).collect()
    }

    fn problems(text: &str) -> String {
        match read(text.as_bytes(), &keys()) {
            Ok(_) => panic!("nothing is wrong with {text}"),
            Err(problems) => problems.to_string(),
        }
    }

    #[test]
    fn a_list_or_an_object_a_line() {
        let list = "\n [\n{ \"username\": \"nez\", \"name\": \"Nez\" },\n { \"username\": \"ole\", \"name\": \"Ole\" }]\n";
        assert_eq!(names(list), ["nez", "ole"]);
        let lines = "{\"username\":\"nez\",\"name\":\"Nez\"}\n\n{\"username\":\"ole\",\"name\":\"Ole\"}\n";
        assert_eq!(names(lines), ["nez", "ole"]);
        assert!(is_meant(list.as_bytes()) && is_meant(lines.as_bytes()));
        assert!(!is_meant(b"username,name\n") && !is_meant(b""));
    }

    #[test]
    fn what_is_not_said_is_left_and_what_is_empty_clears() {
        let read =
            |text: &str| read(text.as_bytes(), &keys()).ok().and_then(|people| people.into_iter().next());
        let said = read(
            r#"[{ "username": "nez", "name": "Nez", "cpr": "010190-1234", "groups": ["nurses", "staff"],
                  "expiry": "2026-12-31", "claims": { "unit": ["nord", "syd"], "role": "nurse" } }]"#,
        );
        let said = said.expect("it is sound");
        assert_eq!(said.cpr, Some(Cpr::parse("0101901234").ok().map(|cpr| keys().cpr_hash(&cpr))));
        assert_eq!(said.groups.as_deref(), Some(&["nurses".to_owned(), "staff".to_owned()][..]));
        assert!(said.expires_at.flatten().is_some());
        let claims =
            |name: &str| said.claims.iter().find(|(had, _)| had == name).map(|(_, values)| values.len());
        assert_eq!((claims("unit"), claims("role")), (Some(2), Some(1)));
        let left = read(r#"{ "username": "nez", "name": "Nez" }"#).expect("it is sound");
        assert!(
            left.cpr.is_none()
                && left.groups.is_none()
                && left.expires_at.is_none()
                && left.claims.is_empty()
        );
        let cleared =
            read(r#"{ "username": "nez", "name": "Nez", "cpr": null, "groups": [], "expiry": "" }"#);
        let cleared = cleared.expect("it is sound");
        assert_eq!((cleared.cpr, cleared.groups, cleared.expires_at), (Some(None), Some(vec![]), Some(None)));
    }

    #[test]
    fn everything_wrong_is_told_at_once_by_line_and_without_a_number() {
        let told = problems(
            "[\n{ \"username\": \"a b\", \"name\": \"A\" },\n{ \"username\": \"nez\", \"name\": \"Nez\",\n  \"cpr\": \"010190-123\" },\n\
             { \"username\": \"ole\", \"name\": 1, \"0101901234\": 1 },\n{ \"username\": \"bo\", \"name\": \"Bo\", \"groups\": 1, \"claims\": [] },\n\
             { \"username\": \"per\", \"name\": \"Per\" },\n{ \"username\": \"PER\", \"name\": \"Per\" },\n7]",
        );
        for problem in [
            "line 2: a user name has",
            "line 3: a CPR number has",
            "line 5: a key is none of username",
            "line 5: `name` is a string",
            "line 6: `groups` is a list of strings",
            "line 6: `claims` is an object",
            "line 8: `per` is on line 7 already",
            "line 9: a person is an object",
        ] {
            assert!(told.contains(problem), "{problem}: {told}");
        }
        assert!(!told.contains("0190"), "{told}");
    }

    #[test]
    fn broken_json_is_told_by_its_place() {
        assert!(problems("[\n{ \"username\": \"nez\",\n}]").contains("line 3: this is no JSON, at column 1"));
        assert!(problems("[{ \"username\": \"nez\" }").contains("the JSON ends too early"));
        let lines =
            problems("{ \"username\": \"nez\", \"name\": \"Nez\" }\n{ \"username\": 0101901234 }\n{]\n");
        assert!(
            lines.contains("line 2: this is no JSON") && lines.contains("line 3: this is no JSON"),
            "{lines}"
        );
        assert!(!lines.contains("0190"), "{lines}");
    }
}
