//! What is answered when it is no (RFC 7644, section 3.12).

use http::StatusCode;
use serde_json::{Value, json};

use super::ERROR;

/// A request that is not done, and why: for the administrator who reads the provisioner's log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    pub kind: Kind,
    pub detail: String,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    InvalidFilter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    Mutability,
    NoTarget,
    Uniqueness,
    TooMany,
    Unauthorized,
    NotFound,
    /// It is no longer as the caller knew it.
    Precondition,
    /// Somebody else changed it at the same time, again and again.
    Busy,
    NotImplemented,
    Unavailable,
}

impl Kind {
    pub const fn status(self) -> StatusCode {
        match self {
            Self::InvalidFilter
            | Self::InvalidPath
            | Self::InvalidSyntax
            | Self::InvalidValue
            | Self::Mutability
            | Self::TooMany
            | Self::NoTarget => StatusCode::BAD_REQUEST,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Uniqueness | Self::Busy => StatusCode::CONFLICT,
            Self::Precondition => StatusCode::PRECONDITION_FAILED,
            Self::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// RFC 7644, table 9.
    const fn scim_type(self) -> Option<&'static str> {
        match self {
            Self::InvalidFilter => Some("invalidFilter"),
            Self::InvalidPath => Some("invalidPath"),
            Self::InvalidSyntax => Some("invalidSyntax"),
            Self::InvalidValue => Some("invalidValue"),
            Self::Mutability => Some("mutability"),
            Self::NoTarget => Some("noTarget"),
            Self::Uniqueness => Some("uniqueness"),
            Self::TooMany => Some("tooMany"),
            _ => None,
        }
    }
}

impl Refusal {
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }

    pub fn body(&self) -> Value {
        let status = self.kind.status().as_u16().to_string();
        let mut body = json!({ "schemas": [ERROR], "status": status, "detail": self.detail });
        if let Some(scim_type) = self.kind.scim_type() {
            body["scimType"] = scim_type.into();
        }
        body
    }
}
