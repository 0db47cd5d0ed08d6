//! Directories that are reached by LDAP (RFC 4511), AD among them: searched as ourselves, and asked about a
//! password by binding with it. Of those who log in we keep a record of our own, with keys and MitID.

mod connection;
mod groups;
mod policy;
mod settings;
mod state;

use std::sync::Arc;

use async_trait::async_trait;
use ldap3::{LdapError, Scope, SearchEntry, SearchOptions, SearchResult, ldap_escape};

use self::connection::{ANSWER, Connections};
use self::state::BindAnswer;
use super::{Directory, DirectoryError, Unusable, Verified};
use crate::random::{self, Random};
use crate::secret::Secret;
use crate::store::{Store, StoreError};
use crate::time::Clock;
use crate::user::{User, UserId, Username};

pub use self::connection::Misfit;
pub use self::settings::Settings;

/// RFC 4511, appendix A: there were more than we asked for.
const SIZE_LIMIT_EXCEEDED: u32 = 4;

/// One directory.
pub struct Ldap {
    settings: Settings,
    connections: Connections,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

/// The directory could not say. Nobody is let in, and nobody is blamed.
#[derive(Debug, thiserror::Error)]
pub enum Outage {
    #[error("no server is set up")]
    NoServer,
    #[error("the directory does not let us search: {0}")]
    NotSearching(#[source] Box<LdapError>),
    #[error("the directory does not answer: {0}")]
    Silent(#[source] Box<LdapError>),
    #[error("the directory could not say whether a password is right")]
    Undecided,
}

impl From<LdapError> for Outage {
    fn from(error: LdapError) -> Self {
        Self::Silent(Box::new(error))
    }
}

/// An entry, and the groups it is in.
struct Found {
    entry: SearchEntry,
    groups: Vec<String>,
}

#[async_trait]
impl Directory for Ldap {
    /// `name@domain`, by the first of our domains.
    async fn account(&self, name: &Username) -> Result<Username, StoreError> {
        Ok(self.canonical(name).unwrap_or_else(|| name.clone()))
    }

    async fn verify(&self, name: &Username, password: &Secret<String>) -> Result<Verified, DirectoryError> {
        let ours = self.store.user_by_name(name).await?;
        let known = ours.as_ref().map(|user| user.id);
        // A bind with no password would succeed as nobody.
        if password.expose().is_empty() {
            return Ok(Verified::Wrong { known });
        }
        let found = self.search(name).await.map_err(|outage| self.told(outage))?;
        // Nobody's password is asked about, too: the answer takes about as long.
        let nobody = format!("cn=nobody-{},{}", random::nonce(self.random.as_ref()), self.settings.base);
        let dn = found.as_ref().map_or(nobody.as_str(), |found| found.entry.dn.as_str());
        let answer = self.connections.bind(dn, password).await.map_err(|outage| self.told(outage))?;
        let Some(found) = found else { return Ok(Verified::Wrong { known }) };
        match answer {
            BindAnswer::Wrong => Ok(Verified::Wrong { known }),
            BindAnswer::Failed => Err(self.told(Outage::Undecided).into()),
            BindAnswer::Locked => Ok(Verified::Locked { known }),
            BindAnswer::Unusable(why) => Ok(self.unusable(ours.as_ref(), why)),
            BindAnswer::Right => match state::of_entry(&found.entry, self.clock.now().as_millis()) {
                Some(why) => Ok(self.unusable(ours.as_ref(), why)),
                None => Ok(self.let_in(name, ours, &found).await?),
            },
        }
    }

    /// By the entry alone. What a bind would say besides is about the password: that it is locked or too old.
    async fn standing(&self, user: User) -> Result<Verified, DirectoryError> {
        let found = self.search(&user.username).await.map_err(|outage| self.told(outage))?;
        let Some(found) = found else { return Ok(Verified::Wrong { known: Some(user.id) }) };
        match state::of_entry(&found.entry, self.clock.now().as_millis()) {
            Some(why) => Ok(self.unusable(Some(&user), why)),
            None => Ok(self.let_in(&user.username.clone(), Some(user), &found).await?),
        }
    }
}

impl Ldap {
    pub fn new(
        settings: Settings,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, Misfit> {
        let connections = Connections::new(&settings)?;
        Ok(Self { settings, connections, store, clock, random })
    }

    /// Whether a name without a domain may be one of ours.
    pub fn is_default(&self) -> bool {
        self.settings.default
    }

    /// Whether the name has one of our domains.
    pub fn has(&self, name: &Username) -> bool {
        self.local_part(name).is_some()
    }

    fn canonical(&self, name: &Username) -> Option<Username> {
        let unqualified = !name.as_str().contains(['@', '\\']);
        let local = self.local_part(name).or(unqualified.then_some(name.as_str()))?;
        Username::parse(&format!("{local}@{}", self.settings.domains.first()?)).ok()
    }

    /// `nez` of `nez@kommune.example` and `kommune\nez`. Names are in lower case already.
    fn local_part<'n>(&self, name: &'n Username) -> Option<&'n str> {
        let ours = |domain: &str| self.settings.domains.iter().any(|known| known == domain);
        let (local, domain) = match name.as_str().split_once('\\') {
            Some((domain, local)) => (local, domain),
            None => name.as_str().rsplit_once('@')?,
        };
        (ours(domain) && !local.is_empty()).then_some(local)
    }

    /// The one entry of that name. Two are none: nobody can say who would be let in.
    async fn search(&self, name: &Username) -> Result<Option<Found>, Outage> {
        match self.search_once(name).await {
            // Closed since it was last used, perhaps: once more on a new connection, to any server.
            Err(Outage::Silent(_)) => {
                self.connections.forget().await;
                self.search_once(name).await
            }
            answer => answer,
        }
    }

    async fn search_once(&self, name: &Username) -> Result<Option<Found>, Outage> {
        let Settings { base, username, display_name, claims, .. } = &self.settings;
        let Some(local) = self.local_part(name) else { return Ok(None) };
        let mut ldap = self.connections.searching().await?;
        let filter = format!("({username}={})", ldap_escape(local));
        let mut attributes = vec![
            username.as_str(),
            display_name,
            "userAccountControl",
            "accountExpires",
            "pwdAccountLockedTime",
            "pwdReset",
        ];
        attributes.extend(claims.iter().map(|(_, attribute)| attribute.as_str()));
        let found = ldap
            .with_search_options(SearchOptions::new().sizelimit(2))
            .with_timeout(ANSWER)
            .search(base, Scope::Subtree, &filter, attributes)
            .await?;
        let SearchResult(entries, result) = found;
        if result.rc == SIZE_LIMIT_EXCEEDED {
            return Ok(None);
        }
        result.success()?;
        let mut entries = entries.into_iter().filter(|entry| !entry.is_ref()).map(SearchEntry::construct);
        let (Some(entry), None) = (entries.next(), entries.next()) else { return Ok(None) };
        // The server's idea of which names are equal is wider than ours: `nez` may find `néz`.
        let same = state::all(&entry, username)
            .iter()
            .any(|value| Username::parse(value).is_ok_and(|value| value.as_str() == local));
        if !same {
            return Ok(None);
        }
        let groups = groups::of(&mut ldap, base, &entry.dn).await?;
        Ok(Some(Found { entry, groups }))
    }

    /// Our record of the person, made or brought up to date.
    async fn let_in(
        &self,
        name: &Username,
        ours: Option<User>,
        found: &Found,
    ) -> Result<Verified, StoreError> {
        let now = self.clock.now();
        let before = ours.clone();
        let mut user = ours.unwrap_or_else(|| User {
            id: UserId(random::uuid(self.random.as_ref())),
            username: name.clone(),
            name: String::new(),
            groups: Vec::new(),
            claims: Vec::new(),
            cpr: None,
            disabled: false,
            expires_at: None,
            created_at: now,
        });
        let shown = state::first(&found.entry, &self.settings.display_name).unwrap_or(name.as_str());
        user.name = shown.chars().filter(|c| !c.is_control()).take(200).collect();
        user.groups.clone_from(&found.groups);
        for (claim, attribute) in &self.settings.claims {
            user.set_claim(claim, state::all(&found.entry, attribute));
        }
        match before {
            None => {
                if !self.store.add_user(&user).await? {
                    // Somebody logged in as the same person at the same moment: theirs is the record.
                    let theirs = self.store.user_by_name(name).await?;
                    return Ok(theirs.map_or(Verified::Wrong { known: None }, Verified::Person));
                }
            }
            Some(before) if before != user => {
                self.store.update_user(&user).await?;
                if (&before.groups, &before.claims) != (&user.groups, &user.claims) {
                    // Sessions in memory hold what the person was when they were loaded.
                    self.store.end_sign_ins(user.id, None, now).await?;
                }
            }
            Some(_) => {}
        }
        Ok(if user.active(now) { Verified::Person(user) } else { Verified::Inactive(user) })
    }

    fn unusable(&self, ours: Option<&User>, why: Unusable) -> Verified {
        tracing::info!(
            directory = self.settings.name,
            user = ours.map(|user| user.username.as_str()),
            why = why.code(),
            "the directory refuses an account"
        );
        let changes = matches!(why, Unusable::PasswordExpired | Unusable::PasswordMustChange);
        let change = self.settings.change_password.clone().filter(|_| changes);
        Verified::Unusable { known: ours.map(|user| user.id), why, change }
    }

    fn told(&self, outage: Outage) -> Outage {
        tracing::error!(directory = self.settings.name, %outage, "a directory could not be asked");
        outage
    }
}
