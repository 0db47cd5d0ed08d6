//! JSON read strictly: no member twice, at any depth, and nothing taken for what it is not.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A JSON value. Numbers are not kept: no message of WebAuthn that we read needs one.
pub(super) enum Json {
    Null,
    Bool(bool),
    Number,
    Text(String),
    Array,
    Object(Object),
}

/// An object's members. Every way to read one takes it out.
pub(super) struct Object(BTreeMap<String, Json>);

/// A member is missing, or not of the kind it must be.
pub(super) struct Unexpected;

impl Object {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Unexpected> {
        match serde_json::from_slice(bytes) {
            Ok(Json::Object(object)) => Ok(object),
            _ => Err(Unexpected),
        }
    }

    pub(super) fn text(&mut self, name: &str) -> Result<String, Unexpected> {
        match self.0.remove(name) {
            Some(Json::Text(text)) => Ok(text),
            _ => Err(Unexpected),
        }
    }

    /// Bytes in base64url, in its one form: without padding, the unused bits zero.
    pub(super) fn bytes(&mut self, name: &str) -> Result<Vec<u8>, Unexpected> {
        URL_SAFE_NO_PAD.decode(self.text(name)?).map_err(|_| Unexpected)
    }

    pub(super) fn object(&mut self, name: &str) -> Result<Self, Unexpected> {
        match self.0.remove(name) {
            Some(Json::Object(object)) => Ok(object),
            _ => Err(Unexpected),
        }
    }

    /// Whatever stands there, if anything does.
    pub(super) fn any(&mut self, name: &str) -> Option<Json> {
        self.0.remove(name)
    }

    /// [`Self::bytes`], where `null` and absence mean none.
    pub(super) fn optional_bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, Unexpected> {
        match self.0.get(name) {
            None | Some(Json::Null) => Ok(None),
            Some(_) => self.bytes(name).map(Some),
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without a repeated member")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Number)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        // Read, so that what is inside is held to the same rules, and dropped.
        while members.next_element::<Json>()?.is_some() {}
        Ok(Json::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut object = BTreeMap::new();
        while let Some((name, value)) = members.next_entry()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a member stands twice"));
            }
        }
        Ok(Json::Object(Object(object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_by_name_and_kind() {
        let mut object =
            Object::parse(br#"{"a":"x","b":{"c":"AQI"},"d":null,"e":[1.5,-1,true]}"#).ok().unwrap();
        assert!(object.bytes("e").is_err());
        assert!(matches!(object.text("a").as_deref(), Ok("x")));
        assert!(matches!(object.object("b").and_then(|mut b| b.bytes("c")).as_deref(), Ok([1, 2])));
        assert!(matches!(object.optional_bytes("d"), Ok(None)));
        assert!(object.text("absent").is_err());
    }

    #[test]
    fn what_could_be_read_two_ways_is_refused() {
        for json in [
            &br#"{"a":1,"a":1}"#[..],
            br#"{"a":1,"\u0061":1}"#,
            br#"{"x":[{"a":1,"a":2}]}"#,
            br#"{"a":1} {}"#,
            b"\xef\xbb\xbf{}",
            b"{\"a\":\"\xff\"}",
            b"[]",
            b"null",
            b"",
        ] {
            assert!(Object::parse(json).is_err(), "{}", String::from_utf8_lossy(json));
        }
        for text in ["AQI=", "AQJ", "A+//", "AQ I", "A"] {
            let json = serde_json::json!({ "b": text }).to_string();
            assert!(Object::parse(json.as_bytes()).is_ok_and(|mut o| o.bytes("b").is_err()), "{text}");
        }
    }
}
