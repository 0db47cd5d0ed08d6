//! Reading what the admin pages ask for.

use super::read::Reader;
use super::shape;
use crate::policy::document::Node;
use crate::policy::reader::Fields;
use crate::role::{Duty, Rules};

pub(super) const PROOFS: [(&str, Proof); 3] =
    [("key", Proof::Key), ("key(pin)", Proof::KeyPin), ("mitid", Proof::MitId)];

/// What may take four eyes.
pub(super) const DUTIES: [(&str, Duty); 4] =
    [("lock", Duty::Lock), ("unlock", Duty::Unlock), ("revoke", Duty::Revoke), ("invite", Duty::Invite)];

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    Key,
    KeyPin,
    MitId,
}

pub(super) fn read(reader: &Reader<'_>, node: &Node) -> Rules {
    let report = reader.report;
    Fields::read(report, node, &shape::DESK, |fields| {
        let mut rules = Rules::default();
        if let Some(node) = fields.optional("proof") {
            let proofs: Vec<Proof> =
                report.items(node).iter().filter_map(|item| report.choice(item, &PROOFS)).collect();
            if !proofs.contains(&Proof::Key) && !proofs.contains(&Proof::KeyPin) {
                report.add(node.span, "the admin pages need a key", "write `proof: [key, mitid]`");
            }
            rules.pin = !proofs.contains(&Proof::Key);
            rules.mitid = proofs.contains(&Proof::MitId);
        }
        if let Some(node) = fields.optional("four_eyes") {
            rules.four_eyes =
                report.items(node).iter().filter_map(|item| report.choice(item, &DUTIES)).collect();
        }
        if let Some(within) = fields.optional("answer_within").and_then(|node| report.duration(node)) {
            rules.answer_within = within;
        }
        rules
    })
}
