//! `sluse audit`: security events, newest first.

use std::io::Write;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{Context, Format, table};
use crate::store::AuditRecord;
use crate::user::Username;

#[derive(Subcommand, Clone, Debug)]
pub enum Audit {
    /// Show security events, newest first
    List(List),
}

#[derive(Args, Clone, Debug)]
pub struct List {
    /// Of this person alone
    #[arg(long, value_name = "NAME", value_parser = Username::parse)]
    user: Option<Username>,
    /// At most so many
    #[arg(long, default_value_t = 50)]
    limit: u32,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub async fn run(audit: Audit, context: &Context<'_>, out: &mut impl Write) -> anyhow::Result<()> {
    let Audit::List(list) = audit;
    let user = match &list.user {
        Some(name) => Some(context.user(name).await?.id),
        None => None,
    };
    let records = context.store.audit(user, list.limit).await?;
    match list.format {
        Format::Human => {
            let rows: Vec<_> = records.iter().map(row).collect();
            let head = ["TIME", "EVENT", "USER", "ADDRESS", "CODE", "DETAIL"];
            table::write(out, head, &rows)?;
        }
        Format::Json => writeln!(out, "{:#}", Value::from_iter(records.iter().map(object)))?,
    }
    Ok(())
}

fn row(record: &AuditRecord) -> [String; 6] {
    [
        record.at.to_rfc3339(),
        record.event.clone(),
        record.username.clone().unwrap_or_default(),
        record.address.map(|address| address.to_string()).unwrap_or_default(),
        record.correlation.clone(),
        if record.detail == "{}" { String::new() } else { record.detail.clone() },
    ]
}

fn object(record: &AuditRecord) -> Value {
    json!({
        "at": record.at.to_rfc3339(),
        "event": record.event,
        "user": record.user.map(|user| user.to_string()),
        "username": record.username,
        "address": record.address,
        "correlation": record.correlation,
        "detail": serde_json::from_str::<Value>(&record.detail).unwrap_or(Value::Null),
    })
}

#[cfg(test)]
mod tests {
    use crate::cli::Refused;
    use crate::cli::fixture::Fixture;

    #[tokio::test]
    async fn events_are_listed_newest_first() {
        let fixture = Fixture::new().await;
        fixture.user(&["add", "nez", "--name", "Nez"]).await.unwrap();
        fixture.user(&["add", "bo", "--name", "Bo"]).await.unwrap();
        fixture.user(&["disable", "nez"]).await.unwrap();
        let text = fixture.audit(&["list"]).await.unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].starts_with("TIME "), "{text}");
        for (line, expected) in lines[1..].iter().zip(["user-disabled", "user-added", "user-added"]) {
            assert!(line.starts_with("2026-11-22T08:54:56.007Z  ") && line.contains(expected), "{text}");
        }
        assert_eq!(lines.len(), 4);

        let json =
            fixture.audit(&["list", "--user", "NEZ", "--limit", "1", "--format", "json"]).await.unwrap();
        let records: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(records.as_array().unwrap().len(), 1);
        assert_eq!(records[0]["event"], "user-disabled");
        assert_eq!(records[0]["username"], "nez");
        assert_eq!(records[0]["detail"]["operator"], "tester");
        assert_eq!(records[0]["address"], serde_json::Value::Null);
    }

    #[tokio::test]
    async fn nobodys_events_are_refused() {
        let fixture = Fixture::new().await;
        let refused = fixture.audit(&["list", "--user", "nobody"]).await.unwrap_err();
        assert!(refused.is::<Refused>(), "{refused}");
    }
}
