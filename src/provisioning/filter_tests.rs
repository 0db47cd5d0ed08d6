use proptest::prelude::*;

use super::*;

fn parsed(text: &str) -> Vec<(String, Literal)> {
    let Filter(comparisons) = Filter::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    comparisons.into_iter().map(|one| (one.path.plain().unwrap_or_default(), one.value)).collect()
}

fn text(value: &str) -> Literal {
    Literal::Text(value.to_owned())
}

#[test]
fn what_clients_ask() {
    assert_eq!(parsed("userName eq \"nez\""), [("username".to_owned(), text("nez"))]);
    assert_eq!(parsed("USERNAME Eq \"a \\\"b\\\" \\u00e6\""), [("username".to_owned(), text("a \"b\" æ"))]);
    assert_eq!(
        parsed(" externalId eq \"1\" AND active eq True "),
        [("externalid".to_owned(), text("1")), ("active".to_owned(), Literal::Flag(true))]
    );
    assert_eq!(
        parsed("urn:ietf:params:scim:schemas:core:2.0:User:name.formatted eq \"Nez\""),
        [("name.formatted".to_owned(), text("Nez"))]
    );
    // What looks like more of the filter is a part of the string.
    assert_eq!(parsed("userName eq \"x\\\" or \\\"\""), [("username".to_owned(), text("x\" or \""))]);
}

#[test]
fn a_part_of_several_values() {
    let Filter(comparisons) = Filter::parse("emails[type eq \"work\"].value eq \"n@k\"").unwrap();
    let path = &comparisons[0].path;
    assert!(path.attribute.is(None, "emails"));
    assert_eq!((path.sub.as_deref(), path.selection.is_some()), (Some("value"), true));
    assert_eq!(path.plain(), None, "it is more than a name");
}

#[test]
fn the_rest_is_refused_and_named() {
    for (filter, named) in [
        ("userName eq \"a\" or userName eq \"b\"", "`or`"),
        ("not (userName eq \"a\")", "`not`"),
        ("(userName eq \"a\")", "parentheses"),
        ("userName sw \"a\"", "`sw`"),
        ("userName pr", "`pr`"),
        ("userName is \"a\"", "`is`"),
        ("userName", "comparison"),
        ("userName eq", "value is missing"),
        ("userName eq a", "strings"),
        ("userName eq 1", "strings"),
        ("userName eq \"a", "no end"),
        ("userName eq \"a\" and", "missing"),
        ("userName eq \"a\" \"b\"", "more"),
        ("", "missing"),
        ("1a eq \"x\"", "`1a`"),
        ("a.b.c eq \"x\"", "`a.b.c`"),
        ("emails[type eq \"work\" eq \"x\"", "`]`"),
        ("emails[a[b eq \"c\"].d eq \"e\"]", "selected"),
        ("emails[].value eq \"x\"", "missing"),
    ] {
        let refusal = Filter::parse(filter).unwrap_err();
        assert_eq!(refusal.kind, Kind::InvalidFilter, "{filter}");
        assert!(refusal.detail.contains(named), "{filter}: {refusal}");
    }
    assert!(Filter::parse(&"x".repeat(LONGEST + 1)).is_err());
}

#[test]
fn paths() {
    let path = |text: &str| Path::parse(text).unwrap();
    let department = path("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department");
    assert!(department.attribute.is(Some(crate::provisioning::ENTERPRISE), "Department"));
    let whole = path("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User");
    assert!(whole.attribute.is(None, crate::provisioning::ENTERPRISE));
    assert_eq!(path("members[value eq \"1\"]").sub, None);
    assert_eq!(path("name.givenName").plain().as_deref(), Some("name.givenname"));
    for wrong in ["", "members[value eq \"1\"", "members[value eq \"1\"]x", "name.", "a b", "members[]"] {
        assert_eq!(Path::parse(wrong).unwrap_err().kind, Kind::InvalidPath, "{wrong}");
    }
    assert!(Attribute::parse("name.givenName").is_err(), "it is a part of one");
}

proptest! {
    #[test]
    fn nothing_panics(text in ".{0,60}") {
        let _ = (Filter::parse(&text), Path::parse(&text));
    }

    #[test]
    fn pieces_of_filters_in_any_order_do_not_panic(
        pieces in proptest::collection::vec(
            proptest::sample::select(&["userName", " eq ", "\"", "\\", "[", "]", "(", ".", ":", " and ", "true", "æ"][..]),
            0..12,
        )
    ) {
        let text = pieces.concat();
        let _ = (Filter::parse(&text), Path::parse(&text));
    }

    /// Whatever somebody is called, they are asked for by that, and by nothing else.
    #[test]
    fn a_string_comes_back_as_it_was(value in any::<String>()) {
        let filter = format!("userName eq {}", serde_json::Value::from(value.as_str()));
        prop_assume!(filter.len() <= LONGEST);
        prop_assert_eq!(parsed(&filter), [("username".to_owned(), Literal::Text(value))]);
    }
}
