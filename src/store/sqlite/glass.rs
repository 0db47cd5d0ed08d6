//! Glass that is broken: each write with its row of the audit.

use async_trait::async_trait;
use sqlx::FromRow;
use uuid::Uuid;

use super::{Sqlite, Write, audit, row};
use crate::authn::glass::BrokenGlass;
use crate::store::glass::{Glass, Pane};
use crate::store::{AuditRecord, Result, SignInId, TokenHash};
use crate::time::Timestamp;

#[async_trait]
impl Glass for Sqlite {
    async fn break_glass(&self, pane: &Pane, told: &AuditRecord) -> Result<Option<Vec<TokenHash>>> {
        let mut write = self.begin().await?;
        let Pane { sign_in, host, glass } = pane;
        let broken = sqlx::query(
            "INSERT INTO glass (id, sign_in, host, app, rule, broken_at, until)
             SELECT ?, id, ?, ?, ?, ?, ? FROM sign_ins WHERE id = ? AND ended_at IS NULL",
        )
        .bind(glass.id.as_bytes().as_slice())
        .bind(host)
        .bind(&glass.app)
        .bind(&glass.rule)
        .bind(glass.broken_at.as_millis())
        .bind(glass.until.as_millis())
        .bind(sign_in.0.as_bytes().as_slice())
        .execute(&mut *write)
        .await?;
        if broken.rows_affected() == 0 {
            return Ok(None);
        }
        finish(write, *sign_in, host, told).await.map(Some)
    }

    async fn glass(&self, sign_in: SignInId, now: Timestamp) -> Result<Vec<Pane>> {
        let rows: Vec<Row> =
            sqlx::query_as("SELECT * FROM glass WHERE sign_in = ? AND until > ? ORDER BY broken_at, id")
                .bind(sign_in.0.as_bytes().as_slice())
                .bind(now.as_millis())
                .fetch_all(&self.readers)
                .await?;
        rows.into_iter().map(Pane::try_from).collect()
    }

    async fn use_glass(&self, id: Uuid, told: &AuditRecord) -> Result<bool> {
        let mut write = self.begin().await?;
        let first = sqlx::query("UPDATE glass SET used = 1 WHERE id = ? AND used = 0")
            .bind(id.as_bytes().as_slice())
            .execute(&mut *write)
            .await?;
        if first.rows_affected() == 0 {
            return Ok(false);
        }
        audit::append(&mut write, told).await?;
        write.commit().await?;
        Ok(true)
    }

    async fn close_glass(
        &self,
        id: Uuid,
        sign_in: SignInId,
        told: &AuditRecord,
    ) -> Result<Option<Vec<TokenHash>>> {
        let mut write = self.begin().await?;
        let host: Option<String> =
            sqlx::query_scalar("DELETE FROM glass WHERE id = ? AND sign_in = ? AND until > ? RETURNING host")
                .bind(id.as_bytes().as_slice())
                .bind(sign_in.0.as_bytes().as_slice())
                .bind(told.at.as_millis())
                .fetch_optional(&mut *write)
                .await?;
        let Some(host) = host else { return Ok(None) };
        finish(write, sign_in, &host, told).await.map(Some)
    }
}

/// Writes what is told, and answers whose sessions know otherwise.
async fn finish(
    mut write: Write,
    sign_in: SignInId,
    host: &str,
    told: &AuditRecord,
) -> Result<Vec<TokenHash>> {
    audit::append(&mut write, told).await?;
    let tokens: Vec<Vec<u8>> =
        sqlx::query_scalar("SELECT token FROM sessions WHERE sign_in = ? AND host = ?")
            .bind(sign_in.0.as_bytes().as_slice())
            .bind(host)
            .fetch_all(&mut *write)
            .await?;
    write.commit().await?;
    tokens.iter().map(|token| row::token(token)).collect()
}

#[derive(FromRow)]
struct Row {
    id: Vec<u8>,
    sign_in: Vec<u8>,
    host: String,
    app: String,
    rule: String,
    broken_at: i64,
    until: i64,
}

impl TryFrom<Row> for Pane {
    type Error = crate::store::StoreError;

    fn try_from(row: Row) -> Result<Self> {
        let glass = BrokenGlass {
            id: row::uuid(&row.id)?,
            app: row.app,
            rule: row.rule,
            broken_at: Timestamp::from_millis(row.broken_at),
            until: Timestamp::from_millis(row.until),
        };
        Ok(Self { sign_in: SignInId(row::uuid(&row.sign_in)?), host: row.host, glass })
    }
}
