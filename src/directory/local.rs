//! The directory that is the store itself.

use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use super::{Directory, DirectoryError, Verified};
use crate::authn::password::{Passwords, Verdict};
use crate::random::Random;
use crate::secret::Secret;
use crate::store::Store;
use crate::time::Clock;
use crate::user::{User, UserId, Username};

pub struct Local {
    pub store: Arc<dyn Store>,
    pub passwords: Passwords,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
}

#[async_trait]
impl Directory for Local {
    async fn verify(&self, name: &Username, password: &Secret<String>) -> Result<Verified, DirectoryError> {
        let user = self.store.user_by_name(name).await?;
        let known = user.as_ref().map(|user| user.id);
        // Nobody's password is looked up too, and verified against: the answer takes as long.
        let phc = self.store.password(known.unwrap_or(UserId(Uuid::nil()))).await?;
        let verdict = self.passwords.verify(phc.as_deref(), password).await?;
        let (Some(user), Some(phc), Verdict::Right { rehash }) = (user, phc, verdict) else {
            return Ok(Verified::Wrong { known });
        };
        if !user.active(self.clock.now()) {
            return Ok(Verified::Inactive(user));
        }
        if rehash {
            self.rehash(&user, &phc, password).await;
        }
        Ok(Verified::Person(user))
    }

    async fn standing(&self, user: User) -> Result<Verified, DirectoryError> {
        Ok(if user.active(self.clock.now()) { Verified::Person(user) } else { Verified::Inactive(user) })
    }
}

impl Local {
    /// The password is right already, so failing to strengthen its hash is no reason to turn anybody away:
    /// the next login tries again.
    async fn rehash(&self, user: &User, old: &str, password: &Secret<String>) {
        let renewed = async {
            let new = self.passwords.hash(password, &*self.random).await?;
            Ok::<_, DirectoryError>(self.store.rehash_password(user.id, old, &new).await?)
        };
        if let Err(error) = renewed.await {
            tracing::warn!(user = %user.id, %error, "a password keeps its weaker hash");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authn::password::Cost;
    use crate::random::SeededRandom;
    use crate::store::sqlite::Sqlite;
    use crate::time::{ManualClock, Timestamp};

    const NOW: Timestamp = Timestamp::from_seconds(1000);

    struct Fixture {
        local: Local,
        _folder: tempfile::TempDir,
    }

    impl Fixture {
        async fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let local = Local {
                store: Arc::new(Sqlite::open(&folder.path().join("sluse.db")).await.unwrap()),
                passwords: Passwords::new(Cost::danger_cheap()),
                clock: Arc::new(ManualClock::at(NOW)),
                random: Arc::new(SeededRandom::new(1)),
            };
            Self { local, _folder: folder }
        }

        async fn add(&self, user: &User, password: Option<&str>) {
            assert!(self.local.store.add_user(user).await.unwrap());
            if let Some(password) = password {
                let password = Secret::new(password.to_owned());
                let phc = self.local.passwords.hash(&password, &*self.local.random).await.unwrap();
                self.local.store.set_password(user.id, &phc).await.unwrap();
            }
        }

        async fn verify(&self, name: &str, password: &str) -> Verified {
            let name = Username::parse(name).unwrap();
            self.local.verify(&name, &Secret::new(password.to_owned())).await.unwrap()
        }
    }

    fn person(name: &str) -> User {
        User {
            id: UserId(crate::random::uuid(&SeededRandom::new(name.len() as u64))),
            username: Username::parse(name).unwrap(),
            name: name.to_owned(),
            groups: Vec::new(),
            claims: Vec::new(),
            cpr: None,
            disabled: false,
            expires_at: None,
            created_at: Timestamp::EPOCH,
        }
    }

    #[tokio::test]
    async fn the_right_password_is_a_person() {
        let fixture = Fixture::new().await;
        let nez = person("nez");
        fixture.add(&nez, Some("rigtigt")).await;
        assert_eq!(fixture.verify(" NEZ", "rigtigt").await, Verified::Person(nez.clone()));
        assert_eq!(fixture.verify("nez", "Rigtigt").await, Verified::Wrong { known: Some(nez.id) });
        assert_eq!(fixture.verify("nobody", "rigtigt").await, Verified::Wrong { known: None });
    }

    #[tokio::test]
    async fn an_account_without_a_password_lets_nobody_in() {
        let fixture = Fixture::new().await;
        let nez = person("nez");
        fixture.add(&nez, None).await;
        for typed in ["", "rigtigt"] {
            assert_eq!(fixture.verify("nez", typed).await, Verified::Wrong { known: Some(nez.id) });
        }
    }

    #[tokio::test]
    async fn only_the_right_password_tells_that_an_account_is_inactive() {
        let fixture = Fixture::new().await;
        let disabled = User { disabled: true, ..person("a") };
        let expired = User { expires_at: Some(NOW), ..person("bb") };
        let soon = User { expires_at: Some(Timestamp::from_seconds(1001)), ..person("ccc") };
        for user in [&disabled, &expired, &soon] {
            fixture.add(user, Some("rigtigt")).await;
        }
        for user in [&disabled, &expired] {
            let name = user.username.as_str();
            assert_eq!(fixture.verify(name, "rigtigt").await, Verified::Inactive(user.clone()));
            assert_eq!(fixture.verify(name, "forkert").await, Verified::Wrong { known: Some(user.id) });
        }
        assert_eq!(fixture.verify("ccc", "rigtigt").await, Verified::Person(soon));
    }

    #[tokio::test]
    async fn whoever_is_proven_otherwise_may_log_in_while_the_account_is_active() {
        let fixture = Fixture::new().await;
        let nez = person("nez");
        let inactive =
            [User { disabled: true, ..nez.clone() }, User { expires_at: Some(NOW), ..nez.clone() }];
        for user in inactive {
            let standing = fixture.local.standing(user.clone()).await.unwrap();
            assert_eq!(standing, Verified::Inactive(user));
        }
        assert_eq!(fixture.local.standing(nez.clone()).await.unwrap(), Verified::Person(nez));
        assert_eq!(fixture.local.passwords.computed(), 0);
    }

    #[tokio::test]
    async fn every_answer_costs_one_hash() {
        let fixture = Fixture::new().await;
        fixture.add(&person("nez"), Some("rigtigt")).await;
        fixture.add(&person("bare"), None).await;
        fixture.add(&User { disabled: true, ..person("locked") }, Some("rigtigt")).await;
        let before = fixture.local.passwords.computed();
        let names = ["nez", "bare", "locked", "nobody"];
        for (n, name) in names.into_iter().enumerate() {
            for (m, typed) in ["rigtigt", "forkert"].into_iter().enumerate() {
                fixture.verify(name, typed).await;
                let expected = before + u64::try_from(2 * n + m + 1).unwrap();
                assert_eq!(fixture.local.passwords.computed(), expected, "{name} {typed}");
            }
        }
    }

    #[tokio::test]
    async fn a_right_password_strengthens_its_hash_once() {
        let mut fixture = Fixture::new().await;
        let nez = person("nez");
        fixture.add(&nez, Some("rigtigt")).await;
        let weak = fixture.local.store.password(nez.id).await.unwrap();
        fixture.local.passwords = Passwords::new(Cost::default());
        fixture.verify("nez", "forkert").await;
        assert_eq!(fixture.local.store.password(nez.id).await.unwrap(), weak);
        assert_eq!(fixture.verify("nez", "rigtigt").await, Verified::Person(nez.clone()));
        let strong = fixture.local.store.password(nez.id).await.unwrap();
        assert_ne!(strong, weak);
        assert_eq!(fixture.verify("nez", "rigtigt").await, Verified::Person(nez.clone()));
        assert_eq!(fixture.local.store.password(nez.id).await.unwrap(), strong);
    }
}
