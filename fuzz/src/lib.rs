//! What must hold of any bytes whatever: a function a target, for the fuzzer and for the corpus test alike.

use std::path::Path;
use std::sync::LazyLock;

use pingora::http::RequestHeader;
use sluse::authn::authenticator::SoftwareAuthenticator;
use sluse::authn::webauthn::{Assertion, Credential, RelyingParty, Verification};
use sluse::config::Config;
use sluse::policy::expression::{Expression, MethodSet};
use sluse::policy::path::{CanonicalPath, PathRules};
use sluse::policy::problem::Source;
use sluse::policy::{Request, decide, file};
use sluse::proxy::request;
use sluse::random::SeededRandom;
use sluse::secret::Secret;
use sluse::session::cookie::{self, SessionToken};
use sluse::store::{Key, RegisteredWith};
use sluse::time::Timestamp;
use sluse::user::UserId;

static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let text = include_str!("../../deploy/sluse.yaml").to_owned();
    let source = Source { name: "sluse.yaml".to_owned(), text };
    Config::parse(&source, Path::new("")).expect("the shipped configuration is sound")
});

/// A policy file is loaded, or told what is wrong with it; and what is loaded decides.
pub fn policy(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let source = Source { name: "fuzz.yaml".to_owned(), text: text.to_owned() };
    match file::parse(&[source], &CONFIG) {
        Ok(policy) => {
            for app in policy.apps() {
                let request = Request::new("GET", "/a/b");
                let _ = decide(app, &request, None, Timestamp::from_seconds(1_800_000_000));
            }
        }
        Err(problems) => {
            assert!(!problems.is_empty(), "a refusal says why");
            let lines = 1 + text.matches(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count();
            for problem in problems {
                assert!(problem.line <= lines, "{problem}");
                assert!(!problem.message.is_empty() && !problem.help.is_empty(), "{problem}");
            }
        }
    }
}

/// The first byte says what the app allows, the rest is the path. What comes through is its own canonical
/// form, and holds nothing that is read in two ways.
pub fn path(input: &[u8]) {
    let Some((flags, raw)) = input.split_first() else { return };
    let flag = |bit: u8| flags >> bit & 1 == 1;
    let rules = PathRules { encoded_slash: flag(0), matrix: flag(1), space: flag(2), ignore_case: flag(3) };
    let Ok(path) = CanonicalPath::parse(raw, rules) else { return };
    let text = path.as_str();
    assert!(text.starts_with('/') && text.is_ascii(), "{text}");
    assert!(!text.contains("//") && !text.contains(['\\', '#', '?', ' ']), "{text}");
    assert!(text.split('/').all(|segment| segment != "." && segment != ".."), "{text}");
    assert!(rules.matrix || !(text.contains(';') || text.contains("%3B")), "{text}");
    assert!(rules.encoded_slash || !(text.contains("%2F") || text.contains("%5C")), "{text}");
    assert_eq!(CanonicalPath::parse(text.as_bytes(), rules).as_ref(), Ok(&path));
}

/// A line with method and target, and a line a field. What is read names its host in one spelling.
pub fn head(input: &[u8]) {
    let Some(head) = read_head(input) else { return };
    let _ = (request::is_navigation(&head), request::protocol(&head), request::is_websocket(&head));
    let _ = request::as_sent(&head, input);
    let Ok(target) = request::read(&head) else { return };
    assert_eq!(request::canonical_host(&target.host).as_deref(), Some(target.host.as_str()));
    assert!(target.raw_path.starts_with(b"/"), "{target:?}");
    assert!(!target.raw_path.contains(&b'?'), "{target:?}");
}

fn read_head(input: &[u8]) -> Option<RequestHeader> {
    let mut lines = input.split(|byte| *byte == b'\n').map(|line| line.trim_ascii_end());
    let mut words = lines.next()?.split(|byte| *byte == b' ');
    let (method, target) = (words.next()?, words.next()?);
    let mut head = RequestHeader::build(method, target, None).ok()?;
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = (std::str::from_utf8(&line[..colon]).ok()?, line[colon + 1..].trim_ascii());
        head.append_header(name.to_owned(), value).ok()?;
    }
    Some(head)
}

/// An expression's normal form, written out, is read as the same normal form.
pub fn expression(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(expression) = Expression::parse(text) else { return };
    assert!(!expression.sets().is_empty());
    for set in expression.sets() {
        let needs: Vec<_> = set.needs().iter().map(|need| need.method()).collect();
        assert!(!needs.is_empty() && (1..needs.len()).all(|n| !needs[..n].contains(&needs[n])), "{text}");
    }
    let written: Vec<String> = expression.sets().iter().map(MethodSet::to_string).collect();
    if let Ok(again) = Expression::parse(&written.join(" | ")) {
        assert_eq!(again, expression, "{text}");
    }
}

/// Cookie lines. None of ours is left for an upstream, and no token is made up.
pub fn cookie(input: &[u8]) {
    let lines = || input.split(|byte| *byte == b'\n');
    if let Some(value) = cookie::read(lines(), cookie::SESSION) {
        let token = SessionToken::parse(value, &Secret::new([7; 32]), "cura.kommune.example");
        assert!(token.is_none(), "a token without the key: {value}");
    }
    if let Some(kept) = cookie::without_ours(lines()) {
        assert!(!cookie::carries_ours(std::iter::once(&kept[..])), "{kept:?}");
        assert_eq!(cookie::without_ours(std::iter::once(&kept[..])).as_ref(), Some(&kept));
    }
}

/// A ceremony that nobody answered: no bytes are a proof.
pub fn assertion(input: &[u8]) {
    let (relying_party, assertion, credential) = &*ASKED;
    assert!(relying_party.verify(assertion, credential, input).is_err(), "a touch that was never made");
}

static ASKED: LazyLock<(RelyingParty, Assertion, Credential)> = LazyLock::new(|| {
    let random = SeededRandom::new(1);
    let origin = "https://login.kommune.example".parse().expect("it is an address");
    let relying_party = RelyingParty::new("login.kommune.example", &origin, "Sluse").expect("they fit");
    let (credential, passkey) = SoftwareAuthenticator::new(&random).make_credential();
    let key = Key {
        credential,
        user: UserId(sluse::random::uuid(&random)),
        name: "a software key".to_owned(),
        passkey,
        registered_at: Timestamp::EPOCH,
        registered_with: RegisteredWith::Code,
        used_at: None,
        suspect: false,
        loan: None,
    };
    let keys = std::slice::from_ref(&key);
    let (_, assertion) = relying_party
        .begin_assertion(key.user, keys, Verification::Discouraged)
        .expect("the person has a key");
    (relying_party, assertion, Credential::of(&key).expect("it was just made"))
});
