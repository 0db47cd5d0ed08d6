//! People and groups brought by another system: SCIM 2.0 (RFC 7643, RFC 7644), the parts that Microsoft Entra
//! ID, Okta and others of their kind use.
//!
//! # Layout
//!
//! - [`filter`]: filters and the paths of a PATCH, parsed. [`patch`]: a PATCH, parsed and applied. Pure.
//! - [`user`], [`group`]: from our records to SCIM's resources and back. [`schema`]: what we say of ourselves.
//! - [`listing`]: parts of lists, and parts of resources. [`refusal`]: what is answered when it is no.
//! - [`endpoint`]: the router.

pub mod endpoint;
pub mod filter;
pub mod group;
pub mod listing;
pub mod patch;
pub mod refusal;
pub mod schema;
pub mod user;

use self::filter::Attribute;

/// What an administrator decides of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The attribute that brings a CPR number, if one does. It is hashed, and never shown.
    pub cpr: Option<Attribute>,
    /// Claims by name, each from one of [`user::CLAIMABLE`].
    pub claims: Vec<(String, &'static str)>,
}

impl Default for Settings {
    fn default() -> Self {
        let claims = [("department", "department"), ("employee_number", "employeeNumber")];
        Self { cpr: None, claims: claims.map(|(claim, from)| (claim.to_owned(), from)).into() }
    }
}

/// URNs of RFC 7643, section 10, and of RFC 7644, section 8.2.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
pub const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// Where all of it is on the admin listener.
pub const ROOT: &str = "/scim/v2";
