use proptest::prelude::*;

use super::*;

fn parse(raw: &str) -> Result<String, &'static str> {
    parse_with(raw, PathRules::default())
}

fn parse_with(raw: &str, rules: PathRules) -> Result<String, &'static str> {
    CanonicalPath::parse(raw.as_bytes(), rules).map(|path| path.0).map_err(PathRefusal::code)
}

#[test]
fn one_spelling() {
    for (raw, path) in [
        ("/", "/"),
        ("/public/../admin/x", "/admin/x"),
        ("/public/%2e%2e/admin", "/admin"),
        ("/public/.%2E/admin", "/admin"),
        ("/public/%2e./admin", "/admin"),
        ("//admin", "/admin"),
        ("/public//../admin", "/admin"),
        ("/./admin", "/admin"),
        ("/admin/.", "/admin/"),
        ("/admin/", "/admin/"),
        ("/a/b/..", "/a/"),
        ("/../../admin", "/admin"),
        ("/%61dmin", "/admin"),
        ("/a%c3%b8", "/a%C3%B8"),
        ("/a\u{f8}", "/a%C3%B8"),
        ("/a%21!", "/a%21!"),
        ("/a|[b]", "/a%7C%5Bb%5D"),
        ("/100%25", "/100%25"),
        ("/100%25%20off", "/100%25%20off"),
        ("/a%2520b", "/a%2520b"),
        ("/...", "/..."),
    ] {
        let rules = PathRules { space: true, ..PathRules::default() };
        assert_eq!(parse_with(raw, rules), Ok(path.to_owned()), "{raw}");
    }
}

/// The attacks A01 to A15 that end in 400.
#[test]
fn refused() {
    for (raw, code) in [
        ("", "path-not-absolute"),
        ("*", "path-not-absolute"),
        ("admin/x", "path-not-absolute"),
        ("..", "path-not-absolute"),
        ("@/admin", "path-not-absolute"),
        (" /admin", "path-not-absolute"),
        ("http://cura.example/admin", "path-not-absolute"),
        ("/app%2f..%2fadmin", "path-encoded-slash"),
        ("/app%2F", "path-encoded-slash"),
        ("/app%5cx", "path-encoded-slash"),
        ("/public/%252e%252e/admin", "path-double-encoded"),
        ("/public/%25%32%65%25%32%65/admin", "path-double-encoded"),
        ("/public%252f..%252fadmin", "path-double-encoded"),
        ("/%2561dmin", "path-double-encoded"),
        ("/%25252561dmin", "path-double-encoded"),
        ("/public\\..\\admin", "path-backslash"),
        ("/\\admin", "path-backslash"),
        ("/public/..;/admin", "path-parameters"),
        ("/admin;jsessionid=1", "path-parameters"),
        ("/admin%3bx", "path-parameters"),
        ("/a%00", "path-control-character"),
        ("/a%0a", "path-control-character"),
        ("/a%0d", "path-control-character"),
        ("/a%09", "path-control-character"),
        ("/a%7f", "path-control-character"),
        ("/a%C2%85b", "path-control-character"),
        ("/a\0", "path-control-character"),
        ("/a\tb", "path-control-character"),
        ("/a\r\nb", "path-control-character"),
        ("/a%20b", "path-space"),
        ("/a b", "path-space"),
        ("/public#/../admin", "path-fragment"),
        ("/public%23/../admin", "path-fragment"),
        ("/admin?x=/public/", "path-query"),
        ("/%c0%ae%c0%ae/admin", "path-bad-utf8"),
        ("/%ff", "path-bad-utf8"),
        ("/%", "path-bad-escape"),
        ("/%4", "path-bad-escape"),
        ("/%zz", "path-bad-escape"),
        ("/%+1", "path-bad-escape"),
    ] {
        assert_eq!(parse(raw), Err(code), "{raw}");
    }
    assert_eq!(CanonicalPath::parse(b"/\xff", PathRules::default()), Err(PathRefusal::BadUtf8));
}

#[test]
fn what_an_app_allows_hides_no_dots() {
    let slash = PathRules { encoded_slash: true, ..PathRules::default() };
    assert_eq!(parse_with("/a%2fb%5Cc", slash), Ok("/a%2Fb%5Cc".to_owned()));
    for raw in ["/public%2f..%2fadmin", "/a/..%2fadmin", "/a%2f%2fb", "/a%2F.", "/a/%2F"] {
        assert_eq!(parse_with(raw, slash), Err("path-hidden-dots"), "{raw}");
    }
    let matrix = PathRules { matrix: true, ..PathRules::default() };
    assert_eq!(parse_with("/a;x=1/b", matrix), Ok("/a;x=1/b".to_owned()));
    for raw in ["/public/..;/admin", "/public/..%3Bx/admin", "/.;/a", "/;x/a"] {
        assert_eq!(parse_with(raw, matrix), Err("path-hidden-dots"), "{raw}");
    }
    let space = PathRules { space: true, ..PathRules::default() };
    assert_eq!(parse_with("/min%20fil", space), Ok("/min%20fil".to_owned()));
    for raw in ["/admin%20", "/admin%20/x", "/%20admin", "/a b"] {
        assert_eq!(parse_with(raw, space), Err("path-space"), "{raw}");
    }
    let all = PathRules { encoded_slash: true, matrix: true, space: true, ignore_case: false };
    for raw in ["/admin%20;x", "/a/b%2F%20c", "/a%20%2Fb"] {
        assert_eq!(parse_with(raw, all), Err("path-space"), "{raw}");
    }
}

/// Paths made of what paths are attacked with.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(b"/".to_vec()),
        Just(b"..".to_vec()),
        Just(b".".to_vec()),
        Just(b"%2e".to_vec()),
        Just(b"%25".to_vec()),
        Just(b"%2F".to_vec()),
        Just(b";".to_vec()),
        Just(b"%3b".to_vec()),
        Just(b"%20".to_vec()),
        Just(b"%c3%b8".to_vec()),
        "[a-z0-9|!]{1,3}".prop_map(String::into_bytes),
        proptest::collection::vec(any::<u8>(), 1..3),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| [b"/".to_vec(), pieces.concat()].concat())
}

fn any_rules() -> impl Strategy<Value = PathRules> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(encoded_slash, matrix, space)| PathRules {
        encoded_slash,
        matrix,
        space,
        ignore_case: false,
    })
}

proptest! {
    #[test]
    fn the_short_way_is_the_long_way(raw in "/[a-z0-9./;%=:@!~-]{0,12}", rules in any_rules()) {
        if is_plain(raw.as_bytes()) {
            let long = CanonicalPath::parse_slowly(raw.as_bytes(), rules);
            prop_assert_eq!(long.map(|path| path.0), Ok(raw));
        }
    }

    #[test]
    fn a_canonical_path_is_its_own_canonical_form(raw in hostile(), rules in any_rules()) {
        if let Ok(path) = CanonicalPath::parse(&raw, rules) {
            prop_assert_eq!(CanonicalPath::parse(path.0.as_bytes(), rules), Ok(path));
        }
    }

    /// Whatever an app allows, too.
    #[test]
    fn what_comes_through_is_the_equivalent_path(raw in hostile(), rules in any_rules()) {
        if let Ok(path) = CanonicalPath::parse(&raw, rules) {
            prop_assert_eq!(path.0, reference(&raw));
        }
    }

    #[test]
    fn nothing_that_is_read_two_ways_comes_through(raw in hostile()) {
        if let Ok(path) = CanonicalPath::parse(&raw, PathRules::default()) {
            let path = path.as_str();
            prop_assert!(path.starts_with('/') && path.is_ascii());
            prop_assert!(!path.contains("//") && !path.contains(['\\', ';', '#', '?', ' ']));
            prop_assert!(path.split('/').all(|segment| segment != "." && segment != ".."));
            for escape in ["%2F", "%5C", "%2E", "%00", "%3B", "%23"] {
                prop_assert!(!path.contains(escape));
            }
        }
    }
}

/// The same again, by the letter of RFC 3986: normalisation of escapes (6.2.2.1, 6.2.2.2), of what is no `pchar`
/// as RFC 3987, section 3.1, maps it, of `//` as the policy has it, and of dot segments (5.2.4).
fn reference(raw: &[u8]) -> String {
    let mut spelled = String::new();
    let mut rest = raw;
    while let Some((first, tail)) = rest.split_first() {
        let (byte, encoded) = match first {
            b'%' => (u8::from_str_radix(std::str::from_utf8(&tail[..2]).unwrap(), 16).unwrap(), true),
            byte => (*byte, false),
        };
        rest = if encoded { &tail[2..] } else { tail };
        let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if unreserved || (!encoded && b"/!$&'()*+,;=:@".contains(&byte)) {
            spelled.push(char::from(byte));
        } else {
            spelled.push_str(&format!("%{byte:02X}"));
        }
    }
    while spelled.contains("//") {
        spelled = spelled.replace("//", "/");
    }
    let (mut input, mut output) = (spelled, String::new());
    while !input.is_empty() {
        if input.starts_with("/./") || input.starts_with("/../") {
            let up = input.starts_with("/../");
            input = input[if up { 3 } else { 2 }..].to_owned();
            output.truncate(if up { output.rfind('/').unwrap_or(0) } else { output.len() });
        } else if input == "/." || input == "/.." {
            output.truncate(if input == "/.." { output.rfind('/').unwrap_or(0) } else { output.len() });
            input = "/".to_owned();
        } else {
            let end = input[1..].find('/').map_or(input.len(), |end| end + 1);
            output.push_str(&input[..end]);
            input = input[end..].to_owned();
        }
    }
    output
}

/// Equal for equivalent paths, and never for two that are not: for every path of up to five of these pieces.
#[test]
fn no_two_resources_become_one() {
    const PIECES: [&str; 11] = ["/", ".", "%2e", "a", "%61", "A", "!", "%21", "\u{f8}", "%c3%b8", "~"];
    let mut paths = vec!["/".to_owned()];
    let mut from = 0;
    for _ in 0..5 {
        let until = paths.len();
        for longer in from..until {
            paths.extend(PIECES.map(|piece| format!("{}{piece}", paths[longer])));
        }
        from = until;
    }
    assert_eq!(paths.len(), (0..=5).map(|length| 11_usize.pow(length)).sum::<usize>());
    for path in paths {
        assert_eq!(parse(&path), Ok(reference(path.as_bytes())), "{path}");
    }
}
