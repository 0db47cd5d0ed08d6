//! Two readers of YAML, ours and `serde_yaml`: what ours accepts means the same to both.

use super::CONFIG;
use crate::policy::document::Value;
use crate::policy::problem::Source;

/// The second reader, `serde_yaml`, must find the same tree in every shipped file.
#[test]
fn two_readers_agree_on_every_shipped_file() {
    let policies = std::fs::read_dir("policies").unwrap().chain(std::fs::read_dir("policies/demo").unwrap());
    let paths = policies
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "yaml"));
    let mut texts: Vec<String> = paths.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert!(texts.len() >= 6);
    texts.extend(
        [CONFIG, include_str!("example/cura.yaml"), include_str!("example/sluse.yaml")].map(str::to_owned),
    );
    for text in texts {
        assert_eq!(readers(&text), Readers::Agree, "{text}");
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Readers {
    Agree,
    /// Ours refuses it.
    Refused,
    Differ,
}

fn readers(text: &str) -> Readers {
    let source = Source { name: String::new(), text: text.to_owned() };
    let (Some(tree), problems) = source.parse() else { return Readers::Refused };
    if !problems.is_empty() {
        return Readers::Refused;
    }
    match serde_yaml::from_str::<serde_yaml::Value>(text) {
        Ok(other) if same(&tree.value, &other) => Readers::Agree,
        _ => Readers::Differ,
    }
}

/// What is odd in YAML means the same to both readers, or is refused.
#[test]
fn oddities_are_agreed_on_or_refused() {
    let laughs: String = (1..30).map(|n| format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1)).collect();
    let agreed = [
        "a: b # c",
        "a: 'no'",
        "a: \"012\"",
        "a: 10h",
        "a: [b, c]",
        "a: {b: c}",
        "a:\n- b\n- c",
        "a: ''",
        "a:",
        "a: ~",
        "a: null",
        "a: true",
        "a: 7",
        "a: 1.5",
        "a: &x [1, 2]\nb: *x",
        "\u{feff}a: b",
        "a: b\r\nc: d\r\n",
        "a: |\n  b\n  c\n",
        "a: >\n  b\n  c\n",
        "a: \"\\u00f8\"",
        "'a': b",
        "a: b:c",
        "a: 10.20.0.0/16",
        "a: 2001:db8::/32",
        "--- \na: b\n...\n",
        "a:\tb",
        "a: 'it''s'",
        "a: b\n\n\n",
        "? a\n: b",
        "a: \u{f8}\u{1f512}",
        "a: 07:00-16:00",
        "a: mon,fri",
    ];
    let refused = [
        // Norway, and its neighbours.
        "a: no",
        "a: NO",
        "a: on",
        "a: Off",
        "a: y",
        "no: a",
        "a: [no]",
        // Octals, binaries, hexadecimals, sexagesimals, dates.
        "a: 012",
        "a: 0o17",
        "a: 0b11",
        "a: 0x1F",
        "a: 1:30",
        "a: 22:00",
        "a: 1_000",
        "a: 2026-11-22",
        "a: 1e3",
        // Numbers that are written otherwise than they are told, and words that are not what they look like.
        "a: +7",
        "a: 1.50",
        "a: .5",
        "a: 7.",
        "a: 1.5e3",
        "a: 99999999999999999999999",
        "a: True",
        "a: FALSE",
        "a: .inf",
        "a: .NaN",
        "a: -0",
        // Twice, merged, tagged, complex, nested, several.
        "a: 1\na: 2",
        "{a: 1, a: 2}",
        "a: &x {b: c}\nd: {<<: *x}",
        "a: !!str 012",
        "a: !x b",
        "[a]: b",
        "{a: b}: c",
        "~: a",
        "a: b\n---\nc: d",
        "a: *x",
        "a: &x [*x]",
        // Broken.
        "\ta: b",
        "a:\n\tb: c",
        "a: - b",
        "a: [b",
        "a: 'b",
        "a: b\n c: d\n e",
        "a: \"\\q\"",
        "a: @b",
        "a: `b`",
        "a: %b",
        "a: b\u{0}",
    ];
    for text in agreed {
        assert_eq!(readers(text), Readers::Agree, "{text:?}");
    }
    for text in refused {
        assert_eq!(readers(text), Readers::Refused, "{text:?}");
    }
    let bombs = [
        format!("a0: &a0 x\n{laughs}"),
        format!("a: {}", "[".repeat(1 << 20)),
        "- ".repeat(1 << 19),
        "a:\n".repeat(9),
    ];
    for text in bombs {
        assert_eq!(readers(&text), Readers::Refused, "{:.40}", text);
    }
}

fn same(own: &Value, other: &serde_yaml::Value) -> bool {
    use serde_yaml::Value as Other;
    match (own, other) {
        (Value::Null, Other::Null) => true,
        (Value::Text(text), Other::String(string)) => text == string,
        (Value::Text(text), Other::Bool(flag)) => *text == flag.to_string(),
        (Value::Text(text), Other::Number(number)) => *text == number.to_string(),
        (Value::List(items), Other::Sequence(others)) => {
            items.len() == others.len()
                && items.iter().zip(others).all(|(item, other)| same(&item.value, other))
        }
        (Value::Map(entries), Other::Mapping(others)) => {
            entries.len() == others.len()
                && entries.iter().all(|(key, node)| {
                    others.get(key.name.as_str()).is_some_and(|other| same(&node.value, other))
                })
        }
        _ => false,
    }
}
