//! Reading how temps get in: units' spare keys, and identity papers.

use std::time::Duration;

use super::methods::LEVELS;
use super::read::Reader;
use super::shape;
use crate::authn::MitIdLevel;
use crate::authn::loan::Terms;
use crate::policy::document::Node;
use crate::policy::reader::Fields;

const DAY: Duration = Duration::from_hours(24);

pub(super) fn spare_keys(reader: &Reader<'_>, node: &Node) -> Terms {
    let default = Terms::default();
    Fields::read(reader.report, node, &shape::SPARE_KEYS, |fields| {
        let mut duration = |name, default| {
            let Some(node) = fields.optional(name) else { return default };
            let Some(stated) = reader.report.duration(node) else { return default };
            if stated.is_zero() || stated > DAY {
                let message = "a key is lent for more than nothing and at most `24h`";
                reader.report.add(node.span, message, "write a shift: `9h`");
            }
            stated
        };
        Terms { usual: duration("usual", default.usual), longest: duration("longest", default.longest) }
    })
}

/// The level of a key that was registered on papers.
pub(super) fn papers(reader: &Reader<'_>, node: &Node) -> MitIdLevel {
    Fields::read(reader.report, node, &shape::PAPERS, |fields| {
        let level = fields.optional("level").and_then(|node| reader.report.choice(node, &LEVELS));
        level.unwrap_or(MitIdLevel::Low)
    })
}
