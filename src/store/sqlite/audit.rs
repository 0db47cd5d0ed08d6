//! Security events: appended to a chain, read, forgotten from the beginning, never changed.

use sqlx::{FromRow, QueryBuilder, SqliteConnection, SqlitePool};

use super::{Write, row};
use crate::store::chain::{ChainHash, Fault, Link, Verification, Verifier};
use crate::store::{AuditPosition, AuditQuery, AuditRecord, AuditRow, Result, StoreError};
use crate::time::Timestamp;
use crate::user::UserId;

/// Rows read or forgotten at a time, so that no other writer waits long.
const BATCH: u32 = 5000;

/// Appends in a transaction that holds the write lock: between reading the head and moving it no other
/// process can append.
pub(super) async fn append(write: &mut Write, record: &AuditRecord) -> Result<()> {
    let head = chain(write).await?.ok_or(BROKEN)?.1;
    let position = head.position + 1;
    let hash = head.hash.followed_by(position, record);
    sqlx::query(
        "INSERT INTO audit (id, at, event, user, username, address, correlation, detail, hash)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(position)
    .bind(record.at.as_millis())
    .bind(&record.event)
    .bind(record.user.as_ref().map(|user| user.0.as_bytes().as_slice()))
    .bind(&record.username)
    .bind(record.address.map(|address| address.to_string()))
    .bind(&record.correlation)
    .bind(&record.detail)
    .bind(hash.0.as_slice())
    .execute(&mut **write)
    .await?;
    sqlx::query("UPDATE audit_chain SET head = ?, head_hash = ?")
        .bind(position)
        .bind(hash.0.as_slice())
        .execute(&mut **write)
        .await?;
    Ok(())
}

pub(super) async fn find(readers: &SqlitePool, query: &AuditQuery) -> Result<Vec<AuditRow>> {
    let mut sql = QueryBuilder::new("SELECT * FROM audit WHERE TRUE");
    if let Some(after) = query.after {
        sql.push(" AND id > ").push_bind(after);
    }
    if let Some(before) = query.before {
        sql.push(" AND id < ").push_bind(before);
    }
    if let Some(user) = query.user {
        sql.push(" AND user = ").push_bind(user.0.as_bytes().to_vec());
    }
    for (column, value) in [
        (" AND username = ", query.username.clone()),
        (" AND event = ", query.event.clone()),
        (" AND address = ", query.address.map(|address| address.to_string())),
        (" AND correlation = ", query.correlation.clone()),
        (PERFORMER, query.by.clone()),
    ] {
        if let Some(value) = value {
            sql.push(column).push_bind(value);
        }
    }
    for (column, moment) in [(" AND at >= ", query.from), (" AND at < ", query.until)] {
        if let Some(moment) = moment {
            sql.push(column).push_bind(moment.as_millis());
        }
    }
    sql.push(if query.newest_first { " ORDER BY id DESC" } else { " ORDER BY id" });
    sql.push(" LIMIT ").push_bind(query.limit);
    let rows: Vec<Columns> = sql.build_query_as().fetch_all(readers).await?;
    rows.into_iter().map(|columns| columns.row().ok_or(CORRUPT)).collect()
}

/// All of it, as it was at one moment.
pub(super) async fn verify(readers: &SqlitePool, noted: Option<Link>) -> Result<Verification> {
    let mut read = readers.begin().await?;
    let Some((anchor, head)) = chain(&mut read).await? else {
        let nothing = Link { position: 0, hash: ChainHash::genesis() };
        let faults = vec![Fault::NoChain];
        return Ok(Verification { rows: 0, anchor: nothing, head: nothing, faults });
    };
    let mut verifier = Verifier::new(anchor, head, noted);
    let mut after = i64::MIN;
    loop {
        let rows = rows_after(&mut read, after).await?;
        let Some(last) = rows.last() else { break };
        after = last.id;
        for columns in rows {
            verifier.row(columns.link(), columns.record().as_ref());
        }
    }
    Ok(verifier.end())
}

/// Forgets the oldest, up to the first row that is not from before `before`; at most a batch of them.
pub(super) async fn forget(mut write: Write, before: Timestamp) -> Result<u64> {
    let last: Option<Columns> = sqlx::query_as(
        "SELECT * FROM
             (SELECT * FROM audit
              WHERE id < coalesce((SELECT id FROM audit WHERE at >= ? ORDER BY id LIMIT 1), 9223372036854775807)
              ORDER BY id LIMIT ?)
         ORDER BY id DESC LIMIT 1",
    )
    .bind(before.as_millis())
    .bind(BATCH)
    .fetch_optional(&mut *write)
    .await?;
    let Some(last) = last else { return Ok(0) };
    let forgotten = sqlx::query("DELETE FROM audit WHERE id <= ?").bind(last.id).execute(&mut *write).await?;
    sqlx::query("UPDATE audit_chain SET anchor = ?, anchor_hash = ?")
        .bind(last.id)
        .bind(last.link().hash.0.as_slice())
        .execute(&mut *write)
        .await?;
    write.commit().await?;
    Ok(forgotten.rows_affected())
}

/// Gives the rows from before there was a chain their place in it. `Err(Some(position))` if one cannot be read.
pub(super) async fn chain_existing(write: &mut SqliteConnection) -> std::result::Result<(), ChainError> {
    if chain(write).await?.is_some() {
        return Ok(());
    }
    let anchor = Link { position: 0, hash: ChainHash::genesis() };
    let mut head = anchor;
    loop {
        let rows = rows_after(write, head.position).await?;
        if rows.is_empty() {
            break;
        }
        for columns in rows {
            let record = columns.record().ok_or(ChainError::Unreadable(columns.id))?;
            head = Link { position: columns.id, hash: head.hash.followed_by(columns.id, &record) };
            sqlx::query("UPDATE audit SET hash = ? WHERE id = ?")
                .bind(head.hash.0.as_slice())
                .bind(head.position)
                .execute(&mut *write)
                .await?;
        }
    }
    sqlx::query("INSERT INTO audit_chain (id, anchor, anchor_hash, head, head_hash) VALUES (1, ?, ?, ?, ?)")
        .bind(anchor.position)
        .bind(anchor.hash.0.as_slice())
        .bind(head.position)
        .bind(head.hash.0.as_slice())
        .execute(&mut *write)
        .await?;
    Ok(())
}

/// Why the rows there are cannot be chained.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChainError {
    #[error(transparent)]
    Failed(#[from] StoreError),
    #[error("row {0} of the audit cannot be read")]
    Unreadable(AuditPosition),
}

impl From<sqlx::Error> for ChainError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Where the chain begins and ends.
async fn chain(connection: &mut SqliteConnection) -> Result<Option<(Link, Link)>> {
    let ends: Option<(i64, Vec<u8>, i64, Vec<u8>)> =
        sqlx::query_as("SELECT anchor, anchor_hash, head, head_hash FROM audit_chain")
            .fetch_optional(connection)
            .await?;
    let link =
        |position, hash: &[u8]| Ok::<_, StoreError>(Link { position, hash: ChainHash(row::array(hash)?) });
    let ends = ends.map(|(anchor, anchor_hash, head, head_hash)| {
        Ok((link(anchor, &anchor_hash)?, link(head, &head_hash)?))
    });
    ends.transpose()
}

async fn rows_after(connection: &mut SqliteConnection, after: AuditPosition) -> Result<Vec<Columns>> {
    let rows = sqlx::query_as("SELECT * FROM audit WHERE id > ? ORDER BY id LIMIT ?")
        .bind(after)
        .bind(BATCH)
        .fetch_all(connection)
        .await?;
    Ok(rows)
}

/// As the index has it.
const PERFORMER: &str = " AND coalesce(json_extract(detail, '$.by'), json_extract(detail, '$.operator')) = ";

const CORRUPT: StoreError = StoreError::Corrupt { what: "an audit record" };
const BROKEN: StoreError = StoreError::Corrupt { what: "an audit without a chain" };

#[derive(FromRow)]
struct Columns {
    id: i64,
    at: i64,
    event: String,
    user: Option<Vec<u8>>,
    username: Option<String>,
    address: Option<String>,
    correlation: String,
    detail: String,
    hash: Option<Vec<u8>>,
}

impl Columns {
    fn row(&self) -> Option<AuditRow> {
        let Link { position, hash } = self.link();
        Some(AuditRow { position, hash, record: self.record()? })
    }

    /// One without a hash has one that fits nothing.
    fn link(&self) -> Link {
        let hash = self.hash.as_deref().and_then(|hash| hash.try_into().ok()).unwrap_or([0; 32]);
        Link { position: self.id, hash: ChainHash(hash) }
    }

    /// `None` if it cannot be read, or if the same could have been written otherwise: a hash is of the meaning.
    fn record(&self) -> Option<AuditRecord> {
        let user = self.user.as_deref().map(row::uuid).transpose().ok()?.map(UserId);
        let address = match &self.address {
            None => None,
            Some(text) => {
                Some(text.parse().ok().filter(|address: &std::net::IpAddr| address.to_string() == *text)?)
            }
        };
        Some(AuditRecord {
            at: Timestamp::from_millis(self.at),
            event: self.event.clone(),
            user,
            username: self.username.clone(),
            address,
            correlation: self.correlation.clone(),
            detail: self.detail.clone(),
        })
    }
}
