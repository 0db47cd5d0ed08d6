//! A store, a keyboard and a standing clock, to run commands against.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use clap::{Args, FromArgMatches as _, Subcommand};

use super::input::Input;
use super::{Context, audit, device, explain, invite, key, session, trace, user};
use crate::audit::Event;
use crate::authn::loan::Terms;
use crate::authn::password::{Cost, Passwords, Rules};
use crate::random::{self, SeededRandom};
use crate::secret::{Keys, Secret};
use crate::store::sqlite::Sqlite;
use crate::store::{AuditQuery, AuditRecord, SessionRecord, SignIn, SignInId, Store, TokenHash};
use crate::time::{Clock as _, ManualClock, Timestamp};
use crate::user::{User, UserId, Username};

pub(super) struct Fixture {
    pub(super) store: Arc<dyn Store>,
    pub(super) keys: Keys,
    pub(super) passwords: Passwords,
    pub(super) keyboard: Keyboard,
    clock: ManualClock,
    random: SeededRandom,
    folder: tempfile::TempDir,
}

impl Fixture {
    /// The clock stands at 2026-11-22 09:54:56.007, Danish time.
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            store: Arc::new(Sqlite::open(&folder.path().join("sluse.db")).await.unwrap()),
            keys: Keys::derive(&[1; 32]),
            passwords: Passwords::new(Cost::danger_cheap()),
            keyboard: Keyboard::default(),
            clock: ManualClock::at(Timestamp::from_millis(1_795_337_696_007)),
            random: SeededRandom::new(1),
            folder,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn context(&self) -> Context<'_> {
        Context {
            store: Arc::clone(&self.store),
            keys: &self.keys,
            passwords: &self.passwords,
            rules: Rules::default(),
            loans: Terms::default(),
            clock: &self.clock,
            random: &self.random,
            input: &self.keyboard,
            operator: "tester",
        }
    }

    pub(super) async fn user(&self, args: &[&str]) -> anyhow::Result<String> {
        let matches = user::Command::augment_subcommands(command()).try_get_matches_from(words(args))?;
        let mut out = Vec::new();
        user::run(user::Command::from_arg_matches(&matches)?, &self.context(), &mut out).await?;
        Ok(String::from_utf8(out)?)
    }

    pub(super) async fn audit(&self, args: &[&str]) -> anyhow::Result<String> {
        let matches = audit::Audit::augment_subcommands(command()).try_get_matches_from(words(args))?;
        let mut out = Vec::new();
        audit::run(audit::Audit::from_arg_matches(&matches)?, &self.context(), &mut out).await?;
        Ok(String::from_utf8(out)?)
    }

    pub(super) async fn device(&self, args: &[&str]) -> anyhow::Result<String> {
        let matches = device::Command::augment_subcommands(command()).try_get_matches_from(words(args))?;
        let (mut out, login) = (Vec::new(), url::Url::parse("https://login.example").unwrap());
        let command = device::Command::from_arg_matches(&matches)?;
        device::run(command, &self.context(), &login, &mut out).await?;
        Ok(String::from_utf8(out)?)
    }

    pub(super) async fn key(&self, args: &[&str]) -> anyhow::Result<String> {
        let matches = key::Command::augment_subcommands(command()).try_get_matches_from(words(args))?;
        let mut out = Vec::new();
        key::run(key::Command::from_arg_matches(&matches)?, &self.context(), &mut out).await?;
        Ok(String::from_utf8(out)?)
    }

    pub(super) async fn session_command(&self, args: &[&str]) -> anyhow::Result<String> {
        let matches = session::Command::augment_subcommands(command()).try_get_matches_from(words(args))?;
        let mut out = Vec::new();
        session::run(session::Command::from_arg_matches(&matches)?, &self.context(), &mut out).await?;
        Ok(String::from_utf8(out)?)
    }

    /// What the audit would tell of something done to a person.
    pub(super) fn record(&self, event: Event, user: &User) -> AuditRecord {
        self.context().entry(event).user(user).into_record()
    }

    pub(super) async fn invite(&self, args: &[&str]) -> anyhow::Result<String> {
        let matches = invite::Invite::augment_args(command()).try_get_matches_from(words(args))?;
        let mut out = Vec::new();
        invite::run(invite::Invite::from_arg_matches(&matches)?, &self.context(), &mut out).await?;
        Ok(String::from_utf8(out)?)
    }

    /// `sluse explain CODE`.
    pub(super) async fn explain(&self, args: &[&str]) -> anyhow::Result<String> {
        let matches = explain::ExplainArgs::augment_args(command()).try_get_matches_from(words(args))?;
        let args = explain::ExplainArgs::from_arg_matches(&matches)?;
        let mut out = Vec::new();
        trace::run((&args.method, args.format), &self.context(), &mut out).await?;
        Ok(String::from_utf8(out)?)
    }

    /// Imports a file with this content.
    pub(super) async fn import(&self, content: &[u8]) -> anyhow::Result<String> {
        let file: PathBuf = self.folder.path().join("people.csv");
        std::fs::write(&file, content)?;
        self.user(&["import", file.to_str().expect("a path in UTF-8")]).await
    }

    pub(super) async fn person(&self, name: &str) -> User {
        let user = User {
            id: UserId(random::uuid(&self.random)),
            username: Username::parse(name).unwrap(),
            name: format!("{}{}", name[..1].to_uppercase(), &name[1..]),
            groups: Vec::new(),
            claims: Vec::new(),
            cpr: None,
            disabled: false,
            expires_at: None,
            created_at: self.now(),
        };
        assert!(self.store.add_user(&user).await.unwrap());
        user
    }

    pub(super) async fn named(&self, name: &str) -> User {
        self.store.user_by_name(&Username::parse(name).unwrap()).await.unwrap().expect("they were added")
    }

    /// Logs the person in; the session's token.
    pub(super) async fn session(&self, user: &User) -> TokenHash {
        let token = TokenHash(random::bytes(&self.random));
        let sign_in = SignIn {
            id: SignInId(random::uuid(&self.random)),
            user: user.id,
            started_at: self.now(),
            expires_at: self.now().plus(std::time::Duration::from_hours(8)),
            seen_at: self.now(),
            shared: false,
        };
        let assurance = crate::authn::Assurance::default();
        let session = SessionRecord { token, host: "cura.localhost".to_owned(), sign_in, assurance };
        assert!(self.store.put_session(&session, None).await.unwrap());
        token
    }

    /// The codes of what was recorded, oldest first.
    pub(super) async fn events(&self) -> Vec<String> {
        let rows = self.store.audit(&AuditQuery { limit: 1000, ..AuditQuery::default() }).await.unwrap();
        rows.into_iter().map(|row| row.record.event).collect()
    }

    /// Whether the bytes are anywhere in the store's files.
    pub(super) fn store_contains(&self, bytes: &[u8]) -> bool {
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().path());
        let contents: Vec<_> = files
            .filter(|file| {
                file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("sluse.db"))
            })
            .map(|file| std::fs::read(file).unwrap())
            .collect();
        assert!(!contents.is_empty());
        contents.iter().any(|content| content.windows(bytes.len()).any(|window| window == bytes))
    }
}

fn command() -> clap::Command {
    clap::Command::new("test")
}

fn words<'a>(args: &'a [&str]) -> impl Iterator<Item = &'a str> {
    std::iter::once("test").chain(args.iter().copied())
}

/// Types what it was told to.
#[derive(Default)]
pub(super) struct Keyboard {
    lines: Mutex<Vec<String>>,
    /// What was asked for, in order.
    pub(super) asked: Mutex<Vec<String>>,
    pub(super) terminal: bool,
}

impl Keyboard {
    pub(super) fn will_type(&self, lines: &[&str]) {
        *self.lines.lock().unwrap() = lines.iter().rev().map(|line| (*line).to_owned()).collect();
    }
}

impl Input for Keyboard {
    fn secret(&self, prompt: &str) -> io::Result<Secret<String>> {
        self.asked.lock().unwrap().push(prompt.to_owned());
        let line = self.lines.lock().unwrap().pop();
        line.map(Secret::new).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn interactive(&self) -> bool {
        self.terminal
    }
}
