//! The audit as a chain: each row's hash covers the row and the hash before it, so that none can be changed,
//! taken out or moved without every later hash telling.
//!
//! Whoever can write the store's file can make a new chain. A hash that is kept elsewhere, as every row of an
//! export has it, shows that too.

use std::fmt;

use super::{AuditPosition, AuditRecord};

/// The hash of a row and of all before it.
#[derive(Copy, Clone, PartialEq, Eq, Hash)]
pub struct ChainHash(pub [u8; 32]);

impl ChainHash {
    /// What the first row of all follows.
    pub fn genesis() -> Self {
        Self(blake3::derive_key(CONTEXT, b"genesis"))
    }

    /// The hash of `record` at `position`, after the row whose hash this is.
    ///
    /// Canonical encoding: the hash before; then position and milliseconds as 8 bytes, little-endian; then
    /// event, user (16 bytes), user name, address (as text), correlation and detail, each as 0 if it is absent
    /// and otherwise 1, its length in bytes as 8 bytes, little-endian, and the bytes.
    #[must_use]
    pub fn followed_by(&self, position: AuditPosition, record: &AuditRecord) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher.update(&self.0);
        hasher.update(&position.to_le_bytes());
        hasher.update(&record.at.as_millis().to_le_bytes());
        let address = record.address.map(|address| address.to_string());
        for part in [
            Some(record.event.as_bytes()),
            record.user.as_ref().map(|user| user.0.as_bytes().as_slice()),
            record.username.as_deref().map(str::as_bytes),
            address.as_deref().map(str::as_bytes),
            Some(record.correlation.as_bytes()),
            Some(record.detail.as_bytes()),
        ] {
            match part {
                None => hasher.update(&[0]),
                Some(part) => hasher.update(&[1]).update(&(part.len() as u64).to_le_bytes()).update(part),
            };
        }
        Self(*hasher.finalize().as_bytes())
    }

    /// From 64 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        blake3::Hash::from_hex(text).ok().map(|hash| Self(*hash.as_bytes()))
    }
}

const CONTEXT: &str = "sluse 2026-11 audit chain";

/// 64 hexadecimal digits.
impl fmt::Display for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        blake3::Hash::from(self.0).to_hex().fmt(f)
    }
}

impl fmt::Debug for ChainHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A place in the chain: a row's position and hash.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Link {
    pub position: AuditPosition,
    pub hash: ChainHash,
}

/// Something that is not as it was written.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The row holds what the gateway never writes.
    Unreadable(AuditPosition),
    /// The row does not follow from the one before it.
    Changed(AuditPosition),
    /// These, both ends included, are gone.
    Missing { first: AuditPosition, last: AuditPosition },
    /// The row stands after the newest that was written.
    Added(AuditPosition),
    /// The newest row is not the one that was written last.
    HeadChanged(AuditPosition),
    /// The row is not the one that was noted elsewhere.
    NotAsNoted(AuditPosition),
    /// Where the chain begins and ends is not known any more.
    NoChain,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(row) => write!(f, "row {row} was changed: it cannot be read"),
            Self::Changed(row) => {
                write!(f, "row {row} does not follow from the row before it: it, or that one, was changed")
            }
            Self::Missing { first, last } if first == last => write!(f, "row {first} is missing"),
            Self::Missing { first, last } => write!(f, "rows {first} to {last} are missing"),
            Self::Added(row) => write!(f, "row {row} was added behind the gateway's back"),
            Self::HeadChanged(row) => {
                write!(f, "row {row}, the newest, is not the one that was written last")
            }
            Self::NotAsNoted(row) => write!(f, "row {row} is not the one that was noted"),
            Self::NoChain => f.write_str("the record of where the chain begins and ends is gone"),
        }
    }
}

/// What a look at the whole chain found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    pub rows: u64,
    /// The last row that was forgotten by retention; position 0 if none was.
    pub anchor: Link,
    pub head: Link,
    /// In the order of their rows, the first [`Verifier::MOST_FAULTS`].
    pub faults: Vec<Fault>,
}

/// Looks at the rows of a chain, one after the other.
pub struct Verifier {
    found: Verification,
    /// The row before, as it claims to be.
    before: Link,
    noted: Option<Link>,
}

impl Verifier {
    /// More faults than these are not told one by one.
    pub const MOST_FAULTS: usize = 100;

    /// `noted` is a row as it was seen before, outside of the store.
    pub fn new(anchor: Link, head: Link, noted: Option<Link>) -> Self {
        let found = Verification { rows: 0, anchor, head, faults: Vec::new() };
        Self { found, before: anchor, noted }
    }

    /// Takes the next row, by position: as it was read, or that it cannot be, and the hash it holds.
    pub fn row(&mut self, link: Link, record: Option<&AuditRecord>) {
        let Link { position, hash } = link;
        self.found.rows += 1;
        if position > self.found.head.position {
            self.fault(Fault::Added(position));
        } else {
            match record {
                None => self.fault(Fault::Unreadable(position)),
                // A gap that was there when the rows were chained is no fault: the hash goes across it.
                Some(record) if self.before.hash.followed_by(position, record) == hash => {}
                Some(_) if position > self.before.position + 1 => {
                    self.fault(Fault::Missing { first: self.before.position + 1, last: position - 1 });
                }
                Some(_) => self.fault(Fault::Changed(position)),
            }
        }
        if self.noted.is_some_and(|noted| noted.position == position && noted.hash != hash) {
            self.fault(Fault::NotAsNoted(position));
        }
        self.before = link;
    }

    /// There are no more rows.
    pub fn end(mut self) -> Verification {
        let Verification { anchor, head, .. } = self.found;
        if self.before.position < head.position {
            self.fault(Fault::Missing { first: self.before.position + 1, last: head.position });
        } else if self.before.position == head.position && self.before.hash != head.hash {
            self.fault(Fault::HeadChanged(head.position));
        }
        // A row that is noted and gone: forgotten honestly, or not written yet by this chain.
        match self.noted {
            Some(noted) if noted.position > head.position => self.fault(Fault::NotAsNoted(noted.position)),
            Some(noted) if noted.position == anchor.position && noted.hash != anchor.hash => {
                self.fault(Fault::NotAsNoted(noted.position));
            }
            _ => {}
        }
        self.found
    }

    fn fault(&mut self, fault: Fault) {
        if self.found.faults.len() < Self::MOST_FAULTS {
            self.found.faults.push(fault);
        }
    }
}

#[cfg(test)]
#[path = "chain_tests.rs"]
mod tests;
