//! `sluse bench prepare`: people to log in as, with keys in software.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::comparison;
use crate::audit::Event;
use crate::authn::authenticator::SoftwareAuthenticator;
use crate::authn::{CredentialId, webauthn::Algorithm};
use crate::cli::Context;
use crate::random::{self, SeededRandom};
use crate::secret::Secret;
use crate::store::{Key, RegisteredWith};
use crate::user::{User, UserId, Username};

/// Nobody is left in an installation for ever because it was measured once.
const LIFE: Duration = Duration::from_hours(24);

/// Add people to log in as, each with a password and a key in software; their accounts end after a day
#[derive(Debug, clap::Args)]
pub struct PrepareArgs {
    /// How many
    #[arg(long, value_name = "N", default_value = "100")]
    people: NonZeroUsize,
    /// A group they are in; repeat for more
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// The file that is written, for `sluse bench login` and `sluse bench proxy`. Whoever reads it can be them
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Somebody to log in as.
#[derive(Clone, Serialize, Deserialize)]
pub struct Person {
    pub username: String,
    pub password: String,
    /// What the key is made of.
    seed: u64,
}

impl Person {
    /// The person's key: the same each time it is made.
    pub fn with_key<T>(&self, use_key: impl FnOnce(&mut SoftwareAuthenticator<'_>) -> T) -> T {
        let random = SeededRandom::new(self.seed);
        let mut key = SoftwareAuthenticator::new(&random);
        // It keeps no count: it is made anew for every touch.
        (key.algorithm, key.sign_count) = (Algorithm::Es256, None);
        key.make_credential();
        use_key(&mut key)
    }

    fn credential(&self) -> (CredentialId, String) {
        let random = SeededRandom::new(self.seed);
        let mut key = SoftwareAuthenticator::new(&random);
        (key.algorithm, key.sign_count) = (Algorithm::Es256, None);
        key.make_credential()
    }
}

/// Reads what [`prepare`] wrote: one person a line.
pub fn load(path: &Path) -> anyhow::Result<Vec<Person>> {
    let people = comparison::load(path)?;
    anyhow::ensure!(
        !people.is_empty(),
        "`{}` names nobody: make it with `sluse bench prepare`",
        path.display()
    );
    Ok(people)
}

pub async fn prepare(args: &PrepareArgs, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    // One for all of them: what checking it costs is the same.
    let password = random::nonce(context.random);
    let phc = context.passwords.hash(&Secret::new(password.clone()), context.random).await?;
    let batch = &random::nonce(context.random)[..8].to_lowercase();
    let mut people = Vec::new();
    for number in 1..=args.people.get() {
        let username = format!("bench-{batch}-{number}");
        let seed = u64::from_le_bytes(random::bytes(context.random));
        let person = Person { username, password: password.clone(), seed };
        add(&person, &args.groups, &phc, context).await?;
        people.push(person);
    }
    write_private(&args.out, &people)?;
    let (count, file) = (people.len(), args.out.display());
    writeln!(out, "Added {count} people for a day, and wrote `{file}`.")?;
    writeln!(out, "Next: `sluse bench login --people {file} --app URL`.")?;
    Ok(())
}

async fn add(person: &Person, groups: &[String], phc: &str, context: &Context<'_>) -> anyhow::Result<()> {
    let user = User {
        id: UserId(random::uuid(context.random)),
        username: Username::parse(&person.username)?,
        name: "Bench".to_owned(),
        groups: groups.to_vec(),
        claims: Vec::new(),
        cpr: None,
        disabled: false,
        expires_at: Some(context.now().plus(LIFE)),
        created_at: context.now(),
    };
    anyhow::ensure!(context.store.add_user(&user).await?, "there is a user `{}` already", user.username);
    context.record(context.entry(Event::UserAdded).user(&user).with("for", "bench")).await?;
    context.store.set_password(user.id, phc).await?;
    let (credential, passkey) = person.credential();
    let key = Key {
        credential,
        user: user.id,
        name: "a software key".to_owned(),
        passkey,
        registered_at: context.now(),
        registered_with: RegisteredWith::Code,
        used_at: None,
        suspect: false,
        loan: None,
    };
    let told = context.entry(Event::KeyRegistered).user(&user).with("key", "a software key").into_record();
    context.store.add_key(&key, None, &told).await?;
    Ok(())
}

/// For whoever runs this alone: it holds passwords and keys.
fn write_private(path: &Path, people: &[Person]) -> anyhow::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let written = || -> anyhow::Result<()> {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        for person in people {
            writeln!(file, "{}", serde_json::to_string(person)?)?;
        }
        Ok(file.sync_all()?)
    };
    written().with_context(|| format!("`{}` cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_key_is_the_same_each_time() {
        let person = |seed| Person { username: "a".to_owned(), password: "b".to_owned(), seed };
        assert_eq!(person(1).credential(), person(1).credential());
        assert_ne!(person(1).credential().0, person(2).credential().0);
    }

    #[test]
    fn the_file_is_nobody_elses_and_never_written_over() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("people");
        let person = Person { username: "a".to_owned(), password: "b".to_owned(), seed: 7 };
        write_private(&path, &[person]).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(load(&path).unwrap()[0].seed, 7);
        assert!(write_private(&path, &[]).is_err());
    }
}
