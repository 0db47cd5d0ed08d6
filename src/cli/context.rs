//! What the commands that work on the store have in common.

use std::sync::Arc;

use anyhow::Context as _;

use crate::audit::{Entry, Event, Origin};
use crate::authn::loan::Terms;
use crate::authn::password::{Passwords, Rules};
use crate::desk::{Action, Desk, Outcome, Performer};
use crate::random::{self, Random};
use crate::secret::Keys;
use crate::store::Store;
use crate::time::{Clock, Timestamp};
use crate::user::{User, Username};

use super::input::Input;

/// What a command works with.
pub struct Context<'a> {
    pub store: Arc<dyn Store>,
    pub keys: &'a Keys,
    pub passwords: &'a Passwords,
    pub rules: Rules,
    /// How long spare keys are lent.
    pub loans: Terms,
    pub clock: &'a dyn Clock,
    pub random: &'a dyn Random,
    pub input: &'a dyn Input,
    /// Who runs the command, for the audit: their name on the machine.
    pub operator: &'a str,
}

/// How a command answers.
#[derive(Copy, Clone, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// For scripts.
    Json,
}

/// The answer is no: nothing is wrong with the command or the installation, but it was not done. Exit code 1.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

impl Context<'_> {
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) async fn user(&self, name: &Username) -> anyhow::Result<User> {
        let user = self.store.user_by_name(name).await?;
        Ok(user.ok_or_else(|| Refused(format!("there is no user `{name}`")))?)
    }

    /// Begins a record of something this command has done.
    pub(super) fn entry(&self, event: Event) -> Entry {
        self.desk().entry(event)
    }

    /// What is done for people, in the operator's name. The machine's own operator needs nobody's leave.
    pub(super) fn desk(&self) -> Desk<'_> {
        let correlation = random::nonce(self.random).split_off(31);
        Desk {
            store: self.store.as_ref(),
            random: self.random,
            performer: Performer::Operator(self.operator),
            origin: Origin { at: self.now(), address: None, correlation },
            keep_one: &[],
        }
    }

    /// Does it; how many signings in were ended.
    pub(super) async fn ended(&self, user: &User, action: &Action) -> anyhow::Result<usize> {
        match self.desk().perform(user, action).await? {
            Outcome::Done(ended) => Ok(ended.len()),
            _ => Ok(0),
        }
    }

    pub(super) async fn record(&self, entry: Entry) -> anyhow::Result<()> {
        let appended = self.store.append_audit(&entry.into_record()).await;
        appended.context("the change was made, but the audit could not be written")
    }

    /// How many signings in were ended.
    pub(super) async fn end_sign_ins(&self, user: &User) -> anyhow::Result<usize> {
        let ended = self.store.end_sign_ins(user.id, None, self.now()).await;
        Ok(ended
            .context("the change was made, but the person's sessions could not be ended: run it again")?
            .len())
    }
}

/// `1 session`, `2 sessions`.
pub(super) fn count(n: usize, thing: &str) -> String {
    format!("{n} {thing}{}", if n == 1 { "" } else { "s" })
}
