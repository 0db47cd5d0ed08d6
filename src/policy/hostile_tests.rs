//! No input panics the loader: bytes of any kind, shipped policies torn and sewn together again, and depth.

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

const EVERYTHING: &str = include_str!("../../fuzz/corpus/policy/everything");

/// Loaded, or told what is wrong, on a line that is there.
fn load_bytes(bytes: &[u8]) -> Result<Policy, Vec<Problem>> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    // By YAML 1.1 and 1.2 together.
    let lines = 1 + text.matches(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count();
    let loaded = parse(&[Source { name: "a.yaml".to_owned(), text }], &config());
    if let Err(problems) = &loaded {
        assert!(!problems.is_empty());
        for problem in problems {
            assert!(problem.line <= lines && !problem.help.is_empty(), "{problem}");
        }
    }
    loaded
}

/// What a hand or an attacker puts where it does not belong.
const FRAGMENTS: [&str; 34] = [
    "&a ",
    "*a",
    "<<: *a",
    "[",
    "]",
    "{",
    "}",
    "!!map ",
    "!x",
    "\t",
    "\r",
    ": ",
    "- ",
    "? ",
    "| ",
    "> ",
    "---\n",
    "'",
    "\"",
    "\\",
    "%",
    "%2F",
    "**",
    "/**",
    "/../",
    "\0",
    "\u{feff}",
    "\u{2028}",
    "no",
    "012",
    "1:30",
    "10",
    "99999999999999999999h",
    "\u{1f512}",
];

#[derive(Clone, Debug)]
enum Tear {
    Cut(usize, usize),
    Copy(usize, usize, usize),
    Put(usize, &'static str),
    Byte(usize, u8),
}

fn any_tear() -> impl Strategy<Value = Tear> {
    let at = 0..4096_usize;
    prop_oneof![
        (at.clone(), 0..80_usize).prop_map(|(at, length)| Tear::Cut(at, length)),
        (at.clone(), 0..200_usize, at.clone()).prop_map(|(from, length, to)| Tear::Copy(from, length, to)),
        (at.clone(), proptest::sample::select(&FRAGMENTS[..])).prop_map(|(at, text)| Tear::Put(at, text)),
        (at, any::<u8>()).prop_map(|(at, byte)| Tear::Byte(at, byte)),
    ]
}

fn torn(mut text: Vec<u8>, tears: &[Tear]) -> Vec<u8> {
    for tear in tears {
        let within = |at: usize| at % (text.len() + 1);
        let range = |from: usize, length: usize| within(from)..(within(from) + length).min(text.len());
        match *tear {
            Tear::Cut(at, length) => _ = text.drain(range(at, length)),
            Tear::Copy(from, length, to) => {
                let (copied, to) = (text[range(from, length)].to_vec(), within(to));
                text.splice(to..to, copied);
            }
            Tear::Put(at, fragment) => {
                let at = within(at);
                text.splice(at..at, fragment.bytes());
            }
            Tear::Byte(at, byte) => {
                let at = within(at);
                text.splice(at..at, [byte]);
            }
        }
    }
    text
}

proptest! {
    #[test]
    fn bytes_of_any_kind(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = load_bytes(&bytes);
    }

    #[test]
    fn a_policy_torn_apart(
        shipped in proptest::sample::select(&[CURA, EVERYTHING][..]),
        tears in proptest::collection::vec(any_tear(), 1..6),
    ) {
        let _ = load_bytes(&torn(shipped.as_bytes().to_vec(), &tears));
    }

    #[test]
    fn a_configuration_torn_apart(tears in proptest::collection::vec(any_tear(), 1..6)) {
        let text = String::from_utf8_lossy(&torn(CONFIG.as_bytes().to_vec(), &tears)).into_owned();
        let _ = Config::parse(&Source { name: "sluse.yaml".to_owned(), text }, &PathBuf::new());
    }
}

/// The seed of the tears has every key, and is right as it stands.
#[test]
fn the_policy_with_everything_loads() {
    let policy = load_bytes(EVERYTHING.as_bytes()).unwrap_or_else(|problems| panic!("{problems:#?}"));
    assert_eq!(policy.apps()[0].rules.len(), 4);
}

/// Each as deep or as many as a file of a megabyte can hold. A stack that is too small ends the process.
#[test]
fn depth_and_numbers() {
    let rule = |matcher: &str| with_rules(&format!("  - {{ name: r, match: {{ {matcher} }} }}\n"));
    let nested = |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    let numbered = |count: usize, each: fn(usize) -> String| (0..count).map(each).collect::<String>();
    for text in [
        rule(&format!("path: {}", "/a".repeat(400_000))),
        rule(&format!("path: {}", "/*".repeat(400_000))),
        rule(&format!("path_re: '{}'", nested("(", ")"))),
        rule(&format!("path_re: '{}'", "(a{1000}){1000}")),
        rule(&format!("time: '{}'", "mon,".repeat(200_000))),
        rule(&nested("{ a: ", "}")),
        nested("[", "]"),
        "- ".repeat(400_000),
        "? ".repeat(400_000),
        "a: &a [".repeat(100_000),
        with_rules(&format!("  - {{ name: r, match: {{}}, require: {{ level: '{}' }} }}", nested("(", ")"))),
        with_rules(&numbered(10_000, |n| format!("  - {{ name: r{n}, match: {{ path: /x{n} }} }}\n"))),
        numbered(20_000, |n| format!("key-{n}: x\n")),
    ] {
        assert!(load_bytes(text.as_bytes()).is_err(), "{:.60}", text);
    }
    // As many rules as fit, every one of which the last is compared with.
    let many = numbered(1_500, |n| format!("  - {{ name: r{n}, match: {{ path: /x{n} }} }}\n"));
    let many = with_rules(&(many + "  - { name: rest, match: { path: /** } }\n"));
    assert_eq!(load_bytes(many.as_bytes()).map(|policy| policy.apps()[0].rules.len()), Ok(1_501));
}
