//! Which country an address is in, by a file of the administrator's.

use std::net::IpAddr;
use std::path::Path;

use maxminddb::{MaxMindDbError, Reader};
use serde::Deserialize;

/// A database in MaxMind's format (MaxMind DB File Format 2.0) that knows countries: GeoLite2-Country, DB-IP's
/// Country Lite, and those with cities, too. All of it is in memory.
pub struct Atlas(Reader<Vec<u8>>);

/// Two letters (ISO 3166-1 alpha-2).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Country([u8; 2]);

#[derive(Debug, thiserror::Error)]
#[error("{path} is no database of countries in MaxMind's format: {error}")]
pub struct AtlasError {
    path: String,
    error: MaxMindDbError,
}

#[derive(Deserialize)]
struct Place<'a> {
    #[serde(borrow)]
    country: Option<Named<'a>>,
}

#[derive(Deserialize)]
struct Named<'a> {
    iso_code: Option<&'a str>,
}

impl Atlas {
    pub fn load(path: &Path) -> Result<Self, AtlasError> {
        let shown = || path.display().to_string();
        Reader::open_readfile(path).map(Self).map_err(|error| AtlasError { path: shown(), error })
    }

    /// `None` for what it does not know, such as an address of the house's own network.
    pub fn country(&self, address: IpAddr) -> Option<Country> {
        let place: Place<'_> = self.0.lookup(address.to_canonical()).ok()?.decode().ok()??;
        Country::parse(place.country?.iso_code?)
    }
}

impl Country {
    pub fn parse(code: &str) -> Option<Self> {
        let code: [u8; 2] = code.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(Self(code))
    }
}

impl std::fmt::Display for Country {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [first, second] = self.0.map(char::from);
        write!(f, "{first}{second}")
    }
}
