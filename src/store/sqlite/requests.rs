//! Requests that wait for a second person.

use async_trait::async_trait;
use sqlx::FromRow;

use super::{Sqlite, audit, row};
use crate::store::requests::{Request, RequestId, Requests};
use crate::store::{AuditRecord, Result, StoreError};
use crate::time::Timestamp;
use crate::user::UserId;

#[async_trait]
impl Requests for Sqlite {
    async fn ask(&self, request: &Request, told: &AuditRecord) -> Result<bool> {
        let mut write = self.begin().await?;
        // What nobody answered in time is in nobody's way.
        sqlx::query("DELETE FROM requests WHERE expires_at <= ?")
            .bind(request.asked_at.as_millis())
            .execute(&mut *write)
            .await?;
        let asked = sqlx::query(
            "INSERT INTO requests (id, action, target, user, asked_by, asked_at, expires_at)
             VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (user, action, target) DO NOTHING",
        )
        .bind(request.id.0.as_bytes().as_slice())
        .bind(&request.action)
        .bind(&request.target)
        .bind(request.user.0.as_bytes().as_slice())
        .bind(request.asked_by.0.as_bytes().as_slice())
        .bind(request.asked_at.as_millis())
        .bind(request.expires_at.as_millis())
        .execute(&mut *write)
        .await?;
        if asked.rows_affected() == 0 {
            return Ok(false);
        }
        audit::append(&mut write, told).await?;
        write.commit().await?;
        Ok(true)
    }

    async fn requests(&self, now: Timestamp) -> Result<Vec<Request>> {
        let rows: Vec<RequestRow> =
            sqlx::query_as("SELECT * FROM requests WHERE expires_at > ? ORDER BY asked_at, id")
                .bind(now.as_millis())
                .fetch_all(&self.readers)
                .await?;
        rows.into_iter().map(Request::try_from).collect()
    }

    async fn take_request(
        &self,
        id: RequestId,
        answers: UserId,
        now: Timestamp,
        told: &AuditRecord,
    ) -> Result<Option<Request>> {
        let mut write = self.begin().await?;
        let taken: Option<RequestRow> = sqlx::query_as(
            "DELETE FROM requests WHERE id = ? AND asked_by <> ? AND expires_at > ? RETURNING *",
        )
        .bind(id.0.as_bytes().as_slice())
        .bind(answers.0.as_bytes().as_slice())
        .bind(now.as_millis())
        .fetch_optional(&mut *write)
        .await?;
        let Some(taken) = taken else { return Ok(None) };
        audit::append(&mut write, told).await?;
        write.commit().await?;
        Request::try_from(taken).map(Some)
    }

    async fn withdraw_request(&self, id: RequestId, asked_by: UserId, told: &AuditRecord) -> Result<bool> {
        let mut write = self.begin().await?;
        let gone = sqlx::query("DELETE FROM requests WHERE id = ? AND asked_by = ?")
            .bind(id.0.as_bytes().as_slice())
            .bind(asked_by.0.as_bytes().as_slice())
            .execute(&mut *write)
            .await?;
        if gone.rows_affected() == 0 {
            return Ok(false);
        }
        audit::append(&mut write, told).await?;
        write.commit().await?;
        Ok(true)
    }
}

#[derive(FromRow)]
struct RequestRow {
    id: Vec<u8>,
    action: String,
    target: String,
    user: Vec<u8>,
    asked_by: Vec<u8>,
    asked_at: i64,
    expires_at: i64,
}

impl TryFrom<RequestRow> for Request {
    type Error = StoreError;

    fn try_from(row: RequestRow) -> Result<Self> {
        Ok(Self {
            id: RequestId(row::uuid(&row.id)?),
            action: row.action,
            target: row.target,
            user: UserId(row::uuid(&row.user)?),
            asked_by: UserId(row::uuid(&row.asked_by)?),
            asked_at: Timestamp::from_millis(row.asked_at),
            expires_at: Timestamp::from_millis(row.expires_at),
        })
    }
}
