use super::*;
use crate::time::Timestamp;
use crate::user::UserId;

fn record(n: i64) -> AuditRecord {
    AuditRecord {
        at: Timestamp::from_seconds(n),
        event: "password-wrong".to_owned(),
        user: None,
        username: Some(format!("typed {n}")),
        address: Some("10.20.0.7".parse().unwrap()),
        correlation: format!("c{n}"),
        detail: "{}".to_owned(),
    }
}

/// Rows as a store holds them.
type Rows = Vec<(Link, Option<AuditRecord>)>;

fn chained(positions: impl IntoIterator<Item = AuditPosition>) -> (Link, Link, Rows) {
    let anchor = Link { position: 0, hash: ChainHash::genesis() };
    let mut head = anchor;
    let rows = positions.into_iter().map(|position| {
        head = Link { position, hash: head.hash.followed_by(position, &record(position)) };
        (head, Some(record(position)))
    });
    let rows = rows.collect();
    (anchor, head, rows)
}

fn faults((anchor, head, rows): (Link, Link, Rows), noted: Option<Link>) -> Vec<Fault> {
    let mut verifier = Verifier::new(anchor, head, noted);
    for (link, record) in &rows {
        verifier.row(*link, record.as_ref());
    }
    verifier.end().faults
}

/// What is done to five rows, and what is found.
#[test]
fn what_is_done_behind_the_chain_is_found() {
    type Deed = fn(&mut Rows);
    let swap: Deed = |rows| {
        let (a, b) = (rows[1].1.clone(), rows[2].1.clone());
        (rows[1].1, rows[2].1) = (b, a);
    };
    let renumbered: Deed = |rows| {
        rows.remove(1);
        for (n, (link, _)) in rows.iter_mut().enumerate() {
            link.position = n as i64 + 1;
        }
    };
    let cases: [(&str, Deed, Vec<Fault>); 12] = [
        ("nothing", |_| {}, vec![]),
        ("changed", |rows| rows[2].1.as_mut().unwrap().username = None, vec![Fault::Changed(3)]),
        ("made unreadable", |rows| rows[2].1 = None, vec![Fault::Unreadable(3)]),
        (
            "changed, with a hash to fit",
            |rows| {
                let changed = record(33);
                rows[2] =
                    (Link { position: 3, hash: rows[1].0.hash.followed_by(3, &changed) }, Some(changed));
            },
            vec![Fault::Changed(4)],
        ),
        ("the first removed", |rows| drop(rows.remove(0)), vec![Fault::Missing { first: 1, last: 1 }]),
        ("removed", |rows| drop(rows.drain(1..3)), vec![Fault::Missing { first: 2, last: 3 }]),
        ("the last removed", |rows| rows.truncate(3), vec![Fault::Missing { first: 4, last: 5 }]),
        ("all removed", Vec::clear, vec![Fault::Missing { first: 1, last: 5 }]),
        ("swapped", swap, vec![Fault::Changed(2), Fault::Changed(3)]),
        (
            "removed and renumbered",
            renumbered,
            vec![
                Fault::Changed(2),
                Fault::Changed(3),
                Fault::Changed(4),
                Fault::Missing { first: 5, last: 5 },
            ],
        ),
        (
            "added",
            |rows| rows.push((Link { position: 6, hash: ChainHash::genesis() }, Some(record(6)))),
            vec![Fault::Added(6)],
        ),
        (
            "the last replaced, with a hash to fit",
            |rows| {
                let changed = record(55);
                rows[4] =
                    (Link { position: 5, hash: rows[3].0.hash.followed_by(5, &changed) }, Some(changed));
            },
            vec![Fault::HeadChanged(5)],
        ),
    ];
    for (name, deed, expected) in cases {
        let (anchor, head, mut rows) = chained(1..=5);
        deed(&mut rows);
        assert_eq!(faults((anchor, head, rows), None), expected, "{name}");
    }
}

#[test]
fn a_gap_that_was_chained_is_no_fault() {
    assert_eq!(faults(chained([3, 4, 9]), None), []);
    assert_eq!(faults(chained([]), None), []);
}

#[test]
fn what_is_forgotten_from_the_beginning_is_no_fault() {
    let (_, head, mut rows) = chained(1..=5);
    let anchor = rows[1].0;
    rows.drain(..2);
    assert_eq!(faults((anchor, head, rows.clone()), None), []);
    rows.remove(0);
    assert_eq!(faults((anchor, head, rows), None), [Fault::Missing { first: 3, last: 3 }]);
}

/// Even where the whole chain was made anew.
#[test]
fn a_noted_row_tells_of_a_new_chain() {
    let (anchor, head, rows) = chained(1..=5);
    let noted = rows[2].0;
    assert_eq!(faults((anchor, head, rows.clone()), Some(noted)), []);
    assert_eq!(faults((anchor, head, rows), Some(head)), []);
    let (anchor, head, mut rows) = chained(1..=1);
    let mut end = head;
    for position in 2..=5 {
        end = Link { position, hash: end.hash.followed_by(position, &record(9)) };
        rows.push((end, Some(record(9))));
    }
    assert_eq!(faults((anchor, end, rows.clone()), None), []);
    assert_eq!(faults((anchor, end, rows), Some(noted)), [Fault::NotAsNoted(3)]);
    let (anchor, head, rows) = chained(1..=2);
    assert_eq!(faults((anchor, head, rows), Some(noted)), [Fault::NotAsNoted(3)]);
}

#[test]
fn every_part_of_a_row_is_in_its_hash() {
    let base = record(1);
    let hash = |position, record: &AuditRecord| ChainHash::genesis().followed_by(position, record);
    let changed = |change: fn(&mut AuditRecord)| {
        let mut record = base.clone();
        change(&mut record);
        hash(1, &record)
    };
    let variants = [
        hash(1, &base),
        hash(2, &base),
        ChainHash([7; 32]).followed_by(1, &base),
        changed(|record| record.at = Timestamp::EPOCH),
        changed(|record| record.event = "password-set".to_owned()),
        changed(|record| record.user = Some(UserId(uuid::Uuid::nil()))),
        changed(|record| record.username = None),
        changed(|record| record.username = Some(String::new())),
        changed(|record| record.address = None),
        changed(|record| record.address = Some("10.20.0.8".parse().unwrap())),
        changed(|record| record.correlation.push('x')),
        changed(|record| record.detail = "{ }".to_owned()),
        // What ends one part may not begin the next.
        changed(|record| (record.username, record.correlation) = (Some("typed 1c".into()), "1".into())),
    ];
    let different: std::collections::HashSet<ChainHash> = variants.into_iter().collect();
    assert_eq!(different.len(), variants.len());
}

#[test]
fn the_encoding_does_not_change() {
    // A change of it would make every chain there is look forged.
    let hash = ChainHash::genesis().followed_by(1, &record(1));
    assert_eq!(hash.to_string(), "2cd0a71989dce394f72f65f3b7704cc2224c96074b424c33a62bc8b02803a2f2");
    assert_eq!(ChainHash::parse(&hash.to_string()), Some(hash));
}
