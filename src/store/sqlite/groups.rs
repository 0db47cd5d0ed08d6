//! Groups a provisioner knows. Who is in them stands in `users.group_names` alone.

use std::collections::BTreeSet;

use sqlx::{FromRow, QueryBuilder, Sqlite as Database, SqliteExecutor, SqlitePool};

use super::{Write, accounts, audit, people, row};
use crate::store::provisioning::{Group, GroupChange, GroupId, GroupQuery, Member, Members, Provision};
use crate::store::{AuditRecord, Result};
use crate::time::Timestamp;
use crate::user::{User, UserId};

/// What is told of the group, and of everybody whose groups change.
type Told<'a> = (&'a AuditRecord, &'a AuditRecord);

/// The page and the number are of one moment.
pub(super) async fn find(
    mut read: sqlx::Transaction<'static, Database>,
    query: &GroupQuery,
) -> Result<(u64, Vec<Group>)> {
    let total = sought("SELECT count(*)", query).build_query_scalar::<i64>().fetch_one(&mut *read).await?;
    let mut sql = sought("SELECT *", query);
    sql.push(" ORDER BY name LIMIT ").push_bind(query.page.limit);
    sql.push(" OFFSET ").push_bind(query.page.offset);
    let rows: Vec<Row> = sql.build_query_as().fetch_all(&mut *read).await?;
    let groups = rows.into_iter().map(Group::try_from).collect::<Result<_>>()?;
    Ok((u64::try_from(total).unwrap_or(0), groups))
}

pub(super) async fn named(readers: &SqlitePool, names: &[String]) -> Result<Vec<Group>> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT * FROM provisioned_groups WHERE name IN (SELECT value FROM json_each(?)) ORDER BY name",
    )
    .bind(serde_json::Value::from(names).to_string())
    .fetch_all(readers)
    .await?;
    rows.into_iter().map(Group::try_from).collect()
}

pub(super) async fn members(reader: impl SqliteExecutor<'_>, groups: &[String]) -> Result<Vec<Member>> {
    let rows: Vec<(String, Vec<u8>, String)> = sqlx::query_as(
        "SELECT DISTINCT groups.value, users.id, users.name FROM users, json_each(group_names) AS groups
         WHERE groups.value IN (SELECT value FROM json_each(?)) ORDER BY groups.value, username",
    )
    .bind(serde_json::Value::from(groups).to_string())
    .fetch_all(reader)
    .await?;
    rows.into_iter()
        .map(|(group, user, name)| Ok(Member { group, user: UserId(row::uuid(&user)?), name }))
        .collect()
}

pub(super) async fn add(
    mut write: Write,
    group: &Group,
    members: &Members,
    told: Told<'_>,
) -> Result<Provision> {
    if let Some(taken) = taken(&mut write, group).await? {
        return Ok(taken);
    }
    sqlx::query("INSERT INTO provisioned_groups (id, name, external_id, created_at) VALUES (?, ?, ?, ?)")
        .bind(group.id.0.as_bytes().as_slice())
        .bind(&group.name)
        .bind(&group.external_id)
        .bind(group.created_at.as_millis())
        .execute(&mut *write)
        .await?;
    settle(write, &group.name, Some(&group.name), members, told).await
}

pub(super) async fn change(
    mut write: Write,
    id: GroupId,
    change: &GroupChange,
    told: Told<'_>,
) -> Result<Provision> {
    let Some(before) = by_id(&mut write, id).await? else { return Ok(Provision::Gone) };
    let after = Group {
        name: change.name.clone().unwrap_or_else(|| before.name.clone()),
        external_id: change.external_id.clone().unwrap_or_else(|| before.external_id.clone()),
        ..before.clone()
    };
    if let Some(taken) = taken(&mut write, &after).await? {
        return Ok(taken);
    }
    sqlx::query("UPDATE provisioned_groups SET name = ?, external_id = ? WHERE id = ?")
        .bind(&after.name)
        .bind(&after.external_id)
        .bind(id.0.as_bytes().as_slice())
        .execute(&mut *write)
        .await?;
    settle(write, &before.name, Some(&after.name), &change.members, told).await
}

pub(super) async fn remove(mut write: Write, id: GroupId, told: Told<'_>) -> Result<Provision> {
    let Some(group) = by_id(&mut write, id).await? else { return Ok(Provision::Gone) };
    sqlx::query("DELETE FROM provisioned_groups WHERE id = ?")
        .bind(id.0.as_bytes().as_slice())
        .execute(&mut *write)
        .await?;
    settle(write, &group.name, None, &Members::All(Vec::new()), told).await
}

/// Gives everybody the groups that follow, ends their sessions, and tells of it. The group was called `before`,
/// and is called `after` from now on, if it still is.
async fn settle(
    mut write: Write,
    before: &str,
    after: Option<&str>,
    members: &Members,
    (told, each): Told<'_>,
) -> Result<Provision> {
    let names = [before.to_owned()];
    let were: BTreeSet<UserId> =
        self::members(&mut *write, &names).await?.into_iter().map(|member| member.user).collect();
    let mut are = were.clone();
    match members {
        Members::All(all) => are = all.iter().copied().collect(),
        Members::Change { joining, leaving } => {
            are.extend(joining);
            leaving.iter().for_each(|user| {
                are.remove(user);
            });
        }
    }
    let renamed = after != Some(before);
    let mut ended = 0;
    let (mut joined, mut left) = (0, 0);
    for id in were.union(&are) {
        let (was, is) = (were.contains(id), are.contains(id));
        if was == is && !renamed {
            continue;
        }
        let Some(user) = people::by_id(&mut *write, *id).await? else {
            return Ok(Provision::NoSuchMember(*id));
        };
        let mut groups: Vec<String> = user.groups.iter().filter(|name| *name != before).cloned().collect();
        if let (true, Some(name)) = (is, after)
            && !groups.iter().any(|had| had == name)
        {
            groups.push(name.to_owned());
        }
        joined += usize::from(is && !was);
        left += usize::from(was && !is);
        ended += regroup(&mut write, &user, groups, each).await?;
    }
    let told = told.clone().with("joined", joined).with("left", left).with("ended", ended);
    audit::append(&mut write, &told).await?;
    write.commit().await?;
    Ok(Provision::Done { ended })
}

/// How many sessions were ended.
async fn regroup(write: &mut Write, user: &User, groups: Vec<String>, told: &AuditRecord) -> Result<usize> {
    let without = |some: &[String], others: &[String]| -> Vec<String> {
        some.iter().filter(|name| !others.contains(name)).cloned().collect()
    };
    let (joined, left) = (without(&groups, &user.groups), without(&user.groups, &groups));
    if joined.is_empty() && left.is_empty() {
        return Ok(0);
    }
    people::update(&mut **write, &User { groups, ..user.clone() }).await?;
    let ended = accounts::end(write, user.id, told).await?;
    let told = AuditRecord {
        user: Some(user.id),
        username: Some(user.username.as_str().to_owned()),
        ..told.clone().with("joined", joined).with("left", left).with("ended", ended)
    };
    audit::append(write, &told).await?;
    Ok(ended)
}

async fn by_id(write: &mut Write, id: GroupId) -> Result<Option<Group>> {
    let query = GroupQuery { id: Some(id), ..GroupQuery::default() };
    let row: Option<Row> = sought("SELECT *", &query).build_query_as().fetch_optional(&mut **write).await?;
    row.map(Group::try_from).transpose()
}

async fn taken(write: &mut Write, group: &Group) -> Result<Option<Provision>> {
    for (sql, value, taken) in [
        (
            "SELECT EXISTS (SELECT 1 FROM provisioned_groups WHERE name = ? AND id <> ?)",
            Some(&group.name),
            Provision::NameTaken,
        ),
        (
            "SELECT EXISTS (SELECT 1 FROM provisioned_groups WHERE external_id = ? AND id <> ?)",
            group.external_id.as_ref(),
            Provision::ExternalIdTaken,
        ),
    ] {
        let other: bool = sqlx::query_scalar(sql)
            .bind(value)
            .bind(group.id.0.as_bytes().as_slice())
            .fetch_one(&mut **write)
            .await?;
        if other {
            return Ok(Some(taken));
        }
    }
    Ok(None)
}

/// `columns` of every group that fits.
fn sought<'q>(columns: &'q str, query: &'q GroupQuery) -> QueryBuilder<Database> {
    let mut sql = QueryBuilder::new(columns);
    sql.push(" FROM provisioned_groups WHERE TRUE");
    if let Some(id) = query.id {
        sql.push(" AND id = ").push_bind(id.0.as_bytes().to_vec());
    }
    if let Some(name) = &query.name {
        sql.push(" AND name = ").push_bind(name.clone()).push(" COLLATE NOCASE");
    }
    if let Some(external_id) = &query.external_id {
        sql.push(" AND external_id = ").push_bind(external_id.clone());
    }
    if let Some(member) = query.member {
        sql.push(" AND name IN (SELECT value FROM users, json_each(group_names) WHERE users.id = ");
        sql.push_bind(member.0.as_bytes().to_vec()).push(")");
    }
    sql
}

#[derive(FromRow)]
struct Row {
    id: Vec<u8>,
    name: String,
    external_id: Option<String>,
    created_at: i64,
}

impl TryFrom<Row> for Group {
    type Error = crate::store::StoreError;

    fn try_from(row: Row) -> Result<Self> {
        let Row { id, name, external_id, created_at } = row;
        let created_at = Timestamp::from_millis(created_at);
        Ok(Self { id: GroupId(row::uuid(&id)?), name, external_id, created_at })
    }
}
