//! Session tokens and the cookies that carry them.
//!
//! A token is 256 random bits and a MAC over them and the host, under a key the nodes share. So a made-up
//! token, or one from another host, is refused before anything is looked up; and the store, which holds
//! only the hash of the random bits, could not be used to make one.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64_simd::Out;

use crate::random::{self, Random};
use crate::secret::Secret;
use crate::store::TokenHash;

/// The session at a host. `__Host-` (RFC 6265bis, 4.1.3.2): Secure, no Domain, so that no other host, and
/// no plain connection, can plant it.
pub const SESSION: &str = "__Host-sluse";
/// Binds ceremonies to a browser, at the login host.
pub const BROWSER: &str = "__Host-sluse-browser";
/// Binds a hand-off to the browser that asked for it, at an app's host.
pub const ASK: &str = "__Host-sluse-ask";
/// Names the parked request that this browser sends next, at an app's host.
pub const RETURNING: &str = "__Host-sluse-returning";
/// The language somebody chose.
pub const LANGUAGE: &str = "__Host-sluse-lang";
/// The one-time code that vouches for a first key, between typing it and the touch.
pub const CODE: &str = "__Host-sluse-code";
/// Marks this device as one that many people use, at the login host.
pub const SHARED: &str = "__Host-sluse-shared";
/// *Husk brugernavn*.
pub const USERNAME: &str = "__Host-sluse-name";

/// By which a browser is known to the people who have logged in with it: see [`crate::authn::lockout`].
pub const DEVICE: &str = "__Host-sluse-device";

/// Every cookie of ours begins so, in any letter case; none of them ever reaches an upstream.
const PREFIX: &[u8] = b"__host-sluse";

const RANDOM: usize = 32;
const MAC: usize = 16;

/// A token whose MAC was verified, or that was just made.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken([u8; RANDOM + MAC]);

impl SessionToken {
    pub fn new(random: &dyn Random, key: &Secret<[u8; 32]>, host: &str) -> Self {
        let bits: [u8; RANDOM] = random::bytes(random);
        let mut token = [0; RANDOM + MAC];
        token[..RANDOM].copy_from_slice(&bits);
        token[RANDOM..].copy_from_slice(&mac(key, host, &bits));
        Self(token)
    }

    /// `None` unless the value is one of ours, for this host.
    pub fn parse(value: &str, key: &Secret<[u8; 32]>, host: &str) -> Option<Self> {
        let mut token = [0; RANDOM + MAC];
        // Exact length first: the decoder never sees a megabyte of cookie.
        if value.len() != (RANDOM + MAC) * 4 / 3 {
            return None;
        }
        let read = base64_simd::URL_SAFE_NO_PAD.decode(value.as_bytes(), Out::from_slice(&mut token)).ok()?;
        if read.len() != RANDOM + MAC {
            return None;
        }
        let (bits, tag) = token.split_at(RANDOM);
        let genuine: bool = subtle::ConstantTimeEq::ct_eq(&mac(key, host, bits)[..], tag).into();
        genuine.then_some(Self(token))
    }

    /// What the store and the cache know it by.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0[..RANDOM])
    }

    /// The cookie's value: 64 characters of base64url.
    pub fn value(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(…)")
    }
}

fn mac(key: &Secret<[u8; 32]>, host: &str, bits: &[u8]) -> [u8; MAC] {
    let mut hasher = blake3::Hasher::new_keyed(key.expose());
    hasher.update(bits);
    // The random part has a fixed length, so no host can be read as part of it.
    hasher.update(host.as_bytes());
    let mut mac = [0; MAC];
    mac.copy_from_slice(&hasher.finalize().as_bytes()[..MAC]);
    mac
}

/// The value of the cookie `name` in the request's Cookie lines. `None` if it is absent, and also if it is
/// there twice: somebody planted one of them, and nobody can say which.
pub fn read<'a>(lines: impl Iterator<Item = &'a [u8]>, name: &str) -> Option<&'a str> {
    let mut found = None;
    for crumb in lines.flat_map(crumbs) {
        let Some((crumb_name, value)) = split(crumb) else { continue };
        if crumb_name == name.as_bytes() && found.replace(value).is_some() {
            return None;
        }
    }
    found.and_then(|value| std::str::from_utf8(value).ok())
}

/// The Cookie line for the upstream: one line (RFC 9113, 8.2.3), every other cookie byte for byte, none of
/// ours. `None` if nothing is left.
pub fn without_ours<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let mut kept: Vec<u8> = Vec::new();
    for crumb in lines.flat_map(crumbs) {
        let crumb = crumb.trim_ascii();
        if crumb.is_empty() || is_ours(crumb) {
            continue;
        }
        if !kept.is_empty() {
            kept.extend_from_slice(b"; ");
        }
        kept.extend_from_slice(crumb);
    }
    (!kept.is_empty()).then_some(kept)
}

/// Whether any of the lines carries a cookie of ours.
pub fn carries_ours<'a>(lines: impl Iterator<Item = &'a [u8]>) -> bool {
    lines.flat_map(crumbs).any(|crumb| is_ours(crumb.trim_ascii()))
}

/// The names of the cookies that are not ours.
pub fn foreign_names<'a>(lines: impl Iterator<Item = &'a [u8]>) -> impl Iterator<Item = &'a str> {
    lines.flat_map(crumbs).filter(|crumb| !is_ours(crumb.trim_ascii())).filter_map(|crumb| {
        let (name, _) = split(crumb)?;
        // RFC 9110, 5.6.2: a token, and nothing that could say more than its name.
        let token = |b: &u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b);
        let fine = !name.is_empty() && name.iter().all(token);
        std::str::from_utf8(name).ok().filter(|_| fine)
    })
}

fn crumbs(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let line = rest?;
        let (crumb, after) = match memchr::memchr(b';', line) {
            Some(end) => (&line[..end], Some(&line[end + 1..])),
            None => (line, None),
        };
        rest = after;
        Some(crumb)
    })
}

fn split(crumb: &[u8]) -> Option<(&[u8], &[u8])> {
    let crumb = crumb.trim_ascii();
    let equals = memchr::memchr(b'=', crumb)?;
    Some((crumb[..equals].trim_ascii(), crumb[equals + 1..].trim_ascii()))
}

fn is_ours(crumb: &[u8]) -> bool {
    crumb.len() >= PREFIX.len() && crumb[..PREFIX.len()].eq_ignore_ascii_case(PREFIX)
}

/// How long a browser keeps a cookie.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub enum Keep {
    /// Until it is closed.
    Session,
    Year,
    Drop,
}

/// A Set-Cookie value for one of our cookies (RFC 6265bis, 4.1).
pub fn set(name: &'static str, value: &str, keep: Keep) -> String {
    let cookie = cookie::Cookie::build((name, value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(cookie::SameSite::Lax);
    let cookie = match keep {
        Keep::Session => cookie,
        Keep::Year => cookie.max_age(cookie::time::Duration::days(365)),
        Keep::Drop => cookie.max_age(cookie::time::Duration::ZERO),
    };
    cookie.build().encoded().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    fn key(byte: u8) -> Secret<[u8; 32]> {
        Secret::new([byte; 32])
    }

    #[test]
    fn a_token_is_good_at_its_host_under_its_key_alone() {
        let token = SessionToken::new(&SeededRandom::new(1), &key(1), "cura.example");
        let value = token.value();
        assert_eq!(value.len(), 64);
        assert_eq!(SessionToken::parse(&value, &key(1), "cura.example"), Some(token));
        assert_eq!(SessionToken::parse(&value, &key(1), "login.example"), None);
        assert_eq!(SessionToken::parse(&value, &key(2), "cura.example"), None);
    }

    #[test]
    fn a_token_changed_anywhere_is_refused() {
        let value = SessionToken::new(&SeededRandom::new(1), &key(1), "a").value();
        for at in 0..value.len() {
            let mut changed = value.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(SessionToken::parse(&changed, &key(1), "a"), None, "position {at}");
        }
        for odd in ["", "x", &value[1..], &format!("{value}A"), &"A".repeat(1 << 20)] {
            assert_eq!(SessionToken::parse(odd, &key(1), "a"), None);
        }
    }

    #[test]
    fn a_cookie_given_twice_is_no_cookie() {
        let read = |lines: &[&'static str]| read(lines.iter().map(|line| line.as_bytes()), SESSION);
        assert_eq!(read(&["a=1; __Host-sluse=x; b=2"]), Some("x"));
        assert_eq!(read(&["a=1", "__Host-sluse=x"]), Some("x"));
        assert_eq!(read(&["__Host-sluse=x; __Host-sluse=y"]), None);
        assert_eq!(read(&["__Host-sluse=x", "__Host-sluse=x"]), None);
        assert_eq!(read(&["__Host-sluse-browser=x"]), None);
        assert_eq!(read(&["__host-sluse=x"]), None);
    }

    #[test]
    fn none_of_our_cookies_is_kept_for_the_upstream() {
        let rest = |lines: &[&'static str]| {
            without_ours(lines.iter().map(|line| line.as_bytes()))
                .map(|kept| String::from_utf8(kept).unwrap())
        };
        assert_eq!(rest(&["a=1; __Host-sluse=x;b=\"2 \""]).as_deref(), Some("a=1; b=\"2 \""));
        assert_eq!(rest(&["a=1", "__Host-sluse=x", "b=2"]).as_deref(), Some("a=1; b=2"));
        assert_eq!(rest(&["__Host-sluse=x; __HOST-SLUSE-ask=y; __Host-sluse"]), None);
        assert_eq!(rest(&["odd; =x; sluse=1"]).as_deref(), Some("odd; =x; sluse=1"));
    }

    #[test]
    fn the_names_of_others_are_told_apart_from_ours() {
        let line: &[u8] = b"a=1; __Host-sluse=x; JSESSIONID=y; odd; =z; b d=2; c=";
        assert_eq!(foreign_names(std::iter::once(line)).collect::<Vec<_>>(), ["a", "JSESSIONID", "c"]);
    }

    #[test]
    fn cookies_are_set_for_one_host_and_out_of_reach_of_scripts() {
        assert_eq!(
            set(SESSION, "x", Keep::Session),
            "__Host-sluse=x; HttpOnly; SameSite=Lax; Secure; Path=/"
        );
        assert!(set(SESSION, "", Keep::Drop).contains("Max-Age=0"));
    }
}
