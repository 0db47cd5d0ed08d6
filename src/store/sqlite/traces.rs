//! Why requests were not let through: put many at a time, forgotten by themselves.

use sqlx::{FromRow, SqlitePool};

use super::Write;
use crate::store::{Result, TraceRecord};
use crate::time::Timestamp;

pub(super) async fn put(mut write: Write, traces: &[TraceRecord]) -> Result<()> {
    for trace in traces {
        sqlx::query("INSERT OR REPLACE INTO traces (code, at, expires_at, trace) VALUES (?, ?, ?, ?)")
            .bind(&trace.code)
            .bind(trace.at.as_millis())
            .bind(trace.expires_at.as_millis())
            .bind(&trace.trace)
            .execute(&mut *write)
            .await?;
    }
    Ok(write.commit().await?)
}

pub(super) async fn by_code(readers: &SqlitePool, code: &str, now: Timestamp) -> Result<Option<TraceRecord>> {
    let row: Option<TraceRow> = sqlx::query_as("SELECT * FROM traces WHERE code = ? AND expires_at > ?")
        .bind(code)
        .bind(now.as_millis())
        .fetch_optional(readers)
        .await?;
    Ok(row.map(TraceRecord::from))
}

#[derive(FromRow)]
struct TraceRow {
    code: String,
    at: i64,
    expires_at: i64,
    trace: String,
}

impl From<TraceRow> for TraceRecord {
    fn from(row: TraceRow) -> Self {
        Self {
            code: row.code,
            at: Timestamp::from_millis(row.at),
            expires_at: Timestamp::from_millis(row.expires_at),
            trace: row.trace,
        }
    }
}
