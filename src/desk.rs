//! What is done for other people, by a service desk's pages and by the command line: each action in one place,
//! with the audit's record of who did it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::audit::{self, Entry, Event, Origin};
use crate::authn::CredentialId;
use crate::authn::code::Code;
use crate::random::Random;
use crate::role::Duty;
use crate::store::desk::{AccountLock, Closed};
use crate::store::{AuditRecord, SignInId, Store, StoreError};
use crate::time::Timestamp;
use crate::user::User;

/// How long a one-time code may be used: long enough for a first day at work.
pub const CODE_LIFETIME: Duration = Duration::from_hours(24);

/// How long the link that marks a shared device may be opened: as long as it takes to fetch the tablet.
pub const LINK_LIFETIME: Duration = Duration::from_hours(1);

/// Something done for another person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Holds the reason; empty where a command gave none.
    Lock(String),
    Unlock,
    UnlockPassword,
    Revoke(CredentialId),
    EndSession(SignInId),
    EndSessions,
    /// A one-time code for a first key.
    Invite,
    /// The first moment after the account's last day, or none.
    Expire(Option<Timestamp>),
}

impl Action {
    /// Its name and what it is about, as requests and addresses carry them.
    pub fn parse(name: &str, target: &str) -> Option<Self> {
        let action = match name {
            "lock" => Self::Lock(target.to_owned()),
            "unlock" => Self::Unlock,
            "unlock-password" => Self::UnlockPassword,
            "revoke" => Self::Revoke(CredentialId(URL_SAFE_NO_PAD.decode(target).ok()?)),
            "end-session" => Self::EndSession(SignInId(Uuid::parse_str(target).ok()?)),
            "end-sessions" => Self::EndSessions,
            "invite" => Self::Invite,
            "expire" if target.is_empty() => Self::Expire(None),
            "expire" => Self::Expire(Some(Timestamp::from_millis(target.parse().ok()?))),
            _ => return None,
        };
        Some(action)
    }

    pub const fn name(&self) -> &'static str {
        match self {
            Self::Lock(_) => "lock",
            Self::Unlock => "unlock",
            Self::UnlockPassword => "unlock-password",
            Self::Revoke(_) => "revoke",
            Self::EndSession(_) => "end-session",
            Self::EndSessions => "end-sessions",
            Self::Invite => "invite",
            Self::Expire(_) => "expire",
        }
    }

    pub fn target(&self) -> String {
        match self {
            Self::Lock(reason) => reason.clone(),
            Self::Revoke(credential) => URL_SAFE_NO_PAD.encode(&credential.0),
            Self::EndSession(id) => id.0.to_string(),
            Self::Expire(Some(end)) => end.as_millis().to_string(),
            Self::Unlock | Self::UnlockPassword | Self::EndSessions | Self::Invite | Self::Expire(None) => {
                String::new()
            }
        }
    }

    /// What whoever does it for `person` must be allowed. A later end opens an account as much as unlocking does.
    pub fn duty(&self, person: &User) -> Duty {
        match self {
            Self::Lock(_) => Duty::Lock,
            Self::Unlock | Self::UnlockPassword => Duty::Unlock,
            Self::Revoke(_) | Self::EndSession(_) | Self::EndSessions => Duty::Revoke,
            Self::Invite => Duty::Invite,
            Self::Expire(end) => match (person.expires_at, end) {
                (Some(_), None) => Duty::Unlock,
                (Some(before), Some(after)) if *after > before => Duty::Unlock,
                _ => Duty::Lock,
            },
        }
    }
}

/// What became of an action.
#[derive(Debug)]
pub enum Outcome {
    /// Holds the signings in that were ended: whoever has them in memory must forget them.
    Done(Vec<SignInId>),
    /// To be shown this once.
    Code { code: Code, expires_at: Timestamp },
    /// There was nothing to do: no such key or session, or no lock.
    Nothing,
    /// A code for an account that is locked or has expired would be of no use.
    Inactive,
    /// Nobody would be left who administers.
    LastAdministrator,
}

/// Who acts.
#[derive(Copy, Clone, Debug)]
pub enum Performer<'a> {
    /// At the machine itself, by their name there.
    Operator(&'a str),
    /// At the admin pages.
    Officer(&'a User),
}

/// Acts for others, in the name of one performer.
pub struct Desk<'a> {
    pub store: &'a dyn Store,
    pub random: &'a dyn Random,
    pub performer: Performer<'a>,
    pub origin: Origin,
    /// The groups of which one active person must be left.
    pub keep_one: &'a [String],
}

impl Desk<'_> {
    /// Does it. A failure means that it was not done, or that sessions may still be open: do it again.
    pub async fn perform(&self, person: &User, action: &Action) -> Result<Outcome, StoreError> {
        match action {
            Action::Lock(reason) => self.lock(person, reason).await,
            Action::Unlock => {
                let told = self.told(Event::UserEnabled, person);
                let done = self.store.unlock_account(person.id, &told).await?;
                Ok(said(&told, done.then(Vec::new)))
            }
            Action::UnlockPassword => self.unlock_password(person).await,
            Action::Revoke(credential) => self.revoke(person, credential).await,
            Action::EndSession(id) => self.end(person, Some(*id)).await,
            Action::EndSessions => self.end(person, None).await,
            Action::Invite => self.invite(person).await,
            Action::Expire(end) => self.expire(person, *end).await,
        }
    }

    /// Begins a record of something this performer has done.
    pub fn entry(&self, event: Event) -> Entry {
        let entry = Entry::new(event, &self.origin);
        match self.performer {
            Performer::Operator(name) => entry.with("operator", name),
            Performer::Officer(user) => entry.with("by", user.username.as_str()),
        }
    }

    fn told(&self, event: Event, person: &User) -> AuditRecord {
        self.entry(event).user(person).into_record()
    }

    async fn lock(&self, person: &User, reason: &str) -> Result<Outcome, StoreError> {
        let by = match self.performer {
            Performer::Operator(name) => name.to_owned(),
            Performer::Officer(user) => user.username.to_string(),
        };
        let lock = AccountLock { reason: reason.to_owned(), by, at: self.origin.at };
        let mut entry = self.entry(Event::UserDisabled).user(person);
        if !reason.is_empty() {
            entry = entry.with("reason", reason);
        }
        let told = entry.into_record();
        let closed = self.store.lock_account(person.id, &lock, self.keep_one, &told).await?;
        Ok(closed_or_not(&told, closed))
    }

    async fn unlock_password(&self, person: &User) -> Result<Outcome, StoreError> {
        let told = self.told(Event::AccountUnlocked, person);
        let was_locked = self.store.unlock_password(person.id, self.origin.at, &told).await?;
        audit::say(&told);
        Ok(if was_locked { Outcome::Done(Vec::new()) } else { Outcome::Nothing })
    }

    /// The key first: nothing it proves is believed from then on.
    async fn revoke(&self, person: &User, credential: &CredentialId) -> Result<Outcome, StoreError> {
        let keys = self.store.keys(person.id).await?;
        let Some(key) = keys.iter().find(|key| key.credential == *credential) else {
            return Ok(Outcome::Nothing);
        };
        let told = self.entry(Event::KeyDeleted).user(person).with("key", key.name.as_str()).into_record();
        if !self.store.delete_key(person.id, credential, &told).await? {
            return Ok(Outcome::Nothing);
        }
        audit::say(&told);
        Ok(Outcome::Done(self.store.end_sign_ins(person.id, None, self.origin.at).await?))
    }

    async fn end(&self, person: &User, one: Option<SignInId>) -> Result<Outcome, StoreError> {
        let told = self.told(Event::LoggedOut, person);
        let ended = self.store.end_sign_ins_of(person.id, one, self.origin.at, &told).await?;
        Ok(said(&told, (!ended.is_empty()).then_some(ended)))
    }

    async fn invite(&self, person: &User) -> Result<Outcome, StoreError> {
        if !person.active(self.origin.at) {
            return Ok(Outcome::Inactive);
        }
        let code = Code::generate(self.random);
        let expires_at = self.origin.at.plus(CODE_LIFETIME);
        let entry = self.entry(Event::UserInvited).user(person);
        let told = entry.with("expires_at", expires_at.to_rfc3339()).into_record();
        self.store.add_code(person.id, &code.hash(), expires_at).await?;
        self.store.append_audit(&told).await?;
        audit::say(&told);
        Ok(Outcome::Code { code, expires_at })
    }

    async fn expire(&self, person: &User, end: Option<Timestamp>) -> Result<Outcome, StoreError> {
        let shown = end.map(Timestamp::to_rfc3339);
        let told = self.entry(Event::UserChanged).user(person).with("expires_at", shown).into_record();
        let closed = self.store.set_expiry(person.id, end, self.origin.at, &told).await?;
        Ok(closed_or_not(&told, closed))
    }
}

fn closed_or_not(told: &AuditRecord, closed: Closed) -> Outcome {
    match closed {
        Closed::Closed(ended) => said(told, Some(ended)),
        Closed::Unknown => Outcome::Nothing,
        Closed::LastOne => Outcome::LastAdministrator,
    }
}

fn said(told: &AuditRecord, done: Option<Vec<SignInId>>) -> Outcome {
    match done {
        Some(ended) => {
            audit::say(told);
            Outcome::Done(ended)
        }
        None => Outcome::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::{UserId, Username};

    fn person(expires_at: Option<i64>) -> User {
        User {
            id: UserId(Uuid::nil()),
            username: Username::parse("nez").unwrap(),
            name: "Nez".to_owned(),
            groups: Vec::new(),
            claims: Vec::new(),
            cpr: None,
            disabled: false,
            expires_at: expires_at.map(Timestamp::from_seconds),
            created_at: Timestamp::EPOCH,
        }
    }

    #[test]
    fn an_action_is_read_as_it_is_written() {
        for action in [
            Action::Lock("nøglen er \"stjålet\"".to_owned()),
            Action::Unlock,
            Action::UnlockPassword,
            Action::Revoke(CredentialId(vec![0, 255, 62])),
            Action::EndSession(SignInId(Uuid::from_u128(7))),
            Action::EndSessions,
            Action::Invite,
            Action::Expire(None),
            Action::Expire(Some(Timestamp::from_seconds(5))),
        ] {
            assert_eq!(Action::parse(action.name(), &action.target()), Some(action));
        }
        for (name, target) in
            [("", ""), ("delete", ""), ("revoke", "!"), ("end-session", "7"), ("expire", "x")]
        {
            assert_eq!(Action::parse(name, target), None, "{name} {target}");
        }
    }

    #[test]
    fn a_later_end_is_an_opening() {
        let end = |seconds| Action::Expire(Some(Timestamp::from_seconds(seconds)));
        for (before, action, duty) in [
            (None, end(5), Duty::Lock),
            (Some(5), end(4), Duty::Lock),
            (Some(5), end(6), Duty::Unlock),
            (Some(5), Action::Expire(None), Duty::Unlock),
        ] {
            assert_eq!(action.duty(&person(before)), duty, "{before:?} {action:?}");
        }
    }
}
