//! People as a provisioner knows them.

use async_trait::async_trait;
use sqlx::{FromRow, QueryBuilder, Sqlite as Database, SqliteExecutor};

use super::row::UserRow;
use super::{Sqlite, Write, accounts, audit, groups, people};
use crate::store::accounts::ends_sessions;
use crate::store::provisioning::{
    Group, GroupChange, GroupId, GroupQuery, Member, Members, PeopleQuery, Provision, Provisioned,
    Provisioning,
};
use crate::store::{AuditRecord, Result};
use crate::user::{User, UserId, Username};

#[async_trait]
impl Provisioning for Sqlite {
    async fn provisioned(&self, id: UserId) -> Result<Option<Provisioned>> {
        by_id(&self.readers, id).await
    }

    async fn find_people(&self, query: &PeopleQuery) -> Result<(u64, Vec<Provisioned>)> {
        // The page and the number are of one moment.
        let mut read = self.readers.begin().await?;
        let total =
            sought("SELECT count(*)", query).build_query_scalar::<i64>().fetch_one(&mut *read).await?;
        let mut sql = sought(COLUMNS, query);
        sql.push(" ORDER BY username LIMIT ").push_bind(query.page.limit);
        sql.push(" OFFSET ").push_bind(query.page.offset);
        let rows: Vec<Row> = sql.build_query_as().fetch_all(&mut *read).await?;
        let people = rows.into_iter().map(Provisioned::try_from).collect::<Result<_>>()?;
        Ok((u64::try_from(total).unwrap_or(0), people))
    }

    async fn add_provisioned(&self, person: &Provisioned, told: &AuditRecord) -> Result<Provision> {
        let mut write = self.begin().await?;
        if !people::add(&mut *write, &person.user).await? {
            return Ok(Provision::NameTaken);
        }
        if !put(&mut write, person).await? {
            return Ok(Provision::ExternalIdTaken);
        }
        audit::append(&mut write, told).await?;
        write.commit().await?;
        Ok(Provision::Done { ended: 0 })
    }

    async fn change_provisioned(
        &self,
        before: &Provisioned,
        after: &Provisioned,
        told: &AuditRecord,
    ) -> Result<Provision> {
        let mut write = self.begin().await?;
        match by_id(&mut *write, before.user.id).await? {
            None => return Ok(Provision::Gone),
            Some(current) if current != *before => return Ok(Provision::Stale),
            Some(_) => {}
        }
        let user = &after.user;
        if before.user.username != user.username && !rename(&mut write, &before.user, &user.username).await? {
            return Ok(Provision::NameTaken);
        }
        people::update(&mut *write, user).await?;
        if !put(&mut write, after).await? {
            return Ok(Provision::ExternalIdTaken);
        }
        let ends = ends_sessions(&before.user, user);
        let ended = if ends { accounts::end(&mut write, user.id, told).await? } else { 0 };
        audit::append(&mut write, &told.clone().with("ended", ended)).await?;
        write.commit().await?;
        Ok(Provision::Done { ended })
    }

    async fn find_groups(&self, query: &GroupQuery) -> Result<(u64, Vec<Group>)> {
        groups::find(self.readers.begin().await?, query).await
    }

    async fn groups_named(&self, names: &[String]) -> Result<Vec<Group>> {
        groups::named(&self.readers, names).await
    }

    async fn members(&self, groups: &[String]) -> Result<Vec<Member>> {
        groups::members(&self.readers, groups).await
    }

    async fn add_group(
        &self,
        group: &Group,
        members: &Members,
        told: &AuditRecord,
        member: &AuditRecord,
    ) -> Result<Provision> {
        groups::add(self.begin().await?, group, members, (told, member)).await
    }

    async fn change_group(
        &self,
        id: GroupId,
        change: &GroupChange,
        told: &AuditRecord,
        member: &AuditRecord,
    ) -> Result<Provision> {
        groups::change(self.begin().await?, id, change, (told, member)).await
    }

    async fn remove_group(&self, id: GroupId, told: &AuditRecord, member: &AuditRecord) -> Result<Provision> {
        groups::remove(self.begin().await?, id, (told, member)).await
    }
}

const COLUMNS: &str = "SELECT users.*, external_id, given_name, family_name";

async fn by_id(reader: impl SqliteExecutor<'_>, id: UserId) -> Result<Option<Provisioned>> {
    let query = PeopleQuery { id: Some(id), ..PeopleQuery::default() };
    let row: Option<Row> = sought(COLUMNS, &query).build_query_as().fetch_optional(reader).await?;
    row.map(Provisioned::try_from).transpose()
}

/// `columns` of everybody who fits.
fn sought<'q>(columns: &'q str, query: &'q PeopleQuery) -> QueryBuilder<Database> {
    let mut sql = QueryBuilder::new(columns);
    sql.push(" FROM users LEFT JOIN provisioned ON provisioned.user = users.id WHERE TRUE");
    if let Some(id) = query.id {
        sql.push(" AND users.id = ").push_bind(id.0.as_bytes().to_vec());
    }
    if let Some(name) = &query.username {
        sql.push(" AND username = ").push_bind(name.as_str().to_owned());
    }
    if let Some(external_id) = &query.external_id {
        sql.push(" AND external_id = ").push_bind(external_id.clone());
    }
    if let Some(name) = &query.name {
        sql.push(" AND name = ").push_bind(name.clone()).push(" COLLATE NOCASE");
    }
    if let Some(email) = &query.email {
        sql.push(
            " AND EXISTS (SELECT 1 FROM json_each(claims) WHERE value ->> 0 = 'email' AND value ->> 1 = ",
        );
        sql.push_bind(email.clone()).push(" COLLATE NOCASE)");
    }
    if let Some(disabled) = query.disabled {
        sql.push(" AND disabled = ").push_bind(disabled);
    }
    sql
}

/// `false` if somebody else has the external id.
async fn put(write: &mut Write, person: &Provisioned) -> Result<bool> {
    let taken: bool =
        sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM provisioned WHERE external_id = ? AND user <> ?)")
            .bind(&person.external_id)
            .bind(person.user.id.0.as_bytes().as_slice())
            .fetch_one(&mut **write)
            .await?;
    if taken {
        return Ok(false);
    }
    sqlx::query(
        "INSERT INTO provisioned (user, external_id, given_name, family_name) VALUES (?, ?, ?, ?)
         ON CONFLICT (user) DO UPDATE SET external_id = excluded.external_id,
             given_name = excluded.given_name, family_name = excluded.family_name",
    )
    .bind(person.user.id.0.as_bytes().as_slice())
    .bind(&person.external_id)
    .bind(&person.given_name)
    .bind(&person.family_name)
    .execute(&mut **write)
    .await?;
    Ok(true)
}

/// `false` if somebody else has the name. Wrong passwords go on being counted under the new one.
async fn rename(write: &mut Write, user: &User, name: &Username) -> Result<bool> {
    let taken: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM users WHERE username = ?)")
        .bind(name.as_str())
        .fetch_one(&mut **write)
        .await?;
    if taken {
        return Ok(false);
    }
    sqlx::query("UPDATE users SET username = ? WHERE id = ?")
        .bind(name.as_str())
        .bind(user.id.0.as_bytes().as_slice())
        .execute(&mut **write)
        .await?;
    // What was tried while nobody had the name is nothing against who has it now.
    sqlx::query("DELETE FROM attempts WHERE username = ?").bind(name.as_str()).execute(&mut **write).await?;
    sqlx::query("UPDATE attempts SET username = ? WHERE username = ?")
        .bind(name.as_str())
        .bind(user.username.as_str())
        .execute(&mut **write)
        .await?;
    Ok(true)
}

#[derive(FromRow)]
struct Row {
    #[sqlx(flatten)]
    user: UserRow,
    external_id: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
}

impl TryFrom<Row> for Provisioned {
    type Error = crate::store::StoreError;

    fn try_from(row: Row) -> Result<Self> {
        let Row { user, external_id, given_name, family_name } = row;
        Ok(Self { user: user.try_into()?, external_id, given_name, family_name })
    }
}
