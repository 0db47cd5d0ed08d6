//! A session at rest: all that it is, in one run of bytes. In use it takes five times as much.
//!
//! Numbers are LEB128, texts their length and their bytes, times the milliseconds from the beginning of the signing
//! in (zigzag). It never leaves the process: there is no version, and nothing to be compatible with.

use std::sync::Arc;

use super::{LiveSignIn, Session};
use crate::assertion::Recent;
use crate::authn::{
    Assurance, CredentialId, KeyEvidence, MitIdEvidence, MitIdLevel, MitIdSubject, PasswordEvidence,
};
use crate::store::TokenHash;
use crate::time::Timestamp;
use crate::user::{CprHash, User, UserId, Username};

/// The bytes. Broken glass is not in them: a session that has some stays in use.
pub(super) struct Packed(Box<[u8]>);

const LEVELS: [MitIdLevel; 3] = [MitIdLevel::Low, MitIdLevel::Substantial, MitIdLevel::High];

impl Packed {
    pub fn of(session: &Session) -> Self {
        let Session { token: _, host, user, assurance, sign_in, glass: _, told: _, loaded_at } = session;
        let mut to = Writer { bytes: Vec::with_capacity(320), base: sign_in.started_at };
        to.text(host);
        to.time(*loaded_at);
        to.user(user);
        to.assurance(assurance);
        // Copied, for an allocator may give nothing back of what grew too large.
        Self(to.bytes.as_slice().into())
    }

    /// The session again. `None` if the bytes are not one's: then the store knows.
    pub fn unpack(&self, token: TokenHash, sign_in: Arc<LiveSignIn>) -> Option<Session> {
        let mut from = Reader { bytes: &self.0, base: sign_in.started_at };
        let host = from.text()?;
        let loaded_at = from.time()?;
        let user = Arc::new(from.user(sign_in.user)?);
        let assurance = from.assurance()?;
        let (glass, told) = (Arc::default(), Recent::default());
        Some(Session { token, host, user, assurance, sign_in, glass, told, loaded_at })
    }
}

struct Writer {
    bytes: Vec<u8>,
    base: Timestamp,
}

impl Writer {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number.to_le_bytes()[0] | 0x80);
            number >>= 7;
        }
        self.bytes.push(number.to_le_bytes()[0]);
    }

    fn run(&mut self, run: &[u8]) {
        self.number(run.len() as u64);
        self.bytes.extend_from_slice(run);
    }

    fn text(&mut self, text: &str) {
        self.run(text.as_bytes());
    }

    fn flag(&mut self, flag: bool) {
        self.bytes.push(flag.into());
    }

    fn time(&mut self, at: Timestamp) {
        let away = at.as_millis().wrapping_sub(self.base.as_millis());
        self.number((away.cast_unsigned() << 1) ^ (away >> 63).cast_unsigned());
    }

    fn optional<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.flag(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    /// But for the id, which the signing in has.
    fn user(&mut self, user: &User) {
        let User { id: _, username, name, groups, claims, cpr, disabled, expires_at, created_at } = user;
        self.text(username.as_str());
        self.text(name);
        self.number(groups.len() as u64);
        for group in groups {
            self.text(group);
        }
        self.number(claims.len() as u64);
        for (claim, value) in claims {
            self.text(claim);
            self.text(value);
        }
        self.optional(cpr.as_ref(), |to, cpr| to.bytes.extend_from_slice(cpr.as_bytes()));
        self.flag(*disabled);
        self.optional(*expires_at, Self::time);
        self.time(*created_at);
    }

    fn assurance(&mut self, assurance: &Assurance) {
        let Assurance { password, key, mitid } = assurance;
        self.optional(password.as_ref(), |to, PasswordEvidence { at }| to.time(*at));
        self.optional(key.as_ref(), |to, KeyEvidence { at, credential, user_verified, until }| {
            to.time(*at);
            to.run(&credential.0);
            to.flag(*user_verified);
            to.optional(*until, Self::time);
        });
        self.optional(mitid.as_ref(), |to, MitIdEvidence { at, subject, level }| {
            to.time(*at);
            to.text(&subject.issuer);
            to.text(&subject.subject);
            to.number(LEVELS.iter().take_while(|known| *known != level).count() as u64);
        });
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    base: Timestamp,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    fn run(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        self.take(length)
    }

    fn str(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.run()?).ok()
    }

    fn text(&mut self) -> Option<String> {
        self.str().map(str::to_owned)
    }

    fn flag(&mut self) -> Option<bool> {
        Some(*self.take(1)?.first()? != 0)
    }

    fn time(&mut self) -> Option<Timestamp> {
        let number = self.number()?;
        let away = (number >> 1).cast_signed() ^ -(number & 1).cast_signed();
        Some(Timestamp::from_millis(self.base.as_millis().wrapping_add(away)))
    }

    /// `None` if the bytes are wrong, `Some(None)` if the value is absent.
    fn optional<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.flag()? { read(self).map(Some) } else { Some(None) }
    }

    fn many<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = self.length()?;
        (0..length).map(|_| read(self)).collect()
    }

    fn user(&mut self, id: UserId) -> Option<User> {
        Some(User {
            id,
            username: Username::parse(self.str()?).ok()?,
            name: self.text()?,
            groups: self.many(Self::text)?,
            claims: self.many(|from| Some((from.text()?, from.text()?)))?,
            cpr: self.optional(|from| Some(CprHash::from_bytes(from.take(32)?.try_into().ok()?)))?,
            disabled: self.flag()?,
            expires_at: self.optional(Self::time)?,
            created_at: self.time()?,
        })
    }

    fn assurance(&mut self) -> Option<Assurance> {
        Some(Assurance {
            password: self.optional(|from| Some(PasswordEvidence { at: from.time()? }))?,
            key: self.optional(|from| {
                Some(KeyEvidence {
                    at: from.time()?,
                    credential: CredentialId(from.run()?.to_vec()),
                    user_verified: from.flag()?,
                    until: from.optional(Self::time)?,
                })
            })?,
            mitid: self.optional(|from| {
                Some(MitIdEvidence {
                    at: from.time()?,
                    subject: MitIdSubject { issuer: from.text()?, subject: from.text()? },
                    level: *LEVELS.get(from.length()?)?,
                })
            })?,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::store::{SignIn, SignInId};

    prop_compose! {
        fn any_user()(
            name in "[a-zæøå]{1,20}",
            shown in ".{0,30}",
            groups in prop::collection::vec(".{0,12}", 0..4),
            claims in prop::collection::vec((".{0,8}", ".{0,200}"), 0..3),
            cpr in prop::option::of(any::<[u8; 32]>()),
            disabled: bool,
            expires_at in prop::option::of(any::<i64>()),
            created_at: i64,
        ) -> User {
            User {
                id: UserId(Uuid::from_u128(1)),
                username: Username::parse(&name).unwrap(),
                name: shown,
                groups,
                claims,
                cpr: cpr.map(CprHash::from_bytes),
                disabled,
                expires_at: expires_at.map(Timestamp::from_millis),
                created_at: Timestamp::from_millis(created_at),
            }
        }
    }

    prop_compose! {
        fn any_assurance()(
            password in prop::option::of(any::<i64>()),
            key in prop::option::of((any::<i64>(), prop::collection::vec(any::<u8>(), 0..1023), any::<bool>(), prop::option::of(any::<i64>()))),
            mitid in prop::option::of((any::<i64>(), ".{0,40}", ".{0,40}", prop::sample::select(LEVELS.to_vec()))),
        ) -> Assurance {
            Assurance {
                password: password.map(|at| PasswordEvidence { at: Timestamp::from_millis(at) }),
                key: key.map(|(at, credential, user_verified, until)| KeyEvidence {
                    at: Timestamp::from_millis(at),
                    credential: CredentialId(credential),
                    user_verified,
                    until: until.map(Timestamp::from_millis),
                }),
                mitid: mitid.map(|(at, issuer, subject, level)| MitIdEvidence {
                    at: Timestamp::from_millis(at),
                    subject: MitIdSubject { issuer, subject },
                    level,
                }),
            }
        }
    }

    fn session(user: User, assurance: Assurance, [started, loaded]: [i64; 2]) -> Session {
        let sign_in = LiveSignIn::new(&SignIn {
            id: SignInId(Uuid::from_u128(2)),
            user: user.id,
            started_at: Timestamp::from_millis(started),
            expires_at: Timestamp::EPOCH,
            seen_at: Timestamp::EPOCH,
            shared: false,
        });
        Session {
            token: TokenHash([3; 32]),
            host: "cura.kommune.example".to_owned(),
            user: Arc::new(user),
            assurance,
            sign_in: Arc::new(sign_in),
            glass: Arc::default(),
            told: Recent::default(),
            loaded_at: Timestamp::from_millis(loaded),
        }
    }

    proptest! {
        #[test]
        fn a_session_is_the_same_after_its_rest(user in any_user(), assurance in any_assurance(), times: [i64; 2]) {
            let session = session(user, assurance, times);
            let again = Packed::of(&session).unpack(session.token, session.sign_in.clone()).unwrap();
            prop_assert_eq!((&again.token, &again.host, again.loaded_at), (&session.token, &session.host, session.loaded_at));
            prop_assert_eq!((again.user, again.assurance), (session.user, session.assurance));
        }

        #[test]
        fn what_was_cut_off_is_no_session(user in any_user(), assurance in any_assurance(), cut: prop::sample::Index) {
            let session = session(user, assurance, [0, 1]);
            let Packed(whole) = Packed::of(&session);
            let part = Packed(whole[..cut.index(whole.len())].into());
            prop_assert!(part.unpack(session.token, session.sign_in.clone()).is_none());
        }
    }
}
