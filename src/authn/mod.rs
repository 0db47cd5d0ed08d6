//! What a person has proven, and when. Pure.

pub mod authenticator;
pub mod ceremony;
pub mod code;
pub mod glass;
pub mod loan;
pub mod lockout;
pub mod mitid;
pub mod password;
pub mod throttle;
pub mod webauthn;

use std::fmt;

use crate::time::Timestamp;

/// A way of proving who one is.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Method {
    Password,
    Key,
    MitId,
}

impl Method {
    pub const ALL: [Self; 3] = [Self::Password, Self::Key, Self::MitId];

    /// The method's name in policies, logs and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Key => "key",
            Self::MitId => "mitid",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The level of assurance a MitID broker vouches for (NSIS; eIDAS 2015/1502). Ordered.
#[derive(Copy, Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum MitIdLevel {
    Low,
    Substantial,
    High,
}

impl MitIdLevel {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Substantial => "substantial",
            Self::High => "high",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Low, Self::Substantial, Self::High].into_iter().find(|level| level.name() == name)
    }
}

/// A WebAuthn credential id: up to 1023 bytes, chosen by the authenticator, unique across people.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub struct CredentialId(pub Vec<u8>);

/// A password was verified.
#[derive(Copy, Clone, Debug, Eq, PartialEq)]
pub struct PasswordEvidence {
    pub at: Timestamp,
}

/// A registered security key signed our challenge.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyEvidence {
    pub at: Timestamp,
    pub credential: CredentialId,
    /// The authenticator checked a PIN or a fingerprint (the UV flag).
    pub user_verified: bool,
    /// The key is lent, and proves nothing from here on; `None`: it is the person's own.
    pub until: Option<Timestamp>,
}

impl KeyEvidence {
    /// Whether it counts at `now`, its age aside: what a lent key has proven ends with the loan.
    pub fn counts(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// A MitID broker vouched for the person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MitIdEvidence {
    /// The broker's `auth_time`: when the person authenticated, not when we heard of it.
    pub at: Timestamp,
    pub subject: MitIdSubject,
    pub level: MitIdLevel,
}

/// Who a broker says somebody is: its issuer and the `sub` it gives that person (OpenID Connect Core, 2).
#[derive(Clone, Debug, Eq, PartialEq, Hash)]
pub struct MitIdSubject {
    pub issuer: String,
    pub subject: String,
}

/// All current evidence of a session: one slot a method, each holding the freshest proof.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Assurance {
    pub password: Option<PasswordEvidence>,
    pub key: Option<KeyEvidence>,
    pub mitid: Option<MitIdEvidence>,
}

/// One proof.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Evidence {
    Password(PasswordEvidence),
    Key(KeyEvidence),
    MitId(MitIdEvidence),
}

impl Assurance {
    /// When `method` was last proven.
    pub fn proven_at(&self, method: Method) -> Option<Timestamp> {
        match method {
            Method::Password => self.password.as_ref().map(|evidence| evidence.at),
            Method::Key => self.key.as_ref().map(|evidence| evidence.at),
            Method::MitId => self.mitid.as_ref().map(|evidence| evidence.at),
        }
    }

    /// When a key of the person's own last proved them: what a lent one proves opens apps, and changes nothing.
    pub fn own_key_at(&self) -> Option<Timestamp> {
        self.key.as_ref().filter(|key| key.until.is_none()).map(|key| key.at)
    }

    /// What of it counts at `now`, ages aside.
    #[must_use]
    pub fn counting(&self, now: Timestamp) -> Self {
        Self { key: self.key.clone().filter(|key| key.counts(now)), ..self.clone() }
    }

    pub fn is_empty(&self) -> bool {
        Method::ALL.iter().all(|method| self.proven_at(*method).is_none())
    }

    /// With `evidence` in its slot; an older proof never replaces a newer one.
    #[must_use]
    pub fn with(mut self, evidence: Evidence) -> Self {
        match evidence {
            Evidence::Password(new) => keep_newer(&mut self.password, new, |e| e.at),
            Evidence::Key(new) => keep_newer(&mut self.key, new, |e| e.at),
            Evidence::MitId(new) => keep_newer(&mut self.mitid, new, |e| e.at),
        }
        self
    }
}

fn keep_newer<E>(slot: &mut Option<E>, new: E, at: impl Fn(&E) -> Timestamp) {
    if slot.as_ref().is_none_or(|old| at(old) <= at(&new)) {
        *slot = Some(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_proof_never_replaces_a_newer() {
        let at = |seconds| Evidence::Password(PasswordEvidence { at: Timestamp::from_seconds(seconds) });
        let assurance = Assurance::default().with(at(10)).with(at(5));
        assert_eq!(assurance.proven_at(Method::Password), Some(Timestamp::from_seconds(10)));
        assert_eq!(assurance.with(at(20)).proven_at(Method::Password), Some(Timestamp::from_seconds(20)));
    }
}
