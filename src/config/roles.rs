//! Reading who may do what for other people.

use super::read::Reader;
use super::shape;
use crate::policy::document::Node;
use crate::policy::reader::Fields;
use crate::role::{Role, Roles};

pub(super) fn read(reader: &Reader<'_>, node: &Node) -> Roles {
    Fields::read(reader.report, node, &shape::ROLES, |fields| {
        let mut given = Vec::new();
        for role in Role::ALL {
            let groups = fields.optional(role.name()).map(|node| reader.report.texts(node));
            given.extend(groups.unwrap_or_default().into_iter().map(|group| (role, group)));
        }
        Roles::new(given)
    })
}
