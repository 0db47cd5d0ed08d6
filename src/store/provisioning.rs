//! What a provisioner knows of people and groups (SCIM, RFC 7643), beside our own record of people.

use async_trait::async_trait;
use uuid::Uuid;

use super::{AuditRecord, Result};
use crate::time::Timestamp;
use crate::user::{User, UserId, Username};

/// A person as a provisioner knows them. Whether or not it was the provisioner who brought them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provisioned {
    pub user: User,
    /// What the provisioner calls them.
    pub external_id: Option<String>,
    pub given_name: Option<String>,
    pub family_name: Option<String>,
}

/// Which people: those that fit everything that is stated, by user name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeopleQuery {
    pub id: Option<UserId>,
    pub username: Option<Username>,
    pub external_id: Option<String>,
    /// The shown name; letter case makes no difference.
    pub name: Option<String>,
    /// A value of the claim `email`; letter case makes no difference.
    pub email: Option<String>,
    pub disabled: Option<bool>,
    pub page: Page,
}

/// A part of a list.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// How many come before.
    pub offset: u32,
    pub limit: u32,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub Uuid);

/// A group that a provisioner knows. Its members are those whose [`User::groups`] has its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub id: GroupId,
    pub name: String,
    pub external_id: Option<String>,
    pub created_at: Timestamp,
}

/// Which groups: those that fit everything that is stated, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupQuery {
    pub id: Option<GroupId>,
    /// Letter case makes no difference.
    pub name: Option<String>,
    pub external_id: Option<String>,
    pub member: Option<UserId>,
    pub page: Page,
}

/// Somebody in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The group's.
    pub group: String,
    pub user: UserId,
    /// The shown name.
    pub name: String,
}

/// What becomes of a group; `None` and [`Members::default`] leave things as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupChange {
    pub name: Option<String>,
    pub external_id: Option<Option<String>>,
    pub members: Members,
}

/// Who is to be in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Members {
    /// These, and nobody else.
    All(Vec<UserId>),
    /// Those who are, but for these.
    Change { joining: Vec<UserId>, leaving: Vec<UserId> },
}

impl Default for Members {
    fn default() -> Self {
        Self::Change { joining: Vec::new(), leaving: Vec::new() }
    }
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provision {
    /// How many sessions were ended by it.
    Done {
        ended: usize,
    },
    /// The user name, or the group's name, is somebody else's.
    NameTaken,
    ExternalIdTaken,
    /// It is no longer as it was read.
    Stale,
    /// There is none.
    Gone,
    /// To join a group: there is no such person.
    NoSuchMember(UserId),
}

/// Every write is told in the audit by `told`, in the same transaction, and not at all where it is not
/// [`Provision::Done`]. Sessions end as [`super::accounts::ends_sessions`] has it, and `told` says how many.
#[async_trait]
pub trait Provisioning {
    async fn provisioned(&self, id: UserId) -> Result<Option<Provisioned>>;
    /// A page of those who fit, and how many do in all.
    async fn find_people(&self, query: &PeopleQuery) -> Result<(u64, Vec<Provisioned>)>;
    async fn add_provisioned(&self, person: &Provisioned, told: &AuditRecord) -> Result<Provision>;
    /// All of `after` but the id and the time of creation, if the person still is as in `before`.
    async fn change_provisioned(
        &self,
        before: &Provisioned,
        after: &Provisioned,
        told: &AuditRecord,
    ) -> Result<Provision>;

    /// A page of those who fit, and how many do in all.
    async fn find_groups(&self, query: &GroupQuery) -> Result<(u64, Vec<Group>)>;
    /// Those of these names that a provisioner knows.
    async fn groups_named(&self, names: &[String]) -> Result<Vec<Group>>;
    /// Everybody in groups of these names, by group and user name.
    async fn members(&self, groups: &[String]) -> Result<Vec<Member>>;
    /// Whoever has a group of that name already is in it. `member` is told of everybody whose groups change, in
    /// their name, with the groups they joined and left.
    async fn add_group(
        &self,
        group: &Group,
        members: &Members,
        told: &AuditRecord,
        member: &AuditRecord,
    ) -> Result<Provision>;
    /// As [`Self::add_group`]. A new name is the group's for everybody in it.
    async fn change_group(
        &self,
        id: GroupId,
        change: &GroupChange,
        told: &AuditRecord,
        member: &AuditRecord,
    ) -> Result<Provision>;
    /// Nobody is in it any more.
    async fn remove_group(&self, id: GroupId, told: &AuditRecord, member: &AuditRecord) -> Result<Provision>;
}
