//! `provisioning:`, whether another system brings people and groups (SCIM).

use std::path::PathBuf;

use super::read::{FileKind, Reader};
use super::shape;
use crate::policy::document::Node;
use crate::policy::reader::{Fields, nearest};
use crate::provisioning::filter::Attribute;
use crate::provisioning::{Settings, user};

/// Who may bring people, and how they are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provisioning {
    /// The file of the token that opens the endpoint.
    pub token_file: PathBuf,
    pub settings: Settings,
}

pub(super) fn read(reader: &Reader<'_>, node: &Node) -> Option<Provisioning> {
    let report = reader.report;
    Fields::read(report, node, &shape::PROVISIONING, |fields| {
        let token_file = fields.required("token_file").and_then(|node| reader.file(node, FileKind::Token));
        let help = "write the attribute's name, after its schema: `urn:kommune:scim:2.0:User:cpr`";
        let cpr = fields.optional("cpr").map(|node| report.parse(node, help, Attribute::parse));
        let claims = fields.optional("claims").map(|node| {
            let entries = report.entries(node).iter();
            entries.filter_map(|(key, node)| Some((key.name.clone(), claimable(reader, node)?))).collect()
        });
        let settings = Settings { cpr: cpr.flatten(), claims: claims.unwrap_or(Settings::default().claims) };
        Some(Provisioning { token_file: token_file?, settings })
    })
}

fn claimable(reader: &Reader<'_>, node: &Node) -> Option<&'static str> {
    let names = user::CLAIMABLE.map(|(name, _)| name);
    let help = format!("a claim can be made of {}", names.join(", "));
    reader.report.parse(node, &help, |text| {
        names.into_iter().find(|name| *name == text).ok_or_else(|| match nearest(text, &names) {
            Some(near) => format!("`{text}` cannot be a claim: did you mean `{near}`?"),
            None => format!("`{text}` cannot be a claim"),
        })
    })
}
