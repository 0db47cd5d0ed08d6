//! The outbox: filled from the audit, emptied by whoever claims what is in it.

use async_trait::async_trait;
use sqlx::{FromRow, QueryBuilder};

use super::{Sqlite, audit};
use crate::store::telling::{Message, Telling};
use crate::store::{AuditPosition, AuditRecord, Result, StoreError};
use crate::time::Timestamp;

#[async_trait]
impl Telling for Sqlite {
    async fn told(&self) -> Result<Option<AuditPosition>> {
        Ok(sqlx::query_scalar("SELECT position FROM telling").fetch_optional(&self.readers).await?)
    }

    async fn tell(
        &self,
        from: Option<AuditPosition>,
        to: AuditPosition,
        messages: &[Message],
    ) -> Result<bool> {
        let mut write = self.begin().await?;
        let now: Option<AuditPosition> =
            sqlx::query_scalar("SELECT position FROM telling").fetch_optional(&mut *write).await?;
        if now != from {
            return Ok(false);
        }
        sqlx::query("INSERT OR REPLACE INTO telling (id, position) VALUES (1, ?)")
            .bind(to)
            .execute(&mut *write)
            .await?;
        for message in messages {
            // Due since ever, and not since it happened: another node's clock may be ahead of ours.
            sqlx::query(
                "INSERT INTO messages (position, channel, at, content, attempts, due_at)
                 VALUES (?, ?, ?, ?, ?, 0)",
            )
            .bind(message.position)
            .bind(&message.channel)
            .bind(message.at.as_millis())
            .bind(&message.content)
            .bind(message.attempts)
            .execute(&mut *write)
            .await?;
        }
        write.commit().await?;
        Ok(true)
    }

    async fn claim_message(
        &self,
        channels: &[&str],
        now: Timestamp,
        until: Timestamp,
    ) -> Result<Option<Message>> {
        let due = |sql: &mut QueryBuilder<sqlx::Sqlite>| {
            sql.push("SELECT position, channel FROM messages WHERE due_at <= ").push_bind(now.as_millis());
            sql.push(" AND channel IN (");
            let mut list = sql.separated(", ");
            for channel in channels {
                list.push_bind((*channel).to_owned());
            }
            sql.push(") ORDER BY due_at, position LIMIT 1");
        };
        // Nearly always there is nothing: no look takes the write lock for that.
        let mut look = QueryBuilder::new("");
        due(&mut look);
        if look.build().fetch_optional(&self.readers).await?.is_none() {
            return Ok(None);
        }
        let mut claim = QueryBuilder::new("UPDATE messages SET attempts = attempts + 1, due_at = ");
        claim.push_bind(until.as_millis()).push(" WHERE (position, channel) IN (");
        due(&mut claim);
        claim.push(") RETURNING *");
        let row: Option<MessageRow> = claim.build_query_as().fetch_optional(&self.writer).await?;
        row.map(Message::try_from).transpose()
    }

    async fn postpone_message(&self, message: &Message, due_at: Timestamp) -> Result<()> {
        sqlx::query("UPDATE messages SET due_at = ? WHERE position = ? AND channel = ?")
            .bind(due_at.as_millis())
            .bind(message.position)
            .bind(&message.channel)
            .execute(&self.writer)
            .await?;
        Ok(())
    }

    async fn finish_message(&self, message: &Message, given_up: Option<&AuditRecord>) -> Result<bool> {
        let mut write = self.begin().await?;
        let gone = sqlx::query("DELETE FROM messages WHERE position = ? AND channel = ?")
            .bind(message.position)
            .bind(&message.channel)
            .execute(&mut *write)
            .await?;
        if gone.rows_affected() == 0 {
            return Ok(false);
        }
        if let Some(record) = given_up {
            audit::append(&mut write, record).await?;
        }
        write.commit().await?;
        Ok(true)
    }

    async fn oldest_message(&self) -> Result<Option<Message>> {
        let row: Option<MessageRow> = sqlx::query_as("SELECT * FROM messages ORDER BY at LIMIT 1")
            .fetch_optional(&self.readers)
            .await?;
        row.map(Message::try_from).transpose()
    }

    async fn messages_waiting(&self) -> Result<u64> {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM messages").fetch_one(&self.readers).await?;
        Ok(count.unsigned_abs())
    }
}

#[derive(FromRow)]
struct MessageRow {
    position: i64,
    channel: String,
    at: i64,
    content: String,
    attempts: i64,
}

impl TryFrom<MessageRow> for Message {
    type Error = StoreError;

    fn try_from(row: MessageRow) -> Result<Self> {
        let MessageRow { position, channel, at, content, attempts } = row;
        let attempts = u32::try_from(attempts).map_err(|_| StoreError::Corrupt { what: "a message" })?;
        Ok(Self { position, channel, at: Timestamp::from_millis(at), content, attempts })
    }
}
