//! Tokens that programs carry (RFC 6750), as the admin listener asks for them.

use std::path::{Path, PathBuf};

use http::{HeaderMap, header};
use subtle::ConstantTimeEq as _;

/// A token that is let in, by its BLAKE3 hash.
#[derive(Copy, Clone)]
pub struct Bearer([u8; 32]);

/// The shortest token, in bytes: 128 bits as hexadecimal digits.
const SHORTEST: usize = 32;

/// Why a file's token is of no use.
#[derive(Debug, thiserror::Error)]
pub enum TokenFileError {
    #[error("`{path}` cannot be read: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error(
        "`{0}` must hold {SHORTEST} characters or more (make it: `head -c 32 /dev/urandom | base64 > {0}`)",
        path.display()
    )]
    TooShort { path: PathBuf },
}

impl Bearer {
    /// The token in the file.
    pub fn load(path: &Path) -> Result<Self, TokenFileError> {
        let path = path.to_owned();
        match super::load_text(&path) {
            Err(source) => Err(TokenFileError::Unreadable { path, source }),
            Ok(token) if token.expose().trim().len() < SHORTEST => Err(TokenFileError::TooShort { path }),
            Ok(token) => Ok(Self::of(token.expose().trim())),
        }
    }

    fn of(token: &str) -> Self {
        Self(*blake3::hash(token.as_bytes()).as_bytes())
    }

    /// Whether the request carries it. Hashes are compared, and in constant time: how long it takes tells nothing
    /// of the token.
    pub fn lets_in(&self, headers: &HeaderMap) -> bool {
        let mut given = headers.get_all(header::AUTHORIZATION).iter();
        let (Some(one), None) = (given.next(), given.next()) else { return false };
        let Some((scheme, token)) = one.to_str().ok().and_then(|value| value.split_once(' ')) else {
            return false;
        };
        let same = Self::of(token.trim()).0.ct_eq(&self.0);
        scheme.eq_ignore_ascii_case("Bearer") && bool::from(same)
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn only_the_token_lets_in() {
        let bearer = Bearer::of("5c6e0f7a9d3b4412a8f1e6d2c7b90345");
        let carries = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
            }
            bearer.lets_in(&headers)
        };
        let right = "Bearer 5c6e0f7a9d3b4412a8f1e6d2c7b90345";
        assert!(carries(&[right]) && carries(&["bearer 5c6e0f7a9d3b4412a8f1e6d2c7b90345"]));
        for wrong in [
            "Bearer 5c6e0f7a9d3b4412a8f1e6d2c7b90346",
            "Bearer 5c6e0f7a9d3b4412a8f1e6d2c7b9034",
            "Basic 5c6e0f7a9d3b4412a8f1e6d2c7b90345",
            "5c6e0f7a9d3b4412a8f1e6d2c7b90345",
            "Bearer ",
            "Bearer",
            "",
        ] {
            assert!(!carries(&[wrong]), "{wrong}");
        }
        assert!(!carries(&[]) && !carries(&[right, right]));
    }
}
