//! JSON read strictly: no member twice, at any depth, and nothing taken for what it is not. What needs no
//! unescaping is borrowed from the message.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// No legal message has nearly as many in one object. Looking for a repeated one among few takes no map.
const MAX_MEMBERS: usize = 64;

/// A JSON value. Numbers are not kept: no message of WebAuthn that we read needs one.
pub(super) enum Json<'a> {
    Null,
    Bool(bool),
    Number,
    Text(Cow<'a, str>),
    Array,
    Object(Object<'a>),
}

/// An object's members. Every way to read one takes it out.
pub(super) struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

/// A member is missing, or not of the kind it must be.
pub(super) struct Unexpected;

impl<'a> Object<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Unexpected> {
        // As text, which is looked at once as a whole: of bytes, each string would be.
        let text = std::str::from_utf8(bytes).map_err(|_| Unexpected)?;
        match serde_json::from_str(text) {
            Ok(Json::Object(object)) => Ok(object),
            _ => Err(Unexpected),
        }
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Cow<'a, str>, Unexpected> {
        match self.any(name) {
            Some(Json::Text(text)) => Ok(text),
            _ => Err(Unexpected),
        }
    }

    /// Bytes in base64url, in its one form: without padding, the unused bits zero.
    pub(super) fn bytes(&mut self, name: &str) -> Result<Vec<u8>, Unexpected> {
        bytes(&self.text(name)?)
    }

    pub(super) fn object(&mut self, name: &str) -> Result<Self, Unexpected> {
        match self.any(name) {
            Some(Json::Object(object)) => Ok(object),
            _ => Err(Unexpected),
        }
    }

    /// Whatever stands there, if anything does.
    pub(super) fn any(&mut self, name: &str) -> Option<Json<'a>> {
        let at = self.0.iter().position(|(member, _)| member == name)?;
        Some(self.0.swap_remove(at).1)
    }

    /// [`Self::bytes`], where `null` and absence mean none.
    pub(super) fn optional_bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, Unexpected> {
        match self.any(name) {
            None | Some(Json::Null) => Ok(None),
            Some(Json::Text(text)) => bytes(&text).map(Some),
            Some(_) => Err(Unexpected),
        }
    }
}

/// What base64url stands for, in its one form: without padding, the unused bits zero.
pub(super) fn bytes(text: &str) -> Result<Vec<u8>, Unexpected> {
    base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text).map_err(|_| Unexpected)
}

impl<'de: 'a, 'a> Deserialize<'de> for Json<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

/// A member's name. (serde's own `Cow` never borrows.)
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Name<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match deserializer.deserialize_str(AnyJson)? {
            Json::Text(name) => Ok(Self(name)),
            _ => Err(D::Error::custom("a member's name is a text")),
        }
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without a repeated member")
    }

    fn visit_unit<E: Error>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Json<'de>, E> {
        Ok(Json::Number)
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Json<'de>, A::Error> {
        // Read, so that what is inside is held to the same rules, and dropped.
        while members.next_element::<Json<'_>>()?.is_some() {}
        Ok(Json::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json<'de>, A::Error> {
        let mut object: Vec<(Cow<'de, str>, Json<'de>)> = Vec::with_capacity(8);
        while let Some((Name(name), value)) = members.next_entry()? {
            if object.len() == MAX_MEMBERS || object.iter().any(|(before, _)| *before == name) {
                return Err(A::Error::custom("a member stands twice, or there are too many"));
            }
            object.push((name, value));
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
        let many = |count| {
            let members: Vec<_> = (0..count).map(|n| format!("\"{n}\":{n}")).collect();
            format!("{{{}}}", members.join(","))
        };
        assert!(Object::parse(many(MAX_MEMBERS).as_bytes()).is_ok());
        assert!(Object::parse(many(MAX_MEMBERS + 1).as_bytes()).is_err());
        for text in ["AQI=", "AQJ", "A+//", "AQ I", "A"] {
            let json = serde_json::json!({ "b": text }).to_string();
            assert!(Object::parse(json.as_bytes()).is_ok_and(|mut o| o.bytes("b").is_err()), "{text}");
        }
    }

    /// Long enough for every width at which it is decoded, and wrong at every place.
    #[test]
    fn base64url_has_one_form_at_every_length() {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD as oracle;

        for length in 0..=100_u8 {
            let plain: Vec<u8> = (0..length).map(|n| n.wrapping_mul(37) ^ length).collect();
            let text = oracle.encode(&plain);
            assert_eq!(bytes(&text).ok(), Some(plain), "{text}");
            for at in 0..text.len() {
                for other in ["A", "B", "_", "-", "+", "/", "=", " ", "\n", ".", "\u{e5}"] {
                    let mut text = text.clone();
                    text.replace_range(at..=at, other);
                    assert_eq!(bytes(&text).ok(), oracle.decode(&text).ok(), "{text}");
                }
            }
        }
    }
}
